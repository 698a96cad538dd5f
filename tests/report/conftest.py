import neo
import numpy as np
import pytest
import quantities as pq

from pycosim.comparison import Comparison
from pycosim.errors import DoesNotFitError, Violation
from pycosim.results import CoreTable, HardwareRecord, LinkTable, PacketTable, PopulationInfo, RunResult

DT_MS = 0.1
DURATION_MS = 500.0
POPULATIONS = [
    PopulationInfo("excitatory", "IF_cond_exp", 320, 0, False),
    PopulationInfo("inhibitory", "IF_cond_exp", 80, 320, False),
    PopulationInfo("input", "SpikeSourcePoisson", 40, 400, True),
]


def make_spikes(seed=1):
    """About 15 spikes per second and neuron, with a common rhythm."""
    rng = np.random.default_rng(seed)
    n_steps = round(DURATION_MS / DT_MS)
    rate = 15 * (1 + 0.8 * np.sin(np.arange(n_steps) * DT_MS * 2 * np.pi / 80)) * DT_MS / 1000
    steps, neurons = np.nonzero(rng.random((n_steps, 440)) < rate[:, None])
    return steps.astype(np.int64), neurons.astype(np.int64)


def make_result(target, steps, neurons, hardware=None, **attributes):
    order = np.lexsort((neurons, steps))
    train = neo.SpikeTrain([1.0, 2.0] * pq.ms, t_stop=DURATION_MS)
    block = neo.Block(name="excitatory")
    segment = neo.Segment(name="segment000")
    segment.spiketrains.append(train)
    block.segments.append(segment)
    return RunResult(
        target=target,
        dt_ms=DT_MS,
        duration_ms=DURATION_MS,
        populations=POPULATIONS,
        spike_steps=steps[order],
        spike_neurons=neurons[order],
        blocks={"excitatory": block},
        hardware=hardware,
        seconds={"build": 0.12, "run": 0.84, "cpu": 0.9},
        n_synapses=3_200,
        notes=["The seed is 42."],
        **attributes,
    )


def late_copy(steps, neurons, seed=2):
    """Spikes that shift, vanish and appear more and more often as time goes on."""
    rng = np.random.default_rng(seed)
    chance = np.clip((steps * DT_MS - 60) / 600, 0, 1)
    shift = np.where(rng.random(len(steps)) < chance, rng.integers(-3, 12, len(steps)), 0)
    keep = rng.random(len(steps)) > chance * 0.3
    extra = rng.random(len(steps)) < chance * 0.2
    new = np.clip(steps + rng.integers(200, 400, len(steps)), 0, round(DURATION_MS / DT_MS) - 1)
    pairs = np.unique(
        np.c_[np.r_[(steps + shift)[keep], new[extra]], np.r_[neurons[keep], neurons[extra]]], axis=0
    )
    pairs = pairs[(pairs[:, 0] >= 0) & (pairs[:, 0] < DURATION_MS / DT_MS)]
    return pairs[:, 0], pairs[:, 1]


