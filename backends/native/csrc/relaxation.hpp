// What relaxes towards a limit at a constant rate: y' = inward - total y, without a division, and without the digits
// that are lost in the difference from the limit.
#pragma once

#include <bit>
#include <cstdint>

#include "vectorised.hpp"

namespace pycosim::native {

// Up to this multiple of the time constant a step is short: a polynomial has the mean of e^-s over it.
inline constexpr double kShort = 0.5;

// Below 0 the polynomial soon loses digits; a sum of conductances is there only if some are negative.
PYCOSIM_ALWAYS_INLINE bool is_short(double x) { return (x <= kShort) & (x >= -0.125); }

// (1 - e^-x) / x, the mean of e^-s for s from 0 to x: interpolation at the nine Chebyshev nodes of [0, kShort], with a
// relative error of at most 4.4e-15 there and 1e-11 from -0.125 on (measured at 2e7 points, rounding included).
PYCOSIM_ALWAYS_INLINE double short_mean(double x) {
    const double x2 = x * x, x4 = x2 * x2;
    const double low = (0x1.fffffffffffe2p-1 - x * 0x1.fffffffffb390p-2) +
                       x2 * (0x1.5555555357047p-3 - x * 0x1.555554b1273a4p-5);
    const double high = (0x1.1110f68fdbbffp-7 - x * 0x1.6c11efaf26cb5p-10) +
                        x2 * (0x1.9f95ac5564fb4p-13 - x * 0x1.97c29e2793f26p-16);
    return low + x4 * (high + x4 * 0x1.27cc5f3d3f54ap-19);
}

// The same for membranes, where the mean need not be exact: that conductances change within a step costs 1e5 times as much.
// Seven nodes of [0, 0.375], with a relative error of at most 3.2e-12 there and 2.4e-11 below.
//
// The upper 12 bits, sign and exponent, are 0 for these: [-1/64, 0.375) goes to [1, 2), so that a block of steps is told by
// an addition and an "or" for each.
PYCOSIM_ALWAYS_INLINE std::uint64_t length_for_membrane(double x) {
    return std::bit_cast<std::uint64_t>(fused(x, 2.56, 1.04)) ^ std::bit_cast<std::uint64_t>(1.0);
}
PYCOSIM_ALWAYS_INLINE bool is_short_length(std::uint64_t length) { return length >> 52 == 0; }
PYCOSIM_ALWAYS_INLINE bool is_short_for_membrane(double x) { return is_short_length(length_for_membrane(x)); }

PYCOSIM_ALWAYS_INLINE double short_membrane_mean(double x) {
    const double third = fused(-x, fused(-x, fused(-x, 0x1.61847ac7651c8p-13, 0x1.682bc88970df9p-10),
                                         0x1.10f17519038acp-7), 0x1.55544ddd0a205p-5);
    return fused(-x, fused(-x, fused(-x, third, 0x1.5555513c14196p-3), 0x1.fffffff3bb2dfp-2), 0x1.fffffffff9fe5p-1);
}

// The first one up to twice as far, with eleven nodes and a relative error of at most 1.4e-15.
PYCOSIM_ALWAYS_INLINE bool is_moderate(double x) { return (x <= 2.0 * kShort) & (x >= -0.125); }

PYCOSIM_ALWAYS_INLINE double moderate_mean(double x) {
    const double x2 = x * x, x4 = x2 * x2;
    const double low = (0x1.ffffffffffffap-1 - x * 0x1.ffffffffff4d6p-2) +
                       x2 * (0x1.555555551d6d9p-3 - x * 0x1.55555547aa030p-5);
    const double middle = (0x1.11110f5988da8p-7 - x * 0x1.6c1680de20710p-10) +
                          x2 * (0x1.a01413b3a5618p-13 - x * 0x1.9fc0069dabf8cp-16);
    const double high = (0x1.6e698fc18c0afp-19 - x * 0x1.1270872ce432ap-22) + x2 * 0x1.118d5299aeed4p-26;
    return low + x4 * (middle + x4 * high);
}

// The same for any x, with the bits of one of the two where it holds, so that a block of neurons may take either.
template <double mean(double), bool holds(double)>
PYCOSIM_ALWAYS_INLINE double any_mean(double x) {
    const double quotient = (1.0 - parallel_exponential(-x)) / x;
    return holds(x) ? mean(x) : quotient;
}

// y after a step, where `length` is that of the step, times what y' has as a factor; `mean` is that of total * length.
PYCOSIM_ALWAYS_INLINE double relaxed(double y, double total, double inward, double length, double mean) {
    return y + (inward - total * y) * (length * mean);
}

}  // namespace pycosim::native
