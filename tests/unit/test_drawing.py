"""The dimensioned drawing: its words are there and do not overlap."""

import itertools

import pytest
from shapely import box

from geometries import ClusterChip
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
    figure = draw(ClusterChip(**values))
    figure.draw_without_rendering()
    words = [t for axes in figure.axes for t in (*axes.texts, axes.title) if t.get_text()] + [
        t for t in figure.texts
    ]
    places = [box(*t.get_window_extent().extents) for t in words]
    for (a, first), (b, second) in itertools.combinations(zip(words, places, strict=True), 2):
        assert not first.intersects(second), (a.get_text(), b.get_text())
    page = box(0, 0, *figure.get_size_inches() * figure.dpi)
    assert all(page.contains(place) for place in places)
