"""Plasticity in the network description: coefficients, parts of the delay, checks, saving."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.errors import ConnectivityError
from pycosim.network import Network, Plasticity, Population, Projection, load, save
from pycosim.network.plasticity import TIMING_RULES, WEIGHT_DEPENDENCES
from pycosim.network.short_term import receptor_time_constants
from pycosim.network.validate import validate

PAIR = dict(tau_plus=20.0, tau_minus=30.0, A_plus=0.01, A_minus=0.02, w_min=0.0, w_max=1.0)
ADDITIVE = Plasticity("SpikePairRule", "AdditiveWeightDependence", PAIR)
SHORT = Plasticity("TsodyksMarkram", parameters=dict(U=0.5, tau_rec=100.0, tau_facil=0.0), initial={"u": 0.0})
LIF = dict(v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0, tau_m=20.0, cm=1.0, tau_refrac=2.0, i_offset=0.0)


def network_with(plasticity, weights=(0.1, 0.2), receptor="excitatory"):
    network = Network(dt_ms=0.1)
    network.add(Population("source", "SpikeSourceArray", 1))
    parameters = LIF | dict(tau_syn_E=np.array([3.0, 5.0]), tau_syn_I=7.0)
    network.add(Population("post", "IF_curr_exp", 2, parameters=parameters))
    columns = np.array([0], np.int32), np.array([0, 2]), np.array([1, 2], np.int32)
    weights = np.array(weights) if np.ndim(weights) else weights
    network.projections.append(Projection("p", receptor, *columns, weights, 5, plasticity))
    return network


@given(fraction=st.floats(0, 1), delay=st.integers(1, 2**30))
def test_the_dendritic_part_is_the_nearest_whole_number_of_steps_within_the_delay(fraction, delay):
    steps = int(replace(ADDITIVE, dendritic_delay_fraction=fraction).dendritic_steps(delay))
    assert 0 <= steps <= delay
    assert abs(steps - fraction * delay) <= 0.5


def test_whole_delays_are_dendritic_or_axonal_at_the_ends():
    delays = np.array([1, 2, 7])
    assert replace(ADDITIVE, dendritic_delay_fraction=1.0).dendritic_steps(delays).tolist() == [1, 2, 7]
    assert replace(ADDITIVE, dendritic_delay_fraction=0.0).dendritic_steps(delays).tolist() == [0, 0, 0]
    assert replace(ADDITIVE, dendritic_delay_fraction=0.5).dendritic_steps(delays).tolist() == [1, 1, 4]


def test_vogels_rule_has_one_time_constant_and_a_constant_loss():
    parameters = dict(tau=20.0, eta=0.1, rho=3.0, w_min=0.0, w_max=-2.0)
    found = Plasticity("Vogels2011Rule", "AdditiveWeightDependence", parameters).coefficients()
    assert (found["tau_pre"], found["tau_post"], found["pre_loss"]) == (20.0, 20.0, 0.0)
    assert found["post_gain"] == found["pre_gain"] == pytest.approx(0.05)
    assert found["constant_loss"] == pytest.approx(0.05 * 2 * 0.003 * 20.0)


@pytest.mark.parametrize("rule", TIMING_RULES)
@pytest.mark.parametrize("dependence", WEIGHT_DEPENDENCES)
def test_every_combination_is_valid_when_it_has_its_parameters(rule, dependence):
    values = PAIR | dict(tau=20.0, eta=0.1, rho=3.0, mu_plus=0.5, mu_minus=0.5)
    values |= dict(tau_x=20.0, tau_y=40.0, A3_plus=0.01, A3_minus=0.0, tau_c=1e3, tau_d=200.0, d_base=0.0)
    values |= dict(base_rate=10.0, homeo_scale=0.1, tau_rate=1e4, update_interval=1e3)
    values |= dict(impulse=32.0, w_step=0.01)
    plasticity = Plasticity(rule, dependence)
    parameters = {name: values[name] for name in plasticity.parameter_names}
    network = network_with(replace(plasticity, parameters=parameters))
    if rule == "IntegerPairRule" and dependence != "AdditiveWeightDependence":
        with pytest.raises(ConnectivityError, match="has the AdditiveWeightDependence only"):
            validate(network)
        return
    assert validate(network) is None  # anything else is an error


@pytest.mark.parametrize(
    ("plasticity", "weights", "said"),
    [
        (ADDITIVE, 0.1, "plastic weights need a column of 2 numbers"),
        (replace(ADDITIVE, rule="Triplet"), (0.1, 0.2), "no plasticity rule 'Triplet'"),
        (replace(ADDITIVE, weight_dependence="Cubic"), (0.1, 0.2), "no weight dependence 'Cubic'"),
        (replace(ADDITIVE, dendritic_delay_fraction=1.5), (0.1, 0.2), "dendritic_delay_fraction is 1.5"),
        (replace(ADDITIVE, parameters={"A_plus": 1.0}), (0.1, 0.2), "tau_plus of SpikePairRule is missing"),
        (replace(ADDITIVE, parameters=PAIR | {"tau_minus": 0.0}), (0.1, 0.2), "tau_minus is 0; .* above 0"),
        (
            replace(ADDITIVE, parameters=PAIR | {"tau_plus": np.array([1.0, 2.0])}),
            (0.1, 0.2),
            "tau_plus differs between synapses",
        ),
        (
            replace(ADDITIVE, parameters=PAIR | {"A_plus": np.ones(3)}),
            (0.1, 0.2),
            r"A_plus has the shape \(3,\)",
        ),
        (replace(ADDITIVE, parameters=PAIR | {"w_max": 0.0}), (0.1, 0.2), "w_min and w_max are equal"),
        (replace(ADDITIVE, parameters=PAIR | {"w_min": -1.0, "w_max": 0.0}), (0.1, 0.2), "w_max is 0"),
        (replace(SHORT, parameters=SHORT.parameters | {"U": 1.2}), 0.1, "U is 1.2; .* at most 1"),
        (replace(SHORT, initial={"u": np.nan}), 0.1, "u is nan"),
        (
            Plasticity("Quantal", parameters=SHORT.parameters | {"n": 1.5}),
            0.1,
            "n is 1.5; it must be a whole number of at least 1",
        ),
    ],
)
def test_what_is_wrong_is_named(plasticity, weights, said):
    with pytest.raises(ConnectivityError, match=said):
        validate(network_with(plasticity, weights))


@pytest.mark.parametrize(
    "plasticity", [None, SHORT, replace(ADDITIVE, parameters=PAIR | {"A_plus": np.array([0.1, 0.2])})]
)
def test_a_saved_network_comes_back_with_its_plasticity(tmp_path, plasticity):
    network = network_with(plasticity)
    save(network, tmp_path / "net.npz")
    found = load(tmp_path / "net.npz").projections[0].plasticity
    if plasticity is None:
        assert found is None
        return
    np.testing.assert_equal(asdict(found), asdict(plasticity))


def test_time_constants_of_receptors_are_one_number_where_they_are_equal():
    network = network_with(SHORT)
    np.testing.assert_array_equal(receptor_time_constants(network, network.projections[0]), [3.0, 5.0])
    network = network_with(SHORT, receptor="inhibitory")
    assert receptor_time_constants(network, network.projections[0]) == 7.0
