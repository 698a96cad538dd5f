"""Connectors whose rows are made one by one: each from its own counters, whatever the others are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pycosim import _core

# Postsynaptic neurons whose synapses have numbers of the same stream.
TARGET_BLOCK = 1024
# How many sources there can be for rows of targets that have a number of different sources each.
CHOOSABLE_SOURCES = range(1, 2**28 + 1)
# Synapses that a block of targets has for each source, where these are drawn.
SLOTS_PER_SOURCE = 32
# Kinds of rules whose numbers are those of targets.
_OF_TARGETS = ("number of sources", "drawn sources")

# Places of sources, of targets, and periods; rows as offsets and targets.
Places = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
Rows = tuple[NDArray[np.int64], NDArray[np.int32]]
# A function of the distance: constants, (n,) float64, and an operation and its three arguments for each
# step, (4 * n_steps,) int32. Values are the distance, the constants and the results of steps, in this order.
Program = tuple[NDArray[np.float64], NDArray[np.int32]]


@dataclass(frozen=True)
class RowStarts:
    """Which numbers of their streams the synapses of each row have: so many are those of the rows before.

    Attributes
    ----------
    first_block, n_blocks : int
        The blocks of targets that are made.
    starts : (n_pre * n_blocks,) uint32 ndarray
        By row, then block.
    totals : (n_blocks,) int64 ndarray
        How many synapses each block has.
    wanted : (n_post,) uint8 ndarray or None
        The targets of the blocks with any target of this process; None where all are.
    """

    first_block: int
    n_blocks: int
    starts: NDArray[np.uint32]
    totals: NDArray[np.int64]
    wanted: NDArray[np.uint8] | None

    @property
    def n_synapses(self) -> int:
        """Number of synapses of the blocks."""
        return int(self.totals.sum())


@dataclass(frozen=True)
class DistanceBounds:
    """The probability with which pairs are connected, and upper bounds of it, by the distance.

    Attributes
    ----------
    base : int
        The upper bits of the smallest squared distance that has a bound of its own.
    most : (n_entries,) float64 ndarray
        Upper bounds for this squared distance and all below it, the next larger one, ...
    probability : tuple
        A function of the distance as compiled code takes it (`pycosim.frontend.distance_programs`).
    """

    base: int
    most: NDArray[np.float64]
    probability: Program


@dataclass(frozen=True)
class SlotTable:
    """What makes a row of sources that are drawn for each target, without the other rows.

    The synapses of a block of targets are counted by source; a permutation of the block says which they are.

    Attributes
    ----------
    first_block, n_blocks : int
        Of blocks with as many targets as have 32 synapses for each source, but at least 1,024.
    starts : ((n_pre + 1) * n_blocks,) uint32 ndarray
        How many synapses of each block those of sources before are, by source, then block.
    other_sources, other_targets : (n_others,) int32 ndarray
        Synapses that were drawn anew in place of those of neurons onto themselves.
    """

    first_block: int
    n_blocks: int
    starts: NDArray[np.uint32]
    other_sources: NDArray[np.int32]
    other_targets: NDArray[np.int32]

    @property
    def n_bytes(self) -> int:
        """Memory that it takes."""
        return self.starts.nbytes + self.other_sources.nbytes + self.other_targets.nbytes

    def for_engine(self) -> tuple[object, ...]:
        """Return the table as compiled code takes it."""
        return self.first_block, self.n_blocks, self.starts, self.other_sources, self.other_targets


@dataclass(frozen=True)
class RowRule:
    """A connector whose rows are drawn one by one from a counter-based generator.

    Attributes
    ----------
    kind : {"probability", "number", "number of sources", "drawn sources", "distance"}
        Every pair with probability `p`, `n` targets for each source, `n` different sources for each target,
        of as many sources as `CHOOSABLE_SOURCES` has, `n` sources that are drawn for each target, or every
        pair with a probability that depends on its distance.
    seed, stream : int
    pre, post : (n_pre,) and (n_post,) int64 ndarray
        Global numbers of the neurons, both ascending.
    p : float
        Of "distance" about the mean of all pairs.
    n : (1,), (n_pre,) or, of sources, (n_post,) int64 ndarray
    with_replacement, allow_self : bool
    slots : SlotTable, optional
        Of drawn sources, for making single rows: see `with_slots`.
    places : tuple of ndarray, optional
        Of sources and of targets, (n_axes, n) float64 each, and periods, (n_axes,): for what depends on the
        distance.
    bounds : DistanceBounds, optional
    """

    kind: str
    seed: int
    stream: int
    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    p: float = 0.0
    n: NDArray[np.int64] | None = None
    with_replacement: bool = False
    allow_self: bool = True
    slots: SlotTable | None = None
    places: Places | None = None
    bounds: DistanceBounds | None = None

    def rows(self, wanted: NDArray[np.uint8] | None) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return all rows, (indptr, targets), of indices in `post`; only of targets that are wanted."""
        ids = self.seed, self.stream, self.pre, self.post
        if self.kind == "probability":
            return _core.fixed_probability(*ids, self.p, self.allow_self, wanted)
        if self.kind in _OF_TARGETS:
            n = np.broadcast_to(self.n, len(self.post)).astype(np.int64)
            draw = _core.drawn_sources if self.kind == "drawn sources" else _core.fixed_number_of_sources
            return draw(*ids, n, self.allow_self, wanted)
        if self.kind == "distance":
            return _core.rows_of_rule(self.for_engine(), wanted)
        n = np.broadcast_to(self.n, len(self.pre)).astype(np.int64)
        return _core.fixed_number_post(*ids, n, self.with_replacement, self.allow_self, wanted)

    def starts(self, wanted: NDArray[np.bool_] | None) -> RowStarts:
        """Return where rows begin among the numbers of blocks, of those that have any wanted target.

        Raises
        ------
        ValueError
            If a block has more than 4e9 synapses.
        """
        mask = _of_whole_blocks(wanted)
        if mask is None:
            blocks = range(-(-len(self.post) // TARGET_BLOCK))
        else:
            there = np.flatnonzero(mask) // TARGET_BLOCK
            blocks = range(there[0], there[-1] + 1) if len(there) else range(0)
        starts, totals = _core.row_starts(self.for_engine(), mask, blocks.start, len(blocks))
        return RowStarts(blocks.start, len(blocks), starts, totals, mask)

    def with_slots(self, wanted: NDArray[np.bool_] | None) -> RowRule:
        """Return the rule with what single rows of drawn sources are made from, on whole blocks of targets.

        Raises
        ------
        ValueError
            If a target has more than 2^28 sources, or none that it may have.
        """
        ids = self.seed, self.stream, self.pre, self.post
        table = _core.slot_table(*ids, self.n, self.allow_self, _of_whole_blocks(wanted))
        return replace(self, slots=SlotTable(*table))

    @property
    def has_numbers_of_targets(self) -> bool:
        """Whether `n` is that of each target, not of each source."""
        return self.kind in _OF_TARGETS

    @property
    def n_expected(self) -> float:
        """About how many synapses there are, on all targets."""
        n_pre = len(self.pre)
        if self.kind == "number":
            return float(np.broadcast_to(self.n, n_pre).sum())
        if self.kind in _OF_TARGETS:
            return float(np.broadcast_to(self.n, len(self.post)).sum())
        return min(self.p, 1.0) * n_pre * len(self.post)

    def for_engine(self) -> tuple[object, ...]:
        """Return the rule as compiled code takes it."""
        n = np.zeros(1, np.int64) if self.n is None else np.ascontiguousarray(self.n, np.int64)
        kind = ("probability", "number", *_OF_TARGETS, "distance").index(self.kind)
        ids = self.seed, self.stream, self.pre, self.post
        slots = None if self.slots is None else self.slots.for_engine()
        bounds = self.bounds and (self.bounds.base, self.bounds.most, self.bounds.probability)
        places = self.places and (*self.places, bounds)
        return kind, *ids, float(self.p), n, self.with_replacement, self.allow_self, slots, places


def _of_whole_blocks(wanted: NDArray[np.bool_] | None) -> NDArray[np.uint8] | None:
    """Return which targets are in a block with any wanted one, (n_post,) uint8; None if all are wanted."""
    if wanted is None or np.all(wanted):
        return None
    block_of = np.arange(len(wanted)) // TARGET_BLOCK
    return (np.bincount(block_of, wanted)[block_of] > 0).view(np.uint8)
