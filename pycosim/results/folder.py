"""The run folder: everything that a comparison found, on disk, written as it goes and readable again.

::

    pycosim-runs/<script>-<YYYYmmdd-HHMMSS>/
        run.json        command, script, versions, targets, settings, figures
        report.html
        <target>/
            result.json     the run's numbers, notes and error
            spikes.npz      steps, neurons, and the populations they belong to
            hardware.npz    tables of the chip's measurements, and the values that it rounded (chips only)
            blocks/*.pkl    what the script recorded: one Neo block for each population
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import os
import pickle
import platform
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neo
import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError, PycosimError
from pycosim.results.hardware import CoreTable, HardwareRecord, LinkTable, PacketTable
from pycosim.results.roundings import roundings_as_arrays, roundings_from_arrays
from pycosim.results.run import PopulationInfo, RunResult

if TYPE_CHECKING:
    from pycosim.comparison import Comparison, Settings

FORMAT = 1
DEFAULT_PARENT = "pycosim-runs"
PACKAGES = ("pycosim", "numpy", "pynn", "neo", "quantities", "brian2")
TABLES = {"packets": PacketTable, "cores": CoreTable, "links": LinkTable}
ARRAYS = ("step_duration_ps", "core_of_neuron")
ROUNDINGS = "roundings"


class StoredError(PycosimError):
    """An error of an earlier run, read from its folder.

    Attributes
    ----------
    class_name : str
        Name of the class that it had.
    """

    def __init__(self, class_name: str, text: str):
        self.class_name = class_name
        super().__init__(text)


class StoredBlocks(Mapping[str, neo.Block]):
    """Neo blocks by population label, each read from its file when it is asked for.

    The files are pickles: reading one from a folder that a stranger made can run a stranger's code.
    """

    def __init__(self, files: dict[str, Path]):
        self._files = files

    def __getitem__(self, label: str) -> neo.Block:
        """Return the block of the population called `label`."""
        return neo.io.PickleIO(str(self._files[label])).read_block()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the labels."""
        return iter(self._files)

    def __len__(self) -> int:
        """Return how many populations were recorded."""
        return len(self._files)


class RunFolder:
    """Writes a comparison's results as they come.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, content: dict[str, Any]):
        self.path = path
        self._content = content

    @classmethod
    def create(cls, info: Mapping[str, Any], output: str | Path | None, settings: Settings) -> RunFolder:
        """Make a new folder, never one that exists, and write what is known before the first run.

        Parameters
        ----------
        info : mapping of str to Any
            As `describe_run` returns it.
        output : str, Path or None
            The folder in which to make it; by default ``pycosim-runs``.
        settings : Settings
            How runs are compared.
        """
        parent = Path(output or DEFAULT_PARENT)
        parent.mkdir(parents=True, exist_ok=True)
        stamp = datetime.fromisoformat(info["started"]).strftime("%Y%m%d-%H%M%S")
        path = _new_folder(parent, f"{slug(info['script_name'])}-{stamp}")
        content = {
            "format": FORMAT,
            **info,
            "settings": dataclasses.asdict(settings),
            "results": [],
            "scores": [],
        }
        folder = cls(path, content)
        folder._write()
        return folder

    def save(self, comparison: Comparison) -> None:
        """Write the newest result of a comparison, and the user's scores so far."""
        result = comparison.results[-1]
        path = _new_folder(self.path, slug(result.target))
        write_result(result, path)
        self._content["results"].append(path.name)
        self._content["scores"] = comparison.scores
        self._content["score_label"] = comparison.score_label
        self._write()

    def finish(self, comparison: Comparison) -> None:
        """Write the figures and the verdict of a finished comparison."""
        self._content["finished"] = datetime.now().isoformat(timespec="seconds")
        comparison.info["finished"] = self._content["finished"]
        self._content["verdict"] = comparison.verdict
        self._content["metrics"] = [summary.row for summary in comparison.summaries]
        self._write()

    def _write(self) -> None:
        write_json(self.path / "run.json", self._content)


