"""Which points a sweep takes, and what is refused before anything is computed."""

import tracemalloc

import numpy as np
import pytest

from chipsim.design import published
from chipsim.study.parameters import parameter
from chipsim.study.samples import MANY, Sample, Samples, sample_of
from chipsim.study.study_file import read_tables
from geometries import DesignError

CHIP = read_tables(published()["cluster_chip_2015"])
GAP = parameter("device.gap", ["10 um", "12 um", "14 um"], CHIP)
RATE = parameter("operation.flow_rate", {"from": "1 mL/h", "to": "4 mL/h", "points": 4}, CHIP)
SIZED = parameter("operation.flow_rate", {"from": "1 mL/h", "to": "4 mL/h"}, CHIP)
DEPTH = parameter("device.depth", {"from": "50 um", "to": "100 um", "scale": "log"}, CHIP)


def test_a_grid_has_all_combinations_the_last_one_fastest():
    grid = Samples(Sample(), (GAP, RATE))
    assert grid.shape == (3, 4) and len(grid) == 12 and grid.gridded
    assert [grid.values(i)["device.gap"] for i in (0, 3, 4, 11)] == ["10 um", "10 um", "12 um", "14 um"]
    assert grid.values(5) == {"device.gap": "12 um", "operation.flow_rate": RATE.grid()[1]}
    assert grid.column(0) == ["10 um", "12 um", "14 um"] and len(grid.column(1)) == 4


def test_a_list_is_taken_side_by_side():
    rates = parameter("operation.flow_rate", ["1 mL/h", "2 mL/h", "3 mL/h"], CHIP)
    listed = Samples(sample_of("list"), (GAP, rates))
    assert listed.shape == (3,) and not listed.gridded
    assert listed.values(2) == {"device.gap": "14 um", "operation.flow_rate": "3 mL/h"}


@pytest.mark.parametrize("method", ["latin hypercube", "sobol"])
def test_samples_fill_their_ranges_and_are_seeded(method):
    first, again, other = (Samples(Sample(method, 64, seed), (SIZED, DEPTH, GAP)) for seed in (3, 3, 4))
    points = [first.values(i) for i in range(64)]
    assert points == [again.values(i) for i in range(64)] != [other.values(i) for i in range(64)]
    rates = np.array([p["operation.flow_rate"] for p in points])
    depths = np.log([p["device.depth"] for p in points])
    for values in (rates, depths):  # each sixteenth of the range has its share: both are stratified
        counts, _ = np.histogram(values, 16, (values.min(), values.max()))
        assert counts.min() >= 2
    low, high = RATE.low, RATE.high
    assert all(low <= p["operation.flow_rate"] <= high for p in points)
    gaps = [p["device.gap"] for p in points]
    assert all(15 <= gaps.count(gap) <= 28 for gap in GAP.values)
    assert first.column(0) == [p["operation.flow_rate"] for p in points]


def test_a_longer_sobol_sequence_begins_with_the_shorter_one():
    short, long = (Samples(Sample("sobol", n, 1), (SIZED, DEPTH)) for n in (32, 50))
    assert [long.values(i) for i in range(32)] == [short.values(i) for i in range(32)]


def test_a_million_points_are_asked_about_first_and_are_no_more_than_numbers():
    rows = parameter("device.rows", {"from": 1, "to": 100, "points": 100}, CHIP)
    paths = parameter("device.paths", {"from": 1, "to": 100, "points": 100}, CHIP)
    rate = parameter("operation.flow_rate", {"from": "1 mL/h", "to": "2 mL/h", "points": 100}, CHIP)
    with pytest.raises(DesignError, match=r"has 1,000,000 points, more than 10,000.* say --yes"):
        Samples(Sample(), (rows, paths, rate))
    assert MANY == 10_000 and len(Samples(Sample("sobol", MANY), (rate,))) == MANY
    tracemalloc.start()
    many = Samples(Sample(), (rows, paths, rate), yes=True)
    assert many.values(999_999)["device.rows"] == 100 and len(many) == 10**6
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_some_numbers_are_too_large_to_be_meant():
    endless = parameter("device.rows", {"from": 1, "to": 100000, "points": 10**9}, CHIP)
    with pytest.raises(DesignError, match=r"1e\+09 points, more than the 10,000,000"):
        Samples(Sample(), (endless,), yes=True)


@pytest.mark.parametrize(
    "given, parameters, sentence",
    [
        (
            {"method": "random"},
            (GAP,),
            'method = "random" in [sample] is unknown; known are grid, list, latin hypercube',
        ),
        ({"mode": "grid"}, (GAP,), 'unknown key "mode" in [sample]'),
        (7, (GAP,), "sample = 7 is no table"),
        ({"method": "sobol"}, (GAP,), "needs points"),
        (
            {"method": "sobol", "points": 0},
            (GAP,),
            "points = 0 in [sample] must be a whole number of at least 1",
        ),
        ({"method": "sobol", "points": 2.5}, (GAP,), "points = 2.5 in [sample]"),
        ({"method": "latin hypercube", "points": 8, "seed": -1}, (GAP,), "seed = -1 in [sample]"),
        ({"points": 8}, (GAP,), 'points in [sample] is for "latin hypercube" and "sobol"; a grid has none'),
        ("list", (GAP, RATE), "operation.flow_rate has 4 values and device.gap has 3"),
        ("grid", (SIZED,), "operation.flow_rate is a range without points"),
        ({"method": "sobol", "points": 10001}, (GAP,), "10,001 points, more than 10,000"),
    ],
)
def test_mistakes_are_one_sentence(given, parameters, sentence):
    with pytest.raises(DesignError, match="^[^\n]*$") as error:
        Samples(sample_of(given), parameters)
    assert sentence in str(error.value)
