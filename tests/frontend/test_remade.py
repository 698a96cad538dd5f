"""Synapses that are not kept beside the engine's copy: what is read later is what was made first."""

import subprocess
import sys

import numpy as np
import pytest
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.space import Space

import pycosim.native as sim
from pycosim.errors import BackendError
from pycosim.network import Projection, RemadeProjection

CONNECTORS = {
    "all to all": lambda rng: sim.AllToAllConnector(allow_self_connections=False),
    "one to one": lambda rng: sim.OneToOneConnector(),
    "probability": lambda rng: sim.FixedProbabilityConnector(0.1, rng=rng),
    "number of sources": lambda rng: sim.FixedNumberPreConnector(20, rng=rng),
    "number of targets": lambda rng: sim.FixedNumberPostConnector(
        20, rng=rng, with_replacement=True, allow_self_connections=False
    ),
    "drawn numbers": lambda rng: sim.FixedNumberPreConnector(
        RandomDistribution("uniform_int", (5, 30), rng=rng), rng=rng
    ),
    "total": lambda rng: sim.FixedTotalNumberConnector(5000, rng=rng),
    "total of different pairs": lambda rng: sim.FixedTotalNumberConnector(
        5000, with_replacement=False, allow_self_connections=False, rng=rng
    ),
    "distance": lambda rng: sim.DistanceDependentProbabilityConnector("exp(-d/20)", rng=rng),
}
GENERATORS = {
    "none": lambda: None,
    "the script's": lambda: NumpyRNG(seed=11),
    "without a seed": lambda: NumpyRNG(),
    "native": lambda: sim.NativeRNG(11),
}


def network(connector, generator, **setup):
    """Return cells, a projection between views of them, and the generator that all of it may share."""
    sim.setup(timestep=0.1, seed=3, **setup)
    cells = sim.Population(700, sim.IF_curr_exp(i_offset=3.0), initial_values={"v": -60.0})
    rng = GENERATORS[generator]()
    synapse = sim.StaticSynapse(
        weight=RandomDistribution("normal_clipped", (0.05, 0.02, 0.0, np.inf), rng=rng),
        delay=RandomDistribution("uniform", (0.1, 3.0), rng=rng),
    )
    made = sim.Projection(cells[50:450], cells[200:], CONNECTORS[connector](rng), synapse)
    cells.record("spikes")
    return cells, made, rng


def spikes(cells):
    return [train.magnitude.tolist() for train in cells.get_data().segments[-1].spiketrains]


def synapses(projection):
    return projection.get(["weight", "delay"], "list")


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("connector", CONNECTORS)
def test_synapses_read_after_a_run_are_those_that_were_made(connector, generator):
    _, kept, rng = network(connector, generator, synapses="stored")
    expected = synapses(kept)
    assert len(expected) > 100  # OneToOne has 250 of views that overlap by as many
    numbers = rng.next(3).tolist() if generator == "the script's" else None

    _, made, rng = network(connector, generator)
    assert isinstance(made.column, RemadeProjection)
    sim.run(5.0)
    assert synapses(made) == expected
    assert len(made) == len(expected)
    if numbers is not None:  # the script's own generator is where it would be
        assert rng.next(3).tolist() == numbers


def test_the_connector_and_the_synapse_type_may_be_used_for_something_else():
    _, kept, _ = network("probability", "the script's", synapses="stored")
    expected = synapses(kept)
    _, made, rng = network("probability", "the script's")
    made._connector.p_connect = 0.9
    made.synapse_type.parameter_space["weight"].base_value.parameters["mu"] = 5.0
    rng.next(100)
    sim.run(1.0)
    assert synapses(made) == expected


class HalfOfTheDistance(Space):
    def distances(self, *places):
        return super().distances(*places) / 2


def near_ones(space=None, rule="exp(-d/20)", weight="0.05*exp(-d/40)", **setup):
    """Return cells, and a projection whose connections, weights and delays depend on the distance."""
    sim.setup(timestep=0.1, seed=3, **setup)
    cells = sim.Population(700, sim.IF_curr_exp())
    synapse = sim.StaticSynapse(weight=weight, delay="0.1 + d/50")
    connector = sim.DistanceDependentProbabilityConnector(rule)
    return cells, sim.Projection(cells[:400], cells, connector, synapse, space=space or Space())


@pytest.mark.parametrize("boundaries", [None, ((0.0, 700.0), None, None)], ids=["open", "periodic"])
def test_cells_may_be_put_somewhere_else_after_they_were_connected(boundaries):
    space = Space(periodic_boundaries=boundaries)
    _, kept = near_ones(space, synapses="stored")
    expected = synapses(kept)
    assert len({delay for *_, delay in expected}) > 20  # distances matter

    cells, made = near_ones(space)
    assert isinstance(made.column, RemadeProjection)
    cells.positions[0] *= 3
    cells.positions = np.zeros((3, 700))
    made.space.periodic_boundaries = ((0.0, 10.0), None, None)
    sim.run(1.0)
    assert not made.column.is_there
    assert synapses(made) == expected


def test_what_a_script_computes_from_distances_is_kept():
    for given in (
        {"space": HalfOfTheDistance()},
        {"weight": lambda d: 0.05 * np.exp(-d / 40)},
    ):
        _, made = near_ones(**given)
        assert not isinstance(made.column, RemadeProjection)


