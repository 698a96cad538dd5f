"""Projections of which only the rule is kept: their synapses are made anew whenever they are needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pycosim import _core, memory
from pycosim.network.columns import Projection

# Postsynaptic neurons whose synapses have numbers of the same stream.
TARGET_BLOCK = 1024
# How many sources there can be for rows of targets that have a number of different sources each.
CHOOSABLE_SOURCES = range(1, 2**28 + 1)
# Synapses that a block of targets has for each source, where these are drawn.
SLOTS_PER_SOURCE = 32
# Kinds of rules whose numbers are those of targets.
_OF_TARGETS = ("number of sources", "drawn sources")
# Longest delay of its own, in steps, that a synapse can have that is made at each spike.
LONGEST_DRAWN_DELAY = 2**16 - 1
# Of a target while rows are made, and of a weight and a delay that a reader asks for.
_BYTES_WHEN_READ = 6
# More of those that are drawn.
_WEIGHT_BYTES, _DELAY_BYTES = 8, 4

# Places of sources, of targets, and periods; rows as offsets and targets; a function of the distance.
Places = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
Rows = tuple[NDArray[np.int64], NDArray[np.int32]]
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


@dataclass(frozen=True)
class DrawnValues:
    """Weights or delays of a rule's synapses, drawn from a distribution when they are needed.

    Of a block of `TARGET_BLOCK` targets synapse k, counted row by row, has number k of a stream of its own.

    Attributes
    ----------
    distribution : tuple
        As compiled code takes it (`pycosim.compiled_numbers.compiled_form`).
    seed, stream : int
        The stream is that of the first block; those of the others are the next numbers.
    unit : float
        Weights are multiples of it; delays, in ms, are rounded to multiples of it.
    limits : tuple of float
        The smallest and the largest one: of weights in PyNN units, of delays in steps.
    """

    distribution: tuple[int, float, float, float, float]
    seed: int
    stream: int
    unit: float
    limits: tuple[float, float] = (np.nan, np.nan)

    def streams(self, starts: RowStarts) -> NDArray[np.uint64]:
        """Return the streams of some blocks, (n_blocks,) uint64."""
        blocks = np.arange(starts.first_block, starts.first_block + starts.n_blocks, dtype=np.uint64)
        return np.uint64(self.stream) + blocks

    def extremes(self, starts: RowStarts) -> tuple[float, float]:
        """Return the smallest and the largest number that any synapse has, nan if one is."""
        return _core.extremes_of_streams(self.seed, self.streams(starts), self.distribution, starts.totals)

    def delays_seen(self, starts: RowStarts) -> tuple[bool, float, float, float]:
        """Return whether all are possible delays in ms, their extremes, and the largest error of rounding."""
        streams = self.streams(starts)
        return _core.delays_of_streams(self.seed, streams, self.distribution, starts.totals, self.unit)[1:]

    def weights(self, rule: RowRule, rows: Rows) -> NDArray[np.float64]:
        """Return the weights of rows of targets, of whole blocks, (n,) float64."""
        return _core.numbers_by_block(*self._all_of(rows[1])) * self.unit

    def delays(self, rule: RowRule, rows: Rows) -> NDArray[np.int32]:
        """Return the delays of rows of targets, of whole blocks, in steps, (n,) int32."""
        return _core.delays_by_block(*self._all_of(rows[1]), self.unit)[0]

    def _all_of(self, targets: NDArray[np.int32]) -> tuple[object, ...]:
        n_blocks = int(targets.max(initial=0)) // TARGET_BLOCK + 1
        streams = np.uint64(self.stream) + np.arange(n_blocks, dtype=np.uint64)
        return self.seed, streams, self.distribution, targets, TARGET_BLOCK.bit_length() - 1

    def for_engine(self) -> tuple[object, ...]:
        """Return the values as compiled code takes them."""
        return (self.distribution, self.seed, self.stream), None, self.unit


@dataclass(frozen=True)
class DistanceValues:
    """Weights or delays of a rule's synapses that depend on the distance.

    Attributes
    ----------
    program : tuple
        The function of the distance as compiled code takes it (`pycosim.frontend.distance_programs`).
    unit, limits
        As in `DrawnValues`.
    """

    program: Program
    unit: float
    limits: tuple[float, float] = (np.nan, np.nan)

    def extremes(self, rule: RowRule, wanted: NDArray[np.uint8] | None) -> tuple[float, float, int]:
        """Return the smallest and the largest value on wanted targets, nan if one is, and their number."""
        return _core.extremes_by_distance(rule.for_engine(), wanted, self.program)

    def delays_seen(
        self, rule: RowRule, wanted: NDArray[np.uint8] | None
    ) -> tuple[bool, float, float, float]:
        """Return whether all are possible delays in ms, their extremes, and the largest error of rounding."""
        return _core.delays_by_distance(rule.for_engine(), wanted, self.program, self.unit)[1:]

    def weights(self, rule: RowRule, rows: Rows) -> NDArray[np.float64]:
        """Return the weights of rows of targets, (n,) float64."""
        return self._values(rule, rows) * self.unit

    def delays(self, rule: RowRule, rows: Rows) -> NDArray[np.int32]:
        """Return the delays of rows of targets, in steps, (n,) int32."""
        return _core.delay_steps(self._values(rule, rows), self.unit)[0]

    def _values(self, rule: RowRule, rows: Rows) -> NDArray[np.float64]:
        sources = _core.rows_of_entries(rows[0])
        return _core.function_of_distance(
            self.program, _core.distances_of_pairs(*rule.places, sources, rows[1])
        )

    def for_engine(self) -> tuple[object, ...]:
        """Return the values as compiled code takes them."""
        return None, self.program, self.unit


OWN_VALUES = (DrawnValues, DistanceValues)
OwnValues = DrawnValues | DistanceValues


class ProceduralProjection(Projection):
    """Static synapses that are made by a rule whenever they are needed, with weights and delays.

    Reading `indptr` or `targets`, or weights or delays that are not equal, makes all of them, once.

    Parameters
    ----------
    label, receptor : str
    rule : RowRule
    weight : float, DrawnValues or DistanceValues
    delay : int, DrawnValues or DistanceValues
        In steps.
    wanted : (n_post,) bool ndarray, optional
        The targets of this process; without it all are.
    starts : RowStarts, optional
        For weights or delays that are drawn.
    """

    def __init__(
        self,
        label: str,
        receptor: str,
        rule: RowRule,
        weight: float | OwnValues,
        delay: int | OwnValues,
        wanted: NDArray[np.bool_] | None = None,
        starts: RowStarts | None = None,
    ):
        self.label, self.receptor, self.rule, self.starts = label, receptor, rule, starts
        self._weight, self._delay = weight, delay
        self.plasticity = self.places = None
        self._wanted = None if wanted is None or np.all(wanted) else wanted.view(np.uint8)

    @property
    def sources(self) -> NDArray[np.int32]:
        """Global numbers of the presynaptic neurons, also of those whose rows are empty, (n_pre,) int32."""
        return self.rule.pre.astype(np.int32)

    @cached_property
    def _rows(self) -> tuple[NDArray, ...]:
        """Offsets, targets, weights and delays of the synapses of this process."""
        weight, delay, starts = self._weight, self._delay, self.starts
        has_weights, has_delays = isinstance(weight, OWN_VALUES), isinstance(delay, OWN_VALUES)
        per_synapse = _BYTES_WHEN_READ + _WEIGHT_BYTES * has_weights + _DELAY_BYTES * has_delays
        text = f"Projection {self.label!r}: reading its {self.n_synapses} synapses needs"
        memory.require(per_synapse * self.n_synapses, text)
        post = self.rule.post.astype(np.int32)
        indptr, targets = rows = self.rule.rows(self._wanted if starts is None else starts.wanted)
        weights = weight.weights(self.rule, rows) if has_weights else weight
        delays = delay.delays(self.rule, rows) if has_delays else delay
        if starts is not None and self._wanted is not None:
            kept = self._wanted[targets] > 0
            indptr = np.concatenate([[0], np.cumsum(kept)])[indptr]
            targets = targets[kept]
            weights = weights[kept] if has_weights else weights
            delays = delays[kept] if has_delays else delays
        return indptr, post[targets], weights, delays

    @property
    def indptr(self) -> NDArray[np.int64]:
        """Where rows begin, (n_pre + 1,) int64."""
        return self._rows[0]

    @property
    def targets(self) -> NDArray[np.int32]:
        """Global numbers of the postsynaptic neurons, (n_synapses,) int32."""
        return self._rows[1]

    @property
    def weights(self) -> float | NDArray[np.float64]:
        """The weight of all, or that of each synapse, (n_synapses,) float64; all can be made equal."""
        return self._rows[2] if isinstance(self._weight, OWN_VALUES) else self._weight

    @weights.setter
    def weights(self, value: float) -> None:
        self._weight = value

    @property
    def delays(self) -> int | NDArray[np.int32]:
        """The delay of all, or that of each synapse, in steps, (n_synapses,) int32; all can be made equal."""
        return self._rows[3] if isinstance(self._delay, OWN_VALUES) else self._delay

    @delays.setter
    def delays(self, value: int) -> None:
        self._delay = value

    @property
    def extreme_weights(self) -> NDArray[np.float64]:
        """The weight of all, or the smallest and the largest one, (1,) or (2,) float64."""
        own = isinstance(self._weight, OWN_VALUES)
        return np.atleast_1d(np.asarray(self._weight.limits if own else self._weight, np.float64))

    @property
    def extreme_delays(self) -> NDArray[np.integer]:
        """The delay of all, or the smallest and the largest one, in steps, (1,) or (2,)."""
        own = isinstance(self._delay, OWN_VALUES)
        return np.atleast_1d(np.asarray(self._delay.limits, np.int32) if own else self._delay)

    @property
    def delay_range(self) -> tuple[int, int]:
        """Smallest and largest delay in steps."""
        return int(self.extreme_delays[0]), int(self.extreme_delays[-1])

    @property
    def table_bytes(self) -> int:
        """Memory that places take, and what tells where rows begin among what is drawn."""
        starts = 0 if self.starts is None else self.starts.starts.nbytes
        slots = 0 if self.rule.slots is None else self.rule.slots.n_bytes
        return starts + slots + sum(column.nbytes for column in self.rule.places or ())

    def values_for_engine(self) -> tuple[object, ...] | None:
        """Return what weights and delays come from as compiled code takes it; None if all are equal."""
        own = [v.for_engine() if isinstance(v, OWN_VALUES) else None for v in (self._weight, self._delay)]
        if own == [None, None]:
            return None
        if self.starts is None:
            return *own, 0, 0, np.empty(0, np.uint32)
        return *own, self.starts.first_block, self.starts.n_blocks, self.starts.starts

    @property
    def has_synapses(self) -> bool:
        """Whether there are any, as far as is known without making them."""
        return len(self.rule.pre) > 0 and len(self.rule.post) > 0

    @cached_property
    def n_synapses(self) -> int:
        """Number of synapses; where it is not known they are made and counted, a part at a time."""
        rule, n_pre = self.rule, len(self.rule.pre)
        if self._wanted is None and self.starts is not None:
            return self.starts.n_synapses
        if self._wanted is None and rule.kind == "number":
            return int(np.broadcast_to(rule.n, n_pre).sum())
        if rule.kind in _OF_TARGETS:
            n = np.broadcast_to(rule.n, len(rule.post))
            return int((n if self._wanted is None else n[self._wanted > 0]).sum())
        if rule.kind == "probability" and rule.p >= 1 and (rule.allow_self or not self._overlaps()):
            n_post = len(rule.post) if self._wanted is None else int(np.count_nonzero(self._wanted))
            return n_pre * n_post
        return _core.count_rows(rule.for_engine(), self._wanted)

    def stored(self) -> Projection:
        """Return the same synapses as columns."""
        kept = self.indptr[1:] > self.indptr[:-1]
        indptr = np.concatenate([[0], self.indptr[1:][kept]])
        return Projection(
            self.label, self.receptor, self.sources[kept], indptr, self.targets, self.weights, self.delays
        )

    def _overlaps(self) -> bool:
        return np.intersect1d(self.rule.pre, self.rule.post).size > 0
