"""The network-on-chip: arrival cycle of each packet, simulated flit by flit.

`simulate` takes a list of packets and returns their arrival cycles. `Network` does the same piece by piece,
for simulations in which later packets depend on earlier arrivals.
"""

from pycosim.hwmodels.noc.arrivals import simulate
from pycosim.hwmodels.noc.hexagon import Hexagon
from pycosim.hwmodels.noc.link_table import LinkTable
from pycosim.hwmodels.noc.network import Network
from pycosim.hwmodels.noc.topology import (
    ChipMesh,
    Hierarchy,
    Mesh,
    PortTable,
    RouterGraph,
    Topology,
    Torus,
    TreeMeshRouting,
)

__all__ = [
    "ChipMesh",
    "Hexagon",
    "Hierarchy",
    "LinkTable",
    "Mesh",
    "Network",
    "PortTable",
    "RouterGraph",
    "Topology",
    "Torus",
    "TreeMeshRouting",
    "simulate",
]
