"""The dimensioned drawing: its words are there and do not overlap."""

import itertools

import pytest
from shapely import box

from geometries import ClusterChip, PoreFilter
from geometries.drawing import draw


def test_the_drawing_has_the_dimensions_in_words():
    figure = draw(ClusterChip(gap="14 um", daughter_gap="11 um", fillet="2 um", side="60 um", depth="90 um"))
    figure.draw_without_rendering()
    texts = [t.get_text() for axes in figure.axes for t in axes.texts] + [t.get_text() for t in figure.texts]
    said = "\n".join(texts)
    for words in (
        "entrance gap\n14 µm",
        "daughter gaps\n11 µm",
        "fillet 2 µm",
        "side 60 µm",
        "90 µm",
        "row pitch",
        "lateral pitch",
        "flow",
        "tip",
        "60°",
    ):
        assert words in said


LATTICE = {
    "placement": "square",
    "diameter": "5 um",
    "density": "5e5 /cm^2",
    "thickness": "1 um",
    "tolerance": "2 %",
}
SLITS = {"pore": "slit", "width": "6 um", "length": "40 um", "placement": "square", "density": "1.5e5 /cm^2"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"tilt": "34 deg"},
            ("thickness\n10 µm", "diameter 8 µm", "tilt up to ±34°", "doublet", "100,000 pores per cm²"),
        ),
        (
            LATTICE,
            (
                "thickness\n1 µm",
                "diameter 5 µm ± 2 %",
                "pitch 14.1 µm",
                "pitch\n14.1 µm",
                "square lattice",
                "9.14 µm",
            ),
        ),
        (SLITS, ("width 6 µm +0/−20 %", "length\n40 µm", "pitch 13.9 µm", "pitch\n47.9 µm")),
    ],
    ids=["tilt", "lattice", "slits"],
)
def test_the_drawing_of_a_membrane_has_its_dimensions_in_words(values, words):
    figure = draw(PoreFilter(**values))
    said = "\n".join(t.get_text() for t in (*(t for axes in figure.axes for t in axes.texts), *figure.texts))
    for word in (*words, "flow", "6 mm in diameter"):
        assert word in said


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"tilt": "34 deg"},
        {"tilt": "8 deg", "seed": 3},
        {"diameter": "1 um", "density": "1e7 /cm^2", "spot_diameter": "0.5 mm"},
        {"density": "100 /cm^2"},
        LATTICE,
        {**LATTICE, "placement": "hexagonal", "thickness": "50 um"},
        SLITS,
    ],
)
def test_no_two_labels_of_the_drawing_of_a_membrane_overlap(values):
    labels_apart(draw(PoreFilter(**values)))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"fillet": "0 um", "gap": "20 um", "side": "30 um", "daughter_gap": "25 um"},
        {"gap": "8 um", "side": "80 um", "fillet": "4 um", "apex_angle": "40 deg"},
        {"gap": "30 um", "side": "80 um", "fillet": "6 um", "apex_angle": "100 deg"},
    ],
)
def test_no_two_labels_of_the_drawing_overlap(values):
    labels_apart(draw(ClusterChip(**values)))


def labels_apart(figure):
    """All words are on the page, and no two of them over one another."""
    figure.draw_without_rendering()
    words = [t for axes in figure.axes for t in (*axes.texts, axes.title) if t.get_text()] + [
        t for t in figure.texts
    ]
    places = [box(*t.get_window_extent().extents) for t in words]
    for (a, first), (b, second) in itertools.combinations(zip(words, places, strict=True), 2):
        assert not first.intersects(second), (a.get_text(), b.get_text())
    page = box(0, 0, *figure.get_size_inches() * figure.dpi)
    assert all(page.contains(place) for place in places)
