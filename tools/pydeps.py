"""What tools/env asks of a Python: can it serve, and what must pip add to it?

Standard library only, as it runs in any Python: `python3 tools/pydeps.py probe|requirements|pins|parent`.
"""

import importlib.metadata as metadata
import importlib.util
import os
import re
import sys
import sysconfig

DOLFINX = ((0, 9), (0, 12))  # from, and up to but without
# Compiled packages that belong together with DOLFINx: pip must not put a second one over them.
COMPILED = ["numpy", "scipy", "h5py", "mpi4py", "petsc4py", "gmsh", "shapely", "matplotlib", "meshio"]


def version(name):
    """Installed version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def probe():
    """Print this Python and its DOLFINx when both are recent enough; else fail."""
    spec = importlib.util.find_spec("dolfinx")
    number = tuple(int(n) for n in re.findall(r"\d+", version("fenics-dolfinx") or "")[:2])
    if sys.version_info < (3, 11) or spec is None or not DOLFINX[0] <= number < DOLFINX[1]:
        sys.exit(1)
    print(sys.executable, spec.origin, version("fenics-dolfinx"))


def requirements():
    """Print what pip has to see to of pyproject.toml with all its extras; nothing if all is there."""
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "..", "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    lines, complete = [], True
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    for line in dict.fromkeys(project["dependencies"] + extras):
        name = re.match(r"[\w.-]+", line)[0]
        there = importlib.util.find_spec(name.replace("-", "_")) is not None
        # Compiled packages that are there stay, whatever their metadata say (conda's gmsh may have none, Debian
        # sid's shapely calls itself 0+unknown).
        if not (there and (name in COMPILED or version(name) is None)):
            lines.append(line)
            complete = complete and version(name) is not None
    print("\n".join(lines if not complete else []))


def pins():
    """Print the compiled packages that are there, as constraints for pip."""
    print("\n".join(f"{name}=={version(name)}" for name in COMPILED if version(name)))


def parent():
    """Print a .pth line for a venv made from this Python when it is a venv itself; else nothing."""
    if sys.prefix != sys.base_prefix:
        print(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})")


if __name__ == "__main__":
    {f.__name__: f for f in (probe, requirements, pins, parent)}[sys.argv[1]]()
