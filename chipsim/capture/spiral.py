"""Which outlet of a spiral a body leaves by, and whether it is still whole.

A body is a sphere of its largest diameter: it starts where the sample's stream carries it, migrates by the secondary flow of the
bend and by inertial lift (``migration.py``, ``trajectories.py``) and leaves by the outlet that owns its streamline. Bodies beyond
the table of lift take that of its last size, are marked, and their shares range over all that their room in the section allows. A
cluster breaks if the pull of the strongest shear on its way on two touching cells is above its junction's strength.

Not modelled: crowding (dilute samples only), deformation, clusters as they are (they tumble), gravity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.capture import entries as shared
from chipsim.capture.body_sizes import CLASSES, diameters, median_diameter
from chipsim.capture.entries import Capture, Carried, Entry, carried, carryover, purity, written
from chipsim.capture.margins import Margin, margins
from chipsim.capture.spiral_cautions import cautions
from chipsim.capture.spiral_setting import LIFT_BAND, Assumptions, Setting, section_shape
from chipsim.capture.statistics import Fraction, counted, exact, lognormal_sigma, spread_around
from chipsim.capture.trajectories import Room, carried_along, starts
from chipsim.cells import FIXED
from chipsim.cells.junctions import doublet_force
from chipsim.flow.lift_table import LiftTable, table_for
from geometries.quantities import DesignError

#: Bodies of each size that are followed.
PATHS = 2**8
#: Ratio of neighbouring sizes that are followed; what is between goes with the nearer one.
SIZE_STEP = 1.05
_VARIED = (
    Assumptions(lift_factor=1 / LIFT_BAND),
    Assumptions(lift_factor=LIFT_BAND),
    Assumptions(diameter_cv=0.08),
    Assumptions(diameter_cv=0.2),
)


@dataclass(frozen=True, kw_only=True)
class SpiralEntry(Entry):
    """The fate of one kind of bodies in a spiral.

    Attributes:
        diameter: Median largest diameter, m.
        outlets: Share that leaves by each, by its name; whole or not.
        position: From the inner wall at the end: ``p5``, ``p50``, ``p95``, m.
        intact: Share that stays whole; None where nothing is known of it.
        peak_shear: Median of the largest shear stress on the way, Pa.
        extrapolated: Share of the bodies whose size is beyond the table of lift.
    """

    diameter: float
    outlets: dict[str, Fraction]
    position: dict[str, float]
    intact: Fraction | None
    peak_shear: float
    extrapolated: float

    def to_dict(self) -> dict[str, Any]:
        """The documented keys of result.json."""
        found: dict[str, Any] = {}
        for name, share in self.outlets.items():
            found |= written(name, share)
        return super().to_dict() | {
            "diameter_m": self.diameter,
            "outlets": found,
            "position_from_inner_wall_m": self.position,
            "peak_shear_pa": self.peak_shear,
            "extrapolated": self.extrapolated,
        } | written("intact", self.intact)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SpiralCapture(Capture):
    """What a spiral does to a suspension.

    Attributes:
        enrichment: Of each line of tumour cells over leukocytes, in the collecting outlet over the sample; None where no
            leukocyte is in it.
    """

    entries: tuple[SpiralEntry, ...]
    setting: Setting
    enrichment: dict[str, float | None]

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The largest junction load and shear beside the strengths known."""
        return margins((e.junction_load for e in self.entries), max(e.peak_shear for e in self.entries))

    def model(self) -> dict[str, Any]:
        """The table ``capture_model`` of result.json."""
        s = self.setting
        return {
            "diameters": CLASSES,
            "paths": PATHS,
            "lift_table": {
                "aspect": s.table.aspect,
                "taper": s.table.shape.taper,
                "curvature": s.table.curvature,
                "sizes": [size.alpha for size in s.table.sizes],
                **s.table.made,
            },
            "sample_line_from_inner_wall_m": (s.sample_line + s.half_width) * s.half_height,
            "outlet_line_from_inner_wall_m": (s.outlet_line + s.half_width) * s.half_height,
            "inner_outlet_flow_share": s.inner_share,
            "collect": s.collect,
            "assumptions": s.assumed.to_dict(),
        }

    def to_dict(self) -> dict[str, Any]:
        """The documented keys of result.json."""
        return super().to_dict() | {"enrichment": self.enrichment}


def check(suspension: Iterable[Any]) -> None:
    """Refuse what cannot be predicted; worth calling before the flow is solved.

    Raises:
        DesignError: A cell line lacks a number, or a size is impossible.
    """
    shared.check(suspension, ("diameter",))


