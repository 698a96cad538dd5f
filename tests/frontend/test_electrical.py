"""ElectricalSynapse as scripts use it."""

import numpy as np
import pytest

from pycosim.errors import ConnectivityError, InvalidInputError, NotSupportedError

PASSIVE = {"v_rest": -65.0, "v_thresh": 1000.0, "tau_m": 20.0, "cm": 1.0}


def v_of(population):
    return np.asarray(population.get_data("v").segments[0].filter(name="v")[0])


def pair(sim, weight, **arguments):
    first = sim.Population(1, sim.IF_curr_exp(i_offset=0.5, **PASSIVE), initial_values={"v": -65.0})
    second = sim.Population(1, sim.IF_curr_exp(**PASSIVE), initial_values={"v": -65.0})
    first.record("v")
    second.record("v")
    synapse = sim.ElectricalSynapse(weight=weight)
    gap = sim.Projection(first, second, sim.OneToOneConnector(), synapse, **arguments)
    return first, second, gap


def test_hodgkin_huxley_cells_drive_each_other_through_strong_junctions_in_both_directions(sim):
    # The network of PyNN's own test of pyNN.neuron, in which four pairs of cells share currents of 1 nA.
    sim.setup(timestep=0.1)
    p1, p2 = (sim.Population(4, sim.HH_cond_exp()) for _ in range(2))
    pairs = np.array([[0, 0, 1.0], [0, 1, 1.0], [2, 2, 1.0], [3, 2, 1.0]])
    connector = sim.FromListConnector(pairs, column_names=["weight"])
    place = "source_section.gap"
    sim.Projection(p1, p2, connector, sim.ElectricalSynapse(weight=1.0), source=place, receptor_type=place)
    current = sim.StepCurrentSource(amplitudes=[1.0], times=[100])
    p1[0:1].inject(current)
    p2[2:3].inject(current)
    p1.record("v")
    p2.record("v")
    sim.run(200.0)
    first, second = np.ptp(v_of(p1), axis=0), np.ptp(v_of(p2), axis=0)
    assert min(second[[0, 1]].min(), first[[2, 3]].min()) > 50
    assert max(second[3], first[1]) < 1  # without a junction, at rest


def test_the_current_flows_both_ways_and_charge_is_kept(sim):
    def charge(weight):
        sim.setup(timestep=0.1)
        first, second, _ = pair(sim, weight)
        sim.run(30.0)
        return v_of(first) + v_of(second)

    # With equal cells the sum of the membranes does not know of the junction; the limit is the error of the
    # step.
    np.testing.assert_allclose(charge(0.02), charge(0.0), rtol=0, atol=1e-3)


def test_conductances_are_read_and_changed_like_weights_also_between_runs(sim):
    sim.setup(timestep=0.1)
    first, second, gap = pair(sim, 0.05)
    assert gap.get("weight", "list") == [(0, 0, 0.05)]
    sim.run(300.0)
    joined = v_of(first)[-1] - v_of(second)[-1]
    gap.set(weight=0.1)
    sim.run(300.0)
    np.testing.assert_array_equal(gap.get("weight", "array"), [[0.1]])
    assert gap[0].weight == 0.1
    assert len(gap) == 1
    # 0.5 nA, leaks of 0.05 uS: the difference is 0.5 / (0.05 + 2 g).
    np.testing.assert_allclose(joined, 0.5 / 0.15, rtol=1e-5)
    np.testing.assert_allclose(v_of(first)[-1] - v_of(second)[-1], 0.5 / 0.25, rtol=1e-5)


def test_reset_begins_with_the_same_junctions(sim):
    sim.setup(timestep=0.1)
    _, second, _ = pair(sim, 0.05)
    sim.run(20.0)
    sim.reset()
    sim.run(20.0)
    one, two = (segment.filter(name="v")[0] for segment in second.get_data().segments)
    assert np.ptp(np.asarray(one)) > 1
    np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


def test_junctions_that_are_added_after_run_begin_then(sim):
    sim.setup(timestep=0.1)
    _, second, _ = pair(sim, 0.0)
    sim.run(20.0)
    third = sim.Population(1, sim.IF_cond_exp(**PASSIVE), initial_values={"v": -80.0})
    third.record("v")
    sim.Projection(second, third, sim.OneToOneConnector(), sim.ElectricalSynapse(weight=0.05))
    sim.run(20.0)
    v = v_of(second)[:, 0]
    np.testing.assert_array_equal(v[:201], -65.0)
    assert v[201:].min() < -66


def test_values_and_connectors_are_those_of_other_projections(sim):
    sim.setup(timestep=0.1)
    cells = sim.Population(10, sim.IF_cond_exp(), structure=sim.space.Line(dx=1.0))
    connector = sim.DistanceDependentProbabilityConnector("d < 1.5", allow_self_connections="NoMutual")
    gap = sim.Projection(cells, cells, connector, sim.ElectricalSynapse(weight="0.01 * d"))
    assert len(gap) == 9
    np.testing.assert_allclose(gap.get("weight", "list", with_address=False), 0.01)
    rng = sim.NumpyRNG(seed=3)
    gap.set(weight=sim.RandomDistribution("uniform", low=0.01, high=0.02, rng=rng))
    weights = np.array(gap.get("weight", "list", with_address=False))
    assert len(set(weights)) == 9
    assert 0.01 < weights.min() < weights.max() < 0.02


def test_what_a_junction_cannot_have_is_refused_by_name(sim):
    sim.setup(timestep=0.1)
    with pytest.raises(InvalidInputError, match=r"receptor_type='inhibitory'.* has no receptor"):
        pair(sim, 0.1, receptor_type="inhibitory")
    _, second, gap = pair(sim, 0.1)
    with pytest.raises(AttributeError, match="delay"):
        gap.attribute("delay")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]), label="spikes")
    sim.Projection(source, second, sim.OneToOneConnector(), sim.ElectricalSynapse(weight=0.1))
    with pytest.raises(ConnectivityError, match="'spikes', a spike source, which has no membrane"):
        sim.run(1.0)


def test_targets_without_junctions_name_them():
    import pycosim.loihi as loihi

    loihi.setup(timestep=1.0)
    pair(loihi, 0.1)
    with pytest.raises(NotSupportedError, match="Gap junctions"):
        loihi.run(10.0)
    loihi.end()
