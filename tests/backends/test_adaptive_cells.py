"""Cells with adaptation, exponential or quadratic membranes, and channels, against SciPy's integrators."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pycosim.backends.base import Options
from pycosim.errors import InvalidInputError
from pycosim.frontend.cells import cell_types, state_of
from pycosim.network import Population, Recording, model_named
from pycosim.testing.networks import deterministic_network

from .backend_networks import connect, network_of, spike_array

CELLS = {
    "IF_cond_exp_gsfa_grr": 0.3,
    "IF_facets_hardware1": None,
    "EIF_cond_exp_isfa_ista": 0.3,
    "EIF_cond_alpha_isfa_ista": 0.3,
    "HH_cond_exp": 0.2,
    "Izhikevich": 0.002,
}
"""Currents in nA that move the membrane by some mV without a spike (none where there is no current)."""


def cell(name, size=1, **changed):
    """A population with PyNN's default parameters and initial values, recording everything."""
    base = cell_types()[name]
    values = base.default_parameters | changed
    return Population(
        name,
        name,
        size,
        parameters=values,
        initial={state_of(name, key): value for key, value in base.default_initial_values.items()},
        recordings={
            variable: Recording(np.arange(size)) for variable in ("spikes", *model_named(name).recordables)
        },
    )


def run(build, *populations, steps, dt_ms=0.1, arrivals=()):
    network = network_of(*populations, dt_ms=dt_ms)
    for pre, weight, receptor in arrivals:
        connect(network, pre, 0, weight, 1, receptor)
    simulation = build(network)
    simulation.advance(steps)
    return simulation


def solved(slopes, start, times):
    return solve_ivp(
        slopes, (times[0], times[-1]), start, t_eval=times, method="LSODA", rtol=1e-11, atol=1e-12
    ).y


def eif_slopes(current, **changed):
    p = cell_types()["EIF_cond_exp_isfa_ista"].default_parameters | changed
    g_leak = p["cm"] / p["tau_m"]

    def slopes(t, state):
        v, w = state
        rise = g_leak * p["delta_T"] * np.exp((v - p["v_thresh"]) / p["delta_T"])
        dv = (g_leak * (p["v_rest"] - v) + rise - w + current) / p["cm"]
        return dv, (1e-3 * p["a"] * (v - p["v_rest"]) - w) / p["tau_w"]

    return slopes


def izhikevich_slopes(current):
    def slopes(t, state):
        v, u = state
        return 0.04 * v * v + 5 * v + 140 - u + 1000 * current, 0.02 * (0.2 * v - u)

    return slopes


def hh_slopes(current):
    p = cell_types()["HH_cond_exp"].default_parameters

    def slopes(t, state):
        v, m, h, n = state
        x = v - p["v_offset"]
        g_na, g_k = p["gbar_Na"] * m**3 * h, p["gbar_K"] * n**4
        channels = g_na * (p["e_rev_Na"] - v) + g_k * (p["e_rev_K"] - v) + p["g_leak"] * (p["e_rev_leak"] - v)
        rates = (
            (0.32 * (13 - x) / np.expm1((13 - x) / 4), 0.28 * (x - 40) / np.expm1((x - 40) / 5)),
            (0.128 * np.exp((17 - x) / 18), 4 / (1 + np.exp((40 - x) / 5))),
            (0.032 * (15 - x) / np.expm1((15 - x) / 5), 0.5 * np.exp((10 - x) / 40)),
        )
        gates = [opens * (1 - gate) - closes * gate for (opens, closes), gate in zip(rates, (m, h, n))]
        return (channels + current) / p["cm"], *gates

    return slopes


def error(simulation, expected, variable="v"):
    return np.abs(simulation.signal(0, variable)[: len(expected), 0] - expected).max()


