/// Flit-level, cycle-accurate simulation of a network of input-buffered wormhole routers.
///
/// Work is done only where something can happen. A router is visited in a cycle in which a front flit becomes
/// able to act, a credit that somebody waits for returns, or an output that somebody waits for is released;
/// each of these cycles is known when its cause happens. Effects of a visit reach other routers one cycle
/// later at the earliest, so the order of visits within a cycle does not matter and the result equals that
/// of a simulation that steps every router through every cycle.
///
/// Packets that meet no others are not simulated at all: flights.cpp finds their cycles from the windows in which they
/// use links.
///
/// Sources are not visited at all: the FIFO behind a source is kept filled ahead of time, with flits that may
/// act in the cycle that their launch cycle implies.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "arbiter.hpp"
#include "book.hpp"
#include "calendar.hpp"
#include "ports.hpp"

namespace pycosim::noc {

/// How a head flit gets its output.
enum class Grant {
    with_credit,     ///< needs a credit to bid and moves in the cycle in which it wins (credit3)
    then_move,       ///< bids without a credit and moves one cycle later at the earliest (credit4, credit5)
    move_if_space    ///< bids without looking ahead and moves in the same cycle if there is space (handshake)
};

class Network final : public PacketBook {
public:
    /// Without `remember`, packets are forgotten whenever all that were injected have arrived and were taken.
    Network(Graph graph, RouterKind kind, std::int32_t depth, ArbiterKind arbiter, bool remember);

    /// Simulates the cycles before `until`, with at most about `max_visits` router visits.
    /// Returns false if it stopped early; calling again goes on.
    bool advance(std::int64_t until, std::int64_t max_visits) override;

    /// Simulates until nothing is in flight, with at most about `max_visits` router visits; see advance().
    bool drain(std::int64_t max_visits) override;

    /// Flits carried per router output, then per injection link.
    std::vector<std::int64_t> link_flits() const;

private:
    void connect_ports();
    void connect_terminals();
    void tabulate_routes();
    bool run(std::int64_t until, std::int64_t max_visits);
    template <Grant grant>
    bool run_as(std::int64_t until, std::int64_t max_visits);
    template <Grant grant>
    void enter_packets(std::int64_t until);
    void start_packet(Source& source, std::int32_t id);
    void launch(Source& source);
    Slot next_flit(Source& source, const Input& input);
    std::int64_t rival_cycle(std::int32_t source);
    template <Grant grant>
    void run_ahead(Source& source, std::int64_t limit);
    void leave_place(Input& input, std::int64_t cycle);
    template <Grant grant>
    void visit(std::int32_t router_id);
    template <Grant grant>
    bool serve(std::int32_t router_id, Router& router, int output, std::uint64_t bidders);
    template <Grant grant>
    int choose(const Router& router, int output, std::uint64_t bidders, std::int64_t cycle);
    std::uint64_t oldest(const Router& router, std::uint64_t bidders) const;
    bool may_send(std::int32_t router_id, const Output& output);
    bool send(Router& router, Input& input, Output& output);
    bool leave(Router& router, Input& input, Slot& flit, int output);
    void part(Input& input, std::int32_t packet);
    void pop(Router& router, Input& input);
    void push(Input& input, std::int64_t cycle, std::int32_t packet, std::int32_t marks);
    void set_front(Input& input);
    void allocate(Input& input);
    std::int64_t tail_slot(const Input& input) const;

    /// A packet of which it is known when it arrives.
    struct Flight {
        std::int32_t packet;
        std::int64_t launch, arrival;
    };
    /// What a group of packets does with an output or an injection link.
    struct Use {
        std::int32_t link;     ///< output, or n_ports + terminal
        std::int32_t earlier;  ///< use of it by the group before that used it, -1 if none
        std::int32_t n;        ///< flits
        std::int32_t port;     ///< over which they come
        std::int64_t first;    ///< bid
        std::int64_t last;     ///< move
        std::int64_t left;     ///< last move out of the input behind it
    };
    /// Where an output leads: as much of Output and Input as a packet needs that meets no others.
    struct Onward {
        std::int64_t travel, spacing;
        std::int32_t input, router;  ///< -1: none; no router behind the link to a terminal
    };
    struct LastUse {
        std::int64_t group = 0;
        std::int32_t use = -1;
    };
    struct MoveAhead {
        std::int32_t input;
        std::int64_t cycle;
    };
    static constexpr std::size_t kLargestTable = 1 << 16;
    static constexpr std::int64_t kLongAgo = -(std::int64_t{1} << 40);

    std::int64_t longest_effect() const;
    void fly(std::int64_t until, std::int64_t stop);
    bool fly_together(std::int64_t until);
    bool add_group();
    std::int64_t fly_one(const Packet& packet, std::int32_t port, std::int64_t cycle, std::int32_t before);
    std::int32_t use_of(std::int32_t link);
    bool meets(const Use& use) const;
    void land();
    void remember_places(std::int64_t cycle);
    std::int64_t next_entry() const;
    std::int32_t take_entry();

    /// A flit that goes over a channel which it shares with other outputs.
    struct Shared {
        std::int32_t port;
        Slot flit;
    };
    void pass_channels();
    void hand_on(const Output& output, std::int64_t start, const Slot& flit);

    ArbiterKind arbiter_;
    std::int32_t depth_;

    std::vector<Router> routers_;
    std::vector<Input> inputs_;    ///< per port, then one per terminal that can run out of credits
    std::vector<Output> outputs_;  ///< per port
    std::vector<Source> sources_;  ///< per terminal
    std::vector<std::int64_t> inject_cycles_;  ///< per terminal: from launch (acceptance) to the first bid
    std::vector<Slot> slots_;
    bool ways_form_trees_;               ///< the ways from a source do
    std::int64_t n_inside_ = 0;          ///< packets that entered source queues and have not left their last router
    std::int64_t ahead_until_ = -1;      ///< last move of a packet that ran ahead
    std::int32_t rival_source_ = -1;     ///< source that rival_cycle_ is for
    std::int64_t rival_cycle_ = 0;
    bool may_fly_;                       ///< the ways from a source form trees, and flits wait for nothing but credits
    std::int64_t effect_cycles_;         ///< after a move, until it holds nothing up any more
    std::int64_t clean_at_ = 0;          ///< first cycle in which no move so far holds anything up
    std::int64_t group_ = 0;             ///< number of the last group that flew
    std::int64_t first_group_ = 0;       ///< of those that fly together
    std::int64_t last_move_ = 0;         ///< of them
    std::vector<Flight> flights_;
    std::vector<Use> uses_;              ///< the first n_uses_ are those of the groups that fly together
    std::int32_t n_uses_ = 0;
    std::vector<Onward> onward_;         ///< per output
    std::vector<LastUse> last_uses_;     ///< per output, then per injection link
    std::vector<MoveAhead> moves_ahead_; ///< of which the places behind are not taken note of
    std::deque<std::int32_t> held_;      ///< packets that met others, to be simulated by cycles
    std::vector<std::vector<Branch>> branches_;  ///< per port, where the packets of a front flit part; or empty
    ServiceOrder service_order_;
    Calendar calendar_;
    std::vector<std::int64_t> channel_free_;  ///< per channel: first cycle in which it takes another flit
    std::vector<Shared> shared_;              ///< flits that moved onto channels in this cycle
};

}  // namespace pycosim::noc
