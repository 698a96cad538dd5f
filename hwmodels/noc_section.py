"""The section of a chip description on the network-on-chip."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StrictInt, model_validator

from pycosim.hwmodels.hexagon import hexagon_places
from pycosim.hwmodels.noc.graph import MAX_PORTS
from pycosim.hwmodels.quantities import Part, Shape, Size, Time

__all__ = ["Noc"]

# What the compiled network-on-chip can number, and what fits into memory.
_MOST = {"buffer_depth": 65_536, "flits_per_packet": 65_536}
_MOST_CYCLES = 10**9
_MOST_CORES = 2**26
# Of a router with cores: to other routers (two lanes where rows and columns are rings), and one for the host.
_OTHER_PORTS = {"mesh": 5, "torus": 9, "hexagon": 7, "hierarchy": 2}


class Noc(Part):
    """The network-on-chip.

    Attributes
    ----------
    topology : {"mesh", "torus", "hexagon", "hierarchy"}
        A mesh of routers with cores on each; the same with rows and columns closed to rings; a hexagon of
        routers cut out of a square, see `pycosim.hwmodels.noc.Hexagon`; or per chip a router in the mesh, a
        tree router below it and a router for each core below that.
    shape, cores_per_router
        Routers of the (top-level) mesh, of one chip where `chips` is given, and how cores lie around each.
    chips
        Mesh only: chips side by side, each with a mesh of `shape`. Cores and routers are numbered chip by
        chip.
    chip_hop, chip_flit
        With several chips: from a router to the next one on another chip, and the least spacing of two flits
        on the link between them.
    chip_edge : {"row", "shared"}
        Whether each row (column) has a link of its own to the next chip, or all at one edge share one
        serial link (merge-split).
    hop_x, hop_y
        From a router of the mesh to the next; along the diagonal of a hexagon as in y.
    local
        From a core through its own router to a core at the same router, without any hop.
    trunk, branch
        Hierarchy only: between mesh router and tree router, between tree router and core router. One packet
        at a time: the same time is the least spacing there.
    flit
        Least spacing of two flits on a link of the mesh.
    flits_per_packet
    router : {"credit3", "credit4", "credit5"}
        Flow control and pipeline, see `pycosim.hwmodels.noc`.
    arbiter
        Which of several inputs gets an output.
    buffer_depth
        Places in each input FIFO in flits.
    cycle
        Resolution of the simulation; all times above are multiples of it.
    slowdown : int
        Factor on all times of the network-on-chip, to see what slow links would do.
    multicast : {"none", "router", "tree"}
        "none": one packet for each core that a spike goes to; "router": one for each router, which copies it;
        "tree": one in all, which routers copy where the ways to its targets part.
    detail : {"cycle", "queue", "analytic"}
        How the network-on-chip is simulated, see `pycosim.hwmodels.noc.Network`; the option ``detail`` of
        a run sets it.
    """

    topology: Literal["mesh", "torus", "hexagon", "hierarchy"]
    shape: Shape
    cores_per_router: Shape
    chips: Shape | None = None
    chip_hop: Time | None = None
    chip_flit: Time | None = None
    chip_edge: Literal["row", "shared"] = "row"
    hop_x: Time
    hop_y: Time
    local: Time
    trunk: Time | None = None
    branch: Time | None = None
    flit: Time
    flits_per_packet: Size
    router: Literal["credit3", "credit4", "credit5"] = "credit3"
    arbiter: Literal["round_robin", "least_recently_served", "oldest_first"] = "round_robin"
    buffer_depth: Size
    cycle: Time
    slowdown: StrictInt = Field(default=1, ge=1, le=10**9)
    multicast: Literal["none", "router", "tree"] = "none"
    detail: Literal["cycle", "queue", "analytic"] = "cycle"

    @property
    def n_chips(self) -> int:
        """Number of chips that `chips` gives; 1 if it does not."""
        return 1 if self.chips is None else self.chips.size

    def has_links(self, name: str) -> bool:
        """Whether the links exist that a constant such as "hop_x", "trunk" or "chip_flit" is about."""
        if name in ("trunk", "branch"):
            return self.topology == "hierarchy"
        if name.startswith("chip_"):
            return self.n_chips > 1
        return self.n_routers > 1 or name not in ("hop_x", "hop_y")

    @property
    def n_routers(self) -> int:
        """Routers of the (top-level) mesh, on all chips."""
        if self.topology == "hexagon":
            return 3 * self.shape.size // 4
        return self.n_chips * self.shape.size

    @property
    def mesh_shape(self) -> tuple[int, int]:
        """Columns and rows of the (top-level) mesh, over all chips."""
        across, down = (1, 1) if self.chips is None else self.chips.value
        return across * self.shape.value[0], down * self.shape.value[1]

    def place_of_router(self, router: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return x and y of routers of the (top-level) mesh, both int64."""
        if self.topology == "hexagon":
            x, y = hexagon_places(self.shape.value[0])
            return x[router], y[router]
        chip, inner = np.divmod(np.asarray(router, np.int64), self.shape.size)
        chip_y, chip_x = np.divmod(chip, 1 if self.chips is None else self.chips.value[0])
        y, x = np.divmod(inner, self.shape.value[0])
        return chip_x * self.shape.value[0] + x, chip_y * self.shape.value[1] + y

    @model_validator(mode="after")
    def _check_hexagon(self) -> Noc:
        columns, rows = self.shape.value
        if self.topology == "hexagon" and (columns != rows or columns % 2):
            raise ValueError(f"shape is {self.shape}; topology = hexagon needs a square with an even side")
        return self

    @model_validator(mode="after")
    def _check_chips(self) -> Noc:
        if self.n_chips == 1:
            return self
        if self.topology != "mesh":
            raise ValueError(
                f"chips is {self.chips}; several chips need topology = mesh, not {self.topology}"
            )
        if self.chip_hop is None or self.chip_flit is None:
            raise ValueError(
                f"chips is {self.chips}; several chips need chip_hop and chip_flit, the times of links "
                "between them"
            )
        return self

    @model_validator(mode="after")
    def _check_multicast(self) -> Noc:
        if self.multicast == "tree" and (self.router != "credit3" or self.flits_per_packet.value != 1):
            raise ValueError(
                "multicast is tree; it needs router = credit3 and flits_per_packet = 1, "
                f"not {self.router} and {self.flits_per_packet}"
            )
        return self

    @model_validator(mode="after")
    def _check_sizes(self) -> Noc:
        for name, most in _MOST.items():
            if getattr(self, name).value > most:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; the model of routers takes {most} at most"
                )
        cores = self.n_routers * self.cores_per_router.size
        if cores > _MOST_CORES:
            raise ValueError(
                f"shape is {self.shape}, which makes {cores} cores with cores_per_router and chips; "
                f"{_MOST_CORES} is the most that is modelled"
            )
        return self

    @model_validator(mode="after")
    def _check_ports(self) -> Noc:
        cores, most = self.cores_per_router.size, MAX_PORTS - _OTHER_PORTS[self.topology]
        if cores > most:
            raise ValueError(
                f"cores_per_router is {self.cores_per_router}, which makes {cores} cores; a router has "
                f"{MAX_PORTS} ports, and takes {most} cores at most with topology = {self.topology}"
            )
        return self

    @model_validator(mode="after")
    def _check_times(self) -> Noc:
        if self.cycle.value < 1:
            raise ValueError("cycle must be longer than 0")
        pipeline = {"credit3": 3, "credit4": 4, "credit5": 5}[self.router]
        least = {
            "hop_x": pipeline,
            "hop_y": pipeline,
            "trunk": pipeline,
            "branch": pipeline,
            "local": pipeline + 2,
        }
        if self.topology == "hierarchy" and (self.trunk is None or self.branch is None):
            raise ValueError(
                "topology is hierarchy; it needs trunk and branch, the times of links in its trees"
            )
        least["flit"] = 1
        if self.n_chips > 1:
            least |= {"chip_hop": pipeline, "chip_flit": 1}
        for name, cycles in least.items():
            time = getattr(self, name)
            if time is None:
                continue
            if time.value > _MOST_CYCLES * self.cycle.value:
                raise ValueError(
                    f"{name} is {time}; it must be at most {_MOST_CYCLES} times cycle = {self.cycle}"
                )
            if time.value % self.cycle.value or time.value < cycles * self.cycle.value:
                raise ValueError(
                    f"{name} is {time}; it must be a multiple of cycle = {self.cycle}, and at least {cycles} "
                    f"cycles (the pipeline of a {self.router} router)"
                )
        return self
