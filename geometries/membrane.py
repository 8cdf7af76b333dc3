"""Pores as drawings for the mesher, in um: the flow runs along x, the upstream face of the membrane is at x = 0."""

from __future__ import annotations

from geometries.outline import Line, Loop, Outline, Point


def meridian(
    radius: float, thickness: float, cell_radius: float, reservoir: float, *, half: bool = False
) -> Outline:
    """The meridian plane of one round pore with a piece of reservoir on both sides; y is the distance from the axis.

    The upper half of the cut::

        y ^   +---- symmetry ----+ +---- symmetry ----+
          | inlet      membrane  | |  membrane     outlet
          |   |                +-+ +-+ pore           |
          +-- +------------- axis --------------------+ --> x

    Args:
        radius: Of the pore, um.
        thickness: Of the membrane, um.
        cell_radius: Of the piece of reservoir, um; its side lets the flow slip, like a neighbour's does.
        reservoir: Length of the piece on either side, um.
        half: Whether it ends in the middle of the bore, which is then ``outlet``; a membrane without thickness is drawn so.
    """
    end = thickness / 2 if half else thickness
    chain: list[tuple[Point, str]] = [((-reservoir, 0.0), "axis")]
    if half:
        chain += [((end, 0.0), "outlet")] + ([((end, radius), "pore")] if thickness > 0 else [])
    else:
        far = thickness + reservoir
        chain += [((far, 0.0), "outlet"), ((far, cell_radius), "symmetry")]
        chain += [((end, cell_radius), "membrane"), ((end, radius), "pore")]
    chain += [
        ((0.0, radius), "membrane"),
        ((0.0, cell_radius), "symmetry"),
        ((-reservoir, cell_radius), "inlet"),
    ]
    tips = ((0.0, radius),) if half else ((0.0, radius), (end, radius))
    ends = [*chain[1:], chain[0]]
    sides = tuple(Line(start, stop, name) for (start, name), (stop, _) in zip(chain, ends, strict=True))
    return Outline(Loop(sides), (), depth=1.0, tips=tips, tip_radius=0.0, throat=radius)
