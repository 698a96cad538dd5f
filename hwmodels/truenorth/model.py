"""TrueNorth: types of axons, and networks in its own arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import Violation
from pycosim.hwmodels.arithmetic import Translation
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.truenorth.neurons import TYPES
from pycosim.network import Network

__all__ = ["Model"]

Int = NDArray[np.int64]


class Model(ChipModel):
    """TrueNorth: `ChipModel` with the types of axons, a crossbar of bits, and a translation."""

    def special_limits(
        self, network: Network, mapping: Mapping
    ) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
        """Return where a source needs more than its axon: another type, or a second bit to a neuron."""
        used = list(_synapses_by_type(network))
        if not used:
            return [], {}
        source, target, delay, axon_type = (np.concatenate(column) for column in zip(*used))
        core = mapping.core_of_neuron[target].astype(np.int64)
        axons = np.unique(np.stack((source, core, delay, axon_type)), axis=1)
        types, bits = _most_in_a_group(*axons[:3]), _most_in_a_group(source, target, delay)
        violations = [
            Violation(resource, needed, 1, len(np.unique(sources[several])), "neurons", remedy)
            for resource, sources, (needed, several), remedy in (
                (
                    "types of axons that one source needs at a core",
                    axons[0],
                    types,
                    "an axon has one type for all neurons of the core: reach them with one type, or with a "
                    "second source that has the same spikes",
                ),
                (
                    "synapses from one axon to a neuron (crossbar bits)",
                    source,
                    bits,
                    "connect each pair once, and use a type with a larger weight S",
                ),
            )
            if needed > 1
        ]
        return violations, {"types per axon": (types[0], 1), "bits per crossbar point": (bits[0], 1)}

    def translate(self, network: Network, before: Translation | None = None) -> Translation:
        """Return a network of `TrueNorthNeuron`; see `pycosim.hwmodels.truenorth.translate`."""
        from pycosim.hwmodels.truenorth.translate import translated

        return translated(network, before)


def _synapses_by_type(network: Network) -> Iterator[tuple[Int, Int, Int, Int]]:
    """Yield source, target, delay and type of the synapses that are bits of a crossbar."""
    for projection in network.projections:
        if projection.receptor in TYPES and projection.n_synapses:
            is_set = projection.weight_column() > 0
            columns = projection.source_column(), projection.targets, projection.delay_column()
            chosen = [np.asarray(column, np.int64)[is_set] for column in columns]
            yield *chosen, np.full(len(chosen[0]), TYPES.index(projection.receptor))


def _most_in_a_group(*keys: Int) -> tuple[int, Int]:
    """Return the size of the largest group of equal keys, and which elements are in groups of several."""
    _, group, counts = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True, return_counts=True)
    return int(counts.max(initial=0)), counts[group.ravel()] > 1
