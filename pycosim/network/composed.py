"""Neurons that are composed of a membrane and any number of post-synaptic responses.

A composed model is named by its parts: ``LIF(AMPA=CondExp,GABA=CondBeta)`` is a membrane and, for each
receptor, the response to a spike there. A response is a current or a conductance ``x`` that decays
exponentially (CurrExp, CondExp), or one that rises as well (CondBeta; CondAlpha, with equal times)::

    x' = -x / tau_syn                                 a spike adds its weight to x
    x' = -x / tau_decay + r,    r' = -r / tau_rise    a spike adds so much to r that x peaks at its weight

A membrane (`pycosim.network.membranes`) may have currents (subtracted) and thresholds of its own that its
spikes set off, and may fire at random (`Escape`).

How a step is integrated depends on the composition alone:

- LIF membranes with currents that decay exponentially, and nothing else: exactly (Rotter & Diesmann 1999).
- other LIF membranes: an exponential rule, as in IF_cond_exp: responses, which are known exactly, are
  replaced by their means over the step (error of second order in dt).
- AdExp and Izk: the classical Runge-Kutta rule of fourth order with sub-steps, as in EIF_cond_exp_isfa_ista
  and Izhikevich; responses are known exactly at the start, middle and end of a sub-step.

States are ``v``, those of the membrane, ``syn_k`` (and ``rise_k``) of response number k, receptors before the
membrane's own currents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import NotSupportedError
from pycosim.network.coefficients import (
    Coefficients,
    Parameters,
    current_membrane,
    decay,
    exponential_response,
    mean_decay,
    mean_response,
    membrane,
)
from pycosim.network.membranes import MEMBRANES, Elements, Escape, Membrane

_NAME = re.compile(r"(\w+)\((.*)\)")


@dataclass(frozen=True)
class Kind:
    """A kind of post-synaptic response; `rises` is whether it has a second state."""

    conductance: bool
    rises: bool
    parameters: tuple[str, ...]


KINDS = {
    "CurrExp": Kind(False, False, ("tau_syn",)),
    "CondExp": Kind(True, False, ("e_syn", "tau_syn")),
    "CondAlpha": Kind(True, True, ("e_syn", "tau_syn")),
    "CondBeta": Kind(True, True, ("e_syn", "tau_rise", "tau_decay")),
}


@dataclass(frozen=True)
class Response:
    """One response of a composition: to spikes at `receptor`, or to the neuron's own where that is None."""

    receptor: str | None
    conductance: bool
    rises: bool


