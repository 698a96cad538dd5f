"""Cortical microcircuit of Potjans & Diesmann (2014, Cereb Cortex 24:785), its tables 1, 4 and 5.

    python microcircuit.py pycosim.native --scale 0.1

At a scale below 1 there are fewer neurons with fewer synapses; weights grow by 1/sqrt(scale), and a constant
current replaces the mean input that is missing (van Albada et al. 2015, PLoS Comput Biol 11:e1004490).
"""

import time

import numpy as np
from timing import command_line, report

SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])  # L2/3, L4, L5, L6; e and i each
EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # in-degrees from outside
RATES_HZ = np.array([0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523])
PROBABILITIES = np.array(  # [target, source]
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
BACKGROUND_HZ, WEIGHT_NA, G = 8.0, 0.08781, 4.0
TAU_SYN_S = 0.5e-3

sim, arguments = command_line(__doc__.splitlines()[0], scale=0.1)
sim.setup(timestep=0.1, threads=arguments.threads, seed=1)
scale, random = arguments.scale, sim.RandomDistribution
sizes = np.round(SIZES * scale).astype(int)
pairs = np.outer(SIZES, SIZES).astype(float)
n_synapses = np.log1p(-PROBABILITIES) / np.log1p(-1 / pairs)  # with several between the same two neurons
mean = np.where(np.arange(8) % 2, -G, 1.0) * WEIGHT_NA * np.ones((8, 8))
mean[0, 2] *= 2  # L4e to L2/3e
missing = (mean * n_synapses / SIZES[:, None]) @ RATES_HZ + WEIGHT_NA * EXTERNAL * BACKGROUND_HZ
current = TAU_SYN_S * (1 - np.sqrt(scale)) * missing

layers = []
for size, offset in zip(sizes, current):
    cell = sim.IF_curr_exp(
        cm=0.25, tau_m=10.0, v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0, tau_refrac=2.0,
        tau_syn_E=0.5, tau_syn_I=0.5, i_offset=offset,
    )  # fmt: skip
    start = random("normal", (-58.0, 10.0))
    layers.append(sim.Population(int(size), cell, initial_values={"v": start}))
for i, target in enumerate(layers):
    noise = sim.Population(target.size, sim.SpikeSourcePoisson(rate=BACKGROUND_HZ * EXTERNAL[i] * scale))
    synapse = sim.StaticSynapse(weight=WEIGHT_NA / np.sqrt(scale), delay=1.5)
    sim.Projection(noise, target, sim.OneToOneConnector(), synapse)
    for j, source in enumerate(layers):
        weight = mean[i, j] / np.sqrt(scale)
        delay, receptor = ((1.5, "excitatory"), (0.8, "inhibitory"))[j % 2]
        limits = (0, np.inf) if weight > 0 else (-np.inf, 0)
        synapse = sim.StaticSynapse(
            weight=random("normal_clipped", (weight, 0.1 * abs(weight), *limits)),
            delay=random("normal_clipped", (delay, 0.5 * delay, 0.1, np.inf)),
        )
        connector = sim.FixedTotalNumberConnector(int(n_synapses[i, j] * scale**2), with_replacement=True)
        if n_synapses[i, j]:
            sim.Projection(source, target, connector, synapse, receptor_type=receptor)
everyone = sum(layers[1:], layers[0])
everyone.record("spikes")
built_s = time.process_time()
report(sim.run, lambda ms: 1000 * everyone.mean_spike_count() / ms, arguments.ms, built_s, rank=sim.rank())
sim.end()
