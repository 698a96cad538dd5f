"""TrueNorth's neuron, and that of RANC, an open re-implementation for FPGAs; whole numbers, bit for bit.

One tick of a TrueNorth neuron with the membrane V (20 bits, signed, saturates) and four types of axons::

    V += n_G S_G               for each type G: n_G arriving spikes, of weight 1 (a crossbar bit)
    V += sgn(S_G) k            instead, where b_G = 1: k of the n_G spikes have |S_G| >= rho
    V += Omega lambda          Omega = 1, or sgn(V) where epsilon = 1 (leak reversal)
    V += Omega sgn(lambda)     instead, where c = 1 and if |lambda| >= rho
    V  = 0                     where epsilon = 1 and the leak changed the sign of V
    it fires if V >= alpha + eta, where eta = rho & (2^TM - 1)
    after a spike              gamma = 0: V = R;  1: V -= alpha + eta;  2: V stays
    else, below -(beta + eta)  gamma = 0: V = -R; 1: V += beta + eta;   2: V stays   (kappa = 0)
    else, below -beta          V = -beta                                             (kappa = 1)

with ``R = sgn(VR) (2^|VR| - 1)``. Each rho is a fresh number of 8 (for eta: 18) random bits. Signs, which
the paper keeps apart (sigma), are those of S, lambda_ and VR here. The chip takes its bits from one shift
register per core, whose polynomial was not published: distributions are those of the chip, bits are not.

Sources: Cassidy et al., IJCNN 2013 (equations), as read through NeMo (markplagge/NeMo, tn_neuron.c); Merolla
et al. 2014, S8 (widths). Other programs differ: NeMo saturates at +-393216, fires there, and draws eta only
where c = 1; SANA-FE compares ``V <= -beta`` and has no types. The membrane saturates here after all synapses
of a tick, not after each.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.hwmodels.neurons import ChipNeuron
from pycosim.network.coefficients import Coefficients, Parameters
from pycosim.network.models import NeuronModel
from pycosim.network.own_update import Draws, OwnUpdate, Register

__all__ = ["LEAK", "NEURONS", "THRESHOLD", "TYPES", "WEIGHT"]

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Constants = Mapping[str, ArrayLike]

TYPES = ("type0", "type1", "type2", "type3")
"""Receptors: the types of axons."""

WEIGHT = LEAK = Register(-255, 255)
THRESHOLD = Register(0, 2**18 - 1)
_BIT = Register(0, 1)
_LOWEST, _HIGHEST = -(2.0**19), 2.0**19 - 1
_RANC = Register(-256, 255)
_MODULE = "pycosim.hwmodels.truenorth._neurons"
_VARIABLES = {"v": ("v", "dimensionless")}
_RECEPTORS = dict.fromkeys(TYPES, "v")


def _constants(p: Parameters, dt_ms: float) -> Coefficients:
    exponent = np.asarray(p["VR"])
    same = {name: np.asarray(p[name]) for name in p if name not in ("VR", "TM", "lambda_")}
    return same | {
        "lambda": np.asarray(p["lambda_"]),
        "mask": 2.0 ** np.asarray(p["TM"]) - 1,
        "R": np.sign(exponent) * (2.0 ** np.abs(exponent) - 1),
    }


def _successes(n: Float, magnitude: ArrayLike, draws: Draws, axon_type: int) -> Float:
    """Return how many of n spikes draw a byte of at most the magnitude; 16 bytes are in a block of words."""
    found = np.zeros_like(n)
    for block in range(-(-int(n.max(initial=0)) // 16)):
        for k, word in enumerate(draws.words(1 + axon_type + 4 * block)):
            for byte in range(4):
                rho = (word >> np.uint64(8 * byte)) & np.uint64(255)
                found += (16 * block + 4 * k + byte < n) & (magnitude >= rho)
    return found


def _synapses(v: Float, c: Constants, inputs: list[Float], draws: Draws) -> Float:
    for axon_type, n in enumerate(inputs):
        weight, is_stochastic = np.asarray(c[f"S{axon_type}"]), np.asarray(c[f"b{axon_type}"]) > 0
        added = n * weight
        if np.any(is_stochastic):
            spikes = np.where(is_stochastic, n, 0)
            steps = np.sign(weight) * _successes(spikes, np.abs(weight), draws, axon_type)
            added = np.where(is_stochastic, steps, added)
        v = v + added
    return np.clip(v, _LOWEST, _HIGHEST)


def _leak(v: Float, c: Constants, word: NDArray[np.uint64]) -> Float:
    leak, reverses = np.asarray(c["lambda"]), np.asarray(c["epsilon"]) > 0
    drawn = np.sign(leak) * (np.abs(leak) >= (word & np.uint64(255)))
    step = np.where(np.asarray(c["c"]) > 0, drawn, leak)
    moved = np.clip(v + np.where(reverses, np.sign(v), 1) * step, _LOWEST, _HIGHEST)
    return np.where(reverses & (np.sign(moved) != np.sign(v)), 0, moved)


def _step(s: dict[str, Float], c: Constants, inputs: list[Float], draws: Draws) -> Bool:
    for_leak, for_threshold, _, _ = draws.words(0)
    v = _leak(_synapses(s["v"], c, inputs, draws), c, for_leak)
    eta = (for_threshold & np.asarray(c["mask"]).astype(np.uint64)).astype(np.float64)
    above, below = c["alpha"] + eta, c["beta"] + eta
    mode, saturates = np.asarray(c["gamma"]), np.asarray(c["kappa"]) > 0
    fires = v >= above
    after_spike = np.select([mode == 0, mode == 1], [c["R"], v - above], v)
    bounced = np.select([mode == 0, mode == 1], [0 - c["R"], v + below], v)
    is_low = v < np.where(saturates, 0 - c["beta"], 0 - below)
    low = np.where(is_low, np.where(saturates, 0 - c["beta"], bounced), v)
    s["v"] = np.where(fires, after_spike, low)
    return fires


TRUENORTH = ChipNeuron(
    NeuronModel(
        "truenorth.TrueNorthNeuron",
        (
            *("S0", "S1", "S2", "S3", "b0", "b1", "b2", "b3", "lambda_", "c", "epsilon"),
            *("alpha", "TM", "beta", "kappa", "gamma", "VR"),
        ),
        ("v",),
        _RECEPTORS,
        _VARIABLES,
        _constants,
        initial={},
        own=OwnUpdate(
            _step,
            native=_MODULE,
            registers={
                **{f"S{i}": WEIGHT for i in range(4)},
                **{f"b{i}": _BIT for i in range(4)},
                **{"lambda_": LEAK, "c": _BIT, "epsilon": _BIT},
                **{"alpha": THRESHOLD, "TM": Register(0, 18), "beta": THRESHOLD, "kappa": _BIT},
                **{"gamma": Register(0, 2), "VR": Register(-18, 18)},
            },
            weights=dict.fromkeys(TYPES, _BIT),
            weight_counts_events=True,
            states={"v": Register(_LOWEST, _HIGHEST)},
        ),
    ),
    {
        **{"S0": 1.0, "S1": -1.0, "S2": 2.0, "S3": -2.0, "b0": 0.0, "b1": 0.0, "b2": 0.0, "b3": 0.0},
        **{"lambda_": 0.0, "c": 0.0, "epsilon": 0.0, "alpha": 100.0, "TM": 0.0},
        **{"beta": 100.0, "kappa": 1.0, "gamma": 0.0, "VR": 0.0},
    },
    "TrueNorth's neuron (Cassidy et al. 2013). Receptors are the four types of axons; a weight is 0 or 1.",
)


def _ranc_constants(p: Parameters, dt_ms: float) -> Coefficients:
    return {name: np.asarray(p[name]) for name in RANC.model.parameters}


def _wrapped(x: Float) -> Float:
    """Return x in two's complement of 9 bits."""
    return x - 512 * np.floor((x + 256) / 512)


