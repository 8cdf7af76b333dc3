"""Flows in space: the shapes are those of the device, the values those of the flow; pages hold them; a figure without pyvista."""

import base64
import io
import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from matplotlib.figure import Figure

import chipsim
from geometries.mesh import UNIT

pytest.importorskip("dolfinx")
pv = pytest.importorskip("pyvista")
pytest.importorskip("trame_vtk")

from chipsim.report import scenes  # noqa: E402
from chipsim.report.scene_page import page  # noqa: E402

CHIP = chipsim.Operation(flow_rate="2.5 mL/h", viscosity="4 mPa s", volume="5 mL")
FILTER = chipsim.Operation(pressure="1 kPa", fluid="water", volume="1 mL")
SPIRAL = chipsim.Operation(sample_flow_rate="100 uL/min", sheath_flow_rate="750 uL/min", fluid="water")


@pytest.fixture(scope="module")
def chip():
    return chipsim.solve(chipsim.ClusterChip(), model="3d")


@pytest.fixture(scope="module")
def pore():
    return chipsim.solve(chipsim.PoreFilter())


@pytest.fixture(scope="module")
def spiral():
    return chipsim.solve(chipsim.Spiral(), operation=SPIRAL)


def part(scene, name):
    return next(p.shape for p in scene.parts if p.name == name)


def test_the_grid_is_what_was_solved(chip):
    grid, mesh = scenes.grid(chip, CHIP), chip.cell.field.mesh
    velocity, pressure = chip.fields(CHIP)
    assert grid.n_cells == len(mesh.cells) and set(grid.celltypes) == {pv.CellType.QUADRATIC_TETRA}
    assert grid.volume == pytest.approx(mesh.measure(), rel=1e-4)
    assert np.array_equal(grid["velocity_m_per_s"], velocity) and np.array_equal(
        grid["pressure_pa"], pressure
    )
    # Nodes in VTK's order: each lies between the two corners of its edge; in the middle, but where the cell is curved.
    cells = grid.points[grid.cells_dict[pv.CellType.QUADRATIC_TETRA]]
    edges = np.array([(0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)])
    aside = np.linalg.norm(cells[:, 4:] - cells[:, edges].mean(axis=2), axis=2)
    long = np.linalg.norm(np.diff(cells[:, edges], axis=2)[:, :, 0], axis=2)
    assert np.median(aside) < 1e-9 and (aside < 0.25 * long).all()


def test_the_chip_has_whole_pillars_and_lines_through_both_rows(chip):
    scene, field = scenes.scene(chip, CHIP), chip.cell.field
    pillars = field.on("pillars")
    assert part(scene, "pillars").area == pytest.approx(4 * pillars.weights.sum(), rel=1e-3)
    outline = chip.chip.pillar().polygon(1e-3)
    assert part(scene, "cut").area == pytest.approx(4 * outline.area, rel=1e-3)  # two, and one and two halves
    _, pressure = chip.fields(CHIP)
    on_pillars = np.unique(field.mesh.facets[field.facets("pillars")])
    assert np.ptp(part(scene, "pillars")["pressure_pa"]) == pytest.approx(np.ptp(pressure[on_pillars]))
    lines = part(scene, "streamlines")
    end = field.mesh.points[:, 0].max()
    through = [lines.get_cell(k).points[:, 0].max() > end - 0.5 for k in range(lines.n_cells)]
    assert np.mean(through) > 0.9
    assert (
        0.5 * chip.peak_speed(CHIP.flow_rate)
        < lines["speed_m_per_s"].max()
        <= chip.peak_speed(CHIP.flow_rate) * 1.01
    )


def test_a_pore_is_turned_round_its_axis_and_cut_open(pore):
    scene, membrane = scenes.scene(pore, FILTER), pore.membrane
    radius, length = membrane.diameter / 2 / UNIT, membrane.thickness / UNIT
    assert part(scene, "bore").area == pytest.approx(np.pi * radius * length, rel=2e-3)
    x0, x1, y0, _, z0, z1 = part(scene, "membrane").bounds
    assert (y0, z0, z1) == pytest.approx((0, 0, length), abs=1e-6) and x1 == pytest.approx(-x0)
    assert part(scene, "cut").area == pytest.approx(2 * (x1 - radius) * length)
    top = part(scene, "streamlines")["speed_m_per_s"].max()
    assert (
        0.9 * pore.to_dict(FILTER)["peak_speed_m_per_s"]
        < top
        <= 1.01 * pore.to_dict(FILTER)["peak_speed_m_per_s"]
    )
    assert scene.pressures == (0, 1000)


