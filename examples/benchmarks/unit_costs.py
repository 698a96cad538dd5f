"""What a synaptic event, a neuron's update and a Poisson number cost on one thread, beside memory's limits.

    python unit_costs.py pycosim.native
    python unit_costs.py pycosim.native --only "update HH"

Each cost is the slope of CPU time over the number of such things, fitted by least squares to runs that
differ in size or activity and in nothing else; limits.c, compiled with $CC (cc), measures the limits.
"""

import argparse
import importlib
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

MS, DT_MS = 200.0, 0.1
CELLS = (
    *(
        "IF_curr_delta",
        "IF_curr_exp",
        "IF_curr_alpha",
        "IF_cond_exp",
        "IF_cond_alpha",
        "IF_cond_exp_gsfa_grr",
    ),
    *("IF_facets_hardware1", "Izhikevich", "GIF_cond_exp"),
    *("EIF_cond_exp_isfa_ista", "EIF_cond_alpha_isfa_ista", "HH_cond_exp"),
)
DEPENDENCES = (
    "AdditiveWeightDependence",
    "MultiplicativeWeightDependence",
    "AdditivePotentiationMultiplicativeDepression",
    "GutigWeightDependence",
)
SYNAPSES = (
    "TsodyksMarkramSynapse",
    "SimpleStochasticSynapse",
    "StochasticTsodyksMarkramSynapse",
    "MultiQuantalSynapse",
)


def cpu_s(sim, build):
    """Return the CPU seconds of a run of MS, after a warm-up, of the network that `build` makes."""
    sim.setup(timestep=DT_MS, threads=1, seed=1)
    build()
    sim.run(20.0)
    started = time.process_time()
    sim.run(MS)
    used = time.process_time() - started
    sim.end()
    return used


def slope_ns(sim, counts, builders, repeats):
    """Return the fitted ns per count."""
    times = [statistics.median(cpu_s(sim, build) for _ in range(repeats)) for build in builders]
    return 1e9 * np.polyfit(counts, times, 1)[0]


def update_cost(sim, cell, repeats):
    """Return the cost of an update of one neuron by one step, in ns."""
    sizes = np.array([2_000, 8_000, 14_000, 20_000])
    if not type(cell).__name__.startswith(("IF_", "Izh")):  # a tenth of the neurons take as long
        sizes //= 10
    builders = [lambda n=int(n): sim.Population(n, cell) for n in sizes]
    return slope_ns(sim, sizes * MS / DT_MS, builders, repeats)


def event_cost(sim, synapse, repeats, offset_na=0.0):
    """Return the cost of a synaptic event, in ns: 2,000 sources with 1,000 synapses and 1 to 16 spikes each.

    A current makes the targets fire by themselves, which they otherwise do not.
    """
    n_sources, n_targets, fan_out = 2_000, 10_000, 1_000
    rng = np.random.default_rng(1)

    def build(n_spikes):
        # A regular train for each, at times of its own, so that spikes come one by one.
        starts = rng.uniform(20.0, 20.0 + MS / n_spikes - 5.0, n_sources)
        trains = [np.round(start + MS / n_spikes * np.arange(n_spikes), 1) for start in starts]
        sources = sim.Population(n_sources, sim.SpikeSourceArray(spike_times=trains))
        threshold = -50.0 if offset_na else 1e9
        cell = sim.IF_curr_delta(v_thresh=threshold, i_offset=offset_na, tau_m=20.0, cm=1.0)
        targets = sim.Population(n_targets, cell)
        targets.initialize(v=sim.RandomDistribution("uniform", (-65.0, -50.0)))
        rng_of_connector = sim.NativeRNG(seed=1) if hasattr(sim, "NativeRNG") else None
        connector = sim.FixedNumberPostConnector(fan_out, rng=rng_of_connector)
        sim.Projection(sources, targets, connector, synapse())

    spikes = np.array([1, 4, 8, 16])
    builders = [lambda n=int(n): build(n) for n in spikes]
    return slope_ns(sim, spikes * n_sources * fan_out, builders, repeats)


