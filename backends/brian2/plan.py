"""The structure of a Brian2 program: everything that is compiled, and nothing that is only data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pycosim.backends.brian2.plastic_equations import Rule, rule_named
from pycosim.network import Population, model_named

HELD_UNTIL = "held_until"
"""Last step of the refractory period ("refractory_until" is a reserved word of Brian2)."""

FIRES = "fires"
"""Whether a neuron fires, where that is not a matter of its membrane at the end of a step."""

MOVED = "moved"
"""By how much the membrane of a neuron with gap junctions moved in the last step, 0 if it fired."""


@dataclass(frozen=True)
class SamplerPlan:
    """A StateMonitor.

    Attributes
    ----------
    name : str
    variables : tuple of str
        State variables.
    n_neurons : int
    every_step : bool
        Whether it samples on the clock of the network; otherwise it has its own.
    """

    name: str
    variables: tuple[str, ...]
    n_neurons: int
    every_step: bool


@dataclass(frozen=True)
class GroupPlan:
    """A population of neurons.

    Attributes
    ----------
    name, model : str
    size : int
    constants : tuple of str
        Names of the constants of one step, as in the equations.
    shared : tuple of str
        Those that are the same for all neurons.
    spikes : bool
        Whether spikes are recorded.
    samplers : tuple of SamplerPlan
    substeps : int
        Number of sub-steps of a step, where the model has them.
    injects : bool
        Whether electrodes inject currents.
    junctions : tuple of str
        Names of the variables that currents through gap junctions are summed in.
    """

    name: str
    model: str
    size: int
    constants: tuple[str, ...]
    shared: tuple[str, ...]
    spikes: bool
    samplers: tuple[SamplerPlan, ...]
    substeps: int = 1
    injects: bool = False
    junctions: tuple[str, ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """Variables that a run changes."""
        return (*model_named(self.model).states, HELD_UNTIL, *((MOVED,) if self.junctions else ()))

    @property
    def monitor(self) -> str:
        """Name of the SpikeMonitor."""
        return f"{self.name}_spikes"


@dataclass(frozen=True)
class SourcePlan:
    """A SpikeGeneratorGroup.

    Attributes
    ----------
    name : str
    capacity : int
        At least the number of sources, and of their spikes in any step.
    is_drawn : bool
        Whether the program itself draws the spikes, those of Poisson sources.
    """

    name: str
    capacity: int
    is_drawn: bool = False


@dataclass(frozen=True)
class PlasticPlan:
    """How the synapses of a projection change.

    Attributes
    ----------
    rule, weight_dependence : str
    constants : tuple of str
    shared : tuple of str
        Those of them that are the same for all synapses.
    """

    rule: str
    weight_dependence: str
    constants: tuple[str, ...]
    shared: tuple[str, ...]


@dataclass(frozen=True)
class SynapsesPlan:
    """The synapses of a projection between one population and another.

    Attributes
    ----------
    name, source, target, receptor : str
        `source` and `target` are names of other parts of the plan.
    shared_weight, shared_delay : bool
    plasticity : PlasticPlan or None
    sides : tuple of str
        Whose spikes have an effect: "pre", "post"; none of gap junctions.
    sums : str
        Of gap junctions: the variable of the target that their currents are summed in.
    releases_at : PlasticPlan or None
        Of synapses that release dopamine at other synapses, whose name `target` is: how those change.
    """

    name: str
    source: str
    target: str
    receptor: str
    shared_weight: bool
    shared_delay: bool
    plasticity: PlasticPlan | None = None
    sides: tuple[str, ...] = ("pre",)
    sums: str = ""
    releases_at: PlasticPlan | None = None

    @property
    def pathways(self) -> tuple[str, ...]:
        """Names of the SynapticPathways, which own delays and spikes under way."""
        return tuple(pathway_name(self.name, side) for side in self.sides)

    @property
    def constants(self) -> tuple[str, ...]:
        """Names of the constants besides weight and delay."""
        return self.plasticity.constants if self.plasticity else ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of all variables."""
        if self.releases_at:
            return ("amount",)
        return tuple(dict.fromkeys(("weight", *self.states, *self.constants)))

    @property
    def rule(self) -> Rule | None:
        """What its plasticity does."""
        if self.plasticity is None:
            return None
        return rule_named(self.plasticity.rule, self.plasticity.weight_dependence)

    @property
    def shared(self) -> tuple[str, ...]:
        """Those of them, and of the weight, that are the same for all synapses."""
        shared = ("weight",) if self.shared_weight else ()
        return shared + (self.plasticity.shared if self.plasticity else ())

    @property
    def states(self) -> tuple[str, ...]:
        """Variables that a run changes."""
        return self.rule.states if self.rule else ()


@dataclass(frozen=True)
class Plan:
    """A whole program."""

    groups: tuple[GroupPlan, ...]
    sources: tuple[SourcePlan, ...]
    synapses: tuple[SynapsesPlan, ...]

    @property
    def samplers(self) -> tuple[SamplerPlan, ...]:
        """All samplers of all populations."""
        return tuple(sampler for group in self.groups for sampler in group.samplers)


def population_name(population: Population, index: int) -> str:
    """Return a name for a population's group that is unique and valid in Python and C++."""
    slug = re.sub(r"\W+", "_", population.label, flags=re.ASCII).strip("_")[:40].rstrip("_")
    if not slug or not slug[0].isalpha():
        slug = f"population_{slug}".rstrip("_")
    return f"{re.sub('_+', '_', slug)}_{index}"


def pathway_name(synapses: str, side: str) -> str:
    """Return Brian2's name of the pathway of a side, "pre" or "post"."""
    return f"{synapses}_{side}"
