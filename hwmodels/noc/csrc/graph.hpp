/// The network as flat arrays, and the routing computed on them.
///
/// Every router has ports; a port is an input and an output together. Output `p` leads to the input of port
/// `peer[p]`, and that port's output leads back, or the port serves a terminal (a core), or it is unconnected.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "packets.hpp"

namespace pycosim::noc {

/// Ports of the top-level mesh, in the order in which inputs are numbered for arbitration. A torus has them twice:
/// ports 0 to 3 for packets that have the wrap-around link of their ring before them, 4 to 7 for the others.
enum MeshPort : int { kEast = 0, kWest = 1, kPlusY = 2, kMinusY = 3, kPastWrap = 4 };

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
    std::vector<std::int32_t> channel;      ///< (n_ports,) serial line that the output shares with others, -1 if none
    std::vector<Place> places;              ///< (n_routers,) for the computed routing
    std::vector<std::int32_t> terminal_x;   ///< (n_terminals,) mesh coordinates of the terminal's top-level router
    std::vector<std::int32_t> terminal_y;
    std::int32_t ring_columns, ring_rows;   ///< routers in the rings of a torus; 0 where the mesh has no wrap-around
    std::vector<std::uint8_t> next_port;    ///< (n_routers * n_terminals,) replaces the computed routing; or empty
    std::vector<std::int32_t> router_of_port{};    ///< (n_ports,) filled by index()
    std::vector<std::int32_t> port_of_terminal{};  ///< (n_terminals,) filled by index()

    /// Fills what follows from the rest.
    void index() {
        router_of_port.resize(terminal.size());
        port_of_terminal.resize(terminal_x.size());
        for (std::int32_t router = 0; router < n_routers(); ++router) {
            for (std::int32_t port = first_port[router]; port < first_port[router + 1]; ++port) {
                router_of_port[port] = router;
                if (terminal[port] >= 0) port_of_terminal[terminal[port]] = port;
            }
        }
    }

    std::int32_t n_routers() const { return static_cast<std::int32_t>(first_port.size()) - 1; }
    std::int32_t n_ports() const { return first_port.back(); }
    std::int32_t n_channels() const {
        const auto largest = std::max_element(channel.begin(), channel.end());
        return largest == channel.end() ? 0 : *largest + 1;
    }
    std::int32_t n_terminals() const { return static_cast<std::int32_t>(terminal_x.size()); }
};

/// Port along one axis of the mesh, whose two ports are `forward` and the next number.
///
/// In a ring packets go the shorter way, forward if both are equal. Their lane is a function of where they are:
/// the first until the wrap-around link is behind them, then the second, so that no circle of waiting can close.
inline int along(std::int32_t here, std::int32_t there, std::int32_t ring, int forward) {
    if (ring == 0) return forward + (there < here ? 1 : 0);
    const std::int32_t ahead = there - here + (there < here ? ring : 0);
    const bool backward = 2 * ahead > ring;
    const bool wraps = backward == (there > here);
    return forward + (backward ? 1 : 0) + (wraps ? 0 : kPastWrap);
}

/// Output port on the way up to the lowest common router, across the mesh (x first, then y) and down.
inline int computed_route(const Graph& graph, const Place& here, std::int32_t destination, std::int32_t x,
                          std::int32_t y) {
    const auto below = static_cast<std::uint32_t>(destination - here.first_terminal);
    if (below < static_cast<std::uint32_t>(here.n_terminals)) {
        if (here.terminals_per_child == 1) return here.first_child_port + static_cast<int>(below);
        return here.first_child_port + static_cast<int>(below / static_cast<std::uint32_t>(here.terminals_per_child));
    }
    if (here.up_port >= 0) return here.up_port;
    if (x != here.x) return along(here.x, x, graph.ring_columns, kEast);
    return along(here.y, y, graph.ring_rows, kPlusY);
}

/// Output port that a packet takes in a router.
inline int route(const Graph& graph, std::int32_t router, const Place& here, const Packet& packet) {
    if (!graph.next_port.empty()) {
        const auto row = static_cast<std::size_t>(router) * graph.terminal_x.size();
        return graph.next_port[row + static_cast<std::size_t>(packet.destination)];
    }
    return computed_route(graph, here, packet.destination, packet.x, packet.y);
}

}  // namespace pycosim::noc
