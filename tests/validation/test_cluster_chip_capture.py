"""The capture model against published capture, and against the prototype it was designed with.

The prototype (reference section 6.8) is another code; its own hydraulics are used here (5 mPa s, plug factor 1.8, row
resistance 0.085 /um2). It made the same choices: one tension for a cluster, the largest cell of each side plugs its
throat, medians of lognormals, and a junction that is too weak parts before the cluster can slip.
"""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from chipsim.capture import Assumptions, Setting, Trap, calibrate_tension
from chipsim.capture.calibration import stored
from chipsim.capture.cluster_chip import capture
from chipsim.capture.clusters import bodies, draw
from chipsim.capture.published import comparison
from chipsim.capture.singles import retained_singles
from chipsim.cells import line
from chipsim.cells.junctions import EVIDENCE

CELLS = line("MDA-MB-231")
PUBLISHED = stored()
PROTOTYPE = Trap(12e-6, 12e-6, 100e-6, 4096, 1, 0.085e12, 1.8)
PROTOTYPE_PRESSURE = PROTOTYPE.pressure(PUBLISHED.flow_rate, 5e-3)
SAMPLES = 20_000
# Both codes sampled 20,000 clusters: the standard deviation of a difference near one half is 0.005; rounding adds 0.005.
NOISE = 3 * 0.005 + 0.005


@pytest.fixture(scope="module")
def against_published():
    return comparison(PUBLISHED.trap, None, PUBLISHED)


def points(found):
    return {p.key: p for p in found.points}


def prototype_thresholds(n, rows, diameter, tension, strength=5e-9, assumed=None):
    cells = replace(CELLS, diameter=diameter * 1e-6)
    found = bodies(draw(1, "prototype", n, rows, SAMPLES), cells, PROTOTYPE, assumed or Assumptions())
    return found.thresholds(tension * 1e-6, strength)


# -- published ---------------------------------------------------------------------------------------------------------
def test_the_calibrated_point_is_met_within_its_sampling(against_published):
    two = points(against_published)["2"]
    assert two.role == "calibrated" and two.ci95[0] <= 0.41 <= two.ci95[1]


def test_order_of_the_published_values(against_published):
    curve = {row["n"]: row["retained"] for row in against_published.curve}
    assert curve[1] < curve[2] < curve[3] < curve[4]


def test_four_to_thirty_cells(against_published):
    mean = points(against_published)["4-30"]
    assert mean.predicted >= 0.95 and mean.within
    # So does the lowest value that the assumptions give.
    assert mean.range[0] >= 0.95


def test_single_cells_and_leukocytes_pass(against_published):
    found = points(against_published)
    assert found["1"].predicted <= 0.1 and found["1"].range[1] <= 0.1
    assert found["wbc"].predicted <= 1e-3


def test_clusters_stay_whole_at_the_published_flow(against_published):
    assert points(against_published)["broken"].predicted < 0.01


def test_three_cells_are_under_predicted_and_the_comparison_says_so(against_published):
    """A shortfall of the model, not of the code: 0.70 was published. Do not tune it away."""
    three = points(against_published)["3"]
    assert three.predicted < 0.70
    if not three.within:
        assert any("3-cell clusters: under-predicted" in text for text in against_published.shortfalls)
    assert any("3-cell clusters: the baseline" in text for text in against_published.shortfalls)


def test_tension_is_reported_against_measured_ones(against_published):
    ratios = against_published.tension["ratio_to_measured"]
    assert set(ratios) == {"neutrophil", "lymphocyte", "RT4"} and max(ratios.values()) < 1
    assert any("pN/um, is" in text for text in against_published.shortfalls)


def test_half_of_the_two_cell_capture_is_lost_by_four_to_five_ml_per_hour():
    """A prediction to check in the paper (section 6.9, item 5); prototypes gave 4.0 to 5.3 mL/h."""
    clusters = bodies(
        draw(0, CELLS.name, 2, PUBLISHED.trap.rows, SAMPLES), CELLS, PUBLISHED.trap, Assumptions()
    )
    found = clusters.thresholds(PUBLISHED.tension, CELLS.junction_strength)
    ml_per_h = 1e-6 / 3600
    fast, faster = (
        found.retained(PUBLISHED.trap.pressure(q * ml_per_h, PUBLISHED.viscosity)) for q in (3.5, 5.5)
    )
    assert fast > 0.205 > faster


def test_stored_tension_is_what_the_calibration_gives():
    again = calibrate_tension(PUBLISHED.trap, None, PUBLISHED, seed=PUBLISHED.seed, samples=PUBLISHED.samples)
    assert again.tension == pytest.approx(PUBLISHED.tension, rel=1e-9)
    assert again.tension == pytest.approx(CELLS.tension, rel=1e-9)


def test_another_seed_calibrates_to_the_same_within_sampling():
    other = calibrate_tension(PUBLISHED.trap, None, PUBLISHED, seed=1, samples=50_000)
    low, high = other.tension_ci95
    # Both intervals are 95 %; twice their joint half-width is four standard deviations.
    joint = math.hypot(high - low, PUBLISHED.tension_ci95[1] - PUBLISHED.tension_ci95[0]) / 2
    assert other.tension == pytest.approx(PUBLISHED.tension, abs=2 * joint)


def test_junction_evidence():
    """Byers and PANDA: the weak median fails at 0.35 Pa, clusters at 10 and 15 Pa need more than 16 nN."""
    force = {e.population: e.force(7.5e-6) for e in EVIDENCE}
    assert force["E-cadherin-negative"] == pytest.approx(0.6e-9, rel=0.1)
    assert force["E-cadherin-positive"] > 16e-9 and force["HeLa"] > 16e-9


