#include "rough_bounds.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <stdexcept>

#include "clones.hpp"
#include "mersenne.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

constexpr std::size_t kLanes = 16, kEntries = RoughBounds::kEntries, kTogether = 256;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kLargest = 16383;  // of a place: squares along four axes are below 2^31
using Row = RoughBounds::Row;
using Two = RoughBounds::Two;
using MayBeBelow = std::size_t(const std::uint32_t*, const Row&, std::size_t, std::size_t, std::int32_t*);

template <std::size_t n_twos, bool is_periodic>
[[gnu::always_inline]] inline void find_entries(const Row& row, std::size_t begin, std::size_t n, std::uint32_t* __restrict entries) {
    std::array<const Two*, n_twos> pre;
    for (std::size_t two = 0; two < n_twos; ++two) pre[two] = row.pre[two] + begin;
    const auto square = [&](std::size_t two, std::size_t axis, std::size_t i) {
        const auto size = static_cast<std::int16_t>(std::abs(pre[two][i][axis] - row.post[two][axis]));
        const auto around = static_cast<std::int16_t>(row.period[two][axis] - size);
        const std::int16_t least = is_periodic && around < size ? around : size;
        return least * least;
    };
    for (std::size_t i = 0; i < n; ++i) {
        std::int32_t sum = square(0, 0, i) + square(0, 1, i);
        if constexpr (n_twos > 1) sum += square(1, 0, i) + square(1, 1, i);
        const auto rounded = static_cast<float>(std::max(sum, row.least));
        entries[i] = (std::bit_cast<std::uint32_t>(rounded) >> RoughBounds::kShift) % kEntries;
    }
}

PYCOSIM_SIMD_CLONES
void temper_firsts(const std::uint32_t* __restrict words, std::size_t n, std::uint32_t* __restrict firsts) {
    for (std::size_t i = 0; i < n; ++i) firsts[i] = mersenne::tempered(words[2 * i]);
}

PYCOSIM_SIMD_CLONES
void find_entries(const Row& row, std::size_t n_twos, bool is_periodic, std::size_t begin, std::size_t n, std::uint32_t* entries) {
    if (n_twos == 1) is_periodic ? find_entries<1, true>(row, begin, n, entries) : find_entries<1, false>(row, begin, n, entries);
    else is_periodic ? find_entries<2, true>(row, begin, n, entries) : find_entries<2, false>(row, begin, n, entries);
}

template <std::size_t n_twos, bool is_periodic>
std::size_t may_be_below_plainly(const std::uint32_t* words, const Row& row, std::size_t begin, std::size_t n, std::int32_t* out) {
    std::array<std::uint32_t, kTogether> firsts, entries;
    std::size_t n_found = 0;
    for (std::size_t done = 0; done < n; done += kTogether) {
        const std::size_t n_here = std::min(kTogether, n - done);
        temper_firsts(words + 2 * done, n_here, firsts.data());
        find_entries(row, n_twos, is_periodic, begin + done, n_here, entries.data());
        for (std::size_t i = 0; i < n_here; ++i) {
            out[n_found] = static_cast<std::int32_t>(begin + done + i);
            n_found += firsts[i] <= row.largest_word[entries[i]];
        }
    }
    return n_found;
}

#if defined(__x86_64__) && defined(__GNUC__)
#define PYCOSIM_AVX512 __attribute__((target("avx512f,avx512bw,popcnt")))
#define PYCOSIM_AVX512_INSIDE __attribute__((target("avx512f,avx512bw,popcnt"), always_inline))

typedef std::uint32_t Wide16 __attribute__((vector_size(64)));

// But for the last step, which changes the last 14 bits only.
PYCOSIM_AVX512_INSIDE inline __m512i nearly_tempered(__m512i words) {
    auto y = reinterpret_cast<Wide16>(words);
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    return reinterpret_cast<__m512i>(y);
}

