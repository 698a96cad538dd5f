// Packets and arrivals; see book.hpp.
#include "book.hpp"

namespace pycosim::noc {

std::int64_t PacketBook::inject(std::span<const std::int64_t> cycle, std::span<const std::int32_t> source,
                                std::span<const std::int32_t> destination, std::span<const std::int32_t> flits) {
    const std::size_t first = packets_.size();
    const std::size_t last = first + cycle.size();
    if (last > packets_.capacity()) {
        const std::size_t room = std::max(last, 2 * packets_.capacity());
        packets_.reserve(room);
        launch_cycles_.reserve(room);
        arrival_cycles_.reserve(room);
    }
    for (std::size_t k = 0; k < cycle.size(); ++k) {
        const auto to = static_cast<std::size_t>(destination[k]);
        const std::int32_t x = graph_.terminal_x[to], y = graph_.terminal_y[to];
        packets_.push_back({cycle[k], destination[k], x, y, flits[k], source[k], -1});
    }
    launch_cycles_.resize(last, -1);
    arrival_cycles_.resize(last, -1);
    pending_.add(packets_, static_cast<std::int32_t>(first), static_cast<std::int32_t>(last));
    return static_cast<std::int64_t>(first);
}

std::vector<std::int64_t> PacketBook::before_now(const std::vector<std::int64_t>& cycles) const {
    std::vector<std::int64_t> known(cycles);
    for (std::int64_t& cycle : known) {
        if (cycle >= now_) cycle = -1;
    }
    return known;
}

std::vector<std::pair<std::int64_t, std::int64_t>> PacketBook::take_arrivals() {
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;
    taken.reserve(arrived_.size());
    for (const Delivery& delivery : arrived_) taken.emplace_back(delivery.cycle, delivery.packet);
    arrived_.clear();
    std::sort(taken.begin(), taken.end());
    return taken;
}

PacketBook::Path PacketBook::path(std::int32_t source, std::int32_t destination, std::int64_t flits) const {
    Packet packet{};
    packet.destination = destination;
    packet.x = graph_.terminal_x[destination];
    packet.y = graph_.terminal_y[destination];
    const std::int32_t entry = graph_.port_of_terminal[source];
    Path path{0, pipeline_.accept_cycles + delays(pipeline_.kind, graph_.link_cycles[entry]).inject};
    std::int64_t spacing = pipeline_.launch_gap;
    std::int32_t router = graph_.router_of_port[entry];
    for (;;) {
        const std::int32_t port = graph_.first_port[router] + route(graph_, router, graph_.places[router], packet);
        const Delays link = delays(pipeline_.kind, graph_.link_cycles[port]);
        const bool last = graph_.terminal[port] >= 0;
        path.cycles += pipeline_.head_cycles + pipeline_.win_cycles + (last ? link.deliver : link.travel);
        spacing = std::max(spacing, pipeline_.spacing(graph_.flit_cycles[port]));
        if (last) break;
        router = graph_.router_of_port[graph_.peer[port]];
        ++path.hops;
    }
    path.cycles += (flits - 1) * spacing;
    return path;
}

std::vector<std::int64_t> PacketBook::flow_flits(std::span<const std::int32_t> source,
                                                 std::span<const std::int32_t> destination,
                                                 std::span<const std::int64_t> flits) const {
    const auto n_ports = static_cast<std::size_t>(graph_.n_ports());
    std::vector<std::int64_t> carried(n_ports + graph_.port_of_terminal.size(), 0);
    for (std::size_t k = 0; k < source.size(); ++k) {
        carried[n_ports + static_cast<std::size_t>(source[k])] += flits[k];
        Packet packet{};
        packet.destination = destination[k];
        packet.x = graph_.terminal_x[destination[k]];
        packet.y = graph_.terminal_y[destination[k]];
        for (std::int32_t port = graph_.port_of_terminal[source[k]]; port >= 0; port = graph_.peer[port]) {
            const std::int32_t router = graph_.router_of_port[port];
            port = graph_.first_port[router] + route(graph_, router, graph_.places[router], packet);
            carried[static_cast<std::size_t>(port)] += flits[k];
        }
    }
    return carried;
}

/// Ends a call that was to simulate the cycles before `until`; if it stopped early, those up to now() are done.
void PacketBook::settle(bool done, std::int64_t until) {
    now_ = done ? until : now_ + 1;
    move_arrivals();
}

/// Ends a call that was to simulate until nothing is in flight.
void PacketBook::settle_drained(bool done, std::int64_t start) {
    now_ = done ? std::max(start, last_arrival_ + 1) : now_ + 1;
    move_arrivals();
}

void PacketBook::move_arrivals() {
    const auto arrived = [&](const Delivery& delivery) { return delivery.cycle < now_; };
    const auto split = std::stable_partition(on_last_link_.begin(), on_last_link_.end(), arrived);
    arrived_.insert(arrived_.end(), on_last_link_.begin(), split);
    n_arrived_ += split - on_last_link_.begin();
    on_last_link_.erase(on_last_link_.begin(), split);
}

}  // namespace pycosim::noc
