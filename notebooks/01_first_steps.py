# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First steps: a Cluster-Chip from parameters to an answer
#
# A chip is a set of parameters. Lengths come with their unit; everything inside is SI.

# %%
# %matplotlib inline
import chipsim
from geometries.drawing import draw

chip = chipsim.ClusterChip()  # the published chip: 12 um gaps, 4,096 paths
draw(chip)

# %% [markdown]
# Can it be made? `problems` lists the design rules that a chip breaks, each with parameter, value and limit.

# %%
[str(problem) for problem in chip.replace(depth="200 um", rows=300).problems()]

# %% [markdown]
# ## The flow
#
# Stokes flow is linear: one solve for each geometry, then any flow rate and viscosity for free. `model="3d"` has floor and
# ceiling (the default of a run); `"2d"` leaves them out and is quick.

# %%
flow = chipsim.solve(chip, model="2d")
operation = chipsim.Operation(flow_rate="2.5 mL/h", viscosity="4 mPa s", volume="5 mL")
flow.row_pressure_drop(operation.flow_rate, operation.viscosity), flow.mean_throat_speed(operation.flow_rate)

# %%
flow.wall_shear_stress(operation.flow_rate, operation.viscosity)  # Pa, on the pillars

# %% [markdown]
# The plain numbers, before anything is scaled: pressure drop of a row over viscosity and flow per path and depth (1/m2), and
# how much more pressure stands over a plugged throat.

# %%
flow.row_resistance, flow.plug_factor

# %% [markdown]
# ## What stays
#
# Clusters of MDA-MB-231 cells, the line whose one number is calibrated (on the published 41 % of 2-cell clusters).

# %%
suspension = [chipsim.Carried(cells="MDA-MB-231", sizes=[1, 2, 3, 4, 8], concentration="10 /mL")]
captured = chipsim.capture(chip, flow, operation, suspension, seed=0)
for entry in captured.entries:
    low, high = entry.retained.ci95
    print(f"{entry.cells:15s} {entry.n:3d}  retained {entry.retained.value:.3f} ({low:.3f} to {high:.3f}), broken {entry.broken.value:.3f}")

# %% [markdown]
# ## A design question
#
# What do narrower gaps change? Each gap is a mesh and a solve of its own.

# %%
for gap in ("10 um", "12 um", "14 um"):
    other = chip.replace(gap=gap)
    pairs = [chipsim.Carried(cells="MDA-MB-231", sizes=[1, 2], concentration="10 /mL")]
    one, two = chipsim.capture(other, chipsim.solve(other, model="2d"), operation, pairs).entries[:2]
    print(f"{gap}: single cells {one.retained.value:.3f}, pairs {two.retained.value:.3f}")

# %% [markdown]
# The whole job, with the report, is one call: `chipsim.run(design, model="3d")`, then `chipsim.write(result, "out")`, or
# `chipsim run DESIGN.toml -o out/` at the command line.
#
# ## The check
#
# An independent code of high order gives 1.0406e11 1/m2 for a row of this chip in the plane; at most 0.1 % off is asked for here.

# %%
off = flow.row_resistance / 1.0406e11 - 1
print(f"pressure drop of a row over viscosity and flow: {flow.row_resistance:.5g} 1/m2, {off:+.3%} off")
assert abs(off) < 1e-3
