"""Which outlet a body leaves by, with a made-up table of lift: what must hold whatever the lift is."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest

from chipsim.capture.body_sizes import largest_diameter
from chipsim.capture.entries import Carried as Body
from chipsim.capture.spiral import capture, check_drive, fate
from chipsim.capture.spiral_cautions import about_bend
from chipsim.capture.spiral_setting import Setting, section_shape
from chipsim.cells import cell_line_from_table, line
from chipsim.design import Carried, Design, Operation
from chipsim.flow.lift_shape import Shape
from chipsim.flow.lift_table import LiftTable, table_for
from chipsim.study.solve import solve
from geometries import DesignError
from geometries.spiral import Spiral

ALPHAS = (0.03, 0.1, 0.2, 0.4)
ASPECT = 500 / 160
SHAPE = Shape(ASPECT)


def lift(toward, strength, shape=SHAPE):
    """Lift that pulls every body to a place across and to mid-height."""
    rows = []
    for alpha in ALPHAS:
        for x, z in shape.grid(alpha):
            # Odd in x, as a duct has it: both sides have such a place.
            push = strength * x * (toward**2 - x**2), -strength * z
            rows.append((alpha, 0.0, x, z, *push, 1.0, 1.0, *push, 0.9, 0.0, 0.0, 0.0, 0.0))
    return LiftTable(shape, np.array(rows), {"made": "up"})


NONE, STRONG = lift(2.0, 0.0), lift(2.0, 50.0)


def run(**values):
    given = {
        "sample_flow_rate": "100 uL/min",
        "sheath_flow_rate": "750 uL/min",
        "viscosity": "1 mPa s",
    } | values
    return Operation(**{k: v for k, v in given.items() if v is not None})


@pytest.fixture(scope="module", autouse=True)
def few_paths():
    """Enough to see which way they go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("chipsim.capture.spiral"), "PATHS", 2**6)
        patch.setattr(importlib.import_module("chipsim.capture.body_sizes"), "CLASSES", 4)
        yield


@pytest.fixture(scope="module")
def flow(few_paths):
    return solve(Spiral(), operation=run(), refine=0.5)


def setting(flow, table=NONE, **values):
    return Setting.of(Spiral(), flow, run(**values), seed=0, table=table)


def beads(diameter, cv=0.0):
    return cell_line_from_table("beads", {"diameter": diameter, "diameter_cv": cv})


def test_the_flow_has_the_numbers_of_its_sections(flow):
    table = flow.to_dict(run())
    assert table["reynolds"] == pytest.approx(42.9, rel=2e-3) and table["dean"] == pytest.approx(
        7.0, rel=1e-2
    )
    assert table["friction_ratio"] == pytest.approx(1.0, abs=1e-3)
    # Of eps Re U, by CurvedDuctFlow at this aspect ratio: 0.0320.
    assert flow.middle.secondary_mean == pytest.approx(0.0320, rel=1e-2)
    mean = 850e-9 / 60 / 80e-9
    assert table["residence_time_s"] == pytest.approx(0.1 / mean) and not flow.warnings(run())
    drop = (
        table["friction_ratio"]
        * 2
        * 17.2534
        / table["reynolds"]
        * 1000
        * mean**2
        * 0.1
        / Spiral().hydraulic_diameter
    )
    assert table["pressure_drop_pa"] == pytest.approx(drop, rel=1e-3)
    velocity, _ = flow.fields(run())
    assert velocity[:, 2].max() == pytest.approx(1.853 * mean, rel=1e-2)


def test_sample_and_outlets_part_the_flow_by_its_rates(flow):
    found = setting(flow)
    # 100 of 850 at the outer wall: the outer 91 um of the width.
    width = (found.half_width - found.sample_line) * found.half_height
    assert width == pytest.approx(91e-6, rel=0.03)
    assert found.inner_share == pytest.approx(0.5) and abs(found.outlet_line) < 0.1
    narrow = Spiral(outlet_widths=["150 um", "350 um"])
    share = Setting.of(narrow, flow, run(), seed=0, table=NONE).inner_share
    assert share < 0.3 and Setting.of(narrow, flow, run(), seed=0, table=NONE).outlet_line < -0.5


