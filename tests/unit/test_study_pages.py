"""The pages of sweeps and optimisations: what the Dataset says, whatever it is, and nothing else's."""

import re

import matplotlib
import numpy as np
import pytest

from chipsim.report import figures
from chipsim.report.optimum import answer, optimum_page, write_optimum_page
from chipsim.report.optimum_columns import trials_of
from chipsim.report.study_columns import points_of
from chipsim.report.study_overview import correlation
from chipsim.report.study_tables import grouped
from chipsim.report.sweep import sweep_page, write_sweep_page
from geometries import DesignError
from pages import assert_nothing_to_fetch, assert_well_formed, text_of
from study_datasets import ML_H, UM, optimum_dataset, sampled, sweep_dataset

GAPS = [g * UM for g in (8, 9, 10, 12, 14)]
RATES = [r * ML_H for r in (0.5, 1, 2, 4, 8)]
LINES = ["MDA-MB-231", "HeLa"]
EVIL = "nine <script>alert(1)</script> & $x_{$"
LINKS = r"points/[0-9a-f]+/design\.toml|front/\d+\.toml"
OBJECTIVES = [("pairs",), ("pairs", "throughput"), ("pairs", "throughput", "leukocytes")]
SWEEPS = {
    "one": {"flow_rate": RATES},
    "two": {"gap": GAPS, "flow_rate": RATES},
    "names": {"suspension_0_cells": LINES},
    "names and numbers": {"suspension_0_cells": LINES, "flow_rate": RATES},
    "two names": {"suspension_0_cells": LINES, "fluid": ["water", "buffer"]},
    "three": {"gap": GAPS[1:], "daughter_gap": GAPS[1:3], "flow_rate": RATES[:3]},
    "one point": {"flow_rate": RATES[:1]},
    "nothing done": {"gap": [7 * UM, 8 * UM]},
}


def assert_page(page, most=2_000_000):
    assert_nothing_to_fetch(page, LINKS, most)
    assert_well_formed(page)


def pictures(page):
    return re.findall(r'<figure id="([\w-]+)"', page)


@pytest.mark.parametrize("name", SWEEPS)
def test_any_sweep_has_a_page(name):
    dataset = sweep_dataset(SWEEPS[name])
    page = sweep_page(dataset)
    assert_page(page)
    points = points_of(dataset)
    assert f"{len(points)} point" in text_of(page) or name == "one point"
    expected = {"one point": 0, "nothing done": 0}
    assert bool(pictures(page)) is (expected.get(name) != 0)
    rows = re.search(r"<h2>The points</h2>.*?</section>", page, re.DOTALL)[0].count("<tr>") - 1
    assert rows == len(points)


def test_the_same_dataset_gives_the_same_bytes_and_is_left_as_it_is(tmp_path):
    dataset = sweep_dataset(SWEEPS["two"])
    before = dataset.copy(deep=True)
    settings = dict(matplotlib.rcParams)
    write_sweep_page(dataset, tmp_path / "report.html")
    first = (tmp_path / "report.html").read_bytes()
    write_sweep_page(dataset, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == first
    assert dataset.identical(before) and dict(matplotlib.rcParams) == settings
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    optimum = optimum_dataset(40)
    assert optimum_page(optimum) == optimum_page(optimum)


def test_a_dataset_from_its_file_gives_the_same_page(tmp_path):
    import xarray as xr

    for dataset, page in ((sweep_dataset(SWEEPS["two"]), sweep_page), (optimum_dataset(40), optimum_page)):
        dataset.to_netcdf(tmp_path / "study.nc", engine="h5netcdf")
        assert page(xr.load_dataset(tmp_path / "study.nc", engine="h5netcdf")) == page(dataset)


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DesignError, match="cannot be written"):
        write_sweep_page(sweep_dataset(SWEEPS["one point"]), tmp_path / "file" / "report.html")


