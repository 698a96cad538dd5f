"""NeuroCoreX's neuron against traces worked out by hand from the rules of its VHDL (Core_engine.vhd)."""

from importlib import import_module

import numpy as np
import pytest

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.neurocorex import LIF

DT_MS = 0.96
TARGETS = ["native", "reference", "neurocorex", "neurocorex[arithmetic=chip]"]


def run(target, registers, arrivals, n_steps, receptor="feedforward"):
    """Return v after each step, and the steps with a spike; `arrivals` are (step, weight)."""
    name, _, option = target.partition("[")
    sim = import_module(f"pycosim.{name}")
    sim.setup(timestep=DT_MS, min_delay=DT_MS, **({"arithmetic": "chip"} if option else {}))
    cells = sim.Population(1, LIF(**registers))
    for step, weight in arrivals:
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=[(step - 1) * DT_MS]))
        synapse = sim.StaticSynapse(weight=weight, delay=DT_MS)
        sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    cells.record(["v", "spikes"])
    sim.run(n_steps * DT_MS)
    segment = cells.get_data().segments[0]
    v = segment.filter(name="v")[0].magnitude[:, 0]
    spikes = np.rint(segment.spiketrains[0].magnitude / DT_MS)
    sim.end()
    return v.astype(int).tolist()[: n_steps + 1], spikes.astype(int).tolist()


@pytest.mark.parametrize("target", TARGETS)
def test_a_single_neuron_follows_the_trace_of_the_vhdl(target):
    # 3 x 9 in Q7.10 is 27648; the leak goes on below 0; the membrane is tested one step after it was moved.
    registers = {"threshold": 60_000, "leak": 1024, "refractory": 2}
    v, spikes = run(target, registers, [(2, 3), (3, 3), (4, 3), (5, 3), (6, 127)], 10)
    # What arrives in the step of the spike (5) is lost. Of 127 x 9 x 1024 in step 6 the 17 lowest bits stay,
    # 121856.
    assert v == [0, -1024, 25_600, 52_224, 78_848, 0, 120_832, 119_808, 0, -1024, -2048]
    assert spikes == [5, 8]


@pytest.mark.parametrize("target", ["native", "reference"])
def test_the_membrane_wraps_at_18_bits(target):
    v, spikes = run(target, {"threshold": 131_071, "leak": 1024}, [(2, 14), (3, 14)], 3)
    assert v == [0, -1024, 126_976, 126_976 - 1024 + 129_024 - 2**18]
    assert not spikes


@pytest.mark.parametrize("target", ["native", "reference"])
@pytest.mark.parametrize(
    ("weights", "current"),
    [((127,), 127), ((-128,), -128), ((64, 64), 0), ((64, 65), 1), ((-128, -1), -1), ((-128, -128), -128)],
)
def test_a_current_beyond_q7_10_wraps_within_its_sign(target, weights, current):
    arrivals = [(2, weight) for weight in weights]
    v, _ = run(target, {"threshold": 131_071}, arrivals, 2, "recurrent")
    assert v[2] == current * 1024


@pytest.mark.parametrize(("refractory", "interval"), [(0, 2), (1, 2), (2, 3), (4, 5), (9, 10)])
def test_spikes_are_at_least_a_refractory_count_and_a_step_apart(refractory, interval):
    _, spikes = run("native", {"threshold": 0, "refractory": refractory}, [], 60)
    assert set(np.diff(spikes)) == {interval}


def test_a_spike_makes_its_target_fire_two_steps_later():
    sim = import_module("pycosim.neurocorex")
    sim.setup(timestep=DT_MS, min_delay=DT_MS, arithmetic="chip")
    first, second = sim.Population(1, LIF(threshold=1000, bias=600)), sim.Population(1, LIF(threshold=1000))
    synapse = sim.StaticSynapse(weight=1, delay=DT_MS)
    sim.Projection(first, second, sim.AllToAllConnector(), synapse, receptor_type="recurrent")
    for cells in (first, second):
        cells.record("spikes")
    sim.run(10 * DT_MS)
    times = [cells.get_data().segments[0].spiketrains[0].magnitude[0] / DT_MS for cells in (first, second)]
    sim.end()
    # 600 is added before the test and stays: v is 600 after the first step, 1200 in the second.
    assert np.rint(times).astype(int).tolist() == [2, 4]


def test_the_engine_and_numpy_agree_bit_for_bit_over_the_registers():
    rng = np.random.default_rng(5)
    for _ in range(6):
        registers = {
            "threshold": int(rng.integers(-(2**17), 2**17)),
            "leak": int(rng.integers(-3000, 3000)),
            "refractory": int(rng.integers(6)),
            "v_reset": int(rng.integers(-5000, 5000)),
            "bias": int(rng.integers(-(2**17), 2**17)),
            "feedforward_scale": int(rng.integers(256)),
        }
        arrivals = [(int(step), int(rng.integers(-128, 128))) for step in rng.integers(2, 40, 12)]
        assert run("native", registers, arrivals, 40) == run("reference", registers, arrivals, 40)


def test_other_cells_are_refused_with_the_reason_and_the_chips_own_neuron():
    sim = import_module("pycosim.neurocorex")
    sim.setup(timestep=DT_MS, min_delay=DT_MS, arithmetic="chip")
    sim.Population(2, sim.IF_curr_delta(), label="cells")
    with pytest.raises(
        NotSupportedError, match=r"'cells' \(IF_curr_delta\) .* constant leak .* pycosim.neurocorex.LIF"
    ):
        sim.run(1.0)
    sim.end()
    sim.setup(timestep=DT_MS, min_delay=DT_MS)
    sim.Population(1, LIF(threshold=2**17))
    with pytest.raises(
        InvalidInputError, match="threshold is 131072; the register holds whole numbers from -131072"
    ):
        sim.run(1.0)
    sim.end()
