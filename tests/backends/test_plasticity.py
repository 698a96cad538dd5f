"""Spike-timing-dependent plasticity against closed forms, on every backend that has it."""

import numpy as np
import pytest

from pycosim.backends.base import PlasticSimulation
from pycosim.errors import ConnectivityError, NotSupportedError
from pycosim.network import Plasticity
from pycosim.network.plasticity import WEIGHT_DEPENDENCES

from .backend_networks import DT_MS
from .plastic_networks import ADDITIVE, pair_rule, plastic_pair

W = 0.5
# Only rounding: traces decay step by step in one backend, and at once in the other.
ROUNDING = 1e-12


def final_weight(build, plasticity, pre_steps, post_steps, *, weight=W, delay=10, steps=1050):
    network = plastic_pair(plasticity, pre_steps, post_steps, weight=weight, delay=delay)
    simulation = build(network)
    simulation.advance(steps)
    np.testing.assert_array_equal(simulation.spikes(2)[0], sorted(post_steps))
    return simulation.weights(0)[0]


def up_and_down(dependence, w, w_min=0.0, w_max=1.0, mu_plus=0.4, mu_minus=0.7):
    """How much a trace of 1 potentiates and depresses, as PyNN's documentation has it."""
    span = w_max - w_min
    return {
        "AdditiveWeightDependence": (w_max, w_max),
        "MultiplicativeWeightDependence": (w_max - w, w - w_min),
        "AdditivePotentiationMultiplicativeDepression": (w_max, w - w_min),
        "GutigWeightDependence": (
            span * ((w_max - w) / span) ** mu_plus,
            span * ((w - w_min) / span) ** mu_minus,
        ),
    }[dependence]


def test_a_plastic_simulation_has_the_protocol(build):
    assert isinstance(build(plastic_pair(pair_rule(), [], [])), PlasticSimulation)


@pytest.mark.parametrize("dependence", WEIGHT_DEPENDENCES)
@pytest.mark.parametrize(("fraction", "dendritic"), [(1.0, 10), (0.0, 0), (0.5, 5), (0.25, 3)])
def test_the_change_of_a_pair_decays_exponentially_with_the_interval_at_the_synapse(
    build, dependence, fraction, dendritic
):
    for lag in (-400, -100, -11, -10, -9, -5, -4, 0, 1, 9, 10, 11, 100, 400):
        # The post-spike reaches the synapse `interval` steps after the pre-spike.
        interval = lag + dendritic - (10 - dendritic)
        up, down = up_and_down(dependence, W)
        potentiation = 0.01 * up * np.exp(-interval * DT_MS / 17.0) if interval > 0 else 0.0
        depression = 0.012 * down * np.exp(interval * DT_MS / 34.0) if interval < 0 else 0.0
        found = final_weight(build, pair_rule(dependence, fraction=fraction), [600], [600 + lag])
        assert found == pytest.approx(W + potentiation - depression, abs=ROUNDING), lag


def test_all_pairs_count_and_not_only_neighbours(build):
    pre, post = np.array([100, 250, 300, 301]), np.array([280, 420, 425])
    intervals = (post[:, np.newaxis] + 10 - pre) * DT_MS
    expected = W + 0.01 * np.exp(-intervals[intervals > 0] / 17.0).sum()
    expected -= 0.012 * np.exp(intervals[intervals < 0] / 34.0).sum()
    found = final_weight(build, pair_rule(), pre, post)
    assert found == pytest.approx(expected, abs=ROUNDING)


def test_with_negative_bounds_potentiation_makes_negative_weights_more_negative(build):
    plasticity = pair_rule(w_max=-1.0)
    assert final_weight(build, plasticity, [600], [650], weight=-W) == pytest.approx(
        -W - 0.01 * np.exp(-6.0 / 17.0), abs=ROUNDING
    )


@pytest.mark.parametrize("dependence", WEIGHT_DEPENDENCES)
def test_weights_stay_within_their_bounds(build, dependence):
    strong = dict(A_plus=5.0, A_minus=5.0, w_min=0.2, w_max=0.8)
    assert final_weight(build, pair_rule(dependence, **strong), [600], [650]) == pytest.approx(0.8)
    assert final_weight(build, pair_rule(dependence, **strong), [600], [550]) == pytest.approx(0.2)


def test_a_weight_without_pairs_does_not_change(build):
    beyond = pair_rule(w_max=0.3)
    assert final_weight(build, beyond, [100, 200, 300], []) == W
    assert final_weight(build, beyond, [], [100, 200, 300]) == W


def test_spikes_that_meet_at_the_synapse_are_not_paired_but_pair_with_all_others(build):
    # After 10 steps the post-spike of step 590 meets the pre-spike of step 600; another came at step 500.
    expected = W + 0.01 * np.exp(-10.0 / 17.0)
    assert final_weight(build, pair_rule(), [500, 600], [590]) == pytest.approx(expected, abs=ROUNDING)


