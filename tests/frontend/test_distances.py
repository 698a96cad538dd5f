"""Distances of cells: those of PyNN's space, to the last bit; and synapses that depend on them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyNN.space import Space

import pycosim.native as sim
from pycosim.frontend.connectivity import connect
from pycosim.frontend.distances import Distances
from pycosim.frontend.expansion import requested

BOUNDARIES = (None, ((0.0, 90.0), None, (-20.0, 35.5)), ((0.0, 7.0), (1.0, 3.0), (0.0, 50.0)))


@given(
    st.sampled_from(["x", "y", "z", "xy", "yz", "xz", "xyz", None]),
    st.floats(-3, 3),
    st.floats(-50, 50),
    st.sampled_from(BOUNDARIES),
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(0, 2**32 - 1),
)
def test_distances_are_those_of_pynns_space_to_the_last_bit(axes, scale, offset, boundaries, n, m, seed):
    rng = np.random.default_rng(seed)
    pre, post = rng.uniform(-100, 100, (n, 3)), rng.uniform(-100, 100, (m, 3))
    space = Space(axes=axes, scale_factor=scale, offset=offset, periodic_boundaries=boundaries)
    cells = [SimpleNamespace(positions=places.T) for places in (pre, post)]
    distances = Distances(SimpleNamespace(space=space, pre=cells[0], post=cells[1]))
    expected = space.distances(pre, post).reshape(n, m)
    first = m // 2
    assert np.array_equal(distances.of_targets(slice(first, m)), expected[:, first:].T)
    sources, targets = rng.integers(0, n, 50, np.int32), rng.integers(0, m, 50, np.int32)
    assert np.array_equal(distances.of_pairs(sources, targets), expected[sources, targets])


@pytest.mark.parametrize("rng", [sim.NativeRNG(seed=3), sim.NumpyRNG(seed=3), None])
def test_synapses_of_some_targets_do_not_depend_on_which_others_are_asked_for(rng, monkeypatch):
    monkeypatch.setattr("pycosim.frontend.connectivity.BLOCK_PAIRS", 480)  # 8 targets
    sim.setup()
    cells = sim.Population(60, sim.IF_curr_exp())
    rule = sim.DistanceDependentProbabilityConnector("exp(-d/10)", rng=rng)
    projection = sim.Projection(cells, cells, rule, sim.StaticSynapse(weight=0.1, delay=1.0))
    request, _ = requested(projection, 1, 2)
    wanted = np.arange(60) >= 30
    whole, part = connect(request), connect(replace(request, wanted=wanted))
    kept = wanted[whole.targets]
    assert np.array_equal(whole.targets[kept], part.targets)
    assert np.array_equal(whole.sources[kept], part.sources)
