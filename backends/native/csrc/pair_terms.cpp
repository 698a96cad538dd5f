#include "no_trapping_math.hpp"

#include "pair_terms.hpp"

#include "vectorised.hpp"

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
#include <immintrin.h>
#endif

namespace pycosim::native {
namespace {

constexpr std::size_t kFirst = LatestFactors::kDepressions;  // factor for potentiation

PYCOSIM_ALWAYS_INLINE void ask_ahead(const PairSynapses& from, std::size_t k) {
    prefetch(from.weights + k);
    if (k % (kCacheLine / sizeof(std::uint32_t)) == 0) prefetch(from.targets + k + kPairBlock);
}

template <bool same_step>
PYCOSIM_ALWAYS_INLINE void gather_one(const PresynapticFactors& f, const double* line, std::size_t k,
                                      PairTerms& terms) {
    const double* const potentiation = line + kFirst;
    // The newest spike may be under way along the dendrite, or arrive together with the presynaptic one.
    const bool under_way = potentiation[0] < f.now, is_not_before = potentiation[0] <= f.now;
    terms.needs_more[k] = (potentiation[1] <= f.now) | (potentiation[kNewPosts] < f.applied);
    terms.post[k] = line[is_not_before] * f.post_decay;
    for (std::size_t j = 0; j < kNewPosts; ++j) {
        const bool is_new = (potentiation[j] < f.applied) & !(j == 0 && under_way);
        const double trace = same_step && potentiation[j] == f.at_last ? f.trace_before : f.trace;
        terms.pre[j][k] = is_new ? trace * potentiation[j] : 0.0;
    }
}

template <bool same_step>
PYCOSIM_ALWAYS_INLINE void gather(const PresynapticFactors& f, const PairSynapses& from, std::size_t begin,
                                  std::size_t n, PairTerms& terms) {
    for (std::size_t k = begin; k < n; ++k) {
        if (k % LatestFactors::kInLine == 0) ask_ahead(from, k);
        gather_one<same_step>(f, from.line(k), k, terms);
    }
}

PYCOSIM_BASE_INSTRUCTION_SET void gather(const PresynapticFactors& f, const PairSynapses& from, std::size_t n,
                                         bool same_step, PairTerms& terms) {
    same_step ? gather<true>(f, from, 0, n, terms) : gather<false>(f, from, 0, n, terms);
}

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)

#define PYCOSIM_AVX512_INSIDE __attribute__((target("avx512f"), always_inline)) inline

constexpr __mmask8 kAll = 0xff;  // what is said of no lanes makes GCC 12 warn

// The columns of eight lines of eight numbers each: loading lines and moving their numbers takes two thirds of the time
// of gathering one column after the other.
struct Lines {
    __m512d column[8];
};

PYCOSIM_AVX512_INSIDE Lines transposed(const __m512d (&line)[8]) {
    constexpr int even = 0x88, odd = 0xdd;  // quarters of two vectors
    __m512d pair[8];  // of lines 2 i and 2 i + 1: columns 0, 2, 4, 6 in number 2 i, the others in the next
    for (std::size_t i = 0; i < 8; i += 2) {
        pair[i] = _mm512_maskz_unpacklo_pd(kAll, line[i], line[i + 1]);
        pair[i + 1] = _mm512_maskz_unpackhi_pd(kAll, line[i], line[i + 1]);
    }
    Lines result;
    for (std::size_t i = 0; i < 2; ++i) {
        const __m512d first_even = _mm512_maskz_shuffle_f64x2(kAll, pair[i], pair[i + 2], even);
        const __m512d first_odd = _mm512_maskz_shuffle_f64x2(kAll, pair[i], pair[i + 2], odd);
        const __m512d last_even = _mm512_maskz_shuffle_f64x2(kAll, pair[i + 4], pair[i + 6], even);
        const __m512d last_odd = _mm512_maskz_shuffle_f64x2(kAll, pair[i + 4], pair[i + 6], odd);
        result.column[i] = _mm512_maskz_shuffle_f64x2(kAll, first_even, last_even, even);
        result.column[i + 4] = _mm512_maskz_shuffle_f64x2(kAll, first_even, last_even, odd);
        result.column[i + 2] = _mm512_maskz_shuffle_f64x2(kAll, first_odd, last_odd, even);
        result.column[i + 6] = _mm512_maskz_shuffle_f64x2(kAll, first_odd, last_odd, odd);
    }
    return result;
}

template <bool same_step>
PYCOSIM_AVX512_INSIDE void gather_avx512(const PresynapticFactors& f, const PairSynapses& from, std::size_t n,
                                         PairTerms& terms) {
    constexpr std::size_t width = LatestFactors::kInLine;
    const __m512d now = _mm512_set1_pd(f.now), applied = _mm512_set1_pd(f.applied), at_last = _mm512_set1_pd(f.at_last);
    const __m512d trace = _mm512_set1_pd(f.trace), trace_before = _mm512_set1_pd(f.trace_before);
    const __m512d post_decay = _mm512_set1_pd(f.post_decay);
    std::size_t k = 0;
    for (; k + width <= n; k += width) {
        ask_ahead(from, k);
        __m512d line[width];
        for (std::size_t i = 0; i < width; ++i) line[i] = _mm512_load_pd(from.line(k + i));
        const auto [column] = transposed(line);
        const __m512d* const potentiation = column + kFirst;
        const __mmask8 under_way = _mm512_cmp_pd_mask(potentiation[0], now, _CMP_LT_OQ);
        const __mmask8 is_not_before = _mm512_cmp_pd_mask(potentiation[0], now, _CMP_LE_OQ);
        const unsigned needs_more = _mm512_cmp_pd_mask(potentiation[1], now, _CMP_LE_OQ) |
                                    _mm512_cmp_pd_mask(potentiation[kNewPosts], applied, _CMP_LT_OQ);
        // One bit becomes one byte.
        _mm_storel_epi64(reinterpret_cast<__m128i*>(terms.needs_more + k),
                         _mm512_maskz_cvtepi64_epi8(kAll, _mm512_maskz_set1_epi64(static_cast<__mmask8>(needs_more), 1)));
        const __m512d depression = _mm512_mask_mov_pd(column[0], is_not_before, column[1]);
        _mm512_store_pd(terms.post + k, _mm512_mul_pd(depression, post_decay));
        for (std::size_t j = 0; j < kNewPosts; ++j) {
            __mmask8 is_new = _mm512_cmp_pd_mask(potentiation[j], applied, _CMP_LT_OQ);
            if (j == 0) is_new = static_cast<__mmask8>(is_new & ~under_way);
            __m512d factor = trace;
            if (same_step) {
                const __mmask8 with_last = _mm512_cmp_pd_mask(potentiation[j], at_last, _CMP_EQ_OQ);
                factor = _mm512_mask_mov_pd(trace, with_last, trace_before);
            }
            _mm512_store_pd(terms.pre[j] + k, _mm512_maskz_mul_pd(is_new, factor, potentiation[j]));
        }
    }
    gather<same_step>(f, from, k, n, terms);
}

__attribute__((target("avx512f"))) void gather(const PresynapticFactors& f, const PairSynapses& from, std::size_t n,
                                               bool same_step, PairTerms& terms) {
    same_step ? gather_avx512<true>(f, from, n, terms) : gather_avx512<false>(f, from, n, terms);
}

#endif

}  // namespace

void gather_pair_terms(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n, bool same_step,
                       PairTerms& terms) {
    gather(factors, synapses, n, same_step, terms);
}

}  // namespace pycosim::native
