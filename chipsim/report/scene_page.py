"""A scene as a page that draws it in the browser by vtk.js, through trame's serialiser; needs pyvista and trame-vtk.

Only :mod:`chipsim.report.space` imports this module, where both are there.
"""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from typing import Any

import matplotlib
import numpy as np
import pyvista as pv
from matplotlib.colors import Colormap, Normalize, to_hex, to_rgb
from numpy.typing import NDArray
from trame_vtk.modules.vtk.serializers import (
    SynchronizationContext,
    extract_array_hash,
    initialize_serializers,
    reference_id,
    serialize,
)
from trame_vtk.tools.vtksz2html import write_html
from vtkmodules.vtkRenderingCore import vtkRenderer
from vtkmodules.vtkRenderingOpenGL2 import vtkGenericOpenGLRenderWindow

from chipsim.report.scenes import PRESSURE, SPEED, Part, Scene
from chipsim.report.style import INK, LINE, MAKO, PAPER, SOLID
from chipsim.report.units import SCALES, number, speed_unit

_COLOURS: dict[str, Colormap] = {PRESSURE: matplotlib.colormaps["cividis"], SPEED: MAKO}
_LABELS = {PRESSURE: "pressure on the walls", SPEED: "speed"}
_PLAIN = "#d5dae1"
_ANGLE = 30.0  # that the camera sees, degrees
_STOPS = 9


def page(scene: Scene) -> str:
    """The scene as an HTML page; drag to turn, wheel to come nearer."""
    scales = {q: _scale(scene, q) for q in _COLOURS if any(p.quantity == q for p in scene.parts)}
    window = _window(scene, scales)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.json", json.dumps(_described(window)))
    out = io.StringIO()
    write_html(packed.getvalue(), out)
    # Its script would fetch icons for the tab.
    whole = re.sub(r"https://kitware\.github\.io/[\w/-]*favicon-", "data:,", out.getvalue())
    before, body, after = whole.rpartition("</body>")
    return f"{before}{_legend(scene, scales)}{body}{after}"


def _scale(scene: Scene, quantity: str) -> Normalize:
    if quantity == PRESSURE and scene.pressures is not None:
        return Normalize(*scene.pressures, clip=True)
    values = np.concatenate([p.shape[quantity] for p in scene.parts if p.quantity == quantity])
    return Normalize(0.0 if quantity == SPEED else float(values.min()), float(values.max()), clip=True)


def _window(scene: Scene, scales: dict[str, Normalize]) -> Any:
    """The scene in a window of VTK's that is never drawn: no screen and no OpenGL is asked for."""
    renderer = vtkRenderer()
    renderer.SetBackground(to_rgb(PAPER))
    for part in scene.parts:
        renderer.AddActor(_actor(part, scales))
    bounds = np.array([p.shape.bounds for p in scene.parts]).reshape(-1, 3, 2)
    low, high = bounds[:, :, 0].min(axis=0), bounds[:, :, 1].max(axis=0)
    middle, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    towards = np.array(scene.towards) / np.linalg.norm(scene.towards)
    away = radius / np.sin(np.radians(_ANGLE / 2))
    camera = renderer.GetActiveCamera()
    camera.SetViewAngle(_ANGLE)
    camera.SetFocalPoint(middle)
    camera.SetPosition(middle - away * towards)
    camera.SetViewUp(scene.up)
    camera.SetClippingRange(away / 1000, 10 * away)
    window = vtkGenericOpenGLRenderWindow()
    window.AddRenderer(renderer)
    return window


def _actor(part: Part, scales: dict[str, Normalize]) -> pv.Actor:
    """A shape with a colour at every point."""
    shape = part.shape.copy()
    shape.clear_data()
    shape.points = shape.points.astype(np.float32)
    if part.quantity is None:
        mapper = pv.DataSetMapper(shape)
        mapper.scalar_visibility = False
    else:
        shape["colours"] = _colours(part.shape[part.quantity], scales[part.quantity], part.quantity)
        shape.set_active_scalars("colours")
        mapper = pv.DataSetMapper(shape)
        mapper.scalar_visibility = True
        mapper.scalar_map_mode = "point"
        mapper.color_mode = "direct"
    actor = pv.Actor(mapper=mapper)
    actor.prop.color = SOLID if part.solid else _PLAIN
    # Colours are read off a scale: they are shaded little, lines not at all.
    actor.prop.lighting = True
    actor.prop.ambient, actor.prop.diffuse = (1.0, 0.0) if shape.n_lines else (0.5, 0.5)
    actor.prop.opacity = part.opacity
    actor.prop.line_width = 2
    return actor


def _colours(values: NDArray[Any], scale: Normalize, quantity: str) -> NDArray[np.uint8]:
    return np.asarray(_COLOURS[quantity](scale(values), bytes=True))[:, :3].copy()


def _described(window: Any) -> dict[str, Any]:
    """What the script in the page reads: the objects, and the arrays that they name."""
    initialize_serializers()
    context = SynchronizationContext()
    context.set_ignore_last_dependencies(True)
    camera = window.GetRenderers().GetFirstRenderer().GetActiveCamera()
    objects = serialize(None, window, reference_id(window), context, 1)
    objects["extra"] = {
        "vtkRefId": reference_id(window),
        "centerOfRotation": camera.GetFocalPoint(),
        "camera": reference_id(camera),
    }
    arrays = {
        entry["hash"]: {**entry, "content": context.get_cached_data_array(entry["hash"])}
        for entry in extract_array_hash(objects)
    }
    return {"hashes": arrays, "scene": objects}


def _legend(scene: Scene, scales: dict[str, Normalize]) -> str:
    """Title and scales over the picture."""
    rows = [f"<p>{html.escape(scene.title)}</p>"]
    for quantity, scale in scales.items():
        assert scale.vmin is not None and scale.vmax is not None
        unit = speed_unit(scale.vmax) if quantity == SPEED else "kPa" if scale.vmax >= 1e4 else "Pa"
        stops = ", ".join(to_hex(_COLOURS[quantity](i / (_STOPS - 1))) for i in range(_STOPS))
        low, high = (number(v / SCALES[unit], 2) for v in (scale.vmin, scale.vmax))
        rows.append(
            f'<p>{_LABELS[quantity]}, {unit}<span style="background: linear-gradient(to right, {stops})"></span>'
            f"<b>{low}</b><b>{high}</b></p>"
        )
    style = (
        f"#scales {{ position: fixed; left: 0; bottom: 0; padding: 4px 12px; width: 220px; font: 13px sans-serif; color: {INK}; "
        f"background: {PAPER}; border: 1px solid {LINE}; pointer-events: none }} #scales p {{ margin: 6px 0 }} "
        "#scales span { display: block; height: 10px; margin: 3px 0 } "
        "#scales b { font-weight: normal } #scales b + b { float: right }"
    )
    return f'<style>{style}</style><div class="content"></div><div id="scales">{"".join(rows)}</div>'
