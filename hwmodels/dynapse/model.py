"""DYNAP-SE: tags, CAM words, biases.

A core knows the source of a spike only by its tag of 10 bits: the 8-bit address of the neuron in its own
core and a 2-bit virtual core, which each source sets per destination chip. Two sources with the same tag that
reach the same core cannot be told apart there. The host gives the spikes of external sources any tag. When a
network grows, neurons keep their addresses and all virtual cores and hosts' tags are given out anew.

The weight of a synapse of its own neuron is the number of CAM words with the same tag and type. All neurons
of a core have the same biases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import Violation
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.dynapse.neurons import DPI
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.network import Network, Population
from pycosim.network.models import model_named

__all__ = ["Model", "Tags", "addresses", "allocate_tags", "biases_of_cores"]

N_ADDRESSES = 256
N_VIRTUAL_CORES = 4
N_TAGS = N_ADDRESSES * N_VIRTUAL_CORES


class Tags:
    """Tags given out so far.

    Attributes
    ----------
    of : dict of (source, chip) to int
        Tag that a source's spikes carry to a chip.
    clashing : set of int
        Sources for which no tag was left.
    """

    def __init__(self) -> None:
        self.of: dict[tuple[int, int], int] = {}
        self.clashing: set[int] = set()
        self._cores_reached: dict[int, NDArray[np.uint8]] = {}

    def give(self, source: int, chip: int, mask: int, choices: slice) -> None:
        """Give a source the first of some tags that no other source uses at the cores of `mask`."""
        reached = self._cores_reached.setdefault(chip, np.zeros(N_TAGS, np.uint8))
        free = np.flatnonzero((reached[choices] & mask) == 0)
        if not len(free):
            self.clashing.add(source)
            return
        tag = range(N_TAGS)[choices][free[0]]
        reached[tag] |= mask
        self.of[source, chip] = tag


def addresses(mapping: Mapping) -> NDArray[np.int64]:
    """Return the address of each neuron in its core, (n_neurons,) int64; no meaning for sources.

    Addresses go on from core to core, so that neurons of cores that are not full have different ones.
    """
    before = np.append(np.cumsum(mapping.neurons_of_core) - mapping.neurons_of_core, 0)
    return (before[mapping.core_of_neuron] + mapping.place_of_neuron) % N_ADDRESSES


def allocate_tags(mapping: Mapping, n_cores: int, cores_per_chip: int) -> Tags:
    """Return tags for all sources, neurons first (their address is given), in order of their numbers.

    Sources and targets on cores that the system does not have are left out.
    """
    tags = Tags()
    axons = mapping.axons
    core = mapping.core_of_neuron[axons.source]
    there = (axons.core < n_cores) & (core < n_cores)
    external = core < 0
    address = addresses(mapping).tolist()
    for group in (there & ~external, there & external):
        source, chip = axons.source[group].astype(np.int64), axons.core[group] // cores_per_chip
        starts = np.flatnonzero(np.diff(source * n_cores + chip, prepend=-1))
        bits = np.left_shift(1, axons.core[group] % cores_per_chip)
        masks = np.bitwise_or.reduceat(bits, starts) if len(starts) else bits
        for s, c, mask in zip(source[starts].tolist(), chip[starts].tolist(), masks.tolist()):
            own = mapping.core_of_neuron[s] >= 0
            tags.give(s, c, mask, slice(address[s], N_TAGS, N_ADDRESSES) if own else slice(0, N_TAGS))
    return tags


class Model(ChipModel):
    """DYNAP-SE: `ChipModel` with the checks of tags, CAM words and biases."""

    why_untranslated = (
        "The chip's neuron has no potential; its synapses are currents that inhibit by "
        "division or are gated by the membrane; weights are whole numbers of one strength for each "
        "type; time constants come from the same currents as gains. The nearest of PyNN's cells is "
        "EIF_cond_exp_isfa_ista, whose spike is exponential and which adapts too. "
    )

    def special_limits(
        self, network: Network, mapping: Mapping
    ) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
        """Return clashes of tags, CAM words of repeated synapses, and cores with several biases."""
        tags = allocate_tags(mapping, self.description.n_cores, self.description.noc.cores_per_router.size)
        inputs = int(mapping.axons_of_core.max(initial=0))
        utilisation = {"tags per core": (inputs, N_TAGS)}
        clashing = np.array(sorted(tags.clashing), np.int64)
        own = clashing[mapping.core_of_neuron[clashing] >= 0]
        violations = []
        if len(own):
            needed = max(_most_with_one_address(mapping), N_VIRTUAL_CORES + 1)
            violations.append(
                Violation(
                    "neurons of one address that send to the same core (tag clash)",
                    needed,
                    N_VIRTUAL_CORES,
                    len(own),
                    "neurons",
                    "use sparser connections, or place neurons with the same targets on one core",
                )
            )
        if len(clashing) > len(own):
            remedy = "use fewer external sources, or place neurons with the same inputs on one core"
            affected = len(clashing) - len(own)
            violations.append(
                Violation("tags per core", max(inputs, N_TAGS + 1), N_TAGS, affected, "neurons", remedy)
            )
        own_violations, own_use = self._own_limits(network, mapping)
        return violations + own_violations, utilisation | own_use

    def _own_limits(
        self, network: Network, mapping: Mapping
    ) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
        """Return what the chip's own neurons violate, and their use of CAM words."""
        own = [p for p in network.populations if p.model == DPI.model.name]
        limit = self.description.capacity.fan_in_per_neuron
        if not own or limit is None:
            return [], {}
        violations = []
        words = _cam_words(network)
        if words.max() > limit.value:
            violations.append(
                Violation(
                    "CAM words of a neuron (a synapse takes as many as its weight)",
                    int(words.max()),
                    limit.value,
                    int(np.count_nonzero(words > limit.value)),
                    "neurons",
                    "use smaller weights with a larger bias (I..._w0), or fewer synapses",
                )
            )
        biases = biases_of_cores(own, mapping)
        if biases.max() > 1:
            wrong = int(np.count_nonzero(biases > 1))
            remedy = "place neurons with other parameters on other cores; devices differ by `mismatch`"
            violations.append(
                Violation("sets of biases of a core", int(biases.max()), 1, wrong, "cores", remedy)
            )
        return violations, {"CAM words per neuron": (int(words.max()), limit.value)}


