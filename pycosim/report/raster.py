"""Rasters of all targets over each other, with what differs from the reference in colour."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycosim.comparison import Comparison, Summary, neuron_spikes
from pycosim.report.theme import NEUTRAL, SPIKE_COLOURS, common_layout, embed, escaped
from pycosim.results import RunResult

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_POINTS = 100_000
"""Spikes in all panels together above which they are drawn as images."""

GL_POINTS = 8_000
"""Above this, points are drawn by WebGL."""

IMAGE_SIZE = (1200, 300)
DOT_PX = 2
MAX_LABELS = 8
SYMBOLS = {
    "same": "circle",
    "later": "triangle-right",
    "earlier": "triangle-left",
    "lost": "x-thin",
    "added": "cross-thin",
}
NAMES = {
    "same": "same as the reference",
    "later": "shifted to later",
    "earlier": "shifted to earlier",
    "lost": "lost (at the reference's time)",
    "added": "added",
}


class Points(NamedTuple):
    """Spikes of one kind in one panel: times in ms and rows, (n,) each."""

    times_ms: NDArray[np.float64]
    rows: NDArray[np.int64]


def raster_section(comparison: Comparison) -> str:
    """Return the HTML of the rasters; empty if no target finished."""
    reference = comparison.reference
    if reference is None:
        return ""
    panels = [
        {} if result.error is not None else panel_points(result, summary)
        for result, summary in zip(comparison.results, comparison.summaries, strict=True)
    ]
    n_points = sum(len(points.rows) for panel in panels for points in panel.values())
    note = "Spikes of all neurons that are not sources. Drag to zoom; a click in the legend hides a kind."
    if n_points > MAX_POINTS:
        note = f"{n_points:,} spikes, drawn as images; the data are in spikes.npz of each target's folder."
    return embed(_draw(comparison, panels, n_points), note)


def panel_points(result: RunResult, summary: Summary) -> dict[str, Points]:
    """Return one target's spikes by kind."""
    numbers, dt_ms = result.neurons(), result.dt_ms
    match = summary.match
    if match is None:
        steps, neurons = neuron_spikes(result)
        return {"same": Points(steps * dt_ms, np.searchsorted(numbers, neurons))}
    shifts = match.target_shifts
    kinds = {
        "same": ~match.added & (shifts == 0),
        "later": shifts > 0,
        "earlier": shifts < 0,
        "added": match.added,
    }
    rows, times = np.searchsorted(numbers, match.target_neurons), match.target_steps * dt_ms
    points = {kind: Points(times[mask], rows[mask]) for kind, mask in kinds.items()}
    lost_rows = np.searchsorted(numbers, match.reference_neurons[match.lost])
    points["lost"] = Points(match.reference_steps[match.lost] * dt_ms, lost_rows)
    return {kind: found for kind, found in points.items() if len(found.rows)}


def _draw(comparison: Comparison, panels: list[dict[str, Points]], n_points: int) -> go.Figure:
    from plotly.subplots import make_subplots

    reference = comparison.reference
    n_rows = max(len(reference.neurons()), 1)
    panel_px = 180 if len(panels) <= 4 else 140
    figure = make_subplots(len(panels), 1, shared_xaxes=True, vertical_spacing=0.24 / max(len(panels), 2))
    figure.update_layout(**common_layout(), height=90 + panel_px * len(panels))
    figure.update_layout(margin={"t": 64}, legend={"y": 1 + 34 / (panel_px * len(panels))})
    figure.update_xaxes(range=[0, reference.duration_ms], showgrid=False)
    figure.update_xaxes(title_text="model time (ms)", row=len(panels), col=1)
    for number, (result, summary, panel) in enumerate(
        zip(comparison.results, comparison.summaries, panels, strict=True), start=1
    ):
        _label_panel(figure, number, result, summary)
        figure.update_yaxes(
            range=[-0.5, n_rows - 0.5], showgrid=False, row=number, col=1, **_ticks(reference)
        )
        if n_points > MAX_POINTS:
            _add_image(figure, number, panel, (reference.duration_ms, n_rows))
        else:
            _add_markers(figure, number, panel, n_points)
        figure.add_scatter(
            x=[None], y=[None], showlegend=False, row=number, col=1
        )  # axes even without spikes
    _add_legend(figure, panels)
    return figure


def _ticks(result: RunResult) -> dict:
    """Return y ticks: the label of each population at its middle, the largest populations only."""
    numbers = result.neurons()
    named = sorted((p for p in result.populations if not p.is_source), key=lambda p: -p.size)[:MAX_LABELS]
    middles = [float(np.searchsorted(numbers, p.first)) + (p.size - 1) / 2 for p in named]
    texts = [escaped(p.label if len(p.label) <= 14 else f"{p.label[:13]}…") for p in named]
    return {"tickvals": middles, "ticktext": texts, "automargin": True}


