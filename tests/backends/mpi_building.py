"""Connectors and kinds of values on any number of processes: ``mpi_building.py FILE``."""

from __future__ import annotations

import pickle
import sys

import numpy as np

import pycosim.native as sim

FILE, N_PRE, N_POST = sys.argv[1], 37, 2300
found, random = {}, sim.RandomDistribution
CLIPPED = {"mu": 0.5, "sigma": 0.4, "low": 0.2, "high": 0.8}

VALUES = {
    "constant": lambda: (0.5, 1.0),
    "uniform": lambda: (random("uniform", (0, 1)), random("uniform", (0.5, 3))),
    "seeded uniform": lambda: (
        random("uniform", (0, 1), rng=sim.NumpyRNG(seed=4)),
        random("uniform", (0.5, 3), rng=sim.NumpyRNG(seed=5)),
    ),
    "seeded clipped": lambda: (
        random("normal_clipped", rng=sim.NumpyRNG(seed=4), **CLIPPED),
        random("normal_clipped", rng=sim.NumpyRNG(seed=5), **CLIPPED),
    ),
    "seeded and not": lambda: (
        random("gamma", (2, 0.3), rng=sim.NumpyRNG(seed=4)),
        random("normal", (2, 0.1)),
    ),
}


def connectors(rng):
    """Return all that draw from a generator."""
    return {
        "probability": sim.FixedProbabilityConnector(0.1, rng=rng),
        "in-degree": sim.FixedNumberPreConnector(4, rng=rng),
        "replaced": sim.FixedNumberPreConnector(4, with_replacement=True, rng=rng),
        "out-degree": sim.FixedNumberPostConnector(300, rng=rng),
        "total": sim.FixedTotalNumberConnector(9000, with_replacement=True, rng=rng),
        "some pairs": sim.FixedTotalNumberConnector(9000, with_replacement=False, rng=rng),
        "most pairs": sim.FixedTotalNumberConnector(
            int(0.8 * N_PRE * N_POST), with_replacement=False, allow_self_connections=False, rng=rng
        ),
        "all pairs, and some again": sim.FixedTotalNumberConnector(
            int(1.1 * N_PRE * N_POST), with_replacement=False, rng=rng
        ),
        "distance": sim.DistanceDependentProbabilityConnector("0.2*exp(-d/900)", rng=rng),
        "unbounded": sim.DistanceDependentProbabilityConnector("0.1 + 0.1*(d % 2)", rng=rng),
    }


def cases():
    yield "all", sim.AllToAllConnector(), None
    yield "one", sim.OneToOneConnector(), None
    yield "list", sim.FromListConnector([(i % N_PRE, i * 7 % N_POST) for i in range(3000)]), None
    for name in connectors(None):
        rng = sim.NumpyRNG(seed=7)
        yield name, connectors(rng)[name], rng
        yield name + ", own numbers", connectors(sim.NativeRNG(seed=7))[name], None


sim.setup(timestep=0.1, seed=5)
pre = sim.Population(N_PRE, sim.IF_curr_exp(), structure=sim.Line(dx=20.0))
post = sim.Population(N_POST, sim.IF_curr_exp(), structure=sim.Line(dx=1.0))
for kind, values in VALUES.items():
    for name, connector, rng in cases():
        weight, delay = values()
        synapse = sim.StaticSynapse(weight=weight, delay=delay)
        projection = sim.Projection(pre, post, connector, synapse)
        rows = np.array(projection.get(["weight", "delay"], "list"), float)
        states = [x.rng.rng.get_state() for x in (weight, delay) if "seeded" in kind and x.rng.seed]
        states += [] if rng is None else [rng.rng.get_state()]
        found[kind, name] = rows.tobytes(), [(words.tobytes(), *rest) for _, words, *rest in states]
# one cell, which belongs to one process; and a list with a value for each synapse
weight, delay = VALUES["seeded uniform"]()
one = sim.Projection(pre, post[5:6], sim.AllToAllConnector(), sim.StaticSynapse(weight=weight, delay=delay))
found["one cell"] = one.get(["weight", "delay"], "list")
listed = sim.StaticSynapse(weight=np.arange(4.0 * N_POST))
by_list = sim.Projection(pre, post, sim.FixedNumberPreConnector(4, rng=sim.NumpyRNG(seed=7)), listed)
found["a list"] = by_list.get("weight", "list")
# synapses that are not kept while a simulation has them are made again by one process alone
weight, delay = VALUES["seeded clipped"]()
remade = sim.Projection(
    pre, post, sim.FixedNumberPostConnector(300), sim.StaticSynapse(weight=weight, delay=delay)
)
everyone = set(remade.get("weight", "list"))
sim.run(0.1)
if sim.rank() == 0:
    own = remade.get("weight", "list", gather=False)
    assert len(own) == remade.size(gather=False) > 1000
    assert everyone.issuperset(own)
    with open(FILE, "wb") as file:
        pickle.dump(found, file)
sim.end()
