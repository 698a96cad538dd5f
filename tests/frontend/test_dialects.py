"""What older PyNN and sPyNNaker scripts say, and pycosim accepts with a warning."""

from pathlib import Path

import numpy as np
import pytest

import pycosim
from pycosim.errors import InvalidInputError, NotSupportedError, PycosimWarning

LIF = {"v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0, "tau_m": 20.0, "cm": 1.0, "tau_refrac": 2.0}


def times(population):
    return [np.asarray(train).tolist() for train in population.get_data("spikes").segments[-1].spiketrains]


@pytest.fixture
def script(tmp_path):
    """Return a function that runs the text of a script on the native engine and returns its result."""

    def run(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return pycosim.run(path, "native", quiet=True)

    return run


def test_a_cell_class_and_its_parameters_may_be_given_apart(sim):
    sim.setup(timestep=1.0)
    with pytest.warns(PycosimWarning, match=r"read as Population\(n, IF_curr_exp\(\*\*parameters\)\)"):
        cells = sim.Population(2, sim.IF_curr_exp, LIF | {"v_init": -60.0}, label="old")
    assert (cells.get("cm"), cells.label) == (1.0, "old")
    assert cells.initial_values["v"].evaluate(simplify=True) == -60.0
    with pytest.warns(PycosimWarning):
        assert sim.Population(2, sim.IF_curr_exp).get("v_thresh") == -50.0
    with pytest.raises(InvalidInputError, match="has its parameters already"):
        sim.Population(2, sim.IF_curr_exp(), LIF)


def test_hints_for_another_machine_are_named_and_ignored_but_misspellings_are_not(sim):
    sim.setup(timestep=1.0)
    with pytest.warns(PycosimWarning, match=r"Population\(\): seed=7 is ignored; random numbers follow from"):
        sim.Population(1, sim.IF_curr_exp(), seed=7)
    with pytest.warns(PycosimWarning, match="n_synapse_cores=0 is ignored"):
        sim.Population(1, sim.IF_curr_exp(), n_synapse_cores=0)
    with pytest.warns(PycosimWarning, match="seed=3 is ignored"):
        sim.Population(1, sim.SpikeSourcePoisson(), additional_parameters={"seed": 3})
    with pytest.raises(TypeError, match="labell"):
        sim.Population(1, sim.IF_curr_exp(), labell="x")
    with pytest.warns(PycosimWarning, match="native has no cores, and ignores it"):
        sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 64)
    with pytest.warns(PycosimWarning, match="n_chips_required"):
        sim.setup(1.0, 1.0, 16.0, n_chips_required=2)
    assert (sim.get_time_step(), sim.get_min_delay(), sim.get_max_delay()) == (1.0, 1.0, 16.0)


def test_the_name_of_the_simulator_is_a_text_and_a_function(sim):
    assert sim.name == sim.name() == "native"


@pytest.mark.parametrize(
    ("spike_times", "size", "expected"),
    [
        ([[5, 15]], 1, [[5.0, 15.0]]),
        ([[0]], 1, [[0.0]]),
        ([[1, 2], [3]], 2, [[1.0, 2.0], [3.0]]),
        ([1, 2, 3], 2, [[1.0, 2.0, 3.0]] * 2),
        ([[4], []], 2, [[4.0], []]),
        ([], 2, [[], []]),
        (7, 1, [[7.0]]),
    ],
)
def test_spike_times_may_be_a_list_a_list_of_lists_or_a_number(sim, spike_times, size, expected):
    sim.setup(timestep=1.0)
    source = sim.Population(size, sim.SpikeSourceArray(spike_times=spike_times))
    source.record("spikes")
    sim.run(20.0)
    assert times(source) == expected


def test_a_projection_of_pynn_0_7_connects_as_today_s_does(sim):
    def signal(old):
        sim.setup(timestep=0.1)
        source = sim.Population(3, sim.SpikeSourceArray(spike_times=[1.0, 4.0]))
        cells = sim.Population(3, sim.IF_cond_exp())
        cells.record("v")
        if old:
            connector = sim.AllToAllConnector(weights=0.02, delays=1.5)
            with pytest.warns(PycosimWarning, match=r"target='inhibitory'|weights=\.\.\., delays"):
                sim.Projection(source, cells, connector, target="inhibitory")
        else:
            synapse = sim.StaticSynapse(weight=0.02, delay=1.5)
            sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type="inhibitory")
        sim.run(10.0)
        return np.asarray(cells.get_data().segments[0].analogsignals[0])

    assert signal(False).min() < -65.1
    np.testing.assert_array_equal(signal(True), signal(False))


