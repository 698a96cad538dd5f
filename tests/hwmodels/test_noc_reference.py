"""Arrival cycles of the reference lists, which two widely used cycle-accurate simulators produced."""

import functools
import gzip
import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from pycosim.hwmodels.noc import Mesh, Network, simulate

DATA = Path(__file__).parents[1] / "data" / "noc"

# Column: router, buffer depth, arbiter.
COLUMNS = {
    "bs3_b8": ("credit3", 8, "round_robin"),
    "bs3_b4": ("credit3", 4, "round_robin"),
    "bs3_b2": ("credit3", 2, "round_robin"),
    "bs4_b8": ("credit4", 8, "round_robin"),
    "bs5_b4": ("credit5", 4, "round_robin"),
    "bs3_b8_lru": ("credit3", 8, "least_recently_served"),
    "bs3_b8_age": ("credit3", 8, "oldest_first"),
    "nx_b4": ("handshake", 4, "round_robin"),
    "nx_b8": ("handshake", 8, "round_robin"),
    "nx_b2": ("handshake", 2, "round_robin"),
}
CASES = sorted(path.name.removesuffix(".csv.gz") for path in (DATA / "packets").glob("*.csv.gz"))


@functools.cache
def packets(case):
    with gzip.open(DATA / "packets" / f"{case}.csv.gz", "rt") as file:
        names = file.readline().strip().split(",")
        table = np.loadtxt(file, delimiter=",", dtype=np.int64, ndmin=2)
    return dict(zip(names, table.T, strict=True))


def columns_of(case):
    return [name for name in packets(case) if name in COLUMNS]


def width(case):
    return int(case.rsplit(".k", 1)[1])


def listed(case):
    table = packets(case)
    return table["cycle"], table["src"], table["dst"], table["flits"]


@pytest.mark.parametrize(
    ("case", "column"), [(case, column) for case in CASES for column in columns_of(case)]
)
def test_every_packet_arrives_in_the_listed_cycle(case, column):
    router, depth, arbiter = COLUMNS[column]
    arrivals = simulate(
        *listed(case), shape=(width(case), width(case)), router=router, buffer_depth=depth, arbiter=arbiter
    )
    np.testing.assert_array_equal(arrivals, packets(case)[column])


@pytest.mark.parametrize("case", [case for case in CASES if "bs3_b8_inj" in packets(case)])
def test_every_head_leaves_its_source_queue_in_the_listed_cycle(case):
    network = Network(Mesh(width(case), width(case)))
    network.inject(*listed(case))
    network.drain()
    np.testing.assert_array_equal(network.launch_cycles, packets(case)["bs3_b8_inj"])


def test_all_columns_of_the_reference_are_covered():
    found = {name for case in CASES for name in packets(case)} - {
        "cycle",
        "src",
        "dst",
        "flits",
        "bs3_b8_inj",
    }
    assert found == set(COLUMNS)
    assert len(CASES) == 21


def test_columns_use_the_depths_of_the_reference_configurations():
    configs = json.loads((DATA / "configs.json").read_text())
    for column, (router, depth, _) in COLUMNS.items():
        if router == "handshake":
            assert configs["noxim"][column]["buffer_depth"] == depth
        else:
            assert configs["booksim2"][column]["vc_buf_size"] == depth


def xy_link_flits(case):
    """Flits per link by dimension order, as a dictionary from (from, to) nodes; -1 is the terminal's side."""
    k = width(case)
    counts = {}
    _, sources, destinations, flits = listed(case)
    for source, destination, n in zip(sources.tolist(), destinations.tolist(), flits.tolist(), strict=True):
        here = source
        counts[-1, here] = counts.get((-1, here), 0) + n
        while here != destination:
            x, to_x = here % k, destination % k
            step = (1 if to_x > x else -1) if to_x != x else (k if destination > here else -k)
            counts[here, here + step] = counts.get((here, here + step), 0) + n
            here += step
        counts[here, -1] = counts.get((here, -1), 0) + n
    return counts


@pytest.mark.parametrize("router", ["credit3", "credit4", "credit5", "handshake"])
@pytest.mark.parametrize("case", ["m7_all_to_one_s4.k4", "uniform_s2_r040.k8", "snn_sync_f8_s1.k8"])
def test_links_carry_the_flits_of_dimension_order(case, router):
    network = Network(Mesh(width(case), width(case)), router=router)
    network.inject(*listed(case))
    network.drain()
    links, flits = network.links, network.link_flits
    assert len(links) == len(flits)
    carried = {
        (int(a), int(b)): int(n)
        for a, b, n in zip(links.from_router, links.to_router, flits, strict=True)
        if n > 0
    }
    assert carried == xy_link_flits(case)


@pytest.mark.parametrize(
    ("router", "arbiter"),
    [
        *product(["credit3", "credit4", "credit5"], ["round_robin", "least_recently_served", "oldest_first"]),
        ("handshake", "round_robin"),
    ],
)
@pytest.mark.parametrize("case", ["m6_all_to_one.k4", "uniform_s1_r300.k8", "uniform_s4_r020.k8"])
def test_packets_keep_their_order_and_zero_load_latency_is_least(case, router, arbiter):
    cycle, source, destination, flits = listed(case)
    network = Network(Mesh(width(case), width(case)), router=router, arbiter=arbiter)
    network.inject(cycle, source, destination, flits)
    network.drain()
    arrivals = network.arrival_cycles
    assert (arrivals - cycle >= network.zero_load_cycles(source, destination, flits)).all()
    pair = source * network.n_terminals + destination
    order = np.argsort(pair, kind="stable")
    same_pair = np.diff(pair[order]) == 0
    assert (np.diff(arrivals[order])[same_pair] > 0).all()
