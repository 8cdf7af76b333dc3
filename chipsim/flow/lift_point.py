"""What is solved at one place of a duct, and its row in a table of lift (plain Python)."""

from __future__ import annotations

from dataclasses import dataclass

#: Of a row.
COLUMNS = ("alpha", "curvature", "x", "z", "lift_x", "lift_z", "drag_x", "drag_z", "drift_x", "drift_z", "speed", "spin_x",
            "spin_z", "slip_x", "slip_z")  # fmt: skip


@dataclass(frozen=True)
class LiftPoint:
    """A sphere that a flow carries along a duct, at one place of the section.

    Attributes:
        alpha: Its diameter over the height.
        at: Its place across (in a bend outward) and along the height, half-heights from the middle.
        lift: Inertial lift across and along the height, over rho U_m^2 a^4 / H^2 (a the radius, H the height, U_m the
            largest speed).
        drag: Drag across and along the height over 6 pi mu a U, its spin held.
        drift: Velocity across and along the height, over rho U_m^2 a^3 / (6 pi mu H^2), at which lift and the inertial torque
            about the duct's axis move it, free to turn: lift over drag where the walls are far.
        speed: Along the duct over the largest speed.
        spin: Angular velocity about the axes across and along the height, over the largest speed by half-height.
        unknowns: Of the linear system along the duct.
        iterations: Of the linear solver, the most.
        seconds: Wall time of the steps.
        curvature: Half-height over the radius of the bend.
        entrained: Velocity across and along the height at which a flow within the section carries it, in that flow's unit;
            None where none was given.
        slip: What of that is not the flow's own velocity at its middle.
    """

    alpha: float
    at: tuple[float, float]
    lift: tuple[float, float]
    drag: tuple[float, float]
    drift: tuple[float, float]
    speed: float
    spin: tuple[float, float]
    unknowns: int
    iterations: int
    seconds: dict[str, float]
    curvature: float = 0.0
    entrained: tuple[float, float] | None = None
    slip: tuple[float, float] | None = None

    @property
    def row(self) -> tuple[float, ...]:
        """Its row in a table; no slip where no other flow was given."""
        head, slip = (self.alpha, self.curvature, *self.at), self.slip or (0.0, 0.0)
        return (*head, *self.lift, *self.drag, *self.drift, self.speed, *self.spin, *slip)
