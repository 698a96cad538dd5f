#include "philox.hpp"

#include "clones.hpp"

#if defined(PYCOSIM_SEVERAL_INSTRUCTION_SETS)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

constexpr std::size_t kLanes = 32;

#if defined(PYCOSIM_SEVERAL_INSTRUCTION_SETS)

// Compilers make three 64-bit multiplications of one of 32 bits by 32, so it is asked for by name. A word is the lower
// half of a vector element; what is in the upper half does not matter, as multiplications do not read it.
#define PYCOSIM_BLOCKS(instructions, n_bytes, multiply, Register)                                               \
    __attribute__((target(instructions))) void blocks(Key key, const std::uint32_t* rows, std::uint64_t index,  \
                                                      const std::array<std::uint32_t*, 4>& words) {             \
        typedef std::uint64_t Lanes __attribute__((vector_size(n_bytes)));                                      \
        typedef std::uint32_t Words __attribute__((vector_size(n_bytes / 2), aligned(4)));                      \
        constexpr int kVectors = 4, kWidth = n_bytes / 8;                                                       \
        const Lanes multiplier0 = Lanes{} + philox::kMultiplier0, multiplier1 = Lanes{} + philox::kMultiplier1; \
        for (std::size_t begin = 0; begin < kLanes; begin += kVectors * kWidth) {                               \
            Lanes low = Lanes{} + key.low, high = Lanes{} + key.high;                                           \
            Lanes c0[kVectors], c1[kVectors], c2[kVectors], c3[kVectors];                                       \
            for (int v = 0; v < kVectors; ++v) {                                                                \
                c0[v] = Lanes{} + index;                                                                        \
                c1[v] = Lanes{} + (index >> 32);                                                                \
                const Words* const from = reinterpret_cast<const Words*>(rows + begin + v * kWidth);            \
                c2[v] = __builtin_convertvector(*from, Lanes);                                                  \
                c3[v] = Lanes{};                                                                                \
            }                                                                                                   \
            for (int round = 0; round < philox::kRounds; ++round) {                                             \
                for (int v = 0; v < kVectors; ++v) {                                                            \
                    const Lanes product0 = (Lanes)multiply((Register)multiplier0, (Register)c0[v]);             \
                    const Lanes product1 = (Lanes)multiply((Register)multiplier1, (Register)c2[v]);             \
                    c0[v] = (product1 >> 32) ^ c1[v] ^ low;                                                     \
                    c1[v] = product1;                                                                           \
                    c2[v] = (product0 >> 32) ^ c3[v] ^ high;                                                    \
                    c3[v] = product0;                                                                           \
                }                                                                                               \
                low += philox::kWeyl0;                                                                          \
                high += philox::kWeyl1;                                                                         \
            }                                                                                                   \
            for (int v = 0; v < kVectors; ++v) {                                                                \
                const Lanes* const c[] = {&c0[v], &c1[v], &c2[v], &c3[v]};                                      \
                for (std::size_t k = 0; k < 4; ++k) {                                                           \
                    Words* const to = reinterpret_cast<Words*>(words[k] + begin + v * kWidth);                  \
                    *to = __builtin_convertvector(*c[k], Words);                                                \
                }                                                                                               \
            }                                                                                                   \
        }                                                                                                       \
    }

// GCC 12 warns of its own header at the form without a mask.
#define PYCOSIM_MULTIPLY_512(a, b) _mm512_maskz_mul_epu32(0xff, a, b)

PYCOSIM_BLOCKS("avx512f", 64, PYCOSIM_MULTIPLY_512, __m512i)
PYCOSIM_BLOCKS("avx2", 32, _mm256_mul_epu32, __m256i)

__attribute__((target("default")))
#endif
void blocks(Key key, const std::uint32_t* rows, std::uint64_t index, const std::array<std::uint32_t*, 4>& words) {
    for (std::size_t i = 0; i < kLanes; ++i) {
        const Block block = block_of(key, rows[i], 0, index);
        for (std::size_t k = 0; k < 4; ++k) words[k][i] = block[k];
    }
}

}  // namespace

void fill_blocks(Key key, std::span<const std::uint32_t> rows, std::uint64_t index,
                 const std::array<std::uint32_t*, 4>& words) {
    const std::size_t n_full = rows.size() / kLanes * kLanes, n_left = rows.size() - n_full;
    for (std::size_t begin = 0; begin < n_full; begin += kLanes) {
        blocks(key, rows.data() + begin, index,
               {words[0] + begin, words[1] + begin, words[2] + begin, words[3] + begin});
    }
    if (n_left == 0) return;
    std::uint32_t last_rows[kLanes] = {}, last[4][kLanes];
    for (std::size_t i = 0; i < n_left; ++i) last_rows[i] = rows[n_full + i];
    blocks(key, last_rows, index, {last[0], last[1], last[2], last[3]});
    for (std::size_t k = 0; k < 4; ++k) {
        for (std::size_t i = 0; i < n_left; ++i) words[k][n_full + i] = last[k][i];
    }
}

}  // namespace pycosim
