"""A sweep: one design at many values of its parameters, and what came out as an ``xarray.Dataset``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipsim.cache import cache_base
from chipsim.design import Design
from chipsim.study import picks
from chipsim.study.dataset import (
    RESERVED,
    check_formats,
    write,
)
from chipsim.study.evaluate import compute
from chipsim.study.folder import open_folder
from chipsim.study.points import Outcome, Point
from chipsim.study.samples import Sample, Samples, sample_of
from chipsim.study.study_file import TIME_LIMIT, Study, load_study, plain, study, tables_of
from chipsim.study.sweep_dataset import dataset_of
from chipsim.study.workforce import Workforce
from geometries import DesignError
from geometries.files import all_or_nothing

if TYPE_CHECKING:
    import xarray as xr

#: Tables of a study's file that a sweep reads beside those of any study.
BESIDE = ("sample",)


def sweep(
    design: Design | str | Path,
    parameters: Mapping[str, Any],
    *,
    sample: str | Mapping[str, Any] | Sample = "grid",
    results: Mapping[str, str] | Sequence[str] | None = None,
    folder: str | Path | None = None,
    name: str | None = None,
    model: str | None = None,
    seed: int = 0,
    refine: float | None = None,
    accuracy: float | str | None = None,
    lift_table: str | Path | None = None,
    time_limit: float | str = TIME_LIMIT,
    scheduler: str | None = None,
    workers: int | None = None,
    yes: bool = False,
    retry: bool = False,
    formats: Iterable[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> xr.Dataset:
    """Run a design at many values of its parameters.

    Every point is kept by its content: a sweep that was stopped goes on where it was, and a repeated one costs nothing. A script
    needs no ``if __name__ == "__main__":``.

    Args:
        design: A design, a TOML file, or the name of a published one.
        parameters: By name (``"device.gap"``), a list or array of values (SI, or texts with units), or a range
            ``{"from": "1 mL/h", "to": "4 mL/h", "points": 7, "scale": "log"}``.
        sample: ``"grid"`` (all combinations), ``"list"`` (values side by side), or a table with ``method``
            (``"latin hypercube"``, ``"sobol"``), ``points`` and ``seed``.
        results: Places in ``result.json`` by the name that they get, or a list of places; None: the usual ones
            (:mod:`chipsim.study.usual`).
        folder: Where points, Dataset and page are kept; None: the points in the cache folder, nothing else.
        name: Of the sweep; None: that of the design.
        model: Of the flow, as for :func:`chipsim.run`.
        seed: Of the Monte Carlo.
        refine: Divides all cell sizes of the mesh.
        accuracy: Asked of the flow.
        lift_table: Of a spiral, a file of one's own.
        time_limit: Longest that a point may take, s or ``"10 min"``; it is stopped then, and recorded.
        scheduler: Address of a Dask scheduler; None: one process a core on this machine.
        workers: Processes on this machine; None: one a core.
        yes: Whether more than 10,000 points are meant.
        retry: Whether points that failed or took too long are computed again.
        formats: Beside NetCDF in the folder: ``"csv"``, ``"parquet"``.
        progress: Told how far it is, about once a second.

    Returns:
        A dimension for each parameter of a grid, else ``point``; coordinates and results with ``units`` and ``long_name``;
        ``status``, ``message`` and ``key`` (the folder under ``points/``) of each point.

    Raises:
        DesignError: Something is unknown or of no sense, or the folder cannot be written.
        MeshError: Nothing can be computed at all.
    """
    tables, stem = tables_of(design)
    if results is not None and not isinstance(results, Mapping):
        results = _named(results)
    given = study(
        tables, plain(parameters), name=name or stem, results=results, time_limit=time_limit, model=model, seed=seed,
        refine=refine, accuracy=accuracy, lift_table=None if lift_table is None else str(lift_table),
    )  # fmt: skip
    return sweep_study(
        given, sample_of(sample), None if folder is None else Path(folder), scheduler=scheduler, workers=workers, yes=yes,
        retry=retry, formats=formats, progress=progress,
    )  # fmt: skip


def load_sweep(path: str | Path) -> tuple[Study, Sample]:
    """A sweep's file.

    Raises:
        DesignError: It cannot be read, or something in it is unknown or of no sense.
    """
    given = load_study(path, BESIDE)
    return given, sample_of(given.tables_beside.get("sample", {}))


def sweep_study(
    given: Study,
    sample: Sample,
    folder: Path | None,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    workforce: Workforce | None = None,
    yes: bool = False,
    retry: bool = False,
    formats: Iterable[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> xr.Dataset:
    """The same of a study that was read; see :func:`sweep`."""
    formats = check_formats(formats)
    samples = Samples(sample, given.parameters, yes=yes)
    _check_names(given)
    _check_base(given, samples)
    Workforce(scheduler, workers)  # its mistakes before anything is made
    device = str(given.tables.get("device", {}).get("kind"))
    if folder is not None:
        open_folder(folder, "sweep", given.name, device, progress)
    kept_in = folder or cache_base() / "studies"
    keys = compute(
        _Points(given, samples), kept_in, time_limit=given.time_limit, scheduler=scheduler, workers=workers, workforce=workforce,
        retry=retry, progress=progress, first=lambda outcome: _check_results(given, outcome),
    )  # fmt: skip
    progress("putting the results together")
    dataset = dataset_of(given, samples, keys, kept_in)
    if folder is not None:
        write_sweep(dataset, folder, formats, progress)
    return dataset


def write_sweep(
    dataset: xr.Dataset,
    folder: Path,
    formats: Iterable[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write ``sweep.nc``, ``report.html`` and what else is asked for: all of it or nothing."""
    from chipsim.report.sweep import sweep_page

    with all_or_nothing(folder) as beside:
        write(dataset, beside, "sweep", formats)
        progress("drawing the report")
        (beside / "report.html").write_text(sweep_page(dataset), encoding="utf-8")


