"""Older PyNN's and sPyNNaker's spellings: what each stands for today. All are accepted with a warning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from neo import Block
from numpy.typing import NDArray
from pyNN.connectors import Connector, FixedTotalNumberConnector
from pyNN.standardmodels.base import inhibitory_receptor_types

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend.cells import takes_conductance
from pycosim.frontend.extra_cells import NEAREST_CELLS, OTHER_NAMES, PARAMETERS
from pycosim.frontend.simulator import state

CURRENT_NAMES = {"gsyn_exc": "isyn_exc", "gsyn_inh": "isyn_inh"}
"""Names under which sPyNNaker records the synaptic currents of current-based cells."""

GSYN = ("gsyn_exc", "gsyn_inh")

EXTRA_CELLS = {
    "IFCurDelta": "IF_curr_delta",
    "IFCurrDelta": "IF_curr_delta",
    "IF_curr_delta": "IF_curr_delta",
    **{name: name for name in PARAMETERS},
    **OTHER_NAMES,
}
"""Cell types of sPyNNaker's extra_models, and what they are called here."""

NEAREST = {
    **{name: f"{text}." for name, text in NEAREST_CELLS.items()},
    "RecurrentRule": "The nearest is SpikeNearestPairRule.",
    **dict.fromkeys(
        ("TimingDependencePFPC", "TimingDependenceMFVN", "TimingDependenceCyclic"),
        "The nearest timing dependences are SpikePairRule and PfisterSpikeTriplet.",
    ),
    **dict.fromkeys(
        (
            "WeightDependencePFPC",
            "WeightDependenceMFVN",
            "WeightDependenceCyclic",
            "WeightDependenceRecurrent",
        ),
        "The nearest weight dependence is AdditiveWeightDependence.",
    ),
}
"""What is nearest to models of sPyNNaker's extra_models that are not there."""

_POPULATION_HINTS = frozenset(
    "additional_parameters constraints max_rate n_colour_bits n_synapse_cores seed splitter "
    "neurons_per_core_per_dim allow_delay_extensions".split()
)
_PROJECTION_HINTS = frozenset("download_synapses partition_id rng".split())
_CONNECTOR_HINTS = frozenset("generate_on_machine seed space use_replacement verbose".split())


class TargetName(str):
    """A simulator module's `name`: text, and in sPyNNaker a function that returns it."""

    __slots__ = ()

    def __call__(self) -> str:
        """Return the name."""
        return str(self)


class Unsupported:
    """Stands for a namespace of another simulator; what has no equivalent is refused by name."""

    def __init__(self, name: str, instead: str, known: dict[str, Any] | None = None):
        self._name, self._instead, self._known = name, instead, known or {}

    def __getattr__(self, attribute: str) -> Any:
        """Return what is known; raise NotSupportedError that names anything else."""
        if attribute in self._known:
            known = self._known[attribute]
            if known.__name__ != attribute:
                state.warn(f"{self._name}.{attribute} was read as {known.__name__}.")
            return known
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        instead = NEAREST.get(attribute, self._instead)
        raise NotSupportedError(f"{self._name}.{attribute} is not supported. {instead}")


def _parameter(name: str) -> property:
    def get(self: Any) -> Any:
        value = self.parameter_space[name].base_value
        return state.default_delay if value is None else value

    def set(self: Any, value: Any) -> None:
        self.parameter_space.update(**{name: value})

    return property(get, set, doc=f"The {name} as it was given, as sPyNNaker's synapse types have it.")


class WeightAndDelay:
    """Lets scripts read and change weight and delay of a synapse type before it is used."""

    weight = _parameter("weight")
    delay = _parameter("delay")


class SynapseDynamics:
    """PyNN 0.7's container of a fast (short-term) or slow (long-term) synapse type."""

    def __init__(self, fast: Any = None, slow: Any = None):
        if fast is not None and slow is not None:
            raise NotSupportedError(
                "SynapseDynamics(fast=..., slow=...): short-term and long-term plasticity at the same "
                "synapse are not supported; give one of them."
            )
        self.synapse_type = slow if fast is None else fast


