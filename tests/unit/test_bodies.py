"""Bodies in a mesh and in a flow: regions, volumes, places at a tip, refusals, mirror planes, scaling."""

import math
from dataclasses import replace

import numpy as np
import pytest
from shapely import Point, unary_union

from chipsim.flow.bodies import BodyLoad, HeldCluster, Motion, SurfaceSample, body_loads, held, held_at_tip
from chipsim.flow.solvers import SolverError
from chipsim.flow.stokes import Load, Problem, solve
from geometries import ClusterChip, DesignError
from geometries.bodies import BodySizes, box_with_bodies, cluster_at_tip, trap_with_bodies
from geometries.cut_out import Sphere
from geometries.mesh import gmsh_session

CHIP = ClusterChip()
COARSE = BodySizes(coarsest=10.0, body=0.4, growth=0.5, tip=2.5, floor=10.0)
SIDES = ("x0", "x1", "y0", "y1", "z0", "z1")
BOX = BodySizes(coarsest=1.0, body=0.4, growth=0.5)


def area(mesh, name):
    """Area of a region's curved facets, by the edge vectors at the corners and middles of each."""
    nodes = mesh.points[mesh.facets[mesh.facet_regions == mesh.regions[name]]]
    total = 0.0
    # The rule of the three mid-edge points, exact to degree 2, on each of four sub-triangles of the reference facet.
    for u, v, w in _points():
        l0 = 1 - u - v
        du = np.array([1 - 4 * l0, 4 * u - 1, 0, 4 * (l0 - u), 4 * v, -4 * v])
        dv = np.array([1 - 4 * l0, 0, 4 * v - 1, -4 * u, 4 * u, 4 * (l0 - v)])
        a, b = np.einsum("k,cki->ci", du, nodes), np.einsum("k,cki->ci", dv, nodes)
        total += w * np.linalg.norm(np.cross(a, b), axis=1).sum()
    return total


def _points():
    corners = [(0, 0), (0.5, 0), (1, 0), (0, 0.5), (0.5, 0.5), (0, 1)]
    for i, j, k in ((0, 1, 3), (1, 2, 4), (3, 4, 5), (1, 4, 3)):
        for a, b in ((i, j), (j, k), (k, i)):
            yield (corners[a][0] + corners[b][0]) / 2, (corners[a][1] + corners[b][1]) / 2, 1 / 24


def signed_determinants(mesh):
    with gmsh_session() as gmsh:
        mesh.load(gmsh)
        where, _ = gmsh.model.mesh.getIntegrationPoints(11, "Gauss8")
        return gmsh.model.mesh.getJacobians(11, where)[1]


# -- meshes ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("centre", "share"),
    [((2, 2, 2), 1), ((0, 2, 2), 2), ((2, 4, 0), 4), ((4, 0, 4), 8), ((2, 0, 2), 2), ((2, 2, 4), 2)],
)
def test_a_box_without_a_sphere_or_a_part_of_one(centre, share):
    radius = 0.7
    mesh = box_with_bodies((0, 0, 0), (4, 4, 4), SIDES, [Sphere(centre, radius)], BOX)
    assert set(mesh.regions) == {*SIDES, "body_0"}
    assert mesh.measure() == pytest.approx(64 - 4 / 3 * math.pi * radius**3 / share, rel=1e-5)
    assert area(mesh, "body_0") == pytest.approx(4 * math.pi * radius**2 / share, rel=2e-3)
    whole = {name: 16.0 for name in SIDES}
    for axis, place in enumerate(centre):
        if place in (0, 4):
            whole[SIDES[2 * axis + (place == 4)]] -= math.pi * radius**2 / (share / 2)
    for name, expected in whole.items():
        assert area(mesh, name) == pytest.approx(expected, rel=1e-3), name
    assert signed_determinants(mesh).min() > 0