def changed_between_runs(**setup):
    """Return all spikes of a network whose synapses change, grow, and begin again."""
    cells, made, _ = network("probability", "the script's", **setup)
    sim.run(20.0)
    made.set(weight=RandomDistribution("uniform", (0.0, 0.2), rng=NumpyRNG(seed=8)))
    sim.run(20.0)
    made.set(delay=0.5)
    more = sim.Projection(
        cells,
        cells,
        sim.FixedNumberPostConnector(200),
        sim.StaticSynapse(weight=-0.05),
        receptor_type="inhibitory",
    )
    sim.run(20.0)
    more.set(weight=-0.01)
    sim.run(20.0)
    sim.reset()
    sim.run(30.0)
    segments = cells.get_data().segments
    return (
        [[train.magnitude.tolist() for train in s.spiketrains] for s in segments],
        synapses(made),
        synapses(more),
    )


def test_changes_growth_and_reset_act_as_on_synapses_that_are_kept():
    trains, *values = changed_between_runs()
    expected, *expected_values = changed_between_runs(synapses="stored")
    assert sum(map(len, trains[0])) > 1000  # 700 cells, 80 ms: a network at work
    assert trains == expected
    assert values == expected_values


def test_limits_of_delays_stay_known():
    _, made, _ = network("probability", "the script's")
    limits = (
        min(made.get("delay", "list", with_address=False)),
        max(made.get("delay", "list", with_address=False)),
    )
    _, made, _ = network("probability", "the script's")
    sim.run(1.0)
    assert (sim.get_min_delay(), sim.get_max_delay()) == limits


def test_synapses_that_became_others_are_refused_however_often_they_are_read():
    def made(weight):
        rows = np.array([0], np.int32), np.array([0, 2]), np.array([1, 2], np.int32)
        return Projection("a", "excitatory", *rows, np.array([0.1, weight]), 1)

    remade = RemadeProjection(made(0.2), lambda: made(0.3))
    assert remade.weights[1] == 0.2
    assert remade.release()
    for _ in range(2):
        with pytest.raises(BackendError, match="became others"):
            _ = remade.weights


MEASURE = """
import sys
import pycosim.native as sim
from pycosim.memory import used_bytes

uniform = sim.RandomDistribution
weight, delay = {values}
sim.setup(timestep=0.1)
cells = sim.Population(7000, sim.IF_curr_exp())
sim.run(0.1)
sim.reset()
before = used_bytes()
synapse = sim.StaticSynapse(weight=weight, delay=delay)
made = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.2), synapse)
sim.run(0.1)
sim.get_min_delay(), len(made)
status = open("/proc/self/status").read()
peak = 1024 * int(status.split("VmHWM:")[1].split()[0])
print((used_bytes() - before) / len(made), (peak - before) / len(made))
"""


@pytest.mark.parametrize(
    ("values", "limit", "peak_limit"),
    [("0.1, 1.5", 4.0, 9.0), ('uniform("uniform", (0.0, 0.1)), uniform("uniform", (0.1, 4.0))', 11.0, 22.0)],
    ids=["equal", "individual"],
)
def test_a_process_needs_little_more_than_the_engine_s_copy(values, limit, peak_limit, tmp_path):
    # 9.8 million synapses; the engine has 2.1 and 10.1 bytes for each, and 1 MB more is 0.1. At the peak
    # there are the columns, of 4 and 16 bytes (targets twice while they are drawn), not also its copy.
    code = MEASURE.format(values=values)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    after, peak = map(float, run.stdout.split())
    assert 1.0 < after < limit
    assert peak < peak_limit


def large_network(ends_apart, **setup):
    """Return spikes, and synapses read before and after a run; columns have several pieces of 2 MiB."""
    sim.setup(timestep=0.1, seed=3, **setup)
    cells = [
        sim.Population(1500, sim.IF_curr_exp(i_offset=1.2), initial_values={"v": -60.0}) for _ in range(2)
    ]
    post = sim.Assembly(cells[1][200:], cells[0][:700]) if ends_apart else cells[1]
    made = []
    for probability in (0.6, 0.5):
        synapse = sim.StaticSynapse(
            weight=RandomDistribution("uniform", (0.0, 0.002)),
            delay=RandomDistribution("uniform", (0.2, 3.0)),
        )
        made.append(sim.Projection(cells[0], post, sim.FixedProbabilityConnector(probability), synapse))
    for population in cells:
        population.record("spikes")
    indices = [projection.post_indices for projection in made]
    sim.run(30.0)
    columns = [
        (projection.attribute("weight"), projection.attribute("delay"), projection.post_indices)
        for projection in made
    ]
    return [spikes(population) for population in cells], columns, indices


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("ends_apart", [False, True], ids=["one population", "two"])
def test_columns_that_the_engine_has_overwritten_are_made_again(ends_apart, threads):
    kept, columns, indices = large_network(ends_apart, synapses="stored")
    fired, again, held = large_network(ends_apart, threads=threads)
    assert sum(len(train) for trains in kept for train in trains) > 3000
    assert fired == kept
    for one, other in zip(columns, again):
        assert all(np.array_equal(a, b) for a, b in zip(one, other))
    assert all(np.array_equal(a, b) for a, b in zip(indices, held))  # what a script has is not overwritten
