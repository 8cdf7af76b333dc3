"""The command that refits the depth closure: ``python -m chipsim.study.calibrate_depth [--write]``.

Solves the unit cells of some fifty chips in 3-D (about twenty minutes on one core), fits the closure's one constant on nine of
them, compares it on all, and shows the table; ``--write`` stores it in ``chipsim/flow/depth.toml``. To be run after a change of
the closure or of the default mesh; a slow test compares the stored constant with 3-D on chips that are not in the table.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from scipy.optimize import minimize_scalar

from chipsim.flow import depth
from chipsim.flow.array import cell_mesh
from chipsim.flow.depth import depth_closure, floor_layer
from chipsim.flow.stokes import Problem, solve
from geometries import ClusterChip
from geometries.mesh import UNIT, Mesh

#: gap, depth, daughter_gap, side (um), apex_angle (degrees), fillet (um)
Shape = tuple[float, float, float, float, float, float]


def shape(
    gap: float,
    depth: float,
    daughter: float | None = None,
    side: float = 48,
    angle: float = 60,
    fillet: float = 1,
) -> Shape:
    """A shape, by default the published chip but for its gap (both gaps) and depth."""
    return gap, depth, gap if daughter is None else daughter, side, angle, fillet


FIT = [shape(gap, h) for gap in (8, 12, 16) for h in (40, 80, 200)]
CHECK = [
    *(shape(gap, h) for gap in (10, 14) for h in (40, 60, 80, 120, 200)),
    *(shape(gap, h) for gap in (8, 12, 16) for h in (60, 120)),
    shape(12, 100),
    # The daughter gap of the published chip, whatever the gap; then other ratios of the two.
    *(shape(gap, h, 12) for gap in (8, 16) for h in (40, 100)),
    shape(14, 40, 12), shape(10, 100, 12), shape(16, 40, 24), shape(8, 40, 6),
    # The pillars' side and angle changed by 30 %, the fillet.
    *(shape(12, h, side=side) for side in (34, 62) for h in (40, 100)),
    *(shape(12, h, angle=angle) for angle in (42, 78) for h in (40, 100)),
    *(shape(12, 40, fillet=fillet) for fillet in (0.0, 0.5, 2.5)),
    # Several at once, at the corners of the range.
    *(shape(16, 40, side=side) for side in (34, 62)),
    *(shape(16, 40, angle=angle) for angle in (42, 78)),
    shape(16, 40, side=34, angle=78), shape(8, 40, side=34, angle=78), shape(8, 200, side=34, angle=78),
    shape(8, 40, side=62), shape(8, 40, side=62, angle=42), shape(8, 40, 12, 62, 42),
    shape(16, 40, 12, 34, 78), shape(16, 200, side=62, angle=42),
]  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """What a shape is compared on: its resistance in 3-D, and what the closure needs to give one."""

    chip: ClusterChip
    resistance: float
    mesh: Mesh
    layer: float

    def error(self, relief: float) -> float:
        """Relative error of the depth-averaged resistance."""
        closure = depth_closure(self.layer, self.chip.depth / UNIT, relief)
        # At unit viscosity; the true flow is smaller by the viscosity factor.
        averaged = solve(self.mesh, 2, Problem(drag=closure.drag / closure.viscosity)).field
        assert averaged is not None
        flow = float(averaged.velocity_integral[0]) / closure.viscosity
        return _resistance(self.chip, flow) / self.resistance - 1


def chip_of(shape: Shape) -> ClusterChip:
    """The chip of a shape."""
    *lengths, angle, fillet = shape
    gap, height, daughter, side = (x * UNIT for x in lengths)
    return ClusterChip(
        gap=gap,
        depth=height,
        daughter_gap=daughter,
        side=side,
        apex_angle=math.radians(angle),
        fillet=fillet * UNIT,
    )


def reference(shape: Shape) -> Reference:
    """Solve a shape in 3-D, and in the plane."""
    chip = chip_of(shape)
    mesh = cell_mesh(chip, 2)
    plane = solve(mesh, 2, Problem()).field
    assert plane is not None
    return Reference(chip, resistance_in_space(chip), mesh, floor_layer(plane))


def resistance_in_space(chip: ClusterChip) -> float:
    """Resistance of a row by the 3-D model on its default mesh, 1/um2."""
    space = solve(cell_mesh(chip, 3), 3, Problem()).field
    assert space is not None
    return _resistance(chip, float(space.velocity_integral[0]) / (chip.depth / UNIT / 2))


def _resistance(chip: ClusterChip, flow: float) -> float:
    """Pressure drop of a row over flow per path and depth, from the integral of the velocity over half a path, two rows."""
    return (chip.row_pitch / UNIT) ** 2 / flow


def fit(references: Sequence[Reference]) -> float:
    """The constant with the smallest largest error."""
    found = minimize_scalar(
        lambda relief: max(abs(r.error(relief)) for r in references),
        bounds=(0.0, 0.1), method="bounded", options={"xatol": 1e-4},
    )  # fmt: skip
    return round(float(found.x), 4)


def write(
    relief: float, table: Sequence[tuple[Shape, float, float]], path: Path = depth.CALIBRATION_FILE
) -> Path:
    """Write the constant and the table (shape, 3-D resistance in 1/um2, error) as TOML, beside and then renamed."""
    fitted, checked = (max(abs(e) for s, _, e in table if (s in FIT) == part) for part in (True, False))
    points = "".join(
        f"    {{ gap = {s[0]}, depth = {s[1]}, daughter_gap = {s[2]}, side = {s[3]}, apex_angle = {s[4]}, fillet = {s[5]}, "
        f"resistance = {k:.6g}, error = {e:.5f}, fitted = {str(s in FIT).lower()} }},\n"
        for s, k, e in table
    )
    text = f"""\
# Written by `python -m chipsim.study.calibrate_depth --write`. Do not edit: run it again. Formulas: depth.py.
# relief was fitted to the 3-D resistances of the points marked so (least largest error, {fitted:.2%}); the largest error on the
# others is {checked:.2%}. Points: um, degrees; resistance: 3-D, of a row, 1/um2; error: of the closure, relative.
date = {date.today().isoformat()}
dolfinx = "{importlib.metadata.version("fenics-dolfinx")}"
relief = {relief!r}
points = [
{points}]
"""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    depth.calibration.cache_clear()
    return path


def main(arguments: list[str] | None = None) -> None:
    """Refit from the command line."""
    parser = argparse.ArgumentParser(prog="python -m chipsim.study.calibrate_depth", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the new constant and table")
    given = parser.parse_args(arguments)
    references = {}
    for n, s in enumerate([*FIT, *CHECK]):
        print(f"{n + 1} of {len(FIT) + len(CHECK)}: {s}", file=sys.stderr)
        references[s] = reference(s)
    relief = fit([references[s] for s in FIT])
    table = [(s, r.resistance, r.error(relief)) for s, r in references.items()]
    print(
        "gap depth daughter_gap side apex_angle fillet: resistance in 3-D (1/um2), error without and with the constant"
    )
    for s, resistance, error in table:
        print(
            f"{s}: {resistance:.5f} {references[s].error(0.0):+.3%} {error:+.3%}{' fitted' if s in FIT else ''}"
        )
    print(f"now    relief = {relief}")
    if depth.CALIBRATION_FILE.exists():
        print(f"stored relief = {depth.calibration()['relief']}")
    if given.write:
        print(f"wrote {write(relief, table)}")


if __name__ == "__main__":
    main()
