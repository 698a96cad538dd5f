"""PyNN's Population, PopulationView and Assembly on top of the network description."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import common, errors
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, simplify
from pyNN.random import RandomDistribution
from pyNN.standardmodels import StandardCellType

from pycosim import network
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend import machine, simulator
from pycosim.frontend.cells import model_of, state_of, variable_of
from pycosim.frontend.dialects import ascending, cell_of, population_hints, selector_of, size_of
from pycosim.frontend.identity import ID
from pycosim.frontend.memory_need import require_memory_of_cells
from pycosim.frontend.native_cells import NativeCellType
from pycosim.frontend.old_methods import OldMethods
from pycosim.frontend.recording import Recorder
from pycosim.frontend.spike_times import SpikeTimes
from pycosim.network import model_named
from pycosim.random import draws_itself, evaluate_distribution, stream_of


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's garbage collector from running."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Assembly(common.Assembly):
    """A group of populations and views that is handled like one population."""

    __doc__ = common.Assembly.__doc__
    _simulator = simulator

    @property
    def local_size(self) -> int:
        """Number of neurons on this MPI process."""
        return int(np.count_nonzero(self._mask_local))

    @property
    def receptor_types(self) -> list[str]:
        """Receptors that all populations have, in the order of the first one.

        PyNN's own order is that of a set, another one in every run, and a projection without a
        `receptor_type` goes by it.
        """
        first, *others = (population.celltype.receptor_types for population in self.populations)
        return [name for name in first if all(name in other for other in others)]


class _Shared(OldMethods):
    """What a population and a view of it have in common; `_indices` are indices in the population."""

    @contextmanager
    def _everywhere(self) -> Iterator[None]:
        """Let PyNN's code see all cells as local: every process has the parameters of all."""
        mask = self._own = self._mask_local
        self._mask_local = np.ones(self.size, bool)
        cells = vars(self).get("local_cells")  # of a view
        if cells is not None:
            self.local_cells = self.all_cells
        try:
            yield
        finally:
            self._mask_local = mask
            del self._own
            if cells is not None:
                self.local_cells = cells

    def set(self, *older: Any, **parameters: Any) -> None:
        """Set parameters of the cells; see PyNN, and PyNN 0.7 for arguments by position."""
        with self._everywhere():
            super().set(*older, **parameters)

    def get(self, parameter_names: Any, gather: bool = False, simplify: bool = True) -> Any:
        """Return parameters of the cells of this process, with `gather` of all cells; see PyNN."""
        if not gather:
            return super().get(parameter_names, False, simplify)
        with self._everywhere():
            return super().get(parameter_names, False, simplify)

    def _get_parameters(self, *names: str) -> ParameterSpace:
        celltype = self.celltype
        if not isinstance(celltype, NativeCellType):
            return self._get_native_parameters(*names)
        return celltype.reverse_translate(self._get_native_parameters(*celltype.needed_for(names)))

    def _get_native_parameters(self, *names: str) -> ParameterSpace:
        """Return parameters by their names in the model."""
        local = self._indices[self._mask_local]
        columns = {name: self._root._values(name)[local] for name in names}
        values = {k: column if column.dtype == object else simplify(column) for k, column in columns.items()}
        return ParameterSpace(values, shape=(len(local),))

    def _set_parameters(self, parameter_space: ParameterSpace) -> None:
        for name, value in parameter_space.items():
            local = vars(self).get("_own", self._mask_local)
            column = evaluated(value, self.size, "set", self._root.number, name, local=local)
            self._root.assign(name, column, self._indices)
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

    def __init__(self, parent: Any, selector: Any, label: str | None = None):
        super().__init__(parent, selector_of(selector), label)

    @property
    def initial_values(self) -> dict[str, LazyArray]:
        """Initial values of the state variables, by name."""
        column = self._root.column
        found = {}
        for name in self.celltype.default_initial_values:
            variable, factor = variable_of(self.celltype, name)
            state = state_of(column.model, variable)
            if state:
                values = column.initial_column(state)[self._indices] * factor
                found[name] = LazyArray(values, shape=(self.size,))
        return found

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

    def __init__(
        self,
        size: Any,
        cellclass: Any,
        cellparams: Any = None,
        structure: Any = None,
        initial_values: Any = None,
        label: str | None = None,
        **older: Any,
    ):
        """Create neurons; `older` are arguments that only other simulators have."""
        celltype, initial = cell_of(cellclass, cellparams, dict(initial_values or {}))
        per_core = older.pop("neurons_per_core", None)
        additional = population_hints(older, getattr(celltype, "population_parameters", ()))
        size = getattr(celltype, "fixed_size", size) if size is None else size
        super().__init__(size_of(size), celltype, None, structure, initial, label)
        if per_core is not None:
            machine.limit_population(self, machine.limit_per_core(per_core))
        if hasattr(celltype, "attach"):
            celltype.attach(self, **additional)

    def _create_cells(self) -> None:
        simulator.state.require_setup("Population()")
        if self.size < 1:
            raise InvalidInputError(f"Population({self.size}, ...): a population needs at least one neuron.")
        if not isinstance(self.celltype, StandardCellType):
            raise NotSupportedError(
                f"Cell type {type(self.celltype).__name__} is not a standard PyNN cell type."
            )
        model = model_of(self.celltype)
        model_named(model)
        require_memory_of_cells(self.size, f"Population({self.size}, ...) {self.label!r}: its cells need")
        self.column = network.Population(self.label, model, self.size)
        self.column.neurons_per_core = simulator.state.neurons_per_core.get(model)
        self.number = simulator.state.network.add(self.column)
        self.live_output: list[tuple[str, int]] | None = None
        self.key = self.number << 16
        simulator.state.populations.append(self)
        with _no_collection():  # the collector would look at all of these objects again and again
            self.all_cells = ID.of(self, self.column.neurons)
        self._mask_local = _mask_local(self._indices)
        self._parameters: dict[str, NDArray[Any]] = {}
        self.spike_times = SpikeTimes()
        parameters = self.celltype.native_parameters
        parameters.shape = (self.size,)
        for name, value in parameters.items():
            self.assign(name, evaluated(value, self.size, "parameters", self.number, name), self._indices)
        self.column.parameters.update(getattr(self.celltype, "fixed_parameters", {}))

    @property
    def carlsim_group(self) -> int:
        """CARLsim's number of the population."""
        return self.number

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

    def id_to_index(self, id: Any) -> Any:
        """Return the index of a cell, or those of several, which may be none."""
        is_empty = isinstance(id, np.ndarray) and not id.size
        return np.empty(0, np.int64) if is_empty else super().id_to_index(id)

    def assign(self, name: str, values: NDArray[Any], indices: NDArray[np.int64]) -> None:
        """Put new values of a parameter into the description, for some of the neurons."""
        is_new = name not in self._parameters
        column = np.empty(self.size, values.dtype) if is_new else self._parameters[name].copy()
        column[indices] = values
        self._parameters[name] = column
        if name == "spike_times":
            self._assign_spike_times(column)
            return
        model = model_named(self.column.model)
        if name in getattr(model, "sequences", ()):
            if isinstance(model, network.NeuronModel):
                require_length(column, model.sequences[name], f"Population {self.label!r}: parameter {name}")
            self.column.parameters[name] = padded(column, np.inf if name == "tbins" else None)
            return
        if not np.all(np.isfinite(column)):
            raise InvalidInputError(
                f"Population {self.label!r}: parameter {name} has a value that is not finite."
            )
        self.column.parameters[name] = float(column[0]) if np.all(column == column[0]) else column

    def assign_initial(self, variable: str, values: NDArray[np.float64], indices: NDArray[np.int64]) -> None:
        """Put initial values of a state variable into the description, for some of the neurons.

        In a simulation that has begun, they are the present values as well, from now on.
        """
        model_variable, factor = variable_of(self.celltype, variable)
        values = values if factor == 1 else values / factor
        name = state_of(self.column.model, model_variable)
        if name is None:
            known = list(getattr(model_named(self.column.model), "recordables", ()))
            raise errors.NonExistentParameterError(variable, self.column.model, known)
        own = getattr(model_named(self.column.model), "own", None)
        register = own.states.get(name) if own is not None else None
        what = f"{'value' if simulator.state.knows(self.number) else 'initial value'} of {variable}"
        for problem in register.problems(what, values) if register is not None else ():
            raise InvalidInputError(f"Population {self.label!r}: {problem}.")
        if simulator.state.knows(self.number):
            present = simulator.state.simulation.state(self.number, name)
            present[indices] = values
            simulator.state.simulation.set_state(self.number, name, present)
        column = self.column.initial_column(name).copy()
        column[indices] = values
        self.column.initial[name] = float(column[0]) if np.all(column == column[0]) else column

    def parameters_changed(self) -> None:
        """Tell a running simulation that the parameters are new."""
        simulator.state.tell("parameters_changed", self.number)

    def _assign_spike_times(self, trains: NDArray[Any]) -> None:
        state = simulator.state
        if state.is_spinnaker:
            trains = ascending(trains, self.label)
        new = SpikeTimes.of(trains, state.dt, self.label)
        self.column.spike_steps, self.column.spike_indices = new.steps, new.indices
        if len(new.steps) and 0 < new.steps[-1] <= state.step:
            state.warn(
                f"Population {self.label!r}: all spike times lie before the present time, {state.t} ms; "
                "none of these spikes will be emitted."
            )
        running = state.knows(self.number)
        self.spike_times = self.spike_times.followed_by(new, state.step) if running else new


