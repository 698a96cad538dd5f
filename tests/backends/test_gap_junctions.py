"""Gap junctions on the backends that have them, against closed forms and fine integrations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from pycosim.backends import native, reference
from pycosim.backends.base import CoupledSimulation, Options
from pycosim.errors import ConnectivityError, NotSupportedError
from pycosim.hwmodels import simulation as chips
from pycosim.network import (
    MODELS,
    Current,
    GapJunctions,
    NeuronModel,
    Population,
    Recording,
    load,
    model_named,
    save,
)
from pycosim.testing.networks import REPRESENTATIVE, parameters_of

from .backend_networks import assert_identical, network_of, neurons, random_network, recorded, spike_array
from .test_adaptive_cells import cell, eif_slopes, hh_slopes, izhikevich_slopes, solved

# Rounding of membranes near 65 mV, some hundred times; the engine's exp is not NumPy's.
ROUNDING_MV = 1e-9
MODELS_WITH_DYNAMICS = [name for name, model in MODELS.items() if isinstance(model, NeuronModel)]


def junctions(pairs, weights):
    sources, targets = np.array(sorted(pairs), np.int32).reshape(-1, 2).T
    return GapJunctions("gap", sources, targets, weights)


def coupled(build, network, pairs, weights, steps, **options):
    network.junctions.append(junctions(pairs, weights))
    simulation = build(network, **options)
    simulation.advance(steps)
    return simulation


def passive(dt_ms):
    """Three passive cells with different constants that begin far from rest."""
    current = neurons(
        "IF_curr_exp", 2, tau_m=np.array([20.0, 10.0]), cm=np.array([1.0, 0.5]), v_thresh=1000.0
    )
    current.initial["v"] = np.array([-65.0, -30.0])
    conductance = neurons("IF_cond_exp", v=-90.0, tau_m=15.0, cm=0.7, v_thresh=1000.0)
    return network_of(current, conductance, dt_ms=dt_ms)


def passive_error(build, dt_ms, g=0.02, t_ms=40.0):
    """Largest difference from the solution of the linear equations, in mV."""
    n = round(t_ms / dt_ms)
    simulation = coupled(build, passive(dt_ms), [(0, 1), (0, 2), (1, 2)], g, n)
    cm, tau_m = np.array([1.0, 0.5, 0.7]), np.array([20.0, 10.0, 15.0])
    rates = (g * (np.ones((3, 3)) - 3 * np.eye(3)) - np.diag(cm / tau_m)) / cm[:, np.newaxis]
    start = np.array([0.0, 35.0, -25.0])
    expected = -65 + np.array([expm(rates * dt_ms * k) @ start for k in range(n + 1)])
    measured = np.hstack([simulation.signal(0, "v"), simulation.signal(1, "v")])
    return np.abs(measured - expected).max()


def test_passive_membranes_follow_the_closed_form_with_an_error_of_second_order(build):
    errors = [passive_error(build, dt_ms) for dt_ms in (0.2, 0.1, 0.05)]
    assert errors[1] < 2e-3  # of 60 mV
    # A quarter for half the step, but for terms of higher order.
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.1)


def test_a_current_into_one_passive_cell_divides_as_in_a_resistor_network(build):
    network = network_of(neurons("IF_curr_exp", 2, tau_m=20.0, cm=1.0, v_thresh=1000.0))
    network.currents.append(
        Current("dc", "DCSource", np.array([0]), {"amplitude": 0.5, "start": 0.0, "stop": 1e9})
    )
    v = coupled(build, network, [(0, 1)], 0.05, 8000).signal(0, "v")[-1] + 65
    # Leaks of 0.05 uS: 0.5 nA meets 0.05 uS beside two times 0.05 uS in series.
    np.testing.assert_allclose(v, [0.5 / 0.075, 0.25 / 0.075], rtol=1e-9)


@pytest.mark.parametrize(
    ("model", "slopes", "capacitance", "currents", "start", "tolerance_mv"),
    [
        ("EIF_cond_exp_isfa_ista", eif_slopes, 0.281, (0.4, 0.0), (-70.6, 0.0), 1e-3),
        ("Izhikevich", izhikevich_slopes, 1e-3, (0.003, 0.0), (-70.0, -14.0), 1e-3),
        # The spike of a Hodgkin-Huxley cell passes on, and is off by 2 us in a single cell already.
        ("HH_cond_exp", hh_slopes, 0.2, (0.3, 0.0), (-65.0, 0.0, 1.0, 0.0), 1.5),
    ],
)
def test_cells_with_other_membranes_follow_the_coupled_equations(
    build, model, slopes, capacitance, currents, start, tolerance_mv
):
    dt_ms, n_steps, n = 0.02, 500, len(start)
    g = 0.1 * capacitance

    def both(t, state):
        first, second = state[:n], state[n:]
        flows = g * (second[0] - first[0]) / capacitance
        one, two = slopes(currents[0])(t, first), slopes(currents[1])(t, second)
        return [one[0] + flows, *one[1:], two[0] - flows, *two[1:]]

    offsets = {"i_offset": np.array(currents)}
    network = network_of(cell(model, 2, **offsets), dt_ms=dt_ms)
    v = coupled(build, network, [(0, 1)], g, n_steps).signal(0, "v")
    expected = solved(both, [*start, *start], dt_ms * np.arange(n_steps + 1))[[0, n]].T
    assert np.ptp(expected[:, 1]) > 0.5  # the second cell moves only through its junction
    np.testing.assert_allclose(v, expected, rtol=0, atol=tolerance_mv)


@pytest.mark.parametrize("model", sorted({*MODELS_WITH_DYNAMICS, *REPRESENTATIVE}))
def test_a_cell_of_any_type_is_drawn_towards_its_neighbour(build, model):
    def membranes(weight):
        parameters = {
            name: np.tile(v, (2, 1)) if np.ndim(v) else v for name, v in parameters_of(model).items()
        }
        parameters |= {name: 0.0 for name in ("i_offset",) if name in parameters}
        initial = dict(model_named(model).initial, v=np.array([-70.0, -60.0]))
        recordings = {"v": Recording(np.arange(2))}
        cells = Population(model, model, 2, parameters=parameters, initial=initial, recordings=recordings)
        return coupled(build, network_of(cells), [(0, 1)], weight, 10).signal(0, "v")[-1]

    alone, joined = membranes(0.0), membranes(1e-5 if model == "Izhikevich" else 0.01)
    assert joined[0] > alone[0] + 1e-3
    assert joined[1] < alone[1] - 1e-3


def test_equal_neighbours_exchange_nothing(build):
    networks = [network_of(neurons("IF_cond_exp", 3, i_offset=0.9)) for _ in range(2)]
    alone = coupled(build, networks[0], [], np.empty(0), 600)
    joined = coupled(build, networks[1], [(0, 1), (1, 2)], 0.03, 600)
    np.testing.assert_array_equal(joined.spikes(0), alone.spikes(0))
    # In the first step after a reset the neighbours are held at their last value: half a step of 0.9 mV / ms,
    # times the share dt G / cm = 0.006 of it that passes the junctions.
    np.testing.assert_allclose(joined.signal(0, "v"), alone.signal(0, "v"), rtol=0, atol=0.045 * 0.006)


def test_very_strong_coupling_stays_stable_and_equalises_membranes(build):
    network = passive(0.1)
    simulation = coupled(build, network, [(0, 1), (0, 2), (1, 2)], 200.0, 2000)
    v = np.hstack([simulation.signal(0, "v"), simulation.signal(1, "v")])
    assert v.min() >= -90
    assert v.max() <= -30
    assert np.ptp(v[-1]) < 0.1


def with_junctions(seed, n_pairs):
    """A busy network of all kinds of linear membranes, with junctions inside and between populations."""
    network = random_network(seed)
    n = sum(p.size for p in network.populations if not p.is_source)
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, n, (n_pairs, 2))
    network.junctions.append(junctions(pairs.tolist(), rng.uniform(0, 0.02, n_pairs)))
    return network


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_pairs=st.integers(1, 60))
def test_native_agrees_with_the_reference(seed, n_pairs):
    results = []
    for backend in (reference, native):
        simulation = backend.build(with_junctions(seed, n_pairs), Options())
        simulation.advance(150)
        results.append(recorded(simulation, with_junctions(seed, n_pairs)))
        simulation.close()
    for key, expected in results[0].items():
        np.testing.assert_allclose(results[1][key], expected, rtol=0, atol=ROUNDING_MV, err_msg=str(key))


def test_neither_threads_nor_the_pieces_of_a_run_change_a_bit():
    results = []
    for threads, pieces in ((1, [400]), (3, [400]), (2, [1, 150, 249])):
        network = with_junctions(11, 40)
        simulation = native.build(network, Options(threads=threads))
        for steps in pieces:
            simulation.advance(steps)
        results.append(recorded(simulation, network))
        simulation.close()
    assert sum(len(value) for key, value in results[0].items() if key[1] == "steps") > 50
    assert_identical(results[1], results[0])
    assert_identical(results[2], results[0])


def test_conductances_change_between_two_steps_and_the_rest_goes_on(build):
    def run(changes):
        network = passive(0.1)
        network.junctions.append(junctions([(0, 2)], 0.02))
        simulation = build(network)
        simulation.advance(100)
        if changes:
            network.junctions[0].weights = np.array([changes - 1.0])
            simulation.junctions_changed(0)
        simulation.advance(100)
        return np.hstack([simulation.signal(0, "v"), simulation.signal(1, "v")])

    same, cut, unchanged = run(1.02), run(1.0), run(0)
    np.testing.assert_array_equal(cut[:101], unchanged[:101])
    np.testing.assert_allclose(same, unchanged, rtol=0, atol=ROUNDING_MV)
    # Without the junction, each cell relaxes with its own time constant.
    decayed = -65 + (cut[100] + 65) * np.exp(-10.0 / np.array([20.0, 10.0, 15.0]))
    np.testing.assert_allclose(cut[-1], decayed, rtol=0, atol=ROUNDING_MV)


def test_a_junction_of_a_neuron_with_itself_does_nothing(build):
    v = [coupled(build, passive(0.1), pairs, 0.05, 50).signal(0, "v") for pairs in ([], [(0, 0), (1, 1)])]
    np.testing.assert_array_equal(v[1], v[0])


def test_saved_junctions_are_restored(tmp_path):
    network = with_junctions(3, 5)
    save(network, tmp_path / "network.npz")
    (restored,) = load(tmp_path / "network.npz").junctions
    assert restored.label == "gap"
    for name in ("sources", "targets", "weights"):
        np.testing.assert_array_equal(getattr(restored, name), getattr(network.junctions[0], name))


@pytest.mark.parametrize(
    ("pairs", "weights", "what"),
    [
        ([(0, 1)], -0.1, "1 of 1 weights are not conductances of at least 0 uS, for example -0.1"),
        ([(0, 1)], np.array([np.nan]), "not conductances"),
        ([(0, 1)], np.zeros(2), "give one number or 1 numbers"),
        ([(0, 7)], 0.1, "numbered 0 to 7; the network has 3 neurons"),
        ([(0, 2)], 0.1, "1 ends are in 'source', a spike source"),
    ],
)
def test_impossible_junctions_are_refused_by_name(build, pairs, weights, what):
    network = network_of(neurons("IF_curr_exp", 2), spike_array(3))
    network.junctions.append(junctions(pairs, weights))
    with pytest.raises(ConnectivityError, match=what):
        build(network)


def test_chips_refuse_junctions_by_name(build):
    network = passive(0.1)
    network.junctions.append(junctions([(0, 1)], 0.1))
    assert isinstance(build(network), CoupledSimulation)
    with pytest.raises(NotSupportedError, match=r"Gap junctions .*'gap'.* not supported by .*Loihi"):
        chips.build("loihi", network, Options())
