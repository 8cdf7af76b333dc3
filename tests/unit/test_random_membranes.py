"""Random membranes: cell and patch are watertight, and as open as the union of their pores."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box, unary_union

from geometries import PoreFilter
from geometries.bores import Bore, Box
from geometries.membrane_mesh import unit_cell, unit_cell_plan
from geometries.mesh import Mesh
from geometries.patch import patch
from test_membrane_mesh import watertight
from test_random_devices import STEADY


@st.composite
def membranes(draw) -> PoreFilter:
    """Any shape and placement, from sparse to a quarter open, thin to three times as thick as its pores are wide."""

    def log_uniform(low: float, high: float) -> float:
        return math.exp(draw(st.floats(math.log(low), math.log(high))))

    placement = draw(st.sampled_from(["poisson", "square", "hexagonal"]))
    shape = draw(
        st.sampled_from(["round", "square", "slit"] if placement == "square" else ["round", "square"])
    )
    size = log_uniform(1e-6, 30e-6)
    length = size * (log_uniform(1, 6) if shape == "slit" else 1)
    area = size * length * (math.pi / 4 if shape == "round" else 1)
    density = log_uniform(0.005, 0.25) / area
    return PoreFilter(
        pore=shape,
        placement=placement,
        tolerance=draw(st.sampled_from([0.0, 0.03, (-0.2, 0.0)])),
        thickness=size * log_uniform(0.1, 3),
        density=density,
        spot_diameter=math.sqrt(20_000 / density),
        tilt=draw(st.floats(0, math.radians(40))) if placement == "poisson" and shape == "round" else 0.0,
        seed=draw(st.integers(0, 1000)),
        **({"diameter": size} if shape == "round" else {"width": size}),
        **({"length": length} if shape == "slit" else {}),
    )


def as_open_as(mesh: Mesh, bores: tuple[Bore, ...], around: Box) -> None:
    """Both faces of the membrane cover what the union of the openings leaves."""
    thickness = np.ptp(mesh.points[mesh.facets[mesh.facet_regions == mesh.regions["membrane"]], 2])
    facets = mesh.points[mesh.facets[mesh.facet_regions == mesh.regions["membrane"]]]
    for depth in (0.0, thickness):
        own = facets[np.abs(facets[..., 2] - depth).max(axis=1) < 1e-6 * thickness]
        covered = sum(six_node_area(nodes[:, :2]) for nodes in own)
        openings = unary_union([b.opening(depth) for b in bores]).intersection(box(*around)).area
        assert box(*around).area - covered == pytest.approx(openings, rel=2e-3)


def six_node_area(nodes: np.ndarray) -> float:
    """Area within three parabolas: each edge is its chord and two thirds of its sagitta."""
    order = nodes[[0, 3, 1, 4, 2, 5]]
    x, y = order.T
    polygon = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2
    triangle = np.linalg.det([nodes[1] - nodes[0], nodes[2] - nodes[0]]) / 2
    return abs(triangle + (polygon - triangle) * 4 / 3)


@pytest.mark.slow
@settings(max_examples=25, **STEADY)
@given(membranes(), st.integers(3, 8))
def test_random_membranes_are_watertight_and_as_open_as_their_pores(membrane, count):
    radius = membrane.size / 2 * 1e6
    sizes = {"rim": radius / 3, "growth": 0.6, "coarsest": 3 * radius}
    cell = unit_cell(membrane, 4 * radius, **sizes)
    watertight(cell, least=0.02)
    as_open_as(cell, *unit_cell_plan(membrane))
    found = patch(membrane, count)
    mesh = found.mesh(4 * radius, **sizes)
    watertight(mesh, least=0.02)
    as_open_as(mesh, found.bores, found.box)
    assert all(len(cells) > 0 for cells in found.openings(mesh))
