// Segments of synapses that wait for the step at which they act.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace pycosim::native {

// Emission step above, number of the segment below: the order in which the segments of a step are added. As numbers
// of segments ascend with the source neuron, sums do not depend on when, or by which path, a segment came here.
using PendingKey = std::uint64_t;

constexpr PendingKey pending_key(std::int64_t emission_step, std::uint32_t segment) {
    return static_cast<PendingKey>(emission_step) << 32 | segment;
}

constexpr std::uint32_t segment_of(PendingKey key) { return static_cast<std::uint32_t>(key); }

class PendingSegments {
  public:
    explicit PendingSegments(std::int64_t max_delay = 1) { reserve(max_delay, 0); }

    // Makes room for delays up to `max_delay`; longer ones work, but are slower.
    void reserve(std::int64_t max_delay, std::int64_t present_step) {
        const auto wanted = std::bit_ceil(static_cast<std::size_t>(std::min(max_delay, kMaxSlots - 1)) + 1);
        if (wanted <= slots_.size()) return;
        std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(wanted));
        const std::int64_t n_old = static_cast<std::int64_t>(old.size());
        for (std::int64_t step = present_step + 1; step < present_step + n_old; ++step) {
            slot(step) = std::move(old[static_cast<std::size_t>(step & (n_old - 1))]);
        }
    }

    void push(std::int64_t due_step, std::int64_t present_step, PendingKey key) {
        const bool near = due_step - present_step < static_cast<std::int64_t>(slots_.size());
        Slot& target = near ? slot(due_step) : far_[due_step];
        if (!target.keys.empty() && key < target.keys.back()) target.sorted = false;
        target.keys.push_back(key);
    }

    // The segments that are due at `step`, in order. To be cleared by the caller.
    std::vector<PendingKey>& due(std::int64_t step) {
        Slot& here = slot(step);
        if (!far_.empty() && far_.begin()->first <= step) {
            const std::vector<PendingKey>& more = far_.begin()->second.keys;
            here.keys.insert(here.keys.end(), more.begin(), more.end());
            here.sorted = false;
            far_.erase(far_.begin());
        }
        if (!here.sorted) std::sort(here.keys.begin(), here.keys.end());
        here.sorted = true;
        return here.keys;
    }

    // Whether a segment with a number from `begin` to `end` - 1 waits.
    bool holds_any(std::uint64_t begin, std::uint64_t end) const {
        const auto in_range = [&](PendingKey key) { return segment_of(key) >= begin && segment_of(key) < end; };
        const auto any = [&](const Slot& s) { return std::any_of(s.keys.begin(), s.keys.end(), in_range); };
        return std::any_of(slots_.begin(), slots_.end(), any) ||
               std::any_of(far_.begin(), far_.end(), [&](const auto& item) { return any(item.second); });
    }

    // All that wait with a number of at least `begin`, as (step at which they are due, key), in order.
    std::vector<std::pair<std::int64_t, PendingKey>> waiting(std::uint32_t begin, std::int64_t present_step) const {
        std::vector<std::pair<std::int64_t, PendingKey>> found;
        const auto take = [&](std::int64_t due, const Slot& slot) {
            for (const PendingKey key : slot.keys) {
                if (segment_of(key) >= begin) found.emplace_back(due, key);
            }
        };
        const auto n_slots = static_cast<std::int64_t>(slots_.size());
        for (std::int64_t due = present_step + 1; due < present_step + n_slots; ++due) {
            take(due, slots_[static_cast<std::size_t>(due & (n_slots - 1))]);
        }
        for (const auto& [due, slot] : far_) take(due, slot);
        std::sort(found.begin(), found.end());
        return found;
    }

  private:
    static constexpr std::int64_t kMaxSlots = 1 << 16;

    struct Slot {
        std::vector<PendingKey> keys;
        bool sorted = true;
    };

    Slot& slot(std::int64_t step) { return slots_[static_cast<std::size_t>(step) & (slots_.size() - 1)]; }

    std::vector<Slot> slots_;
    std::map<std::int64_t, Slot> far_;
};

}  // namespace pycosim::native
