"""Spikes in and out while a network runs.

A run with live input or output is cut into pieces of one millisecond (at least one step). After each piece
the spikes of populations with live output are given to receivers, and what was sent until then acts: an
injected spike is emitted in the next step, a new rate holds from the next step on. So what a receive callback
sends follows from the network alone, and is the same in every run. What another thread or program sends
depends on when it does so; such runs are paced, so that model time passes like the clock on the wall.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim import targets
from pycosim.errors import InvalidInputError
from pycosim.frontend.eieio import decode, encode
from pycosim.frontend.simulator import state
from pycosim.network import Recording

PIECE_MS = 1.0
START_S = 0.1
"""How long a run waits for callbacks of its start: what they have sent by then acts in the first step."""

_PACKET_BYTES = 65535


class Hub:
    """Connects running networks with connections, callbacks and sockets.

    Attributes
    ----------
    connections : list of LiveConnection
    pace : float or None
        Model time per wall-clock time; None lets runs with senders in other threads or programs follow the
        clock (divided by sPyNNaker's time_scale_factor), and others go as fast as they can.
    stop_requested : bool
        Whether `request_stop` was called.
    runs_forever : bool
        Whether the present run is one of many, all of which such a request ends.
    """

    def __init__(self) -> None:
        self.connections: list[Any] = []
        self.pace: float | None = None
        self.stop_requested = self.runs_forever = False
        self._mail: deque[tuple[str, str, list[Any]]] = deque()
        self._ports: dict[Any, socket.socket] = {}
        self._out: socket.socket | None = None
        self._taken: dict[int, int] = {}

    def clear(self) -> None:
        """Forget what belongs to a network; connections may be made before setup() and stay."""
        for port in self._ports.values():
            port.close()
        self._ports.clear()
        if self._out is not None:
            self._out.close()
            self._out = None
        self._mail.clear()
        self._taken.clear()
        self.stop_requested = False

    def forget(self) -> None:
        """Forget everything, when another script begins."""
        self.clear()
        self.connections.clear()
        self.pace = None

    def post(self, kind: str, label: str, content: list[Any]) -> None:
        """Keep a message until the running network takes it; may be called from any thread."""
        self._mail.append((kind, label, content))

    def listen(self, population: Any, port: int) -> None:
        """Take EIEIO packets for an injector at a local UDP port.

        Raises
        ------
        InvalidInputError
            If the port cannot be had.
        """
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.bind(("localhost", port))
        except OSError as error:
            opened.close()
            raise InvalidInputError(
                f"Population {population.label!r}: listening at UDP port {port} failed ({error.strerror}); "
                "give a free port."
            ) from None
        opened.setblocking(False)
        self._ports[population] = opened

    def is_used(self) -> bool:
        """Return whether the present network has live input or output that somebody takes part in."""
        labels = {population.label for population in state.populations}
        linked = any(labels.intersection(c.send_labels + c.receive_labels) for c in self.connections)
        return linked or bool(self._ports) or any(p.live_output for p in state.populations)

    def run(self, n_steps: int, progress: Callable[[int], None] | None) -> None:
        """Advance the network by `n_steps` in pieces, exchanging spikes between them.

        Raises
        ------
        NotSupportedError
            If the target cannot be advanced in small pieces.
        """
        targets.require_stepwise(state.target)
        if not self.runs_forever:
            self.stop_requested = False
        self._begin(n_steps)
        piece = max(1, round(PIECE_MS / state.dt))
        pace, started, last = self._pace(), time.monotonic(), state.step + n_steps
        self._exchange()
        while state.step < last and not self.stop_requested:
            n_done = min(piece, last - state.step)
            state.advance(n_done, progress)
            if pace is not None:
                ahead = (state.step - last + n_steps) * state.dt / 1000 / pace - (time.monotonic() - started)
                time.sleep(max(0.0, ahead))
            self._exchange()
        for connection, label, callback in self._callbacks("stop"):
            callback(label, connection)

    def _pace(self) -> float | None:
        answers = self._callbacks("receive") or self._callbacks("receive_no_time")
        sends = not answers and any(connection.send_labels for connection in self.connections)
        is_sent_to = self._ports or self._callbacks("start") or sends
        if self.pace is None and is_sent_to:
            state.warn(
                "Spikes or rates that come from other threads or programs act when they arrive: this run "
                "follows the clock and is not the same every time. external_devices.set_pace() changes that."
            )
            return 1.0 / state.time_scale_factor
        return self.pace

    def _begin(self, n_steps: int) -> None:
        """Call the callbacks of the beginning; those of the start have threads of their own."""
        labels = {population.label: population for population in state.populations}
        self._taken = {p.number: len(record_all_spikes(p)) for p in self._outputs()}
        for connection in self.connections:
            missing = set(connection.send_labels + connection.receive_labels) - set(labels)
            if missing:
                state.warn(
                    f"{type(connection).__name__}: there is no population {', '.join(sorted(missing))}."
                )
            if connection.told_of is not state.network:
                connection.told_of = state.network
                for label, callback in connection.callbacks["init"]:
                    if label in labels:
                        callback(label, labels[label].size, n_steps * state.dt, state.dt)
        threads = [
            threading.Thread(target=callback, args=(label, connection), daemon=True)
            for connection, label, callback in self._callbacks("start")
        ]
        for thread in threads:
            thread.start()
        patience = time.monotonic() + START_S
        for thread in threads:
            thread.join(max(0.0, patience - time.monotonic()))

    def _callbacks(self, kind: str) -> list[tuple[Any, str, Callable[..., Any]]]:
        """Return connection, label and callback of each that is about a population of the network."""
        labels = {population.label for population in state.populations}
        return [
            (connection, label, callback)
            for connection in self.connections
            for label, callback in connection.callbacks[kind]
            if label in labels
        ]

    def _outputs(self) -> list[Any]:
        return [population for population in state.populations if population.live_output is not None]

    def _exchange(self) -> None:
        """Give out spikes of the last piece, then let act what has arrived."""
        for population in self._outputs():
            self._give_out(population)
        labels = {population.label: population for population in state.populations}
        for population, port in self._ports.items():
            self._receive(population, port)
        injected: dict[Any, list[int]] = {}
        while self._mail:
            kind, label, content = self._mail.popleft()
            if label not in labels:
                state.warn(f"Something was sent to a population {label!r}, which does not exist.")
            elif kind == "spikes":
                injected.setdefault(labels[label], []).extend(content)
            else:
                set_rates(labels[label], content)
        for population, indices in injected.items():
            inject(population, indices)

    def _give_out(self, population: Any) -> None:
        steps, indices = state.simulation.spikes(population.number)
        known = self._taken[population.number]
        self._taken[population.number] = len(steps)
        steps, indices = steps[known:], indices[known:]
        timed, timeless = (
            [(label, callback) for _, label, callback in self._callbacks(kind) if label == population.label]
            for kind in ("receive", "receive_no_time")
        )
        for start, stop in _groups(steps):
            step, neurons = int(steps[start]), indices[start:stop].tolist()
            for label, callback in timed:
                callback(label, step, neurons)
            for label, callback in timeless:
                callback(label, neurons)
            self._send(population, step, neurons)

    def _send(self, population: Any, step: int, neurons: list[int]) -> None:
        """Send spikes to the addresses that were given for a population."""
        if not population.live_output:
            return
        if self._out is None:
            self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for packet in encode([population.key + neuron for neuron in neurons], step):
            for address in population.live_output:
                self._out.sendto(packet, address)

    def _receive(self, population: Any, port: socket.socket) -> None:
        while True:
            try:
                packet = port.recv(_PACKET_BYTES)
            except BlockingIOError:
                return
            keys = decode(packet)
            base = population.key
            self.post("spikes", population.label, [k - base if k >= base else k for k in keys])


def _groups(steps: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return begin and end of each run of equal steps."""
    starts = np.flatnonzero(np.diff(steps, prepend=-1))
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(steps)]))


