"""A network with one of everything that processes share: ``mpi_network.py FILE THREADS``."""

from __future__ import annotations

import pickle
import sys

import numpy as np

import pycosim.native as sim

FILE, THREADS = sys.argv[1], int(sys.argv[2])
random = sim.RandomDistribution
found = {}


def static(weight, delay):
    return sim.StaticSynapse(weight=weight, delay=delay)


def take(key):
    """Gather everything that can be read."""
    for population in (exc, inh, one, noise):
        for i, segment in enumerate(population.get_data().segments):
            trains, place = segment.spiketrains, (key, population.label, i)
            found[*place, "spikes"] = [train.magnitude.tolist() for train in trains]
            found[*place, "sources"] = [int(train.annotations["source_index"]) for train in trains]
            for signal in segment.analogsignals:
                channels = signal.annotations["channel_ids"].tolist()
                found[*place, signal.name] = signal.magnitude.tobytes(), channels, float(signal.t_start)
    found[key, "counts"] = dict((exc + inh).get_spike_counts())
    for projection in projections:
        array = projection.get("weight", "array", multiple_synapses="sum")
        rows = projection.get(["weight", "delay"], "list")
        found[key, projection.label] = rows, np.nan_to_num(array).tobytes()


sim.setup(timestep=0.1, seed=5, threads=THREADS)
start = {"v": random("uniform", (-65, -50))}
exc = sim.Population(
    1100, sim.IF_curr_exp(tau_m=random("uniform", (15, 25))), initial_values=start, label="E"
)
inh = sim.Population(150, sim.IF_cond_exp(), initial_values=start, label="I")
one = sim.Population(1, sim.IF_curr_delta(), label="one")
noise = sim.Population(1100, sim.SpikeSourcePoisson(rate=1500.0), label="noise")
few = sim.Population(3, sim.SpikeSourceArray(spike_times=[[1.0, 5.0], [2.5, 2.5], [20.0]]), label="few")
weights, delays = random("normal", (0.05, 0.01)), random("uniform", (0.5, 3.0))
stdp = sim.STDPMechanism(
    sim.SpikePairRule(),
    sim.AdditiveWeightDependence(w_max=0.1),
    weight=random("uniform", (0, 0.1)),
    delay=1.0,
)
short_term = sim.TsodyksMarkramSynapse(weight=0.01, delay=1.0, U=random("uniform", (0.2, 0.6)))
stochastic = sim.SimpleStochasticSynapse(weight=0.1, p=0.5, delay=1.0)
by_distance = sim.DistanceDependentProbabilityConnector("0.05*exp(-d/200)")
near = sim.DistanceDependentProbabilityConnector("0.3*exp(-d/20)", rng=sim.NativeRNG(seed=1))
number_post, number_pre = sim.FixedNumberPostConnector(60), sim.FixedNumberPreConnector(50)
p, pairs = sim.FixedProbabilityConnector, [(0, 3, 0.5, 0.5), (4, 700, 0.2, 0.9), (4, 1, 0.1, 0.6)]
wirings = {
    "noise": (noise, exc, sim.OneToOneConnector(), static(np.linspace(0.3, 0.6, 1100), 1.5)),
    "recurrent": (exc, exc, p(0.03), static(weights, delays)),
    "in-degree": (exc, inh, number_pre, static(0.004, delays)),
    "out-degree": (inh, exc, number_post, static(-0.2, 0.8), None, "inhibitory"),
    "total": (few, inh, sim.FixedTotalNumberConnector(200), static(0.02, 0.5)),
    "all": (exc, one, sim.AllToAllConnector(), static(0.1, 0.5)),
    "across": (few, exc[3:1000] + one, sim.AllToAllConnector(), static(0.8, 2.0)),
    "list": (exc, exc, sim.FromListConnector(pairs), static(0.0, 0.5)),
    "timing": (exc[:300], exc[700:1000], p(0.1), stdp),
    "short-term": (exc[:200], inh, p(0.2), short_term),
    "stochastic": (exc[:200], exc + one, p(0.05), stochastic),
    "near": (inh, exc, near, static(-0.001, "0.5+0.001*d"), None, "inhibitory"),
    "distance": (exc, inh, by_distance, static(0.001, "0.5+0.001*d")),
}
projections = [
    sim.Projection(*how[:4], receptor_type=(how[5] if len(how) > 5 else "excitatory"), label=label)
    for label, how in wirings.items()
]
projections.append(sim.Projection(exc, inh, sim.CloneConnector(projections[-1]), static(0.002, 1.0)))
sim.DCSource(amplitude=0.3, start=10.0, stop=25.0).inject_into(exc[100:900])
sim.NoisyCurrentSource(mean=0.1, stdev=0.3, start=5.0, stop=35.0, dt=0.1).inject_into(inh)
for i, cell in enumerate(exc[::40].all()):
    start, dt = 0.1 * (i % 3), 0.1 + 0.2 * (i % 2)
    cell.inject(sim.NoisyCurrentSource(mean=0.1, stdev=0.2, start=start, stop=30.0, dt=dt))
(exc + inh).record("spikes")
one.record(["spikes", "v"])
noise[:30].record("spikes")
exc[::100].record("v", sampling_interval=0.5)
inh[5:9].record(["v", "gsyn_exc"])

sim.run(20.0)
take("first")
exc.set(tau_refrac=1.0)
noise.set(rate=random("uniform", (900, 1900)))
projections[1].set(weight=random("normal", (0.06, 0.005)), delay=1.2)
projections[8].set(weight=0.03)
sim.run(5.0)
take("changed")
sim.reset()
exc[1:4].record("v")
sim.run(6.3)
take("reset")
found["sizes"] = [projection.size() for projection in projections], exc.get("tau_m", gather=True).tolist()

ranks = sim.num_processes()
assert exc.local_size == len(exc.local_cells) == 1100 * (sim.rank() + 1) // ranks - 1100 * sim.rank() // ranks
local = exc.get_data("spikes", gather=False).segments[0].spiketrains
assert len(local) == exc.local_size
assert ranks == 1 or 0 < projections[1].size(gather=False) < found["sizes"][0][1]
if sim.rank() == 0:
    with open(FILE, "wb") as file:
        pickle.dump(found, file)
    print(ranks, "ranks")
sim.end()
