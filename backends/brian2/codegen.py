"""Which kind of code Brian2 generates, and Brian2 itself without its noise."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import (
    BackendError,
    InvalidInputError,
    MissingDependencyError,
    NotSupportedError,
    PycosimError,
)

if TYPE_CHECKING:
    from types import ModuleType

    from pycosim.backends.base import Progress
    from pycosim.backends.brian2.plan import Plan

CODEGEN = ("cpp_standalone", "cython", "numpy")

Key = tuple[str, str]
"""Name of an object of the plan, and of its variable."""


class Engine(Protocol):
    """Holds the data of a program and runs it."""

    preparation_s: float
    """Wall-clock seconds spent on generating and compiling so far."""
    draws_poisson: bool
    """Whether its programs can draw the spikes of Poisson sources."""

    def set(self, values: Mapping[Key, NDArray[Any]]) -> None:
        """Take over values: constants, states, weights, delays (in steps), ends of synapses, input spikes.

        Sources of synapses are given as "_synaptic_pre", or those in order of sources as `wiring.ROWS`.
        """

    def get(self, owner: str, name: str) -> NDArray[np.float64]:
        """Return the present values of a variable; empty where it never had any."""

    def set_operations(self, operations: Operations) -> None:
        """Call Python functions in every step; only engines that run in this process can."""

    def run(self, plan: Plan, first_step: int, n_steps: int, progress: Progress | None) -> Recorded:
        """Do `n_steps` steps, the first of which is `first_step`."""

    def check_open(self) -> None:
        """Raise BackendError if the engine is closed."""

    def close(self) -> None:
        """Free everything."""


class Operations(Protocol):
    """What Python does in every step, with the Brian2 objects of a program."""

    def reasons(self) -> list[str]:
        """Return in words what is to be done; empty if nothing."""

    def begin(self, step: int, program: Any) -> None:
        """Act where synapses do."""

    def update(self, step: int, program: Any) -> None:
        """Act after synapses, and before thresholds."""

    def end(self, step: int, program: Any) -> None:
        """Act at the end of a step, before samples are taken."""


class Recorded(Protocol):
    """What the monitors of a program recorded during one run."""

    def spikes(self, monitor: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return steps and indices, ordered by (step, index)."""

    def samples(self, sampler: str, variable: str) -> NDArray[np.float64]:
        """Return samples, (n_samples, n_neurons)."""


def engine_for(codegen: str | None, dt_ms: float, threads: int = 1) -> Engine:
    """Return an engine of the kind asked for, or of the fastest kind that works here.

    Raises
    ------
    InvalidInputError
        If there is no such kind.
    NotSupportedError
        If it has no threads, and more than one was asked for.
    BackendError
        If it needs a compiler and there is none, or ``$CXX`` names one that is not there.
    MissingDependencyError
        If Brian2 is not installed.
    """
    if codegen is not None and codegen not in CODEGEN:
        raise InvalidInputError(
            f"Brian2 with codegen={codegen!r}: there is no such kind of code generation; "
            f"choose one of {', '.join(CODEGEN)}."
        )
    brian2_version()
    if codegen is None or codegen == "cpp_standalone":
        from pycosim.backends.brian2.compiler import find_compiler
        from pycosim.backends.brian2.standalone import StandaloneEngine

        compiler = find_compiler()
        if compiler:
            return StandaloneEngine(dt_ms, compiler, threads)
        if codegen:
            raise BackendError(
                "Brian2 with codegen='cpp_standalone': there is no C++ compiler. Install g++ or clang++, "
                "name one in the environment variable CXX, or use codegen='numpy'."
            )
    if threads > 1:
        raise NotSupportedError(
            f"Brian2 with threads={threads}: only its C++ standalone mode has threads. Use threads=1, or "
            "codegen='cpp_standalone', which needs a C++ compiler with OpenMP."
        )
    from pycosim.backends.brian2.runtime import RuntimeEngine

    if codegen == "numpy":
        return RuntimeEngine(dt_ms, "numpy")
    works = cython_works()
    if codegen == "cython" and not works:
        raise BackendError(
            "Brian2 with codegen='cython': a test compilation failed. Install Cython and a C++ compiler, "
            "or use codegen='numpy'."
        )
    return RuntimeEngine(dt_ms, "cython" if works else "numpy")


