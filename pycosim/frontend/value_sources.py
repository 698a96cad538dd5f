"""What the parameters of synapses are computed from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from lazyarray import larray
from pyNN.parameters import ParameterSpace
from pyNN.random import RandomDistribution

from pycosim.random import draws_itself


def draws_in_turn(parameters: ParameterSpace) -> bool:
    """Return whether a parameter comes from a script's own generator, number by number."""
    return any(isinstance(item, RandomDistribution) and draws_itself(item.rng) for item in _parts(parameters))


def draws_by_blocks(parameters: ParameterSpace) -> bool:
    """Return whether a parameter is drawn for blocks of postsynaptic cells."""
    drawn = (item for item in _parts(parameters) if isinstance(item, RandomDistribution))
    return any(not draws_itself(item.rng) for item in drawn)


def has_lists(parameters: ParameterSpace) -> bool:
    """Return whether a parameter is a list with a value for each synapse."""
    arrays = (item for item in _parts(parameters) if isinstance(item, np.ndarray))
    return any(item.ndim == 1 and item.shape != (1,) for item in arrays)


def _parts(parameters: ParameterSpace) -> Iterator[Any]:
    """Yield what values are computed from."""
    waiting = [parameters[name] for name in parameters.keys()]
    for item in waiting:
        if isinstance(item, larray):
            waiting += [item.base_value, *(argument for _, argument in item.operations)]
        else:
            yield item