def test_numbers_are_those_of_the_dataset_in_units_of_the_laboratory():
    dataset = sweep_dataset(SWEEPS["two"], fail=False)
    text = text_of(sweep_page(dataset))
    drop = dataset["array_pressure_drop"]
    least = drop.where(drop == drop.min(), drop=True)
    gap, rate = float(least["gap"][0]) / UM, float(least["flow_rate"][0]) / ML_H
    assert f"array pressure drop {float(drop.min()):.4g} Pa gap {gap:g} µm, flow rate {rate:g} mL/h" in text
    pairs = 100 * dataset["retained"].isel(body=1)
    assert f"retained: 2-cell MDA-MB-231 {float(pairs.min()):.1f} %" in text
    assert "Everywhere the same: plug factor = 1.99" in text
    assert "all 25 points have a result" in text and "Points without a result" not in text


def test_points_without_a_result_are_counted_and_marked():
    dataset = sweep_dataset(SWEEPS["two"])
    points = points_of(dataset)
    status, count, message, first = grouped(points)[0]
    assert (status, count, first) == ("refused", 5, 0) and "too deep" in message
    page = sweep_page(dataset)
    assert "19 of 25 points have a result: 5 were refused and 1 failed" in text_of(page)
    assert "Crosses: points without a result." in page
    assert f'<a href="points/{points.key[0]}/design.toml">1</a>' in page


def test_messages_that_differ_in_numbers_are_one():
    dataset = sweep_dataset({"gap": [6 * UM, 7.5 * UM, 8 * UM, 10 * UM]})
    ((status, count, message, first),) = grouped(points_of(dataset))
    assert (status, count, first) == ("refused", 3, 0) and "gap of 6 um" in message


def test_what_a_user_wrote_is_text():
    dataset = sweep_dataset(
        {"suspension_0_cells": [EVIL, "HeLa"], "flow_rate": RATES}, title=EVIL, only=["purity"]
    )
    dataset = dataset.rename(purity="a <b> $x")
    dataset["message"][0, 0], dataset["status"][0, 0] = EVIL, "failed"
    dataset["key"][0, 1] = '"><script>'
    dataset.attrs["design"] = EVIL
    page = sweep_page(dataset)
    assert_page(page)
    assert "<script" not in page and "a <b> $x" in text_of(page) and EVIL in text_of(page)
    optimum = optimum_dataset(30).assign_attrs(title=EVIL)
    optimum = optimum.rename(pairs="a <b> $x")
    assert_page(optimum_page(optimum))
    assert EVIL in text_of(optimum_page(optimum))


def test_nan_everywhere_in_a_result_that_is_done():
    dataset = sweep_dataset(SWEEPS["two"], fail=False)
    dataset["purity"][:] = np.nan
    dataset["junction_load"][1:] = np.nan
    dataset["retained"][:, :, 2] = np.nan
    page = sweep_page(dataset)
    assert_page(page)
    assert "Without a number at any point: purity, retained: 3-cell MDA-MB-231" in text_of(page)


def test_a_result_that_is_text():
    dataset = sweep_dataset(SWEEPS["one"], only=["purity"], bodies=False)
    dataset["driven_by"] = (
        ("flow_rate",),
        np.array(["flow", "flow", "", "pressure", "pressure"], object),
        {"result": "x.y"},
    )
    page = sweep_page(dataset)
    assert_page(page)
    assert "driven by" in text_of(page)


def test_kinds_of_cells_that_no_point_has_together_are_one_result():
    dataset = sweep_dataset(SWEEPS["names and numbers"], fail=False)
    apart = dataset["retained"].values
    bodies = apart.shape[-1]
    # As a sweep has it: sizes of each kind, then the blood cells.
    split = np.full((*apart.shape[:2], 2 * 7 + 2), np.nan)
    split[0, :, :7], split[1, :, 7:14], split[..., 14:] = apart[0, :, :7], apart[1, :, :7], apart[..., 7:]
    dims, attrs = dataset["retained"].dims, dataset["retained"].attrs
    cells = [*["MDA-MB-231"] * 7, *["HeLa"] * 7, *dataset["cells"].values[7:]]
    n = [*dataset["n"].values[:7], *dataset["n"].values[:7], 1, 1]
    made = dataset.drop_vars(["retained", "cells", "n"]).assign(retained=(dims, split, attrs))
    made = made.assign_coords(cells=("body", cells), n=("body", n))
    family = points_of(made).family("retained")
    assert len(family) == bodies and family[1].label == "retained: 2-cell clusters"
    assert np.array_equal(family[1].values, apart[..., 1].ravel())
    assert_page(sweep_page(made))


