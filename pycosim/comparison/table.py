"""The figures as text: metrics as rows, targets as columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pycosim.comparison.distances import DISTANCES
from pycosim.comparison.summary import Summary

DASH = "–"
PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M"}


class Section(NamedTuple):
    """A group of rows.

    Attributes
    ----------
    title : str
    rows : list of (str, list of str)
        Label, and the text for each target.
    """

    title: str
    rows: list[tuple[str, list[str]]]


def is_missing(value: Any) -> bool:
    """Return whether a figure does not exist."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def count(value: int) -> str:
    """Return a number of things."""
    return f"{value:,}"


Format = Callable[[Any], str]


def number(value: float) -> str:
    """Return a number with three significant digits, never in powers of ten between 0.001 and a million."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    if digits > 5 or digits < -4:
        return f"{value:.2e}"
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def signed(value: float) -> str:
    """Return a change with its sign; "0" where there is none."""
    return "0" if value == 0 else f"{'+' if value > 0 else '−'}{number(abs(value))}"


def exact_ms(value: float) -> str:
    """Return a time on the grid of steps."""
    return f"{value:,.10g}"


def with_prefix(value: float, unit: str) -> str:
    """Return a quantity with the decimal prefix that suits it: 1.32 mJ."""
    if value == 0:
        return f"0 {unit}"
    power = min(max(3 * math.floor(math.log10(abs(value)) / 3), min(PREFIXES)), max(PREFIXES))
    return f"{number(value / 10.0**power)} {PREFIXES[power]}{unit}"


def energy(row: dict[str, Any]) -> str:
    """Return the total energy, "≥" where a cause is unknown, or "unknown" where all are."""
    if "energy_j" not in row:
        return DASH
    if is_missing(row["energy_j"]):
        return "unknown" if row["energy_unknown"] else DASH
    return ("≥ " if row["energy_is_lower_bound"] else "") + with_prefix(row["energy_j"], "J")


def static_energy(row: dict[str, Any]) -> str:
    """Return how much of the energy is static, "unknown" where no constant is known for it."""
    if "static" in row.get("energy_unknown", "").split("; "):
        return "unknown"
    return DASH if is_missing(row.get("energy_static_j")) else with_prefix(row["energy_static_j"], "J")


def step_time(column: str, form: Format) -> Format:
    """Return how a figure of steps is written: "unknown" where no time of a core is known."""
    return lambda row: "unknown" if row.get("steps_are_timed") is False else _text(row, column, form)


def energy_range(row: dict[str, Any]) -> str:
    """Return what the known energy lies between where it rests on uncertain constants."""
    if not row.get("energy_uncertain"):
        return DASH
    return between(row["energy_low_j"], row["energy_high_j"], "J")


def between(low: float, high: float, unit: str) -> str:
    """Return a range, 1.2–2.4 mJ, or its middle where both ends look the same, 5.4 J ± 4 mJ."""
    first, last = with_prefix(low, unit), with_prefix(high, unit)
    if first == last and low < high:
        return f"{first} ± {with_prefix((high - low) / 2, unit)}"
    same = first.split(" ")[-1] == last.split(" ")[-1]
    return f"{first.split(' ')[0] if same else first}–{last}"


SECTIONS: list[tuple[str, list[tuple[str, str, Format]]]] = [
    (
        "Spikes",
        [
            ("spikes", "spikes", count),
            ("mean rate (Hz)", "rate_hz", number),
            ("rate change (%)", "rate_change_percent", signed),
            ("identical spikes", "identical_spikes", count),
            ("identical (%)", "identical_percent", number),
            ("shifted spikes", "shifted_spikes", count),
            ("mean shift (ms)", "mean_shift_ms", number),
            ("lost spikes", "lost_spikes", count),
            ("added spikes", "added_spikes", count),
            ("first difference (ms)", "first_difference_ms", exact_ms),
            ("ISI distortion (ms)", "isi_distortion_ms", number),
            ("rate correlation", "rate_correlation", lambda value: f"{value:.4f}"),
        ],
    ),
    (
        "Communication",
        [
            ("packets", "packets", count),
            ("late packets", "late_packets", count),
            ("dropped packets", "dropped_packets", count),
            ("in flight at the end", "in_flight_packets", count),
            ("latency, median (µs)", "latency_p50_us", number),
            ("latency, 95 % (µs)", "latency_p95_us", number),
            ("latency, 99 % (µs)", "latency_p99_us", number),
            ("latency, max (µs)", "latency_max_us", number),
            ("ISI distortion (µs)", "packet_isi_distortion_us", number),
            ("disorder (%)", "disorder_percent", number),
        ],
    ),
    (
        "Arithmetic",
        [
            ("rounded values", "rounded_values", count),
            ("largest rounding (%)", "largest_rounding_percent", number),
        ],
    ),
    (
        "Time and cost",
        [
            ("step, median (µs)", "", step_time("step_median_us", number)),
            ("step, 99 % (µs)", "", step_time("step_p99_us", number)),
            ("step, max (µs)", "", step_time("step_max_us", number)),
            ("step budget (µs)", "step_budget_us", number),
            ("steps over budget", "", step_time("overruns", count)),
            ("real-time factor (s/s)", "real_time_factor", number),
            ("energy", "", energy),
            ("energy, range", "", energy_range),
            ("energy, static part", "", static_energy),
            ("cores used", "cores", count),
            ("simulation time (s)", "run_s", number),
        ],
    ),
]


def sections(summaries: Sequence[Summary], score_label: str = "") -> list[Section]:
    """Return the figures as text; a row that no target has is left out.

    Parameters
    ----------
    summaries : sequence of Summary
    score_label : str
        Name of the user's own score.
    """
    rows = [summary.row for summary in summaries]
    made = []
    for title, specifications in SECTIONS:
        if title == "Spikes":
            distances = [
                (f"{kind.replace('_', ' ')} distance", f"{kind}_distance", number) for kind in DISTANCES
            ]
            specifications = [*specifications, *distances, (score_label or "score", "score", number)]
        lines = [
            (label, [_text(row, column, form) for row in rows]) for label, column, form in specifications
        ]
        lines = [line for line in lines if any(text != DASH for text in line[1])]
        if lines:
            made.append(Section(title, lines))
    return made


def _text(row: dict[str, Any], column: str, form: Format) -> str:
    if not column:
        return form(row)
    return DASH if is_missing(row.get(column)) else form(row[column])
