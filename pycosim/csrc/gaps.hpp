/// Gaps between successes of independent trials.
#pragma once

#include <cstdint>
#include <span>

namespace pycosim {

/// Larger gaps are given as this one.
inline constexpr std::int32_t kLargestGap = 1 << 20;

/// gaps[i] is how often a trial fails before it succeeds: floor(log1p(-u) / log_miss) for the number u = numbers[i] in
/// [0, 1), with the logarithm of the C library, and `log_miss` < 0 the logarithm of the probability of failing.
void fill_gaps(std::span<const double> numbers, double log_miss, std::int32_t* gaps);

}  // namespace pycosim
