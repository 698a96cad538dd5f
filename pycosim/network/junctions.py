"""Gap junctions: ohmic connections between the membranes of two neurons.

A junction of conductance g lets the current ``g (v_other - v)`` flow into each of its two neurons. A neuron
with the sum G of conductances is integrated over a step with G as a part of its membrane and the other
membranes held,

    I = sum g v*_other - G v,    v*_other = v_other + e (v_other - v_other of the step before),

where v_other is the membrane that the step before left (after reset). With ``e = 1/2``, v* estimates the
middle of the step, so that the error is of second order in the step where membranes are smooth; e is 0 for a
membrane that has just been reset or has no step before, and for a neuron whose junctions alone would relax it
within a step (``G dt > cm``), which keeps strong coupling stable. As only membranes of the step before are
used, the result does not depend on the order of neurons or on the number of threads. A neuron has no current
into itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import NotSupportedError
from pycosim.network.models import Coefficients, NeuronModel, model_named
from pycosim.network.plasticity import Column

if TYPE_CHECKING:
    from pycosim.network.columns import Network, Population

Float = NDArray[np.float64]

# What a model without the parameter cm has, in nF: PyNN's constant of the hardware, and 1 pF.
_CAPACITANCES = {"IF_facets_hardware1": 0.2, "Izhikevich": 1e-3}


@dataclass
class GapJunctions:
    """Gap junctions between pairs of neurons; the module's text has the equations.

    Attributes
    ----------
    label : str
    sources, targets : (n,) int32 ndarray
        Global numbers of the two neurons of each junction, in order of (source, target). Both are treated
        alike.
    weights : float or (n,) float64 ndarray
        Conductances in uS, at least 0.
    """

    label: str
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: Column

    @property
    def n_synapses(self) -> int:
        """Number of junctions."""
        return len(self.targets)

    @property
    def plasticity(self) -> None:
        """None: junctions do not change by themselves."""
        return None

    def weight_column(self) -> Float:
        """Return all conductances, (n,) float64."""
        return np.broadcast_to(np.asarray(self.weights, np.float64), (self.n_synapses,))


@dataclass(frozen=True)
class Coupling:
    """All gap junctions of a network as compressed sparse rows, each junction in the rows of both neurons.

    Attributes
    ----------
    neurons : (n,) int64 ndarray
        Global numbers of the neurons that have junctions, ascending.
    indptr : (n + 1,) int64 ndarray
    partners : (2 n_junctions,) int64 ndarray
        Places in `neurons`.
    conductances : (2 n_junctions,) float64 ndarray
        In uS.
    """

    neurons: NDArray[np.int64]
    indptr: NDArray[np.int64]
    partners: NDArray[np.int64]
    conductances: Float

    @property
    def totals(self) -> Float:
        """Sum of the conductances of each neuron in uS, (n,) float64."""
        rows = np.repeat(np.arange(len(self.neurons)), np.diff(self.indptr))
        return np.bincount(rows, self.conductances, len(self.neurons))

    def within(self, population: Population) -> slice:
        """Return which of `neurons` belong to a population."""
        first, last = population.neurons.start, population.neurons.stop
        return slice(*np.searchsorted(self.neurons, [first, last]).tolist())


def coupling_of(network: Network) -> Coupling:
    """Return the gap junctions of a network; a neuron's own membrane is no partner."""
    columns = [(j.sources, j.targets, j.weight_column()) for j in network.junctions]
    sources, targets, weights = (
        np.concatenate(parts) if parts else np.empty(0) for parts in (list(zip(*columns)) or [()] * 3)
    )
    different = sources != targets
    ends = np.concatenate([sources[different], targets[different]]).astype(np.int64)
    others = np.concatenate([targets[different], sources[different]]).astype(np.int64)
    order = np.argsort(ends, kind="stable")
    neurons, counts = np.unique(ends, return_counts=True)
    return Coupling(
        neurons,
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.searchsorted(neurons, others[order]),
        np.concatenate([weights[different]] * 2)[order].astype(np.float64),
    )


@dataclass(frozen=True)
class CoupledMembranes:
    """The neurons of one population whose membranes have the conductance of their junctions in them.

    Attributes
    ----------
    coefficients : dict of str to float64 ndarray
        Constants of one step of the whole population.
    anchor_mv : (size,) float64 ndarray
        The potential at which that conductance carries no current: with the coefficients above, the junctions
        of a neuron inject ``sum g v*_other - G anchor``.
    extrapolation : (size,) float64 ndarray
        e of the module's text, where the other membrane was not reset.
    """

    coefficients: Coefficients
    anchor_mv: Float
    extrapolation: Float


def coupled_membranes(
    network: Network, population: Population, coupling: Coupling
) -> CoupledMembranes | None:
    """Return the constants of a population whose neurons have gap junctions, None if none has.

    Raises
    ------
    NotSupportedError
        If it is not known how the model's membrane takes a conductance.
    """
    places = coupling.within(population)
    if places.start == places.stop:
        return None
    model, p, dt_ms = model_named(population.model), dict(population.parameters), network.dt_ms
    total = np.zeros(population.size)
    total[coupling.neurons[places] - population.first] = coupling.totals[places]
    anchor = np.zeros(population.size)
    c = model.coefficients(p, dt_ms)
    if "decay_m" in c:
        cm, tau_m = population.column("cm"), population.column("tau_m")
        p["tau_m"] = np.where(total > 0, cm / (cm / tau_m + total), tau_m)
        c, anchor = model.coefficients(p, dt_ms), population.column("v_rest")
    elif "g_leak" in c:
        c["g_leak"] = c["g_leak"] + total
    elif "slope" in c:
        c["slope"] = c["slope"] - c["drive_per_na"] * total
    else:
        raise NotSupportedError(
            f"Population {population.label!r}: gap junctions between neurons of the type "
            f"{population.model} are not supported."
        )
    cm = np.asarray(p.get("cm", _CAPACITANCES.get(population.model, 1.0)))
    return CoupledMembranes(c, anchor, np.where(total * dt_ms > cm, 0.0, 0.5))


def junction_problems(network: Network, junctions: GapJunctions) -> Iterator[str]:
    """Yield what is wrong with gap junctions, as ends of a sentence."""
    n, weights = junctions.n_synapses, np.asarray(junctions.weights, np.float64)
    if len(junctions.sources) != n:
        yield f"there are {len(junctions.sources)} sources, but {n} targets"
        return
    if weights.shape not in ((), (n,)):
        yield f"weights has the shape {weights.shape}; give one number or {n} numbers"
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if n and np.any(bad):
        yield (
            f"{np.count_nonzero(bad)} of {weights.size} weights are not conductances of at least 0 uS, "
            f"for example {weights[bad].flat[0]:g}"
        )
    ends = np.concatenate([junctions.sources, junctions.targets])
    if len(ends) and (ends.min() < 0 or ends.max() >= network.n_neurons):
        extremes = f"{ends.min()} to {ends.max()}"
        yield f"neurons are numbered {extremes}; the network has {network.n_neurons} neurons"
        return
    for population in network.populations:
        here = (ends >= population.first) & (ends < population.first + population.size)
        if here.any() and not isinstance(model_named(population.model), NeuronModel):
            yield (
                f"{np.count_nonzero(here)} ends are in {population.label!r}, a spike source, which has no "
                "membrane; connect neurons"
            )
