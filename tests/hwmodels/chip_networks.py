"""Small networks for the tests of chip models, as plain columns."""

import numpy as np

from pycosim.backends.base import Options
from pycosim.backends.native.simulation import NativeSimulation
from pycosim.hwmodels.simulation import build
from pycosim.network import Network, Population, Projection, Recording

NEURON = {
    "v_rest": -65.0,
    "cm": 0.25,
    "tau_m": 20.0,
    "tau_refrac": 2.0,
    "i_offset": 0.0,
    "v_reset": -65.0,
    "v_thresh": -50.0,
    "tau_syn_E": 5.0,
    "tau_syn_I": 5.0,
}
# Fires in every second step: the current lifts the membrane far above the threshold within one step of 1 ms.
ALWAYS = {"i_offset": 1000.0, "tau_refrac": 1.0}
RESTLESS = NEURON | ALWAYS


def add_neurons(network, size, *, label="neurons", **changes):
    network.add(Population(label, "IF_curr_exp", size, parameters=NEURON | changes))
    return network.populations[-1].neurons


def add_poisson(network, size, rate=100.0):
    parameters = {"rate": rate, "start": 0.0, "duration": 1e9}
    network.add(Population("poisson", "SpikeSourcePoisson", size, parameters=parameters))
    return network.populations[-1].neurons


def add_spikes(network, steps, indices, size):
    order = np.lexsort((indices, steps))
    steps, indices = np.asarray(steps, np.int64)[order], np.asarray(indices, np.int64)[order]
    network.add(Population("array", "SpikeSourceArray", size, spike_steps=steps, spike_indices=indices))
    return network.populations[-1].neurons


def connect(network, sources, targets, *, weights=0.1, delays=1, receptor="excitatory"):
    """Add a projection with one synapse for each pair of `sources` and `targets`."""
    sources, targets = np.asarray(sources), np.asarray(targets)
    order = np.lexsort((targets, sources))
    rows, counts = np.unique(sources, return_counts=True)
    sort = [np.asarray(c)[order] if np.ndim(c) else c for c in (weights, delays)]
    network.projections.append(
        Projection(
            f"projection {len(network.projections)}",
            receptor,
            rows.astype(np.int32),
            np.concatenate(([0], np.cumsum(counts))),
            targets[order].astype(np.int32),
            sort[0],
            sort[1] if np.ndim(sort[1]) == 0 else sort[1].astype(np.int32),
        )
    )


def all_pairs(sources, targets):
    """Return sources and targets of all pairs."""
    return np.repeat(np.asarray(sources), len(targets)), np.tile(np.asarray(targets), len(sources))


def random_network(
    n=60, n_sources=20, fan_in=8, *, dt_ms=1.0, delays=(2, 5), rate=150.0, seed=7, excitation=0.35
):
    """Return a sparse recurrent network with Poisson input and inhibition; all spikes are recorded."""
    rng = np.random.default_rng(seed)
    network = Network(dt_ms, seed=seed)
    neurons = add_neurons(network, n)
    sources = add_poisson(network, n_sources, rate)
    for pre, weight, receptor in (
        (range(0, 3 * n // 4), excitation, "excitatory"),
        (range(3 * n // 4, n), -2 * excitation, "inhibitory"),
        (sources, 3 * excitation, "excitatory"),
    ):
        n_inputs = max(1, fan_in * len(pre) // n)
        targets = np.repeat(np.asarray(neurons), n_inputs)
        connect(
            network,
            rng.choice(np.asarray(pre), len(targets)),
            targets,
            weights=weight * rng.uniform(0.5, 1.5, len(targets)),
            delays=rng.integers(delays[0], delays[1] + 1, len(targets)),
            receptor=receptor,
        )
    record_all(network)
    return network


def record_all(network):
    for population in network.populations:
        population.recordings["spikes"] = Recording(np.arange(population.size))


def spikes_of(simulation, network):
    """Return all recorded spikes, (2, n): steps and global numbers."""
    parts = [simulation.spikes(i) for i in range(len(network.populations))]
    steps = np.concatenate([part[0] for part in parts])
    neurons = np.concatenate([p.first + part[1] for p, part in zip(network.populations, parts)])
    return np.stack((steps, neurons))


def run_native(network, n_steps, threads=1):
    simulation = NativeSimulation(network, threads=threads)
    simulation.advance(n_steps)
    return spikes_of(simulation, network)


def run_chip(chip, network, n_steps, *, values=None, **options):
    """Return the spikes and the hardware record of a run; `values` replace those of the description."""
    simulation = build(chip, network, Options(**options, overrides=values or {}))
    simulation.advance(n_steps)
    return spikes_of(simulation, network), simulation.hardware
