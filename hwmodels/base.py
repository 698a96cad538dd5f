"""What a chip model is: a description, and the little that shared code cannot know.

A chip needs a class of its own only for checks that no description can express. It is called ``Model``,
lives in ``hwmodels/<chip>/model.py`` and derives from `ChipModel`.
"""

from __future__ import annotations

from dataclasses import replace

from pycosim.errors import NotSupportedError, Violation
from pycosim.hwmodels.arithmetic import Translation
from pycosim.hwmodels.description import Chip, Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.neurons import neurons_of
from pycosim.network import Network

__all__ = ["ChipModel"]


class ChipModel:
    """A chip as described, with nothing special about it.

    Parameters
    ----------
    name : str
        Target's name.
    description : Description

    Attributes
    ----------
    why_untranslated : str
        Why PyNN's cells have no faithful translation to the chip's own; shown to users.
    """

    why_untranslated = ""

    def __init__(self, name: str, description: Description):
        self.name = name
        self.description = description

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.description.chip.title!r})"

    @property
    def neurons_of(self) -> str:
        """Name of the chip whose neurons it has: its own, or the one that its description names."""
        return self.description.chip.neurons or self.name

    @property
    def chip(self) -> Chip:
        """What the chip is: title, summary, discipline."""
        return self.description.chip

    def special_limits(
        self, network: Network, mapping: Mapping
    ) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
        """Return violations of limits that only this chip has, and the use of those resources.

        Returns
        -------
        violations : list of Violation
        utilisation : dict of str to (used, limit)
        """
        return [], {}

    def translate(self, network: Network, before: Translation | None = None) -> Translation:
        """Return a network in the chip's own arithmetic; here it is the same, and has to have its neurons.

        Parameters
        ----------
        network : Network
        before : Translation, optional
            That of the same network before some of its values changed, or before it grew: scales that were
            chosen then stay.

        Raises
        ------
        NotSupportedError
            If the chip's arithmetic is not modelled, or cannot represent something in the network.
        """
        own = neurons_of(self.neurons_of)
        if not own:
            raise NotSupportedError(
                f"arithmetic='chip': the arithmetic of {self.chip.title} is not modelled. Use "
                "arithmetic='float', which has the equations of the native engine."
            )
        models = {neuron.model.name for neuron in own.values()}
        other = [p for p in network.populations if not p.is_source and p.model not in models]
        if other:
            names = ", ".join(f"{p.label!r} ({p.model})" for p in other)
            cells = " or ".join(f"pycosim.{self.neurons_of}.{name}" for name in own)
            raise NotSupportedError(
                f"arithmetic='chip' on {self.chip.title}: the populations {names} have no faithful "
                f"translation. {self.why_untranslated}Write the network with {cells}, or use "
                "arithmetic='float', which has the equations of the native engine."
            )
        plastic = [p.label for p in network.projections if p.plasticity is not None]
        if plastic:
            raise NotSupportedError(
                f"arithmetic='chip' on {self.chip.title}: the synapses of {', '.join(map(repr, plastic))} "
                "change; its own neurons have no model of learning. Use static synapses with the weights "
                "after learning."
            )
        populations = [replace(population, recordings={}) for population in network.populations]
        projections = [replace(projection) for projection in network.projections]
        return Translation(replace(network, populations=populations, projections=projections))
