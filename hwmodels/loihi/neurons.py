"""Loihi's neurons, bit for bit.

One step of a compartment, with the state variables of the chip (24 bits, signed)::

    q = 64 * (sum of the weights that arrive), modulo 2^22
    u = D(u, du + 1) + q, modulo 2^24
    v = D(v, dv) + u + bias_mant * 2^bias_exp, clipped to +-(2^23 - 1)
    it fires if v > 64 * vth_mant; then v = 0, and stays there for refractory - 1 steps, in which u goes on

where ``D(x, d) = x * (4096 - d) / 4096``, rounded toward zero. A weight is what a synapse adds to u in
units of 64, ``mantissa * 2^exponent``, rounded down to a whole number. A spike of step t with a delay of d
steps acts in step t + d; the chip's register for the delay holds d - 1.

The rules are those of the emulators brian2_loihi (Michaelis et al. 2022, Front Neuroinform 16:1015624, which
agree with the chip bit for bit) and nengo-loihi (registers' widths; q wraps).
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

_Q_HALF, _STATE_HALF = 2.0**21, 2.0**23
_WEIGHT = Register(-32767, 32767)


def _decayed(x: Float, decay: ArrayLike) -> Float:
    return np.trunc(x * (4096 - np.asarray(decay)) / 4096)


def _wrapped(x: Float, half: float) -> Float:
    return x - 2 * half * np.floor((x + half) / (2 * half))


def _constants(p: Parameters, dt_ms: float) -> Coefficients:
    return {
        "du": p["du"],
        "dv": p["dv"],
        "bias": np.asarray(p["bias_mant"]) * 2.0 ** np.asarray(p["bias_exp"]),
        "threshold": 64 * np.asarray(p["vth_mant"]),
        "refractory": p["refractory"],
    }


def _step(
    s: dict[str, Float], c: Mapping[str, ArrayLike], inputs: list[Float], draws: Draws
) -> NDArray[np.bool_]:
    q = _wrapped(64 * (inputs[0] + inputs[1]), _Q_HALF)
    s["u"] = _wrapped(_decayed(s["u"], np.asarray(c["du"]) + 1) + q, _STATE_HALF)
    v = np.clip(_decayed(s["v"], c["dv"]) + s["u"] + c["bias"], 1 - _STATE_HALF, _STATE_HALF - 1)
    is_held = s["held"] > 0
    v = np.where(is_held, 0, v)
    fires = v > c["threshold"]
    s["v"] = np.where(fires, 0, v)
    s["held"] = np.where(fires, np.asarray(c["refractory"]) - 1, np.maximum(s["held"] - 1, 0))
    return fires


CUBA = ChipNeuron(
    NeuronModel(
        "loihi.CUBA",
        ("du", "dv", "bias_mant", "bias_exp", "vth_mant", "refractory"),
        ("v", "u", "held"),
        {"excitatory": "u", "inhibitory": "u"},
        {"v": ("v", "dimensionless"), "u": ("u", "dimensionless")},
        _constants,
        initial={},
        own=OwnUpdate(
            _step,
            native="pycosim.hwmodels.loihi._neurons",
            registers={
                "du": Register(0, 4095),
                "dv": Register(0, 4095),
                "bias_mant": Register(-4096, 4095),
                "bias_exp": Register(0, 7),
                "vth_mant": Register(0, 131071),
                "refractory": Register(1, 64),
            },
            weights={"excitatory": _WEIGHT, "inhibitory": _WEIGHT},
        ),
    ),
    {"du": 4095.0, "dv": 0.0, "bias_mant": 0.0, "bias_exp": 0.0, "vth_mant": 100.0, "refractory": 1.0},
    "Loihi's current-based compartment (CUBA).",
)

NEURONS = (CUBA,)
