"""Balanced sheet of cells with local connections: probability and delay depend on the distance.

A periodic square of 1 mm with `--cells` excitatory cells and a quarter as many inhibitory ones, Gaussian
profiles of the width `--width` (mm) with the probability `--density` in the middle, a conduction of 0.3 m/s.

    python sheet.py pycosim.native --ms 1000

With `--synapses stored` or `procedural` (native only) the package's own random numbers make the connections,
so that they can be made anew at each spike; both give the same spikes.
"""

import time

from pyNN.space import Cuboid, RandomStructure, Space
from timing import command_line, report

sim, arguments = command_line(__doc__.splitlines()[0], cells=8000, width=0.2, density=0.1, synapses="")
form = {"synapses": arguments.synapses} if arguments.synapses else {}
sim.setup(timestep=0.1, threads=arguments.threads, seed=1, **form)
own_numbers = {"rng": sim.NativeRNG(seed=1)} if arguments.synapses else {}

space = Space(axes="xy", periodic_boundaries=((-0.5, 0.5), (-0.5, 0.5), None))
profile = f"{arguments.density}*exp(-d**2/(2*{arguments.width}**2))"
cell = sim.IF_curr_exp(
    tau_m=20.0, tau_syn_E=2.0, tau_syn_I=2.0, tau_refrac=2.0, v_thresh=-50.0, v_reset=-60.0
)
n_cells = int(arguments.cells), int(arguments.cells) // 4
start = sim.RandomDistribution("uniform", low=-65.0, high=-50.0)
excitatory, inhibitory = (
    sim.Population(
        n,
        cell,
        structure=RandomStructure(Cuboid(1.0, 1.0, 1e-9), rng=sim.NumpyRNG(seed=i)),
        initial_values={"v": start},
    )
    for i, n in enumerate(n_cells)
)
# As many and as strong inputs for a cell as in a network of 10,000 cells in which all pairs are as likely.
n_inputs = sum(n_cells) * arguments.density * 2 * 3.14159 * arguments.width**2
weight = 0.1 * 1000 / n_inputs
for population in (excitatory, inhibitory):
    noise = sim.Population(population.size, sim.SpikeSourcePoisson(rate=6500.0))
    sim.Projection(noise, population, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.05, delay=1.0))
    for source, strength, receptor in (
        (excitatory, weight, "excitatory"),
        (inhibitory, -5 * weight, "inhibitory"),
    ):
        connector = sim.DistanceDependentProbabilityConnector(
            profile, allow_self_connections=False, **own_numbers
        )
        synapse = sim.StaticSynapse(weight=strength, delay="0.5 + d/0.3")
        sim.Projection(source, population, connector, synapse, receptor_type=receptor, space=space)
excitatory[:500].record("spikes")
built_s = time.process_time()
report(
    sim.run,
    lambda ms: 1000 * excitatory[:500].mean_spike_count() / ms,
    arguments.ms,
    built_s,
    rank=sim.rank(),
)
sim.end()
