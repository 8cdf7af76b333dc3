"""Random membranes: statistics add up, meshes are watertight with the area of the union of the pores, formulas rank."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from chipsim.flow.pore_formulas import placed_resistances, unit_resistance
from geometries import DesignError
from geometries.bores import Bore
from geometries.membrane_mesh import unit_cell, unit_cell_plan
from geometries.mesh import Mesh, MeshError
from geometries.patch import patch
from geometries.pore_filter import PoreFilter
from geometries.pores import place_pores
from test_membrane_mesh import watertight
from test_random_devices import one_clear_sentence

UM = 1e-6
REGIONS = {"inlet", "outlet", "membrane", "pore", "symmetry_x", "symmetry_y"}
STEADY = {"derandomize": True, "deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
_SIDES = 720  # of a polygon that stands for an ellipse: far more than the device's own have


# -- membranes -------------------------------------------------------------------------------------------------------------
def membrane_values(uniform: Callable[[float, float], float]) -> dict:
    """Parameters in SI from a source of numbers; a few of them are no membrane and have to be refused."""

    def log_uniform(low: float, high: float) -> float:
        return math.exp(uniform(math.log(low), math.log(high)))

    def one_of(*values: str) -> str:
        return values[min(int(uniform(0, len(values))), len(values) - 1)]

    pore = one_of("round", "round", "slit", "square")
    placement = "square" if pore == "slit" else one_of("poisson", "poisson", "square", "hexagonal")
    size = log_uniform(0.5, 50)
    values = {"pore": pore, "placement": placement, "seed": int(uniform(0, 1000))}
    values["diameter" if pore == "round" else "width"] = size * UM
    length = size
    if pore == "slit":
        length = size * uniform(1, 3)
        values["length"] = length * UM
    area = size * length * (math.pi / 4 if pore == "round" else 1) * UM**2
    values["density"] = log_uniform(0.005, 0.7) / area
    values["thickness"] = size * log_uniform(0.2, 6) * UM
    limits = sorted((uniform(-0.4, 0.3), uniform(-0.4, 0.3)))
    values["tolerance"] = uniform(0, 0.12) if uniform(0, 1) < 0.4 else tuple(limits)
    values["spot_diameter"] = math.sqrt(log_uniform(100, 1000) / values["density"] * 4 / math.pi)
    if pore == "round" and placement == "poisson" and uniform(0, 1) < 0.5:
        values["tilt"] = math.radians(uniform(0, 45))
    return values


def made(values: dict) -> PoreFilter | None:
    """The membrane; None where it was refused, in one clear sentence."""
    try:
        return PoreFilter(**values)
    except DesignError as error:
        assert one_clear_sentence(error, "density =", "tilt =", "thickness =", "spot_diameter ="), str(error)
        return None


corners = st.composite(lambda draw: membrane_values(lambda low, high: draw(st.floats(low, high))))


def ellipses(x, y, a, b) -> np.ndarray:
    """Polygons inscribed in ellipses of half-axes a and b."""
    angle = 2 * math.pi / _SIDES * np.arange(_SIDES)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    middle, half = np.stack([x, y], axis=-1), np.stack([a, b], axis=-1)
    return shapely.polygons(middle[:, None] + half[:, None] * ring)


# -- where the pores lie ---------------------------------------------------------------------------------------------------
def openings(membrane: PoreFilter) -> np.ndarray:
    """The openings on the upstream face, um."""
    pores = membrane.pores()
    a, b = (pores.scale * extent / UM / 2 for extent in membrane.opening)
    x, y = pores.x / UM, pores.y / UM
    if membrane.pore == "round":
        return ellipses(x, y, a / np.cos(pores.tilt), b)
    return np.asarray(shapely.box(x - a, y - b, x + a, y + b))


@settings(max_examples=60, **STEADY)
@given(corners())
def test_statistics_add_up(values):
    membrane = made(values)
    event("refused" if membrane is None else membrane.placement)
    if membrane is None:
        return
    pores, found, shapes = membrane.pores(), membrane.statistics(), openings(membrane)
    assert found.count == len(pores.x) > 0
    assert found.isolated + found.in_doublets + found.in_triplets + found.in_larger == pytest.approx(1)
    assert found.through_doublets <= found.in_doublets
    area, spot = shapely.area(shapes), membrane.spot_area / UM**2
    assert 0 < found.coverage <= area.sum() / spot * (1 + 1e-4)
    # Groups that reach over the border of the spot are shared with pores that are not among these.
    _, place = np.unique(pores.group, return_inverse=True)
    whole = np.bincount(place)[place] == pores.group_size
    union = shapely.union_all(shapes[whole]).area
    # The device's own polygons have 64 sides: a lens of two of them is up to a part in a thousand off.
    assert float(np.sum((area * pores.share)[whole])) == pytest.approx(union, rel=2e-3)
    covered = found.coverage * spot - union
    assert -2e-3 * union <= covered <= area[~whole].sum() + 2e-3 * union


@settings(max_examples=20, **STEADY)
@given(corners())
def test_the_seed_determines_the_pores(values):
    membrane = made(values)
    if membrane is None:
        return
    place_pores.cache_clear()
    first = membrane.pores()
    place_pores.cache_clear()
    again, other = membrane.pores(), PoreFilter(**{**values, "seed": values["seed"] + 1}).pores()
    assert again is not first
    for name in first.__dataclass_fields__:
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    random = membrane.placement == "poisson"
    assert np.array_equal(first.x[:10], other.x[:10]) == (not random)


# -- meshes ----------------------------------------------------------------------------------------------------------------
def section(bore: Bore, depth: float) -> shapely.Polygon:
    """Of a bore by a plane at a depth."""
    x, half = bore.x + depth * math.tan(bore.tilt), bore.width / 2
    if bore.length is not None:
        return shapely.box(x - half, bore.y - bore.length / 2, x + half, bore.y + bore.length / 2)
    return ellipses(*(np.array([v]) for v in (x, bore.y, half / math.cos(bore.tilt), half)))[0]


def open_area(bores, box, depth: float) -> float:
    union = shapely.union_all([section(b, depth) for b in bores])
    return union.intersection(shapely.box(*box)).area


def flat_area(mesh: Mesh, facets: np.ndarray) -> float:
    """Of curved facets in a plane of constant z: the triangles, and the parabolas on their sides (2/3 chord x height)."""
    p = mesh.points[facets][..., :2]
    (a, b, c), middles = (p[:, i] for i in range(3)), (p[:, i] for i in (3, 4, 5))

    def cross(u, v):
        return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]

    area = cross(b - a, c - a) / 2
    sides = sum(2 / 3 * cross(m - s, e - s) for s, e, m in zip((a, b, c), (b, c, a), middles, strict=True))
    return float(np.sum(np.abs(area + sides)))


def check_mesh(mesh: Mesh, bores, thickness: float, box, reservoir: float) -> None:
    """Watertight, regions named, open area and volume those of the bores' union."""
    watertight(mesh, least=0.02)
    assert set(mesh.regions) == REGIONS and set(np.unique(mesh.facet_regions)) == set(mesh.regions.values())
    face = (box[2] - box[0]) * (box[3] - box[1])
    membrane = mesh.facets[mesh.facet_regions == mesh.regions["membrane"]]
    height = mesh.points[membrane, 2]
    for depth in (0.0, thickness):
        on = membrane[np.abs(height - depth).max(axis=1) < 1e-4]
        assert face - flat_area(mesh, on) == pytest.approx(open_area(bores, box, depth), rel=1e-3)
    steps = 24 if any(b.tilt for b in bores) else 1
    at = (np.arange(steps) + 0.5) * thickness / steps
    bored = float(np.mean([open_area(bores, box, z) for z in at])) * thickness
    assert mesh.measure() - 2 * reservoir * face == pytest.approx(bored, rel=5e-3)


