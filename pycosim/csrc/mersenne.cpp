#include "mersenne.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "clones.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim::mersenne {
namespace {

constexpr std::size_t kShift = 397;

inline std::uint32_t twisted(std::uint32_t upper, std::uint32_t lower) {
    const std::uint32_t y = (upper & 0x80000000U) | (lower & 0x7fffffffU);
    return (y >> 1) ^ ((0U - (lower & 1U)) & 0x9908b0dfU);
}

using NextWords = void(std::uint32_t*);
using TakeUpto = std::size_t(const std::uint32_t*, std::size_t, std::uint32_t, Falling&, std::uint32_t*&);
using TakeAllUpto = std::size_t(const std::uint32_t*, std::size_t, std::uint32_t, std::uint32_t, std::uint32_t*);
using UniformsAt = void(const std::uint32_t*, std::span<const std::int32_t>, std::int32_t, double*);
using TakeBelow = std::size_t(const std::uint32_t*, std::size_t, std::uint64_t, std::int32_t, std::int32_t*);

PYCOSIM_SIMD_CLONES
void next_words_plainly(std::uint32_t* words) {
    std::size_t i = 0;
    for (; i < kWords - kShift; ++i) words[i] = words[i + kShift] ^ twisted(words[i], words[i + 1]);
    for (; i < kWords - 1; ++i) words[i] = words[i + kShift - kWords] ^ twisted(words[i], words[i + 1]);
    words[i] = words[kShift - 1] ^ twisted(words[i], words[0]);
}

// Of tempered words.
std::size_t take_upto_one_by_one(const std::uint32_t* words, std::size_t n, std::uint32_t mask, Falling& largest,
                                 std::uint32_t*& out) {
    std::uint32_t bound = largest.now, *place = out;  // not read again after each write
    std::size_t i = 0;
    for (; i < n && bound > largest.last; ++i) {
        const std::uint32_t value = words[i] & mask;
        *place = value;
        const bool is_taken = value <= bound;
        place += is_taken;
        bound -= is_taken;
    }
    largest.now = bound;
    out = place;
    return i;
}

// At most those are taken that are at most `largest`, and at least those that would be if all of these were. Of the
// others the first is not, so that there is nothing to look at in turn unless there are several of them.
std::size_t take_upto_plainly(const std::uint32_t* words, std::size_t n, std::uint32_t mask, Falling& largest,
                              std::uint32_t*& out) {
    constexpr std::size_t kTogether = 32, kTempered = 8 * kTogether;
    std::array<std::uint32_t, kTempered> values;
    std::size_t i = 0, n_read = 0;
    while (i < n && largest.now > largest.last) {
        // a word gives at most one number, so that these do not go beyond the last
        const std::size_t n_left = largest.now - largest.last, n_here = std::min({kTogether, n - i, n_left});
        if (n_read < n_here) {
            n_read = std::min({kTempered, n - i, n_left + kTogether});
            temper(words + i, n_read, values.data() + kTempered - n_read);
        }
        const std::uint32_t* const tempered_words = values.data() + kTempered - n_read;
        if (mask < 2 * kTogether) {
            const std::size_t n_done = take_upto_one_by_one(tempered_words, n_read, mask, largest, out);
            i += n_done;
            n_read -= n_done;
            continue;
        }
        const std::uint32_t bound = largest.now;
        std::uint32_t n_few = 0, n_taken = 0;
        for (std::size_t k = 0; k < n_here; ++k) {
            const std::uint32_t value = tempered_words[k] & mask;
            out[n_taken] = value;
            n_taken += value + n_few <= bound;
            n_few += value <= bound;
        }
        if (n_few > n_taken + 1) {
            take_upto_one_by_one(tempered_words, n_here, mask, largest, out);
        } else {
            largest.now -= n_taken;
            out += n_taken;
        }
        i += n_here;
        n_read -= n_here;
    }
    return i;
}

std::size_t take_all_upto_plainly(const std::uint32_t* words, std::size_t n, std::uint32_t mask, std::uint32_t largest,
                                  std::uint32_t* out) {
    std::size_t n_taken = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t value = words[i] & mask;
        out[n_taken] = value;
        n_taken += value <= largest;
    }
    return n_taken;
}

std::size_t take_below_plainly(const std::uint32_t* words, std::size_t n, std::uint64_t limit, std::int32_t first,
                               std::int32_t* out) {
    std::size_t n_taken = 0;
    for (std::size_t i = 0; i < n; ++i) {
        out[n_taken] = first + static_cast<std::int32_t>(i);
        n_taken += joined(words[2 * i], words[2 * i + 1]) < limit;
    }
    return n_taken;
}

