"""Projections that are expanded without a simulator, and the same ones made by PyNN's mock simulator."""

import numpy as np
from pyNN import common, mock
from pyNN.connectors import MapConnector
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray
from pyNN.space import Line, Space

from pycosim.frontend.expansion import expand

SYNAPSE = {"weight": 0.5, "delay": 1.0}
mock.setup(timestep=0.1)


class Unconnected(common.Projection):
    """A projection of PyNN that waits to be expanded."""

    _simulator = mock.simulator


def cells(size, celltype=mock.IF_cond_exp, x0=0.0):
    return mock.Population(size, celltype(), structure=Line(dx=1.5, x0=x0, y=0.3))


def projection(pre, post, connector, synapse=None, space=None, receptor="excitatory"):
    synapse = mock.StaticSynapse(**(SYNAPSE | (synapse or {})))
    return Unconnected(
        pre, post, connector, synapse, receptor_type=receptor, space=space or Space(), label="p"
    )


def expanded(*arguments, seed=1, stream=2, **keywords):
    return expand(projection(*arguments, **keywords), seed, stream)


def sources_of(result):
    return np.repeat(np.arange(len(result.indptr) - 1), np.diff(result.indptr))


def synapses(result):
    """Return all synapses as sorted tuples (source, target, weight, delay)."""
    n = result.n_synapses
    columns = (
        sources_of(result),
        result.targets,
        *(np.broadcast_to(c, n) for c in (result.weights, result.delays_ms)),
    )
    return sorted(zip(*(np.asarray(column).tolist() for column in columns)))


def synapses_of_mock(pre, post, connector, synapse=None, space=None):
    synapse = mock.StaticSynapse(**(SYNAPSE | (synapse or {})))
    made = mock.Projection(pre, post, connector, synapse, receptor_type="excitatory", space=space or Space())
    names = ("presynaptic_index", "postsynaptic_index", "WEIGHT", "DELAY")
    return sorted(tuple(float(getattr(c, name)) for name in names) for c in made.connections)


class Sum(IndexBasedExpression):
    def __call__(self, i, j):
        return 1.0 * i + 10.0 * j


class EveryThird(IndexBasedExpression):
    def __call__(self, i, j):
        return np.array((i + j) % 3 == 0, float)


class Checkerboard(MapConnector):
    """A connector of a user, on PyNN's map of connections."""

    parameter_names = ()

    def connect(self, projection):
        self._connect_with_map(projection, LazyArray(lambda i, j: (i + j) % 2 == 0, shape=projection.shape))
