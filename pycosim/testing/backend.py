"""What every backend must do, held against the reference backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim import targets
from pycosim.backends.base import Options, Simulation
from pycosim.errors import NotSupportedError, PycosimError
from pycosim.network import (
    MODELS,
    Current,
    GapJunctions,
    Network,
    NeuronModel,
    Plasticity,
    Population,
    Recording,
    RewiredProjection,
)
from pycosim.network.rewiring import PARAMETERS
from pycosim.testing.networks import (
    REPRESENTATIVE,
    deterministic_network,
    random_projection,
    side_by_side,
)
from pycosim.testing.report import run_checks

V_TOLERANCE_MV = 1e-9  # the backends share all constants, so only the order of additions differs
# A sodium channel that opens enlarges the difference of two membranes a thousandfold in each spike.
HH_TOLERANCE_MV = 1e-6
STEPS = 600


def check_backend(name: str) -> list[str]:
    """Run the whole suite on the backend called `name`.

    Returns
    -------
    list of str
        The names of the checks that passed, which is all of them.

    Raises
    ------
    ConformanceError
        With every check that failed, and how.
    """
    return run_checks(f"Backend {name}", BACKEND_CHECKS, name)


def simulated(name: str, network: Network, n_steps: int = STEPS) -> Simulation:
    """Build a network on a backend and advance it."""
    simulation = targets.build(name, network, Options())
    simulation.advance(n_steps)
    return simulation


def spikes_of(simulation: Simulation, network: Network) -> NDArray[np.int64]:
    """Return all recorded spikes as rows (population, step, index)."""
    parts = []
    for population in range(len(network.populations)):
        steps, indices = simulation.spikes(population)
        parts.append(np.stack([np.full_like(steps, population), steps, indices], axis=1))
    return np.concatenate(parts)


def expect_equal_spikes(one: NDArray[np.int64], two: NDArray[np.int64]) -> None:
    """Raise AssertionError with the first difference if two sets of spikes are not the same."""
    first, second = ({tuple(row) for row in rows.tolist()} for rows in (one, two))
    difference = sorted(first ^ second, key=lambda row: row[1])
    if difference:
        population, step, index = difference[0]
        raise AssertionError(
            f"{len(difference)} of {len(one)} spikes differ, first in step {step}: neuron {index} of "
            f"population {population} fires in only one of the two"
        )
    assert len(one) == len(two), f"{len(two)} spikes instead of {len(one)}: some are counted twice"


def _supported(name: str) -> list[str]:
    module = targets.import_module(targets.backends()[name])
    models = [MODELS[name] for name in sorted(module.MODELS)]
    neurons = [model for model in models if isinstance(model, NeuronModel)]
    composes = any(model.composition for model in neurons)
    names = [model.name for model in neurons if model.composition is None]
    return [*names, *(REPRESENTATIVE if composes else ())]


def _models(name: str) -> None:
    models = _supported(name)
    assert models, "MODELS names no neuron model"
    network = side_by_side([deterministic_network(model) for model in models])
    expected, found = simulated("reference", network), simulated(name, network)
    rows, found_rows = spikes_of(expected, network), spikes_of(found, network)
    for index, model in enumerate(models):
        first = 3 * index  # two populations of neurons, and their source
        mine = [one[(one[:, 0] >= first) & (one[:, 0] < first + 2)] for one in (rows, found_rows)]
        assert len(mine[0]) > 20, f"the test network of {model} is silent: {len(mine[0])} spikes"
        try:
            expect_equal_spikes(*mine)
        except AssertionError as error:
            raise AssertionError(f"{model}: {error}") from error
        difference = np.abs(expected.signal(first, "v") - found.signal(first, "v")).max()
        tolerance = HH_TOLERANCE_MV if model == "HH_cond_exp" else V_TOLERANCE_MV
        assert difference < tolerance, f"{model}: membrane potentials differ by up to {difference} mV"
    expected.close()
    found.close()


def _parts(name: str) -> None:
    network = deterministic_network()
    whole, parts = simulated(name, network), simulated(name, network, 250)
    parts.advance(STEPS - 250)
    assert parts.step == whole.step == STEPS
    expect_equal_spikes(spikes_of(whole, network), spikes_of(parts, network))
    np.testing.assert_array_equal(whole.signal(1, "v"), parts.signal(1, "v"))


def _samples(name: str) -> None:
    network = deterministic_network()
    every = np.array([0, 3, 5])
    network.populations[0].recordings["v"] = Recording(every, interval_steps=5)
    simulation = simulated(name, network, 100)
    sampled, all_steps = simulation.signal(0, "v"), simulated("reference", deterministic_network(), 100)
    assert sampled.shape == (21, 3), f"100 steps sampled every 5 give {sampled.shape}, expected (21, 3)"
    np.testing.assert_array_equal(sampled[0], network.populations[0].initial_column("v")[every])
    np.testing.assert_allclose(sampled, all_steps.signal(0, "v")[::5, every], atol=V_TOLERANCE_MV, rtol=0)


def _clear(name: str) -> None:
    network = deterministic_network()
    whole, cleared = simulated(name, network), simulated(name, network, 300)
    before = spikes_of(cleared, network)
    for population in range(len(network.populations)):
        cleared.clear(population)
    cleared.advance(STEPS - 300)
    expect_equal_spikes(spikes_of(whole, network), np.concatenate([before, spikes_of(cleared, network)]))
    np.testing.assert_allclose(
        cleared.signal(0, "v"), whole.signal(0, "v")[300:], atol=V_TOLERANCE_MV, rtol=0
    )


def _changes(name: str) -> None:
    results = []
    for backend in ("reference", name):
        network = deterministic_network()
        simulation = simulated(backend, network, 200)
        network.populations[0].parameters["i_offset"] = 0.2
        simulation.parameters_changed(0)
        simulation.advance(200)
        network.projections[1].weights = np.asarray(network.projections[1].weights) * 2
        simulation.weights_changed(1)
        simulation.advance(200)
        results.append(spikes_of(simulation, network))
    expect_equal_spikes(*results)


def _states_set(name: str) -> None:
    results = []
    for backend in ("reference", name):
        network = deterministic_network()
        simulation = simulated(backend, network, 200)
        present = simulation.state(0, "v")
        present[::2] = np.linspace(-70.0, -60.0, len(present[::2]))
        simulation.set_state(0, "v", present)
        np.testing.assert_array_equal(simulation.state(0, "v"), present)
        simulation.advance(STEPS - 200)
        results.append((spikes_of(simulation, network), simulation.signal(0, "v")))
    expect_equal_spikes(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1], atol=V_TOLERANCE_MV, rtol=0)


def _currents(name: str) -> None:
    results = []
    for backend in ("reference", name):
        network = deterministic_network()
        steps = {"times": np.array([1.0, 12.0]), "amplitudes": np.array([0.3, -0.1])}
        network.currents.append(Current("steps", "StepCurrentSource", np.arange(4, 20), steps))
        pulse = {"amplitude": 0.2, "start": 5.0, "stop": 45.0}
        network.currents.append(Current("pulse", "DCSource", np.arange(10, 27), pulse))
        simulation = simulated(backend, network, 200)
        pulse["amplitude"] = 0.4
        simulation.currents_changed()
        simulation.advance(STEPS - 200)
        results.append((spikes_of(simulation, network), simulation.signal(0, "v")))
    expect_equal_spikes(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1], atol=V_TOLERANCE_MV, rtol=0)


def _recording_added(name: str) -> None:
    network = deterministic_network()
    whole = simulated(name, network)
    del network.populations[0].recordings["v"]
    late = simulated(name, network, 400)
    network.populations[0].recordings["v"] = Recording(np.arange(4), start_step=400)
    late.recording_changed(0)
    late.advance(STEPS - 400)
    np.testing.assert_allclose(
        late.signal(0, "v"), whole.signal(0, "v")[400:, :4], atol=V_TOLERANCE_MV, rtol=0
    )


def _state(name: str) -> None:
    network = deterministic_network()
    simulation = simulated(name, network)
    np.testing.assert_allclose(simulation.state(0, "v"), simulation.signal(0, "v")[-1], atol=0, rtol=0)


def _two_at_once(name: str) -> None:
    one, two = deterministic_network(seed=1), deterministic_network(seed=2)
    first, second = targets.build(name, one, Options()), targets.build(name, two, Options())
    for _ in range(2):
        first.advance(STEPS // 2)
        second.advance(STEPS // 2)
    expect_equal_spikes(spikes_of(simulated("reference", one), one), spikes_of(first, one))
    expect_equal_spikes(spikes_of(simulated("reference", two), two), spikes_of(second, two))


def _plastic(name: str) -> None:
    def learnt(backend: str) -> NDArray[np.float64]:
        network = deterministic_network()
        projection = network.projections[4]  # from the source, which drives the neurons
        parameters = {"tau_plus": 10.0, "tau_minus": 15.0, "A_plus": 0.05, "A_minus": 0.04}
        bounds = {"w_min": 0.0, "w_max": 2 * float(np.max(projection.weights))}
        projection.plasticity = Plasticity(
            "SpikePairRule", "MultiplicativeWeightDependence", parameters | bounds
        )
        return simulated(backend, network).weights(4)  # type: ignore[attr-defined]

    _same_or_refused(name, learnt)


def _grown(name: str) -> None:
    """Add a source, static and plastic synapses in step 200, while spikes are under way."""

    def recorded(backend: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        network = deterministic_network()
        later, network.projections = network.projections[2:], network.projections[:2]
        parameters = {"tau_plus": 10.0, "tau_minus": 15.0, "A_plus": 0.05, "A_minus": 0.04}
        for projection in (network.projections[0], later[2]):
            bounds = {"w_min": 0.0, "w_max": 2 * float(np.max(projection.weights))}
            projection.plasticity = Plasticity(
                "SpikePairRule", "AdditiveWeightDependence", parameters | bounds
            )
        simulation = simulated(backend, network, 200)
        network.add(Population("more", "SpikeSourceArray", 3, spike_steps=np.array([210, 250, 300])))
        network.populations[-1].spike_indices = np.arange(3)
        rng = np.random.default_rng(1)
        exc, more = network.populations[0], network.populations[-1]
        drive = random_projection(rng, more, exc, n_inputs=2, weight=0.5, delay=(1, 15))
        network.projections += [*later, drive]
        simulation.network_grown()
        simulation.advance(STEPS - 200)
        weights = [simulation.weights(index) for index in (0, 4)]  # type: ignore[attr-defined]
        return spikes_of(simulation, network), np.concatenate([simulation.signal(0, "v").ravel(), *weights])

    expected = recorded("reference")
    try:
        found = recorded(name)
    except NotSupportedError:
        return
    expect_equal_spikes(expected[0], found[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=V_TOLERANCE_MV)


def _junctions(name: str) -> None:
    def membranes(backend: str) -> NDArray[np.float64]:
        network = deterministic_network()
        ends = np.arange(5, dtype=np.int32)
        network.junctions.append(GapJunctions("gap", ends, ends + np.int32(1), 0.01))
        return simulated(backend, network).signal(0, "v")

    _same_or_refused(name, membranes)


def _rewired(name: str) -> None:
    def connections(backend: str) -> NDArray[np.float64]:
        network = deterministic_network()
        neurons = np.arange(network.populations[0].size, dtype=np.int32)
        parameters = dict.fromkeys(PARAMETERS, 1.0) | {
            "f_rew": 1e4,
            "s_max": 4.0,
            "prob_elim_potentiated": 0.1,
        }
        none = np.empty(0, np.int32)
        network.rewired.append(
            RewiredProjection(
                *(
                    "rewired",
                    "excitatory",
                    none,
                    none,
                    0.1,
                    1,
                    neurons,
                    neurons,
                    "RandomSelection",
                    parameters,
                )
            )
        )
        return np.array(simulated(backend, network).rewired_synapses(0))  # type: ignore[attr-defined]

    _same_or_refused(name, connections)


def _same_or_refused(name: str, found_on: Callable[[str], NDArray[np.float64]]) -> None:
    """Compare with the reference, unless the backend says that it does not support this."""
    expected = found_on("reference")
    try:
        found = found_on(name)
    except NotSupportedError:
        return
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def _bad_network(name: str) -> None:
    def refused(change: Callable[[Network], Any], what: str) -> None:
        network = deterministic_network()
        change(network)
        try:
            targets.build(name, network, Options()).advance(1)
        except PycosimError:
            return
        raise AssertionError(f"a network with {what} is accepted")

    refused(lambda n: setattr(n.projections[0], "delays", 0), "a delay of 0 steps")
    refused(lambda n: setattr(n.projections[0], "weights", np.nan), "a weight that is not a number")
    refused(
        lambda n: setattr(n.projections[0], "targets", n.projections[0].targets + 10_000),
        "targets that are not there",
    )
    refused(lambda n: setattr(n.populations[0], "model", "NoSuchModel"), "an unknown model")


BACKEND_CHECKS: dict[str, Callable[[str], None]] = {
    "every model it names gives the reference's spikes and membrane potentials": _models,
    "two runs of half the length equal one": _parts,
    "samples start with the initial value and keep their interval": _samples,
    "clearing a recording loses no spike and no sample": _clear,
    "changed parameters and weights act from the next step": _changes,
    "a state that is set is the present one": _states_set,
    "injected currents flow when and where the description says": _currents,
    "a recording that is added starts now": _recording_added,
    "the state is the last sample": _state,
    "two simulations in one process do not disturb each other": _two_at_once,
    "plastic synapses end with the reference's weights, or are refused": _plastic,
    "a network that grows goes on as the reference's, or growth is refused": _grown,
    "gap junctions give the reference's membranes, or are refused": _junctions,
    "structural plasticity gives the reference's synapses, or is refused": _rewired,
    "impossible networks are refused with an error of pycosim": _bad_network,
}