def test_eif_membrane_and_adaptation_follow_the_equations_up_to_the_first_spike(build):
    simulation = run(build, cell("EIF_cond_exp_isfa_ista", i_offset=0.8), steps=1000)
    first = simulation.spikes(0)[0][0]
    v, w = solved(eif_slopes(0.8), (-70.6, 0.0), 0.1 * np.arange(first - 5))
    # Runge-Kutta with sub-steps of 0.05 ms: largest where the membrane begins to run away.
    assert error(simulation, v) < 2e-6
    assert error(simulation, w, "w") < 1e-9


@pytest.mark.parametrize("model", ["EIF_cond_exp_isfa_ista", "EIF_cond_alpha_isfa_ista"])
def test_eif_spike_times_agree_with_those_of_a_fine_step(build, model):
    coarse = run(build, cell(model, i_offset=0.8, b=0.05), steps=5000)
    fine = run(build, cell(model, i_offset=0.8, b=0.05), steps=50000, dt_ms=0.01)
    times, expected = coarse.spikes(0)[0] * 0.1, fine.spikes(0)[0] * 0.01
    assert len(times) == len(expected) > 5
    # Every spike and its reset waits for the end of a step: at most a step each, and adaptation forgets it.
    assert np.abs(times - expected).max() < 0.1 * len(times)
    np.testing.assert_allclose(np.diff(times), np.diff(expected), atol=0.15)


def test_eif_adds_b_at_a_spike_and_adapts_during_the_refractory_period(build):
    simulation = run(build, cell("EIF_cond_exp_isfa_ista", i_offset=1.0, tau_refrac=5.0), steps=600)
    first = simulation.spikes(0)[0][0]
    v, w = simulation.signal(0, "v")[:, 0], simulation.signal(0, "w")[:, 0]
    np.testing.assert_array_equal(v[first : first + 51], -70.6)
    # With v at v_rest nothing drives w, which decays with tau_w from where the spike has put it.
    decayed = w[first] * np.exp(-0.1 * np.arange(51) / 144.0)
    np.testing.assert_allclose(w[first : first + 51], decayed, rtol=1e-12)
    assert w[first] - w[first - 1] == pytest.approx(0.0805, abs=1e-3)


def test_eif_without_slope_factor_is_a_leaky_cell_with_the_threshold_v_thresh(build):
    parameters = dict(delta_T=0.0, a=0.0, b=0.0, v_thresh=-60.0, v_spike=0.0)
    simulation = run(build, cell("EIF_cond_exp_isfa_ista", i_offset=0.5, **parameters), steps=200)
    rise = 0.5 * 9.3667 / 0.281
    expected = -9.3667 * np.log(1 - 10.6 / rise)
    assert simulation.spikes(0)[0][0] == np.ceil(expected / 0.1)


def test_izhikevich_membrane_follows_the_equations_up_to_the_first_spike(build):
    simulation = run(build, cell("Izhikevich", i_offset=0.01), steps=1000)
    first = simulation.spikes(0)[0][0]
    v, u = solved(izhikevich_slopes(0.01), (-70.0, -14.0), 0.1 * np.arange(first))
    rises = np.flatnonzero(v > -40)[0]
    # Runge-Kutta with steps of 0.1 ms.
    assert error(simulation, v[:rises]) < 2e-6
    assert error(simulation, v) < 1e-2  # at the end it rises by 190 mV/ms: 0.04 us late
    assert error(simulation, u, "u") < 2e-5


def test_izhikevich_resets_and_fires_regularly(build):
    simulation = run(build, cell("Izhikevich", i_offset=0.01, d=8.0), steps=5000)
    steps = simulation.spikes(0)[0]
    v, u = simulation.signal(0, "v")[:, 0], simulation.signal(0, "u")[:, 0]
    np.testing.assert_array_equal(v[steps], -65.0)
    np.testing.assert_allclose(u[steps] - u[steps - 1], 8.0, atol=0.1)
    assert np.ptp(np.diff(steps)[3:]) <= 1
    assert v.max() < 30.0


