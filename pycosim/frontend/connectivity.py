"""Which neurons a PyNN connector connects, as compressed sparse rows of indices.

Connectors that PyNN defines are expanded here by whole arrays, the random ones by compiled code from our
own random numbers, or from the script's (`pycosim.frontend.drawn_connectors`). Any other connector runs as
its author wrote it (`pycosim.frontend.user_connectors`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyNN import connectors as pynn
from pyNN.random import RandomDistribution

from pycosim import _core
from pycosim.errors import ConnectivityError, InvalidInputError, NotSupportedError
from pycosim.frontend.distances import distances_of
from pycosim.frontend.requests import Connectivity, Request, of_targets, without_mutual
from pycosim.frontend.thinning import bounded_rule, connect_bounded
from pycosim.frontend.total_number import numbers_of_allowed, split_total
from pycosim.network.row_rule import CHOOSABLE_SOURCES
from pycosim.parallel import world
from pycosim.random import (
    draws_itself,
    evaluate_calls,
    evaluate_distribution,
    frozen_generator,
    stream_of,
)

# Pairs whose probabilities are worked on at the same time: a few arrays of them fit into a core's cache.
BLOCK_PAIRS = 2**15


def connect(request: Request) -> Connectivity:
    """Return the synapses that a connector makes.

    Raises
    ------
    ConnectivityError
        If it cannot connect these neurons.
    InvalidInputError
        If one of its parameters has an impossible value.
    NotSupportedError
        If it needs what pycosim does not have.
    """
    if getattr(request.connector, "location_selector", None) is not None:
        raise NotSupportedError(request.problem("location_selector needs cells with several compartments."))
    from pycosim.frontend.user_connectors import connect_as_written

    known = _KNOWN.get(type(request.connector).connect, connect_as_written)
    if draws_itself(getattr(request.connector, "rng", None)):
        from pycosim.frontend.drawn_connectors import connect_drawn

        return of_targets(connect_drawn(request, known), request.wanted)
    return of_targets(known(request), request.wanted)


def from_pairs(
    request: Request,
    sources: ArrayLike,
    targets: ArrayLike,
    values: dict[str, NDArray[np.float64]],
    *,
    as_drawn: bool = False,
) -> Connectivity:
    """Return pairs of indices, and values that go with them, in row order; equal pairs keep their order.

    `as_drawn` says that the order in which they are given is PyNN's.
    """
    columns = (_indices(request, sources, 0), _indices(request, targets, 1))
    indptr, ascending, order = _core.csr_from_pairs(*columns, *request.shape)

    def drawn() -> NDArray[np.int64]:
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return places

    given = {name: column[order] for name, column in values.items()}
    return Connectivity(indptr, ascending, given, make_drawn=drawn if as_drawn else None)


def _indices(request: Request, values: ArrayLike, side: int) -> NDArray[np.int32]:
    values, size, name = np.asarray(values), request.shape[side], ("source", "target")[side]
    with np.errstate(invalid="ignore"):
        indices = np.ascontiguousarray(values, np.int32)  # other numbers where 32 bits do not suffice
    if np.array_equal(indices, values) and (not values.size or 0 <= indices.min() <= indices.max() < size):
        return indices
    wrong = ~((values >= 0) & (values < size)) | (values % 1 != 0)
    raise ConnectivityError(
        request.problem(
            f"{name} index out of range: {np.count_nonzero(wrong)} of {values.size} are not whole "
            f"numbers from 0 to {size - 1}, for example {values[wrong][0]}."
        )
    )


def _allows_self(request: Request) -> bool:
    return bool(request.connector.allow_self_connections)


def no_mutual(request: Request) -> bool:
    """Return whether of two neurons only one may be connected to the other; check that it can be done."""
    if request.connector.allow_self_connections != "NoMutual":
        return False
    if not np.array_equal(request.pre_ids, request.post_ids):
        raise NotSupportedError(
            request.problem("allow_self_connections='NoMutual' needs the same cells on both sides.")
        )
    return True


def _all_to_all(request: Request) -> Connectivity:
    n_pre, _ = request.shape
    if _allows_self(request):
        targets = np.flatnonzero(request.local).astype(np.int32)
        indptr = np.arange(n_pre + 1, dtype=np.int64) * len(targets)
        return Connectivity(indptr, np.tile(targets, n_pre))
    return Connectivity(*_draw_pairs(request, 1.0, False))


def _one_to_one(request: Request) -> Connectivity:
    n_pre, n_post = request.shape
    indptr = np.arange(n_pre + 1, dtype=np.int64)
    if n_pre > n_post:
        indptr[n_post:] = n_post
    return Connectivity(indptr, np.arange(min(n_pre, n_post), dtype=np.int32))


def _fixed_probability(request: Request) -> Connectivity:
    p, allow_self = request.connector.p_connect, _allows_self(request)
    if np.isnan(p):
        raise InvalidInputError(request.problem("p_connect is not a number; give a probability."))
    csr = _draw_pairs(request, p, allow_self)
    return without_mutual(csr) if no_mutual(request) else Connectivity(*csr)


def _draw_pairs(request: Request, p: float, allow_self: bool) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    key, ids = (request.seed, request.stream), (request.pre_ids, request.post_ids)
    return _core.fixed_probability(*key, *ids, p, allow_self, request.mask)


def numbers_of_rows(request: Request, n_rows: int) -> NDArray[np.int64]:
    """Return the connector's `n` for each row."""
    n = request.connector.n
    if not isinstance(n, RandomDistribution):
        return np.full(n_rows, n, np.int64)
    values = evaluate_distribution(n, n_rows, request.seed, stream_of(request.stream, "n"))
    wrong = ~((values >= 0) & (values % 1 == 0))
    if wrong.any():
        raise InvalidInputError(
            request.problem(
                f"{np.count_nonzero(wrong)} of {n_rows} values drawn for n are not whole numbers of at least "
                f"0, for example {values[wrong][0]:g}; use a distribution such as 'uniform_int' or 'poisson'."
            )
        )
    return values.astype(np.int64)


