"""Methods of populations under the names, and with the arguments, of older PyNN and of sPyNNaker."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import NotSupportedError
from pycosim.frontend.cells import model_of, state_of
from pycosim.frontend.delta_inputs import UNIT, records_inputs
from pycosim.frontend.dialects import CURRENT_NAMES, GSYN, as_table
from pycosim.frontend.machine import limit_per_core, limit_population
from pycosim.frontend.simulator import state

_AS_TABLE = "{}() returns PyNN 0.7's table ({}), whose `segments` are those of get_data({!r})."
TEXT_ENDINGS = (".txt", ".dat", ".ras", ".v", ".gsyn")


class OldMethods:
    """What populations and views take besides today's PyNN."""

    def set(self, *older: Any, **parameters: Any) -> None:
        """Set parameters; PyNN 0.7 gave a name and a value, or a dictionary.

        A state variable, such as v in sPyNNaker, becomes an initial value.
        """
        if older:
            given = dict(older[0]) if isinstance(older[0], dict) else {older[0]: older[1]}
            state.warn(f"set({', '.join(map(repr, older))}) was read as set({_keywords(given)}).")
            parameters = given | parameters
        model = model_of(self.celltype)
        initial = {
            name: parameters.pop(name)
            for name in list(parameters)
            if state_of(model, name) and name not in self.celltype.get_parameter_names()
        }
        if initial:
            state.warn(f"set({_keywords(initial)}): this was read as initialize({_keywords(initial)}).")
            self.initialize(**initial)
        if parameters or not initial:
            super().set(**parameters)

    def initialize(self, *older: Any, **initial_values: Any) -> None:
        """Set initial values; PyNN 0.7 gave a name and a value."""
        if older:
            given = {older[0]: older[1]}
            state.warn(f"initialize({older[0]!r}, ...) was read as initialize({_keywords(given)}).")
            initial_values = given | initial_values
        super().initialize(**initial_values)

    def randomInit(self, distribution: Any) -> None:
        """Draw initial membrane potentials, as in PyNN 0.7."""
        state.warn("randomInit(distribution) was read as initialize(v=distribution).")
        self.initialize(v=distribution)

    def record(
        self,
        variables: Any = "spikes",
        to_file: Any = None,
        sampling_interval: float | None = None,
        locations: Any = None,
        indexes: Any = None,
    ) -> None:
        """Record variables; "all" is everything there is, and without a name it is spikes, as in PyNN 0.7.

        Parameters
        ----------
        variables : str, list of str or None
            None ends all recording of the population.
        to_file : str or Neo IO, optional
            Written by end().
        sampling_interval : float, optional
            In ms.
        indexes : list of int, optional
            sPyNNaker's way to record some of the cells.
        """
        if indexes is not None:
            state.warn("record(indexes=...) was read as a recording of a view of these cells.")
            self[np.asarray(indexes)].record(variables, to_file, sampling_interval, locations)
            return
        if variables == "all":
            variables = self._recordable_names()
        elif isinstance(variables, tuple):
            variables = list(variables)
        super().record(variables, to_file, sampling_interval, locations)

    def _recordable_names(self) -> list[str]:
        """Return what "all" stands for; in sPyNNaker synaptic currents are called conductances."""
        if not state.is_spinnaker:
            return self.celltype.recordable
        other = {current: name for name, current in CURRENT_NAMES.items()}
        names = [other.get(name, name) for name in self.celltype.recordable]
        return names + [name for name in GSYN if records_inputs(type(self.celltype).__name__, name)]

    def _is_current(self, variable: str) -> bool:
        return CURRENT_NAMES.get(variable) in self.celltype.recordable

    def can_record(self, variable: str, location: Any = None) -> bool:
        """Return whether a variable can be recorded, for a sPyNNaker script also under its name of it."""
        if state.is_spinnaker and self._is_current(variable):
            state.warn(
                f"record({variable!r}) of the current-based cells {self.label!r}: as on SpiNNaker this is "
                f"the synaptic current, {CURRENT_NAMES[variable]}, in nA."
            )
            return True
        if records_inputs(type(self.celltype).__name__, variable):
            state.warn(
                f"record({variable!r}) of the delta cells {self.label!r}: as on SpiNNaker this is what they "
                "receive in each step, in mV; it is computed from the network's spikes and present weights."
            )
            return True
        return super().can_record(variable, location)

    def find_units(self, variable: Any) -> str:
        """Return the unit of a variable or parameter."""
        name = getattr(variable, "name", variable)
        if records_inputs(type(self.celltype).__name__, name):
            return UNIT
        return "nA" if self._is_current(name) else self.celltype.units[name]

    def getSpikes(self, gather: bool = True, compatible_output: bool = True) -> Any:
        """Return index and time in ms of every spike, (n, 2) float64, as in PyNN 0.7."""
        state.warn(_AS_TABLE.format("getSpikes", "index, time", "spikes"))
        return as_table(self.get_data("spikes", gather), "spikes")

    def get_v(self, gather: bool = True, compatible_output: bool = True) -> Any:
        """Return index, time in ms and membrane potential in mV, (n, 3) float64, as in PyNN 0.7."""
        state.warn(_AS_TABLE.format("get_v", "index, time, v", "v"))
        return as_table(self.get_data("v", gather), "v")

    def get_gsyn(self, gather: bool = True, compatible_output: bool = True) -> Any:
        """Return index, time in ms and both conductances in uS, (n, 4) float64, as in PyNN 0.7."""
        state.warn(_AS_TABLE.format("get_gsyn", "index, time, gsyn_exc, gsyn_inh", list(GSYN)))
        return as_table(self.get_data(list(GSYN), gather), *GSYN)

    def spinnaker_get_data(self, variable: str, as_matrix: bool = False) -> NDArray[np.float64]:
        """Return recorded data as sPyNNaker's tables: index and time in ms, then the value of a signal."""
        block = self.get_data(variable)
        if as_matrix:
            return np.asarray(block.segments[-1].filter(name=variable)[0])
        return np.asarray(as_table(block, variable))

    def write_data(self, io: Any, variables: Any = "all", *arguments: Any, **named: Any) -> None:
        """Write recorded data to a file: by Neo, or as text for the endings .txt, .dat, .ras, .v and .gsyn.

        A text file has PyNN 0.7's rows: the value of each spike time (ms) or sample, then the index in the
        population. It holds spikes, or one signal, or both conductances.
        """
        if not isinstance(io, str) or not io.endswith(TEXT_ENDINGS):
            super().write_data(io, variables, *arguments, **named)
            return
        names = [variables] if isinstance(variables, str) else list(variables)
        if names == ["all"] or (len(names) > 1 and set(names) != set(GSYN)):
            raise NotSupportedError(
                f"write_data({io!r}, {variables!r}): a text file holds one variable; name it, or write "
                "a .pkl file for all of them."
            )
        state.warn(f"write_data({io!r}): written as text in PyNN 0.7's form, value and index in each row.")
        table = np.asarray(as_table(self.get_data(names, *arguments, **named), *names))
        values = table[:, 1:2] if names == ["spikes"] else table[:, 2:]
        facts = {"n": len(table), "dt": state.dt, "first_id": 0, "last_id": self.size - 1, "variable": names}
        header = "\n".join(f"{name} = {value}" for name, value in facts.items())
        rows = np.column_stack([values, table[:, 0]])
        np.savetxt(io, rows, fmt="%g", delimiter="\t", header=header)

    def set_max_atoms_per_core(self, max_atoms_per_core: Any) -> None:
        """Let a chip's core that has neurons of this population have at most so many neurons."""
        limit_population(self, limit_per_core(max_atoms_per_core))

    def add_placement_constraint(self, *_: Any, **__: Any) -> None:
        """Take note of a hint for SpiNNaker."""
        state.warn(
            "add_placement_constraint() is a hint for SpiNNaker and ignored; an array of cores, "
            "setup(mapping=...), places neurons on a chip."
        )

    set_constraint = set_mapping_constraint = add_placement_constraint


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}=..." for name in values)
