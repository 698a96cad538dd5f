"""RANC: types of axons and crossbars are TrueNorth's; of neurons it has its own only."""

from __future__ import annotations

from pycosim.hwmodels.arithmetic import Translation
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.truenorth import model as truenorth
from pycosim.network import Network

__all__ = ["Model"]


class Model(truenorth.Model):
    """RANC: TrueNorth's limits of axons, and no translation."""

    why_untranslated = (
        "RANC's membrane has 9 bits and wraps around beyond -256 and 255, so that a sum of inputs above the "
        "threshold can be missed and inhibition can make a neuron fire, which no PyNN cell does. "
    )

    def translate(self, network: Network, before: Translation | None = None) -> Translation:
        """Return the network, which has to be one of `RANCNeuron`."""
        return ChipModel.translate(self, network, before)
