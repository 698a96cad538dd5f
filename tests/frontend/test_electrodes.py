"""Electrodes and cells with adaptation through PyNN."""

import numpy as np
import pytest
from pyNN import errors as pynn_errors

import pycosim.native as sim
from pycosim.errors import InvalidInputError, PycosimWarning, ScriptError

# Rounding of membranes near 65 mV, some hundred times.
ROUNDING_MV = 1e-10


@pytest.fixture(autouse=True)
def _setup():
    sim.setup(timestep=0.1)


def voltage(population):
    return population.get_data().segments[-1].filter(name="v")[0].magnitude


def cells(n=1, **parameters):
    population = sim.Population(n, sim.IF_curr_exp(v_thresh=100.0, **parameters))
    population.record("v")
    return population


def test_a_source_flows_into_populations_views_assemblies_lists_and_cells():
    everyone, few, two, one, none = (cells(3) for _ in range(5))
    source = sim.DCSource(amplitude=0.5)
    everyone.inject(source)
    few[1:].inject(source)
    source.inject_into(two[:1] + one[2:3])
    one[0].inject(source)
    source.inject_into([two[2]])
    sim.run(10.0)
    charged = [
        [value > -65 for value in voltage(population)[-1]] for population in (everyone, few, two, one, none)
    ]
    assert charged == [
        [True] * 3,
        [False, True, True],
        [True, False, True],
        [True, False, True],
        [False] * 3,
    ]


def test_parameters_change_between_runs_and_are_read_back():
    population, source = cells(), sim.DCSource(amplitude=0.0)
    population.inject(source)
    for amplitude in (0.0, 0.5, 0.25):
        source.amplitude = amplitude
        assert source.amplitude == source.get_parameters()["amplitude"] == amplitude
        sim.run(300.0)
    v = voltage(population)[:, 0]
    # After 15 time constants the membrane is at R I to 3e-7 of it.
    np.testing.assert_allclose(v[[3000, 6000, 9000]], [-65.0, -55.0, -60.0], atol=1e-5)


def test_a_source_may_be_injected_after_a_run():
    population = cells()
    sim.run(10.0)
    population.inject(sim.DCSource(amplitude=0.5))
    sim.run(10.0)
    v = voltage(population)[:, 0]
    assert np.all(v[:101] == -65.0)
    assert np.all(v[101:] > -65.0)


def test_recorded_current_holds_every_change_and_starts_anew_after_reset():
    population, source = cells(), sim.DCSource(amplitude=0.2, start=1.0)
    population.inject(source)
    source.record()
    sim.run(2.0)
    source.amplitude = 0.4
    sim.run(2.0)
    current = source.get_data()
    assert str(current.units.dimensionality) == "nA"
    np.testing.assert_array_equal(current.magnitude[:, 0], np.repeat([0.0, 0.2, 0.4], [10, 10, 21]))
    np.testing.assert_allclose(current.times.rescale("ms").magnitude, 0.1 * np.arange(41), atol=1e-9)
    sim.reset()
    sim.run(2.0)
    np.testing.assert_array_equal(source.get_data().magnitude[:, 0], np.repeat([0.0, 0.4], [10, 11]))


def test_reset_begins_the_same_current_again():
    population = cells()
    source = sim.NoisyCurrentSource(mean=0.5, stdev=0.2, start=2.0, stop=30.0, dt=0.5)
    population.inject(source)
    sim.run(40.0)
    sim.reset()
    sim.run(25.0)
    sim.run(15.0)
    first, second = (segment.filter(name="v")[0].magnitude for segment in population.get_data().segments)
    np.testing.assert_array_equal(first, second)
    assert np.std(np.diff(first[:, 0], n=2)) > 0


def test_noise_without_an_interval_changes_with_every_step():
    source = sim.NoisyCurrentSource(mean=0.0, stdev=1.0)
    assert source.dt == 0.1
    source.record()
    cells().inject(source)
    sim.run(5.0)
    assert len(np.unique(source.get_data().magnitude)) == 51


def test_a_step_source_keeps_the_times_of_its_steps():
    source = sim.StepCurrentSource(times=[0.41, 0.42, 0.86], amplitudes=[0.5, -0.5, 0.5])
    np.testing.assert_allclose(source.times, [0.4, 0.9])
    np.testing.assert_array_equal(source.amplitudes, [-0.5, 0.5])
    source.set_parameters(times=[1.0], amplitudes=[2.0])
    np.testing.assert_array_equal(source.times, [1.0])


