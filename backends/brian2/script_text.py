"""Pieces of the text of a Brian2 script."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH = 110

# What a constant of a step may be; which it is shows in its value.
_FORMULAS = {
    "refractory_steps": ("round(tau_refrac/dt)",),
    "decay_m": ("exp(-dt/tau_m)",),
    "drive": ("i_offset*tau_m/cm*(1 - exp(-dt/tau_m))", "cm/tau_m*v_rest + i_offset"),
    "drive_at_rest": ("i_offset*tau_m/cm*(1 - exp(-dt/tau_m))", "cm/tau_m*v_rest + i_offset"),
    "drive_per_na": ("tau_m/cm*(1 - exp(-dt/tau_m))",),
    "g_leak": ("cm/tau_m",),
    "dt_over_cm": ("dt/cm",),
}
for _of, _receptor in (("e", "E"), ("i", "I")):
    _tau = f"tau_syn_{_receptor}"
    _FORMULAS |= {
        f"decay_{_of}": (f"exp(-dt/{_tau})",),
        f"mean_{_of}": (f"(1 - exp(-dt/{_tau}))*{_tau}/dt",),
        f"mean_rise_{_of}": (f"(1 - exp(-dt/{_tau})*(1 + dt/{_tau}))*{_tau}*exp(1)/dt",),
        f"rise_{_of}": (f"exp(1)*dt/{_tau}",),
        f"v_per_i_{_of}": (f"(exp(-dt/{_tau}) - exp(-dt/tau_m))/(1/tau_m - 1/{_tau})/cm",),
    }


def quoted(text: str, depth: int, name: str = "") -> Iterator[str]:
    """Yield an argument that is a text of several lines."""
    indent = "    " * depth
    yield f'{indent}{name}"""'
    yield from (f"{indent}{line}" for line in text.splitlines())
    yield f'{indent}""",'


def module_text(module: ModuleType) -> str:
    """Return the text of a module without its imports, and its docstring less the last line as a comment."""
    body = inspect.getsource(module).split("import numpy as np\n", 1)[1]
    comment = "\n".join(f"# {line}".rstrip() for line in (module.__doc__ or "").strip().splitlines()[:-1])
    return f"\n{comment}{body}\n"


def repeated(steps: NDArray[np.int64], indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which spikes, ordered by (step, index), repeat the one before them."""
    return 1 + np.flatnonzero((np.diff(steps) == 0) & (np.diff(indices) == 0))


def parameters_comment(model: str, parameters: Mapping[str, ArrayLike]) -> Iterator[str]:
    """Yield comments that say which cells there are, and with which of PyNN's parameters."""
    said = ", ".join(f"{name} {_values(value)}" for name, value in sorted(parameters.items()))
    text = f"{model}: {said}" if said else model
    yield from (f"# {line}" for line in textwrap.wrap(text, WIDTH - 2))


def _values(value: ArrayLike) -> str:
    value = np.asarray(value, np.float64)
    rows = value.reshape(len(value) if value.ndim else 1, -1)
    if rows.shape[0] and np.all(rows == rows[0]):
        return f"{rows[0, 0]:g}" if rows.shape[1] == 1 else str(rows[0].tolist())
    return f"{value.min():g} to {value.max():g}" if value.size else "none"


def formula(
    constant: str, value: NDArray[np.float64], parameters: Mapping[str, ArrayLike], dt_ms: float
) -> str:
    """Return how `value` follows from PyNN's parameters; empty if that cannot be said in a line."""
    known = {name: np.asarray(column, np.float64) for name, column in parameters.items()}
    known |= {"dt": np.asarray(dt_ms), "exp": np.exp, "round": np.round}
    for text in _FORMULAS.get(constant, ()):
        try:
            with np.errstate(all="ignore"):
                found = eval(text, {"__builtins__": {}}, known)
        except NameError:
            continue
        if np.allclose(found, value, rtol=1e-9, atol=0.0):
            return text
    return ""
