/// Packets, and those of them whose cycle has not come yet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace pycosim::noc {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// One packet: what routers need of it while it travels.
struct Packet {
    std::int64_t cycle;        ///< earliest cycle in which it may leave its source queue
    std::int32_t destination;  ///< terminal
    std::int32_t x, y;         ///< mesh coordinates of the destination's top-level router
    std::int32_t flits;
    std::int32_t source;       ///< terminal
    std::int32_t next;         ///< packet behind it in its source queue, -1 if last
};

/// Packets that wait for their cycle, given out by (cycle, id).
///
/// Each injected batch is one sorted run; a heap merges the runs, so that many small batches and one large
/// batch cost the same per packet and give the same order.
class PendingPackets {
public:
    /// Adds packets first .. last - 1, sorting them by cycle only if they are not sorted yet.
    void add(const std::vector<Packet>& packets, std::int32_t first, std::int32_t last) {
        if (first == last) return;
        Run run{0, first, first, last, {}};
        const auto by_cycle = [](const Packet& a, const Packet& b) { return a.cycle < b.cycle; };
        if (!std::is_sorted(packets.begin() + first, packets.begin() + last, by_cycle)) {
            blocks_.clear();  // of packets of the same cycle, such as those of a spike, by (cycle, first id)
            for (std::int32_t id = first; id < last; ++id) {
                if (id == first || packets[id].cycle != packets[id - 1].cycle) blocks_.emplace_back(packets[id].cycle, id);
            }
            std::sort(blocks_.begin(), blocks_.end());
            run.order.reserve(static_cast<std::size_t>(last - first));
            for (const auto& [cycle, begin] : blocks_) {
                for (std::int32_t id = begin; id < last && packets[id].cycle == cycle; ++id) run.order.push_back(id);
            }
        }
        run.id = run.order.empty() ? first : run.order.front();
        run.cycle = packets[run.id].cycle;
        runs_.push_back(std::move(run));
        std::push_heap(runs_.begin(), runs_.end(), later);
    }

    /// A cycle before which no packet of another source comes; packets far behind are not looked at.
    std::int64_t next_cycle_of_others(const std::vector<Packet>& packets, std::int32_t source) const {
        if (runs_.size() > 4) return next_cycle();
        std::int64_t first = kNever;
        for (const Run& run : runs_) {
            const std::int32_t last = std::min(run.last, run.position + 64);
            for (std::int32_t k = run.position; k < last; ++k) {
                const Packet& packet = packets[run.order.empty() ? k : run.order[static_cast<std::size_t>(k - run.first)]];
                if (packet.source == source && (k + 1 < last || last == run.last)) continue;
                first = std::min(first, packet.cycle);
                break;
            }
        }
        return first;
    }

    std::int64_t next_cycle() const { return runs_.empty() ? kNever : runs_.front().cycle; }

    /// The first packet by (cycle, id); there must be one.
    std::int32_t next() const { return runs_.front().id; }

    /// Removes and returns the first packet by (cycle, id); there must be one.
    std::int32_t pop(const std::vector<Packet>& packets) {
        if (runs_.size() > 1) std::pop_heap(runs_.begin(), runs_.end(), later);
        Run& run = runs_.back();
        const std::int32_t id = run.id;
        if (++run.position == run.last) {
            runs_.pop_back();
            return id;
        }
        run.id = run.order.empty() ? run.position : run.order[static_cast<std::size_t>(run.position - run.first)];
        run.cycle = packets[run.id].cycle;
        if (runs_.size() > 1) std::push_heap(runs_.begin(), runs_.end(), later);
        return id;
    }

private:
    struct Run {
        std::int64_t cycle;               ///< of the run's next packet
        std::int32_t id;                  ///< the run's next packet
        std::int32_t first;               ///< packets first .. last - 1 belong to the run
        std::int32_t last;
        std::vector<std::int32_t> order;  ///< their order, empty if they came sorted
        std::int32_t position = first;
    };

    static bool later(const Run& a, const Run& b) { return a.cycle != b.cycle ? a.cycle > b.cycle : a.id > b.id; }

    std::vector<Run> runs_;
    std::vector<std::pair<std::int64_t, std::int32_t>> blocks_;  // kept for its memory
};

}  // namespace pycosim::noc
