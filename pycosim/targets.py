"""The targets: which there are, how one is named with its options, and how a network is built on it.

Backends are the packages in ``backends/``, chips the folders in ``hwmodels/`` with a ``chip.toml``; both
are found by looking, so that adding one is adding a folder. Packages elsewhere announce themselves with
the entry-point groups ``pycosim.backends`` and ``pycosim.chips``.
"""

from __future__ import annotations

import difflib
import importlib.machinery
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pycosim.errors import InvalidInputError, NotSupportedError, UnknownTargetError

if TYPE_CHECKING:
    from pycosim.backends.base import Options, Simulation
    from pycosim.network import Network

OPTION_TYPES = {
    "threads": int,
    "timing": str,
    "arithmetic": str,
    "speedup": float,
    "mapping": str,
    "detail": str,
    "inputs": str,
}
OPTION_VALUES = {
    "timing": ("ideal", "trace", "closed"),
    "arithmetic": ("float", "chip"),
    "detail": ("cycle", "queue", "analytic"),
    "inputs": ("steps", "realtime"),
}


@dataclass(frozen=True)
class TargetSpec:
    """A target's name with the options that were given for it.

    Attributes
    ----------
    name : str
        Name of a backend or chip, or the path of a chip description file.
    options : dict
        Options of `pycosim.backends.base.Options` by name, and overrides of a chip's description by
        dotted path.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> TargetSpec:
        """Read ``name`` or ``name[key=value,key=value]``.

        Raises
        ------
        UnknownTargetError
            If there is no such target.
        InvalidInputError
            If the options are not of that form, or an option has an impossible value.
        """
        name, bracket, rest = text.strip().partition("[")
        if bracket and not rest.endswith("]"):
            raise InvalidInputError(
                f"Target {text!r}: the options' closing bracket is missing; write name[key=value]."
            )
        spec = cls(checked_name(name.strip()))
        for item in filter(None, (part.strip() for part in rest[:-1].split(","))):
            key, equals, value = item.partition("=")
            if not equals:
                raise InvalidInputError(
                    f"Target {text!r}: option {item!r} has no value; write name[key=value]."
                )
            if key.strip() in spec.options:
                raise InvalidInputError(f"Target {text!r}: option {key.strip()!r} is given twice.")
            spec.options[key.strip()] = value.strip()
        spec.merged({})  # reports impossible values now
        return spec

    def __str__(self) -> str:
        """Return the specification as it is written on the command line."""
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name}[{options}]" if options else self.name

    def merged(self, setup: dict[str, Any]) -> Options:
        """Return the run's options: those of `setup()`, replaced by those given with the target.

        Raises
        ------
        InvalidInputError
            If the target was given an option that it does not take, or an impossible value.
        """
        wrong = self.foreign(self.options)
        if wrong:
            takes = ", ".join(sorted(self._takes() or ())) or "none"
            raise InvalidInputError(
                f"Target {str(self)!r}: {self.name} has no option {', '.join(wrong)}; it takes: {takes}. "
                "Timing, speed-up, mapping and values of a description belong to chips."
            )
        foreign = self.foreign(setup)
        make_options(setup)  # an impossible value is an error even where it is not used
        return make_options({k: v for k, v in setup.items() if k not in foreign} | self.options)

    def foreign(self, options: Iterable[str]) -> list[str]:
        """Return those of some options that have no meaning on this target."""
        takes = self._takes()
        return [] if takes is None else sorted(set(options) - takes)

    def option_names(self) -> frozenset[str]:
        """Return the names of the options that setup() takes for this target: common ones, and its own."""
        return frozenset(OPTION_TYPES) | (self._takes() or frozenset())

    def _takes(self) -> frozenset[str] | None:
        """Return the options that a backend takes; None for chips, which judge theirs themselves."""
        if self.name not in backends():
            return None
        return getattr(import_module(backends()[self.name]), "OPTIONS", frozenset())


def split_targets(text: str) -> list[str]:
    """Split ``a,b[x=1,y=2],c`` at the commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def make_options(values: dict[str, Any]) -> Options:
    """Return Options from named values; names that are not options are overrides for the target.

    Raises
    ------
    InvalidInputError
        If an option's value is impossible.
    """
    from pycosim.backends.base import Options

    options, overrides = {}, {}
    for name, value in values.items():
        if name in OPTION_TYPES:
            options[name] = _checked_option(name, value)
        else:
            overrides[name] = value
    return replace(Options(), **options, overrides=overrides)