def test_weights_of_a_connector_may_be_random_and_synapse_dynamics_a_container(sim):
    sim.setup(timestep=0.1)
    cells = sim.Population(20, sim.IF_cond_exp())
    weights = sim.RandomDistribution("uniform", [0.1, 0.2])
    with pytest.warns(PycosimWarning):
        projection = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.5, weights=weights))
    got = np.array(projection.get("weight", "list", with_address=False))
    assert 0.1 <= got.min() < got.max() <= 0.2
    dynamics = sim.SynapseDynamics(slow=sim.StaticSynapse(delay=2.0))
    connector = sim.OneToOneConnector(weights=0.3)
    with pytest.warns(PycosimWarning, match="became weight and delay of StaticSynapse"):
        projection = sim.Projection(cells, cells, connector, synapse_dynamics=dynamics)
    assert set(projection.get(["weight", "delay"], "list", with_address=False)) == {(0.3, 2.0)}
    with pytest.raises(NotSupportedError, match="at the same synapse"):
        sim.SynapseDynamics(fast=sim.StaticSynapse(), slow=sim.StaticSynapse())


@pytest.mark.parametrize("connector", ["AllToAllConnector()", "FromListConnector([(0, 0, 2.0, 1.0)])"])
def test_positive_inhibitory_weights_of_current_based_cells_are_taken_as_negative(sim, connector):
    sim.setup(timestep=1.0)
    cells = sim.Population(1, sim.IF_curr_exp())
    with pytest.warns(PycosimWarning, match="were taken as negative"):
        projection = sim.Projection(
            cells, cells, eval(f"sim.{connector}"), sim.StaticSynapse(weight=2.0), receptor_type="inhibitory"
        )
    assert projection.get("weight", "array")[0, 0] == -2.0
    with pytest.warns(PycosimWarning, match="were taken as negative"):
        projection.set(weight=3.0)
    assert projection.get("weight", "array")[0, 0] == -3.0


def test_a_multapse_connector_makes_a_fixed_number_of_synapses(sim):
    sim.setup(timestep=1.0)
    cells = sim.Population(4, sim.IF_curr_exp())
    with pytest.warns(PycosimWarning, match="FixedTotalNumberConnector"):
        connector = sim.MultapseConnector(num_synapses=30)
    assert len(sim.Projection(cells, cells, connector)) == 30


def test_recorded_data_come_as_the_tables_of_pynn_0_7(sim):
    sim.setup(timestep=1.0)
    source = sim.Population(3, sim.SpikeSourceArray(spike_times=[[1.0, 3.0], [2.0], []]))
    cells = sim.Population(2, sim.IF_cond_exp())
    source.record()
    cells.record_v()
    cells.record_gsyn()
    sim.run(4.0)
    with pytest.warns(PycosimWarning, match=r"table \(index, time\)"):
        spikes = source.getSpikes()
    assert spikes.tolist() == [[0.0, 1.0], [0.0, 3.0], [1.0, 2.0]]
    assert len(spikes.segments[0].spiketrains) == 3
    with pytest.warns(PycosimWarning):
        v, gsyn = cells.get_v(), cells.get_gsyn()
    assert (v.shape, gsyn.shape) == ((10, 3), (10, 4))
    assert v[5:8].tolist() == [[1.0, 0.0, -65.0], [1.0, 1.0, -65.0], [1.0, 2.0, -65.0]]
    np.testing.assert_array_equal(cells.spinnaker_get_data("v"), np.asarray(v))
    assert cells.spinnaker_get_data("v", as_matrix=True).shape == (5, 2)


def test_text_files_are_written_in_the_form_of_pynn_0_7(sim, tmp_path):
    sim.setup(timestep=1.0)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0, 3.0], [2.0]]))
    cells = sim.Population(1, sim.IF_cond_exp())
    source.record("spikes", to_file=str(tmp_path / "end.ras"))
    cells.record(["v", "gsyn_exc", "gsyn_inh"])
    sim.run(3.0)

    def write():
        source.printSpikes(str(tmp_path / "a.ras"))
        cells.print_v(str(tmp_path / "a.v"))
        cells.print_gsyn(str(tmp_path / "a.gsyn"))
        sim.end()

    with pytest.warns(PycosimWarning, match="written as text"):
        write()
    expected = [[1.0, 0.0], [3.0, 0.0], [2.0, 1.0]]
    assert np.loadtxt(tmp_path / "a.ras").tolist() == np.loadtxt(tmp_path / "end.ras").tolist() == expected
    assert np.loadtxt(tmp_path / "a.v").tolist() == [[-65.0, 0.0]] * 4
    assert np.loadtxt(tmp_path / "a.gsyn").shape == (4, 3)
    with pytest.raises(NotSupportedError, match="a text file holds one variable"):
        cells.write_data(str(tmp_path / "all.txt"))