def test_strong_lift_decides_where_bodies_are(flow):
    weak, strong = (
        fate(Body(beads("20 um"), 1, 0.0), setting(flow, t), ranges=False) for t in (NONE, STRONG)
    )
    for entry in (weak, strong):
        assert entry.outlets["inner"].value + entry.outlets["outer"].value == pytest.approx(1)
        p = entry.position
        assert 9.5e-6 <= p["p5"] <= p["p50"] <= p["p95"] <= 490.5e-6
    assert strong.position["p95"] - strong.position["p5"] < weak.position["p95"] - weak.position["p5"]


def test_the_kept_outlet_is_what_is_asked_for(flow):
    body = Body(beads("12 um", 0.1), 1, 0.0)
    inner, outer = (fate(body, setting(flow, STRONG, collect=side)) for side in ("inner", "outer"))
    assert inner.retained.value == outer.passed.value == inner.outlets["inner"].value
    assert inner.retained.range[0] <= inner.retained.value <= inner.retained.range[1]
    assert fate(body, setting(flow, STRONG)).retained == inner.retained


def test_clusters_are_spheres_of_their_largest_diameter():
    assert [largest_diameter(1.0, n) for n in (1, 2, 4, 13)] == pytest.approx([1, 2, 2.2247, 3.0])
    sizes = [largest_diameter(15e-6, n) for n in range(1, 60)]
    assert (np.diff(sizes) >= 0).all() and largest_diameter(1.0, 21) == pytest.approx(3.52, abs=0.02)


def test_what_is_said_of_bends_goes_with_the_table(flow):
    """Without bent places tight bends and large bodies are warned of; with them only bends beyond what was checked."""
    bent = NONE.rows.copy()
    bent[:, 1] = 0.016
    table = replace(NONE, rows=np.concatenate([NONE.rows, bent]))
    cells = [Carried(cells="MDA-MB-231", sizes=[4], concentration="10 /mL")]
    operation = run(viscosity=None, fluid="water")
    straight, curved = (
        " / ".join(capture(Spiral(), flow, operation, cells, table=t).warnings) for t in (NONE, table)
    )
    assert (
        "the lift is that of the straight duct" in straight
        and "adding lift and drag may misplace" in straight
    )
    assert "below 80" in straight
    assert "the lift is that of the bend" in curved and "misplace" not in curved
    assert "in the tightest bend half the width is 0.071 of the radius, above 0.06, up to" in curved
    assert len(list(about_bend(0.015, Spiral().width / 160e-6, True))) == 1


def test_bodies_beyond_the_table_are_marked_and_bounded(flow):
    entry = fate(Body(beads("100 um"), 1, 0.0), setting(flow))
    assert entry.extrapolated == 1.0 and entry.outlets["inner"].range == (0.0, 1.0)
    inside = fate(Body(beads("20 um"), 1, 0.0), setting(flow))
    assert inside.extrapolated == 0.0
    with pytest.raises(
        DesignError, match="bodies of 170 um are among them, which do not fit the channel of 500 um x 160 um"
    ):
        fate(Body(beads("170 um"), 1, 0.0), setting(flow))


def test_shear_breaks_weak_clusters(flow):
    weak, firm = (
        replace(line("MDA-MB-231"), junction_strength=f, name=n) for f, n in ((1e-10, "weak"), (1e-6, "firm"))
    )
    broken, whole = (fate(Body(cells, 3, 0.0), setting(flow), ranges=False) for cells in (weak, firm))
    assert broken.broken.value > 0.9 and whole.broken.value < 0.01
    assert broken.retained.value + broken.passed.value + broken.broken.value == pytest.approx(1)
    assert 1 < whole.peak_shear < 10 and whole.junction_load == pytest.approx(
        19.33 * whole.peak_shear * 7.5e-6**2
    )
    fixed = fate(Body(weak, 3, 0.0, "fixed"), setting(flow), ranges=False)
    assert fixed.broken is None and fixed.intact is None and fixed.retained.value > 0


def test_result_has_the_documented_keys(flow):
    cells = [Carried(cells="MDA-MB-231", sizes=[1, 2], concentration="10 /mL")]
    operation = run(viscosity=None, fluid="diluted blood", volume="5 mL")
    found = capture(Spiral(), flow, operation, cells, table=STRONG)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    keys = "cells n diameter_m outlets position_from_inner_wall_m intact peak_shear_pa extrapolated retained passed broken"
    for entry in told["capture"]:
        assert set(keys.split()) <= set(entry)
        assert set(entry["outlets"]) >= {"inner", "outer", "inner_ci95", "outer_range"}
    assert [e["cells"] for e in told["capture"]] == [
        "MDA-MB-231",
        "MDA-MB-231",
        "leukocyte",
        "red blood cell",
    ]
    assert told["processing_time_s"] == pytest.approx(3000) and set(told["enrichment"]) == {"MDA-MB-231"}
    assert any("dilute samples only" in w for w in told["warnings"])
    again = capture(Spiral(), flow, operation, cells, table=STRONG).to_dict()
    assert json.dumps(again) == json.dumps(found.to_dict())


