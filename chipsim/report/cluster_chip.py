"""The report of a Cluster-Chip: its answer, its pictures, its flow and what it retains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipsim.flow.chip_result import WholeChip
from chipsim.report import figures, shared_tables, tables
from chipsim.report.frame import Fact, Page, Picture, Section, provenance
from chipsim.report.unfold import Plane
from chipsim.report.units import duration, number, pascals, percent, percent_span, say
from geometries.drawing import draw

if TYPE_CHECKING:
    from chipsim.capture.cluster_chip import TrapEntry
    from chipsim.study.result import Result

_NAMED_SIZES = 3
_CURVES = 6


def page(result: Result) -> Page:
    """The report of a Cluster-Chip."""
    shortfalls, plane = result.comparison.shortfalls, Plane(result.flow)
    return Page(
        title=result.design.name,
        kind=f"Cluster-Chip, flow model {result.flow.cell.model}",
        answer=answer(result),
        notice=_notice(result),
        facts=_facts(result),
        sections=(
            _chip(result),
            _flow(result, plane),
            _shear(result, plane),
            _whole(result),
            _capture(result),
            _comparison(result),
            _assumptions(result),
        ),
        warnings=tuple(w for w in result.warnings if w not in shortfalls),
        origin=_origin(result),
    )


def answer(result: Result) -> str:
    """What the chip does, in one sentence made of numbers."""
    operation, captured = result.design.operation, result.capture
    shear = result.flow.wall_shear_stress(operation.flow_rate, captured.setting.viscosity)["p95"]
    parts = [
        f"At {say(operation.flow_rate, 'mL/h')} this chip is predicted to {_kept(result)}",
        f"a held body feels a pressure difference of {pascals(captured.setting.pressure())}, and the wall shear stress is "
        f"{pascals(shear)} (95th percentile)",
    ]
    if captured.processing_time is not None:
        parts.append(f"{say(operation.volume, 'mL')} take {duration(captured.processing_time)}")
    if captured.purity is not None and captured.single_cell_carryover:
        parts.append(f"of the nucleated cells that it keeps, {percent(captured.purity)} are tumour cells")
    return "; ".join(parts) + "."


def _kept(result: Result) -> str:
    """Which clusters of the first kind of tumour cells stay, and how many of its single cells go."""
    clusters = _clusters(result)
    if not clusters:
        singles = [
            f"{percent(share)} of the single cells of {name}"
            for name, share in result.capture.single_cell_carryover.items()
        ]
        leukocytes = f"{number(result.capture.wbc_carryover_per_ml)} leukocytes of each mL of blood"
        return f"keep {' and '.join([*singles, leukocytes])}"
    name = clusters[0].cells
    named, rest = clusters[:_NAMED_SIZES], clusters[_NAMED_SIZES:]
    shares = [f"{percent(e.retained.value)} of the {e.n}-cell" for e in named]
    kept = " and ".join([", ".join(shares[:-1]), shares[-1]] if len(shares) > 1 else shares)
    text = f"keep {kept} clusters of {name}"
    if rest:
        text += f" and {_at_least([e.retained.value for e in rest])} of larger ones, and to let {{}} of its single cells pass"
    else:
        text += ", and to let {} of its single cells pass"
    return text.format(percent(1 - result.capture.single_cell_carryover[name]))


def _at_least(shares: list[float]) -> str:
    return percent(shares[0]) if min(shares) == max(shares) else f"at least {percent(min(shares))}"


def _clusters(result: Result) -> list[TrapEntry]:
    """The clusters of the first line of tumour cells that has any, by size."""
    entries = [
        e for e in result.capture.entries if e.cells in result.capture.single_cell_carryover and e.n > 1
    ]
    return sorted((e for e in entries if e.cells == entries[0].cells), key=lambda e: e.n)


def _notice(result: Result) -> str:
    if result.comparison.is_published_chip:
        return ""
    return (
        "This is not the published chip at its published operation: nobody has measured what this design retains. "
        "Published values on this page are those of the published chip, for orientation only."
    )


def _facts(result: Result) -> tuple[Fact, ...]:
    operation, captured = result.design.operation, result.capture
    viscosity = captured.setting.viscosity
    shear = result.flow.wall_shear_stress(operation.flow_rate, viscosity)["p95"]
    facts = []
    if clusters := _clusters(result):
        e = clusters[0]
        facts.append(
            Fact(
                f"{e.n}-cell clusters kept",
                percent(e.retained.value),
                f"{percent_span(e.retained.range)} over the assumptions",
            )
        )
    facts += [
        Fact("pressure across a held body", pascals(captured.setting.pressure())),
        Fact("wall shear stress, 95th percentile", pascals(shear), say(shear, "dyn/cm²")),
        Fact(
            "pressure over the array",
            pascals(result.flow.array_pressure_drop(operation.flow_rate, viscosity)),
        ),
    ]
    if captured.processing_time is not None:
        facts.append(Fact(f"time for {say(operation.volume, 'mL')}", duration(captured.processing_time)))
    carryover = " to ".join(number(x) for x in captured.wbc_carryover_per_ml_range)
    facts.append(
        Fact(
            "leukocytes kept",
            f"{number(captured.wbc_carryover_per_ml)} /mL",
            f"{carryover} over the assumptions",
        )
    )
    if captured.purity is not None and captured.single_cell_carryover:
        facts.append(Fact("purity", percent(captured.purity), "tumour cells among the nucleated cells kept"))
    return tuple(facts)


# -- sections -------------------------------------------------------------------------------------------------------------
def _chip(result: Result) -> Section:
    chip = result.flow.chip
    text = (
        "The principle (Sarioglu 2015, doi:10.1038/nmeth.3404): two pillars of a row lead what comes between them "
        "onto the tip of a third. Single cells slip past it through a daughter gap on either side; a cluster that "
        "straddles the tip stays."
    )
    caption = "The traps from above, flow from left to right, and how the banks of traps take their place on the slide."
    picture = Picture("drawing", draw(chip), caption, wide=True, least=680)
    return Section("The chip", (text,), (picture,), (tables.dimensions(chip),))


def _flow(result: Result, plane: Plane) -> Section:
    flow, operation, viscosity = result.flow, result.design.operation, result.capture.setting.viscosity
    at, where = (operation.flow_rate, viscosity), _where(result)
    drop = flow.row_pressure_drop(*at)
    peak = say(flow.peak_speed(operation.flow_rate), "µm/s")
    captions = (
        f"Speed {where}, at most {peak}. The streamlines start an equal share of the flow apart.",
        f"Pressure {where}: it falls by {pascals(drop)} from each row to the next.",
    )
    pictures = (
        Picture("speed", figures.flow_map(plane, *at), captions[0]),
        Picture("pressure", figures.flow_map(plane, *at, quantity="pressure"), captions[1]),
    )
    text = (
        f"{say(operation.flow_rate, 'mL/h')} are shared by {result.flow.chip.paths} paths, which makes "
        f"{say(flow.mean_throat_speed(operation.flow_rate), 'µm/s')} on average in the daughter gaps. Each row takes "
        f"{pascals(drop)}, all {result.flow.chip.rows} rows {pascals(flow.array_pressure_drop(*at))}. The "
        f"Reynolds number is {number(flow.reynolds(*at), 2)}; in the Stokes flow solved here all pressures and "
        "stresses are proportional to viscosity times flow rate."
    )
    return Section("How the liquid flows", (text,), pictures, (tables.flow(result),))


def _where(result: Result) -> str:
    field = result.flow.cell.field
    return "at mid-depth" if field is not None and field.dim == 3 else "in the plane"


def _shear(result: Result, plane: Plane) -> Section:
    flow, where = result.flow, _where(result)
    at = result.design.operation.flow_rate, result.capture.setting.viscosity
    stress = flow.wall_shear_stress(*at)
    largest = (
        f"the largest is {pascals(stress['max'])}"
        if stress["max"] is not None
        else "at sharp corners it has no largest value"
    )
    wall = plane.wall
    peak = wall.distance[wall.rate.argmax()]
    place = "corners of the base" if abs(peak - wall.corner) < peak else "tips"
    text = (
        f"The pillars are sheared most at the {place}. Half of their wall has less than {pascals(stress['p50'])}, "
        f"95 % of it less than {pascals(stress['p95'])}, and {largest}; averaged over a patch of a cell's size it is "
        f"at most {pascals(stress['patch_max'])} ({say(stress['patch_max'], 'dyn/cm²')})."
    )
    captions = (
        f"Wall shear stress {where} as the colour of the walls, with streamlines.",
        f"The same along the wall {where}, from the tip of a pillar to the middle of its base; dashed: the numbers of "
        "the result, which are over the whole wall.",
    )
    pictures = (
        Picture("shear", figures.shear_map(plane, *at), captions[0]),
        Picture("wall", figures.shear_profile(plane, *at), captions[1]),
    )
    return Section("Where the shear is", (text,), pictures, (tables.shear(result),))


def _whole(result: Result) -> Section:
    whole = result.whole
    title = "The whole chip"
    if not isinstance(whole, WholeChip):
        return Section(
            title, tuple(f"There is no plan of it: {said}." for said in (whole.warnings() if whole else ()))
        )
    at = result.design.operation.flow_rate, result.capture.setting.viscosity
    text = (
        "Each bank stands between an inlet manifold, which narrows as its flow goes into the paths, and an outlet manifold, "
        "which widens as it comes out: both lose the same pressure in each length, so that each path has the same between its "
        f"ends. Headers and necks share the flow out over the banks. Over all {result.flow.chip.paths} paths the flow "
        f"differs by {percent(whole.flow_spread)} of its mean. From port to port {pascals(whole.pressure_drop(*at))} are lost, "
        f"of which manifolds, headers and necks take {pascals(whole.manifold_pressure_drop(*at))}."
    )
    caption = (
        "The chip as its mask has it (chipsim export --part chip): banks, manifolds with the posts that hold their roof, "
        "headers, ports; below, what each path along a bank has more or less than the mean."
    )
    picture = Picture("chip", figures.chip_plan(whole), caption, wide=True, least=680)
    return Section(title, (text,), (picture,), (tables.whole_chip(result, whole),))


def _capture(result: Result) -> Section:
    captured, compared = result.capture, result.comparison
    pictures = [_retention(result)]
    for i, (line, sizes) in enumerate(_lines(result), start=1):
        figure = figures.retention_against_flow_rate(captured, line, _some(sizes))
        caption = f"Retained {line.name} over the flow rate at the same viscosity; dots: the operating point."
        pictures.append(Picture(f"rate-{i}", figure, caption))
    caption = "Broken on the chip, with the junctions assumed and with the weakest known."
    pictures.append(Picture("breakage", figures.breakage_curve(captured, compared), caption))
    text = (
        f"Each cluster meets {tables.encounters(captured)} tips. It is held where it straddles a tip and the pressure of "
        f"{pascals(captured.setting.pressure())} across a plugged throat does not push it through; the retained "
        f"fractions come from {captured.setting.samples} clusters of each size, those of single cells are integrated. "
        "Intervals are those of the sampling; ranges are over the assumed parameters below, one changed at a time."
    )
    return Section(
        "What stays, what passes, what breaks",
        (text,),
        tuple(pictures),
        (tables.entries(captured), tables.harvest(result), shared_tables.margins(captured)),
    )


def _retention(result: Result) -> Picture:
    compared = result.comparison
    of = (
        "published values"
        if compared.is_published_chip
        else "values of the published chip (not of this design)"
    )
    values = ", ".join(
        f"{percent(p.published)} ({p.name})" for p in compared.points if p.published is not None
    )
    caption = (
        f"Retained fraction over the size of the clusters. Red: {of}, {values}. Grey: two "
        "baselines that know the first of these and a counting argument, and no flow."
    )
    return Picture("retention", figures.retention_curve(result.capture, compared), caption, wide=True)


def _lines(result: Result) -> list[tuple]:
    """Each line of tumour cells of the suspension with all its sizes."""
    found: dict[str, tuple] = {}
    for carried in result.design.suspension:
        if carried.cells.kind == "tumour":
            line, sizes = found.get(carried.cells.name, (carried.cells, set()))
            found[line.name] = line, sizes | set(carried.sizes)
    return list(found.values())


def _some(sizes: set[int]) -> list[int]:
    """The smallest sizes and the largest, as many as a figure bears."""
    ordered = sorted(sizes)
    return ordered if len(ordered) <= _CURVES else [*ordered[: _CURVES - 1], ordered[-1]]


def _comparison(result: Result) -> Section:
    compared = result.comparison
    text = (
        "One number of the model, the cortical tension of these cells, is calibrated on one published value; no other is "
        "fitted. The bands in which a prediction is accepted were fixed beforehand."
    )
    if not compared.is_published_chip:
        text = f"{_notice(result)} The prediction for this chip stands beside them."
    return Section(
        "Beside the published measurements",
        (text,),
        tables=(tables.comparison(compared), tables.sources(compared)),
        points=compared.shortfalls,
    )


def _assumptions(result: Result) -> Section:
    text = (
        "How each number of the cells and of the model is known. Where a value is varied, the ranges on this page "
        "contain what the variation does."
    )
    return Section(
        "Assumptions",
        (text,),
        tables=(
            tables.model_assumptions(result),
            shared_tables.cell_assumptions(result, unused=("apparent_viscosity", "volume")),
        ),
    )


def _origin(result: Result) -> Section:
    cell, setting = result.flow.cell, result.capture.setting
    work = f"{cell.unknowns} unknowns, {cell.iterations} iterations, residual {number(cell.residual, 2)}"
    balance = (
        f"{number(cell.mass_balance_error, 2)} of the flow, between the gaps and the section between rows"
    )
    rows = [
        ("solver", f"{cell.method}, {work}"),
        ("discrete divergence", number(cell.divergence_residual, 2)),
        ("mass balance error", balance),
        (
            "clusters drawn",
            f"{setting.samples} for each fraction, {setting.range_samples} for each variation",
        ),
    ]
    if cell.field is not None:
        rows.insert(0, shared_tables.mesh_row(cell.field.mesh))
    return provenance(result, *rows)
