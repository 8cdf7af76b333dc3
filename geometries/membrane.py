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
    return _upper_half(radius, thickness, cell_radius, reservoir, "axis", half=half)


def slit_plane(
    width: float, thickness: float, cell_width: float, reservoir: float, *, half: bool = False
) -> Outline:
    """The plane across an endless slit: like :func:`meridian`, with a mirror plane (``symmetry``) in place of the axis.

    Args:
        width: Of the slit, um.
        thickness: Of the membrane, um.
        cell_width: Of the piece of reservoir, um; half of the slit and of the piece are drawn.
        reservoir: Length of the piece on either side, um.
        half: Whether it ends in the middle of the bore, which is then ``outlet``.
    """
    return _upper_half(width / 2, thickness, cell_width / 2, reservoir, "symmetry", half=half)


def _upper_half(
    opening: float, thickness: float, side: float, reservoir: float, middle: str, *, half: bool
) -> Outline:
    end = thickness / 2 if half else thickness
    chain: list[tuple[Point, str]] = [((-reservoir, 0.0), middle)]
    if half:
        chain += [((end, 0.0), "outlet")] + ([((end, opening), "pore")] if thickness > 0 else [])
    else:
        far = thickness + reservoir
        chain += [((far, 0.0), "outlet"), ((far, side), "symmetry")]
        chain += [((end, side), "membrane"), ((end, opening), "pore")]
    chain += [((0.0, opening), "membrane"), ((0.0, side), "symmetry"), ((-reservoir, side), "inlet")]
    tips = ((0.0, opening),) if half else ((0.0, opening), (end, opening))
    ends = [*chain[1:], chain[0]]
    sides = tuple(Line(start, stop, name) for (start, name), (stop, _) in zip(chain, ends, strict=True))
    return Outline(Loop(sides), (), depth=1.0, tips=tips, tip_radius=0.0, throat=opening)
