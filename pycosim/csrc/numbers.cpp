#include "numbers.hpp"

#include <numeric>

#include "clones.hpp"

namespace pycosim {
namespace {

constexpr std::size_t kLanes = DelayRounder::kLanes;

// Of a multiple of n_lanes delays. Numbers of steps below 2^31 are whole after truncation, as they are not negative. In
// two loops, which the compiler vectorises.
template <std::size_t n_lanes>
[[gnu::always_inline]] inline void round_lanes(const double* __restrict delays_ms, std::size_t n, double dt_ms,
                                               std::int32_t* __restrict steps, DelayRounder::Seen& __restrict seen) {
    std::int64_t n_impossible = 0;
    for (std::size_t i = 0; i < n; i += n_lanes) {
        for (std::size_t k = 0; k < n_lanes; ++k) {
            const double delay = delays_ms[i + k], n_steps = delay / dt_ms;
            const bool is_possible = (delay >= 0) & (n_steps < 0x1p31 - 1);  // false for NaN
            const double rounded = is_possible ? n_steps + 0.5 : 1.0;
            steps[i + k] = static_cast<std::int32_t>(rounded < 1.0 ? 1.0 : rounded);
            n_impossible += !is_possible;
        }
        for (std::size_t k = 0; k < n_lanes; ++k) {
            const double delay = delays_ms[i + k];
            const double off = static_cast<double>(steps[i + k]) * dt_ms - delay, distance = off < 0 ? -off : off;
            seen.error[k] = distance > seen.error[k] ? distance : seen.error[k];
            seen.smallest[k] = delay < seen.smallest[k] ? delay : seen.smallest[k];
            seen.largest[k] = delay > seen.largest[k] ? delay : seen.largest[k];
        }
    }
    seen.n_impossible += n_impossible;
}

PYCOSIM_SIMD_CLONES
void round_all(const double* delays_ms, std::size_t n, double dt_ms, std::int32_t* steps, DelayRounder::Seen& seen) {
    round_lanes<kLanes>(delays_ms, n, dt_ms, steps, seen);
}

}  // namespace

void DelayRounder::round(std::span<const double> delays_ms, std::int32_t* steps) {
    if (delays_ms.empty()) return;
    if (!any_) {
        any_ = true;
        seen_.smallest.fill(delays_ms[0]);
        seen_.largest.fill(delays_ms[0]);
        seen_.error.fill(0);
    }
    if (delays_ms.size() == 1) return round_lanes<1>(delays_ms.data(), 1, dt_ms_, steps, seen_);
    const std::size_t n_whole = delays_ms.size() / kLanes * kLanes, n_left = delays_ms.size() - n_whole;
    round_all(delays_ms.data(), n_whole, dt_ms_, steps, seen_);
    if (n_left == 0) return;
    std::array<double, kLanes> last;
    std::array<std::int32_t, kLanes> last_steps;
    last.fill(delays_ms[n_whole]);
    std::copy_n(delays_ms.begin() + static_cast<std::ptrdiff_t>(n_whole), n_left, last.begin());
    round_all(last.data(), kLanes, dt_ms_, last_steps.data(), seen_);
    std::copy_n(last_steps.begin(), n_left, steps + n_whole);
}

DelaySteps DelayRounder::with(LongColumn<std::int32_t> steps) const {
    if (!any_) return {std::move(steps)};
    return {std::move(steps), seen_.n_impossible == 0, *std::ranges::min_element(seen_.smallest),
            *std::ranges::max_element(seen_.largest), *std::ranges::max_element(seen_.error)};
}

namespace {

// One minimum and maximum for each lane of a vector; returns whether all values are numbers.
PYCOSIM_SIMD_CLONES
bool add_extremes(const double* values, std::size_t n, double* low, double* high) {
    std::int64_t n_nan = 0;
    for (std::size_t i = 0; i < n; i += kLanes) {
        for (std::size_t k = 0; k < kLanes; ++k) {
            const double value = values[i + k];
            low[k] = value < low[k] ? value : low[k];
            high[k] = value > high[k] ? value : high[k];
            n_nan += value != value;
        }
    }
    return n_nan == 0;
}

}  // namespace

std::array<double, 2> extremes(std::span<const double> values) {
    if (values.empty()) throw std::invalid_argument("there is no value");
    std::array<double, kLanes> low, high;
    low.fill(values[0]);
    high.fill(values[0]);
    const std::size_t n_whole = values.size() / kLanes * kLanes;
    bool are_numbers = add_extremes(values.data(), n_whole, low.data(), high.data());
    for (std::size_t i = n_whole; i < values.size(); ++i) {
        low[0] = std::min(low[0], values[i]);
        high[0] = std::max(high[0], values[i]);
        are_numbers = are_numbers && !std::isnan(values[i]);
    }
    if (!are_numbers) return {std::nan(""), std::nan("")};
    return {*std::min_element(low.begin(), low.end()), *std::max_element(high.begin(), high.end())};
}

LongColumn<std::int64_t> counts_from(std::span<const std::int32_t> values, std::int32_t first, std::size_t n_kinds) {
    constexpr std::size_t kTables = 4;  // neighbours may be equal: so they do not wait for each other
    LongColumn<std::int64_t> counts(kTables * n_kinds, 0);
    std::int64_t* const table = counts.data();
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto kind = static_cast<std::size_t>(static_cast<std::int64_t>(values[i]) - first);
        if (kind >= n_kinds) throw std::out_of_range("a value is not among those that are counted");
        ++table[i % kTables * n_kinds + kind];
    }
    for (std::size_t i = n_kinds; i < counts.size(); ++i) counts[i % n_kinds] += counts[i];
    counts.resize(n_kinds);
    return counts;
}

