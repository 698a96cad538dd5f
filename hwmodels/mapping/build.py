"""Mapping a network to a chip."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.axons import build_axons
from pycosim.hwmodels.mapping.relays import place_relays
from pycosim.hwmodels.mapping.sequential import sequential
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.network import Network

__all__ = ["map_network"]


def map_network(
    description: Description,
    network: Network,
    method: str | ArrayLike = "sequential",
    before: Mapping | None = None,
) -> Mapping:
    """Return where each neuron of a network goes on a chip; limits are not checked here.

    If the network has grown, neurons stay where they were. Relays (splitters) are placed anew, as neurons may
    have other targets now; a neuron's relays move if another core has to take them.

    Parameters
    ----------
    description : Description
    network : Network
    method : "sequential" or (n_neurons,) array of int
        An array names the core of each neuron; entries of spike sources are ignored. Neurons that are added
        later are placed in sequence.
    before : Mapping, optional
        Mapping of the network before it grew.

    Raises
    ------
    InvalidInputError
        If a mapping array does not fit the network or the chip.
    NotSupportedError
        If there is no such method.
    """
    if isinstance(method, str):
        if method != "sequential":
            raise NotSupportedError(
                f"mapping={method!r}: only 'sequential' and an explicit array of cores are supported yet; "
                "other methods (greedy, partition, anneal) will come later."
            )
    if before is not None or isinstance(method, str):
        core_of_neuron = sequential(description, network, before)
    else:
        core_of_neuron = _explicit(description, network, np.asarray(method))
    axons = build_axons(network, core_of_neuron, description.mapping.delay_in_axon)
    return Mapping(core_of_neuron, axons, *place_relays(description, axons, core_of_neuron))


def _explicit(description: Description, network: Network, cores: NDArray[np.generic]) -> NDArray[np.int32]:
    """Return a given mapping, checked."""
    if cores.shape != (network.n_neurons,) or cores.dtype.kind not in "iu":
        raise InvalidInputError(
            f"mapping is an array of {cores.dtype} with shape {cores.shape}: it needs one whole number "
            f"for each of the {network.n_neurons} neurons and sources, shape ({network.n_neurons},)."
        )
    sources = network.source_mask()
    wrong = np.flatnonzero(~sources & ((cores < 0) | (cores >= description.n_cores)))
    if len(wrong):
        raise InvalidInputError(
            f"mapping puts neuron {wrong[0]} on core {cores[wrong[0]]} ({len(wrong)} such neurons): "
            f"the chip has the cores 0 to {description.n_cores - 1}."
        )
    return np.where(sources, -1, cores).astype(np.int32)
