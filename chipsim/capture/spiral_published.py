"""Spirals: the model beside what was published.

The radius or the outlets of the published spirals are not confirmed, so nothing here is a validation: it is told what the model
gives for this design where a recovery was published.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chipsim.capture.calibration import CELLS
from chipsim.capture.entries import Carried
from chipsim.capture.spiral import fate
from chipsim.capture.spiral_setting import Setting
from chipsim.cells import LIVE
from chipsim.cells.table import line
from chipsim.flow.lift_table import LiftTable


@dataclass(frozen=True)
class Published:
    """What is told of a published spiral.

    Attributes:
        name: Of whom.
        recovery: More than this share of spiked cells was recovered.
        left: About this share of leukocytes was left.
        source: Of both, and what of the design is not known.
    """

    name: str
    recovery: float
    left: float
    source: str


HOU = Published(
    name="Hou 2013",
    recovery=0.85,
    left=1e-3,
    source="Hou 2013, Sci Rep 3:1259, abstract (recalled); its radius and outlet widths are not confirmed",
)
WARKIANI = Published(
    name="Warkiani 2014",
    recovery=0.8,
    left=1e-4,
    source="Warkiani 2014, Lab Chip 14:128, abstract (recalled); its outlet widths are not confirmed",
)


def nearest(device: Any) -> Published:
    """The published spiral with such a section: a rectangle or a trapezoid."""
    inner, outer = device.heights
    return HOU if inner == outer else WARKIANI


@dataclass(frozen=True)
class Point:
    """One prediction beside what was published.

    Attributes:
        key: Short name.
        name: What it is.
        predicted: Share.
        published: In words.
        source: Of what was published.
    """

    key: str
    name: str
    predicted: float
    published: str
    source: str


@dataclass(frozen=True)
class SpiralComparison:
    """What the model gives for this design, beside the published device.

    Attributes:
        beside: The published device.
        points: Predictions.
        shortfalls: Where the model falls short, in sentences.
    """

    beside: Published
    points: tuple[Point, ...]
    shortfalls: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"points": [asdict(p) for p in self.points], "shortfalls": list(self.shortfalls)}


def comparison(
    device: Any, flow: Any, operation: Any, *, seed: int = 0, table: LiftTable | None = None
) -> SpiralComparison:
    """The model beside the published device.

    Args:
        device: A :class:`geometries.spiral.Spiral`.
        flow: Its flow at this operation.
        operation: As for :func:`chipsim.capture.spiral.capture`.
        seed: Of the starts.
        table: Of lift; None: the one of the section.
    """
    setting, beside = Setting.of(device, flow, operation, seed=seed, table=table), nearest(device)
    found = {
        name: fate(Carried(line(name), 1, 0.0, LIVE), setting, ranges=False) for name in (CELLS, "leukocyte")
    }
    where = f"that leave by the {setting.collect} outlet of this spiral"
    points = (
        Point(
            "recovery",
            f"single {CELLS} cells {where}",
            found[CELLS].retained.value,
            f"more than {beside.recovery:.0%} of spiked cells are recovered",
            beside.source,
        ),
        Point(
            "leukocytes",
            f"leukocytes {where}",
            found["leukocyte"].retained.value,
            f"about one in {1 / beside.left:,.0f} is left (recalled)",
            beside.source,
        ),
    )
    return SpiralComparison(beside, points, tuple(_shortfalls(beside, points)))


def _shortfalls(beside: Published, points: tuple[Point, ...]) -> list[str]:
    recovery, leukocytes = points
    said = []
    if recovery.predicted < beside.recovery:
        said.append(
            f"The spiral of {beside.name} is said to recover more than {beside.recovery:.0%} of tumour cells; of this one's "
            f"{recovery.predicted:.0%} leave by the outlet that is kept. Not all of the published one is confirmed."
        )
    if leukocytes.predicted > beside.left:
        said.append(
            f"Of leukocytes {beside.name} left about one in {1 / beside.left:,.0f}; here {leukocytes.predicted:.1%} leave by the "
            "outlet that is kept."
        )
    return said
