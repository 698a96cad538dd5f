// Simulation of cycles: visits of routers, moves of flits, launches of sources.
#include <algorithm>
#include <array>
#include <bit>

#include "network.hpp"

namespace pycosim::noc {

bool Network::advance(std::int64_t until, std::int64_t max_visits) {
    const bool done = run(until, max_visits);
    settle(done, until);
    return done;
}

bool Network::drain(std::int64_t max_visits) {
    const std::int64_t start = now_;
    const bool done = run(kNever, max_visits);
    settle_drained(done, start);
    return done;
}

bool Network::run(std::int64_t until, std::int64_t max_visits) {
    switch (pipeline_.kind) {
        case RouterKind::credit3: return run_as<Grant::with_credit>(until, max_visits);
        case RouterKind::handshake: return run_as<Grant::move_if_space>(until, max_visits);
        default: return run_as<Grant::then_move>(until, max_visits);
    }
}

template <Grant grant>
bool Network::run_as(std::int64_t until, std::int64_t max_visits) {
    const std::int64_t stop = n_visits_ + max_visits;
    rival_source_ = -1;
    for (;;) {
        if (n_inside_ == 0) fly(until, stop);
        const std::int64_t next = std::min(calendar_.next_cycle(now_), next_entry());
        if (next >= until) return true;
        now_ = next;
        enter_packets<grant>(until);
        calendar_.take(next, [this](std::int32_t router) { visit<grant>(router); });
        pass_channels();
        if (n_visits_ >= stop && now_ >= ahead_until_ && !all_delivered()) return false;
    }
}

/// Puts the packets of this cycle into their source queues, or lets them run ahead.
template <Grant grant>
void Network::enter_packets(std::int64_t until) {
    while (next_entry() == now_) {
        const std::int32_t id = take_entry();
        const bool alone = ways_form_trees_ && n_inside_ == 0;
        ++n_inside_;
        if (follows(id)) continue;
        Source& source = sources_[packets_[id].source];
        if (alone && packets_[id].flits == 1 && mate(id) < 0) {
            start_packet(source, id);
            run_ahead<grant>(source, std::min(until, rival_cycle(packets_[id].source)));
            continue;
        }
        if (source.first >= 0) {
            packets_[source.last].next = id;
            source.last = id;
            continue;
        }
        source.last = id;
        start_packet(source, id);
        launch(source);
    }
}

/// Makes a packet the next to leave its source queue.
void Network::start_packet(Source& source, std::int32_t id) {
    const Packet& packet = packets_[id];
    source.first = id;
    source.flits_left = packet.flits;
    // With the handshake, the head is offered to the FIFO as soon as the flit before it was accepted.
    if (pipeline_.kind == RouterKind::handshake) launch_cycles_[id] = std::max(source.last_cycle + 1, packet.cycle);
}

/// Fills the FIFO behind a source with flits that may act when their launch cycle implies it.
void Network::launch(Source& source) {
    Input& input = inputs_[source.input];
    while (source.first >= 0 && input.count < depth_) {
        const Slot flit = next_flit(source, input);
        push(input, flit.cycle, flit.packet, flit.marks);
    }
}

/// Takes the next flit out of a source; there must be one, and a place for it.
Slot Network::next_flit(Source& source, const Input& input) {
    const std::int32_t id = source.first;
    const Packet& packet = packets_[id];
    const std::int64_t place_free = input.first_slot < 0 ? 0 : slots_[tail_slot(input)].cycle;
    const std::int64_t earliest = std::max(source.last_cycle + pipeline_.launch_gap, packet.cycle + pipeline_.accept_cycles);
    source.last_cycle = std::max(earliest, place_free);
    ++source.flits;
    std::int32_t marks = 0;
    if (source.flits_left == packet.flits) {
        marks |= kHead;
        if (pipeline_.kind != RouterKind::handshake) set_launch(id, source.last_cycle);
    }
    if (--source.flits_left == 0) {
        marks |= kTail;
        source.first = -1;
        if (packet.next >= 0) start_packet(source, packet.next);
    }
    return {source.last_cycle + inject_cycles_[packet.source], id, marks};
}

/// First cycle in which a source other than this one may get a packet.
std::int64_t Network::rival_cycle(std::int32_t source) {
    if (source != rival_source_ || now_ >= rival_cycle_) {
        rival_source_ = source;
        rival_cycle_ = pending_.next_cycle_of_others(packets_, source);
        const auto rival = std::find_if(held_.begin(), held_.end(), [&](std::int32_t id) { return packets_[id].source != source; });
        if (rival != held_.end()) rival_cycle_ = std::min(rival_cycle_, packets_[*rival].cycle);
    }
    return rival_cycle_;
}

/// Lets the only packet of a source go through router after router at once, up to its first move at or after `limit`;
/// there it stays for the simulation by cycles.
///
/// Until then, no packet of another source is in the network, and the ways from one source form a tree: all packets
/// in a router came over the same input, one behind the other. So what can hold this one up are times that those before
/// it left behind: when they left the input, when the output is free, and when a place behind it is.
template <Grant grant>
void Network::run_ahead(Source& source, std::int64_t limit) {
    std::int32_t port = source.input;
    Slot flit = next_flit(source, inputs_[port]);
    for (;;) {
        Input& input = inputs_[port];
        const Router& router = routers_[input.router];
        const int number = route(graph_, input.router, router.place, packets_[flit.packet]);
        Output& output = outputs_[router.first_port + number];
        const std::int64_t bid = std::max(flit.cycle, input.ready) + pipeline_.head_cycles;
        std::int64_t move = std::max(bid + pipeline_.win_cycles, output.free_at);
        if (output.next_input >= 0) {
            const Input& next = inputs_[output.next_input];
            if (next.first_slot >= 0) move = std::max(move, slots_[tail_slot(next)].cycle);
        }
        if (move >= limit || output.channel >= 0) return push(input, flit.cycle, flit.packet, flit.marks);
        choose<grant>(router, number, std::uint64_t{1} << input.port, grant == Grant::then_move ? bid : move);
        ++n_visits_;
        ++n_moves_;
        ++output.flits;
        output.free_at = move + output.spacing;
        ahead_until_ = std::max(ahead_until_, move);
        clean_at_ = std::max(clean_at_, move + effect_cycles_);
        leave_place(input, move);
        if (output.terminal >= 0) return hand_on(output, move, flit);
        flit.cycle = move + output.travel_cycles;
        port = output.next_input;
    }
}

/// Frees the first place of an empty FIFO, which a flit went through.
void Network::leave_place(Input& input, std::int64_t cycle) {
    if (input.first_slot < 0) allocate(input);
    slots_[input.first_slot + input.head].cycle = cycle + input.credit_cycles;
    input.head = input.head + 1 == depth_ ? 0 : input.head + 1;
    input.ready = cycle + 1;
}

/// One cycle of one router: every flit that may act bids or moves, then the bids are decided.
template <Grant grant>
void Network::visit(std::int32_t router_id) {
    ++n_visits_;
    Router& router = routers_[router_id];
    std::array<std::uint64_t, 64> bidders;  // of the outputs in `contested`; the others hold nothing
    std::uint64_t contested = 0, blocked = 0, released = 0;
    const auto bid = [&](int port, int number) {
        const std::uint64_t bit = std::uint64_t{1} << number;
        Output& output = outputs_[router.first_port + number];
        if (output.held || (released & bit) != 0) {
            blocked |= bit;
        } else if (grant != Grant::with_credit || may_send(router_id, output)) {
            const std::uint64_t others = (contested & bit) != 0 ? bidders[number] : 0;
            bidders[number] = others | std::uint64_t{1} << port;
            contested |= bit;
            if (others != 0) blocked |= bit;
        }
    };
    for (std::uint64_t left = router.occupied; left != 0; left &= left - 1) {
        const int port = std::countr_zero(left);
        Input& input = inputs_[router.first_port + port];
        if (input.ready > now_) continue;
        const int number = input.output;  // sending brings the next flit to the front
        Output& output = outputs_[router.first_port + number];
        if (input.parts) {
            for (const Branch& branch : branches_[router.first_port + port]) bid(port, branch.output);
        } else if (!input.granted) {
            bid(port, number);
        } else if (may_send(router_id, output) && send(router, input, output)) {
            released |= std::uint64_t{1} << number;
        }
    }
    for (; contested != 0; contested &= contested - 1) {
        const int output = std::countr_zero(contested);
        if (serve<grant>(router_id, router, output, bidders[output])) released |= std::uint64_t{1} << output;
    }
    if ((blocked & released) != 0) calendar_.book(router_id, now_, now_ + 1);
}

/// Decides the bids for one output. Returns true if the output is free again in the next cycle.
template <Grant grant>
bool Network::serve(std::int32_t router_id, Router& router, int output_number, std::uint64_t bidders) {
    Output& output = outputs_[router.first_port + output_number];
    Input& winner = inputs_[router.first_port + choose<grant>(router, output_number, bidders, now_)];
    winner.granted = output.held = true;
    if constexpr (grant == Grant::then_move) {
        calendar_.book(router_id, now_, now_ + 1);
        return false;
    }
    if (grant == Grant::move_if_space && !may_send(router_id, output)) return false;
    return send(router, winner, output);
}

template <Grant grant>
int Network::choose(const Router& router, int output, std::uint64_t bidders, std::int64_t cycle) {
    if constexpr (grant == Grant::move_if_space) return first_scanned(bidders, cycle);
    if (arbiter_ == ArbiterKind::least_recently_served) {
        return service_order_.take(router.first_port + output, bidders, cycle);
    }
    if (arbiter_ == ArbiterKind::oldest_first && !std::has_single_bit(bidders)) bidders = oldest(router, bidders);
    std::uint8_t& pointer = outputs_[router.first_port + output].pointer;
    const int winner = first_from(bidders, pointer);
    pointer = static_cast<std::uint8_t>(winner + 1 == router.n_ports ? 0 : winner + 1);
    return winner;
}

/// Those bidders whose packets have the smallest cycle.
std::uint64_t Network::oldest(const Router& router, std::uint64_t bidders) const {
    std::int64_t first_cycle = kNever;
    std::uint64_t first = 0;
    for (; bidders != 0; bidders &= bidders - 1) {
        const Input& input = inputs_[router.first_port + std::countr_zero(bidders)];
        const std::int64_t cycle = packets_[slots_[input.first_slot + input.head].packet].cycle;
        if (cycle > first_cycle) continue;
        if (cycle < first_cycle) first = 0;
        first_cycle = cycle;
        first |= bidders & -bidders;
    }
    return first;
}

/// Whether the link and the place behind it are free; if not, sees to it that the router is visited when they are.
bool Network::may_send(std::int32_t router_id, const Output& output) {
    if (output.free_at > now_) {
        calendar_.book(router_id, now_, output.free_at);
        return false;
    }
    if (output.next_input < 0) return true;
    Input& next = inputs_[output.next_input];
    if (next.count == depth_) {
        next.sender_waits = true;
        return false;
    }
    if (next.first_slot < 0) return true;
    const std::int64_t place_free = slots_[tail_slot(next)].cycle;
    if (place_free > now_) {
        calendar_.book(router_id, now_, place_free);
        return false;
    }
    return true;
}

/// Moves the front flit of an input through its output. Returns true if that releases the output.
bool Network::send(Router& router, Input& input, Output& output) {
    Slot flit = slots_[input.first_slot + input.head];
    const bool tail = (flit.marks & kTail) != 0;
    ++n_moves_;
    ++output.flits;
    output.free_at = now_ + output.spacing;
    clean_at_ = std::max(clean_at_, now_ + effect_cycles_);
    if (tail) input.granted = output.held = false;
    const int number = static_cast<int>(&output - outputs_.data()) - router.first_port;
    if (!input.parts || leave(router, input, flit, number)) pop(router, input);
    if (output.channel >= 0) {
        shared_.push_back({static_cast<std::int32_t>(&output - outputs_.data()), flit});
    } else {
        hand_on(output, now_, flit);
    }
    return tail;
}

/// Takes those packets of a flit that go through an output out of its front. Returns whether no others are left.
bool Network::leave(Router& router, Input& input, Slot& flit, int output) {
    std::vector<Branch>& branches = branches_[router.first_port + input.port];
    const auto branch = std::find_if(branches.begin(), branches.end(), [&](const Branch& b) { return b.output == output; });
    flit.packet = branch->first;
    branches.erase(branch);
    input.parts = !branches.empty();
    return branches.empty();
}

/// Lets a flit that goes onto its link in cycle `start` reach the other end.
void Network::hand_on(const Output& output, std::int64_t start, const Slot& flit) {
    const std::int64_t arrival = start + output.travel_cycles;
    if (output.terminal < 0) {
        push(inputs_[output.next_input], arrival, flit.packet, flit.marks);
        return;
    }
    if (output.next_input >= 0) {  // a terminal takes a flit at once and gives its place back later
        leave_place(inputs_[output.next_input], start);
    }
    if ((flit.marks & kTail) == 0) return;
    for (std::int32_t id = flit.packet; id >= 0; id = mate(id)) --n_inside_;
    deliver(arrival, flit.packet);
}

/// Puts the flits of this cycle onto the channels that they share: first come, first served, and the lowest port
/// among those that come in the same cycle. A flit has its place at the other end already, so it always gets through.
void Network::pass_channels() {
    if (shared_.empty()) return;
    std::sort(shared_.begin(), shared_.end(), [](const Shared& a, const Shared& b) { return a.port < b.port; });
    for (const Shared& one : shared_) {
        const Output& output = outputs_[one.port];
        std::int64_t& free = channel_free_[output.channel];
        const std::int64_t start = std::max(now_, free);
        free = start + output.spacing;
        hand_on(output, start, one.flit);
    }
    shared_.clear();
}

/// Takes the front flit out of a FIFO and gives its place back to the sender.
void Network::pop(Router& router, Input& input) {
    const std::int64_t place_free = now_ + input.credit_cycles;
    slots_[input.first_slot + input.head].cycle = place_free;
    input.head = input.head + 1 == depth_ ? 0 : input.head + 1;
    input.ready = now_ + 1;
    if (--input.count == 0) {
        router.occupied &= ~(std::uint64_t{1} << input.port);
    } else {
        set_front(input);
    }
    if (input.source >= 0) {
        launch(sources_[input.source]);
    } else if (input.sender_waits) {
        input.sender_waits = false;
        calendar_.book(input.sender, now_, place_free);
    }
}

/// Puts a flit, which may act from `cycle` on, at the end of a FIFO.
void Network::push(Input& input, std::int64_t cycle, std::int32_t packet, std::int32_t marks) {
    if (input.first_slot < 0) allocate(input);
    slots_[tail_slot(input)] = {cycle, packet, marks};
    if (++input.count > 1) return;
    routers_[input.router].occupied |= std::uint64_t{1} << input.port;
    set_front(input);
}

/// Prepares the front flit of a FIFO; `ready` is the cycle after the one before it left.
void Network::set_front(Input& input) {
    const Slot& flit = slots_[input.first_slot + input.head];
    input.ready = std::max(flit.cycle, input.ready);
    if ((flit.marks & kHead) != 0) {
        const Place& place = routers_[input.router].place;
        input.ready += pipeline_.head_cycles;
        input.output = static_cast<std::uint8_t>(route(graph_, input.router, place, packets_[flit.packet]));
        if (mate(flit.packet) >= 0) part(input, flit.packet);
    }
    calendar_.book(input.router, now_, input.ready);
}

/// Finds the outputs that the packets of a front flit take.
void Network::part(Input& input, std::int32_t packet) {
    if (branches_.empty()) branches_.resize(static_cast<std::size_t>(graph_.n_ports()));
    std::vector<Branch>& branches = branches_[routers_[input.router].first_port + input.port];
    split(input.router, packet, branches);
    input.parts = branches.size() > 1;
}

void Network::allocate(Input& input) {
    input.first_slot = static_cast<std::int64_t>(slots_.size());
    slots_.resize(slots_.size() + static_cast<std::size_t>(depth_), Slot{0, -1, 0});
}

/// Where the next flit goes, or the place whose credit the sender needs.
std::int64_t Network::tail_slot(const Input& input) const {
    const std::int32_t place = input.head + input.count;
    return input.first_slot + (place < depth_ ? place : place - depth_);
}

}  // namespace pycosim::noc
