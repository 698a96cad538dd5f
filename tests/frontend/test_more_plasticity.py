"""sPyNNaker's and CARLsim's plasticity through PyNN, and plastic synapses in older spellings."""

import warnings
from importlib import import_module

import numpy as np
import pytest

from pycosim.errors import InvalidInputError, NotSupportedError, PycosimWarning

DELTA = {"v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0, "tau_refrac": 1.0}


def pair_of(sim, pre_times, post_times, synapse, *, timestep=1.0, cell=None, setup=(), **options):
    """A plastic synapse to a neuron that fires at given times; the projection, and the neuron."""
    sim.setup(timestep=timestep, **dict(setup))
    pre = sim.Population(1, sim.SpikeSourceArray(spike_times=pre_times))
    driver = sim.Population(1, sim.SpikeSourceArray(spike_times=[t - 1.0 for t in post_times]))
    neuron = sim.Population(1, cell or sim.IF_curr_delta(**DELTA))
    neuron.record("spikes")
    sim.Projection(driver, neuron, sim.OneToOneConnector(), sim.StaticSynapse(weight=1000.0, delay=1.0))
    return sim.Projection(pre, neuron, sim.AllToAllConnector(), synapse, **options), neuron


def pair_rule(sim, **changed):
    return sim.SpikePairRule(**(dict(tau_plus=10.0, tau_minus=12.0, A_plus=1.0, A_minus=1.0) | changed))


def weight_of(projection):
    return projection.get("weight", "list", with_address=False)[0]


def reward(sim, neuron, times, receptor_type="reward", **changed):
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=times))
    synapse = sim.extra_models.Neuromodulation(
        **(dict(weight=0.1, tau_c=1000.0, tau_d=200.0, w_max=20.0) | changed)
    )
    return sim.Projection(source, neuron, sim.AllToAllConnector(), synapse, receptor_type=receptor_type)


def test_neuromodulation_gives_the_weight_of_spynnakers_own_test(sim):
    """Pre at 1500, post at 1503, dopamine at 1600 ms; the latter two reach the synapse after 1 ms."""
    stdp = sim.STDPMechanism(pair_rule(sim), sim.AdditiveWeightDependence(w_min=0.0, w_max=20.0), weight=0.0)
    projection, neuron = pair_of(sim, [1500.0, 2400.0], [1503.0], stdp)
    modulator = reward(sim, neuron, [1600.0])
    assert modulator.receptor_type == "reward"
    assert modulator.get(["weight", "delay"], "list") == [(0, 0, 0.1, 1.0)]
    sim.run(2400.0)
    assert weight_of(projection) == pytest.approx(10.0552710, abs=1e-6)  # the number in that test


@pytest.mark.parametrize("first", ["stdp", "reward"])
def test_punishment_lowers_weights_in_whatever_order_projections_are_made(sim, first):
    sim.setup(timestep=1.0)
    pre, driver = (sim.Population(1, sim.SpikeSourceArray(spike_times=[t])) for t in (100.0, 103.0))
    neuron = sim.Population(1, sim.IF_curr_delta(**DELTA))
    sim.Projection(driver, neuron, sim.OneToOneConnector(), sim.StaticSynapse(weight=1000.0, delay=1.0))
    if first == "reward":
        reward(sim, neuron, [150.0], "punishment")
    stdp = sim.STDPMechanism(pair_rule(sim), sim.AdditiveWeightDependence(w_min=0.0, w_max=20.0), weight=12.0)
    projection = sim.Projection(pre, neuron, sim.AllToAllConnector(), stdp)
    if first == "stdp":
        reward(sim, neuron, [150.0], "punishment")
    sim.run(400.0)
    both = 1 / (1 / 1000.0 + 1 / 200.0)
    c = np.exp(-(105.0 - 100.0) / 10.0) * np.exp(-(151.0 - 105.0) / 1000.0)
    expected = 12.0 - c * 0.1 * both * (1 - np.exp(-(400.0 - 151.0) / both))
    assert weight_of(projection) == pytest.approx(expected, abs=1e-9)