def require_length(sequences: NDArray[Any], n: int, what: str) -> None:
    """Refuse sequences that do not have `n` values.

    Raises
    ------
    InvalidInputError
        If there is one.
    """
    lengths = {np.size(getattr(item, "value", item)) for item in sequences}
    if lengths - {n}:
        raise InvalidInputError(f"{what} has {min(lengths - {n})} values for a neuron; give {n} to each.")


def _mask_local(indices: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which cells of a new population belong to this process, (size,) bool.

    A script that sets the numbers of processes by itself, as PyNN's own tests do, means PyNN's way of dealing
    out cells, one by one.
    """
    state = simulator.state
    if (state.mpi_rank, state.num_processes) != (state.ranks.rank, state.ranks.size):
        return indices % state.num_processes == state.mpi_rank
    own = state.ranks.part(len(indices))
    return (indices >= own.start) & (indices < own.stop)


def padded(sequences: NDArray[Any], fill: float | None) -> NDArray[np.float64]:
    """Return sequences as rows of a matrix, short ones filled up with `fill`, or their last value if None."""
    rows = [np.asarray(getattr(item, "value", item), np.float64).ravel() for item in sequences]
    matrix = np.full((len(rows), max(len(row) for row in rows)), np.nan)
    for place, row in zip(matrix, rows):
        place[: len(row)] = row
        place[len(row) :] = fill if fill is not None or not len(row) else row[-1]
    return matrix


def evaluated(
    value: LazyArray, size: int, *stream: Any, local: NDArray[np.bool_] | None = None
) -> NDArray[Any]:
    """Return the values of a lazy array; random ones come from the network's counter-based generator.

    A script's generator with ``parallel_safe=False`` is asked only for the values of the cells that are
    `local` to this process; the others get one of these values.

    Raises
    ------
    InvalidInputError
        If it is not made of numbers.
    """
    if isinstance(value.base_value, RandomDistribution):
        seed = simulator.state.network.seed
        rng = value.base_value.rng
        safe = local is None or local.all() or not draws_itself(rng) or getattr(rng, "parallel_safe", True)
        n_drawn = size if safe else np.count_nonzero(local)
        drawn = evaluate_distribution(value.base_value, n_drawn, seed, stream_of(*stream))
        if not safe:
            own, drawn = drawn, np.resize(drawn, size)
            drawn[local] = own
        operations = value.operations
        value = LazyArray(drawn, shape=(size,))
        value.operations = operations
    value.shape = (size,)
    try:
        column = value.evaluate(simplify=False)
        if isinstance(column, ArrayParameter):  # what a lazy array of one element evaluates to
            column = np.array([column], object)
        is_object = isinstance(value.base_value, ArrayParameter) or column.dtype == object
        return column if is_object else column.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"{stream[-1]}={value.base_value!r}: it must be a number, a list of {size} numbers, a "
            f"RandomDistribution or a function of the index ({error})."
        ) from error
