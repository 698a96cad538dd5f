/// The network as flat arrays, and the routing computed on them.
///
/// Every router has ports; a port is an input and an output together. Output `p` leads to the input of port
/// `peer[p]`, and that port's output leads back, or the port serves a terminal (a core), or it is unconnected.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packets.hpp"

namespace pycosim::noc {

/// Ports of the top-level mesh, in the order in which inputs are numbered for arbitration.
enum MeshPort : int { kEast = 0, kWest = 1, kPlusY = 2, kMinusY = 3 };

/// Where a router stands: which terminals lie below it, and its coordinates in the top-level mesh.
struct Place {
    std::int32_t first_terminal;       ///< terminals first_terminal .. first_terminal + n_terminals - 1 lie below
    std::int32_t n_terminals;
    std::int32_t terminals_per_child;  ///< child c holds the c-th group of this many of them
    std::int32_t first_child_port;     ///< children use consecutive ports from here
    std::int32_t up_port;              ///< port of the parent; -1 in the top-level mesh
    std::int32_t x, y;                 ///< coordinates in the top-level mesh; unused below it
};

/// Flat description of a network, as the Python face gives it (checked there).
struct Graph {
    std::vector<std::int32_t> first_port;   ///< (n_routers + 1,) ports of router r: first_port[r] .. first_port[r + 1] - 1
    std::vector<std::int32_t> peer;         ///< (n_ports,) port at the other end, -1 if none
    std::vector<std::int32_t> terminal;     ///< (n_ports,) terminal served, -1 if none
    std::vector<std::int64_t> link_cycles;  ///< (n_ports,) traversal time of the output's link
    std::vector<std::int64_t> flit_cycles;  ///< (n_ports,) least spacing of two flits on the output
    std::vector<Place> places;              ///< (n_routers,) for the computed routing
    std::vector<std::int32_t> terminal_x;   ///< (n_terminals,) mesh coordinates of the terminal's top-level router
    std::vector<std::int32_t> terminal_y;
    std::vector<std::uint8_t> next_port;    ///< (n_routers * n_terminals,) replaces the computed routing; or empty

    std::int32_t n_routers() const { return static_cast<std::int32_t>(first_port.size()) - 1; }
    std::int32_t n_ports() const { return first_port.back(); }
    std::int32_t n_terminals() const { return static_cast<std::int32_t>(terminal_x.size()); }
};

/// Output port on the way up to the lowest common router, across the mesh (x first, then y) and down.
inline int computed_route(const Place& here, std::int32_t destination, std::int32_t x, std::int32_t y) {
    const auto below = static_cast<std::uint32_t>(destination - here.first_terminal);
    if (below < static_cast<std::uint32_t>(here.n_terminals)) {
        if (here.terminals_per_child == 1) return here.first_child_port + static_cast<int>(below);
        return here.first_child_port + static_cast<int>(below / static_cast<std::uint32_t>(here.terminals_per_child));
    }
    if (here.up_port >= 0) return here.up_port;
    if (x != here.x) return x > here.x ? kEast : kWest;
    return y > here.y ? kPlusY : kMinusY;
}

/// Output port that a packet takes in a router.
inline int route(const Graph& graph, std::int32_t router, const Place& here, const Packet& packet) {
    if (!graph.next_port.empty()) {
        const auto row = static_cast<std::size_t>(router) * graph.terminal_x.size();
        return graph.next_port[row + static_cast<std::size_t>(packet.destination)];
    }
    return computed_route(here, packet.destination, packet.x, packet.y);
}

}  // namespace pycosim::noc
