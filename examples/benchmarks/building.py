"""What building a synapse costs: CPU nanoseconds of the projection, and of the start of the engine.

    python building.py pycosim.native --save ours.json
    python building.py pyNN.nest --cells 1024 --beside ours.json

Each network is two populations and one projection. "Projection" is the call of Projection(), "start" the
first step of a run; what the same populations cost without synapses is taken off. The medians of `--repeats`
networks are printed, and with `--beside` their ratio to a table that `--save` wrote.
"""

import argparse
import gc
import importlib
import json
import statistics
import time

import numpy as np

DT_MS = 0.1
PROBABILITY = 0.0953  # 1.6 million synapses between 4,096 cells


def connectors(sim, n):
    """Return a function for each row of the table that makes a connector; `n` cells on both sides."""
    own = sim.NativeRNG if sim.__name__.startswith("pycosim") else None  # others have one for some connectors
    rows, fixed = {}, round(PROBABILITY * n)

    def add(name, make):
        """With this package's own random numbers, and with PyNN's."""
        if own is not None:
            rows[name] = lambda: make(own(seed=1))
        rows[f"{name}, PyNN's numbers"] = lambda: make(sim.NumpyRNG(seed=1))

    def pairs():
        rng = np.random.default_rng(1)
        ends = rng.integers(0, n, (fixed * n, 2))
        return np.column_stack([ends, rng.uniform(0.1, 0.2, len(ends)), rng.uniform(0.5, 2.5, len(ends))])

    add("FixedProbability", lambda rng: sim.FixedProbabilityConnector(PROBABILITY, rng=rng))
    add("FixedNumberPre", lambda rng: sim.FixedNumberPreConnector(fixed, rng=rng))
    add("FixedNumberPost", lambda rng: sim.FixedNumberPostConnector(fixed, rng=rng))
    add(
        "FixedTotalNumber",
        lambda rng: sim.FixedTotalNumberConnector(fixed * n, with_replacement=True, rng=rng),
    )
    rows["AllToAll"] = sim.AllToAllConnector
    rows["OneToOne"] = sim.OneToOneConnector
    columns = ["weight", "delay"]
    rows["FromList, array"] = lambda: sim.FromListConnector(pairs(), column_names=columns)
    rows["FromList, tuples"] = lambda: sim.FromListConnector(
        [tuple(row) for row in pairs().tolist()], column_names=columns
    )
    rules = {"dense": "exp(-d/500.0)", "a tenth": "exp(-d/150.0)", "sparse": "exp(-d/50.0)"}
    for name, rule in rules.items():
        add(
            f"distance, {name}",
            lambda rng, rule=rule: sim.DistanceDependentProbabilityConnector(rule, rng=rng),
        )
    return rows


def synapses(sim):
    """Return a function for each column of the table that makes a synapse type."""
    draw = sim.RandomDistribution
    clipped = (
        {"mu": 0.1, "sigma": 0.01, "low": 0.0, "high": np.inf},
        {
            "mu": 1.5,
            "sigma": 0.75,
            "low": DT_MS,
            "high": 10.0,
        },
    )

    def normal():
        weight, delay = (draw("normal_clipped", **limits) for limits in clipped)
        return sim.StaticSynapse(weight=weight, delay=delay)

    def seeded():
        rng = sim.NumpyRNG(seed=2)
        weight, delay = (draw("normal_clipped", **limits, rng=rng) for limits in clipped)
        return sim.StaticSynapse(weight=weight, delay=delay)

    return {
        "constant": lambda: sim.StaticSynapse(weight=0.1, delay=1.5),
        "uniform": lambda: sim.StaticSynapse(
            weight=draw("uniform", low=0.1, high=0.2), delay=draw("uniform", low=0.5, high=2.5)
        ),
        "normal": normal,
        "normal, seed": seeded,
        "distance": lambda: sim.StaticSynapse(weight="0.1*exp(-d/250.0)", delay="0.1+0.005*d"),
    }


def built(sim, n, connector=None, synapse=None):
    """Return CPU seconds of the projection, those of the start, and the number of synapses."""
    sim.setup(timestep=DT_MS, min_delay=DT_MS, max_delay=20.0)
    side = int(np.sqrt(n))
    grid = sim.space.Grid2D(aspect_ratio=n / side**2, dx=1000.0 / side, dy=1000.0 / side)
    # Cells that no synapse changes, and of little work.
    cells = [sim.Population(n, sim.IF_curr_delta(v_thresh=1e9), structure=grid) for _ in range(2)]
    for population in cells if synapse else ():
        _ = population.positions  # made at their first use
    made = connector() if connector else None
    gc.collect()  # what the network before has left is not this one's cost
    count, used = 0, time.process_time()
    if made is not None:
        space = sim.Space(axes="xy")
        projection = sim.Projection(*cells, made, synapse(), receptor_type="excitatory", space=space)
        count = len(projection)
    projected = time.process_time()
    sim.run(DT_MS)
    started = time.process_time()
    sim.end()
    return projected - used, started - projected, count


def cost(sim, n, repeats, connector, synapse):
    """Return ns for each synapse of projection and start, and the number of synapses."""
    runs, starts = [], []
    for _ in range(repeats):  # side by side, as other programs run too
        idle = built(sim, n)[1]
        runs.append(built(sim, n, connector, synapse))
        starts.append(runs[-1][1] - idle)
    count = runs[0][2]
    projection = statistics.median(run[0] for run in runs)
    return 1e9 * projection / count, 1e9 * statistics.median(starts) / count, count


def main():
    """Print a line for each connector and synapse type."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulator", nargs="?", default="pycosim.native")
    parser.add_argument("--cells", type=int, default=4096)
    parser.add_argument("--pairs", type=int, default=250_000, help="of OneToOne")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the names of the connectors")
    parser.add_argument("--synapses", default="", help="the first letters of the names of the synapses")
    parser.add_argument("--save", help="file to write the table to")
    parser.add_argument("--beside", help="file with a table to show the ratio to")
    given = parser.parse_args()
    sim = importlib.import_module(given.simulator)
    table, other = {}, {}
    if given.beside:
        with open(given.beside) as file:
            other = json.load(file)
    for name, connector in connectors(sim, given.cells).items():
        if given.only not in name:
            continue
        for kind, synapse in synapses(sim).items():
            if not kind.startswith(given.synapses) or ("FromList" in name and kind != "constant"):
                continue
            n = given.pairs if name == "OneToOne" else given.cells
            projection, start, count = cost(sim, n, given.repeats, connector, synapse)
            table[f"{name}; {kind}"] = projection, start, count
            before = sum(other.get(f"{name}; {kind}", [])[:2])
            ratio = f" {(projection + start) / before:8.2f} times" if before else ""
            print(
                f"{name:<34} {kind:<14} {projection:8.1f} + {start:6.1f} ns, {count} synapses{ratio}",
                flush=True,
            )
    if given.save:
        with open(given.save, "w") as file:
            json.dump(table, file)


if __name__ == "__main__":
    main()