def record_all_spikes(population: Any) -> NDArray[np.int64]:
    """Make sure that all spikes of a population are recorded; return the steps of those there are."""
    known = population.column.recordings.get("spikes")
    if known is None or len(known.indices) < population.size:
        start = state.step if known is None else known.start_step
        population.column.recordings["spikes"] = Recording(np.arange(population.size), 1, start)
        state.tell("recording_changed", population.number)
    return state.simulation.spikes(population.number)[0]


def inject(population: Any, indices: list[int]) -> None:
    """Let sources of an injector fire in the next step.

    Raises
    ------
    InvalidInputError
        If the population is no injector, or has no such neuron.
    """
    if not getattr(population.celltype, "is_injector", False):
        raise InvalidInputError(
            f"Sending spikes to population {population.label!r} of {type(population.celltype).__name__}: "
            "only a SpikeInjector can be sent to."
        )
    new = np.array(sorted(indices), np.int64)
    wrong = new[(new < 0) | (new >= population.size)]
    if len(wrong):
        raise InvalidInputError(
            f"Sending a spike to neuron {wrong[0]} of {population.label!r}: it has the neurons 0 to "
            f"{population.size - 1}."
        )
    column = population.column
    column.spike_steps = np.append(column.spike_steps, np.full(len(new), state.step + 1))
    column.spike_indices = np.append(column.spike_indices, new)
    population.parameters_changed()


def set_rates(population: Any, pairs: list[tuple[int, float]]) -> None:
    """Change rates of Poisson sources from the next step on.

    Raises
    ------
    InvalidInputError
        If the population is not of Poisson sources, or has no such neuron.
    """
    neurons, rates = np.array([n for n, _ in pairs], np.int64), np.array([rate for _, rate in pairs])
    if population.column.model != "SpikeSourcePoisson" or np.any(
        (neurons < 0) | (neurons >= population.size)
    ):
        raise InvalidInputError(
            f"Setting rates of {len(pairs)} sources of {population.label!r}: it is of "
            f"{population.column.model} and has {population.size} neurons."
        )
    population.assign("rate", rates, neurons)
    population.parameters_changed()


hub = Hub()
state.live = hub
