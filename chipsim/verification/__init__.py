"""The page of verification: exact solutions, convergence rates, conservation, reference numbers of the devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chipsim.verification.check import Case, Check, failed


def cases() -> list[Case]:
    """Every case there is, quick ones first."""
    from chipsim.verification import (
        bodies,
        dean,
        devices,
        exact,
        lift,
        lift_bends,
        lift_tables,
        manufactured,
        network,
        pores,
        pores_in_space,
        spiral,
        wall_shear,
    )

    return [
        Case("channels", exact.channels),
        Case("drag", exact.drag),
        Case("duct", exact.duct),
        Case("balance", exact.balance),
        Case("manufactured", manufactured.plane),
        Case("network", network.network),
        Case("cluster-chip", devices.cluster_chip),
        Case("cluster-chip-depth", devices.depth_averaged),
        Case("plugged", devices.plugged),
        Case("wall-shear", wall_shear.plane_walls),
        Case("wall-shear-space", wall_shear.walls_in_space),
        Case("pores", pores.axisymmetric),
        Case("slits", pores.slits),
        Case("bodies", bodies.drag),
        Case("dean", dean.dean),
        Case("lift", lift.positions),
        Case("dean-more", dean.more_dean, slow=True),
        Case("spiral-channel", spiral.channel, slow=True),
        Case("bodies-more", bodies.more_drag, slow=True),
        Case("manufactured-space", manufactured.space, slow=True),
        Case("cluster-chip-space", devices.cluster_chip_in_space, slow=True),
        Case("pores-space", pores_in_space.in_space, slow=True),
        Case("rectangles", pores_in_space.rectangles, slow=True),
        Case("lift-more", lift.more, slow=True),
        Case("lift-bends", lift_bends.equilibria, slow=True, tested=False),
        Case("lift-table", lift_tables.rectangle, slow=True, tested=False),
        Case("lift-table-trapezoid", lift_tables.trapezoid, slow=True, tested=False),
        Case("patch", pores_in_space.patch, slow=True),
    ]


def verify(
    *, slow: bool = False, only: str | None = None, progress: Callable[[str], None] = lambda _: None
) -> Iterator[Check]:
    """Run the cases and yield their checks as they come.

    Args:
        slow: Whether to run the slow cases too.
        only: Name of the one case to run.
        progress: Told which case runs.

    Raises:
        DesignError: No case has that name, or there is more than one MPI rank.
    """
    from mpi4py import MPI

    from geometries import DesignError

    if MPI.COMM_WORLD.size > 1:
        raise DesignError("chipsim verify runs on one rank; start it without mpirun")
    chosen = [case for case in cases() if case.name == only or (only is None and (slow or not case.slow))]
    if not chosen:
        raise DesignError(
            f'case "{only}" is unknown; known cases are {", ".join(case.name for case in cases())}'
        )
    for case in chosen:
        progress(f"verifying {case.name}")
        try:
            yield from case.run()
        except Exception as error:  # whatever fails is a line of the page, not its end
            yield failed(case, f"{type(error).__name__}: {error}")


__all__ = ["Case", "Check", "cases", "verify"]
