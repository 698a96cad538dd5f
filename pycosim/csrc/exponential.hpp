/// The exponential function in vectors, with the same result on every machine.
#pragma once

#include <bit>
#include <cstdint>

namespace pycosim {

/// e^x with an error of at most 1.04 units in the last place (measured at 2e7 points) for kLeast <= x <= kLargest; outside,
/// the nearest of the two is taken.
struct Exponential {
    static constexpr double kLeast = -708.0, kLargest = 709.0;

    /// x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts, the first with zeros enough that n times it is exact);
    /// e^r = 1 + r + r^2 q(r), where q interpolates at the ten Chebyshev nodes (relative error 2e-17 before rounding).
#if defined(__GNUC__)
    [[gnu::always_inline]]
#endif
    static inline double of(double x) {
        constexpr double log2_e = 0x1.71547652b82fep+0;
        constexpr double ln2_high = 0x1.62e42feep-1;
        constexpr double ln2_low = 0x1.a39ef35793c76p-33;
        constexpr double round_to_integer = 0x1.8p+52;  // adding it leaves the integer in the lowest bits
        x = x < kLeast ? kLeast : x;
        x = x > kLargest ? kLargest : x;
        const double shifted = x * log2_e + round_to_integer;
        const double n = shifted - round_to_integer;
        const double r = (x - n * ln2_high) - n * ln2_low;
        double q = 0x1.af38a9b0ec855p-26;
        q = q * r + 0x1.289185613a3d6p-22;
        q = q * r + 0x1.71de0dae63bb3p-19;
        q = q * r + 0x1.a019b90d2ae7ap-16;
        q = q * r + 0x1.a01a01a7c41d5p-13;
        q = q * r + 0x1.6c16c1788bd90p-10;
        q = q * r + 0x1.11111111109b3p-7;
        q = q * r + 0x1.5555555553d63p-5;
        q = q * r + 0x1.5555555555556p-3;
        q = q * r + 0x1.0000000000001p-1;
        const double power = 1.0 + (r + r * r * q);
        return std::bit_cast<double>(std::bit_cast<std::uint64_t>(power) + (std::bit_cast<std::uint64_t>(shifted) << 52));
    }
};

}  // namespace pycosim