@pytest.mark.parametrize("dt_ms", [0.1, 0.5, 1.0])
def test_izhikevich_rate_does_not_depend_on_the_step(build, dt_ms):
    simulation = run(build, cell("Izhikevich", i_offset=0.01, d=8.0), steps=round(1000 / dt_ms), dt_ms=dt_ms)
    # 23 spikes with 0.01 ms; every spike is late by half a step on average.
    assert abs(len(simulation.spikes(0)[0]) - 23) <= 1


def test_izhikevich_synapses_move_the_membrane_at_once(build):
    simulation = run(build, cell("Izhikevich"), spike_array(9), steps=20, arrivals=[(1, 5.0, "excitatory")])
    v = simulation.signal(0, "v")[:, 0]
    assert v[10] - v[9] == pytest.approx(5.0, abs=0.01)


def test_hodgkin_huxley_spike_follows_the_equations(build):
    simulation = run(build, cell("HH_cond_exp", i_offset=0.5), steps=300)
    times = 0.1 * np.arange(301)
    v, m, h, n = solved(hh_slopes(0.5), (-65.0, 0.0, 1.0, 0.0), times)
    assert v.max() > 40
    # Sub-steps of 0.01 ms, second order: the upstroke of 940 mV/ms comes 0.002 ms early or late.
    assert error(simulation, v) < 2.0
    quiet = np.abs(np.gradient(v, 0.1)) < 10
    assert np.abs(simulation.signal(0, "v")[:, 0] - v)[quiet].max() < 0.05
    for gate, expected in zip("mhn", (m, h, n)):
        assert error(simulation, expected, gate) < 0.01
    np.testing.assert_array_equal(simulation.spikes(0)[0], np.flatnonzero((v[1:] >= 10) & (v[:-1] < 10)) + 1)


def test_hodgkin_huxley_is_of_second_order(build):
    def late(dt_ms):
        """v at 0.7 ms, on the way up, with sub-steps of dt_ms."""
        return run(build, cell("HH_cond_exp", i_offset=0.5), steps=round(20 / dt_ms), dt_ms=dt_ms).state(
            0, "v"
        )

    exact = solved(hh_slopes(0.5), (-65.0, 0.0, 1.0, 0.0), np.array([0.0, 20.0]))[0, -1]
    errors = [abs(late(dt_ms)[0] - exact) for dt_ms in (0.01, 0.005)]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)


def test_hodgkin_huxley_spikes_shorter_than_a_step_are_found(build):
    """Spikes are above the threshold for 0.5 ms; there are as many with steps of 0.1 and of 1 ms."""
    counts = [
        len(run(build, cell("HH_cond_exp", i_offset=0.5), steps=round(500 / dt), dt_ms=dt).spikes(0)[0])
        for dt in (0.1, 1.0)
    ]
    assert counts[0] == counts[1] > 20


def test_adaptation_conductances_grow_with_spikes_and_slow_the_cell_down(build):
    # 0.9 nA and the default 15 nS and 3000 nS of the model.
    simulation = run(build, cell("IF_cond_exp_gsfa_grr", i_offset=1.2), steps=5000)
    steps = simulation.spikes(0)[0]
    g_s, g_r = (simulation.signal(0, name)[:, 0] for name in ("g_s", "g_r"))
    decay_s, decay_r = np.exp(-0.1 / 100), np.exp(-0.1 / 2)
    np.testing.assert_allclose(g_s[steps], g_s[steps - 1] * decay_s + 15.0, rtol=1e-12)
    np.testing.assert_allclose(g_r[steps], g_r[steps - 1] * decay_r + 3000.0, rtol=1e-12)
    intervals = np.diff(steps)
    assert intervals[-1] > 1.5 * intervals[0]


