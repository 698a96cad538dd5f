#include "gaps.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <iterator>

#include "clones.hpp"

namespace pycosim {
namespace {

// Of ln m = 2 atanh(s), s = (m - 1) / (m + 1), five terms are taken: what is left out is below 1e-8 of the sum for
// m from sqrt(1/2) to sqrt(2). Quotients this near to a whole number are computed once more.
constexpr double kDoubt = 1e-7;

// -ln of the smallest 1 - u above 0, and a little more.
constexpr double kLargestLog = 37.0;

constexpr double kIntegerInLowBits = 0x1p52;
constexpr std::uint64_t kOne = 0x3FF0000000000000, kMantissa = 0x000FFFFFFFFFFFFF;

/// Returns how many gaps are in doubt: for those, and for those only, -1 is written.
PYCOSIM_SIMD_CLONES
std::ptrdiff_t find_gaps(const double* __restrict numbers, std::size_t n, double per_log, std::int32_t* __restrict gaps) {
    constexpr std::uint64_t root = std::bit_cast<std::uint64_t>(0.70710678118654752);
    std::ptrdiff_t n_doubtful = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double hit = 1.0 - numbers[i];  // exact, and above 0
        const std::uint64_t above = std::bit_cast<std::uint64_t>(hit) + (kOne - root);
        const double m = std::bit_cast<double>((above & kMantissa) + root);
        const double e = std::bit_cast<double>(std::bit_cast<std::uint64_t>(kIntegerInLowBits) | above >> 52) -
                         (kIntegerInLowBits + 1023.0);
        const double s = (m - 1.0) / (m + 1.0), square = s * s;
        const double sum = (((2.0 / 9.0 * square + 2.0 / 7.0) * square + 2.0 / 5.0) * square + 2.0 / 3.0) * square + 2.0;
        const double quotient = (e * 0.69314718055994531 + s * sum) * per_log;
        const auto whole = static_cast<std::int32_t>(quotient);
        const double rest = quotient - static_cast<double>(whole), doubt = kDoubt + kDoubt * quotient;
        const bool is_doubtful = (rest < doubt) | (rest > 1.0 - doubt);
        gaps[i] = is_doubtful ? -1 : whole;
        n_doubtful += is_doubtful;
    }
    return n_doubtful;
}

}  // namespace

void fill_gaps(std::span<const double> numbers, double log_miss, std::int32_t* gaps) {
    std::ptrdiff_t n_doubtful = std::ssize(numbers);
    if (-log_miss * kLargestGap > kLargestLog) n_doubtful = find_gaps(numbers.data(), numbers.size(), 1.0 / log_miss, gaps);
    else std::fill_n(gaps, numbers.size(), -1);
    for (std::size_t i = 0; n_doubtful > 0; ++i) {
        if (gaps[i] >= 0) continue;
        const double gap = std::floor(std::log1p(-numbers[i]) / log_miss);
        gaps[i] = static_cast<std::int32_t>(std::min<double>(gap, kLargestGap));
        --n_doubtful;
    }
}

}  // namespace pycosim
