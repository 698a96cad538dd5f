"""Sources whose spikes depend on the time since their last one: with dead time, gamma, inhomogeneous gamma.

Every source draws from a counter-based stream of its own, so its spikes depend on seed, population, index and
its parameters alone. The drawing is sequential; how far it has come is kept, so that going on is cheap, but a
request for earlier steps, or with other parameters, draws from the beginning again. After a change of
parameters a source goes on like one that has had the new ones from the beginning.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError
from pycosim.network.columns import Network, Population
from pycosim.random import generator, stream_of

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# Intervals, or candidates for a spike, that are drawn at once.
_BLOCK = 16
# By identity of the population, for as long as there is that.
_kept: dict[int, tuple[tuple[Any, ...], Process]] = {}


def renewal_spikes(network: Network, index: int, first_step: int, last_step: int) -> tuple[Int, Int]:
    """Return the spikes of a population of such sources; see `pycosim.network.inputs.source_spikes`.

    Raises
    ------
    InvalidInputError
        If a parameter has no meaning, for example a rate with no room for the dead time.
    """
    population = network.populations[index]
    columns = tuple(np.asarray(value, np.float64).tobytes() for value in population.parameters.values())
    identity = network.seed, index, network.dt_ms, population.size, columns
    key = id(population)
    if key not in _kept:
        weakref.finalize(population, _kept.pop, key, None).atexit = False
    known, process = _kept.get(key, (None, None))
    if process is None or known != identity or process.step >= first_step:
        process = PROCESSES[population.model](network, index)
        _kept[key] = identity, process
    return process.until(first_step, last_step)


class Process:
    """The sources of one population, and how far their spikes have been drawn.

    Parameters
    ----------
    network : Network
    index : int
        Of the population.

    Attributes
    ----------
    step : int
        Spikes up to this step have been given out.
    """

    def __init__(self, network: Network, index: int):
        population = network.populations[index]
        self._population, self._dt_ms, self.step = population, network.dt_ms, -1
        self._start = population.column("start").copy()
        duration = population.column("duration")
        with np.errstate(invalid="ignore"):
            self._stop = np.where(np.isposinf(duration), np.inf, self._start + duration)
        self._drawn_until = self._start.copy()
        self._generators = [
            generator(network.seed, stream_of("renewal", index, source)) for source in range(population.size)
        ]
        self._waiting: tuple[Float, Int] = np.empty(0), np.empty(0, np.int64)
        self._prepare(population)

    def _prepare(self, population: Population) -> None:
        """Read and check the parameters."""

    def _draw(self, source: int) -> Float:
        """Return further spike times of a source, ascending, and move its `_drawn_until` on."""
        raise AssertionError

    def _refuse(self, wrong: NDArray[np.bool_], problem: str) -> None:
        if np.any(wrong):
            raise InvalidInputError(
                f"Population {self._population.label!r}, {self._population.model}: {problem} "
                f"({np.count_nonzero(wrong)} of {self._population.size} sources)."
            )

    def until(self, first_step: int, last_step: int) -> tuple[Int, Int]:
        """Return the spikes from `first_step` to `last_step`, ordered by (step, index)."""
        self._draw_until(last_step * self._dt_ms)
        times, sources = self._waiting
        # An event of the interval (t_{k-1}, t_k] belongs to step k.
        steps = np.ceil(times / self._dt_ms).astype(np.int64)
        late = steps > last_step
        self._waiting = times[late], sources[late]
        self.step = last_step
        wanted = ~late & (steps >= first_step)
        steps, sources = steps[wanted], sources[wanted]
        order = np.lexsort((sources, steps))
        return steps[order], sources[order]

    def _draw_until(self, end_ms: float) -> None:
        times, sources = [self._waiting[0]], [self._waiting[1]]
        behind = np.flatnonzero((self._drawn_until <= end_ms) & (self._start < self._stop))
        while len(behind):
            for source in behind:
                events = self._draw(source)
                if self._drawn_until[source] >= self._stop[source]:
                    events = events[events < self._stop[source]]
                    self._drawn_until[source] = np.inf
                times.append(events[events > 0])
                sources.append(np.full(len(times[-1]), source))
            behind = behind[self._drawn_until[behind] <= end_ms]
        self._waiting = np.concatenate(times), np.concatenate(sources)


class _Renewal(Process):
    """Intervals are independent; the process is stationary from `start` on."""

    def _intervals(self, source: int, random: np.random.Generator) -> Float:
        raise AssertionError

    def _first(self, source: int, random: np.random.Generator) -> float:
        """Return the time from `start` to the first spike, when the last one before was any time ago."""
        raise AssertionError

    def _draw(self, source: int) -> Float:
        random = self._generators[source]
        intervals = self._intervals(source, random)
        if self._drawn_until[source] == self._start[source]:
            intervals[0] = self._first(source, random)
        times = self._drawn_until[source] + np.cumsum(intervals)
        self._drawn_until[source] = times[-1]
        return times


class PoissonRefractory(_Renewal):
    """A Poisson process with dead time; `rate` is that of its spikes."""

    def _prepare(self, population: Population) -> None:
        rate, self._dead = population.column("rate") / 1000, population.column("tau_refrac")
        self._refuse(~(rate >= 0), "the rate is negative or not a number")
        self._refuse(~(self._dead >= 0), "tau_refrac is negative or not a number")
        self._refuse(
            rate * self._dead >= 1, "the rate leaves no room for tau_refrac; it must be below 1/tau_refrac"
        )
        with np.errstate(divide="ignore"):
            self._mean = 1 / rate - self._dead
        self._share = rate * self._dead
        self._stop = np.where(rate > 0, self._stop, -np.inf)

    def _intervals(self, source: int, random: np.random.Generator) -> Float:
        return self._dead[source] + self._mean[source] * random.standard_exponential(_BLOCK)

    def _first(self, source: int, random: np.random.Generator) -> float:
        # The start falls into a dead time with the probability of its share of time.
        left = self._dead[source] * random.random() if random.random() < self._share[source] else 0.0
        return left + self._mean[source] * random.standard_exponential()


class Gamma(_Renewal):
    """Intervals have a gamma distribution of shape `alpha` and rate `beta` (in Hz)."""

    def _prepare(self, population: Population) -> None:
        self._alpha, beta = population.column("alpha"), population.column("beta")
        for name, column in (("alpha", self._alpha), ("beta", beta)):
            self._refuse(~((column > 0) & np.isfinite(column)), f"{name} must be a number above 0")
        self._scale = 1000 / beta

    def _intervals(self, source: int, random: np.random.Generator) -> Float:
        return self._scale[source] * random.standard_gamma(self._alpha[source], _BLOCK)

    def _first(self, source: int, random: np.random.Generator) -> float:
        # A point in time is in an interval with a probability proportional to its length, and anywhere in it.
        return self._scale[source] * random.standard_gamma(self._alpha[source] + 1) * random.random()


class InhomogeneousGamma(Process):
    """The hazard at time t is that of a gamma distribution of shape a(t) and scale b(t), by thinning.

    `a`, `b` and `tbins` are (size, n_bins); a bin holds until the next, the last for ever, and there are no
    spikes before the first. The first interval begins with the source.
    """

    def _prepare(self, population: Population) -> None:
        self._a, b, self._bins = (
            np.asarray(population.parameters[name], float) for name in ("a", "b", "tbins")
        )
        if not self._a.shape == b.shape == self._bins.shape:
            raise InvalidInputError(
                f"Population {population.label!r}, {population.model}: a, b and tbins have "
                f"{self._a.shape[1]}, {b.shape[1]} and {self._bins.shape[1]} values; give as many of each."
            )
        self._b = b * 1000
        self._refuse(
            ~np.all((self._a >= 1) & np.isfinite(self._a), axis=1), "a must be 1 or more in every bin"
        )
        self._refuse(~np.all((b > 0) & np.isfinite(b), axis=1), "b must be above 0 in every bin")
        self._refuse(np.any(np.diff(self._bins[:, ::-1], axis=1) > 0, axis=1), "tbins must ascend")
        # With a shape of 1 or more the hazard rises to 1/b.
        self._longest = self._b.min(axis=1)
        self._last = self._start.copy()

    def _draw(self, source: int) -> Float:
        random, b_min = self._generators[source], self._longest[source]
        candidates = self._drawn_until[source] + b_min * np.cumsum(random.standard_exponential(_BLOCK))
        chances = random.random(_BLOCK)
        self._drawn_until[source] = candidates[-1]
        bins = np.searchsorted(self._bins[source], candidates, side="right") - 1
        events = []
        for time, chance, k in zip(candidates.tolist(), chances.tolist(), bins.tolist()):
            if k < 0:
                continue
            b = self._b[source, k]
            if chance < gamma_hazard((time - self._last[source]) / b, self._a[source, k]) * b_min / b:
                events.append(time)
                self._last[source] = time
        return np.array(events)


def gamma_hazard(x: float, shape: float) -> float:
    """Return ``x^(shape-1) e^-x / Gamma(shape, x)``: the hazard of a gamma distribution of unit scale."""
    if x <= 0:
        return 1.0 if shape == 1 else 0.0
    if x < shape + 1:  # the series of the lower incomplete gamma function
        term = total = 1 / shape
        n = shape
        while term > 1e-16 * total:
            n += 1
            term *= x / n
            total += term
        density = math.exp((shape - 1) * math.log(x) - x - math.lgamma(shape))
        return density / (1 - x * density * total)
    # The continued fraction of the upper one, from its end; 100 terms are enough for x > shape + 1.
    fraction = 0.0
    for n in range(100, 0, -1):
        fraction = n * (n - shape) / (x + 2 * n + 1 - shape - fraction)
    return (x + 1 - shape - fraction) / x


PROCESSES: dict[str, type[Process]] = {
    "SpikeSourcePoissonRefractory": PoissonRefractory,
    "SpikeSourceGamma": Gamma,
    "SpikeSourceInhGamma": InhomogeneousGamma,
}