def test_parameters_and_initial_values_may_be_set_by_position_and_v_as_a_parameter(sim):
    sim.setup(timestep=1.0)
    cells = sim.Population(3, sim.IF_curr_exp())
    cells.record("v")
    with pytest.warns(PycosimWarning, match=r"read as set\(tau_m=\.\.\.\)"):
        cells.set("tau_m", 12.0)
    with pytest.warns(PycosimWarning, match=r"read as set\(cm=\.\.\.\)"):
        cells[0:2].set({"cm": 2.0})
    with pytest.warns(PycosimWarning, match=r"read as initialize\(v=\.\.\.\)"):
        cells.initialize("v", -61.0)
    with pytest.warns(PycosimWarning, match=r"set\(v=\.\.\.\).*read as initialize"):
        cells[2:].set(v=-62.0)
    assert cells.get("tau_m") == 12.0
    assert cells.get("cm").tolist() == [2.0, 2.0, 1.0]
    sim.run(1.0)
    signal = cells.get_data().segments[0].analogsignals[0]
    assert np.asarray(signal)[0].tolist() == [-61.0, -61.0, -62.0]


def test_everything_may_be_recorded_and_some_cells_by_their_indices(sim):
    sim.setup(timestep=1.0)
    cells = sim.Population(4, sim.IF_cond_exp())
    with pytest.warns(PycosimWarning, match="a view of these cells"):
        cells.record("all", indexes=[1, 3])
    sim.run(2.0)
    segment = cells.get_data().segments[0]
    assert sorted(s.name for s in segment.analogsignals) == ["gsyn_exc", "gsyn_inh", "v"]
    assert all(s.array_annotations["channel_index"].tolist() == [1, 3] for s in segment.analogsignals)
    assert len(segment.spiketrains) == 2


def test_the_synaptic_current_of_current_based_cells_can_be_recorded(sim):
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    cell = sim.Population(1, sim.IF_curr_exp(tau_syn_E=5.0))
    cell.record("isyn_exc")
    sim.Projection(source, cell, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.5, delay=1.0))
    sim.run(10.0)
    signal = cell.get_data().segments[0].filter(name="isyn_exc")[0]
    assert signal.units.dimensionality.string == "nA"
    expected = np.where(np.arange(101) < 20, 0.0, 0.5 * np.exp(-(np.arange(101) - 20) * 0.1 / 5.0))
    np.testing.assert_allclose(np.asarray(signal)[:, 0], expected, rtol=0, atol=1e-12)


def test_a_synapse_type_tells_its_weight_and_delay(sim):
    sim.setup(timestep=1.0)
    synapse = sim.StaticSynapse(weight=0.5)
    assert (synapse.weight, synapse.delay) == (0.5, 1.0)
    synapse.delay = 3.0
    cells = sim.Population(1, sim.IF_cond_exp())
    projection = sim.Projection(cells, cells, sim.OneToOneConnector(), synapse)
    assert projection.get(["weight", "delay"], "list") == [(0, 0, 0.5, 3.0)]


def test_spike_times_out_of_order_are_sorted_in_spinnaker_s_dialect_only(script):
    text = """
import pyNN.{} as sim
sim.setup(1.0)
sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 2.0]))
sim.run(10.0)
"""
    result = script(text.format("spiNNaker"))
    assert result.spike_steps.tolist() == [2, 5]
    assert any("were sorted" in note for note in result.notes)
    assert "sort them" in str(script(text.format("nest")).error)


def test_small_delays_and_negative_conductances_are_taken_as_on_spinnaker_in_its_dialect_only(script):
    text = """
import pyNN.{} as sim
sim.setup(timestep=0.1, min_delay=1.0)
a, b = sim.Population(1, sim.IF_cond_exp()), sim.Population(1, sim.IF_cond_exp())
synapse = sim.StaticSynapse(weight={}, delay={})
p = sim.Projection(a, b, sim.OneToOneConnector(), synapse, receptor_type="inhibitory")
assert p.get(["weight", "delay"], "list") == [(0, 0, 0.5, 1.0)]
sim.run(1.0)
"""
    result = script(text.format("spiNNaker", -0.5, 0.1))
    assert result.error is None
    assert any("were taken as positive" in note for note in result.notes)
    assert any("below min_delay=1.0 ms" in note for note in result.notes)
    assert "must be positive" in str(script(text.format("nest", -0.5, 1.0)).error)
    assert "below min_delay" in str(script(text.format("nest", 0.5, 0.1)).error)


