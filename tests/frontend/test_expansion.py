"""Connectors that are not random and synapse values, against PyNN's own code on its mock simulator."""

import numpy as np
import pytest
from pyNN import mock
from pyNN.connectors import Connector, FromFileConnector
from pyNN.parameters import LazyArray
from pyNN.random import RandomDistribution
from pyNN.space import Line, Space

from pycosim.errors import ConnectivityError
from pycosim.frontend.expansion import expand

from .expanding import (
    Checkerboard,
    EveryThird,
    Sum,
    cells,
    expanded,
    projection,
    sources_of,
    synapses,
    synapses_of_mock,
)

DETERMINISTIC = [
    (lambda: mock.AllToAllConnector(), {}),
    (lambda: mock.OneToOneConnector(), {}),
    (lambda: mock.AllToAllConnector(), {"weight": np.arange(35.0).reshape(7, 5)}),
    (lambda: mock.OneToOneConnector(), {"delay": np.arange(35.0).reshape(7, 5)}),
    (lambda: mock.AllToAllConnector(), {"weight": "0.2+2*np.exp(-d/0.2)", "delay": lambda d: 0.1 + d**2}),
    (lambda: mock.AllToAllConnector(), {"weight": Sum()}),
    (lambda: mock.AllToAllConnector(), {"weight": LazyArray("d") * 2.0 + 1.0}),
    (lambda: mock.AllToAllConnector(), {"weight": 2.0 * LazyArray(np.arange(35.0).reshape(7, 5))}),
    (
        lambda: mock.FromListConnector(
            [(0, 1, 0.3, 1.0), (6, 4, 0.1, 2.0), (0, 1, 0.2, 1.0), (3, 0, 0.5, 0.1)]
        ),
        {},
    ),
    (lambda: mock.FromListConnector([(6, 1), (0, 4), (0, 2)]), {}),
    (lambda: mock.FromListConnector([(6, 1, 9.0), (0, 4, 8.0)], column_names=["delay"]), {}),
    (lambda: mock.ArrayConnector(np.arange(35).reshape(7, 5) % 3 == 0), {"weight": "d"}),
    (lambda: mock.DistanceDependentProbabilityConnector("d<3"), {}),
    (lambda: mock.IndexBasedProbabilityConnector(EveryThird()), {"weight": Sum()}),
    (
        lambda: mock.DisplacementDependentProbabilityConnector(lambda d: 1.0 * (d[0] < 3) * (abs(d[1]) < 2)),
        {},
    ),
    (lambda: mock.FixedProbabilityConnector(1.0), {}),
    (lambda: mock.FixedProbabilityConnector(0.0), {}),
    (lambda: Checkerboard(), {"weight": "d"}),
]


@pytest.mark.parametrize(("connector", "synapse"), DETERMINISTIC)
def test_what_is_not_random_is_connected_as_pynn_does(connector, synapse):
    pre, post = cells(7), cells(5, x0=0.4)
    result = expanded(pre, post, connector(), synapse)
    theirs = synapses_of_mock(pre, post, connector(), synapse)
    np.testing.assert_allclose(np.reshape(synapses(result), (-1, 4)), np.reshape(theirs, (-1, 4)), rtol=1e-12)
    assert np.array_equal(np.lexsort((result.targets, sources_of(result))), np.arange(result.n_synapses))


@pytest.mark.parametrize(
    "connector",
    [
        lambda: mock.AllToAllConnector(allow_self_connections=False),
        lambda: mock.FixedProbabilityConnector(1.0, allow_self_connections=False),
        lambda: mock.FixedProbabilityConnector(1.0, allow_self_connections="NoMutual"),
        lambda: mock.DistanceDependentProbabilityConnector("d<4", allow_self_connections=False),
        lambda: mock.DistanceDependentProbabilityConnector("d<4", allow_self_connections="NoMutual"),
        lambda: mock.IndexBasedProbabilityConnector(EveryThird(), allow_self_connections=False),
        lambda: mock.IndexBasedProbabilityConnector(EveryThird(), allow_self_connections="NoMutual"),
    ],
)
def test_connections_to_oneself_and_back_are_left_out_as_pynn_does(connector):
    population = cells(9)
    assert synapses(expanded(population, population, connector())) == synapses_of_mock(
        population, population, connector()
    )


