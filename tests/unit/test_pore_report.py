"""The report of a pore filter and what the terminal says of it: the numbers of the result, and nothing else's."""

import html
import re
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import shapely

from chipsim.capture import capture, comparison
from chipsim.capture.pore_published import RECOVERY
from chipsim.design import Carried, Design, Operation
from chipsim.report import figures, write_page
from chipsim.report.openings import openings
from chipsim.report.pore_filter import answer
from chipsim.report.pore_maps import PorePlane
from chipsim.report.sheet import Sheet
from chipsim.report.units import (
    brief,
    duration,
    flow_rate,
    number,
    pascals,
    percent,
    percent_span,
    say,
    speed,
    volume,
)
from chipsim.show import VIEWS, driven_by, filter_drawing, opening, print_result
from chipsim.study.result import Result
from geometries.bores import Bore
from geometries.membrane_mesh import mesh_bores, unit_cell
from geometries.mesh import UNIT
from geometries.pore_filter import PoreFilter
from pages import assert_nothing_to_fetch, assert_said_once, assert_well_formed, text_of

pytest.importorskip("dolfinx")

from chipsim.flow import pore  # noqa: E402
from chipsim.flow.pore_result import PoreFlow  # noqa: E402
from chipsim.flow.stokes import solve as solve_stokes  # noqa: E402
from chipsim.study.solve import solve  # noqa: E402

EVIL = "nine <script>alert(1)</script> & $x_{$"
FIGURES = ("membrane", "speed", "pressure", "flow-shares", "retained", "filtration", "recovery")


def result_of(device, operation, suspension=(), name="filter", model=None, seed=0):
    flow = solve(device, model)
    return Result(
        Design(device, operation, suspension, name=name),
        flow,
        capture(device, flow, operation, suspension, seed=seed),
        comparison(device, flow, operation, seed=seed),
        seed,
    )


def carried(state="live", sizes=(1, 2, 3, 5)):
    return Carried(cells="MDA-MB-231", sizes=sizes, concentration="10 /mL", state=state)


@pytest.fixture(scope="module")
def etched():
    operation = Operation(pressure="1 kPa", fluid="diluted blood", volume="1 mL")
    return result_of(PoreFilter(spot_diameter="3 mm"), operation, (carried(), carried("fixed")))


@pytest.fixture(scope="module")
def slits():
    """Pores all alike, driven by a flow rate, with a rinse; no tumour cells."""
    device = PoreFilter(
        pore="slit", width="6 um", length="30 um", placement="square", tolerance=0.0, spot_diameter="3 mm"
    )
    operation = Operation(flow_rate="0.2 mL/min", fluid="buffer", volume="1 mL", rinse_time="5 min")
    return result_of(device, operation, name=EVIL, model="2d")


@pytest.fixture(scope="module")
def blocking():
    """Fixed blood at a pressure below the threshold of its leukocytes."""
    operation = Operation(pressure="10 Pa", fluid="whole blood", volume="10 mL")
    return result_of(PoreFilter(spot_diameter="1 mm"), operation, (carried("fixed", (1, 2)),))


