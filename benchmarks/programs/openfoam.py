"""OpenFOAM's simpleFoam: finite volumes on cells with straight sides, velocity and pressure solved in turn.

It gets the tetrahedra between the corners of the mesh, in the plane prisms one layer thick. Option: ``SIMPLE``. What is chosen
below was the fastest by trial on 2d-16 and 3d-30k that also converges on all meshes of 3d-accuracy. SIMPLEC diverges on them,
and more accurate linear solves take no fewer iterations. On the slivers of 3d-sharp it diverged at every relaxation tried.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.programs.common import MIRRORS, Clock, Input, read_input, report

# simpleFoam always has a convection term: at this pressure instead of 1 the Reynolds number is below 1e-3.
PRESSURE = 1e-6
# Relaxation of pressure and velocity, by dimension.
RELAXATION = {2: (0.1, 0.95), 3: (0.1, 0.9)}
# Without skewCorrected, also in the gradient, errors are smaller on coarse meshes but pass zero and grow as they are refined.
SYSTEM = {
    "controlDict": """
application simpleFoam; startFrom startTime; startTime 0; stopAt endTime; endTime 5000; deltaT 1;
writeControl timeStep; writeInterval 1000000; writeFormat ascii; writePrecision 12; runTimeModifiable false;
""",
    "fvSchemes": """
ddtSchemes { default steadyState; }
gradSchemes { default Gauss skewCorrected linear; }
divSchemes { default none; div(phi,U) Gauss linear; div((nuEff*dev2(T(grad(U))))) Gauss linear; }
laplacianSchemes { default Gauss linear corrected; }
interpolationSchemes { default skewCorrected linear; }
snGradSchemes { default corrected; }
""",
    "fvSolution": """
