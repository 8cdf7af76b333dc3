"""What the lift solver knows of a sphere at one place of a duct's section (plain numpy).

Lengths are half-heights of the section, speeds are over the largest one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LiftPoint:
    """A sphere that a flow carries along a straight duct, at one place of the section.

    Attributes:
        alpha: Its diameter over the height.
        at: Its place across and along the height, half-heights from the middle.
        lift: Inertial lift across and along the height, over rho U_m^2 a^4 / H^2 (a the radius, H the height, U_m the
            largest speed).
        drag: Drag across and along the height over 6 pi mu a U, its spin held.
        speed: Along the duct over the largest speed.
        spin: Angular velocity about the axes across and along the height, over the largest speed by half-height.
        unknowns: Of the linear system along the duct.
        iterations: Of the linear solver, the most.
        seconds: Wall time of the steps.
    """

    alpha: float
    at: tuple[float, float]
    lift: tuple[float, float]
    drag: tuple[float, float]
    speed: float
    spin: tuple[float, float]
    unknowns: int
    iterations: int
    seconds: dict[str, float]
