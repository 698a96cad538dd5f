"""sPyNNaker's functions for its machine: chips respect limits of neurons per core, software notes them."""

import pytest

import pycosim
from pycosim.errors import InvalidInputError, NotSupportedError, PycosimWarning


def cores(network):
    """Return how many neurons each core of Loihi has in a network of 20 + 20 cells."""
    result = pycosim.run(network, "loihi")
    assert result.error is None, result.error
    return result.hardware.cores.neurons.tolist()


def cells(sim, **how):
    return sim.Population(20, sim.IF_curr_exp(), **how)


@pytest.mark.parametrize("limit", [8, 8.0, (4, 2)])
def test_a_limit_for_a_cell_type_holds_for_the_populations_made_after_it(limit):
    def network(sim):
        sim.setup(1.0)
        cells(sim)
        sim.set_number_of_neurons_per_core(sim.IF_curr_exp, limit)
        sim.set_number_of_neurons_per_core(sim.IF_cond_exp, 1)
        cells(sim)
        sim.run(1.0)

    assert cores(network) == [20, 8, 8, 4]


def test_a_limit_for_a_population_holds_for_it_alone_and_ends_with_setup():
    def network(sim):
        sim.setup(1.0)
        sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 2)
        sim.setup(1.0)
        cells(sim, neurons_per_core=10)
        last = cells(sim)
        sim.set_number_of_neurons_per_core(last, 15)
        sim.run(1.0)

    assert cores(network) == [10, 10, 15, 5]

    def by_method(sim):
        sim.setup(1.0)
        cells(sim).set_max_atoms_per_core(10)
        cells(sim)
        sim.run(1.0)

    assert cores(by_method) == [10, 10, 20]


def test_software_targets_note_the_limit_and_impossible_ones_are_errors(sim):
    sim.setup(1.0)
    with pytest.warns(PycosimWarning, match="native has no cores"):
        sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 10)
    for wrong in (0, "many", float("inf")):
        with pytest.raises(InvalidInputError, match="at least 1"):
            sim.set_number_of_neurons_per_dimension_per_core(sim.IF_curr_exp, wrong)


def test_what_has_no_equivalent_is_noted_or_refused_by_name(sim):
    sim.setup(1.0)
    with pytest.warns(PycosimWarning, match="set_allow_delay_extensions"):
        sim.set_allow_delay_extensions(sim.IF_curr_exp, True)
    with pytest.warns(PycosimWarning, match="add_placement_constraint"):
        cells(sim).set_constraint(object())
    with pytest.warns(PycosimWarning, match="no SpiNNaker machine"):
        machine = sim.get_machine()
    with pytest.raises(NotSupportedError, match=r"get_machine\(\)\.n_chips is not supported"):
        _ = machine.n_chips
