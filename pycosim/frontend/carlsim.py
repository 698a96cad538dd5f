"""What scripts for CARLsim's PyNN interface (pyCARL) use besides PyNN, as far as it has a meaning here."""

from __future__ import annotations

from typing import Any

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend import simulator
from pycosim.frontend.cell_arguments import INHIBITORY_NEURON, KINDS

NAMES = (*KINDS, "CPU_MODE", "GPU_MODE", "HYBRID_MODE", "USER", "DEVELOPER", "SHOWTIME", "SILENT", "CUSTOM")
"""CARLsim's constants; here each is its own name."""

# CARLsim's currents are in mV/ms; the capacitance of PyNN's Izhikevich neuron is 1 pF.
NA_PER_MV_PER_MS = 1e-3


def receptor_of(population: Any) -> str | None:
    """Return the receptor on which the synapses of a population of CARLsim's end, None if it has no kind.

    In CARLsim all synapses of an INHIBITORY_NEURON inhibit, with weights given as magnitudes.
    """
    kind = getattr(getattr(population, "celltype", None), "neuron_type", None)
    if kind != INHIBITORY_NEURON:
        return None
    simulator.state.warn(
        f"Population {population.label!r} is an INHIBITORY_NEURON: its projection, which names no "
        "receptor_type, was read as receptor_type='inhibitory'."
    )
    return "inhibitory"


class CarlsimNetwork:
    """CARLsim's network object; all else is that of the network description."""

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the description."""
        if hasattr(simulator.state.network, name):
            return getattr(simulator.state.network, name)
        raise NotSupportedError(
            f"state.network.{name}() is CARLsim's and not supported. Use PyNN's functions; there "
            "are also setConductances(False), setExternalCurrent() and setupNetwork()."
        )

    def setConductances(self, conductances: bool, *time_constants: Any) -> None:
        """Choose current-based synapses, which there are anyway.

        Raises
        ------
        NotSupportedError
            If synapses are to be conductances.
        """
        if conductances:
            raise NotSupportedError(
                "state.network.setConductances(True): CARLsim's AMPA, NMDA, GABAa and GABAb conductances, "
                "one of which depends on the membrane, are not supported. Izk_cond_exp is an Izhikevich "
                "neuron with an excitatory and an inhibitory conductance."
            )
        simulator.state.warn(
            "state.network.setConductances(False): synapses move the membrane at once by their weight in mV, "
            "as CARLsim's current-based ones do in a step of 1 ms."
        )

    def setExternalCurrent(self, group: int, current: float) -> None:
        """Set the constant current into a group of Izhikevich neurons, in CARLsim's mV/ms."""
        populations = simulator.state.populations
        if not 0 <= group < len(populations):
            raise InvalidInputError(
                f"setExternalCurrent({group}, ...): the groups are numbered 0 to {len(populations) - 1}."
            )
        simulator.state.warn(
            f"setExternalCurrent({group}, {current}) was read as i_offset={current * NA_PER_MV_PER_MS} nA of "
            f"population {populations[group].label!r}."
        )
        populations[group].set(i_offset=current * NA_PER_MV_PER_MS)

    def setupNetwork(self) -> None:
        """Do nothing: run() builds the network."""


class ScriptState:
    """The simulator's state as scripts see it (`sim.state`), with CARLsim's network in it."""

    network = CarlsimNetwork()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the state."""
        return getattr(simulator.state, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of the state."""
        setattr(simulator.state, name, value)

    def setupNetwork(self) -> None:
        """Do nothing: run() builds the network."""
