"""Small networks for tests, as descriptions and through PyNN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from pyNN.random import NumpyRNG, RandomDistribution

from pycosim.network import Network, NeuronModel, Population, Projection, Recording, model_named

PARAMETERS: dict[str, float] = {
    "v_rest": -65.0,
    "v_reset": -65.0,
    "v_thresh": -50.0,
    "tau_m": 20.0,
    "cm": 0.2,
    "tau_refrac": 3.0,
    "i_offset": 0.0,
    "tau_syn_E": 5.0,
    "tau_syn_I": 10.0,
    "e_rev_E": 0.0,
    "e_rev_I": -80.0,
    **{"v_spike": -40.0, "delta_T": 2.0, "tau_w": 100.0},
    **{"tau_sfa": 100.0, "e_rev_sfa": -75.0, "q_sfa": 2.0, "tau_rr": 2.0, "e_rev_rr": -75.0, "q_rr": 50.0},
    **{"g_leak": 40.0, "gbar_Na": 20.0, "gbar_K": 6.0, "v_offset": -63.0},
    **{"e_rev_Na": 50.0, "e_rev_K": -90.0, "e_rev_leak": -65.0},
    **{"a": 4.0, "b": 0.02, "c": -65.0, "d": 2.0},
    **{"delta_v": 2.0, "v_t_star": -48.0, "lambda0": 50.0, "tau_syn_E2": 2.0},
    **{"tau_ca2": 50.0, "i_alpha": 0.02, "du_th": 2.0, "tau_th": 20.0},
    **{"e_syn": 0.0, "tau_syn": 5.0, "tau_rise": 1.0, "tau_decay": 4.0},
}
_IZHIKEVICH = {"a": 0.02, "b": 0.2}
OF_MODEL: dict[str, dict[str, float]] = {
    "HH_cond_exp": {"g_leak": 0.01, "tau_syn_E": 1.0, "tau_syn_I": 2.0},
    "Izhikevich": _IZHIKEVICH,
    "Izk_curr_exp": _IZHIKEVICH,
    "Izk_cond_exp": _IZHIKEVICH,
}
"""Values that differ from `PARAMETERS` in one model."""
WEIGHTS = {
    "IF_curr_delta": 2.0,
    "IF_curr_exp": 0.1,
    "IF_curr_alpha": 0.05,
    "IF_cond_exp": 0.002,
    "IF_cond_alpha": 0.001,
    "IF_cond_exp_gsfa_grr": 0.002,
    "IF_facets_hardware1": 0.006,
    "EIF_cond_exp_isfa_ista": 0.002,
    "EIF_cond_alpha_isfa_ista": 0.001,
    "HH_cond_exp": 0.01,
    "Izhikevich": 5.0,
    "GIF_cond_exp": 0.002,
    "Izk_curr_exp": 2.0,
    "Izk_cond_exp": 0.03,
    "IF_curr_dual_exp": 0.1,
    "IFCurrExpCa2Adaptive": 0.1,
    "IFCondExpStoc": 0.002,
    "LIF(AMPA=CondExp,GABA=CondBeta)": 0.002,
    "LIF(fast=CondAlpha,slow=CondBeta,more=CondExp)": 0.002,
    "LIF(one=CurrExp,two=CurrExp,three=CurrExp)": 0.1,
    "AdExp(AMPA=CondBeta,GABA=CondAlpha,NMDA=CondExp)": 0.002,
    "AdExp(one=CurrExp,two=CurrExp)": 0.1,
    "GIF(one=CurrExp,two=CurrExp)": 0.1,
    "Izk(one=CondBeta,two=CondExp)": 0.03,
}
"""Excitatory weight that gives a few mV in each model with the parameters above (mV, nA or uS)."""


REPRESENTATIVE = ("GIF_cond_exp", "AdExp(AMPA=CondBeta,GABA=CondAlpha,NMDA=CondExp)")
"""Composed models that stand for all in the conformance suite, because they share their code."""

SEQUENCES: dict[str, tuple[float, ...]] = {
    **{"tau_eta": (1.0, 10.0, 100.0), "tau_gamma": (2.0, 20.0, 200.0)},
    **{"a_eta": (0.02, 0.01, 0.01), "a_gamma": (2.0, 1.0, 0.5)},
}


def parameters_of(model: str) -> dict[str, Any]:
    """Return values of all parameters of a model with which `deterministic_network` is busy."""
    membrane = "Izk_cond_exp" if model.startswith("Izk(") else model
    values = PARAMETERS | SEQUENCES | OF_MODEL.get(membrane, {})
    neuron = model_named(model)
    found = {name: values[name.rpartition(".")[2]] for name in neuron.parameters}
    # The second receptor inhibits.
    inhibiting = {f"{receptor}.e_syn": -80.0 for receptor in list(neuron.receptors)[1:2]}
    return found | {name: value for name, value in inhibiting.items() if name in found}


def random_projection(
    rng: np.random.Generator,
    pre: Population,
    post: Population,
    *,
    n_inputs: int,
    weight: float,
    delay: tuple[int, int],
) -> Projection:
    """Return a projection with `n_inputs` random sources for each target, varied weights and delays."""
    sources = np.concatenate([rng.choice(pre.size, n_inputs, replace=False) for _ in range(post.size)])
    targets = np.repeat(np.arange(post.size), n_inputs)
    order = np.lexsort((targets, sources))
    rows, counts = np.unique(sources, return_counts=True)
    n = len(sources)
    return Projection(
        label=f"{pre.label}-{post.label}",
        receptor="excitatory" if weight > 0 or pre.label == "exc" else "inhibitory",
        sources=(rows + pre.first).astype(np.int32),
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        targets=(targets[order] + post.first).astype(np.int32),
        weights=weight * rng.uniform(0.8, 1.2, n),
        delays=rng.integers(delay[0], delay[1] + 1, n).astype(np.int32),
    )


def deterministic_network(
    model: str = "IF_curr_exp",
    *,
    n: int = 30,
    seed: int = 1,
    delay: tuple[int, int] = (1, 15),
    dt_ms: float = 0.1,
) -> Network:
    """Return a recurrent network of `n` neurons of one model, driven by spike arrays, everything recorded.

    Parameters are different in every neuron; delays are in steps.
    """
    rng = np.random.default_rng(seed)
    network = Network(dt_ms=dt_ms, seed=seed)
    neuron_model = model_named(model)
    assert isinstance(neuron_model, NeuronModel)
    n_exc = n * 4 // 5
    for label, size in (("exc", n_exc), ("inh", n - n_exc)):
        population = Population(label, model, size, parameters=_varied(rng, neuron_model, size))
        population.initial["v"] = rng.uniform(-65.0, -52.0, size)
        population.recordings = {"spikes": Recording(np.arange(size)), "v": Recording(np.arange(size))}
        network.add(population)
    source = Population("source", "SpikeSourceArray", n)
    steps, indices = rng.integers(0, round(60 / dt_ms), 8 * n), rng.integers(0, n, 8 * n)
    order = np.lexsort((indices, steps))
    source.spike_steps, source.spike_indices = steps[order], indices[order]
    source.recordings = {"spikes": Recording(np.arange(n))}
    network.add(source)
    exc, inh, source = network.populations
    weight = WEIGHTS[model]
    sign = 1 if any(unit == "uS" for _, unit in neuron_model.recordables.values()) else -1
    receptors = list(neuron_model.receptors)
    for pre, w in ((exc, weight), (inh, 3 * weight), (source, 2 * weight)):
        for post in (exc, inh):
            projection = random_projection(rng, pre, post, n_inputs=min(6, pre.size), weight=w, delay=delay)
            # Receptors beyond the second have the source.
            projection.receptor = (
                receptors[1]
                if pre is inh
                else receptors[0 if pre is exc else -1 if len(receptors) > 2 else 0]
            )
            if pre is inh:
                projection.weights = sign * np.asarray(projection.weights)
            network.projections.append(projection)
    return network


def side_by_side(networks: Sequence[Network]) -> Network:
    """Return one network of the populations and projections of several, which do not meet.

    A target that has to prepare a network, as by compiling it, does so once for all of them.
    """
    whole = Network(dt_ms=networks[0].dt_ms, seed=networks[0].seed)
    for network in networks:
        first = np.int32(whole.n_neurons)
        for population in network.populations:
            whole.add(replace(population))
        whole.projections += [
            replace(one, sources=one.sources + first, targets=one.targets + first)
            for one in network.projections
        ]
    return whole


def add_part(network: Network, seed: int, *, delay: int) -> None:
    """Append a population and a source to a `deterministic_network`, and projections with one delay."""
    rng = np.random.default_rng(seed)
    exc, source = network.populations[0], network.populations[2]
    n = 3
    late = Population(f"late {seed}", exc.model, n, parameters=parameters_of(exc.model))
    late.recordings = {"spikes": Recording(np.arange(n))}
    more = Population(f"more {seed}", "SpikeSourceArray", 2)
    more.spike_steps, more.spike_indices = np.arange(0, 600, 20), np.tile([0, 1], 15)
    network.add(late)
    network.add(more)
    weight = WEIGHTS[exc.model]
    for pre, post, w in ((exc, late, 2), (late, exc, 1), (source, late, 2), (more, exc, 3), (exc, exc, 1)):
        projection = random_projection(
            rng, pre, post, n_inputs=min(4, pre.size), weight=w * weight, delay=(delay, delay)
        )
        projection.receptor = "excitatory"
        network.projections.append(projection)


def _varied(rng: np.random.Generator, model: NeuronModel, size: int) -> dict[str, Any]:
    """Return parameters that differ by up to a tenth between neurons, where that makes sense."""
    same = ("i_offset", "tau_refrac", "c", "delta_T")
    return {
        name: value
        if name in same or name.startswith(("v_", "e_rev")) or name.endswith(".e_syn")
        else value * rng.uniform(0.9, 1.1, (size, model.sequences[name]) if name in model.sequences else size)
        for name, value in parameters_of(model.name).items()
    }


def balanced_network(
    sim: ModuleType,
    duration: float = 100.0,
    *,
    seed: int = 1,
    timestep: float = 0.1,
    delay: float = 0.5,
    **setup: Any,
) -> tuple[Any, Any, Any]:
    """Build a balanced network of 50 neurons with Poisson input through PyNN and run it for `duration` ms.

    Returns
    -------
    exc, inh, noise : Population
        With spikes recorded.
    """
    sim.setup(timestep=timestep, seed=seed, **setup)
    rng = NumpyRNG(seed=seed)
    names = type(sim.IF_curr_exp()).default_parameters
    cell = sim.IF_curr_exp(**{name: value for name, value in PARAMETERS.items() if name in names})
    exc = sim.Population(40, cell, label="exc")
    inh = sim.Population(10, cell, label="inh")
    noise = sim.Population(20, sim.SpikeSourcePoisson(rate=60.0), label="noise")
    neurons = exc + inh
    neurons.initialize(v=RandomDistribution("uniform", low=-65.0, high=-50.0, rng=rng))
    excite = sim.StaticSynapse(weight=0.1, delay=delay)
    inhibit = sim.StaticSynapse(weight=-0.4, delay=delay)
    sim.Projection(exc, neurons, sim.FixedNumberPreConnector(8, rng=rng), excite, receptor_type="excitatory")
    sim.Projection(inh, neurons, sim.FixedNumberPreConnector(2, rng=rng), inhibit, receptor_type="inhibitory")
    sim.Projection(
        noise, neurons, sim.FixedNumberPreConnector(8, rng=rng), excite, receptor_type="excitatory"
    )
    (neurons + noise).record("spikes")
    if duration:
        sim.run(duration)
    return exc, inh, noise
