// Packets and arrivals; see book.hpp.
#include "book.hpp"

#include <utility>

namespace pycosim::noc {

std::int64_t PacketBook::inject(std::span<const std::int64_t> cycle, std::span<const std::int32_t> source,
                                std::span<const std::int32_t> destination, std::span<const std::int32_t> flits,
                                std::span<const std::uint8_t> joins) {
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
        packets_.push_back(packet_to(source[k], destination[k], flits[k], cycle[k]));
    }
    launch_cycles_.resize(last, -1);
    arrival_cycles_.resize(last, -1);
    if (!joins.empty() || !mates_.empty()) {
        mates_.resize(last, -1);
        follows_.resize(last, 0);
    }
    for (std::size_t k = 1; k < joins.size(); ++k) {
        if (joins[k] == 0) continue;
        mates_[first + k - 1] = static_cast<std::int32_t>(first + k);
        follows_[first + k] = 1;
    }
    pending_.add(packets_, static_cast<std::int32_t>(first), static_cast<std::int32_t>(last));
    return number_of(static_cast<std::int64_t>(first));
}

void PacketBook::forget_packets() {
    n_forgotten_ = n_packets();
    packets_.clear();
    launch_cycles_.clear();
    arrival_cycles_.clear();
    mates_.clear();
    follows_.clear();
}

std::vector<std::int64_t> PacketBook::before_now(const std::vector<std::int64_t>& cycles) const {
    std::vector<std::int64_t> known(cycles);
    for (std::int64_t& cycle : known) {
        if (cycle >= now_) cycle = -1;
    }
    return known;
}

void PacketBook::take_arrivals(std::vector<std::int64_t>& ids, std::vector<std::int64_t>& cycles) {
    sort_arrivals();
    ids.resize(arrived_.size());
    cycles.resize(arrived_.size());
    for (std::size_t k = 0; k < arrived_.size(); ++k) {
        ids[k] = number_of(arrived_[k].packet);
        cycles[k] = arrived_[k].cycle;
    }
    arrived_.clear();
}

/// By (cycle, id). Packets are delivered nearly in that order, so most of them have to go back a few places only.
void PacketBook::sort_arrivals() {
    const auto earlier = [](const Delivery& a, const Delivery& b) {
        return a.cycle != b.cycle ? a.cycle < b.cycle : a.packet < b.packet;
    };
    std::size_t moves = 0;
    for (std::size_t k = 1; k < arrived_.size(); ++k) {
        const Delivery delivery = arrived_[k];
        std::size_t place = k;
        for (; place > 0 && earlier(delivery, arrived_[place - 1]); --place) arrived_[place] = arrived_[place - 1];
        arrived_[place] = delivery;
        moves += k - place;
        if (moves > kFewMoves * arrived_.size()) return std::sort(arrived_.begin(), arrived_.end(), earlier);
    }
}

void PacketBook::split(std::int32_t router, std::int32_t first, std::vector<Branch>& branches) {
    branches.clear();
    for (std::int32_t id = first, after; id >= 0; id = after) {
        after = std::exchange(mates_[id], -1);
        const std::int32_t output = route(graph_, router, graph_.places[router], packets_[id]);
        auto place = std::lower_bound(branches.begin(), branches.end(), output,
                                      [](const Branch& branch, std::int32_t o) { return branch.output < o; });
        if (place == branches.end() || place->output != output) {
            branches.insert(place, {output, id, id});
        } else {
            mates_[place->last] = id;
            place->last = id;
        }
    }
}

PacketBook::Path PacketBook::path(std::int32_t source, std::int32_t destination, std::int32_t flits) const {
    Path path{-1, 0};
    const Packet packet = packet_to(source, destination, flits, 0);
    path.cycles = travel_alone(packet, pipeline_.accept_cycles, [&](std::int32_t) { ++path.hops; });
    return path;
}

std::vector<std::int64_t> PacketBook::flow_flits(std::span<const std::int32_t> source,
                                                 std::span<const std::int32_t> destination,
                                                 std::span<const std::int64_t> flits,
                                                 std::span<const std::uint8_t> joins) const {
    const auto n_ports = static_cast<std::size_t>(graph_.n_ports());
    std::vector<std::int64_t> carried(n_ports + graph_.port_of_terminal.size(), 0);
    for (std::size_t k = 0; k < source.size(); ++k) {
        if (joins.empty() || joins[k] == 0) carried[n_ports + static_cast<std::size_t>(source[k])] += flits[k];
    }
    visit_links(source, destination, joins, [&](std::size_t k, std::size_t port) { carried[port] += flits[k]; });
    return carried;
}

std::vector<std::int64_t> PacketBook::count_links(std::span<const std::int32_t> source,
                                                  std::span<const std::int32_t> destination,
                                                  std::span<const std::uint8_t> joins,
                                                  std::span<const std::int64_t> kind_of_port, std::int64_t n_kinds) const {
    std::vector<std::int64_t> counts(source.size() * static_cast<std::size_t>(n_kinds), 0);
    visit_links(source, destination, joins, [&](std::size_t k, std::size_t port) {
        if (kind_of_port[port] >= 0) ++counts[k * static_cast<std::size_t>(n_kinds) + static_cast<std::size_t>(kind_of_port[port])];
    });
    return counts;
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
    std::size_t kept = 0;
    for (const Delivery& delivery : on_last_link_) {
        if (delivery.cycle < now_) {
            arrived_.push_back(delivery);
        } else {
            on_last_link_[kept++] = delivery;
        }
    }
    n_arrived_ += static_cast<std::int64_t>(on_last_link_.size() - kept);
    on_last_link_.resize(kept);
}

}  // namespace pycosim::noc
