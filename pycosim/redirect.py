"""Leading every simulator name that a PyNN script may import to one chosen target."""

from __future__ import annotations

import argparse
import importlib.machinery
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pycosim import targets
from pycosim.errors import ScriptError
from pycosim.targets import TargetSpec, names

if TYPE_CHECKING:
    from pycosim.backends.base import Options, Simulation
    from pycosim.network import Network

PYNN_SIMULATORS = frozenset(
    "arbor brian brian2 carlsim genn hardware mock moose nemo nest neuroml neuron nineml pcsim spiNNaker "
    "spinnaker".split()
)
"""Modules of the package pyNN, of this or an older version, that are simulators."""

OTHER_SIMULATORS = frozenset(("pynn_brainscales", "pynn_brainscales.brainscales2", "pynn_genn", "pynn_nest"))
SPINNAKER = frozenset(
    ("sPyNNaker", "spynnaker", "spynnaker.pyNN", "spynnaker7", "spynnaker7.pyNN", "spynnaker8")
)
SPINNAKER_PARTS = {
    "external_devices": "pycosim.frontend.external_devices",
    "extra_models": None,
    "plotting": "pycosim.frontend.spynnaker_plotting",
    "plot_utils": "pycosim.frontend.spynnaker_plotting",
    "spynnaker_plotting": "pycosim.frontend.spynnaker_plotting",
    "utilities": None,
    "utilities.neo_convertor": "pycosim.frontend.neo_convertor",
}
"""Modules inside sPyNNaker, and ours in their place; None: what the simulator module has by that name."""


class Observer:
    """Stands between the front end and whoever runs a script: names the target and wants all spikes.

    Attributes
    ----------
    spec : TargetSpec
        The target that setup() leads to, whatever module the script imported.
    options : dict
        Options that replace those of setup(); the target's own replace these.
    n_setups : int
        How often the script called setup().
    is_dry : bool
        Whether nothing is simulated, only described; else spikes are recorded of all populations.
    """

    is_dry = False

    def __init__(
        self,
        spec: TargetSpec,
        options: Mapping[str, Any] | None = None,
        progress: Callable[[int], Callable[[int], None] | None] | None = None,
    ):
        self.spec = spec
        self.options = dict(options or {})
        self.n_setups = 0
        self._progress = progress

    def begun(self, setup: Mapping[str, Any]) -> None:
        """Count a call of setup(), which got these options of a target."""
        self.n_setups += 1

    def build(self, target: str, network: Network, options: Options) -> Simulation:
        """Return the simulation of a network."""
        return targets.build(target, network, options)

    def delays_rounded(self, label: str, error_ms: float) -> None:
        """Be told by how much the delays of a projection changed at most as they became whole steps."""

    def progress(self, n_steps: int) -> Callable[[int], None] | None:
        """Return what is told of the steps done in a run of `n_steps`."""
        return self._progress(n_steps) if self._progress else None


@contextmanager
def as_simulator(target: str | TargetSpec, observer: Observer | None = None) -> Iterator[ModuleType]:
    """Make every PyNN simulator module that is imported inside the block lead to `target`.

    Covers ``import pyNN.nest`` (or any other simulator), ``pynn_genn`` and the like,
    ``exec("from pyNN.X import *")``, ``importlib.import_module``, ``pyNN.utility.get_simulator`` and
    ``pycosim.<other target>``.

    Parameters
    ----------
    target : str or TargetSpec
        For example "native" or "loihi[timing=trace]".
    observer : Observer, optional
        Used by the runner.

    Yields
    ------
    module
        The PyNN simulator module of the target.

    Raises
    ------
    UnknownTargetError
        If there is no such target.
    """
    import pyNN
    import pyNN.utility
    from pyNN.utility import script_tools

    from pycosim.frontend import namespace, simulator
    from pycosim.frontend.live import hub

    spec = TargetSpec.parse(target) if isinstance(target, str) else target
    label = spec.name if spec.name.isidentifier() else Path(spec.name).stem
    module = ModuleType(f"pycosim.{label}")
    namespace.fill(module, label)
    finder = _Finder(module)
    before = simulator.state.observer, simulator.state.is_spinnaker
    hub.forget()
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if is_simulator(name)}
    replaced = {
        (holder, name): getattr(holder, name)
        for holder in (pyNN.utility, script_tools)
        for name in ("get_simulator", "get_script_args")
    }
    for holder in (pyNN.utility, script_tools):
        holder.get_simulator = _get_simulator(module, label)
        holder.get_script_args = _get_script_args(spec.name if spec.name in names() else "native")
    simulator.state.observer = observer or Observer(spec)
    sys.meta_path.insert(0, finder)
    try:
        yield module
    finally:
        sys.meta_path.remove(finder)
        hub.forget()
        simulator.state.observer, simulator.state.is_spinnaker = before
        for (holder, name), function in replaced.items():
            setattr(holder, name, function)
        for name in [name for name in sys.modules if is_simulator(name)]:
            del sys.modules[name]
        for name in PYNN_SIMULATORS.union(names()):
            vars(pyNN).pop(name, None)
        sys.modules.update(hidden)
        for name, old in hidden.items():
            if name.count(".") == 1 and name.startswith("pyNN."):
                setattr(pyNN, name.removeprefix("pyNN."), old)