def test_dopamine_that_cannot_act_is_named(sim):
    triplet = sim.STDPMechanism(
        sim.extra_models.PfisterSpikeTriplet(), sim.extra_models.WeightDependenceAdditiveTriplet(), weight=0.5
    )
    _, neuron = pair_of(sim, [10.0], [15.0], triplet)
    with pytest.raises(NotSupportedError, match=r"PfisterSpikeTriplet.*Only SpikePairRule"):
        reward(sim, neuron, [20.0])
    _, neuron = pair_of(sim, [10.0], [15.0], sim.StaticSynapse(weight=0.1))
    with pytest.raises(InvalidInputError, match="'reward' or 'punishment'"):
        reward(sim, neuron, [20.0], "excitatory")
    reward(sim, neuron, [20.0])
    with pytest.warns(PycosimWarning, match="dopamine without effect"):
        sim.run(10.0)


def test_neuromodulations_of_a_population_must_agree_and_their_bounds_hold(sim):
    stdp = sim.STDPMechanism(pair_rule(sim), sim.AdditiveWeightDependence(w_min=0.0, w_max=1.0), weight=0.5)
    projection, neuron = pair_of(sim, [10.0], [15.0], stdp)
    with pytest.warns(PycosimWarning, match=r"w_max=20.0 of Neuromodulation replaces"):
        reward(sim, neuron, [20.0])
    assert projection.get("w_max", "list", with_address=False) == [20.0]
    with pytest.raises(NotSupportedError, match="differ"):
        reward(sim, neuron, [20.0], "punishment", tau_d=100.0)


def test_dopamine_for_synapses_that_have_run_is_refused_until_a_reset(sim):
    stdp = sim.STDPMechanism(pair_rule(sim), sim.AdditiveWeightDependence(w_min=0.0, w_max=20.0), weight=0.5)
    projection, neuron = pair_of(sim, [10.0], [15.0], stdp)
    sim.run(5.0)
    with pytest.raises(NotSupportedError, match=r"after run\(\).*reset"):
        reward(sim, neuron, [20.0])
    sim.reset()
    reward(sim, neuron, [20.0])
    sim.run(100.0)
    assert weight_of(projection) > 0.5


def rules(sim):
    extra, pair = sim.extra_models, dict(A_plus=0.05, A_minus=0.06, tau_plus=10.0, tau_minus=12.0)
    additive = sim.AdditiveWeightDependence(w_min=0.0, w_max=2.0)
    return {
        "nearest": dict(
            timing_dependence=extra.SpikeNearestPairRule(**pair), weight_dependence=additive, weight=0.5
        ),
        "triplet": dict(
            timing_dependence=extra.PfisterSpikeTriplet(tau_x=50.0, tau_y=60.0, **pair),
            weight_dependence=extra.WeightDependenceAdditiveTriplet(w_max=2.0),
            weight=0.5,
        ),
        "homeostasis": dict(
            timing_dependence=sim.SpikePairRule(**pair),
            weight_dependence=additive,
            weight=0.5,
            homeostasis=sim.HomeostaticScaling(base_rate=35.0, time_constant=500.0, update_interval=50.0),
        ),
        "dopamine": dict(timing_dependence=sim.SpikePairRule(**pair), weight_dependence=additive, weight=0.5),
    }


def weights_over_time(name, rule, **setup):
    """Weights every 50 ms of Poisson sources onto neurons that a second set of sources drives."""
    sim = import_module(f"pycosim.{name}")
    sim.setup(timestep=1.0, **setup)
    pre, drive, dopamine = (
        sim.Population(8, sim.SpikeSourcePoisson(rate=rate)) for rate in (60.0, 80.0, 20.0)
    )
    cells = sim.Population(6, sim.IF_curr_exp(tau_refrac=2.0))
    sim.Projection(drive, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.2, delay=1.0))
    synapse = sim.STDPMechanism(**rules(sim)[rule], delay=2.0)
    plastic = sim.Projection(pre, cells, sim.FixedProbabilityConnector(0.6), synapse)
    if rule == "dopamine":
        modulation = sim.Neuromodulation(weight=0.02, tau_c=100.0, tau_d=30.0, w_max=2.0, delay=3.0)
        sim.Projection(dopamine, cells, sim.AllToAllConnector(), modulation, receptor_type="reward")
    seen = []
    for _ in range(2):
        for _ in range(4):
            seen.append(np.array(plastic.get("weight", "list", with_address=False)))
            sim.run(50.0)
        sim.reset()
    sim.end()
    return np.array(seen)


