"""Cell types under the names and in the units of NEST's and NEURON's own models."""

import numpy as np
import pytest

from pycosim.errors import NotSupportedError

# By cell: spikes that NEST 3.10 gives through pyNN.nest 0.13, in steps of 0.1 ms (the first ten).
NEST_SPIKES = {
    "iaf_psc_exp": [117, 193, 272, 343, 418, 489, 555, 631, 700, 766],
    "iaf_psc_alpha": [119, 179, 235, 288, 344, 403, 462, 519, 573, 629],
    "iaf_psc_delta": [210, 390, 600, 810, 1020, 1230, 1440, 1650, 1860],
}
WEIGHTS = {"iaf_psc_exp": (1.0, -0.4), "iaf_psc_alpha": (0.8, -0.4), "iaf_psc_delta": (0.004, -0.001)}
PARAMETERS = {"iaf_psc_exp": {"C_m": 200.0, "tau_m": 15.0}}


def connect(sim, pre, post, weight, delay=1.0, receptor="excitatory"):
    synapse = sim.StaticSynapse(weight=weight, delay=delay)
    return sim.Projection(pre, post, sim.AllToAllConnector(), synapse, receptor_type=receptor)


def array(sim, times, native=False):
    kind = sim.native_cell_type("spike_generator") if native else sim.SpikeSourceArray
    return sim.Population(1, kind(spike_times=list(times)))


def signal(cells, name):
    return np.asarray(cells.get_data().segments[0].filter(name=name)[0])[:, 0]


def trains(cells):
    return [np.asarray(train) for train in cells.get_data().segments[0].spiketrains]


@pytest.mark.parametrize("model", NEST_SPIKES)
def test_current_based_cells_fire_at_the_steps_at_which_nest_fires(sim, model):
    sim.setup(timestep=0.1, min_delay=0.1)
    excitation = array(sim, np.arange(5.0, 190.0, 3.0), native=True)
    inhibition = array(sim, np.arange(6.0, 190.0, 7.0))
    cells = sim.Population(2, sim.native_cell_type(model)(I_e=100.0, **PARAMETERS.get(model, {})))
    cells.record("spikes")
    connect(sim, excitation, cells, WEIGHTS[model][0])
    connect(sim, inhibition, cells, WEIGHTS[model][1], 1.5, "inhibitory")
    sim.run(200.0)
    steps = np.round(10 * trains(cells)[0]).astype(int)
    assert steps[:10].tolist() == NEST_SPIKES[model]


def test_currents_are_in_pA_and_the_capacitance_in_pF(sim):
    sim.setup(timestep=0.1)
    source = array(sim, [5.0])
    psc_exp = sim.native_cell_type("iaf_psc_exp")
    cell = sim.Population(1, psc_exp(I_e=200.0, C_m=250.0, tau_m=10.0, tau_syn_ex=2.0))
    cell.record(["V_m", "I_syn_ex"])
    connect(sim, source, cell, 0.05)
    sim.run(20.0)
    t = np.arange(201) * 0.1
    current = np.where(t > 5.95, 50.0 * np.exp(-(t - 6.0) / 2.0), 0.0)
    np.testing.assert_allclose(signal(cell, "I_syn_ex"), current, rtol=1e-9, atol=1e-9)
    charged = -70.0 + 200.0 * 10.0 / 250.0 * (1 - np.exp(-t / 10.0))
    np.testing.assert_allclose(signal(cell, "V_m")[:61], charged[:61], rtol=0, atol=1e-9)
    units = {s.name: str(s.units.dimensionality) for s in cell.get_data().segments[0].analogsignals}
    assert units == {"V_m": "mV", "I_syn_ex": "pA"}


def test_weights_onto_delta_cells_are_multiplied_by_1000_as_pynn_nest_does(sim):
    sim.setup(timestep=0.1)
    cell = sim.Population(1, sim.native_cell_type("iaf_psc_delta")())
    cell.record("V_m")
    projection = connect(sim, array(sim, [1.0, 11.0]), cell, 0.002)
    assert projection.get("weight", "list", with_address=False) == [0.002]
    sim.run(10.0)
    projection.set(weight=0.003)
    sim.run(10.0)
    v = signal(cell, "V_m")
    assert v[20] == pytest.approx(-68.0)
    assert v[120] - v[119] == pytest.approx(3.0, abs=0.01)  # less what decays in a step