PYCOSIM_AVX512_INSIDE inline __m512i all_lanes(Two two) { return _mm512_set1_epi32(std::bit_cast<std::int32_t>(two)); }

template <bool is_periodic>
PYCOSIM_AVX512_INSIDE inline __m512i square(const Two* pre, __m512i post, __m512i period) {
    __m512i size = _mm512_sub_epi16(_mm512_loadu_si512(pre), post);
    if constexpr (is_periodic) {
        size = _mm512_abs_epi16(size);
        size = _mm512_min_epi16(_mm512_sub_epi16(period, size), size);
    }
    return _mm512_madd_epi16(size, size);
}

// "maskz" and "mask": GCC 12 warns of its own header otherwise
template <std::size_t n_twos, bool is_periodic>
PYCOSIM_AVX512 std::size_t may_be_below_avx512(const std::uint32_t* words, const Row& row, std::size_t begin, std::size_t n,
                                               std::int32_t* out) {
    const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i last_bits = _mm512_set1_epi32((1 << 14) - 1);
    const __m512i largest_here = _mm512_or_si512(_mm512_load_si512(row.largest_word), last_bits);
    const __m512i largest_behind = _mm512_or_si512(_mm512_load_si512(row.largest_word + kLanes), last_bits);
    const __m512i least = _mm512_set1_epi32(row.least);
    __m512i post[n_twos], period[n_twos];
    for (std::size_t two = 0; two < n_twos; ++two) post[two] = all_lanes(row.post[two]), period[two] = all_lanes(row.period[two]);
    __m512i places = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(begin)),
                                      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    std::size_t n_found = 0;
    const auto take = [&](std::size_t i, __mmask16 there) __attribute__((target("avx512f,avx512bw,popcnt"), always_inline)) {
        const __m512i firsts = nearly_tempered(_mm512_permutex2var_epi32(_mm512_loadu_si512(words + 2 * i), evens,
                                                                         _mm512_loadu_si512(words + 2 * i + kLanes)));
        __m512i sum = square<is_periodic>(row.pre[0] + begin + i, post[0], period[0]);
        if constexpr (n_twos > 1) sum = _mm512_add_epi32(sum, square<is_periodic>(row.pre[1] + begin + i, post[1], period[1]));
        const __m512 rounded = _mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_max_epi32(0xffff, sum, least));
        // of the entries the last five bits count
        const __m512i entries = _mm512_maskz_srli_epi32(0xffff, _mm512_castps_si512(rounded), RoughBounds::kShift);
        const __m512i largest = _mm512_permutex2var_epi32(largest_here, entries, largest_behind);
        const __mmask16 found = _mm512_mask_cmple_epu32_mask(there, firsts, largest);
        _mm512_storeu_si512(out + n_found, _mm512_maskz_compress_epi32(found, places));
        n_found += static_cast<std::size_t>(__builtin_popcount(found));
        places = _mm512_add_epi32(places, _mm512_set1_epi32(kLanes));
    };
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) take(i, 0xffff);
    if (i < n) take(i, static_cast<__mmask16>((1U << (n - i)) - 1));
    return n_found;
}

template <std::size_t n_twos, bool is_periodic>
MayBeBelow* best() {
    const bool has_avx512 = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("popcnt");
    return has_avx512 ? may_be_below_avx512<n_twos, is_periodic> : may_be_below_plainly<n_twos, is_periodic>;
}
#else
template <std::size_t n_twos, bool is_periodic>
MayBeBelow* best() {
    return may_be_below_plainly<n_twos, is_periodic>;
}
#endif

MayBeBelow* best_of(std::size_t n_twos, bool is_periodic) {
    static const std::array<MayBeBelow*, 4> all = {best<1, false>(), best<1, true>(), best<2, false>(), best<2, true>()};
    return all[2 * (n_twos - 1) + is_periodic];
}

struct Range {
    double low, high;
};