void uniforms_at_plainly(const std::uint32_t* words, std::span<const std::int32_t> places, std::int32_t first, double* out) {
    for (std::size_t k = 0; k < places.size(); ++k) {
        const std::uint32_t* const pair = words + 2 * (places[k] - first);
        std::uint64_t both = pair[0] | static_cast<std::uint64_t>(pair[1]) << 32;  // as `tempered`, side by side
        both ^= (both >> 11) & 0x001fffff001fffffU;
        both ^= (both << 7) & 0x9d2c56809d2c5680U;
        both ^= (both << 15) & 0xefc60000efc60000U;
        both ^= (both >> 18) & 0x00003fff00003fffU;
        const std::uint64_t bits = joined(static_cast<std::uint32_t>(both), static_cast<std::uint32_t>(both >> 32));
        out[k] = static_cast<double>(static_cast<std::int64_t>(bits)) * 0x1p-53;
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
#define PYCOSIM_AVX512 __attribute__((target("avx512f,popcnt")))
#define PYCOSIM_AVX512_INSIDE __attribute__((target("avx512f,popcnt"), always_inline))
typedef std::uint64_t Wide8 __attribute__((vector_size(64)));
typedef std::uint32_t Wide16 __attribute__((vector_size(64)));

// Only whole vectors are read: of one that begins within two others that were written just before, the processor would
// wait for both to be in the cache.
__attribute__((target("avx512f"))) void next_words_avx512(std::uint32_t* words) {
    constexpr std::size_t kLanes = 16, kVectors = kWords / kLanes, kFar = kShift / kLanes, kLane = kShift % kLanes;
    const __m512i lower_bits = _mm512_set1_epi32(0x7fffffff), c = _mm512_set1_epi32(static_cast<int>(0x9908b0dfU)), none = _mm512_setzero_si512();
    const __m512i of_last_bits = _mm512_mask_blend_epi32(0xaaaa, none, c);  // by the last four bits
    const auto at = [=](std::size_t vector) __attribute__((target("avx512f"), always_inline)) { return _mm512_loadu_si512(words + vector * kLanes); };
    __m512i here = at(0), far = at(kFar);
#pragma GCC unroll 39
    for (std::size_t i = 0; i < kVectors; ++i) {
        const __m512i behind = at(i + 1 < kVectors ? i + 1 : 0);
        const __m512i far_behind = at(i + kFar + 1 < kVectors ? i + kFar + 1 : i + kFar + 1 - kVectors);
        const __m512i lower = _mm512_maskz_alignr_epi32(0xffff, behind, here, 1);
        const __m512i y = _mm512_ternarylogic_epi32(lower_bits, lower, here, 0xca);  // bits of `lower` or of `here`
        const __m512i sum = _mm512_ternarylogic_epi32(_mm512_maskz_srli_epi32(0xffff, y, 1), _mm512_maskz_alignr_epi32(0xffff, far_behind, far, kLane),
                                                      _mm512_maskz_permutexvar_epi32(0xffff, lower, of_last_bits), 0x96);
        _mm512_storeu_si512(words + i * kLanes, sum);
        here = behind, far = far_behind;
    }
}

PYCOSIM_AVX512_INSIDE inline __m512i tempered16(__m512i words) {
    auto y = reinterpret_cast<Wide16>(words);
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    y ^= y >> 18;
    return reinterpret_cast<__m512i>(y);
}

__attribute__((target("avx512f,bmi2,popcnt"))) std::size_t take_upto_avx512(const std::uint32_t* words, std::size_t n,
                                                                            std::uint32_t mask, Falling& largest,
                                                                            std::uint32_t*& out) {
    constexpr std::size_t kLanes = 16, kVectors = 4, kTogether = kLanes * kVectors;
    if (mask < kTogether) return take_upto_plainly(words, n, mask, largest, out);
    const __m512i kept_bits = _mm512_set1_epi32(static_cast<int>(mask));
    const __m512i ranks = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const auto bits_of = [](__mmask16 lanes) __attribute__((target("avx512f,bmi2,popcnt"), always_inline)) {
        return static_cast<std::uint64_t>(static_cast<unsigned>(_mm512_mask2int(lanes)));
    };
    const auto n_bits = [](std::uint64_t bits) __attribute__((target("avx512f,bmi2,popcnt"), always_inline)) {
        return static_cast<std::uint32_t>(__builtin_popcountll(bits));
    };
    std::uint32_t now = largest.now, *place = out;
    std::size_t i = 0;
    for (bool is_last = false; !is_last;) {
        const __m512i most = _mm512_set1_epi32(static_cast<int>(now));
        __m512i values[kVectors], sums[kVectors];
        __mmask16 few[kVectors];
        std::uint64_t possible = 0, taken = 0;
        std::uint32_t bound = now;
        for (std::size_t k = 0; k < kVectors; ++k) {
            values[k] = _mm512_and_si512(tempered16(_mm512_loadu_si512(words + i + k * kLanes)), kept_bits);
            few[k] = _mm512_cmple_epu32_mask(values[k], most);
            sums[k] = _mm512_add_epi32(values[k], _mm512_maskz_expand_epi32(few[k], ranks));
        }
        for (std::size_t k = 0; k < kVectors; ++k) {
            const __mmask16 some = _mm512_mask_cmple_epi32_mask(few[k], sums[k], _mm512_set1_epi32(static_cast<int>(bound)));  // or below 0
            bound -= n_bits(bits_of(few[k]));
            possible |= bits_of(few[k]) << k * kLanes;
            taken |= bits_of(some) << k * kLanes;
        }
        if (std::uint64_t open = possible & ~taken; open & (open - 1)) {
            std::uint64_t near = 0;  // those that others may let in
            bound = now + n_bits(open) - 1;
            for (std::size_t k = 0; k < kVectors; ++k) {
                near |= bits_of(_mm512_mask_cmple_epi32_mask(few[k], sums[k], _mm512_set1_epi32(static_cast<int>(bound)))) << k * kLanes;
                bound -= n_bits(bits_of(few[k]));
            }
            for (open &= near; open; open &= open - 1) {
                const auto lane = static_cast<std::size_t>(__builtin_ctzll(open));
                const std::uint64_t bit = open & -open;
                if ((tempered(words[i + lane]) & mask) + n_bits(taken & (bit - 1)) <= now) taken |= bit;
            }
        }
        is_last = n - i <= kTogether;
        if (is_last) taken &= ~std::uint64_t{0} >> (kTogether - (n - i));
        std::uint32_t n_before = 0;
        for (std::size_t k = 0; k < kVectors; ++k) {
            const std::uint64_t some = taken >> k * kLanes & 0xffff;
            _mm512_storeu_si512(place + n_before, _mm512_maskz_compress_epi32(static_cast<__mmask16>(some), values[k]));
            n_before += n_bits(some);
        }
        const std::uint32_t n_taken = std::min(n_before, now - largest.last);
        now -= n_taken;
        place += n_taken;
        i += kTogether;
        if (now > largest.last) continue;
        const std::uint64_t last = __builtin_ia32_pdep_di(std::uint64_t{1} << (n_taken - 1), taken);
        n = i - kTogether + static_cast<std::size_t>(__builtin_ctzll(last)) + 1;
        break;
    }
    largest.now = now;
    out = place;
    return n;
}

PYCOSIM_AVX512 std::size_t take_all_upto_avx512(const std::uint32_t* words, std::size_t n,
                                                                           std::uint32_t mask, std::uint32_t largest,
                                                                           std::uint32_t* out) {
    constexpr std::size_t kLanes = 16;
    const __m512i kept_bits = _mm512_set1_epi32(static_cast<int>(mask)), most = _mm512_set1_epi32(static_cast<int>(largest));
    std::size_t n_taken = 0;
    for (std::size_t i = 0; i < n; i += kLanes) {
        const auto here = static_cast<__mmask16>((1U << std::min(kLanes, n - i)) - 1);
        const __m512i values = _mm512_and_si512(_mm512_maskz_loadu_epi32(here, words + i), kept_bits);
        const __mmask16 taken = _mm512_mask_cmple_epu32_mask(here, values, most);
        _mm512_storeu_si512(out + n_taken, _mm512_maskz_compress_epi32(taken, values));
        n_taken += static_cast<std::size_t>(__builtin_popcount(taken));
    }
    return n_taken;
}

PYCOSIM_AVX512 std::size_t take_below_avx512(const std::uint32_t* words, std::size_t n,
                                                                        std::uint64_t limit, std::int32_t first,
                                                                        std::int32_t* out) {
    constexpr std::size_t kLanes = 8;
    const __m512i below = _mm512_set1_epi64(static_cast<long long>(limit));
    __m512i places = _mm512_add_epi32(_mm512_set1_epi32(first), _mm512_setr_epi32(0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0));
    std::size_t i = 0, n_taken = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const auto pairs = reinterpret_cast<Wide8>(_mm512_loadu_si512(words + 2 * i));
        const Wide8 numbers = ((pairs & 0xffffffff) >> 5 << 26) + (pairs >> 38);
        const __mmask8 taken = _mm512_cmplt_epu64_mask(reinterpret_cast<__m512i>(numbers), below);
        // "maskz": GCC 12 warns of its own header otherwise
        const __m256i found = _mm512_maskz_cvtepi64_epi32(0xff, _mm512_maskz_compress_epi64(taken, places));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + n_taken), found);
        n_taken += static_cast<std::size_t>(__builtin_popcount(taken));
        places = _mm512_add_epi32(places, _mm512_set1_epi32(kLanes));
    }
    return n_taken + take_below_plainly(words + 2 * i, n - i, limit, first + static_cast<std::int32_t>(i), out + n_taken);
}

