"""The same random network of two cores in RANC's own simulator and in pycosim; reports the first difference.

    git clone https://github.com/UA-RCL/RANC
    python ranc_comparison.py RANC [--ticks 500] [--seed 1] [--on native]

RANC's simulator is compiled with g++. Input spikes go to the first core; half of its neurons send to its own
axons, the others to the second core, whose neurons send to the output bus, where RANC reports spikes. Both
reset modes, negative thresholds, leaks and delays of 1 to 15 ticks are drawn. Potentials stay within 9 bits:
the simulator does not wrap them as RANC's hardware does.
"""

import argparse
import json
import subprocess
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np

N = 256  # neurons and axons of a core


def random_core(rng):
    """Return registers of N neurons, the type of each axon, and the crossbar (neuron, axon)."""
    registers = {f"w{i}": rng.integers(-4, 8, N) for i in range(4)} | {
        "leak": rng.integers(-3, 4, N),
        "positive_threshold": rng.integers(20, 60, N),
        "negative_threshold": rng.integers(-40, -5, N),
        "reset_potential": rng.integers(-5, 15, N),
        "reset_mode": rng.integers(0, 2, N),
    }
    return registers, rng.integers(0, 4, N), rng.random((N, N)) < 0.1


def random_network(n_ticks, seed):
    """Return cores, the target (core offset, axon, tick) of each neuron, and input spikes (tick, axon)."""
    rng = np.random.default_rng(seed)
    cores = [random_core(rng) for _ in range(2)]
    free = rng.permutation(N)  # the first 64 axons of a core are for input from outside
    onward = np.arange(N) % 2
    first = [
        (int(onward[i]), int(free[i // 2] if onward[i] else 64 + i // 2), int(rng.integers(0, 15)))
        for i in range(N)
    ]
    second = [(1, i, 0) for i in range(N)]
    spikes = np.argwhere(rng.random((n_ticks, 64)) < 0.15)
    return cores, [first, second], spikes


def as_json(cores, targets, spikes, n_ticks):
    """Return the input file of RANC's simulator."""
    packets = [[] for _ in range(n_ticks)]
    for tick, axon in spikes.tolist():
        packets[tick].append({"destination_core": [0, 0], "destination_axon": axon, "destination_tick": 0})
    described = []
    for x, ((registers, types, crossbar), target) in enumerate(zip(cores, targets, strict=True)):
        neurons = [
            {
                "weights": [int(registers[f"w{k}"][i]) for k in range(4)],
                **{name: int(column[i]) for name, column in registers.items() if name[0] != "w"},
                "destination_core_offset": [target[i][0], 0],
                "destination_axon": target[i][1],
                "destination_tick": target[i][2],
                "current_potential": 0,
            }
            for i in range(N)
        ]
        connections = crossbar.astype(int).tolist()
        described.append(
            {"axons": types.tolist(), "neurons": neurons, "connections": connections, "coordinates": [x, 0]}
        )
    return {"packets": packets, "output_bus": {"coordinates": [2, 0], "num_outputs": N}, "cores": described}


def run_ranc(checkout, network, n_ticks):
    """Return the spikes on the output bus, (n_ticks, N) bool, by RANC's simulator."""
    source = Path(checkout) / "simulator"
    config = {"num_neurons": N, "num_axons": N, "num_cores_x": 3, "num_cores_y": 1, "num_weights": 4}
    config |= {"max_tick_offset": 16, "neuron_reset_type": 0}
    config |= {f"{part}_trace_verbosity": 0 for part in ("neuron_block", "core_controller", "scheduler")}
    with tempfile.TemporaryDirectory() as folder:
        program, files = (
            f"{folder}/ranc_sim",
            [f"{folder}/{name}" for name in ("in.json", "out.txt", "conf.json")],
        )
        includes = [f"-I{source}/{name}" for name in ("extern", "src")]
        sources = [str(path) for path in sorted(source.glob("src/*.cpp"))]
        subprocess.run(["g++", "-std=c++17", "-O1", *includes, *sources, "-o", program], check=True)
        Path(files[0]).write_text(json.dumps(as_json(*network, n_ticks)))
        Path(files[2]).write_text(json.dumps(config))
        subprocess.run([program, *files, str(n_ticks)], check=True, stdout=subprocess.DEVNULL)
        return np.loadtxt(files[1], int, encoding="utf-8-sig").astype(bool)


def run_pycosim(target, network, n_ticks):
    """Return the spikes of the second core's neurons, (n_ticks, N) bool."""
    cores, targets, spikes = network
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=1.0, min_delay=1.0)
    from pycosim.truenorth import RANCNeuron

    times = [spikes[spikes[:, 1] == axon, 0].astype(float) for axon in range(64)]
    source = sim.Population(64, sim.SpikeSourceArray(spike_times=times))
    cells = [sim.Population(N, RANCNeuron(**registers)) for registers, _, _ in cores]
    for pre, post, core, axon_of in (
        (source, 0, 0, [(i, i, 1) for i in range(64)]),
        *(
            (cells[0], k, k, [(i, a, t + 1) for i, (x, a, t) in enumerate(targets[0]) if x == k])
            for k in (0, 1)
        ),
    ):
        _, types, crossbar = cores[core]
        for kind in range(4):
            pairs = [
                (i, int(j), 1.0, float(delay))
                for i, axon, delay in axon_of
                if types[axon] == kind
                for j in np.flatnonzero(crossbar[:, axon])
            ]
            if pairs:
                sim.Projection(pre, cells[post], sim.FromListConnector(pairs), receptor_type=f"type{kind}")
    cells[1].record(["spikes", "v"])
    sim.run(n_ticks - 1)
    segment = cells[1].get_data().segments[0]
    sim.end()
    fired = np.zeros((n_ticks, N), bool)
    for i, train in enumerate(segment.spiketrains):
        fired[np.rint(train.magnitude).astype(int), i] = True
    return fired


def main():
    """Run both, and print where they differ first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", help="folder of a checkout of UA-RCL/RANC")
    parser.add_argument("--ticks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--on", default="native")
    arguments = parser.parse_args()
    network = random_network(arguments.ticks, arguments.seed)
    theirs = run_ranc(arguments.checkout, network, arguments.ticks)
    ours = run_pycosim(arguments.on, network, arguments.ticks)
    print(f"spikes on the output bus: {theirs.sum()} in RANC's simulator, {ours.sum()} in pycosim")
    differences = np.argwhere(theirs != ours)
    if len(differences):
        tick, neuron = differences[0]
        print(f"first difference: neuron {neuron} at tick {tick}; {len(differences)} in all")
        raise SystemExit(1)
    print("no difference")


if __name__ == "__main__":
    main()