def is_simulator(name: str) -> bool:
    """Return whether a module name is that of a PyNN simulator other than pycosim's own."""
    package, _, module = name.partition(".")
    if package == "pyNN":
        return module.partition(".")[0] in PYNN_SIMULATORS.union(names())
    return name in OTHER_SIMULATORS or name in SPINNAKER or spinnaker_part(name) is not None


def spinnaker_part(name: str) -> str | None:
    """Return which of the modules inside sPyNNaker a module name means, if it is one."""
    for package in (*SPINNAKER, "pyNN.spiNNaker", "pyNN.spinnaker"):
        part = name.removeprefix(f"{package}.")
        if part != name and part in SPINNAKER_PARTS:
            return part
    return None


class _Finder:
    """Gives the target's module for the name of any simulator."""

    def __init__(self, module: ModuleType):
        self.module = module

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        is_part = spinnaker_part(fullname) is not None
        if not is_part and (not is_simulator(fullname) or fullname.count(".") > 1):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Let Python make an ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        part = spinnaker_part(module.__name__)
        if part is not None:
            self._fill_part(module, part)
            return
        own = {name: value for name, value in vars(self.module).items() if not name.startswith("__")}
        vars(module).update(own)
        if module.__name__ in SPINNAKER or module.__name__.lower() == "pynn.spinnaker":
            from pycosim.frontend.simulator import state

            state.is_spinnaker = True

    def _fill_part(self, module: ModuleType, part: str) -> None:
        """Let a module inside sPyNNaker have the contents of ours, its refusals included."""
        ours = SPINNAKER_PARTS[part]
        contents = import_module(ours) if ours else getattr(self.module, part, None)
        own = getattr(contents, "__dict__", {})
        vars(module).update({name: value for name, value in own.items() if not name.startswith("_")})
        if contents is not None:
            vars(module)["__getattr__"] = partial(getattr, contents)


def _get_simulator(module: ModuleType, target: str) -> Callable[..., Any]:
    """Return a stand-in for pyNN.utility.get_simulator: the simulator's name may be given or left out."""

    def get_simulator(*arguments: Sequence[Any]) -> tuple[ModuleType, argparse.Namespace]:
        parser = argparse.ArgumentParser()
        for argument in arguments:
            parser.add_argument(argument[0], help=argument[1], **(argument[2] if len(argument) > 2 else {}))
        given = sys.argv[1:]
        if given and (given[0] in PYNN_SIMULATORS or given[0] in names()):
            given = given[1:]
        try:
            options = parser.parse_args(given)
        except SystemExit as stop:
            if stop.code:
                raise ScriptError(
                    f"The script's arguments do not fit: it got {given!r}; {parser.format_usage().strip()}"
                ) from None
            raise
        options.simulator = target
        return module, options

    return get_simulator


def _get_script_args(target: str) -> Callable[..., list[str]]:
    """Return a stand-in for pyNN.utility.get_script_args: the simulator's name may be left out."""

    def get_script_args(n_args: int, usage: str = "") -> list[str]:
        given = sys.argv[1:]
        if len(given) == n_args - 1:
            given = [target, *given]
        if len(given) < n_args:
            wanted = usage or f"the script needs {n_args} arguments"
            raise ScriptError(f"The script's arguments do not fit: it got {given!r}; {wanted}.")
        return given[:n_args]

    return get_script_args