@pytest.fixture(scope="module")
def pages(etched, slits, blocking, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    made = []
    for i, result in enumerate((etched, slits, blocking)):
        write_page(result, folder / f"{i}.html")
        made.append((result, (folder / f"{i}.html").read_text(encoding="utf-8")))
    return made


# -- the page -------------------------------------------------------------------------------------------------------------
def test_the_page_has_the_numbers_of_the_flow(pages):
    for result, page in pages:
        data, text = result.to_dict(), text_of(page)
        flow, pores = data["flow"], data["pores"]
        for value, unit, digits in (
            (flow["pore_resistance_pa_s_per_m3"], "Pa s/m³", 5),
            (flow["spot_resistance_pa_s_per_m3"], "Pa s/m³", 4),
            (flow["pore_flow_rate_m3_per_s"], "nL/s", 3),
        ):
            assert say(value, unit, digits) in text
        assert flow_rate(flow["flow_rate_m3_per_s"], 4) in text and pascals(flow["pressure_pa"], 4) in text
        assert f"{speed(flow['mean_bore_speed_m_per_s'])}, {speed(flow['peak_speed_m_per_s'])}" in text
        assert f"residence time in its bore {brief(flow['bore_residence_time_s'])}" in text
        assert f"Reynolds number {number(flow['reynolds'])}" in text
        assert f"wall shear stress in its bore {pascals(flow['bore_wall_shear_stress_pa'])}" in text
        assert f"inertia takes, estimated {percent(flow['inertial_loss'])}" in text
        shares = flow["pore_flow_over_mean"]
        assert ", ".join(number(shares[key]) for key in ("p5", "p50", "p95")) in text
        assert f"busiest tenth of the pores {percent(shares['busiest_tenth'])}" in text
        assert percent(flow["discretisation_error"]["pressure_drop"]) in text
        assert f"pores in the spot {pores['count']} " in text
        assert f"alone {percent(pores['isolated'])} in doublets {percent(pores['in_doublets'])}" in text
        assert f"open area, upstream face {percent(pores['coverage'])}" in text


def test_the_page_has_the_numbers_of_the_capture(pages):
    for result, page in pages:
        data, text = result.to_dict(), text_of(page)
        for e in data["capture"]:
            fate = f"{e['cells']} {e['state']} {e['n']} {percent(e['retained'])}"
            assert fate in text and percent_span(e["retained_range"]) in text
            assert percent(e["held"]) in text and percent(e["passed"]) in text
            assert e["threshold_pa"] == 0 or pascals(e["threshold_pa"]) in text
            assert (brief(e["transit_time_s"]) if e["transit_time_s"] else "passes freely") in text
            assert say(e["junction_load_n"], "nN") in text
            if e["broken_upper_bound"] is not None:
                assert percent(e["broken_upper_bound"]) in text
        assert f"{percent(data['blocked_fraction'])} of the conductance" in text
        assert number(data["leukocyte_load"]) in text and number(data["wbc_carryover_per_ml"]) in text
        time = duration(data["filtration_time_s"]) if data["filtration_time_s"] else "it blocks"
        assert f"filtration time {time}, for" in text
        for point in data["published"]["points"]:
            shown = brief(point["predicted"]) if point["unit"] == "s" else number(point["predicted"])
            assert point["name"] in text and f"{point['name']} {shown}" in text and point["source"] in text


def test_the_answer_is_made_of_the_results_numbers(etched, slits, blocking):
    said = answer(etched)
    singles = {e.state: e.held.value for e in etched.capture.entries if e.n == 1 and e.cells == "MDA-MB-231"}
    for state, held in singles.items():
        assert f"{percent(held)} of single {state} MDA-MB-231" in said
    for e in etched.capture.entries:
        if e.n > 1:
            assert percent(e.held.value) in said
    history = etched.capture.history
    assert said.startswith("At 1000 Pa (clean: ") and f"1 mL take {duration(history.filtration_time)}" in said
    assert f"{percent(history.blocked[history.filtered])} of the membrane is blocked" in said
    assert f"{percent(etched.capture.purity)} of the nucleated cells" in said
    assert answer(slits).startswith("At 0.2 mL/min (clean: ")
    assert f"{number(slits.capture.wbc_carryover_per_ml)} leukocytes of each mL" in answer(slits)
    assert not blocking.capture.history.complete
    assert f"it blocks after {volume(blocking.capture.history.volume[-1])} of 10 mL" in answer(blocking)


def test_every_figure_is_there(pages):
    for _, page in pages:
        for name in FIGURES:
            assert f'<figure id="{name}"' in page
        assert page.count("<svg") == page.count("<figure ")


def test_every_warning_and_shortfall_is_there_once(pages):
    for result, page in pages:
        assert_said_once(page, result.warnings)


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


# -- the plane through a pore ---------------------------------------------------------------------------------------------
def test_the_plane_carries_the_flow_of_a_pore(etched):
    flow, operation = etched.flow, etched.design.operation
    plane = PorePlane(flow, operation)
    r = (np.arange(2000) + 0.5) / 2000 * plane.size / 2
    for x in (2.0, 5.0, 8.0):
        u, v, _ = plane.at(np.full_like(r, x), r)
        through = np.sum(2 * np.pi * r * u) * (r[1] - r[0]) * UNIT**2
        assert through == pytest.approx(flow.pore_flow_rate(operation), rel=5e-3)
        mirrored = plane.at(np.full_like(r, x), -r)
        assert np.array_equal(mirrored[0], u) and np.array_equal(mirrored[1], -v)
    _, _, p = plane.at(np.array([-60.0, 5.0, 70.0]), np.full(3, 1.0))
    assert p == pytest.approx([1000.0, 500.0, 0.0], abs=5.0)
    inside = plane.at(np.array([5.0, 5.0, 0.5]), np.array([3.9, 4.1, -20.0]))[0]
    assert np.isfinite(inside[0]) and np.isnan(inside[1:]).all()


def test_streamlines_run_through_the_bore_with_equal_shares(etched):
    flow, operation = etched.flow, etched.design.operation
    plane = PorePlane(flow, operation)
    x0, x1, *_ = plane.window
    assert len(plane.streamlines) == 16
    within = []
    for line in plane.streamlines:
        assert np.all(np.diff(line[:, 0]) >= -1e-9) and line[0, 0] < 0 < plane.thickness < line[-1, 0]
        assert x0 - 1.0 < line[0, 0] and line[-1, 0] < x1 + 1.0
        shown = (line[:, 0] > x0) & (line[:, 0] < x1) & (np.abs(line[:, 1]) < plane.window[3])
        assert not np.isnan(plane.at(*line[shown].T)[0]).any()
        within.append(abs(np.interp(plane.thickness / 2, *line.T)))
    # A parabola over the round bore: the share within r is 2 r^2 - r^4 of its radius.
    inner = (np.sort(within)[::2] / (plane.size / 2)) ** 2
    assert 2 * inner - inner**2 == pytest.approx((np.arange(8) + 0.5) / 8, abs=0.01)


def in_space(membrane, mesh, copies, model):
    piece = pore.Piece(dim=3, mesh=lambda refine: mesh, copies=copies, half=True, formula=1.0)
    cell = pore._numbers(piece, model, 1.0, solve_stokes(mesh, 3, piece.problem, piece.load))
    return PoreFlow(membrane=membrane, cell=replace(cell, formula=cell.resistance))


def test_the_plane_of_a_pore_in_space_is_its_mirror_plane():
    membrane = PoreFilter(
        diameter="5 um", thickness="2 um", density="5e5 /cm^2", placement="square", tolerance=0.0
    )
    mesh = unit_cell(membrane, 12.0, rim=1.0, growth=0.4, coarsest=3.0, half=True)
    flow, operation = in_space(membrane, mesh, 4.0, "3d"), Operation(pressure="1 kPa", viscosity="1 mPa s")
    plane = PorePlane(flow, operation)
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-5, 7, 200), rng.uniform(-5, 5, 200)
    u, v, p = plane.at(x, y)
    velocity, pressure = flow.fields(operation)
    field = replace(flow.cell.field, velocity=velocity, pressure=pressure, reaction=None)
    across, _, along, exact = field.at(np.column_stack([np.abs(y), np.full(200, 1e-6), x])).T
    both = ~np.isnan(u)
    assert np.array_equal(both, ~np.isnan(along)) and 100 < both.sum() < 200
    peak = np.linalg.norm(velocity, axis=1).max()
    # Straight between the nodes, where the solution is of second order.
    assert (
        np.abs(u - along)[both].max() < 0.05 * peak
        and np.abs(v - np.sign(y) * across)[both].max() < 0.05 * peak
    )
    assert np.abs(p - exact)[both].max() < 1e-6 * 1000  # linear in each cell, on either side of the joint
    drawn = figures.pore_map(flow, operation).axes[0].images[0].get_array()
    assert 0.8 * peak < drawn.max() <= peak


