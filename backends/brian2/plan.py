"""The structure of a Brian2 program: everything that is compiled, and nothing that is only data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pycosim.network import Population


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
    """

    name: str
    model: str
    size: int
    constants: tuple[str, ...]
    shared: tuple[str, ...]
    spikes: bool
    samplers: tuple[SamplerPlan, ...]
    substeps: int = 1

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
    """

    name: str
    capacity: int


@dataclass(frozen=True)
class SynapsesPlan:
    """The synapses of a projection between one population and another.

    Attributes
    ----------
    name, source, target, receptor : str
        `source` and `target` are names of other parts of the plan.
    shared_weight, shared_delay : bool
    """

    name: str
    source: str
    target: str
    receptor: str
    shared_weight: bool
    shared_delay: bool


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
