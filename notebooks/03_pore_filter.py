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
# # The pore filter: what a membrane keeps, and why
#
# A membrane with pores of 8 um, as ISET uses it, and cells of 15 um that are pushed through. Three questions: why does a live
# cell slip through, what does fixation change, and how is a cluster kept? Then two designs side by side.

# %%
# %matplotlib inline
import math

import chipsim
from chipsim.report import figures
from geometries.drawing import draw

membrane = chipsim.PoreFilter()  # round pores of 8 um, +0/-20 %, 1e5 to the cm2, 10 um thick, a spot of 6 mm
draw(membrane)

# %% [markdown]
# ## The membrane
#
# Tracks fall at random, so some pores overlap: doublets, triplets. They are part of the membrane, and their flow is counted below.

# %%
pores = membrane.statistics()
print(f"{pores.count} pores: {pores.isolated:.1%} alone, {pores.in_doublets:.1%} in doublets, {pores.in_triplets:.1%} in triplets,")
print(f"open area {pores.coverage:.2%} of the spot")
figures.membrane_plan(membrane)

# %% [markdown]
# Fewer overlap than if all pores had their full 8 um. Then exp(-n pi d^2) of them would stand alone:

# %%
full = membrane.replace(tolerance=0)
print(f"{full.statistics().isolated:.3f} counted, {math.exp(-full.density * math.pi * full.diameter**2):.3f} expected")

# %% [markdown]
# ## The flow
#
# One pore is solved (Stokes flow, axisymmetric) and scaled to every pore of the spot by its size and its neighbours.

# %%
flow = chipsim.solve(membrane)
operation = chipsim.Operation(pressure="1 kPa", fluid="whole blood", volume="1 mL")
figures.pore_map(flow, operation)

# %% [markdown]
# The same in space, cut open (drag to turn it):

# %%
chipsim.view(flow, operation)

# %% [markdown]
# Its resistance beside the sum of Sampson's opening and Poiseuille's pipe, which is somewhat high as each disturbs the other:

# %%
a, L, viscosity = membrane.diameter / 2, membrane.thickness, operation.viscosity
added = viscosity / a**3 * (3 + 8 * L / (math.pi * a))
solved = flow.pore_resistance(viscosity)
print(f"one pore: {solved:.4e} Pa s/m3 solved, {added:.4e} added ({added / solved - 1:+.2%})")
print(f"the spot: {flow.spot_resistance(viscosity):.3e} Pa s/m3, so {flow.flow_rate(operation) * 60e6:.3g} mL/min while it is clean")
shear, stay = flow.bore_wall_shear_stress(operation), flow.residence_time(operation)
print(f"in the bore: {shear:.0f} Pa of wall shear for {stay * 1e6:.0f} us")

# %% [markdown]
# ## Why a live cell slips through
#
# A cell stays for ever where the pressure is below what its cortical tension holds: 2 T (1/R_pore - 1/R_cell). Take the tension
# measured for a tumour line, RT4: 185 pN/um (Guo 2012, Lab Chip, doi:10.1039/C2LC40205J); the 15 um we set.

# %%
rt4 = chipsim.cell_line_from_table("RT4", {"diameter": "15 um", "diameter_cv": 0, "source": "set for this notebook"})
found = chipsim.capture(full, flow, operation, [chipsim.Carried(cells=rt4, concentration="10 /mL")]).entries[0]
print(f"threshold by hand {2 * rt4.tension * (1 / a - 2 / rt4.diameter):.0f} Pa, in the model {found.threshold:.0f} Pa")
print(f"held by that alone at 1000 Pa: {found.threshold_alone:.0%}")

# %% [markdown]
# So tension holds no live cell here. What holds it is time: it creeps through like a very viscous liquid, and may not be through when
# the filtration ends. MDA-MB-231 has a published transit (5 um pores, 10 mbar, 1 h: Coumans 2013, PLoS ONE 8:e61774), on which the
# model is calibrated; other pores and pressures follow. One mL of blood takes minutes; what a rinse at the same pressure adds:

# %%
clusters = chipsim.Carried(cells="MDA-MB-231", sizes=[1, 2, 3, 4], concentration="10 /mL")
for rinse in ("0 s", "10 min", "1 h"):
    longer = chipsim.Operation(pressure="1 kPa", fluid="whole blood", volume="1 mL", rinse_time=rinse)
    captured = chipsim.capture(membrane, flow, longer, [clusters])
    single = captured.entry("MDA-MB-231")
    low, high = single.held.range
    print(f"{captured.processing_time / 60:4.1f} min: transit {single.transit_time / 60:.0f} min,"
          f" single cells held {single.held.value:.3f} ({low:.3f} to {high:.3f})")

