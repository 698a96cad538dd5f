"""The floor plan of a chip as a drawing: load of each core as heat, load of each link as width."""

from __future__ import annotations

import math

import numpy as np

from pycosim.comparison.table import number, with_prefix
from pycosim.report.theme import HEAT, escaped, heat
from pycosim.results import CoreTable, HardwareRecord

MARGIN = 1.5
"""In distances between cores, as all that follows is drawn."""
SIDE = 0.66
MAX_CELL_PX = 72
MAX_WIDTH_PX = 560
MAX_WIDE_PX = 1100
LINK_COLOUR = "#D55E00"


def floor_plan(hardware: HardwareRecord) -> str:
    """Return the HTML of the used part of a chip's floor plan; empty where no core is used.

    Cores are coloured by the share of the run that they were at work. Links are drawn in their direction,
    on the right, as wide as they carried flits.
    """
    cores = hardware.cores
    if not len(cores.core):
        return ""
    cell = _cell(cores)
    side = SIDE * cell
    left, right, low, high = extent(hardware)
    load, unit = core_load(hardware)
    largest = max(load.max(), 1e-300)
    width_px = min(MAX_WIDE_PX if is_wide(hardware) else MAX_WIDTH_PX, MAX_CELL_PX * (right - left) / cell)
    # The drawing's y axis points down, the chip's up.
    view = f"{left:.3f} {-high:.3f} {right - left:.3f} {high - low:.3f}"
    body = _empty_cells(hardware, left, right, low, high) + _links(hardware, cell)
    for row in range(len(cores.core)):
        tip = escaped(_describe(cores, row, f"{number(load[row])} {unit}", hardware.steps_are_timed))
        colour = heat(load[row] / largest)
        body += (
            f'<rect x="{cores.x[row] - side / 2:.3f}" y="{-cores.y[row] - side / 2:.3f}" width="{side:.3f}" '
            f'height="{side:.3f}" rx="{side / 10:.3f}" fill="{colour}"><title>{tip}</title></rect>'
        )
    svg = (
        f'<svg class="floor" role="img" aria-label="floor plan" viewBox="{view}" '
        f'style="width:{width_px:.0f}px">{body}</svg>'
    )
    scale = f'<span class="scale" style="background:linear-gradient(90deg,{",".join(HEAT)})"></span>'
    caption = f"Cores: 0 {scale} {number(largest)} {unit}. {_link_caption(hardware)} {_region(hardware)}"
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def extent(hardware: HardwareRecord) -> tuple[float, float, float, float]:
    """Return the smallest and largest x, then y, of the used part of the floor with its neighbours."""
    cores, links = hardware.cores, hardware.links
    margin = MARGIN * _cell(cores)
    ends = []
    for places, size in (
        (np.r_[cores.x, links.x_from, links.x_to], hardware.shape[0]),
        (np.r_[cores.y, links.y_from, links.y_to], hardware.shape[1]),
    ):
        first, last = float(np.floor(places.min())), float(np.ceil(places.max()))
        ends.append(max(first - margin, min(-0.5, first - 0.5)))
        ends.append(min(last + margin, max(size - 0.5, last + 0.5)))
    return ends[0], ends[1], ends[2], ends[3]


def is_wide(hardware: HardwareRecord) -> bool:
    """Return whether the used part of the floor is a strip that wants the page's whole width."""
    if not len(hardware.cores.core):
        return False
    left, right, low, high = extent(hardware)
    return right - left > 3 * (high - low)


def core_load(hardware: HardwareRecord) -> tuple[np.ndarray, str]:
    """Return each core's load, (n_cores,) float64, and its unit: its work, else synaptic events.

    Work is counted by the time that it takes: more than was available where a core could not keep up.
    """
    duration_ps = len(hardware.step_duration_ps) * hardware.period_ps
    if hardware.discipline == "barrier":
        duration_ps = int(hardware.step_duration_ps.sum())
    if duration_ps and hardware.cores.busy_ps.any():
        return 100 * hardware.cores.busy_ps / duration_ps, "% of the available time"
    return hardware.cores.synaptic_events.astype(float), "synaptic events"


