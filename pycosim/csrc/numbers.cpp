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

// Hands out what was drawn, of which each block has as much as `counts` says.
LongColumn<double> handed_out(const LongColumn<double>& drawn, std::span<const std::int64_t> counts,
                               std::span<const std::int32_t> keys, int shift) {
    LongColumn<std::int64_t> next(counts.size() + 1, 0);
    std::partial_sum(counts.begin(), counts.end(), next.begin() + 1);
    LongColumn<double> values;
    values.reserve(drawn.size());
    for_runs(keys, shift, [&](std::size_t first, std::size_t last, std::size_t block) {
        const auto begin = drawn.begin() + next[block], end = begin + static_cast<std::ptrdiff_t>(last - first);
        values.insert(values.end(), begin, end);
        next[block] = end - drawn.begin();
    });
    return values;
}

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
    LongColumn<double> drawn(keys.size());
    std::span<double> left(drawn);
    for (std::size_t block = 0; block < streams.size(); ++block) {
        Philox64 random(seed, streams[block]);
        SpareNormal spare;
        distribution.fill(random, spare, left.first(static_cast<std::size_t>(counts[block])));
        left = left.subspan(static_cast<std::size_t>(counts[block]));
    }
    if (n_blocks == 1) return drawn;
    return handed_out(drawn, counts, keys, shift);
}

}  // namespace pycosim
