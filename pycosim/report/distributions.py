"""Distributions of all targets over each other: inter-spike intervals, latencies, steps, energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pycosim.comparison import Comparison, interspike_intervals, latency_by_distance, neuron_spikes
from pycosim.comparison.table import with_prefix
from pycosim.comparison.timing import PS_PER_US
from pycosim.report.theme import DASHES, SERIES, embed, escaped, figure, logarithmic
from pycosim.results import RunResult

if TYPE_CHECKING:
    import plotly.graph_objects as go

N_BINS = 60
WIDE = 20.0
"""Ratio of the largest to the smallest value above which a vertical axis is logarithmic."""
MAX_STEPS = 1500
"""Steps above which a plot over time shows each stretch's median and maximum instead."""


def style(comparison: Comparison, result: RunResult) -> dict:
    """Return the line that stands for a target in every plot; later ones thinner, so that equals all show."""
    number = next(i for i, other in enumerate(comparison.results) if other is result)
    width = max(3.5 - 0.6 * number, 1.2)
    return {"color": SERIES[number % len(SERIES)], "width": width, "dash": DASHES[number % len(DASHES)]}


def isi_plot(comparison: Comparison) -> str:
    """Return the HTML of the inter-spike-interval distributions; empty where no neuron fires twice."""
    if comparison.reference is None:
        return ""
    intervals = {}
    for result in comparison.results:
        if result.error is None:
            intervals[id(result)] = interspike_intervals(*neuron_spikes(result))[1] * result.dt_ms
    plot = _histograms(
        comparison,
        intervals,
        "inter-spike interval (ms)",
        "intervals (% per decade)",
        grid=comparison.reference.dt_ms,
    )
    return embed(plot, "Inter-spike intervals of all neurons that are not sources.") if plot else ""


def latency_plot(comparison: Comparison) -> str:
    """Return the HTML of the latency distributions; empty without chips."""
    latencies = {
        id(result): result.hardware.packets.latency_ps / PS_PER_US
        for result in comparison.results
        if result.hardware is not None and result.error is None
    }
    plot = _histograms(comparison, latencies, "latency (µs)", "packets (% per decade)")
    caption = (
        "From the firing of a neuron to when its synapses on a core can act, for all packets that arrived."
    )
    return embed(plot, caption) if plot else ""


