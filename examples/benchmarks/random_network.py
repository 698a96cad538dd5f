"""Sparse random network of leaky integrators that all fire, in software or on a chip.

    python random_network.py pycosim.native --cells 8192 --fan_out 16 --rate 5
    python random_network.py pycosim.loihi

One in five neurons is inhibitory; synapses are weak. A constant current, another for each neuron, makes them
fire at about the rate given (in Hz). On a chip, there are `--per_core` neurons on each core. To measure what
a closed loop costs,

    python random_network.py --compare --rate 5

runs software and chip alternately, and prints the ratio of the CPU times.
"""

import json
import subprocess
import sys
import time

import numpy as np
from timing import command_line, report

DEFAULTS = {"cells": 8192, "fan_out": 16, "rate": 5.0, "step": 0.1, "per_core": 256}
CELL = {"cm": 0.25, "tau_m": 200.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0, "tau_refrac": 2.0}


def current(rate, rng, n):
    """Return currents in nA that make neurons fire at rates around `rate`, from 0.5 to 1.5 times."""
    interval_ms = 1000 / (rate * rng.uniform(0.5, 1.5, n)) - CELL["tau_refrac"]
    reached_mv = 15.0 / (1 - np.exp(-interval_ms / CELL["tau_m"]))
    return reached_mv * CELL["cm"] / CELL["tau_m"]


def main():
    """Build, run and print a line of JSON."""
    sim, arguments = command_line(__doc__.splitlines()[0], **DEFAULTS)
    rng = np.random.default_rng(1)
    chip = (
        {} if sim.__name__ == "pycosim.native" else {"chip": {"mapping.neurons_per_core": arguments.per_core}}
    )
    sim.setup(timestep=arguments.step, threads=arguments.threads, seed=1, **chip)
    start = sim.RandomDistribution("uniform", (-65.0, -50.0))
    cells = sim.Population(arguments.cells, sim.IF_curr_exp(**CELL), initial_values={"v": start})
    cells.set(i_offset=current(arguments.rate, rng, arguments.cells))
    fixed = sim.FixedNumberPostConnector(arguments.fan_out, rng=sim.NativeRNG(seed=1))
    n_exc = arguments.cells * 4 // 5
    for part, weight, receptor in ((cells[:n_exc], 1e-3, "excitatory"), (cells[n_exc:], -4e-3, "inhibitory")):
        synapse = sim.StaticSynapse(weight=weight, delay=1.0)
        sim.Projection(part, cells, fixed, synapse, receptor_type=receptor)
    cells.record("spikes")
    built_s = time.process_time()
    report(sim.run, lambda ms: 1000 * cells.mean_spike_count() / ms, arguments.ms, built_s)
    sim.end()


def compare(arguments, repeats=5):
    """Print medians of the CPU times of software and chip, and their ratio."""
    runs = {"pycosim.native": [], "pycosim.loihi": []}
    for _ in range(repeats):
        for target, lines in runs.items():
            command = [sys.executable, __file__, target, *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            lines.append(json.loads(done.stdout.splitlines()[-1]))
    software, chip = (float(np.median([line["cpu"] for line in lines])) for lines in runs.values())
    rate = runs["pycosim.native"][0]["rate_hz"]
    print(f"{rate:.2f} Hz, CPU s per biological s: software {software:.3f}, chip {chip:.3f}")
    print(f"The closed loop costs {chip / software:.2f} times the software-only run.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        compare(sys.argv[2:])
    else:
        main()
