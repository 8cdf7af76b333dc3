"""Sweeps as they are used: in Python and at the command line, with what goes wrong on the way."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr

import chipsim as package
from chipsim.study import evaluate, workforce
from chipsim.study.claims import claim, mark
from chipsim.study.job import Job, work
from chipsim.study.points import FAILED, Options, Outcome, Point, code, keep
from chipsim.study.processes import environment
from chipsim.study.samples import Samples
from chipsim.study.sweep import load_sweep, sweep_study
from chipsim.study.workforce import Workforce
from geometries import DesignError
from sweeps import DESIGN, STUDY, chipsim, sentence_of, start, write_study


@pytest.fixture(scope="module")
def force():
    with Workforce(workers=2) as there:
        yield there


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    path = tmp_path_factory.mktemp("design") / "chip.toml"
    path.write_text(DESIGN)
    return package.load_design(path)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, force):
    """A folder with a finished sweep, and its Dataset."""
    base = tmp_path_factory.mktemp("swept")
    dataset = sweep_study(*load_sweep(write_study(base)), base / "out", workforce=force)
    return base, dataset


def test_a_grid_becomes_a_dataset(swept, design):
    base, dataset = swept
    assert dict(dataset.sizes) == {"gap": 2, "flow_rate": 5}
    assert dataset["gap"].attrs["units"] == "m" and dataset["flow_rate"].attrs["units"] == "m3 s-1"
    assert dataset["flow_rate"].attrs["parameter"] == "operation.flow_rate"
    assert dataset["pressure"].attrs == {
        "units": "Pa", "long_name": "flow, array pressure drop", "result": "flow.array_pressure_drop_pa",
    }  # fmt: skip
    assert (dataset["status"] == "done").all() and (dataset["message"] == "").all()
    at = dataset.sel(gap=12e-6).isel(flow_rate=3)
    chip, operation = (
        getattr(design, part).replace(**{name: float(at[name])})
        for part, name in (("device", "gap"), ("operation", "flow_rate"))
    )
    alone = package.run(package.Design(chip, operation, design.suspension), model="2d", refine=0.4)
    assert float(at["pairs"]) == alone.capture.entry("MDA-MB-231", 2).retained.value
    assert float(at["pressure"]) == alone.to_dict()["flow"]["array_pressure_drop_pa"]
    assert (base / "out" / "points" / str(at["key"].item()) / "design.toml").exists()
    assert dataset.attrs["title"] == "small" and dataset.attrs["device"] == "cluster_chip"
    assert package.design_from_dict(tomllib.loads(dataset.attrs["design"])) is not None
    assert (dataset.attrs["model"], dataset.attrs["seed"], dataset.attrs["refine"]) == ("2d", 0, 0.4)
    xr.testing.assert_identical(package.open_dataset(base / "out"), dataset)
    assert "<html" in (base / "out" / "report.html").read_text()


def test_a_repeated_sweep_computes_nothing(swept, monkeypatch):
    base, dataset = swept
    first = (base / "out" / "sweep.nc").read_bytes()
    monkeypatch.setattr(evaluate, "Workforce", None)  # nobody is asked
    (base / "out" / "sweep.nc").write_bytes(first[:1000])  # what is not whole is made again
    again = sweep_study(*load_sweep(base / "small.toml"), base / "out")
    xr.testing.assert_identical(again, dataset)
    assert (base / "out" / "sweep.nc").read_bytes() == first


def test_a_cut_outcome_is_computed_again(swept, force):
    base, dataset = swept
    key = str(dataset["key"].values[1, 2])
    path = base / "out" / "points" / key / "outcome.json"
    path.write_text(path.read_text()[:-40])
    told = []
    again = sweep_study(*load_sweep(base / "small.toml"), base / "out", workforce=force, progress=told.append)
    xr.testing.assert_identical(again, dataset)
    assert [text for text in told if "not whole" in text] == [
        f"{path} is not whole; its point is computed again"
    ]
    assert "10 of 10 points" in told


def test_the_usual_results_and_own_values(design, force, tmp_path):
    rates = np.array([1e-9, 2e-9])
    dataset = package.sweep(
        design, {"operation.flow_rate": rates, "device.rows": range(40, 60, 10)}, sample="list", model="2d", refine=0.4,
        folder=tmp_path / "usual", workers=1,
    )  # fmt: skip
    assert dataset.sizes["point"] == 2 and dataset["rows"].values.tolist() == [40, 50]
    assert dataset["flow_rate"].values.tolist() == rates.tolist()
    assert dataset["body"].values.tolist()[:2] == ["MDA-MB-231, 1", "MDA-MB-231, 2"]
    assert dataset["n"].sel(body="MDA-MB-231, 2") == 2
    fates = dataset["retained"] + dataset["passed"] + dataset["broken"]
    assert fates.dims == ("point", "body") and np.allclose(fates, 1)
    assert dataset["array_pressure_drop"].attrs["units"] == "Pa"
    assert dataset["junction_load"].isnull().sel(body="MDA-MB-231, 1").all()


def test_a_name_that_a_result_and_a_parameter_share(force):
    design = package.load_design(package.published()["slit_filter"])
    given = {"operation.pressure": ["1 kPa", "2 kPa"]}
    from chipsim.study.samples import Sample
    from chipsim.study.study_file import study

    dataset = sweep_study(study(design.to_tables(), given, model="2d"), Sample(), None, workforce=force)
    assert dataset["pressure"].dims == ("pressure",) and dataset["resulting_pressure"].values.tolist() == [
        1000,
        2000,
    ]


def test_points_without_a_result_are_told_and_the_others_go_on(tmp_path, force):
    text = STUDY.replace('"11 um"', '"0.1 um"')
    dataset = sweep_study(*load_sweep(write_study(tmp_path, 2, text)), tmp_path / "out", workforce=force)
    assert dataset["status"].values.tolist() == [["refused"] * 2, ["done"] * 2]
    assert set(dataset["message"].values[0]) == {"gap = 0.1 um is outside 1 um to 1 mm in [device]"}
    assert np.isnan(dataset["pairs"].values[0]).all() and not np.isnan(dataset["pairs"].values[1]).any()


def test_too_long_a_point_is_stopped_and_the_others_go_on(tmp_path, force):
    text = STUDY.replace('model = "2d"\nrefine = 0.4', 'model = "3d"\nrefine = 2.0\ntime_limit = "1 s"')
    text = text.replace('["11 um", "12 um"]', '["0.1 um", "12 um"]')
    dataset = sweep_study(*load_sweep(write_study(tmp_path, 2, text)), tmp_path / "out", workforce=force)
    assert dataset["status"].values.tolist() == [["refused"] * 2, ["too long"] * 2]
    assert dataset["message"].values[1, 0] == "stopped after 1 s, the time limit of a point"


def test_failed_points_are_tried_again_where_asked(tmp_path, force):
    given, sample = load_sweep(write_study(tmp_path, 2, STUDY.replace('"11 um", ', "")))
    for rate in given.parameters[1].grid():
        point = given.point({"device.gap": "12 um", "operation.flow_rate": rate})
        keep(tmp_path / "out", point, Outcome(FAILED, "its process was ended 3 times, last by signal 9"))
    kept = sweep_study(given, sample, tmp_path / "out", workforce=force)
    assert kept["status"].values.tolist() == [["failed"] * 2]
    again = sweep_study(given, sample, tmp_path / "out", workforce=force, retry=True)
    assert again["status"].values.tolist() == [["done"] * 2]


def test_a_result_that_does_not_exist_stops_early(tmp_path, force):
    text = STUDY.replace("array_pressure_drop_pa", "array_presure")
    given, sample = load_sweep(write_study(tmp_path, 2000, text))
    with pytest.raises(
        DesignError, match='there is no result "flow.array_presure": no "array_presure"; known'
    ):
        sweep_study(given, sample, tmp_path / "out", workforce=force)
    kept = [path for path in (tmp_path / "out" / "points").iterdir() if not path.name.startswith(".")]
    assert 0 < len(kept) < 1000


def test_results_that_only_some_points_have(tmp_path, force):
    text = STUDY.replace('device.gap = ["11 um", "12 um"]', "suspension.0.sizes = [[1], [1, 2]]")
    dataset = sweep_study(*load_sweep(write_study(tmp_path, 2, text)), tmp_path / "out", workforce=force)
    assert dataset["sizes"].values.tolist() == ["1", "1, 2"]
    assert np.isnan(dataset["pairs"].values).tolist() == [[True, True], [False, False]]
    with pytest.raises(DesignError, match="no entry has n=5; the points are kept"):
        text = text.replace("n=2", "n=5")
        sweep_study(*load_sweep(write_study(tmp_path, 2, text)), tmp_path / "out", workforce=force)


FOLDER = Path(__file__).parents[2] / "studies"


@pytest.mark.parametrize("name", ["cells_and_flow", "gap_and_flow", "optimum_neighbours"])
def test_the_studies_that_come_with_chipsim_can_be_read(name):
    given, sample = load_sweep(FOLDER / f"{name}.toml")
    samples = Samples(sample, given.parameters)
    assert given.point(samples.values(0)).design.device.kind == "cluster_chip" and len(samples) >= 28


@pytest.mark.slow
def test_a_study_that_comes_with_chipsim_runs(force, tmp_path):
    dataset = sweep_study(*load_sweep(FOLDER / "gap_and_flow.toml"), tmp_path / "out", workforce=force)
    assert (dataset["status"] == "done").all() and (dataset["pairs"].diff("flow_rate") < 0).all()
    assert (dataset["pairs"].diff("gap") < 0).all() and (dataset["pressure"].diff("gap") < 0).all()


# -- whose folder, whose work ---------------------------------------------------------------------------------------------
def test_a_claim_is_of_one_at_a_time(tmp_path):
    mark(tmp_path)
    with claim(tmp_path, "a") as first, claim(tmp_path, "a") as second, claim(tmp_path, "b") as other:
        assert (first, second, other) == (True, False, True)
    with claim(tmp_path, "a") as later:
        assert later
    assert [path.name for path in (tmp_path / "points").iterdir()] == [".mark"]


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (
            {"mark": "another"},
            "does not see the folder .* must lie on a disk that all machines of the scheduler share",
        ),
        ({"code": "another"}, "has another version of chipsim"),
    ],
)
def test_workers_that_cannot_help(tmp_path, wrong, sentence):
    about = {"mark": mark(tmp_path), "code": code(), **wrong}
    with pytest.raises(DesignError, match=sentence):
        work(
            Job(
                str(tmp_path),
                name="x",
                keys=(),
                tables=(),
                options=Options(),
                time_limit=1.0,
                retry=False,
                **about,
            )
        )


def test_the_folder_of_another_study(swept, tmp_path):
    base, _ = swept
    before = (base / "out" / "sweep.nc").read_bytes()
    other = write_study(tmp_path, name="other")
    status, _, err = chipsim("sweep", other, "-o", base / "out")
    assert status == 2
    of = "(sweep of a cluster_chip)"
    assert sentence_of(err).endswith(
        f'is the folder of the study "small" {of}, not of "other" {of}; give another folder'
    )
    assert (base / "out" / "sweep.nc").read_bytes() == before


@pytest.mark.slow
def test_two_sweeps_at_once_on_one_folder(tmp_path):
    study = write_study(tmp_path, 40)
    both = [start("sweep", study, "-o", tmp_path / "both", "--workers", "1") for _ in range(2)]
    ends = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert chipsim("sweep", study, "-o", tmp_path / "alone")[0] == 0
    assert (tmp_path / "both" / "sweep.nc").read_bytes() == (tmp_path / "alone" / "sweep.nc").read_bytes()
    left = [path.name for path in (tmp_path / "both" / "points").iterdir() if path.name.startswith(".")]
    assert left == [".mark"]


def test_a_script_needs_no_guard(tmp_path):
    (tmp_path / "chip.toml").write_text(DESIGN)
    script = tmp_path / "script.py"
    script.write_text(
        "import chipsim\n"
        "print('begun')\n"
        "found = chipsim.sweep('chip.toml', {'operation.flow_rate': ['1 mL/h', '2 mL/h']}, model='2d', refine=0.4,\n"
        "                      results=['flow.reynolds'], folder='out', workers=2)\n"
        "print(found.reynolds.values[1] / found.reynolds.values[0])\n"
    )
    ran = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, env=environment(), check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    begun, ratio = ran.stdout.split()
    assert begun == "begun" and float(ratio) == pytest.approx(2, rel=1e-10)


# -- a scheduler that is there, or not ------------------------------------------------------------------------------------
def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(workforce, "_PATIENCE", 1)
    given, sample = load_sweep(write_study(tmp_path, 2))
    with pytest.raises(DesignError, match="^no scheduler answers at tcp://127.0.0.1:9 within 1 s; start one"):
        sweep_study(given, sample, tmp_path / "out", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(DesignError, match="^no scheduler answers at nowhere://x "):
        sweep_study(given, sample, tmp_path / "out", scheduler="nowhere://x")
    with pytest.raises(DesignError, match="a scheduler has its own workers"):
        Workforce("tcp://127.0.0.1:9", 2)
    with pytest.raises(DesignError, match="workers = 0 must be a whole number"):
        Workforce(workers=0)


@pytest.mark.slow
def test_a_scheduler_of_ones_own(tmp_path):
    """Dask's own scheduler and worker, as on a cluster."""
    here = ["--host", "127.0.0.1", "--no-dashboard"]
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", *here, "--port", "0"]
    file = tmp_path / "scheduler.json"
    scheduler = subprocess.Popen(
        [*dask, "--scheduler-file", file], stderr=subprocess.DEVNULL, env=environment()
    )
    worker = None
    try:
        end = time.monotonic() + 60
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.3)
        address = json.loads(file.read_text())["address"]
        dask = [sys.executable, "-m", "distributed.cli.dask_worker", address, *here, "--nthreads", "1"]
        worker = subprocess.Popen(
            [*dask, "--local-directory", tmp_path], stderr=subprocess.DEVNULL, env=environment()
        )
        status, out, err = chipsim(
            "sweep", write_study(tmp_path, 3), "-o", tmp_path / "out", "--scheduler", address
        )
        assert status == 0, err
        assert "6 points: 6 done" in out
    finally:
        for process in (worker, scheduler):
            if process is not None:
                process.terminate()
                process.wait()