def test_neurons_of_views_and_assemblies_are_known_by_their_numbers():
    first, second = cells(6), cells(4)
    connector = mock.AllToAllConnector(allow_self_connections=False)
    for pre, post in (
        (first, first[2:5]),
        (first[3:], first[1:4]),
        (first + second, second),
        (second, first + second),
    ):
        assert synapses(expanded(pre, post, connector)) == synapses_of_mock(pre, post, connector)
    fixed = mock.FixedNumberPostConnector(3, allow_self_connections=False)
    result = expanded(first + second, second, fixed)
    assert not np.any(
        np.asarray((first + second).all_cells)[sources_of(result)] == second.all_cells[result.targets]
    )


@pytest.mark.parametrize(
    "space",
    [
        Space(axes="x"),
        Space(axes="yz"),
        Space(scale_factor=2.0, offset=1.0),
        Space(periodic_boundaries=((0, 8.0), None, (-1, 1))),
        Space(axes="xy", periodic_boundaries=((0, 5.0), (0, 1.0), None)),
    ],
)
def test_distances_are_those_of_the_space(space):
    pre, post = cells(7), cells(5, x0=0.4)
    result = expanded(pre, post, mock.AllToAllConnector(), {"weight": "d"}, space=space)
    theirs = synapses_of_mock(pre, post, mock.AllToAllConnector(), {"weight": "d"}, space)
    np.testing.assert_allclose(synapses(result), theirs, rtol=1e-12)


def test_a_space_of_the_user_has_its_own_distances():
    class Manhattan(Space):
        def distances(self, A, B, expand=False):
            return np.abs(np.atleast_2d(A)[:, None] - np.atleast_2d(B)).sum(axis=-1).ravel()

    pre, post = cells(3), cells(2, x0=0.5)
    for connector in (mock.AllToAllConnector(), mock.ArrayConnector(np.ones((3, 2), bool))):
        result = expanded(pre, post, connector, {"weight": "d"}, space=Manhattan())
        np.testing.assert_allclose(result.weights, [0.5, 2.0, 1.0, 0.5, 2.5, 1.0])


def test_distances_work_on_assemblies_too():
    pre, post = cells(2), cells(2, x0=1.0) + cells(1, x0=8.0)
    result = expanded(pre, post, mock.AllToAllConnector(), {"weight": "d"})
    np.testing.assert_allclose(result.weights, [1.0, 2.5, 8.0, 0.5, 1.0, 6.5])


@pytest.mark.parametrize(("n_pre", "n_post"), [(1, 1), (1, 4), (4, 1)])
def test_a_population_of_one_cell_can_be_connected_one_to_one_and_by_any_map(n_pre, n_post):
    result = expanded(cells(n_pre), cells(n_post), mock.OneToOneConnector(), {"weight": "d"})
    assert synapses(result) == [(0, 0, 0.0, 1.0)]
    result = expanded(cells(n_pre), cells(n_post), Checkerboard(), {"weight": Sum()})
    assert [(i, j) for i, j, *_ in synapses(result)] == [
        (i, j) for i in range(n_pre) for j in range(n_post) if (i + j) % 2 == 0
    ]
    np.testing.assert_array_equal(
        np.broadcast_to(result.weights, result.n_synapses), sources_of(result) + 10.0 * result.targets
    )


def test_constants_stay_single_numbers_and_no_delay_means_the_smallest():
    result = expanded(cells(3), cells(2), mock.AllToAllConnector())
    assert (result.weights, result.delays_ms) == (0.5, 1.0)
    assert isinstance(result.weights, float)
    waiting = projection(cells(3), cells(2), mock.AllToAllConnector())
    waiting.synapse_type.parameter_space.pop("delay")
    assert expand(waiting, 1, 2).delays_ms is None


def test_a_list_of_weights_goes_by_source_and_then_target():
    mask = np.array([[True, False, True], [False, True, False]])
    weights = {"weight": [0.1, 0.2, 0.3], "delay": np.array([1.0, 2.0, 3.0])}
    result = expanded(cells(2), cells(3), mock.ArrayConnector(mask), weights)
    assert synapses(result) == [(0, 0, 0.1, 1.0), (0, 2, 0.2, 2.0), (1, 1, 0.3, 3.0)]


def test_random_values_are_drawn_once_for_each_synapse():
    weight = RandomDistribution("uniform", (1.0, 2.0))
    result = expanded(cells(40), cells(50), mock.AllToAllConnector(), {"weight": weight, "delay": weight})
    for column in (result.weights, result.delays_ms):
        assert len(np.unique(column)) == 2000
        assert 1.0 <= column.min() < 1.01 < 1.99 < column.max() < 2.0
    assert not np.array_equal(result.weights, result.delays_ms)


