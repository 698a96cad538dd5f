"""A small network as it was written for PyNN 0.7."""

from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.utility import get_script_args

simulator = get_script_args(1)[0]
exec(f"import pyNN.{simulator} as sim")

sim.setup(0.1, 0.1, 5.0)  # noqa: F821
cell_params = {
    "tau_m": 20.0,
    "tau_refrac": 2.0,
    "v_thresh": -50.0,
    "v_reset": -60.0,
    "v_rest": -60.0,
    "cm": 0.2,
}
rng = NumpyRNG(seed=1)
cells = sim.Population((5, 4), sim.IF_curr_exp, cell_params, label="cells")  # noqa: F821
noise = sim.Population(20, sim.SpikeSourcePoisson, {"rate": 800.0, "duration": 100.0}, "noise")  # noqa: F821
cells.randomInit(RandomDistribution("uniform", [-60.0, -50.0], rng))
cells.set("i_offset", 0.02)
sim.Projection(noise, cells, sim.OneToOneConnector(weights=0.3, delays=0.5), target="excitatory")  # noqa: F821
connector = sim.FixedProbabilityConnector(0.2, weights=-0.1, delays=1.5)  # noqa: F821
inhibition = sim.Projection(cells, cells, connector, target="inhibitory", rng=rng)  # noqa: F821
inhibition.setWeights(-0.2)
cells.record()
cells.record_v()
assert sim.run(100.0) == 100.0  # noqa: F821
spikes = cells.getSpikes()
assert spikes.shape[1] == 2
assert len(spikes) == sum(cells.get_spike_counts().values())
assert cells.get_v().shape == (20 * 1001, 3)
assert set(inhibition.getWeights()) == {-0.2}
sim.end()  # noqa: F821
