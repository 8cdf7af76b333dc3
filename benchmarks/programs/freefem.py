"""FreeFEM with a direct solver. It has no curved cells: it gets the corners of the mesh, a straight-sided version.

Options: ``UMFPACK``, ``UMFPACK64`` or ``MUMPS_seq``, the libraries that Debian's FreeFEM can load.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.programs.common import Clock, Input, report, run_once

SCRIPT = """
{load}
{mesh} Th = {read}("{path}");
verbosity = 0;
real t0 = clock();
fespace Xh(Th, [{elements}]{repeat});
varf a([{u}, p], [{v}, q]) = int{dim}d(Th)({gradients} - p * ({div_v}) - q * ({div_u}) {pin}) + {conditions};
varf l([{u}, p], [{v}, q]) = {force} + {conditions};
matrix A = a(Xh, Xh, tgv = -1, solver = {solver});
real[int] f = l(0, Xh, tgv = -1);
real t1 = clock();
Xh [{u}, p];
u0[] = A^-1 * f;
real t2 = clock();
cout.precision(16);
cout << "{{\\"assembly\\": " << t1 - t0 << ", \\"solve\\": " << t2 - t1 << ", \\"flow\\": " << {flow}
     << ", \\"measure\\": " << int{dim}d(Th)(1.) << ", \\"unknowns\\": " << Xh.ndof << "}}" << endl;
"""


def solve(case: Input, option: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mesh = Path(folder) / ("case.msh" if case.dim == 2 else "case.mesh")
        (write_plane if case.dim == 2 else write_space)(mesh, case)
        script = Path(folder) / "case.edp"
        script.write_text(SCRIPT.format(path=mesh, **words(case, option)))
        ran = subprocess.run(["FreeFem++-nw", "-v", "0", "-nw", str(script)], capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit((ran.stdout + ran.stderr)[-600:])
    found = json.loads([line for line in ran.stdout.splitlines() if line.startswith("{")][-1])
    clock = Clock()
    # Its time() counts whole seconds; clock() is processor time, which is wall time for one undisturbed thread.
    clock.parts = {"assembly": found["assembly"], "set-up and solve": found["solve"]}
    # FreeFEM prints its version only when it is told to be talkative.
    head = subprocess.run(["FreeFem++-nw", "-v", "1", "-h"], capture_output=True, text=True).stdout
    version = next((w for w in head.split() if w[:1] == "v" and w[1:2].isdigit()), "")
    report(clock, flow=found["flow"], unknowns=found["unknowns"], measure=found["measure"], version=f"FreeFEM {version[1:]}",
           solver=option, straight=True)  # fmt: skip


def words(case: Input, option: str) -> dict[str, Any]:
    """What the script says in two and in three dimensions."""
    dim, axes = case.dim, ["x", "y", "z"][: case.dim]
    u, v = [f"u{c}" for c in range(dim)], [f"v{c}" for c in range(dim)]
    gradients = [f"d{x}({a}) * d{x}({b})" for a, b in zip(u, v, strict=True) for x in axes]
    zero: dict[str, list[str]] = {}
    for c in range(dim):
        for name in case.fixed(c):
            zero.setdefault(name, []).append(f"{u[c]} = 0")
    inlet, outlet = (case.regions[name] for name in ("inlet", "outlet"))
    facet = f"int{dim - 1}d(Th, {inlet})"
    across = ", ".join(axes[1:])
    return {
        "load": f'load "{option}"' if option != "UMFPACK" else "",
        "solver": "UMFPACK" if option == "UMFPACK" else "sparsesolver",
        "mesh": "mesh" if dim == 2 else "mesh3", "read": "readmesh" if dim == 2 else "readmesh3",
        "dim": dim, "u": ", ".join(u), "v": ", ".join(v), "elements": ", ".join(["P2"] * dim + ["P1"]),
        "gradients": " + ".join(gradients),
        "div_u": " + ".join(f"d{x}({a})" for x, a in zip(axes, u, strict=True)),
        "div_v": " + ".join(f"d{x}({a})" for x, a in zip(axes, v, strict=True)),
        # Its usual way to fix the constant of the pressure.
        "pin": "- 1e-10 * p * q" if case.periodic else "",
        "conditions": " + ".join(f"on({case.regions[name]}, {', '.join(z)})" for name, z in zero.items()),
        "force": f"int{dim}d(Th)(v0)" if case.periodic else f"{facet}(v0)",
        "repeat": f", periodic = [[{inlet}, {across}], [{outlet}, {across}]]" if case.periodic else "",
        "flow": f"int{dim}d(Th)(u0) / {case.length!r}" if case.periodic else f"{facet}(u0)",
    }  # fmt: skip


def straight(case: Input) -> tuple[Any, Any, Any]:
    """Points (n, dim), cells and facets of the corners only, numbered from 1."""
    number = np.cumsum(case.corners)
    return (
        case.points[case.corners, : case.dim],
        number[case.cells[:, : case.dim + 1]],
        number[case.facets[:, : case.dim]],
    )


def write_plane(path: Path, case: Input) -> None:
    points, cells, facets = straight(case)
    with path.open("w") as file:
        file.write(f"{len(points)} {len(cells)} {len(facets)}\n")
        np.savetxt(file, np.column_stack([points, np.zeros(len(points))]), fmt=["%.17g", "%.17g", "%d"])
        np.savetxt(file, np.column_stack([cells, np.zeros(len(cells), dtype=int)]), fmt="%d")
        np.savetxt(file, np.column_stack([facets, case.facet_regions]), fmt="%d")


def write_space(path: Path, case: Input) -> None:
    points, cells, facets = straight(case)
    with path.open("w") as file:
        file.write(f"MeshVersionFormatted 2\nDimension 3\nVertices\n{len(points)}\n")
        np.savetxt(file, np.column_stack([points, np.zeros(len(points))]), fmt=["%.17g"] * 3 + ["%d"])
        file.write(f"Tetrahedra\n{len(cells)}\n")
        np.savetxt(file, np.column_stack([cells, np.zeros(len(cells), dtype=int)]), fmt="%d")
        file.write(f"Triangles\n{len(facets)}\n")
        np.savetxt(file, np.column_stack([facets, case.facet_regions]), fmt="%d")
        file.write("End\n")


if __name__ == "__main__":
    run_once(solve)