SPINNAKER = """
import spynnaker8 as p
p.setup(timestep=1.0, min_delay=1.0, max_delay=144.0)
p.set_number_of_neurons_per_core(p.IF_curr_exp, 50)
source = p.Population(1, p.SpikeSourceArray(**{"spike_times": [[0]]}), label="input")
cells = p.Population(10, p.IF_curr_exp(cm=0.25, tau_refrac=2.0, v_reset=-70.0), label="cells")
ring = [(i, (i + 1) % 10, 2.0, 17) for i in range(10)]
p.Projection(cells, cells, p.FromListConnector(ring), p.StaticSynapse(weight=2.0, delay=17))
p.Projection(source, cells, p.FromListConnector([(0, 0)]), p.StaticSynapse(weight=2.0, delay=1))
p.Projection(cells, cells, p.OneToOneConnector(), p.StaticSynapse(weight=0.1), receptor_type="inhibitory")
cells.record("all")
p.run(200)
current = cells.get_data("gsyn_exc").segments[0].filter(name="gsyn_exc")[0]
assert current.units.dimensionality.string == "nA" and current.max() > 1.0
print(p.name(), p.spikes_of(cells) if hasattr(p, "spikes_of") else "")
p.end()
"""


def test_a_synfire_ring_in_spinnaker_s_dialect_runs_unchanged(script):
    result = script(SPINNAKER)
    assert result.error is None
    assert [int(n) for n in result.spike_neurons[:6]] == [0, 1, 2, 3, 4, 5]
    for said in ("set_number_of_neurons_per_core", "taken as negative", "synaptic current, isyn_exc, in nA"):
        assert any(said in note for note in result.notes), said


def test_conductances_of_current_based_cells_are_refused_outside_that_dialect(sim):
    sim.setup(timestep=1.0)
    cells = sim.Population(1, sim.IF_curr_exp())
    with pytest.raises(Exception, match="gsyn_exc"):
        cells.record("gsyn_exc")


def test_namespaces_of_spinnaker_are_refused_by_the_name_of_what_is_taken(script):
    start = "import pyNN.spiNNaker as p\np.setup(1.0)\n"
    result = script(start + "p.external_devices.PushBotMotor\n")
    assert "external_devices.PushBotMotor is not supported" in str(result.error)
    result = script(start + "p.extra_models.Nothing()\n")
    assert "extra_models.Nothing is not supported" in str(result.error)


DELTA = """
import numpy as np
import pyNN.spiNNaker as sim
sim.setup(1.0)
cells = sim.Population(2, sim.IF_curr_delta(), label="delta")
source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1, 5], [5, 8]]))
listed = sim.FromListConnector([(0, 0, 1.5, 2.0), (1, 0, 0.5, 2.0), (1, 1, 0.25, 1.0)])
sim.Projection(source, cells, listed)
negative = sim.StaticSynapse(weight=-2.0, delay=3.0)
sim.Projection(source, cells, sim.OneToOneConnector(), negative, receptor_type="inhibitory")
cells.record("all")
sim.run(6)
sim.run(6)
data = cells.get_data(clear=True).segments[0]
excitation, inhibition = (data.filter(name=name)[0] for name in ("gsyn_exc", "gsyn_inh"))
assert str(excitation.dimensionality) == "mV" and excitation.shape == (13, 2)
received = {(step, cell): value for (step, cell), value in np.ndenumerate(np.asarray(excitation)) if value}
assert received == {(3, 0): 1.5, (7, 0): 2.0, (10, 0): 0.5, (6, 1): 0.25, (9, 1): 0.25}, received
received = {(step, cell): value for (step, cell), value in np.ndenumerate(np.asarray(inhibition)) if value}
assert received == {(4, 0): -2.0, (8, 0): -2.0, (8, 1): -2.0, (11, 1): -2.0}, received
sim.reset()
sim.run(4)
again = np.asarray(cells.get_data().segments[-1].filter(name="gsyn_exc")[0])
assert again[:, 0].tolist() == [0.0, 0.0, 0.0, 1.5, 0.0]
"""


def test_what_delta_cells_receive_is_recorded_as_on_spinnaker(script, tmp_path):
    assert script(DELTA).error is None
    assert pycosim.run(tmp_path / "script.py", "loihi", quiet=True).error is None
    late = pycosim.run(tmp_path / "script.py", "truenorth", quiet=True)
    assert isinstance(late.error, NotSupportedError)
    assert "timing='ideal'" in str(late.error)


def test_views_are_made_from_a_range_or_one_index(sim):
    sim.setup(timestep=1.0)
    cells = sim.Population(5, sim.IF_curr_exp())
    assert sim.PopulationView(cells, range(1, 3)).all_cells.tolist() == cells.all_cells[1:3].tolist()
    assert sim.PopulationView(cells, 4).size == 1


def test_a_script_of_pynn_0_7_runs_unchanged(script):
    result = script(Path(__file__).with_name("old_script.py").read_text())
    assert result.error is None
    assert len(result.spike_steps) > 10
