"""PyNN's composed neurons and GIF, sPyNNaker's further cells, and CARLsim's way of naming cells."""

import importlib

import numpy as np
import pytest
from pyNN import errors

from pycosim.errors import InvalidInputError, NotSupportedError, PycosimWarning


@pytest.fixture(scope="module", params=["native", "reference"])
def sim(request):
    return importlib.import_module(f"pycosim.{request.param}")


@pytest.fixture
def composed(sim):
    sim.setup(timestep=0.1)
    return sim.PointNeuron(
        sim.AdExp(tau_m=10.0, v_rest=-60.0),
        NMDA=sim.AlphaPSR(tau_syn=20.0),
        AMPA=sim.BetaPSR(tau_rise=0.5, tau_decay=2.0),
        GABAA=sim.ExpPSR(tau_syn=[1.5, 2.5], e_syn=-70.0),
    )


def inputs(sim, *times):
    return sim.Population(1, sim.SpikeSourceArray(spike_times=list(times)))


def connected(sim, pre, post, weight, receptor, synapse=None, **more):
    synapse = synapse or sim.StaticSynapse(weight=weight, delay=1.0)
    return sim.Projection(pre, post, sim.AllToAllConnector(), synapse, receptor_type=receptor, **more)


def signal(population, name):
    return population.get_data().segments[-1].filter(name=name)[0]


def test_parameters_of_receptors_are_read_and_set_by_name(sim, composed):
    cells = sim.Population(2, composed)
    assert composed.receptor_types == ["AMPA", "GABAA", "NMDA"]
    assert cells.get("tau_m") == 10.0
    np.testing.assert_array_equal(cells.get("GABAA.tau_syn"), [1.5, 2.5])
    assert cells.get(["NMDA.tau_syn", "AMPA.tau_decay"]) == [20.0, 2.0]
    cells.set(**{"NMDA.tau_syn": 30.0}, AMPA={"tau_decay": 3.0})
    assert cells.get(["NMDA.tau_syn", "AMPA.tau_decay", "AMPA.tau_rise"]) == [30.0, 3.0, 0.5]
    cells[1:].set(**{"GABAA.e_syn": -80.0})
    np.testing.assert_array_equal(cells.get("GABAA.e_syn"), [-70.0, -80.0])
    with pytest.raises(errors.NonExistentParameterError):
        cells.set(**{"GABAB.tau_syn": 1.0})


def test_every_receptor_is_recorded_with_its_unit_and_reached_by_its_name(sim, composed):
    cells = sim.Population(2, composed, initial_values={"v": -60.0, "NMDA.gsyn": 0.002})
    cells.record(["v", "w", "AMPA.gsyn", "GABAA.gsyn", "NMDA.gsyn"])
    source = inputs(sim, 5.0)
    connected(sim, source, cells, 0.01, "AMPA")
    connected(sim, source, cells, 0.02, "GABAA")
    sim.run(20.0)
    ampa, gaba, nmda = (signal(cells, f"{name}.gsyn") for name in ("AMPA", "GABAA", "NMDA"))
    assert str(ampa.units.dimensionality) == "uS"
    assert ampa.magnitude[:, 0].max() == pytest.approx(0.01, rel=1e-3)  # the peak is near a sample
    assert gaba.magnitude[60, 1] == pytest.approx(0.02)
    t = 0.1 * np.arange(201)
    np.testing.assert_allclose(nmda.magnitude[:, 0], 0.002 * np.exp(-t / 20), rtol=1e-9)
    with pytest.raises(errors.ConnectionError, match="GABAB"):
        connected(sim, source, cells, 0.02, "GABAB")
    with pytest.raises(errors.RecordingError):
        cells.record("AMPA.isyn")


def test_a_parameter_of_a_receptor_set_between_runs_acts_at_once(sim):
    sim.setup(timestep=0.1)
    cell = sim.PointNeuron(sim.LIF(), a=sim.CurrExpPostSynapticResponse(tau_syn=5.0))
    cells = sim.Population(1, cell, initial_values={"a.isyn": 1.0})
    cells.record("a.isyn")
    sim.run(1.0)
    cells.set(**{"a.tau_syn": 1.0})
    sim.run(1.0)
    expected = np.exp(-0.2) * np.exp(-1.0)
    assert signal(cells, "a.isyn").magnitude[-1, 0] == pytest.approx(expected, rel=1e-12)


