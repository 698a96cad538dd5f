"""What is refused when a projection is expanded, and how it is explained."""

import numpy as np
import pytest
from pyNN import errors as pynn_errors
from pyNN import mock
from pyNN.connectors import FromFileConnector, SmallWorldConnector
from pyNN.random import NumpyRNG, RandomDistribution

from pycosim.errors import ConnectivityError, InvalidInputError, NotSupportedError
from pycosim.frontend.expansion import expand
from pycosim.frontend.synapse_values import distance_function

from .expanding import cells, expanded, projection


def normal(*parameters):
    return RandomDistribution("normal", parameters, rng=NumpyRNG(seed=1))


@pytest.mark.parametrize(
    ("celltype", "receptor", "weight", "message"),
    [
        (mock.IF_cond_exp, "excitatory", -0.1, r"must be positive .* the value given is not \(-0.1\)"),
        (mock.IF_cond_exp, "inhibitory", -0.1, r"must be positive"),
        (
            mock.IF_curr_exp,
            "excitatory",
            normal(0.0, 1.0),
            r"must be positive .* \d+ of 600 are not \(from -",
        ),
        (mock.IF_curr_exp, "inhibitory", 0.1, r"must be negative for current-based, inhibitory synapses"),
        (mock.IF_curr_exp, "excitatory", np.nan, r"weights must be finite numbers"),
    ],
)
def test_weights_of_the_wrong_sign_are_refused_with_their_number(celltype, receptor, weight, message):
    with pytest.raises(pynn_errors.ConnectionError, match=message):
        expanded(
            cells(30), cells(20, celltype), mock.AllToAllConnector(), {"weight": weight}, receptor=receptor
        )


def test_signs_are_not_checked_where_pynn_does_not_check_them():
    synapse = {"weight": -0.1}
    for connector in (mock.AllToAllConnector(safe=False), mock.FromListConnector([(0, 0, -0.1, 1.0)])):
        assert np.all(np.asarray(expanded(cells(2), cells(2), connector, synapse).weights) == -0.1)
    nothing = expanded(cells(2), cells(2), mock.FixedProbabilityConnector(0.0), synapse)
    assert nothing.n_synapses == 0


def test_a_check_of_the_synapse_type_is_made():
    waiting = projection(cells(2), cells(2), mock.AllToAllConnector())

    def refuse(values, projection):
        raise pynn_errors.ConnectionError(f"{projection.label}: {values}")

    waiting.synapse_type.parameter_checks = {"delay": refuse}
    with pytest.raises(pynn_errors.ConnectionError, match=r"p: 1\.0"):
        expand(waiting, 1, 2)


def test_negative_delays_are_refused_with_their_number():
    with pytest.raises(
        ConnectivityError, match=r"delays must not be negative.*; \d+ of 600 are not \(from -"
    ):
        expanded(cells(30), cells(20), mock.AllToAllConnector(), {"delay": normal(1.0, 1.0)})


@pytest.mark.parametrize(
    ("synapse", "message"),
    [
        ({"weight": np.ones(3)}, r"array of weights has the shape \(3,\); it must be \(4, 2\).*or \(8,\)"),
        ({"delay": np.ones((2, 4))}, r"array of delays has the shape \(2, 4\)"),
        ({"weight": lambda d: 1.0 if d < 1 else 2.0}, r"function that gives the weights .* numpy\.where"),
        ({"weight": lambda d: d[:-1]}, r"function that gives the weights"),
    ],
)
def test_values_of_the_wrong_shape_are_explained(synapse, message):
    with pytest.raises(InvalidInputError, match=message):
        expanded(cells(4), cells(2), mock.AllToAllConnector(), synapse)


@pytest.mark.parametrize(
    ("connector", "error", "message"),
    [
        (
            lambda: mock.FromListConnector([(0, 0), (4, 0)]),
            ConnectivityError,
            "source index out of range: 1 of 2",
        ),
        (lambda: mock.FromListConnector([(0, -1)]), ConnectivityError, "target index .* from 0 to 1, .*-1"),
        (lambda: mock.FromListConnector([(0.5, 0)]), ConnectivityError, "source index .* 0.5"),
        (
            lambda: mock.FromListConnector([(0, 0, 1)], ["tau"]),
            InvalidInputError,
            "tau is not a valid parameter",
        ),
        (lambda: mock.ArrayConnector(np.ones((2, 4), bool)), InvalidInputError, r"shape \(2, 4\).*\(4, 2\)"),
        (lambda: mock.ArrayConnector(np.full((4, 2), 2)), InvalidInputError, "True or False"),
        (
            lambda: mock.FixedNumberPostConnector(normal(5, 0.1)),
            InvalidInputError,
            "4 of 4 values .* whole numbers",
        ),
        (lambda: mock.FixedNumberPreConnector(1, "NoMutual"), NotSupportedError, "NoMutual"),
        (
            lambda: mock.FixedProbabilityConnector(0.5, "NoMutual"),
            NotSupportedError,
            "same cells on both sides",
        ),
        (
            lambda: mock.FixedProbabilityConnector(0.5, location_selector="soma"),
            NotSupportedError,
            "compartments",
        ),
        (
            lambda: mock.DistanceDependentProbabilityConnector("sqrt((d-1)*(d-2))"),
            ConnectivityError,
            "3 of 8 pairs",
        ),
        (
            lambda: mock.DistanceDependentProbabilityConnector("0.1 if d < 1 else 0"),
            InvalidInputError,
            r"'0.1 if d < 1 else 0' cannot be evaluated for an array of distances .* where\(\) for if",
        ),
        (lambda: FromFileConnector("no such file"), InvalidInputError, "cannot read 'no such file'"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_what_a_connector_cannot_do_is_explained(connector, error, message):
    with pytest.raises(error, match=message):
        expanded(cells(4), cells(2), connector())


@pytest.mark.parametrize("connector", [mock.FixedNumberPostConnector, mock.FixedTotalNumberConnector])
def test_a_neuron_that_has_nobody_to_connect_to_is_an_error(connector):
    alone = cells(1)
    with pytest.raises(ConnectivityError, match=r"connecting 1 to 1 cells: .* may be connected"):
        expanded(alone, alone, connector(2, allow_self_connections=False))


def test_an_empty_list_connects_nothing():
    result = expanded(cells(3), cells(2), mock.FromListConnector([]))
    assert result.indptr.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.2+2*exp(-d/0.2)", 0.2 + 2 * np.exp(-5)), ("d<3", 1), ("0.3", 0.3), ("where(d>2, 1, 4)*e", 4 * np.e)],
)
def test_a_text_is_a_function_of_distance_with_the_usual_functions(text, value):
    assert distance_function(text)(np.array([1.0])) == pytest.approx(value)
    result = expanded(cells(1), cells(1), mock.AllToAllConnector(), {"weight": distance_function(text)})
    assert result.weights == pytest.approx(distance_function(text)(np.zeros(1)) * 1.0)


@pytest.mark.parametrize("text", ["exp(-d", "exp(-x)", "d.distance", "'near'*d"])
def test_a_text_that_is_no_function_of_distance_is_quoted(text):
    with pytest.raises(InvalidInputError, match="is not a function of the distance d"):
        distance_function(text)


def test_a_connector_that_pynn_has_not_written_is_named():
    with pytest.raises(NotSupportedError, match="SmallWorldConnector in projection 'p'"):
        expanded(cells(3), cells(3), SmallWorldConnector(1.0, 0.1))
