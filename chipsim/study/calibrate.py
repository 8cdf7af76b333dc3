"""The command that recalibrates: ``python -m chipsim.study.calibrate [--write]``.

Solves the flow through the published chip in 3-D (or takes it from the store), fits the one calibrated number on it, and
shows it beside the stored one; ``--write`` stores it in ``chipsim/cells/calibration.toml``. To be run after a change of the
default mesh or of the capture model; a test compares the stored number with a fresh one.
"""

from __future__ import annotations

import argparse
import sys

from chipsim.capture.calibration import Calibration, calibrate_tension, stored, write
from chipsim.study.solve import solve
from geometries import ClusterChip


def calibrate() -> Calibration:
    """Fit the tension on the published chip at its published operation (that of the stored calibration)."""
    chip = ClusterChip()
    flow = solve(chip, "3d", progress=lambda text: print(text, file=sys.stderr))
    return calibrate_tension(chip, flow, stored())


def main(arguments: list[str] | None = None) -> None:
    """Recalibrate from the command line."""
    parser = argparse.ArgumentParser(prog="python -m chipsim.study.calibrate", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the new calibration")
    given = parser.parse_args(arguments)
    old, new = stored(), calibrate()
    low, high = (1e6 * t for t in new.tension_ci95)
    print(f"stored {old.tension * 1e6:.4f} pN/um at {old.pressure:.4f} Pa")
    print(
        f"now    {new.tension * 1e6:.4f} pN/um at {new.pressure:.4f} Pa (Monte Carlo 95 %: {low:.3f} to {high:.3f})"
    )
    if given.write:
        print(f"wrote {write(new)}")


if __name__ == "__main__":
    main()