def _ranc_step(s: dict[str, Float], c: Constants, inputs: list[Float], draws: Draws) -> Bool:
    v = s["v"] + c["leak"]
    for axon_type, n in enumerate(inputs):
        v = v + n * c[f"w{axon_type}"]
    v = _wrapped(v)
    is_linear = np.asarray(c["reset_mode"]) > 0
    fires = v >= c["positive_threshold"]
    high = np.where(is_linear, v - c["positive_threshold"], c["reset_potential"])
    low = np.where(is_linear, v - c["negative_threshold"], 0 - c["reset_potential"])
    s["v"] = _wrapped(np.where(fires, high, np.where(v < c["negative_threshold"], low, v)))
    return fires


RANC = ChipNeuron(
    NeuronModel(
        "truenorth.RANCNeuron",
        (
            *("w0", "w1", "w2", "w3", "leak", "positive_threshold", "negative_threshold"),
            *("reset_potential", "reset_mode"),
        ),
        ("v",),
        _RECEPTORS,
        _VARIABLES,
        _ranc_constants,
        initial={},
        own=OwnUpdate(
            _ranc_step,
            native=_MODULE,
            registers={
                **{f"w{i}": _RANC for i in range(4)},
                **{"leak": _RANC, "positive_threshold": _RANC, "negative_threshold": _RANC},
                **{"reset_potential": _RANC, "reset_mode": _BIT},
            },
            weights=dict.fromkeys(TYPES, _BIT),
            weight_counts_events=True,
            states={"v": _RANC},
        ),
    ),
    {
        **{"w0": 1.0, "w1": -1.0, "w2": 2.0, "w3": -2.0, "leak": 0.0},
        **{"positive_threshold": 100.0, "negative_threshold": -100.0},
        **{"reset_potential": 0.0, "reset_mode": 0.0},
    },
    "RANC's neuron at the widths that its hardware has by default: 9 bits, two's complement, no random parts "
    "(UA-RCL/RANC, NeuronBlock.v and ThresholdResetUnit.v). Receptors are the four types of axons; a weight "
    "is 0 or 1. reset_mode is 0 for a reset to reset_potential (to its negative, below negative_threshold), "
    "1 for one that subtracts the threshold.",
)

NEURONS = (TRUENORTH, RANC)