@pytest.mark.parametrize("rule", ["nearest", "triplet", "homeostasis", "dopamine"])
def test_a_reset_restores_weights_and_traces_and_targets_agree(sim, rule):
    seen = weights_over_time("native", rule, threads=2)
    assert np.all(seen[0] == 0.5)
    assert np.mean(seen[3] != 0.5) > 0.9
    np.testing.assert_array_equal(seen[4:], seen[:4])
    # Other orders of additions.
    np.testing.assert_allclose(weights_over_time("reference", rule), seen, rtol=1e-9)
    np.testing.assert_array_equal(weights_over_time("loihi", rule, timing="ideal"), seen)


def test_homeostasis_leads_neurons_to_their_rate(sim):
    sim.setup(timestep=1.0, threads=2)
    sources = sim.Population(40, sim.SpikeSourcePoisson(rate=20.0))
    cells = sim.Population(20, sim.IF_curr_exp(tau_refrac=2.0))
    cells.record("spikes")
    for weight, receptor in ((0.05, "excitatory"),):
        synapse = sim.STDPMechanism(
            sim.SpikePairRule(A_plus=0.0, A_minus=0.0),
            sim.AdditiveWeightDependence(w_min=0.0, w_max=10.0),
            weight=weight,
            homeostasis=sim.HomeostaticScaling(
                base_rate=25.0, homeo_scale=1.0, time_constant=1000.0, update_interval=100.0
            ),
        )
        sim.Projection(sources, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    sim.run(1000.0)
    assert cells.mean_spike_count() < 5.0  # too weak at first
    sim.run(19_000.0)
    cells.get_data(clear=True)
    sim.run(10_000.0)
    assert cells.mean_spike_count() / 10.0 == pytest.approx(25.0, rel=0.1)


def test_homeostasis_is_for_the_pair_rule(sim):
    sim.setup()
    with pytest.raises(NotSupportedError, match="homeostasis is for SpikePairRule only"):
        sim.STDPMechanism(
            sim.Vogels2011Rule(), sim.AdditiveWeightDependence(), homeostasis=sim.HomeostaticScaling(10.0)
        )
    with pytest.raises(InvalidInputError, match="base_rate=0"):
        sim.HomeostaticScaling(base_rate=0)


def test_triplet_parts_need_each_other(sim):
    sim.setup()
    extra = sim.extra_models
    for parts in (
        (extra.PfisterSpikeTriplet(), sim.AdditiveWeightDependence()),
        (sim.SpikePairRule(), extra.WeightDependenceAdditiveTriplet()),
    ):
        with pytest.raises(NotSupportedError, match="need each other"):
            sim.STDPMechanism(*parts)


@pytest.mark.parametrize(("name", "nearest"), [("RecurrentRule", "SpikeNearestPairRule")])
def test_a_model_that_is_not_there_names_the_nearest(sim, name, nearest):
    with pytest.raises(NotSupportedError, match=f"{name} is not supported.*{nearest}"):
        getattr(sim.extra_models, name)


def test_spynnakers_form_of_vogels_rule_is_pynns_with_other_parameters(sim):
    bounds = dict(w_min=0.0, w_max=2.0)
    ours = sim.Vogels2011Rule(tau=20.0, eta=0.1, rho=4.0)
    theirs = sim.extra_models.Vogels2011Rule(alpha=2 * 4e-3 * 20.0, tau=20.0, A_plus=0.05)
    found = []
    for rule in (ours, theirs):
        stdp = sim.STDPMechanism(rule, sim.AdditiveWeightDependence(**bounds), weight=0.5)
        projection, _ = pair_of(sim, [10.0, 40.0, 50.0], [15.0, 48.0], stdp)
        sim.run(100.0)
        found.append(weight_of(projection))
    assert found[0] != 0.5
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_magnitudes_of_inhibitory_weights_and_bounds_are_taken_as_negative(sim):
    def learnt(weight, w_max, **options):
        dependence = sim.AdditiveWeightDependence(w_min=0.0, w_max=w_max)
        stdp = sim.STDPMechanism(pair_rule(sim, A_plus=0.01), dependence, weight=weight, delay=1.0)
        projection, _ = pair_of(sim, [10.0], [15.0], stdp, cell=sim.IF_curr_exp(**DELTA), **options)
        sim.run(50.0)
        return weight_of(projection)

    expected = learnt(-0.5, -1.0, receptor_type="inhibitory")
    assert expected < -0.5
    for weight in (0.5, -0.5):
        with pytest.warns(PycosimWarning) as seen:
            assert learnt(weight, 1.0, receptor_type="inhibitory") == expected
        texts = [str(warning.message) for warning in seen]
        assert len(texts) == 1 + (weight > 0)
        assert any("w_min and w_max" in text and "taken as negative" in text for text in texts)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PycosimWarning)
        assert learnt(0.5, 1.0, receptor_type="excitatory") == -expected


