/// Distributions as numpy.random.RandomState draws them, number for number, from its Mersenne Twister; NumPy keeps
/// them as they are (NEP 19).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

#include "columns.hpp"
#include "csr.hpp"
#include "polar.hpp"

namespace pycosim {

/// The number that RandomState.normal keeps for the next call: normal numbers come in pairs.
struct SpareNormal {
    bool is_there = false;
    double value = 0;
};

/// RandomState.normal(mu, sigma, n): the polar method (Marsaglia & Bray 1964, SIAM Review 6:260).
template <class Random>
void fill_normal(Random& random, SpareNormal& spare, double mu, double sigma, double* out, std::size_t n) {
    constexpr std::size_t kBatch = 512;
    if (spare.is_there && n > 0) {
        *out++ = mu + sigma * spare.value;
        --n;
        spare = {};
    }
    std::array<double, kBatch + polar::kBehind> x, y, square;
    while (n > 0) {
        const std::size_t n_pairs = std::min((n + 1) / 2, kBatch);
        for (std::size_t found = 0; found < n_pairs;)
            found += random.points_within_circle(n_pairs - found, &x[found], &y[found], &square[found]);
        if (2 * n_pairs > n) {
            std::array<double, 2> last;
            polar::to_normals(&x[n_pairs - 1], &y[n_pairs - 1], &square[n_pairs - 1], 1, 0.0, 1.0, last.data());
            spare = {true, last[1]};
            out[n - 1] = mu + sigma * last[0];
        }
        const std::size_t n_whole = std::min(n_pairs, n / 2);
        polar::to_normals(x.data(), y.data(), square.data(), n_whole, mu, sigma, out);
        out += 2 * n_whole;
        n -= std::min(n, 2 * n_pairs);
    }
}

struct Clipping {
    double low, high;
    bool leaves(double value) const { return !((value > high) | (value < low)); }
};

/// Numbers that are drawn and scaled while they are in the cache.
inline constexpr std::size_t kPieceOfNumbers = 4096;

/// RandomState.uniform(low, high, n).
template <class Random>
void fill_uniform(Random& random, double low, double high, std::span<double> out) {
    const double range = high - low;
    for (std::size_t first = 0; first < out.size(); first += kPieceOfNumbers) {
        const std::span<double> piece = out.subspan(first, std::min(kPieceOfNumbers, out.size() - first));
        random.fill_uniform01(piece.data(), piece.size());
        for (double& value : piece) value = low + range * value;
    }
}

enum class Distribution { uniform, normal, normal_clipped };

/// A distribution of RandomState or PyNN with its parameters: of `uniform` the limits, of the others mean, standard
/// deviation and limits.
struct DistributionOf {
    Distribution kind;
    double mu, sigma;
    Clipping limits;

    bool is_clipped() const { return kind == Distribution::normal_clipped; }

    /// What is out of the limits is still to be drawn again.
    template <class Random>
    void fill_at_first(Random& random, SpareNormal& spare, std::span<double> out) const {
        if (kind == Distribution::uniform) return fill_uniform(random, limits.low, limits.high, out);
        fill_normal(random, spare, mu, sigma, out.data(), out.size());
    }
};

/// Delays in steps, and what is to be checked of them.
struct DelaySteps {
    LongColumn<std::int32_t> steps;
    bool all_possible = true;  ///< finite, not negative, and less than 2^31 steps
    double smallest_ms = 0, largest_ms = 0, largest_error_ms = 0;
};

/// Rounds delays to the nearest whole step, and at least one, piece by piece.
class DelayRounder {
public:
    static constexpr std::size_t kLanes = 16;
    /// What was seen, by the place in a vector.
    struct Seen {
        std::array<double, kLanes> smallest, largest, error;
        std::int64_t n_impossible = 0;
    };

    explicit DelayRounder(double dt_ms) : dt_ms_(dt_ms) {}
    void round(std::span<const double> delays_ms, std::int32_t* steps);
    /// Of all that were rounded.
    DelaySteps with(LongColumn<std::int32_t> steps) const;

private:
    double dt_ms_;
    bool any_ = false;
    Seen seen_;
};

/// Rounds a column.
DelaySteps delay_steps(std::span<const double> delays_ms, double dt_ms);

/// The smallest and the largest value; both NaN if any is.
std::array<double, 2> extremes(std::span<const double> values);

/// How often `first`, `first` + 1, ... are among the values, which are n_kinds different ones at most.
LongColumn<std::int64_t> counts_from(std::span<const std::int32_t> values, std::int32_t first, std::size_t n_kinds);

/// values[i] is the next of `drawn` for the key keys[i]: first those of key 0, then of key 1, ...
template <class T>
LongColumn<T> in_turn(std::span<const T> drawn, std::span<const std::int32_t> keys, std::int64_t n_keys) {
    if (drawn.size() != keys.size()) throw std::invalid_argument("drawn and keys must have the same length");
    LongColumn<std::int64_t> next = offsets_of(keys, n_keys);
    LongColumn<T> values(drawn.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
        values[i] = drawn[static_cast<std::size_t>(next[static_cast<std::size_t>(keys[i])]++)];
    return values;
}

}  // namespace pycosim
