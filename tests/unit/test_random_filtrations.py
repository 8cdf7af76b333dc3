"""Random filtrations through random membranes: fates add up, ranges hold their values, time and volume only grow."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from chipsim.capture import capture
from chipsim.capture.network import MOST_PRESSURE
from chipsim.design import Carried, Operation
from geometries import DesignError
from test_random_devices import one_clear_sentence
from test_random_membranes import STEADY, made, membrane_values

CELLS = ("MDA-MB-231", "MCF-7", "leukocyte", "neutrophil", "red blood cell")


@st.composite
def filtrations(draw) -> tuple[dict, Operation, list[Carried]]:
    """A membrane's values, an operation, and up to three kinds of cells, from none to more than blood has."""

    def uniform(low: float, high: float) -> float:
        return draw(st.floats(low, high))

    def log_uniform(low: float, high: float) -> float:
        return math.exp(uniform(math.log(low), math.log(high)))

    operation = {"volume": log_uniform(1e-12, 1e-3), "rinse_time": draw(st.sampled_from([0, 0, 60, 1e4]))}
    if draw(st.booleans()):
        operation["pressure"] = log_uniform(1, 1e6)
    else:
        operation["flow_rate"] = log_uniform(1e-15, 1e-8)
    fluid = draw(st.sampled_from(["whole blood", "diluted blood", "buffer", None]))
    operation |= {"fluid": fluid} if fluid else {"viscosity": log_uniform(1e-4, 1)}
    suspension = [
        Carried(
            cells=name,
            sizes=(1, draw(st.integers(2, 6))) if name in CELLS[:2] else (1,),
            concentration=draw(st.sampled_from([0.0, 1.0, 1e6, 1e10, 1e13])),
            state=draw(st.sampled_from(["live", "fixed"])),
        )
        for name in draw(st.lists(st.sampled_from(CELLS), max_size=3, unique=True))
    ]
    return membrane_values(uniform), Operation(**operation), suspension


def filtered(values: dict, operation: Operation, suspension: list[Carried]) -> str:
    membrane = made(values)
    if membrane is None:
        return "no membrane"
    try:
        found = capture(membrane, None, operation, suspension, seed=1, samples=2**9, range_samples=2**8)
    except DesignError as error:
        assert operation.flow_rate and one_clear_sentence(error, f"above {MOST_PRESSURE:.3g} Pa")
        return "too fast"
    told, history = found.to_dict(), found.history
    json.dumps(told, allow_nan=False)
    for row in told["capture"]:
        assert row["retained"] + row["passed"] + (row["broken"] or 0) == pytest.approx(1)
        for fate in ("retained", "passed", "broken", "held"):
            if row[fate] is not None:
                for low, high in (row[f"{fate}_ci95"], row[f"{fate}_range"]):
                    assert 0 <= low <= row[fate] + 1e-12 and row[fate] <= high + 1e-12 <= 1 + 2e-12
    for grows in (history.time, history.volume, history.impulse):
        assert np.all(np.diff(grows) >= 0)
    assert np.all(history.blocked >= 0) and np.all(history.blocked < 1)
    if history.complete:
        assert history.volume[-1] == pytest.approx(operation.volume)
    return "through" if history.complete else "blocked"


def test_fates_add_up_whatever_is_filtered():
    tally = Counter()

    @settings(max_examples=40, **STEADY)
    @given(filtrations())
    def run(filtration):
        event(found := filtered(*filtration))
        tally[found] += 1

    run()
    assert tally["through"] > 5 and tally["blocked"] > 0, tally