Range range_of(std::span<const double> column) {
    const auto [low, high] = std::minmax_element(column.begin(), column.end());
    return {*low, *high};
}

}  // namespace

RoughBounds::RoughBounds(const PlaceColumns& places, const BoundTable& table) : n_twos_((places.n_axes + 1) / 2) {
    if (places.pre[0].empty() || places.post[0].empty()) return;
    round_places(places);
    const auto last = static_cast<std::uint32_t>(std::bit_cast<std::uint32_t>(4.0F * kLargest * kLargest) >> kShift);
    const auto limit = [](std::uint32_t entry) { return static_cast<double>(std::bit_cast<float>(entry << kShift)); };
    const std::uint32_t first = last - (kEntries - 1);
    least_ = static_cast<std::int32_t>(limit(first));
    for (std::uint32_t entry = first; entry <= last; ++entry) {
        const double low = entry == first ? 0 : limit(entry), high = entry == last ? kInfinity : limit(entry + 1);
        largest_word_[entry % kEntries] = bound_between(table, std::sqrt(low), std::sqrt(high));
    }
}

void RoughBounds::round_places(const PlaceColumns& places) {
    std::array<double, 3> origin;
    double largest = 0;
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        const Range pre = range_of(places.pre[axis]), post = range_of(places.post[axis]);
        origin[axis] = std::min(pre.low, post.low);
        largest = std::max(largest, std::max(pre.high, post.high) - origin[axis]);
    }
    if (!std::isfinite(largest)) throw std::invalid_argument("places must be finite");
    unit_ = std::max(largest / kLargest, std::numeric_limits<double>::min());
    for (auto* side : {&pre_, &post_})
        for (std::size_t two = 0; two < n_twos_; ++two) (*side)[two].assign((side == &pre_ ? places.pre : places.post)[0].size() + kLanes, Two{});
    for (auto& two : period_) two.fill(std::numeric_limits<std::int16_t>::max());  // never the shorter way
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        const std::size_t two = axis / 2, of_two = axis % 2;
        const auto round = [&](double value) { return static_cast<std::int16_t>(std::lrint(value / unit_)); };
        for (std::size_t i = 0; i < places.pre[axis].size(); ++i) pre_[two][i][of_two] = round(places.pre[axis][i] - origin[axis]);
        for (std::size_t i = 0; i < places.post[axis].size(); ++i) post_[two][i][of_two] = round(places.post[axis][i] - origin[axis]);
        if (places.period[axis] / unit_ < 2 * kLargest) period_[two][of_two] = round(places.period[axis]), is_periodic_ = true;
        error_ += 1.6;  // half of a unit for each place and the period, and what the division is off by
    }
}

/// What the first word of a number does not exceed that is below the bounds between two rough distances.
std::uint32_t RoughBounds::bound_between(const BoundTable& table, double low, double high) const {
    constexpr double kMore = 1 + 0x1p-20;  // to a square that is rounded to 24 bits
    const double least = std::max(0.0, low / kMore - error_) * unit_, most = (high * kMore + error_) * unit_;
    const auto begin = table.most.begin();
    const double bound = *std::max_element(begin + table.entry(least * least), begin + table.entry(most * most) + 1);
    const auto words = static_cast<std::uint64_t>(std::ceil(std::clamp(bound, 0.0, 1.0) * 0x1p27)) << 5;
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(words, 1) - 1);
}

std::size_t RoughBounds::may_be_below(const std::uint32_t* words, std::size_t j, std::size_t begin, std::size_t n,
                                      std::int32_t* out) const {
    Row row{{}, {}, period_, least_, largest_word_.data()};
    for (std::size_t two = 0; two < n_twos_; ++two) row.pre[two] = pre_[two].data(), row.post[two] = post_[two][j];
    return best_of(n_twos_, is_periodic_)(words, row, begin, n, out);
}

}  // namespace pycosim
