"""A spot of pores that blocks: time, pressure and flow of a filtration."""

import numpy as np
import pytest

from chipsim.capture.network import Arrivals, Drive, filtration

PORES, RESISTANCE = 1000, 1e11
CONSTANT = Drive(RESISTANCE, pressure=1000.0)


def alike(concentration, needed, threshold=0.0):
    return Arrivals(concentration, np.full(8, needed), np.full(8, threshold), np.full(8, 1 / PORES))


def test_a_clean_membrane_takes_the_time_of_its_resistance():
    found = filtration([], CONSTANT, 1e-6, pores=PORES, rinse_time=5.0)
    assert found.filtration_time == pytest.approx(1e-6 * RESISTANCE / 1000) and found.blocked.max() == 0.0
    assert found.time[-1] == pytest.approx(found.filtration_time + 5) and found.volume[-1] == pytest.approx(
        1e-6
    )


@pytest.mark.parametrize("held", [{"needed": 1e12}, {"needed": 1.0, "threshold": 2000.0}])
def test_bodies_that_stay_for_ever_block_one_pore_each(held):
    """Then t = R N / (c P) x -ln(1 - c V / N)."""
    found = filtration([alike(0.9 * PORES / 1e-6, **held)], CONSTANT, 1e-6, pores=PORES)
    assert found.blocked[-1] == pytest.approx(0.9, rel=1e-9)
    assert found.filtration_time == pytest.approx(1e-6 * RESISTANCE / 0.9 / 1000 * np.log(10), rel=2e-3)


def test_it_converges_at_second_order():
    exact = 1e-6 * RESISTANCE / 0.9 / 1000 * np.log(10)
    kind = alike(0.9 * PORES / 1e-6, 1e12)
    errors = [
        filtration([kind], CONSTANT, 1e-6, pores=PORES, steps=n).filtration_time / exact - 1
        for n in (32, 64, 128)
    ]
    assert abs(errors[2]) < 1e-3 and 3 < errors[0] / errors[1] < 5 and 3 < errors[1] / errors[2] < 5


@pytest.mark.parametrize("kappa", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("flow_rate", [None, 1e-8])
def test_short_transits_add_a_resistance(kappa, flow_rate):
    """Bodies in transit block kappa / (1 + kappa), kappa = c K / (N R): the impulse over volume is R (1 + kappa)."""
    needed = 0.1
    concentration = kappa * PORES * RESISTANCE / needed
    drive = CONSTANT if flow_rate is None else Drive(RESISTANCE, flow_rate=flow_rate)
    found = filtration([alike(concentration, needed)], drive, 1e-6, pores=PORES)
    assert found.blocked[-1] == pytest.approx(kappa / (1 + kappa), rel=1e-3)
    assert found.impulse[-1] == pytest.approx(1e-6 * RESISTANCE * (1 + kappa), rel=1e-3)
    if flow_rate:
        assert found.filtration_time == pytest.approx(1e-6 / flow_rate)
        assert found.pressure[-1] == pytest.approx(flow_rate * RESISTANCE * (1 + kappa), rel=1e-3)
    else:
        assert found.filtration_time == pytest.approx(1e-6 * RESISTANCE * (1 + kappa) / 1000, rel=1e-3)


def test_volume_and_impulse_are_conserved():
    kinds = [alike(0.5 * PORES / 1e-6, 1e12), alike(3e9, 2e4)]
    found = filtration(kinds, CONSTANT, 1e-6, pores=PORES, rinse_time=30.0)
    assert found.impulse == pytest.approx(1000 * found.time)
    last = found.filtered + 1
    time, flow = found.time[:last], found.flow_rate[:last]
    passed = float(((flow[1:] + flow[:-1]) / 2 * np.diff(time)).sum())
    assert passed == pytest.approx(1e-6, rel=1e-3)
    assert (np.diff(found.time) > 0).all() and (found.volume[last:] == found.volume[last - 1]).all()


def test_a_membrane_that_blocks_says_how_much_passed():
    found = filtration([alike(4 * PORES / 1e-6, 1e12)], CONSTANT, 1e-6, pores=PORES, rinse_time=10.0)
    assert not found.complete and found.filtration_time is None
    assert found.volume[-1] == pytest.approx(0.25e-6, rel=5e-3) and found.blocked[-1] <= 1 - 1 / PORES


def test_a_rinse_lets_out_what_is_in_transit():
    kind = alike(1e9, 1e4)  # 10 s at 1 kPa; 100 s of filtration
    without = filtration([kind], CONSTANT, 1e-6, pores=PORES)
    rinsed = filtration([kind], CONSTANT, 1e-6, pores=PORES, rinse_time=20.0)
    assert without.blocked[-1] > 0.05 and rinsed.blocked[-1] == pytest.approx(0, abs=1e-12)


def test_at_a_constant_flow_rate_the_rising_pressure_frees_what_a_threshold_held():
    drive = Drive(RESISTANCE, flow_rate=1e-8)  # 1 kPa clean
    found = filtration([alike(0.9 * PORES / 1e-6, 1.0, 2000.0)], drive, 1e-6, pores=PORES)
    assert found.complete and found.pressure.max() == pytest.approx(2000, rel=0.1)
    assert found.blocked.max() == pytest.approx(0.5, abs=0.05)


def brute_force(rng, impulses, concentration, pores, pressure, volume):
    """Pores one by one: each body takes an open pore at random; returns time, share held at the end."""
    free_at, time, arrived, held = np.zeros(pores), 0.0, 0.0, []
    while True:
        gap = rng.exponential(1 / concentration)
        while True:  # to the next arrival or the next release, at the flow of now
            left = min(gap, volume - arrived)
            flow = pressure / RESISTANCE * np.mean(free_at <= time)
            release = free_at[free_at > time].min(initial=np.inf)
            if flow > 0 and time + left / flow <= release:
                time, arrived, gap = time + left / flow, arrived + left, gap - left
                break
            arrived, gap = arrived + flow * (release - time), gap - flow * (release - time)
            time = release
        if arrived >= volume * (1 - 1e-12):
            return time, np.mean([until > time for until in held])
        until = time + rng.choice(impulses) / pressure
        free_at[rng.choice(np.flatnonzero(free_at <= time))] = until
        held.append(until)


def test_the_mean_field_is_what_pores_one_by_one_give():
    impulses = np.array([2e3, 1e4, 5e4])  # 2, 10, 50 s at 1 kPa
    concentration, volume, pores = 3e9, 0.5e-6, 400
    rng = np.random.default_rng(2)
    runs = np.array([brute_force(rng, impulses, concentration, pores, 1000.0, volume) for _ in range(6)])
    kind = Arrivals(concentration, impulses, np.zeros(3), np.full(3, 1 / pores))
    found = filtration([kind], CONSTANT, volume, pores=pores)
    arrival = (np.arange(3000) + 0.5) / 3000
    held = np.mean([found.impulse_left(arrival) < needed for needed in impulses])
    assert found.blocked[-1] > 0.1
    assert found.filtration_time == pytest.approx(runs[:, 0].mean(), rel=0.02)
    assert held == pytest.approx(runs[:, 1].mean(), abs=0.02)
