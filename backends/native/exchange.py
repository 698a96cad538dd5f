"""Spikes between the processes of a simulation: once per smallest delay, to those that need them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network
from pycosim.parallel import Ranks

_FIRST_CAPACITY = 256


class SpikeExchange:
    """Advances an engine that has a part of the network, together with those of the other processes.

    All processes call the same methods in the same order.

    Parameters
    ----------
    network : Network
    engine : pycosim.backends.native._engine.Engine
    ranks : Ranks

    Attributes
    ----------
    batch_steps : int
        Steps between two exchanges: the smallest delay of all processes' synapses.
    """

    def __init__(self, network: Network, engine: Any, ranks: Ranks):
        self._network, self._engine, self._ranks = network, engine, ranks
        self._agreed = False
        self.batch_steps = 1
        self._make_room(_FIRST_CAPACITY)

    def begin(self, synapses_are_new: bool) -> None:
        """Agree on the length of a batch and, if any process has new synapses, on who needs which spikes."""
        is_known = int(self._agreed and not synapses_are_new)
        self.batch_steps, everyone_knows = self._ranks.smallest(self._engine.smallest_delay_steps, is_known)
        if not everyone_knows:
            self._tell_needs()
        self._agreed = True

    def advance(self, n_steps: int) -> None:
        """Advance by at most `batch_steps`."""
        engine = self._engine
        engine.integrate(n_steps)
        while True:
            engine.pack(self._sent)
            self._ranks.exchange(self._sent, self._received)
            wanted = engine.unpack(self._received)
            if wanted <= self._capacity:
                return
            self._make_room(2 ** int(wanted - 1).bit_length())

    def _make_room(self, n_words: int) -> None:
        """Set aside memory for chunks of `n_words`, the same number on all processes."""
        self._capacity = n_words
        self._sent = np.zeros(n_words * self._ranks.size, np.uint32)
        self._received = np.zeros_like(self._sent)

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
