"""Where a step is short native takes polynomials: with NumPy's functions on both sides of the limits."""

import numpy as np
import pytest

from pycosim.backends import native, reference
from pycosim.backends.base import Options
from pycosim.frontend.cells import cell_types, state_of
from pycosim.network import Network, Population, Recording, model_named

N = 300  # two blocks of neurons and a part of one


def cells(model, initial, **changed):
    """A population at the given values of its states, recording everything."""
    base = cell_types()[model]
    first = {state_of(model, name): value for name, value in base.default_initial_values.items()}
    recorded = ("spikes", *model_named(model).recordables)
    return Population(
        model,
        model,
        N,
        parameters=base.default_parameters | changed,
        initial=first | initial,
        recordings={name: Recording(np.arange(N)) for name in recorded},
    )


def outcome(backend, population, dt_ms, steps=10):
    """Return the spikes and all recorded signals."""
    simulation = backend.build(Network(dt_ms=dt_ms, populations=[population]), Options())
    simulation.advance(steps)
    signals = {name: simulation.signal(0, name) for name in model_named(population.model).recordables}
    spikes = simulation.spikes(0)
    simulation.close()
    return spikes, signals


def assert_agreement(population, dt_ms, **tolerance):
    spikes, signals = outcome(native, population, dt_ms)
    expected_spikes, expected = outcome(reference, population, dt_ms)
    for one, other in zip(spikes, expected_spikes):
        np.testing.assert_array_equal(one, other)
    for name, values in expected.items():
        assert np.isfinite(values).all()
        np.testing.assert_allclose(signals[name], values, err_msg=name, **tolerance)
    return signals


@pytest.mark.parametrize(
    "model", ["IF_cond_exp", "IF_cond_alpha", "IF_cond_exp_gsfa_grr", "IF_facets_hardware1"]
)
@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
def test_conductances_of_any_strength_move_the_membrane_as_in_the_reference(model, dt_ms):
    # From a thousandth of the leak to a step of 200 time constants.
    strengths = np.random.default_rng(1).permutation(np.geomspace(5e-5, 2000.0, N))
    population = cells(model, {"g_i": strengths, "g_e": strengths[::-1] / 50.0})
    # The polynomial of a short step is within 3.2e-12 of what moves a membrane, by less than 30 mV.
    assert_agreement(population, dt_ms, rtol=1e-12, atol=1e-10)


def test_a_strong_conductance_does_not_change_the_bits_of_other_neurons():
    v = np.linspace(-70.0, -51.0, N)
    weak = np.full(N, 0.01)
    strong = np.where(np.arange(N) == 40, 100.0, weak)
    alone, beside = (
        outcome(native, cells("IF_cond_exp", {"v": v, "g_e": g}, v_thresh=0.0), 0.1)[1]["v"]
        for g in (weak, strong)
    )
    others = np.arange(N) != 40
    assert np.abs(alone[1, 40] - beside[1, 40]) > 10
    np.testing.assert_array_equal(alone[:, others], beside[:, others])


@pytest.mark.parametrize("dt_ms", [0.1, 0.005])
def test_channels_at_any_membrane_open_and_close_as_in_the_reference(dt_ms):
    # Rates lose their usual bounds beyond -153 and 87 mV; they have singular points at -50, -48 and -23 mV.
    v = np.concatenate(
        [
            np.linspace(-600.0, 500.0, N - 90),
            *(at + np.linspace(-0.03, 0.03, 30) for at in (-50.0, -48.0, -23.0)),
        ]
    )
    population = cells("HH_cond_exp", {"v": np.random.default_rng(1).permutation(v)})
    # The quotients of two small numbers near the singular points keep 11 digits.
    assert_agreement(population, dt_ms, rtol=1e-9, atol=1e-9)


def test_strong_conductances_pull_a_membrane_with_channels_as_in_the_reference():
    strengths = np.geomspace(1e-3, 1e4, N)
    assert_agreement(cells("HH_cond_exp", {"g_e": strengths}), 0.1, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", ["EIF_cond_exp_isfa_ista", "EIF_cond_alpha_isfa_ista"])
@pytest.mark.parametrize(
    "changed", [{}, {"delta_T": 0.1}, {"v_spike": 40.0}, {"delta_T": 30.0, "v_spike": 0.0}]
)
def test_membranes_that_run_away_do_so_as_in_the_reference(model, changed):
    v = np.random.default_rng(1).permutation(np.linspace(-90.0, -40.1, N))
    population = cells(model, {"v": v}, tau_refrac=0.3, **changed)
    # What runs away enlarges the rounding of one step by e^10 in the next.
    assert_agreement(population, 0.1, rtol=1e-9, atol=1e-7)


def test_a_neuron_that_runs_away_does_not_change_the_bits_of_others():
    quiet = np.linspace(-75.0, -60.0, N)
    other = np.where(np.arange(N) % 40 == 7, -41.0, quiet)
    alone, beside = (
        outcome(native, cells("EIF_cond_exp_isfa_ista", {"v": v}), 0.1)[1]["v"] for v in (quiet, other)
    )
    same = quiet == other
    np.testing.assert_array_equal(alone[:, same], beside[:, same])
