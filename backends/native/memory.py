"""What memory the engine's copy of the synapses will take, before it is taken."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pycosim import _core, memory
from pycosim.network import ProceduralProjection, Projection, RemadeProjection, RowRule
from pycosim.network.plasticity import ALL_TO_ALL_RULES, TIMING_RULES
from pycosim.network.row_rule import SLOTS_PER_SOURCE, TARGET_BLOCK

# Of the engine's SynapseStore: a target, a weight of its own, a segment, the weight of a segment, a row.
TARGET_BYTES, WEIGHT_BYTES, SEGMENT_BYTES, SHARED_WEIGHT_BYTES, ROW_BYTES = 2, 7, 12, 8, 4
# Rows of at least 4 synapses, fewer than 12 of a delay, are segments of delays that differ in the lower byte.
# Each synapse has that byte; a column of them is filled up to a whole number of words.
SHORT_ROW, SHORT_RUN, DELAY_BYTES, FILLING_BYTES, DELAYS_PER_SEGMENT = 4, 12, 1, 0.5, 256
# In these, a target is a step from the one before, or an escape of 3 bytes, if at most one in 4 is an escape.
STEP_BYTES, LONGEST_STEP, ESCAPE_BYTES, ESCAPES_IN, STEPS_HEADER_BYTES = 1, 254, 2, 4, 2
# Of rows that are made when they are needed: a segment and the number of the row, and of each target its
# input and whether it is here; nothing for synapses. What counts them where weights or delays are drawn is
# there before the engine.
PROCEDURAL_ROW_BYTES, PROCEDURAL_TARGET_BYTES = SEGMENT_BYTES + 8, 5
# Of a target that has a number of different sources: its own number, how many, and the keys of a permutation.
# Of one whose sources are drawn: a count, of the targets of a block, and which synapses are its own, if
# others have another number.
CHOICE_BYTES, COUNT_BYTES, OWN_SLOTS_BYTES = 16, 4, 10
# Of a target in the tree of places that rules of the distance have: its coordinates along each axis and its
# number, and its part of boxes; and for each thread whether it is wanted, and its part of lists of boxes.
COORDINATE_BYTES, IN_TREE_BYTES, IN_TREE_BYTES_OF_THREAD = 8, 4 + 8, 3
# Of a column that is given back in pieces of 2 MiB as its rows are copied: the ends, and what is being read.
KEPT_BYTES = 3 * 2**21
# Of its PlasticStore, with its state: a synapse, a segment, and the latest spikes of a neuron with a trace,
# with factors for the time constants of each all-to-all rule.
PLASTIC_BYTES, PLASTIC_SEGMENT_BYTES, HISTORY_BYTES, FACTORS_BYTES = 16, 64, 133, 256

# Targets in a piece, and pieces, that tell what steps there are.
PIECE, N_PIECES = 2**12, 8

# Different delays, and how many synapses have each.
Kinds = tuple[NDArray[np.int64], NDArray[np.int64]]


def require_memory(projections: Sequence[Projection], n_neurons: int, n_threads: int) -> None:
    """Refuse synapses that would not fit.

    Raises
    ------
    NotEnoughMemoryError
        If there is not enough memory.
    """
    n_bytes = needed_bytes(projections, n_neurons, n_threads)
    stored = [p for p in projections if not isinstance(p, ProceduralProjection)]
    n_synapses = sum(projection.n_synapses for projection in stored)
    largest = max(stored, key=lambda projection: projection.n_synapses, default=None)
    of = f"Most of them are those of projection {largest.label!r}. " if largest is not None else ""
    memory.require(n_bytes, f"The native engine: {n_synapses} synapses need", of + memory.FEWER_SYNAPSES)


def needed_bytes(projections: Sequence[Projection], n_neurons: int, n_threads: int) -> float:
    """Return about how many bytes more there will be than now, at most, while static synapses are copied."""
    grown = sum(max(0.0, _bytes_of(p, n_threads) - _given_back(p)) for p in projections)
    return grown + _bytes_of_neurons(projections, n_neurons, n_threads)


def _given_back(projection: Projection) -> float:
    """Return the bytes of columns that go back to the system while their rows are copied."""
    is_given = isinstance(projection, RemadeProjection) and projection.can_be_given
    if not is_given or not sys.platform.startswith("linux"):
        return 0.0
    columns = projection.targets, projection.weights, projection.delays
    return float(sum(max(0, column.nbytes - KEPT_BYTES) for column in columns if np.ndim(column)))


def predicted_bytes(projections: Sequence[Projection], n_neurons: int, n_threads: int) -> float:
    """Return about how many bytes the engine will take for the projections, all plastic or all static."""
    its_bytes = sum(_bytes_of(p, n_threads) for p in projections)
    return its_bytes + _bytes_of_neurons(projections, n_neurons, n_threads)


def _bytes_of_neurons(projections: Sequence[Projection], n_neurons: int, n_threads: int) -> float:
    """Return the bytes that there are for each neuron, whatever synapses it has."""
    timing = [p.plasticity for p in projections if p.plasticity and p.plasticity.rule in TIMING_RULES]
    pairs = [plasticity.coefficients() for plasticity in timing if plasticity.rule in ALL_TO_ALL_RULES]
    taus = {(pair["tau_pre"], pair["tau_post"]) for pair in pairs}
    history = HISTORY_BYTES * bool(timing) + FACTORS_BYTES * len(taus)
    return n_neurons * (ROW_BYTES * n_threads + history)


def _bytes_of(projection: Projection, n_threads: int) -> float:
    """Return the bytes of a projection's synapses and segments.

    Rows are taken to be shared evenly by the threads, and delays to be independent of the row.
    """
    if isinstance(projection, ProceduralProjection):
        rule, n_targets, n_rows = projection.rule, len(projection.rule.post), len(projection.rule.pre)
        of_each = (PROCEDURAL_ROW_BYTES * n_rows + PROCEDURAL_TARGET_BYTES * n_targets) * n_threads
        if rule.kind == "number of sources":
            return of_each + CHOICE_BYTES * n_targets
        if rule.kind == "drawn sources":
            of_drawn = COUNT_BYTES * _targets_of_block(rule) + OWN_SLOTS_BYTES * (len(rule.n) > 1) * n_targets
            return of_each + of_drawn * n_threads
        return of_each + _tree_bytes(rule, n_threads) * n_targets
    if projection.n_synapses == 0:
        return 0.0
    delays = _kinds(np.atleast_1d(projection.delays))
    n_rows = len(projection.sources)
    mean = projection.n_synapses / (n_threads * n_rows)
    n_segments = _segments_per_row(delays, mean)
    if projection.plasticity is not None:
        n_segments *= n_threads * n_rows
        return PLASTIC_BYTES * projection.n_synapses + PLASTIC_SEGMENT_BYTES * n_segments
    has_weights = np.ndim(projection.weights) > 0
    if n_segments <= 1:  # in every row, also where there are very many
        return n_threads * _static_bytes(n_rows, mean, delays, has_weights)
    lengths = np.diff(projection.indptr) / n_threads
    is_scattered = (lengths >= SHORT_ROW) & (lengths < SHORT_RUN * n_segments)
    scattered, high_delays = lengths[is_scattered], _together(delays)
    saved = 0.0
    if len(scattered):
        n_parts = _segments_per_row(high_delays, scattered.mean())
        saved = _saved_by_steps(projection.targets, scattered.mean() / n_parts, n_parts) * scattered.sum()
    return n_threads * (
        _static_bytes(*_rows(lengths[~is_scattered]), delays, has_weights)
        + _static_bytes(*_rows(scattered), high_delays, has_weights)
        + (DELAY_BYTES * scattered + FILLING_BYTES).sum()
        - saved
    )


def _tree_bytes(rule: RowRule, n_threads: int) -> float:
    """Return the bytes of a target in the tree of places; 0 if the rule has none."""
    if rule.bounds is None:
        return 0.0
    return COORDINATE_BYTES * len(rule.places[1]) + IN_TREE_BYTES + IN_TREE_BYTES_OF_THREAD * n_threads


def _targets_of_block(rule: RowRule) -> float:
    """Return about how many targets are drawn together where sources are drawn for each."""
    share = SLOTS_PER_SOURCE * len(rule.pre) / max(rule.n_expected, 1.0)
    return min(len(rule.post), max(TARGET_BLOCK, share * len(rule.post)))


def _saved_by_steps(targets: NDArray[np.int32], length: float, n_parts: float) -> float:
    """Return the bytes that steps save for each target, in segments of a length into which rows are cut."""
    firsts = np.linspace(0, max(len(targets) - PIECE, 0), N_PIECES).astype(np.int64)
    steps = np.concatenate([np.diff(targets[first : first + PIECE]) for first in firsts])
    share = ((steps < 0) | (steps * n_parts > LONGEST_STEP)).mean() if len(steps) else 1.0
    if share > 1 / ESCAPES_IN:
        return 0.0
    return TARGET_BYTES - STEP_BYTES - ESCAPE_BYTES * share - STEPS_HEADER_BYTES / length


def _rows(lengths: NDArray[np.float64]) -> tuple[int, float]:
    """Return how many rows there are, and how long they are on average."""
    return len(lengths), float(lengths.mean()) if len(lengths) else 0.0


def _static_bytes(n_rows: int, length: float, delays: Kinds, has_weights: bool) -> float:
    """Return the bytes of rows without what tells the delays of a segment apart."""
    if n_rows == 0:
        return 0.0
    n_segments = _segments_per_row(delays, length) * n_rows
    per_synapse = TARGET_BYTES + WEIGHT_BYTES * has_weights
    per_segment = SEGMENT_BYTES + SHARED_WEIGHT_BYTES * (not has_weights)
    return per_synapse * length * n_rows + per_segment * n_segments


def _segments_per_row(delays: Kinds, row_length: float) -> float:
    """Return how many different delays a row will have on average."""
    share = delays[1] / delays[1].sum()
    return min(row_length, np.minimum(1 - (1 - share) ** row_length, share * row_length).sum())


def _kinds(delays: NDArray[np.integer]) -> Kinds:
    """Return the different delays, ascending, and how many synapses have each."""
    shortest, longest = int(delays.min()), int(delays.max())
    if longest - shortest >= len(delays):  # counting would take more memory than the delays
        kinds, counts = np.unique(delays, return_counts=True)
        return kinds.astype(np.int64), counts
    counts = _core.counts_from(np.ascontiguousarray(delays, np.int32), shortest, longest - shortest + 1)
    there = np.flatnonzero(counts)
    return there + shortest, counts[there]


def _together(delays: Kinds) -> Kinds:
    """Return what one segment can have, instead of delays."""
    kinds, which = np.unique(delays[0] // DELAYS_PER_SEGMENT, return_inverse=True)
    return kinds, np.bincount(which, delays[1]).astype(np.int64)
