// x^p in vectors.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "vectorised.hpp"

namespace pycosim::native {

// ln x for normal positive x, relative error below 4e-16. x = 2^n m with m from sqrt(1/2) to sqrt(2); ln m =
// 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.1716, as its series up to s^21 (the rest is below 2^-56 of the sum).
PYCOSIM_ALWAYS_INLINE double parallel_logarithm(double x) {
    constexpr std::uint64_t half_root = 0x3fe6a09e667f3bcdu;  // sqrt(1/2)
    constexpr std::uint64_t bias = 1023;
    constexpr double ln2_high = 0x1.62e42feep-1;
    constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
    const std::uint64_t exponent = (bits - half_root + (bias << 52)) >> 52;  // n + bias
    const double f = std::bit_cast<double>(bits - ((exponent - bias) << 52)) - 1.0;
    // In the lowest bits of 2^52 + n + bias; conversions of such integers are no vector instructions everywhere.
    const double n = std::bit_cast<double>(exponent | 0x4330000000000000u) - (0x1p52 + 1023.0);
    const double s = f / (2.0 + f);
    const double z = s * s, z2 = z * z, z4 = z2 * z2;
    const double low = (2.0 / 3.0 + z * (2.0 / 5.0)) + z2 * (2.0 / 7.0 + z * (2.0 / 9.0));
    const double middle = (2.0 / 11.0 + z * (2.0 / 13.0)) + z2 * (2.0 / 15.0 + z * (2.0 / 17.0));
    const double high = 2.0 / 19.0 + z * (2.0 / 21.0);
    const double tail = z * (low + z4 * (middle + z4 * high));
    return n * ln2_high + (2.0 * s + (s * tail + n * ln2_low));
}

// The exponent to which e is x^p, for x >= 0; below the smallest normal number x is 0.
PYCOSIM_ALWAYS_INLINE double exponent_of_power(double x, double p) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const bool is_positive = x >= std::numeric_limits<double>::min();
    const double of_zero = p > 0.0 ? -infinity : (p < 0.0 ? infinity : 0.0);
    const double logarithm = parallel_logarithm(is_positive ? x : 1.0);
    return is_positive ? p * logarithm : of_zero;
}

// The power of such an exponent: 0, or from 3e-308 to 8e307, the nearest of which is taken outside.
PYCOSIM_ALWAYS_INLINE double power_of_exponent(double exponent) {
    const double result = parallel_exponential(exponent);
    return exponent == -std::numeric_limits<double>::infinity() ? 0.0 : result;
}

// x^p for x >= 0, relative error about (1 + |p ln x|) 4e-16.
PYCOSIM_ALWAYS_INLINE double power(double x, double p) { return power_of_exponent(exponent_of_power(x, p)); }

}  // namespace pycosim::native