def test_a_section_without_a_table_is_refused():
    with pytest.raises(DesignError, match="no table of lift for a section 2.778 times as wide as high"):
        check_drive(Spiral(height="180 um"), run())
    with pytest.raises(DesignError, match="no table of lift"):
        table_for(2.0)
    assert table_for(ASPECT).sizes[0].alpha == 0.03 and table_for(ASPECT).sizes[-1].alpha == 0.4


def test_a_trapezoid_of_a_level_floor():
    """Outlets have the height at their side, and strong lift takes bodies to its places in spite of the secondary flow."""
    tapered = Spiral(
        width="600 um", inner_height="80 um", outer_height="130 um", inner_radius="15 mm", turns=1, length="120 mm",
        inlet_widths=["600 um"], outlet_widths=["300 um", "300 um"],
    )  # fmt: skip
    operation = run(sample_flow_rate="1.7 mL/min", sheath_flow_rate=None)
    flow = solve(tapered, operation=operation, refine=0.5)
    shape = section_shape(tapered)
    assert (shape.aspect, shape.taper) == pytest.approx((40 / 7, 5 / 21))
    found = Setting.of(tapered, flow, operation, seed=0, table=lift(2.0, 0.0, shape))
    assert found.half_height == pytest.approx(52.5e-6)
    # 92.5 and 117.5 um in the mean: between plates the cube of that, but upright walls hold the higher branch back more.
    assert (92.5 / 117.5) ** 3 < found.inner_share / (1 - found.inner_share) < (92.5 / 117.5) ** 2.5
    strong = replace(found, table=lift(4.0, 0.5, shape), followed={})
    entry = fate(Body(beads("20 um"), 1, 0.0), strong, ranges=False)
    places = [300e-6 + side * 4 * 52.5e-6 for side in (-1, 1)]
    assert [entry.position["p5"], entry.position["p95"]] == pytest.approx(places, abs=20e-6)


def test_a_flow_belongs_to_its_operation():
    with pytest.raises(DesignError, match="does not scale with its rate: solve needs the operation"):
        solve(Spiral())
    with pytest.raises(
        DesignError, match='model = "3d" is unknown for this spiral; known models are section'
    ):
        solve(Spiral(), "3d", operation=run())
    with pytest.raises(
        DesignError, match="a Dean number of 188.9 at inner_radius = 3.5 mm; it must be at most 75"
    ):
        solve(Spiral(), operation=run(sheath_flow_rate="20 mL/min"), refine=0.5)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"sample_flow_rate": None, "sheath_flow_rate": None, "flow_rate": "1 mL/min"},
            '"sample_flow_rate" is missing',
        ),
        ({"rinse_time": "1 min"}, "rinse_time has no meaning for a spiral"),
        ({"collect": "left"}, 'collect = "left" is unknown; known outlets are inner and outer'),
        ({"pressure": "1 kPa"}, "pressure and sample_flow_rate are both given"),
        ({"sample_flow_rate": None}, "is missing; write flow_rate"),
    ],
)
def test_operations_that_do_not_fit(values, sentence):
    with pytest.raises(DesignError, match=sentence):
        Design(Spiral(), run(**values))


def test_sample_and_sheath_are_the_flow_rate():
    operation = run()
    assert operation.flow_rate == pytest.approx(850e-9 / 60)
    assert operation.replace(volume=1e-6).flow_rate == operation.flow_rate


def test_a_flow_beyond_what_lift_is_known_for_is_warned_of(flow):
    faster = run(sample_flow_rate="200 uL/min", sheath_flow_rate="1500 uL/min")
    cells = [Carried(cells="MDA-MB-231", sizes=[1], concentration="10 /mL")]
    fast = solve(Spiral(), operation=faster, refine=0.5)
    said = capture(Spiral(), fast, faster, cells, table=NONE).warnings
    assert "the channel's Reynolds number of 85.9 is above 80, where the lift is no longer known" in said
    assert not any("channel's" in w for w in capture(Spiral(), flow, run(), cells, table=NONE).warnings)
