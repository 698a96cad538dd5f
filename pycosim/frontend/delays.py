"""Delays in ms become whole steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import ConnectivityError
from pycosim.frontend import simulator


def delay_steps(delays_ms: float | NDArray[np.float64], label: str) -> int | NDArray[np.int32]:
    """Return delays in whole steps, rounded to the nearest and at least one.

    Raises
    ------
    ConnectivityError
        If a delay is negative, not finite, or outside the limits given to setup().
    """
    state = simulator.state
    delays = np.asarray(delays_ms, np.float64)
    bad = ~(np.isfinite(delays) & (delays >= 0))
    if bad.any():
        raise ConnectivityError(
            f"Projection {label!r}: {int(bad.sum())} delays are negative or not finite (for example "
            f"{delays[bad].flat[0]} ms); a delay must be at least one time step, {state.dt} ms."
        )
    _check_limit(delays, state.requested_min_delay, np.less, "below min_delay", label)
    _check_limit(delays, state.requested_max_delay, np.greater, "above max_delay", label)
    steps = np.floor(delays / state.dt + 0.5)
    if np.any(steps < 1):
        message = f"Projection {label!r}: delays below one time step became one time step, {state.dt} ms."
        state.warn(message, of_all=False)
    steps = np.maximum(steps, 1)
    return int(steps) if steps.ndim == 0 else steps.astype(np.int32)


def _check_limit(
    delays: NDArray[np.float64], limit: float | None, outside: np.ufunc, what: str, label: str
) -> None:
    """Raise ConnectivityError if delays in ms are beyond a limit that was given to setup()."""
    if limit is None:
        return
    beyond = outside(delays, limit) & ~np.isclose(delays, limit, rtol=0, atol=1e-9)
    if beyond.any():
        raise ConnectivityError(
            f"Projection {label!r}: {int(beyond.sum())} delays (for example {delays[beyond].flat[0]} ms) are "
            f"{what}={limit} ms as given to setup(); change that limit or the delays."
        )
