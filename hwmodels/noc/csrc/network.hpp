/// Flit-level, cycle-accurate simulation of a network of input-buffered wormhole routers.
///
/// Work is done only where something can happen. A router is visited in a cycle in which a front flit becomes
/// able to act, a credit that somebody waits for returns, or an output that somebody waits for is released;
/// each of these cycles is known when its cause happens. Effects of a visit reach other routers one cycle
/// later at the earliest, so the order of visits within a cycle does not matter and the result equals that
/// of a simulation that steps every router through every cycle.
///
/// Sources are not visited at all: the FIFO behind a source is kept filled ahead of time, with flits that may
/// act in the cycle that their launch cycle implies.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "arbiter.hpp"
#include "calendar.hpp"
#include "graph.hpp"
#include "packet_network.hpp"
#include "packets.hpp"
#include "ports.hpp"

namespace pycosim::noc {

enum class RouterKind { credit3, credit4, credit5, handshake };

/// How a head flit gets its output.
enum class Grant {
    with_credit,     ///< needs a credit to bid and moves in the cycle in which it wins (credit3)
    then_move,       ///< bids without a credit and moves one cycle later at the earliest (credit4, credit5)
    move_if_space    ///< bids without looking ahead and moves in the same cycle if there is space (handshake)
};

class Network final : public PacketNetwork {
public:
    /// Without `remember`, packets are forgotten whenever all that were injected have arrived and were taken.
    Network(Graph graph, RouterKind kind, std::int32_t depth, ArbiterKind arbiter, bool remember);

    /// Adds packets; all spans have the same length. Returns the id of the first of them.
    std::int64_t inject(std::span<const std::int64_t> cycle, std::span<const std::int32_t> source,
                        std::span<const std::int32_t> destination, std::span<const std::int32_t> flits) override;

    /// Simulates the cycles before `until`, with at most about `max_visits` router visits.
    /// Returns false if it stopped early; calling again goes on.
    bool advance(std::int64_t until, std::int64_t max_visits) override;

    /// Simulates until nothing is in flight, with at most about `max_visits` router visits; see advance().
    bool drain(std::int64_t max_visits) override;

    /// Ids and arrival cycles of the packets that arrived before now() since the last call, by (cycle, id).
    std::vector<std::pair<std::int64_t, std::int64_t>> take_arrivals() override;

    std::int64_t now() const override { return now_; }
    std::int64_t n_packets() const { return n_forgotten_ + static_cast<std::int64_t>(packets_.size()); }
    std::int64_t n_in_flight() const override { return n_packets() - n_arrived_; }
    std::int64_t n_visits() const { return n_visits_; }
    std::int64_t n_moves() const { return n_moves_; }
    const Graph& graph() const { return graph_; }
    /// Those that are remembered.
    const std::vector<Packet>& packets() const { return packets_; }

    /// Flits carried per router output, then per injection link.
    std::vector<std::int64_t> link_flits() const;
    /// Cycle in which each packet's head left its source queue, -1 if not before now().
    std::vector<std::int64_t> launch_cycles() const { return before_now(launch_cycles_); }
    /// Arrival cycle of each packet, -1 if not before now().
    std::vector<std::int64_t> arrival_cycles() const { return before_now(arrival_cycles_); }

    /// Router-to-router links between two terminals, and the latency of a lone packet whose flits never wait for a credit.
    struct Path {
        std::int64_t hops;
        std::int64_t cycles;
    };
    Path path(std::int32_t source, std::int32_t destination, std::int64_t flits) const;

private:
    struct Delivery {
        std::int64_t cycle;
        std::int64_t packet;
    };

    void forget_packets();
    void connect_ports();
    void connect_terminals();
    std::vector<std::int64_t> before_now(const std::vector<std::int64_t>& cycles) const;
    void settle();

    bool run(std::int64_t until, std::int64_t max_visits);
    template <Grant grant>
    bool run_as(std::int64_t until, std::int64_t max_visits);
    void enter_packets();
    void start_packet(Source& source, std::int32_t id);
    void launch(Source& source);
    template <Grant grant>
    void visit(std::int32_t router_id);
    template <Grant grant>
    bool serve(std::int32_t router_id, Router& router, int output, std::uint64_t bidders);
    template <Grant grant>
    int choose(const Router& router, int output, std::uint64_t bidders);
    std::uint64_t oldest(const Router& router, std::uint64_t bidders) const;
    bool may_send(std::int32_t router_id, const Output& output);
    bool send(Router& router, Input& input, Output& output);
    void pop(Router& router, Input& input);
    void push(Input& input, std::int64_t cycle, std::int32_t packet, std::int32_t marks);
    void set_front(Input& input);
    void allocate(Input& input);
    std::int64_t tail_slot(const Input& input) const;

    Graph graph_;
    RouterKind kind_;
    ArbiterKind arbiter_;
    std::int32_t depth_;
    std::int64_t head_cycles_;    ///< wait of a new front head before it may bid
    std::int64_t grant_cycles_;   ///< from a head's first possible bid until it moves, alone
    std::int64_t launch_gap_;     ///< between two flits of a source
    std::int64_t accept_cycles_;  ///< from a launch until the FIFO takes the flit (handshake only)

    std::vector<Router> routers_;
    std::vector<Input> inputs_;    ///< per port, then one per terminal that can run out of credits
    std::vector<Output> outputs_;  ///< per port
    std::vector<Source> sources_;  ///< per terminal
    std::vector<std::int64_t> inject_cycles_;  ///< per terminal: from launch (acceptance) to the first bid
    std::vector<Slot> slots_;
    ServiceOrder service_order_;

    std::vector<Packet> packets_;
    std::vector<std::int64_t> launch_cycles_;
    std::vector<std::int64_t> arrival_cycles_;
    PendingPackets pending_;
    Calendar calendar_;
    std::vector<Delivery> on_last_link_;  ///< left their last router, arrive at or after now()
    std::vector<Delivery> arrived_;       ///< arrived before now(), not taken yet

    bool remember_;
    std::int64_t n_forgotten_ = 0;  ///< packets before the first of packets_
    std::int64_t now_ = 0;
    std::int64_t n_arrived_ = 0;
    std::int64_t last_arrival_ = -1;
    std::int64_t n_visits_ = 0;
    std::int64_t n_moves_ = 0;
};

}  // namespace pycosim::noc
