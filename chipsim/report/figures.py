"""Figures of a run, each a ``matplotlib.figure.Figure`` of its own; nothing global is touched. For notebooks and the page.

>>> from chipsim.report import figures
>>> figures.flow_map(flow, flow_rate=6.94e-10, viscosity=4e-3)  # doctest: +SKIP
"""

from chipsim.report.chip_figures import chip_plan
from chipsim.report.curves import breakage_curve, retention_against_flow_rate, retention_curve
from chipsim.report.maps import cluster_chip_picture, flow_map, shear_map, shear_profile
from chipsim.report.pore_figures import (
    filtration_history,
    flow_shares,
    membrane_plan,
    opening_flows,
    recovery_over_time,
    retained_by_kind,
)
from chipsim.report.pore_maps import patch_map, pore_map
from chipsim.report.pore_picture import pore_filter_picture
from chipsim.report.spiral_figures import along_the_way, arrivals
from chipsim.report.spiral_maps import section_map, ways
from chipsim.report.spiral_picture import spiral_picture
from chipsim.report.style import save_png

__all__ = [
    "along_the_way",
    "arrivals",
    "breakage_curve",
    "chip_plan",
    "cluster_chip_picture",
    "filtration_history",
    "flow_map",
    "flow_shares",
    "membrane_plan",
    "opening_flows",
    "patch_map",
    "pore_filter_picture",
    "pore_map",
    "recovery_over_time",
    "retained_by_kind",
    "retention_against_flow_rate",
    "retention_curve",
    "save_png",
    "section_map",
    "shear_map",
    "shear_profile",
    "spiral_picture",
    "ways",
]
