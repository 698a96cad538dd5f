"""Reading, changing and saving the synapses of a projection."""

import os
import subprocess
import sys

import numpy as np
import pytest
from pyNN.core import IndexBasedExpression

from pycosim.errors import InvalidInputError


@pytest.fixture
def cells(sim):
    sim.setup(timestep=0.1)
    return sim.Population(6, sim.IF_cond_exp(), structure=sim.space.Line(dx=2.0))


class TenTimesTarget(IndexBasedExpression):
    """Gives the source's index and ten times the target's."""

    def __call__(self, i, j):
        return i + 10.0 * j


DISTANCES = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) * 2.0
MATRIX = np.arange(36.0).reshape(6, 6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (2.5, np.full((6, 6), 2.5)),
        (MATRIX, MATRIX),
        (np.arange(36.0), MATRIX),
        (list(range(36)), MATRIX),
        (lambda d: d + 1, DISTANCES + 1),
        ("2*d", DISTANCES * 2),
        (TenTimesTarget(), np.add.outer(np.arange(6), 10.0 * np.arange(6))),
    ],
)
def test_weights_may_be_set_in_every_form(sim, cells, given, expected):
    projection = sim.Projection(cells, cells, sim.AllToAllConnector())
    projection.set(weight=given)
    np.testing.assert_allclose(projection.get("weight", "array"), expected, rtol=0, atol=1e-12)


def test_an_expression_of_indices_is_only_asked_where_there_are_synapses(sim, cells):
    projection = sim.Projection(cells, cells, sim.FromListConnector([(1, 2, 0.0, 1.0), (4, 0, 0.0, 1.0)]))
    projection.set(weight=TenTimesTarget())
    assert projection.get("weight", "list") == [(1, 2, 21.0), (4, 0, 4.0)]


def test_random_weights_lie_within_their_limits_and_differ(sim, cells):
    projection = sim.Projection(cells, cells, sim.AllToAllConnector())
    projection.set(weight=sim.RandomDistribution("uniform", [0.5, 0.6]))
    weights = projection.get("weight", "list", with_address=False)
    assert 0.5 <= min(weights) < max(weights) <= 0.6


@pytest.mark.parametrize("names", ["all", "weight", ["weight", "delay"]])
def test_a_saved_projection_is_the_same_when_it_is_read(sim, cells, names, tmp_path):
    synapse = sim.StaticSynapse(weight=lambda d: 0.1 * d, delay=0.3)
    original = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.5), synapse)
    original.save(names, str(tmp_path / "synapses.txt"))
    read = sim.Projection(
        cells, cells, sim.FromFileConnector(str(tmp_path / "synapses.txt")), sim.StaticSynapse(delay=0.3)
    )
    np.testing.assert_array_equal(
        np.array(read.get(["weight", "delay"], "list")), np.array(original.get(["weight", "delay"], "list"))
    )


def test_a_matrix_of_weights_is_saved_with_zeros_where_there_is_no_synapse(sim, cells, tmp_path):
    projection = sim.Projection(cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.5))
    projection.save("weight", str(tmp_path / "weights.txt"), format="array")
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "weights.txt"), np.eye(6) * 0.5)


@pytest.mark.parametrize(
    ("how", "value"), [("sum", 4.0), ("first", 1.0), ("last", 3.0), ("min", 1.0), ("max", 3.0)]
)
def test_several_synapses_between_two_cells_are_combined_as_asked(sim, cells, how, value):
    twice = sim.FromListConnector([(0, 1, 1.0, 1.0), (0, 1, 3.0, 2.0)])
    projection = sim.Projection(cells, cells, twice)
    assert projection.get("weight", "array", multiple_synapses=how)[0, 1] == value
    assert len(projection.get("weight", "list")) == 2


def test_synapses_can_be_looked_at_and_changed_one_by_one(sim, cells):
    projection = sim.Projection(
        cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.5, delay=0.2)
    )
    projection[3].weight = 0.75
    projection[3].delay = 1.0
    assert [c.weight for c in projection] == [0.5, 0.5, 0.5, 0.75, 0.5, 0.5]
    assert projection.connections[3].as_tuple("presynaptic_index", "weight", "delay") == (3, 0.75, 1.0)


def test_a_clone_connects_the_same_cells(sim, cells):
    original = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.4))
    clone = sim.Projection(cells, cells, sim.CloneConnector(original), sim.StaticSynapse(weight=0.1))
    assert [row[:2] for row in clone.get("weight", "list")] == [
        row[:2] for row in original.get("weight", "list")
    ]


def small_world(sim, cells, **named):
    connector = sim.SmallWorldConnector(degree=4.5, **named)
    return ~np.isnan(sim.Projection(cells, cells, connector).get("weight", "array"))


def test_a_small_world_without_rewiring_connects_neighbours(sim, cells):
    np.testing.assert_array_equal(small_world(sim, cells, rewiring=0.0), DISTANCES < 4.5)
    alone = small_world(sim, cells, rewiring=0.0, allow_self_connections=False)
    np.testing.assert_array_equal(alone, (DISTANCES < 4.5) & ~np.eye(6, dtype=bool))
    assert (small_world(sim, cells, rewiring=0.0, n_connections=2).sum(axis=1) == 2).all()


def test_rewiring_keeps_the_number_of_synapses_of_a_source_and_moves_some(sim, cells):
    near = DISTANCES < 4.5
    rewired = small_world(sim, cells, rewiring=0.5)
    np.testing.assert_array_equal(rewired.sum(axis=1), near.sum(axis=1))
    assert (rewired != near).any()


def test_a_file_of_another_width_is_refused(sim, cells, tmp_path):
    path = tmp_path / "wrong.txt"
    path.write_text("# columns = ['i', 'j', 'weight']\n0 1\n")
    with pytest.raises(InvalidInputError, match="it needs 2 columns of indices and 1 of parameters"):
        sim.Projection(cells, cells, sim.FromFileConnector(str(path)))


def test_the_native_generator_repeats_with_its_seed_and_gives_numbers(sim, cells):
    def drawn(seed):
        rng = sim.NativeRNG(seed=seed)
        synapse = sim.StaticSynapse(weight=sim.RandomDistribution("uniform", (0.0, 1.0), rng=rng))
        connector = sim.FixedProbabilityConnector(0.5, rng=rng)
        sim.setup(timestep=0.1)
        these = sim.Population(20, sim.IF_cond_exp())
        weights = sim.Projection(these, these, connector, synapse).get("weight", "list")
        return weights, rng.next(5, "normal", {"mu": 0.0, "sigma": 1.0}).tolist()

    assert drawn(1) == drawn(1)
    weights, numbers = drawn(2)
    assert weights != drawn(1)[0]
    assert len(set(numbers)) == 5
    with pytest.raises(InvalidInputError, match="NativeRNG"):
        sim.NativeRNG(seed=-1)


def test_receptors_of_an_assembly_are_in_the_order_of_the_first_population():
    """PyNN's order is that of a set of texts, which differs from process to process."""
    code = (
        "import pycosim.native as sim; sim.setup();"
        "a, b = (sim.Population(2, sim.IF_curr_exp()) for _ in 'ab');"
        "distribution = sim.RandomDistribution('uniform', (0.0, 0.1));"
        "made = sim.Projection(a, a + b, sim.AllToAllConnector(), sim.StaticSynapse(weight=distribution));"
        "print((a + b).receptor_types, made.receptor_type)"
    )
    for seed in range(4):
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        run = subprocess.run(
            [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == "['excitatory', 'inhibitory'] excitatory"
