"""The process in which points are computed: ``python -m chipsim.study.worker FOLDER``.

It says ``{"ready": true}``, reads a point a line (JSON) from standard input, keeps its outcome in the folder and answers with a
line: ``{"status": ...}``, or ``{"stopped": SENTENCE}`` where nothing can be kept. Whoever started it may end it at any time.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

from chipsim.study.points import DONE, FAILED, REFUSED, Options, Outcome, Point, keep
from chipsim.study.processes import end_with
from geometries import DesignError


def compute(point: Point) -> Outcome:
    """Run a point; whatever goes wrong is its outcome."""
    from chipsim.study.run import run
    from geometries.mesh import MeshError

    try:
        result = run(point.design, compare=False, **asdict(point.options))
        assert result is not None
        return Outcome(DONE, result=result.to_dict())
    except DesignError as error:
        return Outcome(REFUSED, _one_line(error))
    except MeshError as error:
        return Outcome(FAILED, _one_line(error))
    except MemoryError:
        return Outcome(FAILED, "out of memory; coarsen the mesh")
    except Exception as error:
        # SolverError lives in a module that needs PETSc; anything else is a mistake of chipsim's own.
        if type(error).__name__ != "SolverError":
            traceback.print_exc()
            return Outcome(FAILED, f"{type(error).__name__}: {_one_line(error)}")
        return Outcome(FAILED, _one_line(error))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def main() -> None:
    """Read points and compute them until there are no more."""
    folder = Path(sys.argv[1])
    end_with(os.getppid())
    # Libraries print to standard output; the answers go by a channel of their own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    import chipsim.study.run  # noqa: F401  (what takes long to load is no time of a point)

    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        given = json.loads(line)
        point = Point(given["tables"], Options(**given["options"]))
        outcome = compute(point)
        try:
            keep(folder, point, outcome)
        except OSError as error:
            answers.write(
                json.dumps({"stopped": f"{folder} cannot be written: {error.strerror or error}"}) + "\n"
            )
            return
        answers.write(json.dumps({"status": outcome.status}) + "\n")


if __name__ == "__main__":
    main()