def test_weight_and_delay_of_plastic_types_can_be_read_and_changed(sim):
    sim.setup(timestep=1.0)
    types = [
        sim.STDPMechanism(sim.SpikePairRule(), sim.AdditiveWeightDependence(), weight=0.1, delay=2.0),
        sim.TsodyksMarkramSynapse(weight=0.1, delay=2.0, U=0.5, tau_rec=100.0, tau_facil=0.0),
        sim.extra_models.Neuromodulation(weight=0.1, delay=2.0),
    ]
    for synapse in types:
        assert (synapse.weight, synapse.delay) == (0.1, 2.0)
        synapse.weight, synapse.delay = 0.2, 3.0
        cells = sim.Population(2, sim.IF_curr_exp())
        receptor = "reward" if synapse is types[2] else "excitatory"
        projection = sim.Projection(cells, cells, sim.OneToOneConnector(), synapse, receptor_type=receptor)
        assert projection.get(["weight", "delay"], "list")[0] == (0, 0, 0.2, 3.0)


def test_weights_and_amplitudes_where_pynn_0_7_had_them(sim):
    sim.setup(timestep=1.0)
    cells = sim.Population(2, sim.IF_curr_exp())
    with pytest.warns(PycosimWarning, match=r"PyNN 0\.7's form"):
        stdp = sim.STDPMechanism(
            sim.SpikePairRule(tau_plus=17.0),
            sim.AdditiveWeightDependence(w_max=0.3, A_plus=0.02, A_minus=0.03),
        )
    with pytest.warns(PycosimWarning, match="became weight and delay of STDPMechanism"):
        projection = sim.Projection(
            cells,
            cells,
            sim.OneToOneConnector(weights=0.25, delays=4.0),
            synapse_dynamics=sim.SynapseDynamics(slow=stdp),
        )
    row = projection.get(["weight", "delay", "A_plus", "A_minus", "w_max"], "list", with_address=False)[0]
    assert row == (0.25, 4.0, 0.02, 0.03, 0.3)


def test_a_plastic_network_grows_and_its_weights_go_on(sim):
    def learnt(*, grows):
        stdp = sim.STDPMechanism(
            pair_rule(sim, A_plus=0.01, A_minus=0.01), sim.AdditiveWeightDependence(w_max=2.0), weight=0.5
        )
        projection, neuron = pair_of(sim, [10.0, 60.0, 90.0], [15.0, 64.0, 85.0], stdp, setup={"threads": 2})
        sim.run(62.0)  # the pair of 60 and 64 ms is under way
        if grows:
            late = sim.Population(1, sim.SpikeSourceArray(spike_times=[80.0]))
            added = sim.Projection(late, neuron, sim.AllToAllConnector(), stdp)
            sim.run(138.0)
            return weight_of(projection), weight_of(added)
        sim.run(138.0)
        return weight_of(projection), None

    alone, (grown, added) = learnt(grows=False)[0], learnt(grows=True)
    assert grown == alone
    # The new synapse knows of the spikes after 62 ms: at 65 and 86 ms (post), 80 ms (pre).
    change = np.exp(-(86.0 - 80.0) / 10.0) - np.exp(-(80.0 - 65.0) / 12.0)
    assert added == pytest.approx(0.5 + 0.02 * change, rel=1e-12)
