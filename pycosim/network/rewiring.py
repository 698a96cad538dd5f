"""Structural plasticity: synapses that are formed and eliminated while a network runs, as sPyNNaker does it.

The model is that of Bogdan et al. 2018 (Front Neurosci 12:434) as sPyNNaker has it. All rewired projections
to the same neurons form a group. Each of these neurons has `s_max` slots, which hold a synapse of one of the
group's projections or are free. At the end of step k, after its spikes have been sent, there are
``floor(k f_rew dt) - floor((k - 1) f_rew dt)`` attempts. In each, a neuron and one of its slots are drawn.

- The slot holds a synapse: it is eliminated with the probability `prob_elim_depressed` if its weight (its
absolute
  value) is below `threshold`, else with `prob_elim_potentiated`.
- The slot is free: a presynaptic partner is drawn. `RandomSelection` draws one of the group's projections,
then one of
  its presynaptic neurons. `LastNeuronSelection` draws one of the spikes of step k that neurons of the group's
  projections have emitted, in order of (neuron, projection), of which the first `spike_buffer_size` count;
  without spikes nothing happens. Without `with_replacement`, nothing happens if the projection has a synapse
  between the two neurons. Else a synapse with the weight `initial_weight`, and a delay drawn between the two
  of `initial_delay`, is formed with the probability ``p_form exp(-d^2 / (2 sigma_form^2))``. The distance d
  is taken on a periodic grid, on which neuron i of either side of the projection is at ``(i // grid_x, i %
  grid_y)``.

A synapse carries the spikes that are emitted from the step after its formation to the step of its
elimination. Spikes that have left for its neuron still act; a spike that is under way on the axon of a
synapse with plastic weights finds it gone. A new synapse has no traces; postsynaptic spikes on their way to
it reach it.

Draws are counter-based: draw i of attempt n is a function of the network's seed, the rule's seed, the group,
n and i. Neuron, slot, partner (two), acceptance and delay are the draws 0 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pycosim.network.models import NeuronModel, model_named
from pycosim.network.plasticity import ALL_TO_ALL_RULES, WEIGHT_DEPENDENCES, Column, Plasticity
from pycosim.random import stream_of

if TYPE_CHECKING:
    from pycosim.network.columns import Network

Float = NDArray[np.float64]

SELECTIONS = ("RandomSelection", "LastNeuronSelection")
"""How a partner is chosen."""

COMMON = ("f_rew", "s_max", "with_replacement", "spike_buffer_size")
"""Parameters that the projections of a group share."""

PARAMETERS = (
    *COMMON,
    *("initial_weight", "initial_delay_low", "initial_delay_high"),
    *("grid_x", "grid_y", "p_form", "sigma_form"),
    *("threshold", "prob_elim_depressed", "prob_elim_potentiated"),
)
"""Parameters of the rule; f_rew in Hz, delays in steps, weights in their own unit, the rest without one."""


@dataclass
class RewiredProjection:
    """Synapses that are formed and eliminated; the module's text has the rules.

    Attributes
    ----------
    label : str
    receptor : str
        As of a Projection.
    sources, targets : (n,) int32 ndarray
        Global numbers of the neurons of the synapses at step 0, in order of (source, target).
    weights : float or (n,) float64 ndarray
    delays : int or (n,) int32 ndarray
        In steps.
    candidates, posts : (n_pre,) and (n_post,) int32 ndarray
        Global numbers of the neurons between which synapses may be formed.
    partner_selection : str
        A name of `SELECTIONS`.
    parameters : dict of str to float
        Those of `PARAMETERS`.
    seed : int or None
        Another one gives other draws.
    plasticity : Plasticity or None
        A timing rule, whose parameters are numbers.
    """

    label: str
    receptor: str
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: Column
    delays: int | NDArray[np.int32]
    candidates: NDArray[np.int32]
    posts: NDArray[np.int32]
    partner_selection: str
    parameters: dict[str, float] = field(default_factory=dict)
    seed: int | None = None
    plasticity: Plasticity | None = None

    @property
    def n_synapses(self) -> int:
        """Number of synapses at step 0."""
        return len(self.targets)

    def weight_column(self) -> Float:
        """Return the weights at step 0, (n,) float64."""
        return np.broadcast_to(np.asarray(self.weights, np.float64), (self.n_synapses,))

    def delay_column(self) -> NDArray[np.int32]:
        """Return the delays at step 0 in steps, (n,) int32."""
        return np.broadcast_to(np.asarray(self.delays, np.int32), (self.n_synapses,))

    def formation_probabilities(self) -> Float:
        """Return the probability of formation by squared distance on the grid, (largest + 1,) float64."""
        p = self.parameters
        largest = sum(int(p[name] // 2) ** 2 for name in ("grid_x", "grid_y"))
        return p["p_form"] * np.exp(-np.arange(largest + 1) / (2 * p["sigma_form"] ** 2))


@dataclass(frozen=True)
class RewiredGroup:
    """Rewired projections to the same neurons.

    Attributes
    ----------
    members : list of int
        Indices of the rewired projections.
    stream : int
        Of the draws.
    attempts_per_step : float
    """

    members: list[int]
    stream: int
    attempts_per_step: float

    def n_attempts(self, step: int) -> int:
        """Return the number of attempts up to the end of `step`."""
        return int(np.floor(step * self.attempts_per_step + 1e-9))


def rewired_groups(network: Network) -> list[RewiredGroup]:
    """Return the groups of rewired projections, in order of their first members."""
    members: dict[bytes, list[int]] = {}
    for index, projection in enumerate(network.rewired):
        members.setdefault(np.asarray(projection.posts, np.int32).tobytes(), []).append(index)
    groups = []
    for indices in members.values():
        first = network.rewired[indices[0]]
        stream = stream_of("rewiring", indices[0], first.seed)
        groups.append(RewiredGroup(indices, stream, first.parameters["f_rew"] * (network.dt_ms / 1000)))
    return groups


def rewiring_problems(network: Network, index: int) -> Iterator[str]:
    """Yield what is wrong with a rewired projection, as ends of a sentence."""
    projection = network.rewired[index]
    missing = [name for name in PARAMETERS if name not in projection.parameters]
    if missing:
        yield f"parameter {', '.join(missing)} is missing"
        return
    yield from _parameter_problems(projection)
    structure = list(_neuron_problems(network, projection))
    yield from structure or _synapse_problems(projection)
    yield from _plasticity_problems(projection)
    for other in network.rewired[:index]:
        yield from _group_problems(projection, other)
    fan_in = np.zeros(network.n_neurons, np.int64)
    for other in () if structure else network.rewired[: index + 1]:
        if np.array_equal(other.posts, projection.posts):
            np.add.at(fan_in, other.targets, 1)
    if fan_in.max(initial=0) > projection.parameters["s_max"]:
        yield (
            f"a neuron begins with {fan_in.max()} synapses, but s_max is "
            f"{projection.parameters['s_max']:g}; give at least s_max={fan_in.max()}"
        )


def _parameter_problems(projection: RewiredProjection) -> Iterator[str]:
    p = projection.parameters
    if projection.partner_selection not in SELECTIONS:
        known = ", ".join(SELECTIONS)
        yield f"there is no partner selection {projection.partner_selection!r}; there are {known}"
    lowest = dict.fromkeys(("s_max", "spike_buffer_size", "grid_x", "grid_y", "initial_delay_low"), 1.0)
    for name, value in p.items():
        if not np.isfinite(value):
            yield f"{name} is {value}; it must be a finite number"
        elif name.startswith(("prob_", "p_form")) and not 0 <= value <= 1:
            yield f"{name} is {value:g}; a probability is between 0 and 1"
        elif name in lowest and (value < 1 or value % 1):
            yield f"{name} is {value:g}; it must be a whole number of at least 1"
        elif name in ("f_rew", "threshold") and value < 0:
            yield f"{name} is {value:g}; it must not be negative"
        elif name == "sigma_form" and value <= 0:
            yield f"sigma_form is {value:g}; it must be above 0"
    if p["initial_delay_high"] < p["initial_delay_low"]:
        yield "the largest initial delay is below the smallest"


def _neuron_problems(network: Network, projection: RewiredProjection) -> Iterator[str]:
    mask = network.source_mask()
    for name in ("sources", "targets", "candidates", "posts"):
        numbers = np.asarray(getattr(projection, name))
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= network.n_neurons):
            yield f"{name} are numbered {numbers.min()} to {numbers.max()} of {network.n_neurons} neurons"
            return
    if not (len(projection.candidates) and len(projection.posts)):
        yield "there are no neurons between which synapses could be formed"
    elif mask[projection.posts].any():
        yield "it leads to spike sources; connect to neurons"
    elif not (
        np.isin(projection.sources, projection.candidates).all()
        and np.isin(projection.targets, projection.posts).all()
    ):
        yield "it has synapses at step 0 between neurons that it does not connect"
    for population in network.populations:
        model = model_named(population.model)
        posts = np.asarray(projection.posts)
        here = np.any((posts >= population.first) & (posts < population.first + population.size))
        if here and isinstance(model, NeuronModel) and projection.receptor not in model.receptors:
            receptors = ", ".join(model.receptors)
            yield f"{model.name} has no receptor {projection.receptor!r}; it has {receptors}"


def _synapse_problems(projection: RewiredProjection) -> Iterator[str]:
    n = projection.n_synapses
    for name in ("weights", "delays"):
        column = np.asarray(getattr(projection, name))
        if column.shape not in ((), (n,)):
            yield f"{name} has the shape {column.shape}; give one number or {n} numbers"
        elif not np.all(np.isfinite(column)):
            yield f"{name} are not finite numbers"
    if n and np.min(projection.delays) < 1:
        yield f"the smallest delay is {np.min(projection.delays)} steps; the smallest possible is 1"


def _plasticity_problems(projection: RewiredProjection) -> Iterator[str]:
    plasticity = projection.plasticity
    if plasticity is None:
        return
    if plasticity.rule not in ALL_TO_ALL_RULES:
        known = ", ".join(ALL_TO_ALL_RULES)
        yield f"synapses with the rule {plasticity.rule} cannot be rewired; with {known} they can"
        return
    if plasticity.weight_dependence not in WEIGHT_DEPENDENCES:
        yield f"there is no weight dependence {plasticity.weight_dependence!r}"
    for name in plasticity.parameter_names:
        value = plasticity.parameters.get(name)
        if value is None or np.ndim(value) or not np.isfinite(value):
            yield f"{name} is {value!r}; synapses that are rewired share one finite number"
        elif name.startswith("tau") and value <= 0:
            yield f"{name} is {value:g}; it must be above 0"


def _group_problems(projection: RewiredProjection, other: RewiredProjection) -> Iterator[str]:
    """Yield what is different in two projections to the same neurons, which share these neurons' slots."""
    if not np.isin(projection.posts, other.posts).any():
        return
    if not np.array_equal(projection.posts, other.posts):
        yield f"it shares some, but not all neurons with {other.label!r}; give both the same, or others"
        return
    different = [name for name in COMMON if projection.parameters[name] != other.parameters.get(name)]
    for name in ("partner_selection", "seed"):
        if getattr(projection, name) != getattr(other, name):
            different.append(name)
    if different:
        yield f"{', '.join(different)} must be as in {other.label!r}, which leads to the same neurons"
