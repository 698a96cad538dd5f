#include "connect.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

using PlacesBelow = std::size_t(const double*, const double*, std::size_t, std::int32_t*);

std::size_t places_below_plainly(const double* numbers, const double* limits, std::size_t n, std::int32_t* out) {
    std::size_t n_found = 0;
    for (std::size_t i = 0; i < n; ++i) {
        out[n_found] = static_cast<std::int32_t>(i);
        n_found += numbers[i] < limits[i];
    }
    return n_found;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx512f,popcnt"))) std::size_t places_below_avx512(const double* numbers, const double* limits,
                                                                          std::size_t n, std::int32_t* out) {
    constexpr std::size_t kLanes = 16, kHalf = kLanes / 2;
    __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    std::size_t i = 0, n_found = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const auto below = [&](std::size_t first) __attribute__((target("avx512f,popcnt"), always_inline)) {
            return static_cast<unsigned>(
                _mm512_cmp_pd_mask(_mm512_loadu_pd(numbers + first), _mm512_loadu_pd(limits + first), _CMP_LT_OQ));
        };
        const unsigned found = below(i) | below(i + kHalf) << kHalf;
        _mm512_storeu_si512(out + n_found, _mm512_maskz_compress_epi32(static_cast<__mmask16>(found), places));
        n_found += static_cast<std::size_t>(__builtin_popcount(found));
        places = _mm512_add_epi32(places, _mm512_set1_epi32(kLanes));
    }
    for (; i < n; ++i) {
        out[n_found] = static_cast<std::int32_t>(i);
        n_found += numbers[i] < limits[i];
    }
    return n_found;
}

PlacesBelow* best() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("popcnt") ? places_below_avx512 : places_below_plainly;
}
#else
PlacesBelow* best() { return places_below_plainly; }
#endif

}  // namespace

std::size_t places_below(const double* numbers, const double* limits, std::size_t n, std::int32_t* out) {
    static PlacesBelow* const find = best();
    return find(numbers, limits, n, out);
}

}  // namespace pycosim
