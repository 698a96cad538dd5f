"""Mapping a network to a chip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.axons import build_axons
from pycosim.hwmodels.mapping.relays import place_relays
from pycosim.hwmodels.mapping.sequential import sequential
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.neurons import compartments_of
from pycosim.network import Network

__all__ = ["map_network"]

Table = dict[int, Sequence[int]]


def map_network(
    description: Description,
    network: Network,
    method: str | ArrayLike | Table = "sequential",
    before: Mapping | None = None,
) -> Mapping:
    """Return where each neuron of a network goes on a chip; limits are not checked here.

    If the network has grown, neurons stay where they were. Relays (splitters) are placed anew, as neurons may
    have other targets now; a neuron's relays move if another core has to take them.

    Parameters
    ----------
    description : Description
    network : Network
    method : "sequential", (n_neurons,) array of int, or dict of int to sequence of int
        An array names the core of each neuron; entries of spike sources are ignored. A table has the numbers
        of the neurons on each core. Neurons that are added later are placed in sequence.
    before : Mapping, optional
        Mapping of the network before it grew.

    Raises
    ------
    InvalidInputError
        If a mapping array or table does not fit the network or the chip.
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
        given = (
            _column(network, method, description.n_cores) if isinstance(method, dict) else _as_array(method)
        )
        core_of_neuron = _explicit(description, network, given)
    rules = description.mapping
    axons = build_axons(network, core_of_neuron, rules.delay_in_axon, rules.receptor_in_axon)
    relays = place_relays(description, axons, core_of_neuron)
    return Mapping(core_of_neuron, axons, *relays, _units(network))


def _units(network: Network) -> NDArray[np.int32]:
    """Return the units of a core that each neuron takes."""
    of_population = np.array([compartments_of(p.model) for p in network.populations], np.int32)
    return of_population[network.population_of_neuron()]


def _as_array(values: object) -> NDArray[np.generic]:
    """Return values as an array: one of objects where they make none of numbers."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.array([None], object)


def _column(network: Network, table: Table, n_cores: int) -> NDArray[np.int64]:
    """Return the core of each neuron from a table of the neurons on each core; -1 for those in no list."""
    cores = np.full(network.n_neurons, -1, np.int64)
    for core, neurons in table.items():
        numbers = np.atleast_1d(_as_array(neurons))
        whole = (
            isinstance(core, int | np.integer)
            and not isinstance(core, bool)
            and core >= 0
            and numbers.ndim == 1
            and (numbers.dtype.kind in "iu" or not numbers.size)
        )
        if not whole or np.any((numbers < 0) | (numbers >= network.n_neurons)):
            raise InvalidInputError(
                f"mapping[{core!r}] = {neurons!r:.80}: a table has the number of a core, and for it the "
                f"numbers of its neurons, 0 to {network.n_neurons - 1}."
            )
        if core >= n_cores:
            what = f"names core {core}"
            if numbers.size:
                what = f"puts neuron {numbers[0]} on core {core} ({numbers.size} such neurons)"
            raise InvalidInputError(f"mapping {what}: the chip has the cores 0 to {n_cores - 1}.")
        numbers = numbers.astype(np.int64)
        counted, times = np.unique(numbers, return_counts=True)
        twice = np.concatenate((counted[times > 1], counted[cores[counted] >= 0]))
        if len(twice):
            first = int(twice[0])
            where = f"on cores {cores[first]} and {core}" if cores[first] >= 0 else f"twice on core {core}"
            raise InvalidInputError(
                f"mapping names neuron {first} {where} ({len(twice)} such neurons): keep it in one place."
            )
        cores[numbers] = core
    return cores


def _explicit(description: Description, network: Network, cores: NDArray[np.generic]) -> NDArray[np.int32]:
    """Return a given mapping, checked."""
    if cores.shape != (network.n_neurons,) or cores.dtype.kind not in "iu":
        raise InvalidInputError(
            f"mapping is an array of {cores.dtype} with shape {cores.shape}: it needs one whole number "
            f"for each of the {network.n_neurons} neurons and sources, shape ({network.n_neurons},)."
        )
    sources = network.source_mask()
    without = np.flatnonzero(~sources & (cores < 0))
    if len(without):
        raise InvalidInputError(
            f"mapping gives no core to neuron {without[0]} ({len(without)} such neurons): each neuron that "
            f"is not a spike source needs one of the cores 0 to {description.n_cores - 1}."
        )
    wrong = np.flatnonzero(~sources & (cores >= description.n_cores))
    if len(wrong):
        raise InvalidInputError(
            f"mapping puts neuron {wrong[0]} on core {cores[wrong[0]]} ({len(wrong)} such neurons): "
            f"the chip has the cores 0 to {description.n_cores - 1}."
        )
    return np.where(sources, -1, cores).astype(np.int32)
