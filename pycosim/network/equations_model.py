"""Neuron models that are defined by equations in Brian2's language."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pycosim.errors import InvalidInputError
from pycosim.network.coefficients import Coefficients, Parameters
from pycosim.network.models import NeuronModel, register

_VARIABLE = re.compile(
    r"\s*(?:d(?P<state>\w+)/dt\s*=(?P<slope>.*?)|(?P<plain>\w+)\s*)"
    r":(?P<unit>[^:(]*)(?P<flags>\(.*\))?\s*"
)
METHODS = ("exponential_euler", "rk4")
"""Integrators that are tried where none is named."""
_RANDOM = re.compile(r"\b(xi(?:_\w+)?)\b(?!\s*\()|\b(rand|randn|poisson|binomial)\s*\(")
_RESERVED = frozenset({"injected", "held_until", "refractory_steps", "drive", "current", "dt"})


@dataclass(frozen=True)
class EquationsModel(NeuronModel):
    """A model of which only its equations are known; see `pycosim.frontend.equations_cell`.

    Attributes
    ----------
    equations, threshold, reset : str
        In Brian2's language, without the flag "(unless refractory)".
    held : tuple of str
        Variables that have this flag: they keep their values during the refractory period.
    method : str or tuple of str
        Brian2's names of integrators; the first that can integrate the equations is used.
    """

    equations: str = ""
    threshold: str = ""
    reset: str = ""
    held: tuple[str, ...] = ()
    method: str | tuple[str, ...] = METHODS


def define(
    label: str,
    equations: str,
    *,
    threshold: str,
    reset: str,
    refractory: str | float,
    receptors: Mapping[str, str],
    parameters: Mapping[str, float],
    initial: Mapping[str, float],
    method: str | tuple[str, ...],
) -> EquationsModel:
    """Return a new model, which `model_named` then knows.

    Raises
    ------
    InvalidInputError
        If names in the arguments do not fit the equations.
    """
    lines, states, held = _read(label, equations)
    _require_no_randomness(label, (*lines, threshold, reset))
    _check(label, states, receptors, parameters, initial, refractory)

    def coefficients(values: Parameters, dt_ms: float) -> Coefficients:
        period = values[refractory] if isinstance(refractory, str) else refractory
        steps = np.rint(np.asarray(period, np.float64) / dt_ms)
        return {name: values[name] for name in parameters} | {
            "refractory_steps": steps,
            "drive": 0.0,
            "drive_per_na": 1.0,
        }

    content = repr(
        (lines, held, threshold, reset, refractory, sorted(receptors.items()), sorted(parameters), method)
    )
    return register(
        EquationsModel(
            f"{label}_{hashlib.sha256(content.encode()).hexdigest()[:8]}",
            tuple(parameters),
            tuple(states),
            dict(receptors),
            {state: (state, "dimensionless") for state in states},
            coefficients,
            initial=dict(initial),
            equations="\n".join(lines),
            threshold=threshold,
            reset=reset,
            held=held,
            method=method,
        )
    )


def _read(label: str, equations: str) -> tuple[list[str], list[str], tuple[str, ...]]:
    """Return the lines of the equations, the names of the state variables, and of those that are held."""
    lines, states, held = [], [], []
    for line in equations.strip().splitlines():
        found = _VARIABLE.fullmatch(line)
        if not found:
            lines.append(line.strip())
            continue
        name, unit, flags = found["state"] or found["plain"], found["unit"].strip(), found["flags"] or ""
        if unit != "1":
            raise InvalidInputError(
                f"Cell type {label}: {name} has the unit {unit}. Variables are numbers in PyNN's units "
                '(ms, mV, nA, uS): declare it as ": 1", and write units into the equation, as in '
                '"dv/dt = -v/(tau*ms) : 1".'
            )
        if "constant" not in flags:
            states.append(name)
        if found["state"] and "unless refractory" in flags:
            line = f"d{name}/dt = {found['slope'].strip()} : 1"
            held.append(name)
        lines.append(line.strip())
    if not states:
        raise InvalidInputError(f"Cell type {label}: there is no differential equation or variable in it.")
    return lines, states, tuple(held)


def _require_no_randomness(label: str, texts: Iterable[str]) -> None:
    """Refuse Brian2's own random numbers, which would differ in every run whatever the seed."""
    found = [match[1] or f"{match[2]}()" for text in texts for match in _RANDOM.finditer(text)]
    if found:
        raise InvalidInputError(
            f"Cell type {label}: {', '.join(dict.fromkeys(found))} are random numbers of Brian2, which do "
            'not follow from the seed of setup(). Use "injected" in the equations and a NoisyCurrentSource, '
            "or spikes of SpikeSourcePoisson."
        )


def _check(
    label: str,
    states: list[str],
    receptors: Mapping[str, str],
    parameters: Mapping[str, float],
    initial: Mapping[str, float],
    refractory: str | float,
) -> None:
    has = f"it has {', '.join(states)}"
    for what, names in (("receptors end on", receptors.values()), ("initial values name", initial)):
        unknown = sorted(set(names) - set(states))
        if unknown:
            raise InvalidInputError(
                f"Cell type {label}: {what} {', '.join(unknown)}, which is no state variable; {has}."
            )
    if isinstance(refractory, str) and refractory not in parameters:
        raise InvalidInputError(
            f"Cell type {label}: refractory={refractory!r} is no parameter; give one of "
            f"{', '.join(parameters) or 'none'}, or a time in ms."
        )
    unknown = sorted(set(receptors) - {"excitatory", "inhibitory"})
    if unknown:
        raise InvalidInputError(
            f"Cell type {label}: there is no receptor {', '.join(unknown)}; there are excitatory and "
            "inhibitory."
        )
    taken = sorted(_RESERVED & {*states, *parameters})
    if taken:
        raise InvalidInputError(f"Cell type {label}: the names {', '.join(taken)} mean something else here.")