@pytest.mark.parametrize(
    "header", ["# columns = ['i', 'j', 'weight', 'delay']\n", "", "# columns = ('weight', 'delay')\n"]
)
def test_a_file_is_read_like_a_list(tmp_path, header):
    path = tmp_path / "connections.txt"
    path.write_text(header + "3 1 0.5 2.0\n0 0 0.25 1.0\n")
    result = expanded(cells(4), cells(2), FromFileConnector(str(path)))
    assert synapses(result) == [(0, 0, 0.25, 1.0), (3, 1, 0.5, 2.0)]


def test_a_file_may_have_a_single_line_and_no_parameters(tmp_path):
    path = tmp_path / "connections.txt"
    path.write_text("3 1\n")
    assert synapses(expanded(cells(4), cells(2), FromFileConnector(str(path)))) == [(3, 1, 0.5, 1.0)]


def test_each_rank_reads_its_own_distributed_file_and_removes_none(tmp_path):
    for name, line in (("net.txt", "0 0\n"), ("net.txt.0", "3 1\n")):
        (tmp_path / name).write_text(line)
    result = expanded(cells(4), cells(2), FromFileConnector(str(tmp_path / "net.txt"), distributed=True))
    assert synapses(result) == [(3, 1, 0.5, 1.0)]
    assert (tmp_path / "net.txt").exists()


def test_a_clone_has_the_connections_of_its_reference():
    pre, post = cells(20), cells(20)
    reference = mock.Projection(
        pre, post, mock.FixedProbabilityConnector(0.3), mock.StaticSynapse(weight=0.1, delay=1.0)
    )
    pairs = {(int(c.presynaptic_index), int(c.postsynaptic_index)) for c in reference.connections}
    reference.pre_indices, reference.post_indices = np.array(sorted(pairs) + sorted(pairs)[:3]).T
    result = expanded(pre, post, mock.CloneConnector(reference), {"weight": 0.7})
    assert set(zip(sources_of(result), result.targets)) == pairs
    assert result.n_synapses == len(pairs)
    with pytest.raises(ConnectivityError, match="both must connect the same cells"):
        expanded(pre, cells(20), mock.CloneConnector(reference))


def test_a_connector_that_makes_its_own_synapses_is_listened_to():
    class Own(Connector):
        parameter_names = ()

        def connect(self, projection):
            for j in reversed(range(projection.post.size)):
                projection._convergent_connect(
                    np.array([2, 0]), j, weight=0.1 * j, delay=np.array([1.0, 2.0])
                )

    result = expanded(cells(3), cells(2), Own())
    assert synapses(result) == [(0, 0, 0.0, 2.0), (0, 1, 0.1, 2.0), (2, 0, 0.0, 1.0), (2, 1, 0.1, 1.0)]


def test_a_connector_may_give_cells_instead_of_indices():
    class Cells(Connector):
        parameter_names = ()

        def connect(self, projection):
            projection._convergent_connect([projection.pre[2]], projection.post[1], weight=0.1, delay=1.0)

    assert synapses(expanded(cells(3), cells(2), Cells())) == [(2, 1, 0.1, 1.0)]


def test_random_weights_of_a_user_s_connector_come_from_our_random_numbers():
    weight = {"weight": RandomDistribution("normal", (1.0, 0.1))}
    pre, post = cells(8), cells(8)
    first, again = (expanded(pre, post, Checkerboard(), weight) for _ in range(2))
    np.testing.assert_array_equal(first.weights, again.weights)
    assert len(np.unique(first.weights)) == first.n_synapses


def test_progress_ends_at_one():
    levels = []
    expanded(cells(3), cells(3), mock.AllToAllConnector(callback=levels.append))
    assert levels[-1] == 1.0


def test_weights_and_delays_may_be_texts_with_functions_of_distance(sim):
    sim.setup(timestep=0.1)
    pre = sim.Population(1, sim.SpikeSourcePoisson())
    post = sim.Population(2, sim.IF_curr_exp(), structure=Line(dx=2.0))
    synapse = sim.StaticSynapse(weight="0.2+2*exp(-d/0.5)", delay="0.1+d")
    made = sim.Projection(pre, post, sim.AllToAllConnector(), synapse)
    np.testing.assert_allclose(made.get("weight", "list", with_address=False), [2.2, 0.2 + 2 * np.exp(-4)])
    np.testing.assert_allclose(made.get("delay", "list", with_address=False), [0.1, 2.1])
