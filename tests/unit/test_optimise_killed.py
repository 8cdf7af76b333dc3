"""Optimisations by real processes: killed with -9 and started again, and two at once on one storage; real results."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter

import pytest

import chipsim as package
from chipsim.study.goals import Objective
from chipsim.study.processes import environment
from optimisations import trials_in
from sweeps import chipsim, sentence_of, write_study

STUDY = """
[study]
design = "chip.toml"
model = "2d"
refine = 0.4
[parameters]
device.gap = ["11 um", "12 um"]
operation.flow_rate = { from = "0.5 mL/h", to = "6 mL/h", scale = "log" }
[optimise]
trials = 24
batch = 6
[objectives]
pairs = { result = "capture[n=2].retained", goal = "maximise" }
throughput = { result = "design.operation.flow_rate_m3_per_s", goal = "maximise" }
[constraints]
single_cells = { result = "capture[n=1].retained", at_most = 0.3 }
"""
# As a user's script; without the page, which takes a while to draw and is not what is at stake.
SCRIPT = """
import sys
from chipsim.report import optimum
from chipsim.study.optimisation import load_optimisation
from chipsim.study.optimise import carry_out
optimum.optimum_page = lambda found: "a page"
study, folder, storage = sys.argv[1:]
carry_out(load_optimisation(study), folder, storage=storage or None, workers=1)
"""


def begin(study, folder, storage=""):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(study), str(folder), storage], stderr=subprocess.PIPE, text=True, env=environment()
    )  # fmt: skip


def end(process):
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0 and err == "", err


def count(path, what):
    """Trials in a database of which that is true."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=5)) as file:
        return file.execute(f"select count(*) from trials where {what}").fetchone()[0]
    return 0


@pytest.mark.slow
def test_killed_at_many_moments_it_ends_as_undisturbed(tmp_path):
    study = write_study(tmp_path, text=STUDY)
    end(begin(study, tmp_path / "undisturbed"))
    folder = tmp_path / "killed"
    # While a batch is asked for, computed, told, and where one is through.
    for what, most in (
        ("1", 4),
        ("state = 'COMPLETE'", 2),
        ("state = 'COMPLETE'", 6),
        ("1", 15),
        ("state = 'COMPLETE'", 20),
    ):
        process, until = begin(study, folder), time.monotonic() + 300
        while count(folder / "study.db", what) < most and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert count(folder / "study.db", "state = 'COMPLETE'") < 24  # it was stopped in the middle
    end(begin(study, folder))
    assert trials_in(folder / "study.db") == trials_in(tmp_path / "undisturbed" / "study.db")
    for file in (
        "optimum.nc",
        *(f"front/{path.name}" for path in (tmp_path / "undisturbed" / "front").iterdir()),
    ):
        assert (folder / file).read_bytes() == (tmp_path / "undisturbed" / file).read_bytes()
    assert len([*(folder / "front").iterdir()]) == len([*(tmp_path / "undisturbed" / "front").iterdir()])


@pytest.mark.slow
def test_two_at_once_share_the_trials(tmp_path):
    study = write_study(tmp_path, text=STUDY)
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    both = [begin(study, tmp_path / name, url) for name in ("one", "two")]
    for process in both:
        end(process)
    assert (
        count(tmp_path / "shared.db", "state = 'COMPLETE'")
        == 24
        == count(tmp_path / "shared.db", "number < 24")
    )
    with contextlib.closing(sqlite3.connect(tmp_path / "shared.db")) as file:
        by = [row[0] for row in file.execute("select value_json from trial_user_attributes where key = 'by'")]
    assert len(set(by)) == 2
    found = [package.open_dataset(tmp_path / name) for name in ("one", "two")]
    assert found[0].identical(found[1]) and found[0].sizes == {"trial": 24}
    # Each computed its own; a child in NSGA-II may be the same design as a parent.
    kept = [{path.name for path in (tmp_path / name / "points").glob("[!.]*")} for name in ("one", "two")]
    keys = Counter(found[0]["key"].values)
    assert kept[0] | kept[1] == set(keys)
    assert all(keys[key] > 1 for key in kept[0] & kept[1])