def describe_run(
    script: str | Path | Callable[..., Any],
    targets: Sequence[str],
    *,
    arguments: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what is needed to do a comparison again: command, script with its hash, options, versions.

    Parameters
    ----------
    script : str, Path or function
    targets : sequence of str
    arguments, parameters, options
        As `pycosim.run` takes them.
    """
    if callable(script):
        name, source = getattr(script, "__name__", "function"), _source(script)
        command = f"pycosim.compare({name}, on={list(targets)!r})"
    else:
        name, source = Path(script).stem, Path(script).read_bytes() if Path(script).is_file() else b""
        command = shlex.join(["pycosim", "compare", str(script), *arguments, "--on", ",".join(targets)])
        if Path(sys.argv[0]).name == "pycosim":
            command = shlex.join(["pycosim", *sys.argv[1:]])
    return {
        "command": command,
        "script": name if callable(script) else str(script),
        "script_name": name,
        "script_sha256": hashlib.sha256(source).hexdigest() if source else None,
        "arguments": [str(argument) for argument in arguments],
        "targets": list(targets),
        "parameters": plain(parameters or {}),
        "options": plain(options or {}),
        "started": datetime.now().isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **_package_versions()},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} logical cores",
    }


def _source(function: Callable[..., Any]) -> bytes:
    try:
        return inspect.getsource(function).encode()
    except (OSError, TypeError):  # typed at a prompt, or not a Python function
        return b""


def _package_versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def slug(name: str) -> str:
    """Return a name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "_", name).strip("._")[:80] or "run"


def _new_folder(parent: Path, name: str) -> Path:
    """Make a folder that did not exist, with -2, -3, ... after its name if that is taken."""
    number = 1
    while True:
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file in one piece: a reader sees the old one or the new one, never half."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(plain(content), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; numbers that are not finite become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def write_result(result: RunResult, path: Path) -> None:
    """Write one run to the folder `path`; result.json comes last, so that it stands for a whole result."""
    np.savez_compressed(
        path / "spikes.npz",
        steps=result.spike_steps,
        neurons=result.spike_neurons,
        population_labels=np.array([p.label for p in result.populations], dtype=str),
        population_first=np.array([p.first for p in result.populations], np.int64),
        population_size=np.array([p.size for p in result.populations], np.int64),
    )
    if result.hardware is not None:
        np.savez_compressed(path / "hardware.npz", **_hardware_arrays(result.hardware))
    blocks, problems = _write_blocks(result.blocks, path)
    content = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    for name in ("spike_steps", "spike_neurons", "hardware"):
        del content[name]
    error = result.error
    content["error"] = None if error is None else {"class": _class_name(error), "text": str(error)}
    content["blocks"] = blocks
    content["notes"] = [*result.notes, *problems]
    content["hardware"] = None if result.hardware is None else _hardware_numbers(result.hardware)
    write_json(path / "result.json", content)


def _class_name(error: Exception) -> str:
    return getattr(error, "class_name", type(error).__name__)


def _write_blocks(blocks: Mapping[str, neo.Block], path: Path) -> tuple[dict[str, str], list[str]]:
    """Write Neo blocks; return their files by label, and what went wrong."""
    files, problems = {}, []
    for number, label in enumerate(blocks):
        name = f"blocks/{number}-{slug(label)}.pkl"
        (path / "blocks").mkdir(exist_ok=True)
        try:
            neo.io.PickleIO(str(path / name)).write_block(blocks[label])
        except (pickle.PicklingError, AttributeError, TypeError, OSError) as error:
            problems.append(f"The recordings of {label!r} could not be written to the run folder: {error}")
        else:
            files[label] = name
    return files, problems


