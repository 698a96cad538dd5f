"""The values of current sources, as functions of the step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.network import Current, Network, load, save
from pycosim.network.currents import current_values

NOISE = dict(mean=0.5, stdev=0.1, start=2.0, stop=400.0, dt=0.2)
WAVE = dict(amplitude=0.3, offset=0.1, frequency=12.5, phase=30.0, start=2.0, stop=90.0)


def network_with(kind, seed=1, **parameters):
    return Network(0.1, seed, currents=[Current("current", kind, np.array([], np.int64), parameters)])


def values(kind, last=1000, first=1, **parameters):
    return current_values(network_with(kind, **parameters), 0, first, last)


def test_a_pulse_flows_from_start_to_stop():
    pulse = values("DCSource", 100, amplitude=0.7, start=2.04, stop=4.96)
    expected = np.zeros(100)
    expected[20:50] = 0.7  # steps 21 to 50, that is from 2.0 to 5.0 ms
    np.testing.assert_array_equal(pulse, expected)


def test_steps_hold_until_the_next_and_the_last_for_ever():
    steps = values(
        "StepCurrentSource", 100, times=np.array([1.0, 1.04, 5.0]), amplitudes=np.array([9.0, 1.0, 2.0])
    )
    np.testing.assert_array_equal(steps, np.repeat([0.0, 1.0, 2.0], [10, 40, 50]))


def test_a_sine_begins_with_its_phase():
    wave = values("ACSource", 1000, **WAVE)
    t_ms = 0.1 * np.arange(880)
    expected = 0.1 + 0.3 * np.sin(2 * np.pi * (12.5e-3 * t_ms + 30 / 360))
    np.testing.assert_allclose(wave[20:900], expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(wave[:20], 0.0)
    np.testing.assert_array_equal(wave[900:], 0.0)


def test_noise_has_its_mean_and_deviation_and_keeps_each_value():
    noise = values("NoisyCurrentSource", 40_000, **NOISE | {"stop": 1e12})[20:]
    np.testing.assert_array_equal(noise[::2], noise[1::2])
    n = len(noise) // 2
    # Four standard errors of the mean and of the deviation; neighbours are not correlated.
    assert noise.mean() == pytest.approx(0.5, abs=4 * 0.1 / np.sqrt(n))
    assert noise.std() == pytest.approx(0.1, abs=4 * 0.1 / np.sqrt(2 * n))
    deviations = (noise[::2] - 0.5) / 0.1
    assert abs(np.mean(deviations[1:] * deviations[:-1])) < 4 / np.sqrt(n)
    assert 2.8 < np.mean(deviations**4) < 3.2


def test_noise_differs_between_seeds_and_sources():
    network = network_with("NoisyCurrentSource", **NOISE)
    network.currents.append(network.currents[0])
    one, two = (current_values(network, index, 1, 200) for index in (0, 1))
    other = current_values(network_with("NoisyCurrentSource", seed=2, **NOISE), 0, 1, 200)
    assert not np.any(one[20:] == two[20:])
    assert not np.any(one[20:] == other[20:])


@given(
    st.sampled_from([("NoisyCurrentSource", NOISE), ("ACSource", WAVE)]),
    st.lists(st.integers(1, 4999), max_size=5),
)
def test_values_do_not_depend_on_how_the_run_is_cut(source, cuts):
    kind, parameters = source
    network = network_with(kind, **parameters)
    ends = [*sorted(set(cuts)), 5000]
    parts, first = [], 1
    for last in ends:
        parts.append(current_values(network, 0, first, last))
        first = last + 1
    np.testing.assert_array_equal(np.concatenate(parts), current_values(network, 0, 1, 5000))


def test_saving_and_loading_keeps_currents(tmp_path):
    network = network_with("StepCurrentSource", times=np.array([1.0]), amplitudes=np.array([2.0]))
    network.currents[0].targets = np.array([3, 4])
    save(network, tmp_path / "network.npz")
    (current,) = load(tmp_path / "network.npz").currents
    assert (current.label, current.kind) == ("current", "StepCurrentSource")
    np.testing.assert_array_equal(current.targets, [3, 4])
    np.testing.assert_array_equal(current.parameters["amplitudes"], [2.0])
