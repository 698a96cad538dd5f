"""Where compiled programs are kept.

``$PYCOSIM_CACHE_DIR``, else ``$XDG_CACHE_HOME/pycosim``, else ``~/.cache/pycosim``; where that cannot be
written, a temporary folder of this process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

MAX_PROGRAMS = 256


def cache_folder() -> Path:
    """Return a folder that exists and can be written."""
    named = os.environ.get("PYCOSIM_CACHE_DIR")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named) if named else Path(base) / "pycosim"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return _temporary_folder()
    return folder.resolve() if os.access(folder, os.W_OK | os.X_OK) else _temporary_folder()


@cache
def _temporary_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="pycosim_cache_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def cython_folder() -> str:
    """Return the folder in which Brian2 keeps its Cython modules."""
    folder = cache_folder() / "brian2-cython"
    folder.mkdir(exist_ok=True)
    return str(folder)


def find(key: str) -> Path | None:
    """Return the folder of the program `key` if there is one, and note that it was used."""
    folder = cache_folder() / "brian2" / key
    if not (folder / "main").is_file():
        return None
    os.utime(folder)
    return folder


def store(key: str, built: Path) -> Path:
    """Move a folder with a built program into the cache, and return its place there."""
    programs = cache_folder() / "brian2"
    programs.mkdir(exist_ok=True)
    folder = programs / key
    # Move within the cache at the end, so that no other process sees half a program.
    with tempfile.TemporaryDirectory(prefix="new_", dir=programs) as near:
        ready = Path(near) / key
        shutil.copytree(built, ready)
        try:
            ready.rename(folder)
        except OSError:
            if not (folder / "main").is_file():
                raise
    _drop_oldest(programs)
    return folder


def _drop_oldest(programs: Path) -> None:
    folders = [folder for folder in programs.iterdir() if (folder / "main").is_file()]
    folders.sort(key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-MAX_PROGRAMS]:
        shutil.rmtree(folder, ignore_errors=True)
