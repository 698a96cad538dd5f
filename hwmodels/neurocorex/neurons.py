"""NeuroCoreX's neuron, bit for bit: whole numbers of 18 bits in units of 1/1024 (Q7.10).

One step of a neuron, with what arrived from the step before::

    I = cut(1024 sum of recurrent weights) + cut(1024 feedforward_scale sum of feed-forward weights)
    it fires if v + bias >= threshold and no refractory time is left; then v = v_reset, and I is lost
    otherwise v = v + bias - leak + I                                          modulo 2^18

Weights are whole numbers of 8 bits. ``cut`` keeps the sign and the lowest 17 bits, as VHDL's ``resize`` does:
a current beyond Q7.10 wraps within its sign, so that 128 becomes 0 and -129 becomes -1. The membrane is
tested before it is moved: what arrives in a step can make the neuron fire in the next. It moves on, and is
not tested, for max(refractory, 1) steps after a spike.

Rules are those of ORNL/NeuroCoreX (vhdl_src/Core_engine.vhd, process LIF_updater). Of its peculiarities:

- It has one leak for all neurons, and takes feedforward_scale from the refractory time of its neuron 0;
  `bias` is added to one neuron, the one that is watched. All are parameters of each neuron here.
- Its release does not clear the register of the recurrent current where no recurrent spike arrives (the lines
  that did are comments), nor that of the feed-forward current where only a recurrent spike does: old values
  act again, on other neurons too. Here each current lasts one step, which is taken to be what was meant: the
  feed-forward one does where feed-forward spikes arrive, or none at all.
- An earlier state of the repository (process updater) has a membrane and currents that decay by a factor;
  that is another neuron.
- v_reset is a constant, 0, of its synthesis.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.hwmodels.neurons import ChipNeuron
from pycosim.network.coefficients import Coefficients, Parameters
from pycosim.network.models import NeuronModel
from pycosim.network.own_update import Draws, OwnUpdate, Register

__all__ = ["NEURONS"]

Float = NDArray[np.float64]

_HALF = 2.0**17
_STATE = Register(-_HALF, _HALF - 1)
_REGISTERS = {
    "threshold": _STATE,
    "leak": _STATE,
    "refractory": Register(0, _HALF - 1),
    "v_reset": _STATE,
    "bias": _STATE,
    "feedforward_scale": Register(0, 255),
}
_RECEPTORS = ("recurrent", "feedforward")


def _wrapped(x: Float) -> Float:
    return x - 2 * _HALF * np.floor((x + _HALF) / (2 * _HALF))


def _cut(x: Float) -> Float:
    """Return the sign and the lowest 17 bits."""
    return x - _HALF * np.floor(x / _HALF) - np.where(x < 0, _HALF, 0)


def _constants(p: Parameters, dt_ms: float) -> Coefficients:
    return {name: np.asarray(p[name], np.float64) for name in _REGISTERS}


def _step(
    s: dict[str, Float], c: Mapping[str, ArrayLike], inputs: list[Float], draws: Draws
) -> NDArray[np.bool_]:
    current = _cut(1024 * inputs[0]) + _cut(1024 * np.asarray(c["feedforward_scale"]) * inputs[1])
    v, count = _wrapped(s["v"] + c["bias"]), s["count"]
    fires = (v >= c["threshold"]) & (count == 0)
    s["v"] = np.where(fires, c["v_reset"], _wrapped(v - c["leak"] + current))
    is_left = (count > 0) & (count < c["refractory"])
    s["count"] = np.where(fires, 1, np.where(is_left, count + 1, 0))
    return fires


NEURONS = (
    ChipNeuron(
        NeuronModel(
            "neurocorex.LIF",
            tuple(_REGISTERS),
            ("v", "count"),
            dict.fromkeys(_RECEPTORS, "v"),
            {"v": ("v", "dimensionless")},
            _constants,
            initial={},
            own=OwnUpdate(
                _step,
                native="pycosim.hwmodels.neurocorex._neurons",
                registers=_REGISTERS,
                weights=dict.fromkeys(_RECEPTORS, Register(-128, 127)),
                states={"v": _STATE},
            ),
        ),
        {
            **{"threshold": 512.0, "leak": 0.0, "refractory": 4.0, "v_reset": 0.0, "bias": 0.0},
            "feedforward_scale": 9.0,
        },
        "NeuroCoreX's neuron with subtractive leak (ORNL/NeuroCoreX). v and its parameters are in units of "
        "1/1024; receptors are the recurrent and the feed-forward matrix; a weight is a whole number of 8 "
        "bits.",
    ),
)
