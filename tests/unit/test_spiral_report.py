"""The report of a spiral and what the terminal says of it: the numbers of the result, and nothing else's."""

import html
import importlib
import json
import re
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from chipsim.capture import capture, comparison
from chipsim.capture.spiral_paths import paths
from chipsim.capture.spiral_published import HOU, WARKIANI, nearest
from chipsim.cells import cell_line_from_table
from chipsim.design import Carried, Design, Operation, load_design, published
from chipsim.report import figures, write_page
from chipsim.report.spiral import answer
from chipsim.report.spiral_maps import SectionView
from chipsim.report.units import duration, number, pascals, percent, percent_span, say, speed
from chipsim.show import VIEWS, driven_by, opening, print_design, print_result, spiral_drawing
from chipsim.study.result import Result
from chipsim.study.write import write
from geometries import DesignError
from geometries.mesh import UNIT
from geometries.spiral import Spiral
from pages import assert_nothing_to_fetch, assert_said_once, assert_well_formed, text_of

pytest.importorskip("dolfinx")

from chipsim.study.solve import solve  # noqa: E402

EVIL = "nine <script>alert(1)</script> & $x_{$"
FIGURES = ("drawing", "section", "along", "ways", "arrivals")
PUBLISHED = [name for name in published() if name.startswith("spiral_")]


