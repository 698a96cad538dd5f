#include "philox.hpp"

#include <algorithm>

#include "clones.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

constexpr std::size_t kLanes = 16;   // a multiple of all vectors' lengths
constexpr std::size_t kChunk = 512;  // blocks that stay in the first-level cache

using Words = std::array<std::uint32_t*, 4>;

/// The counters of many blocks: block i is number index + i * index_step of row rows[i * row_step]; or indices[i] of it.
/// Its key is keys[i] if there are any.
struct Counters {
    std::uint64_t index, index_step;
    const std::uint32_t* rows;
    std::size_t row_step;
    std::uint32_t lane;
    const std::uint64_t* indices = nullptr;
    const Key* keys = nullptr;

    Counters from(std::size_t i) const {
        return {index + i * index_step, index_step, rows + i * row_step, row_step, lane, indices ? indices + i : nullptr,
                keys ? keys + i : nullptr};
    }
};

/// Writes `n` blocks, a multiple of kLanes: word k of block i is words[k][i]. There are at least kLanes rows.
using Fill = void(Key, Counters counters, std::size_t n, Words words);

void fill_plainly(Key key, Counters counters, std::size_t n, Words words) {
    for (std::size_t i = 0; i < n; ++i) {
        const Counters c = counters.from(i);
        const Block block = block_of(c.keys ? *c.keys : key, *c.rows, c.lane, c.indices ? *c.indices : c.index);
        for (std::size_t k = 0; k < 4; ++k) words[k][i] = block[k];
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
// By hand, because GCC takes three multiplications of 64 bits for one of 32. A lane has a word in its lower half;
// the upper half means nothing, and is ignored by the multiplication. So a whole Key serves as its own low word.
typedef std::uint64_t Wide4 __attribute__((vector_size(32)));
typedef std::uint64_t Wide8 __attribute__((vector_size(64)));
typedef std::uint64_t Indices4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef std::uint64_t Indices8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef double Numbers8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef std::uint32_t Narrow4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef std::uint32_t Narrow8 __attribute__((vector_size(32), aligned(4), may_alias));

template <class Words>
__attribute__((target("avx512f"), always_inline)) inline void mix(Wide8& c0, Wide8& c1, Wide8& c2, Wide8& c3, Words& low,
                                                                  Words& high) {
    const __m512i multiplier0 = _mm512_set1_epi64(philox::kMultiplier0);
    const __m512i multiplier1 = _mm512_set1_epi64(philox::kMultiplier1);
    for (int round = 0; round < philox::kRounds; ++round) {
        // "maskz": GCC 12 warns of its own header otherwise
        const auto product0 = (Wide8)_mm512_maskz_mul_epu32(0xff, (__m512i)c0, multiplier0);
        const auto product1 = (Wide8)_mm512_maskz_mul_epu32(0xff, (__m512i)c2, multiplier1);
        c0 = (product1 >> 32) ^ c1 ^ low;
        c1 = product1;
        c2 = (product0 >> 32) ^ c3 ^ high;
        c3 = product0;
        low += philox::kWeyl0;
        high += philox::kWeyl1;
    }
}

__attribute__((target("avx512f"), always_inline)) inline void mix(Wide8& c0, Wide8& c1, Wide8& c2, Wide8& c3, Key key) {
    mix(c0, c1, c2, c3, key.low, key.high);
}

__attribute__((target("avx512f"))) void fill_avx512(Key key, Counters counters, std::size_t n, Words words) {
    const Wide8 offsets = Wide8{0, 1, 2, 3, 4, 5, 6, 7} * counters.index_step;
    for (std::size_t i = 0; i < n; i += 8) {
        const Counters first = counters.from(i);
        Wide8 c0 = offsets + first.index;
        if (first.indices) c0 = *reinterpret_cast<const Indices8*>(first.indices);
        Wide8 c1 = c0 >> 32, c3 = Wide8{} + first.lane;
        Wide8 c2 = __builtin_convertvector(*reinterpret_cast<const Narrow8*>(first.rows), Wide8);
        if (first.keys) {
            Wide8 low = *reinterpret_cast<const Indices8*>(first.keys), high = low >> 32;
            mix(c0, c1, c2, c3, low, high);
        } else {
            mix(c0, c1, c2, c3, key);
        }
        *reinterpret_cast<Narrow8*>(words[0] + i) = __builtin_convertvector(c0, Narrow8);
        *reinterpret_cast<Narrow8*>(words[1] + i) = __builtin_convertvector(c1, Narrow8);
        *reinterpret_cast<Narrow8*>(words[2] + i) = __builtin_convertvector(c2, Narrow8);
        *reinterpret_cast<Narrow8*>(words[3] + i) = __builtin_convertvector(c3, Narrow8);
    }
}

/// What `uniform` makes of a block's first and second half.
template <bool is_alternating>
__attribute__((target("avx512f,avx512dq"))) void fill_numbers_avx512(Key key, std::uint32_t lane, const BlockList& blocks,
                                                                     double* first, double* second) {
    const auto to_numbers = [](Wide8& high, Wide8& low, Numbers8& out) __attribute__((target("avx512f,avx512dq"), always_inline)) {
        const Wide8 bits = (high << 32 | (low & 0xffffffff)) >> 11;
        out = (Numbers8)_mm512_maskz_cvtepu64_pd(0xff, (__m512i)bits) * 0x1p-53;
    };
    const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    for (std::size_t i = 0; i < blocks.rows.size(); i += 8) {
        Wide8 c0 = *reinterpret_cast<const Indices8*>(blocks.indices + i), c1 = c0 >> 32, c3 = Wide8{} + lane;
        Wide8 c2 = __builtin_convertvector(*reinterpret_cast<const Narrow8*>(blocks.rows.data() + i), Wide8);
        mix(c0, c1, c2, c3, key);
        Numbers8 a, b;
        to_numbers(c0, c1, a), to_numbers(c2, c3, b);
        if constexpr (is_alternating) {
            _mm512_storeu_pd(first + 2 * i, _mm512_maskz_permutex2var_pd(0xff, a, low, b));
            _mm512_storeu_pd(first + 2 * i + 8, _mm512_maskz_permutex2var_pd(0xff, a, high, b));
        } else {
            *reinterpret_cast<Numbers8*>(first + i) = a;
            *reinterpret_cast<Numbers8*>(second + i) = b;
        }
    }
}

bool has_avx512() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"); }

template <class Words>
__attribute__((target("avx2"), always_inline)) inline void mix(Wide4& c0, Wide4& c1, Wide4& c2, Wide4& c3, Words& low,
                                                               Words& high) {
    const __m256i multiplier0 = _mm256_set1_epi64x(philox::kMultiplier0);
    const __m256i multiplier1 = _mm256_set1_epi64x(philox::kMultiplier1);
    for (int round = 0; round < philox::kRounds; ++round) {
        const auto product0 = (Wide4)_mm256_mul_epu32((__m256i)c0, multiplier0);
        const auto product1 = (Wide4)_mm256_mul_epu32((__m256i)c2, multiplier1);
        c0 = (product1 >> 32) ^ c1 ^ low;
        c1 = product1;
        c2 = (product0 >> 32) ^ c3 ^ high;
        c3 = product0;
        low += philox::kWeyl0;
        high += philox::kWeyl1;
    }
}

__attribute__((target("avx2"))) void fill_avx2(Key key, Counters counters, std::size_t n, Words words) {
    const Wide4 offsets = Wide4{0, 1, 2, 3} * counters.index_step;
    for (std::size_t i = 0; i < n; i += 4) {
        const Counters first = counters.from(i);
        Wide4 c0 = offsets + first.index;
        if (first.indices) c0 = *reinterpret_cast<const Indices4*>(first.indices);
        Wide4 c1 = c0 >> 32, c3 = Wide4{} + first.lane;
        Wide4 c2 = __builtin_convertvector(*reinterpret_cast<const Narrow4*>(first.rows), Wide4);
        if (first.keys) {
            Wide4 low = *reinterpret_cast<const Indices4*>(first.keys), high = low >> 32;
            mix(c0, c1, c2, c3, low, high);
        } else {
            Key k = key;
            mix(c0, c1, c2, c3, k.low, k.high);
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

bool has_avx512() { return false; }

template <bool is_alternating>
void fill_numbers_avx512(Key, std::uint32_t, const BlockList&, double*, double*) {}
#endif

void fill(Key key, const Counters& counters, std::size_t n, const Words& words) {
    static Fill* const fill_whole = best_fill();
    const std::size_t n_whole = n / kLanes * kLanes, n_left = n - n_whole;
    fill_whole(key, counters, n_whole, words);
    if (n_left == 0) return;
    Counters rest = counters.from(n_whole);
    std::array<std::array<std::uint32_t, kLanes>, 5> last{};
    if (rest.row_step) {
        std::copy_n(rest.rows, n_left, last[4].begin());
        rest.rows = last[4].data();
    }
    std::array<std::uint64_t, kLanes> indices;
    if (rest.indices) {
        indices.fill(0);
        std::copy_n(rest.indices, n_left, indices.begin());
        rest.indices = indices.data();
    }
    std::array<Key, kLanes> keys;
    if (rest.keys) {
        keys.fill({});
        std::copy_n(rest.keys, n_left, keys.begin());
        rest.keys = keys.data();
    }
    fill_whole(key, rest, kLanes, {last[0].data(), last[1].data(), last[2].data(), last[3].data()});
    for (std::size_t k = 0; k < 4; ++k) std::copy_n(last[k].begin(), n_left, words[k] + n_whole);
}

PYCOSIM_SIMD_CLONES
void to_uniforms(const Words& words, std::size_t n, double* first, double* second) {
    for (std::size_t i = 0; i < n; ++i) {
        first[i] = uniform_in_parts(words[0][i], words[1][i]);
        second[i] = uniform_in_parts(words[2][i], words[3][i]);
    }
}

/// What `uniform` makes of the two halves of each of `n` blocks.
PYCOSIM_SIMD_CLONES
void to_uniforms(const Words& words, std::size_t n, double* numbers) {
    for (std::size_t i = 0; i < n; ++i) {
        numbers[2 * i] = uniform_in_parts(words[0][i], words[1][i]);
        numbers[2 * i + 1] = uniform_in_parts(words[2][i], words[3][i]);
    }
}

/// Calls visit(words, i, n) for blocks i to before i + n.
template <class Visit>
void visit_words(Key key, std::uint32_t lane, const BlockList& blocks, Visit&& visit) {
    std::array<std::array<std::uint32_t, kChunk>, 4> some;
    const Words words = {some[0].data(), some[1].data(), some[2].data(), some[3].data()};
    for (std::size_t i = 0; i < blocks.rows.size(); i += kChunk) {
        const std::size_t n = std::min(kChunk, blocks.rows.size() - i);
        fill(key, {0, 0, blocks.rows.data() + i, 1, lane, blocks.indices + i}, n, words);
        visit(words, i, n);
    }
}

}  // namespace

void fill_numbers(Key key, std::uint32_t lane, const BlockList& blocks, double* numbers) {
    static const bool is_fast = has_avx512();
    if (is_fast) return fill_numbers_avx512<true>(key, lane, blocks, numbers, nullptr);
    visit_words(key, lane, blocks, [&](const Words& words, std::size_t i, std::size_t n) { to_uniforms(words, n, numbers + 2 * i); });
}

void fill_numbers(Key key, std::uint32_t lane, const BlockList& blocks, double* first, double* second) {
    static const bool is_fast = has_avx512();
    if (is_fast) return fill_numbers_avx512<false>(key, lane, blocks, first, second);
    visit_words(key, lane, blocks, [&](const Words& words, std::size_t i, std::size_t n) { to_uniforms(words, n, first + i, second + i); });
}

void fill_blocks(Key key, std::span<const std::uint32_t> rows, std::uint64_t index, const Words& words) {
    fill(key, {index, 0, rows.data(), 1, 0}, rows.size(), words);
}

void fill_blocks(Key key, std::uint32_t lane, const BlockList& blocks, const Words& words) {
    fill(key, {0, 0, blocks.rows.data(), 1, lane, blocks.indices}, blocks.rows.size(), words);
}

void fill_blocks(const KeyedBlocks& blocks, const Words& words) {
    fill({}, {0, 0, blocks.rows, 1, 0, blocks.indices, blocks.keys.data()}, blocks.keys.size(), words);
}

void fill_row(Key key, std::uint32_t row, std::uint32_t lane, std::uint64_t first, std::size_t n, const Words& words) {
    std::array<std::uint32_t, kLanes> rows;
    rows.fill(row);
    fill(key, {first, 1, rows.data(), 0, lane}, n, words);
}

void fill_uniforms(Key key, std::uint32_t row, std::uint32_t lane, std::uint64_t first, std::span<double> numbers) {
    std::array<std::array<std::uint32_t, kChunk>, 4> blocks;
    const Words words = {blocks[0].data(), blocks[1].data(), blocks[2].data(), blocks[3].data()};
    std::array<std::uint32_t, kLanes> rows;
    rows.fill(row);
    for (std::size_t begin = 0; begin < numbers.size(); begin += 2 * kChunk, first += kChunk) {
        const std::size_t n = std::min(2 * kChunk, numbers.size() - begin);
        fill(key, {first, 1, rows.data(), 0, lane}, (n + 1) / 2, words);
        to_uniforms(words, n / 2, numbers.data() + begin);
        if (n % 2) numbers.back() = uniform(words[0][n / 2], words[1][n / 2]);
    }
}

}  // namespace pycosim