def test_nothing_listens_beyond_this_machine(force):
    ours = [psutil.Process(), *psutil.Process().children(recursive=True)]
    addresses = {c.laddr.ip for p in ours for c in p.net_connections("inet") if c.status == "LISTEN"}
    assert addresses == {"127.0.0.1"}


# -- what ends a sweep before its time ------------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_full_disk(tmp_path):
    """No file may become larger than 5 kB, which the outcome of a point is."""
    study = write_study(tmp_path, 2)
    assert chipsim("sweep", study, "-o", tmp_path / "out")[0] == 0
    kept = sorted((tmp_path / "out").rglob("outcome.json"))
    assert len(kept) == 4 and min(path.stat().st_size for path in kept) > 5_000
    before = {path: path.read_bytes() for path in [*kept, tmp_path / "out" / "sweep.nc"]}
    write_study(tmp_path, 3)

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

    status, _, err = chipsim("sweep", study, "-o", tmp_path / "out", preexec_fn=full)
    assert status == 2
    assert sentence_of(err) == (
        f"{tmp_path / 'out'} cannot be written: File too large; 4 of 6 points are kept, make room and start it again"
    )
    assert {path: path.read_bytes() for path in before} == before
    (tmp_path / "out" / "sweep.nc").unlink()
    write_study(tmp_path, 2)  # all is kept, and the Dataset does not fit either
    status, _, err = chipsim("sweep", study, "-o", tmp_path / "out", preexec_fn=full)
    assert status == 2
    assert sentence_of(err) == f"the output folder {tmp_path / 'out'} cannot be written: File too large"
    write_study(tmp_path, 3)
    assert chipsim("sweep", study, "-o", tmp_path / "out")[1].startswith("6 points: 6 done")


