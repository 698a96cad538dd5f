"""Words of synapse memory that lists of synapses take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import SynapseMemory

__all__ = ["list_words"]


def list_words(memory: SynapseMemory, lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the words that lists of the given lengths take, as many int64.

    A list is cut into chunks of at most ``entries_per_chunk`` entries; a chunk has a header and is rounded
    up to whole words.
    """
    chunk = memory.entries_per_chunk.value
    full, rest = np.divmod(np.asarray(lengths, np.int64), chunk)
    return full * _chunk_words(memory, chunk) + np.where(rest > 0, _chunk_words(memory, rest), 0)


def _chunk_words(memory: SynapseMemory, entries: int | NDArray[np.int64]) -> NDArray[np.int64]:
    bits = np.asarray(entries) * memory.entry_bits.value + memory.header_bits.value
    return -(-bits // memory.word_bits.value)
