"""A finished run on disk: all of it, or nothing."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chipsim.report import write_page
from chipsim.study.result import Result
from geometries.files import all_or_nothing
from geometries.mesh import UNIT


def write(result: Result, folder: str | Path, progress: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Write ``result.json``, ``report.html``, ``fields.vtu`` and ``run.json`` into a folder.

    All files are made beside and moved in at the end: nothing half-written, nothing else in the folder touched.

    Raises:
        DesignError: The folder cannot be written.
    """
    folder = Path(folder)
    start = time.perf_counter()
    with all_or_nothing(folder) as partial:
        text = json.dumps(result.to_dict(), indent=2, allow_nan=False, default=_plain) + "\n"
        (partial / "result.json").write_text(text, encoding="utf-8")
        progress("writing the field")
        write_field(result, partial / "fields.vtu")
        progress("drawing the report")
        write_page(result, partial / "report.html")
        times = {**result.times, "writing_s": time.perf_counter() - start}
        (partial / "run.json").write_text(
            json.dumps(_about_this_run(result, times), indent=2) + "\n", encoding="utf-8"
        )
        names = sorted(path.name for path in partial.iterdir())
    return [folder / name for name in names]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in result.json")


def _about_this_run(result: Result, times: dict[str, float]) -> dict[str, Any]:
    import resource

    cell = result.flow.cell
    return {
        "times_s": {name.removesuffix("_s"): seconds for name, seconds in times.items()},
        # Of the run that solved the flow, which is this one unless it was taken from the store.
        "solve": {
            "from_store": result.flow.stored,
            "times_s": cell.seconds,
            "peak_memory_bytes": cell.peak_memory,
        },
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "host": {
            "machine": platform.machine(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def write_field(result: Result, path: Path) -> None:
    """Write the field at the run's operation for ParaView (VTU, second-order cells, coordinates in m)."""
    import meshio

    field = result.flow.cell.field
    assert field is not None
    found, pressure = result.flow.fields(result.design.operation)
    velocity = np.zeros((len(field.mesh.points), 3))
    velocity[:, : found.shape[1]] = found
    data = {"velocity_m_per_s": velocity}
    if pressure is not None:
        data["pressure_pa"] = pressure
    meshio.write(
        path,
        meshio.Mesh(
            field.mesh.points * UNIT,
            [field.mesh.vtk_cells],
            point_data=data,
        ),
        file_format="vtu",
    )
