"""MPI, as far as it is used today: making sure that a broken installation does no harm."""

from __future__ import annotations

import sys


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
