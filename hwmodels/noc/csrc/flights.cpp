// Packets that meet no others: spikes side by side in the network, whose cycles are known without simulating them.
#include <algorithm>

#include "network.hpp"

namespace pycosim::noc {

/// Cycles after a move until it holds nothing up any more.
std::int64_t Network::longest_effect() const {
    std::int64_t longest = 1;
    for (const Input& input : inputs_) longest = std::max(longest, input.credit_cycles);
    for (const Output& output : outputs_) longest = std::max(longest, output.spacing);
    return longest;
}

/// Brings packets to their destinations as long as those that are in the network together do not meet.
void Network::fly(std::int64_t until, std::int64_t stop) {
    while (may_fly_ && n_inside_ == 0 && held_.empty() && calendar_.empty() && n_visits_ < stop) {
        const std::int64_t start = pending_.next_cycle();
        if (start >= until || start < clean_at_ || !fly_together(until)) return;
    }
}

/// Brings the next packets, up to a pause after which nothing is left of them, to their destinations if no two groups
/// of them want a link or an input within the same cycles; else holds them for the simulation by cycles.
///
/// A group is what one source sends in one cycle. The ways from a source form a tree, so only packets of a group that
/// are before another one hold that one up. Groups whose times at each output do not overlap are as if each were alone;
/// credits do not matter while no more flits than a FIFO has places come to it.
bool Network::fly_together(std::int64_t until) {
    flights_.clear();
    n_uses_ = 0;
    moves_ahead_.clear();
    first_group_ = group_ + 1;
    last_move_ = 0;
    bool apart = add_group();
    while (apart && pending_.next_cycle() < last_move_ + effect_cycles_) apart = add_group();
    if (!apart || last_move_ >= until) {
        for (const Flight& flight : flights_) held_.push_back(flight.packet);
        moves_ahead_.clear();
        return false;
    }
    land();
    return true;
}

/// Finds the cycles of the packets that one source sends in one cycle, as if they were alone. Returns false if they
/// are not, or wait for each other's credits.
bool Network::add_group() {
    ++group_;
    const std::size_t first_flight = flights_.size();
    const std::int32_t first_use = n_uses_;
    if (uses_.size() < n_uses_ + last_uses_.size()) uses_.resize(n_uses_ + 2 * last_uses_.size());
    const std::int64_t cycle = pending_.next_cycle();
    const std::int32_t terminal = packets_[pending_.next()].source;
    bool simple = true;
    do {
        const std::int32_t id = pending_.pop(packets_);
        simple = simple && packets_[id].flits == 1 && mate(id) < 0 && !follows(id);
        flights_.push_back({id, 0, 0});
    } while (pending_.next_cycle() == cycle && packets_[pending_.next()].source == terminal);
    if (!simple || flights_.size() - first_flight > static_cast<std::size_t>(depth_)) return false;

    const Source& source = sources_[terminal];
    std::int64_t launch = std::max(source.last_cycle + pipeline_.launch_gap, cycle);
    const std::int32_t injection = use_of(graph_.n_ports() + terminal);
    uses_[injection].first = cycle;
    for (std::size_t k = first_flight; k < flights_.size(); ++k, launch += pipeline_.launch_gap) {
        flights_[k].launch = launch;
        ++uses_[injection].n;
        const Packet& packet = packets_[flights_[k].packet];
        flights_[k].arrival = fly_one(packet, source.input, launch + inject_cycles_[terminal], injection);
    }
    uses_[injection].last = uses_[injection].left;
    last_move_ = std::max(last_move_, uses_[injection].last);
    for (std::int32_t k = first_use; k < n_uses_; ++k) {
        if (meets(uses_[k])) return false;
    }
    return true;
}

/// Finds the cycles of a packet behind those of its group, which may act in its first router from `cycle` on; `before`
/// is the use of the link to there. Returns when it arrives.
std::int64_t Network::fly_one(const Packet& packet, std::int32_t port, std::int64_t cycle, std::int32_t before) {
    const std::int64_t head_cycles = pipeline_.head_cycles, win_cycles = pipeline_.win_cycles;
    const Onward* const onward = onward_.data();
    std::int32_t router = inputs_[port].router;
    Use* behind = &uses_[before];
    for (;;) {
        const std::int32_t out = graph_.first_port[router] + route(graph_, router, graph_.places[router], packet);
        const Onward& link = onward[out];
        const std::int64_t bid = std::max(cycle, behind->left + 1) + head_cycles;
        Use* const use = &uses_[use_of(out)];
        const std::int64_t move = std::max(bid + win_cycles, use->last + link.spacing);
        if (use->n++ == 0) use->first = bid, use->port = port;
        use->last = behind->left = move;
        moves_ahead_.push_back({port, move});
        cycle = move + link.travel;
        if (link.router < 0) {
            if (link.input >= 0) moves_ahead_.push_back({link.input, move});
            last_move_ = std::max(last_move_, move);
            return cycle;
        }
        behind = use;
        port = link.input;
        router = link.router;
    }
}

/// The use that the current group makes of an output, or, behind these, of an injection link.
std::int32_t Network::use_of(std::int32_t link) {
    LastUse& last = last_uses_[link];
    if (last.group == group_) return last.use;
    const std::int32_t earlier = last.group >= first_group_ ? last.use : -1;
    last = {group_, n_uses_};
    uses_[n_uses_] = {link, earlier, 0, 0, 0, kLongAgo, kLongAgo};
    return n_uses_++;
}

/// Whether another group uses the link or the input behind it within the same cycles, or all together could fill the
/// FIFO there.
bool Network::meets(const Use& use) const {
    const bool output = use.link < graph_.n_ports();
    const std::int64_t spacing = output ? onward_[use.link].spacing : 1;
    const std::int64_t travel = output ? onward_[use.link].travel : 0;
    const auto end = [&](const Use& of) { return std::max(of.last + spacing, of.left + 1 - travel); };
    std::int32_t n = use.n;
    for (std::int32_t k = use.earlier; k >= 0; k = uses_[k].earlier) {
        const Use& other = uses_[k];
        n += other.n;
        if (use.first < end(other) && other.first < end(use)) return true;
    }
    return n > depth_;
}

/// Notes what the packets of fly_together() leave behind.
void Network::land() {
    for (std::int32_t k = 0; k < n_uses_; ++k) {
        const Use& use = uses_[k];
        if (use.link >= graph_.n_ports()) {
            sources_[use.link - graph_.n_ports()].flits += use.n;
            continue;
        }
        Output& output = outputs_[use.link];
        output.flits += use.n;
        n_moves_ += use.n;
        n_visits_ += use.n;
        const Input& input = inputs_[use.port];
        const Router& router = routers_[input.router];
        if (arbiter_ == ArbiterKind::least_recently_served) {
            service_order_.note(use.link, input.port, use.last);
        } else if (use.last + output.spacing > output.free_at) {
            output.pointer = static_cast<std::uint8_t>(input.port + 1 == router.n_ports ? 0 : input.port + 1);
        }
        output.free_at = std::max(output.free_at, use.last + output.spacing);
    }
    for (const Flight& flight : flights_) {
        set_launch(flight.packet, flight.launch);
        sources_[packets_[flight.packet].source].last_cycle = flight.launch;
        deliver(flight.arrival, flight.packet);
    }
    now_ = ahead_until_ = last_move_;
    clean_at_ = last_move_ + effect_cycles_;
}

/// Cycle of the next packet that waits for it.
std::int64_t Network::next_entry() const {
    const std::int64_t cycle = pending_.next_cycle();
    return held_.empty() ? cycle : std::min(cycle, packets_[held_.front()].cycle);
}

/// Removes and returns that packet.
std::int32_t Network::take_entry() {
    if (!moves_ahead_.empty()) remember_places(now_);
    const bool held = !held_.empty() && (packets_[held_.front()].cycle < pending_.next_cycle() ||
                                         (packets_[held_.front()].cycle == pending_.next_cycle() && held_.front() < pending_.next()));
    if (!held) return pending_.pop(packets_);
    const std::int32_t id = held_.front();
    held_.pop_front();
    return id;
}

/// Takes note of the places that are not free again yet when a packet comes that is simulated by cycles.
void Network::remember_places(std::int64_t cycle) {
    if (cycle < clean_at_) {
        std::stable_sort(moves_ahead_.begin(), moves_ahead_.end(),
                         [](const MoveAhead& a, const MoveAhead& b) { return a.cycle < b.cycle; });
        for (const MoveAhead& move : moves_ahead_) leave_place(inputs_[move.input], move.cycle);
    }
    moves_ahead_.clear();
}

}  // namespace pycosim::noc
