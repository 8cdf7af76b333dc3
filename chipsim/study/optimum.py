"""What an optimisation found: its Dataset, and the designs of the front as files that run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipsim.study.goals import MAXIMISE, Asked, Constraint, Objective
from chipsim.study.optimisation import OUTCOME, Optimisation
from chipsim.study.parameters import Parameter
from chipsim.study.picks import long_name
from chipsim.study.solve import package_version
from geometries import DesignError
from geometries.files import all_or_nothing
from geometries.quantities import quantity

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from xarray import Dataset

OPTIMUM, FRONT, MARKER = "optimum.nc", "front", "study.json"
_UDUNITS = {"": "1", "m^3/s": "m3 s-1", "1/m^3": "m-3", "1/m^2": "m-2", "N/m": "N m-1", "m^3": "m3"}


def dataset(plan: Optimisation, trials: Sequence[FrozenTrial], front: Sequence[int]) -> Dataset:
    """All trials as an xarray Dataset with the dimension ``trial``.

    Coordinates are the parameters (SI floats, whole numbers or names), variables the objectives and constraints by name, with
    ``goal``, ``at_most`` and ``at_least`` in their attributes, and ``feasible``, ``front`` (of trials with the same design the
    first), ``status``, ``message`` and ``key``. Nothing in it differs between two runs.

    Args:
        plan: What was sought.
        trials: Those that were told, in their order.
        front: Numbers of the feasible ones that none dominates.
    """
    import numpy as np
    from xarray import Dataset

    kept = [t.user_attrs[OUTCOME] for t in trials]
    drawn = [plan.values(t.params) for t in trials]
    seen: set[str] = set()
    on_front = []
    for trial in trials:
        key = trial.user_attrs[OUTCOME]["key"]
        on_front.append(trial.number in front and key not in seen)
        seen.add(key)
    variables: dict[str, Any] = {
        asked.name: ("trial", _numbers([k["numbers"][asked.name] for k in kept]), _about(asked))
        for asked in (*plan.objectives, *plan.constraints)
    }
    feasible = [all(v <= 0 for v in k["violations"]) for k in kept]
    variables |= {
        "feasible": ("trial", np.array(feasible, bool), {"long_name": "all constraints are met"}),
        "front": (
            "trial",
            np.array(on_front, bool),
            {"long_name": "no feasible trial is better in all objectives"},
        ),
        **{
            name: ("trial", np.array([k[name] for k in kept], object))
            for name in ("status", "message", "key")
        },
    }
    names = short_names(plan)
    coordinates = {
        names[p.name]: ("trial", _column(p, [values[p.name] for values in drawn]), _about_parameter(p))
        for p in plan.study.parameters
    }
    found = Dataset(
        variables,
        {"trial": np.array([t.number for t in trials], int), **coordinates},
        _attributes(plan),
    )
    found["trial"].attrs["long_name"] = "number of the trial"
    return found


def short_names(plan: Optimisation) -> dict[str, str]:
    """A name for each parameter: its last part where no other thing has that, else all of it."""
    from chipsim.study.goals import TAKEN

    full = [p.name for p in plan.study.parameters]
    last = [name.rpartition(".")[2] for name in full]
    taken = {*TAKEN, *(asked.name for asked in (*plan.objectives, *plan.constraints))}
    return {
        name: short if last.count(short) == 1 and short not in taken else name.replace(".", "_")
        for name, short in zip(full, last, strict=True)
    }


def _column(parameter: Parameter, values: Sequence[Any]) -> Any:
    """Values as the built design has them."""
    import numpy as np

    if parameter.unit:
        return np.array([quantity(v, parameter.unit, parameter.name, -1e300, 1e300) for v in values], float)
    if all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return np.array(values, int)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return np.array(values, float)
    return np.array([v if isinstance(v, str) else str(v) for v in values], object)


def _numbers(values: Sequence[float | None]) -> Any:
    import numpy as np

    return np.array([math.nan if v is None else v for v in values], float)


def _about(asked: Asked) -> dict[str, Any]:
    words = long_name(asked.result) + (f" over {long_name(asked.over)}" if asked.over else "")
    found: dict[str, Any] = {"units": asked.unit, "long_name": words, "result": asked.place}
    if isinstance(asked, Objective):
        found["goal"] = asked.goal
    if isinstance(asked, Constraint):
        found |= {k: v for k in ("at_most", "at_least") if (v := getattr(asked, k)) is not None}
    return found


def _about_parameter(p: Parameter) -> dict[str, Any]:
    return {"units": _UDUNITS.get(p.unit, p.unit), "long_name": p.long_name, "parameter": p.name}


def _attributes(plan: Optimisation) -> dict[str, Any]:
    import tomli_w

    options = plan.study.options
    more = {
        name: value
        for name in ("refine", "accuracy", "lift_table")
        if (value := getattr(options, name)) is not None
    }
    return {
        "title": plan.study.name,
        "design": tomli_w.dumps(dict(plan.study.tables)),
        "device": str(plan.study.tables.get("device", {}).get("kind", "")),
        "model": options.model or "",
        "seed": options.seed,
        **more,
        "sampler": plan.sampler,
        "sampler_seed": plan.seed,
        "batch": plan.batch,
        "trials": plan.trials,
        "chipsim": package_version(),
    }


def ranked(found: Dataset, plan: Optimisation) -> list[int]:
    """Places in the Dataset of the trials on the front, the best of the first objective first."""
    import numpy as np

    first = plan.objectives[0]
    sign = -1.0 if first.goal == MAXIMISE else 1.0
    places = np.flatnonzero(found["front"].values)
    return [int(i) for i in places[np.argsort(sign * found[first.name].values[places], kind="stable")]]


def least_violated(plan: Optimisation, found: Dataset) -> int | None:
    """Place of the trial that comes nearest to meeting the constraints; None where none has a result."""
    import numpy as np

    total = np.zeros(found.sizes["trial"])
    for constraint in plan.constraints:
        total += [max(0.0, constraint.violation(float(v))) for v in found[constraint.name].values]
    total[found["status"].values != "done"] = math.inf
    return int(np.argmin(total)) if len(total) and math.isfinite(total.min()) else None


def mark(folder: Path, plan: Optimisation) -> None:
    """Mark a folder as this optimisation's.

    Raises:
        DesignError: It is another study's, or cannot be written.
    """
    ours = {
        "kind": "optimise", "name": plan.study.name, "device": plan.study.tables.get("device", {}).get("kind", "")
    }  # fmt: skip
    path = folder / MARKER
    try:
        theirs = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        with all_or_nothing(folder) as partial:
            (partial / MARKER).write_text(json.dumps(ours, indent=2) + "\n", encoding="utf-8")
        return
    except (OSError, ValueError):
        raise DesignError(f"{path} cannot be read; take another folder, or delete the file") from None
    if theirs != ours:
        name = theirs.get("name", "?") if isinstance(theirs, Mapping) else "?"
        raise DesignError(f"{folder} is the folder of another study ({name}); take another one with -o")


def write(
    found: Dataset, plan: Optimisation, folder: Path, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Write ``optimum.nc`` and the designs of the front, ``front/01.toml`` and so on, the best of the first objective first.

    Raises:
        DesignError: The folder cannot be written.
    """
    progress("writing the front")
    with all_or_nothing(folder) as partial:
        found.to_netcdf(partial / OPTIMUM, engine="h5netcdf")
    places = ranked(found, plan)
    digits = max(2, len(str(len(places))))
    files = {f"{rank:0{digits}d}.toml": place for rank, place in enumerate(places, 1)}
    if files:
        with all_or_nothing(folder / FRONT) as partial:
            for rank, (name, place) in enumerate(files.items(), 1):
                text = _design_file(found, plan, place, rank, len(files))
                (partial / name).write_text(text, encoding="utf-8")
    for old in (folder / FRONT).glob("[0-9]*.toml"):
        if old.name not in files:
            old.unlink(missing_ok=True)


