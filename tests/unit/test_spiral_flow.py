"""A spiral's sections come back from the store as they were."""

from dataclasses import replace

import numpy as np

from chipsim.design import Operation
from chipsim.flow.spiral_result import SpiralCell
from chipsim.study import store
from chipsim.study.solve import solve
from geometries.spiral import Spiral


def test_sections_come_back_from_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPSIM_CACHE", str(tmp_path))
    operation = Operation(sample_flow_rate="100 uL/min", sheath_flow_rate="750 uL/min", viscosity="1 mPa s")
    first = solve(Spiral(), operation=operation, refine=0.5)
    again = solve(Spiral(), operation=operation.replace(viscosity="1 mPa s"), refine=0.5)
    assert again.stored and not first.stored
    assert replace(again.cell, field=None) == replace(first.cell, field=None)
    np.testing.assert_array_equal(again.cell.velocities, first.cell.velocities)
    point = np.array([[0.5, 0.3]])
    np.testing.assert_array_equal(again.middle.at(point)[0], first.middle.at(point)[0])
    # Another flow rate is another flow; the same Reynolds number is the same.
    assert not solve(Spiral(), operation=operation.replace(sheath_flow_rate="500 uL/min"), refine=0.5).stored
    twice = Operation(sample_flow_rate="200 uL/min", sheath_flow_rate="1.5 mL/min", viscosity="2 mPa s")
    assert solve(Spiral(), operation=twice, refine=0.5).stored
    assert store.load("nothing", SpiralCell) is None
