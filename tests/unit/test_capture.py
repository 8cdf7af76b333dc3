"""The capture model piece by piece: gates, Monte Carlo against brute force, result, seeds, mistakes."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from chipsim.capture import Assumptions, Setting, Trap
from chipsim.capture.calibration import calibrate_tension, stored, write
from chipsim.capture.cluster_chip import against_flow_rate, capture, check
from chipsim.capture.clusters import bodies, draw
from chipsim.capture.gates import break_threshold, planar_fraction, slip_threshold, straddling_fraction
from chipsim.capture.laplace import pancake_radius, slit_threshold, slit_threshold_per_tension
from chipsim.capture.published import BASELINES, LARGE, comparison
from chipsim.capture.singles import half_pressure_singles, retained_singles
from chipsim.capture.statistics import quantile_interval, spread_around, wilson_interval
from chipsim.cells import cell_line_from_table, line
from geometries.quantities import DesignError

UM = 1e-6
TRAP = stored().trap
FLOW_RATE, VISCOSITY = stored().flow_rate, stored().viscosity
CHIP = SimpleNamespace(gap=12e-6, daughter_gap=12e-6, depth=100e-6, paths=4096, rows=50)


def flow(shear=0.4):
    """A flow as the solver gives it, with the shear of the default operation."""
    return SimpleNamespace(
        row_resistance=TRAP.row_resistance,
        plug_factor=TRAP.plug_factor,
        wall_shear_stress_p95=lambda q, mu: shear * q * mu / (FLOW_RATE * VISCOSITY),
    )


def operation(flow_rate=FLOW_RATE, viscosity=VISCOSITY, volume=5e-6):
    return SimpleNamespace(flow_rate=flow_rate, viscosity=viscosity, volume=volume)


def entry(name="MDA-MB-231", sizes=(1, 2, 4), concentration=10e6):
    cells = line(name) if isinstance(name, str) else name
    return SimpleNamespace(cells=cells, sizes=sizes, concentration=concentration)


def quick(*entries, **options):
    given = {"samples": 2000, "range_samples": 500} | options
    op = given.pop("operation", operation())
    return capture(given.pop("chip", CHIP), given.pop("flow", flow()), op, entries or (entry(),), **given)


# -- drops in slits ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("diameter", "expected"),
    [(13, 0.0094), (14, 0.0177), (15, 0.0250), (16, 0.0315), (18, 0.0426), (20, 0.0518)],
)
def test_slit_thresholds_of_the_reference(diameter, expected):
    assert slit_threshold_per_tension(diameter, 12.0) == pytest.approx(expected, abs=6e-5)


def test_pancake_conserves_volume():
    d = np.linspace(12.001, 60, 200) * UM
    a, h = pancake_radius(d, 12e-6) - 6e-6, 6e-6
    volume = np.pi * 2 * h * a**2 + np.pi**2 * h**2 * a + 4 / 3 * np.pi * h**3
    assert volume == pytest.approx(np.pi * d**3 / 6, rel=1e-12)


def test_threshold_starts_at_zero_and_rises():
    d = np.linspace(8, 40, 500)
    values = slit_threshold_per_tension(d, 12.0)
    assert (values[d <= 12] == 0).all() and (np.diff(values[d > 12]) > 0).all()
    assert slit_threshold_per_tension(12 * (1 + 1e-9), 12.0) == pytest.approx(0, abs=1e-6)
    assert slit_threshold(15e-6, 12e-6, 37e-6) == pytest.approx(37e-6 * 0.0250e6, rel=2e-3)


# -- gates -------------------------------------------------------------------------------------------------------------
def test_counting_rules():
    assert [straddling_fraction(n) for n in (1, 2, 3, 4)] == [0, 0.5, 0.75, 0.875]
    assert [planar_fraction(n) for n in (1, 3, 4, 5)] == pytest.approx([1, 1, 0.15, 0.0225])


def test_equal_cells_slip_only_by_asymmetry():
    area, squeeze = 1.8e-10, 0.4
    assert slip_threshold(area, area, squeeze, squeeze, 0.1) == pytest.approx(squeeze / 0.2)
    assert slip_threshold(area, area, squeeze, squeeze, 0.0) == np.inf
    assert slip_threshold(area, 0.9 * area, 0.0, 0.0, 0.1) == 0.0
    assert break_threshold(5e-9, area, 2 * area) == pytest.approx(5e-9 / area)


# -- Monte Carlo -------------------------------------------------------------------------------------------------------
def walk_through(draws, cells, trap, tension, strength, pressure, i, sigma=0.15):
    """The fate of cluster i at one pressure, row by row as the text of the model has it."""
    d = cells.diameter * np.exp(np.sqrt(np.log1p(cells.diameter_cv**2)) * draws.sizes[i])
    own = tension * np.exp(np.sqrt(np.log1p(cells.tension_cv**2)) * draws.tension[i])
    force = strength * np.exp(np.sqrt(np.log1p(cells.junction_cv**2)) * draws.strength[i])
    planar = draws.planarity[i] < planar_fraction(len(d))
    if own * slit_threshold_per_tension(d.max(), trap.gap) >= pressure:
        return "retained"
    if not planar and force / (trap.gap * d.mean()) >= pressure:
        return "retained"
    met = sorted((row[who == i][0], rank[who == i][0]) for who, rank, row in draws.visits if i in who)
    for _, rank in met:
        a, b = trap.daughter_gap * d[0], trap.daughter_gap * d[rank]
        if pressure * min(a, b) > force:
            return "broken"
        eps = abs(a - b) / (a + b) + sigma * draws.asymmetry[i]
        hold = max(
            own * slit_threshold_per_tension(x, trap.daughter_gap) * trap.daughter_gap * x
            for x in (d[0], d[rank])
        )
        if pressure * (a + b) * eps <= hold:
            return "retained"
    return "passed"


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("strength", [5e-9, 0.3e-9])
def test_two_pressures_say_what_walking_row_by_row_says(n, strength):
    cells, tension = line("MDA-MB-231"), 20e-6
    draws = draw(3, cells.name, n, 6, 60)
    found = bodies(draws, cells, TRAP, Assumptions()).thresholds(tension, strength)
    for pressure in (0.3, 1.5, 4.0, 20.0):
        expected = [walk_through(draws, cells, TRAP, tension, strength, pressure, i) for i in range(60)]
        kept, passed, broken = (round(60 * f.value) for f in found.fractions(pressure))
        assert [kept, passed, broken] == [expected.count(x) for x in ("retained", "passed", "broken")]


@pytest.mark.parametrize(("n", "rows"), [(2, 1), (3, 1), (5, 3), (40, 2)])
def test_sides_are_drawn_as_often_as_coins_would(n, rows):
    samples = 40_000
    visits = draw(1, "x", n, rows, samples).visits
    first_row = [np.concatenate(c) for c in zip(*[(w[r == 0], k[r == 0]) for w, k, r in visits], strict=True)]
    assert len(first_row[0]) / samples == pytest.approx(straddling_fraction(n), abs=0.01)
    # The runner-up in size is on the other side half of the time.
    assert (first_row[1] == 1).sum() / samples == pytest.approx(0.5, abs=0.01)
    assert max(k.max() for _, k, _ in visits) <= n - 1


def test_encounters_cut_the_rows_off():
    cells = line("MDA-MB-231")
    few = bodies(draw(1, cells.name, 2, 50, 4000), cells, TRAP, Assumptions(encounters=1))
    assert len(few.encounters[0][0]) / 4000 == pytest.approx(0.5, abs=0.03)


def test_calibration_is_exact_on_its_own_clusters():
    found = calibrate_tension(TRAP, None, operation(), seed=5, samples=2000)
    cells = line("MDA-MB-231")
    clusters = bodies(draw(5, cells.name, 2, TRAP.rows, 2000), cells, TRAP, Assumptions())
    pressure = TRAP.pressure(FLOW_RATE, VISCOSITY)
    kept = clusters.thresholds(found.tension, cells.junction_strength).retained(pressure)
    assert kept == pytest.approx(0.41, abs=1 / 2000)
    assert found.tension_ci95[0] < found.tension < found.tension_ci95[1]


def test_calibration_takes_breaking_along():
    clusters = bodies(draw(5, "MDA-MB-231", 2, 50, 2000), line("MDA-MB-231"), TRAP, Assumptions())
    needed = np.sort(clusters.tension_to_hold(1.5, 0.6e-9))
    tension = needed[799]
    assert clusters.thresholds(tension, 0.6e-9).retained(1.5) == pytest.approx(0.4, abs=1 / 2000)
    # Clusters that break are not held at the tip by any tension, only in front of the slit.
    assert clusters.thresholds(1.0, 0.01e-9).retained(1.5) < 1.0


def test_calibration_file_round_trips(tmp_path):
    from chipsim.cells import table

    before = stored()
    path = write(before, tmp_path / "calibration.toml")
    assert path.read_text() == table.CALIBRATION_FILE.read_text()
    assert not list(tmp_path.glob("*.new"))


# -- single cells ------------------------------------------------------------------------------------------------------
def test_singles_agree_with_sampling():
    cells, rng = line("MDA-MB-231"), np.random.default_rng(0)
    d = cells.diameter * np.exp(np.sqrt(np.log1p(0.12**2)) * rng.standard_normal(200_000))
    tension = 40e-6 * np.exp(np.sqrt(np.log1p(0.4**2)) * rng.standard_normal(200_000))
    sampled = (slit_threshold(d, 12e-6, tension) >= 1.0).mean()
    assert retained_singles(cells, 12e-6, 1.0, tension=40e-6) == pytest.approx(sampled, abs=0.004)


def test_half_pressure_of_singles():
    cells = line("MDA-MB-231")
    half = half_pressure_singles(cells, 12e-6)
    assert retained_singles(cells, 12e-6, half) == pytest.approx(0.5, abs=1e-6)
    assert half_pressure_singles(line("neutrophil"), 12e-6) is None


def test_red_cells_always_pass():
    assert retained_singles(line("red blood cell"), 12e-6, 1e-9) == 0.0


# -- statistics --------------------------------------------------------------------------------------------------------
def test_wilson_interval():
    assert wilson_interval(41, 100) == pytest.approx((0.3187, 0.5080), abs=1e-4)
    assert wilson_interval(0, 50)[0] == 0.0 and wilson_interval(50, 50)[1] == 1.0
    low, high = wilson_interval(0, 100)
    assert high == pytest.approx(0.0370, abs=1e-4)


def test_quantile_interval_and_spread():
    low, high = quantile_interval(np.arange(10_000.0), 0.41)
    assert (low, high) == pytest.approx((4100 - 96, 4100 + 96), abs=2)
    assert spread_around(0.9, [0.8, 0.7, 0.95]) == pytest.approx((0.8, 1.0))


# -- result ------------------------------------------------------------------------------------------------------------
def test_result_has_the_documented_keys():
    result = quick().to_dict()
    text = json.dumps(result, allow_nan=False)
    assert json.loads(text)["processing_time_s"] == pytest.approx(7200)
    assert {"capture", "processing_time_s", "wbc_carryover_per_ml", "purity", "warnings"} <= set(result)
    for row in result["capture"]:
        for fate in ("retained", "passed", "broken"):
            low, high = row[f"{fate}_ci95"]
            assert 0 <= low <= row[fate] <= high <= 1
            low, high = row[f"{fate}_range"]
            assert 0 <= low <= row[fate] <= high <= 1
        assert row["retained"] + row["passed"] + row["broken"] == pytest.approx(1)
        keys = {
            "cells",
            "n",
            "half_push_through_flow_rate_m3_per_s",
            "junction_load_n",
            "peak_membrane_shear_pa",
        }
        assert keys | {"calibrated", "weak_junctions"} <= set(row)
    assert [row["cells"] for row in result["capture"][-2:]] == ["leukocyte", "red blood cell"]
    two = result["capture"][1]
    assert two["n"] == 2 and two["calibrated"] and two["weak_junctions"]["junction_strength_n"] == 0.6e-9


def test_same_seed_same_bytes_and_other_entries_do_not_matter():
    first = json.dumps(quick(seed=7).to_dict())
    assert first == json.dumps(quick(seed=7).to_dict())
    assert first != json.dumps(quick(seed=8).to_dict())
    mine = cell_line_from_table("mine", {"diameter": "14 um", "tension": "30 pN/um"})
    alone, beside = quick(entry(sizes=(2, 3))), quick(entry(mine, (2,)), entry(sizes=(3, 2)))
    assert alone.entries[0] == beside.entries[2] and alone.entries[1] == beside.entries[1]


def test_only_viscosity_times_flow_rate_counts():
    blood, buffer = quick(), quick(operation=operation(4 * FLOW_RATE, VISCOSITY / 4, 20e-6))
    rows = zip(blood.to_dict()["capture"], buffer.to_dict()["capture"], strict=True)
    for one, other in rows:
        assert one.pop("half_push_through_flow_rate_m3_per_s") == pytest.approx(
            (other.pop("half_push_through_flow_rate_m3_per_s") or 0) / 4 or None
        )
        for row in (one, other):
            if row["weak_junctions"]:
                row["weak_junctions"].pop("half_push_through_flow_rate_m3_per_s")
        load = one.pop("junction_load_n"), other.pop("junction_load_n")
        assert load[0] == pytest.approx(load[1])
        assert one.pop("peak_membrane_shear_pa") == pytest.approx(other.pop("peak_membrane_shear_pa"))
        assert one == other
    assert blood.purity == buffer.purity and blood.processing_time == buffer.processing_time


def test_half_push_through_is_where_half_are_retained():
    result = quick(entry(sizes=(1, 2, 4)))
    for row in result.entries[:3]:
        q = row.half_push_through_flow_rate
        (kept, _, _) = against_flow_rate(line(row.cells), row.n, result.setting, [q])[0]
        assert kept == pytest.approx(0.5, abs=0.001)
    assert result.entries[-1].half_push_through_flow_rate is None


def test_retention_falls_and_breakage_rises_with_flow():
    setting = Setting(TRAP, FLOW_RATE, VISCOSITY, samples=2000)
    curve = np.array(
        against_flow_rate(line("MDA-MB-231"), 4, setting, FLOW_RATE * np.geomspace(0.1, 300, 12))
    )
    assert (np.diff(curve[:, 0]) <= 0).all() and (np.diff(curve[:, 2]) >= 0).all()
    assert curve.sum(axis=1) == pytest.approx(1) and curve[-1, 2] > 0.9


def test_purity_and_carryover_count_cells():
    result = quick(entry(sizes=(2, 4), concentration=10e6))
    two, four, white, _ = result.entries
    leukocytes = line("leukocyte").concentration * white.retained.value
    cells = 5e6 * (2 * two.retained.value + 4 * four.retained.value)
    assert result.wbc_carryover_per_ml == pytest.approx(leukocytes * 1e-6)
    assert result.purity == pytest.approx(cells / (cells + leukocytes))
    assert set(result.single_cell_carryover) == {"MDA-MB-231"}


def test_listed_blood_cells_replace_the_usual_ones():
    result = quick(entry(), entry("leukocyte", (1,), 1e12))
    assert [e.cells for e in result.entries].count("leukocyte") == 1
    assert result.wbc_carryover_per_ml == pytest.approx(1e6 * result.entries[3].retained.value)


def test_uncalibrated_lines_say_so():
    mine = cell_line_from_table("mine", {"diameter": "14 um", "tension": "30 pN/um", "source": "own"})
    result = quick(entry(mine, (2,)))
    assert not result.entries[0].calibrated
    assert any('"mine" is uncalibrated' in text for text in result.warnings)


def test_stiff_single_cells_that_stay_are_pointed_out():
    result = quick(entry("MCF-7", (1,)))
    assert result.single_cell_carryover["MCF-7"] > 0.9
    assert any("published to pass" in text for text in result.warnings)
    assert not any("published to pass" in text for text in quick().warnings)


def test_given_spreads_are_not_varied():
    mine = cell_line_from_table("mine", {"diameter": "14 um", "diameter_cv": 0.1, "tension": "30 pN/um"})
    from chipsim.capture.assumptions import variations

    assert all(v.diameter_cv is None for v in variations(mine, Assumptions(), 50))
    assert any(v.diameter_cv for v in variations(line("MDA-MB-231"), Assumptions(), 50))


def test_wider_daughter_gap_holds_less():
    tight, wide = quick(), quick(chip=SimpleNamespace(**{**vars(CHIP), "daughter_gap": 14.9e-6}))
    assert wide.entries[1].retained.value < tight.entries[1].retained.value
    assert any("daughter_gap" in text for text in wide.warnings)
    assert not any("gap =" in text for text in tight.warnings)


def test_blood_cells_of_a_liquid_that_is_not_blood_are_pointed_out():
    buffer = SimpleNamespace(**vars(operation()), fluid="buffer")
    assert any("though the fluid is buffer" in text for text in quick(operation=buffer).warnings)
    assert not any("though the fluid" in text for text in quick().warnings)


def test_warnings_follow_the_operation():
    fast = quick(operation=operation(40 * FLOW_RATE), flow=flow(shear=0.4))
    text = " ".join(fast.warnings)
    assert "break" in text and "wall shear stress" in text and "times that of the calibration" in text
    shallow = quick(chip=SimpleNamespace(**{**vars(CHIP), "depth": 20e-6, "paths": 5 * 4096}))
    assert any("no longer a slit" in t for t in shallow.warnings)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (entry("LNCaP"), "no sourced tension"),
        (entry(sizes=(0,)), "sizes = 0"),
        (entry(sizes=(2.5,)), "sizes = 2.5"),
        (entry("leukocyte", (2,)), "single cells only"),
    ],
)
def test_what_cannot_be_predicted_is_refused_before_the_flow(item, words):
    with pytest.raises(DesignError, match=words):
        check([item])
    with pytest.raises(DesignError, match=words):
        quick(item)


def test_trap_scales():
    assert TRAP.flow_rate(TRAP.pressure(FLOW_RATE, VISCOSITY), VISCOSITY) == pytest.approx(FLOW_RATE)
    assert Trap.of(CHIP, flow()) == TRAP and Trap.of(TRAP) is TRAP


# -- comparison --------------------------------------------------------------------------------------------------------
def test_baselines_of_the_reference():
    assert [BASELINES["straddling"](n) for n in (2, 3, 4)] == pytest.approx([0.41, 0.615, 0.7175], abs=1e-3)
    assert [BASELINES["pairs"](n) for n in (2, 3, 4)] == pytest.approx([0.41, 0.795, 0.958], abs=1e-3)


def test_comparison_is_plain_and_says_where_it_falls_short():
    found = comparison(TRAP, None, operation(), samples=1000, range_samples=200)
    json.dumps(found.to_dict(), allow_nan=False)
    points = {p.key: p for p in found.points}
    curve = {row["n"]: row["retained"] for row in found.curve}
    assert points["4-30"].predicted == pytest.approx(np.mean([curve[n] for n in LARGE]))
    for point in found.points:
        if not point.within and point.role != "calibrated":
            assert any(point.name.lower() in s.lower() for s in found.shortfalls)
    assert found.is_published_chip
    other = comparison(replace(TRAP, gap=10e-6), None, operation(), samples=200, range_samples=50)
    assert not other.is_published_chip and "not the published chip" in other.shortfalls[0]


def test_margins_name_every_strength_known():
    from chipsim.capture.margins import margins

    found = margins([None, 0.2e-9, 0.3e-9], 0.25)
    junctions = [m for m in found if m.what == "junction load"]
    assert all(m.here == 0.3e-9 for m in junctions)
    assert min(m.known for m in junctions) == pytest.approx(0.63e-9, rel=0.01)  # Byers, 0.35 Pa at 7.5 um
    assert [m.ratio for m in found if m.what == "membrane shear"] == pytest.approx(
        [0.25 / 1.5, 0.25 / 6, 0.25 / 15]
    )
    assert margins([None], None) == ()
