/// The packets of a network, whatever carries them: those that wait for their cycle, those under way, arrivals.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "graph.hpp"
#include "packet_network.hpp"
#include "packets.hpp"
#include "pipeline.hpp"

namespace pycosim::noc {

/// The flits of a packet that nothing holds up but its own head.
class Train {
public:
    /// The head may bid in its first router from cycle `head` on, the others follow at a distance of `gap`.
    Train(std::int64_t head, std::int64_t flits, std::int64_t gap) : head_(head) {
        for (std::int64_t k = 1; k < flits; ++k) behind_.push_back(k * gap);
    }

    /// Over a link: the head waits, and flits behind it catch up as far as the spacing of the link allows.
    void pass(std::int64_t wait, std::int64_t spacing, std::int64_t travel) {
        head_ += wait + travel;
        std::int64_t before = 0;
        for (std::int64_t& distance : behind_) before = distance = std::max(distance - wait, before + spacing);
    }

    std::int64_t tail() const { return behind_.empty() ? head_ : head_ + behind_.back(); }

private:
    std::int64_t head_;
    std::vector<std::int64_t> behind_;  ///< distance of each further flit from the head
};

class PacketBook : public PacketNetwork {
public:
    /// Without `remember`, packets are forgotten whenever all that were injected have arrived and were taken.
    PacketBook(Graph graph, RouterKind kind, bool remember) : graph_(std::move(graph)), pipeline_(kind), remember_(remember) {}

    std::int64_t inject(std::span<const std::int64_t> cycle, std::span<const std::int32_t> source,
                        std::span<const std::int32_t> destination, std::span<const std::int32_t> flits,
                        std::span<const std::uint8_t> joins) final;

    void take_arrivals(std::vector<std::int64_t>& ids, std::vector<std::int64_t>& cycles) final;

    std::int64_t now() const final { return now_; }
    std::int64_t n_packets() const { return n_forgotten_ + static_cast<std::int64_t>(packets_.size()); }
    std::int64_t n_in_flight() const final { return n_packets() - n_arrived_; }
    std::int64_t n_visits() const { return n_visits_; }
    std::int64_t n_moves() const { return n_moves_; }
    /// Those that are remembered.
    const std::vector<Packet>& packets() const { return packets_; }

    /// Cycle in which each packet's head left its source queue, -1 if not before now().
    std::vector<std::int64_t> launch_cycles() const { return before_now(launch_cycles_); }
    /// Arrival cycle of each packet, -1 if not before now().
    std::vector<std::int64_t> arrival_cycles() const { return before_now(arrival_cycles_); }

    /// Router-to-router links between two terminals, and the latency of a lone packet whose flits never wait for a credit.
    struct Path {
        std::int64_t hops;
        std::int64_t cycles;
    };
    Path path(std::int32_t source, std::int32_t destination, std::int32_t flits) const;

    /// Flits per router output, then per injection link, if so many go from terminal to terminal; `joins` as for inject().
    std::vector<std::int64_t> flow_flits(std::span<const std::int32_t> source, std::span<const std::int32_t> destination,
                                         std::span<const std::int64_t> flits, std::span<const std::uint8_t> joins) const;

    /// Router outputs of each kind that a packet takes and none that it goes along with took before: row after row for
    /// the packets, of `n_kinds` each. Outputs of a kind below 0 do not count.
    std::vector<std::int64_t> count_links(std::span<const std::int32_t> source, std::span<const std::int32_t> destination,
                                          std::span<const std::uint8_t> joins, std::span<const std::int64_t> kind_of_port,
                                          std::int64_t n_kinds) const;

protected:
    struct Delivery {
        std::int64_t cycle;
        std::int64_t packet;
    };