@pytest.fixture(scope="module", autouse=True)
def few_paths():
    """What is on the page does not depend on how many are followed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("chipsim.capture.body_sizes"), "CLASSES", 4)
        patch.setattr(importlib.import_module("chipsim.capture.spiral"), "PATHS", 2**5)
        yield


def result_of(operation, suspension=(), name="spiral", device=None):
    device = device or Spiral()
    flow = solve(device, operation=operation, refine=0.5)
    return Result(
        Design(device, operation, suspension, name=name),
        flow,
        capture(device, flow, operation, suspension),
        comparison(device, flow, operation),
        0,
    )


@pytest.fixture(scope="module")
def blood():
    operation = Operation(
        sample_flow_rate="100 uL/min", sheath_flow_rate="750 uL/min", fluid="water", volume="6 mL"
    )
    leukocytes = Carried(cells="leukocyte", concentration="4e6 /mL")
    return result_of(
        operation, (Carried(cells="MDA-MB-231", sizes=(1, 2, 4), concentration="50 /mL"), leukocytes)
    )


@pytest.fixture(scope="module")
def outward():
    """One inlet, no sheath, the outer outlet kept; bodies beyond the table of lift, and fixed clusters."""
    device = Spiral(inlet_widths=["500 um"], outlet_widths=["200 um", "300 um"], direction="outward")
    operation = Operation(sample_flow_rate="1.5 mL/min", viscosity="1 mPa s", collect="outer")
    spheroids = cell_line_from_table("spheroid", {"diameter": "70 um", "diameter_cv": 0.05})
    carried = (
        Carried(cells=spheroids, concentration="1 /mL"),
        Carried(cells="MDA-MB-231", sizes=(3,), concentration="1 /mL", state="fixed"),
    )
    return result_of(operation, carried, name=EVIL, device=device)


@pytest.fixture(scope="module")
def pages(blood, outward, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    made = []
    for i, result in enumerate((blood, outward)):
        write_page(result, folder / f"{i}.html")
        made.append((result, (folder / f"{i}.html").read_text(encoding="utf-8")))
    return made


# -- the page -------------------------------------------------------------------------------------------------------------
def test_the_page_has_the_numbers_of_the_flow(pages):
    for result, page in pages:
        flow, text = result.to_dict()["flow"], text_of(page)
        bends = flow["bends"]["dean"]
        assert f"Reynolds number {number(flow['reynolds'])}" in text
        assert (
            f"Dean number {number(flow['dean'])}; along the channel {number(min(bends))} to {number(max(bends))}"
            in text
        )
        assert f"secondary flow, mean over the section {speed(flow['secondary_speed_mean_m_per_s'])}" in text
        assert f"pressure drop {pascals(flow['pressure_drop_pa'], 4)}" in text
        assert f"that of a straight channel {number(flow['friction_ratio'], 6)}" in text
        stress = flow["wall_shear_stress_pa"]
        assert f"mean, largest {pascals(stress['mean'])}, {pascals(stress['max'])}" in text
        assert f"residence time {duration(flow['residence_time_s'])}" in text
        assert percent(flow["discretisation_error"]["pressure_drop"]) in text


def test_the_page_has_the_numbers_of_the_capture(pages):
    for result, page in pages:
        data, text = result.to_dict(), text_of(page)
        for e in data["capture"]:
            of = f"{e['cells']} {e['n']} {say(e['diameter_m'], 'µm')}"
            assert of in text
            for name in ("inner", "outer"):
                assert e["outlets"][name] == 0 or percent(e["outlets"][name]) in text
                assert percent_span(e["outlets"][f"{name}_range"]) in text or name == "outer"
            p5, p50, p95 = (number(e["position_from_inner_wall_m"][p] * 1e6) for p in ("p5", "p50", "p95"))
            assert f"{p50}, {p5}–{p95} µm" in text
            assert pascals(e["peak_shear_pa"]) in text and say(e["junction_load_n"], "nN") in text
            if e["extrapolated"]:
                assert f"{of} * {percent(e['extrapolated'])}" in text and "beyond the table of lift" in text
        line = data["capture_model"]["outlet_line_from_inner_wall_m"]
        assert f"outlets part {say(line, 'µm')} from the inner wall" in text
        assert number(data["wbc_carryover_per_ml"]) in text
        for point in data["published"]["points"]:
            assert f"{point['name']} {percent(point['predicted'])}" in text and point["source"] in text


def test_what_is_fixed_or_beyond_the_table_is_told(outward, pages):
    text = text_of(pages[1][1])
    by_name = {e.cells: e for e in outward.capture.entries}
    assert by_name["spheroid"].extrapolated > 0.9 and by_name["MDA-MB-231"].broken is None
    assert "passed whole by the other" in text and "unknown" in text
    assert "Fate: retained leave whole by the outer outlet" in text


def test_the_answer_is_made_of_the_results_numbers(blood, outward):
    said = answer(blood)
    assert said.startswith("At 100 µL/min of sample beside 750 µL/min of sheath, ")
    for e in blood.capture.entries:
        share = e.outlets["inner"]
        assert (percent(share.value) if share.value else f"< {percent(share.ci95[1])}") in said
    assert "leave by the inner outlet" in said and "6 mL take 1 h" in said
    whole = [e.intact.value for e in blood.capture.entries if e.n > 1]
    assert f"{percent(min(whole))} to {percent(max(whole))} of the clusters stay whole" in said
    assert "of sample, " in answer(outward) and "leave by the outer outlet" in answer(outward)
    assert "whole" not in answer(outward)  # of fixed clusters nothing is known


def test_every_figure_is_there(pages):
    for _, page in pages:
        for name in FIGURES:
            assert f'<figure id="{name}"' in page
        assert page.count("<svg") == page.count("<figure ") == len(FIGURES)


def test_every_warning_and_shortfall_is_there_once(pages):
    for result, page in pages:
        assert_said_once(page, result.warnings)


def test_a_sample_that_is_not_dilute_is_warned_of(blood):
    assert not any("not dilute" in w for w in blood.warnings)
    red = Carried(cells="red blood cell", concentration="2.6e9 /mL")
    found = capture(blood.design.device, blood.flow, blood.design.operation, (red,))
    assert any("cells take up 0.23 of the sample's volume" in w for w in found.warnings)


def test_the_page_is_well_formed_and_fetches_nothing(pages):
    for _, page in pages:
        assert_well_formed(page)
        assert_nothing_to_fetch(page)


def test_names_are_escaped(pages):
    _, page = pages[1]
    assert html.escape(EVIL) in page and "<script" not in page


def test_same_bytes_twice(pages, tmp_path):
    result, page = pages[0]
    write_page(result, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_what_is_written(blood, tmp_path):
    import meshio

    files = write(blood, tmp_path)
    assert {f.name for f in files} == {"fields.vtu", "report.html", "result.json", "run.json"}
    data = json.loads((tmp_path / "result.json").read_text())
    assert {"reynolds", "dean", "friction_ratio", "secondary_speed_mean_m_per_s", "axial_maximum_half_heights",
            "pressure_drop_pa"} <= set(data["flow"])  # fmt: skip
    entry = {"cells", "n", "diameter_m", "outlets", "position_from_inner_wall_m", "intact", "peak_shear_pa", "extrapolated",
             "retained", "passed", "broken"}  # fmt: skip
    assert all(entry <= set(row) for row in data["capture"])
    mesh = meshio.read(tmp_path / "fields.vtu")
    assert set(mesh.point_data) == {"velocity_m_per_s"}
    along = mesh.point_data["velocity_m_per_s"][:, 2]
    assert along.max() == pytest.approx(
        blood.flow.middle.peak_speed * data["flow"]["mean_speed_m_per_s"], rel=1e-3
    )


# -- figures --------------------------------------------------------------------------------------------------------------
def test_the_picture_carries_the_flow(blood):
    view = SectionView(blood.flow, blood.design.operation)
    x, y, (u, v, w) = view.image
    x0, x1, y0, y1 = view.window
    assert (x1, y1) == pytest.approx((500.0, 160.0))
    through = w.mean() * (x1 - x0) * (y1 - y0) * UNIT**2
    assert through == pytest.approx(blood.design.operation.flow_rate, rel=1e-3)
    assert np.hypot(u, v).mean() == pytest.approx(
        blood.flow.secondary_speed(blood.design.operation), rel=1e-2
    )
    # Outward in the middle, back along floor and ceiling (but in the corners); the two vortices mirror each other.
    middle = slice(40, -40)
    assert u[len(u) // 2].min() > 0 and u[2, middle].max() < 0 and u[-3, middle].max() < 0
    assert view.stream == pytest.approx(-view.stream[::-1], abs=2e-3)
    assert np.abs(view.stream[-1]).max() < 1e-2  # as much flows out as in


def test_the_ways_begin_in_the_sample_and_end_where_the_model_says(blood):
    setting, entry = blood.capture.setting, blood.capture.entry("MDA-MB-231", 1)
    found = paths(entry.diameter, setting, count=32)
    assert found.across.shape == found.height.shape == (len(found.along), 32)
    assert found.along[0] == 0 and found.along[-1] == pytest.approx(0.1)
    assert found.across[0].min() >= blood.capture.sample_line - 1e-9
    radius = entry.diameter / 2
    assert found.across.min() >= radius - 1e-9 and found.across.max() <= 500e-6 - radius + 1e-9
    assert np.abs(found.height).max() <= 80e-6 - radius + 1e-9
    near = np.sort(np.abs(np.median(entry.across, axis=1) - np.median(found.across[-1])))
    assert near[0] < 5e-6  # as one of the sizes that the fate is made of
    with pytest.raises(DesignError, match="does not fit"):
        paths(200e-6, setting)


def test_the_figures_show_the_result(blood):
    device, captured, operation = blood.design.device, blood.capture, blood.design.operation
    axes = figures.arrivals(device, captured).axes[0]
    line = next(line for line in axes.lines if len(set(line.get_xdata())) == 1)
    assert line.get_xdata()[0] == pytest.approx(captured.outlet_line / UNIT)
    said = {text.get_text() for text in axes.texts}
    assert {percent(e.outlets["outer"].value) for e in captured.entries if e.outlets["outer"].value} <= said
    shown = [(e, paths(e.diameter, captured.setting)) for e in captured.entries]
    figure = figures.ways(device, captured, shown)
    assert len(figure.axes) == 2 * len(shown)
    panels = figures.along_the_way(blood.flow, operation).axes
    dean, numbers = panels[1].lines[0].get_ydata(), blood.flow.to_dict(operation)
    # Solved at the radii, along the channel by its curvature, which is a little less than their inverse.
    bends = numbers["bends"]["dean"]
    assert (dean[0], dean[-1]) == pytest.approx((min(bends), max(bends)), rel=1e-3)
    middle = np.interp(numbers["dean"], dean, panels[2].lines[0].get_ydata())
    assert middle == pytest.approx(numbers["secondary_speed_mean_m_per_s"] * 1e3, rel=1e-2)


def test_the_readmes_picture_shows_the_result(blood, tmp_path):
    view, captured = SectionView(blood.flow, blood.design.operation), blood.capture
    shown = [captured.entry("leukocyte"), captured.entry("MDA-MB-231", 1)]
    figure = figures.spiral_picture(view, captured, shown)
    plan, section, *ways = figure.axes[:4]
    assert {text.get_text() for text in plan.texts} == {
        "inlet, sample", "inlet, sheath", "outlet, inner", "outlet, outer"
    }  # fmt: skip
    fastest = blood.flow.middle.peak_speed * blood.flow.mean_speed(blood.design.operation)
    assert section.images[0].get_array().max() == pytest.approx(fastest, rel=1e-3)  # m/s
    for axes, entry in zip(ways, shown, strict=True):
        assert axes.get_title(loc="left").startswith(entry.cells)
        assert axes.lines[-1].get_xdata()[0] == pytest.approx(captured.outlet_line / UNIT)
    for name in ("a.png", "b.png"):
        figures.save_png(figure, tmp_path / name, width=400)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_figures_touch_nothing_global(blood):
    from matplotlib._pylab_helpers import Gcf

    before, open_before = dict(matplotlib.rcParams), list(Gcf.figs)
    figures.section_map(blood.flow, blood.design.operation)
    assert dict(matplotlib.rcParams) == before and list(Gcf.figs) == open_before


def test_a_flow_of_another_rank_has_no_picture(blood):
    cell = blood.flow.cell
    away = replace(blood.flow, cell=replace(cell, field=None))
    with pytest.raises(ValueError, match="not kept"):
        figures.section_map(away, blood.design.operation)


# -- published designs and the terminal -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_spiral_can_be_made(name, capsys):
    design = load_design(published()[name])
    assert isinstance(design.device, Spiral) and not design.device.problems(design.limits)
    print_design(design)
    said = capsys.readouterr().out
    assert "breaks no design rule" in said and "█" in said and "what leaves by the inner outlet" in said
    # Every number says how it is known.
    for line in published()[name].read_text().splitlines():
        if re.match(r"\w+ = .*\d", line):
            assert re.search(r"# (read|recalled|derived|assumed)\b", line), line


def test_the_published_numbers():
    assert len(PUBLISHED) == 2
    hou, warkiani = (load_design(published()[name]) for name in PUBLISHED)
    assert hou.device == Spiral() and nearest(hou.device) is HOU
    assert hou.operation.flow_rate == pytest.approx(850e-9 / 60)
    assert warkiani.device.heights == (80e-6, 130e-6) and nearest(warkiani.device) is WARKIANI
    assert warkiani.device.inlets == ("inlet",) and warkiani.device.length == pytest.approx(0.804, rel=1e-3)


def test_the_drawing_is_filled_where_the_channel_is():
    device = Spiral()
    rows = spiral_drawing(device)
    assert {len(row) for row in rows} == {76}
    filled = sum({"█": 2, "▀": 1, "▄": 1, " ": 0}[glyph] for row in rows for glyph in row) / (
        2 * 76 * len(rows)
    )
    x, y = device.footprint
    assert filled == pytest.approx(device.channel().frame.area * UNIT**2 / (x * y), rel=0.03)


def test_dimensions_and_drive_of_a_spiral(blood, outward):
    said = VIEWS["spiral"].dimensions(blood.design.device)
    assert said["radius"] == "3.5 mm to 6.5 mm" and said["inlet, sample"] == "250 um"
    assert opening(blood.design.device) == "500 x 160 um channel"
    slanted = Spiral(inner_height="80 um", outer_height="130 um")
    assert opening(slanted) == "500 x 80 to 130 um channel"
    assert driven_by(blood.design) == ("sample", "100 uL/min, sheath 750 uL/min")
    assert driven_by(outward.design) == ("sample", "1500 uL/min")
    assert VIEWS["spiral"].dimensions(outward.design.device)["inlet"] == "500 um"


def test_the_main_numbers_of_a_run_are_printed(blood, outward, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    print_result(blood)
    said = capsys.readouterr().out
    flow = blood.flow.to_dict(blood.design.operation)
    assert f"Dean number {flow['dean']:.3g}, pressure drop {pascals(flow['pressure_drop_pa'])}" in said
    assert "6 mL take 1 h" in said
    (times,) = blood.capture.enrichment.values()
    assert ("-fold over leukocytes" in said) == (times is not None)
    for e in blood.capture.entries:
        inner, outer = (e.outlets[name].value for name in ("inner", "outer"))
        assert re.search(rf"{e.cells} +{e.n} +[\d.]+ um +{inner:.3f} +{outer:.3f} ", said)
    assert said.count("note:") == len(blood.warnings)
    print_result(outward)
    said = capsys.readouterr().out
    assert "* beyond the table of lift" in said and "by the outer one leave" in said
