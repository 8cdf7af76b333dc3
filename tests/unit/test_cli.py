"""The command line as a user meets it: in a process of its own, exit status and what is left on disk included."""

import functools
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chipsim.design import published

CHIP, SPIRAL = (str(published()[name]) for name in ("cluster_chip_2015", "spiral_hou_2013"))


def chipsim(*arguments, cwd=None, **env):
    command = [sys.executable, "-m", "chipsim.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **env}, check=False
    )


def left_behind(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "out"
    ran = chipsim("run", CHIP, "-o", folder, "--model", "2d", "--refine", "0.4", "--json")
    assert ran.returncode == 0, ran.stderr
    return folder, ran


def test_run_writes_everything(finished):
    folder, ran = finished
    assert left_behind(folder) == ["fields.vtu", "report.html", "result.json", "run.json"]
    result = json.loads((folder / "result.json").read_text())
    assert json.loads(ran.stdout) == result
    assert "solving Stokes flow" in ran.stderr or "from the store" in ran.stderr
    keys = {
        "design",
        "seed",
        "versions",
        "model",
        "warnings",
        "flow",
        "chip",
        "capture",
        "processing_time_s",
        "wbc_carryover_per_ml",
        "purity",
    }
    assert keys <= set(result)
    flow = {"row_resistance_per_m2", "row_pressure_drop_pa", "array_pressure_drop_pa", "plug_factor", "mean_throat_speed_m_per_s",
            "peak_speed_m_per_s", "wall_shear_stress_pa", "mass_balance_error"}  # fmt: skip
    assert flow <= set(result["flow"])
    assert set(result["flow"]["wall_shear_stress_pa"]) == {"p50", "p95", "mean", "max", "patch_max"}
    errors = result["flow"]["discretisation_error"]
    assert set(errors) == {"pressure_drop", "mean_wall_shear"}
    assert all(1e-5 < e < 1e-2 for e in errors.values())
    assert result["flow"]["solver"]["refine"] == 0.4
    entry = {
        "cells",
        "n",
        "half_push_through_flow_rate_m3_per_s",
        "junction_load_n",
        "peak_membrane_shear_pa",
    } | {fate + end for fate in ("retained", "passed", "broken") for end in ("", "_ci95", "_range")}
    assert all(entry <= set(row) for row in result["capture"])
    assert {"leukocyte", "red blood cell", "MDA-MB-231"} == {row["cells"] for row in result["capture"]}
    about = json.loads((folder / "run.json").read_text())
    assert about["times_s"]["flow"] > 0
    assert about["solve"]["peak_memory_bytes"] > 1e7 and not about["solve"]["from_store"]
    times = about["solve"]["times_s"]
    assert 0 < sum(times[f"flow_{part}"] for part in ("assembly", "setup", "solve")) < times["flow"]
    assert "discretisation error, estimated" in (folder / "report.html").read_text()


def test_same_seed_same_bytes_from_the_store(finished, tmp_path):
    start = time.perf_counter()
    again = chipsim("run", CHIP, "-o", tmp_path / "again", "--model", "2d", "--refine", "0.4")
    assert again.returncode == 0 and "from the store" in again.stderr
    assert time.perf_counter() - start < 60  # a solve less; the figure is in benchmarks, not here
    for name in ("result.json", "report.html", "fields.vtu"):
        assert (tmp_path / "again" / name).read_bytes() == (finished[0] / name).read_bytes(), name
    first, about = (json.loads((f / "run.json").read_text()) for f in (finished[0], tmp_path / "again"))
    assert about["solve"] == {**first["solve"], "from_store": True}
    assert "estimated discretisation error" in again.stdout


def test_an_accuracy_is_met(tmp_path):
    ran = chipsim("run", CHIP, "-o", tmp_path, "--model", "2d", "--accuracy", "1%", "--json")
    assert ran.returncode == 0, ran.stderr
    flow = json.loads(ran.stdout)["flow"]
    assert max(flow["discretisation_error"].values()) <= 0.01 and flow["solver"]["refine"] == 1.0


def test_a_fresh_solve_gives_the_same_bytes(finished, tmp_path):
    again = chipsim("run", CHIP, "-o", tmp_path, "--model", "2d", "--refine", "0.4", "--fresh")
    assert again.returncode == 0 and "solving" in again.stderr
    assert (tmp_path / "result.json").read_bytes() == (finished[0] / "result.json").read_bytes()


def test_the_field_file_is_read_back(finished):
    import meshio
    import numpy as np

    mesh = meshio.read(finished[0] / "fields.vtu")
    assert [c.type for c in mesh.cells] == ["triangle6"]
    result = json.loads((finished[0] / "result.json").read_text())
    speed = np.linalg.norm(mesh.point_data["velocity_m_per_s"], axis=1)
    assert speed.max() == pytest.approx(result["flow"]["peak_speed_m_per_s"], rel=1e-9)
    pressure, x = mesh.point_data["pressure_pa"], mesh.points[:, 0]
    drop = (
        pressure[np.isclose(x, x.min(), atol=1e-12)].mean()
        - pressure[np.isclose(x, x.max(), atol=1e-12)].mean()
    )
    assert drop == pytest.approx(2 * result["flow"]["row_pressure_drop_pa"], rel=1e-6)


MISTAKES = [
    (["run"], "Missing argument"),
    (["run", "nothing.toml"], "there is no file"),
    (["run", CHIP, "--set", "device.gap=12 m"], 'did you mean "12 um"?'),
    (["run", CHIP, "--set", "device.gap=12 s"], "wrong unit"),
    (["run", CHIP, "--set", "device.gpa=12 um"], 'unknown key "gpa"'),
    (["run", CHIP, "--set", "device.rows=-1"], "rows = -1"),
    (["run", CHIP, "--set", "device.rows=5000"], "rows = 5000 is above"),
    (["run", CHIP, "--set", "device.daughter_gap=4 um"], "overlap"),
    (["run", CHIP, "--set", "operation.flow_rate=0 mL/h"], "must be above 0"),
    (["run", CHIP, "--model", "4d"], 'model = "4d" is unknown'),
    (["run", CHIP, "--seed", "-1"], "seed"),
    (["run", CHIP, "--speed", "3"], "No such option"),
    (["run", CHIP, "--accuracy", "0"], "accuracy = 0 is outside 0.0001% to 50%"),
    (["run", CHIP, "--accuracy", "200%"], "accuracy = 200% is outside 0.0001% to 50%"),
    (["run", CHIP, "--accuracy", "good"], "accuracy"),
    (["run", CHIP, "--accuracy", "0.1%", "--refine", "2"], "give one of them"),
    (["run", CHIP, "-o", "/proc/nowhere"], "cannot be written"),
    (["export", CHIP, "--to", "doc"], "doc"),
    (["export", CHIP, "--to", "svg", "--block", "8"], "--block 8"),
    (
        ["export", CHIP, "--to", "inp"],
        '--to "inp" is unknown; known formats are msh, msh22, nas, vtu, xdmf, stl, step, dxf, gds',
    ),
    (
        ["export", CHIP, "--to", "stl", "--part", "bank"],
        '--part "bank" is unknown; known parts are cell, array, chip',
    ),
    (
        ["export", CHIP, "--to", "stl", "--of", "lid"],
        '--of "lid" is unknown; known kinds are fluid, body, mould',
    ),
    (
        ["export", CHIP, "--to", "stl", "--of", "body", "--thickness", "0.1 mm"],
        "is not above the depth of the channel",
    ),
    (["export", CHIP, "--to", "stl", "--of", "body", "--thickness", "2 mL"], "--thickness"),
    (["export", "iset_8um", "--to", "stl", "--of", "mould"], "a mould is not for a membrane"),
    (["export", "iset_8um", "--to", "stl", "--part", "chip"], "is for masks only"),
    (["export", CHIP, "--to", "stl", "-o", "/proc/nowhere"], "cannot be written"),
    (["show", CHIP, "--picture", "chip.doc"], "must end in"),
    (["run", SPIRAL, "--model", "3d"], 'model = "3d" is unknown for this spiral; known models are section'),
    (["run", SPIRAL, "--set", "device.width=1 mm"], "makes the windings overlap"),
    (["run", SPIRAL, "--set", "device.length=1 m"], "the windings overlap"),
    (["run", SPIRAL, "--set", "operation.collect=middle"], "known outlets are inner and outer"),
    (["run", SPIRAL, "--set", "operation.flow_rate=1 mL/min"], "are both given"),
    (["show", SPIRAL, "--set", "device.outlet_widths=['100 um', '100 um']"], "below the channel's width"),
    (["export", SPIRAL, "--to", "svg", "--block", "8x8"], "--block 8x8 is not for a spiral"),
    (["fly"], "fly"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), MISTAKES, ids=lambda v: "_".join(v)[-40:] if isinstance(v, list) else ""
)
def test_a_mistake_is_one_sentence_and_status_2(arguments, said, tmp_path):
    ran = chipsim(*arguments, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stdout == "" or arguments[0] == "show"
    assert len(ran.stderr.strip().splitlines()) == 1 and ran.stderr.startswith("chipsim: "), ran.stderr
    assert said in ran.stderr
    assert left_behind(tmp_path) == []


def test_an_output_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("mine")
    ran = chipsim("run", CHIP, "-o", tmp_path / "out")
    assert ran.returncode == 2 and "cannot be written" in ran.stderr
    assert (tmp_path / "out").read_text() == "mine" and left_behind(tmp_path) == ["out"]


def test_interrupted_leaves_nothing(tmp_path):
    command = [
        sys.executable,
        "-m",
        "chipsim.cli",
        "run",
        CHIP,
        "-o",
        str(tmp_path / "out"),
        "--model",
        "2d",
        "--refine",
        "3",
        "--fresh",
    ]
    # A test run in the background of a shell has Ctrl-C ignored, and would pass that on.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stderr=pipe, stdout=pipe, text=True, preexec_fn=heard)
    line = process.stderr.readline()
    assert "meshing" in line
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and "interrupted" in said
    assert left_behind(tmp_path) == []


def test_list_and_show():
    listed = chipsim("list")
    assert listed.returncode == 0
    head, *rows = listed.stdout.splitlines()
    assert head.split("  ")[0] == "name" and "opening" in head and "driven by" in head
    chip = next(row for row in rows if row.startswith("cluster_chip_2015"))
    assert "12 um gap" in chip and "2.5 mL/h" in chip and len(rows) == len(published())
    shown = chipsim("show", "cluster_chip_2015", "--set", "device.gap=10 um")
    assert (
        shown.returncode == 0
        and "█" in shown.stdout
        and "10 um" in shown.stdout
        and "breaks no design rule" in shown.stdout
    )
    broken = chipsim("show", CHIP, "--set", "device.rows=500")
    assert broken.returncode == 0 and "breaks a design rule: rows = 500" in broken.stdout


def test_a_spiral_is_listed_and_shown():
    rows = {row.split()[0]: row for row in chipsim("list").stdout.splitlines()}
    assert "500 x 160 um channel" in rows["spiral_hou_2013"]
    assert "100 uL/min, sheath 750 uL/min" in rows["spiral_hou_2013"]
    assert "600 x 80 to 130 um channel" in rows["spiral_warkiani_2014"]
    shown = chipsim("show", SPIRAL, "--set", "operation.collect=outer")
    assert shown.returncode == 0 and "█" in shown.stdout and "what leaves by the outer outlet" in shown.stdout
    assert "breaks no design rule" in shown.stdout
    small = chipsim("show", SPIRAL, "--set", "limits.slide_width=10 mm")
    assert small.returncode == 0 and "breaks a design rule: outer_radius = 6.5 mm" in small.stdout


def test_a_spiral_is_exported(tmp_path):
    asked = ("--to", "step,dxf,gds,svg,msh,vtu", "--part", "cell,array")
    ran = chipsim("export", SPIRAL, *asked, "-o", tmp_path / "out")
    assert ran.returncode == 0, ran.stderr
    sizes = {p.name: p.stat().st_size for p in (tmp_path / "out").iterdir()}
    assert len(sizes) == 16 and max(sizes.values()) < 10e6 and sizes["spiral_channel.svg"] < 1e6
    svg = (tmp_path / "out" / "spiral_channel.svg").read_text()
    assert all(
        f'id="{port}"' in svg for port in ("inlet_sample", "inlet_sheath", "outlet_inner", "outlet_outer")
    )


def test_a_mould_and_its_body_are_exported_and_each_file_is_told(tmp_path):
    asked = ("--to", "stl,msh22", "--part", "cell", "--of", "body,mould", "--thickness", "1 mm")
    ran = chipsim("export", CHIP, *asked, "-o", tmp_path)
    assert ran.returncode == 0, ran.stderr
    names = {f"cluster_chip_cell_{of}{end}" for of in ("body", "mould") for end in (".stl", "_3d_msh22.msh")}
    assert {p.name for p in tmp_path.iterdir()} == names
    assert all(f"writing {name}" in ran.stderr for name in names)


@pytest.mark.slow
def test_a_spiral_is_run(tmp_path):
    design = tmp_path / "small.toml"
    design.write_text(published()["spiral_hou_2013"].read_text().replace("[1, 2, 4, 8]", "[2]"))
    ran = chipsim("run", design, "-o", tmp_path / "out", "--refine", "0.5", "--json")
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["model"] == "section" and result["flow"]["reynolds"] == pytest.approx(42.8, rel=1e-2)
    clusters = result["capture"][0]
    assert (clusters["cells"], clusters["n"]) == ("MDA-MB-231", 2)
    assert set(clusters["outlets"]) == {
        name + end for name in ("inner", "outer") for end in ("", "_ci95", "_range")
    }
    fates = sum(clusters[fate] for fate in ("retained", "passed", "broken"))
    assert fates == pytest.approx(1.0, abs=1e-3) and clusters["retained"] > clusters["passed"]
    again = chipsim("run", design, "-o", tmp_path / "again", "--refine", "0.5")
    assert again.returncode == 0 and "from the store" in again.stderr and "Dean number" in again.stdout
    for name in ("result.json", "report.html", "fields.vtu"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


def test_show_writes_the_drawing(tmp_path):
    ran = chipsim("show", CHIP, "--picture", tmp_path / "chip.png")
    assert ran.returncode == 0 and (tmp_path / "chip.png").read_bytes().startswith(b"\x89PNG")


def test_doctor():
    ran = chipsim("doctor")
    assert ran.returncode == 0 and "dolfinx" in ran.stdout


def test_a_solver_that_fails_is_an_error_and_no_result(tmp_path):
    script = (
        "import sys, chipsim.flow.stokes as s; from chipsim.flow.solvers import SolverError\n"
        "def fail(*a, **k): raise SolverError('MINRES did not converge')\n"
        "assert callable(s.Direct); s.Direct = fail\n"
        f"sys.argv = ['chipsim', 'run', {CHIP!r}, '-o', {str(tmp_path / 'out')!r}, '--model', '2d', '--fresh']\n"
        "from chipsim.cli import main; main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (
        ran.returncode == 1
        and "chipsim: MINRES did not converge" in ran.stderr
        and "Traceback" not in ran.stderr
    )
    assert left_behind(tmp_path) == []


def test_cells_that_cannot_be_predicted_are_refused_before_the_solve(tmp_path):
    design = tmp_path / "design.toml"
    design.write_text(published()["cluster_chip_2015"].read_text().replace('"MDA-MB-231"', '"LNCaP"'))
    ran = chipsim("run", design, "-o", tmp_path / "out", "--fresh")
    assert ran.returncode == 2 and "no sourced tension" in ran.stderr and "solving" not in ran.stderr
    assert left_behind(tmp_path) == ["design.toml"]


def test_an_output_that_cannot_be_finished_changes_nothing(tmp_path):
    (tmp_path / "out" / "result.json" / "mine").mkdir(parents=True)
    ran = chipsim("run", CHIP, "-o", tmp_path / "out", "--model", "2d", "--refine", "0.4")
    assert ran.returncode == 2 and "result.json is a folder" in ran.stderr and "Traceback" not in ran.stderr
    assert left_behind(tmp_path) == ["out", "out/result.json", "out/result.json/mine"]


def test_a_block_too_large_to_mesh_is_said_in_a_sentence(tmp_path):
    ran = chipsim("export", CHIP, "--to", "msh", "--block", "300x300", cwd=tmp_path)
    assert ran.returncode == 2 and "export a smaller block" in ran.stderr and "Traceback" not in ran.stderr
    assert left_behind(tmp_path) == []


def test_verify(tmp_path):
    ran = chipsim("verify", "--only", "drag", "-o", str(tmp_path / "page"))
    assert ran.returncode == 0, ran.stderr
    assert "pass" in ran.stdout and "1 of 1 checks passed" in ran.stdout
    assert {f.name for f in (tmp_path / "page").iterdir()} == {
        "verification.json", "verification.html", "verification.md"
    }  # fmt: skip
    ran = chipsim("verify", "--only", "nonsense")
    assert ran.returncode == 2 and 'case "nonsense" is unknown' in ran.stderr


def test_what_is_heavy_is_loaded_when_it_is_needed():
    heavy = (
        "scipy.stats",
        "scipy.special",
        "scipy.optimize",
        "gmsh",
        "dolfinx",
        "petsc4py",
        "matplotlib.pyplot",
    )
    code = f"import sys, chipsim; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_process_that_is_started_afresh_does_not_run_the_command_again():
    """It reads the file of the command under another name (lift tables are made by such processes)."""
    script = Path(__file__).parents[2] / "tools" / "bin" / "chipsim"
    assert "main" in runpy.run_path(str(script), run_name="__mp_main__")
