"""Latency, order and duration on a chip, and the pace of a run against model time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.results import HardwareRecord, PacketTable, RunResult

PS_PER_US = 1_000_000
PS_PER_MS = 1_000_000_000
LATENCY_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class LatencyByDistance:
    """Latency of packets between cores at equal distance; all (n_distances,).

    Attributes
    ----------
    distance
        Sum of the horizontal and the vertical distance on the floor plan, in core units: on a mesh,
        the hops between the two cores' routers.
    packets
        How many arrived over that distance.
    mean_us, p95_us
        Mean and 95th percentile of their latency.
    """

    distance: NDArray[np.float64]
    packets: NDArray[np.int64]
    mean_us: NDArray[np.float64]
    p95_us: NDArray[np.float64]


def latency_percentiles_us(packets: PacketTable) -> dict[str, float]:
    """Return the latency's percentiles p50, p95, p99 and its max, in us; nan without packets."""
    latency = packets.latency_ps / PS_PER_US
    if not len(latency):
        return {f"p{p}": float("nan") for p in LATENCY_PERCENTILES} | {"max": float("nan")}
    values = np.percentile(latency, LATENCY_PERCENTILES)
    named = {f"p{p}": float(value) for p, value in zip(LATENCY_PERCENTILES, values, strict=True)}
    return named | {"max": float(latency.max())}


def latency_by_distance(hardware: HardwareRecord) -> LatencyByDistance:
    """Return the latency against the distance between the cores of sender and receiver.

    Packets from spike sources are left out: they enter the chip from outside, at no known place.
    """
    packets, cores = hardware.packets, hardware.cores
    size = 1 + max(cores.core.max(initial=-1), packets.core.max(initial=-1), 0)
    place = np.full((2, size), np.nan)
    place[:, cores.core] = cores.x, cores.y
    known = packets.arrived & (packets.source < len(hardware.core_of_neuron))
    known[known] = hardware.core_of_neuron[packets.source[known]] >= 0
    origin = hardware.core_of_neuron[packets.source[known]]
    distance = np.abs(place[:, origin] - place[:, packets.core[known]]).sum(axis=0).round(6)
    latency = (packets.arrival_ps - packets.emission_ps)[known] / PS_PER_US
    placed = np.isfinite(distance)
    distance, latency = distance[placed], latency[placed]
    order = np.argsort(distance, kind="stable")
    values, starts, counts = np.unique(distance[order], return_index=True, return_counts=True)
    groups = np.split(latency[order], starts[1:]) if len(values) else []
    return LatencyByDistance(
        values,
        counts.astype(np.int64),
        np.array([group.mean() for group in groups]),
        np.array([np.percentile(group, 95) for group in groups]),
    )


def spike_disorder(packets: PacketTable) -> float:
    """Return the fraction of arrived packets that were overtaken on the way; nan without packets.

    A packet is out of order if, at its destination core, a packet that was emitted strictly later had
    arrived strictly earlier. Packets emitted at the same time are in order however they arrive, and so are
    packets that arrive at the same time: their receiver sees no order. (The tool behind PyCARL compares
    for each pair of tiles, and counts packets of equal emission time.)
    """
    arrived = packets.arrived
    n_arrived = int(np.count_nonzero(arrived))
    if not n_arrived:
        return float("nan")
    core, arrival = packets.core[arrived], packets.arrival_ps[arrived]
    emission = np.unique(packets.emission_ps[arrived], return_inverse=True)[1].astype(np.int64)
    order = np.lexsort((arrival, core))
    core, arrival, emission = core[order], arrival[order], emission[order]
    # Emission times lifted by core: the running maximum then starts anew with each core.
    lifted = np.unique(core, return_inverse=True)[1] * (emission.max() + 1) + emission
    latest = np.maximum.accumulate(lifted)
    index = np.arange(n_arrived)
    new_time = np.r_[True, (core[1:] != core[:-1]) | (arrival[1:] != arrival[:-1])]
    before = np.maximum.accumulate(np.where(new_time, index, 0)) - 1
    overtaken = (before >= 0) & (latest[np.maximum(before, 0)] > lifted)
    return float(np.count_nonzero(overtaken) / n_arrived)


def step_durations_us(hardware: HardwareRecord) -> dict[str, float]:
    """Return the median, p99 and max of the steps' duration, in us; nan without steps, or times of cores."""
    durations = hardware.step_duration_ps / PS_PER_US
    if not len(durations) or not hardware.steps_are_timed:
        return dict.fromkeys(("median", "p99", "max"), float("nan"))
    median, p99 = np.percentile(durations, (50, 99))
    return {"median": float(median), "p99": float(p99), "max": float(durations.max())}


def real_time_factor(result: RunResult) -> float:
    """Return the seconds that a second of the model takes on the target; nan if nothing was run.

    On a chip these are hardware seconds at the speed-up asked for. One with a fixed tick, or without steps,
    keeps to its clock, so a step takes its period whatever happens; what it does not manage in time shows as
    late packets and overruns. One with a barrier waits for the period too, but takes longer where it must:
    with a large speed-up its steps follow each other at once. In software these are the run's wall-clock
    seconds.
    """
    if not result.duration_ms > 0:
        return float("nan")
    hardware = result.hardware
    if hardware is None:
        return result.seconds.get("run", float("nan")) / (result.duration_ms / 1000)
    if hardware.discipline == "barrier":
        return barrier_time_ps(hardware) / PS_PER_MS / result.duration_ms
    return hardware.period_ps / PS_PER_MS / result.dt_ms


def barrier_time_ps(hardware: HardwareRecord) -> float:
    """Return when the last step of a chip with a barrier ended.

    Step k ends its work when all steps before it have ended theirs, and not before (k + 1) periods are over;
    so the end is that of the latest step which was on time, plus the steps after it.
    """
    durations = hardware.step_duration_ps
    after = durations.sum() - np.cumsum(durations)
    on_time = hardware.period_ps * np.arange(1, len(durations) + 1)
    return float(max(durations.sum(), (on_time + after).max(initial=0)))