def test_adaptation_conductances_act_as_in_a_fine_integration(build):
    population = cell("IF_cond_exp_gsfa_grr", v_thresh=0.0, i_offset=0.5)
    population.initial |= {"g_s": 30.0, "g_r": 500.0}
    simulation = run(build, population, steps=500)

    def slopes(t, state):
        (v,) = state
        adapting = 0.03 * np.exp(-t / 100) * (-75 - v) + 0.5 * np.exp(-t / 2) * (-75 - v)
        return ((-65 - v) / 20 + adapting + 0.5,)

    (v,) = solved(slopes, (-65.0,), 0.1 * np.arange(501))
    # Second order: (0.1 ms / tau_rr)^2 / 12 is 2e-4, of the 10 mV by which the conductance pulls.
    assert error(simulation, v) < 2e-3


def test_facets_cell_is_a_conductance_cell_with_fixed_constants(build):
    parameters = dict(g_leak=40.0, tau_syn_E=30.0, tau_syn_I=30.0, v_reset=-80.0, e_rev_I=-80.0)
    parameters |= dict(v_rest=-65.0, v_thresh=-55.0)
    same = parameters | dict(cm=0.2, tau_m=5.0, tau_refrac=1.0, e_rev_E=0.0, i_offset=0.0)
    del same["g_leak"]
    twin = Population("twin", "IF_cond_exp", 1, parameters=same, recordings={"v": Recording(np.arange(1))})
    network = network_of(cell("IF_facets_hardware1", **parameters), twin, spike_array(10, 50, 90))
    for target in (0, 1):
        connect(network, 2, target, 0.02, 1)
    simulation = build(network)
    simulation.advance(400)
    np.testing.assert_array_equal(simulation.signal(0, "v"), simulation.signal(1, "v"))
    assert len(simulation.spikes(0)[0])


@pytest.mark.parametrize("model", CELLS)
def test_one_cell_of_many_behaves_like_the_only_one(build, model):
    current = {} if CELLS[model] is None else {"i_offset": CELLS[model]}
    alone = run(build, cell(model, **current), steps=200)
    many = cell(model, 131, **{name: np.full(131, value) for name, value in current.items()})
    many.parameters["tau_syn_E" if "tau_syn_E" in many.parameters else "a"] = np.full(
        131, many.parameters.get("tau_syn_E", many.parameters.get("a"))
    )
    together = run(build, many, steps=200)
    # A vectorised loop and its scalar rest, equal and distinct constants: the same bits.
    np.testing.assert_array_equal(together.signal(0, "v"), np.repeat(alone.signal(0, "v"), 131, axis=1))


@pytest.mark.parametrize("model", CELLS)
def test_threads_do_not_change_a_bit(model):
    from pycosim.backends import native

    signals = []
    for threads in (1, 3):
        simulation = native.build(deterministic_network(model), Options(threads=threads))
        simulation.advance(300)
        signals.append((*simulation.spikes(0), simulation.signal(0, "v")))
        simulation.close()
    for one, three in zip(*signals):
        np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize(("model", "parameter"), [("EIF_cond_exp_isfa_ista", "tau_w"), ("HH_cond_exp", "cm")])
def test_impossible_values_are_refused(build, model, parameter):
    with pytest.raises(InvalidInputError, match=parameter):
        build(network_of(cell(model, **{parameter: 0.0})))


@pytest.mark.parametrize("model", CELLS)
def test_brian2_has_the_same_equations(model):
    from pycosim.backends import brian2, reference

    signals = []
    for backend, options in ((reference, {}), (brian2, {"codegen": "numpy"})):
        network = deterministic_network(model)
        simulation = backend.build(network, Options(overrides=options))
        simulation.advance(150)
        states = [simulation.state(0, state) for state in model_named(model).states]
        signals.append((*simulation.spikes(0), simulation.signal(0, "v"), *states))
        simulation.close()
    assert len(signals[0][0])
    for one, other in zip(*signals):
        # The order of additions differs; steep membranes enlarge its rounding.
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
