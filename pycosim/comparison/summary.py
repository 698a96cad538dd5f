"""The figures of one target, alone and against the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pycosim.comparison.distances import rate_correlation, spike_train_distances
from pycosim.comparison.energy import EnergySummary, energy_summary
from pycosim.comparison.intervals import isi_distortion, packet_isi_distortion
from pycosim.comparison.spikes import (
    Divergence,
    SpikeMatch,
    first_divergence,
    match_spikes,
    mean_rate_hz,
    neuron_spikes,
)
from pycosim.comparison.timing import (
    PS_PER_US,
    latency_percentiles_us,
    real_time_factor,
    spike_disorder,
    step_durations_us,
)
from pycosim.results import HardwareRecord, RunResult
from pycosim.results.roundings import rounded


@dataclass
class Summary:
    """What the comparison found out about one target.

    Attributes
    ----------
    target : str
    row : dict of str to Any
        The figures, by column of `Comparison.table`; a figure that does not exist is missing.
    match : SpikeMatch or None
        None for the reference itself, and where spikes cannot be compared.
    divergence : Divergence or None
    energy : EnergySummary or None
    is_reference : bool
    remark : str
        Why spikes were not compared.
    """

    target: str
    row: dict[str, Any]
    match: SpikeMatch | None = None
    divergence: Divergence | None = None
    energy: EnergySummary | None = None
    is_reference: bool = False
    remark: str = ""

    @property
    def failed(self) -> bool:
        """Whether the target's run failed."""
        return self.row["status"] == "failed"


@dataclass(frozen=True)
class Settings:
    """How runs are compared.

    Attributes
    ----------
    window_ms : float
        Largest shift of a spike that still counts as the same one.
    distances : tuple of str
        Spike-train distances to compute: "van_rossum", "victor_purpura".
    tau_ms : float
        Their time constant.
    """

    window_ms: float = 5.0
    distances: tuple[str, ...] = field(default=())
    tau_ms: float = 10.0


def error_name(error: Exception) -> str:
    """Return the name of an error's class, also of one that was read from a run folder."""
    return getattr(error, "class_name", type(error).__name__)


def error_text(error: Exception) -> str:
    """Return an error's full text, or its class where it has none."""
    return str(error).strip() or error_name(error)


def summarise(result: RunResult, reference: RunResult | None, settings: Settings) -> Summary:
    """Return the figures of one run.

    Parameters
    ----------
    result : RunResult
    reference : RunResult or None
        The run to compare with; the same object for the reference itself.
    settings : Settings
    """
    if result.error is not None:
        text = f"{error_name(result.error)}: {error_text(result.error)}"
        return Summary(result.target, {"target": result.target, "status": "failed", "error": text})
    summary = Summary(result.target, _own_figures(result), is_reference=result is reference)
    if result.hardware is not None:
        summary.energy = energy_summary(result.hardware)
        summary.row |= _hardware_figures(result.hardware) | _energy_figures(summary.energy)
    if reference is not None and not summary.is_reference:
        summary.remark = _why_not_comparable(reference, result)
        if not summary.remark:
            _compare(summary, reference, result, settings)
    return summary


def _own_figures(result: RunResult) -> dict[str, Any]:
    return {
        "target": result.target,
        "status": "ok",
        "duration_ms": result.duration_ms,
        "neurons": len(result.neurons()),
        "synapses": result.n_synapses,
        "spikes": len(neuron_spikes(result)[0]),
        "rate_hz": mean_rate_hz(result),
        "real_time_factor": real_time_factor(result),
        "build_s": result.seconds.get("build", math.nan),
        "run_s": result.seconds.get("run", math.nan),
        "cpu_s": result.seconds.get("cpu", math.nan),
    }


def _hardware_figures(hardware: HardwareRecord) -> dict[str, Any]:
    latency, steps = latency_percentiles_us(hardware.packets), step_durations_us(hardware)
    timed = hardware.steps_are_timed
    busiest = np.argmax(hardware.cores.busy_ps) if timed and len(hardware.cores.core) else None
    return {
        "packets": hardware.sent,
        "delivered_packets": hardware.delivered,
        "late_packets": hardware.late,
        "dropped_packets": hardware.dropped,
        "in_flight_packets": hardware.in_flight,
        **{f"latency_{name}_us": value for name, value in latency.items()},
        "packet_isi_distortion_us": packet_isi_distortion(hardware.packets).mean,
        "disorder_percent": 100 * spike_disorder(hardware.packets),
        **{f"step_{name}_us": value for name, value in steps.items()},
        "step_budget_us": hardware.period_ps / PS_PER_US,
        "steps_are_timed": timed,
        **({"overruns": hardware.overruns} if timed else {}),
        "cores": len(hardware.cores.core),
        "relays": hardware.relays,
        **({} if busiest is None else {"busiest_core": int(hardware.cores.core[busiest])}),
        **_arithmetic_figures(hardware),
    }


def _arithmetic_figures(hardware: HardwareRecord) -> dict[str, Any]:
    """Return how much the chip's own arithmetic rounded, nothing where it was not asked for."""
    if not hardware.roundings:
        return {}
    columns = rounded(hardware.roundings)
    errors = np.abs(columns["relative_error"])
    return {
        "rounded_values": int(columns["count"].sum()),
        "largest_rounding_percent": 100 * float(errors.max(initial=0)),
    }