def test_an_assembly_of_composed_and_standard_cells_takes_one_projection(sim):
    sim.setup(timestep=0.1)
    psr = sim.CurrExpPostSynapticResponse
    composed = sim.PointNeuron(sim.LIF(), aaa=psr(), excitatory=psr(tau_syn=1.0), inhibitory=psr(tau_syn=2.0))
    one = sim.Population(1, sim.IF_curr_exp(tau_syn_E=1.0, tau_syn_I=2.0))
    two = sim.Population(1, composed)
    both = one + two
    both.record("v")
    connected(sim, inputs(sim, 1.0, 3.0), both, 0.5, "excitatory")
    connected(sim, inputs(sim, 5.0), both, -0.4, "inhibitory")
    sim.run(20.0)
    # One sums three responses, the other two: the rounding differs.
    np.testing.assert_allclose(signal(one, "v").magnitude, signal(two, "v").magnitude, rtol=0, atol=1e-12)
    assert np.ptp(signal(two, "v").magnitude) > 0.5


def test_synapses_onto_a_receptor_learn(sim):
    sim.setup(timestep=0.1)
    cell = sim.PointNeuron(sim.LIF(i_offset=0.9), fast=sim.ExpPSR(), slow=sim.AlphaPSR(tau_syn=10.0))
    cells = sim.Population(3, cell)
    stdp = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(A_plus=0.1, A_minus=0.05),
        weight_dependence=sim.AdditiveWeightDependence(w_max=0.01),
        weight=0.004,
        delay=1.0,
        dendritic_delay_fraction=0.0,
    )
    projection = connected(sim, inputs(sim, *range(5, 95, 8)), cells, None, "slow", stdp)
    sim.run(100.0)
    assert not np.allclose(projection.get("weight", "array"), 0.004)


def test_currents_and_conductances_of_one_neuron_have_their_own_signs(sim):
    sim.setup(timestep=0.1)
    cell = sim.PointNeuron(sim.LIF(), AMPA=sim.ExpPSR(), GABA=sim.CurrExpPostSynapticResponse())
    cells = sim.Population(1, cell)
    cells.record(["AMPA.gsyn", "GABA.isyn"])
    source = inputs(sim, 1.0)
    with pytest.raises(errors.ConnectionError, match="must be positive"):
        connected(sim, source, cells, -0.1, "AMPA")
    connected(sim, source, cells, 0.1, "AMPA")
    connected(sim, source, cells, -0.2, "GABA")
    sim.run(3.0)
    assert signal(cells, "AMPA.gsyn").magnitude[20, 0] == 0.1
    assert signal(cells, "GABA.isyn").magnitude[20, 0] == -0.2


def test_what_no_neuron_can_be_made_of_is_refused(sim):
    for make in (
        lambda: sim.PointNeuron(sim.LIF()),
        lambda: sim.PointNeuron(sim.LIF(), AMPA=1.0),
        lambda: sim.PointNeuron(sim.IF_curr_exp(), AMPA=sim.ExpPSR()),
    ):
        with pytest.raises(InvalidInputError, match="takes a neuron component"):
            make()


def test_gif_neurons_have_components_by_neuron_and_record_their_threshold(sim):
    sim.setup(timestep=0.1)
    cell = sim.GIF_cond_exp(
        i_offset=0.6,
        v_t_star=-55.0,
        delta_v=1e-6,
        tau_eta=(1.0, 10.0, 100.0),
        a_eta=(0.0, 0.0, 0.0),
        a_gamma=[(5.0, 5.0, 5.0), (0.0, 0.0, 0.0)],
    )
    cells = sim.Population(2, cell, initial_values={"v_t": -55.0})
    cells.record(["spikes", "v", "v_t", "i_eta"])
    assert [list(item.value) for item in cells.get("a_gamma")] == [[5.0, 5.0, 5.0], [0.0, 0.0, 0.0]]
    sim.run(200.0)
    threshold = signal(cells, "v_t").magnitude
    first = cells.get_data().segments[-1].spiketrains[0][0].magnitude
    assert threshold[round(first / 0.1), 0] == pytest.approx(-40.0)
    assert np.all(threshold[:, 1] == -55.0)
    counts = list(cells.get_spike_counts().values())
    # Without adaptation: 20 ms ln(12 / 2) to the threshold and 4 ms of rest.
    assert counts[0] < counts[1] == 200 // (20 * np.log(6) + 4)
    with pytest.raises(InvalidInputError, match="a_eta has 2 values"):
        sim.Population(1, sim.GIF_cond_exp(a_eta=(1.0, 2.0)))