def _design_file(found: Dataset, plan: Optimisation, place: int, rank: int, of: int) -> str:
    names = short_names(plan)
    trial = found.isel(trial=place)
    values = {p.name: trial[names[p.name]].item() for p in plan.study.parameters}
    head = [
        f"{rank} of {of} on the front of {plan.study.name}, trial {int(trial['trial'])}.",
        *(
            f"{asked.name} = {shown(found, asked.name, place)} ({_wanted(asked)})"
            for asked in (*plan.objectives, *plan.constraints)
        ),
        *(f"{p.name} = {shown(found, names[p.name], place)}" for p in plan.study.parameters),
    ]
    # Read back from the Dataset: what is on the front is what runs.
    return "".join(f"# {line}\n" for line in head) + "\n" + plan.study.point(values).to_toml()


def _wanted(asked: Asked) -> str:
    if isinstance(asked, Objective):
        return asked.goal
    limits = {key: getattr(asked, key) for key in ("at_least", "at_most")}
    return " and ".join(f"{k.replace('_', ' ')} {v:.4g}" for k, v in limits.items() if v is not None)


def shown(found: Dataset, name: str, place: int) -> str:
    """A value of the Dataset with its unit."""
    value, units = found[name].values[place], found[name].attrs.get("units", "1")
    if isinstance(value, str):
        return value
    return f"{float(value):.4g}" + ("" if units == "1" else f" {units}")
