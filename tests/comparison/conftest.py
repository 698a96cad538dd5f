import neo
import numpy as np
import pytest
import quantities as pq

from pycosim.results import CoreTable, HardwareRecord, LinkTable, PacketTable, PopulationInfo, RunResult

PS_PER_US = 1_000_000


def as_spikes(spikes):
    """Return (neuron, step) pairs as the two arrays of a RunResult, ordered by (step, neuron)."""
    ordered = sorted((step, neuron) for neuron, step in spikes)
    columns = np.array(ordered, np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


@pytest.fixture
def make_result():
    """Make a run of 4 neurons and 2 sources (numbers 4 and 5), 100 ms in steps of 1 ms."""

    def make(target, spikes=(), **attributes):
        steps, neurons = as_spikes(spikes)
        train = neo.SpikeTrain([1.0, 2.5] * pq.ms, t_stop=100.0)
        block = neo.Block(name="cells", spikes_of="cells")
        segment = neo.Segment()
        segment.spiketrains.append(train)
        block.segments.append(segment)
        values = {
            "dt_ms": 1.0,
            "duration_ms": 100.0,
            "populations": [
                PopulationInfo("cells", "IF_curr_exp", 4, 0, False),
                PopulationInfo("input", "SpikeSourceArray", 2, 4, True),
            ],
            "spike_steps": steps,
            "spike_neurons": neurons,
            "blocks": {"cells": block},
            "seconds": {"build": 0.5, "run": 0.25, "cpu": 0.7},
            "n_synapses": 12,
        }
        return RunResult(target, **(values | attributes))

    return make


@pytest.fixture
def make_packets():
    """Make packets from rows (source, core, emission in us, arrival in us or None, late by steps)."""

    def make(rows):
        source, core, emission, arrival, late = (list(column) for column in zip(*rows)) if rows else [[]] * 5
        emission_ps = np.array(emission, np.int64) * PS_PER_US
        arrival_ps = np.array([-1 if a is None else a * PS_PER_US for a in arrival], np.int64)
        return PacketTable(
            emission_step=emission_ps // (1000 * PS_PER_US),
            source=np.array(source, np.int64),
            core=np.array(core, np.int64),
            emission_ps=emission_ps,
            injection_ps=emission_ps,
            arrival_ps=arrival_ps,
            lateness_steps=np.array(late, np.int64),
        )

    return make


@pytest.fixture
def make_hardware(make_packets):
    """Make a record of a chip of 2 x 1 cores, two neurons on each, with the packets given as rows."""

    def make(rows=(), **attributes):
        packets = make_packets(list(rows))
        arrived = int(packets.arrived.sum())
        ones = np.ones(2, np.int64)
        values = {
            "chip": "mesh",
            "title": "A mesh of cores",
            "discipline": "tick",
            "options": {"timing": "closed"},
            "period_ps": 1000 * PS_PER_US,
            "step_duration_ps": np.full(100, 200 * PS_PER_US, np.int64),
            "packets": packets,
            "sent": len(packets.source),
            "delivered": arrived,
            "dropped": len(packets.source) - arrived,
            "in_flight": 0,
            "late": int((packets.lateness_steps > 0).sum()),
            "overruns": 0,
            "cores": CoreTable(
                np.arange(2), np.array([0.0, 1.0]), np.zeros(2), 2 * ones, 6 * ones, 0 * ones,
                10 * ones, 5 * ones, 3 * ones, 3 * ones, np.array([7, 9]) * PS_PER_US,
            ),
            "links": LinkTable(np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1), np.array([6])),
            "energy_j": {"synaptic events": 2e-9, "routing": None, "neuron updates": 1e-9},
            "energy_assumed": {"neuron updates": True},
            "shape": (2, 1),
            "core_of_neuron": np.array([0, 0, 1, 1, -1, -1], np.int32),
            "utilisation": {"neurons per core": (2, 4)},
            "notes": ["A chip made up for tests."],
        }  # fmt: skip
        return HardwareRecord(**(values | attributes))

    return make
