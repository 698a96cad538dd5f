"""DYNAP-SE2's neuron, as Rockpool's DynapSim computes it: a DPI membrane, four DPI synapses, adaptation.

Currents are in pA, capacitances in pF, voltages in mV, times in ms. With ``kappa = (kappa_n + kappa_p) / 2``
a current Itau and a capacitance C make ``tau = C Ut / (kappa Itau)``, and a current Ip makes a pulse of
``t = Vth C / Ip``; Io is the dark current. In a step of dt, for each of the synapses AMPA, GABA, NMDA and
SHUNT, with W the sum of the weights of the spikes that arrive::

    I = exp(-dt/tau) I + (1 - exp(-t_pulse/tau)) max(Io, Igain/Itau W)

and the adaptation, with W = Iw_ahp if the neuron fired in the step before and else 0::

    Iahp = max(Io, exp(-dt/tau_ahp) Iahp + (1 - exp(-t_pulse_ahp/tau_ahp)) Igain_ahp/Itau_ahp W)

Then the membrane current Imem, by Euler's rule::

    Ileak = Itau_mem + Iahp + Ishunt
    Iin   = max(Io, Inmda / (1 + If_nmda/Imem) + Iampa - Igaba - Ileak + Idc), Io in the refractory period
    Ifb   = Io exp(kappa^2/(kappa + 1) Vmem/Ut)
    dImem = dt/tau_mem(Ileak) Imem/(Imem + Igain_mem)
            (Igain_mem/Itau_mem (Iin - Ileak) + Ifb/Ileak (Imem + Igain_mem) - Imem Ileak/Itau_mem)
    Vmem  = Ut/kappa ln(Imem/Io)

The neuron fires if Imem > Ispkthr: Imem becomes Io (Vmem keeps its value for the step), and Iin is Io for
t_ref.

Sources: equations, names and default values of Rockpool 3.1.0, devices/dynapse (simulation/dynapsim.py,
lookup/defaults.py). There the four synapses are one, which acts as AMPA does here. That GABA subtracts, that
NMDA is gated by the membrane and that SHUNT adds to the leak is from Rockpool's version of 2022 with four
(devices/dynapse/dynapsim.py); that SHUNT and adaptation add up in the leak is our choice. DynapSim counts
several spikes in a step whose Imem is above e Ispkthr; here a step has one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.hwmodels.mismatch import log_normal
from pycosim.hwmodels.neurons import ChipNeuron
from pycosim.network.coefficients import Coefficients, Parameters, decay
from pycosim.network.exponential import exponential
from pycosim.network.logarithm import logarithm
from pycosim.network.models import NeuronModel
from pycosim.network.own_update import Draws, OwnUpdate, Register

__all__ = ["BASE_WEIGHTS", "BIASES", "DYNAPSIM", "NEURONS"]

Float = NDArray[np.float64]

BASE_WEIGHTS = "Iw_0", "Iw_1", "Iw_2", "Iw_3"
"""Currents of a core that the 4 bits of a synapse's weight select."""

_SYNAPSES = "ampa", "gaba", "nmda", "shunt"
_CURRENTS = "imem", "iampa", "igaba", "inmda", "ishunt", "iahp"

_LAYOUT = {
    **{"C_mem": 3.0, "C_ampa": 24.5, "C_gaba": 25.0, "C_nmda": 25.0, "C_shunt": 24.5, "C_ahp": 40.0},
    **{"C_pulse": 0.5, "C_pulse_ahp": 0.5, "C_ref": 1.5},
    **{"Io": 0.5, "kappa_n": 0.75, "kappa_p": 0.66, "Ut": 25.0, "Vth": 700.0},
}
_TAU_MS = {"mem": 20.0, "ampa": 10.0, "gaba": 10.0, "nmda": 10.0, "shunt": 10.0, "ahp": 50.0}
_GAIN_RATIO = {"mem": 4.0, "ampa": 100.0, "gaba": 100.0, "nmda": 100.0, "shunt": 100.0, "ahp": 1.0}
_PULSE_MS = {"Ipulse": ("C_pulse", 0.01), "Ipulse_ahp": ("C_pulse_ahp", 0.001), "Iref": ("C_ref", 1.0)}


def _defaults() -> dict[str, float]:
    """Return the layout, and the currents that make Rockpool's default time constants and gain ratios."""
    volt = _LAYOUT["Ut"] / ((_LAYOUT["kappa_n"] + _LAYOUT["kappa_p"]) / 2)
    leaks = {name: volt * _LAYOUT[f"C_{name}"] / tau for name, tau in _TAU_MS.items()}
    return (
        {"Idc": 0.5, "If_nmda": 0.5, "Ispkthr": 1e5, "Iw_ahp": 0.5}
        | {f"Itau_{name}": leak for name, leak in leaks.items()}
        | {f"Igain_{name}": _GAIN_RATIO[name] * leak for name, leak in leaks.items()}
        | {name: _LAYOUT["Vth"] * _LAYOUT[c] / time for name, (c, time) in _PULSE_MS.items()}
        | dict(zip(BASE_WEIGHTS, (1e3, 2e3, 4e3, 8e3)))
        | _LAYOUT
        | {"mismatch": 0.0}
    )


_DEFAULTS = _defaults()
BIASES = tuple(name for name in _DEFAULTS if name[0] == "I" and name not in (*BASE_WEIGHTS, "Io"))
"""Currents that devices multiply by factors of their own, in the order of their random numbers."""


