"""Parametric generators: from a device's parameters to outline, mesh, solid and mask. Knows nothing of chipsim."""

from geometries.cluster_chip import ClusterChip
from geometries.device import Device, Limits, Problem
from geometries.pore_filter import PoreFilter
from geometries.quantities import DesignError
from geometries.spiral import Spiral

#: Every kind of device that a TOML file can name under ``device.kind``.
KINDS: dict[str, type[Device]] = {cls.kind: cls for cls in (ClusterChip, PoreFilter, Spiral)}

__all__ = ["KINDS", "ClusterChip", "DesignError", "Device", "Limits", "PoreFilter", "Problem", "Spiral"]
