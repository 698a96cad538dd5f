"""PyNN's Population, PopulationView and Assembly on top of the network description."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import common, errors
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, simplify
from pyNN.random import RandomDistribution
from pyNN.standardmodels import StandardCellType

from pycosim import network
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend import simulator
from pycosim.frontend.cells import STATE_OF
from pycosim.frontend.recording import Recorder
from pycosim.network import model_named
from pycosim.random import evaluate_distribution, stream_of


class Assembly(common.Assembly):
    """A group of populations and views that is handled like one population."""

    __doc__ = common.Assembly.__doc__
    _simulator = simulator

    @property
    def local_size(self) -> int:
        """Number of neurons on this MPI process."""
        return self.size


class _Shared:
    """What a population and a view of it have in common; `_indices` are indices in the population."""

    def _get_parameters(self, *names: str) -> ParameterSpace:
        columns = {name: self._root._values(name)[self._indices] for name in names}
        # PyNN cannot expand one sequence that stands for all cells.
        values = {name: c if c.dtype == object else simplify(c) for name, c in columns.items()}
        return ParameterSpace(values, shape=(self.size,))

    def _set_parameters(self, parameter_space: ParameterSpace) -> None:
        for name, value in parameter_space.items():
            self._root.assign(
                name, evaluated(value, self.size, "set", self._root.number, name), self._indices
            )
        self._root.parameters_changed()

    def _set_initial_value_array(self, variable: str, initial_values: LazyArray) -> None:
        column = evaluated(initial_values, self.size, "initialize", self._root.number, variable)
        self._root.assign_initial(variable, column, self._indices)

    def _get_view(self, selector: Any, label: str | None = None) -> PopulationView:
        return PopulationView(self, selector, label)


class PopulationView(_Shared, common.PopulationView):
    """A part of a population."""

    __doc__ = common.PopulationView.__doc__
    _simulator = simulator
    _assembly_class = Assembly

    @property
    def _root(self) -> Population:
        return self.grandparent

    @property
    def _indices(self) -> NDArray[np.int64]:
        return self.all_cells.astype(np.int64) - int(self._root.first_id)


class Population(_Shared, common.Population):
    """A group of neurons of one type."""

    __doc__ = common.Population.__doc__
    _simulator = simulator
    _recorder_class = Recorder
    _assembly_class = Assembly

    def _create_cells(self) -> None:
        simulator.state.require_not_running("Population()")
        if self.size < 1:
            raise InvalidInputError(f"Population({self.size}, ...): a population needs at least one neuron.")
        if not isinstance(self.celltype, StandardCellType):
            raise NotSupportedError(
                f"Cell type {type(self.celltype).__name__} is not a standard PyNN cell type."
            )
        model = type(self.celltype).__name__
        model_named(model)
        self.column = network.Population(self.label, model, self.size)
        self.number = simulator.state.network.add(self.column)
        simulator.state.populations.append(self)
        self.all_cells = np.array([simulator.ID(i) for i in self.column.neurons], dtype=simulator.ID)
        for cell in self.all_cells:
            cell.parent = self
        self._mask_local = np.ones(self.size, bool)
        self._parameters: dict[str, NDArray[Any]] = {}
        parameters = self.celltype.native_parameters
        parameters.shape = (self.size,)
        for name, value in parameters.items():
            self.assign(name, evaluated(value, self.size, "parameters", self.number, name), self._indices)

    @property
    def _root(self) -> Population:
        return self

    @property
    def _indices(self) -> NDArray[np.int64]:
        return np.arange(self.size)

    def _values(self, name: str) -> NDArray[Any]:
        try:
            return self._parameters[name]
        except KeyError:
            raise errors.NonExistentParameterError(
                name, self.column.model, self.celltype.get_parameter_names()
            ) from None

    def assign(self, name: str, values: NDArray[Any], indices: NDArray[np.int64]) -> None:
        """Put new values of a parameter into the description, for some of the neurons."""
        is_new = name not in self._parameters
        column = np.empty(self.size, values.dtype) if is_new else self._parameters[name].copy()
        column[indices] = values
        self._parameters[name] = column
        if name == "spike_times":
            self.column.spike_steps, self.column.spike_indices = self._spike_columns(column)
            return
        if name in getattr(model_named(self.column.model), "sequences", ()):
            self.column.parameters[name] = padded(column, np.inf if name == "tbins" else None)
            return
        if not np.all(np.isfinite(column)):
            raise InvalidInputError(
                f"Population {self.label!r}: parameter {name} has a value that is not finite."
            )
        self.column.parameters[name] = float(column[0]) if np.all(column == column[0]) else column

    def assign_initial(self, variable: str, values: NDArray[np.float64], indices: NDArray[np.int64]) -> None:
        """Put initial values of a state variable into the description, for some of the neurons."""
        model = model_named(self.column.model)
        name = STATE_OF.get(variable)
        if name not in getattr(model, "states", ()):
            raise errors.NonExistentParameterError(variable, self.column.model, list(STATE_OF))
        if simulator.state.simulation is not None:
            simulator.state.warn(f"initialize({variable}=...) after run() acts at the next reset().")
        column = self.column.initial_column(name).copy()
        column[indices] = values
        self.column.initial[name] = float(column[0]) if np.all(column == column[0]) else column

    def parameters_changed(self) -> None:
        """Tell a running simulation that the parameters are new."""
        if simulator.state.simulation is not None:
            simulator.state.simulation.parameters_changed(self.number)

    def _spike_columns(self, sequences: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return spike steps and indices, ordered by (step, index), from one sequence of ms per neuron."""
        times = [np.asarray(getattr(item, "value", item), np.float64).ravel() for item in sequences]
        indices = np.repeat(np.arange(self.size), [len(item) for item in times])
        flat = np.concatenate(times) if times else np.empty(0)
        if not np.all(flat >= 0) or not np.all(np.isfinite(flat)):
            raise InvalidInputError(
                f"Population {self.label!r}: spike_times has {int((~(flat >= 0)).sum())} values that are "
                "negative or not a number; spike times are in ms, finite and 0 or later."
            )
        steps = np.floor(flat / simulator.state.dt + 0.5).astype(np.int64)
        order = np.lexsort((indices, steps))
        return steps[order], indices[order]


def padded(sequences: NDArray[Any], fill: float | None) -> NDArray[np.float64]:
    """Return sequences as rows of a matrix, short ones filled up with `fill`, or their last value if None."""
    rows = [np.asarray(getattr(item, "value", item), np.float64).ravel() for item in sequences]
    matrix = np.full((len(rows), max(len(row) for row in rows)), np.nan)
    for place, row in zip(matrix, rows):
        place[: len(row)] = row
        place[len(row) :] = fill if fill is not None or not len(row) else row[-1]
    return matrix


def evaluated(value: LazyArray, size: int, *stream: Any) -> NDArray[Any]:
    """Return the values of a lazy array; random ones come from the network's counter-based generator."""
    if isinstance(value.base_value, RandomDistribution):
        seed = simulator.state.network.seed
        drawn = evaluate_distribution(value.base_value, size, seed, stream_of(*stream))
        operations = value.operations
        value = LazyArray(drawn, shape=(size,))
        value.operations = operations
    value.shape = (size,)
    column = value.evaluate(simplify=False)
    if isinstance(value.base_value, ArrayParameter) or column.dtype == object:
        return column
    return column.astype(np.float64)
