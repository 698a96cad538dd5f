"""Projections of which only the rule is kept: their synapses are made anew whenever they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pycosim import _core, memory
from pycosim.network.columns import Projection

# Of a target while rows are made, and of a weight and a delay that a reader asks for.
_BYTES_WHEN_READ = 6


@dataclass(frozen=True)
class RowRule:
    """A connector whose rows are drawn one by one from a counter-based generator.

    Attributes
    ----------
    kind : {"probability", "number"}
        Every pair with probability `p`, or `n` targets for each source.
    seed, stream : int
    pre, post : (n_pre,) and (n_post,) int64 ndarray
        Global numbers of the neurons, both ascending.
    p : float
    n : (1,) or (n_pre,) int64 ndarray
    with_replacement, allow_self : bool
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

    def rows(self, wanted: NDArray[np.uint8] | None) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return all rows, (indptr, targets), of indices in `post`; only of targets that are wanted."""
        ids = self.seed, self.stream, self.pre, self.post
        if self.kind == "probability":
            return _core.fixed_probability(*ids, self.p, self.allow_self, wanted)
        n = np.broadcast_to(self.n, len(self.pre)).astype(np.int64)
        return _core.fixed_number_post(*ids, n, self.with_replacement, self.allow_self, wanted)

    def for_engine(self) -> tuple[object, ...]:
        """Return the rule as compiled code takes it."""
        n = np.zeros(1, np.int64) if self.n is None else np.ascontiguousarray(self.n, np.int64)
        kind = ("probability", "number").index(self.kind)
        ids = self.seed, self.stream, self.pre, self.post
        return kind, *ids, float(self.p), n, self.with_replacement, self.allow_self


class ProceduralProjection(Projection):
    """Static synapses of equal weight and delay, made by a rule whenever they are needed.

    Reading `indptr` or `targets` makes all of them, once.

    Parameters
    ----------
    label, receptor : str
    rule : RowRule
    weight : float
    delay : int
        In steps.
    wanted : (n_post,) bool ndarray, optional
        The targets of this process; without it all are.
    """

    def __init__(
        self,
        label: str,
        receptor: str,
        rule: RowRule,
        weight: float,
        delay: int,
        wanted: NDArray[np.bool_] | None = None,
    ):
        self.label, self.receptor, self.rule = label, receptor, rule
        self.weights, self.delays = weight, delay
        self.plasticity = self.places = None
        self._wanted = None if wanted is None or np.all(wanted) else wanted.view(np.uint8)

    @property
    def sources(self) -> NDArray[np.int32]:
        """Global numbers of the presynaptic neurons, also of those whose rows are empty, (n_pre,) int32."""
        return self.rule.pre.astype(np.int32)

    @cached_property
    def _rows(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        n_bytes = _BYTES_WHEN_READ * self.n_synapses
        memory.require(n_bytes, f"Projection {self.label!r}: reading its {self.n_synapses} synapses needs")
        indptr, targets = self.rule.rows(self._wanted)
        return indptr, self.rule.post.astype(np.int32)[targets]

    @property
    def indptr(self) -> NDArray[np.int64]:
        """Where rows begin, (n_pre + 1,) int64."""
        return self._rows[0]

    @property
    def targets(self) -> NDArray[np.int32]:
        """Global numbers of the postsynaptic neurons, (n_synapses,) int32."""
        return self._rows[1]

    @property
    def has_synapses(self) -> bool:
        """Whether there are any, as far as is known without making them."""
        return len(self.rule.pre) > 0 and len(self.rule.post) > 0

    @cached_property
    def n_synapses(self) -> int:
        """Number of synapses; where it is not known they are made and counted, a part at a time."""
        rule, n_pre = self.rule, len(self.rule.pre)
        if self._wanted is None and rule.kind == "number":
            return int(np.broadcast_to(rule.n, n_pre).sum())
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