def test_the_post_spike_comes_first_where_spikes_meet(build):
    """With bounds in between, the order shows: to the upper bound and then down, or the other way round."""
    strong = pair_rule(A_plus=5.0, A_minus=0.1, w_min=0.0, w_max=1.0)
    down = 0.1 * np.exp(-40.0 / 34.0)  # post-spike of 190 and pre-spike of 600
    found = final_weight(build, strong, [590, 600], [190, 590])
    assert found == pytest.approx(1.0 - down, abs=ROUNDING)


def test_vogels_rule_potentiates_pairs_of_any_order_and_depresses_at_every_presynaptic_spike(build):
    parameters = dict(tau=20.0, eta=0.01, rho=5.0, w_min=0.0, w_max=2.0)
    plasticity = Plasticity("Vogels2011Rule", ADDITIVE, parameters, dendritic_delay_fraction=1.0)
    alpha = 2 * 5e-3 * 20.0
    for lag in (-50, 30):
        interval = (lag + 10) * DT_MS
        expected = W + 0.01 * (np.exp(-abs(interval) / 20.0) - alpha)
        found = final_weight(build, plasticity, [600], [600 + lag])
        assert found == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize(("fraction", "sent"), [(1.0, 0), (0.0, 1)])
def test_a_spike_transmits_the_weight_that_it_finds_at_the_synapse(build, fraction, sent):
    """A pair at steps 300 and 305; the spike of step 303 is at the synapse before it, or after it."""
    plasticity = pair_rule(fraction=fraction, tau_plus=1e6, A_minus=0.0, A_plus=0.1)
    network = plastic_pair(plasticity, [280, 303], [305], weight=W, delay=10)
    simulation = build(network)
    simulation.advance(400)
    v = simulation.signal(2, "v")[:, 0]
    jump = v[313] - v[312]
    assert jump == pytest.approx(W + 0.1 * sent, abs=1e-5)  # the leak and 1e-6 of trace


def test_weights_are_those_of_the_present_step_also_between_spikes(build):
    network = plastic_pair(pair_rule(), [300, 700], [330], delay=10)
    simulation = build(network)
    seen = []
    for until in (339, 340, 699, 700, 710):
        simulation.advance(until - simulation.step)
        seen.append(simulation.weights(0)[0])
    potentiated = W + 0.01 * np.exp(-4.0 / 17.0)
    depressed = potentiated - 0.012 * np.exp(-36.0 / 34.0)
    np.testing.assert_allclose(seen, [W, potentiated, potentiated, depressed, depressed], atol=ROUNDING)


def test_new_weights_act_from_the_next_step_and_traces_stay(build):
    network = plastic_pair(pair_rule(), [300, 495], [], delay=10)
    network.populations[1].spike_steps = np.array([529])
    network.populations[1].spike_indices = np.array([0])
    simulation = build(network)
    simulation.advance(500)
    network.projections[0].weights = np.array([0.7])
    simulation.weights_changed(0)
    assert simulation.weights(0)[0] == 0.7
    simulation.advance(200)
    v = simulation.signal(2, "v")[:, 0]
    assert v[505] - v[504] == pytest.approx(W, abs=1e-5)  # under way when the weight changed
    expected = 0.7 + 0.01 * (np.exp(-24.0 / 17.0) + np.exp(-4.5 / 17.0))
    assert simulation.weights(0)[0] == pytest.approx(expected, abs=ROUNDING)


def test_new_amplitudes_act_on_later_pairs_only(build):
    network = plastic_pair(pair_rule(), [300], [330, 630], delay=10)
    simulation = build(network)
    simulation.advance(500)
    network.projections[0].plasticity = pair_rule(A_plus=0.1)
    simulation.plasticity_changed(0)
    simulation.advance(200)
    expected = W + 0.01 * np.exp(-4.0 / 17.0) + 0.1 * np.exp(-34.0 / 17.0)
    assert simulation.weights(0)[0] == pytest.approx(expected, abs=ROUNDING)


def test_delays_of_plastic_synapses_cannot_change_while_they_run(build):
    network = plastic_pair(pair_rule(), [300], [330])
    simulation = build(network)
    simulation.advance(10)
    network.projections[0].delays = 5
    with pytest.raises(NotSupportedError, match=r"delays of projection .* changed"):
        simulation.weights_changed(0)


def test_impossible_plasticity_is_refused(build):
    with pytest.raises(ConnectivityError, match="tau_plus is -1; it must be a finite number above 0"):
        build(plastic_pair(pair_rule(tau_plus=-1.0), [], []))
