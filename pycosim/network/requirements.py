"""What a target that has nothing but projections of synapses refuses by name."""

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
