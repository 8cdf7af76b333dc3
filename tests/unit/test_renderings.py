"""All renderings agree: every mesh, surface and solid is read back and has the volume, areas, names and gap of the plan."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from shapely import Polygon, get_parts, unary_union

from geometries import ClusterChip, DesignError
from geometries.cad import export
from geometries.outline import Outline, smallest_gap
from geometries.pore_filter import PoreFilter
from geometries.spiral import Spiral
from geometries.stack import around
from renderings import IN_SPACE, lengths, read, read_step
from test_spiral import ROOF, SMALL

LATTICE = PoreFilter(
    placement="square", diameter="5 um", density="5e5 /cm^2", thickness="2 um", tolerance="0 %"
)
#: Device, part and size of block.
PIECES = {
    "chip_cell": (ClusterChip(), "cell", None),
    "chip_block": (ClusterChip(), "array", (2, 2)),
    "pore": (PoreFilter(), "cell", None),
    "pores": (LATTICE, "array", 4),
    "quarter": (Spiral(**SMALL), "cell", None),
    "spiral": (Spiral(**SMALL), "array", None),
}
MADE = [(piece, of) for piece in PIECES for of in ("fluid", "body", "mould")]
# A membrane has no mould; body and mould of a cell are those of a block, of a whole spiral those of its quarter.
MADE = [
    (p, of)
    for p, of in MADE
    if (p[:4], of) != ("pore", "mould") and (p not in ("chip_cell", "spiral") or of == "fluid")
]
MESHES = tuple(kind for kind in IN_SPACE if kind not in ("stl", "step"))
UM = 1e-6


@pytest.fixture(scope="module", params=MADE, ids="-".join)
def written(request, tmp_path_factory) -> tuple[str, str, Path, str]:
    """A piece, what is made of it, the folder of its files and the beginning of their names."""
    piece, of = request.param
    device, part, block = PIECES[piece]
    folder = tmp_path_factory.mktemp(f"{piece}-{of}")
    files = export(device, IN_SPACE, folder, what=part, of=of, block=block)
    assert sorted(files) == sorted(folder.iterdir())
    (stem,) = {file.stem for file in files if file.suffix == ".step"}
    return piece, of, folder, stem


def expected(piece: str, of: str) -> tuple[float, dict[str, float]]:
    """Volume, um3, and area of each named part of the border, um2, from the plan."""
    device, name, size = PIECES[piece]
    outline = device.part(name, size).plan
    return (_of_plate if outline.plate else _of_channel)(device, outline, of)


def _frame(outline: Outline) -> dict[str, float]:
    """Whole length of the frame by name."""
    found: dict[str, float] = {}
    for s in outline.frame.segments:
        if hasattr(s, "name") and not hasattr(s, "knots") and not hasattr(s, "centre"):
            found[s.name] = found.get(s.name, 0.0) + float(np.hypot(*np.subtract(s.end, s.start)))
    return found


def _of_channel(device, outline: Outline, of: str) -> tuple[float, dict[str, float]]:
    depth, fluid, wet = outline.depth, outline.area(), lengths(outline)
    x0, y0, x1, y1 = around(outline)
    block, whole = (x1 - x0) * (y1 - y0), 2 * depth
    plate, rest = whole - depth, block - fluid
    walls = {name: length * depth for name, length in wet.items()}
    if of == "fluid":
        return fluid * depth, {**walls, "floor": fluid, "ceiling": fluid}
    cut = block == pytest.approx(outline.frame.area)  # at mirror planes: the frame's sides are the block's
    sides = _frame(outline) if cut else {"side": 2 * (x1 - x0 + y1 - y0)}
    if of == "body":
        for name, length in sides.items():
            walls[name] = length * whole - walls.get(name, 0.0)
        return rest * depth + block * plate, {**walls, "floor": rest, "ceiling": fluid, "top": block}
    for name, length in sides.items():
        walls[name] = length * plate + walls.get(name, 0.0)
    return block * plate + fluid * depth, {**walls, "base": block, "floor": rest, "ceiling": fluid}


def _of_plate(device, outline: Outline, of: str) -> tuple[float, dict[str, float]]:
    thickness, plate, borders = outline.depth, outline.area(), lengths(outline)
    block, tank = outline.frame.area, 10 * device.size / 2 / UM
    areas = {"membrane": 2 * plate, "pore": borders["pore"] * thickness}
    if of == "body":
        return plate * thickness, {
            **areas,
            **{n: borders[n] * thickness for n in ("symmetry_x", "symmetry_y")},
        }
    for name, length in _frame(outline).items():
        areas[name] = length * (2 * tank + thickness) - borders[name] * thickness
    return 2 * tank * block + (block - plate) * thickness, {**areas, "inlet": block, "outlet": block}


def straight_error(piece: str, kind: str) -> float:
    """How much area a wall of straight cells may lack: only patches of pores are cut more coarsely than 1e-4."""
    return 1.8e-3 if (piece, kind) == ("pores", "msh22") else 1e-4


def test_every_format_has_volume_areas_and_names_of_the_plan(written):
    piece, of, folder, stem = written
    volume, areas = expected(piece, of)
    areas = {name: area for name, area in areas.items() if area > 1e-6}
    for kind in (*MESHES, "stl"):
        ending = {"msh22": "_3d_msh22.msh", "stl": ".stl"}.get(kind, f"_3d.{kind}")
        found = read(folder / f"{stem}{ending}", kind)
        # Of a plate with straight-sided pores the pores are a tenth.
        assert found.volume == pytest.approx(
            volume, rel=1e-4 if of != "body" else straight_error(piece, kind)
        ), kind
        assert found.areas == pytest.approx(areas, rel=straight_error(piece, kind)), kind
        assert found.names == set(areas) | (set() if kind == "stl" else {of}), kind
        size = found.corners[1] - found.corners[0]
        # Where a bend is outermost there need not be a node.
        bent = of == "fluid" and piece in ("quarter", "spiral")
        assert size == pytest.approx(reach(piece, of), rel=1e-3 if bent else 1e-5), kind


def reach(piece: str, of: str) -> list[float]:
    device, name, size = PIECES[piece]
    outline = device.part(name, size).plan
    x0, y0, x1, y1 = outline.frame.polygon().bounds if of == "fluid" else around(outline)
    height = outline.depth if of == "fluid" or outline.plate else 2 * outline.depth
    tanks = 2 * 10 * device.size / 2 / UM if (of, outline.plate) == ("fluid", True) else 0.0
    return [x1 - x0, y1 - y0, height + tanks]


def test_the_solid_has_them_too_exactly_in_opencascades_own_reader(written):
    piece, of, folder, stem = written
    volume, areas = expected(piece, of)
    solid = read_step(folder / f"{stem}.step")
    # OpenCASCADE's spline through the knots of a spiral is not quite the outline's.
    near = 5e-6 if piece in ("quarter", "spiral") else 1e-7
    assert solid.volume == pytest.approx(volume, rel=near)
    assert sum(area for area, _ in solid.faces) == pytest.approx(sum(areas.values()), rel=near)
    assert solid.size == pytest.approx(reach(piece, of), rel=1e-5)
    if piece in ("chip_cell", "chip_block", "pore", "pores"):
        assert set(solid.curves) <= {"Line", "Circle"} and solid.curves["Circle"] >= 2


@pytest.mark.parametrize("piece", [p for p in PIECES if not p.startswith("pore")])
def test_fluid_and_body_are_the_slab_and_the_mould_is_the_fluid_on_its_plate(piece, tmp_path):
    device, name, size = PIECES[piece]
    files = export(
        device, "step", tmp_path, what=name, block=size, of=("fluid", "body", "mould"), thickness=0.4e-3
    )
    fluid, body, mould = (read_step(file).volume for file in sorted(files, key=lambda f: order(f.stem)))
    outline = device.part(name, size).plan
    x0, y0, x1, y1 = around(outline)
    block = (x1 - x0) * (y1 - y0)
    # Exact but for OpenCASCADE's quadrature along splines.
    near = 1e-6 if piece in ("quarter", "spiral") else 1e-8
    assert fluid + body == pytest.approx(block * 400, rel=near)
    assert mould - fluid == pytest.approx(block * (400 - outline.depth), rel=near)


def order(stem: str) -> int:
    return next((i for i, of in enumerate(("body", "mould"), 1) if stem.endswith(of)), 0)


@pytest.mark.parametrize("piece", ["chip_cell", "quarter", "spiral"])
def test_plane_meshes_have_area_and_lengths_of_the_plan(piece, tmp_path):
    device, name, size = PIECES[piece]
    outline = device.part(name, size).plan
    files = export(device, MESHES, tmp_path, what=name, block=size)
    for kind in MESHES:
        ending = {"msh22": "_2d_msh22.msh"}.get(kind, f"_2d.{kind}")
        found = read(next(f for f in files if f.name.endswith(ending)), kind)
        assert found.volume == pytest.approx(outline.area(), rel=1e-4), kind
        # Lines of NASTRAN are straight.
        assert found.areas == pytest.approx(lengths(outline), rel=1e-3 if kind == "nas" else 1e-4), kind


def gap(outline: Outline, name: str) -> float:
    """Smallest distance between solids, or between parts of one, within the frame."""
    frame = outline.frame.polygon(1e-5)
    whole = unary_union([s.polygon(1e-5) for s in outline.solids]).intersection(frame)
    return smallest_gap([p for p in get_parts(whole) if isinstance(p, Polygon)])


@pytest.mark.parametrize(
    ("piece", "of"), [("chip_block", "fluid"), ("chip_block", "body"), ("pores", "fluid")]
)
def test_every_format_has_the_smallest_gap(piece, of, tmp_path):
    device, name, size = PIECES[piece]
    part = device.part(name, size)
    wanted, solids = gap(part.plan, name), "pore" if part.plan.plate else "pillars"
    files = export(device, (*MESHES, "stl"), tmp_path, what=name, of=of, block=size)
    radius = device.size / UM / 2 if part.plan.plate else part.plan.tip_radius
    # Sagittas of straight cells: sides of a fifth of the radius.
    sagitta = radius * 0.2**2 / 8
    for kind in (*MESHES, "stl"):
        ending = {"msh22": "_3d_msh22.msh", "stl": ".stl"}.get(kind, f"_3d.{kind}")
        found = read(next(f for f in files if f.name.endswith(ending)), kind).gap(solids)
        allowed = 2 * sagitta * 1.1 if kind == "msh22" else 2e-3
        assert wanted - 1e-3 < found < wanted + allowed, kind


@pytest.mark.parametrize("of", ["fluid", "body", "mould"])
def test_a_sloping_ceiling_is_the_same_in_all_formats(of, tmp_path):
    spiral = Spiral(**SMALL, **ROOF)
    files = export(spiral, ("msh", "msh22", "stl", "step"), tmp_path, what="cell", of=of)
    exact = read_step(next(f for f in files if f.suffix == ".step")).volume
    for kind in ("msh", "msh22", "stl"):
        ending = {"msh22": "_3d_msh22.msh", "stl": ".stl"}.get(kind, f"_3d.{kind}")
        found = read(next(f for f in files if f.name.endswith(ending)), kind)
        assert found.volume == pytest.approx(exact, rel=1e-4), kind


def test_slanted_pores_are_the_same_in_all_formats(tmp_path):
    membrane = PoreFilter(tilt="30 deg", seed=2)
    files = export(membrane, ("stl", "step"), tmp_path, what="array", block=2, of=("fluid", "body"))
    for a, b in itertools.pairwise(sorted(files, key=lambda f: f.stem)):
        if a.stem == b.stem:
            stl, step = sorted((a, b), key=lambda f: f.suffix == ".step")
            solid = read_step(step)
            found = read(stl, "stl")
            # Pores of straight sides lack 0.7 % each.
            assert found.volume == pytest.approx(solid.volume, rel=1e-3)
            assert sum(found.areas.values()) == pytest.approx(sum(f for f, _ in solid.faces), rel=1e-3)


def test_dolfinx_reads_the_xdmf(tmp_path):
    """What is written for solvers is read by one: cells of second order, and the numbers of the facets' regions."""
    from dolfinx.io import XDMFFile
    from mpi4py import MPI

    export(ClusterChip(), ("xdmf", "vtu"), tmp_path, what="cell")
    volume, areas = expected("chip_cell", "fluid")
    for dim in (2, 3):
        stem = tmp_path / f"cluster_chip_cell_{dim}d"
        with XDMFFile(MPI.COMM_SELF, f"{stem}.xdmf", "r") as file:
            mesh = file.read_mesh(name="Grid")
        assert (mesh.topology.dim, mesh.geometry.dim) == (dim, dim)
        assert mesh.geometry.cmap.degree == 2
        found = read(stem.with_suffix(".vtu"), "vtu")
        assert len(mesh.geometry.x) > 1000
        assert mesh.topology.index_map(dim).size_local > 500 and found.volume > 0
        mesh.topology.create_connectivity(dim - 1, dim)
        with XDMFFile(MPI.COMM_SELF, f"{stem}_boundary.xdmf", "r") as file:
            border = file.read_mesh(name="Grid")
        assert border.topology.dim == dim - 1


