"""DYNAP-SE2: biases that the neurons of a core share, and weights of 4 bits.

A synapse's weight is a mask of 4 bits; it selects base currents of the core (Iw_0 to Iw_3), which are summed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import Violation
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.dynapse.model import biases_of_cores
from pycosim.hwmodels.dynapse2.neurons import BASE_WEIGHTS, DYNAPSIM
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.network import Network, Population

__all__ = ["Model"]

_MASKS = np.arange(16)[:, np.newaxis] >> np.arange(4) & 1
_ROUNDING = 1e-9  # of the sum of four numbers


class Model(ChipModel):
    """DYNAP-SE2: `ChipModel` with the checks of biases and weights."""

    why_untranslated = (
        "The chip's neuron has no potential that its synapses drive: they are currents, which are "
        "gated by the membrane or add to the leak, and its leak comes from the same currents as its gain. "
    )

    def special_limits(
        self, network: Network, mapping: Mapping
    ) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
        """Return cores with several sets of biases, and neurons with weights that 4 bits do not make."""
        own = [p for p in network.populations if p.model == DYNAPSIM.model.name]
        if not own:
            return [], {}
        violations = []
        biases = biases_of_cores(own, mapping)
        if biases.max() > 1:
            wrong = int(np.count_nonzero(biases > 1))
            remedy = "place neurons with other parameters on other cores; devices differ by `mismatch`"
            violations.append(
                Violation("sets of biases of a core", int(biases.max()), 1, wrong, "cores", remedy)
            )
        for population in own:
            violations += _weight_violations(network, population)
        return violations, {}


def _weight_violations(network: Network, population: Population) -> list[Violation]:
    """Return that weights of synapses on a population are not sums of base currents, if so."""
    base = np.stack([population.column(name) for name in BASE_WEIGHTS])
    sets, set_of = np.unique(base, axis=1, return_inverse=True)
    sums = np.sort(_MASKS @ sets, axis=0)
    n_wrong, neurons, example = 0, [], (0.0, 0.0)
    for projection in network.projections:
        local = projection.targets.astype(np.int64) - population.first
        here = (local >= 0) & (local < population.size)
        weights, local = projection.weight_column()[here], local[here]
        nearest = _nearest(sums, set_of.ravel()[local], weights)
        wrong = np.abs(weights - nearest) > _ROUNDING * np.abs(weights)
        if np.any(wrong):
            n_wrong += int(np.count_nonzero(wrong))
            neurons.append(local[wrong])
            example = weights[wrong][0], nearest[wrong][0]
    if not n_wrong:
        return []
    what = (
        f"weights on {population.label!r} that are no sum of its Iw_0 to Iw_3 "
        f"(such as {example[0]:.6g} pA; the nearest is {example[1]:.6g} pA)"
    )
    remedy = "use one of the 16 sums, or other base currents"
    return [Violation(what, n_wrong, 0, len(np.unique(np.concatenate(neurons))), "neurons", remedy)]


def _nearest(
    sums: NDArray[np.float64], column: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the nearest of the sums in a column, (16, n_columns), to each weight."""
    nearest = np.zeros_like(weights)
    for number in np.unique(column):
        here = column == number
        choices = sums[:, number]
        middles = (choices[1:] + choices[:-1]) / 2
        nearest[here] = choices[np.searchsorted(middles, weights[here])]
    return nearest