def _energy_figures(energy: EnergySummary) -> dict[str, Any]:
    return {
        "energy_j": energy.total_j,
        "energy_low_j": energy.total_range_j[0],
        "energy_high_j": energy.total_range_j[1],
        "energy_is_lower_bound": energy.is_lower_bound,
        "energy_unknown": "; ".join(energy.unknown),
        "energy_assumed": "; ".join(energy.assumed),
        "energy_uncertain": "; ".join(energy.range_j),
        **{f"energy_{cause.replace(' ', '_')}_j": value for cause, value in energy.known_j.items()},
    }


def _why_not_comparable(reference: RunResult, result: RunResult) -> str:
    """Return why the spikes of two runs cannot be set against each other; empty if they can."""

    def layout(run: RunResult) -> list[tuple[int, int, bool]]:
        return [(p.first, p.size, p.is_source) for p in run.populations]

    if layout(reference) != layout(result):
        return f"spikes not compared: the populations are not those of {reference.target}"
    if not math.isclose(reference.dt_ms, result.dt_ms):
        return (
            f"spikes not compared: steps of {result.dt_ms:g} ms, {reference.dt_ms:g} ms on {reference.target}"
        )
    return ""


def _compare(summary: Summary, reference: RunResult, result: RunResult, settings: Settings) -> None:
    """Fill in what takes both runs."""
    first, second = neuron_spikes(reference), neuron_spikes(result)
    match = match_spikes(first, second, round(settings.window_ms / result.dt_ms))
    divergence = first_divergence(match, result)
    summary.match, summary.divergence = match, divergence
    rate = summary.row["rate_hz"]
    reference_rate = mean_rate_hz(reference)
    n_reference = len(first[0])
    summary.row |= {
        "rate_change_percent": 100 * (rate / reference_rate - 1) if reference_rate else math.nan,
        "identical_spikes": match.n_identical,
        "identical_percent": 100 * match.n_identical / n_reference if n_reference else math.nan,
        "shifted_spikes": match.n_shifted,
        "mean_shift_ms": match.mean_absolute_shift_steps * result.dt_ms,
        "lost_spikes": match.n_lost,
        "added_spikes": match.n_added,
        "first_difference_ms": math.nan if divergence is None else divergence.time_ms,
        "isi_distortion_ms": isi_distortion(first, second, dt_ms=result.dt_ms).mean,
        "rate_correlation": rate_correlation(reference, result),
    }
    for kind in settings.distances:
        distances = spike_train_distances(reference, result, kind, tau_ms=settings.tau_ms)
        summary.row[f"{kind}_distance"] = float(distances.mean()) if len(distances) else math.nan


def verdict(summaries: Sequence[Summary]) -> str:
    """Return in one sentence how the targets compare with the reference."""
    failed = [summary for summary in summaries if summary.failed]
    finished = [summary for summary in summaries if not summary.failed]
    clauses = [f"{summary.target} failed ({summary.row['error'].partition(':')[0]})" for summary in failed]
    if not finished:
        return f"No target finished: {'; '.join(clauses)}." if clauses else "Nothing was run."
    reference = next(summary for summary in finished if summary.is_reference)
    count = f"{reference.row['spikes']:,} spike{'' if reference.row['spikes'] == 1 else 's'}"
    others = [summary for summary in finished if summary is not reference]
    exact = [s for s in others if s.match is not None and s.divergence is None]
    agreeing = [f"{s.target}{_lateness(s)}" for s in exact]
    if agreeing:
        verb = "gives" if len(agreeing) == 1 else "give"
        clauses.insert(0, f"{_listed(agreeing)} {verb} exactly the same spikes")
    position = len(clauses) - len(failed)
    clauses[position:position] = [_difference(s) for s in others if s not in exact]
    start = f"Against {reference.target} ({count}): " if clauses else f"{reference.target} gives {count}"
    if reference is not summaries[0]:
        start = f"{summaries[0].target} failed, so {reference.target} ({count}) is the reference: "
        clauses.remove(
            next(clause for clause in clauses if clause.startswith(f"{summaries[0].target} failed"))
        )
        clauses = clauses or ["no other target finished"]
    return f"{start}{'; '.join(clauses)}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _difference(summary: Summary) -> str:
    """Return how one target differs, as a clause."""
    if summary.match is None:
        return f"{summary.target}: {summary.remark}"
    if not summary.row["spikes"]:
        return f"{summary.target} gives no spikes{_lateness(summary)}"
    share = summary.row["identical_percent"]
    detail = f" ({share:.3g} % of spikes identical)" if math.isfinite(share) else ""
    if 99.95 <= share < 100:
        detail = f" (all but {len(summary.match.partner) - summary.match.n_identical:,} spikes identical)"
    since = f"{summary.row['first_difference_ms']:g} ms"
    return f"{summary.target} differs from {since} on{detail}{_lateness(summary)}"


def _lateness(summary: Summary) -> str:
    """Return which deadlines the chip missed, in brackets; empty if none."""
    troubles = []
    if summary.row.get("late_packets"):
        troubles.append(f"{summary.row['late_packets']:,} of {summary.row['packets']:,} packets late")
    if summary.row.get("dropped_packets"):
        troubles.append(f"{summary.row['dropped_packets']:,} dropped")
    if summary.row.get("overruns"):
        troubles.append(f"{summary.row['overruns']:,} steps over budget")
    if troubles and "busiest_core" in summary.row:
        troubles.append(f"busiest core {summary.row['busiest_core']}")
    return f" [{', '.join(troubles)}]" if troubles else ""
