"""What memory the engine's copy of the synapses will take, before it is taken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pycosim import memory
from pycosim.network import ProceduralProjection, Projection

# Of the engine's SynapseStore: a target, a weight of its own, a segment, the weight of a segment, a row.
TARGET_BYTES, WEIGHT_BYTES, SEGMENT_BYTES, SHARED_WEIGHT_BYTES, ROW_BYTES = 2, 7, 12, 8, 4
# Of rows that are made when they are needed: a segment and the number of the row; nothing for synapses.
PROCEDURAL_ROW_BYTES = SEGMENT_BYTES + 8
# Of its PlasticStore, with its state.
PLASTIC_BYTES, PLASTIC_SEGMENT_BYTES = 17, 96


def require_memory(projections: Sequence[Projection], n_neurons: int, n_threads: int) -> None:
    """Refuse synapses that would not fit.

    Raises
    ------
    NotEnoughMemoryError
        If there is not enough memory.
    """
    n_bytes = sum(predicted_bytes(p, n_threads) for p in projections) + ROW_BYTES * n_neurons * n_threads
    stored = [p for p in projections if not isinstance(p, ProceduralProjection)]
    n_synapses = sum(projection.n_synapses for projection in stored)
    memory.require(n_bytes, f"The native engine: {n_synapses} synapses need")


def predicted_bytes(projection: Projection, n_threads: int) -> float:
    """Return about how many bytes the engine will take for a projection.

    A row of synapses is split into segments of one delay; delays are taken to be independent of the row.
    """
    if isinstance(projection, ProceduralProjection):
        return PROCEDURAL_ROW_BYTES * len(projection.sources) * n_threads
    n_synapses, n_rows = projection.n_synapses, len(projection.sources) * n_threads
    if n_synapses == 0:
        return 0.0
    delays = np.atleast_1d(projection.delays)
    _, counts = np.unique(delays, return_counts=True)
    share, row_length = counts / len(delays), n_synapses / n_rows
    per_row = np.minimum(1 - (1 - share) ** row_length, share * row_length).sum()
    n_segments = min(n_synapses, per_row * n_rows)
    if projection.plasticity is not None:
        return PLASTIC_BYTES * n_synapses + PLASTIC_SEGMENT_BYTES * n_segments
    if np.ndim(projection.weights):
        return (TARGET_BYTES + WEIGHT_BYTES) * n_synapses + SEGMENT_BYTES * n_segments
    return TARGET_BYTES * n_synapses + (SEGMENT_BYTES + SHARED_WEIGHT_BYTES) * n_segments
