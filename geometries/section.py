"""Sections of ducts as drawings for the mesher, in um: x across (inner wall of a bend at negative x), y along the height.

A section that is its own image in mid-height (y = 0) is drawn as its upper half, whose lower side is a mirror plane::

    y ^  +--------------- wall ---------------+
      |  | wall (inner)                       | wall (outer)
      +- +-- -- -- -- - symmetry - -- -- -- --+ --> x
"""

from __future__ import annotations

from geometries.outline import Arc, Line, Loop, Outline, Point, Segment, rectangle
from geometries.quantities import DesignError


def rectangle_section(width: float, height: float, *, half: bool = True) -> Outline:
    """A rectangle.

    Args:
        width: Across the duct, um.
        height: um.
        half: Whether the upper half is drawn, up to the mirror plane ``symmetry``.

    Raises:
        DesignError: A length is not above zero.
    """
    _refuse(width=width, height=height)
    bottom, floor = (0.0, "symmetry") if half else (-height / 2, "wall")
    frame = rectangle(-width / 2, bottom, width / 2, height / 2, (floor, "wall", "wall", "wall"))
    return _outline(frame, height / 2)


def trapezoid_section(
    width: float, inner_height: float, outer_height: float, *, level: bool = False, half: bool = True
) -> Outline:
    """A trapezoid whose upright sides are the inner and the outer wall.

    Args:
        width: Across the duct, um.
        inner_height: Of the inner wall, um.
        outer_height: Of the outer wall, um.
        level: Whether the floor is level, half of the mean height below y = 0, and the ceiling alone slants. Such a section has
            no mirror plane and is drawn whole. Else both slant alike.
        half: Whether the upper half is drawn where there is a mirror plane.

    Raises:
        DesignError: A length is not above zero.
    """
    _refuse(width=width, inner_height=inner_height, outer_height=outer_height)
    x, inner, outer = width / 2, inner_height / 2, outer_height / 2
    if level:
        low = -(inner + outer) / 2
        corners: list[Point] = [(-x, low), (x, low), (x, low + outer_height), (-x, low + inner_height)]
    else:
        corners = [(-x, 0.0 if half else -inner), (x, 0.0 if half else -outer), (x, outer), (-x, inner)]
    floor = "symmetry" if half and not level else "wall"
    names = (floor, "wall", "wall", "wall")
    frame = Loop(tuple(Line(corners[i], corners[(i + 1) % 4], names[i]) for i in range(4)))
    return _outline(frame, min(inner, outer))


def circle_section(radius: float, *, half: bool = True) -> Outline:
    """A circle.

    Args:
        radius: um.
        half: Whether the upper half is drawn, up to the mirror plane ``symmetry``.

    Raises:
        DesignError: The radius is not above zero.
    """
    _refuse(radius=radius)
    right, top, left, bottom = (radius, 0.0), (0.0, radius), (-radius, 0.0), (0.0, -radius)
    centre = (0.0, 0.0)
    arcs: list[Segment] = [Arc(right, top, centre, "wall"), Arc(top, left, centre, "wall")]
    if half:
        arcs.append(Line(left, right, "symmetry"))
    else:
        arcs += [Arc(left, bottom, centre, "wall"), Arc(bottom, right, centre, "wall")]
    return _outline(Loop(tuple(arcs)), radius)


def _outline(frame: Loop, throat: float) -> Outline:
    return Outline(frame, (), depth=1.0, tips=(), tip_radius=0.0, throat=throat)


def _refuse(**lengths: float) -> None:
    for name, value in lengths.items():
        if not value > 0:
            raise DesignError(f"{name} = {value:g} um must be above 0 um")
