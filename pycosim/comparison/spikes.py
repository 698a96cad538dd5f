"""Spikes of a target against those of a reference: matched one to one, and where they first differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.results import RunResult
from pycosim.results.roundings import rounded

Int = NDArray[np.int64]

DIVERGENCE_WINDOW_MS = 20.0
"""How long before a first difference late packets are looked for; longer than usual synaptic delays."""


@dataclass(frozen=True)
class SpikeMatch:
    """Spikes of two runs, matched one to one within each neuron.

    Attributes
    ----------
    reference_steps, reference_neurons : (n_reference,) int64 ndarray
        The reference's spikes, ordered by neuron and step.
    target_steps, target_neurons : (n_target,) int64 ndarray
        The target's spikes, in the same order.
    partner : (n_reference,) int64 ndarray
        Index of the target's spike that each of the reference's is matched with; -1 where it is lost.
    added : (n_target,) bool ndarray
        Which of the target's spikes have no partner.
    window_steps : int
    """

    reference_steps: Int
    reference_neurons: Int
    target_steps: Int
    target_neurons: Int
    partner: Int
    added: NDArray[np.bool_]
    window_steps: int

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Which of the reference's spikes have no partner, (n_reference,) bool."""
        return self.partner < 0

    @property
    def shifts(self) -> Int:
        """Target's step minus reference's step of each matched pair, (n_matched,) int64."""
        matched = ~self.lost
        return self.target_steps[self.partner[matched]] - self.reference_steps[matched]

    @property
    def target_shifts(self) -> Int:
        """Shift of each of the target's spikes, (n_target,) int64; 0 for those added."""
        shifts = np.zeros(len(self.target_steps), np.int64)
        shifts[self.partner[~self.lost]] = self.shifts
        return shifts

    @property
    def n_identical(self) -> int:
        """Pairs in the same step."""
        return int(np.count_nonzero(self.shifts == 0))

    @property
    def n_shifted(self) -> int:
        """Pairs in different steps."""
        return int(np.count_nonzero(self.shifts))

    @property
    def n_lost(self) -> int:
        """Spikes of the reference without a partner."""
        return int(np.count_nonzero(self.lost))

    @property
    def n_added(self) -> int:
        """Spikes of the target without a partner."""
        return int(np.count_nonzero(self.added))

    @property
    def mean_absolute_shift_steps(self) -> float:
        """Mean absolute shift of the shifted pairs; nan where there is none."""
        shifted = self.shifts[self.shifts != 0]
        return float(np.abs(shifted).mean()) if len(shifted) else float("nan")


