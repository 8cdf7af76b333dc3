"""The whole Cluster-Chip on its slide: where everything lies, how evenly its network shares the flow out."""

import functools
import math

import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree
from shapely import box, unary_union

from chipsim.flow.chip_result import NoChip, WholeChip, whole_chip
from geometries import ClusterChip, DesignError
from geometries.device import Limits
from geometries.feed import feed, opening, step
from geometries.manifold import Posts, Taper, open_width
from geometries.network import manifold, share_out, square
from geometries.slide import PORT_GRID, RIM

UM = 1e-6
K = 1.155e11  # row resistance of the published chip in space, 1/m2
CHIPS = {
    "published": (ClusterChip(), Limits()),
    "one bank": (ClusterChip(paths=800, banks=1), Limits()),
    "two banks, more rows": (ClusterChip(paths=1600, rows=120, banks=2), Limits()),
    "odd rows": (ClusterChip(paths=600, rows=35, banks=3), Limits()),
    "six banks, large slide": (
        ClusterChip(gap="20 um", paths=3600, banks=6),
        Limits(slide_length="102 mm", slide_width="76 mm"),
    ),
    "shallow": (ClusterChip(depth="50 um", paths=512, banks=2), Limits()),
    "slide off the grid": (
        ClusterChip(paths=1024, banks=2),
        Limits(slide_length="76 mm", slide_width="26 mm"),
    ),
}
EACH = pytest.mark.parametrize("name", list(CHIPS))


@functools.cache
def plan_of(name):
    chip, limits = CHIPS[name]
    return chip.plan(limits)


# -- where it lies ---------------------------------------------------------------------------------------------------------
@EACH
def test_all_channels_are_one_net_within_the_margins(name):
    plan = plan_of(name)
    assert plan.channels.geom_type == "Polygon" and plan.channels.is_valid
    margin = plan.limits.slide_margin / UM
    within = box(0, 0, *plan.slide).buffer(1e-2 - margin)
    pads = unary_union([shapely.Point(p).buffer(1.5 * plan.rim) for p in plan.ports.values()])
    assert within.contains(plan.channels.difference(pads))
    assert box(0, 0, *plan.slide).buffer(-margin / 2 + 1e-2).contains(plan.channels)


@EACH
def test_liquid_reaches_the_outlet_only_through_a_bank(name):
    plan = plan_of(name)
    (width, length), left = plan.bank, plan.left
    banks = [box(left, y, left + width, y + length) for y in plan.bottoms]
    manifolds = plan.channels.difference(unary_union(banks).buffer(1e-2, join_style="mitre"))
    parts = [part for part in shapely.get_parts(manifolds) if part.area > 1]
    inlet, outlet = (
        next(p for p in parts if p.contains(shapely.Point(plan.ports[n]))) for n in ("inlet", "outlet")
    )
    assert len(parts) == 2 and inlet is not outlet
    # Nets apart stand apart by a wall that bonds, but for the banks between them and their ends.
    ends = plan.taper.end / UM
    assert inlet.distance(outlet) >= min(490.0, length)
    for bank in banks:
        edge = bank.boundary.buffer(0.1)
        assert inlet.intersection(edge).length > width and outlet.intersection(edge).length > width
    assert ends == pytest.approx(plan.chip.depth / UM)


@EACH
def test_ports_stand_on_the_grid_with_room_for_their_holes(name):
    plan = plan_of(name)
    for place in plan.ports.values():
        assert all(v / PORT_GRID == pytest.approx(round(v / PORT_GRID), abs=1e-12) for v in place)
        assert plan.channels.contains(
            shapely.Point(place).buffer(0.99 * (plan.limits.port_diameter / UM / 2 + RIM / 2))
        )
    posts = shapely.points([p for lattice in plan.posts().lattices for p in lattice.places()])
    if len(posts):
        hole = plan.limits.port_diameter / UM / 2
        for place in plan.ports.values():
            assert (
                shapely.distance(posts, shapely.Point(place)).min() >= hole + plan.taper.posts.diameter / UM
            )


@EACH
def test_no_roof_is_wider_than_the_limit_and_no_post_touches_a_wall(name):
    plan = plan_of(name)
    posts = plan.taper.posts
    radius, clear, span = (v / UM for v in (posts.diameter / 2, posts.clear, posts.span))
    places = [p for lattice in plan.posts().lattices for p in lattice.places()]
    (width, length), left = plan.bank, plan.left
    banks = unary_union([box(left, y, left + width, y + length) for y in plan.bottoms])
    solid = plan.channels.boundary
    if places:
        assert shapely.distance(shapely.points(places), solid).min() >= radius + clear - 2e-3
        assert len(set(places)) == len(places)
    # The largest disc without support; at the holes there is no roof.
    holes = unary_union([shapely.Point(p).buffer(plan.rim * 2) for p in plan.ports.values()])
    free = plan.channels.difference(unary_union([banks, holes]))
    x0, y0, x1, y1 = free.bounds
    grid = np.stack(np.meshgrid(np.arange(x0, x1, 130.0), np.arange(y0, y1, 130.0)), axis=-1).reshape(-1, 2)
    grid = grid[shapely.contains_xy(free, *grid.T)]
    apart = shapely.distance(shapely.points(grid), unary_union([solid, banks.boundary]))
    if places:
        apart = np.minimum(apart, cKDTree(places).query(grid)[0] - radius)
    worst = apart.max()
    # Amid four posts of the lattice, or between the last of them and two walls.
    assert worst <= math.sqrt(2) * (span + 2 * radius) / 2