def test_a_patch_is_seen_from_above():
    bores = (Bore(0, 0, 8), Bore(5, 3, 7), Bore(-14, -10, 6))
    mesh = mesh_bores(bores, 6.0, (-22, -18, 14, 14), 12.0, rim=2.0, growth=0.5, coarsest=6.0, half=True)
    flow, operation = (
        in_space(PoreFilter(thickness="6 um"), mesh, 1.0, "patch"),
        Operation(pressure="1 kPa", viscosity="1 mPa s"),
    )
    axes = figures.patch_map(flow, operation).axes[0]
    speeds = axes.images[0].get_array().filled(np.nan)
    open_area = shapely.union_all([bore.opening() for bore in bores]).area
    assert np.isfinite(speeds).mean() * 36 * 32 == pytest.approx(open_area, rel=0.02)
    # All that flows goes through the openings.
    through = np.nansum(speeds) * 36 * 32 / speeds.size * UNIT**2
    assert through == pytest.approx(flow.pressure(operation) / (1e-3 * flow.cell.resistance), rel=0.02)


def test_the_openings_of_a_patch_stand_beside_the_formula(etched):
    openings_of = {
        "pores": [1, 4, 2],
        "flow_share": [0.2, 0.5, 0.3],
        "flow_share_by_formula": [0.25, 0.4, 0.35],
    }
    flow = replace(etched.flow, cell=replace(etched.flow.cell, openings=openings_of))
    dots = {line.get_label(): line.get_xydata() for line in figures.opening_flows(flow).axes[0].lines}
    assert dots["pores alone"] == pytest.approx(np.array([[25.0, 20.0]]))
    assert dots["doublets"] == pytest.approx(np.array([[35.0, 30.0]]))
    assert dots["larger groups"] == pytest.approx(np.array([[40.0, 50.0]]))
    with pytest.raises(ValueError, match="is of one pore"):
        figures.opening_flows(etched.flow)


