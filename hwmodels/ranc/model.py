"""RANC: types of axons and crossbars are TrueNorth's; of neurons it has its own only."""

from __future__ import annotations

from dataclasses import replace

from pycosim.errors import NotSupportedError
from pycosim.hwmodels.arithmetic import Translation
from pycosim.hwmodels.truenorth import model as truenorth
from pycosim.hwmodels.truenorth.neurons import RANC
from pycosim.network import Network

__all__ = ["Model"]


class Model(truenorth.Model):
    """RANC: TrueNorth's limits of axons, and no translation."""

    def translate(self, network: Network, before: Translation | None = None) -> Translation:
        """Return the network, which has to be one of `RANCNeuron`.

        Raises
        ------
        NotSupportedError
            If it has other neurons.
        """
        other = [p for p in network.populations if not p.is_source and p.model != RANC.model.name]
        if other:
            names = ", ".join(f"{p.label!r} ({p.model})" for p in other)
            raise NotSupportedError(
                f"arithmetic='chip' on {self.chip.title}: the populations {names} are not translated. Write "
                "them with pycosim.ranc.RANCNeuron, or use arithmetic='float', which has the equations of "
                "the native engine."
            )
        if any(projection.plasticity is not None for projection in network.projections):
            raise NotSupportedError(
                f"arithmetic='chip' on {self.chip.title}: the chip cannot learn. Use static synapses."
            )
        populations = [replace(population, recordings={}) for population in network.populations]
        projections = [replace(projection) for projection in network.projections]
        return Translation(replace(network, populations=populations, projections=projections))
