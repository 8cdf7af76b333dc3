"""From points and their outcomes to an ``xarray.Dataset`` with units, and on to files."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chipsim.study.parameters import Parameter
from geometries import DesignError
from geometries.quantities import quantity

if TYPE_CHECKING:
    import xarray as xr

#: Names that a Dataset of a study uses itself.
RESERVED = ("point", "trial", "body", "cells", "n", "state", "status", "message", "key", "front", "feasible")
FORMATS = ("csv", "parquet")


def short_names(parameters: Sequence[Parameter], others: Iterable[str] = ()) -> list[str]:
    """The names of parameters in a Dataset: the last part, or all of it where that is not unique.

    Args:
        parameters: What varies.
        others: Names that are taken, of results.
    """
    lasts = [p.name.rpartition(".")[2] for p in parameters]
    taken = Counter([*lasts, *others, *RESERVED])
    return [
        last if taken[last] == 1 else p.name.replace(".", "_")
        for last, p in zip(lasts, parameters, strict=True)
    ]


def udunits(symbol: str) -> str:
    """A unit as UDUNITS writes it: ``"m^3/s"`` becomes ``"m3 s-1"``, none ``"1"``."""
    above, _, below = symbol.partition("/")
    over = [f"{unit}-{power or 1}" for unit, power in re.findall(r"([A-Za-z]+)\^?(\d*)", below)]
    under = above.replace("^", "").strip()
    return " ".join([*([] if under in ("", "1") else [under]), *over]) or "1"


def coordinate(parameter: Parameter, values: Sequence[Any]) -> tuple[np.ndarray, dict[str, str]]:
    """Values of a parameter in SI, as its design has them, and what they are.

    Returns:
        Array of numbers, or of texts where one of the values is none, shape (values,); attributes.
    """
    numbers = [_number(parameter, value) for value in values]
    attributes = {"long_name": parameter.long_name, "parameter": parameter.name}
    if any(number is None for number in numbers):
        return _texts([v if isinstance(v, str) else _listed(v) for v in values]), attributes
    whole = parameter.whole and all(float(n).is_integer() for n in numbers if n is not None)
    found = np.array(numbers, np.int64 if whole else np.float64)
    return found, {"units": udunits(parameter.unit), **attributes}


def _number(parameter: Parameter, value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return quantity(value, parameter.unit, parameter.name, -1e300, 1e300)
        except DesignError:
            pass
    return None


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _texts(values: Sequence[str]) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = values
    return found


class Columns:
    """Values by name, one a point, that come in as they are found; what a point does not have is NaN, or an empty text."""

    def __init__(self, points: int) -> None:
        self._points = points
        self.arrays: dict[Any, np.ndarray] = {}

    def put(self, i: int, name: Any, value: float | str) -> None:
        """A point's value."""
        column = self.arrays.get(name)
        if column is None:
            column = self.arrays[name] = (
                _texts([""] * self._points) if isinstance(value, str) else np.full(self._points, math.nan)
            )
        if isinstance(value, str) and column.dtype != object:
            if np.isnan(column).all():  # it was null so far
                column = self.arrays[name] = _texts([""] * self._points)
            else:
                return
        if column.dtype != object or isinstance(value, str):
            column[i] = value


def to_netcdf(dataset: xr.Dataset, path: Path) -> None:
    """Write a Dataset as NetCDF: the same bytes from the same Dataset.

    Raises:
        OSError: The disk is full.
    """
    # By way of memory: HDF5 does not survive a disk that is full.
    path.write_bytes(_netcdf(dataset))


def _netcdf(dataset: xr.Dataset) -> bytes:
    import h5netcdf
    from xarray.backends.h5netcdf_ import H5NetCDFStore

    buffer = io.BytesIO(_empty())
    with h5netcdf.File(buffer, "r+") as file:
        dataset.dump_to_store(H5NetCDFStore(file, format="NETCDF4"))
    return buffer.getvalue()


