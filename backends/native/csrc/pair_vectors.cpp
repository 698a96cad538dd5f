#include "no_trapping_math.hpp"

#include "pair_vectors.hpp"

#include "vectorised.hpp"

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
#include <immintrin.h>
#endif

namespace pycosim::native {
namespace {

PYCOSIM_BASE_INSTRUCTION_SET bool change(const PairEvent&, const PairSynapses&, std::size_t, double*, std::uint8_t*) {
    return false;
}

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)

#define PYCOSIM_AVX512_INSIDE __attribute__((target("avx512f"), always_inline)) inline

constexpr std::size_t kWidth = LatestFactors::kInLine;
constexpr __mmask8 kAll = 0xff;  // what is said of no lanes makes GCC 12 warn

// The columns of eight lines of eight numbers each: loading lines and moving their numbers takes two thirds of the time
// of gathering one column after the other.
struct Columns {
    __m512d of[8];
};

PYCOSIM_AVX512_INSIDE Columns transposed(const __m512d (&line)[8]) {
    constexpr int even = 0x88, odd = 0xdd;  // quarters of two vectors
    __m512d pair[8];  // of lines 2 i and 2 i + 1: columns 0, 2, 4, 6 in number 2 i, the others in the next
    for (std::size_t i = 0; i < 8; i += 2) {
        pair[i] = _mm512_maskz_unpacklo_pd(kAll, line[i], line[i + 1]);
        pair[i + 1] = _mm512_maskz_unpackhi_pd(kAll, line[i], line[i + 1]);
    }
    Columns result;
    for (std::size_t i = 0; i < 2; ++i) {
        const __m512d first_even = _mm512_maskz_shuffle_f64x2(kAll, pair[i], pair[i + 2], even);
        const __m512d first_odd = _mm512_maskz_shuffle_f64x2(kAll, pair[i], pair[i + 2], odd);
        const __m512d last_even = _mm512_maskz_shuffle_f64x2(kAll, pair[i + 4], pair[i + 6], even);
        const __m512d last_odd = _mm512_maskz_shuffle_f64x2(kAll, pair[i + 4], pair[i + 6], odd);
        result.of[i] = _mm512_maskz_shuffle_f64x2(kAll, first_even, last_even, even);
        result.of[i + 4] = _mm512_maskz_shuffle_f64x2(kAll, first_even, last_even, odd);
        result.of[i + 2] = _mm512_maskz_shuffle_f64x2(kAll, first_odd, last_odd, even);
        result.of[i + 6] = _mm512_maskz_shuffle_f64x2(kAll, first_odd, last_odd, odd);
    }
    return result;
}

// TimingKernel on eight synapses, with the same operations in the same order.
template <PlasticRule rule>
struct Rule {
    __m512d post_gain, pre_gain, pre_loss, constant_loss, minimum, maximum, low, high;
    bool gains_with_pre;

    PYCOSIM_AVX512_INSIDE explicit Rule(const TimingKernel<true>& k)
        : post_gain(_mm512_set1_pd(k(kPostGain, 0))), pre_gain(_mm512_set1_pd(k(kPreGain, 0))),
          pre_loss(_mm512_set1_pd(k(kPreLoss, 0))), constant_loss(_mm512_set1_pd(k(kConstantLoss, 0))),
          minimum(_mm512_set1_pd(k(kMinimum, 0))), maximum(_mm512_set1_pd(k(kMaximum, 0))),
          low(_mm512_set1_pd(k.first_bounds.low)), high(_mm512_set1_pd(k.first_bounds.high)),
          gains_with_pre(k(kPreGain, 0) != 0) {}

    PYCOSIM_AVX512_INSIDE __m512d up(__m512d w) const {
        return rule == PlasticRule::kMultiplicative ? _mm512_sub_pd(maximum, w) : maximum;
    }
    PYCOSIM_AVX512_INSIDE __m512d down(__m512d w) const {
        return rule == PlasticRule::kAdditive ? maximum : _mm512_sub_pd(w, minimum);
    }
    // `w` in the lanes that change.
    PYCOSIM_AVX512_INSIDE __m512d bounded(__m512d w, __mmask8 changes, __m512d to) const {
        return _mm512_mask_min_pd(w, changes, high, _mm512_maskz_max_pd(kAll, low, to));
    }
    PYCOSIM_AVX512_INSIDE static __mmask8 is_nonzero(__m512d x) {
        return _mm512_cmp_pd_mask(x, _mm512_setzero_pd(), _CMP_NEQ_UQ);
    }
    PYCOSIM_AVX512_INSIDE __m512d after_post(__m512d w, __m512d trace, __mmask8 is_new) const {
        const __m512d gain = _mm512_mul_pd(post_gain, trace);
        return bounded(w, is_nonzero(gain) & is_new, _mm512_add_pd(w, _mm512_mul_pd(gain, up(w))));
    }
    PYCOSIM_AVX512_INSIDE __m512d after_pre(__m512d w, __m512d trace) const {
        const __m512d loss = _mm512_add_pd(_mm512_mul_pd(pre_loss, trace), constant_loss);
        const __mmask8 loses = is_nonzero(loss);
        __mmask8 changes = loses;
        __m512d to = w;
        if (gains_with_pre) {
            const __m512d gain = _mm512_mul_pd(pre_gain, trace);
            const __mmask8 gains = is_nonzero(gain);
            to = _mm512_mask_add_pd(to, gains, w, _mm512_mul_pd(gain, up(w)));
            changes = static_cast<__mmask8>(changes | gains);
        }
        to = _mm512_mask_sub_pd(to, loses, to, _mm512_mul_pd(loss, down(w)));
        return bounded(w, changes, to);
    }
};

// As gather_pair_terms() and change_weights(), eight synapses at a time.
template <PlasticRule rule_name, bool same_step, bool is_pre>
class Change {
  public:
    PYCOSIM_AVX512_INSIDE Change(const PairEvent& event, const PairSynapses& synapses, double* weights,
                                 std::uint8_t* needs_more)
        : rule_(event.kernel), synapses_(synapses), weights_(weights), needs_more_(needs_more),
          now_(_mm512_set1_pd(event.factors.now)), applied_(_mm512_set1_pd(event.factors.applied)),
          at_last_(_mm512_set1_pd(event.factors.at_last)), trace_(_mm512_set1_pd(event.factors.trace)),
          trace_before_(_mm512_set1_pd(event.factors.trace_before)),
          post_decay_(_mm512_set1_pd(event.factors.post_decay)) {}

