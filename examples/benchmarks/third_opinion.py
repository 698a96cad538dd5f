"""Rates and spike times of the same small networks on native, Brian2, NEST and NEURON.

    python third_opinion.py [--python PYTHON_WITH_NEST] [--on native brian2 nest neuron]
                            [--networks drive chain pair balanced] [--seeds 5]

`nest` and `neuron` are PyNN's own backends. They run in the interpreter `--python`, which needs PyNN, NEST
and NEURON and not pycosim; the others run in this one. Every network is a PyNN script without anything that
only one simulator has.

- "drive": ten neurons of IF_curr_exp with different constant currents, no synapses.
- "chain": a spike train goes through five neurons of IF_cond_exp one after the other, with delays.
- "pair": spike-timing-dependent plasticity of one synapse; the weight after the run is printed as well.
- "balanced": 500 neurons of IF_curr_exp in balance, 10 % connections, with Poisson input. Every simulator
  draws its own input, so only statistics can agree: mean and standard error over seeds of the rate in Hz, of
  the coefficient of variation of intervals, and of the correlation of spike counts in bins of 5 ms between
  pairs of neurons.

The first three print for every simulator the number of spikes, and the largest and the mean difference of
spike times from native in ms. docs/performance.md explains the differences.
"""

import argparse
import importlib
import itertools
import json
import subprocess
import sys

import numpy as np

TARGETS = ("native", "brian2", "nest", "neuron")
STEP_MS = 0.1


def set_up(sim, seed):
    """Call setup() with a seed of random input, which each simulator calls by another name.

    PyNN's default on NEST is spikes between the steps, which the others do not have. And where `min_delay` is
    left out, it delays the spikes of a source on NEST by the smallest delay of the network less a step: it
    subtracts the smallest delay before there are connections (a step), and connects with that after.
    """
    extra = {"seed": seed} if sim.__name__.startswith("pycosim") else {}
    if sim.__name__ == "pyNN.nest":
        extra = {"rng_seed": seed, "spike_precision": "on_grid"}
    sim.setup(timestep=STEP_MS, min_delay=STEP_MS, **extra)


def drive(sim, seed):
    """Neurons that fire on their own."""
    set_up(sim, seed)
    cells = sim.Population(10, sim.IF_curr_exp(tau_refrac=2.0, i_offset=np.linspace(0.8, 2.0, 10)))
    return cells, 500.0, None


def chain(sim, seed):
    """Neurons that make the next one fire."""
    set_up(sim, seed)
    times = np.arange(10.0, 400.0, 13.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=times))
    cells = sim.Population(5, sim.IF_cond_exp(tau_refrac=2.0, tau_syn_E=2.0))
    synapse = sim.StaticSynapse(weight=0.2, delay=1.5)
    sim.Projection(source, cells, sim.FromListConnector([(0, 0)]), synapse, receptor_type="excitatory")
    pairs = [(i, i + 1) for i in range(4)]
    sim.Projection(cells, cells, sim.FromListConnector(pairs), synapse, receptor_type="excitatory")
    return cells, 450.0, None


def pair(sim, seed):
    """A synapse that learns, beside one that makes the neuron fire."""
    set_up(sim, seed)
    pre = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(20.0, 900.0, 30.0)))
    teacher = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(25.0, 900.0, 37.0)))
    cells = sim.Population(1, sim.IF_cond_exp(tau_refrac=2.0))
    rule = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.02, A_minus=0.02),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=0.002),
        weight=0.001,
        delay=1.0,
    )
    learning = sim.Projection(pre, cells, sim.AllToAllConnector(), rule, receptor_type="excitatory")
    forcing = sim.StaticSynapse(weight=0.15, delay=1.0)
    sim.Projection(teacher, cells, sim.AllToAllConnector(), forcing, receptor_type="excitatory")
    return cells, 950.0, learning


def balanced(sim, seed):
    """A random network with random input."""
    from pyNN.random import NumpyRNG, RandomDistribution

    set_up(sim, seed)
    rng = NumpyRNG(seed=seed)
    cell = sim.IF_curr_exp(tau_m=20.0, cm=0.25, tau_refrac=2.0, tau_syn_E=2.0, tau_syn_I=2.0)
    cells = [sim.Population(n, cell) for n in (400, 100)]
    for population in cells:
        population.initialize(v=RandomDistribution("uniform", (-65.0, -50.0), rng=rng))
        noise = sim.Population(population.size, sim.SpikeSourcePoisson(rate=5000.0))
        sim.Projection(
            noise,
            population,
            sim.OneToOneConnector(),
            sim.StaticSynapse(weight=0.1, delay=STEP_MS),
            receptor_type="excitatory",
        )
    for pre, weight, receptor in ((cells[0], 0.1, "excitatory"), (cells[1], -0.6, "inhibitory")):
        for post in cells:
            synapse = sim.StaticSynapse(weight=weight, delay=1.5)
            connector = sim.FixedProbabilityConnector(0.1, rng=rng)
            sim.Projection(pre, post, connector, synapse, receptor_type=receptor)
    return cells[0], 1000.0, None


