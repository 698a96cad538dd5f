"""Balanced network of Izhikevich neurons (2003, IEEE Trans Neural Netw 14:1569): regular and fast spiking.

A fifth is inhibitory; each neuron has 100 synapses, with delays of 1 to 10 ms, and Poisson input of 1 kHz.

    python izhikevich.py pycosim.native --cells 10000
"""

import time

from timing import command_line, report

sim, arguments = command_line(__doc__.splitlines()[0], cells=10_000)
sim.setup(timestep=0.1, threads=arguments.threads, seed=1)
n_exc = arguments.cells * 4 // 5
exc = sim.Population(n_exc, sim.Izhikevich(a=0.02, b=0.2, c=-65.0, d=8.0))
inh = sim.Population(arguments.cells - n_exc, sim.Izhikevich(a=0.1, b=0.2, c=-65.0, d=2.0))
delay = sim.RandomDistribution("uniform", (1.0, 10.0))
sparse = sim.FixedProbabilityConnector(100 / arguments.cells)
for population in (exc, inh):
    population.initialize(v=-65.0, u=-13.0)
    noise = sim.Population(population.size, sim.SpikeSourcePoisson(rate=1000.0))
    sim.Projection(noise, population, sim.OneToOneConnector(), sim.StaticSynapse(weight=3.0, delay=1.0))
    for source, weight, receptor in ((exc, 0.5, "excitatory"), (inh, -2.5, "inhibitory")):
        synapse = sim.StaticSynapse(weight=weight, delay=delay)
        sim.Projection(source, population, sparse, synapse, receptor_type=receptor)
everyone = exc + inh
everyone.record("spikes")
built_s = time.process_time()
report(sim.run, lambda ms: 1000 * everyone.mean_spike_count() / ms, arguments.ms, built_s, rank=sim.rank())
sim.end()
