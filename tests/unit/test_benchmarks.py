"""The benchmark's own arithmetic, and that meshes reach other programs whole. No timing is asserted."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import growth, peers, references, sweeps, table, targets, trajectories
from benchmarks.cases import CASES, GROWTH, SELECTIONS, WARM_UP, select
from benchmarks.meshes import make_mesh
from benchmarks.programs.common import read_input, write_input
from benchmarks.programs.openfoam import PolyMesh, boundary_sum, write_case
from benchmarks.run import ROOT, run

MESHES = {dim: make_mesh(case) for dim, case in WARM_UP.items()}


@pytest.fixture
def written(tmp_path):
    def write(dim):
        path = tmp_path / f"{dim}.npz"
        write_input(str(path), MESHES[dim], periodic=True)
        return path

    return write


def one(seconds, gigabytes, flow=1.0, solver="lu", **more):
    parts = {"assembly": seconds / 4, "solve": 3 * seconds / 4}
    return {"seconds": seconds, "parts": parts, "peak_bytes": gigabytes * 1e9, "flow": flow, "unknowns": 10, "busy": 1.0,
            "solver": solver, **more}  # fmt: skip


def results(runs, reference=1.0, family="", case="3d-100k"):
    machine = {"processor": "", "cores": 1, "gigabytes": 1.0, "load_at_start": 0.0}
    one_case = {"about": "", "family": family, "reference": {"flow": reference}, "runs": runs}
    return {
        "date": "",
        "command": "",
        "machine": machine,
        "repeats": 3,
        "peers": {},
        "cases": {case: one_case},
    }


def test_medians_are_over_the_runs_that_went_well():
    row = table.row(
        "c", "p", "lu", [one(1.0, 2.0), one(9.0, 2.0), one(2.0, 4.0), {"failed": "time limit"}], 0.99
    )
    assert (row.seconds, row.gigabytes, row.runs) == (2.0, 2.0, 3)
    assert row.error == pytest.approx(1 / 0.99 - 1)
    assert row.parts == {"assembly": 0.5, "solve": 1.5}


def test_a_program_that_failed_is_a_row_with_its_reason():
    found = results(
        {"chipsim/default": [one(1.0, 1.0)], "ngsolve/minres": [{"failed": "memory limit of 8 GB"}]}
    )
    assert "memory limit of 8 GB" in table.markdown(found, [])
    assert table.fastest(table.rows(found), "3d-100k", "ngsolve") is None


def test_an_answer_that_is_no_number_is_none():
    row = table.row("c", "p", "lu", [one(1.0, 1.0, flow=math.nan)], 1.0)
    assert row.failed == "its answer is no number"


def test_ratios_take_each_programs_fastest_solver_and_each_factorisations_memory():
    found = results({
        "chipsim/default": [one(1.0, 0.5)], "ngsolve/minres": [one(5.0, 0.6, solver="minres")], 
        "ngsolve/sparsecholesky": [one(8.0, 4.0, solver="sparsecholesky")],
        "scikit-fem/pardiso-symmetric": [one(2.0, 2.0, solver="pardiso-symmetric")],
    })  # fmt: skip
    by_text = {t.text: t for t in targets.of_benchmark(found)}
    assert by_text["3d-100k: time over ngsolve's at most 0.25"].verdict == targets.MET
    assert by_text["3d-100k: time over scikit-fem's at most 0.35"].verdict == targets.MISSED
    assert by_text["3d-100k: time over dolfinx-demo's at most 0.35"].verdict == targets.UNKNOWN
    assert by_text["3d-100k: memory over that of ngsolve's sparsecholesky at most 0.2"].found == "0.125"
    assert (
        by_text["3d-100k: memory over that of scikit-fem's pardiso-symmetric at most 0.2"].verdict
        == targets.MISSED
    )


def test_a_larger_error_than_a_peers_is_said():
    found = results(
        {"chipsim/default": [one(1.0, 0.5, flow=1.01)], "freefem/MUMPS_seq": [one(5.0, 0.6, flow=1.001)]}
    )
    assert targets.of_benchmark(found)[-1].verdict == targets.MISSED


def test_programs_that_differ_on_one_mesh_are_named_but_not_straight_sided_ones():
    runs = {"chipsim/default": [one(1.0, 1.0)], "scikit-fem/pardiso-symmetric": [one(1.0, 1.0, flow=1 + 1e-8)],
            "ngsolve/minres": [one(1.0, 1.0, flow=1.0001)], "freefem/MUMPS_seq": [one(1.0, 1.0, flow=1.002)]}  # fmt: skip
    (said,) = table.disagreements(table.rows(results(runs)))
    assert "ngsolve" in said


def test_finite_volumes_need_not_agree_even_on_straight_cells():
    runs = {"chipsim/default": [one(1.0, 1.0)], "freefem/MUMPS_seq": [one(1.0, 1.0)],
            "openfoam/SIMPLE": [one(1.0, 1.0, flow=1.01, solver="SIMPLE")]}  # fmt: skip
    sharp = results(runs, case="3d-sharp")
    assert not list(table.disagreements(table.rows(sharp)))
    assert "| openfoam | SIMPLE (finite volumes) |" in table.markdown(sharp, [])


def test_time_to_an_error_is_that_of_the_first_good_mesh():
    found = results({}, family="f", case="f-1")
    flows = {"f-1": 1.01, "f-2": 1.0005, "f-3": 1.0001}
    found["cases"] = {
        name: {**found["cases"]["f-1"], "runs": {
            "chipsim/default": [one(i + 1.0, 1.0, flow=flow)], "freefem/UMFPACK": [one(1.0, 1.0, flow=1.02)]
        }}
        for i, (name, flow) in enumerate(flows.items())
    }  # fmt: skip
    own, other = table.reached(found, table.rows(found), "f")
    assert own.row.case == "f-2" and own.row.seconds == 2.0
    assert other.row is None and other.best_error == pytest.approx(0.02)


def test_exponent_of_a_power_law():
    sizes = [1e5, 3e5, 2e6]
    assert growth.exponent(sizes, [s**1.3 for s in sizes]) == pytest.approx(1.3)


def test_growth_says_what_was_not_measured():
    runs = {
        "3d/3d-100k/2": {**one(1.0, 1.0), "iterations": 60},
        "3d/3d-200k/2": {**one(2.5, 1.5), "iterations": 80},
    }
    runs["3d/3d-200k/2"]["unknowns"] = 20
    verdicts = {t.text: t.verdict for t in growth.targets({"runs": runs})}
    assert verdicts["3d: most over least iterations at most 1.2"] == targets.MISSED
    assert verdicts["3d, 2 ranks: exponent of time at most 1.15"] == targets.MISSED
    assert verdicts["3d, 2 ranks: exponent of memory at most 1"] == targets.MET
    assert verdicts["2 million unknowns on 2 ranks: time at most 60 s"] == targets.UNKNOWN


def test_the_page_of_trajectories_says_what_was_found():
    head = {"date": "today", "command": "python -m benchmarks.trajectories",
            "machine": {"processor": "p", "cores": 2, "gigabytes": 8.0, "load_at_start": 0.0}}  # fmt: skip
    found = {"seconds": 61.0, "steps": 100, "per_step": 9e-7, "per_value": 1e-7, "peak_bytes": 5e8}
    page = trajectories.markdown({**head, "found": found})
    assert "in 100 steps: 61.0 s" in page
    assert "9.0 times what numpy takes" in page
    assert [t.verdict for t in trajectories.targets(found)] == [targets.MISSED, targets.MET]
    page = trajectories.markdown({**head, "found": {"failed": "no memory"}})
    assert page.count(targets.UNKNOWN) == 2
    assert 0 < trajectories.interpolation() < 1e-3


def test_the_page_of_sweeps_says_what_was_found():
    head = {"date": "today", "command": "python -m benchmarks.sweeps",
            "machine": {"processor": "p", "cores": 2, "gigabytes": 8.0, "load_at_start": 0.0}}  # fmt: skip
    got = {
        "load": 1.0,
        "seconds": 61.0,
        "cpu": 70.0,
        "peak_bytes": 5e8,
        "points": "1000 points: 1000 done",
        "again": 4.0,
        "bytes": 2e7,
    }
    page = sweeps.markdown({**head, "found": {"stiffness": got, "sizes": {"failed": "status 1: no"}}})
    assert "| 1000 points: 1000 done | 1.0 | 61 s | 70 s | 0.50 GB | 20 MB | 4 s |" in page
    assert "status 1: no" in page and "not run" in page
    assert [t.verdict for t in sweeps.targets({"stiffness": got})] == [
        targets.MISSED,
        targets.UNKNOWN,
        targets.UNKNOWN,
    ]


def test_growths_meshes_exist():
    assert {name for names, _ in growth.SERIES.values() for name in names} <= {*CASES, *GROWTH}


def test_selections():
    assert {c.name for c in select(["2d", "3d"])} == set(CASES)
    assert [c.name for c in select(["3d-pore", "2d-1"])] == ["2d-1", "3d-pore"]
    assert 0 < len(select(["quick"])) < len(CASES)
    with pytest.raises(ValueError, match="none of"):
        select(["4d"])
    assert set(SELECTIONS).isdisjoint(CASES)


def test_every_case_has_its_converged_flow_rate():
    for case in CASES.values():
        known = references.known(case)
        assert known is not None, case.reference
        assert known["uncertainty"] < table.WANTED_ERROR


def test_runs_that_hang_or_fail_are_results():
    spin = [sys.executable, "-c", "while True: pass"]
    assert run(spin, {}, seconds=0.3, gigabytes=1.0) == {"failed": "time limit"}
    eat = [sys.executable, "-c", "import time; x = bytearray(300_000_000); time.sleep(30)"]
    assert run(eat, {}, seconds=30.0, gigabytes=0.1) == {"failed": "memory limit of 0.1 GB"}
    assert run([sys.executable, "-c", "raise ValueError('why')"], {}, seconds=30.0, gigabytes=1.0) == {
        "failed": "ValueError: why"
    }


# By a process of its own, as the benchmarks are: Linux counts what the starting process had in memory.
_MEASURED = """
import json, sys
from benchmarks.run import run
hungry = [sys.executable, "-c", "x = bytearray(b'1') * 300_000_000; print('{}')"]
print(json.dumps(run(hungry, {}, seconds=60.0, gigabytes=8.0)))
"""


def test_peak_memory_is_that_of_the_process():
    ran = subprocess.run(
        [sys.executable, "-c", _MEASURED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert 0.3e9 < json.loads(ran.stdout)["peak_bytes"] < 0.5e9


@pytest.mark.parametrize("dim", [2, 3])
def test_a_written_case_is_read_as_it_was(written, dim):
    case = read_input(str(written(dim)))
    assert case.dim == dim and case.periodic
    assert np.array_equal(case.cells, MESHES[dim].cells)
    inlet, outlet = case.pairs()
    assert np.allclose(case.points[inlet] + [case.length, 0, 0], case.points[outlet], atol=1e-6)
    assert case.fixed(1) == [n for n in case.regions if n not in ("inlet", "outlet", "midplane")]


@pytest.mark.parametrize(
    "peer",
    [p for p in peers.PEERS.values() if p.module in ("chipsim_", "dolfinx_demo")],
    ids=lambda p: p.name,
)
@pytest.mark.parametrize("dim", [2, 3])
def test_programs_see_the_curved_cells(written, peer, dim):
    path = str(written(dim))
    command = [
        sys.executable,
        "-m",
        f"benchmarks.programs.{peer.module}",
        path,
        peer.solvers(WARM_UP[dim])[-1],
        path,
    ]
    found = run(command, {}, seconds=300.0, gigabytes=4.0)
    assert "failed" not in found, found
    assert math.isclose(found["measure"], MESHES[dim].measure(), rel_tol=1e-9)


def test_freefem_gets_the_corners_only(tmp_path, written):
    from benchmarks.programs.freefem import write_plane, write_space

    plane, space = read_input(str(written(2))), read_input(str(written(3)))
    write_plane(tmp_path / "plane.msh", plane)
    counts = [int(n) for n in (tmp_path / "plane.msh").read_text().split("\n", 1)[0].split()]
    assert counts == [plane.corners.sum(), len(plane.cells), len(plane.facets)]
    write_space(tmp_path / "space.mesh", space)
    words = (tmp_path / "space.mesh").read_text().split()
    assert int(words[words.index("Tetrahedra") + 1]) == len(space.cells)


@pytest.mark.parametrize("dim", [2, 3])
def test_openfoams_inner_faces_come_once_and_in_its_order(written, dim):
    case = read_input(str(written(dim)))
    mesh = PolyMesh(case)
    inner = len(mesh.neighbour)
    corners = [tuple(sorted(face)) for block in mesh.faces for face in block.tolist()]
    assert len(set(corners)) == len(corners) == len(mesh.owner)
    assert (mesh.owner[:inner] < mesh.neighbour).all()
    assert np.array_equal(np.lexsort([mesh.neighbour, mesh.owner[:inner]]), np.arange(inner))
    ends = [start + size for _, size, start in mesh.patches]
    assert [start for _, _, start in mesh.patches] == [inner, *ends[:-1]] and ends[-1] == len(corners)
    sizes = {name: size for name, size, _ in mesh.patches}
    assert sizes.pop("front_and_back", 0) == (2 * len(case.cells) if dim == 2 else 0)
    assert sizes == {name: np.count_nonzero(case.facet_regions == n) for name, n in case.regions.items()}


@pytest.mark.parametrize("dim", [2, 3])
def test_openfoams_cells_are_closed_and_right_side_out(written, dim):
    case = read_input(str(written(dim)))
    mesh = PolyMesh(case)
    areas, fluxes = [], []
    for block in mesh.faces:
        x = mesh.points[block]
        fan = np.cross(x[:, 1:-1] - x[:, :1], x[:, 2:] - x[:, :1]) / 2
        middles = (x[:, :1] + x[:, 1:-1] + x[:, 2:]) / 3
        areas.append(fan.sum(axis=1))
        fluxes.append((fan * middles).sum(axis=(1, 2)) / 3)
    area, flux = np.concatenate(areas), np.concatenate(fluxes)
    total, volume = np.zeros((len(case.cells), 3)), np.zeros(len(case.cells))
    for cells, sign in ((mesh.owner, 1), (mesh.neighbour, -1)):
        np.add.at(total, cells, sign * area[: len(cells)])
        np.add.at(volume, cells, sign * flux[: len(cells)])
    assert np.abs(total).max() < 1e-9 * np.abs(area).max()
    assert volume.min() > 0 and volume.sum() == pytest.approx(mesh.measure)


def test_openfoams_case_is_written_whole_and_its_flux_is_read(tmp_path, written):
    mesh = PolyMesh(read_input(str(written(3))))
    write_case(tmp_path, mesh, (0.1, 0.9))
    faces = (tmp_path / "constant/polyMesh/faces").read_text().splitlines()
    assert int(faces[1]) == len(mesh.owner) and faces[3].startswith("3(")
    assert "p 0.1; } equations { U 0.9;" in (tmp_path / "system/fvSolution").read_text()
    inlet = "inlet { type calculated; value nonuniform List<scalar> \n2\n(\n-1.5\n-2e-1\n)\n; }"
    outlet = "outlet { value nonuniform List<scalar> 1(9); }"
    (tmp_path / "phi").write_text(
        f"internalField nonuniform List<scalar> 1(7); boundaryField {{ {outlet} {inlet} }}"
    )
    assert boundary_sum(tmp_path / "phi", "inlet") == pytest.approx(-1.7)


@pytest.mark.parametrize("wrong", [("--repeats", "0"), ("--cases", "4d"), ("--peers", "nobody")])
def test_a_mistake_is_one_sentence(wrong, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", *wrong, "-o", str(tmp_path / "out")],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert ran.returncode == 2 and ran.stderr.startswith("benchmarks: ") and ran.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
