"""What a connector is asked for, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.network import Population


def stable_order(indices: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the order that sorts indices of at least 0; equal ones stay as they are."""
    if len(indices) and indices.max() < 2**16:
        indices = indices.astype(np.uint16)  # NumPy sorts these by digits, seven times as fast
    return np.argsort(indices, kind="stable")


def numbers_of(cells: Any) -> NDArray[np.int64]:
    """Return the global numbers of the neurons of a population, view or assembly, (size,) int64."""
    if not is_population(cells):
        return np.ascontiguousarray(cells.all_cells, dtype=np.int64)
    column, numbers = cells.column, vars(cells).get("_numbers")
    if numbers is None:  # PyNN's cells are objects, 25 ns each
        numbers = cells._numbers = np.arange(column.first, column.first + column.size)
        numbers.flags.writeable = False
    return numbers


def is_population(cells: Any) -> bool:
    """Return whether cells are all those of one population, in their order."""
    return isinstance(getattr(cells, "column", None), Population)


def ascend(cells: Any) -> bool:
    """Return whether the global numbers of cells ascend and are distinct."""
    if is_population(cells):
        return True
    numbers = numbers_of(cells)
    return bool(np.all(numbers[1:] > numbers[:-1]))


@dataclass(frozen=True)
class Connectivity:
    """Synapses by presynaptic index.

    Attributes
    ----------
    indptr : (n_pre + 1,) int64 ndarray
    targets : (n_synapses,) int32 ndarray
        Indices in the postsynaptic cells, ascending within a row.
    given : dict of str to (n_synapses,) float64 ndarray
        Values that the connector itself gives: "weight", "delay".
    checked : bool
        Whether PyNN checks the signs of weights that this connector makes.
    make_drawn : callable, optional
        Returns `drawn` where it is first asked for.
    """

    indptr: NDArray[np.int64]
    targets: NDArray[np.int32]
    given: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    checked: bool = True
    make_drawn: Callable[[], NDArray[np.integer]] | None = None

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return len(self.targets)

    @cached_property
    def sources(self) -> NDArray[np.int32]:
        """Presynaptic index of each synapse, (n_synapses,) int32."""
        return _core.rows_of_entries(np.ascontiguousarray(self.indptr, np.int64))

    @cached_property
    def drawn(self) -> NDArray[np.integer] | None:
        """The synapses in the order in which PyNN makes them, (n_synapses,): target by target.

        Those of a target as the connector drew them; None: by source.
        """
        return None if self.make_drawn is None else self.make_drawn()

    @cached_property
    def by_target(self) -> NDArray[np.integer]:
        """The numbers of the synapses in PyNN's order, (n_synapses,)."""
        return stable_order(self.targets) if self.drawn is None else self.drawn


@dataclass(frozen=True)
class Request:
    """What a connector is asked to connect, and the random numbers it has for that.

    Attributes
    ----------
    wanted : (n_post,) bool ndarray or None
        The postsynaptic cells whose synapses are asked for; the others' must not change them. None: all.
    """

    connector: Any
    projection: Any
    seed: int
    stream: int
    wanted: NDArray[np.bool_] | None = None

    @cached_property
    def pre_ids(self) -> NDArray[np.int64]:
        """Global numbers of the presynaptic neurons."""
        return numbers_of(self.projection.pre)

    @cached_property
    def post_ids(self) -> NDArray[np.int64]:
        """Global numbers of the postsynaptic neurons."""
        return numbers_of(self.projection.post)

    @cached_property
    def local(self) -> NDArray[np.bool_]:
        """Which postsynaptic cells are wanted."""
        return np.ones(self.shape[1], bool) if self.wanted is None else self.wanted

    @property
    def mask(self) -> NDArray[np.uint8] | None:
        """The same for compiled code; None where all are wanted."""
        return None if self.wanted is None or self.wanted.all() else self.wanted.view(np.uint8)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of presynaptic and postsynaptic neurons."""
        return self.projection.pre.size, self.projection.post.size

    def problem(self, text: str) -> str:
        """Return the beginning of every error message, followed by `text`."""
        return f"{type(self.connector).__name__} in projection {self.projection.label!r}: {text}"


def of_targets(connectivity: Connectivity, wanted: NDArray[np.bool_] | None) -> Connectivity:
    """Return the synapses on some of the postsynaptic cells; None: on all."""
    if wanted is None or wanted.all():
        return connectivity
    mask, all_targets = wanted.view(np.uint8), np.ascontiguousarray(connectivity.targets, np.int32)
    if not _core.counts_from(all_targets, 0, len(wanted))[~wanted].any():
        return connectivity
    indptr, targets = _core.rows_of_wanted(connectivity.indptr, all_targets, mask)

    def drawn() -> NDArray[np.integer]:
        order = connectivity.drawn[wanted[all_targets[connectivity.drawn]]]
        places = np.cumsum(wanted[all_targets]) - 1
        return places[order]

    given = {
        name: _core.values_of_wanted(column, all_targets, mask) for name, column in connectivity.given.items()
    }
    made = connectivity.make_drawn and drawn
    return replace(connectivity, indptr=indptr, targets=targets, given=given, make_drawn=made)


def without_mutual(csr: tuple[NDArray[np.int64], NDArray[np.int32]]) -> Connectivity:
    """Return the synapses of rows (indptr, targets) from a cell to one before it."""
    return Connectivity(*_core.descending_pairs(*csr))
