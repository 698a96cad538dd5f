#include "numbers.hpp"

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

}  // namespace pycosim
