"""What is carried: cells and clusters, and a table of cell lines in which each number has its source."""

from chipsim.cells.cell_line import MOST_CELLS, CellLine, Provenance, cell_line_from_table, own_table
from chipsim.cells.state import FIXED, LIVE, STATES
from chipsim.cells.table import line, lines

__all__ = [
    "FIXED",
    "LIVE",
    "MOST_CELLS",
    "STATES",
    "CellLine",
    "Provenance",
    "cell_line_from_table",
    "line",
    "lines",
    "own_table",
]
