#include "bit_sorter.hpp"

#include <bit>
#include <utility>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

using Words = std::vector<std::uint64_t>;
using Take = std::int32_t*(Words&, Words&, std::int32_t*);

std::int32_t* take_one_by_one(Words& words, Words& above, std::int32_t* out) {
    for (std::size_t k = 0; k < above.size(); ++k)
        for (std::uint64_t some = std::exchange(above[k], 0); some; some &= some - 1) {
            const std::size_t word = k * 64 + static_cast<std::size_t>(std::countr_zero(some));
            for (std::uint64_t bits = std::exchange(words[word], 0); bits; bits &= bits - 1)
                *out++ = static_cast<std::int32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
        }
    return out;
}

#if defined(__x86_64__) && defined(__GNUC__)
/// How many bits of a word there are is hardly ever predicted, so that none of them is a branch.
__attribute__((target("avx512f,popcnt,bmi"))) std::int32_t* take_avx512(Words& words, Words& above, std::int32_t* out) {
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::size_t k = 0; k < above.size(); ++k)
        for (std::uint64_t some = std::exchange(above[k], 0); some; some &= some - 1) {
            const std::size_t word = k * 64 + static_cast<std::size_t>(__builtin_ctzll(some));
            const std::uint64_t bits = std::exchange(words[word], 0);
            for (unsigned part = 0; part < 64; part += 16) {
                const auto mask = static_cast<__mmask16>(bits >> part);
                const __m512i values = _mm512_add_epi32(first, _mm512_set1_epi32(static_cast<int>(word * 64 + part)));
                _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(mask, values));
                out += __builtin_popcount(mask);
            }
        }
    return out;
}

Take* best() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("bmi") ? take_avx512 : take_one_by_one; }
#else
Take* best() { return take_one_by_one; }
#endif

}  // namespace

std::int32_t* BitSorter::take(std::int32_t* out) {
    static Take* const take_all = best();
    return take_all(words_, above_, out);
}

}  // namespace pycosim