def numbers_of_total(request: Request) -> NDArray[np.int64]:
    """Return how many of the connector's `n` synapses each row has; given these, rows are drawn one by one.

    Raises
    ------
    ConnectivityError
        If there is no pair of cells that it may connect.
    """
    n = int(numbers_of_rows(request, 1)[0])
    n_allowed = numbers_of_allowed(request.pre_ids, request.post_ids, _allows_self(request))
    if n > 0 and not n_allowed.any():
        n_pre, n_post = request.shape
        raise ConnectivityError(
            request.problem(f"connecting {n_pre} to {n_post} cells: there is no pair that may be connected.")
        )
    random = frozen_generator(request.seed, stream_of(request.stream, "numbers of rows"))
    return split_total(random, n, n_allowed, request.connector.with_replacement)


def _fixed_number(
    request: Request, draw: Callable[..., Any], n: NDArray[np.int64], *with_replacement: bool
) -> Connectivity:
    if request.connector.allow_self_connections == "NoMutual":
        raise NotSupportedError(
            request.problem("allow_self_connections='NoMutual' has no meaning with a fixed number.")
        )
    ids, allow_self = (request.pre_ids, request.post_ids), _allows_self(request)
    try:
        csr = draw(request.seed, request.stream, *ids, n, *with_replacement, allow_self, request.mask)
    except ValueError as error:
        raise ConnectivityError(
            request.problem(f"connecting {request.shape[0]} to {request.shape[1]} cells: {error}.")
        ) from error
    return Connectivity(*csr)


def _fixed_number_post(request: Request) -> Connectivity:
    n = numbers_of_rows(request, request.shape[0])
    return _fixed_number(request, _core.fixed_number_post, n, request.connector.with_replacement)


def chooses_sources(request: Request) -> bool:
    """Return whether different sources are chosen in a way that is known row by row."""
    return request.shape[0] in CHOOSABLE_SOURCES


def _fixed_number_pre(request: Request) -> Connectivity:
    n = numbers_of_rows(request, request.shape[1])
    if request.connector.with_replacement:
        return _fixed_number(request, _core.drawn_sources, n)
    if chooses_sources(request):
        return _fixed_number(request, _core.fixed_number_of_sources, n)
    return _fixed_number(request, _core.fixed_number_pre, n, False)


