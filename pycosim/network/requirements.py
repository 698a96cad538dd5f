"""What a target that lacks some parts of networks refuses by name."""

from __future__ import annotations

from pycosim.errors import NotSupportedError
from pycosim.network.columns import Network


def require_projections_only(network: Network, target: str) -> None:
    """Refuse gap junctions and structural plasticity.

    Raises
    ------
    NotSupportedError
        If the network has some; it names them.
    """
    if network.junctions:
        labels = ", ".join(repr(junctions.label) for junctions in network.junctions)
        raise NotSupportedError(
            f"Gap junctions (ElectricalSynapse in {labels}) are not supported by {target}. Use native."
        )
    if network.rewired:
        labels = ", ".join(repr(projection.label) for projection in network.rewired)
        raise NotSupportedError(
            f"Structural plasticity (of {labels}) is not supported by {target}. Use native, or StaticSynapse "
            "or STDPMechanism, whose synapses stay."
        )


def require_equations(network: Network, target: str) -> None:
    """Refuse neurons whose update is code of their own.

    Raises
    ------
    NotSupportedError
        If the network has some; it names them.
    """
    own = sorted({population.model for population, model in network.neuron_models() if model.own})
    if own:
        raise NotSupportedError(
            f"Cell type {', '.join(own)} is not supported by {target}: its update is code of a chip, "
            "not equations. Use native, reference, or the chip."
        )
