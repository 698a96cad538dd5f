"""Steps in which a source has several spikes, for Brian2's NumPy code.

Its statements act on all synapses of a step at once, and change one that has two spikes only once. Here they
are executed in rounds, in each of which a synapse is there once.
This module needs NumPy only; `pycosim brian2 export` copies its text.
"""

import numpy as np


class Rounds:
    """A queue of spikes that gives those of a step in rounds."""

    def __init__(self, queue):
        self._queue = queue
        self._rounds = []

    def __getattr__(self, name):
        return getattr(self._queue, name)

    def begin(self):
        """Begin a step, and return its number of rounds."""
        synapses = np.array(self._queue.peek())
        _, first, counts = np.unique(synapses, return_index=True, return_counts=True)
        if len(first) == len(synapses):
            self._rounds = [synapses]
            return 1
        order = np.argsort(synapses, kind="stable")
        number = np.empty_like(synapses)
        number[order] = np.arange(len(synapses)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._rounds = [synapses[number == i] for i in range(number.max() + 1)]
        return len(self._rounds)

    def peek(self):
        """Return the synapses of this round."""
        return self._rounds[0]

    def advance(self):
        """Go on to the next round, or after the last one to the next step."""
        del self._rounds[0]
        if not self._rounds:
            self._queue.advance()


def run_in_rounds(pathway):
    """Let a pathway execute its statements again where a synapse has several spikes in a step."""
    pathway.queue = queue = Rounds(pathway.queue)
    pathway.variables.add_object("_queue", queue)

    def run():
        push, spike = pathway.code_objects
        push()
        for _ in range(queue.begin()):
            spike()

    pathway.run = run
