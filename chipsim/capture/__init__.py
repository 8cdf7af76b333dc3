"""What a device does to what it is given: retained, passed or broken. One module a device; numpy and scipy."""

from chipsim.capture.assumptions import Assumptions
from chipsim.capture.calibration import Calibration, calibrate_tension
from chipsim.capture.cluster_chip import against_flow_rate
from chipsim.capture.entries import Capture, Entry
from chipsim.capture.models import capture, check, comparison
from chipsim.capture.published import Comparison
from chipsim.capture.recovery import recovery, recovery_curve
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
    "recovery",
    "recovery_curve",
]
