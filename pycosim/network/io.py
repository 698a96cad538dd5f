"""Saving a network description to one file and loading it again."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from pycosim.errors import InvalidInputError
from pycosim.network.columns import Current, Network, Population, Projection, Recording
from pycosim.network.junctions import GapJunctions
from pycosim.network.plasticity import Plasticity
from pycosim.network.rewiring import RewiredProjection

FORMAT = "pycosim-network-1"


def save(network: Network, path: str | Path) -> None:
    """Write `network` to `path` as a compressed NumPy archive with one array per column."""
    arrays: dict[str, np.ndarray] = {}
    document = {"format": FORMAT, "network": _plain(asdict(network), "", arrays)}
    with open(path, "wb") as file:
        np.savez_compressed(file, document=np.array(json.dumps(document)), **arrays)


def load(path: str | Path) -> Network:
    """Read a network that `save` wrote.

    Raises
    ------
    InvalidInputError
        If the file is not a saved network.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            document = json.loads(str(archive["document"]))
            data = _restored(document["network"], archive) if document.get("format") == FORMAT else None
    except (ValueError, KeyError, TypeError, EOFError, OSError, BadZipFile, zlib.error) as error:
        raise InvalidInputError(
            f"Loading a network from {path}: the file cannot be read ({error})."
        ) from error
    if data is None:
        raise InvalidInputError(f"Loading a network from {path}: its format is not {FORMAT}.")
    return _network(data)


def _plain(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """Return `value` with every array moved to `arrays` and replaced by its name there."""
    if isinstance(value, dict):
        return {key: _plain(item, f"{name}/{key}", arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, f"{name}/{i}", arrays) for i, item in enumerate(value)]
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    return value.item() if isinstance(value, np.generic) else value


def _restored(value: Any, arrays: Any) -> Any:
    """Undo `_plain`."""
    if isinstance(value, dict):
        if set(value) == {"array"}:
            return arrays[value["array"]]
        return {key: _restored(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, arrays) for item in value]
    return value


def _network(data: dict[str, Any]) -> Network:
    populations = [Population(**_only(Population, item)) for item in data["populations"]]
    for population in populations:
        population.recordings = {name: Recording(**item) for name, item in population.recordings.items()}
    projections = [_projection(item, Projection) for item in data["projections"]]
    # Files of older versions have none of these.
    currents = [Current(**_only(Current, item)) for item in data.get("currents", ())]
    junctions = [GapJunctions(**_only(GapJunctions, item)) for item in data.get("junctions", ())]
    rewired = [_projection(item, RewiredProjection) for item in data.get("rewired", ())]
    return Network(data["dt_ms"], data["seed"], populations, projections, currents, junctions, rewired)


def _projection(data: dict[str, Any], kind: type) -> Any:
    plasticity = data.get("plasticity")  # absent from files of older versions
    restored = Plasticity(**_only(Plasticity, plasticity)) if plasticity else None
    return kind(**_only(kind, {"places": None} | data | {"plasticity": restored}))


def _only(cls: type, item: dict[str, Any]) -> dict[str, Any]:
    # Files of older versions lack what is new; a field without default is missed by the class itself.
    return {field.name: item[field.name] for field in fields(cls) if field.name in item}
