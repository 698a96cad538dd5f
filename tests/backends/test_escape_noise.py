"""Neurons that fire at random: GIF_cond_exp and IFCondExpStoc."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim import _core
from pycosim.errors import InvalidInputError
from pycosim.network import Population, Recording
from pycosim.network.noise import escape_noise, noise_key
from pycosim.testing.networks import parameters_of

from .backend_networks import network_of

QUIET = {"a_eta": (0.0, 0.0, 0.0), "a_gamma": (0.0, 0.0, 0.0)}


def gif(size=1, model="GIF_cond_exp", recorded=("spikes",), **parameters):
    values = parameters_of(model) | parameters
    values = {n: np.tile(v, (size, 1)) if isinstance(v, tuple) else v for n, v in values.items()}
    recordings = {name: Recording(np.arange(size)) for name in recorded}
    return Population("gif", model, size, parameters=values, recordings=recordings)


def advanced(build, population, steps, dt_ms=0.1, seed=1):
    simulation = build(network_of(population, dt_ms=dt_ms, seed=seed))
    simulation.advance(steps)
    return simulation


@given(seed=st.integers(0, 2**64 - 1), neuron=st.integers(0, 2**32 - 1), step=st.integers(0, 2**33))
@settings(max_examples=50, deadline=None)
def test_the_noise_is_philox_of_neuron_and_step(seed, neuron, step):
    key = noise_key(seed)
    words = _core.philox4x32((step & 0xFFFFFFFF, step >> 32, neuron, 0), key)
    expected = ((words[0] << 32 | words[1]) >> 11) * 2.0**-53
    assert escape_noise(key, [neuron], step)[0] == expected


@pytest.mark.parametrize("tau_refrac", [0.0, 4.0])
def test_the_rate_of_a_resting_neuron_is_that_of_its_hazard(build, tau_refrac):
    """The membrane stays 2 mV below the threshold: 100 Hz exp(-2/2), and as long a pause after each spike."""
    size, steps = 200, 2000
    still = {"v_rest": -50.0, "v_reset": -50.0, "v_t_star": -48.0, "delta_v": 2.0, "lambda0": 100.0}
    population = gif(size, tau_refrac=tau_refrac, **still, **QUIET)
    population.initial["v"] = -50.0
    n_spikes = len(advanced(build, population, steps).spikes(0)[0])
    p = 1 - np.exp(-1e-4 * 100 * np.exp(-1))
    refractory_steps = round(tau_refrac / 0.1)
    expected = size * steps / (1 / p + refractory_steps)
    # Renewal theory: the variance of the count is at most its mean. 4.5 standard deviations.
    assert abs(n_spikes - expected) < 4.5 * np.sqrt(expected)


def test_intervals_of_a_neuron_with_constant_hazard_are_geometric(build):
    still = {"v_rest": -48.0, "v_reset": -48.0, "v_t_star": -48.0, "lambda0": 500.0, "tau_refrac": 0.0}
    population = gif(100, **still, **QUIET)
    population.initial["v"] = -48.0
    steps, neurons = advanced(build, population, 2000).spikes(0)
    intervals = np.concatenate([np.diff(steps[neurons == i]) for i in range(100)])
    p = 1 - np.exp(-1e-4 * 500)
    ks = np.arange(1, 60)
    found = np.searchsorted(np.sort(intervals), ks, side="right") / len(intervals)
    # Kolmogorov-Smirnov at a level of 1e-4.
    assert np.abs(found - (1 - (1 - p) ** ks)).max() < 2.2 / np.sqrt(len(intervals))


def simulated(parameters, dt_ms, steps):
    """A plain simulation of one neuron with a sharp threshold, by tiny Euler steps within each step."""
    tau_eta, tau_gamma = np.array([1.0, 10.0, 100.0]), np.array([1.0, 10.0, 100.0])
    v, eta, gamma, left = -65.0, np.zeros(3), np.zeros(3), 0
    spikes, fine = [], 20
    for step in range(1, steps + 1):
        for _ in range(fine):
            h = dt_ms / fine
            v += h * ((-65.0 - v) / 20.0 + (0.6 - eta.sum()) / 1.0)
            eta, gamma = eta - h * eta / tau_eta, gamma - h * gamma / tau_gamma
        if left > 0:
            v, left = -65.0, left - 1
        elif v >= -55.0 + gamma.sum():
            spikes.append(step)
            v, left = -65.0, round(4.0 / dt_ms)
            eta, gamma = eta + parameters["a_eta"], gamma + parameters["a_gamma"]
    return spikes


@pytest.mark.parametrize("jumps", [{"a_eta": (0.1, 0.1, 0.1)}, {"a_gamma": (5.0, 5.0, 5.0)}])
def test_with_a_sharp_threshold_spikes_are_those_of_a_plain_simulation(build, jumps):
    cell = {"v_rest": -65.0, "cm": 1.0, "tau_m": 20.0, "tau_refrac": 4.0, "v_reset": -65.0, "i_offset": 0.6}
    slow = {"tau_eta": (1.0, 10.0, 100.0), "tau_gamma": (1.0, 10.0, 100.0)}
    sharp = {"delta_v": 1e-6, "v_t_star": -55.0, "lambda0": 1.0}
    parameters = cell | slow | sharp | QUIET | jumps
    simulation = advanced(build, gif(recorded=("spikes", "v_t", "i_eta"), **parameters), 2000, dt_ms=0.1)
    found, expected = simulation.spikes(0)[0], simulated(parameters, 0.1, 2000)
    assert len(found) == len(expected) >= 2
    # Euler's error of some 5e-3 ms may put a crossing into the next step.
    assert np.abs(found - expected).max() <= 1
    threshold, current = simulation.signal(0, "v_t")[:, 0], simulation.signal(0, "i_eta")[:, 0]
    assert threshold[found[0]] == pytest.approx(-55.0 + sum(parameters["a_gamma"]), abs=1e-12)
    assert current[found[0]] == pytest.approx(sum(parameters["a_eta"]), abs=1e-12)


def test_another_seed_gives_other_spikes_and_the_same_seed_the_same(build):
    one, same, other = (
        advanced(build, gif(50, i_offset=0.2), 1000, seed=seed).spikes(0) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert len(one[0]) > 20
    assert not np.array_equal(one[0], other[0])


def test_a_stochastic_threshold_saturates_at_eight_tenths(build):
    """Far above the threshold the probability of a step is 0.8, as in sPyNNaker."""
    values = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": -50.0, "du_th": 0.5, "tau_refrac": 0.0}
    population = gif(300, model="IFCondExpStoc", **values)
    population.initial["v"] = 0.0
    n_spikes = len(advanced(build, population, 100).spikes(0)[0])
    assert abs(n_spikes - 0.8 * 30_000) < 4.5 * np.sqrt(0.16 * 30_000)


def test_components_of_the_wrong_number_are_refused(build):
    with pytest.raises(InvalidInputError, match="tau_eta has 2 values"):
        build(network_of(gif(tau_eta=(1.0, 2.0))))
    with pytest.raises(InvalidInputError, match="tau_gamma has the value 0"):
        build(network_of(gif(tau_gamma=(1.0, 0.0, 2.0))))
