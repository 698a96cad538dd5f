// Construction, injection and queries; the simulation of cycles is in advance.cpp.
#include "network.hpp"

#include <algorithm>

namespace pycosim::noc {
namespace {

// Cycles between a move and its effects. With credits, a flit spends one cycle in the crossbar and the link's
// traversal time on the link before it may act in the cycle after, and a credit travels back as long as the
// flit travelled. The handshake needs one cycle on the link and none for the terminal.
struct Delays {
    std::int64_t travel, credit, inject, inject_credit, deliver, deliver_credit;
};

Delays delays(RouterKind kind, std::int64_t link) {
    if (kind == RouterKind::handshake) return {2, 1, 1, 0, 0, 0};
    return {2 + link, 1 + link, 1 + link, 1 + link, 2 + link, 3 + 2 * link};
}

int most_ports(const Graph& graph) {
    int most = 1;
    for (std::int32_t r = 0; r < graph.n_routers(); ++r) {
        most = std::max(most, graph.first_port[r + 1] - graph.first_port[r]);
    }
    return most;
}

}  // namespace

Network::Network(Graph graph, RouterKind kind, std::int32_t depth, ArbiterKind arbiter, bool remember)
    : graph_(std::move(graph)),
      kind_(kind),
      arbiter_(arbiter),
      depth_(depth),
      head_cycles_(kind == RouterKind::credit5 ? 1 : 0),
      grant_cycles_(kind == RouterKind::credit4 ? 1 : kind == RouterKind::credit5 ? 2 : 0),
      launch_gap_(kind == RouterKind::handshake ? 2 : 1),
      accept_cycles_(kind == RouterKind::handshake ? 1 : 0),
      routers_(static_cast<std::size_t>(graph_.n_routers())),
      inputs_(static_cast<std::size_t>(graph_.n_ports())),
      outputs_(static_cast<std::size_t>(graph_.n_ports())),
      sources_(static_cast<std::size_t>(graph_.n_terminals())),
      inject_cycles_(static_cast<std::size_t>(graph_.n_terminals()), 0),
      calendar_(graph_.n_routers()),
      remember_(remember) {
    if (arbiter_ == ArbiterKind::least_recently_served) service_order_ = ServiceOrder(graph_.n_ports(), most_ports(graph_));
    connect_ports();
    connect_terminals();
}

void Network::connect_ports() {
    for (std::int32_t r = 0; r < graph_.n_routers(); ++r) {
        Router& router = routers_[r];
        router.first_port = graph_.first_port[r];
        router.n_ports = graph_.first_port[r + 1] - graph_.first_port[r];
        router.place = graph_.places[r];
        for (std::int32_t port = router.first_port; port < router.first_port + router.n_ports; ++port) {
            inputs_[port].router = r;
            inputs_[port].port = static_cast<std::uint8_t>(port - router.first_port);
            outputs_[port].spacing = kind_ == RouterKind::handshake ? 2 : graph_.flit_cycles[port];
        }
    }
    for (std::int32_t port = 0; port < graph_.n_ports(); ++port) {
        const std::int32_t peer = graph_.peer[port];
        if (peer < 0) continue;
        const Delays link = delays(kind_, graph_.link_cycles[port]);
        outputs_[port].travel_cycles = link.travel;
        outputs_[port].next_input = peer;
        inputs_[peer].credit_cycles = link.credit;
        inputs_[peer].sender = inputs_[port].router;
    }
}

void Network::connect_terminals() {
    for (std::int32_t port = 0; port < graph_.n_ports(); ++port) {
        const std::int32_t terminal = graph_.terminal[port];
        if (terminal < 0) continue;
        const Delays link = delays(kind_, graph_.link_cycles[port]);
        inputs_[port].credit_cycles = link.inject_credit;
        inputs_[port].source = terminal;
        sources_[terminal].input = port;
        inject_cycles_[terminal] = link.inject;
        outputs_[port].travel_cycles = link.deliver;
        outputs_[port].terminal = terminal;
        if (depth_ * outputs_[port].spacing < link.deliver_credit) {
            outputs_[port].next_input = static_cast<std::int32_t>(inputs_.size());
            inputs_.emplace_back().credit_cycles = link.deliver_credit;
        }
    }
}

std::int64_t Network::inject(std::span<const std::int64_t> cycle, std::span<const std::int32_t> source,
                             std::span<const std::int32_t> destination, std::span<const std::int32_t> flits) {
    if (!remember_ && n_in_flight() == 0 && arrived_.empty()) forget_packets();
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
    return n_forgotten_ + static_cast<std::int64_t>(first);
}

/// Nothing refers to them any more: queues and buffers are empty.
void Network::forget_packets() {
    n_forgotten_ = n_packets();
    packets_.clear();
    launch_cycles_.clear();
    arrival_cycles_.clear();
}

std::vector<std::int64_t> Network::before_now(const std::vector<std::int64_t>& cycles) const {
    std::vector<std::int64_t> known(cycles);
    for (std::int64_t& cycle : known) {
        if (cycle >= now_) cycle = -1;
    }
    return known;
}

std::vector<std::pair<std::int64_t, std::int64_t>> Network::take_arrivals() {
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;
    taken.reserve(arrived_.size());
    for (const Delivery& delivery : arrived_) taken.emplace_back(delivery.cycle, n_forgotten_ + delivery.packet);
    arrived_.clear();
    std::sort(taken.begin(), taken.end());
    return taken;
}

std::vector<std::int64_t> Network::link_flits() const {
    std::vector<std::int64_t> flits;
    flits.reserve(outputs_.size() + sources_.size());
    for (const Output& output : outputs_) flits.push_back(output.flits);
    for (std::size_t terminal = 0; terminal < sources_.size(); ++terminal) {
        const Input& input = inputs_[sources_[terminal].input];
        std::int64_t launched = sources_[terminal].flits;
        for (std::int32_t k = 0; k < input.count; ++k) {
            const Slot& slot = slots_[input.first_slot + (input.head + k) % depth_];
            launched -= slot.cycle - inject_cycles_[terminal] >= now_ ? 1 : 0;
        }
        flits.push_back(launched);
    }
    return flits;
}

Network::Path Network::path(std::int32_t source, std::int32_t destination, std::int64_t flits) const {
    Packet packet{};
    packet.destination = destination;
    packet.x = graph_.terminal_x[destination];
    packet.y = graph_.terminal_y[destination];
    Path path{0, accept_cycles_ + inject_cycles_[source]};
    std::int64_t spacing = launch_gap_;
    std::int32_t router = inputs_[sources_[source].input].router;
    for (;;) {
        const Output& output = outputs_[routers_[router].first_port + route(graph_, router, routers_[router].place, packet)];
        path.cycles += grant_cycles_ + output.travel_cycles;
        spacing = std::max(spacing, output.spacing);
        if (output.terminal >= 0) break;
        router = inputs_[output.next_input].router;
        ++path.hops;
    }
    path.cycles += (flits - 1) * spacing;
    return path;
}

}  // namespace pycosim::noc
