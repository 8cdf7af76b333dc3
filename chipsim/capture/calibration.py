"""The one calibrated number: a tension at which 41 % of 2-cell clusters stay on the published chip.

It is the median cortical tension of MDA-MB-231 in the experiment of Sarioglu 2015, doi:10.1038/nmeth.3404, and is
stored with what made it in ``chipsim/cells/calibration.toml``; ``python -m chipsim.study.calibrate`` recomputes it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from chipsim.capture.assumptions import Assumptions
from chipsim.capture.clusters import bodies, draw
from chipsim.capture.statistics import quantile_interval
from chipsim.capture.trap import Trap
from chipsim.cells import CellLine, table
from geometries.quantities import DesignError

CELLS = "MDA-MB-231"
SIZE = 2
TARGET = 0.41  # read: LabMedica 1 Jun 2015 and Medgadget, reporting Sarioglu 2015, doi:10.1038/nmeth.3404
SEED = 2015
SAMPLES = 200_000
_VARIATION_SAMPLES = 20_000


@dataclass(frozen=True)
class Calibration:
    """The calibrated tension and all that went into it.

    Attributes:
        tension: Median cortical tension, N/m.
        tension_ci95: 95 % interval of it from the number of samples alone, N/m.
        target: Retained fraction of 2-cell clusters that it was fitted to.
        flow_rate: Of the published experiment, m^3/s.
        viscosity: Assumed in it, Pa s.
        trap: Hydraulics of the published chip.
        seed: Of the Monte Carlo.
        samples: Clusters in it.
    """

    tension: float
    tension_ci95: tuple[float, float]
    target: float
    flow_rate: float
    viscosity: float
    trap: Trap
    seed: int
    samples: int

    @property
    def pressure(self) -> float:
        """Across a plugged throat of the published chip at its flow rate, Pa."""
        return self.trap.pressure(self.flow_rate, self.viscosity)


def calibrate_tension(
    chip: Any,
    flow: Any,
    operation: Any,
    *,
    target: float = TARGET,
    seed: int = SEED,
    samples: int = SAMPLES,
    assumed: Assumptions | None = None,
) -> Calibration:
    """The median tension at which ``target`` of the 2-cell clusters of MDA-MB-231 are retained.

    Each drawn cluster is retained from some tension upward (thresholds at the tip and in the slit are
    proportional to it; parting is taken along), so the answer is a quantile of those tensions: no search, and
    exact on these clusters.

    Args:
        chip: The published chip (or a Trap).
        flow: Its solved flow; None if ``chip`` is a Trap.
        operation: ``flow_rate`` (m^3/s) and ``viscosity`` (Pa s) of the published experiment.
        target: Retained fraction to meet.
        seed: Of the Monte Carlo.
        samples: Clusters.
        assumed: Assumptions other than the fixed ones.

    Raises:
        DesignError: No tension retains that many.
    """
    trap = Trap.of(chip, flow)
    assumed = assumed or Assumptions()
    pressure = trap.pressure(operation.flow_rate, operation.viscosity * assumed.viscosity_factor)
    cells = table.line(CELLS)
    found = bodies(draw(seed, CELLS, SIZE, trap.rows, samples), cells, trap, assumed)
    needed = np.sort(found.tension_to_hold(pressure, cells.junction_strength))
    tension = float(needed[math.ceil(target * samples) - 1])
    if not math.isfinite(tension):
        raise DesignError(
            f"no tension retains {target:g} of the 2-cell clusters of {CELLS} at {pressure:.3g} Pa"
        )
    interval = quantile_interval(needed, target)
    return Calibration(
        tension, interval, target, operation.flow_rate, operation.viscosity, trap, seed, samples
    )


def stored() -> Calibration:
    """The calibration in ``chipsim/cells/calibration.toml``."""
    content = dict(table.calibration())
    trap = Trap(**content.pop("trap"))
    names = {f.name for f in fields(Calibration)}
    content["tension_ci95"] = tuple(content["tension_ci95"])
    return Calibration(trap=trap, **{k: v for k, v in content.items() if k in names})


@lru_cache(maxsize=256)
def _tension_under(assumed: Assumptions) -> float:
    published = stored()
    return calibrate_tension(
        published.trap, None, published, samples=_VARIATION_SAMPLES, assumed=assumed, target=published.target
    ).tension


def tension_for(line: CellLine, assumed: Assumptions) -> float:
    """The tension to use for a line under these assumptions, N/m.

    A calibrated tension belongs to the assumptions it was fitted under, so under others it is fitted anew, on
    the published chip. A measured or given one is what it is.
    """
    if line.calibrated and assumed != Assumptions():
        return _tension_under(assumed)
    return line.require("tension")[0]


def write(result: Calibration, path: Path = table.CALIBRATION_FILE) -> Path:
    """Write a calibration as TOML, beside and then renamed, and make the table of cell lines use it."""
    trap = "\n".join(f"{name} = {value!r}" for name, value in asdict(result.trap).items())
    text = f"""\
# Written by `python -m chipsim.study.calibrate --write`. Do not edit: run it again. SI units.
# The one calibrated number: the median cortical tension of {CELLS} at which {result.target:.0%} of
# {SIZE}-cell clusters stay on the published chip (Sarioglu 2015, doi:10.1038/nmeth.3404; the 41 % read in
# LabMedica and Medgadget).
cells = "{CELLS}"
size = {SIZE}
target = {result.target!r}
tension = {result.tension!r}
tension_ci95 = [{result.tension_ci95[0]!r}, {result.tension_ci95[1]!r}]  # from the number of samples alone
flow_rate = {result.flow_rate!r}
viscosity = {result.viscosity!r}
seed = {result.seed}
samples = {result.samples}

[trap]
{trap}
"""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    table.reload()
    _tension_under.cache_clear()
    return path
