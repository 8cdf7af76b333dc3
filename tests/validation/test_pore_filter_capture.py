"""The capture model of a pore filter against what was published of such filters.

Calibrated: one transit time, the ratios of apparent viscosities, the factor of fixation. Everything else is predicted.
Published recoveries do not name their filtration time, so none of them is a pass mark: what is tested is that the
comparison says where they fall.
"""

import numpy as np
import pytest

from chipsim.capture import comparison, recovery_curve
from chipsim.capture.entries import Carried as Body
from chipsim.capture.plugs import Membrane, draw, plugs
from chipsim.capture.recovery import recovery
from chipsim.capture.spot import Spot
from chipsim.capture.transit import impulse
from chipsim.cells import line
from chipsim.design import Operation
from chipsim.flow.pore_formulas import unit_resistance
from geometries.pore_filter import PoreFilter

MDA = line("MDA-MB-231")
OPERATION = Operation(pressure="10 mbar", volume="1 mL", fluid="water")


@pytest.fixture(scope="module")
def found():
    return comparison(PoreFilter(), None, OPERATION)


@pytest.fixture(scope="module")
def points(found):
    return {point.key: point for point in found.points}


def uniform(diameter, **values):
    return PoreFilter(diameter=diameter, tolerance=0.0, spot_diameter="2 mm", **values)


# -- calibrated --------------------------------------------------------------------------------------------------------
def test_the_transit_that_was_calibrated_is_met():
    """Coumans 2013a: 15 um cells pass 5 um pores in 1 h at 10 mbar."""
    needed = impulse(
        MDA.diameter, MDA.apparent_viscosity, unit_resistance(uniform("5 um", density="4e5 /cm^2"))
    )
    assert needed / 1000 == pytest.approx(3600, rel=1e-3)


def test_fixed_cells_need_25_times_the_pressure(points):
    assert points["fixation"].role == "calibrated" and points["fixation"].predicted == pytest.approx(25)


# -- predicted ---------------------------------------------------------------------------------------------------------
def test_where_the_published_recovery_falls_on_the_curve(found, points):
    """Unfixed cells, 8 um track-etched pores, > 80 % (Coumans 2013b): within minutes to an hour by the model, no pass mark."""
    point = points["8 um"]
    assert point.within is None and point.range[1] / point.range[0] == pytest.approx(4, rel=1e-3)
    assert 10 < point.range[0] < point.predicted < point.range[1] < 3600
    assert recovery(PoreFilter(), None, MDA, pressure=1000.0).retained(point.predicted) == pytest.approx(0.8)
    assert any(f"after {point.predicted / 60:.2g} min of filtration" in text for text in found.shortfalls)
    curve = found.curves["8 um, 10 mbar"]
    assert curve.retained[0] > 0.99 and curve.retained[-1] < 0.5  # what it says depends on the time


def test_finer_uniform_pores_keep_more(points):
    assert points["order"].within and points["order"].predicted > 1
    times = [1000.0, 3000.0]
    kept = np.array(
        [
            recovery_curve(uniform(d), None, MDA, pressure=1000.0, times=times).retained
            for d in ("8 um", "6.5 um", "5 um")
        ]
    )
    assert (np.diff(kept, axis=0) > 0).all()


def test_the_threshold_alone_holds_nothing(points):
    assert points["threshold"].predicted == 0.0


@pytest.mark.parametrize(("cells", "seconds"), [("lymphocyte", 1.2), ("neutrophil", 1.6)])
def test_leukocytes_through_5_um(points, cells, seconds):
    """Jones 1999; his pressure is unknown, 1 kPa is assumed, hence a factor of 3 (fixed before the comparison)."""
    assert seconds / 3 <= points[cells].predicted <= seconds * 3


@pytest.mark.parametrize(
    ("cells", "over_plasma"), [("red blood cell", 25.9 / 2.7), ("leukocyte", 25.3 / 2.7)]
)
def test_what_blood_cells_add_to_the_resistance_of_5_um_pores(points, cells, over_plasma):
    """Jones 1999: shares of plasma, red cells and fast leukocytes, within a factor of 2."""
    assert over_plasma / 2 <= points[f"{cells} resistance"].predicted <= over_plasma * 2


def test_pore_time_that_leukocytes_take():
    """Reference: 10 um leukocytes, 0.37 s each in 8 um pores at 1 kPa, 177 to a pore of the spot for each mL of blood: 65 s."""
    white = line("neutrophil")
    each = float(impulse(10e-6, white.apparent_viscosity, unit_resistance(PoreFilter()))) / 1000
    assert each == pytest.approx(0.37, abs=0.005)
    assert each * 5e6 / (1e5 * np.pi * 0.3**2) == pytest.approx(65, rel=0.02)


# -- where it falls short ----------------------------------------------------------------------------------------------
def test_the_comparison_says_that_fixation_did_not_raise_the_published_recovery(found, points):
    """A shortfall of the model: published recovery of fixed cells is half, the model holds more of them. Do not tune it away."""
    assert points["fixed recovery"].predicted >= 1.0 and points["fixed recovery"].within is False
    assert any("fixation halves the recovery" in text for text in found.shortfalls)


def test_every_point_that_disagrees_is_told(found):
    for point in found.points:
        if point.within is False:
            assert any(point.published in text for text in found.shortfalls)


def test_a_published_threshold_in_an_eight_micron_pore():
    """Reference C1 with Guo's tension of RT4, 185.4 pN/um: 43 Pa for 15 um in 8 um."""
    body = Body(MDA, 1, 0.0)
    bodies = plugs(
        draw(0, MDA.name, 1, 2**10), body, Spot.of(uniform("8 um")), Membrane(diameter_cv=0.0, tension_cv=0.0)
    )
    assert 185.4e-6 / MDA.tension * np.median(bodies.threshold) == pytest.approx(43, abs=0.5)
