"""Connectors that only sPyNNaker has, against their definitions written as loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN.space import Grid2D

import pycosim.native as native
from pycosim.errors import ConnectivityError, InvalidInputError
from pycosim.frontend.simulator import state


@pytest.fixture(autouse=True)
def forgotten():
    yield
    state.clear()
    state.is_set_up = False


def image(sim, shape, label):
    """A population of neurons as an image of (rows, columns)."""
    rows, columns = shape
    structure = Grid2D(columns / rows)
    return sim.Population(rows * columns, sim.IF_curr_exp(), structure=structure, label=label)


def weights_of(projections, n_pre, n_post):
    """Return all weights as a matrix, 0 where there is no synapse."""
    matrix = np.zeros((n_pre, n_post))
    for projection in projections:
        for source, target, weight in projection.get("weight", "list"):
            matrix[int(source), int(target)] += weight
    return matrix


def test_all_but_me_connects_each_cell_of_a_group_with_the_others(sim):
    sim.setup(1.0)
    cells = sim.Population(6, sim.IF_curr_exp())
    whole = sim.Projection(cells, cells, sim.AllButMeConnector(), sim.StaticSynapse(weight=2.0))
    assert np.array_equal(weights_of([whole], 6, 6), 2.0 * (1 - np.eye(6)))
    weights = np.arange(1.0, 7.0)
    grouped = sim.Projection(
        cells, cells, sim.AllButMeConnector(n_neurons_per_group=3, weights=weights), sim.StaticSynapse()
    )
    group = np.array([[0, 1, 2], [3, 0, 4], [5, 6, 0]])
    assert np.array_equal(weights_of([grouped], 6, 6), np.kron(np.eye(2), group))
    inhibition = sim.Projection(
        cells,
        cells,
        sim.extra_models.AllButMeConnector(),
        sim.StaticSynapse(weight=-1.0),
        receptor_type="inhibitory",
    )
    assert len(inhibition) == 30
    with pytest.raises(ConnectivityError, match="groups of 4"):
        sim.Projection(cells, cells, sim.AllButMeConnector(4))
    with pytest.raises(InvalidInputError, match="5 weights were given for 6 synapses"):
        sim.Projection(cells, cells, sim.AllButMeConnector(3, weights=weights[:5]))


@pytest.mark.parametrize(
    ("offset", "wrap", "group", "pairs"),
    [
        (1, False, None, [(0, 1), (1, 2), (2, 3)]),
        (1, True, None, [(0, 1), (1, 2), (2, 3), (3, 0)]),
        (-1, True, 2, [(0, 1), (1, 0), (2, 3), (3, 2)]),
        (-1, False, 2, [(1, 0), (3, 2)]),
    ],
)
def test_an_offset_leads_from_each_cell_to_a_later_one(sim, offset, wrap, group, pairs):
    sim.setup(1.0)
    cells = sim.Population(4, sim.IF_curr_exp())
    projection = sim.Projection(cells, cells, sim.OneToOneOffsetConnector(offset, wrap, group))
    assert [(int(i), int(j)) for i, j, _ in projection.get("weight", "list")] == pairs


def test_an_offset_beyond_the_group_is_refused(sim):
    sim.setup(1.0)
    cells = sim.Population(4, sim.IF_curr_exp())
    with pytest.raises(ConnectivityError, match="smaller than a group"):
        sim.Projection(cells, cells, sim.OneToOneOffsetConnector(4, True))


shapes = st.tuples(st.integers(1, 5), st.integers(1, 5))


@settings(deadline=None, max_examples=40)
@given(
    shapes,
    shapes,
    shapes,
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_a_kernel_is_centred_on_each_target(pre, post, kernel, pre_step, post_step, post_start):
    sim = native
    sim.setup(1.0)
    source, target = image(sim, pre, "source"), image(sim, post, "target")
    weights = np.arange(1.0, np.prod(kernel) + 1).reshape(kernel)
    connector = sim.KernelConnector(
        pre,
        post,
        kernel,
        weight_kernel=weights,
        delay_kernel=weights,
        pre_sample_steps_in_post=pre_step,
        post_sample_steps_in_pre=post_step,
        post_start_coords_in_pre=post_start,
    )
    projection = sim.Projection(source, target, connector, sim.StaticSynapse())
    expected = np.zeros((source.size, target.size))
    for s in range(source.size):
        for t in range(target.size):
            place = []
            for axis, at, to in zip((0, 1), divmod(s, pre[1]), divmod(t, post[1])):
                centre = (post_start[axis] + to * post_step[axis] - 1) // pre_step[axis] + 1
                place.append(kernel[axis] // 2 - (centre - at) if at % pre_step[axis] == 0 else -1)
            if 0 <= place[0] < kernel[0] and 0 <= place[1] < kernel[1]:
                expected[s, t] = weights[tuple(place)]
    assert np.array_equal(weights_of([projection], *expected.shape), expected)
    assert projection.get("delay", "list", with_address=False) == projection.get(
        "weight", "list", with_address=False
    )


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(2, 6), st.integers(2, 6)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 2),
    st.integers(0, 1),
    st.integers(1, 2),
)
def test_a_convolution_is_what_a_layer_of_a_network_computes(pre, kernel, stride, padding, pool):
    sim = native
    rng = np.random.default_rng(1)
    weights = rng.normal(size=kernel)
    sim.setup(1.0)
    connector = sim.ConvolutionConnector(weights, strides=stride, padding=padding, pool_shape=pool)
    post = connector.get_post_shape(pre)
    source, target = image(sim, pre, "source"), image(sim, post, "target")
    pooled = tuple((n - pool) // pool + 1 for n in pre)
    if any(n + 2 * padding < k for n, k in zip(pooled, kernel)):
        return  # a kernel that is larger than the image
    sim.Projection(source, target, connector, sim.Convolution(delay=3.0))
    projections = state.projections
    assert [p.receptor_type for p in projections] == ["excitatory", "inhibitory"]
    seen = rng.normal(size=pre)
    means = np.zeros(pooled)
    for row, column in np.ndindex(*pooled):
        means[row, column] = seen[row * pool : (row + 1) * pool, column * pool : (column + 1) * pool].mean()
    padded = np.pad(means, padding)
    expected = np.zeros(post)
    for row, column in np.ndindex(*post):
        window = padded[row * stride :, column * stride :][: kernel[0], : kernel[1]]
        expected[row, column] = (window * weights).sum()
    found = seen.ravel() @ weights_of(projections, source.size, target.size)
    # Sums of at most 9 x 4 products of numbers around 1, in another order.
    np.testing.assert_allclose(found, expected.ravel(), atol=1e-12)
    assert set(projections[0].get("delay", "list", with_address=False)) <= {3.0}


def test_negative_weights_of_a_convolution_are_conductances_of_the_inhibitory_receptor(sim):
    sim.setup(1.0)
    source = image(sim, (2, 2), "source")
    target = sim.Population(4, sim.IF_cond_exp(), structure=Grid2D(1.0))
    sim.Projection(source, target, sim.ConvolutionConnector([[-0.5]]), sim.Convolution())
    assert [len(p) for p in state.projections] == [0, 4]
    assert set(state.projections[1].get("weight", "list", with_address=False)) == {0.5}


def test_pool_dense_averages_pools_and_connects_them_with_every_target(sim):
    sim.setup(1.0)
    source = image(sim, (4, 6), "source")
    target = sim.Population(3, sim.IF_curr_exp(), label="target")
    weights = np.random.default_rng(2).normal(size=(6, 3))
    sim.Projection(source, target, sim.PoolDenseConnector(weights, pool_shape=2), sim.PoolDense())
    seen = np.random.default_rng(3).normal(size=(4, 6))
    means = seen.reshape(2, 2, 3, 2).mean(axis=(1, 3))
    found = seen.ravel() @ weights_of(state.projections, 24, 3)
    np.testing.assert_allclose(found, means.ravel() @ weights, atol=1e-12)
    sim.Projection(target, target, sim.PoolDenseConnector(weights=1.5), sim.PoolDense())
    assert np.array_equal(weights_of(state.projections[2:], 3, 3), np.full((3, 3), 1.5))


def test_kernels_may_be_random_and_are_the_same_with_the_same_seed(sim):
    def kernel(seed):
        sim.setup(1.0, seed=seed)
        source, target = image(sim, (3, 3), "source"), image(sim, (1, 1), "target")
        distribution = sim.RandomDistribution("uniform", low=0.5, high=1.0)
        connector = sim.ConvolutionConnector(distribution, kernel_shape=3)
        return sim.Projection(source, target, connector, sim.Convolution()).get("weight", "array").ravel()

    assert np.array_equal(kernel(1), kernel(1))
    assert not np.array_equal(kernel(1), kernel(2))
    assert len(set(kernel(1))) == 9


def test_images_that_do_not_fit_are_errors(sim):
    sim.setup(1.0)
    source, target = image(sim, (3, 3), "source"), image(sim, (3, 3), "target")
    with pytest.raises(ConnectivityError, match=r"leads to one of \(1, 1\); the target has \(3, 3\)"):
        sim.Projection(source, target, sim.ConvolutionConnector(np.ones((3, 3))), sim.Convolution())
    plain = sim.Population(9, sim.IF_curr_exp(), label="plain")
    with pytest.raises(ConnectivityError, match="'plain' is no image"):
        sim.Projection(plain, target, sim.ConvolutionConnector(1.0, kernel_shape=1), sim.Convolution())
    with pytest.raises(InvalidInputError, match="kernel_shape is missing"):
        sim.ConvolutionConnector(1.0)
    with pytest.raises(InvalidInputError, match="the shape"):
        sim.Projection(source, plain, sim.PoolDenseConnector(np.ones((2, 2))), sim.PoolDense())
    with pytest.raises(ConnectivityError, match="not one of 9 cells"):
        sim.Projection(source, target, sim.KernelConnector((2, 2), (3, 3), (1, 1)))
