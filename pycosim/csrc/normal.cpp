#include "normal.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

#include "clones.hpp"

namespace pycosim {

namespace {

constexpr std::size_t kPairs = 256;  // that stay in the first-level cache

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

PYCOSIM_SIMD_CLONES
void to_normal(const std::uint32_t* const* words, std::size_t n, double* __restrict first, double* __restrict second) {
    const std::uint32_t *w0 = words[0], *w1 = words[1], *w2 = words[2], *w3 = words[3];
    for (std::size_t i = 0; i < n; ++i) {
        const double radius = std::sqrt(-2.0 * logarithm(2.0 - from_one_to_two(w0[i], w1[i])));
        // The angle is a quarter turn times k + y, k whole, |y| <= 1/2.
        const double turns = from_one_to_two(w2[i], w3[i]) - 1.5;
        const double shifted = 4.0 * turns + 1.5 * kIntegerInLowBits;
        const double x = (4.0 * turns - (shifted - 1.5 * kIntegerInLowBits)) * 1.5707963267948966;
        const std::uint64_t k = std::bit_cast<std::uint64_t>(shifted);
        const std::uint64_t sine = std::bit_cast<std::uint64_t>(radius * (x * series(kSine, x * x)));
        const std::uint64_t cosine = std::bit_cast<std::uint64_t>(radius * series(kCosine, x * x));
        const std::uint64_t swapped = (sine ^ cosine) & -(k & 1);
        first[i] = std::bit_cast<double>((cosine ^ swapped) ^ ((k + 1) & 2) << 62);
        second[i] = std::bit_cast<double>((sine ^ swapped) ^ (k & 2) << 62);
    }
}

}  // namespace

/// Box and Muller (1958), Annals of Mathematical Statistics 29:610.
void box_muller(const std::array<std::uint32_t*, 4>& words, std::size_t n, double* first, double* second) {
    to_normal(words.data(), n, first, second);
}

void fill_normal(Key key, std::uint64_t first, std::span<double> numbers) {
    std::array<std::array<std::uint32_t, kPairs>, 5> room;
    auto& rows = room[4];
    const std::array<std::uint32_t*, 4> words = {room[0].data(), room[1].data(), room[2].data(), room[3].data()};
    std::array<std::array<double, kPairs>, 2> pairs;
    const std::uint64_t end = first + numbers.size();
    for (std::uint64_t begin = first / (2 * kPairs) * (2 * kPairs); begin < end; begin += 2 * kPairs) {
        const std::uint64_t pair = begin / 2;
        for (std::size_t i = 0; i < kPairs; ++i) rows[i] = static_cast<std::uint32_t>(pair + i);
        fill_blocks(key, rows, pair >> 32, words);
        box_muller(words, kPairs, pairs[0].data(), pairs[1].data());
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
