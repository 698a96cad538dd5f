"""Networks that grow between runs on Brian2."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends import reference

from .backend_networks import connect, recorded, spike_array
from .plastic_networks import with_plasticity
from .test_brian2 import NUMPY, built


def grown(build, seed):
    """Record a network of static and plastic synapses, some of which are added in step 60."""
    network = with_plasticity(seed)
    n_first = np.random.default_rng(seed).integers(1, len(network.projections))
    later, network.projections = network.projections[n_first:], network.projections[:n_first]
    simulation = build(network)
    simulation.advance(60)
    network.projections += later
    network.add(spike_array(80, 90, 95))
    connect(network, len(network.populations) - 1, 2, 0.5, 7)
    simulation.network_grown()
    simulation.advance(140)
    result = recorded(simulation, network)
    for index, projection in enumerate(network.projections):
        if projection.plasticity is not None:
            result["weights", index] = simulation.weights(index)
    simulation.close()
    return result


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=2, deadline=None)
def test_a_network_that_grows_learns_as_the_reference_does(seed):
    found = grown(lambda network: built(network, NUMPY), seed)
    expected = grown(reference.build, seed)
    assert found.keys() == expected.keys()
    # The order of additions differs, and exp is another library's.
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-9, atol=1e-9, err_msg=str(key))
