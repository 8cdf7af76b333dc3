"""Reference numbers of the devices that exist, from independent computations."""

from __future__ import annotations

from collections.abc import Iterator

from chipsim.flow.array import plugged_drop, solve_cell
from chipsim.flow.array_result import ArrayFlow
from chipsim.verification.check import Check, compare, small
from geometries import ClusterChip

#: What the reference for the Cluster-Chip is.
_SOURCE = "independent high-order code, relative error below 1e-5"


def cluster_chip() -> Iterator[Check]:
    """The default chip in the plane: clear gap and daughter gap 12 um, side 48 um, apex 60 degrees.

    K is the pressure drop of a row over viscosity and flow per path and depth.
    """
    for name, fillet, resistance, peak in (
        ("Cluster-Chip, plane, fillets 1 um", 1e-6, 1.0406e11, 0.11091e6),
        ("Cluster-Chip, plane, sharp", 0.0, 9.694e10, 0.10826e6),
    ):
        chip = ClusterChip(fillet=fillet)
        cell = solve_cell(chip, "2d")
        yield compare(name, _SOURCE, "resistance of a row K, 1/m2", resistance, cell.row_resistance, 5e-4)
        yield compare(name, _SOURCE, "peak speed over q, 1/m", peak, cell.peak_speed, 1e-2)
        if cell.shear.maximum is not None:
            yield compare(
                name, _SOURCE, "largest wall shear rate over q, 1/um2", 0.0993, cell.shear.maximum, 1e-2
            )
            speed = ArrayFlow(chip=chip, cell=cell).mean_throat_speed(2.5e-6 / 3600)
            yield compare(
                name, "Sarioglu 2015, doi:10.1038/nmeth.3404, at 2.5 mL/h; recomputed by the same code",
                "mean speed in a daughter gap, m/s", 71e-6, speed, 1e-2,
            )  # fmt: skip
        yield small(name, "what comes in goes out", "throats against section", cell.mass_balance_error, 1e-4)
        yield small(name, "continuity", "discrete divergence", cell.divergence_residual, 1e-9)


def plugged() -> Iterator[Check]:
    """Pressure over one plugged gap over a row's, in doubly periodic arrays of paths x rows."""
    for paths, rows, expected in ((5, 6, 2.07), (7, 8, 2.04), (10, 12, 2.02)):
        found = plugged_drop(ClusterChip(), paths, rows)
        yield compare(
            f"Cluster-Chip, one plug in {paths} x {rows}", _SOURCE, "drop over the plug, rows", expected, found, 5e-3
        )  # fmt: skip


#: Resistance in space over that in the plane, by depth (m), of the same code; three decimals.
_IN_SPACE = ((100e-6, 1.110), (80e-6, 1.141), (60e-6, 1.198))


def depth_averaged() -> Iterator[Check]:
    """The depth-averaged model beside flow in space."""
    plane = solve_cell(ClusterChip(), "2d").row_resistance
    for depth, ratio in _IN_SPACE:
        cell = solve_cell(ClusterChip(depth=depth), "depth")
        yield compare(
            f"Cluster-Chip, depth {depth * 1e6:.0f} um, averaged over it", _SOURCE, "K averaged over K in the plane", ratio,
            cell.row_resistance / plane, 1e-2,
        )  # fmt: skip


def cluster_chip_in_space() -> Iterator[Check]:
    """Resistance in space over that in the plane, by depth."""
    plane = solve_cell(ClusterChip(), "2d").row_resistance
    for depth, ratio in _IN_SPACE:
        name = f"Cluster-Chip, depth {depth * 1e6:.0f} um"
        cell = solve_cell(ClusterChip(depth=depth), "3d")
        yield compare(name, _SOURCE, "K in space over K in the plane", ratio, cell.row_resistance / plane, 5e-3)  # fmt: skip
        yield small(name, "what comes in goes out", "throats against section", cell.mass_balance_error, 1e-4)
        yield small(name, "continuity", "discrete divergence", cell.divergence_residual, 1e-5)
