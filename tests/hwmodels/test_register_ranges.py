"""Every register of every chip's neuron: what it holds is taken, what lies beyond is refused."""

from importlib import import_module

import numpy as np
import pytest

import pycosim.native as sim
from pycosim.errors import ConnectivityError, InvalidInputError
from pycosim.hwmodels.load import chips
from pycosim.hwmodels.neurons import neurons_of
from pycosim.network import Network, Population, Projection
from pycosim.network.validate import validate

CELLS = {neuron.model.name: neuron for chip in sorted(chips()) for neuron in neurons_of(chip).values()}


def network_of(neuron, *, changed=(), initial=(), receptor=None, weight=1.0):
    """Return a source and two of the neurons, with some values of their registers changed."""
    made = Network(1.0)
    made.add(Population("source", "SpikeSourceArray", 1))
    parameters = dict(neuron.defaults) | dict(changed)
    made.add(Population("cells", neuron.model.name, 2, parameters=parameters, initial=dict(initial)))
    receptor = receptor or next(iter(neuron.model.receptors))
    columns = np.array([0], np.int32), np.array([0, 2]), np.array([1, 2], np.int32)
    made.projections.append(Projection("synapses", receptor, *columns, weight, 1))
    return made


def beyond(register):
    step = register.step or max(1e-9, abs(register.high) * 1e-6)
    between = [register.low + step / 2] if register.step else []
    return [register.low - step, register.high + step, *between, 1e30, -1e30]


@pytest.mark.parametrize("name", CELLS)
def test_every_parameter_takes_the_ends_of_its_range_and_nothing_beyond(name):
    neuron = CELLS[name]
    assert set(neuron.model.own.registers) == set(neuron.model.parameters)
    for parameter, register in neuron.model.own.registers.items():
        for value in (register.low, register.high):
            validate(network_of(neuron, changed={parameter: value}))
        for value in beyond(register):
            with pytest.raises(InvalidInputError, match=rf"parameter {parameter} is .* register holds"):
                validate(network_of(neuron, changed={parameter: np.array([register.low, value])}))
        for value in (np.nan, np.inf):
            with pytest.raises(InvalidInputError, match=f"parameter {parameter} is"):
                validate(network_of(neuron, changed={parameter: value}))


@pytest.mark.parametrize("name", CELLS)
def test_every_state_that_a_script_can_set_has_a_range(name):
    neuron = CELLS[name]
    states = neuron.model.own.states
    assert {state for state, _ in neuron.model.recordables.values()} <= set(states)
    for state, register in states.items():
        for value in (register.low, register.high):
            validate(network_of(neuron, initial={state: value}))
        for value in beyond(register):
            with pytest.raises(InvalidInputError, match=f"initial value of {state} is .* register holds"):
                validate(network_of(neuron, initial={state: value}))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("weight", [1e9, -1e9, 0.3, np.nan, np.inf])
def test_no_receptor_takes_a_weight_that_its_synapses_cannot_hold(name, weight):
    neuron = CELLS[name]
    assert set(neuron.model.own.weights) == set(neuron.model.receptors)
    for receptor, holder in neuron.model.own.weights.items():
        if weight == 0.3 and not getattr(holder, "step", 1):
            continue  # a current, not a whole number
        with pytest.raises((ConnectivityError, InvalidInputError), match="weight"):
            validate(network_of(neuron, receptor=receptor, weight=weight))


@pytest.mark.parametrize("name", CELLS)
def test_a_state_that_is_set_between_two_runs_has_the_same_range(name):
    chip, _, cell = name.partition(".")
    sim.setup(timestep=1.0)
    cells = sim.Population(3, getattr(import_module(f"pycosim.{chip}"), cell)())
    sim.run(2.0)
    for state, register in CELLS[name].model.own.states.items():
        with pytest.raises(InvalidInputError, match=f"value of {state} is .* register holds"):
            cells.initialize(**{state: [register.low, register.high + (register.step or 1), register.high]})
        cells.initialize(**{state: register.high})
    sim.run(1.0)
    sim.end()
