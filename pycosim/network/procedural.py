"""Projections of which only the rule is kept: their synapses are made anew whenever they are needed."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pycosim import _core, memory
from pycosim.network.columns import Projection
from pycosim.network.own_values import OWN_VALUES, OwnValues
from pycosim.network.row_rule import RowRule, RowStarts

# Of a target while rows are made, and of a weight and a delay that a reader asks for.
_BYTES_WHEN_READ = 6
# More of those that are not equal.
_WEIGHT_BYTES, _DELAY_BYTES = 8, 4


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
        if rule.has_numbers_of_targets:
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
