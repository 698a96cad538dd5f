"""sPyNNaker's external_devices: spike injection and live output, without a board.

See `pycosim.frontend.live` for when spikes act. Other programs take part over UDP with EIEIO packets:
``activate_live_output_for(population, host=..., port=...)`` sends 32-bit keys with the time in steps, and a
`SpikeInjector` with ``port=...`` receives keys of 16 or 32 bits. The key of a neuron is its population's key
(`virtual_key`, or the population's number in the upper 16 bits) plus its index.
"""

from __future__ import annotations

from typing import Any

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend.cells import cell_types
from pycosim.frontend.eieio import EIEIOType
from pycosim.frontend.live import hub
from pycosim.frontend.live_connections import (
    SpynnakerLiveSpikesConnection,
    SpynnakerPoissonControlConnection,
)
from pycosim.frontend.simulator import state

__all__ = [
    "EIEIOType",
    "ExternalFPGARetinaDevice",
    "MunichMotorDevice",
    "MunichRetinaDevice",
    "SpikeInjector",
    "SpynnakerLiveSpikesConnection",
    "SpynnakerPoissonControlConnection",
    "activate_live_output_for",
    "activate_live_output_to",
    "add_database_socket_address",
    "add_poisson_live_rate_control",
    "register_database_notification_request",
    "request_stop",
    "run_forever",
    "set_pace",
]


_FOREVER_MS = 1000.0


class SpikeInjector(cell_types()["SpikeSourceArray"]):
    """Sources that fire when they are told to, by a connection or over UDP.

    Parameters
    ----------
    port : int, optional
        A local UDP port at which EIEIO packets are taken.
    virtual_key : int, optional
        Key of neuron 0.
    **ignored
        How a board tells other programs of its database; there is none.
    """

    model = "SpikeSourceArray"
    is_injector = True
    population_parameters = ("port", "virtual_key")

    def __init__(self, port: int | None = None, virtual_key: int | None = None, **ignored: Any):
        super().__init__(spike_times=[])
        self.port, self.virtual_key = port, virtual_key

    def attach(self, population: Any, **additional: Any) -> None:
        """Take note of a population's key, and listen at its port, if it has one."""
        key = additional.get("virtual_key", self.virtual_key)
        if key is not None:
            population.key = int(key)
        port = additional.get("port", self.port)
        if port is not None:
            hub.listen(population, int(port))


class _Device(SpikeInjector):
    """Stands for a device that is not there: it can be sent to, and fires what is injected."""

    def __init__(self, *arguments: Any, **parameters: Any):
        super().__init__()
        state.warn(
            f"external_devices.{type(self).__name__}: there is no such device here; what it is sent ends "
            "there, and it fires only what is injected into its population as into a SpikeInjector."
        )


class MunichMotorDevice(_Device):
    """Stands for the motors of Munich's robot."""


class ExternalFPGARetinaDevice(_Device):
    """Stands for a retina with an event for each pixel and polarity.

    Parameters
    ----------
    mode : str
        One of MODE_128, MODE_64, MODE_32, MODE_16.
    polarity : str
        One of UP_POLARITY, DOWN_POLARITY, MERGED_POLARITY, which has both.
    """

    MODE_128, MODE_64, MODE_32, MODE_16 = "128", "64", "32", "16"
    UP_POLARITY, DOWN_POLARITY, MERGED_POLARITY = "UP", "DOWN", "MERGED"

    def __init__(self, *arguments: Any, mode: str = "128", polarity: str = "MERGED", **parameters: Any):
        super().__init__()
        self.fixed_size = int(mode) ** 2 * (2 if polarity == self.MERGED_POLARITY else 1)


class MunichRetinaDevice(ExternalFPGARetinaDevice):
    """Stands for the retina of Munich's robot, of 128 x 128 pixels."""


def activate_live_output_for(
    population: Any, host: str | None = None, port: int | None = None, **board: Any
) -> None:
    """Give out a population's spikes while the network runs.

    Parameters
    ----------
    population : Population
    host, port
        Where EIEIO packets are sent to, besides the connections of the script that receive its label.
    **board
        How a board's packets are laid out and announced: without meaning here.
    """
    population.live_output = population.live_output or []
    if port is not None:
        population.live_output.append((host or "localhost", int(port)))
    elif not any(population.label in connection.receive_labels for connection in hub.connections):
        state.warn(
            f"Live output of {population.label!r}: no connection of the script receives it. Other programs "
            "get it as EIEIO packets with activate_live_output_for(population, host=..., port=...)."
        )


def activate_live_output_to(population: Any, device: Any, *_: Any, **__: Any) -> None:
    """Take note that spikes go to a device, which is not there."""
    state.warn(f"Live output of {population.label!r} to {device.label!r}: there is no device; it ends there.")


def add_poisson_live_rate_control(population: Any, *_: Any, **__: Any) -> None:
    """Let a population's rates be changed by a SpynnakerPoissonControlConnection.

    Raises
    ------
    InvalidInputError
        If it is not a population of Poisson sources.
    """
    if population.column.model != "SpikeSourcePoisson":
        raise InvalidInputError(
            f"Rate control of {population.label!r} of {population.column.model}: only for SpikeSourcePoisson."
        )


def add_database_socket_address(*_: Any, **__: Any) -> None:
    """Take note of who wants to read a board's database; there is none."""
    state.warn("A board's database is read by nobody here: connections of the script need none.")


register_database_notification_request = add_database_socket_address


def run_forever(sync_time: float = 0) -> None:
    """Run until `request_stop` is called, by a callback or another thread."""
    from pycosim.frontend import control

    hub.stop_requested, hub.runs_forever = False, True
    try:
        while not hub.stop_requested:
            control.run(_FOREVER_MS)
    finally:
        hub.runs_forever = False


def request_stop() -> None:
    """End the present run after the piece that it is at."""
    hub.stop_requested = True


def set_pace(speedup: float | None) -> None:
    """Set how fast model time passes in runs with live input or output.

    Parameters
    ----------
    speedup : float or None
        Model time per wall-clock time, ``float("inf")`` for as fast as possible; None (the default) is 1 (or
        1 / time_scale_factor) where spikes may come from other threads or programs, else as fast as possible.

    Raises
    ------
    InvalidInputError
        If it is not greater than 0.
    """
    if speedup is not None and not speedup > 0:
        raise InvalidInputError(f"set_pace({speedup!r}): the pace must be greater than 0.")
    hub.pace = speedup


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise NotSupportedError(
        f"external_devices.{name} is not supported: there is no such device or machine. Spikes go in and out "
        "with SpikeInjector, activate_live_output_for(population, host=..., port=...) and "
        "SpynnakerLiveSpikesConnection."
    )
