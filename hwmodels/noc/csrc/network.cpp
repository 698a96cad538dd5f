// Construction, injection and queries; the simulation of cycles is in advance.cpp.
#include "network.hpp"

#include <algorithm>

namespace pycosim::noc {
namespace {

int most_ports(const Graph& graph) {
    int most = 1;
    for (std::int32_t r = 0; r < graph.n_routers(); ++r) {
        most = std::max(most, graph.first_port[r + 1] - graph.first_port[r]);
    }
    return most;
}

}  // namespace

Network::Network(Graph graph, RouterKind kind, std::int32_t depth, ArbiterKind arbiter, bool remember)
    : PacketBook(std::move(graph), kind, remember),
      arbiter_(arbiter),
      depth_(depth),
      routers_(static_cast<std::size_t>(graph_.n_routers())),
      inputs_(static_cast<std::size_t>(graph_.n_ports())),
      outputs_(static_cast<std::size_t>(graph_.n_ports())),
      sources_(static_cast<std::size_t>(graph_.n_terminals())),
      inject_cycles_(static_cast<std::size_t>(graph_.n_terminals()), 0),
      ways_form_trees_(graph_.next_port.empty() && graph_.ring_columns == 0 && graph_.ring_rows == 0),
      calendar_(graph_.n_routers()) {
    if (arbiter_ == ArbiterKind::least_recently_served) service_order_ = ServiceOrder(graph_.n_ports(), most_ports(graph_));
    channel_free_.assign(static_cast<std::size_t>(graph_.n_channels()), 0);
    connect_ports();
    connect_terminals();
    may_fly_ = ways_form_trees_ && kind != RouterKind::handshake && graph_.n_channels() == 0;
    effect_cycles_ = longest_effect();
    last_uses_.resize(static_cast<std::size_t>(graph_.n_ports() + graph_.n_terminals()));
    for (const Output& output : outputs_) {
        const bool last = output.terminal >= 0 || output.next_input < 0;
        const std::int32_t router = last ? -1 : inputs_[output.next_input].router;
        onward_.push_back({output.travel_cycles, output.spacing, output.next_input, router});
    }
    tabulate_routes();
}

/// Looks routes up where that takes little memory.
void Network::tabulate_routes() {
    const std::size_t n_terminals = graph_.terminal_x.size();
    if (!graph_.next_port.empty() || routers_.size() * n_terminals > kLargestTable) return;
    std::vector<std::uint8_t> table;
    for (std::int32_t router = 0; router < graph_.n_routers(); ++router) {
        for (std::int32_t to = 0; to < graph_.n_terminals(); ++to) {
            const Packet packet = packet_to(0, to, 1, 0);
            table.push_back(static_cast<std::uint8_t>(route(graph_, router, graph_.places[router], packet)));
        }
    }
    graph_.next_port = std::move(table);
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
            outputs_[port].channel = graph_.channel[port];
            outputs_[port].spacing = pipeline_.spacing(graph_.flit_cycles[port]);
        }
    }
    for (std::int32_t port = 0; port < graph_.n_ports(); ++port) {
        const std::int32_t peer = graph_.peer[port];
        if (peer < 0) continue;
        const Delays link = delays(pipeline_.kind, graph_.link_cycles[port]);
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
        const Delays link = delays(pipeline_.kind, graph_.link_cycles[port]);
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

}  // namespace pycosim::noc
