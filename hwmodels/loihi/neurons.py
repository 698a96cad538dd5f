"""Loihi's neurons, bit for bit.

One step of a compartment, with the state variables of the chip (24 bits, signed)::

    q = 64 * (sum of the weights that arrive), modulo 2^22
    u = D(u, du + 1) + q, modulo 2^24
    v = D(v, dv) + u + bias_mant * 2^bias_exp, clipped to vmin ... vmax
    it fires if v > 64 * vth_mant; then v = 0, and stays there for refractory - 1 steps, in which u goes on

where ``D(x, d) = x * (4096 - d) / 4096``, rounded toward zero, ``vmin = 1 - 2^vmin_exp`` and ``vmax =
2^(9 + 2 vmax_exp) - 1``. A weight is what a synapse adds to u in units of 64
(`pycosim.hwmodels.loihi.weights`). A spike of step t with a delay of d steps acts in step t + d; the chip's
register for the delay holds d - 1.

Noise, where `randomize_u` or `randomize_v` is 1, is ``(r + 64 noise_mant_offset) * 2^(noise_exp - 7)``,
rounded toward zero, with a whole number r of -127 to 127 from the network's seed for each neuron and step. It
is added to q or, beside the bias, to v.

Compartments can be joined: `CUBAWithDendrite` has a second one without a threshold, whose u is added to the
soma's input in every step, ``v = D(v, dv) + u + u_dendrite + bias``, and which has a decay of its own.

The rules are those of the emulators brian2_loihi (Michaelis et al. 2022, Front Neuroinform 16:1015624, which
agree with the chip bit for bit) and nengo-loihi (registers' widths, noise; q wraps). Joining compartments by
addition is in Davies et al. 2018 (IEEE Micro 38(1):82); that the sum is not cut before v is, is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.hwmodels.loihi.weights import SynapticWeights
from pycosim.hwmodels.neurons import ChipNeuron
from pycosim.network.coefficients import Coefficients, Parameters
from pycosim.network.models import NeuronModel
from pycosim.network.own_update import Draws, OwnUpdate, Register

__all__ = ["NEURONS", "REGISTERS"]

Float = NDArray[np.float64]
States = dict[str, Float]
Constants = Mapping[str, ArrayLike]

_Q_HALF, _STATE_HALF = 2.0**21, 2.0**23

REGISTERS = {
    "du": Register(0, 4095),
    "dv": Register(0, 4095),
    "bias_mant": Register(-4096, 4095),
    "bias_exp": Register(0, 7),
    "vth_mant": Register(0, 131071),
    "refractory": Register(1, 64),
    "vmin_exp": Register(0, 31),
    "vmax_exp": Register(0, 7),
    "noise_exp": Register(0, 23),
    "noise_mant_offset": Register(-128, 127),
    "randomize_u": Register(0, 1),
    "randomize_v": Register(0, 1),
}
_DEFAULTS = dict.fromkeys(REGISTERS, 0.0) | {
    "du": 4095.0,
    "vth_mant": 100.0,
    "refractory": 1.0,
    "vmin_exp": 23.0,
    "vmax_exp": 7.0,
    "noise_exp": 7.0,
}


def _decayed(x: Float, decay: ArrayLike) -> Float:
    return np.trunc(x * (4096 - np.asarray(decay)) / 4096)


def _wrapped(x: Float, half: float) -> Float:
    return x - 2 * half * np.floor((x + half) / (2 * half))


def _constants(p: Parameters, dt_ms: float) -> Coefficients:
    columns = {name: np.asarray(p[name], np.float64) for name in p}
    fixed = {name: columns[name] for name in ("du", "dv", "refractory", "randomize_u", "randomize_v")}
    return fixed | {
        "bias": columns["bias_mant"] * 2.0 ** columns["bias_exp"],
        "threshold": 64 * columns["vth_mant"],
        "vmin": np.maximum(1 - 2.0 ** columns["vmin_exp"], 1 - _STATE_HALF),
        "vmax": 2.0 ** (9 + 2 * columns["vmax_exp"]) - 1,
        "noise_offset": 64 * columns["noise_mant_offset"],
        "noise_scale": 2.0 ** (columns["noise_exp"] - 7),
    }


def _dendritic_constants(p: Parameters, dt_ms: float) -> Coefficients:
    return _constants(p, dt_ms) | {"du_dendrite": np.asarray(p["du_dendrite"], np.float64)}


def _noise(c: Constants, draws: Draws) -> Float | float:
    if not (np.any(c["randomize_u"]) or np.any(c["randomize_v"])):
        return 0.0
    r = np.floor(draws.words(0)[0].astype(np.float64) * 255 / 2.0**32) - 127
    return np.trunc((r + c["noise_offset"]) * c["noise_scale"])


def _current(u: Float, decay: ArrayLike, q: Float) -> Float:
    return _wrapped(_decayed(u, np.asarray(decay) + 1) + _wrapped(q, _Q_HALF), _STATE_HALF)


def _membrane(s: States, c: Constants, current: Float, noise: Float | float) -> NDArray[np.bool_]:
    v = _decayed(s["v"], c["dv"]) + current + c["bias"] + np.asarray(c["randomize_v"]) * noise
    is_held = s["held"] > 0
    v = np.where(is_held, 0, np.clip(v, c["vmin"], c["vmax"]))
    fires = v > c["threshold"]
    s["v"] = np.where(fires, 0, v)
    s["held"] = np.where(fires, np.asarray(c["refractory"]) - 1, np.maximum(s["held"] - 1, 0))
    return fires


def _step(s: States, c: Constants, inputs: list[Float], draws: Draws) -> NDArray[np.bool_]:
    noise = _noise(c, draws)
    q = 64 * (inputs[0] + inputs[1]) + np.asarray(c["randomize_u"]) * noise
    s["u"] = _current(s["u"], c["du"], q)
    return _membrane(s, c, s["u"], noise)


def _step_joined(s: States, c: Constants, inputs: list[Float], draws: Draws) -> NDArray[np.bool_]:
    noise = _noise(c, draws)
    s["u"] = _current(s["u"], c["du"], 64 * inputs[0] + np.asarray(c["randomize_u"]) * noise)
    s["u_dendrite"] = _current(s["u_dendrite"], c["du_dendrite"], 64 * inputs[1])
    return _membrane(s, c, s["u"] + s["u_dendrite"], noise)


def _neuron(name: str, *, joined: bool, doc: str) -> ChipNeuron:
    currents = ("u", "u_dendrite") if joined else ("u", "u")
    registers = REGISTERS | ({"du_dendrite": Register(0, 4095)} if joined else {})
    receptors = dict(zip(("excitatory", "inhibitory"), currents))
    model = NeuronModel(
        f"loihi.{name}",
        tuple(registers),
        ("v", *dict.fromkeys(currents), "held"),
        receptors,
        {state: (state, "dimensionless") for state in ("v", *dict.fromkeys(currents))},
        _dendritic_constants if joined else _constants,
        initial={},
        own=OwnUpdate(
            _step_joined if joined else _step,
            native="pycosim.hwmodels.loihi._neurons",
            registers=registers,
            weights=dict.fromkeys(receptors, SynapticWeights()),
            states={"v": Register(1 - _STATE_HALF, _STATE_HALF - 1)}
            | dict.fromkeys(currents, Register(-_STATE_HALF, _STATE_HALF - 1)),
        ),
    )
    defaults = _DEFAULTS | ({"du_dendrite": 4095.0} if joined else {})
    return ChipNeuron(model, defaults, doc, compartments=2 if joined else 1)


NEURONS = (
    _neuron("CUBA", joined=False, doc="Loihi's current-based compartment (CUBA)."),
    _neuron(
        "CUBAWithDendrite",
        joined=True,
        doc="Two joined compartments of Loihi: a dendrite for inhibitory synapses, whose u the soma adds.",
    ),
)