solvers
{
    p { solver GAMG; smoother GaussSeidel; tolerance 1e-14; relTol 0.2; }
    U { solver PBiCGStab; preconditioner DILU; tolerance 1e-14; relTol 0.1; }
}
SIMPLE { nNonOrthogonalCorrectors 0; residualControl { p 1e-6; U 1e-6; } }
relaxationFactors { fields { p %g; } equations { U %g; } }
""",
}
CONSTANT = {
    "transportProperties": "transportModel Newtonian; nu 1;",
    "turbulenceProperties": "simulationType laminar;",
}
# No tangential velocity and no normal gradient, on ends across x.
OPEN = """type directionMixed; refValue uniform (0 0 0); refGradient uniform (0 0 0);
    valueFraction uniform (0 0 0 1 0 1); value uniform (0 0 0);"""


def solve(case: Input, option: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mesh = PolyMesh(case)
        write_case(Path(folder), mesh, RELAXATION[case.dim])
        clock, peak, said = run_foam(folder)
        done = re.search(r"converged in (\d+) iterations", said)
        if done is None:
            fault = re.search(r"FOAM FATAL.*?\n\s*(\S.*)", said)
            last = said.count("\nTime = ")
            raise SystemExit(
                fault[1] if fault else f"simpleFoam did not converge, stopped at iteration {last}"
            )
        # The flux into a cell through the boundary is negative.
        flow = -boundary_sum(Path(folder) / done[1] / "phi", "inlet") / PRESSURE
    version = re.search(r"OPENFOAM=(\d+)", said)
    report(clock, flow=flow, unknowns=(case.dim + 1) * len(case.cells), measure=mesh.measure, solver=option, straight=True,
           version=f"OpenFOAM {version[1] if version else ''}", iterations=int(done[1]), peak_bytes=peak)  # fmt: skip


def run_foam(folder: str) -> tuple[Clock, int, str]:
    """Run simpleFoam; its wall time (its own clocks count hundredths and whole seconds), peak memory and output."""
    clock, said, peak = Clock(), [], 0
    # What the time before each of these lines goes to: the mesh is read before the fields, and results are written last.
    parts = {"Reading field p": None, "Starting time loop": "set-up", "SIMPLE solution converged": "solve"}
    command = ["simpleFoam", "-case", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as foam:
        assert foam.stdout is not None
        for line in foam.stdout:
            said.append(line)
            head = next((h for h in parts if line.startswith(h)), None)
            if head is not None:
                clock.lap(parts[head])
                # What wait4 says would not be below this Python's memory, which the process had before it became simpleFoam.
                high = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{foam.pid}/status").read_text())
                peak = int(high[1]) * 1024 if high else peak
    return clock, peak, "".join(said)


class PolyMesh:
    """Faces as OpenFOAM wants them: those within first, in upper-triangular order, then patch by patch.

    Attributes:
        points: Shape (N, 3).
        faces: Corners of the faces, shape (F, 3); in the plane quadrilaterals (F, 4), then the triangles in front and behind.
        owner: Cell of each face, that it looks away from; the lower one of two.
        neighbour: The other cell of each inner face.
        patches: Name, number of faces and first face.
        measure: Area or volume of all cells.
    """

    def __init__(self, case: Input) -> None:
        dim = case.dim
        number = np.cumsum(case.corners) - 1
        points = case.points[case.corners]
        cells = number[case.cells[:, : dim + 1]]
        # Smoothers like near cells to have near numbers: along the flow they have.
        cells = cells[np.argsort(points[cells, 0].mean(axis=1), kind="stable")]
        volume = np.linalg.det(points[cells[:, 1:], :dim] - points[cells[:, :1], :dim])
        cells[volume < 0, :2] = cells[volume < 0, 1::-1]
        self.measure = float(np.abs(volume).sum()) / (2 if dim == 2 else 6)
        sides = [(1, 2, 3), (0, 3, 2), (0, 1, 3), (0, 2, 1)] if dim == 3 else [(0, 1), (1, 2), (2, 0)]
        faces = cells[:, sides].reshape(-1, dim)
        # Sorted, a face is followed by its twin: that of a higher cell or the boundary's.
        facets = number[case.facets[:, :dim]]
        key = np.sort(np.concatenate([faces, facets]), axis=1)
        order = np.lexsort(key.T)
        twins = np.flatnonzero((key[order[:-1]] == key[order[1:]]).all(axis=1))
        one, other = order[twins], order[twins + 1]
        outer = other >= len(faces)
        region, neighbour = np.zeros(len(one), dtype=int), other // len(sides)
        region[outer] = case.facet_regions[other[outer] - len(faces)]
        neighbour[outer] = 0
        order = np.lexsort([neighbour, one // len(sides), region])
        region = region[order]
        self.owner = one[order] // len(sides)
        self.neighbour = neighbour[order][region == 0]
        self.points, self.faces = points, [faces[one[order]]]
        names = sorted(case.regions, key=lambda name: case.regions[name])
        sizes = {name: int(np.count_nonzero(region == case.regions[name])) for name in names}
        if dim == 2:
            self.points = np.concatenate([points, points + [0.0, 0.0, 1.0]])
            ends = np.concatenate([cells[:, ::-1], cells + len(points)])
            self.faces = [np.column_stack([self.faces[0], self.faces[0][:, ::-1] + len(points)]), ends]
            self.owner = np.concatenate([self.owner, np.tile(np.arange(len(cells)), 2)])
            sizes["front_and_back"] = len(ends)
        starts = len(self.neighbour) + np.cumsum([0, *sizes.values()])
        self.patches = [
            (name, size, int(at)) for (name, size), at in zip(sizes.items(), starts, strict=False)
        ]


def write_case(folder: Path, mesh: PolyMesh, relaxation: tuple[float, float]) -> None:
    """All that simpleFoam reads."""
    for name, text in SYSTEM.items():
        write(folder / "system" / name, "dictionary", text % relaxation if name == "fvSolution" else text)
    for name, text in CONSTANT.items():
        write(folder / "constant" / name, "dictionary", text)
    types = {"front_and_back": "empty", **dict.fromkeys(MIRRORS, "symmetry")}
    ends = {"inlet": PRESSURE, "outlet": 0.0}
    patches, velocity, pressure = [], [], []
    for name, size, start in mesh.patches:
        kind = types.get(name, "patch" if name in ends else "wall")
        patches.append(f"{name} {{ type {kind}; nFaces {size}; startFace {start}; }}")
        if name in ends:
            velocity.append(f"{name} {{ {OPEN} }}")
            pressure.append(f"{name} {{ type fixedValue; value uniform {ends[name]}; }}")
        else:
            velocity.append(f"{name} {{ type {types.get(name, 'noSlip')}; }}")
            pressure.append(f"{name} {{ type {types.get(name, 'zeroGradient')}; }}")
    poly = folder / "constant/polyMesh"
    write(poly / "boundary", "polyBoundaryMesh", f"{len(patches)}\n({' '.join(patches)})")
    write(poly / "points", "vectorField", listed([mesh.points], "%.17g"))
    write(poly / "faces", "faceList", listed(mesh.faces, "%d"))
    for name in ("owner", "neighbour"):
        write(poly / name, "labelList", listed([getattr(mesh, name)], "%d"))
    inside = "dimensions [0 {0} -{1} 0 0 0 0]; internalField uniform {2}; boundaryField {{ {3} }}"
    write(folder / "0/U", "volVectorField", inside.format(1, 1, "(0 0 0)", " ".join(velocity)))
    write(folder / "0/p", "volScalarField", inside.format(2, 2, 0, " ".join(pressure)))


def write(path: Path, kind: str, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"FoamFile {{ version 2.0; format ascii; class {kind}; object {path.name}; }}\n{text}\n")


def listed(blocks: list[Any], number: str) -> str:
    """OpenFOAM's list of the rows of some arrays."""
    out = [str(sum(len(b) for b in blocks)), "("]
    for block in blocks:
        row = number
        if block.ndim == 2:
            # A face says how many corners it has, a point does not.
            row = f"{block.shape[1] if number == '%d' else ''}({' '.join([number] * block.shape[1])})"
        out += [row % tuple(values) for values in block.reshape(len(block), -1).tolist()]
    return "\n".join([*out, ")"])


def boundary_sum(path: Path, patch: str) -> float:
    """Sum of a surface field over a patch, as written."""
    text = path.read_text().split("boundaryField", 1)[1]
    values = re.search(rf"\b{patch}\s*{{[^}}]*?List<scalar>\s*\d+\s*\(([^)]*)\)", text)
    if values is None:
        raise SystemExit(f"no values on {patch} in {path.name}")
    return float(np.sum(np.array(values[1].split(), dtype=float)))


if __name__ == "__main__":
    # Not run_once: every run is a process of its own, and what loads slowly the first time is loaded before the clock runs.
    solve(read_input(sys.argv[1]), sys.argv[2])