def _empty() -> bytes:
    """An HDF5 file with nothing in it, as h5netcdf makes it, but for the time when it was made."""
    import h5py

    low = h5py.h5p
    properties, access = low.create(low.FILE_CREATE), low.create(low.FILE_ACCESS)
    properties.set_link_creation_order(low.CRT_ORDER_TRACKED | low.CRT_ORDER_INDEXED)
    properties.set_attr_creation_order(low.CRT_ORDER_TRACKED | low.CRT_ORDER_INDEXED)
    properties.set_obj_track_times(False)
    access.set_fapl_core(backing_store=False)
    with h5py.File(h5py.h5f.create(b"in memory", h5py.h5f.ACC_TRUNC, properties, access)) as file:
        file.flush()
        return bytes(file.id.get_file_image())


def open_dataset(path: str | Path) -> xr.Dataset:
    """The Dataset of a study, from its file or its folder.

    Raises:
        DesignError: There is none, or it cannot be read.
    """
    import xarray as xr

    path = Path(path)
    if path.is_dir():
        found = [path / name for name in ("sweep.nc", "optimum.nc") if (path / name).exists()]
        if not found:
            raise DesignError(
                f"the folder {path} has no sweep.nc or optimum.nc; chipsim sweep and optimise write them"
            )
        path = found[0]
    try:
        dataset = xr.load_dataset(path, engine="h5netcdf")
    except FileNotFoundError:
        raise DesignError(f"there is no file {path}") from None
    except Exception:  # HDF5 raises many kinds for a file that is cut off or none of its own
        raise DesignError(
            f"{path} cannot be read as NetCDF; start the study again, what is computed is kept"
        ) from None
    if "status" not in dataset or "key" not in dataset:
        raise DesignError(f"{path} was not written by chipsim sweep or optimise")
    return dataset


def tidy(dataset: xr.Dataset) -> Any:
    """A table (pandas) with a row for each point, and each body where there are any; units in the names of columns."""
    frame = dataset.to_dataframe().reset_index()
    if "body" in frame:
        ends = [*dataset["body"].coords, *(n for n, v in dataset.data_vars.items() if "body" in v.dims)]
        ends += [name for name in ("status", "message", "key") if name in frame]
        frame = frame[[c for c in frame if c not in ends] + [c for c in ends if c in frame]]
    return frame.rename(
        columns={name: column(str(name), dataset[name].attrs.get("units", "1")) for name in frame}
    )


def column(name: str, unit: str) -> str:
    """A name with its unit, as result.json has them: ``gap_m``, ``flow_rate_m3_per_s``."""
    if unit == "1":
        return name
    parts = unit.split()
    over = [p for p in parts if "-" not in p]
    under = [p.removesuffix("-1").replace("-", "") for p in parts if "-" in p]
    words = "_".join([*over, *(["per", *under] if under else [])]).lower()
    return name if name.endswith(f"_{words}") else f"{name}_{words}"


def to_csv(dataset: xr.Dataset, path: Path) -> None:
    """Write the tidy table as CSV."""
    tidy(dataset).to_csv(path, index=False, lineterminator="\n")


def to_parquet(dataset: xr.Dataset, path: Path) -> None:
    """Write the tidy table as Parquet."""
    tidy(dataset).to_parquet(path, index=False)


_WRITERS: dict[str, Callable[[Any, Path], None]] = {"csv": to_csv, "parquet": to_parquet}


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """Formats beside NetCDF that can be written here.

    Raises:
        DesignError: One is unknown, or lacks its library.
    """
    import importlib.util

    asked = tuple(name.strip().lower() for name in formats)
    for name in asked:
        if name not in FORMATS:
            raise DesignError(
                f'--to "{name}" is unknown; known formats are {", ".join(FORMATS)}, beside NetCDF which is always written'
            )
    if "parquet" in asked and importlib.util.find_spec("pyarrow") is None:
        raise DesignError(
            "--to parquet needs pyarrow, which is missing; install chipsim[parquet], or take csv"
        )
    return asked


def write(dataset: xr.Dataset, folder: Path, stem: str, formats: Iterable[str]) -> None:
    """Write a Dataset as NetCDF, and in further formats."""
    to_netcdf(dataset, folder / f"{stem}.nc")
    for name in formats:
        _WRITERS[name](dataset, folder / f"{stem}.{name}")