def test_patient_sized_cells_are_held_less():
    small = replace(CELLS, name="patient", diameter=12.4e-6)
    setting = Setting(PUBLISHED.trap, PUBLISHED.flow_rate, PUBLISHED.viscosity, samples=4000)
    pressure = setting.pressure()
    p2 = {c.name: setting.thresholds(c, 2)[0].retained(pressure) for c in (small, CELLS)}
    assert p2["patient"] < 0.5 * p2[CELLS.name]


def test_junction_load_is_pressure_times_plugged_area():
    chip = SimpleNamespace(
        **{k: getattr(PUBLISHED.trap, k) for k in ("gap", "daughter_gap", "depth", "paths", "rows")}
    )
    flow = SimpleNamespace(
        row_resistance=PUBLISHED.trap.row_resistance,
        plug_factor=PUBLISHED.trap.plug_factor,
        wall_shear_stress_p95=lambda q, mu: 0.4,
    )
    operation = SimpleNamespace(flow_rate=PUBLISHED.flow_rate, viscosity=PUBLISHED.viscosity, volume=None)
    suspension = [SimpleNamespace(cells=CELLS, sizes=(2,), concentration=1e7)]
    (two, *_) = capture(chip, flow, operation, suspension, samples=4000, range_samples=200).entries
    # The lesser of two cells of median 15 um.
    assert 0.9 < two.junction_load / (PUBLISHED.pressure * 12e-6 * 15e-6) < 1.0
    assert two.weak.broken.value > two.broken.value


# -- the prototype -----------------------------------------------------------------------------------------------------
# encounters, diameter (um), fitted tension (pN/um), P1, P3, P4, P6, mL/h where P2 = 0.20
TABLE = [
    (1, 12.4, 59, 0.10, 0.63, 0.96, 1.00, 5.3),
    (1, 13.5, 33, 0.06, 0.64, 0.96, 1.00, 4.9),
    (1, 15.0, 21, 0.04, 0.63, 0.96, 1.00, 4.9),
    (3, 12.4, 35, 0.02, 0.59, 0.96, 1.00, 4.7),
    (3, 13.5, 19, 0.01, 0.57, 0.95, 1.00, 4.2),
    (30, 12.4, 31, 0.02, 0.57, 0.95, 1.00, 4.5),
    (30, 13.5, 17, 0.00, 0.55, 0.94, 1.00, 4.1),
    (30, 15.0, 11, 0.00, 0.52, 0.94, 1.00, 4.0),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r[0]} encounters, {r[1]} um")
def test_prototype_table(row):
    rows, diameter, tension, p1, p3, p4, p6, fast = row
    cells = replace(CELLS, diameter=diameter * 1e-6)
    clusters = bodies(draw(1, "prototype", 2, rows, SAMPLES), cells, PROTOTYPE, Assumptions())
    fitted = sorted(clusters.tension_to_hold(PROTOTYPE_PRESSURE, 5e-9))[math.ceil(0.41 * SAMPLES) - 1] * 1e6
    # Sampling of both fits is about 1.5 %; the table rounds to whole pN/um.
    assert fitted == pytest.approx(tension, abs=0.5 + 0.045 * tension)
    assert retained_singles(cells, 12e-6, PROTOTYPE_PRESSURE, tension=fitted * 1e-6) == pytest.approx(
        p1, abs=NOISE
    )
    for n, expected in ((3, p3), (4, p4), (6, p6)):
        found = prototype_thresholds(n, rows, diameter, fitted).retained(PROTOTYPE_PRESSURE)
        assert found == pytest.approx(expected, abs=NOISE), n
    pressure = PROTOTYPE.pressure(fast / 3.6e9, 5e-3)
    assert prototype_thresholds(2, rows, diameter, fitted).retained(pressure) == pytest.approx(
        0.20, abs=NOISE
    )


@pytest.mark.parametrize(("ml_per_h", "kept"), [(0.5, 0.93), (2.5, 0.54), (5, 0.28), (10, 0.11), (25, 0.02)])
def test_prototype_flow_sweep(ml_per_h, kept):
    found = prototype_thresholds(2, 1, 13.5, 45)
    assert found.retained(PROTOTYPE.pressure(ml_per_h / 3.6e9, 5e-3)) == pytest.approx(kept, abs=NOISE)


@pytest.mark.parametrize(("ml_per_h", "broken"), [(2.5, 0.0), (25, 0.02), (50, 0.17), (100, 0.39)])
def test_prototype_breaking(ml_per_h, broken):
    found = prototype_thresholds(2, 1, 13.5, 45)
    assert found.fractions(PROTOTYPE.pressure(ml_per_h / 3.6e9, 5e-3))[2].value == pytest.approx(
        broken, abs=NOISE
    )


@pytest.mark.parametrize(("strength", "base", "kept"), [(0.6, 0.15, 0.94), (1, 0.15, 0.96), (5, 0.15, 0.97), (20, 0.15, 0.97),
                                                         (5, 0.3, 0.93), (5, 0.5, 0.89)])  # fmt: skip
def test_prototype_four_cells_against_strength_and_planar_fraction(strength, base, kept):
    found = prototype_thresholds(4, 1, 13.5, 33, strength * 1e-9, Assumptions(planar_base=base))
    assert found.retained(PROTOTYPE_PRESSURE) == pytest.approx(kept, abs=NOISE)


def test_prototype_weak_junctions_break_one_or_two_percent():
    broken = prototype_thresholds(2, 1, 13.5, 33, 0.6e-9).fractions(PROTOTYPE_PRESSURE)[2].value
    assert 0.005 <= broken <= 0.025
