"""The flow room: fields as arrays, scaling, the store, and the same answer over MPI ranks."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from chipsim.design import Operation
from chipsim.flow.array import PLANE, solve_cell
from chipsim.flow.array_result import ArrayFlow
from chipsim.flow.field import Field, quadrature, shape_functions
from chipsim.flow.shear import shear_numbers
from chipsim.flow.traction import direct_shear, wall_shear
from chipsim.study import store
from chipsim.study.solve import solve
from geometries import ClusterChip, DesignError
from geometries.extrude import extrude, layer_heights
from geometries.mesh import mesh_outline

CHIP = ClusterChip()


def operation(flow_rate, viscosity):
    return Operation(flow_rate=flow_rate, viscosity=viscosity)


@pytest.fixture(scope="module")
def plane():
    return mesh_outline(CHIP.block(), replace(PLANE, refine=0.3))


@pytest.fixture(scope="module")
def space(plane):
    return extrude(plane, layer_heights(100.0, 3.0, 4, half=True), top="midplane")


def quadratic(mesh):
    """A velocity and pressure that the elements hold exactly on straight cells."""
    x = mesh.points[:, : mesh.dim]
    return Field(
        mesh, np.stack([x[:, 0] ** 2 + (i + 1) * x[:, 1] for i in range(mesh.dim)], axis=1), 3 + x[:, 0]
    )


@pytest.mark.parametrize("d", [1, 2, 3])
def test_quadrature_and_shape_functions(d):
    points, weights = quadrature(d)
    assert weights.sum() == pytest.approx(1 / [1, 2, 6][d - 1])
    # Integral of x^6 over the reference simplex: 6! d! / (6 + d)! / d!.
    assert (weights * points[:, 0] ** 6).sum() == pytest.approx([1 / 7, 1 / 56, 1 / 504][d - 1])
    values, gradients = shape_functions(points)
    np.testing.assert_allclose(values.sum(axis=1), 1)
    np.testing.assert_allclose(gradients.sum(axis=1), 0, atol=1e-13)


@pytest.mark.parametrize("which", ["plane", "space"])
def test_point_values_and_outside(which, request):
    mesh = request.getfixturevalue(which)
    field = quadratic(mesh)
    inside = np.array([[-3.0, 5.0, 20.0], [45.0, 10.0, 0.7], [48.0, 28.0, 49.0]])[:, : mesh.dim]
    found = field.at(inside)
    expected = np.column_stack([inside[:, 0] ** 2 + (i + 1) * inside[:, 1] for i in range(mesh.dim)])
    # Inner cells next to a curved side are curved themselves, where x^2 is not exactly P2.
    np.testing.assert_allclose(found[:, : mesh.dim], expected, rtol=1e-3)
    np.testing.assert_allclose(found[:, mesh.dim], 3 + inside[:, 0], rtol=1e-6, atol=1e-12)
    in_a_pillar = np.array([[25.0, 2.0, 20.0]])[:, : mesh.dim]
    assert np.isnan(field.at(in_a_pillar)).all()


@pytest.mark.parametrize("which", ["plane", "space"])
def test_divergence_theorem(which, request):
    """The flux of u = (x, y, z) out of the mesh is dim times its measure: normals, weights and facets are right."""
    mesh = request.getfixturevalue(which)
    field = Field(mesh, mesh.points[:, : mesh.dim].copy(), np.zeros(len(mesh.points)))
    total = sum(field.flux(name) for name in mesh.regions)
    assert total == pytest.approx(mesh.dim * mesh.measure(), rel=1e-9)


def shear_flow(mesh, rate):
    """u = rate y along x without pressure, with the reactions that hold it."""
    x = mesh.points[:, : mesh.dim]
    velocity = np.column_stack([rate * x[:, 1], *(0 * x[:, 0] for _ in range(mesh.dim - 1))])
    field = Field(mesh, velocity, np.zeros(len(x)))
    everywhere = field.sample(np.arange(len(mesh.facets)))
    shapes, _ = shape_functions(quadrature(mesh.dim - 1)[0])
    pull = (everywhere.weights[:, None] * rate * everywhere.normals[:, 1:2]).reshape(len(mesh.facets), -1)
    reaction = np.zeros_like(velocity)
    np.add.at(reaction[:, 0], mesh.facets, pull @ shapes)
    return replace(field, reaction=reaction)


@pytest.mark.parametrize("which", ["plane", "space"])
def test_wall_shear_of_a_shear_flow(which, request):
    field = shear_flow(request.getfixturevalue(which), 7.0)
    np.testing.assert_allclose(wall_shear(field, "symmetry").rate, 7, rtol=1e-9)
    np.testing.assert_allclose(direct_shear(field, "symmetry").rate, 7, rtol=1e-9)
    np.testing.assert_allclose(wall_shear(field.scaled(2.0), "symmetry").rate, 14, rtol=1e-9)
    numbers = shear_numbers(field, ("symmetry",), 15.0, {1: [0.0]}, round_corners=True)
    assert numbers.p50 == pytest.approx(7) and numbers.patch_maximum == pytest.approx(7)
    assert numbers.mean == pytest.approx(7) and numbers.maximum == pytest.approx(7)
    assert shear_numbers(field, ("symmetry",), 15.0, {}, round_corners=False).maximum is None


def test_results_depend_on_viscosity_times_flow_rate_only():
    flow = solve(CHIP, "2d", refine=0.3)
    one, other = flow.to_dict(operation(1e-9, 4e-3)), flow.to_dict(operation(4e-9, 1e-3))
    for name in ("row_pressure_drop_pa", "array_pressure_drop_pa"):
        assert one[name] == pytest.approx(other[name], rel=1e-12)
    assert one["wall_shear_stress_pa"] == pytest.approx(other["wall_shear_stress_pa"], rel=1e-12)


def test_a_stored_flow_is_the_same_flow(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPSIM_CACHE", str(tmp_path))
    first = solve(CHIP, "2d", refine=0.3)
    said = []
    # Paths, rows and banks only scale the flow: no second solve.
    again = solve(CHIP.replace(paths=1024, rows=10, banks=2), "2d", refine=0.3, progress=said.append)
    assert said == ["taking the flow from the store"]
    assert again.row_resistance == first.row_resistance and again.cell.shear == first.cell.shear
    np.testing.assert_array_equal(again.cell.field.velocity, first.cell.field.velocity)
    assert again.array_pressure_drop(1e-9, 1e-3) == pytest.approx(
        first.array_pressure_drop(1e-9, 1e-3) * 4 / 5
    )


def test_a_damaged_store_is_solved_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPSIM_CACHE", str(tmp_path))
    first = solve(CHIP, "2d", refine=0.3)
    (path,) = store.cache_folder().glob("*.npz")
    path.write_bytes(path.read_bytes()[:1000])
    assert solve(CHIP, "2d", refine=0.3).row_resistance == first.row_resistance
    assert not list(store.cache_folder().glob("*.partial"))


def test_an_unwritable_store_does_no_harm(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHIPSIM_CACHE", str(tmp_path / "file"))
    assert solve(CHIP, "2d", refine=0.3).row_resistance > 0


def test_unknown_model():
    with pytest.raises(DesignError, match='model = "4d" is unknown'):
        solve(CHIP, "4d")


def test_pressure_falls_by_a_row_drop_each_row():
    flow = solve(CHIP, "2d", refine=0.3)
    pressure, points = flow.pressure(), flow.cell.field.mesh.points
    row = CHIP.row_pitch * 1e6
    start = points[:, 0].min()
    first, last = (pressure[np.isclose(points[:, 0], x)].mean() for x in (start, start + 2 * row))
    assert first - last == pytest.approx(2 * flow.row_resistance, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "refine"), [("2d", 0.5), ("3d", 0.4)])
def test_two_ranks_give_the_same_flow(model, refine):
    script = (
        "import json; from mpi4py import MPI; from chipsim.flow.array import solve_cell; from geometries import ClusterChip\n"
        f"c = solve_cell(ClusterChip(), {model!r}, refine={refine})\n"
        "print(json.dumps([c.row_resistance, c.plug_factor, c.shear.p95])) if MPI.COMM_WORLD.rank == 0 else None\n"
    )
    ran = subprocess.run(
        ["mpirun", "-n", "2", "--oversubscribe", sys.executable, "-c", script],
        capture_output=True, text=True, env=os.environ, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    alone = solve_cell(CHIP, model, refine=refine)
    found = json.loads(ran.stdout.strip().splitlines()[-1])
    tolerance = 1e-9 if model == "2d" else 1e-5
    assert found == pytest.approx([alone.row_resistance, alone.plug_factor, alone.shear.p95], rel=tolerance)


@pytest.mark.parametrize("drag", [0.0, 10.0])
def test_minres_on_two_ranks_gives_what_the_factorisation_gives_on_one(drag):
    """Open ends, a moving wall, cells that are not extruded."""
    script = (
        "import json, sys\nimport numpy as np\nfrom mpi4py import MPI\n"
        "from chipsim.flow.stokes import Load, Problem, solve\n"
        "from chipsim.verification.domains import channel, plane_mesh\n"
        f"method = sys.argv[1]\nproblem = Problem(False, ('inlet', 'outlet'), {drag}, method, rtol=1e-11)\n"
        "load = Load(pressure={'inlet': 1.0}, velocity={'wall': lambda x: np.array([0.1 + 0 * x[0], 0 * x[0]])})\n"
        "mesh = plane_mesh(channel(2.0, 1.0, hole=0.2), 0.1)\n"
        "field = solve(mesh, 2, problem, load).field\n"
        "if field is not None:\n"
        "    sums = [float(abs(part).sum()) for part in (*field.velocity.T, field.reaction)]\n"
        "    print(json.dumps([float(field.flux('outlet')), *sums]))\n"
    )  # fmt: skip
    found = []
    for ranks, method in ((1, "direct"), (2, "minres")):
        ran = subprocess.run(
            ["mpirun", "-n", str(ranks), "--oversubscribe", sys.executable, "-c", script, method],
            capture_output=True, text=True, env=os.environ, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        found.append(json.loads(ran.stdout.strip().splitlines()[-1]))
    assert found[1] == pytest.approx(found[0], rel=1e-7)


def test_flow_warnings():
    cell = solve(CHIP, "2d", refine=0.3).cell
    said = " ".join(ArrayFlow(chip=CHIP.replace(fillet=0.0), cell=cell).warnings(operation(1e-9, 1e-3)))
    assert "plane" in said and "sharp corners" in said and "plug factor" in said
    assert "Reynolds" not in said
    assert "Reynolds" in " ".join(ArrayFlow(chip=CHIP, cell=cell).warnings(operation(1e-6, 1e-3)))