def closed_error() -> BackendError:
    """Return the error for a simulation that is advanced after it was closed."""
    return BackendError("Brian2: the simulation is closed; build the network again to go on.")


def brian2_version() -> str:
    """Return the version of the installed Brian2, without importing it.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return importlib.metadata.version("brian2")
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependencyError(
            "The target brian2 needs the package Brian2, which is not installed. Install it with: "
            "pip install 'brian2>=2.9'"
        ) from None


def import_brian2() -> ModuleType:
    """Import Brian2; the first import leaves no log file, no exception hook and no messages below warnings.

    Raises
    ------
    MissingDependencyError
        If it cannot be imported.
    """
    if "brian2" in sys.modules:
        return sys.modules["brian2"]
    hook = sys.excepthook
    try:
        with _no_deprecation_warnings():
            import brian2
    except (ImportError, AttributeError) as error:
        remedy = "Install another version of one of them, or the target's packages anew."
        if brian2_version().startswith("2.9"):
            remedy = "Brian2 2.9 needs NumPy below 2.4: pip install 'numpy<2.4'"
        raise MissingDependencyError(
            f"Brian2 {brian2_version()} cannot be imported with NumPy {np.__version__}: {error}. {remedy}"
        ) from error
    sys.excepthook = hook
    logger = brian2.BrianLogger
    logger.log_level_warn()
    logging.getLogger("brian2").setLevel(logging.WARNING)
    logging.getLogger("brian2.codegen.generators.base").addFilter(_is_not_known)
    # Where equations have a mistake, the error says it; objects that were made before it are of no interest.
    logging.getLogger("brian2.core.base").setLevel(logging.ERROR)
    if logger.file_handler is not None:
        logging.getLogger("brian2").removeHandler(logger.file_handler)
        logger.file_handler.close()
        for path in (logger.tmp_log, logger.tmp_script):
            if path and os.path.exists(path):
                os.remove(path)
        logger.file_handler = logger.tmp_log = logger.tmp_script = None
    return brian2


def _is_not_known(record: logging.LogRecord) -> bool:
    """Return False for Brian2's warning that the order may matter in which dopamine acts; it does not."""
    return "elapsed := now - since" not in record.getMessage()


@contextlib.contextmanager
def _no_deprecation_warnings() -> Iterator[None]:
    """Hide what Brian2 uses of other packages' old interfaces; nobody here can change that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextlib.contextmanager
def brian2_session(device: str, **preferences: Any) -> Iterator[ModuleType]:
    """Choose the device and set preferences of Brian2 (names with "__" for "."), and restore both afterwards.

    Statements are never reordered for speed: sums would be rounded otherwise than on other backends.
    """
    brian2 = import_brian2()
    from brian2.devices.device import reset_device

    preferences = {"codegen__loop_invariant_optimisations": False} | preferences
    names = {name.replace("__", "."): value for name, value in preferences.items()}
    old = {name: brian2.prefs[name] for name in names}
    brian2.set_device(device, build_on_run=device == "runtime")
    try:
        for name, value in names.items():
            brian2.prefs[name] = value
        with _no_deprecation_warnings():
            yield brian2
    except PycosimError:
        raise
    except Exception as error:
        raise BackendError(f"Brian2 failed: {_causes(error)}") from error
    finally:
        for name, value in old.items():
            brian2.prefs[name] = value
        reset_device()


def _causes(error: BaseException) -> str:
    """Return the messages of an error and of what caused it; Brian2's outermost one only says where."""
    cause = error.__cause__
    if cause is None:
        return f"{type(error).__name__}: {error}"
    where = re.match(r"Error encountered with object named (.*?)\.?$", str(error), re.MULTILINE)
    return f"{where[1] if where else error}: {_causes(cause)}"


def cython_works() -> bool:
    """Return whether Brian2 can compile with Cython here."""
    from pycosim.backends.brian2.cache import cython_folder

    with brian2_session("runtime", codegen__runtime__cython__cache_dir=cython_folder()):
        from brian2.codegen.runtime.cython_rt import CythonCodeObject

        logging.getLogger("brian2").disabled = True
        try:
            return bool(CythonCodeObject.is_available())
        except ImportError:
            return False
        finally:
            logging.getLogger("brian2").disabled = False
