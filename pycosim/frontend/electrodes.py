"""PyNN's current sources on top of the network description."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.parameters import ParameterSpace, Sequence
from pyNN.standardmodels import electrodes
from pyNN.standardmodels.electrodes import StandardCurrentSource

from pycosim.errors import InvalidInputError, ScriptError
from pycosim.frontend.cells import same_names
from pycosim.frontend.simulator import state
from pycosim.network import Current
from pycosim.network.currents import current_values
from pycosim.network.validate import validate_current


class InjectionError(InvalidInputError, TypeError):
    """A current cannot flow into what was given; a TypeError because PyNN's own code raises one."""


class CurrentSource(StandardCurrentSource):
    """What all current sources share: targets, parameters that may change between runs, recording."""

    def __init__(self, **parameters: Any):
        super().__init__(**parameters)
        name = type(self).__name__
        state.require_setup(f"{name}()")
        self._network = state.network
        self._index = len(state.network.currents)
        self._column = Current(f"{name} {self._index}", name, np.empty(0, np.int64))
        self._recording = False
        self._past: list[NDArray[np.float64]] = []
        self._run = state.segment_counter
        self._take_over(self.parameter_space)
        self._network.currents.append(self._column)

    def inject_into(self, cells: Any) -> None:
        """Let the current flow into the cells of a population, view, assembly or list, from now on.

        Raises
        ------
        InvalidInputError
            If there are spike sources among them.
        ScriptError
            If setup() has been called since the current source was made.
        """
        if self._network is not state.network:
            raise ScriptError(
                f"{self._column.label} was made before setup() was called again; make it after setup()."
            )
        cells = list(cells)
        refused = [cell for cell in cells if not cell.celltype.injectable]
        if refused:
            raise InjectionError(
                f"Injecting {self._column.label} into {len(cells)} cells: {len(refused)} of them are spike "
                "sources, which have no membrane. Inject into neurons."
            )
        self._keep_past()
        numbers = np.array([int(cell) for cell in cells], np.int64)
        self._column.targets = np.concatenate([self._column.targets, numbers])
        self._tell()

    def set_parameters(self, copy: bool = True, **parameters: Any) -> None:
        """Change parameters, from the present time on."""
        self._keep_past()
        self._take_over(ParameterSpace(parameters, self.get_schema(), (1,), component=type(self)))
        self._tell()

    def get_parameters(self) -> dict[str, Any]:
        """Return all parameters; times of a StepCurrentSource are those of the steps they fall on."""
        return dict(self._column.parameters)

    get_native_parameters = get_parameters

    def record(self) -> None:
        """Keep the current for `get_data`."""
        self._recording = True

    def _take_over(self, given: ParameterSpace) -> None:
        """Put parameters into the description, if all of them are possible."""
        before = dict(self._column.parameters)
        for name, value in given.items():
            value.shape = (1,)
            value = value.evaluate(simplify=True)
            value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
            is_list = isinstance(value, Sequence)
            self._column.parameters[name] = np.array(value.value, float) if is_list else float(value)
        try:
            self._complete(before)
            validate_current(self._network, self._column)
        except InvalidInputError:
            self._column.parameters = before
            raise

    def _complete(self, before: dict[str, Any]) -> None:
        """Adapt parameters to the time step."""

    def _tell(self) -> None:
        if state.simulation is not None and self._network is state.network:
            state.simulation.currents_changed()

    def _keep_past(self) -> None:
        """Keep the recorded values up to the present before the parameters change."""
        self._begin_again_after_reset()
        done = sum(len(part) for part in self._past)
        if self._network is state.network and state.step > done:
            self._past.append(current_values(self._network, self._index, done + 1, state.step))

    def _begin_again_after_reset(self) -> None:
        if self._run != state.segment_counter:
            self._past, self._run = [], state.segment_counter

    def _get_data(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return times in ms and currents in nA: the value at t flows from t on, for a step."""
        if not self._recording:
            raise InvalidInputError(
                f"get_data() of {self._column.label}: it was not recorded; call record() before run()."
            )
        self._begin_again_after_reset()
        done = sum(len(part) for part in self._past)
        now = current_values(self._network, self._index, done + 1, state.step + 1)
        return np.arange(state.step + 1) * state.dt, np.concatenate([*self._past, now])


class _StepCurrentSource(CurrentSource):
    def _complete(self, before: dict[str, Any]) -> None:
        """Round times to steps; the last of several changes in one step holds."""
        p, dt = self._column.parameters, self._network.dt_ms
        validate_current(self._network, self._column)
        steps = np.rint(p["times"] / dt)
        last = np.append(np.diff(steps) > 0, True)[: len(steps)]
        p["times"], p["amplitudes"] = np.round(steps[last] * dt, 9), p["amplitudes"][last]


class _NoisyCurrentSource(CurrentSource):
    def __init__(self, **parameters: Any):
        if parameters.pop("rng", None) is not None:
            state.warn("NoisyCurrentSource(rng=...) is not used: the noise follows the seed of setup().")
        super().__init__(**({"dt": state.dt} | parameters))


def electrode_types() -> dict[str, type]:
    """Return all of PyNN's current sources by name."""
    found = {}
    for name, base in vars(electrodes).items():
        if not (isinstance(base, type) and issubclass(base, StandardCurrentSource)) or (
            base is StandardCurrentSource
        ):
            continue
        own = {"StepCurrentSource": _StepCurrentSource, "NoisyCurrentSource": _NoisyCurrentSource}
        members = {"__doc__": base.__doc__, "translations": same_names(base)}
        found[name] = type(name, (own.get(name, CurrentSource), base), members)
    return found
