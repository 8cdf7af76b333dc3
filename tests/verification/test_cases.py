"""The page of verification, case by case; what ``chipsim verify`` runs."""

import json

import numpy as np
import pytest

from chipsim.flow.lift_table import table_for
from chipsim.flow.stokes import Load, Problem, Stokes, solve
from chipsim.verification import cases, lift_tables, verify
from chipsim.verification.check import Case, Check, compare, converging
from chipsim.verification.domains import channel, plane_mesh
from chipsim.verification.write import summary, write
from geometries import DesignError


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c.name, marks=[pytest.mark.slow] if c.slow else []) for c in cases() if c.tested],
)
def test_case(case):
    checks = list(case.run())
    assert checks
    assert all(check.passed for check in checks), [check for check in checks if not check.passed]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [lift_tables.RECTANGLE, lift_tables.TRAPEZOID], ids=lambda s: s.name)
def test_tables_of_lift_are_what_is_solved(shape):
    """At two places each, of sizes of their own, one of them in a bend; ``chipsim verify --slow`` looks at twenty."""
    checks = list(lift_tables.against_solves(table_for(shape.aspect, shape.taper), 2, (0.0, 0.6), seed=1))
    assert len(checks) == 4 and all(check.passed for check in checks), checks


def test_both_methods_agree():
    mesh = plane_mesh(channel(hole=0.2, periodic=True), 0.1)
    direct = solve(mesh, 2, Problem(method="direct")).field
    iterative = solve(mesh, 2, Problem(method="minres", rtol=1e-10)).field
    assert np.abs(direct.velocity - iterative.velocity).max() < 1e-8 * np.abs(direct.velocity).max()
    assert np.abs(direct.pressure - iterative.pressure).max() < 1e-7 * np.ptp(direct.pressure)
    np.testing.assert_allclose(direct.reaction, iterative.reaction, atol=1e-8)


def test_loads_after_the_first_cost_no_set_up():
    mesh = plane_mesh(channel(2.0, 1.0, hole=0.2), 0.2)
    system = Stokes(mesh, 2, Problem(periodic=False, open=("inlet", "outlet")))
    first, second = (system.solve(Load(pressure={"inlet": p})) for p in (1.0, 2.0))
    assert first.seconds["setup"] > 0 and second.seconds["setup"] == second.seconds["assembly"] == 0
    np.testing.assert_allclose(second.field.velocity, 2 * first.field.velocity, atol=1e-12)


def test_a_check_passes_or_fails():
    assert compare("c", "s", "q", 2.0, 2.001, 1e-3).passed
    assert not compare("c", "s", "q", 2.0, 2.01, 1e-3).passed
    assert not compare("c", "s", "q", 2.0, float("nan"), 1e-3).passed
    sizes = np.array([0.4, 0.2, 0.1])
    second = converging("c", "s", "q", sizes, sizes**2, limit=0.1, least_order=1.9)
    assert second.passed and second.order == pytest.approx(2)
    assert not converging("c", "s", "q", sizes, sizes, limit=0.2, least_order=1.9).passed


def test_a_case_that_breaks_is_a_failed_line(monkeypatch):
    def breaks():
        raise RuntimeError("no solution")
        yield

    monkeypatch.setattr("chipsim.verification.cases", lambda: [Case("broken", breaks)])
    (check,) = verify()
    assert not check.passed and "no solution" in check.note
    assert "1 of 1 checks failed: broken" in summary([check])


def test_unknown_case():
    with pytest.raises(DesignError, match='case "nonsense" is unknown; known cases are channels'):
        next(verify(only="nonsense"))


def test_page(tmp_path):
    checks = [
        compare("plates", "by hand", "flow rate", 1.0, 1.0, 1e-3),
        Check("plates | more", "by hand", "drag", 1.0, 2.0, 1.0, 1e-3, 1.2, 1.9),
    ]
    files = write(checks, {"dolfinx": "0"}, tmp_path)
    found = json.loads(files[0].read_text())
    assert found["passed"] is False and [c["passed"] for c in found["checks"]] == [True, False]
    page = files[1].read_text()
    assert "1 of 2" in page and "1.20 (at least 1.9)" in page
    assert "| plates \\| more |" in files[2].read_text()