# %% [markdown]
# As a curve, for a clean membrane and cells that come uniformly over the filtration:

# %%
line = chipsim.line("MDA-MB-231")
times = [10, 60, 300, 600, 1200, 1800, 3600]
live = chipsim.recovery_curve(membrane, flow, line, pressure="10 mbar", times=times)
print("    time  held  with half and twice the apparent viscosity")
for t, held, low, high in zip(live.times, live.retained, live.low, live.high, strict=True):
    print(f"{t:6.0f} s  {held:.2f}  {low:.2f} to {high:.2f}")

# %% [markdown]
# Published is that more than 80 % of unfixed cells were found again on such a membrane (Coumans 2013, PLoS ONE 8:e61770); for how
# long it was filtered the abstract does not say. So 0.8 is no pass mark; it is a time, where the curve falls through it:

# %%
found = chipsim.recovery(membrane, flow, line, pressure="10 mbar")
low, likely, high = (found.time_for(0.8, factor) / 60 for factor in (0.5, 1, 2))  # of the apparent viscosity
print(f"0.8 after {likely:.0f} min ({low:.1f} to {high:.0f} min)")
compared = chipsim.comparison(membrane, flow, operation)
points = {point.key: point for point in compared.points}
figures.recovery_over_time(compared)

# %% [markdown]
# ## What fixation changes
#
# Fixed cells need 25 times the pressure in 8 um pores (the same paper): one datum, which the model takes for every pore, and for the
# threshold as for the transit.

# %%
print("       threshold  transit  1 mL takes  held after 10 min, 30 min, 1 h on a clean membrane")
for state in ("live", "fixed"):
    cells = chipsim.Carried(cells="MDA-MB-231", concentration="10 /mL", state=state)
    captured = chipsim.capture(membrane, flow, operation, [cells])
    single, took = captured.entry("MDA-MB-231"), captured.history.filtration_time
    curve = chipsim.recovery_curve(membrane, flow, line, pressure="10 mbar", times=[600, 1800, 3600], state=state)
    print(f"{state:6s} {single.threshold:6.1f} Pa  {single.transit_time / 3600:5.2f} h  {took / 60:6.1f} min ",
          *(f"{x:.2f}" for x in curve.retained))

# %% [markdown]
# The leukocytes and red cells of the blood are fixed with them, so they block the pores for longer, and the filtration takes longer.
#
# **Here model and measurement disagree.** The paper that gives the factor 25 also says that fixation halves the recovery; in the model a
# cell that is harder to push through is held more. What is lost in the experiment may be lost elsewhere, or not be seen; the model
# has no such step, and nothing was tuned to hide it:

# %%
point = points["fixed recovery"]
print(f"{point.name}: {point.predicted:.2f} by the model; published: {point.published}")

# %% [markdown]
# ## How a cluster is kept
#
# The model lets a cluster pass in single file, so that it needs as long as all its cells together. After an hour of rinse:

# %%
late = chipsim.Operation(pressure="1 kPa", fluid="whole blood", volume="1 mL", rinse_time="1 h")
for entry in chipsim.capture(membrane, flow, late, [clusters]).entries[:4]:
    print(f"{entry.n} cells: transit {entry.transit_time / 60:2.0f} min, held {entry.held.value:.3f},"
          f" over more than one pore {entry.spanning:.2f}")

# %% [markdown]
# That a third to a half of them lie over a second pore is an estimate beside it; the model takes no credit for it.
#
# But the pressure over a plugged pore pulls at the cluster's junctions, at most with P pi a^2:

# %%
print("              8 um      5 um")
for pressure in (30, 100, 1000, 10_000):
    print(f"{pressure:6d} Pa", *(f"{pressure * math.pi * radius**2 * 1e9:6.1f} nN" for radius in (a, 2.5e-6)))

# %%
captured = chipsim.capture(membrane, flow, operation, [clusters])
for entry in captured.entries[1:4]:
    low, high = entry.retained.range
    print(f"{entry.n} cells: held {entry.held.value:.3f}, broken at most {entry.broken_upper_bound.value:.3f},"
          f" so retained whole {low:.3f} to {high:.3f}")