def outcome(values: dict, piece: str, count: int = 4) -> str:
    """What came of a piece of a membrane: meshed as asked for, or refused in one clear sentence by membrane or mesh."""
    membrane = made(values)
    if membrane is None:
        return "refused"
    radius, thickness = membrane.size / UM / 2, membrane.thickness / UM
    sizes = {"rim": radius / 4, "growth": 0.8, "coarsest": 3 * radius}
    try:
        if piece == "cell":
            bores, box = unit_cell_plan(membrane)
            mesh = unit_cell(membrane, 2 * radius, **sizes)
        else:
            window = patch(membrane, count)
            bores, box = window.bores, window.box
            mesh = window.mesh(2 * radius, **sizes)
            assert all(len(cells) > 0 for cells in window.openings(mesh))
    except (DesignError, MeshError) as error:
        said = ("rims nearly touch", "too small for", "shape quality", "could not mesh", "in the mesh, not")
        assert one_clear_sentence(error, *said), str(error)
        return type(error).__name__
    check_mesh(mesh, bores, thickness, box, 2 * radius)
    return "meshed"


def test_evenly_spread_membranes_mesh():
    random = np.random.default_rng(1999)
    cells = Counter(outcome(membrane_values(random.uniform), "cell") for _ in range(70))
    patches = Counter(outcome(membrane_values(random.uniform), "patch", 3 + k % 4) for k in range(20))
    for tally in (cells, patches):
        valid = tally.total() - tally["refused"]
        assert 0 < tally["refused"] < valid / 4, tally
        assert tally["meshed"] == valid, tally


def test_membranes_at_the_corners_of_the_ranges_mesh():
    tally = Counter()

    @settings(max_examples=20, **STEADY)
    @given(corners(), st.integers(3, 6))
    def run(values, count):
        event(found := outcome(values, "patch" if count < 5 else "cell", count))
        tally[found] += 1

    run()
    assert tally["MeshError"] == 0 and tally["DesignError"] <= tally.total() / 10, tally
    assert tally["meshed"] >= tally.total() / 2, tally


# -- formulas --------------------------------------------------------------------------------------------------------------
def spot_resistance(membrane: PoreFilter) -> float:
    """Over viscosity, by formula, 1/m3."""
    each = placed_resistances(membrane)
    assert np.all(np.isfinite(each)) and np.all(each > 0)
    return float(1 / np.sum(1 / each))


@settings(max_examples=60, **STEADY)
@given(corners())
def test_a_spot_resists_less_with_more_and_with_wider_pores(values):
    membrane = made(values)
    if membrane is None:
        return
    alone, among = (float(unit_resistance(membrane, array=array)) for array in (False, True))
    assert 0 < among < alone < math.inf
    wide = "diameter" if membrane.pore == "round" else "width"
    resistance = spot_resistance(membrane)
    assert spot_resistance(PoreFilter(**{**values, "density": 0.6 * membrane.density})) > resistance
    assert spot_resistance(PoreFilter(**{**values, wide: 0.8 * membrane.size})) > resistance
    if not membrane.tilt:  # slanted tracks that are longer reach in from further, so others are drawn
        assert spot_resistance(PoreFilter(**{**values, "thickness": 1.2 * membrane.thickness})) > resistance