def check_drive(device: Any, operation: Any) -> None:
    """Refuse a section without a table of lift, before the flow is solved.

    Raises:
        DesignError: There is none.
    """
    shape = section_shape(device)
    table_for(shape.aspect, shape.taper)


def capture(
    device: Any,
    flow: Any,
    operation: Any,
    suspension: Iterable[Any],
    *,
    seed: int = 0,
    table: LiftTable | None = None,
    progress: Callable[[str], None] | None = None,
) -> SpiralCapture:
    """Estimate which outlet each kind of bodies leaves by.

    Args:
        device: A :class:`geometries.spiral.Spiral`.
        flow: Its flow at this operation (:class:`chipsim.flow.spiral_result.SpiralFlow`).
        operation: ``sample_flow_rate`` and ``sheath_flow_rate`` (m3/s), ``viscosity`` (Pa s), ``collect``, and ``liquid()``.
        suspension: Entries with ``cells``, ``sizes``, ``concentration`` (1/m3 of the sample), ``state``.
        seed: Same seed, same bytes.
        table: Of lift; None: the one of the section.
        progress: Called with a few words before each step.

    Raises:
        DesignError: A cell line lacks a number, a size is impossible, a body does not fit, or lift is not known.
    """
    suspension = tuple(suspension)
    check(suspension)
    tell = progress or (lambda _: None)
    setting = Setting.of(device, flow, operation, seed=seed, table=table)
    blood = operation.liquid().blood_fraction
    bodies = carried(suspension, 1.0 if blood is None else blood)
    found = []
    for body in bodies:
        tell(f"{body.line.name}, {body.n} cell{'s' if body.n > 1 else ''}")
        found.append(fate(body, setting))
    per_ml, per_ml_range = carryover(bodies, found)
    part = blood or 1.0
    singles = {
        body.line.name: fate(body._replace(n=1), setting, ranges=False).retained.value
        for body in bodies
        if body.line.kind == "tumour"
    }
    return SpiralCapture(
        entries=tuple(found),
        processing_time=operation.volume / operation.sample_flow_rate if operation.volume else None,
        wbc_carryover_per_ml=per_ml / part,
        wbc_carryover_per_ml_range=(per_ml_range[0] / part, per_ml_range[1] / part),
        purity=purity(bodies, found),
        single_cell_carryover=singles,
        setting=setting,
        warnings=tuple(cautions(setting, bodies, found, operation.liquid())),
        enrichment=_enrichment(bodies, found),
    )


def _enrichment(bodies: Sequence[Carried], found: Sequence[SpiralEntry]) -> dict[str, float | None]:
    came = kept = 0.0
    for body, entry in zip(bodies, found, strict=True):
        if body.line.kind == "leukocyte":
            came, kept = came + body.concentration, kept + body.concentration * entry.retained.value
    out: dict[str, float | None] = {}
    for body, entry in zip(bodies, found, strict=True):
        if body.line.kind == "tumour" and body.n == 1:
            out[body.line.name] = entry.retained.value / (kept / came) if kept > 0 else None
    return out


@dataclass(frozen=True)
class _Arrived:
    """Bodies of one kind at the end; arrays of shape (classes, paths)."""

    x: NDArray[Any]
    shear: NDArray[Any]
    known: NDArray[np.bool_]  # of each class, whether its size is within the table
    room: list[Room]


def fate(body: Carried, setting: Setting, *, ranges: bool = True) -> SpiralEntry:
    """The fate of one kind of bodies, with intervals and ranges.

    Args:
        body: The cells, how many in a cluster.
        setting: Spiral, operation and assumptions.
        ranges: Whether the assumptions are varied.
    """
    arrived = _followed(body, setting)
    shares = _shares(body, setting, arrived)
    varied = [shares]
    for assumed in _VARIED if ranges else ():
        other = replace(setting, assumed=assumed)
        varied.append(_shares(body, other, _followed(body, other)))
    count = arrived.x.size
    fractions = {
        name: replace(
            counted(round(share * count), count), range=spread_around(share, [v[name] for v in varied])
        )
        for name, share in shares.items()
    }
    for side, low, high in _bounds(setting, arrived):
        for name in (side, *(["retained"] if side == setting.collect else ["passed"])):
            f = fractions[name]
            fractions[name] = replace(f, range=(min(f.range[0], low), max(f.range[1], high)))
    return _entry(body, setting, arrived, fractions)


