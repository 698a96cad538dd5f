"""Spikes of the sources of a network: the same on every target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.network.columns import Network, Population
from pycosim.network.renewal import PROCESSES, renewal_spikes
from pycosim.random import stream_of, unsigned

# Largest mean number of spikes of one source in one step; an expectation, not a limit of the hardware.
MAX_SPIKES_PER_STEP = 1_000_000
# "For ever", far from where adding to a step could overflow.
_LAST_STEP = 2**62


def source_spikes(
    network: Network,
    population_index: int,
    first_step: int,
    last_step: int,
    wanted: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what a population of sources emits in the steps `first_step` to `last_step`, both included.

    A pure function: the spikes of a step do not depend on the range that was asked for, so a run may be
    cut into pieces anywhere. The events of the interval (t_{k-1}, t_k] are emitted in step k; a Poisson
    source is active in [start, start + duration), that is in the steps ``round(start/dt) < k <=
    round((start + duration)/dt)``.

    Parameters
    ----------
    network : Network
    population_index, first_step, last_step : int
    wanted : (size,) bool ndarray, optional
        Sources whose spikes are asked for; those of the others are left out.

    Returns
    -------
    steps, indices : (n,) int64 ndarray
        Ordered by (step, index in the population). A source that emits m spikes in one step is there
        m times.

    Raises
    ------
    InvalidInputError
        If a rate is negative, not finite or above 1e6 spikes per step, or a start or duration is nan, or
        another parameter of a source has no meaning.
    NotSupportedError
        If the population is not a spike source.
    """
    population = network.populations[population_index]
    if population.model == "SpikeSourcePoisson":
        stream = stream_of("poisson", population_index)
        return _poisson_spikes(network, population, stream, first_step, last_step, wanted)
    if population.model == "SpikeSourcePoissonVariable":
        stream = stream_of("poisson", population_index)
        return _those(wanted, *_variable_spikes(network, population, stream, first_step, last_step))
    if population.model == "SpikeSourceArray":
        return _those(wanted, *_array_spikes(population, first_step, last_step))
    if population.model in PROCESSES:
        return _those(wanted, *renewal_spikes(network, population_index, first_step, last_step))
    raise NotSupportedError(
        f"Spikes of population {population.label!r}: {population.model} is not a source whose spikes can be "
        "drawn; those are SpikeSourceArray, SpikeSourcePoisson, SpikeSourcePoissonVariable, "
        f"{', '.join(PROCESSES)}."
    )


@dataclass(frozen=True)
class PoissonRule:
    """What Poisson sources that are all alike draw their spikes from; for backends that draw by themselves.

    Attributes
    ----------
    seed, stream : int
    rate_per_step : float
    first_step, last_step : int
        In which they are active.
    """

    seed: int
    stream: int
    rate_per_step: float
    first_step: int
    last_step: int


@dataclass(frozen=True)
class PoissonColumns:
    """What Poisson sources draw their spikes from, each from its own column's values.

    Attributes
    ----------
    seed, stream : int
    rate_per_step : (size,) float64 ndarray
    first_step, last_step : (size,) int64 ndarray
        In which each is active.
    """

    seed: int
    stream: int
    rate_per_step: NDArray[np.float64]
    first_step: NDArray[np.int64]
    last_step: NDArray[np.int64]


def poisson_columns(network: Network, population_index: int) -> PoissonColumns:
    """Return what a population of SpikeSourcePoisson draws from.

    Raises
    ------
    InvalidInputError
        As `source_spikes`.
    """
    population = network.populations[population_index]
    return PoissonColumns(
        unsigned(network.seed),
        stream_of("poisson", population_index),
        _rate_per_step(population, population.column("rate"), network.dt_ms),
        *_active_steps(population, population.column("start"), population.column("duration"), network.dt_ms),
    )


def common_rule(network: Network, population_index: int) -> PoissonRule | None:
    """Return the rule of a population's sources, None if they are not Poisson sources or not all alike.

    Raises
    ------
    InvalidInputError
        As `source_spikes`.
    """
    population = network.populations[population_index]
    if population.model != "SpikeSourcePoisson" or not population.size:
        return None
    columns = poisson_columns(network, population_index)
    rates, first, last = columns.rate_per_step, columns.first_step, columns.last_step
    if any(np.any(column != column[0]) for column in (rates, first, last)):
        return None
    return PoissonRule(columns.seed, columns.stream, float(rates[0]), int(first[0]), int(last[0]))


