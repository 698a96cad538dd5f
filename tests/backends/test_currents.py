"""Currents from electrodes: what flows when, on every backend."""

import numpy as np
import pytest

from pycosim import targets
from pycosim.backends import brian2, native
from pycosim.backends.base import Options
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.network import MODELS, Current, NeuronModel, Population, Recording
from pycosim.network.currents import current_values
from pycosim.testing.networks import deterministic_network, parameters_of

from .backend_networks import NEURON_MODELS, network_of, neurons, spike_array

MODELS_WITH_DYNAMICS = [name for name, model in MODELS.items() if isinstance(model, NeuronModel)]
# Rounding of membranes near 65 mV, some hundred times.
ROUNDING_MV = 1e-10


def dc(targets, amplitude, start=0.0, stop=np.inf):
    parameters = {"amplitude": amplitude, "start": start, "stop": stop}
    return Current("electrode", "DCSource", np.array(targets), parameters)


def injected(build, population, *currents, steps=300):
    network = network_of(population)
    network.currents = list(currents)
    simulation = build(network)
    simulation.advance(steps)
    return simulation


@pytest.mark.parametrize("model", NEURON_MODELS)
def test_a_constant_current_is_the_same_as_an_offset(build, model):
    one = injected(build, neurons(model, 2), dc([0, 1], 0.8)).signal(0, "v")
    other = injected(build, neurons(model, 2, i_offset=0.8)).signal(0, "v")
    np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING_MV)


@pytest.mark.parametrize("model", [m for m in MODELS_WITH_DYNAMICS if "i_offset" in MODELS[m].parameters])
def test_every_model_takes_a_current_like_its_offset(build, model):
    amplitude = {"Izhikevich": 0.01, "Izk_curr_exp": 10.0, "Izk_cond_exp": 10.0}.get(model, 0.4)
    signals = []
    for offset, currents in ((amplitude, []), (0.0, [dc([0], amplitude)])):
        parameters = parameters_of(model) | {"i_offset": offset}
        parameters |= {name: np.array([parameters[name]]) for name in MODELS[model].sequences}
        recordings = {"v": Recording(np.arange(1))}
        population = Population("cell", model, 1, parameters=parameters, recordings=recordings)
        signals.append(injected(build, population, *currents, steps=100).signal(0, "v"))
    assert np.ptp(signals[0]) > 1
    np.testing.assert_allclose(*signals, rtol=0, atol=1e-8)


def test_a_pulse_first_moves_the_membrane_one_step_after_it_begins(build):
    simulation = injected(build, neurons("IF_curr_exp"), dc([0], 0.5, start=5.0, stop=10.04))
    v = simulation.signal(0, "v")[:, 0] + 65
    charged = 0.5 * 20 * -np.expm1(-0.1 * np.arange(51) / 20)
    np.testing.assert_array_equal(v[:51], 0.0)
    np.testing.assert_allclose(v[50:101], charged, rtol=0, atol=ROUNDING_MV)
    decay = np.exp(-0.1 * np.arange(201) / 20)
    np.testing.assert_allclose(v[100:], charged[-1] * decay, rtol=0, atol=ROUNDING_MV)


def test_currents_into_one_neuron_add_up_and_leave_others_alone(build):
    currents = dc([1], 0.3), dc([1, 2], 0.2), dc([1], -0.1)
    v = injected(build, neurons("IF_curr_exp", 4), *currents).signal(0, "v")
    alone = injected(build, neurons("IF_curr_exp"), dc([0], 0.4)).signal(0, "v")
    np.testing.assert_allclose(v[:, 1:2], alone, rtol=0, atol=ROUNDING_MV)
    np.testing.assert_array_equal(v[:, [0, 3]], -65.0)
    assert v[-1, 2] < v[-1, 1]


def test_a_current_follows_its_wave(build):
    wave = dict(amplitude=0.3, offset=0.1, frequency=40.0, phase=90.0, start=3.0, stop=25.0)
    network = network_of(neurons("IF_curr_exp"))
    network.currents = [Current("wave", "ACSource", np.array([0]), wave)]
    simulation = build(network)
    simulation.advance(300)
    v = 0.0
    expected = [v]
    for value in current_values(network, 0, 1, 300):
        v = v * np.exp(-0.1 / 20) + value * 20 * -np.expm1(-0.1 / 20)
        expected.append(v)
    np.testing.assert_allclose(simulation.signal(0, "v")[:, 0] + 65, expected, rtol=0, atol=ROUNDING_MV)


