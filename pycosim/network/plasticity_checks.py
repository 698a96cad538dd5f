"""The checks of a projection's plasticity, for `pycosim.network.validate`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import NotSupportedError
from pycosim.network.columns import Network, Projection
from pycosim.network.plasticity import (
    ALL_SITES,
    DOPAMINE,
    DOPAMINE_SIGN,
    INTEGER_PAIR,
    MAX_TRACE,
    SHARED,
    SHORT_TERM_RULES,
    TIMING_RULES,
    WEIGHT_DEPENDENCES,
    Column,
    Plasticity,
)

# The smallest and the largest value; the smallest one itself is allowed only for `_MAY_BE_LOWEST`.
_RANGES = {
    "tau_plus": (0.0, np.inf),
    "tau_minus": (0.0, np.inf),
    "tau": (0.0, np.inf),
    **dict.fromkeys(("tau_x", "tau_y", "tau_c", "tau_d", "tau_rate", "update_interval"), (0.0, np.inf)),
    "base_rate": (0.0, np.inf),
    "impulse": (0.0, MAX_TRACE),
    "d_base": (0.0, np.inf),
    "tau_rec": (0.0, np.inf),
    "tau_facil": (0.0, np.inf),
    "rho": (0.0, np.inf),
    "mu_plus": (0.0, np.inf),
    "mu_minus": (0.0, np.inf),
    "U": (0.0, 1.0),
    "u": (0.0, 1.0),
    "p": (0.0, 1.0),
    "n": (1.0, ALL_SITES),
    "a": (0.0, ALL_SITES),
}
_MAY_BE_LOWEST = frozenset({"tau_facil", "rho", "mu_plus", "mu_minus", "U", "u", "p", "n", "a", "d_base"})

_WHOLE = frozenset({"n", "a", "impulse"})
_MULTIPLES_OF_W_MAX = frozenset({"AdditiveWeightDependence", "AdditivePotentiationMultiplicativeDepression"})


def plasticity_problems(projection: Projection) -> Iterator[str]:
    """Yield what is wrong with a projection's plasticity."""
    plasticity = projection.plasticity
    if plasticity is None:
        return
    yield from _name_problems(plasticity)
    if plasticity.rule == DOPAMINE and projection.receptor not in DOPAMINE_SIGN:
        yield f"the receptor of dopamine is {projection.receptor!r}; it is {' or '.join(DOPAMINE_SIGN)}"
    if plasticity.changes_weights and np.shape(projection.weights) != (projection.n_synapses,):
        yield f"plastic weights need a column of {projection.n_synapses} numbers"
    for name in plasticity.parameter_names:
        if name not in plasticity.parameters:
            yield f"parameter {name} of {plasticity.rule} is missing"
    columns = plasticity.parameters | plasticity.initial
    size = projection.n_synapses
    problems = [text for name, column in columns.items() for text in _column_problems(name, column, size)]
    yield from problems
    complete = set(plasticity.parameter_names) <= set(plasticity.parameters)
    if plasticity.changes_weights and complete and not problems:
        yield from _bound_problems(plasticity)


def _name_problems(plasticity: Plasticity) -> Iterator[str]:
    rules = TIMING_RULES | SHORT_TERM_RULES | {DOPAMINE: ()}
    if plasticity.rule not in rules:
        yield f"there is no plasticity rule {plasticity.rule!r}; there are {', '.join(rules)}"
    if plasticity.changes_weights and plasticity.weight_dependence not in WEIGHT_DEPENDENCES:
        yield (
            f"there is no weight dependence {plasticity.weight_dependence!r}; there are "
            f"{', '.join(WEIGHT_DEPENDENCES)}"
        )
    elif plasticity.rule == INTEGER_PAIR and plasticity.weight_dependence != "AdditiveWeightDependence":
        yield f"{INTEGER_PAIR} changes weights by whole steps; it has the AdditiveWeightDependence only"
    if not 0 <= plasticity.dendritic_delay_fraction <= 1:
        yield f"dendritic_delay_fraction is {plasticity.dendritic_delay_fraction}; it is between 0 and 1"


def _column_problems(name: str, column: Column, size: int) -> Iterator[str]:
    values = np.asarray(column, np.float64)
    if name in SHARED and values.shape != ():
        yield f"{name} differs between synapses; give one number for the whole projection"
        return
    if values.shape not in ((), (size,)):
        yield f"{name} has the shape {values.shape}; give one number or {size} numbers"
        return
    low, high = _RANGES.get(name, (-np.inf, np.inf))
    bad = ~np.isfinite(values) | (values < low) | (values > high)
    if name in _WHOLE:
        bad |= values != np.floor(values)
    if name not in _MAY_BE_LOWEST:
        bad |= values == low
    if np.any(bad):
        whose = f" for {np.count_nonzero(bad)} of {size} synapses" if values.ndim else ""
        above = "" if low == -np.inf else f" {'of at least' if name in _MAY_BE_LOWEST else 'above'} {low:g}"
        kind = "whole" if name in _WHOLE else "finite"
        below = "" if high == np.inf else f" and at most {high:g}"
        yield f"{name} is {values[bad].flat[0]:g}{whose}; it must be a {kind} number{above}{below}"


def _bound_problems(plasticity: Plasticity) -> Iterator[str]:
    w_min, w_max = (np.asarray(plasticity.parameters[name]) for name in ("w_min", "w_max"))
    if np.any(w_min == w_max):
        yield "w_min and w_max are equal; weights change between these bounds"
    of_w_max = plasticity.rule in ("Vogels2011Rule", "DopaminePairRule")
    multiples = plasticity.weight_dependence in _MULTIPLES_OF_W_MAX or of_w_max
    if multiples and np.any(w_max == 0):
        yield "w_max is 0, which changes are multiples of; give the bound that is further from 0 as w_max"


def require_rules(network: Network, backend: str, rules: Collection[str] = ()) -> None:
    """Refuse plastic projections with other rules than `rules`, for a backend that has only these.

    Raises
    ------
    NotSupportedError
        If the network has some; it names their rules.
    """
    used = {p.plasticity.rule for p in network.projections if p.plasticity is not None}
    unknown = sorted(used - set(rules))
    if unknown:
        has = f"It has {', '.join(rules)}. " if rules else ""
        raise NotSupportedError(
            f"Plastic synapses ({', '.join(unknown)}) are not supported by the {backend} backend. {has}"
            "Use native, a chip, or StaticSynapse."
        )


def require_same_delays(projection: Projection, delays: NDArray[np.int32]) -> None:
    """Check that the delays of a plastic projection that runs are still `delays`.

    Raises
    ------
    NotSupportedError
        If they are not.
    """
    if not np.array_equal(projection.delay_column(), delays):
        raise NotSupportedError(
            f"The delays of projection {projection.label!r} changed, and its synapses are plastic: spikes "
            "under way would reach them out of order. Set delays before the first run, or call reset() first."
        )
