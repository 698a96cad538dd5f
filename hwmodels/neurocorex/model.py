"""NeuroCoreX: why no PyNN cell is translated."""

from __future__ import annotations

from pycosim.hwmodels.base import ChipModel

__all__ = ["Model"]


class Model(ChipModel):
    """NeuroCoreX: `ChipModel`, whose own neuron is no PyNN cell's equal."""

    why_untranslated = (
        "The chip subtracts a constant leak that does not depend on the membrane and does not stop at rest; "
        "IF_curr_delta and the others decay exponentially. "
    )
