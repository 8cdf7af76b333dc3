"""The warnings that a capture result carries: where the model leaves what it was calibrated or made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chipsim.capture.calibration import CELLS, stored
from chipsim.capture.entries import Carried, Entry
from chipsim.capture.setting import Setting
from chipsim.cells import table
from chipsim.cells.junctions import MEMBRANE_SHEAR_LIMITS

_LARGEST_TESTED = 30  # read: clusters of 2 to 30 cells were tested (LabMedica)
_SINGLES_WORTH_SAYING = 0.1
_PLUGS = 1.2  # median diameter over gap above which nearly all cells of a line plug it (CV 0.12)
_BROKEN_WORTH_SAYING = 0.01
_OCCUPANCY_WORTH_SAYING = 0.01
_RED_CELL_LIMIT = 3e-6  # recalled: red cells pass 3 um


def cautions(
    setting: Setting,
    carried: Sequence[Carried],
    entries: Sequence[Entry],
    volume: float | None,
    fluid: str | None = None,
) -> Iterator[str]:
    """Yield the warnings, one sentence each.

    Args:
        setting: Chip, flow and assumptions.
        carried: What is carried, for each entry.
        entries: Their fates.
        volume: Processed volume, m^3, or None.
        fluid: Name of the liquid, where it has one.
    """
    yield (
        "not modelled: clogging and occupied traps, adhesion to the walls, crowding by red cells, shear thinning, "
        "and how a held body changes the flow"
    )
    if fluid not in (None, "whole blood"):
        yield f"leukocytes and red cells are counted at blood's concentrations, though the fluid is {fluid}"
    yield from _about_cells(setting, carried)
    yield from _about_the_chip(setting, carried)
    yield from _about_the_operation(setting, carried, entries, volume)


def _about_cells(setting: Setting, carried: Sequence[Carried]) -> Iterator[str]:
    tumour = {line.name: line for line, _, _, _ in carried if line.kind == "tumour"}
    for name, line in tumour.items():
        if not line.calibrated:
            yield f'the tension of "{name}" is uncalibrated ({line.origin("tension")})'
        elif line.diameter != table.line(CELLS).diameter:
            yield f'the tension of "{name}" was calibrated with another diameter; calibrated and measured cells do not mix'
        singles = setting.singles(line)
        if singles > _SINGLES_WORTH_SAYING and not line.calibrated:
            yield (
                f'the model retains {singles:.0%} of single "{name}" cells, while single cells are published to pass '
                "at 2.5 mL/h: with measured tensions it holds too much, as its calibrated tension is below every measured one"
            )
    narrow = {
        line.name
        for line, n, _, _ in carried
        if n > 1 and line.require("diameter")[0] < _PLUGS * setting.trap.daughter_gap
    }
    for name in sorted(narrow):
        yield (
            f'cells of "{name}" are hardly wider than the daughter gap, while the model lets every straddling cell plug it: '
            "what it says of clusters, of broken ones above all, is too high"
        )
    if any(n >= 4 for _, n, _, _ in carried):
        yield "the retention of clusters of 4 and more rests on the assumed fraction that is one cell thick, 0.15^(n-3)"
    largest = max(n for _, n, _, _ in carried)
    if largest > _LARGEST_TESTED:
        yield f"clusters of {largest} cells are larger than any in the published tests (2 to {_LARGEST_TESTED})"


def _about_the_chip(setting: Setting, carried: Sequence[Carried]) -> Iterator[str]:
    trap, published = setting.trap, stored()
    for name in ("gap", "daughter_gap"):
        here, there = getattr(trap, name), getattr(published.trap, name)
        if abs(here / there - 1) > 0.01:
            yield (
                f"{name} = {here * 1e6:.3g} um: the model was calibrated at {there * 1e6:.3g} um "
                "and has not been compared with any other"
            )
    ratio = setting.pressure() / published.pressure
    if not 0.2 <= ratio <= 5:
        yield (
            f"the pressure across a plugged throat is {setting.pressure():.3g} Pa, {ratio:.2g} times that "
            f"of the calibration ({published.pressure:.3g} Pa): far from any comparison with measurements"
        )
    thickest = max((line.diameter or 0.0) * (2 if n >= 4 else 1) for line, n, _, _ in carried)
    if trap.depth < thickest:
        yield (
            f"depth = {trap.depth * 1e6:.3g} um is not large against what is carried ({thickest * 1e6:.3g} um thick): "
            "the gap is no longer a slit, and the model underestimates what is held"
        )
    if trap.narrowest < _RED_CELL_LIMIT:
        yield (
            f"red cells are taken to pass, but a gap of {trap.narrowest * 1e6:.3g} um is below the 3 um that they are "
            "known to pass"
        )


def _about_the_operation(
    setting: Setting, carried: Sequence[Carried], entries: Sequence[Entry], volume: float | None
) -> Iterator[str]:
    broken, worst = max(((e.broken.value, e) for e in entries if e.broken), key=lambda pair: pair[0])
    if broken > _BROKEN_WORTH_SAYING:
        yield (
            f"clusters break: {broken:.1%} of {worst.cells}, {worst.n} cells; what becomes of "
            "the fragments is not modelled"
        )
    if setting.wall_shear is not None:
        above = [text for limit, text in MEMBRANE_SHEAR_LIMITS if setting.wall_shear > limit]
        if above:
            yield f"the wall shear stress (95th percentile) of {setting.wall_shear:.3g} Pa is above {above[-1]}"
    if volume:
        kept = sum(c * e.retained.value for (_, _, c, _), e in zip(carried, entries, strict=True))
        occupied = kept * volume / (setting.trap.paths * setting.trap.rows)
        if occupied > _OCCUPANCY_WORTH_SAYING:
            yield f"{occupied:.1%} of the traps fill up"