__attribute__((target("avx512f,avx512dq,popcnt"))) void uniforms_at_avx512(const std::uint32_t* words,
                                                                    std::span<const std::int32_t> places,
                                                                    std::int32_t first, double* out) {
    constexpr std::size_t kLanes = 8;
    for (std::size_t k = 0; k < places.size(); k += kLanes) {
        const auto there = static_cast<__mmask8>((1U << std::min(kLanes, places.size() - k)) - 1);
        const __m256i which = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(places.data() + k));
        const __m256i pairs = _mm256_sub_epi32(which, _mm256_set1_epi32(first));
        const __m512i both = _mm512_mask_i32gather_epi64(_mm512_setzero_si512(), there, pairs, words, 8);
        const auto words_of = reinterpret_cast<Wide8>(tempered16(both));
        const Wide8 bits = ((words_of & 0xffffffff) >> 5 << 26) + (words_of >> 38);
        const __m512d numbers = _mm512_cvtepi64_pd(reinterpret_cast<__m512i>(bits)) * _mm512_set1_pd(0x1p-53);
        _mm512_mask_storeu_pd(out + k, there, numbers);
    }
}

bool has_avx512() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("popcnt"); }
TakeUpto* best_take_upto() { return has_avx512() && __builtin_cpu_supports("bmi2") ? take_upto_avx512 : take_upto_plainly; }
TakeAllUpto* best_take_all_upto() { return has_avx512() ? take_all_upto_avx512 : take_all_upto_plainly; }
NextWords* best_next_words() { return has_avx512() ? next_words_avx512 : next_words_plainly; }
UniformsAt* best_uniforms_at() { return has_avx512() && __builtin_cpu_supports("avx512dq") ? uniforms_at_avx512 : uniforms_at_plainly; }
TakeBelow* best_take_below() { return has_avx512() ? take_below_avx512 : take_below_plainly; }
#else
TakeUpto* best_take_upto() { return take_upto_plainly; }
TakeAllUpto* best_take_all_upto() { return take_all_upto_plainly; }
NextWords* best_next_words() { return next_words_plainly; }
UniformsAt* best_uniforms_at() { return uniforms_at_plainly; }
TakeBelow* best_take_below() { return take_below_plainly; }
#endif

}  // namespace

