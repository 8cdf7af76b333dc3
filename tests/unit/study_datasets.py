"""Datasets as sweeps and optimisations make them, by formula: numbers of a Cluster-Chip's size."""

import hashlib

import numpy as np
import xarray as xr

UM, ML_H = 1e-6, 1e-6 / 3600
DESIGN = '[device]\nkind = "cluster_chip"\ngap = "12 um"\n'
ABOUT = {"design": DESIGN, "device": "cluster_chip", "model": "2d", "seed": 0, "chipsim": "0.1.0"}
REFUSED = (
    "depth = 100 um is above 12 times the gap of {:g} um: such a gap is too deep for its width to be moulded"
)
UNITS = {
    "gap": ("m", "gap: clear distance between two neighbours of a row", "device.gap"),
    "daughter_gap": ("m", "daughter gap: clear distance between tip and pillars", "device.daughter_gap"),
    "flow_rate": ("m3 s-1", "flow rate: of the whole chip", "operation.flow_rate"),
    "viscosity": ("Pa s", "viscosity", "operation.viscosity"),
    "tension": ("N m-1", "tension of MDA-MB-231", "cells.MDA-MB-231.tension"),
    "rows": ("1", "rows: of traps, one behind the other", "device.rows"),
    "suspension_0_cells": ("", "cells", "suspension.0.cells"),
    "fluid": ("", "fluid", "operation.fluid"),
}  # fmt: skip
DEFAULTS = {
    "gap": 12 * UM,
    "daughter_gap": 12 * UM,
    "flow_rate": 2.5 * ML_H,
    "viscosity": 4e-3,
    "tension": 13.4e-6,
    "rows": 50,
    "suspension_0_cells": "MDA-MB-231",
    "fluid": "",
}
SIZES = (1, 2, 3, 4, 6, 8, 12)


def retained(n, p):
    """A logistic threshold in pressure, rising with size."""
    speed = p["flow_rate"] / (2.5 * ML_H) * p["viscosity"] / 4e-3
    width = (p["gap"] / (12 * UM)) ** 2.5 * (p["daughter_gap"] / (12 * UM)) ** 1.5
    tension = p["tension"] / 13.4e-6 * (1.6 if p["suspension_0_cells"] == "HeLa" else 1.0)
    x = 1.9 * np.log(tension * n**1.7 / (speed * width) / 3.0) + 0.004 * (p["rows"] - 50)
    return 1 / (1 + np.exp(-x))


def numbers(p):
    """Results of one point, by name."""
    speed = p["flow_rate"] * p["viscosity"] / (2.5 * ML_H * 4e-3)
    drop = 41.0 * speed * (12 * UM / p["gap"]) ** 2.2 * p["rows"] / 50
    singles = retained(1, p)
    return {
        "array_pressure_drop": drop,
        "wall_shear_stress_p95": 0.22 * speed * (12 * UM / p["daughter_gap"]) ** 1.6,
        "peak_speed": 188e-6 * p["flow_rate"] / (2.5 * ML_H) * 12 * UM / p["daughter_gap"],
        "junction_load": 1e-10 * speed * p["gap"] / (12 * UM),
        "processing_time": 5e-6 / p["flow_rate"],
        "wbc_carryover_per_ml": 5e6 * retained(0.9, p) * 0.02,
        "purity": 0.02 / (0.02 + singles),
        "plug_factor": 1.99,
    }


RESULTS = {
    "array_pressure_drop": ("Pa", "flow, array pressure drop", "flow.array_pressure_drop_pa"),
    "wall_shear_stress_p95": ("Pa", "flow, wall shear stress, p95", "flow.wall_shear_stress_pa.p95"),
    "peak_speed": ("m s-1", "flow, peak speed", "flow.peak_speed_m_per_s"),
    "junction_load": ("N", "capture (n=2), junction load", "capture[n=2].junction_load_n"),
    "processing_time": ("s", "processing time", "processing_time_s"),
    "wbc_carryover_per_ml": ("mL-1", "wbc carryover", "wbc_carryover_per_ml"),
    "purity": ("1", "purity", "purity"),
    "plug_factor": ("1", "flow, plug factor", "flow.plug_factor"),
    "retained": ("1", "capture, retained", "capture.retained"),
}


def ended(p, i):
    """How a point ends: impossible ones are refused, a few fail."""
    if p["gap"] < 8.5 * UM:
        return "refused", REFUSED.format(p["gap"] / UM)
    if i % 23 == 17:
        return "failed", "the mesh has inverted elements"
    if i % 41 == 30:
        return "too long", "stopped after 600 s, the time limit of a point"
    return "done", ""


def point(i, given, fail):
    p = DEFAULTS | given
    status, message = ended(p, i) if fail else ("done", "")
    key = hashlib.sha256(repr(sorted(p.items())).encode()).hexdigest()[:32]
    cells = [("MDA-MB-231", n) for n in SIZES] + [("leukocyte", 1), ("red blood cell", 1)]
    kept = [retained(n, p) for n in SIZES] + [retained(0.35, p) * 0.2, 0.0]
    return status, message, key, numbers(p), cells, kept


