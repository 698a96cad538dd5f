"""Mappings that are given as tables of the neurons on each core."""

import numpy as np
import pytest

from pycosim.errors import InvalidInputError
from pycosim.network import Network

from .chip_networks import add_neurons, add_poisson, run_chip


def network():
    made = Network(1.0)
    add_neurons(made, 4)
    add_poisson(made, 1)
    return made


def cores(mapping):
    return run_chip("loihi", network(), 1, mapping=mapping)[1].core_of_neuron.tolist()


def test_a_table_puts_neurons_on_the_cores_that_name_them():
    assert cores({3: [0, 2], 7: [1], 0: np.array([3])}) == [3, 7, 3, 0, -1]
    assert cores({3: [0, 2], 7: [1, 4], 5: [], 0: 3}) == [3, 7, 3, 0, -1]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({0: [0, 1, 2], 1: [2, 3]}, "names neuron 2 on cores 0 and 1 .1 such neurons.: keep it in one place"),
        ({0: [0, 1, 2, 1, 3]}, "names neuron 1 twice on core 0"),
        ({0: [0, 1], 1: [3]}, "gives no core to neuron 2 .1 such neurons.: each neuron .* cores 0 to 127"),
        (
            {0: [0, 1], 500: [2, 3]},
            "puts neuron 2 on core 500 .2 such neurons.: the chip has the cores 0 to 127",
        ),
        ({0: [0, 1, 2, 9]}, r"mapping\[0\] = .* numbers of its neurons, 0 to 4"),
        ({-1: [0, 1, 2, 3]}, r"mapping\[-1\]"),
        ({True: [0, 1, 2, 3]}, r"mapping\[True\]"),
        ({0: [[0, 1], [2, 3]]}, r"mapping\[0\]"),
        ({0: [0, 1, 2, 3], 500: []}, "names core 500: the chip has the cores 0 to 127"),
        ({10**30: [0, 1, 2, 3]}, "puts neuron 0 on core 10+ .4 such neurons.: the chip has the cores"),
        ({"a": [0, 1, 2, 3]}, r"mapping\['a'\]"),
        ({0: [0.5, 1, 2, 3]}, r"mapping\[0\]"),
        ([0, 0, -1, 0, 0], "gives no core to neuron 2"),
    ],
)
def test_a_table_that_names_a_neuron_twice_or_not_at_all_is_refused(mapping, message):
    with pytest.raises(InvalidInputError, match=message):
        cores(mapping)