def test_a_changed_current_acts_from_the_next_step(build):
    network = network_of(neurons("IF_curr_exp", 2))
    network.currents = [dc([0], 0.0)]
    simulation = build(network)
    simulation.advance(100)
    network.currents[0].parameters["amplitude"] = 0.5
    network.currents.append(dc([1], 0.5))
    simulation.currents_changed()
    simulation.advance(50)
    v = simulation.signal(0, "v") + 65
    np.testing.assert_array_equal(v[:101], 0.0)
    expected = 0.5 * 20 * -np.expm1(-0.1 * np.arange(51) / 20)
    np.testing.assert_allclose(v[100:], np.stack([expected, expected], axis=1), rtol=0, atol=ROUNDING_MV)


def test_parameters_and_currents_change_independently(build):
    network = network_of(neurons("IF_curr_exp"))
    network.currents = [dc([0], 0.3)]
    simulation = build(network)
    simulation.advance(10)
    network.populations[0].parameters["i_offset"] = 0.2
    simulation.parameters_changed(0)
    simulation.advance(190)
    v = -65.0
    for step in range(200):
        current = 0.3 if step < 10 else 0.5
        v = -65 + (v + 65) * np.exp(-0.1 / 20) + current * 20 * -np.expm1(-0.1 / 20)
    assert simulation.state(0, "v")[0] == pytest.approx(v, abs=ROUNDING_MV)


@pytest.mark.parametrize("model", MODELS_WITH_DYNAMICS)
def test_native_and_reference_agree_on_noise_in_a_busy_network(model):
    noise = dict(mean=0.0, stdev=0.002 if model == "Izhikevich" else 0.2, start=5.0, stop=35.0, dt=0.3)
    results = []
    for backend, threads in (("reference", 1), ("native", 1), ("native", 2)):
        network = deterministic_network(model)
        network.currents = [Current("noise", "NoisyCurrentSource", np.arange(0, 29, 2), noise)]
        simulation = targets.build(backend, network, Options(threads=threads))
        simulation.advance(150)
        simulation.advance(250)
        results.append((simulation.spikes(0), simulation.signal(0, "v")))
        simulation.close()
    for spikes, v in results[1:]:
        np.testing.assert_array_equal(spikes, results[0][0])
        # As in pycosim.testing: a sodium channel enlarges rounding errors.
        tolerance = 1e-6 if model == "HH_cond_exp" else 1e-9
        np.testing.assert_allclose(v, results[0][1], rtol=0, atol=tolerance)
    np.testing.assert_array_equal(results[1][1], results[2][1])


def noisy_sources(rng, n_neurons):
    """Return sources that begin, end and change at different times, several or none of them into a neuron."""
    sources = []
    for i in range(n_neurons):
        noise = dict(mean=0.4, stdev=0.3, start=0.0, stop=np.inf, dt=0.1)
        if i % 3 == 0:
            noise |= dict(
                start=float(rng.choice([-np.inf, -3.3, 2.1])),
                stop=float(rng.choice([9.0, 14.7])),
                dt=float(rng.choice([0.1, 0.3])),
            )
        targets_ = rng.integers(0, n_neurons, rng.integers(1, 4))
        sources.append(Current("noise", "NoisyCurrentSource", targets_, noise))
        if i % 5 == 0:
            sources.append(dc(targets_, 0.1, start=3.0, stop=8.0))
    return sources


@pytest.mark.parametrize("n", [1, 7, 150, 700])
@pytest.mark.parametrize("threads", [1, 3])
def test_noise_of_many_sources_is_that_of_each_alone(n, threads):
    network = network_of(neurons("IF_curr_exp", n, v_thresh=1e3))
    network.currents = noisy_sources(np.random.default_rng(n), n)
    simulation = targets.build("native", network, Options(threads=threads))
    for steps in (1, 2, 3, 94, 50):
        simulation.advance(steps)
    drive = np.zeros((150, n))
    for index, current in enumerate(network.currents):
        values = current_values(network, index, 1, 150)
        for target in current.targets:
            drive[:, target] += values
    decay = np.exp(-0.1 / 20)
    v = np.full(n, -65.0)
    expected = [v]
    for step in range(150):
        v = -65.0 + (v + 65.0) * decay + drive[step] * 20 * -np.expm1(-0.1 / 20)
        expected.append(v)
    assert np.ptp(expected) > 5
    np.testing.assert_allclose(simulation.signal(0, "v"), expected, rtol=0, atol=ROUNDING_MV)