def make_hardware(chip, title, discipline, steps, neurons, columns, rows, grid, seed=3, slow=1.0):
    """A plausible record of a mesh chip of `grid` cores, of which `columns` by `rows` are used."""
    rng = np.random.default_rng(seed)
    n_cores = columns * rows
    n_steps = round(DURATION_MS / DT_MS)
    core_of_neuron = np.r_[np.arange(400) * n_cores // 400, np.full(40, -1)].astype(np.int32)
    x, y = np.arange(n_cores) % columns, np.arange(n_cores) // columns
    source = np.repeat(neurons, 3)
    step = np.repeat(steps, 3)
    core = rng.integers(0, n_cores, len(source))
    origin = np.maximum(core_of_neuron[source], 0)
    hops = np.abs(x[origin] - x[core]) + np.abs(y[origin] - y[core])
    period = 100_000_000
    emission = step * period + rng.integers(0, 2_000_000, len(source))
    latency = (slow * (800_000 + 420_000 * hops + rng.gamma(2, 300_000, len(source)))).astype(np.int64)
    arrival = emission + latency
    lateness = np.maximum(arrival // period - step - 1, 0)
    missing = rng.random(len(source)) < (0.004 if slow > 1 else 0)
    arrival[missing], lateness[missing] = -1, -1
    packets = PacketTable(step, source, core, emission, emission + 100_000, arrival, lateness)
    per_core = np.bincount(core, minlength=n_cores)
    cores = CoreTable(
        core=np.arange(n_cores),
        x=x.astype(float),
        y=y.astype(float),
        neurons=np.bincount(core_of_neuron[:400], minlength=n_cores),
        synapses=rng.integers(100, 400, n_cores),
        relays=np.zeros(n_cores, np.int64),
        synaptic_events=per_core * 7,
        spikes=rng.integers(50, 300, n_cores),
        packets_in=per_core,
        packets_out=per_core,
        busy_ps=per_core * 7 * 40_000_000,
    )
    east = [(i, j, i + 1, j) for j in range(rows) for i in range(columns - 1)]
    north = [(i, j, i, j + 1) for j in range(rows - 1) for i in range(columns)]
    ends = np.array([*east, *north, *((c, d, a, b) for a, b, c, d in (*east, *north))], float).reshape(-1, 4)
    flits = rng.integers(10, 4000, len(ends))
    durations = (slow * 9_000_000 * (1 + rng.gamma(1.5, 0.4, n_steps))).astype(np.int64)
    dropped = int(missing.sum())
    late = int((lateness > 0).sum())
    return HardwareRecord(
        chip=chip,
        title=title,
        discipline=discipline,
        options={"timing": "closed", "speedup": 1.0},
        period_ps=period,
        step_duration_ps=durations,
        packets=packets,
        sent=len(source),
        delivered=len(source) - dropped,
        dropped=dropped,
        in_flight=0,
        late=late,
        overruns=int((durations > period).sum()),
        cores=cores,
        links=LinkTable(*ends.T, flits),
        energy_j={
            "synaptic events": 1.3e-6,
            "neuron updates": 2.1e-6,
            "routing": 0.4e-6,
            "static power": None,
        },
        energy_assumed={"routing": True},
        shape=grid,
        core_of_neuron=core_of_neuron,
        utilisation={
            "neurons per core": (17, 1024),
            "synapse words per core": (9_800, 16_384),
            "axons": (31, 64),
        },
        notes=["Latencies are rounded up to steps of 0.1 ms; the mean rounding is 0.04 ms."],
    )


@pytest.fixture
def five_targets():
    """Runs on five targets: one agrees, one drifts, one is late, one fails with several violated limits."""
    steps, neurons = make_spikes()
    drifted = late_copy(steps, neurons)
    loihi = make_hardware("loihi", "Intel Loihi", "barrier", steps, neurons, 6, 4, (16, 8))
    slow = make_hardware("truenorth", "IBM TrueNorth", "tick", *drifted, 5, 5, (64, 64), slow=45)
    violations = [
        Violation("synapse words per neuron (fan-in)", 80, 64, 4000, "neurons", "use at most 64 inputs"),
        Violation("neurons", 4000, 1024, 2976, "neurons", "use 4 chips"),
    ]
    return [
        make_result("native", steps, neurons),
        make_result("brian2", *late_copy(steps, neurons, seed=5)),
        make_result("loihi", steps, neurons, loihi),
        make_result("truenorth[timing=closed]", *drifted, slow),
        RunResult("dynapse", error=DoesNotFitError("DYNAP-SE", violations)),
    ]


@pytest.fixture
def comparison(five_targets, tmp_path):
    info = {
        "command": "pycosim compare balanced.py --on native,brian2,loihi,'truenorth[timing=closed]',dynapse",
        "script": "balanced.py",
        "script_name": "balanced",
        "script_sha256": "0123abcd" * 8,
        "versions": {"python": "3.11.9", "pycosim": "0.1.0"},
        "started": "2026-03-01T12:00:00",
    }
    return Comparison(five_targets, info=info, folder=tmp_path)
