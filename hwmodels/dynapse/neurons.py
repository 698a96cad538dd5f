"""DYNAP-SE's neuron: a current-mode integrator (DPI) with adaptation and four types of synapses.

Currents are in pA, times in ms, capacitances in pF. All currents are at least I0, the dark current. With
``tau = C Ut / (kappa I_tau)``, ``kappa = (kn + kp) / 2`` and ``Ig = alpha I_tau``, the synapses (AMPA, NMDA,
GABA_A, GABA_B) and the adaptation current (ahp) follow::

    dI/dt = -I / tau                      until I0 is reached; a spike adds alpha I_w0 weight

and the membrane current Imem (Isoma_mem), where it is above I0::

    tau (1 + Ig / Imem) dImem/dt = alpha (Iin - Isum) - Isum Imem / I_tau
    Iin  = max(I0, Inmda / (1 + Inmda_thr / Imem) + Iampa - Igaba_b + Iconst)
    Isum = I_tau + Iahp + Igaba_a - Ipfb
    Ipfb = Ipfb_gain / (1 + exp(-(Imem - Ipfb_th) / Ipfb_norm))

(at I0 it is ``2 tau dImem/dt = alpha (Iin - I0)`` with the tau of I0). The neuron fires if Imem > Isoma_th:
Imem is held at Isoma_reset for soma_refP, and Iahp grows by alpha_ahp Isoma_ahp_w. Equations, names and
default values are those of YigitDemirag/dynapse-simulator (equations/dynapse_eq.py and
parameters/dynapse_param.py; after Chicca et al. 2014, Proc IEEE 102:1367, and teili).

Integration: the decays are exact. The membrane takes sub-steps of at most 0.05 ms of an exponential midpoint
rule: as the linear equation with the coefficients of the beginning to the middle, then with those of the
middle over all of it. It is of second order and stable for any inhibition. Up to a spike, Imem is within 3e-3
of its value while it rises fast, and within 1e-4 in the mean (tests/hwmodels/test_dynapse_neuron.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.hwmodels.mismatch import log_normal
from pycosim.hwmodels.neurons import ChipNeuron
from pycosim.network.coefficients import Coefficients, Parameters, decay
from pycosim.network.exponential import exponential
from pycosim.network.models import NeuronModel
from pycosim.network.own_update import Draws, OwnUpdate, Register

__all__ = ["BIASES", "DPI", "NEURONS", "SUBSTEP_MS", "mismatched"]

Float = NDArray[np.float64]
Constants = Mapping[str, ArrayLike]

SUBSTEP_MS = 0.05
_SYNAPSES = "nmda", "ampa", "gaba_a", "gaba_b"
_DECAYING = *_SYNAPSES, "ahp"
_STATE = {name: f"I{name}" for name in _SYNAPSES} | {"ahp": "Isoma_ahp"}

# In the order of their random numbers.
BIASES = (
    *("Isoma_dpi_tau", "Isoma_th", "Isoma_const", "Isoma_ahp_tau", "Isoma_ahp_w"),
    *("Isoma_pfb_gain", "Isoma_pfb_th", "Isoma_pfb_norm"),
    *("Inmda_tau", "Inmda_w0", "Inmda_thr", "Iampa_tau", "Iampa_w0"),
    *("Igaba_a_tau", "Igaba_a_w0", "Igaba_b_tau", "Igaba_b_w0"),
)
"""Currents that devices multiply by factors of their own."""

_DEFAULTS = {
    **{"kn": 0.75, "kp": 0.66, "Ut": 25.0, "I0": 1.0},
    **{"alpha_soma": 4.0, "alpha_ahp": 4.0, "alpha_nmda": 4.0, "alpha_ampa": 4.0},
    **{"alpha_gaba_a": 4.0, "alpha_gaba_b": 4.0},
    **{"Csoma_mem": 2.0, "Isoma_dpi_tau": 5.0, "Isoma_th": 2000.0, "Isoma_reset": 1.2, "Isoma_const": 1.0},
    **{"soma_refP": 5.0, "Csoma_ahp": 4.0, "Isoma_ahp_tau": 2.0, "Isoma_ahp_w": 1.0},
    **{"Isoma_pfb_gain": 100.0, "Isoma_pfb_th": 1000.0, "Isoma_pfb_norm": 20.0},
    **{"Cnmda": 2.0, "Inmda_tau": 2.0, "Inmda_w0": 100.0, "Inmda_thr": 1.0},
    **{"Campa": 2.0, "Iampa_tau": 20.0, "Iampa_w0": 100.0},
    **{"Cgaba_a": 2.0, "Igaba_a_tau": 5.0, "Igaba_a_w0": 100.0},
    **{"Cgaba_b": 2.0, "Igaba_b_tau": 5.0, "Igaba_b_w0": 100.0},
    **{"mismatch": 0.0},
}


mismatched = log_normal(BIASES)


def _constants(p: Parameters, dt_ms: float) -> Coefficients:
    p = {name: np.asarray(column, np.float64) for name, column in p.items()}
    volt = p["Ut"] / ((p["kn"] + p["kp"]) / 2)  # tau = C * volt / I_tau
    n = max(1, int(np.ceil(dt_ms / SUBSTEP_MS - 1e-9)))
    constants = {
        "substeps": np.asarray(float(n)),
        "substep_ms": np.asarray(dt_ms / n),
        "I0": p["I0"],
        "alpha": p["alpha_soma"],
        "leak": p["Isoma_dpi_tau"],
        "gain": p["alpha_soma"] * p["Isoma_dpi_tau"],
        "rate": p["Isoma_dpi_tau"] / (p["Csoma_mem"] * volt),
        "dark_rate": p["I0"] / (2 * p["Csoma_mem"] * volt),
        "constant": p["Isoma_const"],
        "threshold": p["Isoma_th"],
        "reset": p["Isoma_reset"],
        "refractory": np.round(p["soma_refP"] / dt_ms),
        "pfb_gain": p["Isoma_pfb_gain"],
        "pfb_th": p["Isoma_pfb_th"],
        "per_pfb_norm": 1 / p["Isoma_pfb_norm"],
        "nmda_thr": p["Inmda_thr"],
        "jump_ahp": p["alpha_ahp"] * p["Isoma_ahp_w"],
    }
    for name in _SYNAPSES:
        constants[f"jump_{name}"] = p[f"alpha_{name}"] * p[f"I{name}_w0"]
    for name in _DECAYING:
        capacitance, tau = p[f"C{_STATE[name][1:]}"], p[f"{_STATE[name]}_tau"]
        constants[f"half_{name}"] = decay(capacitance * volt / tau, dt_ms / n / 2)
    return constants


def _relaxed(start: Float, at: Float, currents: Mapping[str, Float], c: Constants, h_ms: ArrayLike) -> Float:
    """Return the membrane after a time, as the linear equation with the coefficients at another membrane."""
    is_above = at > c["I0"]
    given = (
        currents["nmda"] / (1 + c["nmda_thr"] / at) + currents["ampa"] - currents["gaba_b"] + c["constant"]
    )
    given = np.maximum(given, c["I0"])
    feedback = c["pfb_gain"] / (1 + exponential((c["pfb_th"] - at) * c["per_pfb_norm"]))
    taken = np.where(is_above, c["leak"] + currents["ahp"] + currents["gaba_a"] - feedback, c["I0"])
    per_ms = np.where(is_above, c["rate"] * at / (at + c["gain"]), c["dark_rate"])
    shunt = np.where(is_above, taken / c["leak"], 0.0)
    z = -per_ms * shunt * h_ms
    is_small = np.abs(z) < 1e-3
    divided = np.where(is_small, 1.0, z)
    series = 1 + z * (0.5 + z * (1 / 6 + z * (1 / 24)))  # (e^z - 1) / z
    shape = np.where(is_small, series, (exponential(divided) - 1) / divided)
    moved = start + per_ms * (c["alpha"] * (given - taken) - shunt * start) * h_ms * shape
    return np.maximum(moved, c["I0"])


def _step(s: dict[str, Float], c: Constants, inputs: list[Float], draws: Draws) -> NDArray[np.bool_]:
    h_ms = c["substep_ms"]
    membrane, is_held = s["Isoma_mem"], s["held"] > 0
    now = {name: s[_STATE[name]] for name in _DECAYING}
    for _ in range(int(c["substeps"])):
        middle = {name: np.maximum(now[name] * c[f"half_{name}"], c["I0"]) for name in _DECAYING}
        half = _relaxed(membrane, membrane, now, c, 0.5 * h_ms)
        start = np.where(half > c["I0"], membrane, half)  # it stays where it has reached I0
        moved = _relaxed(start, half, middle, c, h_ms)
        membrane = np.where(is_held | (membrane > c["threshold"]), membrane, moved)
        now = {name: np.maximum(middle[name] * c[f"half_{name}"], c["I0"]) for name in _DECAYING}
    fires = ~is_held & (membrane > c["threshold"])
    s["Isoma_mem"] = np.where(fires, c["reset"], membrane)
    s["held"] = np.where(fires, c["refractory"], np.maximum(s["held"] - 1, 0))
    s["Isoma_ahp"] = np.where(fires, now["ahp"] + c["jump_ahp"], now["ahp"])
    for name, arriving in zip(_SYNAPSES, inputs):
        s[_STATE[name]] = now[name] + c[f"jump_{name}"] * arriving
    return fires


def _registers() -> dict[str, Register]:
    positive, any_size = Register(1e-6, 1e9, 0), Register(0, 1e9, 0)
    endings = "_w0", "_w", "_gain", "_thr", "_const", "refP"
    may_be_zero = {name for name in _DEFAULTS if name.endswith(endings)}
    slope = Register(1e-3, 1, 0)  # a capacitive divider
    return {name: any_size if name in may_be_zero else positive for name in _DEFAULTS} | {
        "kn": slope,
        "kp": slope,
        "Ut": Register(0.1, 1000, 0),
        "mismatch": Register(0, 1, 0),
    }


DPI = ChipNeuron(
    NeuronModel(
        "dynapse.DPINeuron",
        tuple(_DEFAULTS),
        ("Isoma_mem", *_STATE.values(), "held"),
        {name.upper(): _STATE[name] for name in _SYNAPSES},
        {state: (state, "pA") for state in ("Isoma_mem", *_STATE.values())},
        _constants,
        initial={"Isoma_mem": 1.1} | dict.fromkeys(_STATE.values(), 1.0),
        own=OwnUpdate(
            _step,
            native="pycosim.hwmodels.dynapse._neurons",
            registers=_registers(),
            weights=dict.fromkeys((name.upper() for name in _SYNAPSES), Register(0, 64)),
            states=dict.fromkeys(("Isoma_mem", *_STATE.values()), Register(1e-6, 1e9, 0)),
            individual=mismatched,
            weight_counts_events=True,
        ),
    ),
    _DEFAULTS,
    "DYNAP-SE's current-mode DPI neuron. Receptors are the four types of synapses; a weight is the number of "
    "CAM words, each with the strength I..._w0. Currents are biases, equal for all neurons of a core on the "
    "chip; `mismatch` is the coefficient of variation of the log-normal factors by which devices differ. "
    "Units are pA, pF, ms and mV.",
)

NEURONS = (DPI,)
