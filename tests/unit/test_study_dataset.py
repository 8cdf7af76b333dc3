"""A study's Dataset: names, units, files; and designs as the tables that give them again."""

import math
import time
import tomllib

import numpy as np
import pandas
import pytest
import tomli_w
import xarray as xr

import chipsim
from chipsim.design import published
from chipsim.study import picks, usual
from chipsim.study.dataset import (
    Columns,
    check_formats,
    column,
    coordinate,
    open_dataset,
    short_names,
    tidy,
    to_netcdf,
    udunits,
    write,
)
from chipsim.study.parameters import parameter
from chipsim.study.study_file import read_tables
from geometries import DesignError

CHIP = read_tables(published()["cluster_chip_2015"])


def of(name, values=("1",)):
    return parameter(
        name, list(values), {**CHIP, "cells": {"A": {"diameter": "15 um"}, "B": {"diameter": "15 um"}}}
    )


def test_short_names():
    names = [
        "device.gap",
        "cells.A.diameter",
        "cells.B.diameter",
        "suspension.0.concentration",
        "operation.volume",
    ]
    found = short_names([of(name) for name in names], ["volume"])
    assert short_names([of("suspension.0.cells")]) == ["suspension_0_cells"]  # "cells" are those of bodies
    assert found == ["gap", "cells_A_diameter", "cells_B_diameter", "concentration", "operation_volume"]


def test_units():
    symbols = {
        "m": "m",
        "m^3/s": "m3 s-1",
        "Pa s": "Pa s",
        "1/m^3": "m-3",
        "N/m": "N m-1",
        "": "1",
        "1/m^2": "m-2",
    }
    assert {symbol: udunits(symbol) for symbol in symbols} == symbols
    columns = [
        column("gap", "m"),
        column("flow_rate", "m3 s-1"),
        column("x_pa", "Pa"),
        column("k", "1"),
        column("c", "m-3"),
    ]
    assert columns == ["gap_m", "flow_rate_m3_per_s", "x_pa", "k", "c_per_m3"]


def test_coordinates_are_as_the_design_has_them():
    gaps, about = coordinate(of("device.gap"), ["10 um", 1.2e-5])
    assert gaps.tolist() == [chipsim.ClusterChip(gap="10 um").gap, 1.2e-5]
    assert (
        about["units"] == "m"
        and about["parameter"] == "device.gap"
        and about["long_name"].startswith("gap: clear")
    )
    rows, about = coordinate(of("device.rows"), [10, 20])
    assert rows.dtype == np.int64 and about["units"] == "1"
    cells, about = coordinate(of("suspension.0.cells"), ["A", "B"])
    assert cells.tolist() == ["A", "B"] and "units" not in about
    sizes, _ = coordinate(of("suspension.0.sizes"), [[1, 2], [1]])
    assert sizes.tolist() == ["1, 2", "1"]


def test_columns_take_what_comes():
    columns = Columns(3)
    columns.put(1, "number", 2.0)
    columns.put(0, "text", math.nan)
    columns.put(2, "text", "warm")
    assert np.isnan(columns.arrays["number"]).tolist() == [True, False, True]
    assert columns.arrays["text"].tolist() == ["", "", "warm"]


def small():
    about = {"units": "m", "long_name": "gap", "parameter": "device.gap"}
    return xr.Dataset(
        {
            "retained": (("gap", "body"), np.array([[0.1, np.nan], [0.3, 0.4]]), {"units": "1"}),
            "pressure": ("gap", np.array([1.0, 2.0]), {"units": "Pa"}),
            "status": ("gap", np.array(["done", "refused"], object)),
            "message": ("gap", np.array(["", "too small"], object)),
            "key": ("gap", np.array(["a", "b"], object)),
        },
        {
            "gap": ("gap", np.array([1e-5, 1.2e-5]), about),
            "body": ("body", np.array(["A, 1", "A, 2"], object)),
            "n": ("body", np.array([1, 2]), {"units": "1"}),
        },
        attrs={"title": "small"},
    )