def _cell(cores: CoreTable) -> float:
    """Return the smallest distance between two columns or rows of cores, at most 1."""
    gaps = [np.diff(np.unique(values.round(6))) for values in (cores.x, cores.y)]
    smallest = min((gap.min() for gap in gaps if len(gap)), default=1.0)
    return min(float(smallest), 1.0)


def _empty_cells(hardware: HardwareRecord, left: float, right: float, low: float, high: float) -> str:
    """Return outlines of the cores that are not used, where cores lie on a grid."""
    cores = hardware.cores
    if (cores.x % 1).any() or (cores.y % 1).any():
        return ""
    used = set(zip(cores.x.astype(int).tolist(), cores.y.astype(int).tolist(), strict=True))
    columns = range(max(0, math.ceil(left)), min(hardware.shape[0] - 1, math.floor(right)) + 1)
    rows = range(max(0, math.ceil(low)), min(hardware.shape[1] - 1, math.floor(high)) + 1)
    return "".join(
        f'<rect class="empty" x="{x - 0.33:.2f}" y="{-y - 0.33:.2f}" width="0.66" height="0.66" rx="0.066"/>'
        for y in rows
        for x in columns
        if (x, y) not in used
    )


def _links(hardware: HardwareRecord, cell: float) -> str:
    """Return the links as lines; the two directions of one pair lie side by side."""
    links = hardware.links
    across, up = links.x_to - links.x_from, links.y_to - links.y_from
    length = np.hypot(across, up)
    largest = max(links.flits.max(initial=0), 1)
    drawn = []
    for row in np.flatnonzero(length > 0):
        right_x, right_y = 0.08 * cell * up[row] / length[row], -0.08 * cell * across[row] / length[row]
        x1, y1 = links.x_from[row] + right_x, links.y_from[row] + right_y
        x2, y2 = links.x_to[row] + right_x, links.y_to[row] + right_y
        share = links.flits[row] / largest
        ends = f"({links.x_from[row]:g}, {links.y_from[row]:g}) → ({links.x_to[row]:g}, {links.y_to[row]:g})"
        drawn.append(
            f'<line x1="{x1:.3f}" y1="{-y1:.3f}" x2="{x2:.3f}" y2="{-y2:.3f}" stroke="{LINK_COLOUR}" '
            f'stroke-opacity="{0.25 + 0.75 * share:.2f}" stroke-width="{(0.015 + 0.11 * share) * cell:.3f}">'
            f"<title>link {ends}: {links.flits[row]:,} flits</title></line>"
        )
    return "".join(drawn)


def _describe(cores: CoreTable, row: int, load: str, timed: bool) -> str:
    busy = with_prefix(cores.busy_ps[row] * 1e-12, "s") if timed else "a time that is unknown"
    relays = f" and {cores.relays[row]:,} relays" if cores.relays[row] else ""
    return (
        f"core {cores.core[row]}: {load}\n"
        f"{cores.neurons[row]:,} neurons{relays}, {cores.synapses[row]:,} synapses\n"
        f"{cores.spikes[row]:,} spikes, {cores.synaptic_events[row]:,} synaptic events\n"
        f"{cores.packets_in[row]:,} packets in, {cores.packets_out[row]:,} out\n"
        f"busy for {busy}"
    )


def _link_caption(hardware: HardwareRecord) -> str:
    links = hardware.links
    if not len(links.flits):
        return "No link carried a flit."
    busiest = int(np.argmax(links.flits))
    return (
        f"Links: width and strength by flits, at most {links.flits[busiest]:,}, from "
        f"({links.x_from[busiest]:g}, {links.y_from[busiest]:g}) to "
        f"({links.x_to[busiest]:g}, {links.y_to[busiest]:g})."
    )


def _region(hardware: HardwareRecord) -> str:
    columns, rows = hardware.shape
    n_cores = len(hardware.cores.core)
    used = "1 core" if n_cores == 1 else f"{n_cores:,} cores"
    return f"{used} in use, of a floor of {columns} × {rows}; the used part is shown."
