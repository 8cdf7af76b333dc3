"""Channels that spread a flow evenly: the flow that a width lets through, the posts that hold its roof, tapers.

Widths and lengths are in m. A channel as deep as the chip lets through, at a unit pressure gradient and viscosity, depth^3 / 12
times its *effective width*: its width, less what its side walls (exact series of a rectangular duct: White, Viscous Fluid Flow,
3rd ed., section 3-3.3) and its posts take. Posts that take the share phi of the area leave (1 - phi) / (1 + phi) of it (Maxwell's
formula in the plane; Rayleigh, Phil. Mag. 34, 481 (1892)). Liquid sticks to a post as to a wall, which makes its radius larger
by what half of a duct's walls take, 0.315 depths: assumed, exact for a straight wall.

Two tapers whose effective widths are in proportion to the flow that is still, or already, in them lose the same pressure in each
length. Fed at one end and drained at the other (Z), the difference between them is then the same for each path, however large
the drop along them: in the plane the flow is the same everywhere and runs along the sloping wall, which solves it exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_TERMS = 40
_BOTH, _FAR = (
    0.6302488763,
    10.0,
)  # of the depth: what both side walls take of the width, from how many depths on
_WALL = _BOTH / 2  # what one does
_POST = 2.0  # diameter of a post over the depth
_NARROW, _FINE = (
    4.0,
    0.3,
)  # widths below so many depths get a corner whenever their logarithm falls by so much
_STEPS = 48  # of a bisection


def open_width(width: float, depth: float) -> float:
    """Effective width of a rectangular duct, m."""
    if width > _FAR * depth:  # where the walls do not feel each other the sum is a number
        return width - _BOTH * depth
    n = np.arange(1, 2 * _TERMS, 2)
    taken = 192 / math.pi**5 * np.sum(np.tanh(n * math.pi * width / (2 * depth)) / n**5)
    return width - depth * float(taken)


@dataclass(frozen=True)
class Posts:
    """Round posts on a square lattice that starts at a straight border of a channel and keeps clear of its other wall.

    Attributes:
        depth: Of the channel, m.
        span: Largest clear width that its roof bridges, m.
    """

    depth: float
    span: float

    @property
    def diameter(self) -> float:
        """Of a post, m: as high as half of it, so that it stands and casts well (assumed)."""
        return _POST * self.depth

    @property
    def clear(self) -> float:
        """Least distance of a post from a wall, m."""
        return self.diameter

    @property
    def pitch(self) -> float:
        """Of the lattice, m: between the last row and a wall there is never more than the span."""
        return self.span - self.clear

    def threshold(self, row: int) -> float:
        """Width from which a channel has that row of posts (the first is 1), m."""
        return row * self.pitch + self.diameter / 2 + self.clear

    def rows(self, width: float) -> int:
        """Rows of posts that a channel of this width has."""
        return max(math.floor((width - self.threshold(0)) / self.pitch + 1e-9), 0)

    def effective(self, width: float, rows: int | None = None) -> float:
        """Effective width of a channel, m, with as many rows as it has or with ``rows``."""
        rows = self.rows(width) if rows is None else rows
        radius = self.diameter / 2 + _WALL * self.depth
        share = rows * math.pi * radius**2 / (self.pitch * width)
        return open_width(width, self.depth) * (1 - share) / (1 + share)

    def width(self, effective: float) -> float:
        """The width, m, that has an effective width; the smallest, as each row of posts takes some of it."""
        rows = self.rows(effective)
        while True:
            found = self._width(effective, rows)
            if found < self.threshold(rows + 1):
                return found
            rows += 1

    def _width(self, effective: float, rows: int) -> float:
        low, high = effective, 2 * effective + self.depth + rows * self.pitch
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.effective(middle, rows) < effective else (low, middle)
        return high


@dataclass(frozen=True)
class Taper:
    """A manifold: wide at its mouth, with a straight side along the paths, and as much effective width as flow is in it.

    Attributes:
        length: m.
        mouth: Width at its mouth, m.
        end: Width below which it does not go, m.
        posts: Of it.
    """

    length: float
    mouth: float
    end: float
    posts: Posts

    @cached_property
    def _corners(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Places along it over its length and widths there; rows of posts between them."""
        posts, full = self.posts, self.posts.effective(self.mouth)
        rows = posts.rows(self.mouth)
        if self.end >= self.mouth:  # no taper
            return np.array([0.0, 1.0]), np.full(2, self.mouth), np.array([rows])
        step = min(posts.pitch / self.length / 2, 0.01)
        places, widths, counts = [0.0], [self.mouth], []
        for row in range(rows, 0, -1):  # where the outermost row ends the wall steps in by what it took
            narrow = posts.threshold(row)
            left = posts.effective(narrow, row - 1)
            at = 1 - left / full
            if at - step > places[-1] and at + step < 1:
                places += [at - step, at + step]
                widths += [posts.width(full * (1 - at + step)), posts._width(full * (1 - at - step), row - 1)]
                counts += [row, row - 1]
        for narrow in self._narrow():
            at = 1 - min(posts.effective(narrow, 0) / full, 1.0)
            if at > places[-1]:
                places, widths, counts = [*places, at], [*widths, narrow], [*counts, 0]
        if places[-1] < 1:
            places, widths, counts = [*places, 1.0], [*widths, self.end], [*counts, 0]
        return np.array(places), np.array(widths), np.array(counts)

    def _narrow(self) -> list[float]:
        """Widths, m, of a few corners toward the end, where the side walls take a share that changes with the width."""
        most = min(_NARROW * self.posts.depth, self.mouth)
        count = max(math.ceil(math.log(most / self.end) / _FINE), 0)
        return [float(w) for w in np.geomspace(most, self.end, count + 1)]

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Corners of its sloping wall: distance from the mouth and width there, m."""
        places, widths, _ = self._corners
        return [(float(s) * self.length, float(w)) for s, w in zip(places, widths, strict=True)]

    def width_at(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Width, m, at shares of its length from the mouth."""
        places, widths, _ = self._corners
        return np.interp(share, places, widths)

    def effective_at(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Effective width, m, at shares of its length from the mouth."""
        places, _, counts = self._corners
        which = np.clip(np.searchsorted(places, share, side="right") - 1, 0, len(counts) - 1)
        return np.array(
            [
                self.posts.effective(w, int(counts[i]))
                for w, i in zip(self.width_at(share), which, strict=True)
            ]
        )
