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
# # The Cluster-Chip: what it holds, beside what was published
#
# Rows of triangular pillars. Two of them funnel the liquid onto the tip of a third; single cells pass beside the tip, clusters lie
# across it and stay. Published is what stays of clusters of MDA-MB-231 cells at 2.5 mL/h: 41 % of those of two cells, 70 % of three
# and 99 % of four and more (Sarioglu 2015, Nature Methods 12:685, doi:10.1038/nmeth.3404, read in reports of it). One of these
# numbers is put into the model. How close does it come to the others?

# %%
# %matplotlib inline
import chipsim
from chipsim.report import figures
from geometries.drawing import draw

design = chipsim.load_design(chipsim.published()["cluster_chip_2015"])  # the source of each number stands in that file
chip, operation = design.device, design.operation
draw(chip)

# %% [markdown]
# ## The flow
#
# In space, with floor and ceiling: pillars by the pressure on them, streamlines by their speed. Drag to turn it.

# %%
flow = chipsim.solve(chip)
chipsim.view(flow, operation)

# %% [markdown]
# What holds a cluster against the tip has to hold it against the pressure over a plugged throat, about twice the drop of a row.

# %%
row = flow.row_pressure_drop(operation.flow_rate, operation.viscosity)
print(f"a row takes {row:.2f} Pa, a plugged throat {row * flow.plug_factor:.2f} Pa")

# %% [markdown]
# ## What stays
#
# A cluster stays where the cortical tension of its cells resists that pressure, at any of the tips that it meets. The tension of these
# cells was not measured in our sources. It is the one number that is calibrated: on the 41 %.

# %%
line = chipsim.line("MDA-MB-231")
print(f"calibrated tension {line.tension * 1e6:.1f} pN/um")
compared = chipsim.comparison(chip, flow, operation, seed=0)
points = {point.key: point for point in compared.points}
print("                              published  predicted  over the assumptions")
for key in ("1", "2", "3", "4-30"):
    p = points[key]
    published = "passes" if p.published is None else f"{p.published:.0%}"
    note = "calibrated on it" if p.role == "calibrated" else f"{p.range[0]:.1%} to {p.range[1]:.1%}"
    print(f"{p.name.split(',')[0]:30s}{published:>9s}{p.predicted:11.1%}  {note}")

# %% [markdown]
# That single cells pass and that clusters of four and more stay is predicted. **Clusters of three are under-predicted.** As curves,
# beside two rules that know no flow: a cluster stays if it comes to lie across a tip at all (straddling), or every pair of its cells
# is a chance to be held (pairs).

# %%
captured = chipsim.capture(chip, flow, operation, design.suspension, seed=0)
figures.retention_curve(captured, compared)

# %% [markdown]
# Both rules come closer to the 70 % than the model does; for four and more the first is far too low. Neither knows a gap, a flow rate or
# a single cell.
#
# ## Could another tension do it?
#
# No. The same chip with cells of other tensions:

# %%
def retained(tension, sizes=(1, 2, 3, 4)):
    """Of cells with a tension in pN/um: shares that stay, by size."""
    cells = chipsim.cell_line_from_table("MDA-MB-231", {"tension": f"{tension} pN/um", "source": "set for this notebook"})
    found = chipsim.capture(chip, flow, operation, [chipsim.Carried(cells=cells, sizes=list(sizes), concentration="10 /mL")])
    return [entry.retained.value for entry in found.entries[: len(sizes)]]


print("tension    1 cell  2 cells  3 cells  4 cells")
for tension in (10, 13.4, 16, 20, 25, 37):
    print(f"{tension:4g} pN/um ", *(f"{share:8.3f}" for share in retained(tension)))

# %% [markdown]
# A tension that holds 70 % of three cells holds nearly 60 % of two. What is missing is not a number but a step, perhaps how a cluster
# of three lies down across a tip, or that it sticks there. Nothing was tuned to hide it.
#
# ## The flow rate
#
# More pressure pushes more of them through. Leukocytes, dashed, pass at any rate worth running.

# %%
figures.retention_against_flow_rate(captured, line, (1, 2, 3, 4, 8))

# %% [markdown]
# For a design: at which rate is half of each size pushed through, and what is lost by running twice as fast?

# %%
for n in (2, 3, 4, 8):
    half = captured.entry("MDA-MB-231", n).half_push_through_flow_rate
    print(f"{n} cells: half of them above {half * 3600e6:.2g} mL/h")
for rate in ("1.25 mL/h", "2.5 mL/h", "5 mL/h"):
    at = chipsim.Operation(flow_rate=rate, viscosity="4 mPa s", volume="5 mL")
    found = chipsim.capture(chip, flow, at, design.suspension, seed=0)
    kept = ", ".join(f"{n}: {found.entry('MDA-MB-231', n).retained.value:.2f}" for n in (2, 3, 4))
    print(f"{rate:>9s}: {found.processing_time / 3600:.1f} h for 5 mL; of cells {kept}")

# %% [markdown]
# Between three and four cells the model has a jump: up to three lie in one layer, of four only an assumed share does. It rests on that.
#
# Blood is not one liquid: at 6 instead of 4 mPa s, room temperature instead of 37 degrees, the same rate pushes half as hard again.

# %%
thick = compared.thick_viscosity
print(f"at 6 mPa s, the tension as it is: 2 cells {thick['p2']:.2f}, 3 cells {thick['p3']:.2f}, 4 to 30 {thick['mean_4_to_30']:.3f}")

# %% [markdown]
# ## What breaks
#
# None was seen to break. The model says the same with junctions of 5 nN, and not quite with the weakest estimate there is.

# %%
figures.breakage_curve(captured, compared)

# %%
for margin in captured.margins:
    scale, unit = (1e9, "nN") if margin.what == "junction load" else (1, "Pa")
    print(f"{margin.what} {margin.here * scale:.2f} {unit}, beside {margin.known * scale:.3g} {unit}: {margin.meaning}")

# %% [markdown]
# How clusters come off the chip again is not modelled: the rates above only say what pushes them on.
#
# ## What was found, in sentences
#
# The same stand in every report of this chip.

# %%
for sentence in compared.shortfalls:
    print("-", sentence)

# %% [markdown]
# ## The check
#
# The bands were fixed before the comparison: 57 to 83 % for three cells, 95 to 100 % for four and more; the calibrated value has only
# the error of the sampling.

# %%
two, three, large = (points[key] for key in ("2", "3", "4-30"))
for point in (two, three, large):
    low, high = point.accepted
    print(f"{point.name}: {point.predicted:.3f}, published {point.published:.2f}, accepted {low:.3f} to {high:.3f}: "
          f"{'within' if point.within else 'NOT within'}")
assert abs(two.predicted - 0.41) < 0.007 and abs(large.predicted - 0.99) < 0.04
assert not three.within and abs(three.predicted - 0.70) < 0.20  # 17 points too low, and every report says so
assert any("3-cell clusters: under-predicted" in sentence for sentence in compared.shortfalls)