DelaySteps delay_steps(std::span<const double> delays_ms, double dt_ms) {
    LongColumn<std::int32_t> steps(delays_ms.size());
    DelayRounder rounder(dt_ms);
    rounder.round(delays_ms, steps.data());
    return rounder.with(std::move(steps));
}

namespace {

// Calls visit(first, last, block) for each run of keys of the same block.
template <class Visit>
void for_runs(std::span<const std::int32_t> keys, int shift, Visit&& visit) {
    constexpr std::size_t kTogether = 16;
    for (std::size_t first = 0, last = 0; first < keys.size(); first = last) {
        const auto other = [&, key = keys[first]](std::size_t i) { return static_cast<std::uint32_t>(keys[i] ^ key); };
        for (last = first + 1; last + kTogether <= keys.size(); last += kTogether) {
            std::uint32_t others = 0;
            for (std::size_t k = 0; k < kTogether; ++k) others |= other(last + k);
            if (others >> shift) break;
        }
        while (last < keys.size() && other(last) >> shift == 0) ++last;
        visit(first, last, static_cast<std::size_t>(keys[first] >> shift));
    }
}

// How many keys each block of 2^shift has.
LongColumn<std::int64_t> counts_of_blocks(std::span<const std::int32_t> keys, std::int64_t n_blocks, int shift) {
    LongColumn<std::int64_t> counts(static_cast<std::size_t>(n_blocks), 0);
    for_runs(keys, shift, [&](std::size_t first, std::size_t last, std::size_t block) {
        if (block >= counts.size()) throw std::out_of_range("a key is outside the number of keys");
        counts[block] += static_cast<std::int64_t>(last - first);
    });
    return counts;
}

// What a number becomes: itself.
struct Kept {
    using Value = double;
    void operator()(std::span<const double> numbers, double* out) { std::ranges::copy(numbers, out); }
};

// What a number becomes: a delay in steps.
struct Rounded {
    using Value = std::int32_t;
    DelayRounder& rounder;
    void operator()(std::span<const double> numbers, std::int32_t* out) { rounder.round(numbers, out); }
};

// The numbers of a block, drawn piece by piece: they are handed out while they are in the cache.
template <class Become>
class BlockNumbers {
    using Value = typename Become::Value;

public:
    BlockNumbers(Philox64 random, const DistributionOf& distribution, std::int64_t n, Become become)
        : random_(random), distribution_(distribution), n_left_(static_cast<std::size_t>(n)), become_(become) {}

