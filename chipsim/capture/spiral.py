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
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.capture import entries as shared
from chipsim.capture.body_sizes import CLASSES, diameters, median_diameter
from chipsim.capture.entries import Capture, Carried, Entry, carried, carryover, purity, written
from chipsim.capture.margins import Margin, margins
from chipsim.capture.spiral_cautions import cautions
from chipsim.capture.spiral_paths import follow, ways
from chipsim.capture.spiral_setting import Assumptions, Setting, section_shape, variations
from chipsim.capture.statistics import Fraction, counted, exact, lognormal_sigma, spread_around
from chipsim.capture.trajectories import Room, Way
from chipsim.cells import FIXED
from chipsim.cells.junctions import doublet_force
from chipsim.flow.lift_table import LiftTable, table_for
from geometries.quantities import DesignError

#: Bodies of each size that are followed.
PATHS = 2**8
#: Ratio of neighbouring sizes that are followed; what is between goes with the nearer one.
SIZE_STEP = 1.05


@dataclass(frozen=True, kw_only=True)
class SpiralEntry(Entry):
    """The fate of one kind of bodies in a spiral.

    Attributes:
        diameter: Median largest diameter, m.
        outlets: Share that leaves by each, by its name; whole or not.
        position: From the inner wall at the end: ``p5``, ``p50``, ``p95``, m.
        across: Of each body followed, from the inner wall at the end, m, shape (classes, paths).
        intact: Share that stays whole; None where nothing is known of it.
        peak_shear: Median of the largest shear stress on the way, Pa.
        extrapolated: Share of the bodies whose size is beyond the table of lift.
    """

    diameter: float
    outlets: dict[str, Fraction]
    position: dict[str, float]
    across: NDArray[Any] = field(compare=False, repr=False)
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

    @property
    def sample_line(self) -> float:
        """Where the sample's stream ends at the entrance, m from the inner wall."""
        return _from_inner_wall(self.setting.sample_line, self.setting)

    @property
    def outlet_line(self) -> float:
        """Where the flow parts between the outlets, m from the inner wall."""
        return _from_inner_wall(self.setting.outlet_line, self.setting)

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
            "sample_line_from_inner_wall_m": self.sample_line,
            "outlet_line_from_inner_wall_m": self.outlet_line,
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


def check_drive(device: Any, operation: Any, table: LiftTable | None = None) -> None:
    """Refuse a section without a table of lift, before the flow is solved.

    Args:
        device: The spiral.
        operation: How it is run.
        table: Of lift; None: the one of the section.

    Raises:
        DesignError: There is none.
    """
    if table is not None:
        return
    shape = section_shape(device)
    table_for(shape.aspect, shape.taper)


def check_bodies(device: Any, suspension: Iterable[Any]) -> None:
    """Refuse bodies that do not fit the section, before the flow is solved.

    Raises:
        DesignError: One of the sizes that are followed does not.
    """
    x = device.half_height
    inner, outer = (height / 2 / x for height in device.heights)
    for body in carried(suspension):
        spreads = {assumed.diameter_cv for assumed in (Assumptions(), *variations(body.line))}
        largest = max(max(diameters(body, cv)) for cv in spreads)
        _refuse_unfit(body, largest, Room(device.width / 2 / x, inner, outer, largest / 2 / x), x)


def _refuse_unfit(body: Carried, diameter: float, room: Room, half_height: float) -> None:
    if not room.fits:
        highest = 2e6 * half_height * max(room.inner, room.outer)
        raise DesignError(
            f"{body.line.name}, {body.n} cell{'s' * (body.n > 1)}: with the spread of their sizes bodies of {diameter * 1e6:.3g} "
            f"um are among them, which do not fit the channel of {2e6 * half_height * room.half_width:g} um x {highest:g} um"
        )


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
    others = [replace(setting, assumed=assumed) for assumed in variations(body.line)] if ranges else []
    factors = {other.assumed.lift_factor for other in (setting, *others)}
    arrived = _followed(body, setting, factors)
    shares = _shares(body, setting, arrived)
    varied = [shares, *(_shares(body, other, _followed(body, other)) for other in others)]
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


def _from_inner_wall(x: Any, setting: Setting) -> Any:
    """From half-heights off the middle to m."""
    return (x + setting.half_width) * setting.half_height


def _followed(body: Carried, setting: Setting, factors: Iterable[float] = ()) -> _Arrived:
    """Bodies of each class at the end; those for other factors of the lift, which are asked for later, are followed with them."""
    ends, shears, known, rooms = [], [], [], []
    for diameter in diameters(body, setting.assumed.diameter_cv):
        alpha = diameter / (2 * setting.half_height)
        room = setting.room(alpha)
        _refuse_unfit(body, diameter, room, setting.half_height)
        x, shear = _one_size(setting, round(math.log(alpha) / math.log(SIZE_STEP)), factors)
        ends.append(x)
        shears.append(shear)
        known.append(alpha <= setting.table.sizes[-1].alpha)
        rooms.append(room)
    return _Arrived(np.array(ends), np.array(shears), np.array(known), rooms)


def _one_size(setting: Setting, step: int, factors: Iterable[float]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where bodies of one size end across, and the largest shear that each met; each size is followed once."""
    wanted = setting.assumed.lift_factor
    missing = [f for f in sorted({wanted, *factors}) if (step, f) not in setting.followed]
    if (step, wanted) not in setting.followed:
        for factor, way in zip(missing, ways(SIZE_STEP**step, setting, missing), strict=True):
            setting.followed[step, factor] = _follow(way, setting)
    return setting.followed[step, wanted]


def _follow(way: Way, setting: Setting) -> tuple[NDArray[Any], NDArray[Any]]:
    shear = np.zeros(PATHS)
    middle = setting.bends[len(setting.bends) // 2].shear

    def watch(at: NDArray[Any]) -> None:
        np.maximum(shear, middle.at(at)[:, 0], out=shear)

    return follow(way, setting, PATHS, watch)[:, 0], shear


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
            np.log(np.maximum(pull, 1e-30) / (setting.assumed.junction_strength or line.junction_strength))
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
    from_inner = _from_inner_wall(arrived.x, setting)
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
        across=from_inner,
        intact=exact(1.0) if single else None if fixed else fractions["intact"],
        peak_shear=peak,
        extrapolated=float((~arrived.known).mean()),
    )
