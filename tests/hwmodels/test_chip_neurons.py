"""The neurons of chips on software targets: registers, and the same bits in NumPy and in the engine."""

from importlib import import_module

import numpy as np
import pytest

from pycosim.errors import ConnectivityError, InvalidInputError
from pycosim.loihi import CUBA


def run_cuba(target, registers, weight=0, exponent=0, spike_steps=(), n_steps=60):
    """Return u and v from step 0 on, and the spikes, of a neuron that gets spikes at some steps."""
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=1.0, min_delay=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[step - 1.0 for step in spike_steps]))
    cells = sim.Population(3, CUBA(**registers))
    sim.Projection(
        source,
        cells,
        sim.AllToAllConnector(),
        sim.StaticSynapse(weight=weight * 2.0**exponent, delay=1.0),
        receptor_type="excitatory" if weight >= 0 else "inhibitory",
    )
    cells.record(["u", "v", "spikes"])
    sim.run(n_steps)
    segment = cells.get_data().segments[0]
    u, v = (segment.filter(name=name)[0].magnitude[:, 1] for name in "uv")
    spikes = segment.spiketrains[1].magnitude
    sim.end()
    return u.tolist(), v.tolist(), spikes.tolist()


@pytest.mark.parametrize("target", ["native", "reference", "loihi"])
def test_cuba_follows_the_chips_decay_threshold_and_refractory_rules(target):
    # Reference vector of brian2_loihi, which agrees with the chip.
    u, v, spikes = run_cuba(target, {"du": 1023, "dv": 256, "vth_mant": 100}, 64, 0, (2, 3, 10, 11, 12, 30))
    assert u[1:13] == [0, 4096, 7168, 5376, 4032, 3024, 2268, 1701, 1275, 5052, 7885, 10009]
    assert v[1:13] == [0, 4096, 0, 5376, 0, 3024, 5103, 0, 1275, 6247, 0, 0]
    assert spikes == [3, 5, 8, 11, 12, 13, 15, 18, 30, 33]
    assert (u[40], v[40]) == (232, 3514)


@pytest.mark.parametrize("target", ["native", "reference"])
def test_a_bias_ends_where_rounding_toward_zero_holds_the_membrane(target):
    _, v, spikes = run_cuba(target, {"dv": 1024, "vth_mant": 20, "bias_mant": 6, "refractory": 3})
    assert v[1:10] == [6, 10, 13, 15, 17, 18, 19, 20, 21]
    assert v[60] == 21  # real numbers would go to 24
    assert not spikes


def test_the_engine_and_numpy_agree_bit_for_bit_at_the_limits_of_the_registers():
    rng = np.random.default_rng(3)
    for _ in range(5):
        registers = {
            "du": int(rng.integers(4096)),
            "dv": int(rng.integers(4096)),
            "bias_mant": int(rng.integers(-4096, 4096)),
            "bias_exp": int(rng.integers(8)),
            "vth_mant": int(rng.choice([0, 50, 131071])),
            "refractory": int(rng.integers(1, 65)),
        }
        arguments = registers, int(rng.choice([-255, 255])), 7, tuple(range(2, 50))
        assert run_cuba("native", *arguments) == run_cuba("reference", *arguments)


def test_values_that_registers_cannot_hold_are_refused_with_the_range():
    sim = import_module("pycosim.native")
    sim.setup(timestep=1.0)
    sim.Population(2, CUBA(du=4096, vth_mant=10.5))
    with pytest.raises(InvalidInputError) as caught:
        sim.run(1.0)
    assert "parameter du is 4096; the register holds whole numbers from 0 to 4095" in str(caught.value)
    assert "parameter vth_mant is 10.5" in str(caught.value)
    sim.end()
    sim.setup(timestep=1.0)
    cells = sim.Population(2, CUBA())
    sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.5, delay=1.0))
    with pytest.raises(ConnectivityError, match=r"the weight of synapses on .* is 0.5; the register holds"):
        sim.run(1.0)
    sim.end()
