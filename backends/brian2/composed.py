"""Composed neurons (`pycosim.network.composed`) as Brian2 statements, spelled like the reference backend."""

from __future__ import annotations

from collections.abc import Iterator

from pycosim.backends.brian2 import nonlinear
from pycosim.network import NeuronModel
from pycosim.network.composed import Composition

NOISE_CONSTANTS = ("first_neuron", "noise_low", "noise_high")
"""A stochastic population's constants beyond its model's: number of the first neuron, key of its noise."""


def statements(composition: Composition, substeps: int) -> str:
    """Return the statements that integrate one step and leave the membrane in "v_free"."""
    if composition.rule == "exact":
        lines = list(_exact(composition))
    elif composition.rule == "mean":
        lines = list(_of_means(composition))
    else:
        lines = ["active = int(t_in_timesteps > held_until)"]
        for k in range(substeps):
            lines += [line.replace("#", f"_{k}") for line in _runge_kutta_substep(composition)]
        lines.append("v_free = v")
    gammas = (f"gamma_{k} = gamma_{k}*gamma_decay_{k}" for k in range(composition.n_thresholds))
    return "\n".join([*lines, *gammas, *sums(composition)])


def sums(composition: Composition) -> list[str]:
    """Return the statements that compute the states that are sums."""
    return [f"{name} = {' + '.join(parts)}" for name, parts in composition.sums.items()]


def threshold(model: NeuronModel) -> str:
    """Return the condition for a spike of a stochastic neuron that is not refractory."""
    base = "v_t" if model.composition.n_thresholds else "v_thresh"
    hazard = f"rate*exp(clip((v - {base})*per_width, -1e9, 700.0))"
    noise = "escape_noise(i + first_neuron, t_in_timesteps, noise_low, noise_high)"
    return f"{noise} < p_max*(1.0 - exp(-({hazard})))"


def _exact(composition: Composition) -> Iterator[str]:
    numbers = range(len(composition.responses))
    currents = "".join(f" + syn_{k}*v_per_syn_{k}" for k in numbers)
    yield f"v_free = v_rest + drive + (v - v_rest)*decay_m{currents}"
    yield from (f"syn_{k} = syn_{k}*decay_{k}" for k in numbers)


def _of_means(composition: Composition) -> Iterator[str]:
    for k, response in enumerate(composition.responses):
        rises = response.rises
        yield f"mean_of_{k} = syn_{k}*mean_{k}" + f" + rise_{k}*mean_mix_{k}" * rises
        yield f"syn_{k} = syn_{k}*decay_{k}" + f" + rise_{k}*mix_{k}" * rises
        if rises:
            yield f"rise_{k} = rise_{k}*rise_decay_{k}"
    yield from _sum_responses(composition, "mean_of_", "")
    yield "g_total = g_leak + conductance_"
    yield "v_inf = (drive + current_)/g_total"
    yield "v_free = v_inf + (v - v_inf)*exp(-g_total*dt_over_cm)"


def _runge_kutta_substep(composition: Composition) -> Iterator[str]:
    second, slopes = {"AdExp": ("w", _eif_slopes), "Izk": ("u", _izhikevich_slopes)}[composition.rule]
    yield from nonlinear.LENGTHS
    moves = "1 - int(active > 0)*int(v >= v_thresh)" if composition.rule == "AdExp" else "int(v < v_thresh)"
    yield f"moves# = {moves}"
    for point in (1, 2, 3):
        if point > 1:
            yield from _half_substep(composition)
        yield from _sum_responses(composition, "syn_", f"{point}#")
    yield from nonlinear.runge_kutta(second, slopes)


def _half_substep(composition: Composition) -> Iterator[str]:
    for k, response in enumerate(composition.responses):
        rises = f" + rise_{k}*half_mix_{k}" if response.rises else ""
        yield f"syn_{k} = syn_{k}*half_decay_{k}{rises}"
        if response.rises:
            yield f"rise_{k} = rise_{k}*half_rise_decay_{k}"


def _sum_responses(composition: Composition, name: str, end: str) -> Iterator[str]:
    conducting = [f"{name}{k}" for k, response in enumerate(composition.responses) if response.conductance]
    yield f"conductance_{end} = {' + '.join(conducting) or '0.0'}"
    yield f"current_{end} = {' + '.join(f'{name}{k}*weight_{k}' for k in range(len(composition.responses)))}"


def _izhikevich_slopes(stage: int) -> Iterator[str]:
    c, point = f"c_{stage}#", (1, 2, 2, 3)[stage - 1]
    synapses = f"(current_{point}# - conductance_{point}#*{c})"
    yield f"dv_{stage}# = 0.04*{c}*{c} + slope*{c} + 140.0 - y_{stage}# + drive + {synapses}"
    yield f"dy_{stage}# = a*(b*{c} - y_{stage}#)"


def _eif_slopes(stage: int) -> Iterator[str]:
    point = (1, 2, 2, 3)[stage - 1]
    yield from nonlinear.eif_slopes(stage, f"conductance_{point}#", f"current_{point}#")
