"""Figures of a run, a sweep or an optimisation, for notebooks and the page.

Each is a ``matplotlib.figure.Figure`` of its own; nothing global is touched.

>>> from chipsim.report import figures
>>> figures.flow_map(flow, flow_rate=6.94e-10, viscosity=4e-3)  # doctest: +SKIP
"""

from chipsim.report.curves import breakage_curve, retention_against_flow_rate, retention_curve
from chipsim.report.maps import cluster_chip_picture, flow_map, shear_map, shear_profile
from chipsim.report.optimum_figures import (
    along_the_front,
    constraint_margins,
    objective_slices,
    pareto_front,
    trial_history,
)
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
from chipsim.report.study_overview import parallel_points, rank_correlations
from chipsim.report.style import save_png
from chipsim.report.sweep_figures import main_effects, result_curves
from chipsim.report.sweep_maps import result_map

__all__ = [
    "along_the_front",
    "along_the_way",
    "arrivals",
    "breakage_curve",
    "cluster_chip_picture",
    "constraint_margins",
    "filtration_history",
    "flow_map",
    "flow_shares",
    "main_effects",
    "membrane_plan",
    "objective_slices",
    "opening_flows",
    "parallel_points",
    "pareto_front",
    "patch_map",
    "pore_filter_picture",
    "pore_map",
    "rank_correlations",
    "recovery_over_time",
    "result_curves",
    "result_map",
    "retained_by_kind",
    "retention_against_flow_rate",
    "retention_curve",
    "save_png",
    "section_map",
    "shear_map",
    "shear_profile",
    "spiral_picture",
    "trial_history",
    "ways",
]
