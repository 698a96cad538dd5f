"""Neurons whose update over a step is code of their own: those of chips, with their number formats.

Such a model is written twice: in NumPy, to be read and compared with, and in C++, for the native engine (see
`backends/native/csrc/own_model.hpp`). Both take the states from one step to the next, fire and reset by rules
of their own. Numbers are float64 everywhere; integers of up to 53 bits are exact in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.network.coefficients import Parameters
from pycosim.network.noise import random_words

__all__ = ["Draws", "Holder", "OwnUpdate", "Register"]

Float = NDArray[np.float64]


class Holder(Protocol):
    """What knows which values can be held: a `Register`, or a rule for values that depend on each other."""

    def problems(self, what: str, values: ArrayLike) -> Iterator[str]:
        """Say what does not fit."""


@dataclass(frozen=True)
class Register:
    """What a register can hold: multiples of `step` from `low` to `high`; any number where step is 0."""

    low: float
    high: float
    step: float = 1.0

    def __str__(self) -> str:
        """Return the range in words."""
        kind = {0.0: "numbers", 1.0: "whole numbers"}.get(self.step, f"multiples of {self.step:g}")
        return f"{kind} from {self.low:.10g} to {self.high:.10g}"

    def holds(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Return which values fit."""
        values = np.asarray(values, np.float64)
        fits = (values >= self.low) & (values <= self.high)
        return fits & (values / self.step == np.rint(values / self.step)) if self.step else fits

    def nearest(self, values: ArrayLike) -> Float:
        """Return the nearest values that fit, halves away from zero."""
        values = np.asarray(values, np.float64)
        if self.step:
            values = np.copysign(np.floor(np.abs(values) / self.step + 0.5), values) * self.step
        return np.clip(values, self.low, self.high)

    def problems(self, what: str, values: ArrayLike) -> Iterator[str]:
        """Say what does not fit."""
        values = np.asarray(values, np.float64)
        wrong = ~self.holds(values)
        if np.any(wrong):
            number = f" in {np.count_nonzero(wrong)} of {values.size} places" if values.ndim else ""
            yield f"{what} is {values[wrong].flat[0]:g}{number}; the register holds {self}"


@dataclass(frozen=True)
class Draws:
    """The random numbers of neurons in one step; the same in every backend, for any number of threads.

    Attributes
    ----------
    key : tuple of int
    neurons : (n,) ndarray of int
        Global numbers.
    step : int
    """

    key: tuple[int, int]
    neurons: NDArray[np.int64]
    step: int

    def words(self, lane: int) -> tuple[NDArray[np.uint64], ...]:
        """Return four words of 32 bits for each neuron; each lane has others."""
        return random_words(self.key, self.neurons, self.step, lane)


@dataclass(frozen=True)
class OwnUpdate:
    """The code of a model, and what its registers hold.

    Attributes
    ----------
    step : callable
        ``step(states, constants, inputs, draws)`` changes the states, (n,) float64 by name, in place and
        returns which neurons fire, (n,) bool. `inputs` are the sums of the weights that arrive at the end of
        the step, (n,) float64 for each receptor in the model's order.
    native : str
        Name of the compiled module that has the same update for the native engine.
    states : dict of str to Register
        By state variable, of its initial values.
    individual : callable or None
        ``individual(parameters, seed, neurons)`` returns the parameters of devices that differ from one
        another: from those that were set, the network's seed and the global numbers of the neurons.
    registers : dict of str to Register
        By parameter.
    weight_counts_events : bool
        Whether a synapse of weight k is k unit synapses of the chip (repeated CAM words; a crossbar bit that
        is set or not), so that a spike causes k synaptic events there.
    payload : str
        State variable whose value at the end of the step a spike carries: it multiplies the weights of all
        synapses of the neuron. Empty: spikes carry nothing.
    weights : dict of str to Holder
        By receptor; it is asked about all weights of a projection together.
    """

    step: Callable[[dict[str, Float], Mapping[str, ArrayLike], list[Float], Draws], NDArray[np.bool_]]
    native: str
    states: Mapping[str, Register] = field(default_factory=dict)
    individual: Callable[[Parameters, int, NDArray[np.int64]], Parameters] | None = None
    registers: Mapping[str, Register] = field(default_factory=dict)
    weights: Mapping[str, Holder] = field(default_factory=dict)
    weight_counts_events: bool = False
    payload: str = ""
