"""Small networks for the tests of backends."""

from __future__ import annotations

import numpy as np

from pycosim.network import Network, Population, Projection, Recording

DT_MS = 0.1
CURRENT_MODELS = ("IF_curr_delta", "IF_curr_exp", "IF_curr_alpha")
CONDUCTANCE_MODELS = ("IF_cond_exp", "IF_cond_alpha")
NEURON_MODELS = CURRENT_MODELS + CONDUCTANCE_MODELS
# Of the order of 1 mV at the membrane of `neuron_parameters`.
WEIGHT = dict(zip(NEURON_MODELS, (1.0, 0.3, 0.3, 0.01, 0.01)))


def neuron_parameters(model, **changed):
    """A neuron whose analytic first spike is at 20 ms * ln 4 = 27.7259 ms if i_offset is 1 nA."""
    parameters = dict(
        v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0, tau_m=20.0, cm=1.0, tau_refrac=2.0, i_offset=0.0
    )
    if model != "IF_curr_delta":
        parameters |= dict(tau_syn_E=5.0, tau_syn_I=8.0)
    if model in CONDUCTANCE_MODELS:
        parameters |= dict(e_rev_E=0.0, e_rev_I=-75.0)
    assert set(changed) <= set(parameters)
    return parameters | changed


def recordings_of(model, size, interval=1):
    everyone = np.arange(size)
    names = ("v", "gsyn_exc", "gsyn_inh") if model in CONDUCTANCE_MODELS else ("v",)
    recordings = {name: Recording(everyone, interval) for name in names}
    return recordings | {"spikes": Recording(everyone)}


def neurons(model, size=1, *, v=-65.0, **parameters):
    return Population(
        model,
        model,
        size,
        parameters=neuron_parameters(model, **parameters),
        initial={"v": v},
        recordings=recordings_of(model, size),
    )


def spike_array(*steps, size=1, index=0):
    return Population(
        "source",
        "SpikeSourceArray",
        size,
        spike_steps=np.sort(np.array(steps, np.int64)),
        spike_indices=np.full(len(steps), index, np.int64),
        recordings={"spikes": Recording(np.arange(size))},
    )


def connect(network, pre, post, weight, delay, receptor="excitatory"):
    """One synapse from the first neuron of population `pre` to the first of `post`."""
    add_pairs(network, pre, post, [0], [0], weight, delay, receptor)


def add_pairs(network, pre, post, sources, targets, weights, delays, receptor="excitatory"):
    """Synapses from given pairs of indices, which are in order of (source, target)."""
    pre, post = network.populations[pre], network.populations[post]
    rows, counts = np.unique(np.asarray(sources, np.int64), return_counts=True)
    network.projections.append(
        Projection(
            f"{pre.label} to {post.label}",
            receptor,
            (rows + pre.first).astype(np.int32),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            (np.asarray(targets) + post.first).astype(np.int32),
            weights,
            delays,
        )
    )


def network_of(*populations, dt_ms=DT_MS, seed=1):
    network = Network(dt_ms, seed)
    for population in populations:
        network.add(population)
    return network


def one_synapse(
    model, *, spike_steps=(50,), delay=10, weight=None, receptor="excitatory", dt_ms=DT_MS, **changed
):
    """A spike array (population 0) and a neuron (population 1), joined by one synapse."""
    network = network_of(spike_array(*spike_steps), neurons(model, **changed), dt_ms=dt_ms)
    connect(network, 0, 1, WEIGHT[model] if weight is None else weight, delay, receptor)
    return network


def random_network(seed, *, models=NEURON_MODELS, heterogeneous=True, poisson=True, sizes=(23, 17, 9)):
    """Busy neurons of random models, random sources, and projections with random or equal weights and delays.

    Pairs may be connected several times, and a neuron is a target of several projections.
    """
    rng = np.random.default_rng(seed)
    network = Network(DT_MS, seed)
    for size in sizes:
        network.add(_random_neurons(rng, rng.choice(models), size, heterogeneous))
    network.add(
        Population(
            "array",
            "SpikeSourceArray",
            8,
            spike_steps=np.sort(rng.integers(0, 300, 60)),
            spike_indices=rng.integers(0, 8, 60),
            recordings={"spikes": Recording(np.arange(8))},
        )
    )
    if poisson:
        parameters = dict(rate=200.0, start=0.0, duration=1e10)
        recordings = {"spikes": Recording(np.arange(0, 10, 3))}
        network.add(
            Population("poisson", "SpikeSourcePoisson", 10, parameters=parameters, recordings=recordings)
        )
    for _ in range(7):
        _add_random_projection(rng, network, len(sizes))
    return network


def _random_neurons(rng, model, size, heterogeneous):
    def column(low, high):
        return rng.uniform(low, high, size) if heterogeneous else float(rng.uniform(low, high))

    parameters = neuron_parameters(
        model,
        v_rest=column(-66, -64),
        v_reset=column(-68, -64),
        v_thresh=column(-52, -48),
        tau_m=column(10, 20),
        tau_refrac=column(0, 3),
        i_offset=column(0.7, 1.5),
    )
    if model != "IF_curr_delta":
        parameters |= dict(tau_syn_E=column(1, 5), tau_syn_I=column(2, 8))
    return Population(
        str(model),
        str(model),
        size,
        parameters=parameters,
        initial={"v": rng.uniform(-65, -50, size)},
        recordings=recordings_of(model, size, int(rng.integers(1, 4))),
    )


def _add_random_projection(rng, network, n_targets):
    pre, post = int(rng.integers(len(network.populations))), int(rng.integers(n_targets))
    model = network.populations[post].model
    shape = network.populations[pre].size, network.populations[post].size
    pairs = rng.poisson(0.2, shape)
    sources, targets = (np.repeat(index, pairs[pairs > 0]) for index in np.nonzero(pairs))
    receptor = rng.choice(["excitatory", "inhibitory"])
    sign = -1 if receptor == "inhibitory" and model in CURRENT_MODELS else 1
    weights = sign * WEIGHT[model] * (rng.uniform(0, 2, len(targets)) if rng.random() < 0.6 else 1.0)
    random_delays = rng.random() < 0.6
    delays = rng.integers(1, 30, len(targets)).astype(np.int32) if random_delays else int(rng.integers(1, 20))
    add_pairs(network, pre, post, sources, targets, weights, delays, str(receptor))


def recorded(simulation, network):
    """All that a simulation recorded: spikes and signals by population and variable."""
    result = {}
    for index, population in enumerate(network.populations):
        for variable in population.recordings:
            if variable == "spikes":
                result[index, "steps"], result[index, "indices"] = simulation.spikes(index)
            else:
                result[index, variable] = simulation.signal(index, variable)
    return result


def assert_identical(first, second):
    assert first.keys() == second.keys()
    for key in first:
        np.testing.assert_array_equal(first[key], second[key], err_msg=str(key))
