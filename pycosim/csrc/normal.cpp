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

/// Numbers that go through each operation together: a polynomial of one number alone waits for its own terms.
constexpr std::size_t kTogether = 32;
using Row = std::array<double, kTogether>;

template <std::size_t n>
[[gnu::always_inline]] inline void series(const std::array<double, n>& terms, const Row& x, Row& sum) {
    sum.fill(terms[n - 1]);
    for (std::size_t k = n - 1; k-- > 0;) {
        for (std::size_t i = 0; i < kTogether; ++i) sum[i] = sum[i] * x[i] + terms[k];
    }
}

/// sqrt(-2 ln u) for 0 < u <= 1: u = 2^e m with m between 1 / sqrt(2) and sqrt(2), ln m = 2 atanh((m - 1) / (m + 1)).
[[gnu::always_inline]] inline void to_radius(const std::uint32_t* high, const std::uint32_t* low, Row& radius) {
    constexpr std::uint64_t root = std::bit_cast<std::uint64_t>(0.70710678118654752);
    alignas(64) Row e, s, square, sum;
    for (std::size_t i = 0; i < kTogether; ++i) {
        const double u = 2.0 - from_one_to_two(high[i], low[i]);
        const std::uint64_t above = std::bit_cast<std::uint64_t>(u) + (kOne - root);
        const double m = std::bit_cast<double>((above & kMantissa) + root);
        e[i] = std::bit_cast<double>(std::bit_cast<std::uint64_t>(kIntegerInLowBits) | above >> 52) -
               (kIntegerInLowBits + 1023.0);
        s[i] = (m - 1.0) / (m + 1.0);
    }
    for (std::size_t i = 0; i < kTogether; ++i) square[i] = s[i] * s[i];
    series(kAtanh, square, sum);
    for (std::size_t i = 0; i < kTogether; ++i) {
        radius[i] = std::sqrt(-2.0 * (e[i] * 0.69314718055994531 + s[i] * sum[i]));
    }
}

/// kTogether pairs.
[[gnu::always_inline]] inline void to_pairs(const std::array<const std::uint32_t*, 4>& words, double* __restrict first,
                                            double* __restrict second) {
    alignas(64) Row radius, x, square, sines, cosines;
    alignas(64) std::array<std::uint64_t, kTogether> turned;
    to_radius(words[0], words[1], radius);
    for (std::size_t i = 0; i < kTogether; ++i) {
        // The angle is a quarter turn times k + y, k whole, |y| <= 1/2.
        const double turns = from_one_to_two(words[2][i], words[3][i]) - 1.5;
        const double shifted = 4.0 * turns + 1.5 * kIntegerInLowBits;
        x[i] = (4.0 * turns - (shifted - 1.5 * kIntegerInLowBits)) * 1.5707963267948966;
        square[i] = x[i] * x[i];
        turned[i] = std::bit_cast<std::uint64_t>(shifted);
    }
    series(kSine, square, sines);
    series(kCosine, square, cosines);
    for (std::size_t i = 0; i < kTogether; ++i) {
        const std::uint64_t k = turned[i];
        const std::uint64_t sine = std::bit_cast<std::uint64_t>(radius[i] * (x[i] * sines[i]));
        const std::uint64_t cosine = std::bit_cast<std::uint64_t>(radius[i] * cosines[i]);
        const std::uint64_t swapped = (sine ^ cosine) & -(k & 1);
        first[i] = std::bit_cast<double>((cosine ^ swapped) ^ ((k + 1) & 2) << 62);
        second[i] = std::bit_cast<double>((sine ^ swapped) ^ (k & 2) << 62);
    }
}

PYCOSIM_SIMD_CLONES
void to_normal(const std::uint32_t* const* words, std::size_t n, double* first, double* second) {
    std::size_t i = 0;
    for (; i + kTogether <= n; i += kTogether) {
        to_pairs({words[0] + i, words[1] + i, words[2] + i, words[3] + i}, first + i, second + i);
    }
    if (i == n) return;
    std::array<std::array<std::uint32_t, kTogether>, 4> last{};
    Row numbers[2];
    for (std::size_t k = 0; k < 4; ++k) std::copy(words[k] + i, words[k] + n, last[k].begin());
    to_pairs({last[0].data(), last[1].data(), last[2].data(), last[3].data()}, numbers[0].data(), numbers[1].data());
    std::copy_n(numbers[0].begin(), n - i, first + i);
    std::copy_n(numbers[1].begin(), n - i, second + i);
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