def _fixed_total_number(request: Request) -> Connectivity:
    n = numbers_of_total(request)
    return _fixed_number(request, _core.fixed_number_post, n, request.connector.with_replacement)


def _from_list(request: Request) -> Connectivity:
    return _from_table(request, request.connector.conn_list, request.connector.column_names)


def _from_file(request: Request) -> Connectivity:
    file = request.connector.file
    if request.connector.distributed:
        rank = request.projection._simulator.state.mpi_rank
        file = type(file)(f"{file.name}.{rank}", mode=file.mode)
    try:
        names, table = file.get_metadata().get("columns"), np.atleast_2d(file.read())
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInputError(request.problem(f"cannot read {file.name!r}: {error}.")) from error
    if names is None:
        names = ("weight", "delay")[: max(0, table.shape[1] - 2)]
    return _from_table(request, table, [name for name in names if name not in ("i", "j")])


def _from_table(request: Request, table: NDArray[Any], names: Any) -> Connectivity:
    """Return the synapses of a table with the columns source, target, and those of `names`."""
    if table.size == 0:
        return Connectivity(np.zeros(request.shape[0] + 1, np.int64), np.empty(0, np.int32), checked=False)
    if table.ndim != 2 or table.shape[1] != len(names) + 2:
        raise InvalidInputError(
            request.problem(
                f"the list has the shape {table.shape}; it needs 2 columns of indices and {len(names)} of "
                f"parameters ({', '.join(names)}). Give column_names that fit."
            )
        )
    possible = request.projection.synapse_type.get_parameter_names()
    for name in names:
        if name not in possible:
            kind = type(request.projection.synapse_type).__name__
            raise InvalidInputError(
                request.problem(f"{name} is not a valid parameter for {kind}; it has {', '.join(possible)}.")
            )
    values = {name: np.ascontiguousarray(table[:, i], np.float64) for i, name in enumerate(names, 2)}
    csr = from_pairs(request, table[:, 0], table[:, 1], values)
    return Connectivity(csr.indptr, csr.targets, csr.given, checked=False)


def _array(request: Request) -> Connectivity:
    matrix = np.asarray(request.connector.array)
    if matrix.shape != request.shape or not np.isin(matrix, (0, 1)).all():
        raise InvalidInputError(
            request.problem(
                f"the array has the shape {matrix.shape} and the type {matrix.dtype}; it must hold True or "
                f"False for each pair, in the shape {request.shape}."
            )
        )
    return _from_matrix(matrix)


def _from_matrix(matrix: NDArray[Any]) -> Connectivity:
    indptr = np.concatenate([[0], np.cumsum(np.count_nonzero(matrix, axis=1))])
    return Connectivity(indptr, np.nonzero(matrix)[1].astype(np.int32))


def _clone(request: Request) -> Connectivity:
    reference, projection = request.connector.reference_projection, request.projection
    if projection.pre != reference.pre or projection.post != reference.post:
        raise ConnectivityError(
            request.problem(
                f"the reference {reference.label!r} connects {reference.pre.label!r} to "
                f"{reference.post.label!r}, this projection {projection.pre.label!r} to "
                f"{projection.post.label!r}; both must connect the same cells."
            )
        )
    if not hasattr(reference, "pre_indices"):
        weights = reference.get(["weight"], "array", gather="all")[0]
        return _from_matrix(~np.isnan(weights))
    # PyNN clones a map of what is connected: several synapses between two cells become one.
    own = np.stack([reference.pre_indices, reference.post_indices])
    everyone = world().gather_to_all(own)
    return from_pairs(request, *np.unique(np.concatenate(everyone, axis=1), axis=1), {})


def _distance_dependent(request: Request) -> Connectivity:
    distances = distances_of(request.projection)
    rule = bounded_rule(request, distances)
    if rule is not None:
        csr = connect_bounded(request, rule)
        return without_mutual(csr) if no_mutual(request) else Connectivity(*csr)

    def probabilities(targets: slice) -> NDArray[np.float64]:
        block = distances.of_targets(targets)
        try:
            return np.broadcast_to(request.connector.distance_function(block), block.shape)
        except (ArithmeticError, TypeError, ValueError, IndexError) as error:
            raise InvalidInputError(
                request.problem(
                    f"{request.connector.d_expression!r} cannot be evaluated for an array of distances "
                    f"({error}); write it with NumPy's functions, for example where() for if."
                )
            ) from error

    return _independent(request, probabilities)


