"""Distance rules at the cost of the synapses that they make, not of all pairs of cells.

An upper bound of the probability (`pycosim.frontend.bounds`) tells most pairs that are not connected, one by
one from a number and a squared distance, or many of them together. The probability itself is computed for
what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.random import NumpyRNG

from pycosim import _core
from pycosim.frontend.bounds import Bound, bound_of
from pycosim.frontend.distance_programs import Program, program_of
from pycosim.frontend.distances import Distances, distances_of
from pycosim.frontend.requests import Request
from pycosim.random import draws_itself

# Candidates whose probabilities are worked on at the same time: a few arrays of them fit into a core's cache.
N_AT_ONCE = 2**14

# How many sources stand for all where synapses are only counted, and how many pairs with each of a function
# without bounds; they are from so many pairs of cells on.
N_SOURCES, N_TARGETS, SMALLEST = 100, 1000, 2**25

# As in csrc/bounds.hpp: an entry of the table holds for squared distances that are equal but for these bits.
_LOWER_BITS = 46
_OCTAVES = 40

_Candidates = tuple[tuple[NDArray[np.int64], NDArray[np.int32]], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class BoundedRule:
    """A rule of the distance with upper bounds of its probability.

    Attributes
    ----------
    function : callable
        Probabilities at distances.
    program : tuple or None
        The same for compiled code (`pycosim.frontend.distance_programs`).
    distances : Distances
    base : int
        The upper bits of the smallest squared distance that has a bound of its own.
    most : (n_entries,) float64 ndarray
        Upper bounds for this squared distance and all below it, the next larger one, ...
    """

    function: Callable[[NDArray[np.float64]], Any]
    program: Program | None
    distances: Distances
    base: int
    most: NDArray[np.float64]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What compiled code takes of it."""
        return *self.distances.columns, self.base, self.most

    def probabilities(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability at each of n distances, (n,) float64."""
        if self.program is not None:
            return _core.function_of_distance(self.program, distances)
        values = np.broadcast_to(self.function(distances), distances.shape)
        return np.ascontiguousarray(values, np.float64)


def bounded_rule(request: Request, distances: Distances) -> BoundedRule | None:
    """Return a connector's rule with its bounds; None if it has none, or a generator of an unknown kind."""
    connector = request.connector
    rng = connector.rng
    if draws_itself(rng) and not (type(rng) is NumpyRNG and rng.rng.get_state()[0] == "MT19937"):
        return None
    if distances.by_target_only or 0 in request.shape or not np.all(distances.columns[2] > 0):
        return None
    bound, largest = bound_of(connector), distances.largest_square()
    if bound is None or not np.isfinite(largest):
        return None
    entries = _entries(largest)
    most = _most(bound, *entries)
    if most is None:
        return None
    function = connector.distance_function
    return BoundedRule(function, program_of(function), distances, entries[0], most)


def _entries(largest: float) -> tuple[int, int]:
    """Return the upper bits of the first and of the last entry."""
    largest = max(largest, 1e-280)
    ends = largest * 2.0**-_OCTAVES, largest
    first, last = (int(np.float64(square).view(np.int64)) >> _LOWER_BITS for square in ends)
    return first, last


@lru_cache(maxsize=64)  # asked for when a form is chosen, and when cells are connected: 2 ms
def _most(bound: Bound, first: int, last: int) -> NDArray[np.float64] | None:
    """Return the bounds of entries."""
    squares = (np.arange(first, last + 2) << _LOWER_BITS).view(np.float64)
    squares[0] = 0.0
    return bound(np.sqrt(squares[:-1]), np.sqrt(squares[1:]))


def connect_bounded(request: Request, rule: BoundedRule) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Connect pairs independently, each with the probability that the rule gives for its distance.

    Returns compressed sparse rows of the sources.
    """
    if draws_itself(request.connector.rng):
        by_target = _collected(request, rule, _drawn(request, rule))
        return _core.transposed(*by_target, request.shape[0])
    rows = _core.ThinnedRows(request.seed, request.stream, *rule.arguments, request.mask)
    selves = (request.pre_ids, request.post_ids) if _differ(request) else None
    return _kept(rows, rule, selves)


def _differ(request: Request) -> bool:
    """Return whether some pairs are a neuron and itself, which must not be connected."""
    return bool(
        not request.connector.allow_self_connections and np.isin(request.pre_ids, request.post_ids).any()
    )


def _drawn(request: Request, rule: BoundedRule) -> Iterator[_Candidates]:
    """Yield candidates for the rows of all targets, from the next numbers of the script's generator."""
    _, words, position, *_ = request.connector.rng.rng.get_state()
    rows = _core.DrawnCandidates(words, position, *rule.arguments, request.mask)
    n_left = request.shape[1]
    while n_left > 0:
        candidates = rows.draw(N_AT_ONCE)
        yield candidates
        n_left -= len(candidates[0][0]) - 1


def _kept(
    rows: _core.ThinnedRows, rule: BoundedRule, selves: tuple[NDArray[np.int64], NDArray[np.int64]] | None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return which pairs are connected, from our own numbers, as compressed sparse rows of the sources."""
    while len(distances := rows.draw(N_AT_ONCE)):
        rows.keep(rule.probabilities(distances), selves)
    return rows.connected()


def synapses_by_distance(request: Request) -> float | None:
    """Return about how many synapses a distance rule will make, from some pairs; None if that is open."""
    n_pre, n_post = request.shape
    if n_pre * n_post < SMALLEST:
        return None
    distances = distances_of(request.projection)
    rule = bounded_rule(request, distances)
    return _synapses_of_sample(request, distances) if rule is None else expected_synapses(rule)


def _synapses_of_sample(request: Request, distances: Distances) -> float | None:
    """Return about how many synapses a rule without bounds will make; None if PyNN's space is asked."""
    if distances.by_target_only:
        return None
    n_pre, n_post = request.shape
    random = np.random.default_rng(0)  # places may be in an order
    sources, targets = (
        random.integers(n, size=N_SOURCES * N_TARGETS, dtype=np.int32) for n in (n_pre, n_post)
    )
    try:
        with np.errstate(all="ignore"):
            p = request.connector.distance_function(distances.of_pairs(sources, targets))
    except (ArithmeticError, TypeError, ValueError, IndexError):  # said where cells are connected
        return None
    return float(np.mean(np.clip(np.nan_to_num(p, nan=0.0), 0.0, 1.0))) * n_pre * n_post


def expected_synapses(rule: BoundedRule) -> float:
    """Return about how many synapses a rule will make, from a few sources."""
    pre, *others = rule.distances.columns
    n_pre = pre.shape[1]
    some = np.linspace(0, n_pre - 1, min(n_pre, N_SOURCES)).astype(int)
    rows = _core.ThinnedRows(0, 0, np.ascontiguousarray(pre[:, some]), *others, rule.base, rule.most)
    return len(_kept(rows, rule, None)[1]) * n_pre / len(some)


def _collected(
    request: Request, rule: BoundedRule, drawn: Iterator[_Candidates]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return which candidates are connected, as compressed sparse rows of the targets."""
    first, counts, parts = 0, [np.zeros(1, np.int64)], [np.empty(0, np.int32)]
    differ = _differ(request)
    for (indptr, columns), numbers, distances in drawn:
        last = first + len(indptr) - 1
        selves = (request.post_ids[first:last], request.pre_ids) if differ else None
        probabilities = rule.probabilities(distances)
        indptr, columns = _core.connected(indptr, columns, numbers, probabilities, request.shape[0], selves)
        counts.append(np.diff(indptr))
        parts.append(columns)
        first = last
    return np.cumsum(np.concatenate(counts)), np.concatenate(parts)
