#include "normal.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

#include "clones.hpp"

namespace pycosim {

namespace {

// Each takes four random words and makes two numbers.
constexpr std::size_t kPairs = 256;
using Words = std::array<std::array<std::uint32_t, kPairs>, 4>;
using Pairs = std::array<std::array<double, kPairs>, 2>;

constexpr double kIntegerInLowBits = 0x1p52;
constexpr std::uint64_t kOne = 0x3FF0000000000000, kMantissa = 0x000FFFFFFFFFFFFF;

// Of the series of 2 atanh(s) / s, sin(x) / x and cos(x) in powers of s^2 or x^2, the constant first. What is left
// out is below 2^-53 for 1 / sqrt(2) <= u <= sqrt(2) and |x| <= pi / 4.
constexpr auto kAtanh = [] {
    std::array<double, 12> terms{};
    for (int k = 0; k < 12; ++k) terms[k] = 2.0 / (2 * k + 1);
    return terms;
}();
constexpr auto factorials(double first) {
    std::array<double, 9> terms{1.0};
    for (int k = 1; k < 9; ++k) terms[k] = -terms[k - 1] / ((2 * k - 1 + first) * (2 * k + first));
    return terms;
}
constexpr auto kSine = factorials(1.0), kCosine = factorials(0.0);

template <std::size_t n>
[[gnu::always_inline]] inline double series(const std::array<double, n>& terms, double x) {
    double sum = terms[n - 1];
    for (std::size_t k = n - 1; k-- > 0;) sum = sum * x + terms[k];
    return sum;
}

/// A number in [1, 2) with 52 random bits.
[[gnu::always_inline]] inline double from_one_to_two(std::uint32_t high, std::uint32_t low) {
    return std::bit_cast<double>(kOne | (std::uint64_t{high} << 20) | (low >> 12));
}

/// ln u for 0 < u <= 1: u = 2^e m with m between 1 / sqrt(2) and sqrt(2), ln m = 2 atanh((m - 1) / (m + 1)).
[[gnu::always_inline]] inline double logarithm(double u) {
    constexpr std::uint64_t root = std::bit_cast<std::uint64_t>(0.70710678118654752);
    const std::uint64_t above = std::bit_cast<std::uint64_t>(u) + (kOne - root);
    const double m = std::bit_cast<double>((above & kMantissa) + root);
    const double e = std::bit_cast<double>(std::bit_cast<std::uint64_t>(kIntegerInLowBits) | above >> 52) -
                     (kIntegerInLowBits + 1023.0);
    const double s = (m - 1.0) / (m + 1.0);
    return e * 0.69314718055994531 + s * series(kAtanh, s * s);
}

/// Box and Muller (1958), Annals of Mathematical Statistics 29:610.
PYCOSIM_SIMD_CLONES void box_muller(const Words& words, Pairs& numbers) {
    for (std::size_t i = 0; i < kPairs; ++i) {
        const double radius = std::sqrt(-2.0 * logarithm(2.0 - from_one_to_two(words[0][i], words[1][i])));
        // The angle is a quarter turn times k + y, k whole, |y| <= 1/2.
        const double turns = from_one_to_two(words[2][i], words[3][i]) - 1.5;
        const double shifted = 4.0 * turns + 1.5 * kIntegerInLowBits;
        const double x = (4.0 * turns - (shifted - 1.5 * kIntegerInLowBits)) * 1.5707963267948966;
        const std::uint64_t k = std::bit_cast<std::uint64_t>(shifted);
        const std::uint64_t sine = std::bit_cast<std::uint64_t>(radius * (x * series(kSine, x * x)));
        const std::uint64_t cosine = std::bit_cast<std::uint64_t>(radius * series(kCosine, x * x));
        const std::uint64_t swapped = (sine ^ cosine) & -(k & 1);
        numbers[0][i] = std::bit_cast<double>((cosine ^ swapped) ^ ((k + 1) & 2) << 62);
        numbers[1][i] = std::bit_cast<double>((sine ^ swapped) ^ (k & 2) << 62);
    }
}

}  // namespace

void fill_normal(Key key, std::uint64_t first, std::span<double> numbers) {
    std::array<std::uint32_t, kPairs> rows;
    Words words;
    Pairs pairs;
    const std::uint64_t end = first + numbers.size();
    for (std::uint64_t begin = first / (2 * kPairs) * (2 * kPairs); begin < end; begin += 2 * kPairs) {
        const std::uint64_t pair = begin / 2;
        for (std::size_t i = 0; i < kPairs; ++i) rows[i] = static_cast<std::uint32_t>(pair + i);
        fill_blocks(key, rows, pair >> 32, {words[0].data(), words[1].data(), words[2].data(), words[3].data()});
        box_muller(words, pairs);
        const std::uint64_t last = std::min<std::uint64_t>(end, begin + 2 * kPairs);
        std::uint64_t n = std::max(first, begin);
        if (n % 2 && n < last) {
            numbers[n - first] = pairs[1][(n - begin) / 2];
            ++n;
        }
        for (; n + 1 < last; n += 2) {
            numbers[n - first] = pairs[0][(n - begin) / 2];
            numbers[n + 1 - first] = pairs[1][(n - begin) / 2];
        }
        if (n < last) numbers[n - first] = pairs[0][(n - begin) / 2];
    }
}

}  // namespace pycosim