@dataclass(frozen=True)
class Divergence:
    """The earliest spike that is not the same in both runs.

    Attributes
    ----------
    step : int
        When it was, in the run that had it first.
    time_ms : float
    neuron : int
        Global number.
    population : str
        Label of the neuron's population.
    index : int
        The neuron's index in its population.
    kind : {"shifted", "lost", "added"}
    shift_steps : int
        0 unless shifted; positive where the target is later.
    late_packets : (n,) int64 ndarray
        Rows of the hardware record's packet table: packets to the neuron's core that were sent in the
        last 20 ms before and acted late. Empty in software.
    missing_packets : int
        Packets to that core in the same time that never arrived.
    core : int
        The neuron's core; -1 in software.
    circumstances : tuple of str
        What else sets the target apart from the reference from the start on, in words.
    """

    step: int
    time_ms: float
    neuron: int
    population: str
    index: int
    kind: str
    shift_steps: int
    late_packets: Int
    missing_packets: int
    core: int
    circumstances: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the difference and what explains it, in words."""
        direction = "later" if self.shift_steps > 0 else "earlier"
        plural = "" if abs(self.shift_steps) == 1 else "s"
        what = {
            "lost": "does not fire on the target",
            "added": "fires on the target only",
            "shifted": f"fires {abs(self.shift_steps)} step{plural} {direction}",
        }[self.kind]
        text = f"at {self.time_ms:g} ms neuron {self.index} of {self.population} {what}"
        causes = []
        if len(self.late_packets):
            causes.append(f"{len(self.late_packets):,} acted late")
        if self.missing_packets:
            causes.append(f"{self.missing_packets:,} never arrived")
        if causes:
            text += f"; in the {DIVERGENCE_WINDOW_MS:g} ms before, of the packets to its core {self.core}, "
            text += " and ".join(causes)
        return "; ".join((text, *self.circumstances))


def neuron_spikes(result: RunResult) -> tuple[Int, Int]:
    """Return steps and global numbers of all spikes of neurons that are not spike sources."""
    keep = np.isin(result.spike_neurons, result.neurons())
    return result.spike_steps[keep], result.spike_neurons[keep]


def mean_rate_hz(result: RunResult) -> float:
    """Return the mean firing rate of the neurons that are not sources; nan without neurons or time."""
    neuron_seconds = len(result.neurons()) * result.duration_ms / 1000
    return len(neuron_spikes(result)[0]) / neuron_seconds if neuron_seconds else float("nan")


def match_spikes(reference: tuple[Int, Int], target: tuple[Int, Int], window_steps: int) -> SpikeMatch:
    """Match the spikes of two runs one to one within each neuron.

    The closest pairs are matched first (of two at the same distance, the earlier), so every spike that
    is the same in both runs is matched with itself. No pair crosses another: what remains is matched only
    between the same neighbours. Spikes further apart than `window_steps` are never matched. The
    result does not change when the two runs are exchanged.

    Parameters
    ----------
    reference, target : tuple of two (n,) int64 ndarray
        Steps and neurons of each run's spikes, in any order.
    window_steps : int
        Largest shift of a matched pair.
    """
    reference_order = np.lexsort((reference[0], reference[1]))
    target_order = np.lexsort((target[0], target[1]))
    reference_steps, reference_neurons = (column[reference_order] for column in reference)
    target_steps, target_neurons = (column[target_order] for column in target)
    partner = _closest_first(reference_steps, reference_neurons, target_steps, target_neurons, window_steps)
    added = np.ones(len(target_steps), bool)
    added[partner[partner >= 0]] = False
    return SpikeMatch(
        reference_steps, reference_neurons, target_steps, target_neurons, partner, added, window_steps
    )


def _closest_first(a_steps: Int, a_neurons: Int, b_steps: Int, b_neurons: Int, window: int) -> Int:
    """Return the partner in b of each spike in a, -1 where there is none; both by (neuron, step).

    All pairs that are each other's nearest are matched at once; they then cut their neuron's train into
    segments, in which the search goes on. Segments are laid out on one line, further apart than any
    two spikes, so that one binary search serves all.
    """
    partner = np.full(len(a_steps), -1, np.int64)
    a_left, b_left = np.arange(len(a_steps)), np.arange(len(b_steps))
    a_segment, b_segment = a_neurons, b_neurons
    stride = 2 + window + max(a_steps.max(initial=0), b_steps.max(initial=0))
    while len(a_left) and len(b_left):
        a_line = a_segment * stride + a_steps[a_left]
        b_line = b_segment * stride + b_steps[b_left]
        nearest_b, nearest_a = _nearest(a_line, b_line), _nearest(b_line, a_line)
        a_reachable = np.abs(b_line[nearest_b] - a_line) <= window
        b_reachable = np.abs(a_line[nearest_a] - b_line) <= window
        a_paired = a_reachable & (nearest_a[nearest_b] == np.arange(len(a_line)))
        if not a_paired.any():
            break
        b_paired = np.zeros(len(b_line), bool)
        b_paired[nearest_b[a_paired]] = True
        partner[a_left[a_paired]] = b_left[nearest_b[a_paired]]
        # Pairs come in the same order on both lines, so their running count numbers the segments alike.
        a_segment, b_segment = a_segment + np.cumsum(a_paired), b_segment + np.cumsum(b_paired)
        a_keep, b_keep = a_reachable & ~a_paired, b_reachable & ~b_paired
        a_left, a_segment = a_left[a_keep], a_segment[a_keep]
        b_left, b_segment = b_left[b_keep], b_segment[b_keep]
    return partner


def _nearest(points: Int, line: Int) -> Int:
    """Return the index in the ascending `line` of what is nearest to each point, the earlier of two."""
    right = np.searchsorted(line, points)
    left = np.maximum(right - 1, 0)
    right = np.minimum(right, len(line) - 1)
    return np.where(np.abs(points - line[left]) <= np.abs(line[right] - points), left, right)


def first_divergence(match: SpikeMatch, target: RunResult) -> Divergence | None:
    """Return the earliest spike that differs, the one of the lowest neuron if several do; None if none.

    Parameters
    ----------
    match : SpikeMatch
    target : RunResult
        The target's run; if it was on a chip, packets that explain the difference are looked up in it.
    """
    shifts = np.zeros(len(match.partner), np.int64)
    shifts[~match.lost] = match.shifts
    in_reference = np.flatnonzero(match.lost | (shifts != 0))
    in_target = np.flatnonzero(match.added | (match.target_shifts != 0))
    steps = np.r_[match.reference_steps[in_reference], match.target_steps[in_target]]
    if not len(steps):
        return None
    neurons = np.r_[match.reference_neurons[in_reference], match.target_neurons[in_target]]
    every_shift = np.r_[shifts[in_reference], match.target_shifts[in_target]]
    alone = np.r_[match.lost[in_reference], match.added[in_target]]
    first = np.lexsort((neurons, steps))[0]
    unmatched = "lost" if first < len(in_reference) else "added"
    return _explained(
        target,
        int(steps[first]),
        int(neurons[first]),
        unmatched if alone[first] else "shifted",
        int(every_shift[first]),
    )


def _explained(target: RunResult, step: int, neuron: int, kind: str, shift: int) -> Divergence:
    """Return the divergence with the packets that may explain it."""
    population = next(p for p in target.populations if p.first <= neuron < p.first + p.size)
    late, missing, core = np.empty(0, np.int64), 0, -1
    hardware = target.hardware
    if hardware is not None and neuron < len(hardware.core_of_neuron):
        core = int(hardware.core_of_neuron[neuron])
        packets = hardware.packets
        since = step - round(DIVERGENCE_WINDOW_MS / target.dt_ms)
        recent = (packets.core == core) & (packets.emission_step >= since) & (packets.emission_step <= step)
        late = np.flatnonzero(recent & (packets.lateness_steps > 0))
        missing = int(np.count_nonzero(recent & ~packets.arrived))
    time_ms = round(step * target.dt_ms, 9)
    index = neuron - population.first
    found = step, time_ms, neuron, population.label, index, kind, shift, late, missing, core
    return Divergence(*found, _circumstances(target))


def _circumstances(result: RunResult) -> tuple[str, ...]:
    """Return what makes a run another one before any packet is late, in words."""
    hardware = result.hardware
    if hardware is None:
        return ()
    texts = []
    if hardware.options.get("inputs") == "realtime" and hardware.overruns:
        texts.append("steps take too long, so inputs from outside come at earlier ones (inputs=realtime)")
    if len(rounded(hardware.roundings)["count"]):
        texts.append("values are rounded (arithmetic=chip)")
    return tuple(texts)