def _constants(p: Parameters, dt_ms: float) -> Coefficients:
    p = {name: np.asarray(column, np.float64) for name, column in p.items()}
    dark = p["Io"]
    kappa = (p["kappa_n"] + p["kappa_p"]) / 2
    volt = p["Ut"] / kappa
    leak, gain = np.maximum(p["Itau_mem"], dark), np.maximum(p["Igain_mem"], dark)
    pulse_ms = {name: p["Vth"] * p[c] / p[name] for name, (c, _) in _PULSE_MS.items()}
    constants = {
        "Io": dark,
        "leak": leak,
        "gain": gain,
        "ratio": gain / leak,
        "steps_per_tau_and_pa": dt_ms / (volt * p["C_mem"]),
        "constant": p["Idc"],
        "gate": p["If_nmda"],
        "per_volt": kappa**2 / (kappa + 1) / p["Ut"],
        "volt": volt,
        "threshold": p["Ispkthr"],
        # Rounded up, as a timer that is above 0 until it has passed; but not for the last bit of a quotient.
        "refractory": np.ceil(pulse_ms["Iref"] / dt_ms - 1e-9),
    }
    for name in (*_SYNAPSES, "ahp"):
        i_tau, i_gain = np.maximum(p[f"Itau_{name}"], dark), np.maximum(p[f"Igain_{name}"], dark)
        tau_ms = volt * p[f"C_{name}"] / i_tau
        constants[f"discharge_{name}"] = decay(tau_ms, dt_ms)
        width_ms = pulse_ms["Ipulse_ahp" if name == "ahp" else "Ipulse"]
        charge = -np.expm1(-width_ms / tau_ms)
        if name == "ahp":
            constants["jump_ahp"] = charge * (i_gain / i_tau) * p["Iw_ahp"]
        else:
            constants[f"charge_{name}"] = charge
            constants[f"ratio_{name}"] = i_gain / i_tau
    return constants


def _step(
    s: dict[str, Float], c: Mapping[str, ArrayLike], inputs: list[Float], draws: Draws
) -> NDArray[np.bool_]:
    for name, arriving in zip(_SYNAPSES, inputs):
        driven = np.maximum(c[f"ratio_{name}"] * arriving, c["Io"])
        s[f"i{name}"] = c[f"discharge_{name}"] * s[f"i{name}"] + c[f"charge_{name}"] * driven
    s["iahp"] = np.maximum(c["discharge_ahp"] * s["iahp"] + c["jump_ahp"] * s["spikes"], c["Io"])
    membrane = s["imem"]
    leak = c["leak"] + s["iahp"] + s["ishunt"]
    given = s["inmda"] / (1 + c["gate"] / membrane) + s["iampa"] - s["igaba"] - leak + c["constant"]
    given = np.maximum(np.where(s["held"] > 0, 0.0, given), c["Io"])
    feedback = c["Io"] * exponential(c["per_volt"] * s["vmem"]) / leak * (membrane + c["gain"])
    slope = c["ratio"] * (given - leak) + feedback - membrane * (leak / c["leak"])
    per_step = leak * c["steps_per_tau_and_pa"] * (membrane / (membrane + c["gain"]))
    membrane = np.maximum(membrane + per_step * slope, c["Io"])
    s["vmem"] = c["volt"] * logarithm(membrane / c["Io"])
    fires = membrane > c["threshold"]
    s["imem"] = np.where(fires, c["Io"], membrane)
    s["held"] = np.where(fires, c["refractory"], np.maximum(s["held"] - 1, 0))
    s["spikes"] = np.where(fires, 1.0, 0.0)
    return fires


def _registers() -> dict[str, Register]:
    positive, any_size = Register(1e-6, 1e18, 0), Register(0, 1e9, 0)
    may_be_zero = {"Idc", "If_nmda", "Iw_ahp", *BASE_WEIGHTS}
    return {name: any_size if name in may_be_zero else positive for name in _DEFAULTS} | {
        "mismatch": Register(0, 1, 0)
    }


DYNAPSIM = ChipNeuron(
    NeuronModel(
        "dynapse2.DynapSim",
        tuple(_DEFAULTS),
        (*_CURRENTS, "vmem", "held", "spikes"),
        {name.upper(): f"i{name}" for name in _SYNAPSES},
        {name: (name, "pA") for name in _CURRENTS} | {"vmem": ("vmem", "mV")},
        _constants,
        initial=dict.fromkeys(_CURRENTS, 0.5),
        own=OwnUpdate(
            _step,
            native="pycosim.hwmodels.dynapse2._neurons",
            # The membrane's current has a logarithm, those of synapses may be switched off.
            states=dict.fromkeys(_CURRENTS, Register(0, 1e9, 0))
            | {"imem": Register(1e-6, 1e9, 0), "vmem": Register(-1000, 1000, 0)},
            registers=_registers(),
            weights=dict.fromkeys((name.upper() for name in _SYNAPSES), Register(0, 1e8, 0)),
            individual=log_normal(BIASES),
        ),
    ),
    _DEFAULTS,
    "DYNAP-SE2's neuron as Rockpool's DynapSim computes it, with the chip's four types of synapses as "
    "receptors. A weight is the current of a synapse in pA (Rockpool's weight times Iscale), positive for "
    "GABA and SHUNT too; on the chip it is the sum of those of the core's base currents Iw_0 to Iw_3 that 4 "
    "bits select, and the target dynapse2 takes no others. Currents are biases, equal for all neurons of a "
    "core on the chip; `mismatch` is the coefficient of variation of the log-normal factors by which devices "
    "differ. Units are pA, pF and mV.",
)

NEURONS = (DYNAPSIM,)