def test_files_of_a_dataset(tmp_path):
    write(small(), tmp_path, "sweep", ("csv", "parquet"))
    back = open_dataset(tmp_path)
    xr.testing.assert_identical(back, small())
    first = (tmp_path / "sweep.nc").read_bytes()
    time.sleep(1.1)  # HDF5 counts seconds
    to_netcdf(small(), tmp_path / "once_more.nc")
    assert (tmp_path / "once_more.nc").read_bytes() == first
    table = pandas.read_csv(tmp_path / "sweep.csv")
    assert list(table) == ["gap_m", "pressure_pa", "body", "n", "retained", "status", "message", "key"]
    assert (
        len(table) == 4
        and table["retained"].isna().sum() == 1
        and table["pressure_pa"].tolist() == [1, 1, 2, 2]
    )
    pandas.testing.assert_frame_equal(pandas.read_parquet(tmp_path / "sweep.parquet"), tidy(small()))


@pytest.mark.parametrize(
    "content, sentence",
    [
        (None, "there is no file"),
        (
            b"CDF is something else",
            "cannot be read as NetCDF; start the study again, what is computed is kept",
        ),
        ("cut", "cannot be read as NetCDF"),
        ("foreign", "was not written by chipsim"),
    ],
)
def test_files_that_are_none(tmp_path, content, sentence):
    path = tmp_path / "sweep.nc"
    if content == "foreign":
        xr.Dataset({"x": ("i", [1.0])}).to_netcdf(path, engine="h5netcdf")
    elif content == "cut":
        to_netcdf(small(), path)
        path.write_bytes(path.read_bytes()[:3000])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(DesignError, match="^[^\n]*$") as error:
        open_dataset(path)
    assert sentence in str(error.value)


def test_a_folder_without_a_study(tmp_path):
    with pytest.raises(DesignError, match=r"has no sweep.nc or optimum.nc"):
        open_dataset(tmp_path)


def test_formats():
    assert check_formats([" CSV", "parquet"]) == ("csv", "parquet")
    with pytest.raises(DesignError, match='--to "xlsx" is unknown; known formats are csv, parquet'):
        check_formats(["xlsx"])


def test_the_usual_results():
    result = {
        "seed": 3,
        "flow": {
            "pressure_drop_pa": 2.0,
            "solver": {"refine": 1.0},
            "peak": None,
            "wall_shear_stress_pa": {"p95": 3.0},
        },
        "capture": [{"cells": "A", "n": 2, "retained": 0.5, "state": "live"}],
        "purity": 0.25,
        "warnings": [],
    }
    assert dict(usual.places(result)) == {
        "flow.pressure_drop_pa": 2.0,
        "flow.wall_shear_stress_pa.p95": 3.0,
        "purity": 0.25,
    }
    assert [body for body, _ in usual.bodies(result)] == [("A", 2, "live")]
    assert [picks.short_name(place) for place, _ in usual.places(result)] == [
        "pressure_drop", "wall_shear_stress_p95", "purity",
    ]  # fmt: skip
    assert picks.unit("flow.wall_shear_stress_pa.p95") == "Pa"


@pytest.mark.parametrize("name", sorted(published()))
def test_published_designs_are_given_again_by_their_tables(name):
    design = chipsim.load_design(published()[name])
    text = tomli_w.dumps(design.to_tables())
    again = chipsim.design_from_dict(tomllib.loads(text), design.name)
    assert again == design and again.to_dict() == design.to_dict()


def test_own_cells_are_given_again():
    own = chipsim.cell_line_from_table(
        "mine", {"diameter": "18 um", "tension": "30 pN/um", "source": "measured by us"}
    )
    changed = chipsim.cell_line_from_table("MCF-7", {"tension": "20 pN/um", "diameter": "17 um"})
    design = chipsim.Design(
        chipsim.ClusterChip(gap="10 um"),
        chipsim.Operation(flow_rate="1 mL/h", fluid="whole blood", temperature="22 degC"),
        (
            chipsim.Carried(cells=own, sizes=[1, 2], concentration="10 /mL"),
            chipsim.Carried(cells=changed, concentration="1 /mL"),
        ),
        chipsim.Limits(min_gap="1 um"),
        name="mine",
    )
    again = chipsim.design_from_dict(tomllib.loads(tomli_w.dumps(design.to_tables())), "mine")
    assert again == design and again.suspension[0].cells.origin("diameter").source == "measured by us"


def test_cells_that_no_file_can_give():
    from dataclasses import replace

    odd = replace(chipsim.line("MCF-7"), junction_cv=0.1)
    operation = chipsim.Operation(flow_rate="1 mL/h", viscosity="4 mPa s")
    design = chipsim.Design(
        chipsim.ClusterChip(), operation, (chipsim.Carried(cells=odd, concentration="1 /mL"),)
    )
    with pytest.raises(DesignError, match='the cells "MCF-7" cannot be written in a design file'):
        design.to_tables()
