#include "bounds.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

using PlacesBelow = std::size_t(const double*, const double*, std::size_t, const BoundTable&, std::int32_t*);

std::size_t places_below_plainly(const double* numbers, const double* squares, std::size_t begin, std::size_t n,
                                 const BoundTable& table, std::size_t n_found, std::int32_t* out) {
    for (std::size_t i = begin; i < n; ++i) {
        out[n_found] = static_cast<std::int32_t>(i);
        n_found += numbers[i] < table.most[static_cast<std::size_t>(table.entry(squares[i]))];
    }
    return n_found;
}

std::size_t places_one_by_one(const double* numbers, const double* squares, std::size_t n, const BoundTable& table,
                              std::int32_t* out) {
    return places_below_plainly(numbers, squares, 0, n, table, 0, out);
}

#if defined(__x86_64__) && defined(__GNUC__)
// "maskz" and "mask": GCC 12 warns of its own header otherwise
__attribute__((target("avx512f,popcnt"))) std::size_t places_below_avx512(const double* numbers, const double* squares,
                                                                          std::size_t n, const BoundTable& table,
                                                                          std::int32_t* out) {
    constexpr std::size_t kLanes = 16, kHalf = kLanes / 2;
    const __m512i base = _mm512_set1_epi64(table.base), zero = _mm512_setzero_si512(), last = _mm512_set1_epi64(table.last());
    const double* const most = table.most.data();
    __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    std::size_t i = 0, n_found = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const auto below = [&](std::size_t first) __attribute__((target("avx512f,popcnt"), always_inline)) {
            const __m512i bits = _mm512_castpd_si512(_mm512_loadu_pd(squares + first));
            const __m512i from_base = _mm512_maskz_sub_epi64(0xff, _mm512_maskz_srli_epi64(0xff, bits, kBoundShift), base);
            const __m512i entry = _mm512_maskz_min_epi64(0xff, _mm512_maskz_max_epi64(0xff, from_base, zero), last);
            const __m512d bound = _mm512_mask_i64gather_pd(_mm512_setzero_pd(), 0xff, entry, most, 8);
            return static_cast<unsigned>(_mm512_cmp_pd_mask(_mm512_loadu_pd(numbers + first), bound, _CMP_LT_OQ));
        };
        const unsigned found = below(i) | below(i + kHalf) << kHalf;
        _mm512_storeu_si512(out + n_found, _mm512_maskz_compress_epi32(static_cast<__mmask16>(found), places));
        n_found += static_cast<std::size_t>(__builtin_popcount(found));
        places = _mm512_add_epi32(places, _mm512_set1_epi32(kLanes));
    }
    return places_below_plainly(numbers, squares, i, n, table, n_found, out);
}

PlacesBelow* best() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("popcnt") ? places_below_avx512 : places_one_by_one;
}
#else
PlacesBelow* best() { return places_one_by_one; }
#endif

}  // namespace

std::size_t places_below_bounds(const double* numbers, const double* squares, std::size_t n, const BoundTable& table,
                                std::int32_t* out) {
    static PlacesBelow* const find = best();
    return find(numbers, squares, n, table, out);
}

}  // namespace pycosim
