#include "philox.hpp"

#include <algorithm>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

constexpr std::size_t kLanes = 16;  // a multiple of all vectors' lengths

using Words = std::array<std::uint32_t*, 4>;
using Fill = void(Key, const std::uint32_t* rows, std::size_t n, std::uint64_t index, const Words&);

/// As fill_blocks, for `n` rows, a multiple of kLanes.
void fill_plainly(Key key, const std::uint32_t* rows, std::size_t n, std::uint64_t index, const Words& words) {
    for (std::size_t i = 0; i < n; ++i) {
        const Block block = block_of(key, rows[i], 0, index);
        for (std::size_t k = 0; k < 4; ++k) words[k][i] = block[k];
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
// By hand, because GCC takes three multiplications of 64 bits for one of 32. A lane has a word in its lower half;
// the upper half means nothing, and is ignored by the multiplication.
typedef std::uint64_t Wide4 __attribute__((vector_size(32)));
typedef std::uint64_t Wide8 __attribute__((vector_size(64)));
typedef std::uint32_t Narrow4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef std::uint32_t Narrow8 __attribute__((vector_size(32), aligned(4), may_alias));

__attribute__((target("avx512f"))) void fill_avx512(Key key, const std::uint32_t* rows, std::size_t n,
                                                    std::uint64_t index, const Words& words) {
    const __m512i multiplier0 = _mm512_set1_epi64(philox::kMultiplier0);
    const __m512i multiplier1 = _mm512_set1_epi64(philox::kMultiplier1);
    for (std::size_t i = 0; i < n; i += 8) {
        Wide8 c0 = Wide8{} + index, c1 = Wide8{} + (index >> 32), c3{};
        Wide8 c2 = __builtin_convertvector(*reinterpret_cast<const Narrow8*>(rows + i), Wide8);
        Key k = key;
        for (int round = 0; round < philox::kRounds; ++round) {
            // "maskz": GCC 12 warns of its own header otherwise
            const auto product0 = (Wide8)_mm512_maskz_mul_epu32(0xff, (__m512i)c0, multiplier0);
            const auto product1 = (Wide8)_mm512_maskz_mul_epu32(0xff, (__m512i)c2, multiplier1);
            c0 = (product1 >> 32) ^ c1 ^ k.low;
            c1 = product1;
            c2 = (product0 >> 32) ^ c3 ^ k.high;
            c3 = product0;
            k = {k.low + philox::kWeyl0, k.high + philox::kWeyl1};
        }
        *reinterpret_cast<Narrow8*>(words[0] + i) = __builtin_convertvector(c0, Narrow8);
        *reinterpret_cast<Narrow8*>(words[1] + i) = __builtin_convertvector(c1, Narrow8);
        *reinterpret_cast<Narrow8*>(words[2] + i) = __builtin_convertvector(c2, Narrow8);
        *reinterpret_cast<Narrow8*>(words[3] + i) = __builtin_convertvector(c3, Narrow8);
    }
}

__attribute__((target("avx2"))) void fill_avx2(Key key, const std::uint32_t* rows, std::size_t n,
                                               std::uint64_t index, const Words& words) {
    const __m256i multiplier0 = _mm256_set1_epi64x(philox::kMultiplier0);
    const __m256i multiplier1 = _mm256_set1_epi64x(philox::kMultiplier1);
    for (std::size_t i = 0; i < n; i += 4) {
        Wide4 c0 = Wide4{} + index, c1 = Wide4{} + (index >> 32), c3{};
        Wide4 c2 = __builtin_convertvector(*reinterpret_cast<const Narrow4*>(rows + i), Wide4);
        Key k = key;
        for (int round = 0; round < philox::kRounds; ++round) {
            const auto product0 = (Wide4)_mm256_mul_epu32((__m256i)c0, multiplier0);
            const auto product1 = (Wide4)_mm256_mul_epu32((__m256i)c2, multiplier1);
            c0 = (product1 >> 32) ^ c1 ^ k.low;
            c1 = product1;
            c2 = (product0 >> 32) ^ c3 ^ k.high;
            c3 = product0;
            k = {k.low + philox::kWeyl0, k.high + philox::kWeyl1};
        }
        *reinterpret_cast<Narrow4*>(words[0] + i) = __builtin_convertvector(c0, Narrow4);
        *reinterpret_cast<Narrow4*>(words[1] + i) = __builtin_convertvector(c1, Narrow4);
        *reinterpret_cast<Narrow4*>(words[2] + i) = __builtin_convertvector(c2, Narrow4);
        *reinterpret_cast<Narrow4*>(words[3] + i) = __builtin_convertvector(c3, Narrow4);
    }
}

Fill* best_fill() {
    if (__builtin_cpu_supports("avx512f")) return fill_avx512;
    if (__builtin_cpu_supports("avx2")) return fill_avx2;
    return fill_plainly;
}
#else
Fill* best_fill() { return fill_plainly; }
#endif

}  // namespace

void fill_blocks(Key key, std::span<const std::uint32_t> rows, std::uint64_t index,
                 const Words& words) {
    static Fill* const fill = best_fill();
    const std::size_t n_whole = rows.size() / kLanes * kLanes, n_left = rows.size() - n_whole;
    fill(key, rows.data(), n_whole, index, words);
    if (n_left == 0) return;
    std::array<std::array<std::uint32_t, kLanes>, 5> last{};
    std::copy_n(rows.data() + n_whole, n_left, last[4].begin());
    fill(key, last[4].data(), kLanes, index, {last[0].data(), last[1].data(), last[2].data(), last[3].data()});
    for (std::size_t k = 0; k < 4; ++k) std::copy_n(last[k].begin(), n_left, words[k] + n_whole);
}

}  // namespace pycosim