def _add_boundaries(figure: go.Figure, number: int, result: RunResult) -> None:
    """Draw a line between each two populations."""
    numbers = result.neurons()
    first = sorted(p.first for p in result.populations if not p.is_source)
    if len(first) <= MAX_LABELS:
        for neuron in first[1:]:
            place = float(np.searchsorted(numbers, neuron)) - 0.5
            figure.add_hline(place, line={"color": NEUTRAL, "width": 0.8, "dash": "dot"}, row=number, col=1)


def _label_panel(figure: go.Figure, number: int, result: RunResult, summary: Summary) -> None:
    """Write target and outcome over a panel."""
    text = f"<b>{escaped(result.target)}</b>"
    if summary.failed:
        text += f" &nbsp;failed: {escaped(summary.row['error'].partition(': ')[2].splitlines()[0])}"
    elif summary.is_reference:
        text += f" &nbsp;reference, {summary.row['spikes']:,} spikes"
    elif summary.match is None:
        text += f" &nbsp;{escaped(summary.remark)}"
    else:
        text += (
            f" &nbsp;{summary.match.n_identical:,} same, {summary.match.n_shifted:,} shifted, "
            f"{summary.match.n_lost:,} lost, {summary.match.n_added:,} added"
        )
    axis = "" if number == 1 else number
    figure.add_annotation(
        text=text, x=0, y=1, xref=f"x{axis} domain", yref=f"y{axis} domain", xanchor="left", yanchor="bottom",
        showarrow=False, font={"size": 12},
    )  # fmt: skip


def _add_markers(figure: go.Figure, number: int, panel: dict[str, Points], n_points: int) -> None:
    import plotly.graph_objects as go

    kind_of_trace = go.Scattergl if n_points > GL_POINTS else go.Scatter
    size = 2.5 if n_points > 20_000 else 3.5
    for kind, points in panel.items():
        figure.add_trace(
            kind_of_trace(
                x=points.times_ms.astype(np.float32),
                y=points.rows.astype(np.int32),
                mode="markers",
                marker=_marker(kind, size if kind == "same" else size + 1.5),
                legendgroup=kind,
                showlegend=False,
                hovertemplate=f"%{{x:.4~f}} ms, neuron %{{y}}<extra>{NAMES[kind]}</extra>",
            ),
            row=number,
            col=1,
        )


def _marker(kind: str, size: float) -> dict:
    colour = SPIKE_COLOURS[kind]
    return {
        "symbol": SYMBOLS[kind],
        "size": size,
        "color": colour,
        "line": {"color": colour, "width": _line(kind)},
    }


def _line(kind: str) -> float:
    return 1.2 if SYMBOLS[kind].endswith("thin") else 0


def _add_legend(figure: go.Figure, panels: list[dict[str, Points]]) -> None:
    """Add one legend entry for each kind of spike that occurs."""
    import plotly.graph_objects as go

    for kind in NAMES:
        if any(kind in panel for panel in panels):
            figure.add_trace(
                go.Scatter(
                    x=[None],
                    y=[None],
                    mode="markers",
                    name=NAMES[kind],
                    marker=_marker(kind, 8),
                    legendgroup=kind,
                ),
                row=1,
                col=1,
            )


def _add_image(figure: go.Figure, number: int, panel: dict[str, Points], extent: tuple[float, int]) -> None:
    axis = "" if number == 1 else number
    figure.add_layout_image(
        source=raster_image(panel, extent), x=0, y=extent[1] - 0.5, sizex=extent[0], sizey=extent[1],
        xref=f"x{axis}", yref=f"y{axis}", xanchor="left", yanchor="top", sizing="stretch", layer="above",
    )  # fmt: skip


def raster_image(panel: dict[str, Points], extent: tuple[float, int]) -> str:
    """Return the spikes of a panel as a PNG in a data address, transparent where there is none.

    Parameters
    ----------
    panel : dict of str to Points
    extent : (float, int)
        Duration in ms and number of rows that the image spans.
    """
    width, height = IMAGE_SIZE
    pixels = np.zeros((height, width, 4), np.uint8)
    for kind in NAMES:  # what differs is painted over what does not
        if kind in panel:
            column = (panel[kind].times_ms / extent[0] * width).astype(int).clip(0, width - DOT_PX)
            row = (height - 1 - panel[kind].rows * height // extent[1]).clip(0, height - DOT_PX)
            colour = [*(int(SPIKE_COLOURS[kind][i : i + 2], 16) for i in (1, 3, 5)), 255]
            for down, right in np.ndindex(DOT_PX, DOT_PX):
                pixels[row + down, column + right] = colour
    return "data:image/png;base64," + base64.b64encode(_png(pixels)).decode()


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Return (height, width, 4) RGBA pixels as a PNG file (ISO/IEC 15948), every line unfiltered."""
    height, width = pixels.shape[:2]
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 4)], axis=1)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
