"""Runs one script on several targets and says where, and why, they differ."""

from pycosim.comparison.comparison import Comparison
from pycosim.comparison.distances import rate_correlation, spike_train_distances
from pycosim.comparison.driver import compare
from pycosim.comparison.energy import EnergySummary, energy_summary
from pycosim.comparison.intervals import (
    IsiDistortion,
    interspike_intervals,
    isi_distortion,
    packet_isi_distortion,
)
from pycosim.comparison.levels import compare_levels, levels_table
from pycosim.comparison.spikes import (
    Divergence,
    SpikeMatch,
    first_divergence,
    match_spikes,
    mean_rate_hz,
    neuron_spikes,
)
from pycosim.comparison.summary import Settings, Summary
from pycosim.comparison.timing import (
    LatencyByDistance,
    latency_by_distance,
    latency_percentiles_us,
    real_time_factor,
    spike_disorder,
    step_durations_us,
)

__all__ = [
    "Comparison",
    "Divergence",
    "EnergySummary",
    "IsiDistortion",
    "LatencyByDistance",
    "Settings",
    "SpikeMatch",
    "Summary",
    "compare",
    "compare_levels",
    "energy_summary",
    "first_divergence",
    "interspike_intervals",
    "isi_distortion",
    "latency_by_distance",
    "latency_percentiles_us",
    "levels_table",
    "match_spikes",
    "mean_rate_hz",
    "neuron_spikes",
    "packet_isi_distortion",
    "rate_correlation",
    "real_time_factor",
    "spike_disorder",
    "spike_train_distances",
    "step_durations_us",
]