def test_cells_of_spynnaker_have_its_names_defaults_and_receptors(sim):
    sim.setup(timestep=1.0)
    assert sim.Izk_curr_exp.default_parameters["tau_syn_E"] == 5.0
    with pytest.warns(PycosimWarning, match="Izhikevich_cond was read as Izk_cond_exp"):
        assert sim.extra_models.Izhikevich_cond is sim.Izk_cond_exp
    cells = sim.Population(1, sim.extra_models.IF_curr_dual_exp(tau_syn_E2=20.0))
    cells.record(["v", "isyn_exc2"])
    connected(sim, inputs(sim, 5.0), cells, 0.5, "excitatory2")
    sim.run(20.0)
    current = signal(cells, "isyn_exc2").magnitude[:, 0]
    assert current[7] == pytest.approx(0.5 * np.exp(-1 / 20))
    with pytest.raises(NotSupportedError, match=r"IF_curr_exp_sEMD.*IF_curr_dual_exp"):
        sim.extra_models.IF_curr_exp_sEMD()


def test_an_izhikevich_neuron_with_synaptic_time_constants_is_that_of_spynnaker(sim):
    sim.setup(timestep=1.0)
    with pytest.warns(PycosimWarning, match="was read as Izk_curr_exp"):
        cell = sim.Izhikevich(a=0.1, tau_syn_E=2.0)
    assert sim.Population(1, cell).get(["a", "tau_syn_E", "tau_syn_I"]) == [0.1, 2.0, 5.0]
    assert sim.Population(1, sim.Izhikevich(a=0.1)).can_record("isyn_exc") is False


def test_initial_values_given_to_a_cell_type_are_initial_values(sim):
    sim.setup(timestep=1.0)
    with pytest.warns(PycosimWarning, match=r"Izk_curr_exp\(v=-60.0, u_init=-12.0\) was read as initial"):
        cells = sim.Population(2, sim.Izk_curr_exp(v=-60.0, u_init=-12.0, d=8.0))
    cells.record(["v", "u"])
    sim.run(1.0)
    assert signal(cells, "v").magnitude[0].tolist() == [-60.0, -60.0]
    assert signal(cells, "u").magnitude[0].tolist() == [-12.0, -12.0]
    assert sim.Izk_curr_exp.default_initial_values["v"] == -70.0


def carlsim_script(sim):
    sim.setup(timestep=0.1, netName="net", simMode=sim.CPU_MODE, logMode=sim.USER, randSeed=42)
    excited = sim.Population(2, sim.Izhikevich(neuronType="EXCITATORY_NEURON", a=0.02, b=0.2, c=-65, d=6))
    inhibits = sim.Population((1, 2), sim.SpikeSourceArray(sim.INHIBITORY_NEURON, spike_times=[5, 10]))
    synapse = sim.StaticSynapse(weight=3.0, delay=1.0)
    connection = sim.Projection(inhibits, excited, sim.OneToOneConnector(), synapse)
    sim.state.network.setConductances(False)
    excited.record("v")
    sim.run(10.0)
    sim.state.network.setExternalCurrent(excited.carlsim_group, 20)
    return excited, connection


def test_a_script_for_carlsim_runs_and_is_told_what_was_assumed(sim):
    with pytest.warns(PycosimWarning) as warned:
        excited, connection = carlsim_script(sim)
    told = "\n".join(str(w.message) for w in warned)
    for what in ("netName", "neuronType='INHIBITORY_NEURON'", "receptor_type='inhibitory'", "i_offset=0.02"):
        assert what in told
    assert connection.receptor_type == "inhibitory"
    assert connection.get("weight", "list") == [(0, 0, -3.0), (1, 1, -3.0)]
    v = signal(excited, "v").magnitude[:, 0]
    assert v[60] - v[59] == pytest.approx(-3.0, abs=0.2)
    assert excited.get("i_offset") == 0.02


def test_what_carlsim_has_and_pycosim_has_not_is_refused_by_name(sim):
    sim.setup(timestep=0.1)
    with pytest.raises(NotSupportedError, match="Izk_cond_exp"):
        sim.state.network.setConductances(True)
    with pytest.raises(NotSupportedError, match="setIntegrationMethod"):
        sim.state.network.setIntegrationMethod(1, 1)
    with pytest.raises(InvalidInputError, match="EXCITATORY_NEURON"):
        sim.Izhikevich(neuronType="OTHER")
