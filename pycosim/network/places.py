"""Where the synapses of one process are among those of all processes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.network.columns import Network, Projection
from pycosim.parallel import Ranks


def places_among_all(projection: Projection, network: Network, ranks: Ranks) -> NDArray[np.int64]:
    """Return the numbers of a process' synapses in the order (source, target) of those of all processes.

    To be called by all processes. Within a population each process has a range of neurons, and ranges ascend
    with the process, so that it is enough to count synapses by (source, population).

    Returns
    -------
    (n_synapses,) int64 ndarray
    """
    n_populations = len(network.populations)
    sources = projection.source_column()
    group = network.population_of_neuron()[projection.targets] + n_populations * sources.astype(np.int64)
    own = np.bincount(group, minlength=n_populations * network.n_neurons).astype(np.int64)
    everyone, before = ranks.total(own), ranks.sum_before(own)
    first = np.cumsum(everyone) - everyone + before
    begins = np.cumsum(own) - own
    return first[group] + np.arange(len(group)) - begins[group]
