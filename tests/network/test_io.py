"""Saving and loading a network description."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pycosim.errors import InvalidInputError
from pycosim.network import MODELS, Network, Population, Projection, Recording, load, save

NUMBERS = st.floats(allow_nan=False, width=64)
LABELS = st.text(max_size=20)


def columns(size):
    return NUMBERS | arrays.arrays(np.float64, size, elements=NUMBERS)


@st.composite
def populations(draw):
    model, size = MODELS[draw(st.sampled_from(sorted(MODELS)))], draw(st.integers(0, 5))
    n_spikes = draw(st.integers(0, 4)) if model.name == "SpikeSourceArray" else 0
    recorded = draw(st.lists(st.sampled_from(["spikes", "v", "gsyn_exc"]), unique=True))
    return Population(
        label=draw(LABELS),
        model=model.name,
        size=size,
        parameters={name: draw(columns(size)) for name in model.parameters},
        initial={name: draw(columns(size)) for name in getattr(model, "states", ())[:1]},
        spike_steps=np.arange(n_spikes) * 3,
        spike_indices=np.zeros(n_spikes, np.int64),
        recordings={name: Recording(np.arange(size), draw(st.integers(1, 9)), 2) for name in recorded},
        positions=draw(st.none() | arrays.arrays(np.float64, (3, size), elements=NUMBERS)),
    )


@st.composite
def projections(draw):
    lengths = draw(st.lists(st.integers(0, 4), max_size=4))
    n = sum(lengths)
    return Projection(
        label=draw(LABELS),
        receptor=draw(st.sampled_from(["excitatory", "inhibitory"])),
        sources=np.arange(len(lengths), dtype=np.int32),
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        targets=np.arange(n, dtype=np.int32),
        weights=draw(columns(n)),
        delays=draw(st.integers(1, 99) | arrays.arrays(np.int32, n, elements=st.integers(1, 99))),
    )


@st.composite
def networks(draw):
    network = Network(draw(st.floats(1e-3, 1.0)), draw(st.integers(0, 2**63)))
    for population in draw(st.lists(populations(), max_size=3)):
        network.add(population)
    network.projections = draw(st.lists(projections(), max_size=3))
    return network


def types(value):
    """Return the types of all values, with those of arrays' elements."""
    if isinstance(value, dict):
        return {name: types(item) for name, item in value.items()}
    if isinstance(value, list):
        return [types(item) for item in value]
    return value.dtype if isinstance(value, np.ndarray) else type(value)


@settings(max_examples=50, deadline=None)
@given(networks())
def test_a_loaded_network_equals_the_one_that_was_saved(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("networks") / "network.npz"
    save(network, path)
    loaded = load(path)
    np.testing.assert_equal(asdict(loaded), asdict(network))
    assert types(asdict(loaded)) == types(asdict(network))
    assert [type(part) for part in loaded.populations] == [Population] * len(network.populations)


def test_the_name_of_the_file_is_kept_as_given(tmp_path):
    save(Network(0.1), tmp_path / "net.pycosim")
    assert load(str(tmp_path / "net.pycosim")).dt_ms == 0.1


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "array", "archive", "cut off", "other format"])
def test_a_file_that_is_not_a_saved_network_is_refused_by_name(tmp_path, kind):
    path = tmp_path / "file"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not a network")
    elif kind == "array":
        with path.open("wb") as file:
            np.save(file, np.arange(3))
    elif kind == "archive":
        with path.open("wb") as file:
            np.savez(file, weights=np.arange(3))
    elif kind == "cut off":
        save(Network(0.1, 0, [Population("cells", "IF_curr_exp", 3)]), path)
        path.write_bytes(path.read_bytes()[:200])
    elif kind == "other format":
        with path.open("wb") as file:
            np.savez(file, document=np.array('{"format": "pycosim-network-0", "network": {}}'))
    with pytest.raises(InvalidInputError, match=r"Loading a network from .*file"):
        load(path)