def _hardware_arrays(hardware: HardwareRecord) -> dict[str, NDArray[Any]]:
    arrays = {name: getattr(hardware, name) for name in ARRAYS}
    for table in TABLES:
        rows = getattr(hardware, table)
        arrays |= {f"{table}.{f.name}": getattr(rows, f.name) for f in dataclasses.fields(rows)}
    return arrays | {
        f"{ROUNDINGS}.{name}": column for name, column in roundings_as_arrays(hardware.roundings).items()
    }


def _hardware_numbers(hardware: HardwareRecord) -> dict[str, Any]:
    names = [f.name for f in dataclasses.fields(hardware)]
    elsewhere = {*TABLES, *ARRAYS, ROUNDINGS}
    return {name: getattr(hardware, name) for name in names if name not in elsewhere}


def read_result(path: Path) -> RunResult:
    """Return the run that `write_result` wrote to the folder `path`."""
    content = json.loads((path / "result.json").read_text(encoding="utf-8"))
    with np.load(path / "spikes.npz") as arrays:
        content["spike_steps"], content["spike_neurons"] = arrays["steps"], arrays["neurons"]
    if content["hardware"] is not None:
        content["hardware"] = _read_hardware(path / "hardware.npz", content["hardware"])
    if content["error"] is not None:
        content["error"] = StoredError(content["error"]["class"], content["error"]["text"])
    content["populations"] = [PopulationInfo(**population) for population in content["populations"]]
    content["blocks"] = StoredBlocks({label: path / name for label, name in content["blocks"].items()})
    content["seconds"] = {name: math.nan if s is None else s for name, s in content["seconds"].items()}
    return RunResult(**content)


def _read_hardware(path: Path, numbers: dict[str, Any]) -> HardwareRecord:
    numbers["shape"] = tuple(numbers["shape"])
    for name in ("energy_of_core_j", "energy_of_population_j"):
        numbers[name] = {cause: np.array(energy) for cause, energy in numbers.get(name, {}).items()}
    numbers["energy_range_j"] = {
        cause: tuple(bounds) for cause, bounds in numbers.get("energy_range_j", {}).items()
    }
    numbers["utilisation"] = {name: tuple(pair) for name, pair in numbers["utilisation"].items()}
    with np.load(path) as arrays:
        for name in ARRAYS:
            numbers[name] = arrays[name]
        for table, kind in TABLES.items():
            numbers[table] = kind(**{f.name: arrays[f"{table}.{f.name}"] for f in dataclasses.fields(kind)})
        begin = f"{ROUNDINGS}."
        stored = {name.removeprefix(begin): arrays[name] for name in arrays.files if name.startswith(begin)}
        numbers[ROUNDINGS] = roundings_from_arrays(stored) if stored else []
    return HardwareRecord(**numbers)


def load(folder: str | Path) -> Comparison:
    """Return the comparison that a run folder holds, also one whose last runs are missing.

    Figures are computed again from the data. Recordings are read when they are asked for; they are
    pickles, so read them only from folders that you trust.

    Raises
    ------
    InvalidInputError
        If it is not a run folder, or one of a newer version of pycosim.
    """
    from pycosim.comparison import Comparison, Settings

    path = Path(folder)
    if not (path / "run.json").is_file():
        raise InvalidInputError(f"{path} is not a run folder: it has no run.json.")
    content = json.loads((path / "run.json").read_text(encoding="utf-8"))
    if content.pop("format", 0) != FORMAT:
        raise InvalidInputError(
            f"The run folder {path} has a format that this version of pycosim does not read; "
            f"it was written by pycosim {content.get('versions', {}).get('pycosim', '(unknown)')}."
        )
    settings = content.pop("settings")
    settings["distances"] = tuple(settings["distances"])
    results = [read_result(path / name) for name in content.pop("results")]
    scores, label = content.pop("scores"), content.pop("score_label", "")
    for derived in ("metrics", "verdict"):
        content.pop(derived, None)
    return Comparison(
        results, info=content, folder=path, settings=Settings(**settings), scores=scores, score_label=label
    )
