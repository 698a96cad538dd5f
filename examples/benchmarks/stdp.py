"""Balanced network with plastic synapses between excitatory neurons (additive rule, all pairs of spikes).

Sizes are those of NEST's hpc_benchmark at scale 1: 9,000 excitatory and 2,250 inhibitory neurons, 900 and 225
synapses each; the rest is the network of brunel.py.

    python stdp.py pycosim.native --ms 200
"""

import time

from timing import command_line, report

sim, arguments = command_line(__doc__.splitlines()[0], scale=1.0)
sim.setup(timestep=0.1, threads=arguments.threads, seed=1)
n_exc, n_inh, p = int(9_000 * arguments.scale), int(2_250 * arguments.scale), 0.1
weight, g, eta, delay = 1000 / (0.1 * n_exc) * 0.1, 5.0, 2.0, 1.5
cell = sim.IF_curr_delta(v_rest=0.0, v_reset=10.0, v_thresh=20.0, tau_m=20.0, tau_refrac=2.0, cm=1.0)
exc, inh = (sim.Population(n, cell, initial_values={"v": 0.0}) for n in (n_exc, n_inh))
plastic = sim.STDPMechanism(
    sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.0105),
    sim.AdditiveWeightDependence(w_min=0.0, w_max=2 * weight),
    weight=weight,
    delay=delay,
)
for population in (exc, inh):
    noise = sim.Population(population.size, sim.SpikeSourcePoisson(rate=1000 * eta * 20.0 / (weight * 20.0)))
    excitatory = sim.StaticSynapse(weight=weight, delay=delay)
    inhibitory = sim.StaticSynapse(weight=-g * weight, delay=delay)
    connector = sim.FixedProbabilityConnector(p)
    sim.Projection(noise, population, sim.OneToOneConnector(), excitatory)
    sim.Projection(exc, population, connector, plastic if population is exc else excitatory)
    sim.Projection(inh, population, connector, inhibitory, receptor_type="inhibitory")
exc[:500].record("spikes")
built_s = time.process_time()
report(sim.run, lambda ms: 1000 * exc[:500].mean_spike_count() / ms, arguments.ms, built_s, rank=sim.rank())
sim.end()
