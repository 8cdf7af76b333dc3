"""The default chip's flow against the reference numbers of an independent high-order code (relative error below 1e-5).

Doubly periodic array, clear gap and daughter gap 12 um, side 48 um, apex 60 degrees; K is the pressure drop of a row over
viscosity and flow per path and depth. 3-D over plane K from the same source.
"""

import numpy as np
import pytest

from chipsim.capture.calibration import stored
from chipsim.flow import array
from chipsim.flow.array import plug_factor, plugged_drop, solve_cell
from chipsim.flow.array_result import ArrayFlow
from geometries import ClusterChip

Q, MU = 2.5e-6 / 3600, 4e-3
ROUNDED, SHARP = ClusterChip(), ClusterChip(fillet=0.0)


@pytest.fixture(scope="module")
def rounded():
    return ArrayFlow(chip=ROUNDED, cell=solve_cell(ROUNDED, "2d"))


@pytest.fixture(scope="module")
def sharp():
    return ArrayFlow(chip=SHARP, cell=solve_cell(SHARP, "2d"))


def test_row_resistance(rounded, sharp):
    assert rounded.row_resistance == pytest.approx(1.0406e11, rel=3e-3)
    assert sharp.row_resistance == pytest.approx(9.694e10, rel=3e-3)


def test_peak_speed_and_wall_shear(rounded, sharp):
    assert rounded.cell.peak_speed == pytest.approx(0.11091e6, rel=1e-2)
    assert sharp.cell.peak_speed == pytest.approx(0.10826e6, rel=1e-2)
    assert rounded.cell.shear.maximum == pytest.approx(0.0993, rel=1e-2)
    assert rounded.wall_shear_rate(Q)["max"] == pytest.approx(168, rel=1e-2)
    assert sharp.cell.shear.maximum is None


def test_published_operating_point(rounded):
    """71 um/s in the daughter gaps, 188 um/s at most, 0.71 Pa a row, at 2.5 mL/h and 4 mPa s."""
    assert rounded.mean_throat_speed(Q) == pytest.approx(71e-6, rel=1e-2)
    assert rounded.peak_speed(Q) == pytest.approx(188e-6, rel=1e-2)
    assert rounded.row_pressure_drop(Q, MU) == pytest.approx(0.71, abs=0.005)


def test_mass_balance_and_divergence(rounded, sharp):
    for flow in (rounded, sharp):
        assert flow.cell.mass_balance_error < 1e-4
        assert flow.cell.divergence_residual < 1e-9


def test_three_refinements_converge(monkeypatch):
    monkeypatch.setattr(array, "plug_factor", lambda chip: 2.0)  # of another mesh
    cells = [solve_cell(ROUNDED, "2d", refine=r) for r in (0.5, 1, 2)]
    resistance = np.array([c.row_resistance for c in cells])
    # The finest is the reference of the others; each halving must gain more than a factor of two.
    steps = np.abs(np.diff(resistance))
    assert steps[1] < steps[0] / 2
    assert resistance[-1] == pytest.approx(1.0406e11, rel=1e-4)
    balance = [c.mass_balance_error for c in cells]
    assert balance[2] < balance[1] < balance[0]
    shear = np.array([c.shear.maximum for c in cells])
    assert abs(shear[2] / 0.0993 - 1) < abs(shear[0] / 0.0993 - 1)


@pytest.mark.parametrize(("paths", "rows", "published"), [(5, 6, 2.07), (7, 8, 2.04), (10, 12, 2.02)])
def test_plugged_drop_in_arrays(paths, rows, published):
    assert plugged_drop(ROUNDED, paths, rows) == pytest.approx(published, abs=0.01)


def test_plug_factor_of_an_endless_array():
    assert plug_factor(ROUNDED) == pytest.approx(2.00, abs=0.02)


@pytest.mark.parametrize(("depth", "ratio"), [(100e-6, 1.110), (80e-6, 1.141), (60e-6, 1.198)])
def test_depth_averaged_resistance(monkeypatch, depth, ratio):
    """Against the 3-D ratios of the independent code, which are given to three decimals."""
    monkeypatch.setattr(array, "plug_factor", lambda chip: 2.0)  # of another mesh
    chip = ROUNDED.replace(depth=depth)
    assert solve_cell(chip, "depth").row_resistance == pytest.approx(ratio * 1.0406e11, rel=1e-3)


@pytest.mark.slow
def test_the_calibration_rests_on_the_flow_as_it_is_solved():
    """A new mesh or solver must not leave the calibrated tension on old pressures."""
    cell, trap = solve_cell(ROUNDED, "3d"), stored().trap
    assert trap.row_resistance == pytest.approx(cell.row_resistance, rel=1e-4)
    assert trap.plug_factor == pytest.approx(cell.plug_factor, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_other_chips_at_the_default_mesh(seed):
    """Whatever the shape: mass is conserved, the throat carries half a path, a plug raises the pressure."""
    random = np.random.default_rng(seed)
    gap = float(np.exp(random.uniform(np.log(6e-6), np.log(30e-6))))
    chip = ClusterChip(
        gap=gap, side=gap * random.uniform(2, 6), apex_angle=np.radians(random.uniform(40, 90)),
        daughter_gap=gap * random.uniform(0.8, 1.5), fillet=gap * random.uniform(0.05, 0.15),
    )  # fmt: skip
    cell = solve_cell(chip, "2d")
    assert cell.mass_balance_error < 5e-4 and cell.divergence_residual < 1e-9
    assert cell.throat_speed * 2 * chip.daughter_gap == pytest.approx(1, rel=1e-4)
    assert cell.plug_factor > 1.1
    assert cell.shear.p50 < cell.shear.p95 < cell.shear.maximum
    assert cell.shear.patch_maximum < cell.shear.maximum


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "ratio"), [(100e-6, 1.110), (80e-6, 1.141), (60e-6, 1.198)])
def test_resistance_in_space(rounded, depth, ratio):
    chip = ROUNDED.replace(depth=depth)
    cell = solve_cell(chip, "3d")
    assert cell.row_resistance / rounded.row_resistance == pytest.approx(ratio, rel=5e-3)
    assert cell.mass_balance_error < 1e-4
    assert cell.divergence_residual < 1e-5  # ten times the solver's tolerance
    assert ArrayFlow(chip=chip, cell=cell).mean_throat_speed(Q) == pytest.approx(
        100e-6 / depth * 71e-6, rel=1e-2
    )
