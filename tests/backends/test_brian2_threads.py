"""OpenMP threads of compiled Brian2 programs."""

import numpy as np
import pytest

from pycosim.backends import brian2
from pycosim.backends.base import Options
from pycosim.errors import NotSupportedError

from .backend_networks import add_pairs, assert_identical, network_of, neurons, one_synapse, recorded
from .plastic_networks import pair_rule
from .test_brian2 import CPP, NUMPY, cache_folder

__all__ = ["cache_folder"]


def built(network, threads, codegen=CPP):
    return brian2.build(network, Options(threads=threads, overrides={"codegen": codegen}))


def busy_network():
    """Neurons whose synapses have one delay, random delays, and STDP with random delays."""
    rng = np.random.default_rng(5)
    size = 60
    network = network_of(
        neurons("IF_curr_exp", size, i_offset=rng.uniform(0.8, 1.5, size), v=rng.uniform(-65, -50, size))
    )
    for number in range(3):
        sources, targets = np.nonzero(rng.random((size, size)) < 0.3)
        weights = rng.uniform(0.0, 0.3, len(sources))
        delays = 12 if number == 0 else rng.integers(1, 30, len(sources)).astype(np.int32)
        add_pairs(network, 0, 0, sources, targets, weights, delays)
    network.projections[2].plasticity = pair_rule(w_max=0.5)
    return network


def test_results_are_the_same_bits_for_any_number_of_threads():
    network, found = busy_network(), []
    for threads, pieces in ((1, [400]), (3, [150, 1, 249])):
        simulation = built(network, threads)
        for n_steps in pieces:
            simulation.advance(n_steps)
        found.append(recorded(simulation, network) | {"weights": simulation.weights(2)})
        simulation.close()
    assert len(found[0][0, "steps"]) > 100
    assert_identical(*found)


def test_threads_are_refused_where_brian2_has_none():
    with pytest.raises(NotSupportedError, match=r"threads=2: only its C\+\+ standalone mode"):
        built(one_synapse("IF_curr_exp"), 2, NUMPY)
