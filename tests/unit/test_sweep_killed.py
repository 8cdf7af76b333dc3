"""``kill -9`` of any process of a sweep at any moment: in the end it gives the same, bit for bit, as an undisturbed one."""

import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
import xarray as xr

import chipsim
from chipsim.study.processes import environment
from sweeps import write_study

KILLS = 20
WHOLE, WORKER, CHILD = "the whole process", "a worker of Dask", "a process that computes"

# As a user's script; without the page, which takes a while to draw and is not what is at stake.
SCRIPT = """
import sys
from pathlib import Path
from chipsim.study import sweep
def write(dataset, folder, formats, progress):
    with sweep.all_or_nothing(folder) as beside:
        sweep.write(dataset, beside, "sweep", ())
sweep.write_sweep = write
sweep.sweep_study(*sweep.load_sweep(sys.argv[1]), Path(sys.argv[2]), workers=2)
"""


def begin(study, folder):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, study, folder], stderr=subprocess.PIPE, text=True, env=environment()
    )


def of_kind(process, kind):
    """Processes of a sweep by what they do."""
    if kind == WHOLE:
        return [process]
    module = {WORKER: "chipsim.study.dask_worker", CHILD: "chipsim.study.worker"}[kind]
    found = []
    for child in process.children(recursive=True):
        try:
            if module in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


def kill_one(process, kind, chance):
    """Whether there was one of that kind, which is gone now."""
    try:
        found = of_kind(process, kind)
        if not found:
            return False
        chance.choice(found).send_signal(signal.SIGKILL)
    except psutil.Error:
        return False
    return True


def end(process):
    """Wait until a sweep is through, and say what it said."""
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err == ""


@pytest.mark.slow
def test_killed_twenty_times_it_gives_the_same_bit_for_bit(tmp_path):
    chance = random.Random(20260)
    # Never three of the same kind that computes in a row: a point whose process is ended three times is taken to be its cause.
    kinds = [WORKER, CHILD, WHOLE, CHILD, WORKER] * (KILLS // 5)
    study = write_study(tmp_path, 150)
    end(begin(study, tmp_path / "undisturbed"))
    wanted = (tmp_path / "undisturbed" / "sweep.nc").read_bytes()

    rounds, folder, killed = 1, tmp_path / "disturbed-1", []
    process = begin(study, folder)
    for kind in kinds:
        while True:
            time.sleep(chance.uniform(0.1, 0.8))
            if process.poll() is not None:  # it is through: the same, and from the beginning
                end(process)
                assert (folder / "sweep.nc").read_bytes() == wanted
                rounds += 1
                folder = tmp_path / f"disturbed-{rounds}"
                process = begin(study, folder)
            elif kill_one(psutil.Process(process.pid), kind, chance):
                killed.append(kind)
                break
        if kind == WHOLE:
            process.wait()
            process.stderr.close()
            process = begin(study, folder)
    end(process)
    assert len(killed) == KILLS and killed.count(WHOLE) == KILLS // 5
    assert (folder / "sweep.nc").read_bytes() == wanted
    xr.testing.assert_identical(chipsim.open_dataset(folder), chipsim.open_dataset(tmp_path / "undisturbed"))
    left = [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or ())]
    assert not psutil.wait_procs(left, timeout=20)[1]