def _checked_option(name: str, value: Any) -> Any:
    if name == "mapping" and not isinstance(value, str):
        return value
    try:
        value = OPTION_TYPES[name](value)
    except (TypeError, ValueError):
        kind = {int: "a whole number", float: "a number"}[OPTION_TYPES[name]]
        raise InvalidInputError(f"Option {name}={value!r}: it must be {kind}.") from None
    allowed = OPTION_VALUES.get(name)
    if allowed and value not in allowed:
        raise InvalidInputError(f"Option {name}={value!r}: it must be one of {', '.join(allowed)}.")
    if name in ("threads", "speedup") and not 0 < value < float("inf"):
        raise InvalidInputError(f"Option {name}={value!r}: it must be greater than 0.")
    return value


@cache
def backends() -> dict[str, str]:
    """Return the names of the backends and the modules that hold them."""
    import pycosim.backends

    found = {
        info.name: f"pycosim.backends.{info.name}"
        for info in pkgutil.iter_modules(pycosim.backends.__path__)
        if info.ispkg
    }
    return found | {point.name: point.value for point in entry_points(group="pycosim.backends")}


@cache
def chips() -> dict[str, str]:
    """Return the names of the chips and the folders (or entry-point values) that describe them."""
    import pycosim.hwmodels

    found = {
        description.parent.name: str(description.parent)
        for root in pycosim.hwmodels.__path__
        for description in sorted(Path(root).glob("*/chip.toml"))
    }
    return found | {point.name: point.value for point in entry_points(group="pycosim.chips")}


def names() -> list[str]:
    """Return the names of all targets, backends first."""
    return [*sorted(backends()), *sorted(chips())]


def checked_name(name: str) -> str:
    """Return `name` if it is a target or the path of a chip description.

    Raises
    ------
    UnknownTargetError
        If it is neither; the message lists the targets and the nearest name.
    """
    if name in backends() or name in chips():
        return name
    if name.endswith(".toml"):
        if Path(name).is_file():
            return name
        raise UnknownTargetError(f"Target {name!r}: there is no such chip description file.")
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownTargetError(f"Target {name!r} is not known.{hint} Known targets: {', '.join(names())}.")


def runs_on_ranks(name: str) -> bool:
    """Return whether several MPI processes can share one simulation on the target called `name`."""
    return name in backends() and getattr(import_module(backends()[name]), "DISTRIBUTED", False)


def build(name: str, network: Network, options: Options) -> Simulation:
    """Build `network` on the target called `name`."""
    _require_equations(name, network)
    if name in backends():
        simulation = import_module(backends()[name]).build(network, options)
        if network.currents and not hasattr(simulation, "currents_changed"):
            simulation.close()
            raise NotSupportedError(f"Current sources are not supported by the backend {name}: use native.")
        return simulation
    from pycosim.hwmodels.simulation import build as build_chip

    return build_chip(name, network, options)


def require_stepwise(name: str) -> None:
    """Refuse live input and output on a target that is costly to advance in pieces of a few steps.

    Raises
    ------
    NotSupportedError
        If it is one.
    """
    if name in backends() and not getattr(import_module(backends()[name]), "STEPWISE", True):
        raise NotSupportedError(
            f"Live input and output on {name}: it cannot be stopped every millisecond to exchange spikes. "
            "Use native, reference or a chip."
        )


def _require_equations(name: str, network: Network) -> None:
    """Refuse cell types that are defined by equations where the target does not run them."""
    from pycosim.network import model_named
    from pycosim.network.equations_model import EquationsModel

    labels = [p.label for p in network.populations if isinstance(model_named(p.model), EquationsModel)]
    if labels and not (name in backends() and getattr(import_module(backends()[name]), "EQUATIONS", False)):
        raise NotSupportedError(
            f"Population {labels[0]!r} has a cell type defined by Brian2 equations, which {name} does not "
            "run. Use brian2."
        )


class TargetFinder:
    """Makes ``import pycosim.<target>`` give a PyNN simulator module for every target there is."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a module specification for ``pycosim.<target>``, None for any other module."""
        package, _, name = fullname.rpartition(".")
        if package != "pycosim" or not (name in backends() or name in chips()):
            return None
        return importlib.machinery.ModuleSpec(fullname, _NamespaceLoader(name))


class _NamespaceLoader:
    def __init__(self, target: str):
        self.target = target

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Let Python make an ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        from pycosim.frontend.namespace import fill

        fill(module, self.target)


def install_finder() -> None:
    """Put the finder for target modules at the end of Python's import path hooks, once."""
    if not any(isinstance(finder, TargetFinder) for finder in sys.meta_path):
        sys.meta_path.append(TargetFinder())


def describe() -> list[dict[str, str]]:
    """Return name, kind and one-line description of every target."""
    from pycosim.hwmodels.load import load

    rows = [
        {"name": name, "kind": "software", "description": import_module(module).DESCRIPTION}
        for name, module in sorted(backends().items())
    ]
    return rows + [
        {"name": name, "kind": "chip", "description": load(name).chip.title} for name in sorted(chips())
    ]
