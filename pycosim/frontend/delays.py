"""Delays in ms become whole steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.errors import ConnectivityError
from pycosim.frontend import simulator
from pycosim.frontend.limits import Limits


@dataclass(frozen=True)
class RoundedDelays:
    """Delays that were drawn as whole steps; the numbers in ms are not kept.

    Attributes
    ----------
    steps : (n,) int32 ndarray
        Rounded to the nearest and at least one.
    smallest_ms, largest_ms, error_ms : float
        Of the delays as they were drawn, and by how much a step is off at most.
    """

    steps: NDArray[np.int32]
    smallest_ms: float
    largest_ms: float
    error_ms: float

    def of_targets(self, targets: NDArray[np.int32], wanted: NDArray[np.uint8]) -> RoundedDelays:
        """Return those of synapses on wanted targets."""
        return replace(self, steps=_core.values_of_wanted(self.steps, targets, wanted))


def rounded_delays(
    rounded: tuple[NDArray[np.int32], bool, float, float, float] | None,
) -> RoundedDelays | None:
    """Return what compiled code has rounded, unless delays are impossible or beyond the limits of setup()."""
    if rounded is None:
        return None
    steps, all_possible, smallest, largest, error_ms = rounded
    low, high = simulator.state.requested_min_delay, simulator.state.requested_max_delay
    is_outside = (low is not None and smallest < low) or (high is not None and largest > high)
    return RoundedDelays(steps, smallest, largest, error_ms) if all_possible and not is_outside else None


def delay_steps(
    delays_ms: float | NDArray[np.float64] | RoundedDelays | Limits, label: str
) -> int | NDArray[np.int32]:
    """Return delays in whole steps, rounded to the nearest and at least one; of limits those of both.

    Raises
    ------
    ConnectivityError
        If a delay is negative, not finite, or outside the limits given to setup().
    """
    state = simulator.state
    if isinstance(delays_ms, RoundedDelays):
        if delays_ms.steps.size:
            _tell_rounding(delays_ms.smallest_ms, delays_ms.error_ms, label)
        return delays_ms.steps
    delays = delays_ms if isinstance(delays_ms, Limits) else np.asarray(delays_ms, np.float64)
    if state.is_spinnaker:
        _require_possible(delays, label)
        delays = _raised(delays, state.requested_min_delay, label)
    # the smallest and the largest one tell whether any has to be looked at
    steps, all_possible, smallest, largest, error_ms = _core.delay_steps(np.reshape(delays, -1), state.dt)
    if not all_possible:
        _require_possible(delays, label)
    _check_limit(delays, smallest, state.requested_min_delay, np.less, "below min_delay", label)
    _check_limit(delays, largest, state.requested_max_delay, np.greater, "above max_delay", label)
    if np.size(delays):
        _tell_rounding(smallest, error_ms, label)
    return int(steps[0]) if np.ndim(delays) == 0 else steps


def _tell_rounding(smallest_ms: float, error_ms: float, label: str) -> None:
    """Warn of delays below one step, and let an observer know by how much steps are off."""
    state = simulator.state
    if smallest_ms / state.dt < 0.5:
        message = f"Projection {label!r}: delays below one time step became one time step, {state.dt} ms."
        state.warn(message, of_all=False)
    if state.observer is not None and error_ms > 1e-9:
        state.observer.delays_rounded(label, error_ms)


def _require_possible(delays_ms: NDArray[np.float64] | Limits, label: str) -> None:
    """Refuse delays that are not finite and at least 0, or too many steps to count."""
    dt_ms, delays = simulator.state.dt, np.asarray(delays_ms, np.float64)
    bad = ~(np.isfinite(delays) & (delays >= 0))
    if bad.any():
        raise ConnectivityError(
            f"Projection {label!r}: {_those(delays_ms, bad)} are negative or not finite; a delay must be at "
            f"least one time step, {dt_ms} ms."
        )
    long = delays / dt_ms >= 2**31 - 1
    if long.any():
        raise ConnectivityError(
            f"Projection {label!r}: {_those(delays_ms, long)} have 2**31 time steps of {dt_ms} ms or more."
        )


def _those(delays_ms: NDArray[np.float64] | Limits, wrong: NDArray[np.bool_]) -> str:
    """Return how many delays are wrong, where they are all there, with an example."""
    n = "some" if isinstance(delays_ms, Limits) else int(wrong.sum())
    return f"{n} delays (for example {np.asarray(delays_ms)[wrong].flat[0]} ms)"


def _raised(delays: NDArray[np.float64], limit: float | None, label: str) -> NDArray[np.float64]:
    """Return delays in ms of which none is below the smallest one given to setup(), as sPyNNaker does."""
    below = delays < (limit or 0.0)
    if not below.any():
        return delays
    simulator.state.warn(
        f"Projection {label!r}: delays below min_delay={limit} ms (for example {delays[below].flat[0]} ms) "
        "became that.",
        of_all=False,
    )
    return np.maximum(delays, limit)


def _check_limit(
    delays_ms: NDArray[np.float64] | Limits,
    extreme: float,
    limit: float | None,
    outside: np.ufunc,
    what: str,
    label: str,
) -> None:
    """Raise ConnectivityError if delays are beyond a limit that was given to setup()."""
    if limit is None or not outside(extreme, limit):
        return
    delays = np.asarray(delays_ms)
    beyond = outside(delays, limit) & ~np.isclose(delays, limit, rtol=0, atol=1e-9)
    if beyond.any():
        raise ConnectivityError(
            f"Projection {label!r}: {_those(delays_ms, beyond)} are {what}={limit} ms as given to setup(); "
            "change that limit or the delays."
        )
