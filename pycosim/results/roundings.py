"""The values that a chip rounded, as a table: what was asked, what it got, how far that is off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from pycosim.hwmodels.arithmetic import Rounding

__all__ = [
    "COLUMNS",
    "rounded",
    "rounding_frame",
    "roundings_as_arrays",
    "roundings_from_arrays",
    "summary_line",
    "worst_of_items",
]

COLUMNS = ("item", "unit", "asked", "got", "relative_error", "count")

# Smaller errors come from writing down in decimals what the chip holds exactly.
_EXACT = 1e-9


def rounded(roundings: Sequence[Rounding]) -> dict[str, NDArray[Any]]:
    """Return the columns `COLUMNS` of all values that were changed, the largest relative error first.

    Each row is a pair of values of one item, and how often it is there.
    """
    rows: dict[tuple[str, str, float, float], int] = {}
    for rounding in roundings:
        changed = np.abs(rounding.relative_error) > _EXACT
        pairs = zip(rounding.asked[changed], rounding.got[changed], rounding.count[changed], strict=True)
        for asked, got, count in pairs:
            key = rounding.item, rounding.unit, float(asked), float(got)
            rows[key] = rows.get(key, 0) + int(count)
    item, unit, asked, got = (np.array([key[k] for key in rows]) for k in range(4))
    asked, got = asked.astype(np.float64), got.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = (got - asked) / np.abs(asked)
    columns = item, unit, asked, got, error, np.array(list(rows.values()), np.int64)
    order = np.argsort(-np.abs(error), kind="stable")
    return {name: column[order] for name, column in zip(COLUMNS, columns, strict=True)}


def rounding_frame(roundings: Sequence[Rounding]) -> pd.DataFrame:
    """Return `rounded` as a data frame."""
    import pandas as pd

    return pd.DataFrame(rounded(roundings))


def worst_of_items(roundings: Sequence[Rounding]) -> list[tuple[str, str, float, float, float, int]]:
    """Return the worst pair of each item as `COLUMNS`, the worst first; `count` is of all its changes."""
    columns = rounded(roundings)
    items, first, which = np.unique(columns["item"], return_index=True, return_inverse=True)
    counts = np.bincount(which, columns["count"], len(items)).astype(np.int64)
    shown = ("item", "unit", "asked", "got", "relative_error")
    return [
        (*(columns[name][row].item() for name in shown), int(counts[k]))
        for k, row in sorted(enumerate(first), key=lambda pair: pair[1])
    ]


def summary_line(roundings: Sequence[Rounding]) -> str:
    """Return in one line how much was rounded; empty where nothing was asked of the chip's arithmetic."""
    if not roundings:
        return ""
    columns = rounded(roundings)
    count = int(columns["count"].sum())
    if not count:
        return "arithmetic: all values are held exactly"
    error = 100 * abs(columns["relative_error"][0])
    worst = f"{error:.2g}" if error < 10 else f"{error:,.0f}"
    values = "1 value" if count == 1 else f"{count:,} values"
    return f"arithmetic: {values} rounded, largest relative error {worst} % ({columns['item'][0]})"


def roundings_as_arrays(roundings: Sequence[Rounding]) -> dict[str, NDArray[Any]]:
    """Return roundings as arrays that can be stored."""
    lengths = [len(r.count) for r in roundings]
    empty = np.empty(0)
    return {
        "item": np.array([r.item for r in roundings], dtype=str),
        "unit": np.array([r.unit for r in roundings], dtype=str),
        "length": np.array(lengths, np.int64),
        "asked": np.concatenate([empty, *(r.asked for r in roundings)]),
        "got": np.concatenate([empty, *(r.got for r in roundings)]),
        "count": np.concatenate([empty.astype(np.int64), *(r.count for r in roundings)]),
    }


def roundings_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> list[Rounding]:
    """Return what `roundings_as_arrays` stored."""
    from pycosim.hwmodels.arithmetic import Rounding

    ends = np.cumsum(arrays["length"])[:-1]
    parts = (np.split(arrays[name], ends) for name in ("asked", "got", "count"))
    texts = ([str(text) for text in arrays[name]] for name in ("item", "unit"))
    return [Rounding(*columns) for columns in zip(*texts, *parts)]