@pytest.mark.slow
def test_a_design_of_the_front_gives_the_numbers_of_the_front(tmp_path):
    study = write_study(tmp_path, text=STUDY)
    status, out, err = chipsim("optimise", study, "-o", tmp_path / "out", "--trials", 12, "--workers", 1)
    assert status == 0, err
    assert "front/01.toml" in out and "on the front" in out
    found = package.open_dataset(tmp_path / "out")
    assert found.sizes == {"trial": 12} and (tmp_path / "out" / "report.html").exists()
    files = sorted((tmp_path / "out" / "front").iterdir())
    best = found.where(found["front"], drop=True).sortby("pairs", ascending=False)
    result = package.run(package.load_design(files[0]), model="2d", refine=0.4, compare=False)
    assert result.capture.entry("MDA-MB-231", 2).retained.value == float(best["pairs"][0])
    assert result.capture.entry("MDA-MB-231", 1).retained.value == float(best["single_cells"][0])
    # Once more costs nothing: no worker is started.
    again, _, err = chipsim("optimise", study, "-o", tmp_path / "out", "--trials", 12)
    assert again == 0 and "starting" not in err


@pytest.mark.parametrize(
    "old, new, more, sentence",
    [
        ("", "", ("--trials", "0"), "trials = 0 must be a whole number of at least 1"),
        ("[optimise]", '[optimise]\nsampler = "newton"', (), 'sampler = "newton" is unknown'),
        ('model = "2d"', 'model = "4d"', (), 'model = "4d" is unknown'),
        ("", "", ("--storage", "postgresql://127.0.0.1:9/chips"), "does not answer"),
    ],
)
def test_mistakes_at_the_command_line(tmp_path, old, new, more, sentence):
    study = write_study(tmp_path, text=STUDY.replace(old, new) if old else STUDY)
    status, _, err = chipsim("optimise", study, "-o", tmp_path / "out", *more)
    assert status == 2 and sentence in sentence_of(err)
    assert not (tmp_path / "out" / "optimum.nc").exists()


def test_a_file_that_is_not_there(tmp_path):
    status, _, err = chipsim("optimise", tmp_path / "none.toml")
    assert status == 2 and "there is no file" in sentence_of(err)


@pytest.mark.slow
def test_interrupted_it_is_one_sentence_and_goes_on(tmp_path):
    study = write_study(tmp_path, text=STUDY)
    command = [
        sys.executable,
        "-m",
        "chipsim.cli",
        "optimise",
        str(study),
        "-o",
        str(tmp_path / "out"),
        "--workers",
        "1",
    ]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    )
    until = time.monotonic() + 300
    while count(tmp_path / "out" / "study.db", "state = 'COMPLETE'") < 6:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted; nothing half-written was left" in sentence_of(err)
    end(begin(study, tmp_path / "out"))
    assert count(tmp_path / "out" / "study.db", "state = 'COMPLETE'") == 24


# As README names them.
WANTED = {
    "cluster_chip_2015": (
        "2d",
        "capture[n=2].retained", "capture[n=1].retained", "capture[cells=leukocyte].retained", "purity", "wbc_carryover_per_ml",
        "flow.wall_shear_stress_pa.patch_max", "capture[n=2].junction_load_n", "margins[what=junction load].ratio",
        "design.operation.flow_rate_m3_per_s", "processing_time_s", "flow.array_pressure_drop_pa",
    ),
    "microsieve_5um": (
        "axisymmetric",
        "capture[n=2].retained", "purity", "flow.bore_wall_shear_stress_pa", "capture[n=2].junction_load_n",
        "margins[what=junction load].ratio", "flow.flow_rate_m3_per_s", "flow.pressure_pa",
    ),
    "spiral_hou_2013": (
        "section",
        "capture[n=2].retained", "purity", "flow.wall_shear_stress_pa.max", "margins[what=junction load].ratio",
        "design.operation.flow_rate_m3_per_s", "flow.pressure_drop_pa", "spiral.footprint_m[0]",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", WANTED)
def test_what_readme_names_is_in_the_result(name):
    model, *places = WANTED[name]
    design = package.load_design(package.published()[name])
    result = package.run(design, model=model, compare=False).to_dict()
    for place in places:
        asked = Objective("wanted", place)
        assert asked.of(result) >= 0, place
        assert (asked.unit == "1") == (place.split(".")[-1] in ("retained", "purity", "ratio")), place


@pytest.mark.slow
def test_the_first_margin_is_that_of_the_weakest_strength():
    design = package.load_design(package.published()["cluster_chip_2015"])
    loads = [
        m
        for m in package.run(design, model="2d", compare=False).to_dict()["margins"]
        if m["what"] == "junction load"
    ]
    assert loads[0]["known_n"] == min(m["known_n"] for m in loads)
    assert loads[0]["ratio"] == max(m["ratio"] for m in loads)