def test_noise_has_the_same_bits_with_any_threads_and_where_nothing_looks_at_the_membranes():
    states = []
    for threads, recorded in ((1, False), (1, True), (2, False), (3, True)):
        network = deterministic_network("IF_cond_exp")
        if not recorded:
            network.populations[0].recordings.clear()
        network.currents = noisy_sources(np.random.default_rng(5), 29)
        simulation = targets.build("native", network, Options(threads=threads))
        simulation.advance(101)
        network.currents[1].parameters["stdev"] = 0.1
        simulation.currents_changed()
        simulation.advance(200)
        states.append(simulation.state(0, "v"))
        simulation.close()
    for state in states[1:]:
        np.testing.assert_array_equal(state, states[0])


def test_chip_with_ideal_timing_has_the_bits_of_native():
    signals = []
    for target, options in (("native", {}), ("loihi", {"timing": "ideal"})):
        network = deterministic_network(delay=(2, 6))
        wave = dict(amplitude=0.3, offset=0.1, frequency=40.0, phase=90.0, start=3.0, stop=25.0)
        network.currents = [Current("wave", "ACSource", np.arange(10), wave), dc([3, 4], 0.2, 10.0)]
        simulation = targets.build(target, network, Options(**options))
        simulation.advance(300)
        network.currents[1].parameters["amplitude"] = 0.4
        simulation.currents_changed()
        simulation.advance(100)
        signals.append((simulation.signal(0, "v"), *simulation.spikes(0)))
        simulation.close()
    for one, other in zip(*signals):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("codegen", ["numpy", "cpp_standalone"])
def test_brian2_gives_the_membranes_of_native(codegen, tmp_path, monkeypatch):
    monkeypatch.setenv("PYCOSIM_CACHE_DIR", str(tmp_path))
    signals = []
    for backend, options in ((native, {}), (brian2, {"codegen": codegen})):
        network = network_of(neurons("IF_curr_exp", 3), neurons("IF_cond_exp", 2))
        steps = {"times": np.array([2.0, 7.0, 11.0]), "amplitudes": np.array([0.5, 2.0, -0.3])}
        network.currents = [Current("steps", "StepCurrentSource", np.array([0, 2, 3]), steps)]
        network.currents.append(dc([2], 0.2, start=4.0))
        noise = {"mean": 0.5, "stdev": 1.0, "start": 1.0, "stop": 14.0, "dt": 0.1}
        network.currents.append(Current("noise", "NoisyCurrentSource", np.array([1, 2, 2]), noise))
        wave = {"amplitude": 0.3, "offset": 0.1, "frequency": 40.0, "phase": 90.0, "start": 3.0, "stop": 12.0}
        network.currents.append(Current("wave", "ACSource", np.array([0, 4]), wave))
        simulation = backend.build(network, Options(overrides=options))
        simulation.advance(90)
        network.currents[1].parameters["amplitude"] = 0.7
        simulation.currents_changed()
        simulation.advance(60)
        signals.append([simulation.signal(population, "v") for population in (0, 1)])
        simulation.close()
    for one, other in zip(*signals):
        assert np.ptp(one) > 5
        np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING_MV)


@pytest.mark.parametrize(
    ("current", "problem"),
    [
        (dc([5], 1.0), "flows into neuron 5; the network has 3"),
        (dc([2], 1.0), "spike sources"),
        (dc([0], np.nan), "amplitude is nan"),
        (Current("x", "DCSource", np.array([0]), {"amplitude": 1.0}), "start, stop is missing"),
        (Current("x", "Battery", np.array([0])), "no kind Battery"),
        (
            Current("x", "StepCurrentSource", np.array([0]), {"times": np.ones(2), "amplitudes": np.ones(2)}),
            "not ascending",
        ),
        (
            Current("x", "StepCurrentSource", np.array([0]), {"times": np.ones(1), "amplitudes": np.ones(2)}),
            "1 times, but 2 amplitudes",
        ),
        (
            Current(
                "x",
                "NoisyCurrentSource",
                np.array([0]),
                dict(mean=0.0, stdev=1.0, start=0.0, stop=1.0, dt=0.25),
            ),
            r"every 0.25 ms is not possible with steps of 0.1 ms",
        ),
    ],
)
def test_impossible_currents_are_refused(build, current, problem):
    network = network_of(neurons("IF_curr_exp", 2), spike_array(1))
    network.currents = [current]
    with pytest.raises(InvalidInputError, match=problem):
        build(network)


def test_a_backend_without_currents_is_refused_instead_of_leaving_them_out(monkeypatch):
    class Old:
        def close(self):
            self.closed = True

    module = targets.import_module(targets.backends()["reference"])
    monkeypatch.setattr(module, "build", lambda network, options: Old())
    network = network_of(neurons("IF_curr_exp"))
    network.currents = [dc([0], 1.0)]
    with pytest.raises(NotSupportedError, match="Current sources"):
        targets.build("reference", network, Options())
