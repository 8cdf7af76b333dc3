# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---
# %% [markdown]
# # From mesh to CAD and to another solver
#
# One outline of the Cluster-Chip gives meshes, solids and surfaces. Here a block of it is written, looked at and read back; then the
# mesh goes to another solver, scikit-fem, which has to find the same flow.

# %%
# %matplotlib inline
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import meshio
import numpy as np
import skfem
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from skfem.helpers import ddot, div, dot, grad

from chipsim.flow.stokes import Load, Problem, solve
from geometries import ClusterChip
from geometries.cad import export

chip = ClusterChip()
folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## Fluid, body and mould
#
# The *fluid* is what the liquid fills. The *body* is the chip, with pillars standing in it; the *mould* is what a body is cast from, a
# plate with the fluid as a relief. STL has them as closed surfaces of triangles, STEP as solids with exact arcs, MSH as meshes.

# %%
files = export(chip, ("stl", "step", "msh"), folder, what="array", block=(2, 2), of=("fluid", "body", "mould"))
for file in files:
    print(f"{file.stat().st_size / 1e3:8.0f} kB  {file.name}")


def triangles(name):
    """Corners of the triangles of an STL file, um."""
    surface = meshio.read(folder / name)
    return surface.points[surface.cells_dict["triangle"]]


def volume(corners):
    """Enclosed by triangles that are counter-clockwise seen from outside."""
    return np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6


figure, axes = plt.subplots(1, 3, figsize=(12, 4), subplot_kw={"projection": "3d"})
volumes = {}
for ax, of in zip(axes, ("", "_body", "_mould"), strict=True):
    corners = triangles(f"cluster_chip_array_2x2{of}.stl")
    volumes[of] = volume(corners)
    # The body stands on its roof here, or nothing of its channels would be seen.
    seen = corners[:, ::-1] * [1, 1, -1] if of == "_body" else corners
    ax.add_collection3d(Poly3DCollection(seen, facecolors="#9fb3c8", shade=True))
    low, high = seen.reshape(-1, 3).min(axis=0), seen.reshape(-1, 3).max(axis=0)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]), title=of.strip("_") or "fluid")
    ax.set_box_aspect(high - low)
    ax.view_init(40, -60)
plt.show()

# %% [markdown]
# Fluid and body are the slab, twice as thick as the channel is deep:

# %%
slab = 2 * chip.lateral_pitch * 2 * chip.row_pitch * 2 * chip.depth * 1e18
print(f"fluid {volumes['']:.0f} + body {volumes['_body']:.0f} um3, the slab {slab:.0f} um3")
assert abs(volumes[""] + volumes["_body"] - slab) < 1e-6 * slab

# %% [markdown]
# ## To another solver
#
# `chipsim export DESIGN --to msh` writes MSH 4.1 with curved triangles and tetrahedra. For OpenFOAM it is `--to msh22`, which has straight
# ones, and then `gmshToFoam FILE` and `transformPoints "scale=(1e-6 1e-6 1e-6)"`, as lengths are in micrometres. For COMSOL it is
# `--to step` or `--to nas`.
#
# scikit-fem takes the plane mesh of the unit cell. The names of its sides are in the file:

# %%
export(chip, "msh", folder, what="cell")
path = folder / "cluster_chip_cell_2d.msh"
file = meshio.read(path)
names = {int(number): name for name, (number, _) in file.field_data.items()}
mesh = skfem.MeshTri2.load(path)

place = {tuple(point): i for i, point in enumerate(np.round(mesh.p.T, 9))}
facet = {tuple(sorted(ends)): i for i, ends in enumerate(mesh.facets.T)}
sides = {}
for line, number in zip(file.cells_dict["line3"], file.cell_data_dict["gmsh:physical"]["line3"], strict=True):
    ends = sorted(place[tuple(np.round(file.points[node, :2], 9))] for node in line[:2])
    sides.setdefault(names[int(number)], []).append(facet[tuple(ends)])
mesh = mesh.with_boundaries({name: np.array(found) for name, found in sides.items()})
mesh

# %% [markdown]
# Stokes flow by Taylor-Hood elements: a unit pressure over viscosity at the inlet, none at the outlet, no velocity along either, mirror
# planes at the sides, pillars at rest. In 20 lines:

# %%
velocity = skfem.Basis(mesh, skfem.ElementVector(skfem.ElementTriP2()), intorder=6)
pressure = velocity.with_element(skfem.ElementTriP1())


def on(name):
    return skfem.FacetBasis(mesh, velocity.elem, facets=mesh.boundaries[name], intorder=6)


stiffness = skfem.BilinearForm(lambda u, v, w: ddot(grad(u), grad(v))).assemble(velocity)
divergence = skfem.BilinearForm(lambda u, q, w: -div(u) * q).assemble(velocity, pressure)
push = skfem.LinearForm(lambda v, w: -dot(w.n, v)).assemble(on("inlet"))
matrix = skfem.bmat([[stiffness, divergence.T], [divergence, None]], "csr")
right = np.concatenate([push, np.zeros(pressure.N)])
at_rest = velocity.get_dofs("pillars").all()
across = velocity.get_dofs(["inlet", "outlet", "symmetry"]).all(["u^2"])
solution = skfem.solve(*skfem.condense(matrix, right, D=np.unique(np.concatenate([at_rest, across]))))[: velocity.N]
flux = skfem.Functional(lambda w: dot(w.n, w["u"]))
theirs = flux.assemble(on("outlet"), u=on("outlet").interpolate(solution))
speed = np.hypot(*(solution[velocity.nodal_dofs[i]] for i in (0, 1)))
corners = mesh.p[:, : len(speed)]
plt.tripcolor(*corners, mesh.t.T, speed, shading="gouraud")
plt.gca().set_aspect("equal")
plt.colorbar(label="um/s at 1 Pa and 1 Pa s", orientation="horizontal")
plt.show()

# %% [markdown]
# The same by chipsim, on the mesh of that export:

# %%
shape = chip.part("cell").made("fluid", None)
own = shape.mesh(shape.curved, 100_000)["2d"]
flow = solve(own, 2, Problem(periodic=False, open=("inlet", "outlet")), Load(pressure={"inlet": 1.0})).field
ours = flow.flux("outlet")

# %% [markdown]
# Both solve the same equations with the same elements on the same curved cells, so they differ by rounding and single-precision
# factors alone:

# %%
print(f"pressure drop over viscosity and flow rate: chipsim {1 / ours:.9f}, scikit-fem {1 / theirs:.9f} 1/um2")
assert len(own.cells) == mesh.nelements
assert abs(ours / theirs - 1) < 1e-6