@EACH
def test_the_gaps_at_the_walls_are_those_of_the_array(name):
    plan = plan_of(name)
    chip, pillars = plan.chip, plan.pillars()
    assert pillars.count == chip.banks * (
        (chip.rows - chip.rows // 2) * (chip.paths // chip.banks + 1)
        + chip.rows // 2 * (chip.paths // chip.banks)
    )
    half, gap = pillars.shape.polygon().bounds[2], chip.gap / UM
    left, right = plan.left, plan.left + plan.bank[0]
    even, odd = pillars.lattices[:2]
    last = even.origin[0] + (even.counts[0] - 1) * even.steps[0]
    for wall, axis in ((left, even.origin[0]), (right, last)):
        assert abs(wall - axis) == pytest.approx(gap / 2, abs=2e-3)  # the wall cuts it
    last = odd.origin[0] + (odd.counts[0] - 1) * odd.steps[0]
    assert odd.origin[0] - half - left == pytest.approx(gap, abs=2e-3)
    assert right - last - half == pytest.approx(gap, abs=2e-3)
    assert even.steps[0] - 2 * half == pytest.approx(gap, abs=1e-3)
    # All rows stand within the bank, and no pillar outside it.
    y = [lattice.origin[1] + (lattice.counts[1] - 1) * lattice.steps[1] for lattice in (even, odd)]
    assert (
        even.origin[1] > plan.bottoms[0] and max(y) + chip.pillar_length / UM < plan.bottoms[0] + plan.bank[1]
    )


def test_the_manifolds_take_the_room_that_there_is():
    plan = plan_of("published")
    assert plan.channels.bounds == pytest.approx((2000, 2000, 73000, 35500), abs=0.1)
    assert plan.taper.mouth == pytest.approx(4.3e-3, abs=0.05e-3)
    narrow = ClusterChip(manifold_width="2 mm").plan()
    assert narrow.taper.mouth == 2e-3
    assert narrow.channels.bounds[1] > plan.channels.bounds[1]


# -- the flow --------------------------------------------------------------------------------------------------------------
@EACH
def test_the_paths_share_the_flow_evenly(name):
    chip, limits = CHIPS[name]
    whole = whole_chip(chip, K, limits)
    assert isinstance(whole, WholeChip)
    assert whole.sharing.flows.mean() == pytest.approx(1, abs=1e-12)
    assert whole.flow_spread == pytest.approx(np.ptp(whole.sharing.flows))
    banks = whole.sharing.flows.mean(axis=1)
    assert np.ptp(banks) < 2e-3  # the necks make them alike
    assert whole.flow_spread < 0.05 and whole.warnings() == []


def test_the_published_chip_in_numbers():
    chip = ClusterChip()
    whole = whole_chip(chip, K, Limits())
    at = 2.5e-6 / 3600, 4e-3
    array = chip.rows * K * 4e-3 * at[0] / (chip.paths * chip.depth)
    assert whole.pressure_drop(*at) - whole.manifold_pressure_drop(*at) == pytest.approx(array, rel=1e-12)
    # By hand: a fourth of the flow over 60 mm of 4.25 mm, posts left out, is a lower bound of what the manifolds take.
    bound = 12 * 4e-3 * at[0] / 4 * chip.bank_width / (whole.plan.taper.mouth * chip.depth**3)
    assert bound < whole.manifold_pressure_drop(*at) < 3 * bound
    assert 0.01 < whole.flow_spread < 0.025


def test_an_even_manifold_would_not_do():
    """What the taper is for: the same chip with manifolds of one width."""
    chip, plan = ClusterChip(), plan_of("published")
    taper = plan.taper
    paths = chip.rows * K / chip.depth / (chip.paths // chip.banks)
    even = Taper(taper.length, taper.mouth, taper.mouth, taper.posts)
    spreads = [
        share_out(*plan.feeds, manifold(t, plan.lead, 512), paths, chip.depth).spread for t in (taper, even)
    ]
    drop = square(chip.depth) * taper.length / taper.posts.effective(taper.mouth)
    m = math.sqrt(2 * drop / paths)  # of the hyperbolic cosine of an endless ladder
    assert spreads[0] < 0.02
    assert spreads[1] == pytest.approx(m / 2 / math.sinh(m / 2) * (math.cosh(m / 2) - 1), rel=0.01)


def test_the_spread_converges_with_the_cells_of_a_manifold():
    plan = plan_of("published")
    chip = plan.chip
    paths = chip.rows * K / chip.depth / (chip.paths // chip.banks)
    found = [
        share_out(*plan.feeds, manifold(plan.taper, plan.lead, n), paths, chip.depth)
        for n in (512, 1024, 2048)
    ]
    assert found[1].resistance == pytest.approx(found[2].resistance, rel=1e-5)
    assert found[1].spread == pytest.approx(found[2].spread, abs=1e-3)
    inner = [f.flows[:, f.flows.shape[1] // 8 : -f.flows.shape[1] // 8] for f in found]
    assert np.ptp(inner[1]) == pytest.approx(np.ptp(inner[2]), rel=0.02)


def test_a_narrow_slide_warns_that_the_flow_is_uneven():
    whole = whole_chip(ClusterChip(rows=5), K, Limits(slide_width="20 mm"))
    assert whole.flow_spread > 0.05
    (said,) = whole.warnings()
    assert "differs by" in said and "above 5%" in said


def test_posts_take_some_of_the_flow():
    wide = Posts(1e-4, 1.0)
    posts = Posts(1e-4, 1e-3)
    assert posts.rows(1.0e-3) == 0 and posts.rows(1.2e-3) == 1 and posts.rows(2.0e-3) == 2
    assert wide.rows(5e-3) == 0
    share = 4 * math.pi * (1e-4 + 0.6302488763e-4 / 2) ** 2 / (posts.pitch * 4e-3)
    expected = open_width(4e-3, 1e-4) * (1 - share) / (1 + share)
    assert posts.effective(4e-3) == pytest.approx(expected, rel=1e-12)
    for target in np.geomspace(1e-4, 5e-3, 40):
        width = posts.width(target)
        assert posts.effective(width) == pytest.approx(target, rel=1e-9)


def test_steps_and_openings_against_their_limits():
    # A step from nearly nothing is an opening in a wall: the same logarithm, up to what lies beyond.
    assert step(1e-3, 1e-3) == 0
    assert step(1e-6, 1e-3) == pytest.approx(math.log(math.e * 1e3 / 4) / math.pi, rel=1e-6)
    assert opening(1e-6, 1e-3) - step(1e-6, 1e-3) == pytest.approx(math.log(2) / math.pi, rel=1e-6)


def test_necks_balance_banks_that_lie_at_different_distances():
    taps, posts = [0.002, 0.010, 0.018, 0.026, 0.034], Posts(1e-4, 1e-3)
    found = feed(taps, 0.015, 0.003, 0.003, posts)
    assert found.below == 2 and len(found.necks) == 5
    # From port to lead, with the flow of all the banks that lie beyond in each leg.
    below = [found.legs[1] * 2 + found.legs[0], found.legs[1] * 2]
    above = np.cumsum([3 * found.legs[2], 2 * found.legs[3], found.legs[4]])
    drops = np.array([*below, *above]) + found.branches
    assert drops == pytest.approx(drops[0], rel=1e-6)
    assert found.necks[4] == max(found.necks)


# -- what does not fit -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("chip", "limits", "sentence"),
    [
        (ClusterChip(rows=180), Limits(), "4 banks of 9.1"),
        (ClusterChip(paths=4800), Limits(), "leave 0.3724 mm for a port"),
        (ClusterChip(manifold_width="8 mm"), Limits(), "with manifolds of 8 mm take"),
    ],
)
def test_what_does_not_fit_the_slide_is_one_sentence(chip, limits, sentence):
    with pytest.raises(DesignError, match="the whole chip does not fit the slide") as caught:
        chip.plan(limits)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    found = whole_chip(chip, K, limits)
    assert isinstance(found, NoChip)
    assert found.warnings() == [str(caught.value)] and found.to_dict(None) is None


@pytest.mark.parametrize(
    ("chip", "limits"),
    [
        (
            ClusterChip(gap=3.54e-5, side=5.94e-5, fillet=5e-7, depth="30 um", paths=188, rows=114, banks=1),
            Limits(slide_width="76 mm", max_roof_aspect_ratio=50),
        ),
        (
            ClusterChip(
                gap=4.256e-5, fillet=5e-7, depth="1 mm", paths=93, rows=100, banks=1, manifold_width="60 um"
            ),
            Limits(slide_width="76 mm", max_roof_aspect_ratio=6),
        ),
        (
            ClusterChip(depth="10 um", paths=1000, rows=23, banks=10, manifold_width="0.5 mm"),
            Limits(slide_width="0.2 m"),
        ),
    ],
    ids=["long array", "narrow manifold", "many banks"],
)
def test_unusual_chips_are_one_net_too(chip, limits):
    plan = chip.plan(limits)
    assert plan.channels.geom_type == "Polygon" and plan.channels.is_valid
    assert len(plan.channels.interiors) == chip.banks - 1
