"""An optimisation as a TOML file or as values: a study with objectives, constraints and how many trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chipsim.study import sources
from chipsim.study.goals import Constraint, Objective, constraints, objectives
from chipsim.study.parameters import Parameter
from chipsim.study.points import Point
from chipsim.study.study_file import Study, load_study
from geometries import DesignError

SAMPLER, TRIALS = "nsga2", 100
#: Trials asked for at once, by sampler. They do not depend on the number of processes: the same seed is the same front.
BATCHES = {"nsga2": 20, "tpe": 8, "random": 20}
#: User attribute of a trial that was told: status, message, key, numbers by name, and by how much each constraint is violated.
OUTCOME = "outcome"
_KEYS = ("trials", "seed", "sampler", "batch")


@dataclass(frozen=True)
class Optimisation:
    """What is sought, where, and for how long.

    Attributes:
        study: What varies of which design.
        objectives: What there should be much or little of.
        constraints: What must stay within limits.
        trials: How many designs are tried.
        seed: Same seed, same trials.
        sampler: Which designs are tried next: ``"nsga2"``, ``"tpe"`` or ``"random"``.
        batch: How many trials are asked for at once; of ``"nsga2"`` a generation.
    """

    study: Study
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()
    trials: int = TRIALS
    seed: int = 0
    sampler: str = SAMPLER
    batch: int = BATCHES[SAMPLER]

    def definition(self) -> dict[str, Any]:
        """What makes it this one: with anything else it is another study."""
        return {
            "design": self.study.tables,
            "options": asdict(self.study.options),
            "parameters": [asdict(p) for p in self.study.parameters],
            "objectives": [asdict(o) for o in self.objectives],
            "constraints": [asdict(c) for c in self.constraints],
            "sampler": [self.sampler, self.seed, self.batch],
            "code": sources.run(),
        }

    def suggest(self, trial: Any) -> None:
        """Draw the parameters of a trial of optuna's, in their order."""
        for p in self.study.parameters:
            if p.values:
                trial.suggest_categorical(p.name, labels(p))
            elif p.points:
                trial.suggest_int(p.name, 0, p.points - 1)
            elif p.whole:
                trial.suggest_int(p.name, round(p.low), round(p.high), log=p.log)
            else:
                trial.suggest_float(p.name, p.low, p.high, log=p.log)

    def values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the parameters by name, from what was drawn."""
        return {p.name: _value(p, drawn[p.name]) for p in self.study.parameters}

    def point(self, drawn: Mapping[str, Any]) -> Point:
        """The design of a trial."""
        return self.study.point(self.values(drawn))


def labels(parameter: Parameter) -> list[Any]:
    """The values of a list as optuna keeps them: lists as text."""
    return [v if isinstance(v, bool | int | float | str) else str(v) for v in parameter.values]


def _value(parameter: Parameter, drawn: Any) -> Any:
    if parameter.values:
        return parameter.values[labels(parameter).index(drawn)]
    if parameter.points:
        return parameter.at(drawn / (parameter.points - 1))
    # 12 digits, as on a grid: the same value by another way is the same point.
    return int(drawn) if parameter.whole else float(f"{drawn:.12g}")


def load_optimisation(path: str | Path) -> Optimisation:
    """Read an optimisation from a TOML file.

    Raises:
        DesignError: The file or its design cannot be read, or something in it is unknown or of no sense.
    """
    study = load_study(path, ("optimise", "objectives", "constraints"))
    beside = study.tables_beside
    return optimisation(
        study, beside.get("objectives"), beside.get("constraints", {}), beside.get("optimise", {})
    )


def optimisation(
    study: Study, wanted: Any, limits: Any = (), settings: Mapping[str, Any] | None = None
) -> Optimisation:
    """An optimisation from its parts.

    Args:
        study: What varies of which design.
        wanted: The table of objectives.
        limits: The table of constraints.
        settings: ``trials``, ``seed``, ``sampler``, ``batch``.

    Raises:
        DesignError: Something is unknown or of no sense.
    """
    given = settings or {}
    if not isinstance(given, Mapping):
        raise DesignError(f"optimise = {given!r} is no table; write [optimise]")
    for key in given:
        if key not in _KEYS:
            raise DesignError(f'unknown key "{key}" in [optimise]; known are {", ".join(_KEYS)}')
    sampler = given.get("sampler", SAMPLER)
    if sampler not in BATCHES:
        raise DesignError(f'sampler = "{sampler}" is unknown; known are {", ".join(BATCHES)}')
    found = Optimisation(
        study,
        objectives(wanted),
        constraints(limits or {}),
        whole("trials", given.get("trials", TRIALS), 1),
        whole("seed", given.get("seed", 0), 0),
        sampler,
        whole("batch", given.get("batch", BATCHES[sampler]), 2 if sampler == "nsga2" else 1),
    )
    names = [asked.name for asked in (*found.objectives, *found.constraints)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise DesignError(f"{twice} is both an objective and a constraint; name one of them otherwise")
    if study.results:
        raise DesignError("[results] is for sweeps; an optimisation has [objectives] and [constraints]")
    return found


def whole(name: str, value: Any, least: int) -> int:
    """A whole number of at least so much.

    Raises:
        DesignError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise DesignError(f"{name} = {value!r} must be a whole number of at least {least}")
    return value