def _those(
    wanted: NDArray[np.bool_] | None, steps: NDArray[np.int64], indices: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if wanted is None:
        return steps, indices
    return steps[wanted[indices]], indices[wanted[indices]]


def _array_spikes(
    population: Population, first_step: int, last_step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    begin, end = np.searchsorted(population.spike_steps, [first_step, last_step + 1])
    steps = np.asarray(population.spike_steps[begin:end], np.int64)
    indices = np.asarray(population.spike_indices[begin:end], np.int64)
    order = np.lexsort((indices, steps))
    return steps[order], indices[order]


def _poisson_spikes(
    network: Network,
    population: Population,
    stream: int,
    first_step: int,
    last_step: int,
    wanted: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rates = _rate_per_step(population, population.column("rate"), network.dt_ms)
    steps, indices = _core.poisson_spikes(
        unsigned(network.seed),
        stream,
        rates if wanted is None else np.where(wanted, rates, 0.0),
        *_active_steps(population, population.column("start"), population.column("duration"), network.dt_ms),
        first_step,
        last_step,
    )
    return steps, indices.astype(np.int64)


def _variable_spikes(
    network: Network, population: Population, stream: int, first_step: int, last_step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the spikes of sources whose rate is another one in each of several intervals.

    An interval ends at the latest when the next one begins. As a draw depends on source and step alone, all
    intervals have the same stream, and a source whose rates are equal is one of SpikeSourcePoisson.
    """
    rates, starts, durations = (
        np.atleast_2d(np.asarray(population.parameters[name], np.float64))
        for name in ("rates", "starts", "durations")
    )
    if np.any(np.diff(starts, axis=1) < 0):
        raise InvalidInputError(
            f"Population {population.label!r}: starts of a Poisson source's rates do not ascend; sort them."
        )
    next_start = np.append(starts[:, 1:], np.full((len(starts), 1), np.inf), axis=1)
    durations = np.minimum(durations, next_start - starts)
    parts = [
        _core.poisson_spikes(
            unsigned(network.seed),
            stream,
            _rate_per_step(population, rates[:, i], network.dt_ms),
            *_active_steps(population, starts[:, i], durations[:, i], network.dt_ms),
            first_step,
            last_step,
        )
        for i in range(rates.shape[1])
    ]
    steps, indices = (np.concatenate(column).astype(np.int64) for column in zip(*parts))
    order = np.lexsort((indices, steps))
    return steps[order], indices[order]


def _rate_per_step(population: Population, rates: NDArray[np.float64], dt_ms: float) -> NDArray[np.float64]:
    limit = MAX_SPIKES_PER_STEP * 1000 / dt_ms
    wrong = ~((rates >= 0) & (rates <= limit))
    if wrong.any():
        raise InvalidInputError(
            f"Population {population.label!r}: {np.count_nonzero(wrong)} of {population.size} Poisson rates "
            f"are out of range, for example {rates[wrong][0]:g} Hz; a rate must be a number from 0 to "
            f"{limit:g} Hz ({MAX_SPIKES_PER_STEP} spikes in a step of {dt_ms:g} ms)."
        )
    return np.ascontiguousarray(rates * (dt_ms / 1000))


def _active_steps(
    population: Population, start: NDArray[np.float64], duration: NDArray[np.float64], dt_ms: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last step in which each source may emit."""
    wrong = np.isnan(start) | np.isnan(duration)
    if wrong.any():
        raise InvalidInputError(
            f"Population {population.label!r}: start or duration of {np.count_nonzero(wrong)} of "
            f"{population.size} Poisson sources is not a number; give times in ms."
        )
    # A stop at the very end of time may be infinite, or minus infinity plus infinity.
    with np.errstate(invalid="ignore"):
        stop = np.where(np.isposinf(duration), np.inf, start + duration)
    first, last = (_nearest_step(time / dt_ms) for time in (start, stop))
    return first + 1, last


def _nearest_step(steps: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(np.clip(steps, -_LAST_STEP, _LAST_STEP)).astype(np.int64)
