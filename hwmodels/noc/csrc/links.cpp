// Queues at links, and latencies without contention; see links.hpp.
#include "links.hpp"

#include <algorithm>
#include <utility>

namespace pycosim::noc {

LinkNetwork::LinkNetwork(Graph graph, RouterKind kind, std::int32_t depth, Detail detail, bool remember)
    : PacketBook(std::move(graph), kind, remember),
      depth_(depth),
      detail_(detail),
      source_free_(static_cast<std::size_t>(graph_.n_terminals()), 0),
      source_flits_(static_cast<std::size_t>(graph_.n_terminals()), 0) {
    const std::int32_t n_channels = graph_.n_channels();
    free_.assign(static_cast<std::size_t>(n_channels) + graph_.peer.size(), 0);
    std::int64_t n_places = 0;
    for (std::int32_t port = 0; port < graph_.n_ports(); ++port) {
        const Delays cycles = delays(kind, graph_.link_cycles[port]);
        const bool last = graph_.terminal[port] >= 0;
        Link link{};
        link.travel = last ? cycles.deliver : cycles.travel;
        link.credit = cycles.credit;
        link.spacing = pipeline_.spacing(graph_.flit_cycles[port]);
        link.server = graph_.channel[port] >= 0 ? graph_.channel[port] : n_channels + port;
        link.to_router = graph_.peer[port] >= 0 ? graph_.router_of_port[graph_.peer[port]] : -1;
        link.place = graph_.peer[port] >= 0 && detail == Detail::queue ? n_places : -1;
        if (link.place >= 0) n_places += depth;
        links_.push_back(link);
    }
    queues_.resize(links_.size());
    place_free_.assign(static_cast<std::size_t>(n_places), 0);
    taken_.assign(static_cast<std::size_t>(n_places), 0);
}

void LinkNetwork::forget_packets() {
    PacketBook::forget_packets();
    stays_.clear();
    flit_cycles_.clear();
    partings_.clear();
}

bool LinkNetwork::advance(std::int64_t until, std::int64_t max_visits) {
    const bool done = run(until, max_visits);
    settle(done, until);
    return done;
}

bool LinkNetwork::drain(std::int64_t max_visits) {
    const std::int64_t start = now_;
    const bool done = run(kNever, max_visits);
    settle_drained(done, start);
    return done;
}

bool LinkNetwork::run(std::int64_t until, std::int64_t max_visits) {
    const std::int64_t stop = n_visits_ + max_visits;
    if (detail_ == Detail::queue) stays_.resize(packets_.size());
    for (;;) {
        const std::int64_t next = std::min(wheel_.next_cycle(now_), pending_.next_cycle());
        if (next >= until) return true;
        now_ = next;
        while (pending_.next_cycle() == now_) {
            const std::int32_t id = pending_.pop(packets_);
            if (!follows(id)) start(id);
        }
        wheel_.take(next, [this](std::int32_t id) { hop(id); });
        if (n_visits_ >= stop && !all_delivered()) return false;
    }
}

/// Lets a packet leave its source, behind those that left it before.
void LinkNetwork::start(std::int32_t id) {
    const Packet& packet = packets_[id];
    std::int64_t& free = source_free_[packet.source];
    const std::int64_t taken = std::max(packet.cycle + pipeline_.accept_cycles, free);
    // With the handshake, the head is offered to the FIFO as soon as the flit before it was accepted.
    set_launch(id, std::max(packet.cycle, taken - pipeline_.accept_cycles));
    free = taken + packet.flits * pipeline_.launch_gap;
    source_flits_[packet.source] += packet.flits;
    if (detail_ == Detail::analytic) return fly(id, taken);
    const std::int32_t entry = graph_.port_of_terminal[packet.source];
    const std::int64_t first = taken + delays(pipeline_.kind, graph_.link_cycles[entry]).inject;
    stays_[id].place = -1;
    stays_[id].over = 0;
    stays_[id].parting = -1;
    if (packet.flits > 1) {
        stays_[id].first_flit = static_cast<std::int64_t>(flit_cycles_.size());
        for (std::int32_t k = 0; k < packet.flits; ++k) flit_cycles_.push_back(first + k * pipeline_.launch_gap);
    }
    enter(entry, id, first);
}

/// Puts a packet, whose head is there from `cycle` on, into the queue of an input.
void LinkNetwork::enter(std::int32_t port, std::int32_t id, std::int64_t cycle) {
    Queue& queue = queues_[port];
    stays_[id].input = port;
    stays_[id].since = cycle;
    if (!queue.busy) {
        queue.busy = true;
        wheel_.book(id, now_, std::max(cycle, queue.free) + pipeline_.head_cycles);
        return;
    }
    (queue.first < 0 ? queue.first : packets_[queue.last].next) = id;
    queue.last = id;
}

/// Brings a packet, and those that go along with it, to their destinations as if they were alone.
void LinkNetwork::fly(std::int32_t id, std::int64_t cycle) {
    const std::int64_t leader = number_of(id);
    for (std::int32_t after; id >= 0; id = after) {
        const Packet& packet = packets_[id];
        const std::int64_t arrival = travel_alone(packet, cycle, [&](std::int32_t port) {
            if (std::exchange(links_[port].counted, leader) == leader) return;  // the packets go together here
            ++n_visits_;
            n_moves_ += packet.flits;
            links_[port].flits += packet.flits;
        });
        after = mates_.empty() ? -1 : std::exchange(mates_[id], -1);
        deliver(arrival, id);
    }
}

/// Takes a packet whose head may bid now over its next link, or lets it wait for a place behind that; packets that
/// went together so far and part here become packets of their own.
void LinkNetwork::hop(std::int32_t id) {
    ++n_visits_;
    const std::int32_t router = graph_.router_of_port[stays_[id].input];
    stays_[id].bid = now_;
    if (mate(id) < 0) {
        queue_for(id, graph_.first_port[router] + route(graph_, router, graph_.places[router], packets_[id]));
        return;
    }
    split(router, id, branches_);
    Stay stay = stays_[id];
    if (branches_.size() > 1) {
        stay.parting = static_cast<std::int32_t>(partings_.size());
        partings_.push_back({now_, stay.place, stay.input, stay.over, static_cast<std::int32_t>(branches_.size())});
    }
    for (const Branch& branch : branches_) stays_[branch.first] = stay;
    for (const Branch& branch : branches_) queue_for(branch.first, graph_.first_port[router] + branch.output);
}

/// Takes a packet over a link at once, or lets it wait for a place behind it.
void LinkNetwork::queue_for(std::int32_t id, std::int32_t port) {
    Link& link = links_[port];
    if (link.first < 0 && !must_wait(link)) return go(id, port);
    stays_[id].behind = -1;
    (link.first < 0 ? link.first : stays_[link.last].behind) = id;
    link.last = id;
}

/// Takes a packet over a link, and with that out of its input.
void LinkNetwork::go(std::int32_t id, std::int32_t port) {
    const Packet& packet = packets_[id];
    Stay& stay = stays_[id];
    Link& link = links_[port];
    const std::int64_t held = stay.parting < 0 ? stay.place : -1;  // behind the link that it came over
    const std::int32_t input = stay.input, over = stay.over, parting = stay.parting;
    stay.place = link.place >= 0 ? link.place + link.next : -1;
    stay.over = port;
    stay.parting = -1;
    std::int64_t head = 0, left = 0;
    for (std::int32_t k = 0; k < packet.flits; ++k) {
        std::int64_t ready = std::max(stay.bid, link.released) + pipeline_.win_cycles;
        if (k > 0) ready = std::max(flit_cycle(id, k), left + 1);
        if (link.place >= 0) ready = std::max(ready, place_free_[link.place + link.next]);
        left = std::max(ready, free_[link.server]);
        free_[link.server] = left + link.spacing;
        if (k == 0) head = left + link.travel;
        if (packet.flits > 1) flit_cycle(id, k) = left + link.travel;
        if (link.place >= 0) {
            place_free_[link.place + link.next] = left + link.travel + link.credit;
            taken_[link.place + link.next] = 1;
            link.next = link.next + 1 == depth_ ? 0 : link.next + 1;
        }
        if (held >= 0 && k < depth_) give_back(links_[over], held, k, left);
    }
    link.released = left + 1;
    link.flits += packet.flits;
    n_moves_ += packet.flits;
    if (parting < 0) leave(input, left);
    if (link.to_router < 0) {
        deliver(left + link.travel, id);
    } else {
        enter(graph_.peer[port], id, head);
    }
    if (held >= 0) wake(links_[over]);
    if (parting >= 0) part(partings_[parting], left);
}

/// Notes that some of the packets that part in a router left it; the last of them frees their place.
void LinkNetwork::part(Parting& parting, std::int64_t left) {
    parting.left = std::max(parting.left, left);
    if (--parting.remaining > 0) return;
    leave(parting.input, parting.left);
    if (parting.place < 0) return;
    Link& before = links_[parting.over];
    give_back(before, parting.place, 0, parting.left);
    wake(before);
}

/// Gives a place behind a link back: the one of flit `k` of a packet whose head has `place`.
void LinkNetwork::give_back(const Link& before, std::int64_t place, std::int32_t k, std::int64_t left) {
    place = before.place + (place - before.place + k) % depth_;
    place_free_[place] = std::max(place_free_[place], left + before.credit);
    taken_[place] = 0;
}

/// Lets the packet behind one that left come to the front of an input.
void LinkNetwork::leave(std::int32_t input, std::int64_t left) {
    Queue& queue = queues_[input];
    queue.free = left + 1;
    queue.busy = queue.first >= 0;
    if (!queue.busy) return;
    const std::int32_t id = std::exchange(queue.first, packets_[queue.first].next);
    packets_[id].next = -1;
    wheel_.book(id, now_, std::max(stays_[id].since, queue.free) + pipeline_.head_cycles);
}

/// Lets packets go that waited for a place behind a link, in the order in which they came.
void LinkNetwork::wake(Link& link) {
    while (link.first >= 0 && !must_wait(link)) {
        const std::int32_t id = std::exchange(link.first, stays_[link.first].behind);
        go(id, static_cast<std::int32_t>(&link - links_.data()));
    }
}

std::vector<std::int64_t> LinkNetwork::link_flits() const {
    std::vector<std::int64_t> flits;
    flits.reserve(links_.size() + source_flits_.size());
    for (const Link& link : links_) flits.push_back(link.flits);
    flits.insert(flits.end(), source_flits_.begin(), source_flits_.end());
    return flits;
}

}  // namespace pycosim::noc