def sweep_dataset(parameters, *, listed=False, fail=True, bodies=True, title="gap_and_flow", only=None):
    """A sweep over these values, on a grid or taken together."""
    names = list(parameters)
    values = {
        k: np.array(v, object) if isinstance(v[0], str) else np.array(v, float) for k, v in parameters.items()
    }
    grid = np.meshgrid(*values.values(), indexing="ij") if not listed else list(values.values())
    shape, dims = grid[0].shape, (("point",) if listed else tuple(names))
    given = [dict(zip(names, row, strict=True)) for row in zip(*(g.ravel() for g in grid), strict=True)]
    made = [point(i, p, fail) for i, p in enumerate(given)]
    done = np.array([m[0] == "done" for m in made])

    def column(index, dtype=object):
        return np.array([m[index] for m in made], dtype).reshape(shape)

    data = {}
    for name, (unit, words, place) in RESULTS.items():
        if name != "retained" and (only is None or name in only):
            value = np.where(done, [m[3][name] for m in made], np.nan).reshape(shape)
            data[name] = (dims, value, {"units": unit, "long_name": words, "result": place})
    if bodies and (only is None or "retained" in only):
        unit, words, place = RESULTS["retained"]
        value = np.where(done[:, None], [m[5] for m in made], np.nan).reshape((*shape, -1))
        data["retained"] = ((*dims, "body"), value, {"units": unit, "long_name": words, "result": place})
    data |= {k: (dims, column(i).astype(str)) for i, k in enumerate(("status", "message", "key"))}
    coords = {
        k: (
            ("point",) if listed else (k,),
            v.astype(str) if v.dtype == object else v,
            {"units": UNITS[k][0], "long_name": UNITS[k][1], "parameter": UNITS[k][2]},
        )
        for k, v in values.items()
    }
    if "retained" in data:
        coords |= {"cells": ("body", [c for c, _ in made[0][4]]), "n": ("body", [n for _, n in made[0][4]])}
    return xr.Dataset(data, coords, {"title": title, **ABOUT})


def sampled(points=1000, seed=0, **more):
    """A sweep of four parameters at random, one of them names."""
    random = np.random.default_rng(seed)
    return sweep_dataset(
        {
            "gap": random.uniform(8, 16, points) * UM,
            "daughter_gap": random.uniform(8, 16, points) * UM,
            "flow_rate": np.exp(random.uniform(np.log(0.5), np.log(10), points)) * ML_H,
            "suspension_0_cells": random.choice(["MDA-MB-231", "HeLa"], points).tolist(),
        },
        listed=True,
        **more,
    )


GOALS = {"pairs": "maximise", "throughput": "maximise", "leukocytes": "minimise"}
LIMITS = {"single_cells": ("at_most", 0.03), "junction_load": ("at_most", 0.08e-9)}


def optimum_dataset(trials=120, objectives=("pairs", "throughput"), limits=LIMITS, seed=0, fail=True):
    """An optimisation that samples at random, later nearer to the good ones."""
    random = np.random.default_rng(seed)
    near = np.linspace(0, 0.7, trials)[:, None]
    u = (1 - near) * random.uniform(size=(trials, 3)) + near * np.clip(
        [0.45, 0.6, 0.3] + 0.22 * random.normal(size=(trials, 3)), 0, 1
    )
    given = {
        "gap": (8 + 8 * u[:, 0]) * UM,
        "daughter_gap": (8 + 8 * u[:, 1]) * UM,
        "flow_rate": 0.5 * 20 ** u[:, 2] * ML_H,
    }
    rows = [DEFAULTS | {k: v[i] for k, v in given.items()} for i in range(trials)]
    made = [point(i, p, fail) for i, p in enumerate(rows)]
    done = np.array([m[0] == "done" for m in made])
    value = {
        "pairs": ([retained(2, p) for p in rows], "1", "capture[n=2].retained"),
        "throughput": (given["flow_rate"], "m3 s-1", "design.operation.flow_rate_m3_per_s"),
        "leukocytes": ([m[3]["wbc_carryover_per_ml"] for m in made], "mL-1", "wbc_carryover_per_ml"),
        "single_cells": ([retained(1, p) * 0.2 for p in rows], "1", "capture[n=1].retained"),
        "junction_load": ([m[3]["junction_load"] for m in made], "N", "capture[n=2].junction_load_n"),
    }
    data = {}
    feasible = done.copy()
    for name in (*objectives, *limits):
        values, unit, place = value[name]
        values = np.where(done, values, np.nan)
        attrs = {"units": unit, "long_name": name.replace("_", " "), "result": place}
        if name in objectives:
            attrs["goal"] = GOALS[name]
        if name in limits:
            side, limit = limits[name]
            attrs[side] = limit
            feasible &= (values <= limit) if side == "at_most" else (values >= limit)
        data[name] = (("trial",), values, attrs)
    better = np.array([data[o][1] * (1 if GOALS[o] == "maximise" else -1) for o in objectives]).T
    front = [
        bool(feasible[i])
        and not any(feasible[j] and (better[j] >= better[i]).all() and (better[j] > better[i]).any() for j in range(trials))
        for i in range(trials)
    ]  # fmt: skip
    data |= {"front": (("trial",), np.array(front)), "feasible": (("trial",), feasible)}
    data |= {
        k: (("trial",), np.array([m[i] for m in made])) for i, k in enumerate(("status", "message", "key"))
    }
    coords = {"trial": np.arange(trials)} | {
        k: (("trial",), v, {"units": UNITS[k][0], "long_name": UNITS[k][1], "parameter": UNITS[k][2]})
        for k, v in given.items()
    }
    about = {"title": "cluster_chip_optimum", **ABOUT, "sampler": "nsga2", "trials": trials}
    return xr.Dataset(data, coords, about)
