"""The command that recalibrates.

``python -m chipsim.capture.calibrate`` recomputes the stored calibration and shows both; ``--row-resistance
1.155e11 --plug-factor 2.0 --write`` does it for a newly solved flow of the published chip and writes the
result.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from chipsim.capture.calibration import calibrate_tension, stored, write
from chipsim.cells.table import CALIBRATION_FILE


def main(arguments: list[str] | None = None) -> None:
    """Recalibrate from the command line."""
    parser = argparse.ArgumentParser(prog="python -m chipsim.capture.calibrate", description=__doc__)
    parser.add_argument("--row-resistance", type=float, help="of the published chip, 1/m^2")
    parser.add_argument("--plug-factor", type=float)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--write", action="store_true", help=f"write {CALIBRATION_FILE}")
    given = parser.parse_args(arguments)
    old = stored()
    wanted = {"row_resistance": given.row_resistance, "plug_factor": given.plug_factor, "rows": given.rows}
    trap = replace(old.trap, **{k: v for k, v in wanted.items() if v is not None})
    new = calibrate_tension(trap, None, old)
    low, high = (1e6 * t for t in new.tension_ci95)
    print(f"stored {old.tension * 1e6:.4f} pN/um at {old.pressure:.4f} Pa")
    print(
        f"now    {new.tension * 1e6:.4f} pN/um at {new.pressure:.4f} Pa (Monte Carlo 95 %: {low:.3f} to {high:.3f})"
    )
    if given.write:
        print(f"written {write(new)}")


if __name__ == "__main__":
    main()
