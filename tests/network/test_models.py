"""The coefficients of the model library, against integrals and limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from pycosim.errors import NotSupportedError
from pycosim.network import MODELS, NeuronModel, model_named
from pycosim.network.models import alpha_response, decay, exponential_response
from pycosim.testing.networks import parameters_of

TIMES = st.floats(0.5, 100.0)
STEPS = st.floats(0.01, 1.0)
# Quadrature by SciPy is asked for 1e-12; the rest is rounding.
RELATIVE = 1e-10

PARAMETERS = {
    **{"v_rest": -70.0, "cm": 0.25, "tau_m": 12.0, "tau_refrac": 2.0, "i_offset": 0.3},
    **{
        "v_reset": -68.0,
        "v_thresh": -50.0,
        "tau_syn_E": 3.0,
        "tau_syn_I": 7.0,
        "e_rev_E": 0.0,
        "e_rev_I": -80.0,
    },
}


@given(TIMES, TIMES, st.floats(0.01, 2.0), STEPS)
def test_the_response_to_an_exponential_current_is_its_integral(tau_m, tau_s, cm, dt):
    integral = quad(lambda s: np.exp(-(dt - s) / tau_m - s / tau_s) / cm, 0, dt, epsabs=0, epsrel=1e-12)[0]
    np.testing.assert_allclose(exponential_response(tau_m, tau_s, cm, dt), integral, rtol=RELATIVE)


@given(TIMES, TIMES, st.floats(0.01, 2.0), STEPS)
def test_the_response_to_an_alpha_current_is_its_integral(tau_m, tau_s, cm, dt):
    integral = quad(lambda s: np.exp(-(dt - s) / tau_m - s / tau_s) * s / cm, 0, dt, epsabs=0, epsrel=1e-12)[
        0
    ]
    np.testing.assert_allclose(alpha_response(tau_m, tau_s, cm, dt), integral, rtol=RELATIVE)


@pytest.mark.parametrize("response", [exponential_response, alpha_response])
@given(tau=TIMES, dt=STEPS, exponent=st.integers(3, 16))
def test_responses_are_continuous_where_the_time_constants_become_equal(response, tau, dt, exponent):
    apart = 10.0**-exponent
    equal = response(tau, tau, 1.0, dt)
    # the response changes by less than dt/tau times the relative change of a time constant
    np.testing.assert_allclose(
        response(tau, tau * (1 + apart), 1.0, dt), equal, rtol=apart * dt / tau + 1e-13
    )


def test_equal_time_constants_have_the_closed_form():
    # t e^(-t/tau) / cm, and t^2/2 e^(-t/tau) / cm
    assert exponential_response(10.0, 10.0, 0.5, 2.0) == pytest.approx(2 * np.exp(-0.2) / 0.5, rel=1e-14)
    assert alpha_response(10.0, 10.0, 0.5, 2.0) == pytest.approx(2 * np.exp(-0.2) / 0.5, rel=1e-14)


@given(TIMES, st.floats(0.01, 1.0), st.integers(1, 50))
def test_decay_over_many_steps_is_that_over_the_whole_time(tau, dt, n):
    np.testing.assert_allclose(decay(tau, dt) ** n, np.exp(-n * dt / tau), rtol=1e-12)


@pytest.mark.parametrize("name", ["IF_curr_exp", "IF_curr_alpha", "IF_curr_delta"])
def test_a_constant_current_moves_the_membrane_as_the_equation_says(name):
    k, dt = MODELS[name].coefficients(PARAMETERS, 0.1), 0.1
    v = PARAMETERS["v_rest"] + 4.0  # mV above rest
    after = PARAMETERS["v_rest"] + 4.0 * k["decay_m"] + k["drive"]
    solution = solve_ivp(lambda _, v: (-70.0 - v) / 12.0 + 0.3 / 0.25, (0, dt), [v], rtol=1e-12, atol=1e-12)
    assert after == pytest.approx(solution.y[0, -1], abs=1e-10)


@pytest.mark.parametrize(("name", "weight"), [("IF_curr_exp", 0.8), ("IF_curr_alpha", 0.8)])
def test_a_step_with_a_synaptic_current_is_exact_for_any_step(name, weight):
    """One step of 5 ms equals the solution of the differential equation, for both receptors."""
    dt = 5.0
    k = MODELS[name].coefficients(PARAMETERS | {"i_offset": 0.0}, dt)
    for receptor, tau in (("e", 3.0), ("i", 7.0)):
        if name == "IF_curr_exp":
            change = weight * k[f"v_per_i_{receptor}"]
            current = lambda t, tau=tau: weight * np.exp(-t / tau)  # noqa: E731
        else:
            change = weight * k[f"v_per_di_{receptor}"]
            current = lambda t, tau=tau: weight * t / tau * np.exp(1 - t / tau)  # noqa: E731
        slope = lambda t, u: -u / 12.0 + current(t) / 0.25  # noqa: E731, B023
        solution = solve_ivp(slope, (0, dt), [0.0], rtol=1e-11, atol=1e-12)
        assert change == pytest.approx(solution.y[0, -1], rel=1e-8)


def test_the_weight_of_an_alpha_synapse_is_the_peak_of_its_response():
    for name in ("IF_curr_alpha", "IF_cond_alpha"):
        k = MODELS[name].coefficients(PARAMETERS, 0.1)
        for receptor, tau in (("e", 3.0), ("i", 7.0)):
            response, slope = [0.0], 1.0
            for _ in range(100):
                response.append((response[-1] + slope * k[f"rise_{receptor}"]) * k[f"decay_{receptor}"])
                slope *= k[f"decay_{receptor}"]
            assert max(response) == pytest.approx(1.0, rel=1e-12)  # tau is a multiple of the step
            assert np.argmax(response) == pytest.approx(tau / 0.1, abs=0.01)


def test_the_rule_of_mean_conductances_is_of_second_order():
    """Halving the step divides the error by 4, within the next order's share."""
    tau, g0, end = 3.0, 0.02, 4.0
    g_leak = 0.25 / 12.0

    def slope(t, v):
        return (g_leak * (-70.0 - v) + 0.3 + g0 * np.exp(-t / tau) * (0.0 - v)) / 0.25

    exact = solve_ivp(slope, (0, end), [-60.0], rtol=1e-12, atol=1e-12).y[0, -1]
    errors = []
    for dt in (0.2, 0.1, 0.05):
        k = MODELS["IF_cond_exp"].coefficients(PARAMETERS, dt)
        v, g = -60.0, g0
        for _ in range(round(end / dt)):
            mean = g * k["mean_e"]
            total = k["g_leak"] + mean
            v_inf = (k["drive"] + mean * k["e_rev_e"]) / total
            v, g = v_inf + (v - v_inf) * np.exp(-total * k["dt_over_cm"]), g * k["decay_e"]
        errors.append(abs(v - exact))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


