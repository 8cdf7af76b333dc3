"""What a device does to what it is given: retained, passed or broken. One module a device; numpy and scipy."""

from chipsim.capture.assumptions import Assumptions
from chipsim.capture.calibration import Calibration, calibrate_tension
from chipsim.capture.cluster_chip import Capture, Entry, against_flow_rate, capture, check
from chipsim.capture.published import Comparison, comparison
from chipsim.capture.setting import Setting
from chipsim.capture.statistics import Fraction
from chipsim.capture.trap import Trap

__all__ = [
    "Assumptions",
    "Calibration",
    "Capture",
    "Comparison",
    "Entry",
    "Fraction",
    "Setting",
    "Trap",
    "against_flow_rate",
    "calibrate_tension",
    "capture",
    "check",
    "comparison",
]
