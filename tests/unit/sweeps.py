"""A small sweep for tests: few cells, a coarse plane mesh, so that a point takes some milliseconds once its flow is stored."""

import os
import subprocess
import sys

DESIGN = """
[device]
kind = "cluster_chip"
gap = "12 um"
depth = "100 um"
[operation]
flow_rate = "2.5 mL/h"
viscosity = "4 mPa s"
volume = "5 mL"
[[suspension]]
cells = "MDA-MB-231"
sizes = [1, 2]
concentration = "10 /mL"
"""
STUDY = """
[study]
design = "chip.toml"
model = "2d"
refine = 0.4
[parameters]
device.gap = ["11 um", "12 um"]
operation.flow_rate = { from = "1 mL/h", to = "4 mL/h", points = POINTS }
[results]
pairs = "capture[n=2].retained"
pressure = "flow.array_pressure_drop_pa"
"""


def write_study(folder, points=5, text=STUDY, name="small"):
    """A study's file with its design beside it."""
    (folder / "chip.toml").write_text(DESIGN)
    path = folder / f"{name}.toml"
    path.write_text(text.replace("POINTS", str(points)))
    return path


def start(*arguments, cwd=None, **more):
    """``chipsim`` in a process of its own."""
    command = [sys.executable, "-m", "chipsim.cli", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env={**os.environ, **more.pop("env", {})},
        **more,
    )  # fmt: skip


def chipsim(*arguments, **more):
    """Its exit status, standard output and standard error."""
    process = start(*arguments, **more)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def sentence_of(err):
    """The one line that tells a mistake."""
    lines = [line for line in err.splitlines() if line.startswith("chipsim: ")]
    assert len(lines) == 1 and "Traceback" not in err, err
    return lines[0].removeprefix("chipsim: ")
