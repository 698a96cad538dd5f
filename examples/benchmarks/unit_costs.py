"""What a synaptic event, a neuron's update and a Poisson number cost on one thread, beside memory's limits.

    python unit_costs.py pycosim.native

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


def plastic(sim):
    """Return synapses with the additive pair rule."""
    rule = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.0105)
    bounds = sim.AdditiveWeightDependence(w_min=0.0, w_max=0.002)
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


def main():
    """Print one line for each cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulator", nargs="?", default="pycosim.native")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    sim, repeats = importlib.import_module(given.simulator), given.repeats
    read, add = limits()
    print(
        f"{'limit: 4 bytes of a stream':<46}{read:8.2f} ns\n{'limit: addition in the cache':<46}{add:8.2f} ns"
    )
    costs = {
        "update IF_curr_delta": lambda: update_cost(sim, sim.IF_curr_delta(), repeats),
        "update IF_curr_exp": lambda: update_cost(sim, sim.IF_curr_exp(), repeats),
        "update IF_cond_exp": lambda: update_cost(sim, sim.IF_cond_exp(), repeats),
        "update Izhikevich": lambda: update_cost(sim, sim.Izhikevich(), repeats),
        "event, one weight and delay": lambda: event_cost(
            sim, lambda: sim.StaticSynapse(weight=0.1, delay=1.5), repeats
        ),
        "event, individual weights and delays": lambda: event_cost(sim, lambda: individual(sim), repeats),
        # The current gives the targets about 30 Hz.
        "event, plastic (additive pair rule)": lambda: event_cost(sim, lambda: plastic(sim), repeats, 0.92),
        "Poisson number (20 kHz)": lambda: poisson_cost(sim, repeats),
        "number of a noisy current": lambda: noisy_current_cost(sim, repeats),
    }
    for name, cost in costs.items():
        print(f"{name:<46}{cost():8.2f} ns", flush=True)


if __name__ == "__main__":
    main()
