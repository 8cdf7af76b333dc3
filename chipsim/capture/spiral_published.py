"""Spirals: the model beside what was published.

The radius and the outlets of the published device are not confirmed, so nothing here is a validation: it is told what the model
gives for this design where a recovery was published.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chipsim.capture.calibration import CELLS
from chipsim.capture.entries import Carried
from chipsim.capture.spiral import fate
from chipsim.capture.spiral_setting import Setting
from chipsim.cells import LIVE, table

#: Recalled from the abstract of Hou et al., Scientific Reports 3, 1259 (2013): more than 85 % of spiked cells.
RECOVERY = 0.85
#: Recalled: about one leukocyte in a thousand is left.
DEPLETED = 1e-3
_SOURCE = "Hou 2013, Sci Rep 3:1259, abstract (recalled); its radius and outlet widths are not confirmed"


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
        points: Predictions.
        shortfalls: Where the model falls short, in sentences.
    """

    points: tuple[Point, ...]
    shortfalls: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"points": [asdict(p) for p in self.points], "shortfalls": list(self.shortfalls)}


def comparison(device: Any, flow: Any, operation: Any, *, seed: int = 0) -> SpiralComparison:
    """The model beside the published device.

    Args:
        device: A :class:`geometries.spiral.Spiral`.
        flow: Its flow at this operation.
        operation: As for :func:`chipsim.capture.spiral.capture`.
        seed: Of the starts.
    """
    setting = Setting.of(device, flow, operation, seed=seed)
    found = {
        name: fate(Carried(table.line(name), 1, 0.0, LIVE), setting, ranges=False)
        for name in (CELLS, "leukocyte")
    }
    points = (
        Point(
            "recovery",
            f"single {CELLS} cells that leave by the {setting.collect} outlet of this spiral",
            found[CELLS].retained.value,
            "more than 85 % of spiked cells are recovered",
            _SOURCE,
        ),
        Point(
            "leukocytes",
            f"leukocytes that leave by the {setting.collect} outlet of this spiral",
            found["leukocyte"].retained.value,
            "about one in a thousand is left (recalled)",
            _SOURCE,
        ),
    )
    return SpiralComparison(points, tuple(_shortfalls(points)))


def _shortfalls(points: tuple[Point, ...]) -> list[str]:
    recovery, leukocytes = points
    said = []
    if recovery.predicted < RECOVERY:
        said.append(
            f"The published device is said to recover more than {RECOVERY:.0%} of tumour cells; of this spiral's "
            f"{recovery.predicted:.0%} leave by the outlet that is kept. Radius and outlets of the published one are not "
            "confirmed."
        )
    if leukocytes.predicted > DEPLETED:
        said.append(
            f"Of leukocytes about one in a thousand was left; here {leukocytes.predicted:.1%} leave by the outlet that is kept."
        )
    return said
