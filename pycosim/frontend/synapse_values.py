"""Weights and delays of the synapses of a projection, one array operation for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from functools import cached_property
from typing import Any

import numpy as np
from lazyarray import larray
from numpy.typing import NDArray
from pyNN.core import IndexBasedExpression
from pyNN.parameters import ParameterSpace
from pyNN.random import NumpyRNG, RandomDistribution

from pycosim import _core
from pycosim.compiled_numbers import Synapses
from pycosim.errors import InvalidInputError
from pycosim.frontend.delays import RoundedDelays, rounded_delays
from pycosim.frontend.distance_programs import Program, program_of
from pycosim.frontend.distances import Distances, distances_of
from pycosim.frontend.requests import Connectivity
from pycosim.network.row_rule import TARGET_BLOCK
from pycosim.random import (
    draws_itself,
    evaluate_blocks,
    evaluate_calls,
    evaluate_in_turn,
    evaluate_rounded,
    evaluate_rounded_in_turn,
    stream_of,
)

Values = float | NDArray[np.float64]

# Distributions for which PyNN may draw more numbers than it returns.
REDRAWN = {"normal_clipped"}

# Synapses whose distances are worked on at the same time: a few arrays of them fit into a core's cache.
BLOCK_SYNAPSES = 2**15
# The distances of so few synapses (4 MiB) are kept from one parameter to the next.
KEPT_DISTANCES = 2**19


_FUNCTIONS = (
    "abs arccos arcsin arctan arctan2 ceil cos cosh exp fabs floor fmod hypot ldexp log log10 maximum "
    "minimum modf power sin sinh sqrt tan tanh where"
).split()
_NAMES = {name: getattr(np, name) for name in _FUNCTIONS} | {"e": np.e, "pi": np.pi, "np": np, "numpy": np}


def distance_function(text: str) -> Callable[[Any], Any]:
    """Return the function of the distance d that a script gives as text, such as ``"0.2 + 2*exp(-d/0.2)"``.

    PyNN documents such texts as weights and delays, but evaluates them without the functions that it allows
    in connectors.

    Raises
    ------
    InvalidInputError
        If the text is not an expression of d.
    """
    try:
        function = eval(f"lambda d: {text}", dict(_NAMES))
        function(np.zeros(1))
    except (SyntaxError, NameError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"The text {text!r} is not a function of the distance d ({error}); write for example "
            f"'0.1 + exp(-d)', with d and {', '.join(_FUNCTIONS)}, e and pi."
        ) from error
    function.text, function.program = text, program_of(function)
    return function


def is_text(function: Any) -> bool:
    """Return whether a function is one of `distance_function`, which is the same whenever it is called."""
    return hasattr(function, "text")


def program_of_text(function: Any) -> Program | None:
    """Return the program of a function of `distance_function`; None if it has none, or is another one."""
    return function.program if is_text(function) else None


def drawn_by_blocks(
    distribution: RandomDistribution,
    targets: NDArray[np.int32],
    seed: int,
    stream: int,
    n_cells: int = TARGET_BLOCK,
) -> NDArray[np.float64]:
    """Draw one value for each synapse, (n_synapses,) float64; every block of `n_cells` has its own stream.

    So the values do not depend on whether other blocks are there: processes draw those of their own.
    `n_cells` is a power of 2.
    """
    return evaluate_blocks(distribution, *_blocks(targets, seed, stream, n_cells))


def _blocks(
    targets: NDArray[np.int32], seed: int, stream: int, n_cells: int = TARGET_BLOCK
) -> tuple[NDArray[np.int32], int, int, int, int]:
    """Return keys, the bits of a key within a block of `n_cells`, seed, stream, and the number of blocks."""
    n_blocks = int(targets.max(initial=0)) // n_cells + 1
    return np.ascontiguousarray(targets, np.int32), n_cells.bit_length() - 1, seed, stream, n_blocks


def copied_parameters(space: ParameterSpace) -> ParameterSpace:
    """Return a copy with generators that stand where the script's stand.

    Those of which only the seed matters are not copied: that takes a quarter of a millisecond for each.
    """
    result = copy(space)
    result._parameters = {name: _copied(array) for name, array in space.items()}
    return result


def _copied(array: larray) -> larray:
    base = array.base_value
    if not isinstance(base, RandomDistribution) or draws_itself(base.rng):
        return deepcopy(array)
    without = copy(array)
    without.base_value = None
    result = deepcopy(without)
    result.base_value = base
    return result


class SynapseValues:
    """Evaluates parameters of a projection's synapse type at its synapses.

    Parameters
    ----------
    projection : PyNN projection
    parameters : ParameterSpace
        Those of the synapse type; generators of the script in it are moved on.
    connectivity : Connectivity
    seed, stream : int
        Where other random values come from.
    in_all : (n_post,) int64 ndarray or None
        How many synapses each postsynaptic cell has, also those that are in other processes and not in
        `connectivity`. None: all are in it.
    local : (n_post,) bool ndarray or None
        The cells whose synapses' values are returned; None: those of all that there are.
    """

    def __init__(
        self,
        projection: Any,
        parameters: ParameterSpace,
        connectivity: Connectivity,
        seed: int,
        stream: int,
        in_all: NDArray[np.int64] | None = None,
        local: NDArray[np.bool_] | None = None,
    ):
        self.projection, self.parameters, self.connectivity = projection, parameters, connectivity
        self.seed, self.stream = seed, stream
        self._kept_distances: dict[int, NDArray[np.float64]] = {}
        self._in_all, self._local = in_all, local

    def __call__(self, name: str) -> Values | None:
        """Return the values of parameter `name`: one number, or (n_local,) float64; None if it has none.

        Raises
        ------
        InvalidInputError
            If an array has the wrong shape, or a function cannot be evaluated.
        """
        if name in self.connectivity.given:
            return self._of_local(self.connectivity.given[name])
        parameters = self.parameters
        if name not in parameters.keys() or parameters[name].base_value is None:
            return None
        values = self._evaluated(parameters[name], name, stream_of(self.stream, name))
        return float(values) if np.ndim(values) == 0 else self._of_local(np.asarray(values, np.float64))

    def _of_local(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._local is None:
            return values
        targets, wanted = self._synapses[1], self._local.view(np.uint8)
        return _core.values_of_wanted(np.ascontiguousarray(values), targets, wanted)

    def delays(self, dt_ms: float) -> Values | RoundedDelays | None:
        """Return the values of "delay", in steps of `dt_ms` where that spares a column of numbers.

        Delays in ms that have to be looked at, because some are impossible or beyond the limits given to
        setup(), are not rounded.
        """
        array = self.parameters["delay"] if "delay" in self.parameters.keys() else None
        base = getattr(array, "base_value", None)
        if "delay" in self.connectivity.given or not isinstance(base, RandomDistribution) or array.operations:
            return self("delay")
        if not draws_itself(base.rng):
            blocks = _blocks(self.connectivity.targets, self.seed, stream_of(self.stream, "delay"))
            rounded = rounded_delays(evaluate_rounded(base, *blocks, dt_ms))
        else:
            rounded = rounded_delays(
                evaluate_rounded_in_turn(
                    base, self._synapses, dt_ms, lambda rounded: rounded_delays(rounded) is not None
                )
            )
        if rounded is None:
            return self("delay")
        if self._local is None:
            return rounded
        return rounded.of_targets(self._synapses[1], self._local.view(np.uint8))

    def _evaluated(self, array: larray, name: str, stream: int) -> Any:
        """Return a lazy array's values at the synapses, with the operations that are queued in it."""
        values = self._base(array, name, stream)
        for i, (function, argument) in enumerate(array.operations):
            if argument is None:
                values = function(values)
                continue
            if isinstance(argument, larray):
                argument = self._evaluated(argument, name, stream_of(stream, i))
            elif isinstance(argument, np.ndarray) and argument.ndim:
                argument = self._from_array(argument, name)
            values = function(values, argument)
        return values

    def _base(self, array: larray, name: str, stream: int) -> Any:
        base = array.base_value
        if isinstance(base, RandomDistribution):
            return self._random(base, stream)
        if isinstance(base, IndexBasedExpression):
            return self._of_indices(base, name)
        if callable(base):
            return self._of_distances(base, name)
        if np.ndim(base) == 0 and np.isreal(base) and not hasattr(base, "__next__"):
            return float(base)
        if not isinstance(base, np.ndarray):  # sparse matrices and iterators
            full = copy(array)
            full.operations, full.shape = [], self.projection.shape
            base = np.asarray(full.evaluate())
        return self._from_array(base, name)

    def _random(self, base: RandomDistribution, stream: int) -> NDArray[np.float64]:
        """Draw a value for each synapse; from the script's own generator target by target, as PyNN does."""
        if not draws_itself(base.rng):
            return drawn_by_blocks(base, self.connectivity.targets, self.seed, stream)
        values = evaluate_in_turn(base, self._synapses)
        return self._handed_out(self._drawn_in_turn(base, stream)) if values is None else values

    @property
    def _synapses(self) -> Synapses:
        """The synapses as compiled code takes them that draws in PyNN's order."""
        connectivity = self.connectivity
        targets = np.ascontiguousarray(connectivity.targets, np.int32)
        return connectivity.indptr, targets, self.projection.shape[1], connectivity.drawn, self._in_all

    def _drawn_in_turn(self, base: RandomDistribution, stream: int) -> NDArray[np.float64]:
        """Return values of the script's own generator in the order in which PyNN draws them.

        Those of other processes' synapses are drawn, and forgotten.
        """
        in_one, parts = isinstance(base.rng, NumpyRNG) and base.name not in REDRAWN, [np.empty(0)]
        for counts, are_here in self._turns():
            if in_one:
                n = int(counts.sum())
                most = n if are_here else BLOCK_SYNAPSES
                counts = [min(most, n - first) for first in range(0, n, max(most, 1))]
            for calls in [counts] if are_here else np.reshape(counts, (-1, 1)):
                values = evaluate_calls(base, calls, self.seed, stream)
                if are_here:
                    parts.append(values)
        return np.concatenate(parts)

    def _turns(self) -> Iterator[tuple[NDArray[np.int64], bool]]:
        """Yield numbers of synapses of targets that have any, in turn, and whether these are here."""
        _, targets, n_targets, *_ = self._synapses
        here = _core.counts_from(targets, 0, n_targets)
        counts = here if self._in_all is None else self._in_all
        are_here = here[counts > 0] > 0
        ends = np.flatnonzero(np.diff(are_here)) + 1
        for part, own in zip(np.split(counts[counts > 0], ends), np.split(are_here, ends)):
            yield part, bool(own.all())

    def _handed_out(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values in PyNN's order in the order of the synapses."""
        by_target = self.connectivity.drawn
        if by_target is None:
            return _core.in_turn(
                drawn, np.asarray(self.connectivity.targets, np.int32), self.projection.shape[1]
            )
        values = np.empty_like(drawn)
        values[by_target] = drawn
        return values

    def _from_array(self, values: NDArray[Any], name: str) -> NDArray[np.float64]:
        """Return one value for each synapse from a matrix of all pairs, or from a list of the synapses."""
        n_synapses, shape = self.connectivity.n_synapses, tuple(self.projection.shape)
        if values.shape == shape:
            return values[self.connectivity.sources, self.connectivity.targets].astype(np.float64)
        if values.shape in ((n_synapses,), (1,)):
            return np.broadcast_to(values, (n_synapses,)).astype(np.float64)
        raise InvalidInputError(
            f"Projection {self.projection.label!r}: the array of {name}s has the shape {values.shape}; it "
            f"must be {shape} (all pairs) or {(n_synapses,)} (one for each synapse, by source, then target)."
        )

    def _of_indices(self, expression: IndexBasedExpression, name: str) -> NDArray[np.float64]:
        """Call an expression as PyNN does: with the sources of one target at a time."""
        expression = copy(expression)
        expression.projection = self.projection
        return self._by_target(expression, name)

    @cached_property
    def _distances(self) -> Distances:
        return distances_of(self.projection)

    def _of_distances(self, function: Callable[[Any], Any], name: str) -> Values:
        distances = self._distances
        if distances.by_target_only:
            return self._by_target(lambda i, j: function(distances.to_target(i, j)), name)
        connectivity, program = self.connectivity, program_of_text(function)
        values = np.empty(connectivity.n_synapses)
        for first in range(0, connectivity.n_synapses, BLOCK_SYNAPSES):
            pairs = self._distances_from(first)
            if program is None:
                block = self._checked(function, name, len(pairs), pairs)
            else:
                block = _core.function_of_distance(program, pairs)
            values[first : first + len(pairs)] = block
        return values

    def _distances_from(self, first: int) -> NDArray[np.float64]:
        """Return the distances of a block of synapses, which a user's function may write to."""
        pairs = self._kept_distances.get(first)
        if pairs is None:
            block, connectivity = slice(first, first + BLOCK_SYNAPSES), self.connectivity
            pairs = self._distances.of_pairs(connectivity.sources[block], connectivity.targets[block])
            if connectivity.n_synapses > KEPT_DISTANCES:
                return pairs
            self._kept_distances[first] = pairs
        return pairs.copy()

    def _by_target(self, function: Callable[[Any, int], Any], name: str) -> NDArray[np.float64]:
        values = np.empty(self.connectivity.n_synapses)
        for target, synapses in _synapses_by_target(self.connectivity, self.projection.shape[1]):
            sources = self.connectivity.sources[synapses]
            values[synapses] = self._checked(function, name, len(sources), sources, target)
        return values

    def _checked(
        self, function: Callable[..., Any], name: str, n: int, *arguments: Any
    ) -> NDArray[np.float64]:
        """Call a user's function and return (n,) float64."""
        try:
            return np.broadcast_to(np.asarray(function(*arguments), np.float64), (n,))
        except (ArithmeticError, TypeError, ValueError, IndexError) as error:
            raise InvalidInputError(
                f"Projection {self.projection.label!r}: the function that gives the {name}s cannot be "
                f"evaluated for an array of {n} synapses ({error}); write it with NumPy's functions, for "
                "example numpy.where for if."
            ) from error


def _synapses_by_target(connectivity: Connectivity, n_post: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Iterate over the targets that have synapses, with the numbers of those."""
    order = connectivity.by_target
    ends = np.searchsorted(connectivity.targets[order], np.arange(n_post), side="right")
    for target, (begin, end) in enumerate(zip(np.concatenate([[0], ends[:-1]]), ends)):
        if end > begin:
            yield target, order[begin:end]
