"""The report: what result.json says, legibly, safely, the same twice; and the unfolded field behind its pictures."""

import html
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from chipsim.design import design_from_dict
from chipsim.report import figures, write_page
from chipsim.report.unfold import Plane, wall_shear
from chipsim.report.units import duration, number, pascals, percent, percent_span, say
from pages import assert_nothing_to_fetch, assert_said_once, assert_well_formed, text_of

pytest.importorskip("dolfinx")

from chipsim.study.run import run  # noqa: E402

EVIL = "nine <script>alert(1)</script> & $x_{$"
FIGURES = ("drawing", "speed", "pressure", "shear", "wall", "chip", "retention", "rate-1", "breakage")


def design(flow_rate, name, cells="MDA-MB-231"):
    tables = {
        "device": {"kind": "cluster_chip"},
        "operation": {"flow_rate": flow_rate, "viscosity": "4 mPa s", "volume": "5 mL"},
        "suspension": [{"cells": cells, "sizes": [1, 2, 3, 40], "concentration": "10 /mL"}],
        "cells": {"_a <b> $c": {"diameter": "14 um", "tension": "30 pN/um", "source": "<i>mine</i>"}},
    }
    return design_from_dict(tables, name=name)


@pytest.fixture(scope="module")
def published():
    return run(design("2.5 mL/h", "cluster_chip_2015"), model="2d", refine=0.4)


@pytest.fixture(scope="module")
def other():
    return run(design("5 mL/h", EVIL, "_a <b> $c"), model="2d", refine=0.4)