def test_a_sheet_is_linear_and_nan_outside():
    points = np.array([[0, 0], [2, 0], [0, 2], [1, 0], [1, 1], [0, 1]], float)
    sheet = Sheet(
        points, np.arange(6)[None], np.column_stack([3 * points[:, 0] - points[:, 1], points[:, 1] ** 2])
    )
    plane, bent = sheet.at(np.array([0.3, 0.5, 1.5]), np.array([0.4, 0.5, 1.0]))
    assert plane[:2] == pytest.approx([0.5, 1.0]) and bent[1] == pytest.approx(0.5) and np.isnan(plane[2])


def test_mistakes(etched):
    operation = etched.design.operation
    with pytest.raises(ValueError, match='quantity = "vorticity" is neither'):
        figures.pore_map(etched.flow, operation, quantity="vorticity")
    away = replace(etched.flow, cell=replace(etched.flow.cell, field=None))
    with pytest.raises(ValueError, match="another rank"):
        figures.pore_map(away, operation)


# -- other figures --------------------------------------------------------------------------------------------------------
def test_the_plan_shows_every_pore_of_its_window():
    membrane = PoreFilter(spot_diameter="6 mm", tilt="20 deg")
    shown, pores = openings(membrane, 200.0), membrane.pores()
    assert shown.half == 200.0
    inside = np.flatnonzero((np.abs(pores.x) < 200e-6) & (np.abs(pores.y) < 200e-6))
    assert set(inside) <= set(shown.number)
    areas = np.array([shape.area for shape in shown.shapes])
    exact = membrane.area * pores.scale[shown.number] ** 2 / np.cos(pores.tilt[shown.number]) / UNIT**2
    assert areas == pytest.approx(exact, rel=0.01)
    # The groups told by colour are those whose openings touch.
    alone = shown.group_size == 1
    tree = shapely.STRtree(shown.shapes)
    touching = np.bincount(tree.query(shown.shapes, predicate="intersects")[0], minlength=len(areas)) > 1
    near = np.array([shape.centroid.x**2 + shape.centroid.y**2 < 180.0**2 for shape in shown.shapes])
    assert np.array_equal(touching[near], ~alone[near])
    axes = figures.membrane_plan(membrane).axes[0]
    drawn = sum(len(c.get_paths()) for c in axes.collections)
    assert drawn == 2 * len(openings(membrane, (220 / membrane.density) ** 0.5 / UNIT / 2).number)


def test_the_histogram_holds_all_pores(etched, slits):
    for result in (etched, slits):
        axes = figures.flow_shares(result.flow).axes[0]
        assert sum(patch.get_height() for patch in axes.patches) == pytest.approx(100.0)
    lines = [line.get_xdata()[0] for line in figures.flow_shares(etched.flow).axes[0].lines]
    assert lines == pytest.approx([etched.flow.flow_shares()[key] for key in ("p5", "p50", "p95")])