def test_in_space_a_pore_looks_the_same(pore):
    flow = chipsim.solve(chipsim.PoreFilter(), model="3d")
    scene, flat = scenes.scene(flow, FILTER), scenes.scene(pore, FILTER)
    assert part(scene, "bores").area == pytest.approx(part(flat, "bore").area, rel=5e-3)
    assert part(scene, "membrane").bounds[1] == pytest.approx(2 * 8, rel=0.01)  # twice the pore to both sides
    assert part(scene, "streamlines")["speed_m_per_s"].max() == pytest.approx(
        part(flat, "streamlines")["speed_m_per_s"].max(), rel=0.1
    )


def test_the_spiral_is_its_channel_with_the_sections(spiral):
    scene, device = scenes.scene(spiral, SPIRAL), spiral.spiral
    plan = device.length * device.width / UNIT**2
    assert part(scene, "half-way up").area == pytest.approx(plan, rel=1e-3)
    assert part(scene, "walls").area == pytest.approx(
        plan + 2 * device.length * device.height / UNIT**2, rel=1e-3
    )
    sections = part(scene, "sections").point_data_to_cell_data().compute_cell_sizes()
    assert sections["Area"].sum() == pytest.approx(5 * device.area / UNIT**2, rel=1e-9)
    mean = np.average(sections["speed_m_per_s"], weights=sections["Area"])
    assert mean == pytest.approx(spiral.mean_speed(SPIRAL), rel=0.01)
    assert np.ptp(part(scene, "walls")["pressure_pa"]) == pytest.approx(
        spiral.pressure_drop(SPIRAL), rel=1e-4
    )


def described(html):
    """What the script of a page reads."""
    data = re.search(r'base64Str = "([^"]+)"', html).group(1)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(data))) as archive:
        return json.loads(archive.read("index.json"))


def test_the_page_holds_every_shape_with_its_colours(pore):
    scene = scenes.scene(pore, FILTER)
    html = page(scene)
    told = described(html)
    (renderer,) = told["scene"]["dependencies"]
    actors = [d for d in renderer["dependencies"] if "Actor" in d["type"]]
    assert len(actors) == len(scene.parts)
    shapes = [
        next(d for d in a["dependencies"][0]["dependencies"] if d["type"] == "vtkPolyData") for a in actors
    ]
    for shape, drawn in zip(scene.parts, shapes, strict=True):
        points = told["hashes"][drawn["properties"]["points"]["hash"]]
        assert len(base64.b64decode(points["content"])) == 12 * shape.shape.n_points
        colours = [f for f in drawn["properties"]["fields"] if f["name"] == "colours"]
        assert len(colours) == (0 if shape.quantity is None else 1)
    assert "A pore, cut open." in html and "<b>0</b><b>1000</b>" in html
    assert not re.search(r"""(src|href)=["']https?:""", html) and "favicon" not in html


def test_a_view_shows_itself_and_is_written(pore, tmp_path):
    view = chipsim.view(pore, FILTER)
    assert view._repr_html_().startswith("<iframe srcdoc=")
    view.write(tmp_path / "flow.html")
    assert (tmp_path / "flow.html").read_text(encoding="utf-8") == view.page
    assert [path.name for path in tmp_path.iterdir()] == ["flow.html"]
    with pytest.raises(chipsim.DesignError):
        view.write(tmp_path / "flow.html" / "flow.html")


@pytest.mark.parametrize("missing", ["pyvista", "trame_vtk"])
def test_without_pyvista_it_is_a_figure(chip, pore, spiral, monkeypatch, missing):
    for name in ("chipsim.report.scenes", "chipsim.report.scene_page"):
        monkeypatch.delitem(sys.modules, name)
    for name in [n for n in sys.modules if n.split(".")[0] == missing]:
        monkeypatch.setitem(sys.modules, name, None)
    for flow, operation in ((chip, CHIP), (pore, FILTER), (spiral, SPIRAL)):
        with pytest.warns(UserWarning, match=f"{missing}.* is not installed, so here is a figure"):
            assert isinstance(chipsim.view(flow, operation), Figure)


def test_a_plane_flow_is_a_figure():
    flow = chipsim.solve(chipsim.ClusterChip(), model="2d")
    with pytest.warns(UserWarning, match='model "2d" is plane'):
        assert isinstance(chipsim.view(flow, CHIP), Figure)


def test_importing_chipsim_does_not_load_it():
    code = (
        "import sys, chipsim; print([n for n in ('pyvista', 'trame_vtk', 'vtkmodules') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
