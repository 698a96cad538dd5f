// The natural logarithm, with the same bits as pycosim/network/logarithm.py.
#pragma once

#include <bit>
#include <cstdint>

#include "vectorised.hpp"

namespace pycosim::native {

// ln x for normal positive x: x = 2^n m with m from sqrt(1/2) to sqrt(2); ln m = 2 artanh(s) with s = (m - 1) / (m + 1),
// |s| < 0.1716, as its series up to s^23 (the rest is below 2^-60 of the sum).
PYCOSIM_ALWAYS_INLINE double logarithm(double x) {
    constexpr std::uint64_t half_root = 0x3fe6a09e667f3bcdu;  // sqrt(1/2)
    constexpr double ln2_high = 0x1.62e42feep-1;
    constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
    const std::int64_t exponent = static_cast<std::int64_t>(bits - half_root) >> 52;
    const double f = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52)) - 1.0;
    const double n = static_cast<double>(exponent);
    const double s = f / (2.0 + f);
    const double z = s * s;
    double q = 2.0 / 23.0;
    for (int k = 21; k >= 3; k -= 2) q = q * z + 2.0 / k;
    return n * ln2_high + (2.0 * s + (s * z * q + n * ln2_low));
}

}  // namespace pycosim::native
