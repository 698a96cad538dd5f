"""sPyNNaker's structural plasticity as scripts use it."""

from importlib import import_module

import numpy as np
import pytest

from pycosim.errors import ConnectivityError, NotSupportedError, PycosimWarning

N = 7**2


def rules(sim, **elimination):
    return (
        sim.RandomSelection(),
        sim.DistanceDependentFormation(grid=[np.sqrt(N), np.sqrt(N)], sigma_form_forward=0.5),
        sim.RandomByWeightElimination(threshold=0.2, **elimination),
    )


def network(sim, synapse, connector=None, **setup):
    """Two populations as in sPyNNaker's examples, with noise, and the projection between them."""
    sim.setup(timestep=1.0, min_delay=1.0, **setup)
    pre, post = (sim.Population(N, sim.IF_curr_exp(), label=label) for label in ("pre", "post"))
    for cells in (pre, post):
        noise = sim.Population(N, sim.SpikeSourcePoisson(rate=60.0))
        sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=3.0))
    post.record("spikes")
    return post, sim.Projection(pre, post, connector or sim.FixedProbabilityConnector(0.0), synapse)


def test_a_projection_without_synapses_grows_some_with_the_values_of_new_ones(sim):
    mechanism = sim.StructuralMechanismStatic(
        *rules(sim), initial_weight=0.2, weight=0.2, initial_delay=10, delay=10, s_max=32, f_rew=10**4
    )
    _, projection = network(sim, mechanism)
    assert len(projection) == 0
    sim.run(400.0)
    found = np.array(projection.get(["weight", "delay"], format="list"))
    # 4000 attempts; 0.16 at distance 0, which is 1 in 49 pairs, 0.16 e^-2 at each of 4 places of distance 1.
    expected = 4000 / 49 * 0.16 * (1 + 4 * np.exp(-2.0) + 4 * np.exp(-4.0))
    assert abs(len(found) - expected) < 4 * np.sqrt(expected)
    np.testing.assert_array_equal(found[:, 2:], [[0.2, 10.0]] * len(found))
    distances = np.abs(found[:, 0] // 7 - found[:, 1] // 7)
    assert np.minimum(distances, 7 - distances).max() <= 2
    matrix = projection.get("weight", "array")
    assert np.count_nonzero(~np.isnan(matrix)) == len({(i, j) for i, j, *_ in found})


def test_what_it_has_grown_changes_spikes_and_reset_forgets_it(sim):
    mechanism = sim.StructuralMechanismStatic(
        *rules(sim), initial_weight=5.0, delay=1.0, f_rew=10**5, s_max=4
    )
    post, projection = network(sim, mechanism, sim.OneToOneConnector())
    first = projection.get(["weight", "delay"], "list")
    runs = []
    for _ in range(2):
        assert projection.get(["weight", "delay"], "list") == first
        sim.run(200.0)
        runs.append(projection.get(["weight", "delay"], "list"))
        sim.reset()
    assert sum(weight == 5.0 for *_, weight, _ in runs[0]) > 30
    assert runs[1] == runs[0]
    one, two = (segment.spiketrains for segment in post.get_data().segments[:2])
    assert sum(map(len, one)) > 50
    for a, b in zip(one, two):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_with_stdp_weights_of_formed_synapses_move(sim):
    mechanism = sim.StructuralMechanismSTDP(
        *rules(sim, prob_elim_potentiated=0, prob_elim_depressed=0),
        timing_dependence=sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.1, A_minus=0.02),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0, w_max=1.0),
        initial_weight=0,
        weight=0,
        initial_delay=10,
        delay=10,
        s_max=64,
        f_rew=10**4,
    )
    _, projection = network(sim, mechanism)
    sim.run(600.0)
    weights = np.array(projection.get("weight", "list", with_address=False))
    assert weights.min() >= 0
    assert 0 < weights.max() <= 1
    np.testing.assert_array_equal(projection.get("tau_plus", "list", with_address=False), 20.0)


def test_within_a_population_the_lateral_probability_holds(sim):
    sim.setup(timestep=1.0)
    cells = sim.Population(N, sim.IF_curr_exp())
    formation = sim.DistanceDependentFormation(grid=(7, 7), p_form_forward=0.0, sigma_form_lateral=0.3)
    mechanism = sim.StructuralMechanismStatic(
        sim.LastNeuronSelection(), formation, sim.RandomByWeightElimination(0.1), initial_weight=0.1
    )
    source = sim.Population(N, sim.SpikeSourceArray(spike_times=[[10.0]] * N))
    sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=50.0))
    lateral = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.0), mechanism)
    forward = sim.Projection(source, cells, sim.FixedProbabilityConnector(0.0), mechanism)
    sim.run(100.0)
    assert (len(lateral) > 0, len(forward)) == (True, 0)


