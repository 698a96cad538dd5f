"""Sparse balanced network of Vogels & Abbott (2005, J Neurosci 25:10786), as in Brette et al. (2007).

    python vogels_abbott.py pycosim.native --synapses CUBA --cells 4000

Each neuron has 80 synapses. The conductance-based network gets 0.2 nA per cell, so that it cannot die out.
"""

import time

from timing import command_line, report

sim, arguments = command_line(__doc__.splitlines()[0], cells=4000, synapses="CUBA")
sim.setup(timestep=0.1, threads=arguments.threads, seed=1)
n_exc = arguments.cells * 4 // 5
membrane = {"cm": 0.2, "tau_m": 20.0, "v_reset": -60.0, "v_thresh": -50.0, "tau_refrac": 5.0}  # nF, ms, mV
membrane |= {"tau_syn_E": 5.0, "tau_syn_I": 10.0}
if arguments.synapses == "CUBA":
    cell = sim.IF_curr_exp(v_rest=-49.0, **membrane)
    weights = 0.27e-3 * 60, -4.5e-3 * 20  # nA: conductance times the driving force at -60 mV
else:
    cell = sim.IF_cond_exp(v_rest=-60.0, e_rev_E=0.0, e_rev_I=-80.0, i_offset=0.2, **membrane)
    weights = 4e-3, 51e-3  # uS
start = sim.RandomDistribution("uniform", (-60.0, -50.0))
cells = sim.Population(arguments.cells, cell, initial_values={"v": start})
sparse = sim.FixedProbabilityConnector(80 / arguments.cells)
for part, weight, receptor in zip((cells[:n_exc], cells[n_exc:]), weights, ("excitatory", "inhibitory")):
    synapse = sim.StaticSynapse(weight=weight, delay=0.2)
    sim.Projection(part, cells, sparse, synapse, receptor_type=receptor)
cells.record("spikes")
built_s = time.process_time()
report(sim.run, lambda ms: 1000 * cells.mean_spike_count() / ms, arguments.ms, built_s, rank=sim.rank())
sim.end()