@pytest.fixture(scope="module")
def pages(published, other, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    paths = folder / "published.html", folder / "other.html"
    for result, path in zip((published, other), paths, strict=True):
        write_page(result, path)
    return [path.read_text(encoding="utf-8") for path in paths]


def test_the_page_has_the_numbers_of_the_result(published, other, pages):
    for result, page in zip((published, other), pages, strict=True):
        data, text = result.to_dict(), text_of(page)
        flow = data["flow"]
        assert pascals(flow["row_pressure_drop_pa"]) in text
        assert pascals(flow["array_pressure_drop_pa"]) in text
        assert say(flow["row_resistance_per_m2"], "1/µm²", 4) in text
        assert say(flow["mean_throat_speed_m_per_s"], "µm/s") in text
        assert say(flow["peak_speed_m_per_s"], "µm/s") in text
        for value in flow["wall_shear_stress_pa"].values():
            assert pascals(value) in text and say(value, "dyn/cm²") in text
        for entry in data["capture"]:
            assert percent(entry["retained"]) in text and percent_span(entry["retained_range"]) in text
            assert percent(entry["passed"]) in text
            assert say(entry["half_push_through_flow_rate_m3_per_s"], "mL/h") in text
            assert say(entry["junction_load_n"], "nN") in text
        assert duration(data["processing_time_s"]) in text
        assert number(data["wbc_carryover_per_ml"]) in text
        assert percent(data["purity"]) in text
        for name, version in data["versions"].items():
            assert f"{name} {version}" in text


def test_every_warning_and_shortfall_is_there_once(published, other, pages):
    for result, page in zip((published, other), pages, strict=True):
        assert_said_once(page, result.warnings)


def test_no_nan_no_script_nothing_to_fetch(pages):
    for page in pages:
        assert_nothing_to_fetch(page)


def test_the_page_is_well_formed(pages):
    for page in pages:
        assert_well_formed(page)


def test_all_figures_are_there(pages):
    for page in pages:
        for name in FIGURES:
            assert f'<figure id="{name}"' in page
        assert page.count("<svg") == len(FIGURES)


def test_names_are_escaped(pages):
    assert html.escape(EVIL) in pages[1]
    assert "<script" not in pages[1] and "<b> $c" not in pages[1] and "<i>mine" not in pages[1]
    assert html.escape("_a <b> $c") in pages[1] and html.escape("<i>mine</i>") in pages[1]


def test_published_values_are_not_passed_off_as_those_of_another_chip(published, other, pages):
    assert published.comparison.is_published_chip and not other.comparison.is_published_chip
    first, second = map(text_of, pages)
    assert "not the published chip" not in first and "calibrated on it" in first
    assert "not the published chip" in second and "another chip or operation" in second
    assert "published values," not in second and "values of the published chip (not of this design)" in second
    for result, label in ((published, "published"), (other, "published chip (not this design)")):
        legend = figures.retention_curve(result.capture, result.comparison).axes[0].get_legend()
        assert label in [text.get_text() for text in legend.get_texts()]


def test_same_bytes_twice(other, pages, tmp_path):
    write_page(other, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == pages[1]


def test_figures_touch_nothing_global(published, tmp_path):
    from matplotlib._pylab_helpers import Gcf

    before, open_before = dict(matplotlib.rcParams), list(Gcf.figs)
    operation = published.design.operation
    figure = figures.cluster_chip_picture(published.flow, operation.flow_rate, operation.liquid().viscosity)
    for name in ("a.png", "b.png"):
        figures.save_png(figure, tmp_path / name, width=400)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert dict(matplotlib.rcParams) == before and list(Gcf.figs) == open_before


def test_a_suspension_without_clusters_or_without_tumour_cells(published, tmp_path):
    tables = {
        "device": {"kind": "cluster_chip"},
        "operation": {"flow_rate": "2.5 mL/h", "fluid": "buffer", "temperature": "22 degC"},
    }
    for suspension in ([], [{"cells": "MDA-MB-231", "concentration": "10 /mL"}]):
        result = run(design_from_dict({**tables, "suspension": suspension}), model="2d", refine=0.4)
        write_page(result, tmp_path / "page.html")
        assert "nan" not in text_of((tmp_path / "page.html").read_text(encoding="utf-8"))


def test_the_unfolded_array_is_the_solved_flow(published):
    flow = published.flow
    plane = Plane(flow)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-200, 200, 4000), rng.uniform(-150, 150, 4000)
    u, v, p = plane.at(x, y)
    fluid = ~np.isnan(u)
    assert 0.4 < fluid.mean() < 0.9
    # Half a pitch aside and a row on, the array is itself again, a row's pressure drop lower.
    u1, v1, p1 = plane.at(x + plane.row, y + plane.pitch / 2)
    both = fluid & ~np.isnan(u1)
    peak = flow.cell.peak_speed * 1e-6
    assert np.abs(u - u1)[both].max() < 0.05 * peak and np.abs(v - v1)[both].max() < 0.05 * peak
    drop = flow.row_resistance * 1e-12
    assert np.abs(p - p1 - drop)[both].max() < 0.05 * drop
    assert np.hypot(u, v)[fluid].max() <= peak * 1.0001
    # The same flow through every section: one over q and pitch.
    across = (np.arange(4000) + 0.5) / 4000 * plane.pitch
    for along in (-5.0, 20.0, 40.0, 90.0):
        through = np.nan_to_num(plane.at(np.full_like(across, along), across)[0]).mean() * plane.pitch
        assert through == pytest.approx(1.0, rel=0.01)


def test_streamlines_stay_in_the_fluid_and_go_downstream(published):
    plane = Plane(published.flow)
    window = plane.window(2, 3)
    lines = plane.streamlines(window, per_path=6)
    assert len(lines) >= 12
    for line in lines:
        assert line[-1, 0] >= window[1] and np.all(np.diff(line[:, 0]) > -0.3)
        assert not np.isnan(plane.at(*line.T)[0]).any()


def test_wall_shear_along_the_pillar_is_that_of_the_result(published):
    wall, numbers = wall_shear(Plane(published.flow)), published.flow.cell.shear
    assert wall.rate.max() == pytest.approx(numbers.maximum, rel=0.02)
    steps = np.linspace(0, wall.half.length, 20_000)
    assert np.median(np.interp(steps, wall.distance, wall.rate)) == pytest.approx(numbers.p50, rel=0.05)
    assert 0 < wall.corner < wall.half.length


def test_field_of_another_rank_is_refused(published):
    flow = replace(published.flow, cell=replace(published.flow.cell, field=None))
    with pytest.raises(ValueError, match="another rank"):
        wall_shear(Plane(flow))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"), (1.0, "100 %"), (0.412, "41.2 %"), (0.99825, "99.83 %"), (1.2e-4, "0.012 %"), (0.99995, "99.995 %"),
        (1e-12, "< 0.000001 %"), (None, "–"),
    ],
)  # fmt: skip
def test_percent_tells_almost_all_from_all(value, text):
    assert percent(value) == text


def test_numbers_as_people_write_them():
    assert (
        number(7.75e6) == "7.75×10⁶" and number(5.2e-5, 2) == "5.2×10⁻⁵" and number(0.00045, 2) == "0.00045"
    )
    assert say(12e-6, "µm") == "12 µm" and say(2.5e-6 / 3600, "mL/h") == "2.5 mL/h" and say(None, "nN") == "–"
    assert pascals(0.0436) == "43.6 mPa" and pascals(0.783) == "0.783 Pa"
    assert duration(7200) == "2 h" and duration(4500) == "1 h 15 min" and duration(40) == "40 s"