def cell_of(cellclass: Any, parameters: Any, initial: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a cell type and initial values for what older scripts pass as class and dictionary.

    Raises
    ------
    InvalidInputError
        If parameters are given twice.
    """
    if not isinstance(cellclass, type):
        if parameters:
            raise InvalidInputError(
                f"Population(..., {cellclass!r}, {parameters!r}): the cell type has its parameters already; "
                "give the class and the dictionary, or the instance alone."
            )
        return cellclass, initial
    parameters = dict(parameters or {})
    if "v_init" in parameters:
        initial = {"v": parameters.pop("v_init")} | initial
    state.warn(
        f"Population(n, {cellclass.__name__}, parameters) is PyNN 0.7's form; it was read as "
        f"Population(n, {cellclass.__name__}(**parameters))."
    )
    return cellclass(**parameters), initial


def forget_hints(what: str, given: dict[str, Any], hints: frozenset[str]) -> None:
    """Warn of arguments that steer another simulator's machine.

    Raises
    ------
    TypeError
        If an argument is no such hint.
    """
    unknown = sorted(set(given) - hints)
    if unknown:
        raise TypeError(f"{what} got an unexpected keyword argument {unknown[0]!r}")
    for name in sorted(given):
        about = (
            "random numbers follow from setup(seed=...)"
            if name in ("seed", "rng")
            else "it steers how another simulator uses its machine"
        )
        state.warn(f"{what}: {name}={given[name]!r} is ignored; {about}.")


def ascending(trains: Any, label: str) -> list[NDArray[np.float64]]:
    """Return spike times in order, as they are taken on SpiNNaker; PyNN refuses others."""
    times = [np.asarray(getattr(train, "value", train), np.float64).ravel() for train in trains]
    if any(np.any(np.diff(train) < 0) for train in times):
        state.warn(f"Population {label!r}: spike times that do not ascend were sorted.")
        return [np.sort(train) for train in times]
    return times


def size_of(size: Any) -> Any:
    """Return the number of cells; older scripts compute it with a division, which gives 200.0 today."""
    if isinstance(size, float | np.floating) and float(size).is_integer():
        state.warn(f"Population({size!r}, ...): the size was read as {int(size)}.")
        return int(size)
    return size


def population_hints(given: dict[str, Any], known: Sequence[str] = ()) -> dict[str, Any]:
    """Take note of arguments of Population that only another simulator has.

    Parameters
    ----------
    given : dict
    known : sequence of str
        Those of `additional_parameters` that have a meaning for the cell type; they are returned.
    """
    extra = dict(given.pop("additional_parameters", None) or {})
    additional = {name: extra.pop(name) for name in known if name in extra}
    forget_hints("Population()", given | extra, _POPULATION_HINTS | frozenset(extra))
    return additional


def projection_arguments(
    connector: Any, synapse_type: Any, receptor_type: str | None, given: dict[str, Any], static: type
) -> tuple[Any, str | None]:
    """Return synapse type and receptor type for the arguments of an older Projection.

    Parameters
    ----------
    connector : Connector
        One made with ``weights=`` and ``delays=`` gives them to the synapses.
    given : dict
        Arguments that today's Projection does not have; ``target`` and ``synapse_dynamics`` of PyNN 0.7.
    static : type
        The class of synapses without plasticity.
    """
    if "target" in given:
        target = given.pop("target")
        receptor_type = receptor_type or target
        state.warn(f"Projection(target={target!r}) was read as receptor_type={receptor_type!r}.")
    dynamics = given.pop("synapse_dynamics", None)
    forget_hints("Projection()", given, _PROJECTION_HINTS)
    synapse_type = getattr(dynamics, "synapse_type", dynamics) or synapse_type
    values = getattr(connector, "synapse_values", None)
    if values:
        name = type(connector).__name__
        if synapse_type is None:
            state.warn(f"{name}(weights=..., delays=...) was read as StaticSynapse(weight=..., delay=...).")
            synapse_type = static(**values)
        else:
            kind = type(synapse_type).__name__
            state.warn(f"{name}(weights=..., delays=...): these became weight and delay of {kind}.")
            for what, value in values.items():
                setattr(synapse_type, what, value)
    return synapse_type, receptor_type


class _OldArguments:
    """Lets a connector take the arguments that it had in PyNN 0.7 or has in sPyNNaker."""

    synapse_values: dict[str, Any]

    def __init__(self, *arguments: Any, **named: Any):
        values = {
            name: named.pop(f"{name}s", None)
            for name in ("weight", "delay")
            if f"{name}s" not in self.parameter_names
        }
        self.synapse_values = {name: value for name, value in values.items() if value is not None}
        hints = {name: named.pop(name) for name in _CONNECTOR_HINTS & set(named)}
        forget_hints(f"{type(self).__name__}()", hints, _CONNECTOR_HINTS)
        super().__init__(*arguments, **named)


class MultapseConnector(_OldArguments, FixedTotalNumberConnector):
    """sPyNNaker's name of a fixed total number of synapses."""

    def __init__(self, n: Any = None, *arguments: Any, num_synapses: Any = None, **named: Any):
        state.warn("MultapseConnector was read as FixedTotalNumberConnector.")
        super().__init__(num_synapses if n is None else n, *arguments, **named)


def connector_types(base: dict[str, type[Connector]]) -> dict[str, type[Connector]]:
    """Return connectors that also take older arguments, by name."""
    found = {
        name: type(name, (_OldArguments, kind), {"__doc__": kind.__doc__, "__module__": kind.__module__})
        for name, kind in base.items()
    }
    return found | {"MultapseConnector": MultapseConnector}


def negative_inhibition(projection: Any, weights: Any, receptor: str) -> Any:
    """Return the weights of a current-based inhibitory projection, with the sign that they need.

    In sPyNNaker weights are magnitudes. In PyNN a positive inhibitory current is an error.
    """
    values = np.asarray(weights)
    if receptor not in inhibitory_receptor_types or takes_conductance(projection) or not values.size:
        return weights
    if values.min() < 0 or not values.max() > 0:
        return weights
    state.warn(
        f"Projection {projection.label!r}: its positive weights on the current-based receptor {receptor!r} "
        "were taken as negative."
    )
    return -weights


def selector_of(selector: Any) -> Any:
    """Return what selects the cells of a view as PyNN takes it."""
    if isinstance(selector, int | np.integer) and not isinstance(selector, bool):
        return [int(selector)]
    return list(selector) if isinstance(selector, range | tuple) else selector


class OldTable(np.ndarray):
    """A table as PyNN 0.7 returned recorded data; its `segments` are those of today's Neo block."""

    block: Any = None

    @classmethod
    def of(cls, rows: NDArray[np.float64], block: Any) -> OldTable:
        """Return rows as a table that also knows the Neo block."""
        table = rows.view(cls)
        table.block = block
        return table

    @property
    def segments(self) -> Sequence[Any]:
        """The segments of the Neo block."""
        return self.block.segments


def as_table(block: Any, *names: str) -> Any:
    """Return index in the population, time in ms, and values, of the last segment's data.

    Parameters
    ----------
    block : neo.Block
    names : str
        "spikes", which have no values, or names of signals; then one row for each cell and sample, cell by
        cell.

    Returns
    -------
    OldTable
        (n, 2 + number of signals) float64.
    """
    if not isinstance(block, Block):
        return block
    segment = block.segments[-1]
    if names == ("spikes",):
        rows = [
            (train.annotations["source_index"], time)
            for train in segment.spiketrains
            for time in train.magnitude.tolist()
        ]
        return OldTable.of(np.array(rows, np.float64).reshape(-1, 2), block)
    signals = [next(s for s in segment.analogsignals if s.name == name) for name in names]
    times = signals[0].times.rescale("ms").magnitude
    indices = signals[0].array_annotations["channel_index"]
    columns = [np.repeat(indices, len(times)), np.tile(times, len(indices))]
    values = [np.asarray(signal).T.ravel() for signal in signals]
    return OldTable.of(np.stack([*columns, *values], axis=1).astype(np.float64), block)