    PYCOSIM_AVX512_INSIDE void all(std::size_t n) const {
        std::size_t k = 0;
        for (; k + kWidth <= n; k += kWidth) some<kWidth>(k, kWidth);
        if (k < n) some<1>(k, n - k);
    }

  private:
    // `n` synapses from `k` on, of which there are at least `n_sure`.
    template <std::size_t n_sure>
    PYCOSIM_AVX512_INSIDE void some(std::size_t k, std::size_t n) const {
        synapses_.ask_ahead(k);
        __m512d line[kWidth];
        for (std::size_t i = 0; i < kWidth; ++i) {
            line[i] = _mm512_load_pd(synapses_.line(k + (i < n_sure ? i : std::min(i, n - 1))));
        }
        const Columns columns = transposed(line);
        const __m512d* const depression = columns.of;
        const __m512d* const potentiation = columns.of + LatestFactors::kDepressions;
        const auto more = static_cast<__mmask8>(_mm512_cmp_pd_mask(potentiation[1], now_, _CMP_LE_OQ) |
                                                _mm512_cmp_pd_mask(potentiation[kNewPosts], applied_, _CMP_LT_OQ));
        const auto here = static_cast<__mmask8>(kAll >> (kWidth - n));
        __m512d w = _mm512_maskz_loadu_pd(here, weights_ + k);
        for (std::size_t j = kNewPosts; j-- > 0;) {
            __mmask8 is_new = _mm512_cmp_pd_mask(potentiation[j], applied_, _CMP_LT_OQ);
            if (j == 0) is_new &= _mm512_cmp_pd_mask(potentiation[0], now_, _CMP_GE_OQ);
            __m512d trace = trace_;
            if (same_step) {
                const __mmask8 with_last = _mm512_cmp_pd_mask(potentiation[j], at_last_, _CMP_EQ_OQ);
                trace = _mm512_mask_mov_pd(trace, with_last, trace_before_);
            }
            w = rule_.after_post(w, _mm512_mul_pd(trace, potentiation[j]), is_new);
        }
        if (is_pre) {
            const __mmask8 not_before = _mm512_cmp_pd_mask(potentiation[0], now_, _CMP_LE_OQ);
            const __m512d trace = _mm512_mask_mov_pd(depression[0], not_before, depression[1]);
            w = rule_.after_pre(w, _mm512_mul_pd(trace, post_decay_));
        }
        _mm512_mask_storeu_pd(weights_ + k, here & ~more, w);
        // One bit becomes one byte.
        _mm_storel_epi64(reinterpret_cast<__m128i*>(needs_more_ + k),
                         _mm512_maskz_cvtepi64_epi8(kAll, _mm512_maskz_set1_epi64(more & here, 1)));
    }

    Rule<rule_name> rule_;
    PairSynapses synapses_;
    double* weights_;
    std::uint8_t* needs_more_;
    __m512d now_, applied_, at_last_, trace_, trace_before_, post_decay_;
};

template <PlasticRule rule, bool same_step>
PYCOSIM_AVX512_INSIDE void change_by(const PairEvent& event, const PairSynapses& synapses, std::size_t n,
                                     double* weights, std::uint8_t* needs_more) {
    event.is_pre ? Change<rule, same_step, true>(event, synapses, weights, needs_more).all(n)
                 : Change<rule, same_step, false>(event, synapses, weights, needs_more).all(n);
}

template <PlasticRule rule>
PYCOSIM_AVX512_INSIDE void change_by(const PairEvent& event, const PairSynapses& synapses, std::size_t n,
                                     double* weights, std::uint8_t* needs_more) {
    event.same_step ? change_by<rule, true>(event, synapses, n, weights, needs_more)
                    : change_by<rule, false>(event, synapses, n, weights, needs_more);
}

__attribute__((target("avx512f"))) bool change(const PairEvent& event, const PairSynapses& from, std::size_t n,
                                               double* weights, std::uint8_t* needs_more) {
    switch (event.rule) {
        case PlasticRule::kAdditive:
            change_by<PlasticRule::kAdditive>(event, from, n, weights, needs_more);
            return true;
        case PlasticRule::kMultiplicative:
            change_by<PlasticRule::kMultiplicative>(event, from, n, weights, needs_more);
            return true;
        case PlasticRule::kAdditiveMultiplicative:
            change_by<PlasticRule::kAdditiveMultiplicative>(event, from, n, weights, needs_more);
            return true;
        default:
            return false;
    }
}

#endif

}  // namespace

bool change_in_vectors(const PairEvent& event, const PairSynapses& synapses, std::size_t n, double* weights,
                       std::uint8_t* needs_more) {
    return change(event, synapses, n, weights, needs_more);
}

}  // namespace pycosim::native
