"""What is calibrated and what is predicted of a pore filter, and the warnings that a result carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chipsim.capture.calibration import CELLS
from chipsim.capture.entries import BLOOD_UNKNOWN, Carried
from chipsim.capture.network import History
from chipsim.cells import FIXED
from chipsim.cells.state import FIXATION_BAND, FIXATION_FACTOR

if TYPE_CHECKING:
    from chipsim.capture.pore_filter import PoreEntry, Setting

CALIBRATED = (
    f"apparent viscosity of {CELLS}: 15 um cells pass a 5 um pore in 1 h at 10 mbar (Coumans 2013, PLoS ONE 8:e61774)",
    "apparent viscosities of leukocytes and red cells: by the ratios 5e4 : 1e2 : 1 of the same abstract",
    f"fixation: {FIXATION_FACTOR:g} times the pressure (same abstract, one datum in 8 um pores)",
)
PREDICTED = (
    "transit times in other pores and at other pressures, what is retained, blocked pores, filtration time, "
    "leukocyte load, purity",
    "breakage, as an upper bound: all of the force on a plugged pore against the junction strength",
)

_CALIBRATION_PRESSURE = 1000.0  # Pa
_FAR = 5.0
_RISE_WORTH_SAYING = 2.0
_BLOCKED_WORTH_SAYING = 0.1
_BOUND_WORTH_SAYING = 0.01


def cautions(
    setting: Setting, bodies: Sequence[Carried], entries: Sequence[PoreEntry], history: History
) -> Iterator[str]:
    """Yield the warnings, one sentence each.

    Args:
        setting: Spot, operation and assumptions.
        bodies: What is carried, for each entry.
        entries: Their fates.
        history: Of the filtration.
    """
    yield (
        "not modelled: shear thinning of cells, leukocytes that are slow beyond their size, adhesion, "
        "settling, and what becomes of the fragments of a broken cluster"
    )
    yield from _about_the_filtration(setting, history)
    yield from _about_cells(setting, bodies)
    yield from _about_clusters(entries)


def _about_the_filtration(setting: Setting, history: History) -> Iterator[str]:
    if not history.complete:
        yield (
            f"the membrane blocks after {history.volume[-1] * 1e6:.3g} of {setting.volume * 1e6:.3g} mL: "
            "there is no filtration time, and the fractions are those of what has passed"
        )
    elif history.blocked.max() > _BLOCKED_WORTH_SAYING:
        yield f"up to {history.blocked.max():.0%} of the membrane's conductance is blocked during the filtration"
    if history.pressure.max() > _RISE_WORTH_SAYING * setting.pressure:
        yield (
            f"as pores block the pressure rises from {setting.pressure:.3g} to {history.pressure.max():.3g} Pa"
        )
    if setting.blood_fraction is None:
        yield BLOOD_UNKNOWN
    if not 1 / _FAR <= setting.pressure / _CALIBRATION_PRESSURE <= _FAR:
        yield (
            f"the pressure of {setting.pressure:.3g} Pa is far from the {_CALIBRATION_PRESSURE:.3g} Pa at which the "
            "apparent viscosity was calibrated, and cells thin with shear: transit times are uncertain beyond their band"
        )


def _about_cells(setting: Setting, bodies: Sequence[Carried]) -> Iterator[str]:
    tumour = {body.line.name: body.line for body in bodies if body.line.kind == "tumour"}
    for name, line in tumour.items():
        if line.status("apparent_viscosity") != "calibrated":
            yield f'the apparent viscosity of "{name}" is uncalibrated ({line.origin("apparent_viscosity")})'
        if line.calibrated:
            yield (
                f'the tension of "{name}" was calibrated on clusters in another device; '
                "it matters for fixed cells, and below some 100 Pa"
            )
    red = [body.line for body in bodies if body.line.kind == "red cell" and body.concentration > 0]
    if red and setting.blood_fraction and max(line.sphere_diameter or 0 for line in red) > setting.spot.width:
        yield (
            "red cells that have to squeeze through the pores resist there, and in the viscosity of the blood once more: the "
            "filtration time is somewhat long (by 8 % for whole blood in 5 um pores)"
        )
    if any(body.state == FIXED for body in bodies):
        yield (
            f"fixation multiplies threshold and apparent viscosity by {setting.assumed.fixation:g}, "
            f"from one datum in 8 um pores; the ranges carry a factor {FIXATION_BAND:g} of it"
        )


def _about_clusters(entries: Sequence[PoreEntry]) -> Iterator[str]:
    if any(e.broken is None for e in entries):
        yield "no junction strength of fixed cells is known: their clusters count as whole, and what breaks of them is not said"
    bound, worst = max(
        ((e.broken_upper_bound.value, e) for e in entries if e.broken_upper_bound),
        key=lambda pair: pair[0],
        default=(0.0, None),
    )
    if worst and bound > _BOUND_WORTH_SAYING:
        yield (
            f"up to {bound:.1%} of live clusters break ({worst.cells}, {worst.n} cells): an upper bound, "
            f"at which the junction carries all of the force on a plugged pore; at best {worst.held.value:.1%} are retained"
        )
