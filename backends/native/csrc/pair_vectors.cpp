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

PYCOSIM_BASE_INSTRUCTION_SET bool gather(const PresynapticFactors&, const PairSynapses&, std::size_t, bool,
                                         PairTerms&) {
    return false;
}

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)

#define PYCOSIM_AVX512_INSIDE __attribute__((target("avx512f"), always_inline)) inline

constexpr std::size_t kWidth = LatestFactors::kInLine;
constexpr __mmask8 kAll = 0xff;  // what is said of no lanes makes GCC 12 warn

// Of eight lines of eight numbers each: loading lines and moving their numbers takes less time than gathering one column
// after the other.
struct Columns {
    __m512d of[8];
};

// The upper half of a vector is put there by the load, as only one instruction in a cycle moves numbers between places.
template <class Line>
PYCOSIM_AVX512_INSIDE Columns transposed(const Line& line) {
    constexpr std::size_t half = kWidth / 2;
    constexpr __mmask8 upper = 0xf0;
    constexpr int even = 0x88, odd = 0xdd;  // quarters of two vectors
    __m512d rows[2][4];                     // by half of the lines: lines 0 and 2, 1 and 3, 4 and 6, 5 and 7
    for (std::size_t i = 0; i < 4; ++i) {
        const double* const one = line(i + (i & 2));
        const double* const other = line(i + (i & 2) + 2);
        for (std::size_t h = 0; h < 2; ++h) {
            const __m512d lower = _mm512_castpd256_pd512(_mm256_load_pd(one + h * half));
            rows[h][i] = _mm512_mask_broadcast_f64x4(lower, upper, _mm256_load_pd(other + h * half));
        }
    }
    Columns result;
    for (std::size_t h = 0; h < 2; ++h) {
        const __m512d even_0123 = _mm512_maskz_unpacklo_pd(kAll, rows[h][0], rows[h][1]);
        const __m512d even_4567 = _mm512_maskz_unpacklo_pd(kAll, rows[h][2], rows[h][3]);
        const __m512d odd_0123 = _mm512_maskz_unpackhi_pd(kAll, rows[h][0], rows[h][1]);
        const __m512d odd_4567 = _mm512_maskz_unpackhi_pd(kAll, rows[h][2], rows[h][3]);
        result.of[h * half] = _mm512_maskz_shuffle_f64x2(kAll, even_0123, even_4567, even);
        result.of[h * half + 1] = _mm512_maskz_shuffle_f64x2(kAll, odd_0123, odd_4567, even);
        result.of[h * half + 2] = _mm512_maskz_shuffle_f64x2(kAll, even_0123, even_4567, odd);
        result.of[h * half + 3] = _mm512_maskz_shuffle_f64x2(kAll, odd_0123, odd_4567, odd);
    }
    return result;
}

// TimingKernel on eight synapses, with the same operations in the same order. Within the bounds, what does not change a
// weight need not be told apart.
template <PlasticRule rule>
class Rule {
  public:
    PYCOSIM_AVX512_INSIDE explicit Rule(const TimingKernel<true>& k)
        : pre_gain_(_mm512_set1_pd(k.template gain<rule>(kPreGain, 0))),
          pre_loss_(_mm512_set1_pd(k.template loss<rule>(kPreLoss, 0))),
          constant_loss_(_mm512_set1_pd(k.template loss<rule>(kConstantLoss, 0))),
          minimum_(_mm512_set1_pd(k(kMinimum, 0))), maximum_(_mm512_set1_pd(k(kMaximum, 0))),
          low_(_mm512_set1_pd(k.first_bounds.low)), high_(_mm512_set1_pd(k.first_bounds.high)),
          gains_with_pre_(k(kPreGain, 0) != 0) {}

    // From the oldest spike to the newest. All gains have the same sign, so that what is added to need not be bounded in
    // between.
    PYCOSIM_AVX512_INSIDE __m512d after_posts(__m512d w, const __m512d (&gain)[kNewPosts]) const {
        for (std::size_t j = kNewPosts; j-- > 0;) {
            w = _mm512_add_pd(w, rise(w, gain[j]));
            if (rule == PlasticRule::kMultiplicative) w = bounded(w);
        }
        return rule == PlasticRule::kMultiplicative ? w : bounded(w);
    }
    PYCOSIM_AVX512_INSIDE __m512d after_pre(__m512d w, __m512d trace) const {
        const __m512d loss = _mm512_add_pd(_mm512_mul_pd(pre_loss_, trace), constant_loss_);
        __m512d gained = w;
        if (gains_with_pre_) gained = _mm512_add_pd(w, rise(w, _mm512_mul_pd(pre_gain_, trace)));
        return bounded(_mm512_sub_pd(gained, fall(w, loss)));
    }

  private:
    PYCOSIM_AVX512_INSIDE __m512d rise(__m512d w, __m512d gain) const {
        return rule == PlasticRule::kMultiplicative ? _mm512_mul_pd(gain, _mm512_sub_pd(maximum_, w)) : gain;
    }
    PYCOSIM_AVX512_INSIDE __m512d fall(__m512d w, __m512d loss) const {
        return rule == PlasticRule::kAdditive ? loss : _mm512_mul_pd(loss, _mm512_sub_pd(w, minimum_));
    }
    PYCOSIM_AVX512_INSIDE __m512d bounded(__m512d w) const {
        return _mm512_maskz_min_pd(kAll, high_, _mm512_maskz_max_pd(kAll, low_, w));
    }

    __m512d pre_gain_, pre_loss_, constant_loss_, minimum_, maximum_, low_, high_;
    bool gains_with_pre_;
};

// The terms of eight synapses (PairTerms), and which of these need more of the history.
struct EightTerms {
    __m512d pre[kNewPosts], post;
    __mmask8 needs_more;
};

