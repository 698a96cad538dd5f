"""Weights and delays of synapses that are made row by row: drawn, or functions of the distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.network.row_rule import TARGET_BLOCK, Program, RowRule, Rows, RowStarts

# Longest delay of its own, in steps, that a synapse can have that is made at each spike.
LONGEST_OWN_DELAY = 2**16 - 1


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