@pytest.mark.parametrize("x", [0.3, 1.0, 1.85967, 2.2])
def test_spheres_on_a_mirror_plane_are_cut_out_wherever_they_are(x):
    """Where a sphere's seam lies in the plane, the cut fails at some places without a word."""
    mesh = box_with_bodies((-3, 0, -1), (3, 4, 1), SIDES, [Sphere((x, 0, 0.2), 0.1)], BOX)
    assert mesh.measure() == pytest.approx(48 - 2 / 3 * math.pi * 1e-3, rel=1e-7)


def test_two_spheres_with_a_film_between_them():
    spheres = [Sphere((1.5, 2, 2), 0.5), Sphere((2.55, 2, 2), 0.5)]
    mesh = box_with_bodies((0, 0, 0), (4, 4, 4), SIDES, spheres, replace(BOX, body=0.25))
    nodes = {
        i: mesh.points[np.unique(mesh.facets[mesh.facet_regions == mesh.regions[f"body_{i}"]])]
        for i in (0, 1)
    }
    for i, sphere in enumerate(spheres):
        np.testing.assert_allclose(np.linalg.norm(nodes[i] - sphere.centre, axis=1), 0.5, rtol=1e-3)
    # Cells in the film are about as small as it is thick.
    near = np.linalg.norm(nodes[0] - (2.0, 2, 2), axis=1) < 0.08
    assert near.sum() >= 4


@pytest.mark.parametrize(
    "cluster",
    [
        "sphere",
        pytest.param("doublet", marks=pytest.mark.slow),
        pytest.param("trimer", marks=pytest.mark.slow),
    ],
)
def test_a_cluster_at_the_tip_in_a_mesh(cluster):
    cells = cluster_at_tip(CHIP, cluster, 15e-6)
    mesh = trap_with_bodies(CHIP, cells, sizes=COARSE)
    walls = {"inlet", "outlet", "symmetry", "floor", "midplane", "pillars"}
    assert set(mesh.regions) == walls | {f"body_{i}" for i in range(len(cells))}
    outline = CHIP.block()
    on_border = [abs(c.centre[1] - outline.frame.polygon().bounds[3]) < 1e-6 for c in cells]
    bodies = sum(4 / 3 * math.pi * 7.5**3 / (4 if cut else 2) for cut in on_border)
    assert mesh.measure() == pytest.approx(outline.area() * 50 - bodies, rel=1e-3)
    assert signed_determinants(mesh).min() > 0
    inlet, outlet = (
        mesh.points[np.unique(mesh.facets[mesh.facet_regions == mesh.regions[n]])]
        for n in ("inlet", "outlet")
    )
    order = [p[np.lexsort(np.round(p[:, 1:], 6).T)] for p in (inlet, outlet)]
    np.testing.assert_allclose(order[0][:, 1:], order[1][:, 1:], atol=1e-7)


# -- where a cluster sits --------------------------------------------------------------------------------------------------
def pillars(paths, rows):
    """Pillars of a block and of those beside it."""
    loops = CHIP.block(paths, rows).solids
    width = paths * CHIP.lateral_pitch * 1e6
    shapes = [loop.polygon(1e-5) for loop in loops]
    from shapely import affinity

    return unary_union(
        [*shapes, *(affinity.scale(s, 1, -1, origin=(0, y)) for s in shapes for y in (0, width))]
    )


@pytest.mark.parametrize(("paths", "rows"), [(0.5, 2), (1.0, 2), (1.5, 2), (1.0, 4)])
@pytest.mark.parametrize("cluster", ["sphere", "doublet", "trimer"])
@pytest.mark.parametrize("diameter", [13.5, 15.0])
def test_cells_keep_their_films(cluster, diameter, paths, rows):
    film, cells = 0.2, cluster_at_tip(CHIP, cluster, diameter * 1e-6, film=0.2e-6, paths=paths, rows=rows)
    shape = pillars(paths, rows)
    for cell in cells:
        assert cell.radius == diameter / 2 and cell.centre[2] == pytest.approx(50)
        assert shape.distance(Point(cell.centre[:2])) >= cell.radius + film - 1e-3
    # They lean on something: the nearest thing is one film away.
    gaps = [shape.distance(Point(c.centre[:2])) - c.radius for c in cells]
    axis = min(
        (CHIP.lateral_pitch * 1e6 * i / 2 for i in range(4)), key=lambda y: abs(y - cells[0].centre[1])
    )
    images = [Sphere((c.centre[0], 2 * axis - c.centre[1], 50.0), c.radius) for c in cells]
    apart = [math.dist(a.centre, b.centre) - diameter for a in cells for b in (*cells, *images)]
    gaps += [gap for gap in apart if gap > -diameter + 1e-6]
    assert min(gaps) == pytest.approx(film, abs=0.03)
    tip_x = rows // 2 * CHIP.row_pitch * 1e6
    assert all(tip_x - 3 * diameter < c.centre[0] < tip_x for c in cells)


