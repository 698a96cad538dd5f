/// The calendar of router visits: which router has to be looked at in which cycle.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "packets.hpp"

namespace pycosim::noc {

/// A ring of 64 buckets for visits less than 64 cycles ahead, and a heap for later ones.
///
/// A router is in a bucket at most once, so it is visited at most once per cycle. The next visit is found
/// without stepping through empty cycles, however far away it is.
class Calendar {
public:
    explicit Calendar(std::int32_t n_routers) : booked_(static_cast<std::size_t>(n_routers), 0) {}

    /// Books a visit of `router` in `cycle`; `now` is the cycle being simulated, before `cycle`.
    void book(std::int32_t router, std::int64_t now, std::int64_t cycle) {
        if (cycle - now >= kBuckets) {
            far_.emplace(cycle, router);
            return;
        }
        const std::size_t index = bucket_of(cycle);
        const std::uint64_t bit = std::uint64_t{1} << index;
        std::uint64_t& booked = booked_[static_cast<std::size_t>(router)];
        if (booked & bit) return;
        booked |= bit;
        filled_ |= bit;
        buckets_[index].push_back(router);
    }

    bool empty() const { return filled_ == 0 && far_.empty(); }

    /// First cycle, at or after `now`, with a visit; every cycle before `now` has been taken.
    std::int64_t next_cycle(std::int64_t now) const {
        const std::int64_t far = far_.empty() ? kNever : far_.top().first;
        if (filled_ == 0) return far;
        const std::int64_t near = now + std::countr_zero(std::rotr(filled_, static_cast<int>(bucket_of(now))));
        return near < far ? near : far;
    }

    /// Calls visit(router) for every router booked in `cycle`; visits may book later cycles.
    template <class Visit>
    void take(std::int64_t cycle, Visit&& visit) {
        const std::size_t index = bucket_of(cycle);
        const std::uint64_t bit = std::uint64_t{1} << index;
        for (; !far_.empty() && far_.top().first == cycle; far_.pop()) book(far_.top().second, cycle, cycle);
        std::vector<std::int32_t>& bucket = buckets_[index];
        for (const std::int32_t router : bucket) {
            booked_[static_cast<std::size_t>(router)] &= ~bit;
            visit(router);
        }
        bucket.clear();
        filled_ &= ~bit;
    }

private:
    static constexpr std::int64_t kBuckets = 64;
    static std::size_t bucket_of(std::int64_t cycle) { return static_cast<std::uint64_t>(cycle) % kBuckets; }

    using Visit = std::pair<std::int64_t, std::int32_t>;

    std::array<std::vector<std::int32_t>, kBuckets> buckets_;
    std::uint64_t filled_ = 0;           ///< buckets that hold something
    std::vector<std::uint64_t> booked_;  ///< per router, the buckets that hold it
    std::priority_queue<Visit, std::vector<Visit>, std::greater<>> far_;
};

}  // namespace pycosim::noc