def distance_plot(comparison: Comparison) -> str:
    """Return the HTML of latency against distance on the chip; empty where none is known."""
    plot = figure(height=320)
    for result in comparison.results:
        if result.hardware is None or result.error is not None:
            continue
        found = latency_by_distance(result.hardware)
        if len(found.distance) > 1:
            line = style(comparison, result)
            for name, values, symbol, width in (
                ("mean", found.mean_us, "circle", 1.5),
                ("95 %", found.p95_us, "triangle-up", 0.8),
            ):
                plot.add_scatter(
                    x=found.distance,
                    y=values,
                    mode="lines+markers",
                    name=escaped(result.target),
                    legendgroup=result.target,
                    showlegend=name == "mean",
                    hovertemplate=f"{name} at %{{x:g}}: %{{y:.3g}} µs",
                    marker={"symbol": symbol, "size": 6},
                    line=line | {"width": width},
                )
    if not plot.data:
        return ""
    _make_room(plot, len(plot.data) // 2)
    values = np.concatenate([curve.y for curve in plot.data])
    spread = values.min() > 0 and values.max() > WIDE * values.min()
    plot.update_xaxes(title_text="distance between the cores (core units)")
    plot.update_yaxes(
        title_text="latency (µs)",
        **(logarithmic(values.min(), values.max()) if spread else {"rangemode": "tozero"}),
    )
    caption = (
        "Latency against the distance of sender and receiver on the floor plan (hops, on a mesh with a "
        "router at each core). Circles: mean; triangles: 95 %."
    )
    return embed(plot, caption)


def _histograms(
    comparison: Comparison,
    values: dict[int, NDArray[np.float64]],
    x_title: str,
    y_title: str,
    *,
    grid: float = 0.0,
) -> go.Figure | None:
    """Return a plot of the targets' values by logarithmic bins; None where there are no values.

    Values that lie on a grid get bins whose edges lie half-way between its points.
    """
    positive = {key: found[found > 0] for key, found in values.items()}
    low = min((found.min() for found in positive.values() if len(found)), default=None)
    if low is None:
        return None
    high = max(found.max() for found in positive.values() if len(found))
    edges = np.geomspace(low / 1.02, high * 1.02, N_BINS + 1)
    if grid:
        lowest = np.round(low / grid)
        edges = np.unique(np.r_[lowest - 0.5, np.maximum(np.floor(edges / grid), lowest) + 0.5]) * grid
    decades = np.diff(np.log10(edges))
    plot = figure(height=320)
    for result in comparison.results:
        found = positive.get(id(result), np.empty(0))
        if len(found):
            share = np.histogram(found, edges)[0] / len(found) / decades * 100
            plot.add_scatter(
                x=np.repeat(edges, 2)[1:-1], y=np.repeat(share, 2), mode="lines", name=escaped(result.target),
                line=style(comparison, result), hovertemplate="%{x:.3g}: %{y:.3g} %",
            )  # fmt: skip
    _make_room(plot, len(plot.data))
    plot.update_xaxes(title_text=x_title, **logarithmic(low, high))
    plot.update_yaxes(title_text=y_title, rangemode="tozero")
    return plot


def _make_room(plot: go.Figure, n_names: int) -> None:
    """Make a narrow plot as high as its legend asks for, which may have a line for each name."""
    plot.update_layout(height=280 + 20 * max(n_names, 2))


def step_plot(result: RunResult) -> str:
    """Return the HTML of a chip's step durations against their budget; empty where nothing is known."""
    hardware = result.hardware
    durations = hardware.step_duration_ps / PS_PER_US
    if not len(durations) or not hardware.steps_are_timed:
        return ""
    budget = hardware.period_ps / PS_PER_US
    stretch = -(-len(durations) // MAX_STEPS)
    starts = np.arange(0, len(durations), stretch)
    times = starts * result.dt_ms
    plot = figure(height=260)
    largest = np.maximum.reduceat(durations, starts)
    if stretch > 1:
        medians = np.array([np.median(part) for part in np.split(durations, starts[1:])])
        plot.add_scatter(
            x=times, y=largest, name=f"longest of {stretch} steps", line={"color": SERIES[1], "width": 1}
        )
        plot.add_scatter(x=times, y=medians, name="median", line={"color": SERIES[0], "width": 1.5})
    else:
        plot.add_scatter(x=times, y=durations, name="step", line={"color": SERIES[0], "width": 1.2})
    plot.add_scatter(
        x=[0, len(durations) * result.dt_ms], y=[budget, budget], name=f"budget {budget:g} µs", mode="lines",
        line={"color": SERIES[5], "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    plot.update_xaxes(title_text="model time (ms)")
    low, high = sorted((float(np.median(durations)), budget))
    spread = low > 0 and max(high, largest.max()) > WIDE * low
    plot.update_yaxes(
        title_text="duration (µs)",
        **(logarithmic(low, max(high, largest.max())) if spread else {"rangemode": "tozero"}),
    )
    kind = "to the end of the barrier" if hardware.discipline == "barrier" else "of the busiest core"
    over = f"{hardware.overruns:,} of {len(durations):,} steps are longer than the budget."
    return embed(plot, f"Time of each step {kind}, against what it may take at this speed. {over}")


def energy_plot(comparison: Comparison) -> str:
    """Return the HTML of the energy by cause; empty without chips."""
    pairs = [(s, s.energy) for s in comparison.summaries if s.energy is not None and s.energy.known_j]
    if not pairs:
        return ""
    causes = list(dict.fromkeys(cause for _, energy in pairs for cause in energy.known_j))
    plot = figure(height=110 + 56 * len(pairs), barmode="stack", bargap=0.45)
    plot.update_layout(legend={"traceorder": "normal"})
    names = [escaped(summary.target) for summary, _ in pairs]
    for number, cause in enumerate(causes):
        hatching = ["/" if cause in energy.assumed or cause in energy.range_j else "" for _, energy in pairs]
        values = [energy.known_j.get(cause, 0.0) for _, energy in pairs]
        totals = [energy.total_j or 1.0 for _, energy in pairs]
        plot.add_bar(
            y=names, x=[100 * v / t for v, t in zip(values, totals, strict=True)], orientation="h",
            name=escaped(cause), customdata=[with_prefix(v, "J") for v in values],
            hovertemplate="%{customdata} (%{x:.1f} %)",
            marker={"color": SERIES[number % len(SERIES)], "pattern": {"shape": hatching, "size": 6}},
        )  # fmt: skip
    for name, (_, energy) in zip(names, pairs, strict=True):
        bound = "≥ " if energy.is_lower_bound else ""
        plot.add_annotation(
            x=101,
            y=name,
            text=f"<b>{bound}{with_prefix(energy.total_j, 'J')}</b>",
            showarrow=False,
            xanchor="left",
        )
    plot.update_xaxes(
        title_text="share of the known energy (%)", range=[0, 118], tickvals=[0, 25, 50, 75, 100]
    )
    plot.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    return embed(plot, "Hatched: the constant is uncertain (assumed, recalled, or given with bounds).")
