"""Projections as the parts of them that connect one population with another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network, Projection

ROWS = "_synaptic_rows"
"""Numbers of synapses of each source, given to an engine instead of the source of each synapse."""


def sources_of_rows(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the source of each synapse; the synapses are in order of their sources."""
    return np.repeat(np.arange(len(rows), dtype=np.int32), rows)


@dataclass(frozen=True)
class Part:
    """The synapses of a projection that connect one population with another.

    Attributes
    ----------
    projection, source, target : int
        Indices of the projection and of the two populations.
    synapses : slice or (n,) int64 ndarray
        Which of the projection's synapses.
    """

    projection: int
    source: int
    target: int
    synapses: slice | NDArray[np.int64]


def parts_of(network: Network, index: int) -> list[Part]:
    """Return the parts of a projection, in order of source and target; none where there is no synapse."""
    projection = network.projections[index]
    if not projection.n_synapses:
        return []
    ends = np.cumsum([population.size for population in network.populations])
    sources = np.searchsorted(ends, projection.sources[np.diff(projection.indptr) > 0], side="right")
    bounds = projection.targets.min(), projection.targets.max()
    targets = np.searchsorted(ends, bounds, side="right")
    if sources[0] == sources[-1] and targets[0] == targets[1]:
        return [Part(index, int(sources[0]), int(targets[0]), slice(None))]
    pairs = np.searchsorted(ends, projection.source_column(), side="right") * len(ends)
    pairs += np.searchsorted(ends, projection.targets, side="right")
    return [
        Part(index, *divmod(int(pair), len(ends)), np.flatnonzero(pairs == pair)) for pair in np.unique(pairs)
    ]


def endpoints(network: Network, part: Part) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return sources and targets of a part's synapses as indices within their populations."""
    projection = network.projections[part.projection]
    source, target = network.populations[part.source], network.populations[part.target]
    rows = (projection.sources - source.first).astype(np.int32)
    pre = np.repeat(rows, np.diff(projection.indptr))[part.synapses]
    post = projection.targets[part.synapses]
    return pre, (post - np.int32(target.first) if target.first else np.asarray(post, np.int32))


def ends_of(network: Network, part: Part) -> dict[str, NDArray[np.int32]]:
    """Return, by the engine's names, how many synapses each source has and where they end, in rows."""
    projection = network.projections[part.projection]
    source, target = network.populations[part.source], network.populations[part.target]
    if isinstance(part.synapses, slice):
        rows = np.zeros(source.size, np.int32)
        rows[projection.sources - source.first] = np.diff(projection.indptr)
        targets = np.asarray(projection.targets, np.int32)
        return {ROWS: rows, "_synaptic_post": targets - np.int32(target.first) if target.first else targets}
    pre, post = endpoints(network, part)
    return {ROWS: np.bincount(pre, minlength=source.size).astype(np.int32), "_synaptic_post": post}


def weights_of(projection: Projection, part: Part) -> NDArray[np.float64]:
    """Return the weights of a part's synapses: one for all, shape (1,), or one each."""
    if np.ndim(projection.weights) == 0:
        return np.full(1, projection.weights, np.float64)
    return np.asarray(projection.weights, np.float64)[part.synapses]


def delays_of(projection: Projection, part: Part) -> NDArray[np.int64]:
    """Return the delays, in steps, of a part's synapses: one for all, shape (1,), or one each."""
    if np.ndim(projection.delays) == 0:
        return np.full(1, projection.delays, np.int64)
    return np.asarray(projection.delays, np.int64)[part.synapses]
