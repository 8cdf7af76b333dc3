"""The look of all figures, and how a figure becomes part of a page; nothing here touches pyplot or global settings."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from chipsim.report.units import number

#: Colours that a page may replace, so that figures are legible on light and on dark paper.
INK, MUTED, LINE, PAPER = "#1f2a38", "#5d6978", "#d5dae1", "#fffffe"
_ON_PAGE = {INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)", PAPER: "var(--paper)"}

#: Colours for cell lines, of middle lightness: legible on both; told apart with any colour vision (after Okabe and Ito).
COLOURS = ("#2779bd", "#d9730d", "#1f9d78", "#b5529a", "#8a7a1f", "#c23b3b")
MEASURED = "#d1333f"

#: What pillars are filled with.
SOLID, SOLID_EDGE = "#20262e", "#11161c"
NIGHT = "#0d1117"
#: A membrane from above.
PLATE = "#e4e9ef"

# Of seaborn's "mako" (BSD licence): perceptually uniform, and bluish throughout, so that shear can have the warm colours.
_MAKO = (
    "#0b0405",
    "#231526",
    "#35264c",
    "#403a75",
    "#3d5296",
    "#366da0",
    "#3487a6",
    "#35a1ab",
    "#43bbad",
    "#6cd3ad",
    "#addfc1",
)
MAKO = LinearSegmentedColormap.from_list("mako", _MAKO)

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
    "svg.image_inline": True,
    "path.simplify": True,
}

_P = ParamSpec("_P")


def styled(make: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Decorate a function that makes a figure: in the house style, whatever the caller's own settings are."""

    @functools.wraps(make)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            figure = make(*args, **kwargs)
            FigureCanvasAgg(figure)
            figure.draw_without_rendering()  # ticks are made when they are drawn: here, in this style
            figure.set_layout_engine("none")  # everything has its place now
        return figure

    return wrapper


def colour_map(name: str, low: float = 0.0, high: float = 1.0) -> Colormap:
    """A perceptually uniform colour map of matplotlib, or a part of it."""
    whole = matplotlib.colormaps[name]
    return ListedColormap([whole(low + (high - low) * i / 255) for i in range(256)], f"{name}_part")


def plain(text: str) -> str:
    """A user's text as a label: no mathematics in it, and not hidden by a leading underscore."""
    return ("\u2009" + text if text.startswith("_") else text).replace("$", r"\$")


def scale_bar(axes: Axes, length: float, label: str) -> None:
    """A bar of that length, in data units, on a plate in the lower right corner."""
    from matplotlib.offsetbox import AuxTransformBox, TextArea, VPacker
    from matplotlib.patches import Rectangle

    (low, high), bar = axes.get_ylim(), AuxTransformBox(axes.transData)
    bar.add_artist(Rectangle((0, 0), length, 0.008 * (high - low), facecolor="white", edgecolor="none"))
    text = TextArea(label, textprops={"color": "white", "fontsize": 8.5})
    _on_plate(axes, VPacker(children=[text, bar], align="center", pad=0, sep=3), "lower right")


def flow_arrow(axes: Axes) -> None:
    """The direction of the flow, on a plate in the upper left corner."""
    from matplotlib.offsetbox import TextArea

    _on_plate(axes, TextArea("flow ⟶", textprops={"color": "white", "fontsize": 9.0}), "upper left")


def finish_map(axes: Axes, window: tuple[float, float, float, float], bar: float) -> None:
    """Give a map its window (x0, x1, y0, y1), no axes, the direction of the flow, and a bar of that many µm."""
    bare_map(axes, window, bar)
    flow_arrow(axes)


def bare_map(axes: Axes, window: tuple[float, float, float, float], bar: float) -> None:
    """The same, seen along the flow."""
    axes.set(xlim=window[:2], ylim=window[2:], aspect="equal", xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    scale_bar(axes, bar, f"{bar:g} µm")


def colour_bar(
    figure: Figure, axes: Axes, colours: Colormap, norm: Normalize, label: str, *, extend: bool = False
) -> None:
    """A bar of colours under a map."""
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=axes, orientation="horizontal", shrink=0.86, aspect=34, pad=0.02,
        extend="max" if extend else "neither",
    )  # fmt: skip
    bar.set_label(label)
    round_ticks(bar.ax, norm)
    bar.ax.spines["outline"].set_visible(False)


def round_ticks(axis: Axes, norm: Normalize) -> None:
    """Round numbers; where small values have more room than large ones, of the ladder 1, 2, 5."""
    if isinstance(norm, PowerNorm):
        top = norm.vmax or 0.0
        ladder = [a * 10.0**b for b in range(-6, 6) for a in (1, 2, 5)]
        ticks = [0.0, *(t for t in ladder if 0.02 * top < t <= top)]
        axis.xaxis.set_major_locator(FixedLocator(ticks))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axis.xaxis.set_minor_locator(NullLocator())
    else:
        axis.xaxis.set_major_locator(MaxNLocator(6))


def _on_plate(axes: Axes, content: Any, corner: str) -> None:
    from matplotlib.offsetbox import AnchoredOffsetbox

    box = AnchoredOffsetbox(corner, child=content, pad=0.4, borderpad=0.6)
    box.patch.set(boxstyle="round,rounding_size=0.25", facecolor="#10151b", edgecolor="none", alpha=0.8)
    box.set_zorder(9)
    axes.add_artist(box)


def svg(figure: Figure, name: str) -> str:
    """A figure as an ``<svg>`` element to stand in a page: deterministic, nothing to fetch, ids of its own.

    Args:
        figure: The figure.
        name: Unique on the page; letters, digits, hyphens.
    """
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    # Its own style a figure has already; only how text and images are written is decided here.
    written = {key: value for key, value in STYLE.items() if key.startswith("svg.")}
    with matplotlib.rc_context({**written, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata=nothing, facecolor=figure.get_facecolor())
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = text.replace(
        "image-rendering:crisp-edges;image-rendering:pixelated", ""
    )  # pictures of fields are smooth
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    for colour, variable in _ON_PAGE.items():
        text = text.replace(colour, variable)
    return re.sub(r"\n\s*", "\n", text)


def save_png(figure: Figure, path: Path, width: int = 1600) -> None:
    """Save a figure as a PNG of ``width`` pixels and 256 colours, half the size of one with all; no date in it."""
    from PIL import Image

    buffer, dpi = io.BytesIO(), width / figure.get_figwidth()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor=figure.get_facecolor())
    picture = Image.open(buffer).convert("RGB")
    # A palette that covers the rare colours too; dithering keeps the gradients free of bands.
    palette = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
