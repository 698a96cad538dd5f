#include "numbers.hpp"

#include <numeric>

#include "clones.hpp"

namespace pycosim {
namespace normals {

std::size_t within_circle(const double* numbers, std::size_t n_pairs, double* x, double* y, double* square) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < n_pairs; ++i) {
        const double a = 2.0 * numbers[2 * i] - 1.0, b = 2.0 * numbers[2 * i + 1] - 1.0;
        const double r2 = a * a + b * b;
        x[found] = a;
        y[found] = b;
        square[found] = r2;
        found += (r2 < 1.0) & (r2 != 0.0);
    }
    return found;
}

namespace {

PYCOSIM_SIMD_CLONES
void scaled(const double* x, const double* y, const double* square, const double* logarithm, std::size_t n, double mu,
            double sigma, double* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const double factor = __builtin_sqrt(-2.0 * logarithm[i] / square[i]);
        out[2 * i] = mu + sigma * (factor * y[i]);
        out[2 * i + 1] = mu + sigma * (factor * x[i]);
    }
}

}  // namespace

void to_normals(const double* x, const double* y, const double* square, std::size_t n, double mu, double sigma,
                double* out) {
    std::array<double, kBatch> logarithm;
    for (std::size_t i = 0; i < n; ++i) logarithm[i] = std::log(square[i]);
    scaled(x, y, square, logarithm.data(), n, mu, sigma, out);
}

}  // namespace normals

namespace {

// Numbers of steps below 2^31 are whole after truncation, as they are not negative.
PYCOSIM_SIMD_CLONES
bool round_all(const double* delays_ms, std::size_t n, double dt_ms, std::int32_t* steps, double* extremes) {
    double smallest = delays_ms[0], largest = delays_ms[0], error = 0;
    std::int64_t n_wrong = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double delay = delays_ms[i];
        const bool is_possible = (delay >= 0) & (delay / dt_ms < 0x1p31 - 1);  // false for NaN
        const double rounded = is_possible ? delay / dt_ms + 0.5 : 1.0;
        const auto whole = static_cast<std::int32_t>(rounded);
        const std::int32_t step = whole < 1 ? 1 : whole;
        steps[i] = step;
        n_wrong += !is_possible;
        const double off = static_cast<double>(step) * dt_ms - delay, distance = off < 0 ? -off : off;
        error = distance > error ? distance : error;
        smallest = delay < smallest ? delay : smallest;
        largest = delay > largest ? delay : largest;
    }
    extremes[0] = smallest;
    extremes[1] = largest;
    extremes[2] = error;
    return n_wrong == 0;
}

}  // namespace

namespace {

constexpr std::size_t kLanes = 16;

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

DelaySteps delay_steps(std::span<const double> delays_ms, double dt_ms) {
    DelaySteps result{LongColumn<std::int32_t>(delays_ms.size()), true, 0, 0, 0};
    if (delays_ms.empty()) return result;
    std::array<double, 3> extremes;
    result.all_possible =
        round_all(delays_ms.data(), delays_ms.size(), dt_ms, result.steps.data(), extremes.data());
    result.smallest_ms = extremes[0];
    result.largest_ms = extremes[1];
    result.largest_error_ms = extremes[2];
    return result;
}

namespace {

// Calls visit(first, last, block) for each run of keys of the same block: what is counted stays in a register.
template <class Visit>
void for_runs(std::span<const std::int32_t> keys, int shift, Visit&& visit) {
    for (std::size_t first = 0, last = 0; first < keys.size(); first = last) {
        const std::int32_t block = keys[first] >> shift;
        for (last = first + 1; last < keys.size() && keys[last] >> shift == block; ++last) {
        }
        visit(first, last, static_cast<std::size_t>(block));
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

// The numbers of a block, drawn piece by piece: they are handed out while they are in the cache.
class BlockNumbers {
public:
    BlockNumbers(Philox64 random, const DistributionOf& distribution, std::int64_t n)
        : random_(random), distribution_(distribution), n_left_(static_cast<std::size_t>(n)) {}

    // Writes the next numbers to the places from `first` to before `last`.
    void take(std::span<double> values, std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last;) {
            if (next_ == piece_.size()) refill();
            const std::size_t n = std::min(last - i, piece_.size() - next_);
            std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(next_), n, values.begin() + static_cast<std::ptrdiff_t>(i));
            next_ += n;
            i += n;
        }
        if (!distribution_.is_clipped()) return;
        for (std::size_t i = first; i < last; ++i)
            if (!distribution_.limits.leaves(values[i])) wrong_.push_back(i);
    }

    // After all were taken.
    void redraw(std::span<double> values) {
        pycosim::redraw(random_, spare_, distribution_.mu, distribution_.sigma, distribution_.limits, wrong_, values);
    }

private:
    static constexpr std::size_t kPiece = 1024;

    // Never more than are asked for: what is drawn again comes next.
    void refill() {
        piece_.resize(std::min(kPiece, n_left_));
        n_left_ -= piece_.size();
        distribution_.fill_at_first(random_, spare_, piece_);
        next_ = 0;
    }

    Philox64 random_;
    SpareNormal spare_;
    DistributionOf distribution_;
    std::size_t n_left_, next_ = 0;
    std::vector<double> piece_;
    std::vector<std::size_t> wrong_;
};

}  // namespace

LongColumn<double> in_turn(std::span<const double> drawn, std::span<const std::int32_t> keys, std::int64_t n_keys) {
    if (drawn.size() != keys.size()) throw std::invalid_argument("drawn and keys must have the same length");
    LongColumn<std::int64_t> next(static_cast<std::size_t>(n_keys) + 1, 0);
    for (const std::int32_t key : keys) {
        if (key < 0 || key >= n_keys) throw std::out_of_range("a key is outside the number of keys");
        ++next[static_cast<std::size_t>(key) + 1];
    }
    std::partial_sum(next.begin(), next.end(), next.begin());
    LongColumn<double> values(drawn.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
        values[i] = drawn[static_cast<std::size_t>(next[static_cast<std::size_t>(keys[i])]++)];
    return values;
}

LongColumn<double> numbers_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams,
                                     const DistributionOf& distribution, std::span<const std::int32_t> keys,
                                     int shift) {
    const auto n_blocks = static_cast<std::int64_t>(streams.size());
    const LongColumn<std::int64_t> counts = counts_of_blocks(keys, n_blocks, shift);
    LongColumn<double> values(keys.size());
    if (n_blocks == 1) {
        Philox64 random(seed, streams[0]);
        SpareNormal spare;
        distribution.fill(random, spare, values);
        return values;
    }
    std::vector<BlockNumbers> blocks;
    for (std::size_t block = 0; block < streams.size(); ++block)
        blocks.emplace_back(Philox64(seed, streams[block]), distribution, counts[block]);
    for_runs(keys, shift, [&](std::size_t first, std::size_t last, std::size_t block) {
        blocks[block].take(values, first, last);
    });
    for (BlockNumbers& block : blocks) block.redraw(values);
    return values;
}

}  // namespace pycosim