# -- the whole chip -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "device",
    [ClusterChip(), Spiral(inner_radius="6 mm", outer_radius="7 mm", turns=0.7)],
    ids=lambda d: d.kind,
)
def test_the_envelope_of_the_whole_chip_is_the_same_in_all_formats(device, tmp_path):
    files = export(device, ("stl", "step", "msh"), tmp_path, what="chip", of=("fluid", "body"))
    plan = device.part("chip").plan
    x0, y0, x1, y1 = around(plan)
    slab = (x1 - x0) * (y1 - y0) * 2 * plan.depth
    fluid = plan.area() * plan.depth
    for file in files:
        wanted = slab - fluid if "_body" in file.stem else fluid
        if file.suffix == ".step":
            assert read_step(file).volume == pytest.approx(wanted, rel=5e-6)
        elif "_2d" not in file.stem:
            assert read(file, file.suffix[1:]).volume == pytest.approx(wanted, rel=1e-4), file.name


def test_a_whole_membrane_is_for_masks_only(tmp_path):
    with pytest.raises(DesignError, match='what = "chip" of a membrane is for masks only'):
        export(PoreFilter(), "stl", tmp_path, what="chip")
    assert list(tmp_path.iterdir()) == []
    # Left out, the membrane's whole spot is simply not among its solids.
    assert {f.name for f in export(LATTICE, "stl", tmp_path, block=4)} == {
        "pore_filter_cell.stl",
        "pore_filter_array_4.stl",
    }
