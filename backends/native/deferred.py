"""Steps of the native engine whose spikes are delivered by a model of a chip."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import BackendError, InvalidInputError

__all__ = ["DeferredSteps"]

Int = NDArray[np.int64]


class DeferredSteps(ABC):
    """The part of a `NativeSimulation` that a chip model uses."""

    step: int
    _engine: Any
    _feed: Any
    _weights_stale: bool

    @abstractmethod
    def _update_weights(self) -> None:
        """Hand synapses that are new to the engine."""

    @abstractmethod
    def _check_length(self, last_step: int) -> None:
        """Raise an error if the engine cannot count to a step."""

    def initial_spikes(self) -> Int:
        """Return the sources that emit a spike at step 0, ascending, for `deliver`; once, before all else.

        Raises
        ------
        BackendError
            If the spikes of step 0 have been emitted already.
        """
        self._update_weights()
        self._check_length(1)
        self._feed.ready(self.step, 1)
        try:
            return self._engine.initial_spikes()
        except RuntimeError as error:
            raise BackendError(f"Emitting the spikes of step 0: {error}.") from None

    def step_deferred(self) -> Int:
        """Do one step and return the neurons and sources that fired, without letting their spikes act.

        Returns
        -------
        (n,) int64 ndarray
            Global numbers, ascending; a source that emits several spikes appears as often.

        Raises
        ------
        BackendError
            If `initial_spikes` was not called before the first step.
        """
        if self._weights_stale:
            self._update_weights()
        if self.step >= self._feed.last_step:
            self._check_length(self.step + 1)
            self._feed.ready(self.step, self.step + 1)
        try:
            fired = self._engine.step_deferred()
        except RuntimeError as error:
            raise BackendError(f"Doing step {self.step + 1}: {error}.") from None
        self.step += 1
        return fired

    def advance_deferred(self, run: Callable[[object, int], None], last: int) -> None:
        """Advance to step `last` as with `step_deferred` and `deliver`, which compiled code calls.

        Parameters
        ----------
        run : callable
            Is given the engine (a capsule of csrc/deferred.hpp) and the number of steps to do with it.
        last : int

        Raises
        ------
        BackendError
            If `initial_spikes` was not called before the first step, or the simulation was built without
            cores.
        """
        self._update_weights()
        self._check_length(last)
        begin = self.step
        while self.step < last:
            try:
                run(self._engine.deferred(), self._feed.ready(self.step, last) - self.step)
            except RuntimeError as error:
                raise BackendError(f"Advancing from step {begin}: {error}.") from None
            finally:
                self.step = self._engine.step

    def follow_clock(self, clock: Callable[[], int]) -> None:
        """Let spike sources keep to a clock, not to the steps; before the first step.

        Parameters
        ----------
        clock : callable
            Returns the step that the clock has reached, when a step begins; see `InputFeed.follow`.
        """
        self._feed.follow(clock)

    @property
    def input_lead_steps(self) -> int:
        """By how many steps the clock of `follow_clock` is ahead."""
        return self._feed.lead_steps

    def keep_synapses_since(self, emission_step: int) -> None:
        """Keep the synapses that spikes of this step, and of later ones, meet when they are delivered."""
        self._engine.set_oldest_under_way(emission_step)

    def deliver_on_time(self) -> None:
        """Let all spikes of the present step act when they are due; before the next step."""
        self._engine.deliver_on_time()

    def deliver(
        self,
        emission_step: Int,
        source: Int,
        core: Int,
        shift: Int,
        floor: Int,
        only_delay: Int | None = None,
        only_receptor: Int | None = None,
    ) -> None:
        """Let spikes act: the synapses of `source` on neurons of `core`, of step `emission_step`.

        They act at step ``max(emission_step + delay + shift, floor, present step + 1)``, whatever the order
        of the rows and of the calls. A source without synapses on the core is passed over. A spike that comes
        so late that the weights have been changed in between, and all spikes on time with the old
        weights have acted, meets the oldest weights still there; see `keep_synapses_since`.

        Parameters
        ----------
        emission_step, source, core, shift, floor : (n,) int64 ndarray
            Steps, global numbers of neurons, cores, steps, steps.
        only_delay : (n,) int64 ndarray, optional
            Delays in steps; only synapses of that delay act. 0, and None for all rows, means any.
        only_receptor : (n,) int64 ndarray, optional
            Receptors, as numbers in `Network.receptors`; only synapses of that receptor act. -1, and None for
            all rows, means any.

        Raises
        ------
        InvalidInputError
            If a spike is of a later step than the present one, or of no neuron of the network.
        BackendError
            If the simulation was built without cores.
        """
        if self._weights_stale:
            self._update_weights()
        try:
            only = (
                np.empty(0, np.int64) if column is None else column for column in (only_delay, only_receptor)
            )
            self._engine.deliver(emission_step, source, core, shift, floor, *only)
        except ValueError as error:
            raise InvalidInputError(f"Delivering spikes: {error}.") from None
        except RuntimeError as error:
            raise BackendError(f"Delivering spikes: {error}; give core_of_neuron when building.") from None