DETERMINISTIC = {"drive": drive, "chain": chain, "pair": pair}
NETWORKS = DETERMINISTIC | {"balanced": balanced}


def spikes_of(target, network, seed):
    """Run a network; return spike times in ms, by neuron, and the final weight if there is one."""
    own = target in ("native", "brian2")
    sim = importlib.import_module(f"pycosim.{target}" if own else f"pyNN.{target}")
    cells, duration, learning = NETWORKS[network](sim, seed)
    cells.record("spikes")
    sim.run(duration)
    trains = cells.get_data("spikes").segments[0].spiketrains
    times = [np.asarray(train.rescale("ms").magnitude, float).tolist() for train in trains]
    weight = None
    if learning is not None:
        weight = float(np.nanmax(np.asarray(learning.get("weight", format="array"), float)))
    sim.end()
    return times, weight


def statistics_of(times, duration_ms=1000.0, bin_ms=5.0):
    """Return rate in Hz, coefficient of variation of intervals, and correlation of counts in bins."""
    rate = sum(map(len, times)) / len(times) / (duration_ms / 1000)
    intervals = [np.diff(sorted(train)) for train in times if len(train) > 3]
    cv = float(np.mean([one.std() / one.mean() for one in intervals]))
    edges = np.arange(0.0, duration_ms + bin_ms / 2, bin_ms)
    counts = np.array([np.histogram(train, edges)[0] for train in times if len(train) > 3], float)
    correlations = np.corrcoef(counts)[np.triu_indices(len(counts), 1)]
    return rate, cv, float(np.mean(correlations))


def run_all(target, networks, seeds):
    """Return what one target gives for networks."""
    found = {name: spikes_of(target, name, 1) for name in DETERMINISTIC if name in networks}
    if "balanced" in networks:
        every = range(1, seeds + 1)
        found["balanced"] = [statistics_of(spikes_of(target, "balanced", seed)[0]) for seed in every]
    return found


def measured(target, arguments):
    """Return the same from a process of its own."""
    command = [sys.executable if target in ("native", "brian2") else arguments.python, __file__]
    command += ["--run", target, "--seeds", str(arguments.seeds), "--networks", *arguments.networks]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def differences(found, expected):
    """Return the number of spikes, and the largest and mean difference of times if the numbers are equal."""
    n = sum(map(len, found))
    if [len(train) for train in found] != [len(train) for train in expected]:
        return f"{n:7}  other numbers of spikes than native ({sum(map(len, expected))})"
    apart = np.abs(np.array(list(itertools.chain(*found))) - np.array(list(itertools.chain(*expected))))
    return f"{n:7} {apart.max():10.3f} {apart.mean():10.3f}"


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter with PyNN, NEST and NEURON")
    parser.add_argument("--on", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--run", choices=TARGETS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run_all(arguments.run, arguments.networks, arguments.seeds)))
        return
    targets = ["native", *(target for target in arguments.on if target != "native")]
    results = {target: measured(target, arguments) for target in targets}
    print("network   target    spikes  largest ms    mean ms")
    for network in (name for name in DETERMINISTIC if name in arguments.networks):
        expected = results["native"][network][0]
        for target in targets:
            times, weight = results[target][network]
            final = f"   weight {weight * 1000:.6f} nS" if weight is not None else ""
            print(f"{network:9} {target:8} {differences(times, expected)}{final}")
    if "balanced" not in arguments.networks:
        return
    print(f"\nbalanced, mean and standard error of {arguments.seeds} seeds")
    print("target      rate Hz            CV of intervals    correlation of counts")
    for target in targets:
        values = np.array(results[target]["balanced"])
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(3)
        columns = (f"{m:8.4f} ({e:.4f})" for m, e in zip(values.mean(axis=0), error))
        print(f"{target:8} " + "   ".join(columns))


if __name__ == "__main__":
    main()
