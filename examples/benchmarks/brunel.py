"""Balanced network of Brunel (2000, J Comput Neurosci 8:183), asynchronous irregular state, delta synapses.

12,500 neurons with 1,250 recurrent synapses each at scale 1; every neuron has its own Poisson input of
1,000 * scale * 20 Hz / scale = 20 kHz. Fewer neurons have fewer, stronger synapses; with `--size` there are
more neurons with as many synapses each.

    python brunel.py pycosim.native --ms 1000
"""

import time

from timing import command_line, report

sim, arguments = command_line(__doc__.splitlines()[0], scale=1.0, size=1.0)
sim.setup(timestep=0.1, threads=arguments.threads, seed=1)
n_exc, n_inh = (int(n * arguments.scale * arguments.size) for n in (10_000, 2_500))
p = 0.1 / arguments.size
weight, g, eta, delay = 0.1 / arguments.scale, 5.0, 2.0, 1.5  # mV, -, -, ms
tau_m, threshold = 20.0, 20.0  # ms, mV
rate_hz = 1000 * eta * threshold / (weight * tau_m)

cell = sim.IF_curr_delta(v_rest=0.0, v_reset=10.0, v_thresh=threshold, tau_m=tau_m, tau_refrac=2.0, cm=1.0)
exc, inh = (sim.Population(n, cell, initial_values={"v": 0.0}) for n in (n_exc, n_inh))
for population in (exc, inh):
    noise = sim.Population(population.size, sim.SpikeSourcePoisson(rate=rate_hz))
    excitatory = sim.StaticSynapse(weight=weight, delay=delay)
    inhibitory = sim.StaticSynapse(weight=-g * weight, delay=delay)
    sim.Projection(noise, population, sim.OneToOneConnector(), excitatory)
    sim.Projection(exc, population, sim.FixedProbabilityConnector(p), excitatory)
    sim.Projection(inh, population, sim.FixedProbabilityConnector(p), inhibitory, receptor_type="inhibitory")
exc[:500].record("spikes")
built_s = time.process_time()
report(sim.run, lambda ms: 1000 * exc[:500].mean_spike_count() / ms, arguments.ms, built_s, rank=sim.rank())
sim.end()