def test_inhibitory_currents_are_formed_with_negative_weights(sim):
    sim.setup(timestep=1.0)
    pre, post = (sim.Population(N, sim.IF_curr_exp()) for _ in range(2))
    mechanism = sim.StructuralMechanismStatic(*rules(sim), initial_weight=0.3, f_rew=10**5)
    connector = sim.FixedProbabilityConnector(0.0)
    projection = sim.Projection(pre, post, connector, mechanism, receptor_type="inhibitory")
    sim.run(50.0)
    assert set(projection.get("weight", "list", with_address=False)) == {-0.3}


def test_the_older_form_of_a_projection_is_rewired_as_well(sim):
    sim.setup(timestep=1.0)
    pre, post = (sim.Population(N, sim.IF_curr_exp()) for _ in range(2))
    mechanism = sim.StructuralMechanismStatic(*rules(sim), initial_weight=0.3, f_rew=10**5)
    dynamics = sim.SynapseDynamics(slow=mechanism)
    with pytest.warns(PycosimWarning, match="target"):
        projection = sim.Projection(
            pre, post, sim.FixedProbabilityConnector(0.0), target="excitatory", synapse_dynamics=dynamics
        )
    sim.run(50.0)
    assert len(projection) > 10


def test_dopamine_does_not_go_unnoticed(sim):
    mechanism = sim.StructuralMechanismSTDP(
        *rules(sim),
        timing_dependence=sim.SpikePairRule(),
        weight_dependence=sim.AdditiveWeightDependence(),
        delay=1.0,
    )
    post, _ = network(sim, mechanism)
    reward = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    dopamine = sim.extra_models.Neuromodulation(weight=0.1)
    sim.Projection(reward, post, sim.AllToAllConnector(), dopamine, receptor_type="reward")
    with pytest.raises(ConnectivityError, match="DopaminePairRule cannot be rewired"):
        sim.run(10.0)


def test_values_can_be_set_before_the_run_only(sim):
    mechanism = sim.StructuralMechanismStatic(*rules(sim), weight=0.1, delay=2.0)
    _, projection = network(sim, mechanism, sim.OneToOneConnector())
    projection.set(weight=0.7, delay=3.0)
    assert projection.get(["weight", "delay"], "list")[0] == (0, 0, 0.7, 3.0)
    sim.run(1.0)
    with pytest.raises(NotSupportedError, match="structural plasticity after run"):
        projection.set(weight=0.5)


@pytest.mark.parametrize("target", ["native", "reference"])
def test_other_parts_can_be_added_while_it_runs_but_no_more_structural_plasticity(target):
    sim = import_module(f"pycosim.{target}")

    def spikes(adds):
        sim.setup(timestep=1.0)
        source = sim.Population(N, sim.SpikeSourcePoisson(rate=300.0))
        cells = sim.Population(N, sim.IF_curr_exp())
        mechanism = sim.StructuralMechanismStatic(*rules(sim), initial_weight=1.0, delay=1.0, f_rew=10**5)
        none = sim.FixedProbabilityConnector(0.0)
        sim.Projection(source, cells, none, mechanism)
        inhibition = sim.Projection(cells, cells, none, mechanism, receptor_type="inhibitory")
        cells.record("spikes")
        sim.run(100.0)
        if adds:
            more = sim.Population(N, sim.IF_cond_exp())
            sim.Projection(cells, more, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1))
        sim.run(100.0)
        found = [np.asarray(train) for train in cells.get_data().segments[0].spiketrains]
        synapses = inhibition.get("weight", "list")
        if adds:
            sim.Projection(more, cells, none, mechanism)
            with pytest.raises(NotSupportedError, match="Adding projections with structural plasticity"):
                sim.run(1.0)
        return found, synapses

    (alone, first), (grown, second) = spikes(False), spikes(True)
    assert second == first
    assert len(first) > 50
    assert sum(map(len, alone)) > 100
    for one, other in zip(alone, grown):
        np.testing.assert_array_equal(one, other)


def test_what_is_not_a_rule_is_refused_by_name(sim):
    sim.setup(timestep=1.0)
    selection, formation, elimination = rules(sim)
    with pytest.raises(NotSupportedError, match=r"formation=.* give one of DistanceDependentFormation"):
        sim.StructuralMechanismStatic(selection, elimination, formation)
    with pytest.raises(NotSupportedError, match="backprop_delay=False"):
        sim.StructuralMechanismSTDP(
            *rules(sim),
            timing_dependence=sim.SpikePairRule(),
            weight_dependence=sim.AdditiveWeightDependence(),
            backprop_delay=False,
        )
    mechanism = sim.StructuralMechanismStatic(*rules(sim), s_max=3)
    network(sim, mechanism, sim.AllToAllConnector())
    with pytest.raises(ConnectivityError, match="begins with 49 synapses, but s_max is 3"):
        sim.run(1.0)
