"""A solved field as plain arrays on the nodes of its mesh: integrals, point values, wall gradients, all in numpy.

Velocity is P2 on second-order cells, so its nodal values on the mesh nodes are all of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geometries.mesh import EDGES, Mesh

Array: TypeAlias = NDArray[Any]

#: Mirror planes by name, with the velocity component that vanishes there.
MIRRORS = {"symmetry": 1, "midplane": 2, "axis": 1, "symmetry_x": 0, "symmetry_y": 1}


def shape_functions(reference: Array) -> tuple[Array, Array]:
    """P2 shape functions of a line, triangle or tetrahedron in gmsh's node order.

    Args:
        reference: Points in the reference cell, shape (n, d), d = 1, 2 or 3.

    Returns:
        Values, shape (n, nodes), and gradients in the reference cell, shape (n, nodes, d).
    """
    n, d = reference.shape
    corner = np.column_stack([1 - reference.sum(axis=1), reference])
    slope = np.vstack([-np.ones(d), np.eye(d)])
    values = [corner[:, i] * (2 * corner[:, i] - 1) for i in range(d + 1)]
    gradients = [(4 * corner[:, i] - 1)[:, None] * slope[i] for i in range(d + 1)]
    for i, j in EDGES[d]:
        values.append(4 * corner[:, i] * corner[:, j])
        gradients.append(4 * (corner[:, i, None] * slope[j] + corner[:, j, None] * slope[i]))
    return np.stack(values, axis=1), np.stack(gradients, axis=1)


@lru_cache(maxsize=8)
def quadrature(d: int, along: int = 5) -> tuple[Array, Array]:
    """Points, shape (n, d), and weights of a Gauss rule on the reference simplex, exact to degree 6.

    Args:
        d: 1, 2 or 3.
        along: Points along each direction; with 4 it is exact to degree 5.
    """
    nodes, weights_1d = np.polynomial.legendre.leggauss(along)
    x: Array = (nodes + 1) / 2
    w: Array = weights_1d / 2
    grids = np.meshgrid(*[x] * d, indexing="ij")
    weights = np.prod(np.meshgrid(*[w] * d, indexing="ij"), axis=0).ravel()
    points = [g.ravel() for g in grids]
    # Collapse the unit square or cube onto the simplex.
    for i in range(1, d):
        for j in range(i):
            weights = weights * (1 - points[j])
    out = []
    scale = np.ones_like(points[0])
    for i in range(d):
        out.append(points[i] * scale)
        scale = scale * (1 - points[i])
    return np.column_stack(out), weights


@lru_cache(maxsize=1)
def _in_a_tetrahedron() -> tuple[Array, Array]:
    """Points, shape (14, 3), and weights of a rule on the reference tetrahedron, exact to degree 5 (Walkington, 2000)."""
    points, weights = [], []
    for a, weight in (
        (0.31088591926330060980, 0.11268792571801585080),
        (0.09273525031089122640, 0.07349304311636194954),
    ):
        points += [np.roll((1 - 3 * a, a, a, a), k) for k in range(4)]
        weights += [weight / 6] * 4
    a, weight = 0.04550370412564964949, 0.04254602077708146643
    for pair in itertools.combinations(range(4), 2):
        points.append(np.where(np.isin(range(4), pair), a, 0.5 - a))
        weights.append(weight / 6)
    return np.array(points)[:, 1:], np.array(weights)


def nodal(mesh: Mesh, *fields: Array) -> Iterator[tuple[Array, list[Array], list[Array]]]:
    """Values and gradients of P2 fields at quadrature points of all cells (exact to degree 5), a chunk of cells at a time.

    Args:
        mesh: The mesh.
        fields: Values at its nodes, each of shape (N, m).

    Yields:
        The volume or area that each point stands for, shape (n,); of each field the values, shape (n, m), and the gradients,
        shape (n, m, dim).
    """
    reference, weights = _in_a_tetrahedron() if mesh.dim == 3 else quadrature(mesh.dim, 4)
    shapes, gradients = shape_functions(reference)
    points = mesh.points[:, : mesh.dim]
    ends = np.cumsum([0, *(f.shape[1] for f in fields)])
    together = np.concatenate(fields, axis=1)
    spans = [slice(*span) for span in itertools.pairwise(ends)]
    for nodes in np.array_split(mesh.cells, len(mesh.cells) // 2000 + 1):
        jacobian = np.einsum("cki,qkj->cqij", points[nodes], gradients, optimize=True)
        at = together[nodes]
        values = np.einsum("qk,ckm->cqm", shapes, at, optimize=True).reshape(-1, ends[-1])
        slopes = np.einsum("ckm,qkj->cqmj", at, gradients, optimize=True) @ np.linalg.inv(jacobian)
        slopes = slopes.reshape(-1, ends[-1], mesh.dim)
        size = (np.abs(np.linalg.det(jacobian)) * weights).ravel()
        yield size, [values[:, s] for s in spans], [slopes[:, s] for s in spans]


@dataclass(frozen=True)
class WallSample:
    """Values at quadrature points on boundary facets.

    Attributes:
        points: Coordinates, shape (n, dim), um.
        weights: Length (2-D) or area (3-D, axisymmetric) that each point stands for, um or um2, shape (n,).
        normals: Unit normals out of the fluid, shape (n, dim).
        gradient: Velocity gradient du_i/dx_j, shape (n, dim, dim).
        velocity: Velocity, shape (n, dim).
        pressure: Pressure, shape (n,).
    """

    points: Array
    weights: Array
    normals: Array
    gradient: Array
    velocity: Array
    pressure: Array


@dataclass(frozen=True)
class Field:
    """Velocity and pressure on a mesh (um), in whatever unit the solve had.

    Attributes:
        mesh: The mesh.
        velocity: At the nodes, shape (N, dim); of a flow through a plane (a duct's section) shape (N, 3), the part through it
            last.
        pressure: At the nodes (linear in each cell), shape (N,); its mean over the fluid is zero where there is no open end.
        reaction: For each boundary node the momentum equation's residual, tested with the node's shape function, shape
            (N, dim): what the boundary holds the fluid with, the integral of (du/dn - p n) times that function, n out of
            the fluid. Zero inside. None where it was not kept.
        axisymmetric: Whether the plane is a meridian plane (y the radius); integrals, weights and reactions are then those of
            the whole turn.
    """

    mesh: Mesh
    velocity: Array
    pressure: Array
    reaction: Array | None = None
    axisymmetric: bool = False

    @property
    def dim(self) -> int:
        """2 or 3."""
        return self.mesh.dim

    def scaled(self, factor: float) -> Field:
        """The field of a flow ``factor`` times as strong."""
        reaction = None if self.reaction is None else self.reaction * factor
        return replace(
            self, velocity=self.velocity * factor, pressure=self.pressure * factor, reaction=reaction
        )

    def _around(self, points: Array) -> Array | float:
        """What an integral over the plane is multiplied by at each point, shape (...) of points (..., dim)."""
        return 2 * np.pi * points[..., 1] if self.axisymmetric else 1.0

    @cached_property
    def _points(self) -> Array:
        return self.mesh.points[:, : self.dim]

    def _jacobians(self, cells: NDArray, gradients: Array) -> Array:
        """dx/dX of the given cells at the given reference gradients, shape (cells, n, dim, dim)."""
        return np.einsum("cki,nkj->cnij", self._points[self.mesh.cells[cells]], gradients, optimize=True)

    def integrate(
        self, integrand: Callable[[Array, Array, Array], Array], cells: NDArray[np.int64] | None = None
    ) -> Array:
        """Integral over the mesh.

        Args:
            integrand: From points (n, dim), velocity (n, components) and pressure (n,) to values (n,) or (n, m).
            cells: Numbers of the cells to integrate over; None: all.

        Returns:
            The integral, a number or shape (m,).
        """
        reference, weights = quadrature(self.dim)
        shapes, gradients = shape_functions(reference)
        total: Array = np.zeros(())
        # In chunks, so that a large mesh needs little memory beyond itself.
        cells = np.arange(len(self.mesh.cells)) if cells is None else cells
        for chunk in np.array_split(cells, len(cells) // 4000 + 1):
            nodes = self.mesh.cells[chunk]
            size = (np.abs(np.linalg.det(self._jacobians(chunk, gradients))) * weights).ravel()
            at = [
                np.einsum("qk,ck...->cq...", shapes, v[nodes], optimize=True)
                for v in (self._points, self.velocity, self.pressure)
            ]
            points = at[0].reshape(-1, self.dim)
            values = integrand(points, at[1].reshape(-1, self.velocity.shape[1]), at[2].ravel())
            total = total + np.tensordot(size * self._around(points), values, axes=1)
        return total

    @cached_property
    def velocity_integral(self) -> Array:
        """Integral of the velocity over the mesh, shape (dim,)."""
        return self.integrate(lambda x, u, p: u)

    @cached_property
    def _facet_cells(self) -> NDArray[np.int64]:
        """The cell behind each boundary facet, shape (K,)."""
        d = self.dim
        combos = [[i for i in range(d + 1) if i != skip] for skip in range(d + 1)]
        faces = np.sort(np.concatenate([self.mesh.cells[:, c] for c in combos]), axis=1)
        owner = np.tile(np.arange(len(self.mesh.cells)), d + 1)
        wanted = np.sort(self.mesh.facets[:, :d], axis=1)
        # Rows as records, so that a set of corners is looked up as one key.
        order = np.lexsort(faces.T[::-1])
        rows = np.ascontiguousarray(faces[order]).view([("", faces.dtype)] * d).ravel()
        wanted = np.ascontiguousarray(wanted).view(rows.dtype).ravel()
        return owner[order[np.searchsorted(rows, wanted)]]

    def on(self, *regions: str) -> WallSample:
        """Fields and their gradients at quadrature points of boundary regions.

        Args:
            regions: Names; those that the mesh does not have are passed over.
        """
        return self.sample(self.facets(*regions))

    def facets(self, *regions: str) -> NDArray[np.int64]:
        """Numbers of the facets of boundary regions; regions that the mesh does not have are passed over."""
        numbers = [self.mesh.regions[name] for name in regions if name in self.mesh.regions]
        return np.flatnonzero(np.isin(self.mesh.facet_regions, numbers))

    def sample(self, facets: NDArray[np.int64]) -> WallSample:
        """Fields and their gradients at quadrature points of boundary facets, facet by facet."""
        d = self.dim
        reference, weights = quadrature(d - 1)
        shapes, _ = shape_functions(reference)
        points = np.einsum("nk,cki->cni", shapes, self._points[self.mesh.facets[facets]])
        normals, size = self.facet_normals(facets, reference)
        cells = self._facet_cells[facets]
        which = np.repeat(cells, len(reference))
        inside = self._facet_reference(facets, cells, reference)
        values, slopes = self._evaluate(which, inside.reshape(-1, d))
        return WallSample(
            points.reshape(-1, d),
            (size * weights * self._around(points)).ravel(),
            normals.reshape(-1, d),
            slopes,
            values[:, :-1],
            values[:, -1],
        )

    def facet_normals(self, facets: NDArray[np.int64], reference: Array) -> tuple[Array, Array]:
        """Unit normals out of the fluid, shape (facets, n, dim), and sizes of the surface element, shape (facets, n).

        Args:
            facets: Numbers of boundary facets.
            reference: Points in the reference facet, shape (n, dim - 1).
        """
        shapes, gradients = shape_functions(reference)
        nodes = self._points[self.mesh.facets[facets]]
        normals, size = _normals(np.einsum("cki,nkj->cnij", nodes, gradients))
        corners = self.mesh.cells[self._facet_cells[facets], : self.dim + 1]
        outward = np.einsum("nk,cki->cni", shapes, nodes) - self._points[corners].mean(axis=1)[:, None]
        normals *= np.sign(np.einsum("cni,cni->cn", outward, normals))[..., None]
        return normals, size

    def _facet_reference(self, facets: NDArray, cells: NDArray, reference: Array) -> Array:
        """Reference coordinates in the cell of points on its facet, shape (facets, n, dim)."""
        d = self.dim
        corners = np.vstack([np.zeros(d), np.eye(d)])
        facet_nodes, cell_nodes = self.mesh.facets[facets, :d], self.mesh.cells[cells, : d + 1]
        local = np.argmax(facet_nodes[:, :, None] == cell_nodes[:, None, :], axis=2)
        barycentric = np.column_stack([1 - reference.sum(axis=1), reference])
        return np.einsum("nk,cki->cni", barycentric, corners[local])

    def _evaluate(self, cells: NDArray, reference: Array) -> tuple[Array, Array]:
        """Velocity and pressure side by side, and velocity gradients, (n, components, dim), at a point of each cell."""
        shapes, gradients = shape_functions(reference)
        nodes = self.mesh.cells[cells]
        jacobian = np.einsum("nki,nkj->nij", self._points[nodes], gradients)
        slope = np.einsum("nki,nkj->nij", self.velocity[nodes], gradients) @ np.linalg.inv(jacobian)
        velocity = np.einsum("nk,nki->ni", shapes, self.velocity[nodes])
        pressure = np.einsum("nk,nk->n", shapes, self.pressure[nodes])
        return np.column_stack([velocity, pressure]), slope

    def flux(self, region: str) -> float:
        """Flow out of the mesh through a boundary region."""
        wall = self.on(region)
        return float(np.sum(wall.weights * np.einsum("ni,ni->n", wall.velocity, wall.normals)))

    # -- values at points -------------------------------------------------------------------------------------------
    @cached_property
    def _boxes(self):  # noqa: ANN202
        from shapely import STRtree, box

        corners = self._points[self.mesh.cells]
        low, high = corners.min(axis=1), corners.max(axis=1)
        # Second-order sides bulge beyond their nodes by less than an eighth of the cell.
        margin = (high - low).max(axis=1, keepdims=True) / 8
        low, high = low - margin, high + margin
        return STRtree(box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])), low, high

    def at(self, points: Array) -> Array:
        """Velocity and pressure at points, shape (n, components + 1); nan outside the mesh.

        Args:
            points: Coordinates, shape (n, dim), um.
        """
        return self.at_with_gradient(points)[0]

    def at_with_gradient(self, points: Array) -> tuple[Array, Array]:
        """The same, and the velocity's gradient (that of the elements), shape (n, components, dim)."""
        from shapely import points as shapely_points

        tree, low, high = self._boxes
        components = self.velocity.shape[1]
        out = np.full((len(points), components + 1), np.nan)
        slopes = np.full((len(points), components, self.dim), np.nan)
        which, cells = tree.query(shapely_points(points[:, :2]))
        if self.dim == 3:
            near = (points[which, 2] >= low[cells, 2]) & (points[which, 2] <= high[cells, 2])
            which, cells = which[near], cells[near]
        # Only cells whose straight-sided twin comes near the point are worth Newton's method.
        corners = self._points[self.mesh.cells[cells, : self.dim + 1]]
        edges = (corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1)
        straight = np.linalg.solve(edges, (points[which] - corners[:, 0])[:, :, None])[:, :, 0]
        near = (straight.min(axis=1) > -0.3) & (straight.sum(axis=1) < 1.3)
        which, cells = which[near], cells[near]
        reference = self._invert(cells, points[which])
        barycentric = np.column_stack([1 - reference.sum(axis=1), reference])
        inside = barycentric.min(axis=1) > -1e-9
        # Of several cells that share a point, any one will do.
        which, cells, reference = which[inside], cells[inside], reference[inside]
        out[which], slopes[which] = self._evaluate(cells, reference)
        return out, slopes

    def _invert(self, cells: NDArray, points: Array) -> Array:
        """Reference coordinates of points in given cells by Newton's method; far outside where it does not converge."""
        nodes = self._points[self.mesh.cells[cells]]
        reference: Array = np.full((len(cells), self.dim), 1 / (self.dim + 1))
        for _ in range(12):
            shapes, gradients = shape_functions(reference)
            gap = points - np.einsum("nk,nki->ni", shapes, nodes)
            jacobian = np.einsum("nki,nkj->nij", nodes, gradients)
            step = np.linalg.solve(jacobian + 1e-14 * np.eye(self.dim), gap[:, :, None])[:, :, 0]
            reference = np.clip(reference + step, -2, 3)
            if np.abs(step).max(initial=0.0) < 1e-12:
                break
        return reference


def _normals(tangents: Array) -> tuple[Array, Array]:
    """Unit normals (either way), shape (c, n, dim), and size of the surface element, shape (c, n)."""
    if tangents.shape[-1] == 1:
        t = tangents[..., 0]
        normal = np.stack([t[..., 1], -t[..., 0]], axis=-1)
    else:
        normal = np.cross(tangents[..., 0], tangents[..., 1])
    size = np.linalg.norm(normal, axis=-1)
    return normal / size[..., None], size