def _index_based(request: Request) -> Connectivity:
    """Connect with probabilities that PyNN defines target by target."""
    expression, (n_pre, _) = copy(request.connector.index_expression), request.shape
    expression.projection = request.projection
    sources = np.arange(n_pre)

    def probabilities(targets: slice) -> NDArray[np.float64]:
        columns = range(targets.start, targets.stop)
        return np.stack([np.broadcast_to(expression(sources, j), (n_pre,)) for j in columns])

    return _independent(request, probabilities)


def _blocks_of_targets(request: Request) -> Iterator[slice]:
    """Yield ranges of targets that fit into memory; not those where none is wanted."""
    n_pre, n_post = request.shape
    n_targets = max(1, BLOCK_PAIRS // max(1, n_pre))
    # a script's own generator gives numbers for all
    wanted = np.ones(n_post, bool) if draws_itself(request.connector.rng) else request.local
    for begin in range(0, n_post, n_targets):
        here = begin + np.flatnonzero(wanted[begin : begin + n_targets])
        if len(here):
            yield slice(int(here[0]), int(here[-1]) + 1)


def _independent(request: Request, probabilities: Callable[[slice], NDArray[np.float64]]) -> Connectivity:
    """Connect pairs independently; probabilities of n targets are an array of the shape (n, n_pre)."""
    allow_self, is_directed = _allows_self(request), no_mutual(request)
    counts, sources = np.zeros(request.shape[1], np.int64), [np.empty(0, np.int32)]
    may_meet = np.isin(request.post_ids, request.pre_ids)
    # The script's own generator stays where it is; a copy of one that only has a seed would have numbers.
    rng = deepcopy(request.connector.rng) if draws_itself(request.connector.rng) else None
    for block in _blocks_of_targets(request):
        wanted = request.local[block]
        shape = len(wanted), request.shape[0]
        given = probabilities(block) if wanted.any() else np.zeros(shape)
        probability = np.array(given, np.float64, order="C")
        probability[~wanted] = 0
        targets = np.arange(block.start, block.stop)[:, np.newaxis]
        if not allow_self and may_meet[block].any():
            probability[request.post_ids[targets] == request.pre_ids] = 0
        elif is_directed:
            probability[np.arange(request.shape[0]) <= targets] = 0
        n_nan = np.count_nonzero(np.isnan(probability))
        if n_nan:
            raise ConnectivityError(
                request.problem(f"the probability of {n_nan} of {probability.size} pairs is not a number.")
            )
        indptr, part = _chosen(request, rng, block.start, probability)
        counts[block] = np.diff(indptr)
        sources.append(part)
    by_target = np.concatenate([[0], np.cumsum(counts)])
    return Connectivity(*_core.transposed(by_target, np.concatenate(sources), request.shape[0]))


def _chosen(
    request: Request, rng: Any, first: int, probability: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the sources of each of a block of targets as compressed sparse rows."""
    if not draws_itself(rng):
        return _core.bernoulli(request.seed, request.stream, first, probability)
    uniform = RandomDistribution("uniform", low=0.0, high=1.0, rng=rng)
    numbers = evaluate_calls(uniform, [probability.size], request.seed, request.stream)
    return _core.chosen(numbers, probability)


_KNOWN: dict[Any, Callable[[Request], Connectivity]] = {
    pynn.AllToAllConnector.connect: _all_to_all,
    pynn.OneToOneConnector.connect: _one_to_one,
    pynn.FixedProbabilityConnector.connect: _fixed_probability,
    pynn.FixedNumberPostConnector.connect: _fixed_number_post,
    pynn.FixedNumberPreConnector.connect: _fixed_number_pre,
    pynn.FixedTotalNumberConnector.connect: _fixed_total_number,
    pynn.FromListConnector.connect: _from_list,
    pynn.FromFileConnector.connect: _from_file,
    pynn.ArrayConnector.connect: _array,
    pynn.CloneConnector.connect: _clone,
    pynn.DistanceDependentProbabilityConnector.connect: _distance_dependent,
    pynn.IndexBasedProbabilityConnector.connect: _index_based,
}