@given(TIMES, st.floats(0.01, 5.0))
def test_conductances_act_with_their_mean_over_the_step(tau, dt):
    k = MODELS["IF_cond_alpha"].coefficients(PARAMETERS | {"tau_syn_E": tau}, dt)
    # An alpha response that is at 2 and rises at 3 e/tau per ms; 40 nodes are exact to rounding where
    # dt < 20 tau.
    rise = 3.0 * np.e / tau
    mean = quad(lambda t: (2.0 + rise * t) * np.exp(-t / tau), 0.0, dt, epsabs=0.0, epsrel=1e-12)[0] / dt
    assert 2.0 * k["mean_e"] + 3.0 * k["mean_rise_e"] == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if isinstance(model, NeuronModel)])
def test_coefficients_of_columns_are_those_of_each_neuron(name):
    model = MODELS[name]
    values = parameters_of(name)
    columns = {key: np.array([value, np.asarray(value) * 1.3 + 0.1]) for key, value in values.items()}
    together = model.coefficients(columns, 0.1)
    for neuron in (0, 1):
        alone = model.coefficients({key: column[neuron] for key, column in columns.items()}, 0.1)
        for key, value in together.items():
            np.testing.assert_array_equal(np.broadcast_to(value, 2)[neuron], alone[key])


@pytest.mark.parametrize(("tau_refrac", "steps"), [(2.0, 20), (0.0, 0), (0.14, 1), (0.16, 2), (0.3, 3)])
def test_refractory_time_is_rounded_to_the_nearest_step(tau_refrac, steps):
    parameters = PARAMETERS | {"tau_refrac": tau_refrac}
    assert MODELS["IF_curr_exp"].coefficients(parameters, 0.1)["refractory_steps"] == steps


def test_what_a_model_says_of_itself_fits_together():
    for name, model in MODELS.items():
        assert model.name == name
        if isinstance(model, NeuronModel):
            assert model.states[0] == "v"
            assert set(model.receptors.values()) <= set(model.states)
            assert {state for state, _ in model.recordables.values()} <= set(model.states)
            assert set(model.initial) <= set(model.states)
            coefficients = set(model.coefficients(parameters_of(name), 0.1))
            assert {*model.jumps.values(), *model.spike_jumps.values()} <= coefficients
            assert {"drive", "drive_per_na", "v_thresh"} <= coefficients


def test_an_unknown_model_is_named_with_those_that_exist():
    with pytest.raises(NotSupportedError, match=r"NoSuchCell is not supported.*IF_cond_alpha"):
        model_named("NoSuchCell")
