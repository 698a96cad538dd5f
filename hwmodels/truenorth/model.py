"""TrueNorth: a crossbar of bits, and networks in its own arithmetic."""

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
    """TrueNorth: `ChipModel` with a crossbar of bits and a translation."""

    def special_limits(
        self, network: Network, mapping: Mapping
    ) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
        """Return where a source needs a second crossbar bit from one of its axons to a neuron."""
        used = list(_synapses_by_type(network))
        if not used:
            return [], {}
        source, *rest = (np.concatenate(column) for column in zip(*used))
        most, several = _most_in_a_group(source, *rest)
        violations = []
        if most > 1:
            remedy = "connect each pair once for each type, and use a type with a larger weight S"
            what = "synapses from one axon to a neuron (crossbar bits)"
            violations.append(Violation(what, most, 1, len(np.unique(source[several])), "neurons", remedy))
        return violations, {"bits per crossbar point": (most, 1)}

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
