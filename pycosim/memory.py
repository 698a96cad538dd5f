"""How much memory there is, and a refusal of what would not fit before it is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from pycosim import _core
from pycosim.errors import InvalidInputError, NotEnoughMemoryError

_UNITS = {
    "": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
# Set by the launchers of Open MPI, MPICH, MVAPICH and Slurm: processes on the same machine.
_LOCAL_SIZES = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE")
# Of control groups (containers), of the present and the former kind: limit and use.
_GROUP_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)

FEWER_SYNAPSES = "Use fewer synapses, constant weights and delays, or several machines (mpiexec)."

# To ask the system takes 0.1 ms: what it says stands for requests of this share of it.
_ASSURED_SHARE = 1 / 8

# So little freed memory is kept for the next arrays: new pages cost more than what is put into them.
_KEPT_BYTES = 32 * 2**20

_limit_bytes: float | None = None
_assured_bytes = 0.0


def parse_bytes(value: float | str) -> float:
    """Return a number of bytes, given as such or as a text like ``"2 GB"``.

    Raises
    ------
    InvalidInputError
        If it is not a positive amount of memory.
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:e[+-]?\d+)?)\s*([A-Za-z]*)\s*", str(value))
    try:
        amount = float(match[1]) * _UNITS[match[2]] if match else 0.0
    except (KeyError, ValueError):
        amount = 0.0
    if isinstance(value, bool) or not 0 < amount < float("inf"):
        raise InvalidInputError(
            f"setup(memory_limit={value!r}): give a number of bytes, or a text such as '2 GB' "
            f"({', '.join(filter(None, _UNITS))})."
        )
    return amount


def limit_to(n_bytes: float | None) -> None:
    """Set how much memory this process may have, all in all; None means what the machine has."""
    global _limit_bytes, _assured_bytes
    _limit_bytes, _assured_bytes = n_bytes, 0.0


def available_bytes() -> float:
    """Return how much more memory this process can have: infinite where the system does not say."""
    found = [_of_machine(), *(_of_group(*files) for files in _GROUP_FILES)]
    share = max(1, *(int(os.environ.get(name, 1)) for name in _LOCAL_SIZES))
    free = min(found) / share
    return free if _limit_bytes is None else min(free, _limit_bytes - used_bytes())


def used_bytes() -> float:
    """Return how much memory this process has: 0 where the system does not say."""
    try:
        n_pages = int(Path("/proc/self/statm").read_text().split()[1])
        return float(n_pages * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError):
        return 0.0


def require(n_bytes: float, what: str, remedy: str | Callable[[], str] = FEWER_SYNAPSES) -> None:
    """Refuse to go on where memory does not suffice.

    Parameters
    ----------
    n_bytes : float
        Needed besides what the process has.
    what : str
        What needs it, the beginning of the message.
    remedy : str or callable
        The end of the message, or what returns it.

    Raises
    ------
    NotEnoughMemoryError
        If there is less.
    """
    global _assured_bytes
    if n_bytes <= _assured_bytes:
        _assured_bytes -= n_bytes
        return
    available = available_bytes()
    if n_bytes <= available:
        _assured_bytes = (available - n_bytes) * _ASSURED_SHARE
        return
    limited = f" under setup(memory_limit={in_words(_limit_bytes)})" if _limit_bytes is not None else ""
    raise NotEnoughMemoryError(
        f"{what} about {in_words(n_bytes)} of memory; {in_words(max(0.0, available))} is available{limited}. "
        f"{remedy if isinstance(remedy, str) else remedy()}"
    )


def return_freed(n_bytes: float) -> None:
    """Give the system back what was freed and is kept for later, if it is much.

    Parameters
    ----------
    n_bytes : float
        How much was freed.
    """
    if n_bytes >= _KEPT_BYTES:
        _core.return_freed_memory()


def in_words(n_bytes: float) -> str:
    """Return an amount of memory with a unit."""
    for unit in ("TB", "GB", "MB", "kB"):
        if n_bytes >= _UNITS[unit]:
            return f"{n_bytes / _UNITS[unit]:.3g} {unit}"
    return f"{n_bytes:.0f} bytes"


def _of_machine() -> float:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        import psutil

        return float(psutil.virtual_memory().available)
    except ImportError:
        return float("inf")


def _of_group(limit: str, use: str) -> float:
    try:
        return float(Path(limit).read_text()) - float(Path(use).read_text())
    except (OSError, ValueError):  # no limit is the word "max"
        return float("inf")