@pytest.mark.parametrize(
    ("native", "parameters", "standard", "same"),
    [
        (
            "iaf_cond_exp",
            {"C_m": 200.0, "g_L": 10.0, "E_in": -80.0},
            "IF_cond_exp",
            {"cm": 0.2, "tau_m": 20.0, "e_rev_I": -80.0, "tau_syn_E": 0.2, "tau_syn_I": 2.0}
            | {"v_rest": -70.0, "v_reset": -60.0, "v_thresh": -55.0, "tau_refrac": 2.0, "e_rev_E": 0.0},
        ),
        (
            "aeif_cond_alpha",
            {"a": 3.0, "b": 60.0, "tau_syn_ex": 3.0, "t_ref": 1.0},
            "EIF_cond_alpha_isfa_ista",
            {"cm": 0.281, "tau_m": 281.0 / 30.0, "a": 3.0, "b": 0.06, "tau_syn_E": 3.0, "tau_refrac": 1.0}
            | {"v_spike": 0.0, "v_reset": -60.0, "tau_syn_I": 2.0, "e_rev_I": -85.0},
        ),
    ],
)
def test_conductance_based_cells_are_the_standard_ones_in_other_units(
    sim, native, parameters, standard, same
):
    sim.setup(timestep=0.1)
    one = sim.Population(1, sim.native_cell_type(native)(**parameters))
    two = sim.Population(1, getattr(sim, standard)(**same), initial_values={"v": one.initial_values["V_m"]})
    one.record(["spikes", "V_m", "g_ex"])
    two.record(["spikes", "v", "gsyn_exc"])
    for cells in (one, two):
        connect(sim, array(sim, np.arange(2.0, 90.0, 2.0)), cells, 0.06)
        connect(sim, array(sim, np.arange(3.0, 90.0, 5.0)), cells, 0.01, 1.0, "inhibitory")
    sim.run(100.0)
    assert len(trains(one)[0]) > 3
    np.testing.assert_array_equal(trains(one)[0], trains(two)[0])
    # The parameters are the same but for the last bit, after their units have been changed.
    np.testing.assert_allclose(signal(one, "V_m"), signal(two, "v"), rtol=0, atol=1e-6)
    np.testing.assert_allclose(signal(one, "g_ex"), 1e3 * signal(two, "gsyn_exc"), rtol=1e-9)


def test_parameters_are_read_and_set_in_the_other_simulators_units(sim):
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.native_cell_type("iaf_cond_exp")(g_L=10.0))
    assert cells.get("C_m") == pytest.approx(250.0)
    cells.set(C_m=500.0)
    assert cells.get("g_L") == pytest.approx(10.0)
    assert cells.column.parameters["tau_m"] == pytest.approx(50.0)
    cells[1:].initialize(V_m=-62.0, g_ex=4.0)
    cells.record("V_m")
    sim.run(0.1)
    assert np.asarray(cells.get_data().segments[0].filter(name="V_m")[0])[0].tolist() == [-70.0, -62.0]
    assert cells[1:].initial_values["g_ex"].evaluate(simplify=True) == pytest.approx(4.0)


def test_izhikevich_cells_of_nest_are_the_standard_ones(sim):
    sim.setup(timestep=0.1)
    one = sim.Population(1, sim.native_cell_type("izhikevich")(I_e=10.0))
    two = sim.Population(1, sim.Izhikevich(d=8.0, i_offset=0.01), initial_values={"v": -65.0, "u": -13.0})
    (one + two).record("spikes")
    sim.run(200.0)
    assert len(trains(one)[0]) > 2
    np.testing.assert_array_equal(trains(one)[0], trains(two)[0])


def test_a_poisson_generator_is_silent_before_its_start_and_from_its_stop_on(sim):
    sim.setup(timestep=0.1)
    sources = sim.Population(20, sim.native_cell_type("poisson_generator")(rate=1e3, start=20.0, stop=60.0))
    sources.record("spikes")
    assert sources.get("stop") == pytest.approx(60.0)
    sim.run(100.0)
    times = np.concatenate(trains(sources))
    assert times.min() >= 20.0
    assert times.max() <= 60.0
    assert abs(len(times) - 800) < 5 * np.sqrt(800)  # five standard deviations


def test_intfire1_decays_fires_above_one_and_ignores_input_while_refractory(sim):
    sim.setup(timestep=0.1)
    cell = sim.Population(1, sim.IntFire1(tau=20.0, refrac=2.0), initial_values={"m": 0.5})
    cell.record(["m", "spikes"])
    connect(sim, array(sim, [9.0, 10.0, 12.0]), cell, 0.8, 1.0, "default")
    sim.run(40.0)
    m = signal(cell, "m")
    assert m[99] == pytest.approx(0.5 * np.exp(-9.9 / 20.0), rel=1e-12)
    np.testing.assert_array_equal(trains(cell)[0], [10.0])
    assert not m[100:120].any()  # 11.0 ms is within the refractory period
    assert m[300] == pytest.approx(0.8 * np.exp(-17.0 / 20.0), rel=1e-12)


def test_intfire1_does_not_fire_at_exactly_one(sim):
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.IntFire1())
    cells.record("spikes")
    source = array(sim, [1.0])
    connect(sim, source, cells[:1], 1.0, 1.0, "default")
    connect(sim, source, cells[1:], 1.0 + 1e-12, 1.0, "default")
    sim.run(5.0)
    assert [len(train) for train in trains(cells)] == [0, 1]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("parrot_neuron", "connect the sources that it repeats"),
        ("iaf_psc_exp_ps", r"native_cell_type\('iaf_psc_exp'\)"),
        ("ht_neuron", "HH_cond_exp"),
    ],
)
def test_other_models_of_nest_are_refused_with_the_nearest(sim, name, nearest):
    with pytest.raises(NotSupportedError, match=nearest):
        sim.native_cell_type(name)


def test_what_cannot_be_done_with_them_is_refused_by_name(sim):
    sim.setup(timestep=0.1)
    with pytest.raises(NotSupportedError, match=r"native_synapse_type\('stdp_synapse'\) .*STDPMechanism"):
        sim.native_synapse_type("stdp_synapse")
    with pytest.raises(NotSupportedError, match=r"IntFire4 of NEURON .*IntFire1"):
        sim.IntFire4()
    cells = sim.Population(1, sim.native_cell_type("izhikevich")())
    plastic = sim.TsodyksMarkramSynapse(weight=0.001)
    with pytest.raises(NotSupportedError, match=r"onto izhikevich .* scales their weights by 1000"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), plastic)