template <bool same_step>
class Gather {
  public:
    PYCOSIM_AVX512_INSIDE Gather(const PresynapticFactors& factors, const PairSynapses& synapses)
        : synapses_(synapses), now_(_mm512_set1_pd(factors.now)), applied_(_mm512_set1_pd(factors.applied)),
          at_last_(_mm512_set1_pd(factors.at_last)), trace_(_mm512_set1_pd(factors.trace)),
          trace_before_(_mm512_set1_pd(factors.trace_before)), post_decay_(_mm512_set1_pd(factors.post_decay)) {}

    // Of `n` synapses from `k` on, of which there are at least `n_sure`; asks for what follows them.
    template <std::size_t n_sure>
    PYCOSIM_AVX512_INSIDE EightTerms terms(std::size_t k, std::size_t n) const {
        synapses_.ask_ahead(k);
        const Columns columns = transposed([&](std::size_t i) __attribute__((target("avx512f"), always_inline)) {
            return synapses_.line(k + (i < n_sure ? i : std::min(i, n - 1)));
        });
        const __m512d* const depression = columns.of;
        const __m512d* const potentiation = columns.of + LatestFactors::kDepressions;
        EightTerms terms;
        terms.needs_more = static_cast<__mmask8>(_mm512_cmp_pd_mask(potentiation[1], now_, _CMP_LE_OQ) |
                                                 _mm512_cmp_pd_mask(potentiation[kNewPosts], applied_, _CMP_LT_OQ));
        for (std::size_t j = 0; j < kNewPosts; ++j) {
            __mmask8 is_new = _mm512_cmp_pd_mask(potentiation[j], applied_, _CMP_LT_OQ);
            if (j == 0) is_new &= _mm512_cmp_pd_mask(potentiation[0], now_, _CMP_GE_OQ);
            __m512d trace = trace_;
            if (same_step) {
                const __mmask8 with_last = _mm512_cmp_pd_mask(potentiation[j], at_last_, _CMP_EQ_OQ);
                trace = _mm512_mask_mov_pd(trace, with_last, trace_before_);
            }
            terms.pre[j] = _mm512_maskz_mul_pd(is_new, trace, potentiation[j]);
        }
        const __mmask8 not_before = _mm512_cmp_pd_mask(potentiation[0], now_, _CMP_LE_OQ);
        terms.post = _mm512_mul_pd(_mm512_mask_mov_pd(depression[0], not_before, depression[1]), post_decay_);
        return terms;
    }

  private:
    PairSynapses synapses_;
    __m512d now_, applied_, at_last_, trace_, trace_before_, post_decay_;
};

// Changes the weights of eight synapses after the other.
template <PlasticRule rule_name, bool same_step, bool is_pre>
class Change {
  public:
    PYCOSIM_AVX512_INSIDE Change(const PairEvent& event, const PairSynapses& synapses, double* weights,
                                 std::uint8_t* needs_more)
        : rule_(event.kernel), gather_(event.factors, synapses), weights_(weights), needs_more_(needs_more) {}

    PYCOSIM_AVX512_INSIDE void all(std::size_t n) const {
        std::size_t k = 0;
        for (; k + kWidth <= n; k += kWidth) some<kWidth>(k, kWidth);
        if (k < n) some<1>(k, n - k);
    }

  private:
    template <std::size_t n_sure>
    PYCOSIM_AVX512_INSIDE void some(std::size_t k, std::size_t n) const {
        const EightTerms terms = gather_.template terms<n_sure>(k, n);
        const auto here = static_cast<__mmask8>(kAll >> (kWidth - n));
        __m512d w = rule_.after_posts(_mm512_maskz_loadu_pd(here, weights_ + k), terms.pre);
        if (is_pre) w = rule_.after_pre(w, terms.post);
        _mm512_mask_storeu_pd(weights_ + k, here & ~terms.needs_more, w);
        needs_more_[k / kWidth] = terms.needs_more & here;
    }

    Rule<rule_name> rule_;
    Gather<same_step> gather_;
    double* weights_;
    std::uint8_t* needs_more_;
};

template <bool same_step>
PYCOSIM_AVX512_INSIDE void gather_all(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n,
                                      PairTerms& to) {
    const Gather<same_step> gather(factors, synapses);
    const auto write = [&](std::size_t k, const EightTerms& terms, std::size_t n_here)
                           __attribute__((target("avx512f"), always_inline)) {
        for (std::size_t j = 0; j < kNewPosts; ++j) _mm512_store_pd(to.pre[j] + k, terms.pre[j]);
        _mm512_store_pd(to.post + k, terms.post);
        to.needs_more[k / kWidth] = terms.needs_more & static_cast<__mmask8>(kAll >> (kWidth - n_here));
    };
    std::size_t k = 0;
    for (; k + kWidth <= n; k += kWidth) write(k, gather.template terms<kWidth>(k, kWidth), kWidth);
    if (k < n) write(k, gather.template terms<1>(k, n - k), n - k);
}

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

__attribute__((target("avx512f"))) bool gather(const PresynapticFactors& factors, const PairSynapses& synapses,
                                               std::size_t n, bool same_step, PairTerms& terms) {
    same_step ? gather_all<true>(factors, synapses, n, terms) : gather_all<false>(factors, synapses, n, terms);
    return true;
}

#endif

}  // namespace

bool gather_in_vectors(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n, bool same_step,
                       PairTerms& terms) {
    return gather(factors, synapses, n, same_step, terms);
}

bool change_in_vectors(const PairEvent& event, const PairSynapses& synapses, std::size_t n, double* weights,
                       std::uint8_t* needs_more) {
    return change(event, synapses, n, weights, needs_more);
}

}  // namespace pycosim::native