for margin in captured.margins:
    print(f"{margin.here * 1e9:.0f} nN here, {margin.known * 1e9:.2g} nN: {margin.meaning}")

# %% [markdown]
# At 1 kPa every live cluster is held, and nearly every one may be torn: the median pore pulls with 42 nN, and the table assumes
# junctions of 5 nN. It is a bound, as the pore's rim carries a part of the force that nobody has measured. It also hangs on the
# junction: weak doublets of a line grown from a breast cancer patient part below 28 nN, strong ones hold 542 nN (PMC7495683, abstract).

# %%
print("junction  pairs broken at most, 1 kPa")
for strength in ("5 nN", "28 nN", "542 nN"):
    cells = chipsim.cell_line_from_table("MDA-MB-231", {"junction_strength": strength, "source": "PMC7495683"})
    pair = chipsim.capture(membrane, flow, operation, [chipsim.Carried(cells=cells, sizes=[2], concentration="10 /mL")]).entries[0]
    print(f"{strength:>8s}  {pair.broken_upper_bound.value:.3f}")

# %% [markdown]
# So live clusters want a low pressure, which costs time. Fixed first, they may be run at ISET's 10 kPa; but no strength of fixed junctions
# is known, so the result then says nothing of breakage (`broken` is None) and counts them as whole.
#
# ## A design question
#
# Which pressure? Single cells and pairs, alive, from 1 mL of blood.

# %%
def row(name, device, pressure):
    """A line of the table: time, single cells held, pairs whole, leukocytes; ranges over what is assumed."""
    operation = chipsim.Operation(pressure=pressure, fluid="whole blood", volume="1 mL")
    both = chipsim.Carried(cells="MDA-MB-231", sizes=[1, 2], concentration="10 /mL")
    captured = chipsim.capture(device, chipsim.solve(device), operation, [both])
    one, two = captured.entries[:2]
    slowest = captured.filtration_time_range[1]
    at_most = "or never" if slowest is None else f"to {slowest / 60:.0f}"
    print(f"{name:17s} {pressure:>7s} {captured.history.filtration_time / 60:6.1f} min ({at_most:>8s})",
          f" {one.held.value:.2f} ({one.held.range[0]:.2f} to {one.held.range[1]:.2f})",
          f" {two.retained.range[0]:.2f} to {two.retained.range[1]:.2f}  {captured.leukocyte_load:.2g}")


heading = "                              filtration         single cells held    pairs whole   leukocytes"
print(heading)
for pressure in ("30 Pa", "100 Pa", "300 Pa", "1 kPa"):
    row("8 um track-etched", membrane, pressure)

# %% [markdown]
# Which membrane? The published microsieve has pores of 5 um that are all alike, five times as many to the area, and is a tenth as thick.

# %%
sieve = chipsim.load_design(chipsim.published()["microsieve_5um"]).device
print(heading)
for pressure in ("100 Pa", "1 kPa"):
    row("8 um track-etched", membrane, pressure)
    row("5 um microsieve", sieve, pressure)

# %% [markdown]
# How many pores? More of them are faster, at the cost of overlaps and of leukocytes.

# %%
print(heading)
for density in ("5e4", "1e5", "2e5", "4e5"):
    other = membrane.replace(density=f"{density} /cm^2")
    row(f"{density}, {other.statistics().isolated:.0%} alone", other, "100 Pa")

# %% [markdown]
# At 30 Pa some leukocytes stay for ever by their own tension, and within what is assumed so many that the membrane blocks.
#
# The whole job, with the report, is one call: `chipsim.run(design)`, then `chipsim.write(result, "out")`, or
# `chipsim run iset_8um -o out/` at the command line; `--model patch` solves a piece of the membrane with its overlaps in space.
#
# ## The check
#
# The pore of this notebook is 2.5 radii long. For it an independent code, whose error is 0.02 %, gives a resistance of 9.3222 times
# viscosity over radius cubed; at most 0.05 % off is asked for here. On the 80 % of the recovery curve nothing can be checked, as no
# time was published.

# %%
found = solved * a**3 / viscosity
print(f"resistance of the pore over viscosity / radius^3: {found:.4f}, {found / 9.3222 - 1:+.3%} off")
assert abs(L / a - 2.5) < 1e-9 and abs(found / 9.3222 - 1) < 5e-4
