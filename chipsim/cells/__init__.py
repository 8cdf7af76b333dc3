"""What is carried: cells and clusters, and a table of cell lines in which each number has its source."""

from chipsim.cells.cell_line import MOST_CELLS, CellLine, Provenance, cell_line_from_table
from chipsim.cells.table import line, lines

__all__ = ["MOST_CELLS", "CellLine", "Provenance", "cell_line_from_table", "line", "lines"]
