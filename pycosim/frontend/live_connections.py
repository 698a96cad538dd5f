"""sPyNNaker's connections: objects through which a script sends and receives spikes while a network runs.

They work inside the process: callbacks and messages are exchanged with `pycosim.frontend.live`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend.live import hub

NOTIFY_PORT = 19999
_ports = itertools.count(NOTIFY_PORT + 1)


class LiveConnection:
    """What both connections have in common.

    Parameters
    ----------
    send_labels, receive_labels : iterable of str
        Labels of populations that are sent to, and received from.
    local_port : int or None
        Kept for `local_port`; nothing listens there.
    """

    _extension = ""

    def __init__(
        self,
        send_labels: Iterable[str] | None = None,
        receive_labels: Iterable[str] | None = None,
        local_host: str | None = None,
        local_port: int | None = NOTIFY_PORT,
    ):
        self.send_labels = list(send_labels or ())
        self.receive_labels = list(receive_labels or ())
        self.local_ip_address = local_host or "localhost"
        self.local_port = local_port or next(_ports)
        self.callbacks: dict[str, list[tuple[str, Callable[..., Any]]]] = {
            kind: [] for kind in ("init", "start", "stop", "receive", "receive_no_time")
        }
        self.told_of: Any = None
        hub.connections.append(self)

    def add_send_label(self, label: str) -> None:
        """Add a population that is sent to."""
        self.send_labels.append(self._plain(label))

    def add_receive_label(self, label: str) -> None:
        """Add a population that is received from."""
        self.receive_labels.append(label)

    def add_init_callback(self, label: str, init_callback: Callable[[str, int, float, float], Any]) -> None:
        """Call ``init_callback(label, n_neurons, run_time_ms, timestep_ms)`` before a network's first run."""
        self._add("init", label, init_callback)

    def add_start_resume_callback(self, label: str, start_resume_callback: Callable[..., Any]) -> None:
        """Call ``start_resume_callback(label, connection)`` in a thread of its own when a run begins."""
        self._add("start", label, start_resume_callback)

    add_start_callback = add_start_resume_callback

    def add_pause_stop_callback(self, label: str, pause_stop_callback: Callable[..., Any]) -> None:
        """Call ``pause_stop_callback(label, connection)`` when a run has ended."""
        self._add("stop", label, pause_stop_callback)

    def close(self) -> None:
        """Take no further part in runs."""
        if self in hub.connections:
            hub.connections.remove(self)

    def _plain(self, label: str) -> str:
        return label.removesuffix(self._extension)

    def _add(self, kind: str, label: str, callback: Callable[..., Any]) -> None:
        label = self._plain(label)
        self._require(label, self.send_labels + self.receive_labels)
        self.callbacks[kind].append((label, callback))

    def _require(self, label: str, labels: Sequence[str]) -> None:
        if label not in labels:
            raise InvalidInputError(
                f"{type(self).__name__}: {label!r} is not one of the labels that the connection was made "
                f"for ({', '.join(map(repr, labels)) or 'none'}); add it with add_send_label() or "
                "add_receive_label()."
            )


class SpynnakerLiveSpikesConnection(LiveConnection):
    """Sends spikes to `SpikeInjector` populations, and receives those of populations with live output."""

    def __init__(
        self,
        receive_labels: Iterable[str] | None = None,
        send_labels: Iterable[str] | None = None,
        local_host: str | None = None,
        local_port: int | None = NOTIFY_PORT,
        live_packet_gather_label: str | None = None,
    ):
        super().__init__(send_labels, receive_labels, local_host, local_port)

    def add_receive_callback(
        self,
        label: str,
        live_event_callback: Callable[[str, int, list[int]], Any],
        translate_key: bool = True,
    ) -> None:
        """Call ``live_event_callback(label, time_in_steps, neuron_ids)`` for each step with spikes."""
        self._require(label, self.receive_labels)
        self._add("receive", label, live_event_callback)

    def add_receive_no_time_callback(
        self, label: str, live_event_callback: Callable[[str, list[int]], Any], translate_key: bool = True
    ) -> None:
        """Call ``live_event_callback(label, neuron_ids)`` for each step with spikes."""
        self._require(label, self.receive_labels)
        self._add("receive_no_time", label, live_event_callback)

    def send_spike(self, label: str, neuron_id: int, send_full_keys: bool = False) -> None:
        """Let one neuron of an injector fire in the next step."""
        self.send_spikes(label, [neuron_id], send_full_keys)

    def send_spikes(self, label: str, neuron_ids: Iterable[int], send_full_keys: bool = False) -> None:
        """Let neurons of an injector fire in the next step.

        Raises
        ------
        InvalidInputError
            If the connection was not made for that label.
        """
        self._require(label, self.send_labels)
        hub.post("spikes", label, [int(neuron) for neuron in neuron_ids])

    send_event, send_events = send_spike, send_spikes

    def send_event_with_payload(self, label: str, atom_id: int, payload: int) -> None:
        """Refuse: spikes carry no payload.

        Raises
        ------
        NotSupportedError
            Always.
        """
        raise NotSupportedError("send_event_with_payload(): spikes carry no payload; use send_spike().")

    send_events_with_payloads = send_event_with_payload


class SpynnakerPoissonControlConnection(LiveConnection):
    """Changes the rates of Poisson sources while a network runs."""

    def __init__(
        self,
        poisson_labels: Iterable[str] | None = None,
        local_host: str | None = None,
        local_port: int | None = NOTIFY_PORT,
        control_label_extension: str = "_control",
    ):
        self._extension = control_label_extension
        super().__init__(poisson_labels, None, local_host, local_port)

    add_poisson_label = LiveConnection.add_send_label

    def set_rate(self, label: str, neuron_id: int, rate: float) -> None:
        """Set the rate of one source in Hz, from the next step on."""
        self.set_rates(label, [(neuron_id, rate)])

    def set_rates(self, label: str, neuron_id_rates: Iterable[tuple[int, float]]) -> None:
        """Set rates of sources in Hz, from the next step on, as pairs of index and rate.

        Raises
        ------
        InvalidInputError
            If the connection was not made for that label.
        """
        label = self._plain(label)
        self._require(label, self.send_labels)
        hub.post("rates", label, [(int(neuron), float(rate)) for neuron, rate in neuron_id_rates])