class _Points(Sequence[Point]):
    """The points of a sweep, each made when it is asked for: a million of them are no more than their numbers."""

    def __init__(self, given: Study, samples: Samples) -> None:
        self._given, self._samples = given, samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, i: Any) -> Any:
        if not 0 <= i < len(self):
            raise IndexError(i)
        return self._given.point(self._samples.values(i))


def _named(places: Sequence[str]) -> dict[str, str]:
    """Results by the names that their places give them."""
    found: dict[str, str] = {}
    for place in places:
        name = picks.short_name(picks.check(place))
        if found.setdefault(name, place) != place:
            raise DesignError(
                f'two results would be called "{name}"; give them names, like {{"pairs": "{place}"}}'
            )
    return found


def _check_names(given: Study) -> None:
    for name in given.results:
        if name in RESERVED:
            raise DesignError(
                f'a result cannot be called "{name}", which each sweep has; give it another name'
            )


def _check_base(given: Study, samples: Samples) -> None:
    """Refuse what would fail at each point; the first one of the sweep stands for all that is the same."""
    point = given.point(samples.values(0))
    try:
        point.design  # noqa: B018 (made for its mistakes)
    except DesignError:
        # Perhaps of this point alone. What the base design says wrong is wrong everywhere.
        Point(given.tables, given.options).design  # noqa: B018
        return
    from chipsim.study.recipes import model_of
    from chipsim.study.solve import check_accuracy

    model_of(point.design.device, given.options.model)
    check_accuracy(given.options.accuracy, given.options.refine)


def _check_results(given: Study, outcome: Outcome) -> None:
    """Stop early where a result does not exist, unless other points may have other cells or another kind of device."""
    if any(
        isinstance(value, list) or p.unit == "" and isinstance(value, str)
        for p in given.parameters
        for value in p.values
    ):
        return
    for place in given.results.values():
        picks.pick(outcome.result or {}, place)
