"""Cortical microcircuit of Potjans & Diesmann (2014), see potjans_diesmann.py.

python microcircuit.py pycosim.native --scale 0.1

With `--synapses stored` or `procedural` (native only) the package's own random numbers make the connections,
so that they can be made anew at each spike; both give the same spikes.
"""

import time

import numpy as np
from potjans_diesmann import network
from timing import command_line, report

sim, arguments = command_line(__doc__.splitlines()[0], scale=0.1, synapses="")
form = {"synapses": arguments.synapses} if arguments.synapses else {}
sim.setup(timestep=0.1, threads=arguments.threads, seed=1, **form)
own_numbers = {"rng": sim.NativeRNG(seed=1)} if arguments.synapses else {}
random = sim.RandomDistribution
numbers = network(arguments.scale)

layers = []
for size, offset in zip(numbers["sizes"], numbers["offsets_na"]):
    cell = sim.IF_curr_exp(
        cm=0.25, tau_m=10.0, v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0, tau_refrac=2.0,
        tau_syn_E=0.5, tau_syn_I=0.5, i_offset=offset,
    )  # fmt: skip
    start = random("normal", (-58.0, 10.0))
    layers.append(sim.Population(int(size), cell, initial_values={"v": start}))
for i, target in enumerate(layers):
    noise = sim.Population(target.size, sim.SpikeSourcePoisson(rate=numbers["poisson_hz"][i]))
    synapse = sim.StaticSynapse(weight=numbers["external_na"], delay=1.5)
    sim.Projection(noise, target, sim.OneToOneConnector(), synapse)
    for j, source in enumerate(layers):
        weight, n_synapses = numbers["weights_na"][i, j], int(numbers["n_synapses"][i, j])
        if not n_synapses:
            continue
        delay, receptor = ((1.5, "excitatory"), (0.8, "inhibitory"))[j % 2]
        limits = (0, np.inf) if weight > 0 else (-np.inf, 0)
        synapse = sim.StaticSynapse(
            weight=random("normal_clipped", (weight, 0.1 * abs(weight), *limits)),
            delay=random("normal_clipped", (delay, 0.5 * delay, 0.1, np.inf)),
        )
        connector = sim.FixedTotalNumberConnector(n_synapses, with_replacement=True, **own_numbers)
        sim.Projection(source, target, connector, synapse, receptor_type=receptor)
everyone = sum(layers[1:], layers[0])
everyone.record("spikes")
built_s = time.process_time()
report(sim.run, lambda ms: 1000 * everyone.mean_spike_count() / ms, arguments.ms, built_s, rank=sim.rank())
sim.end()
