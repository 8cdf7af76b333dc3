"""The README's picture of a pore filter."""

import numpy as np
import pytest

from chipsim.design import Operation
from chipsim.report import figures
from geometries.pore_filter import PoreFilter

pytest.importorskip("dolfinx")

from chipsim.study.solve import solve  # noqa: E402


def test_the_picture_shows_the_membrane_and_the_flow_of_the_result(tmp_path):
    membrane = PoreFilter(spot_diameter="3 mm")
    flow, operation = solve(membrane), Operation(pressure="1 kPa", fluid="water", volume="1 mL")
    figure = figures.pore_filter_picture(flow, operation)
    above, along = figure.axes[:2]
    # As many pores as the density says, within three standard deviations.
    (x0, x1), drawn = above.get_xlim(), sum(len(c.get_paths()) for c in above.collections)
    assert drawn == pytest.approx(membrane.density * ((x1 - x0) * 1e-6) ** 2, abs=3 * np.sqrt(150))
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert said[0] == f"alone, {100 * membrane.statistics().isolated:.1f} %"
    fastest = along.images[0].get_array().max()  # m/s; in the middle of a long pore twice the mean
    assert fastest == pytest.approx(2 * flow.mean_speed(operation), rel=0.03)
    for name in ("a.png", "b.png"):
        figures.save_png(figure, tmp_path / name, width=400)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