std::size_t take_upto(const std::uint32_t* words, std::size_t n, std::uint32_t mask, Falling& largest, std::uint32_t*& out) {
    static TakeUpto* const take = best_take_upto();
    return take(words, n, mask, largest, out);
}

std::size_t take_all_upto(const std::uint32_t* words, std::size_t n, std::uint32_t mask, std::uint32_t largest,
                          std::uint32_t* out) {
    static TakeAllUpto* const take = best_take_all_upto();
    return take(words, n, mask, largest, out);
}

std::size_t take_below(const std::uint32_t* words, std::size_t n, std::uint64_t limit, std::int32_t first,
                       std::int32_t* out) {
    static TakeBelow* const take = best_take_below();
    return take(words, n, limit, first, out);
}

void next_words(std::uint32_t* words) {
    static NextWords* const make = best_next_words();
    make(words);
}

PYCOSIM_SIMD_CLONES
void temper(const std::uint32_t* words, std::size_t n, std::uint32_t* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = tempered(words[i]);
}

PYCOSIM_SIMD_CLONES
void to_uniform01(const std::uint32_t* words, double* out, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const auto high = static_cast<std::int32_t>(words[2 * i] >> 5), low = static_cast<std::int32_t>(words[2 * i + 1] >> 6);
        out[i] = (static_cast<double>(high) * 0x1p26 + static_cast<double>(low)) * 0x1p-53;  // all exact
    }
}

void to_uniform01(const std::uint32_t* words, std::span<const std::int32_t> places, std::int32_t first, double* out) {
    static UniformsAt* const make = best_uniforms_at();
    make(words, places, first, out);
}

}  // namespace pycosim::mersenne