def _cam_words(network: Network) -> NDArray[np.int64]:
    """Return the CAM words of each neuron, (n_neurons,) int64: the weights of the chip's own synapses."""
    words = np.zeros(network.n_neurons)
    for projection in network.projections:
        if projection.receptor in DPI.model.receptors:
            words += np.bincount(projection.targets, projection.weight_column(), network.n_neurons)
    return np.rint(words).astype(np.int64)


def biases_of_cores(populations: list[Population], mapping: Mapping) -> NDArray[np.int64]:
    """Return how many different sets of parameters the neurons of each core have, (n_cores,) int64.

    Populations have the same model.
    """
    names = model_named(populations[0].model).parameters
    columns = [np.stack([p.column(name) for name in names]) for p in populations]
    cores = mapping.core_of_neuron[np.concatenate([p.neurons for p in populations])]
    sets = np.unique(np.vstack((cores, np.hstack(columns))), axis=1)
    return np.bincount(sets[0].astype(np.int64), minlength=mapping.n_cores)


def _most_with_one_address(mapping: Mapping) -> int:
    """Return the largest number of neurons with the same address that send to the same core."""
    axons = mapping.axons
    own = mapping.core_of_neuron[axons.source] >= 0
    address = addresses(mapping)[axons.source[own]]
    return int(np.bincount(axons.core[own] * N_ADDRESSES + address).max(initial=0))
