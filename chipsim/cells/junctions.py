"""What flow experiments say about the force that parts two cells of a cluster.

All are derived from a shear stress at which clusters fell apart or did not, through the force between
touching spheres.
"""

from __future__ import annotations

from dataclasses import dataclass


def wall_attached_force(wall_shear_stress: float, radius: float) -> float:
    """Drag on a sphere that touches a wall in shear, N (Goldman 1967: 1.7009 x 6 pi; coefficient recalled).

    Args:
        wall_shear_stress: Pa.
        radius: Of the sphere, m.
    """
    return 32.05 * wall_shear_stress * radius**2


def doublet_force(shear_stress: float, radius: float) -> float:
    """Largest pull between two touching spheres in free shear, N.

    Tha & Goldsmith 1986, Biophys J 50:1109; coefficient recalled.

    Args:
        shear_stress: Pa.
        radius: Of each sphere, m.
    """
    return 19.33 * shear_stress * radius**2


@dataclass(frozen=True)
class JunctionEvidence:
    """One experiment: did clusters hold at this shear stress?"""

    population: str
    shear_stress: float  # Pa
    holds: bool
    on_wall: bool
    source: str

    def force(self, radius: float) -> float:
        """The force on a junction between cells of that radius (m), N."""
        return (wall_attached_force if self.on_wall else doublet_force)(self.shear_stress, radius)


EVIDENCE = (
    JunctionEvidence(
        "E-cadherin-negative", 0.35, False, True, "Byers 1995, J Cell Sci 108:2053 (read, abstract)"
    ),
    JunctionEvidence(
        "E-cadherin-positive", 10.0, True, True, "Byers 1995, J Cell Sci 108:2053 (read, abstract)"
    ),
    JunctionEvidence("HeLa", 15.0, True, False, "PANDA, Zhan 2024, Adv Sci 11:2405853 (read, abstract)"),
)

# Stress on the cells themselves, Pa: what is known to harm or spare them.
MEMBRANE_SHEAR_LIMITS = (
    (1.5, "15 dyn/cm2, at which few circulating cells die (Regmi 2017, Sci Rep 7:39975)"),
    (6.0, "60 dyn/cm2, which kills more than 90 % of them (Regmi 2017, Sci Rep 7:39975)"),
    (15.0, "15 Pa, the most that clusters are known to survive for 20 s (PANDA, Zhan 2024, PMC11515904)"),
)
