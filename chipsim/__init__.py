"""Chips that catch clusters of circulating tumour cells: what they look like, how liquid flows, what stays.

>>> import chipsim
>>> chip = chipsim.ClusterChip(gap="12 um")
>>> flow = chipsim.solve(chip, model="2d")
>>> round(flow.row_pressure_drop(flow_rate=6.94e-10, viscosity=4e-3), 2)
0.71
"""

from chipsim.capture import capture, comparison, recovery, recovery_curve
from chipsim.cells import CellLine, cell_line_from_table, line, lines
from chipsim.design import Carried, Design, Operation, design_from_dict, load_design, published
from chipsim.flow.result import Flow
from chipsim.fluids import Fluid, fluid, newtonian
from chipsim.report import write_page
from chipsim.study.dataset import open_dataset
from chipsim.study.equilibria import equilibria
from chipsim.study.optimise import optimise
from chipsim.study.result import Result
from chipsim.study.run import run
from chipsim.study.section import section_flow
from chipsim.study.solve import package_version, solve
from chipsim.study.sweep import sweep
from chipsim.study.write import write
from geometries import ClusterChip, DesignError, Limits, PoreFilter, Spiral

__version__ = package_version()

__all__ = [
    "Carried",
    "CellLine",
    "ClusterChip",
    "Design",
    "DesignError",
    "Flow",
    "Fluid",
    "Limits",
    "Operation",
    "PoreFilter",
    "Result",
    "Spiral",
    "capture",
    "cell_line_from_table",
    "comparison",
    "design_from_dict",
    "equilibria",
    "fluid",
    "line",
    "lines",
    "load_design",
    "newtonian",
    "open_dataset",
    "optimise",
    "package_version",
    "published",
    "recovery",
    "recovery_curve",
    "run",
    "section_flow",
    "solve",
    "sweep",
    "write",
    "write_page",
]
