"""What a solve says when it cannot end well: one sentence, no result."""

import numpy as np
import pytest

from chipsim.flow import boundary, memory, single
from chipsim.flow.solvers import SolverError
from chipsim.flow.stokes import Load, Problem, Stokes, solve
from chipsim.verification.domains import channel, plane_mesh, space_mesh

CHANNEL = channel(2.0, 1.0, hole=0.2)


@pytest.mark.parametrize("method", ["direct", "minres"])
def test_a_singular_system(method, monkeypatch):
    """Nothing holds the fluid: its walls are mirror planes and a force drives it along them."""
    monkeypatch.setattr(boundary, "MIRRORS", {"wall": 1})
    mesh = plane_mesh(channel(2.0, 1.0, periodic=True), 0.25)
    with pytest.raises(SolverError, match="singular"):
        solve(mesh, 2, Problem(method=method))


@pytest.mark.skipif(single.interface() is None, reason="MUMPS's header is not installed")
def test_factors_in_single_precision_give_the_same_and_give_way_where_refinement_fails(monkeypatch):
    mesh, problem, load = (
        plane_mesh(CHANNEL, 0.1),
        Problem(False, ("inlet", "outlet")),
        Load(pressure={"inlet": 1.0}),
    )
    refined = solve(mesh, 2, problem, load)
    assert refined.method == "MUMPS LDL^T, single precision"
    for nonsense in (0.0, np.nan):
        monkeypatch.setattr(single.Factors, "solve", lambda self, rhs, by=nonsense: by * rhs)
        instead = solve(mesh, 2, problem, load)
        assert instead.method == "MUMPS LDL^T"
    monkeypatch.setattr(single, "interface", lambda: None)
    double = solve(mesh, 2, problem, load)
    assert np.array_equal(double.field.velocity, instead.field.velocity)
    scale = np.abs(double.field.velocity).max()
    np.testing.assert_allclose(refined.field.velocity, double.field.velocity, rtol=0, atol=1e-9 * scale)


def test_out_of_memory_is_known_before(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1e5)
    with pytest.raises(SolverError, match=r"out of memory: \d+ unknowns need about \d+ MB and 0 MB are free"):
        solve(plane_mesh(CHANNEL, 0.2), 2, Problem(periodic=False))


def test_where_a_factorisation_does_not_fit_there_is_minres(monkeypatch):
    mesh = plane_mesh(CHANNEL, 0.1)
    unknowns = 2 * len(mesh.points) + len(np.unique(mesh.cells[:, :3]))
    less, more = (memory.needed(2, method, unknowns, double=False) for method in ("minres", "direct"))
    assert Stokes(mesh, 2, Problem(periodic=False)).method == "direct"
    monkeypatch.setattr(memory, "available", lambda: (less + more) / 2)
    assert Stokes(mesh, 2, Problem(periodic=False)).method == "minres"


def test_out_of_memory_in_the_middle():
    with pytest.raises(SolverError, match="out of memory for 7 unknowns"), memory.one_sentence(7):
        np.empty(2**50)


def test_iterations_that_run_out(monkeypatch):
    mesh = space_mesh(channel(1.0, 1.0, periodic=True), 0.5, 2)
    system = Stokes(mesh, 3, Problem())
    system._solver._ksp.setTolerances(max_it=2)
    with pytest.raises(SolverError, match="MINRES did not converge in 2 iterations: the iterations ran out"):
        system.solve()


def test_loads_that_no_wall_can_bear():
    system = Stokes(plane_mesh(CHANNEL, 0.3), 2, Problem(periodic=False, open=("inlet", "outlet")))
    with pytest.raises(SolverError, match='no velocity can be prescribed on "inlet"'):
        system.solve(Load(velocity={"inlet": lambda x: 0 * x[:2]}))
    with pytest.raises(SolverError, match='no pressure can be prescribed on "wall"'):
        system.solve(Load(pressure={"wall": 1.0}))


def test_more_let_in_than_out():
    def inflow(x):
        return np.array([x[1] * (1 - x[1]), 0 * x[1]])

    with pytest.raises(SolverError, match="let out -0.167 um2/s more than in"):
        solve(plane_mesh(CHANNEL, 0.3), 2, Problem(periodic=False), Load(velocity={"inlet": inflow}))


def test_open_regions_must_exist_and_be_flat():
    mesh = plane_mesh(CHANNEL, 0.3)
    with pytest.raises(
        SolverError, match='open region "exit" is not in the mesh; it has inlet, outlet, wall'
    ):
        Stokes(mesh, 2, Problem(periodic=False, open=("exit",)))
    with pytest.raises(SolverError, match='open region "wall" is not flat'):
        Stokes(mesh, 2, Problem(periodic=False, open=("wall",)))


def _minres_problems():
    """Both coarse levels, and drag."""
    yield space_mesh(channel(1.0, 1.0, periodic=True), 0.2, 4), 3, Problem()
    yield plane_mesh(channel(2.0, 1.0, periodic=True), 0.1), 2, Problem(method="minres", drag=10.0)
    yield plane_mesh(CHANNEL, 0.1), 2, Problem(False, ("inlet", "outlet"), method="minres")


@pytest.mark.parametrize(("mesh", "dim", "problem"), list(_minres_problems()))
def test_the_preconditioner_is_symmetric(mesh, dim, problem):
    """MINRES needs it to be; whether hypre's sweeps are has changed with its versions."""
    system = Stokes(mesh, dim, problem)
    pc, random = system._solver._ksp.getPC(), np.random.default_rng(0)
    x, y, px, py = (system._zero() for _ in range(4))
    for vector in (x, y):
        for part in vector.getNestSubVecs():
            part.array[:] = random.standard_normal(len(part.array))
    pc.apply(x, px)
    pc.apply(y, py)
    assert px.dot(y) == pytest.approx(py.dot(x), abs=1e-12 * np.sqrt(px.dot(x) * py.dot(y)))


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (Problem(periodic=False, method="lu"), 'method = "lu" is unknown'),
        (Problem(periodic=False, drag=-5.0), "drag = -5 is outside"),
        (Problem(periodic=False, rtol=0.0), "rtol = 0 is outside"),
        (Problem(open=("inlet",)), "cannot be paired and open"),
    ],
)
def test_problems_that_are_none(problem, sentence):
    with pytest.raises(SolverError, match=sentence):
        Stokes(plane_mesh(CHANNEL, 0.4), 2, problem)


def test_what_interpolation_lets_in_is_spread_over_the_fluid():
    """0.8 % more out than in: the same flow whatever the method, and no sink at a point."""

    def through(factor):
        return lambda x: np.array([factor * x[1] * (1 - x[1]), 0 * x[1]])

    load = Load(velocity={"inlet": through(1.0), "outlet": through(1.008)})
    mesh = plane_mesh(CHANNEL, 0.2)
    one, other = (
        solve(mesh, 2, Problem(periodic=False, method=m, rtol=1e-11), load).field
        for m in ("direct", "minres")
    )
    np.testing.assert_allclose(one.velocity, other.velocity, atol=1e-9)
    np.testing.assert_allclose(one.pressure, other.pressure, atol=1e-7)
    np.testing.assert_allclose(one.reaction, other.reaction, atol=1e-8)
