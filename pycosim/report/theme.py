"""Colours and common pieces of the report's plots.

Colours are Okabe and Ito's, which readers with any colour vision can tell apart and which show on light and
dark ground alike. Colours of text, axes and grids are set by the page's script, to suit the reader's theme.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

NEUTRAL = "#7d8590"
SERIES = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C7A00", NEUTRAL),
    *("#332288", "#882255", "#44AA99", "#999933"),  # of Paul Tol's "muted" scheme
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SPIKE_COLOURS = {
    "same": NEUTRAL,
    "later": "#E69F00",
    "earlier": "#56B4E9",
    "lost": "#D55E00",
    "added": "#009E73",
}
HEAT = ("#00224E", "#35456C", "#666970", "#948E77", "#C8B866", "#FEE838")
"""Six points of the colour map cividis (Nunez, Anderton and Renslow, PLOS ONE 2018)."""


def escaped(text: Any) -> str:
    """Return text that is safe within HTML, and within a plot's labels."""
    return html.escape(str(text))


def breakable(target: str) -> str:
    """Return a target's name, escaped, that may be broken between its options."""
    return re.sub(r"([=,]|(?=\[))", r"\1<wbr>", escaped(target))


def figure(**layout: Any) -> go.Figure:
    """Return an empty plot in the report's style."""
    import plotly.graph_objects as go

    made = go.Figure()
    made.update_layout(**common_layout(), **layout)
    return made


def common_layout() -> dict[str, Any]:
    """Return what all plots have in common."""
    return {
        "template": "none",
        "margin": {"l": 64, "r": 32, "t": 36, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "hoverlabel": {"font": {"size": 12}},
        "modebar": {"orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL},
        "legend": {"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"},
    }


def embed(plot: go.Figure, caption: str = "") -> str:
    """Return the HTML of a plot, drawn by the page's script when the page opens."""
    data = plot.to_json().replace("</", "<\\/")
    height = plot.layout.height or 320
    note = f"<figcaption>{caption}</figcaption>" if caption else ""
    return (
        f'<figure><div class="plot" style="height:{height}px">'
        f'<script type="application/json">{data}</script></div>{note}</figure>'
    )


def logarithmic(low: float, high: float) -> dict[str, Any]:
    """Return a logarithmic axis from `low` to `high`: labels at 1, 2 and 5, or at powers of ten if many."""
    # With a format of its own, labels between powers of ten are whole numbers ("20"), not their first digits.
    return {"type": "log", "dtick": "D2" if high < 1000 * low else 1, "tickformat": "~g", "automargin": True}


def heat(share: float) -> str:
    """Return the heat map's colour for a share between 0 and 1."""
    place = min(max(share, 0.0), 1.0) * (len(HEAT) - 1)
    low = min(int(place), len(HEAT) - 2)
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in HEAT[low : low + 2]]
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(*ends, strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)
