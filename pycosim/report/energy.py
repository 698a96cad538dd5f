"""Energy in figures: by cause, by population and by core."""

from __future__ import annotations

import math

from pycosim.comparison import Comparison, Summary
from pycosim.comparison.table import DASH, between, with_prefix
from pycosim.comparison.table import energy as total_text
from pycosim.report.theme import breakable, escaped
from pycosim.results import RunResult

MAX_CORES = 8
_MORE = "more cores"
UNKNOWN_NOTE = "Unknown: the chip's description has no constant for it, so the total leaves it out."
RANGE_NOTE = (
    "Ranges: where a constant is assumed (a factor of 2 either way) or recalled (1.25), or where its "
    "description gives bounds; the range of the total has all at their ends."
)


def energy_table(comparison: Comparison) -> str:
    """Return the energy by cause, with ranges and the causes that nothing is known about."""
    chips = [summary for summary in comparison.summaries if summary.energy is not None]
    results = {id(s): r for s, r in zip(comparison.summaries, comparison.results, strict=True)}
    causes = dict.fromkeys(cause for s in chips for cause in results[id(s)].hardware.energy_j)
    if not causes:
        return ""
    head = "".join(f"<th>{breakable(summary.target)}</th>" for summary in chips)
    rows = ""
    for cause in causes:
        cells = "".join(f"<td>{_cell(summary, cause)}</td>" for summary in chips)
        rows += f"<tr><th scope='row'>{escaped(cause)}</th>{cells}</tr>"
    totals = "".join(f"<td><b>{escaped(total_text(s.row))}</b>{_total_range(s)}</td>" for s in chips)
    rows += f"<tr><th scope='row'><b>total</b></th>{totals}</tr>"
    notes = UNKNOWN_NOTE if any(summary.energy.unknown for summary in chips) else ""
    if any(summary.energy.range_j for summary in chips):
        notes += f" {RANGE_NOTE}"
    return (
        f"<div class='wide'><table class='small'><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody>"
        f"</table></div>{f'<p class=note>{notes.strip()}</p>' if notes else ''}"
    )


def _cell(summary: Summary, cause: str) -> str:
    energy = summary.energy
    if cause in energy.unknown:
        return "unknown"
    if cause not in energy.known_j:
        return DASH
    assumed = " (assumed)" if cause in energy.assumed else ""
    return escaped(with_prefix(energy.known_j[cause], "J")) + assumed + _range(energy.range_j.get(cause))


def _total_range(summary: Summary) -> str:
    return _range(summary.energy.total_range_j) if summary.energy.range_j else ""


def _range(bounds: tuple[float, float] | None) -> str:
    if bounds is None or not bounds[1]:
        return ""
    return f"<br><small>{escaped(between(*bounds, 'J'))}</small>"


def energy_by_place(result: RunResult) -> str:
    """Return the energy of the populations and of the cores that take most; empty where nothing is known."""
    hardware = result.hardware
    if not hardware.energy_of_core_j:
        return ""
    ends = ["total", "low", "high"]
    populations = result.population_energy()[ends]
    cores = hardware.core_energy(static=False)[ends].sort_values("total", ascending=False)
    shown = [(f"core {core}", *values) for core, *values in cores.head(MAX_CORES).itertuples()]
    if len(cores) > MAX_CORES:
        rest = cores.iloc[MAX_CORES:].sum(min_count=1)
        shown.append((f"{len(cores) - MAX_CORES:,} {_MORE}", *rest))
    if "static" in hardware.energy_j:
        shown.append(("static", *populations.iloc[-1]))
    is_partial = any(energy is None for cause, energy in hardware.energy_j.items() if cause != "static")
    return (
        f"<div><h3>Energy by population</h3>{_listed(list(populations.itertuples(name=None)), is_partial)}"
        f"<p class='note'>All that the spikes of a population cause, and the updates of its neurons.</p>"
        f"<h3>Energy by core</h3>{_listed(shown, is_partial)}</div>"
    )


def _listed(energies: list[tuple[str, float, float, float]], is_partial: bool) -> str:
    """Return a table of totals and their ranges, with a bar for each that is one population's or core's."""
    has_bar = [
        not (name == "static" or name.endswith(_MORE) or math.isnan(total)) for name, total, *_ in energies
    ]
    totals = [total for (_, total, *_), own in zip(energies, has_bar, strict=True) if own]
    largest = max(totals, default=0.0) or 1.0
    rows = ""
    for (name, total, low, high), own in zip(energies, has_bar, strict=True):
        share = 100 * total / largest if own else 0.0
        bar = f"<span style='width:{share:.1f}%'></span>" if share else ""
        rows += (
            f"<tr><th scope='row'>{escaped(str(name))}</th><td class='bar'>{bar}</td>"
            f"<td>{_place_total(total, low, high, is_partial and name != 'static')}</td></tr>"
        )
    return f"<table class='limits'><tbody>{rows}</tbody></table>"


def _place_total(total: float, low: float, high: float, is_partial: bool) -> str:
    if math.isnan(total):
        return "unknown"
    text = ("≥ " if is_partial else "") + with_prefix(total, "J")
    return escaped(text) + (_range((low, high)) if low < high else "")
