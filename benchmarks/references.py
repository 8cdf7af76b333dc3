"""Converged flow rates of what the cases draw, by chipsim on meshes much finer than theirs: ``python -m benchmarks.references``.

The sides of an array are mirror planes and so is every half pitch, so an array of any width flows like half a path of it,
times its half paths. Two meshes are extrapolated with the known order of what limits them: 4 for smooth plane walls, 1.09
and 1 for edges of 270 and (nearly) 300 degrees in the fluid (the Stokes corner exponents 0.5445 and 0.5122, twice), 2 in a cell
in space as observed. The whole step of the extrapolation is taken for the uncertainty.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, Case

FILE = Path(__file__).with_name("references.json")


@dataclass(frozen=True)
class Converging:
    """Two meshes of one drawing: what differs, the ratio of what decides the error, and the order of the error in it."""

    coarse: dict[str, float]
    fine: dict[str, float]
    ratio: float
    order: float


def _plan(case: Case) -> Converging:
    if case.shape == "pore":
        sizes = {"growth": 0.12, "coarsest": 1.2}
        return Converging(sizes | {"rim": 0.06}, sizes | {"rim": 0.03}, 2.0, 1.09)
    if case.dim == 3:
        coarse = {"tip": 0.2, "coarsest": 0.2, "growth": 0.2, "layers": 13}
        fine = {"tip": 0.14, "coarsest": 0.14, "growth": 0.14, "layers": 18}
        tips = {"sharp_tip": 5e-4}, {"sharp_tip": 2.5e-4}
        return Converging(coarse | tips[0], fine | tips[1], 1.4, 2.0)
    if case.sharp:
        sizes = {"coarsest": 0.5, "growth": 0.35, "refine": 4.0}
        return Converging(sizes | {"sharp_tip": 6e-5}, sizes | {"sharp_tip": 6e-6}, 10.0, 1.0)
    plane = [{"tip": t, "coarsest": 1.2 * t, "growth": t} for t in (0.09, 0.06)]
    return Converging(*plane, 1.5, 4.0)


def known(case: Case) -> dict[str, float] | None:
    """Flow rate and its relative uncertainty, if it has been computed."""
    if not FILE.exists():
        return None
    return json.loads(FILE.read_text())["flows"].get(case.reference)


def compute(case: Case) -> dict[str, Any]:
    """Solve on both meshes and extrapolate."""
    from dataclasses import replace

    from benchmarks.meshes import make_mesh
    from chipsim.flow.stokes import Load, Problem, solve

    plan, copies, strip = _plan(case), 1.0, case
    if case.shape == "array":
        # A periodic array repeats its cell along the flow too.
        strip = replace(case, numbers=(0.5, 2 if case.periodic else case.numbers[1]))
        copies = 2 * case.numbers[0]
    flows, unknowns = [], 0
    for sizes in (plan.coarse, plan.fine):
        mesh = make_mesh(replace(strip, sizes=sizes))
        problem, load = Problem(rtol=1e-8), Load()
        if not case.periodic:
            problem, load = Problem(False, ("inlet", "outlet"), rtol=1e-8), Load(pressure={"inlet": 1.0})
        solution = solve(mesh, case.dim, problem, load)
        length = mesh.points[:, 0].max() - mesh.points[:, 0].min()
        assert solution.field is not None
        one = solution.field.velocity_integral[0] / length if case.periodic else -solution.field.flux("inlet")
        flows.append(copies * float(one))
        unknowns = solution.unknowns
    flow = flows[1] + (flows[1] - flows[0]) / (plan.ratio**plan.order - 1)
    return {"flow": flow, "uncertainty": abs(flow - flows[1]) / flow, "meshes": flows, "unknowns": unknowns}


def main(wanted: list[str]) -> None:
    table = (
        json.loads(FILE.read_text())
        if FILE.exists()
        else {"made_by": "python -m benchmarks.references", "flows": {}}
    )
    for case in {case.reference: case for case in CASES.values()}.values():
        if wanted and case.reference not in wanted or not wanted and case.reference in table["flows"]:
            continue
        table["flows"][case.reference] = found = compute(case)
        print(case.reference, found, flush=True)
        FILE.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
