"""How far the numbers of a flow are from those of an endlessly fine mesh: two meshes and extrapolation.

The same flow is solved on a second mesh of the same family. Where the error falls as (cell size)^p, it is::

    |value - second| / |(size of the second / size)^p - 1|

The orders p are those measured on Cluster-Chips of several shapes against their finest meshes: between 3 and 4, scattered
because gmsh's meshes are not nested. One fixed order in their lower half makes the estimate 0.6 to 1.6 times the true error
in the plane, rather too large than too small; ``tests/verification/test_error_estimate.py`` holds it to a factor of two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from geometries import DesignError
from geometries.mesh import Mesh, MeshError
from geometries.quantities import quantity

#: Order of the pressure drop, and of the mean wall shear on round corners.
ORDER = 3.25
#: Power of the refinement that sharp tips are divided by beyond what all cells are: 3.5 in all, so that their error, linear in
#: their size, falls as the other cells' does and neither hides the other.
SHARP_TIPS = 2.5
#: Order of the mean wall shear on sharp corners: the shear rises as r^-0.49 toward a tip of 60 degrees (a no-slip wedge of
#: 300 degrees of fluid: Moffatt, J. Fluid Mech. 18, 1, 1964), so its mean errs as (tip size)^0.51, and the tips of a refined
#: mesh shrink as ``refine``^-3.5.
SHARP_SHEAR_ORDER = 1.75

#: Refinements that an accuracy is looked for on, so that a flow kept from another run is met again.
LADDER = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
#: Largest number of unknowns that is solved to meet an accuracy, by the dimension of the mesh.
MOST_UNKNOWNS = {2: 2_000_000, 3: 4_000_000}

# Below this a mesh half as fine no longer follows the drawing.
_COARSEST_TO_HALVE = 0.5


@dataclass(frozen=True)
class DiscretisationError:
    """Estimated relative errors against an endlessly fine mesh.

    Attributes:
        pressure_drop: Of the pressure drop (so of the flow rate at a given pressure).
        mean_wall_shear: Of the mean wall shear on the pillars, or in the bore of a pore.
    """

    pressure_drop: float
    mean_wall_shear: float

    @property
    def largest(self) -> float:
        """The larger of the two."""
        return max(self.pressure_drop, self.mean_wall_shear)


def companion(refine: float) -> float:
    """Refinement of the second mesh: half as fine; of a very coarse mesh 1.5 times as fine."""
    return refine / 2 if refine >= _COARSEST_TO_HALVE else finer_companion(refine)


def finer_companion(refine: float) -> float:
    """Refinement of a second mesh that is finer, where half as fine is no mesh any more."""
    return 1.5 * refine


def second_mesh(mesh_of: Callable[[float], Mesh], refine: float) -> tuple[float, Mesh]:
    """Refinement of the second mesh, and the mesh.

    Args:
        mesh_of: Makes the mesh of a refinement.
        refine: Of the first mesh.
    """
    try:
        return companion(refine), mesh_of(companion(refine))
    except MeshError:  # too coarse for this drawing
        return finer_companion(refine), mesh_of(finer_companion(refine))


def relative_error(value: float, second: float, ratio: float, order: float) -> float:
    """Estimated relative error of a number.

    Args:
        value: The number.
        second: The same on the second mesh.
        ratio: Cell size of the second mesh over that of the first.
        order: Order of convergence.
    """
    return abs(value - second) / abs(value) / abs(ratio**order - 1)


def discretisation_error(
    value: tuple[float, float], second: tuple[float, float], ratio: float, orders: tuple[float, float]
) -> DiscretisationError:
    """Estimated relative errors of a cell's flow.

    Args:
        value: Resistance and mean wall shear.
        second: The same on the second mesh.
        ratio: Cell size of the second mesh over that of the first.
        orders: Of the two.
    """
    errors = (relative_error(a, b, ratio, p) for a, b, p in zip(value, second, orders, strict=True))
    return DiscretisationError(*errors)


def accuracy_of(value: float | str) -> float:
    """An accuracy as a fraction, from ``"0.1%"`` or a number.

    Raises:
        DesignError: It is none, or outside what a mesh can be asked for.
    """
    return quantity(value, "", "accuracy", "0.0001%", "50%")


@dataclass(frozen=True)
class Attempt:
    """What a solve says to the search for an accuracy.

    Attributes:
        dim: 2 or 3, of the mesh.
        unknowns: Free unknowns.
        error: The estimate.
        orders: Of convergence of the two numbers.
    """

    dim: int
    unknowns: int
    error: DiscretisationError
    orders: tuple[float, float]


def refine_until(
    accuracy: float,
    attempt: Callable[[float], Attempt],
    progress: Callable[[str], None] = lambda _: None,
) -> float:
    """The coarsest refinement of the ladder on whose mesh the estimated errors are at most the accuracy.

    Args:
        accuracy: Largest relative error.
        attempt: Solves with a refinement.
        progress: Told in a sentence what is being done.

    Raises:
        DesignError: It would take more unknowns than :data:`MOST_UNKNOWNS` or a finer mesh than there is.
    """
    refine = LADDER[0]
    while True:
        tried = attempt(refine)
        if tried.error.largest <= accuracy:
            return refine
        refine = next_refinement(refine, tried, accuracy)
        progress(f"{_told(tried.error)}, above {accuracy:.3g}: refining the mesh {refine:g} times")


def next_refinement(refine: float, tried: Attempt, accuracy: float) -> float:
    """The next refinement to try: what the orders ask for, at most twice as fine (an estimate on a coarse mesh is rough).

    Raises:
        DesignError: The accuracy is out of reach.
    """
    errors = tried.error.pressure_drop, tried.error.mean_wall_shear
    needed = refine * max(
        (error / accuracy) ** (1 / order) for error, order in zip(errors, tried.orders, strict=True)
    )
    steps = [step for step in LADDER if step > refine * (1 + 1e-9)]
    enough = next((step for step in steps if step >= needed), math.inf)
    most = MOST_UNKNOWNS[tried.dim]
    unknowns = tried.unknowns * ((needed if enough == math.inf else enough) / refine) ** tried.dim
    if unknowns > most or enough == math.inf:
        limit = f"more than {most:.0e}" if unknowns > most else f"which is finer than refine = {LADDER[-1]:g}"
        raise DesignError(
            f"accuracy = {accuracy:.3g} cannot be reached: it takes some {unknowns:.0e} unknowns, {limit}; with "
            f"{tried.unknowns} unknowns {_told(tried.error)}"
        )
    return min(enough, max(step for step in steps if step <= 2 * refine or step == steps[0]))


def _told(error: DiscretisationError) -> str:
    return (
        f"the estimated errors are {error.pressure_drop:.1e} of the pressure drop and {error.mean_wall_shear:.1e} of the "
        "mean wall shear"
    )