def _followed(body: Carried, setting: Setting) -> _Arrived:
    ends, shears, known, rooms = [], [], [], []
    for diameter in diameters(body, setting.assumed.diameter_cv):
        alpha = diameter / (2 * setting.half_height)
        room = setting.room(alpha)
        if not room.fits:
            raise DesignError(
                f"{body.line.name}, {body.n} cells: a body of {diameter * 1e6:.3g} um does not fit the channel of "
                f"{2e6 * setting.half_height:g} um"
            )
        x, shear = _one_size(setting, round(math.log(alpha) / math.log(SIZE_STEP)))
        ends.append(x)
        shears.append(shear)
        known.append(alpha <= setting.table.sizes[-1].alpha)
        rooms.append(room)
    return _Arrived(np.array(ends), np.array(shears), np.array(known), rooms)


def _one_size(setting: Setting, step: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where bodies of one size end across, and the largest shear that each met; each size is followed once."""
    key = step, setting.assumed.lift_factor
    if key not in setting.followed:
        setting.followed[key] = _follow(setting, SIZE_STEP**step)
    return setting.followed[key]


def _follow(setting: Setting, alpha: float) -> tuple[NDArray[Any], NDArray[Any]]:
    way = setting.way(alpha)
    entry = setting.bends[0] if setting.along[0] <= setting.along[-1] else setting.bends[-1]
    places = starts(
        entry.speed, way.room, setting.sample_line, PATHS, setting.seed, outer=setting.outer_sample
    )
    shear = np.zeros(PATHS)
    middle = setting.bends[len(setting.bends) // 2].shear

    def watch(at: NDArray[Any], bend: float) -> None:
        np.maximum(shear, middle.at(at)[:, 0], out=shear)

    end = carried_along(places, way, setting.length, setting.along_for(way), watch)
    return end[:, 0], shear


def _shares(body: Carried, setting: Setting, arrived: _Arrived) -> dict[str, float]:
    inner = arrived.x < setting.outlet_line
    whole = 1.0 - _broken(body, setting, arrived)
    collected = inner if setting.collect == "inner" else ~inner
    return {
        "inner": float(inner.mean()),
        "outer": float((~inner).mean()),
        "intact": float(whole.mean()),
        "retained": float((collected * whole).mean()),
        "passed": float((~collected * whole).mean()),
        "broken": float(1 - whole.mean()),
    }


def _broken(body: Carried, setting: Setting, arrived: _Arrived) -> NDArray[Any]:
    """Chance that each body comes apart, its junction's strength lognormal."""
    from scipy.special import ndtr

    if body.n == 1 or body.state == FIXED:
        return np.zeros_like(arrived.shear)
    line = body.line
    pull = doublet_force(1.0, median_diameter(line) / 2) * arrived.shear * setting.shear_unit
    return np.asarray(
        ndtr(
            np.log(np.maximum(pull, 1e-30) / line.junction_strength)
            / max(lognormal_sigma(line.junction_cv), 1e-9)
        )
    )


def _bounds(setting: Setting, arrived: _Arrived) -> Iterable[tuple[str, float, float]]:
    """Smallest and largest share by each outlet, when bodies beyond the table may be wherever they have room."""
    if arrived.known.all():
        return
    low = high = 0.0
    for x, known, room in zip(arrived.x, arrived.known, arrived.room, strict=True):
        inner = float((x < setting.outlet_line).mean())
        first, last = room.ends
        low += inner if known else float(setting.outlet_line > last)
        high += inner if known else float(setting.outlet_line > first)
    count = len(arrived.x)
    yield "inner", low / count, high / count
    yield "outer", 1 - high / count, 1 - low / count


def _entry(body: Carried, setting: Setting, arrived: _Arrived, fractions: dict[str, Fraction]) -> SpiralEntry:
    from_inner = (arrived.x + setting.half_width) * setting.half_height
    p5, p50, p95 = (float(v) for v in np.percentile(from_inner, [5, 50, 95]))
    peak = float(np.median(arrived.shear)) * setting.shear_unit
    single, fixed = body.n == 1, body.state == FIXED
    radius = median_diameter(body.line) / 2
    return SpiralEntry(
        cells=body.line.name,
        n=body.n,
        retained=fractions["retained"],
        passed=fractions["passed"],
        broken=exact(0.0) if single else None if fixed else fractions["broken"],
        junction_load=None if single else float(doublet_force(peak, radius)),
        calibrated=False,
        diameter=float(np.median(diameters(body, setting.assumed.diameter_cv))),
        outlets={"inner": fractions["inner"], "outer": fractions["outer"]},
        position={"p5": p5, "p50": p50, "p95": p95},
        intact=exact(1.0) if single else None if fixed else fractions["intact"],
        peak_shear=peak,
        extrapolated=float((~arrived.known).mean()),
    )
