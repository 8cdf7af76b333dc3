"""What of a spiral can be made: clear widths, walls between windings and beside the ports, heights, room on the slide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from geometries.device import Limits, Problem
from geometries.quantities import show

if TYPE_CHECKING:
    from geometries.spiral import Spiral

_UM = 1e-6


def broken_rules(spiral: Spiral, limits: Limits) -> Iterator[Problem]:
    """Design rules that a spiral breaks, in the order to mend them."""
    yield from _channels(spiral, limits)
    yield from _walls(spiral, limits)
    room = sorted((limits.slide_length, limits.slide_width))
    if any(size > most for size, most in zip(sorted(spiral.footprint), room, strict=True)):
        x, y = (show(v, "mm") for v in spiral.footprint)
        yield _problem("outer_radius", show(spiral.outer_radius, "mm"),
                       f"what fits the slide of {show(room[1], 'mm')} x {show(room[0], 'mm')}", "is above",
                       f"with its branches the spiral is {x} x {y}")  # fmt: skip


def _problem(name: str, value: str, limit: str, relation: str, what: str) -> Problem:
    return Problem(name, value, limit, f"{name} = {value} {relation} {limit}: {what}")


def _said(spiral: Spiral, name: str) -> str:
    value = getattr(spiral, name)
    return f"{value:.4g}" if name == "turns" else " and ".join(show(w, "um") for w in value)


def _channels(spiral: Spiral, limits: Limits) -> Iterator[Problem]:
    narrowest = spiral.width
    for name, widths in (
        ("width", (spiral.width,)),
        ("inlet_widths", spiral.inlet_widths),
        ("outlet_widths", spiral.outlet_widths),
    ):
        narrowest = min(narrowest, *widths)
        if min(widths) < limits.min_gap:
            least = f"the narrowest channel that can be made, {show(limits.min_gap, 'um')}"
            yield _problem(
                name, show(min(widths), "um"), least, "is below", "widen it or raise limits.min_gap knowingly"
            )
    for name in ("height",) if spiral.height is not None else ("inner_height", "outer_height"):
        height, most = getattr(spiral, name), limits.max_gap_aspect_ratio
        if height > most * narrowest:
            yield _problem(name, show(height, "um"), f"{most:g} times the narrowest width of {show(narrowest, 'um')}",
                           "is above", "such a channel is too high for its width to be moulded")  # fmt: skip


def _walls(spiral: Spiral, limits: Limits) -> Iterator[Problem]:
    inner, outer = spiral.plan.clearances()
    height = max(spiral.heights)
    for name, clear, where in (
        ("turns", spiral.wall, "between the windings"),
        (spiral.branches_at["inner"], inner * _UM, "beside the branches at the inner end"),
        (spiral.branches_at["outer"], outer * _UM, "beside the branches at the outer end"),
    ):
        least = max(limits.min_feature, height / limits.max_aspect_ratio)
        if clear < least:
            yield _problem(name, _said(spiral, name), f"a wall of {show(clear, 'um')} {where}", "leaves",
                           f"below {show(least, 'um')} a wall {show(height, 'um')} high is too thin to stand")  # fmt: skip