def test_what_is_impossible_is_refused_and_changes_nothing():
    source = sim.StepCurrentSource(times=[1.0], amplitudes=[0.5])
    for times in ([0.4, -0.6], [0.4, 0.2], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="time"):
            source.set_parameters(times=times, amplitudes=[1.0, 2.0])
    np.testing.assert_array_equal(source.times, [1.0])
    with pytest.raises(InvalidInputError, match="multiple"):
        sim.NoisyCurrentSource(mean=0.0, stdev=1.0, dt=0.25)
    with pytest.raises(pynn_errors.NonExistentParameterError):
        sim.DCSource(amplitud=1.0)
    with pytest.raises(InvalidInputError, match="record"):
        source.get_data()
    with pytest.warns(PycosimWarning, match="rng"):
        sim.NoisyCurrentSource(rng=sim.NumpyRNG(seed=1))


def test_spike_sources_take_no_current():
    sources = sim.Population(2, sim.SpikeSourcePoisson(rate=10.0))
    with pytest.raises(TypeError):
        sources.inject(sim.DCSource())
    with pytest.raises(InvalidInputError, match="spike sources"):
        sim.DCSource().inject_into(list(sources))


def test_a_source_of_an_earlier_setup_is_refused():
    source = sim.DCSource()
    sim.setup(timestep=0.1)
    with pytest.raises(ScriptError, match="setup"):
        cells().inject(source)


@pytest.mark.parametrize(
    ("cell", "amplitude", "variables"),
    [
        ("Izhikevich", 0.01, {"v": "mV", "u": "mV/ms"}),
        ("EIF_cond_exp_isfa_ista", 1.0, {"v": "mV", "w": "nA", "gsyn_exc": "uS", "gsyn_inh": "uS"}),
        ("EIF_cond_alpha_isfa_ista", 1.0, {"v": "mV", "w": "nA", "gsyn_exc": "uS", "gsyn_inh": "uS"}),
        ("IF_cond_exp_gsfa_grr", 2.0, {"v": "mV", "g_s": "nS", "g_r": "nS", "gsyn_exc": "uS"}),
        ("HH_cond_exp", 0.5, {"v": "mV", "m": "dimensionless", "h": "dimensionless", "gsyn_inh": "uS"}),
        ("IF_facets_hardware1", 0.6, {"v": "mV", "gsyn_exc": "uS", "gsyn_inh": "uS"}),
    ],
)
def test_cells_fire_with_a_current_and_record_their_variables(cell, amplitude, variables):
    population = sim.Population(2, getattr(sim, cell)())
    population.record(["spikes", *variables])
    population[1:].inject(sim.DCSource(amplitude=amplitude, start=10.0))
    sim.run(100.0)
    segment = population.get_data().segments[0]
    assert [len(train) > 1 for train in segment.spiketrains] == [False, True]
    for variable, unit in variables.items():
        (signal,) = segment.filter(name=variable)
        assert str(signal.units.dimensionality) == unit
        initial = population.celltype.default_initial_values[variable]
        np.testing.assert_array_equal(signal.magnitude[0], initial)


def test_initial_values_of_adaptation_are_set():
    population = sim.Population(2, sim.EIF_cond_exp_isfa_ista(), initial_values={"w": 0.1})
    population.initialize(v=[-70.0, -60.0])
    population.record(["v", "w"])
    sim.run(0.1)
    segment = population.get_data().segments[0]
    np.testing.assert_array_equal(segment.filter(name="w")[0].magnitude[0], 0.1)
    np.testing.assert_array_equal(segment.filter(name="v")[0].magnitude[0], [-70.0, -60.0])


def test_izhikevich_synapses_are_steps_of_the_membrane():
    population = sim.Population(1, sim.Izhikevich())
    population.record("v")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    sim.Projection(source, population, sim.AllToAllConnector(), sim.StaticSynapse(weight=4.0, delay=1.0))
    sim.run(10.0)
    v = voltage(population)[:, 0]
    assert v[60] - v[59] == pytest.approx(4.0, abs=0.05)
