"""What a chip model is: a description, and the little that shared code cannot know.

A chip needs a class of its own only for checks that no description can express. It is called ``Model``,
lives in ``hwmodels/<chip>/model.py`` and derives from `ChipModel`.
"""

from __future__ import annotations

from pycosim.errors import NotSupportedError, Violation
from pycosim.hwmodels.arithmetic import Translation
from pycosim.hwmodels.description import Chip, Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.network import Network

__all__ = ["ChipModel"]


class ChipModel:
    """A chip as described, with nothing special about it.

    Parameters
    ----------
    name : str
        Target's name.
    description : Description
    """

    def __init__(self, name: str, description: Description):
        self.name = name
        self.description = description

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.description.chip.title!r})"

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
        """Return a network in the chip's own arithmetic.

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
        raise NotSupportedError(
            f"arithmetic='chip': the arithmetic of {self.chip.title} is not modelled. Use "
            "arithmetic='float', which has the equations of the native engine."
        )