def test_the_recovery_crosses_where_the_model_says(etched):
    axes = figures.recovery_over_time(etched.comparison, filtration_time=60.0).axes[0]
    point = next(p for p in etched.comparison.points if p.key == "8 um")
    (mark,) = [line for line in axes.lines if line.get_marker() == "D"]
    assert mark.get_xdata()[0] == point.predicted and mark.get_ydata()[0] == 100 * RECOVERY
    curve = next(line for line in axes.lines if line.get_label().startswith("8 µm"))
    assert np.interp(point.predicted, *curve.get_data()) == pytest.approx(100 * RECOVERY, abs=0.5)
    texts = [text.get_text() for text in axes.texts]
    assert any(duration(point.predicted) in text for text in texts) and "this run, 60 s" in texts


def test_the_curves_are_those_of_the_result(etched, blocking):
    for captured in (etched.capture, blocking.capture):
        panels = figures.filtration_history(captured).axes
        history = captured.history
        assert panels[0].lines[0].get_ydata() == pytest.approx(100 * history.blocked)
        assert panels[1].lines[0].get_ydata() == pytest.approx(history.pressure)
        assert panels[2].lines[0].get_ydata() == pytest.approx(history.flow_rate * 6e7)
        assert ("then blocked" in panels[0].get_title(loc="left")) != history.complete
        axes = figures.retained_by_kind(captured).axes[0]
        dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
        assert dots == pytest.approx([100 * e.held.value for e in captured.entries])


def test_figures_touch_nothing_global(etched):
    from matplotlib._pylab_helpers import Gcf

    before, open_before = dict(matplotlib.rcParams), list(Gcf.figs)
    figures.pore_map(etched.flow, etched.design.operation, quantity="pressure")
    figures.membrane_plan(etched.design.device)
    assert dict(matplotlib.rcParams) == before and list(Gcf.figs) == open_before


# -- on the terminal ------------------------------------------------------------------------------------------------------
def test_the_drawing_is_as_open_as_the_membrane():
    membrane = PoreFilter(
        pore="square", width="10 um", density="1e5 /cm^2", placement="square", tolerance=0.0
    )
    rows = filter_drawing(membrane)
    assert {len(row) for row in rows} == {76} and len(rows) == 19
    solid = sum({"█": 2, "▀": 1, "▄": 1, " ": 0}[glyph] for row in rows for glyph in row)
    assert 1 - solid / (2 * 76 * 19) == pytest.approx(membrane.statistics().coverage, abs=0.02)


def test_dimensions_and_drive_of_a_filter(etched, slits):
    said = VIEWS["pore_filter"].dimensions(etched.design.device)
    pores = etched.design.device.statistics()
    assert said["pores"] == opening(etched.design.device) == "8 um, round" and said["thickness"] == "10 um"
    assert said["pores in the spot"] == str(pores.count) and said["open area"] == percent(pores.coverage)
    assert said["alone, in doublets, in larger groups"].startswith(
        f"{percent(pores.isolated)}, {percent(pores.in_doublets)},"
    )
    assert driven_by(etched.design) == ("pressure", "1 kPa") and driven_by(slits.design) == (
        "flow rate",
        "0.2 mL/min",
    )
    assert opening(slits.design.device) == "6 x 30 um, slit"


def test_the_main_numbers_of_a_run_are_printed(etched, blocking, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    print_result(etched)
    said = capsys.readouterr().out
    captured, flow, operation = etched.capture, etched.flow, etched.design.operation
    assert pascals(flow.bore_wall_shear_stress(operation)) in said and "clean: 1000 Pa" in said
    assert f"1 mL through in {duration(captured.history.filtration_time)}" in said
    assert (
        f"{captured.leukocyte_load:.3g} leukocytes" in said and f"purity {percent(captured.purity)}" in said
    )
    for e in captured.entries:
        assert re.search(rf"{e.cells}, {e.state} +{e.n} +{e.held.value:.3f} +{e.retained.value:.3f} ", said)
    assert said.count("note:") == len(etched.warnings)
    print_result(blocking)
    assert "never: it blocks" in capsys.readouterr().out
