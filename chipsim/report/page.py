"""Which page a device gets, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chipsim.report import cluster_chip, pore_filter, spiral
from chipsim.report.frame import Page, render
from geometries.cluster_chip import ClusterChip
from geometries.pore_filter import PoreFilter
from geometries.spiral import Spiral

if TYPE_CHECKING:
    from chipsim.study.result import Result

#: What makes the page of each kind of device.
PAGES: dict[str, Callable[[Result], Page]] = {
    ClusterChip.kind: cluster_chip.page,
    PoreFilter.kind: pore_filter.page,
    Spiral.kind: spiral.page,
}


def html(result: Result) -> str:
    """The report of a result as HTML."""
    return render(PAGES[result.design.device.kind](result))