def test_a_wide_block_holds_both_cells_of_a_doublet():
    one, both = (cluster_at_tip(CHIP, "doublet", 15e-6, paths=p) for p in (0.5, 1.0))
    assert len(one) == 1 and len(both) == 2
    axis = CHIP.lateral_pitch * 1e6 / 2
    assert both[0].centre[1] - axis == pytest.approx(axis - both[1].centre[1])
    assert min(abs(b.centre[1] - one[0].centre[1]) for b in both) < 1e-9


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: cluster_at_tip(CHIP, "tetramer", 15e-6),
            'cluster = "tetramer" is unknown; known are sphere',
        ),
        (lambda: cluster_at_tip(CHIP, "doublet", 18e-6), "a cluster of 18 um cells does not fit at the tip"),
        (lambda: trap_with_bodies(CHIP, [Sphere((25, 15, 50), 5)]), "cuts a pillar"),
        (lambda: trap_with_bodies(CHIP, [Sphere((44, 27, 50), 3)]), "is cut by a side off its centre"),
        (lambda: trap_with_bodies(CHIP, [Sphere((44, 25, 60), 3)]), "body 0 at (44, 25, 60) um is outside"),
        (
            lambda: box_with_bodies(
                (0, 0, 0), (4, 4, 4), SIDES, [Sphere((1, 2, 2), 0.6), Sphere((2, 2, 2), 0.5)], BOX
            ),
            "bodies 0 and 1 overlap by 0.1 um",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(call, said):
    with pytest.raises(DesignError) as error:
        call()
    assert said in str(error.value) and "\n" not in str(error.value)


# -- loads -----------------------------------------------------------------------------------------------------------------
def driven_duct(low, sides, centre):
    """A duct 6 long and 2 by 2, or a part of it, driven by a unit pressure gradient; load on a sphere in it."""
    sphere, problem = Sphere(centre, 0.4), Problem(periodic=False, open=("in", "out"))
    mesh = box_with_bodies((-3, *low), (3, 1, 1), ("in", "out", *sides), [sphere], replace(BOX, coarsest=0.4))
    return held(mesh, [sphere], problem, Load(pressure={"in": 6.0}))[0]


def test_a_part_behind_mirror_planes_bears_the_load_of_the_whole():
    whole = driven_duct((-1, -1), ("wall",) * 4, (0, 0, 0))
    for low, sides in (
        ((0, -1), ("symmetry", "wall", "wall", "wall")),
        ((-1, 0), ("wall", "wall", "midplane", "wall")),
        ((0, 0), ("symmetry", "wall", "midplane", "wall")),
    ):
        part = driven_duct(low, sides, (0, 0, 0))
        assert part.force[0] == pytest.approx(whole.force[0], rel=0.01), sides
    off = driven_duct((0, -1), ("symmetry", "wall", "wall", "wall"), (0, 0, 0.4))
    reference = driven_duct((-1, -1), ("wall",) * 4, (0, 0, 0.4))
    # Nearer the ceiling the sphere would roll: a torque about y, which the mirror plane y = 0 lets through.
    assert abs(reference.torque[1]) > 0.1
    assert off.torque[1] == pytest.approx(reference.torque[1], rel=0.02)
    assert off.torque[0] == off.torque[2] == off.force[1] == 0


def test_a_periodic_flow_pushes_like_a_pressure_drop():
    """The falling mean pressure pushes on the body too: without it the force would lack the body's volume."""
    sphere = Sphere((0.0, 0.0, 0.0), 0.4)
    sides = ("inlet", "outlet", "symmetry", "wall", "midplane", "wall")
    mesh = box_with_bodies((-3, 0, 0), (3, 1, 1), sides, [sphere], replace(BOX, coarsest=0.4), periodic=True)
    (periodic,) = held(mesh, [sphere], Problem())
    opened = driven_duct((0, 0), ("symmetry", "wall", "midplane", "wall"), (0, 0, 0))
    volume = 4 / 3 * math.pi * 0.4**3
    assert periodic.force[0] == pytest.approx(opened.force[0], rel=0.01)
    assert volume > 0.03 * opened.force[0]
    by_traction = [load.surface.weights @ load.surface.traction[:, 0] for load in (periodic, opened)]
    assert by_traction[0] == pytest.approx(by_traction[1], rel=0.02)


def test_a_body_that_a_wall_cuts_is_refused():
    sphere = Sphere((0.0, 0.0, 1.0), 0.4)
    mesh = box_with_bodies((-3, -1, -1), (3, 1, 1), ("in", "out", *["wall"] * 4), [sphere], BOX)
    problem, load = Problem(periodic=False, open=("in", "out")), Load(pressure={"in": 1.0})
    field = solve(mesh, 3, problem, load).field
    with pytest.raises(SolverError, match="body_0 touches wall"):
        body_loads(field, [sphere], problem, load)


def test_a_rigid_motion_is_a_velocity_field():
    motion = Motion((1.0, 2.0, 3.0), (0.0, 0.0, 2.0))
    at = motion.velocity(Sphere((1.0, 0.0, 0.0), 1.0))(np.array([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_allclose(at.T, [[1, 2, 3], [1, 4, 3]])


def test_a_held_cluster_scales_with_viscosity_times_flow_rate():
    surface = SurfaceSample(
        np.zeros((1, 3)), np.ones(1), np.array([[1.0, 0, 0]]), np.array([[3.0, 4.0, 0.0]])
    )
    cells = (
        BodyLoad(Sphere((0, 0, 0), 7.5), np.array([2.0, 1.0, 0.0]), np.array([0.0, 0.0, 5.0]), surface),
        BodyLoad(Sphere((9, 0, 0), 7.5), np.array([3.0, 0.0, 0.0]), np.zeros(3), surface),
    )
    found = HeldCluster(CHIP, "trimer", 15e-6, 0.2e-6, cells, (2, 1), 1e11, 1, 1)
    flow_rate, viscosity = 1e-9, 4e-3
    scale = viscosity * flow_rate / (CHIP.paths * CHIP.depth)
    np.testing.assert_allclose(found.forces(flow_rate, viscosity), np.array([[2, 1, 0], [3, 0, 0]]) * scale)
    np.testing.assert_allclose(found.torques(flow_rate, viscosity)[0], [0, 0, 5e-6 * scale])
    assert found.push(flow_rate, viscosity) == pytest.approx(7 * scale)
    sample = found.traction(0, flow_rate, viscosity)
    assert sample.shear[0] == pytest.approx(4 * scale * 1e12)
    assert found.push(2 * flow_rate, viscosity / 2) == pytest.approx(7 * scale)


@pytest.mark.slow
def test_half_a_trap_with_one_cell_is_a_whole_one_with_two():
    """The same array, once with the mirror plane through the tip and once without."""
    half, whole = (
        held_at_tip(CHIP, "doublet", 15e-6, paths=p, sizes=replace(COARSE, tip=1.5)) for p in (0.5, 1.0)
    )
    assert half.images == (2,) and whole.images == (1, 1)
    assert half.push(1e-9, 1e-3) == pytest.approx(whole.push(1e-9, 1e-3), rel=0.01)
    assert half.row_resistance == pytest.approx(whole.row_resistance, rel=0.01)
    forces = whole.forces(1e-9, 1e-3)
    assert forces[0, 1] == pytest.approx(-forces[1, 1], rel=0.02)
