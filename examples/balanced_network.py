"""A small balanced network of excitatory and inhibitory neurons, in plain PyNN.

Sparse random connectivity with strong inhibition keeps the neurons in the fluctuation-driven regime of
Vogels & Abbott (2005, J Neurosci 25:10786) and Brunel (2000, J Comput Neurosci 8:183). It is small enough
for one DYNAP-SE board (64 synapses per neuron). Excitatory synapses have a delay of 0.5 ms, inhibitory ones
the shortest possible delay, one time step.

Run it by itself (``python balanced_network.py``), or on any target of pycosim::

    pycosim compare balanced_network.py --on native,brian2,loihi,truenorth,dynapse,spinnaker
"""

from pyNN.random import NumpyRNG, RandomDistribution

import pycosim.native as sim

n_exc, n_inh, n_ext = 320, 80, 80
duration = 500.0  # ms

sim.setup(timestep=0.1)
rng = NumpyRNG(seed=2026)

cell = sim.IF_curr_exp(
    v_rest=-65.0,  # mV
    v_reset=-65.0,
    v_thresh=-50.0,
    tau_m=20.0,  # ms
    tau_refrac=3.0,
    tau_syn_E=5.0,
    tau_syn_I=10.0,
    cm=0.2,  # nF
)
exc = sim.Population(n_exc, cell, label="excitatory")
inh = sim.Population(n_inh, cell, label="inhibitory")
noise = sim.Population(n_ext, sim.SpikeSourcePoisson(rate=40.0), label="noise")
neurons = exc + inh
neurons.initialize(v=RandomDistribution("uniform", low=-65.0, high=-50.0, rng=rng))

excite = sim.StaticSynapse(weight=0.03, delay=0.5)
inhibit = sim.StaticSynapse(weight=-0.15, delay=0.1)
drive = sim.StaticSynapse(weight=0.06, delay=0.5)
sim.Projection(exc, neurons, sim.FixedNumberPreConnector(32, rng=rng), excite, receptor_type="excitatory")
sim.Projection(inh, neurons, sim.FixedNumberPreConnector(8, rng=rng), inhibit, receptor_type="inhibitory")
sim.Projection(noise, neurons, sim.FixedNumberPreConnector(16, rng=rng), drive, receptor_type="excitatory")

neurons.record("spikes")
exc[0:2].record("v")
sim.run(duration)

for population in (exc, inh):
    rate = population.mean_spike_count() / duration * 1000
    print(f"{population.label}: {rate:.1f} spikes per second and neuron")
sim.end()