def test_a_thousand_points_stay_small():
    dataset = sampled(1000)
    page = sweep_page(dataset)
    assert_page(page, most=3_000_000)
    text = text_of(page)
    assert "The first 200 of 1000 points" in text
    assert page.count("data:image/png;base64,") >= 8  # scattered points are pictures


def test_units_follow_the_size_of_the_values():
    dataset = sweep_dataset({"gap": [1.5e-3, 2e-3], "tension": [1e-5, 2e-5]}, fail=False, bodies=False)
    gap, tension = points_of(dataset).parameters
    assert (gap.axis, gap.span()) == ("gap, mm", "1.5, 2 mm")
    assert tension.axis == "tension of MDA-MB-231, pN/µm"
    points = points_of(sweep_dataset({"flow_rate": RATES}))
    assert points.parameters[0].logarithmic and points.column("purity").write(0.1234) == "12.3 %"
    assert points.column("wbc_carryover_per_ml").axis == "wbc carryover, /mL"
    filtered = sweep_dataset({"flow_rate": RATES}).assign_attrs(device="pore_filter")
    assert points_of(filtered).parameters[0].span() == "0.008333 to 0.1333 mL/min"


def test_even_values_are_linear_and_those_of_a_logarithm_are_not():
    even = points_of(sweep_dataset({"flow_rate": list(np.linspace(1, 9, 5) * ML_H)})).parameters[0]
    assert not even.logarithmic
    many = points_of(sampled(200))
    assert [p.logarithmic for p in many.parameters if p.numeric] == [False, False, True]


def test_rank_correlation():
    points = points_of(sweep_dataset({"flow_rate": RATES}, fail=False))
    rate = points.parameters[0]
    assert correlation(rate, points.column("array_pressure_drop")) == pytest.approx(1)
    assert correlation(rate, points.column("processing_time")) == pytest.approx(-1)
    assert np.isnan(correlation(rate, points.column("plug_factor")))


def test_figures_say_what_they_cannot_draw():
    three = sweep_dataset(SWEEPS["three"])
    with pytest.raises(ValueError, match="3 parameters vary"):
        figures.result_curves(three, "purity")
    with pytest.raises(ValueError, match="name two of them: gap"):
        figures.result_map(three, "purity")
    with pytest.raises(KeyError, match="the study has no result pruity; it has"):
        figures.main_effects(three, "pruity")
    with pytest.raises(ValueError, match="two objectives"):
        figures.pareto_front(optimum_dataset(20, objectives=("pairs",)))
    with pytest.raises(ValueError, match="no constraint"):
        figures.constraint_margins(optimum_dataset(20, limits={}))
    none = optimum_dataset(20, limits={"junction_load": ("at_most", 0.0)})
    with pytest.raises(ValueError, match="no trial is on the front"):
        figures.along_the_front(none)


def test_maps_have_the_value_of_each_point_in_its_cell():
    dataset = sweep_dataset(SWEEPS["two"], fail=False)
    figure = figures.result_map(dataset, "purity", x="flow_rate", y="gap")
    (mesh,) = figure.axes[0].collections
    assert np.allclose(mesh.get_array(), 100 * dataset["purity"].transpose("gap", "flow_rate").values)