def poisson_cost(sim, repeats):
    """Return the cost of a Poisson number (a neuron's input in a step), in ns, beyond the update itself."""
    sizes = np.array([2_000, 6_000, 10_000])

    def build(n):
        cells = sim.Population(n, sim.IF_curr_delta(v_thresh=1e9))
        noise = sim.Population(n, sim.SpikeSourcePoisson(rate=20_000.0))
        sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1, delay=1.5))

    with_input = slope_ns(sim, sizes * MS / DT_MS, [lambda n=int(n): build(n) for n in sizes], repeats)
    return with_input - update_cost(sim, sim.IF_curr_delta(v_thresh=1e9), repeats)


def noisy_current_cost(sim, repeats):
    """Return the cost of a number of a noisy current that flows into a neuron of its own, in ns."""
    sizes = np.array([50, 200, 350, 500])

    def build(n):
        for cell in sim.Population(500, sim.IF_curr_exp(v_thresh=1e9))[:n]:
            cell.inject(sim.NoisyCurrentSource(mean=0.1, stdev=0.05, start=0.0, stop=1e9, dt=DT_MS))

    return slope_ns(sim, sizes * MS / DT_MS, [lambda n=int(n): build(n) for n in sizes], repeats)


def plastic(sim, dependence):
    """Return synapses with the pair rule and a weight dependence."""
    rule = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.0105)
    bounds = getattr(sim, dependence)(w_min=0.0, w_max=0.002)
    return sim.STDPMechanism(rule, bounds, weight=0.001, delay=1.5)


def vogels(sim):
    """Return inhibitory plasticity."""
    rule, bounds = sim.Vogels2011Rule(eta=1e-4), sim.AdditiveWeightDependence(w_min=0.0, w_max=0.002)
    return sim.STDPMechanism(rule, bounds, weight=0.001, delay=1.5)


def individual(sim):
    """Return synapses with weights and delays of their own."""
    random = sim.RandomDistribution
    rng = sim.NativeRNG(seed=2) if hasattr(sim, "NativeRNG") else None
    weight = random("normal_clipped", (0.1, 0.01, 0.0, np.inf), rng=rng)
    return sim.StaticSynapse(weight=weight, delay=random("uniform", (0.5, 2.5), rng=rng))


def limits():
    """Return ns per number of a stream, and per addition to scattered places of a cached table."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "limits"
        source = Path(__file__).with_name("limits.c")
        subprocess.run([os.environ.get("CC", "cc"), "-O3", str(source), "-o", str(program)], check=True)
        lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    return [statistics.median(float(line.split()[column]) for line in lines) for column in (0, 1)]


def costs_of(sim, repeats):
    """Return a function for each line of the table."""
    costs = {f"update {c}": lambda c=c: update_cost(sim, getattr(sim, c)(), repeats) for c in CELLS}

    def event(name, synapse, offset_na=0.0):
        costs[f"event, {name}"] = lambda: event_cost(sim, synapse, repeats, offset_na)

    event("one weight and delay", lambda: sim.StaticSynapse(weight=0.1, delay=1.5))
    event("individual weights and delays", lambda: individual(sim))
    for kind in SYNAPSES:
        event(kind, lambda kind=kind: getattr(sim, kind)(weight=0.001, delay=1.5))
    # The current gives the targets about 30 Hz.
    for kind in DEPENDENCES:
        event(f"pair rule, {kind}", lambda kind=kind: plastic(sim, kind), 0.92)
    event("Vogels2011Rule", lambda: vogels(sim), 0.92)
    costs["Poisson number (20 kHz)"] = lambda: poisson_cost(sim, repeats)
    costs["number of a noisy current"] = lambda: noisy_current_cost(sim, repeats)
    return costs


def main():
    """Print one line for each cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulator", nargs="?", default="pycosim.native")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the names")
    given = parser.parse_args()
    sim, repeats = importlib.import_module(given.simulator), given.repeats
    read, add = limits()
    print(f"{'limit: 4 bytes of a stream':<60}{read:8.2f} ns")
    print(f"{'limit: addition in the cache':<60}{add:8.2f} ns")
    for name, cost in costs_of(sim, repeats).items():
        if given.only in name:
            print(f"{name:<60}{cost():8.2f} ns", flush=True)


if __name__ == "__main__":
    main()
