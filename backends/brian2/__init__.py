"""The Brian2 backend: turns a network into a Brian2 program and runs it.

One NeuronGroup per population, one Synapses per projection and pair of populations, connected by whole
arrays. Neurons, synapses and sources follow the time convention of `pycosim.network.models`, so spikes
and samples are those of the native engine; only sums of simultaneous inputs are added in another order.

Options
-------
codegen : {"cpp_standalone", "cython", "numpy"}
    How Brian2 generates code. Default: "cpp_standalone" where a C++ compiler is present, else "cython"
    where it works, else "numpy".
threads : int
    OpenMP threads of C++ standalone programs. Spikes do not depend on it: Brian2 updates neurons and sorts
    spikes into queues with all threads, but acts on targets with one, in the order that it finds them; where
    that order would depend on threads, which is where delays differ, spikes are queued by one thread as well.

Gap junctions are Synapses whose currents are summed before neurons are integrated, dopamine is released by
Synapses onto Synapses. Synapses with homeostatic scaling execute statements in every step. Structural
plasticity, the neurons of chips, spikes that carry a number and the pair rule with whole numbers are done by
Python functions in every step, so they take "numpy" (the default then) or "cython".

C++ standalone programs hold no data: parameters, connections, input spikes and the state at the end of a
run are files in a private temporary directory. The same program therefore goes on where it stopped, as
often as wanted and with changed parameters, state, spike times, currents or weights, and networks of the same
structure share it whatever their seed. A program is built again where a run records something else, has new
parts, or has a column for each neuron that was one number, and once where weights change while spikes are on
their way.  Programs are kept in ``$PYCOSIM_CACHE_DIR/brian2`` (default: ``$XDG_CACHE_HOME/pycosim``,
else ``~/.cache/pycosim``); deleting that folder costs a few seconds of compilation, no more. The compiler
is ``$CXX``, else ``c++``, ``g++`` or ``clang++``; arguments in ``$CXX`` (``"g++ -O1"``) hold against ours.
"""

from __future__ import annotations

from pycosim.backends.base import Options, Simulation
from pycosim.backends.brian2.equations import has_statements
from pycosim.errors import UnknownTargetError
from pycosim.network import MODELS as _ALL_MODELS
from pycosim.network import Network

DESCRIPTION = "Brian2 code generation: C++ standalone, Cython or NumPy"
MODELS = frozenset(name for name, model in _ALL_MODELS.items() if has_statements(model))
OPTIONS = frozenset({"codegen", "threads"})
STEPWISE = False
EQUATIONS = True


def build(network: Network, options: Options | None = None) -> Simulation:
    """Return a simulation of `network`; nothing is compiled before it is advanced.

    Raises
    ------
    InvalidInputError, ConnectivityError, NotSupportedError
        If the network or the option "codegen" is not valid, or the kind of code has no threads.
    UnknownTargetError
        If there is another option.
    MissingDependencyError
        If Brian2 is not installed.
    BackendError
        If "codegen" asks for a compiler and there is none, or ``$CXX`` names one that is not there.
    """
    from pycosim.backends.brian2.capture import watched
    from pycosim.backends.brian2.codegen import engine_for
    from pycosim.backends.brian2.in_python import require_python
    from pycosim.backends.brian2.simulation import Brian2Simulation

    options = options or Options()
    overrides = options.overrides
    unknown = sorted(set(overrides) - {"codegen"})
    if unknown:
        raise UnknownTargetError(
            f"Target brian2 with {', '.join(unknown)}: there is no such option. "
            "The backend's options are codegen and threads."
        )
    codegen = require_python(network, overrides.get("codegen"))
    engine = engine_for(codegen, network.dt_ms, options.threads)
    return Brian2Simulation(network, watched(engine, network))