    // Writes the next ones to the places from `first` to before `last`.
    void take(Value* values, std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last;) {
            if (next_ == n_here_) {
                n_here_ = std::min(kPiece, n_left_);
                const bool at_once = n_here_ <= last - i;
                if (!at_once) piece_.resize(kPiece);
                draw(at_once ? values + i : piece_.data());
                next_ = next_wrong_ = 0;
                if (at_once) {
                    for (const std::size_t wrong : wrong_here_) wrong_.push_back(i + wrong);
                    i += next_ = n_here_;
                    continue;
                }
            }
            const std::size_t n = std::min(last - i, n_here_ - next_);
            std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(next_), n, values + i);
            for (; next_wrong_ < wrong_here_.size() && wrong_here_[next_wrong_] < next_ + n; ++next_wrong_)
                wrong_.push_back(i + wrong_here_[next_wrong_] - next_);
            next_ += n;
            i += n;
        }
    }

    // After all were taken.
    void redraw(Value* values) {
        const auto put = [&](std::size_t place, double number) { become_({&number, 1}, values + place); };
        pycosim::redraw(random_, spare_, distribution_.mu, distribution_.sigma, distribution_.limits, wrong_, put);
    }

private:
    static constexpr std::size_t kPiece = 1024;

    // Draws a piece; never more than are asked for: what is drawn again comes next.
    void draw(Value* out) {
        n_left_ -= n_here_;
        std::array<double, kPiece> room;
        const std::span<double> numbers = std::span(room).first(n_here_);
        distribution_.fill_at_first(random_, spare_, numbers);
        wrong_here_.clear();
        if (!distribution_.is_clipped() || find_wrong(numbers)) become_(numbers, out);
    }

    // Puts another number of the piece where one is out of the limits: those that are not kept are not checked either.
    // Returns whether there is any that is kept.
    bool find_wrong(std::span<double> numbers) {
        const Clipping limits = distribution_.limits;
        const auto right = std::ranges::find_if(numbers, [&](double number) { return limits.leaves(number); });
        const double other = right == numbers.end() ? 0.0 : *right;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (limits.leaves(numbers[i])) continue;
            wrong_here_.push_back(i);
            numbers[i] = other;
        }
        return right != numbers.end();
    }

    Philox64 random_;
    SpareNormal spare_;
    DistributionOf distribution_;
    std::size_t n_left_, n_here_ = 0, next_ = 0, next_wrong_ = 0;  // of the whole block, and of the piece
    Become become_;
    std::vector<Value> piece_;
    std::vector<std::size_t> wrong_here_, wrong_;  // places in the piece, and in the column
};

template <class Become>
LongColumn<typename Become::Value> by_block(std::uint64_t seed, std::span<const std::uint64_t> streams,
                                            const DistributionOf& distribution, std::span<const std::int32_t> keys,
                                            int shift, Become become) {
    const LongColumn<std::int64_t> counts = counts_of_blocks(keys, static_cast<std::int64_t>(streams.size()), shift);
    LongColumn<typename Become::Value> values(keys.size());
    std::vector<BlockNumbers<Become>> blocks;
    for (std::size_t block = 0; block < streams.size(); ++block)
        blocks.emplace_back(Philox64(seed, streams[block]), distribution, counts[block], become);
    for_runs(keys, shift, [&](std::size_t first, std::size_t last, std::size_t block) {
        blocks[block].take(values.data(), first, last);
    });
    for (BlockNumbers<Become>& block : blocks) block.redraw(values.data());
    return values;
}

}  // namespace

LongColumn<double> numbers_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams,
                                     const DistributionOf& distribution, std::span<const std::int32_t> keys,
                                     int shift) {
    return by_block(seed, streams, distribution, keys, shift, Kept{});
}

DelaySteps delays_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams, const DistributionOf& distribution,
                           std::span<const std::int32_t> keys, int shift, double dt_ms) {
    DelayRounder rounder(dt_ms);
    LongColumn<std::int32_t> steps = by_block(seed, streams, distribution, keys, shift, Rounded{rounder});
    return rounder.with(std::move(steps));
}

}  // namespace pycosim
