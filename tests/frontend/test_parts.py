"""What a process makes of a projection: the synapses on its cells, and these only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN import connectors as pynn
from pyNN.core import IndexBasedExpression
from pyNN.random import NativeRNG, NumpyRNG

from pycosim.frontend.connectivity import connect
from pycosim.frontend.requests import Request, of_targets

from .expanding import cells, projection


class Striped(IndexBasedExpression):
    """A probability that depends on both cells."""

    def __call__(self, i, j):
        return (3 * np.asarray(i) + 7 * j) % 10 / 10


CONNECTORS = {
    "all": lambda n, rng: pynn.AllToAllConnector(allow_self_connections=False),
    "one": lambda n, rng: pynn.OneToOneConnector(),
    "probability": lambda n, rng: pynn.FixedProbabilityConnector(0.3, rng=rng),
    "directed": lambda n, rng: pynn.FixedProbabilityConnector(0.3, "NoMutual", rng=rng),
    "in-degree": lambda n, rng: pynn.FixedNumberPreConnector(n // 3, rng=rng),
    "few others": lambda n, rng: pynn.FixedNumberPreConnector(
        n // 2, allow_self_connections=False, with_replacement=True, rng=rng
    ),
    "more than there are": lambda n, rng: pynn.FixedNumberPreConnector(n + 3, rng=rng),
    "out-degree": lambda n, rng: pynn.FixedNumberPostConnector(n // 2, rng=rng),
    "out-degree of others": lambda n, rng: pynn.FixedNumberPostConnector(
        n // 2, allow_self_connections=False, with_replacement=True, rng=rng
    ),
    "total": lambda n, rng: pynn.FixedTotalNumberConnector(3 * n, with_replacement=True, rng=rng),
    "total of different pairs": lambda n, rng: pynn.FixedTotalNumberConnector(
        n * n // 3, with_replacement=False, rng=rng
    ),
    "total of all others and more": lambda n, rng: pynn.FixedTotalNumberConnector(
        n * n + n // 2, with_replacement=False, allow_self_connections=False, rng=rng
    ),
    "distance": lambda n, rng: pynn.DistanceDependentProbabilityConnector("0.7*exp(-d/20)", rng=rng),
    "unbounded": lambda n, rng: pynn.DistanceDependentProbabilityConnector("0.3 + 0.1*(d % 2)", rng=rng),
    "index": lambda n, rng: pynn.IndexBasedProbabilityConnector(Striped(), rng=rng),
}


def made(connector, n, wanted):
    both = cells(n)
    waiting = projection(both, both, connector)
    return connect(Request(connector, waiting, 3, 4, wanted))


@settings(deadline=None, max_examples=12)
@pytest.mark.parametrize("kind", CONNECTORS)
@given(st.integers(1, 150), st.integers(0, 2**31), st.booleans())
def test_a_part_is_what_the_whole_has_on_its_cells(kind, n, seed, is_own):
    wanted = np.random.default_rng(seed).random(n) < 0.4
    rngs = [NativeRNG(seed=seed) if is_own else NumpyRNG(seed=seed) for _ in range(2)]
    if n == 1 and ("others" in kind):  # there are none
        return
    part = made(CONNECTORS[kind](n, rngs[0]), n, wanted)
    expected = of_targets(made(CONNECTORS[kind](n, rngs[1]), n, None), wanted)
    assert np.array_equal(part.indptr, expected.indptr)
    assert np.array_equal(part.targets, expected.targets)
    assert np.array_equal(part.by_target, expected.by_target)
    if not is_own:
        words, others = (rng.rng.get_state() for rng in rngs)
        assert np.array_equal(words[1], others[1])
        assert words[2] == others[2]