@dataclass(frozen=True)
class Composition:
    """The parts of a composed model: a key of `MEMBRANES`, and name and key of `KINDS` for each receptor."""

    membrane: str
    receptors: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The name of the model."""
        return f"{self.membrane}({','.join(f'{name}={kind}' for name, kind in self.receptors)})"

    @property
    def parts(self) -> Membrane:
        """What the membrane is."""
        return MEMBRANES[self.membrane]

    @cached_property
    def responses(self) -> tuple[Response, ...]:
        """All responses: those of the receptors, then the membrane's own currents."""
        found = [Response(name, KINDS[kind].conductance, KINDS[kind].rises) for name, kind in self.receptors]
        n_own = self.parts.currents.n if self.parts.currents else 0
        return (*found, *(Response(None, False, False) for _ in range(n_own)))

    @property
    def n_thresholds(self) -> int:
        """Number of components of a moving threshold."""
        return self.parts.thresholds.n if self.parts.thresholds else 0

    @cached_property
    def rule(self) -> str:
        """How the membrane is integrated: "exact", "mean", "AdExp" or "Izk"."""
        if self.parts.coefficients is not None:
            return self.membrane
        linear = not any(response.conductance or response.rises for response in self.responses)
        return "exact" if linear else "mean"

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Names of the state variables."""
        names = ["v", *self.parts.states]
        for k, response in enumerate(self.responses):
            names += [f"syn_{k}", f"rise_{k}"] if response.rises else [f"syn_{k}"]
        names += [f"gamma_{k}" for k in range(self.n_thresholds)]
        return (*names, *self.sums)

    @cached_property
    def sums(self) -> dict[str, tuple[str, ...]]:
        """States that are sums of other states or of constants, once a step is done."""
        found = {}
        if self.n_thresholds:
            found[self.parts.thresholds.name] = (
                "v_thresh",
                *(f"gamma_{k}" for k in range(self.n_thresholds)),
            )
        if len(self._own) > 1:
            found[self.parts.currents.name] = tuple(f"syn_{k}" for k in self._own)
        return found

    @property
    def _own(self) -> range:
        """Numbers of the membrane's own currents."""
        return range(len(self.receptors), len(self.responses))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters, those of a receptor as in "AMPA.tau_syn"."""
        of_receptors = (f"{name}.{key}" for name, kind in self.receptors for key in KINDS[kind].parameters)
        return (*self.parts.parameters, *of_receptors)

    @property
    def recordables(self) -> dict[str, tuple[str, str]]:
        """State and unit of what can be recorded, that of a receptor as in "AMPA.gsyn"."""
        found = dict(self.parts.recordables)
        for k, (name, kind) in enumerate(self.receptors):
            variable, unit = ("gsyn", "uS") if KINDS[kind].conductance else ("isyn", "nA")
            found[f"{name}.{variable}"] = f"syn_{k}", unit
        if len(self._own) == 1:
            found[self.parts.currents.name] = f"syn_{self._own[0]}", "nA"
        return found | {name: (name, "mV" if name == "v_t" else "nA") for name in self.sums}

    @property
    def spike_jumps(self) -> dict[str, str]:
        """States that a spike of the neuron moves, and the constants by which."""
        jumps = dict(self.parts.spike_jumps or {})
        jumps |= {f"syn_{k}": f"jump_{k}" for k in self._own}
        return jumps | {f"gamma_{k}": f"gamma_jump_{k}" for k in range(self.n_thresholds)}

    def coefficients(self, p: Parameters, dt_ms: float) -> Coefficients:
        """Return the constants of one step by name; those of response k end in k."""
        if self.parts.coefficients is not None:
            c, h = self.parts.coefficients(p, dt_ms)
        else:
            p = dict(p) | {"v_thresh": p[self.parts.threshold]}
            c, h = _lif(p, dt_ms, exact=self.rule == "exact"), dt_ms
        for k, (name, kind) in enumerate(self.receptors):
            own = {key: np.asarray(p[f"{name}.{key}"], np.float64) for key in KINDS[kind].parameters}
            c |= self._response(k, own, p, h)
        c |= self._own_currents(p, h)
        if self.parts.thresholds:
            for k, (tau, jump) in enumerate(_elements(p, self.parts.thresholds)):
                c |= {f"gamma_decay_{k}": decay(tau, dt_ms), f"gamma_jump_{k}": jump}
        if self.parts.escape:
            c |= _escape(self.parts.escape, p, dt_ms)
        return c

    def _response(self, k: int, own: Parameters, p: Parameters, h: float, gain: float = 1.0) -> Coefficients:
        """Return the constants of response number `k`, with its own parameters.

        In a step ``x -> x decay + r mix``, ``r -> r rise_decay``, and the mean of x is ``x mean + r
        mean_mix``; where there are sub-steps, in half of one ``x -> x half_decay + r half_mix``, ``r -> r
        half_rise_decay``. `weight` turns x into a current: the reversal potential of a conductance, 1 or -1
        of a current.
        """
        if self.rule == "exact":
            v_per_syn = gain * exponential_response(p["tau_m"], own["tau_syn"], p["cm"], h)
            return {f"decay_{k}": decay(own["tau_syn"], h), f"v_per_syn_{k}": v_per_syn}
        of_mean = self.rule == "mean"
        part, length = ("", h) if of_mean else ("half_", h / 2)
        fall = own.get("tau_decay", own.get("tau_syn"))
        c = {f"{part}decay_{k}": decay(fall, length), f"weight_{k}": own.get("e_syn", np.asarray(gain))}
        if of_mean:
            c[f"mean_{k}"] = mean_decay(fall, h)
        if self.responses[k].rises:
            rise = own.get("tau_rise", fall)
            c |= {
                f"{part}rise_decay_{k}": decay(rise, length),
                f"{part}mix_{k}": exponential_response(fall, rise, 1.0, length),
                f"jump_{k}": 1.0 / peak(rise, fall),
            }
            if of_mean:
                c[f"mean_mix_{k}"] = mean_response(rise, fall, h)
        return c

    def _own_currents(self, p: Parameters, h: float) -> Coefficients:
        c: Coefficients = {}
        if self.parts.currents:
            for i, (tau, jump) in enumerate(_elements(p, self.parts.currents)):
                k = self._own[i]
                c |= self._response(k, {"tau_syn": tau}, p, h, gain=-1.0) | {f"jump_{k}": jump}
        return c


def composition_of(name: str) -> Composition:
    """Return the parts of a composed model.

    Raises
    ------
    NotSupportedError
        If `name` does not have the form, or a part is unknown.
    """
    match = _NAME.fullmatch(name)
    parts = match.group(2).split(",") if match and match.group(2) else []
    receptors = tuple(tuple(part.split("=", 1)) for part in parts)
    known = all(len(r) == 2 and r[1] in KINDS for r in receptors)
    if not match or match.group(1) not in MEMBRANES or not known:
        raise NotSupportedError(
            f"The composed cell type {name} is not known. It is written MEMBRANE(RECEPTOR=RESPONSE,...), "
            f"with one of {', '.join(MEMBRANES)} and, for each receptor, one of {', '.join(KINDS)}."
        )
    names = [r[0] for r in receptors]
    if len(set(names)) != len(names) or not all(n.isidentifier() for n in names):
        raise NotSupportedError(f"The composed cell type {name}: receptors need names that differ.")
    return Composition(match.group(1), receptors)  # type: ignore[arg-type]


def peak(tau_rise: ArrayLike, tau_decay: ArrayLike) -> NDArray[np.float64]:
    """Return the largest value of a response that rises at the rate of 1 per ms, in ms.

    It is that of ``(exp(-t / tau_decay) - exp(-t / tau_rise)) / (1 / tau_rise - 1 / tau_decay)``, reached at
    ``t = log(tau_rise / tau_decay) / (1 / tau_decay - 1 / tau_rise)``; for equal times, ``tau / e`` at tau.
    """
    rise, fall = np.asarray(tau_rise, np.float64), np.asarray(tau_decay, np.float64)
    ratio = rise / fall - 1.0
    safe = np.where(ratio == 0, 1.0, ratio)
    time = rise * np.where(ratio == 0, 1.0, np.log1p(safe) / safe)
    return exponential_response(fall, rise, 1.0, time)


def _lif(p: Parameters, dt_ms: float, *, exact: bool) -> Coefficients:
    if exact:
        return current_membrane(p, dt_ms)
    g_leak = np.asarray(p["cm"], np.float64) / np.asarray(p["tau_m"], np.float64)
    c = membrane(p, dt_ms)
    del c["v_rest"]
    return c | {
        "g_leak": g_leak,
        "drive": g_leak * np.asarray(p["v_rest"]) + np.asarray(p["i_offset"]),
        "drive_per_na": np.asarray(1.0),
        "dt_over_cm": dt_ms / np.asarray(p["cm"], np.float64),
    }


def _escape(escape: Escape, p: Parameters, dt_ms: float) -> Coefficients:
    return {
        "rate": np.asarray(escape.rate(p, dt_ms), np.float64),
        "per_width": 1.0 / np.asarray(p[escape.width], np.float64),
        "p_max": np.asarray(escape.p_max),
    }


def _elements(p: Parameters, elements: Elements) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return time constant and jump of each element, as numbers where all neurons have the same."""

    def values(name: str, k: int) -> NDArray[np.float64]:
        column = np.asarray(p[name], np.float64)
        column = column[..., k] if elements.n > 1 else column
        return column[0] if column.ndim and np.all(column == column[0]) else column

    return [(values(elements.tau, k), values(elements.jump, k)) for k in range(elements.n)]
