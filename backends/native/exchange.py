"""Spikes between the processes of a simulation: to those that need them, while the next steps are done."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.native import _engine
from pycosim.network import Network
from pycosim.parallel import Ranks

_FIRST_CAPACITY = 256
# Of memory that processes share: some containers have little of it, and more takes longer than a call anyway.
_MOST_SHARED_WORDS = 2**20


class Messages:
    """Chunks of `n_words` for each process, sent by MPI."""

    def __init__(self, ranks: Ranks, n_words: int):
        self._ranks = ranks
        self._sent = np.zeros(n_words * ranks.size, np.uint32)
        self._received = np.zeros_like(self._sent)
        self._request: Any = None

    def send(self, engine: Any) -> None:
        """Begin to send the spikes of the oldest batch."""
        engine.pack(self._sent)
        self._request = self._ranks.start_exchange(self._sent, self._received)

    def receive(self, engine: Any) -> int:
        """Let the spikes of that batch act; return the length of the longest chunk, if too long in vain."""
        self._request.Wait()
        return int(engine.unpack(self._received))


def chunks_for(ranks: Ranks, n_words: int) -> Messages | _engine.SharedChunks:
    """Return what gives a chunk of `n_words` to each process. All processes call this in the same order."""
    n_needed = _engine.SharedChunks.n_needed(ranks.size, n_words)
    memory = ranks.shared_memory(n_needed) if n_needed <= _MOST_SHARED_WORDS else None
    if memory is None:
        return Messages(ranks, n_words)
    return _engine.SharedChunks(memory, ranks.size, ranks.rank, n_words)


class SpikeExchange:
    """Advances an engine that has a part of the network, together with those of the other processes.

    The spikes of a batch of steps travel while the next batch is integrated, and act after it. So two
    batches together are as long as the smallest delay, which makes no difference to any spike. Where that is
    a single step, nothing can be done meanwhile. All processes call the same methods in the same order.

    Parameters
    ----------
    network : Network
    engine : pycosim.backends.native._engine.Engine
    ranks : Ranks
    """

    def __init__(self, network: Network, engine: Any, ranks: Ranks):
        self._network, self._engine, self._ranks = network, engine, ranks
        self._agreed = False
        self._smallest_delay = 1
        self._is_under_way = False
        self._steps_under_way = 0
        self._capacity = _FIRST_CAPACITY
        self._chunks = chunks_for(ranks, self._capacity)

    def begin(self, synapses_are_new: bool) -> None:
        """Agree on the smallest delay and, if any process has new synapses, on who needs which spikes."""
        is_known = int(self._agreed and not synapses_are_new)
        self._smallest_delay, everyone_knows = self._ranks.smallest(
            self._engine.smallest_delay_steps, is_known
        )
        if not everyone_knows:
            self._tell_needs()
        self._agreed = True

    @property
    def batch_steps(self) -> int:
        """How many steps `advance` can do."""
        if not self._is_under_way:
            return (self._smallest_delay + 1) // 2
        return self._smallest_delay - self._steps_under_way

    def advance(self, n_steps: int) -> None:
        """Advance by at most `batch_steps`; the last spikes are under way until the next call or `finish`."""
        self._engine.integrate(n_steps)
        self.finish()
        self._start()
        self._steps_under_way = n_steps
        if n_steps == self._smallest_delay:
            self.finish()

    def finish(self) -> None:
        """Let the spikes act that are under way."""
        while self._is_under_way:
            wanted = self._chunks.receive(self._engine)
            self._is_under_way = False
            if wanted > self._capacity:  # on all processes
                self._capacity = 2 ** int(wanted - 1).bit_length()
                self._chunks = chunks_for(self._ranks, self._capacity)
                self._start()

    def _start(self) -> None:
        self._chunks.send(self._engine)
        self._is_under_way = True

    def _tell_needs(self) -> None:
        """Tell every process which of its neurons have synapses here."""
        needed = self._engine.sources_needed()
        chunks = [self._bits_of(needed, rank) for rank in range(self._ranks.size)]
        n_local = sum(len(self._ranks.part(population.size)) for population in self._own())
        wanted = [np.unpackbits(bits, count=n_local) for bits in self._ranks.transpose(chunks)]
        self._engine.set_needed(np.concatenate(wanted))

    def _bits_of(self, needed: NDArray[np.uint8], rank: int) -> NDArray[np.uint8]:
        """Return the entries of one process' neurons as bits, in order of populations."""
        parts = [np.empty(0, np.uint8)]
        for population in self._own():
            part = self._ranks.parts(population.size)[rank]
            parts.append(needed[population.first + part.start : population.first + part.stop])
        return np.packbits(np.concatenate(parts))

    def _own(self) -> list[Any]:
        """Return the populations whose spikes travel; those of sources are drawn where they are needed."""
        return [population for population in self._network.populations if not population.is_source]