@pytest.mark.slow
def test_interrupted_it_leaves_no_process_and_goes_on(tmp_path):
    study = write_study(tmp_path, 600)
    process = start("sweep", study, "-o", tmp_path / "out", start_new_session=True)
    points, end = tmp_path / "out" / "points", time.monotonic() + 120
    while time.monotonic() < end and len(list(points.glob("[0-9a-f]*"))) < 30:
        time.sleep(0.1)
    ours = psutil.Process(process.pid).children(recursive=True)
    assert len(ours) >= 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and sentence_of(err).startswith(
        "interrupted; nothing half-written was left"
    )
    psutil.wait_procs(ours, timeout=20)
    assert not [p for p in ours if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert 30 <= len(list(points.glob("[0-9a-f]*"))) < 1200
    before = {path: path.stat().st_ino for path in points.glob("[0-9a-f]*/outcome.json")}
    write_study(tmp_path, 600, STUDY.replace('"11 um", ', ""))
    assert chipsim("sweep", study, "-o", tmp_path / "out")[1].startswith("600 points: 600 done")
    assert {path: path.stat().st_ino for path in before} == before


@pytest.mark.parametrize(
    "change, options, sentence",
    [
        (("device.gap", "device.gpa"), (), "there is no parameter device.gpa; [device] has gap"),
        (
            ('from = "1 mL/h", to = "4 mL/h"', 'from = "4 mL/h", to = "1 mL/h"'),
            (),
            "from = 4 mL/h is above to = 1 mL/h",
        ),
        (("points = 5", "points = 500000"), (), "the sweep has 1,000,000 points, more than 10,000"),
        (
            ("[results]", '[sample]\nmethod = "random"\n[results]'),
            (),
            'method = "random" in [sample] is unknown',
        ),
        (
            ("[results]", '[sample]\nmethod = "list"\n[results]'),
            (),
            "operation.flow_rate has 5 values and device.gap has 2",
        ),
        (("points = 5", "points = 0"), (), "points = 0 must be a whole number of at least 2"),
        (('model = "2d"', 'model = "4d"'), (), 'model = "4d" is unknown'),
        (("pairs =", "status ="), (), 'a result cannot be called "status"'),
        (("", ""), ("--to", "xlsx"), '--to "xlsx" is unknown; known formats are csv, parquet'),
        (("", ""), ("--scheduler", "tcp://x:1", "--workers", "2"), "a scheduler has its own workers"),
        (('cells = "MDA-MB-231"', ""), (), None),
    ],
)
def test_mistakes_are_one_sentence_before_anything_is_made(tmp_path, change, options, sentence):
    if sentence is None:
        write_study(tmp_path)
        (tmp_path / "chip.toml").write_text(DESIGN.replace(*change))
        sentence = '"cells" is missing in [[suspension]]'
    else:
        assert change[0] in STUDY.replace("POINTS", "5")
        write_study(tmp_path, text=STUDY.replace("POINTS", "5").replace(*change))
    status, _, err = chipsim("sweep", tmp_path / "small.toml", "-o", tmp_path / "out", *options)
    assert (status, (tmp_path / "out").exists()) == (2, False)
    assert sentence in sentence_of(err)


def test_results_by_their_places_need_different_names():
    places = ["capture[n=1].retained", "capture[n=2].retained"]
    with pytest.raises(DesignError, match='two results would be called "capture_retained"; give them names'):
        package.sweep("cluster_chip_2015", {"device.gap": ["12 um"]}, results=places)


def test_points_are_made_when_they_are_asked_for(tmp_path, monkeypatch):
    """A million points, of which none is kept in memory: only the first thousand are looked at here."""
    seen = []

    class Enough(Exception):
        pass

    def counted(self):
        seen.append(self)
        if len(seen) == 1000:
            raise Enough
        return "0" * 32

    monkeypatch.setattr(Point, "key", property(counted))
    monkeypatch.setattr(Point, "flow_key", "flow")
    given, sample = load_sweep(write_study(tmp_path, 500_000))
    with pytest.raises(Enough):
        sweep_study(given, sample, tmp_path / "out", yes=True)
    assert not (tmp_path / "out" / "sweep.nc").exists()
