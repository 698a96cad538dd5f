"""Loihi 2's graded spikes: neurons whose spikes carry a whole number, by which the weights are multiplied.

A step of a neuron, with a_in the sum of weight times payload of the spikes that arrive::

    it fires if |a_in| > vth (GradedVec), or if a_in > vth (GradedReluVec); the payload s_out is a_in

where a_in saturates at 24 bits, signed. Spikes of other neurons and of sources carry 1. Names and rules are
those of Lava (lava-nc/lava, src/lava/proc/graded); that sums saturate, and do not wrap, is assumed: Lava
computes with 32 bits. Its exponent `exp` does not change what its neurons compute and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.hwmodels.neurons import ChipNeuron
from pycosim.network.coefficients import Coefficients, Parameters
from pycosim.network.models import NeuronModel
from pycosim.network.own_update import Draws, OwnUpdate, Register

__all__ = ["NEURONS"]

Float = NDArray[np.float64]

_LARGEST = 2.0**23 - 1
_WEIGHTS = Register(-256, 255)


def _constants(p: Parameters, dt_ms: float) -> Coefficients:
    return {"vth": np.asarray(p["vth"], np.float64)}


def _stepper(magnitude: Callable[[Float], Float]) -> Callable:
    def step(
        s: dict[str, Float], c: Mapping[str, ArrayLike], inputs: list[Float], draws: Draws
    ) -> NDArray[np.bool_]:
        total = np.clip(inputs[0], -_LARGEST, _LARGEST)
        fires = magnitude(total) > c["vth"]
        s["s_out"] = np.where(fires, total, 0.0)
        return fires

    return step


def _neuron(name: str, magnitude: Callable[[Float], Float], condition: str) -> ChipNeuron:
    return ChipNeuron(
        NeuronModel(
            f"loihi2.{name}",
            ("vth",),
            ("s_out",),
            {"a_in": "s_out"},
            {"s_out": ("s_out", "dimensionless")},
            _constants,
            initial={},
            own=OwnUpdate(
                _stepper(magnitude),
                native="pycosim.hwmodels.loihi2._neurons",
                registers={"vth": Register(0, _LARGEST)},
                weights={"a_in": _WEIGHTS},
                states={"s_out": Register(-_LARGEST, _LARGEST)},
                payload="s_out",
            ),
        ),
        {"vth": 1.0},
        f"Lava's {name}: in each step the sum of weight times payload of what arrives at the receptor a_in "
        f"is sent as the payload of a spike if {condition} vth. The payload, s_out, can be recorded; it is "
        "0 in steps without a spike, and multiplies the weights of all synapses of the neuron.",
    )


NEURONS = (
    _neuron("GradedVec", np.abs, "its magnitude is above"),
    _neuron("GradedReluVec", np.positive, "it is above"),
)
