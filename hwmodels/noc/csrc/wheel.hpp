/// Events of a simulation that takes them in order of their cycle.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "packets.hpp"

namespace pycosim::noc {

/// A wheel of 4096 buckets for events less than 4096 cycles ahead, and a heap for later ones.
///
/// Events of one cycle are given out in the order in which they were booked, those of the heap last, by number. That
/// order follows from the events alone, so it does not depend on how a run is cut.
class Wheel {
public:
    Wheel() : buckets_(kBuckets) {}

    /// Books event `id` for `cycle`, which is `now` or later; all cycles before `now` have been taken.
    void book(std::int32_t id, std::int64_t now, std::int64_t cycle) {
        if (cycle - now >= static_cast<std::int64_t>(kBuckets)) {
            far_.emplace(cycle, id);
            return;
        }
        const std::size_t bucket = bucket_of(cycle);
        buckets_[bucket].push_back(id);
        words_[bucket / 64] |= std::uint64_t{1} << bucket % 64;
        filled_ |= std::uint64_t{1} << bucket / 64;
    }

    /// First cycle, at or after `now`, with an event.
    std::int64_t next_cycle(std::int64_t now) const {
        const std::int64_t far = far_.empty() ? kNever : far_.top().first;
        if (filled_ == 0) return far;
        const std::size_t start = bucket_of(now);
        const std::size_t word = start / 64;
        const std::uint64_t here = words_[word] >> start % 64 << start % 64;
        std::size_t bucket = word * 64;
        if (here != 0) {
            bucket += static_cast<std::size_t>(std::countr_zero(here));
        } else {
            const auto steps = static_cast<std::size_t>(
                std::countr_zero(std::rotr(filled_, static_cast<int>((word + 1) % 64))));
            const std::size_t next = (word + 1 + steps) % 64;
            bucket = next * 64 + static_cast<std::size_t>(std::countr_zero(words_[next]));
        }
        return std::min(far, now + static_cast<std::int64_t>((bucket - start) % kBuckets));
    }

    /// Calls act(id) for every event of `cycle`; it may book events for later cycles.
    template <class Act>
    void take(std::int64_t cycle, Act&& act) {
        const std::size_t bucket = bucket_of(cycle);
        taken_.swap(buckets_[bucket]);
        words_[bucket / 64] &= ~(std::uint64_t{1} << bucket % 64);
        if (words_[bucket / 64] == 0) filled_ &= ~(std::uint64_t{1} << bucket / 64);
        for (; !far_.empty() && far_.top().first == cycle; far_.pop()) taken_.push_back(far_.top().second);
        for (const std::int32_t id : taken_) act(id);
        taken_.clear();
    }

private:
    static constexpr std::size_t kBuckets = 4096;
    static std::size_t bucket_of(std::int64_t cycle) { return static_cast<std::uint64_t>(cycle) % kBuckets; }

    using Event = std::pair<std::int64_t, std::int32_t>;

    std::vector<std::vector<std::int32_t>> buckets_;
    std::array<std::uint64_t, kBuckets / 64> words_{};  ///< buckets that hold something
    std::uint64_t filled_ = 0;                          ///< words that are not 0
    std::vector<std::int32_t> taken_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> far_;
};

}  // namespace pycosim::noc