def test_curves_go_through_the_points():
    dataset = sweep_dataset(SWEEPS["one"], fail=False)
    (line,) = figures.result_curves(dataset, "purity").axes[0].lines
    assert np.allclose(line.get_xdata(), np.array(RATES) / ML_H)
    assert np.allclose(line.get_ydata(), 100 * dataset["purity"].values)
    both = sweep_dataset(SWEEPS["two"], fail=False)
    assert len(figures.result_curves(both, "purity").axes[0].lines) == len(GAPS)
    whatever_the_gap = figures.result_curves(both, "processing_time", "flow_rate")
    assert len(whatever_the_gap.axes[0].lines) == 1


# -- optimisations --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("objectives", OBJECTIVES)
def test_any_optimisation_has_a_page(objectives, tmp_path):
    dataset = optimum_dataset(80, objectives=objectives)
    write_optimum_page(dataset, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert_page(page)
    trials = trials_of(dataset)
    assert ("front" in pictures(page)) is (len(objectives) > 1)
    for rank in range(1, len(trials.front) + 1):
        assert page.count(f'<a href="front/{rank:02d}.toml">') == 1


def test_the_answer_of_one_objective_is_the_best_feasible_trial():
    dataset = optimum_dataset(120, objectives=("pairs",))
    best = int(np.nanargmax(dataset["pairs"].where(dataset["feasible"]).values))
    assert dataset["front"].values[best]
    said = answer(trials_of(dataset))
    assert f"is {100 * float(dataset['pairs'][best]):.1f} %" in said
    assert f"gap {float(dataset['gap'][best]) / UM:.4g} µm" in said
    assert f"trial {best}" in text_of(optimum_page(dataset))


def test_designs_of_the_front_are_numbered_as_their_files():
    """The best of the first objective first."""
    trials = trials_of(optimum_dataset(200, limits={}))
    pairs = trials.objectives[0].values[trials.front]
    assert len(pairs) > 3 and (np.diff(pairs) <= 0).all()
    least = trials_of(optimum_dataset(200, objectives=("leukocytes", "throughput"), limits={}))
    assert (np.diff(least.objectives[0].values[least.front]) >= 0).all()
    assert trials.file(3) == "03.toml"


def test_no_feasible_trial_is_said_and_the_nearest_is_shown():
    dataset = optimum_dataset(60, limits={"junction_load": ("at_most", 0.001e-9)})
    page = optimum_page(dataset)
    assert_page(page)
    text = text_of(page)
    assert "Not one of 60 trials is within all limits" in text and "The nearest to the limits" in text
    trials = trials_of(dataset)
    nearest = int(np.nanargmin(dataset["junction_load"].values))
    assert trials.least_violated()[0] == nearest
    assert f"{dataset['junction_load'].values[nearest] / 0.001e-9 - 1:.2g} times it" in text


def test_a_lower_limit_and_both_limits():
    dataset = optimum_dataset(60, limits={"single_cells": ("at_most", 0.2)})
    dataset["single_cells"].attrs["at_least"] = 0.001
    trials = trials_of(dataset)
    assert [c.words for c in trials.constraints] == ["at most 20 %", "at least 0.1 %"]
    value = dataset["single_cells"].values[0]
    assert trials.constraints[1].excess[0] == pytest.approx((0.001 - value) / 0.001)
    assert_page(optimum_page(dataset))


def test_nothing_done():
    dataset = optimum_dataset(5)
    dataset["status"][:], dataset["message"][:] = "failed", "no mesh"
    for name in ("pairs", "throughput", "single_cells", "junction_load"):
        dataset[name][:] = np.nan
    dataset["front"][:] = False
    dataset["feasible"][:] = False
    page = optimum_page(dataset)
    assert_page(page)
    assert "Not one of 5 trials has a result" in text_of(page)
    assert_page(optimum_page(optimum_dataset(1)))


def test_the_best_so_far_only_gets_better():
    trials = trials_of(optimum_dataset(120, objectives=("pairs",)))
    best = trials.best_so_far(trials.objectives[0])
    known = best[np.isfinite(best)]
    assert len(known) and (np.diff(known) >= 0).all()
    assert known[-1] == trials.objectives[0].values[trials.front].max()


def test_a_thousand_trials_stay_small():
    page = optimum_page(optimum_dataset(1000))
    assert_page(page)
