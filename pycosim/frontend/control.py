"""PyNN's functions for setting up, running and ending a simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pyNN import common
from pyNN.common.control import DEFAULT_MAX_DELAY, DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP

from pycosim import memory, targets
from pycosim.errors import InvalidInputError
from pycosim.frontend import simulator
from pycosim.frontend.procedural import form_of
from pycosim.frontend.simulator import DEFAULT_SEED, state
from pycosim.parallel import require_one_process

SEED_NAMES = ("seed", "rng_seed", "native_rng_baseseed", "kernelseed", "randSeed")
"""Names under which scripts give the seed of the simulator's own random numbers."""

run, run_until = common.build_run(simulator)
run_for = run
reset = common.build_reset(simulator)
initialize = common.initialize
get_current_time, get_time_step, get_min_delay, get_max_delay, num_processes, rank = (
    common.build_state_queries(simulator)
)


def build_setup(target: str) -> Callable[..., int]:
    """Return the function setup() of the simulator module of one target."""

    def setup(
        timestep: float = DEFAULT_TIMESTEP,
        min_delay: Any = DEFAULT_MIN_DELAY,
        max_delay: Any = DEFAULT_MAX_DELAY,
        **extra_params: Any,
    ) -> int:
        """Start with an empty network.

        Parameters
        ----------
        timestep : float
            Length of a step in ms.
        min_delay : float or "auto"
            Smallest delay in ms that the script will use; "auto" is one step.
        max_delay : float or "auto"
            Largest delay in ms that the script will use; "auto" sets no limit.
        seed : int
            Seed of Poisson sources, random connectivity and random values (42 by default).
        threads : int
            Threads of the native engine; they do not change the spikes.
        memory_limit : float or str
            Memory that this process may take, all in all: bytes, or a text such as "2 GB". Synapses that
            would not fit are refused before they are made, as are those that the machine has no memory for.
        synapses : {"auto", "stored", "procedural"}
            Whether static synapses that a rule makes from pycosim's own random numbers, with equal or drawn
            weights and delays, are kept in memory, or made anew at each spike; "auto" keeps those that fit.
            It does not change the spikes, except of connectors without `rng`, which then draw other numbers
            than PyNN's default ones (a warning says so). Only `native` makes them anew. "stored" also keeps
            the columns of synapses that the engine has a copy of; otherwise those that a connector can make
            again are forgotten when the network runs, and made again when they are read or changed.
        timing, arithmetic, speedup, mapping
            Options of a chip, see `pycosim.backends.base.Options`.
        codegen : {"cpp_standalone", "cython", "numpy"}
            How Brian2 generates code, on the target `brian2`.
        chip : dict
            Values that replace those of the chip's description, by dotted path.
        **extra_params
            What other simulators know is ignored with a warning that names it.

        Returns
        -------
        int
            The MPI rank.

        Raises
        ------
        InvalidInputError
            If a value is impossible.
        """
        common.setup(timestep, min_delay, max_delay=max_delay, **extra_params)
        extra = dict(extra_params)
        seed = _seed(extra)
        delays = _delay("min_delay", min_delay), _delay("max_delay", max_delay)
        spec, options = _chosen(target, extra)
        state.begin(spec.name, _timestep(timestep), seed, spec.merged(options))
        state.requested_min_delay, state.requested_max_delay = delays
        _limit_memory(extra)
        _scale_time(extra)
        if state.observer is not None:
            state.observer.begun(options)
        unknown = sorted({*extra, *spec.foreign(options)})
        if unknown:
            state.warn(f"setup() ignores what {spec.name} does not know: {', '.join(unknown)}.")
        return rank()

    return setup


def end(compatible_output: bool = True) -> None:
    """Write what record(..., to_file=...) promised."""
    for population, variables, filename in state.write_on_end:
        population.write_data(filename, variables)
    state.write_on_end = []


def _chosen(target: str, extra: dict[str, Any]) -> tuple[targets.TargetSpec, dict[str, Any]]:
    """Return the target, with the options that the script or its observer gives it."""
    observer = state.observer
    spec = targets.TargetSpec(target) if observer is None else observer.spec
    own = spec.option_names()
    options = extra.pop("chip", {}) | {name: extra.pop(name) for name in tuple(extra) if name in own}
    if observer is not None:
        options |= observer.options
    if not targets.runs_on_ranks(spec.name):
        require_one_process(f"Running on the target {spec.name}")
    return spec, options


def _limit_memory(extra: dict[str, Any]) -> None:
    """Take note of how much memory may be taken, and of how synapses are kept."""
    limit = extra.pop("memory_limit", None)
    state.synapse_form = form_of(extra.pop("synapses", "auto"))
    memory.limit_to(None if limit is None else memory.parse_bytes(limit))


def _scale_time(extra: dict[str, Any]) -> None:
    """Take note of how much slower than real time a SpiNNaker board is to be."""
    factor = extra.pop("time_scale_factor", None)
    if factor is None:
        return
    if not isinstance(factor, int | float) or not 0 < factor < math.inf:
        raise InvalidInputError(f"setup(time_scale_factor={factor!r}): it must be a number greater than 0.")
    state.time_scale_factor = float(factor)
    state.warn(
        f"setup(time_scale_factor={factor}): this only matters where spikes come from other threads or "
        "programs while the network runs; without these it runs as fast as it can."
    )


def _timestep(timestep: Any) -> float:
    if not isinstance(timestep, (int, float)) or not 0 < timestep < math.inf:
        raise InvalidInputError(
            f"setup(timestep={timestep!r}): the time step must be a number of ms greater than 0."
        )
    return float(timestep)


def _delay(which: str, value: Any) -> float | None:
    if value == "auto":
        return None
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise InvalidInputError(
            f"setup({which}={value!r}): it must be 'auto' or a number of ms greater than 0."
        )
    return float(value)


def _seed(extra: dict[str, Any]) -> int:
    given = [extra.pop(name) for name in SEED_NAMES if name in extra]
    if not given:
        return DEFAULT_SEED
    if not isinstance(given[0], int) or given[0] < 0:
        raise InvalidInputError(f"setup(seed={given[0]!r}): the seed must be a whole number from 0 on.")
    return given[0]
