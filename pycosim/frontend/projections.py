"""PyNN's Projection on top of the network description."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import common
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray, ParameterSpace
from pyNN.random import RandomDistribution
from pyNN.space import Space

from pycosim import network
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend import simulator
from pycosim.frontend.carlsim import receptor_of
from pycosim.frontend.cells import model_receptor
from pycosim.frontend.connection import Connection
from pycosim.frontend.connectivity import BLOCK_PAIRS
from pycosim.frontend.delays import delay_steps
from pycosim.frontend.dialects import negative_inhibition, projection_arguments
from pycosim.frontend.expansion import expand
from pycosim.frontend.gathering import gathered_columns, write_own
from pycosim.frontend.native_cells import models_weights, scripts_weights
from pycosim.frontend.neuromodulation import modulate, split_receptor
from pycosim.frontend.numbering import described, indices_of
from pycosim.frontend.plastic_synapses import as_magnitudes, shared
from pycosim.frontend.procedural import procedural_column, remedy
from pycosim.frontend.remaking import remaker
from pycosim.frontend.requests import numbers_of
from pycosim.frontend.synapse_values import REDRAWN, drawn_by_blocks
from pycosim.frontend.synapses import SUPPORTED, StaticSynapse
from pycosim.network.places import places_among_all
from pycosim.random import draws_itself, evaluate_distribution, stream_of

COMBINE = {"sum": np.add, "min": np.minimum, "max": np.maximum}


class Projection(common.Projection):
    """All synapses of one type between two populations."""

    __doc__ = common.Projection.__doc__
    _simulator = simulator
    _static_synapse_class = StaticSynapse
    _kind = "projection"

    def __new__(cls, *arguments: Any, **named: Any) -> Projection:
        """Return a projection of the class that the synapse type brings with it, if it has one."""
        synapse_type = named.get("synapse_type", arguments[3] if len(arguments) > 3 else None)
        dynamics = named.get("synapse_dynamics")  # of PyNN 0.7
        synapse_type = getattr(dynamics, "synapse_type", dynamics) or synapse_type
        return super().__new__(getattr(synapse_type, "projection_class", cls))

    def __init__(
        self,
        presynaptic_population: Any,
        postsynaptic_population: Any,
        connector: Any,
        synapse_type: Any = None,
        source: str | None = None,
        receptor_type: str | None = None,
        space: Space | None = None,
        label: str | None = None,
        **older: Any,
    ):
        """Connect cells; `older` are arguments of PyNN 0.7 and sPyNNaker."""
        simulator.state.require_setup("Projection()")
        synapse_type, receptor_type = projection_arguments(
            connector, synapse_type, receptor_type, older, StaticSynapse
        )
        receptor_type = receptor_type or receptor_of(presynaptic_population)
        checked_receptor, dopamine_receptor = split_receptor(synapse_type, receptor_type)
        super().__init__(
            presynaptic_population,
            postsynaptic_population,
            connector,
            synapse_type,
            source,
            checked_receptor,
            space or Space(),
            label,
        )
        self.receptor_type = dopamine_receptor or self.receptor_type
        if not isinstance(self.synapse_type, tuple(SUPPORTED.values())) and type(self) is Projection:
            raise NotSupportedError(f"Synapse type {type(self.synapse_type).__name__} is not supported yet.")
        self._gathered: dict[str, NDArray[Any]] = {}
        self.number = len(self._described())
        self.column = self._expanded()
        modulate(self)
        self._described().append(self.column)
        simulator.state.projections.append(self)
        for other, receptor in getattr(connector, "companions", list)():
            Projection(
                presynaptic_population,
                postsynaptic_population,
                other,
                self.synapse_type,
                source,
                receptor,
                space,
                f"{self.label} ({receptor})",
            )

    def _guess_receptor_type(self) -> None:
        """Choose a receptor by the sign of the weights; PyNN cannot for a list with one for each synapse."""
        weights = self.synapse_type.parameter_space["weight"].base_value
        if isinstance(weights, np.ndarray) and weights.ndim == 1:
            is_inhibitory = len(weights) > 0 and weights[-1] < 0
            self.receptor_type = self.post.receptor_types[:2][-1 if is_inhibitory else 0]
        else:
            super()._guess_receptor_type()

    @staticmethod
    def _described() -> list[Any]:
        """Return where the network description has what a projection of this class is."""
        return simulator.state.network.projections

    def _expanded(self) -> network.Projection:
        """Return the projection's columns, with global neuron numbers and rows in ascending order."""
        state = simulator.state
        stream, label = stream_of(self._kind, self.number), self.label or f"projection{self.number}"
        if type(self) is Projection:
            rule = procedural_column(self, label, model_receptor(self), state.network.seed, stream)
            if rule is not None:
                return rule
        make = remaker(self, label, state.network.seed, stream) if type(self) is Projection else None
        expanded = expand(self, state.network.seed, stream, negative_inhibition, state.dt, remedy)
        delays_ms = state.default_delay if expanded.delays_ms is None else expanded.delays_ms
        projection, order = described(self, label, expanded, delay_steps(delays_ms, self.label))
        if order is not None:
            rows = np.repeat(np.arange(self.pre.size), np.diff(expanded.indptr))
            self.pre_indices, self.post_indices = rows[order], np.asarray(expanded.targets)[order]
        plasticity = projection.plasticity
        if state.ranks.size > 1 and plasticity is not None and not plasticity.changes_weights:
            projection.places = places_among_all(projection, state.network, state.ranks)
        return projection if make is None else network.RemadeProjection(projection, make)

    def release(self) -> int:
        """Forget synapses that can be made again, as a simulation has them; return their bytes."""
        if not isinstance(self.column, network.RemadeProjection):
            return 0
        released = self.column.release()
        if not self.column.is_there:
            for name in ("pre_indices", "post_indices"):
                vars(self).pop(name, None)
        return released

    @cached_property
    def pre_indices(self) -> NDArray[np.int64]:
        """Index of each synapse's source in the presynaptic population, (n_synapses,) int64."""
        column, ids = self.column, numbers_of(self.pre)
        return np.repeat(np.searchsorted(ids, column.sources), np.diff(column.indptr))

    @cached_property
    def post_indices(self) -> NDArray[np.int32]:
        """Index of each synapse's target in the postsynaptic population, (n_synapses,)."""
        indices = indices_of(self.column.targets, numbers_of(self.post))
        if getattr(self.column, "can_be_given", False) and indices is self.column.targets:
            return indices.copy()  # an engine may overwrite those
        return indices

    def __len__(self) -> int:
        """Return the number of synapses."""
        return self.column.n_synapses

    def get(
        self,
        attribute_names: Any,
        format: str,
        gather: bool | str = True,
        with_address: bool = True,
        multiple_synapses: str = "sum",
    ) -> Any:
        """Return attributes of the synapses; see PyNN.

        Parameters
        ----------
        attribute_names : str or list of str
        format : {"list", "array"}
        gather : bool or "all"
            True gives the synapses of all processes on the first one, "all" on all of them; elsewhere, and
            with False, those of this process are returned.
        """
        how = format, False, with_address, multiple_synapses
        if not gather or simulator.state.ranks.size == 1:
            return super().get(attribute_names, *how)
        names = [attribute_names] if isinstance(attribute_names, str) else list(attribute_names)
        self._gathered = gathered_columns(self, names, everywhere=gather == "all")
        try:
            return super().get(attribute_names, *how)
        finally:
            self._gathered = {}

    def __getitem__(self, index: int | slice) -> Connection | list[Connection]:
        """Return one synapse, or a list of them."""
        if isinstance(index, slice):
            return [Connection(self, i) for i in range(*index.indices(len(self)))]
        return Connection(self, range(len(self))[index])

    @property
    def connections(self) -> list[Connection]:
        """All synapses as objects; slow, use get() for many."""
        return list(self)

    def attribute(self, name: str) -> NDArray[Any]:
        """Return one column by PyNN's name, (n_synapses,), delays in ms."""
        if name in self._gathered:
            return self._gathered[name]
        if name in ("presynaptic_index", "postsynaptic_index"):
            return self.pre_indices if name == "presynaptic_index" else self.post_indices
        if name in ("weight", "weights"):
            return self._present_weights()
        if name in ("delay", "delays"):
            return np.round(self.column.delay_column() * simulator.state.dt, 9)
        plasticity = self.column.plasticity
        if plasticity is not None and name in plasticity.parameters:
            return np.broadcast_to(np.asarray(plasticity.parameters[name], np.float64), len(self))
        if plasticity is not None and plasticity.changes_weights and name == "dendritic_delay_fraction":
            return np.full(len(self), plasticity.dendritic_delay_fraction)
        names = ["weight", "delay", *(plasticity.parameters if plasticity else ())]
        raise AttributeError(
            f"Projection {self.label!r} has no attribute {name!r}; it has {', '.join(names)}."
        )

    def _present_weights(self) -> NDArray[np.float64]:
        """Return the weights as the simulation has changed them, or those that it will begin with."""
        simulation, plasticity = simulator.state.simulation, self.column.plasticity
        if simulation is None or plasticity is None or not plasticity.changes_weights:
            return scripts_weights(self, self.column.weight_column())
        return simulation.weights(self.number)

    def assign(self, **values: NDArray[np.float64] | float) -> None:
        """Put new weights (PyNN units), delays (ms) or parameters of a plasticity into the description."""
        plasticity = self.column.plasticity
        is_rule = isinstance(self.column, network.ProceduralProjection)
        if is_rule and any(np.ndim(value) for value in values.values()):  # each synapse its own
            self._described()[self.number] = self.column = self.column.stored()
        if "weight" in values:
            weights = negative_inhibition(self, values["weight"], self.receptor_type)
            self.column.weights = models_weights(self, weights)
            if plasticity is not None:
                self.column.weights = np.array(np.broadcast_to(self.column.weights, len(self)), np.float64)
        if "delay" in values:
            self.column.delays = delay_steps(values["delay"], self.label)
        if {"weight", "delay"} & values.keys():
            simulator.state.tell("weights_changed", self.number)
        parameters = {name: value for name, value in values.items() if name not in ("weight", "delay")}
        if parameters and plasticity is not None:
            self._assign_parameters(parameters)

    def set(self, **attributes: Any) -> None:
        """Set attributes of the synapses.

        Parameters
        ----------
        **attributes
            A number, a RandomDistribution, a matrix of all pairs, a list with a value for each synapse, a
            function of the distance (or a text such as "1 + d"), or an IndexBasedExpression.
        """
        super().set(
            **{
                name: self._of_indices(value) if isinstance(value, IndexBasedExpression) else value
                for name, value in attributes.items()
            }
        )

    def _of_indices(self, expression: IndexBasedExpression) -> NDArray[np.float64]:
        """Return a matrix of an expression's values at the synapses; it is asked target by target."""
        expression = copy(expression)
        expression.projection = self
        values = np.full(self.shape, np.nan)
        for target in np.unique(self.post_indices):
            sources = np.unique(self.pre_indices[self.post_indices == target])
            values[sources, target] = expression(sources, int(target))
        return values

    def save(
        self,
        attribute_names: Any,
        file: Any,
        format: str = "list",
        gather: bool = True,
        with_address: bool = True,
    ) -> None:
        """Write attributes to a file; as a list FromFileConnector can read it, as an array it holds one.

        Parameters
        ----------
        attribute_names : str or list of str
            "all" are all of them.
        file : str or PyNN file object
        format : {"list", "array"}
        gather : bool
            With False each of several processes writes its own synapses, to a file with its number at the end
            of the name, which ``FromFileConnector(file, distributed=True)`` reads.
        """
        everything = isinstance(attribute_names, str) and attribute_names in ("all", "connections")
        one = isinstance(attribute_names, str) and not everything
        with_address = with_address and format != "array"
        names = [attribute_names] if one and format != "array" else attribute_names
        if gather or simulator.state.ranks.size == 1:
            super().save(names, file, format, gather, with_address)
            return
        names = self.synapse_type.get_parameter_names() if everything else names
        values = self.get(names, format, gather=False, with_address=with_address)
        write_own(file, values, names, simulator.state.ranks, with_address=with_address)

    def _assign_parameters(self, values: dict[str, NDArray[np.float64] | float]) -> None:
        """Change the plasticity; weights stay as they are."""
        plasticity, fraction = self.column.plasticity, values.pop("dendritic_delay_fraction", None)
        parameters = {name: shared(name, value, self.label) for name, value in values.items()}
        changed = replace(plasticity, parameters=plasticity.parameters | as_magnitudes(self, parameters))
        if fraction is not None and np.any(fraction != plasticity.dendritic_delay_fraction):
            simulator.state.require_not_running("Projection.set(dendritic_delay_fraction=...)")
            changed = replace(changed, dendritic_delay_fraction=float(np.ravel(fraction)[0]))
        self.column.plasticity = changed
        simulator.state.tell("plasticity_changed", self.number)

    def _set_initial_value_array(self, variable: str, initial_value: LazyArray) -> None:
        """Set where a state variable of all synapses starts from."""
        simulator.state.require_not_running("Projection.initialize()")
        plasticity = self.column.plasticity
        if plasticity is None or variable not in plasticity.initial:
            known = ", ".join(plasticity.initial) if plasticity and plasticity.initial else "none"
            raise InvalidInputError(
                f"Projection {self.label!r}: its synapses have no state variable {variable!r} that can be "
                f"initialized (there are: {known})."
            )
        value = self._evaluated_initial(variable, initial_value)
        self.column.plasticity = replace(plasticity, initial=plasticity.initial | {variable: value})

    def _evaluated_initial(self, name: str, value: LazyArray) -> NDArray[np.float64] | float:
        if isinstance(value.base_value, RandomDistribution):
            return self._random(value.base_value, stream_of(f"{self._kind}.initialize", self.number, name))
        return np.asarray(value.evaluate(simplify=True), np.float64)[()]

    def _drawn(self, distribution: RandomDistribution, stream: int) -> NDArray[np.float64]:
        """Return one value for each synapse, the same for any number of processes."""
        seed = simulator.state.network.seed
        return drawn_by_blocks(distribution, np.asarray(self.post_indices), seed, stream, n_cells=1)

    def _set_attributes(self, parameter_space: ParameterSpace) -> None:
        self.assign(**{name: self._evaluated(name, value) for name, value in parameter_space.items()})

    def _evaluated(self, name: str, value: LazyArray) -> NDArray[np.float64] | float:
        """Return one value for each synapse, or one for all of them."""
        if isinstance(value.base_value, RandomDistribution):
            return self._random(value.base_value, stream_of(f"{self._kind}.set", self.number, name))
        value.shape = self.shape
        if value.is_homogeneous:
            return float(value.evaluate(simplify=True))
        return np.asarray(value.evaluate(simplify=False), np.float64)[self.pre_indices, self.post_indices]

    def _random(self, values: RandomDistribution, stream: int) -> NDArray[np.float64]:
        """Draw a value for each synapse; from the script's own generator, as PyNN does, one for each pair."""
        seed = simulator.state.network.seed
        if not draws_itself(values.rng):
            return self._drawn(values, stream)
        n_pre, n_post = self.shape
        drawn, n_rows = np.empty(len(self)), max(1, BLOCK_PAIRS // max(1, n_post))
        if values.name in REDRAWN:
            n_rows = max(1, n_pre)
        for first in range(0, n_pre, n_rows):
            n = min(n_rows, n_pre - first)
            matrix = evaluate_distribution(values, n * n_post, seed, stream).reshape(n, n_post)
            here = slice(*np.searchsorted(self.pre_indices, [first, first + n]))
            drawn[here] = matrix[self.pre_indices[here] - first, self.post_indices[here]]
        return drawn

    def _get_attributes_as_list(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        return list(zip(*(self.attribute(name).tolist() for name in names)))

    def _get_attributes_as_arrays(
        self, names: Sequence[str], multiple_synapses: str = "sum"
    ) -> list[NDArray[np.float64]]:
        return [self._array(self.attribute(name), multiple_synapses) for name in names]

    def _array(self, values: NDArray[Any], multiple_synapses: str) -> NDArray[np.float64]:
        """Return a matrix of one attribute, NaN where there is no synapse."""
        result = np.full(self.shape, np.nan)
        sources, targets = self.attribute("presynaptic_index"), self.attribute("postsynaptic_index")
        if multiple_synapses == "last":
            result[sources, targets] = values  # the last assignment stays
            return result
        pairs = sources * self.post.size + targets
        order = np.argsort(pairs, kind="stable")
        where, starts = np.unique(pairs[order], return_index=True)
        if multiple_synapses == "first":
            result.flat[where] = values[order][starts]
        elif len(where):
            result.flat[where] = COMBINE[multiple_synapses].reduceat(values[order], starts)
        return result