    /// Notes that the tail of a packet, and of those with it, arrives; what happens at or after now() is kept back until then.
    void deliver(std::int64_t cycle, std::int32_t packet) {
        for (last_arrival_ = std::max(last_arrival_, cycle); packet >= 0; packet = mate(packet)) {
            arrival_cycles_[packet] = cycle;
            on_last_link_.push_back({cycle, packet});
        }
    }
    void set_launch(std::int32_t packet, std::int64_t cycle) {
        for (; packet >= 0; packet = mate(packet)) launch_cycles_[packet] = cycle;
    }
    /// Lets a packet, of which its router takes the head in cycle `cycle`, travel alone; calls visit(port) for each
    /// output on its way. Returns the arrival cycle of its tail.
    template <class Visit>
    std::int64_t travel_alone(const Packet& packet, std::int64_t cycle, Visit&& visit) const {
        const std::int32_t entry = graph_.port_of_terminal[packet.source];
        Train train(cycle + delays(pipeline_.kind, graph_.link_cycles[entry]).inject, packet.flits, pipeline_.launch_gap);
        const std::int64_t wait = pipeline_.head_cycles + pipeline_.win_cycles;
        for (std::int32_t port = entry; port >= 0; port = graph_.peer[port]) {
            const std::int32_t router = graph_.router_of_port[port];
            port = graph_.first_port[router] + route(graph_, router, graph_.places[router], packet);
            visit(port);
            const Delays link = delays(pipeline_.kind, graph_.link_cycles[port]);
            const std::int64_t travel = graph_.terminal[port] >= 0 ? link.deliver : link.travel;
            train.pass(wait, pipeline_.spacing(graph_.flit_cycles[port]), travel);
        }
        return train.tail();
    }
    Packet packet_to(std::int32_t source, std::int32_t destination, std::int32_t flits, std::int64_t cycle) const {
        const auto to = static_cast<std::size_t>(destination);
        return {cycle, destination, graph_.terminal_x[to], graph_.terminal_y[to], flits, source, -1};
    }
    /// Packet that goes along with this one, -1 if none.
    std::int32_t mate(std::int32_t id) const { return mates_.empty() ? -1 : mates_[static_cast<std::size_t>(id)]; }
    /// Whether a packet goes along with another one from its source on.
    bool follows(std::int32_t id) const { return !follows_.empty() && follows_[static_cast<std::size_t>(id)] != 0; }
    /// Packets that take one output of a router together: a list by mate(), from `first` on.
    struct Branch {
        std::int32_t output;
        std::int32_t first;
        std::int32_t last;
    };
    /// Splits a list of packets that are in a router into those that take the same output, by order of outputs.
    void split(std::int32_t router, std::int32_t first, std::vector<Branch>& branches);
    bool all_delivered() const { return n_arrived_ + static_cast<std::int64_t>(on_last_link_.size()) == n_packets(); }
    /// Forgets packets that have arrived; nothing refers to them any more.
    virtual void forget_packets();
    /// Number under which a packet is known outside.
    std::int64_t number_of(std::int64_t id) const { return n_forgotten_ + id; }
    void settle(bool done, std::int64_t until);
    void settle_drained(bool done, std::int64_t start);

    Graph graph_;
    Pipeline pipeline_;
    std::vector<Packet> packets_;
    std::vector<std::int64_t> launch_cycles_;
    std::vector<std::int64_t> arrival_cycles_;
    PendingPackets pending_;
    std::vector<std::int32_t> mates_;     ///< (n_packets,), or empty as long as no packets go together
    std::vector<std::uint8_t> follows_;
    std::int64_t now_ = 0;
    std::int64_t n_visits_ = 0;
    std::int64_t n_moves_ = 0;

private:
    /// Calls visit(packet, port) for each output on the ways of packets, once for packets that go together.
    template <class Visit>
    void visit_links(std::span<const std::int32_t> source, std::span<const std::int32_t> destination,
                     std::span<const std::uint8_t> joins, Visit&& visit) const {
        std::vector<std::size_t> last(static_cast<std::size_t>(graph_.n_ports()), source.size());
        std::size_t group = 0;
        for (std::size_t k = 0; k < source.size(); ++k) {
            if (joins.empty() || joins[k] == 0) group = k;
            travel_alone(packet_to(source[k], destination[k], 1, 0), 0, [&](std::int32_t port) {
                if (std::exchange(last[static_cast<std::size_t>(port)], group) != group) visit(k, static_cast<std::size_t>(port));
            });
        }
    }
    std::vector<std::int64_t> before_now(const std::vector<std::int64_t>& cycles) const;
    void move_arrivals();
    void sort_arrivals();

    static constexpr std::size_t kFewMoves = 8;  ///< of each packet, to sort arrivals

    bool remember_;
    std::int64_t n_forgotten_ = 0;        ///< packets before the first of packets_
    std::vector<Delivery> on_last_link_;  ///< left their last router, arrive at or after now()
    std::vector<Delivery> arrived_;       ///< arrived before now(), not taken yet
    std::int64_t n_arrived_ = 0;
    std::int64_t last_arrival_ = -1;
};

}  // namespace pycosim::noc
