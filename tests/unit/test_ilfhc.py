"""A user's file of ILFHC as a lift table: a made-up one, and the real one where there is a copy."""

import math
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from chipsim.flow import duct_profile
from chipsim.flow.focusing import focusing_points
from chipsim.flow.lift_table import read_table
from geometries import DesignError

FIELDS = ("r", "z", "Cr", "Cz", "Lr", "Lz", "Sr", "Sz", "Up", "Wr", "Wz")
PEAK = 1 / duct_profile.mean(2.0)


def numbers(x, z, alpha, eps):
    """Like a bent duct's: what is odd in x where it is straight changes evenly with the bend, and the other way round."""
    bend = 6 * eps
    return {
        "Cr": 6 * math.pi * (1.2 + 0.1 * x**2 + bend * x * 0.1), "Cz": 6 * math.pi * (1.3 + 0.2 * z**2),
        "Lr": x * (1 - x**2 / 3) + bend * (1 - z**2), "Lz": z * (1 - 2 * z**2) * (1 + bend * x),
        "Sr": 0.3 * (1 - 3 * z**2) * (1 - x**2 / 4) + bend * x * 0.1, "Sz": 0.1 * x * z,
        "Up": 2 / alpha * (1 - z**2) * (1 - x**2 / 4) * (1 - 0.5 * bend * x), "Wr": z, "Wz": x,
    }  # fmt: skip


def file(path, alphas=(0.05, 0.1, 0.15, 0.2), bends=(40.0, 160.0), without=None):
    cases, data = [], []
    for alpha in alphas:
        for bend in bends:
            x, z = np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-1, 1, 21), indexing="ij")
            found = {"r": x / alpha, "z": z / alpha, **numbers(x, z, alpha, 1 / bend)}
            inside = (np.abs(x) < 2 - 1.2 * alpha) & (np.abs(z) < 1 - 1.2 * alpha)
            data.append([np.where(inside, found[name] + 0 * x, np.nan) for name in FIELDS if name != without])
            cases.append((alpha, bend))
    names = [name for name in FIELDS if name != without]
    np.savez(path, aR=np.array(cases), fields=np.array(names), data=np.array(data))
    return path


@pytest.mark.parametrize("alpha", [0.1, 0.14])
@pytest.mark.parametrize("eps", [0.0, 0.01, 1 / 40])
def test_its_numbers_in_the_units_of_a_table(tmp_path, alpha, eps):
    table = read_table(file(tmp_path / "made_up.npz"))
    assert table.aspect == 2.0 and table.curvature == 1 / 40 and table.whole
    at = np.random.default_rng(0).uniform(-1, 1, (50, 2)) * (1.7, 0.7)
    found, wanted = table.at(alpha, eps).sample(at), numbers(*at.T, alpha, eps)
    drag = np.column_stack([wanted["Cr"], wanted["Cz"]]) / (6 * math.pi)
    lift = np.column_stack([wanted["Lr"], wanted["Lz"]])
    assert not found.extrapolated.any()
    # What is linear in the bend for itself is not for ratios.
    np.testing.assert_allclose(found.drift, lift / drag, atol=0.02)
    np.testing.assert_allclose(found.drag, drag, rtol=0.01)
    np.testing.assert_allclose(found.speed, wanted["Up"] * alpha / 2, atol=5e-3)
    carried = np.column_stack([wanted["Sr"] / wanted["Cr"], wanted["Sz"] / wanted["Cz"]]) * PEAK**2
    np.testing.assert_allclose(found.slip, carried, atol=2e-3)


def test_nearer_to_a_wall_than_its_places(tmp_path):
    table = read_table(file(tmp_path / "made_up.npz"))
    at = np.array([[1.75, 0.0], [1.85, 0.0], [0.0, -0.75], [0.0, -0.85]])
    assert table.at(0.1).sample(at).extrapolated.tolist() == [False, True, False, True]
    assert table.at(0.2).sample(at).extrapolated.all()
    # Between two sizes as near as the one goes that keeps farther off, in parts of the way.
    assert table.at(0.14).sample(at).extrapolated.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"without": "Sz"}, "fields Sz are missing"),
        ({"bends": (40.0,)}, "one bend does not tell what curvature changes"),
    ],
)
def test_a_file_that_lacks_something(tmp_path, values, said):
    with pytest.raises(DesignError, match=f"is no lift table: {said}"):
        read_table(file(tmp_path / "made_up.npz", **values))


@pytest.mark.skipif("CHIPSIM_ILFHC" not in os.environ, reason="CHIPSIM_ILFHC names no folder with the files")
@pytest.mark.parametrize(
    ("name", "alpha", "bend", "wanted"),
    [
        ("square", 0.1, 40, (-0.117, 0.442)),
        ("square", 0.15, 160, (-0.545, 0.0)),
        ("rect_2x1", 0.1, 160, (-1.001, 0.439)),
        ("rect_4x1", 0.15, 80, (-2.966, 0.455)),
    ],
)
def test_focusing_points_of_the_real_file(name, alpha, bend, wanted):
    """Found by others from the same file, cubic in the curvature, not linear."""
    table = read_table(Path(os.environ["CHIPSIM_ILFHC"]) / f"{name}_lift_data.npz")
    flow = SimpleNamespace(straight_peak=1 / duct_profile.mean(table.aspect))
    stable = [p for p in focusing_points(table, flow, alpha, 1 / bend) if p.stable]
    assert [(p.x, p.z) for p in stable] == [pytest.approx(wanted, abs=0.012)]
