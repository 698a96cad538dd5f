"""The processes that run one script together under MPI; one process alone needs no MPI.

Every process runs the whole script and so has the same description of populations; it holds the synapses
that end on its own neurons, and integrates these. mpi4py is imported only where a launcher has started
several processes, or where the script has imported it.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from functools import cache
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import MissingDependencyError, NotSupportedError

# Set by the launchers of MPICH and Intel MPI, Open MPI, PMIx (srun --mpi=pmix), MVAPICH.
_SIZE_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_SIZE", "MV2_COMM_WORLD_SIZE")
# How long another process waits for the first one to report the same error.
_PATIENCE_S = 1.5
# The launcher passes on what was written; it may end before it has.
_FORWARDING_S = 0.3


class Ranks:
    """One process among several; without a communicator, the only one.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm, optional

    Attributes
    ----------
    rank, size : int
    """

    def __init__(self, communicator: Any = None):
        self._communicator = communicator
        self.rank, self.size = (communicator.rank, communicator.size) if communicator else (0, 1)
        self._window: Any = None
        self._window_words = 0

    def part(self, n: int) -> range:
        """Return which of `n` neurons of a population belong to this process."""
        return range(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def parts(self, n: int) -> list[range]:
        """Return which of `n` neurons of a population belong to each process."""
        return [range(n * i // self.size, n * (i + 1) // self.size) for i in range(self.size)]

    def gather(self, value: Any) -> list[Any] | None:
        """Return the values of all processes on the first one, None on the others."""
        return self._communicator.gather(value) if self.size > 1 else [value]

    def gather_to_all(self, value: Any) -> list[Any]:
        """Return the values of all processes."""
        return self._communicator.allgather(value) if self.size > 1 else [value]

    def smallest(self, *values: int) -> tuple[int, ...]:
        """Return the smallest of all processes' values, one by one."""
        if self.size == 1:
            return values
        everyone = np.empty((self.size, len(values)), np.int64)
        self._communicator.Allgather(np.array(values, np.int64), everyone)
        return tuple(everyone.min(axis=0).tolist())

    def total(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sum over all processes."""
        if self.size == 1:
            return values
        result = np.empty_like(values)
        self._communicator.Allreduce(values, result)
        return result

    def sum_before(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sum over the processes before this one."""
        result = np.zeros_like(values)
        if self.size > 1:
            self._communicator.Exscan(values, result)
        return result if self.rank else np.zeros_like(values)

    def transpose(self, chunks: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """Give chunk i to process i, and return what the others gave to this one."""
        return self._communicator.alltoall(chunks) if self.size > 1 else chunks

    def start_exchange(self, sent: NDArray[np.uint32], received: NDArray[np.uint32]) -> Any:
        """Give row i of `sent` to process i; row i of `received` is what process i gave after `Wait()`."""
        return self._communicator.Ialltoall(sent, received)

    def shared_memory(self, n_words: int) -> NDArray[np.uint32] | None:
        """Return zeros that all processes see, in place of those that were returned before.

        All processes call this in the same order. It is None if they are on several machines, or have an MPI
        without such memory.
        """
        from mpi4py import MPI

        if self._window is None and not self._are_on_one_machine():
            return None
        if n_words > self._window_words:
            if self._window is not None:
                self._window.Free()
            n_bytes = 4 * n_words if self.rank == 0 else 0
            try:
                self._window = MPI.Win.Allocate_shared(n_bytes, 4, comm=self._communicator)
            except MPI.Exception:
                self._window, self._window_words = None, 0
                return None
            self._window_words = n_words
        self._communicator.Barrier()  # nobody reads what was there before
        memory = np.frombuffer(self._window.Shared_query(0)[0], np.uint32)[:n_words]
        if self.rank == 0:
            memory[:] = 0
        self._communicator.Barrier()
        return memory

    def _are_on_one_machine(self) -> bool:
        from mpi4py import MPI

        neighbours = self._communicator.Split_type(MPI.COMM_TYPE_SHARED)
        n_neighbours = neighbours.size
        neighbours.Free()
        return bool(n_neighbours == self.size)

    def fail(self, message: str, status: int = 1) -> None:
        """End all processes with one message. Does nothing if this is the only process.

        An error that all processes meet is reported by the first one only, as the others wait a moment.
        """
        if self.size == 1:
            return
        if self.rank:
            time.sleep(_PATIENCE_S)
        sys.stdout.flush()
        sys.stderr.write(f"rank {self.rank} of {self.size}: {message}\n")
        sys.stderr.flush()
        time.sleep(_FORWARDING_S)
        self._communicator.Abort(status)


@cache
def world() -> Ranks:
    """Return this process among those that were started together.

    Raises
    ------
    MissingDependencyError
        If a launcher has started several processes, but mpi4py is missing or belongs to another MPI.
    """
    launched = max((int(os.environ.get(name, 1)) for name in _SIZE_VARIABLES), default=1)
    hide_broken_mpi()
    if launched == 1 and "mpi4py.MPI" not in sys.modules:
        return Ranks()
    try:
        from mpi4py import MPI
    except ImportError as error:
        if launched == 1:
            return Ranks()
        raise MissingDependencyError(
            f"A launcher has started {launched} processes, but mpi4py cannot be used ({error}): "
            "pip install 'pycosim[mpi]', and start with the mpiexec of the same environment."
        ) from None
    if launched > 1 and MPI.COMM_WORLD.size == 1:
        raise MissingDependencyError(
            f"A launcher has started {launched} processes, but mpi4py sees one. The launcher belongs to "
            f"another MPI than mpi4py uses ({MPI.Get_library_version().splitlines()[0].strip()}): "
            "start with the mpiexec of that one."
        )
    if MPI.COMM_WORLD.size == 1:
        return Ranks()
    ranks = Ranks(MPI.COMM_WORLD)
    _end_together(ranks)
    return ranks


def require_one_process(what: str) -> None:
    """Raise NotSupportedError if several processes run the script together."""
    if world().size > 1:
        raise NotSupportedError(
            f"{what} on {world().size} MPI processes is not supported: only the target native runs on "
            "several. Start without mpiexec; native takes threads=N."
        )


def hide_broken_mpi() -> None:
    """Make mpi4py look absent where it is installed without an MPI library.

    Importing it then raises RuntimeError, while PyNN's random numbers expect it to work or to be absent.
    """
    try:
        from mpi4py import MPI  # noqa: F401
    except ImportError:
        return
    except RuntimeError:
        sys.modules["mpi4py.MPI"] = None  # type: ignore[assignment]  # makes a later import raise ImportError


def _end_together(ranks: Ranks) -> None:
    """Let an exception that nobody catches end all processes, which would wait for this one for ever."""
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            show(kind, error, where)
        ranks.fail("".join(traceback.format_exception(kind, error, where)).rstrip())

    sys.excepthook = hook
