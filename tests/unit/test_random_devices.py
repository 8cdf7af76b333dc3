"""Random devices: every valid one can be drawn and meshed as asked for, every invalid one is refused in one sentence."""

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geometries import ClusterChip, DesignError
from geometries.mesh import Mesh, MeshError, Resolution, mesh_outline
from geometries.outline import smallest_gap

UM = 1e-6
#: Coarse, so that two hundred meshes take a minute; the checks do not depend on it.
COARSE = Resolution(sharp_tip=0.02, growth=0.5, coarsest=0.6)
STEADY = {"derandomize": True, "deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def one_clear_sentence(error: Exception, *names: str) -> bool:
    text = str(error)
    clear = "\n" not in text and 20 < len(text) < 260 and text == text.strip() and not text.endswith(".")
    clean = not any(
        word in text for word in ("Traceback", "pydantic", "Error", "object at 0x", "errors.pydantic.dev")
    )
    return clear and clean and ". " not in text and any(name in text for name in names)


# -- valid -----------------------------------------------------------------------------------------------------------------
def chip_values(uniform: Callable[[float, float], float]) -> dict[str, float | None]:
    """Parameters in SI from a source of numbers; a few of them meet no geometry and have to be refused."""

    def log_uniform(low: float, high: float) -> float:
        return math.exp(uniform(math.log(low), math.log(high)))

    gap, side, apex = log_uniform(2, 80), log_uniform(10, 200), uniform(20, 120)
    inscribed = side / 2 * math.tan(math.radians(180 - apex) / 4)
    fillet = inscribed * uniform(0.002, 0.89) if uniform(0, 1) < 0.8 else 0.0
    daughter = gap * log_uniform(0.45, 2.5) if uniform(0, 1) < 0.7 else None
    return {
        "gap": gap * UM,
        "side": side * UM,
        "apex_angle": math.radians(apex),
        "fillet": fillet * UM,
        "daughter_gap": daughter and daughter * UM,
        "depth": log_uniform(5, 300) * UM,
    }


# Hypothesis looks for the corners of the ranges and shrinks what fails; a plain generator fills them evenly.
corners = st.composite(lambda draw: chip_values(lambda low, high: draw(st.floats(low, high))))


def arc_error(mesh: Mesh, radius: float) -> float:
    """Area between the parabolas of second-order facets and the arcs of this radius they stand for: r2 angle^5 / 960 each."""
    a, b, m = (
        mesh.points[mesh.facets[mesh.facet_regions == mesh.regions["pillars"]][:, i], :2] for i in range(3)
    )
    bowed = np.linalg.norm(m - (a + b) / 2, axis=1) > 1e-7 * radius
    chord = np.linalg.norm(b - a, axis=1)[bowed]
    return (
        float(np.sum(radius**2 * (2 * np.arcsin(np.minimum(chord / (2 * radius), 1))) ** 5 / 960))
        if radius
        else 0.0
    )


def check_drawing(chip: ClusterChip) -> None:
    """The smallest gap of a block of three rows is the one asked for."""
    asked = min(chip.gap, chip.daughter_gap) / UM
    shapes = [loop.polygon(1e-4 * asked) for loop in chip.block(1, 3).solids]
    assert smallest_gap(shapes) == pytest.approx(asked, rel=5e-4)


def check_mesh(chip: ClusterChip) -> None:
    """Area, regions and shape of the mesh of the unit cell."""
    outline = chip.block()
    mesh = mesh_outline(outline, COARSE)
    assert set(mesh.regions) == {"inlet", "outlet", "pillars", "symmetry"}
    assert set(np.unique(mesh.facet_regions)) == set(mesh.regions.values())
    assert mesh.quality >= 0.1
    exact = chip.lateral_pitch * chip.row_pitch / UM**2 - chip.pillar().area
    assert outline.area() == pytest.approx(exact, rel=1e-6)
    assert abs(mesh.measure() - exact) <= 1.2 * arc_error(mesh, chip.fillet / UM) + 1e-8 * exact
    inlet, outlet = (
        np.unique(mesh.facets[mesh.facet_regions == mesh.regions[name]]) for name in ("inlet", "outlet")
    )
    assert np.sort(mesh.points[inlet, 1]) == pytest.approx(np.sort(mesh.points[outlet, 1]), abs=1e-6)


def outcome(values: dict[str, float | None]) -> str:
    """What came of a device: meshed as asked for, or refused in one clear sentence by the geometry or the mesh."""
    try:
        chip = ClusterChip(**values)
    except DesignError as error:
        assert one_clear_sentence(error, "fillet =", "daughter_gap =", "gap =")
        return "refused"
    check_drawing(chip)
    try:
        check_mesh(chip)
    except MeshError as error:
        assert one_clear_sentence(error, "shape quality", "could not mesh", "cells, above")
        return "no mesh"
    return "meshed"


@pytest.mark.slow
def test_evenly_spread_devices():
    random = np.random.default_rng(2015)
    tally = Counter(outcome(chip_values(random.uniform)) for _ in range(240))
    assert tally["meshed"] >= 200, tally
    assert 0 < tally["refused"] < 40, tally
    assert tally["no mesh"] == 0, tally


@settings(max_examples=60, **STEADY)
@given(corners())
def test_devices_at_the_corners_of_the_ranges(values):
    assert outcome(values) in ("meshed", "refused")


# -- invalid ---------------------------------------------------------------------------------------------------------------
DIMENSIONS = {"gap": "m", "side": "m", "daughter_gap": "m", "fillet": "m", "depth": "m", "apex_angle": "rad"}
COUNTS = ("paths", "rows", "banks")
words = st.text("abcdefgµ/%- _'\"{}\n\\xé", max_size=30)


@st.composite
def bad_dimensions(draw) -> tuple[dict, tuple[str, ...]]:
    name = draw(st.sampled_from(sorted(DIMENSIONS)))
    length = DIMENSIONS[name] == "m"
    number = draw(st.floats(0.1, 1e4))
    bad = st.one_of(
        st.sampled_from(
            [f"{number:g} s", f"{number:g} kg", f"{number:g} um/s", f"{number:g}", f"{number:g} Pa"]
        ),
        st.just(f"{number:g} deg" if length else f"{number:g} um"),
        st.floats(-1e6, -1e-9),
        st.floats(0.02, 1e30) if length else st.floats(3, 1e30),
        st.floats(10, 1e6).map(lambda v: f"{v:g} {'mm' if length else 'rad'}"),
        st.floats(1, 1e6).map(lambda v: f"-{v:g} {'um' if length else 'deg'}"),
        st.sampled_from([math.nan, math.inf, -math.inf, True, False, [], [12e-6], {}, {"um": 12}, 10**400]),
        words,
        st.just("12,5 um"),
    )
    return {name: draw(bad)}, (name,)


@st.composite
def bad_counts(draw) -> tuple[dict, tuple[str, ...]]:
    name = draw(st.sampled_from(COUNTS))
    bad = st.one_of(
        st.integers(max_value=0),
        st.integers(min_value=1_000_001),
        st.floats(1.01, 1.99),
        st.sampled_from([math.nan, math.inf, None, True, [], {}, "12 um", "4096.5", 10**5000]),
        words.filter(lambda w: not w.strip().isdigit()),
    )
    return {name: draw(bad)}, (name,)


@st.composite
def impossible(draw) -> tuple[dict, tuple[str, ...]]:
    """Values that are each within their range, but together no geometry."""
    side, gap = draw(st.floats(20, 400)), draw(st.floats(5, 100))
    inscribed = side / (2 * math.sqrt(3))
    return draw(
        st.one_of(
            st.floats(1.0, 3.0).map(
                lambda k: ({"side": side * UM, "fillet": k * inscribed * UM}, ("fillet", "side"))
            ),
            st.floats(0.21, 0.49).map(
                lambda k: (
                    {"gap": gap * UM, "daughter_gap": k * gap * UM, "fillet": 0.0},
                    ("daughter_gap", "gap"),
                )
            ),
            st.integers(1, 1000).map(lambda n: ({"paths": 4 * n + 1}, ("paths", "banks"))),
            st.floats(1e-16, 9e-10).map(lambda f: ({"fillet": f}, ("fillet",))),
            # Pillars so small beside the gap that no tip stands before the next row's gap.
            st.floats(8, 20).map(
                lambda k: (
                    {"side": 20e-6, "gap": k * 20e-6, "daughter_gap": 0.51 * k * 20e-6, "fillet": 0.0},
                    ("gap", "side"),
                )
            ),
        )
    )


unknown_keys = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20).filter(
    lambda key: key not in ClusterChip.model_fields and not key.startswith("_")
)
mistakes = st.one_of(
    bad_dimensions(),
    bad_counts(),
    impossible(),
    unknown_keys.map(lambda key: ({key: "12 um"}, (f'"{key}"',))),
)


def test_random_invalid_devices():
    refused = set()

    @settings(max_examples=600, **STEADY)
    @given(mistakes)
    def run(mistake):
        values, names = mistake
        with pytest.raises(DesignError) as caught:
            ClusterChip(**values)
        assert one_clear_sentence(caught.value, *names), str(caught.value)
        assert type(caught.value) is DesignError
        refused.add(str(caught.value))

    run()
    assert len(refused) >= 200
