"""Currents that electrodes inject: the same on every target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycosim._core import normal_numbers
from pycosim.errors import NotSupportedError
from pycosim.network.columns import Current, Network
from pycosim.random import stream_of, unsigned

PARAMETERS: dict[str, tuple[str, ...]] = {
    "DCSource": ("amplitude", "start", "stop"),
    "StepCurrentSource": ("times", "amplitudes"),
    "ACSource": ("amplitude", "start", "stop", "frequency", "offset", "phase"),
    "NoisyCurrentSource": ("mean", "stdev", "start", "stop", "dt"),
}
"""Parameters of each kind of current source, in PyNN units (nA, ms, Hz, degrees)."""

# "For ever", far from where adding to a step could overflow.
_LAST_STEP = 2**62

Float = NDArray[np.float64]


def current_values(network: Network, index: int, first_step: int, last_step: int) -> Float:
    """Return the current in nA during each of the steps `first_step` to `last_step`, both included.

    A pure function: the value of a step does not depend on the range that was asked for. During step k, that
    is from t_{k-1} to t_k, the current has its value of t_{k-1}; times at which it changes are rounded to the
    nearest step. A sine begins at its phase when the current begins; noise keeps each value for `dt`.

    Returns
    -------
    (last_step - first_step + 1,) float64 ndarray

    Raises
    ------
    NotSupportedError
        If there is no such kind of current source.
    """
    current = network.currents[index]
    kind, p = current.kind, current.parameters
    since = np.arange(first_step - 1, last_step)
    if kind == "StepCurrentSource":
        return _steps(current, since, network.dt_ms)
    if kind not in PARAMETERS:
        raise NotSupportedError(
            f"Current source {current.label!r} is of the kind {kind}; there are {', '.join(PARAMETERS)}."
        )
    start, stop = _start_and_stop(network, current)
    values = np.zeros(len(since))
    active = slice(*(_within(step - first_step + 1, len(since)) for step in (max(start, 0), stop)))
    since = since[active] - start
    if kind == "DCSource":
        values[active] = float(p["amplitude"])
    elif kind == "ACSource":
        turns = since * network.dt_ms * (float(p["frequency"]) / 1000.0) + float(p["phase"]) / 360.0
        values[active] = float(p["offset"]) + float(p["amplitude"]) * np.sin(2 * np.pi * (turns % 1.0))
    elif len(since):
        noise = noise_of(network, index)
        first, last = (int(step) // noise.hold for step in since[[0, -1]])
        numbers = normal_numbers(noise.seed, noise.stream, first, last - first + 1)
        values[active] = noise.mean + noise.stdev * numbers[since // noise.hold - first]
    return values


class Noise(NamedTuple):
    """A noisy current (nA, steps) and where its normal numbers come from; each is kept for `hold` steps."""

    mean: float
    stdev: float
    start: int
    stop: int
    hold: int
    seed: int
    stream: int


def noise_of(network: Network, index: int) -> Noise | None:
    """Return what a backend needs to make noise or a constant current itself; None for other currents.

    A constant current is one number of noise without deviation.
    """
    current = network.currents[index]
    if current.kind == "DCSource":
        amplitude = float(current.parameters["amplitude"])
        return Noise(amplitude, 0.0, *_start_and_stop(network, current), _LAST_STEP, 0, 0)
    if current.kind != "NoisyCurrentSource":
        return None
    mean, stdev, dt_ms = (float(current.parameters[name]) for name in ("mean", "stdev", "dt"))
    hold = max(1, round(dt_ms / network.dt_ms))
    seed, stream = unsigned(network.seed), stream_of("noisy current", index)
    return Noise(mean, stdev, *_start_and_stop(network, current), hold, seed, stream)


def current_problems(network: Network, current: Current) -> Iterator[str]:
    """Yield what is wrong with a current source, as ends of a sentence."""
    if current.kind not in PARAMETERS:
        yield f"there is no kind {current.kind}; there are {', '.join(PARAMETERS)}"
        return
    missing = [name for name in PARAMETERS[current.kind] if name not in current.parameters]
    if missing:
        yield f"parameter {', '.join(missing)} is missing"
        return
    yield from _value_problems(current, network.dt_ms)
    targets = np.asarray(current.targets)
    if len(targets) and (targets.min() < 0 or targets.max() >= network.n_neurons):
        yield f"it flows into neuron {targets.max()}; the network has {network.n_neurons} neurons"
    elif len(targets) and network.source_mask()[targets].any():
        yield "it flows into spike sources, which have no membrane; inject into neurons"


def _value_problems(current: Current, dt_ms: float) -> Iterator[str]:
    for name, value in current.parameters.items():
        values = np.asarray(value, np.float64)
        if np.any(np.isnan(values)) or (name not in ("start", "stop") and not np.all(np.isfinite(values))):
            yield f"{name} is {values.min():g}; it must be a finite number"
    if current.kind == "StepCurrentSource":
        times, amplitudes = (
            np.asarray(current.parameters[name], np.float64) for name in ("times", "amplitudes")
        )
        if times.shape != amplitudes.shape or times.ndim != 1:
            yield f"there are {times.size} times, but {amplitudes.size} amplitudes"
        elif np.any(times < 0):
            yield f"the time {times.min():g} ms is negative"
        elif np.any(np.diff(times) <= 0):
            yield "the times are not ascending"
    elif current.kind == "NoisyCurrentSource":
        steps = float(np.asarray(current.parameters["dt"])) / dt_ms
        if not (steps > 0.5 and abs(steps - round(steps)) < 1e-6):
            yield (
                f"a new value every {float(np.asarray(current.parameters['dt'])):g} ms is not possible with "
                f"steps of {dt_ms:g} ms; give a multiple"
            )
        if float(np.asarray(current.parameters["stdev"])) < 0:
            yield "stdev is negative"


def _steps(current: Current, since: NDArray[np.int64], dt_ms: float) -> Float:
    times = np.rint(np.asarray(current.parameters["times"], np.float64) / dt_ms)
    amplitudes = np.append(0.0, np.asarray(current.parameters["amplitudes"], np.float64))
    # The last of several changes in one step holds.
    return amplitudes[np.searchsorted(times, since, side="right")]


def _start_and_stop(network: Network, current: Current) -> tuple[int, int]:
    start, stop = (float(current.parameters[name]) / network.dt_ms for name in ("start", "stop"))
    return _nearest_step(start), _nearest_step(stop)


def _nearest_step(steps: float) -> int:
    return round(min(max(steps, -_LAST_STEP), _LAST_STEP))


def _within(place: int, n: int) -> int:
    return min(max(place, 0), n)
