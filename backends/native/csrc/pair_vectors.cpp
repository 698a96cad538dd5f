#include "no_trapping_math.hpp"

#include "pair_vectors.hpp"

#include <algorithm>

#include "vectorised.hpp"

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
#include <immintrin.h>
#endif

namespace pycosim::native {
namespace {

PYCOSIM_BASE_INSTRUCTION_SET bool change(const PairEvent&, const PairSynapses&, std::size_t, double*,
                                         Places<kVectorBlock>&, Addition&) {
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

// Eight synapses that follow each other, or at most eight, or at most eight at given places.
struct AllEight {
    std::size_t first;

    PYCOSIM_AVX512_INSIDE std::size_t operator()(std::size_t i) const { return first + i; }
    PYCOSIM_AVX512_INSIDE __mmask8 there() const { return kAll; }
};
struct FirstFew {
    std::size_t first, n;

    PYCOSIM_AVX512_INSIDE std::size_t operator()(std::size_t i) const { return first + std::min(i, n - 1); }
    PYCOSIM_AVX512_INSIDE __mmask8 there() const { return static_cast<__mmask8>(kAll >> (kWidth - n)); }
};
struct FewPlaces {
    const std::uint16_t* first;
    std::size_t n;

    PYCOSIM_AVX512_INSIDE std::size_t operator()(std::size_t i) const { return first[std::min(i, n - 1)]; }
};

// PairTerms of eight synapses, from more of the history if need be: which of so many postsynaptic spikes are new, and for
// which of the synapses this is right.
template <std::size_t n_new>
struct EightTerms {
    static constexpr std::size_t kNew = n_new;

    __m512d pre[n_new], post;
    __mmask8 is_new[n_new], suffices;
};

// From one or two lines for each synapse.
template <bool same_step, std::size_t n_lines>
class Gather {
  public:
    static constexpr std::size_t kPotentiations = n_lines * kWidth - LatestFactors::kDepressions;
    using Terms = EightTerms<kPotentiations - 1>;

    PYCOSIM_AVX512_INSIDE Gather(const PresynapticFactors& factors, const PairSynapses& synapses)
        : synapses_(synapses), now_(_mm512_set1_pd(factors.now)), applied_(_mm512_set1_pd(factors.applied)),
          at_last_(_mm512_set1_pd(factors.at_last)), share_before_(_mm512_set1_pd(factors.share_before)),
          post_decay_(_mm512_set1_pd(factors.post_decay)) {}

    template <class Synapses>
    PYCOSIM_AVX512_INSIDE Terms terms(const Synapses& at) const {
        const Columns latest = transposed([&](std::size_t i) __attribute__((target("avx512f"), always_inline)) {
            return synapses_.line(at(i));
        });
        Columns older{};
        if (n_lines > 1) {
            older = transposed([&](std::size_t i) __attribute__((target("avx512f"), always_inline)) {
                return synapses_.older(at(i));
            });
        }
        const auto potentiation = [&](std::size_t j) __attribute__((target("avx512f"), always_inline)) {
            constexpr std::size_t n = LatestFactors::kFirstPotentiations;
            return j < n ? latest.of[LatestFactors::kDepressions + j] : older.of[j - n];
        };
        Terms terms;
        for (std::size_t j = 0; j < Terms::kNew; ++j) {
            terms.pre[j] = potentiation(j);
            terms.is_new[j] = _mm512_cmp_pd_mask(potentiation(j), applied_, _CMP_LT_OQ);
            if (!same_step) continue;
            const __mmask8 with_last = _mm512_cmp_pd_mask(potentiation(j), at_last_, _CMP_EQ_OQ);
            terms.pre[j] = _mm512_mask_mul_pd(potentiation(j), with_last, potentiation(j), share_before_);
        }
        terms.is_new[0] = _mm512_mask_cmp_pd_mask(terms.is_new[0], potentiation(0), now_, _CMP_GE_OQ);
        const __mmask8 not_before = _mm512_cmp_pd_mask(potentiation(0), now_, _CMP_LE_OQ);
        terms.post = _mm512_mul_pd(_mm512_mask_mov_pd(latest.of[0], not_before, latest.of[1]), post_decay_);
        const __mmask8 is_before = _mm512_cmp_pd_mask(potentiation(1), now_, _CMP_GT_OQ);
        terms.suffices = _mm512_mask_cmp_pd_mask(is_before, potentiation(Terms::kNew), applied_, _CMP_GE_OQ);
        return terms;
    }

  private:
    PairSynapses synapses_;
    __m512d now_, applied_, at_last_, share_before_, post_decay_;
};

// What a presynaptic spike does: nothing where there is none.
enum class Pre { kNone, kLoses, kGainsAndLoses };

// TimingKernel on eight synapses, with the same operations in the same order. Within the bounds, what does not change a
// weight need not be told apart.
template <PlasticRule rule, Pre pre>
class Rule {
  public:
    PYCOSIM_AVX512_INSIDE Rule(const TimingKernel<true>& k, const PresynapticFactors& factors)
        : trace_(_mm512_set1_pd(factors.trace)), pre_gain_(_mm512_set1_pd(k.template gain<rule>(kPreGain, 0))),
          pre_loss_(_mm512_set1_pd(k.template loss<rule>(kPreLoss, 0))),
          constant_loss_(_mm512_set1_pd(k.template loss<rule>(kConstantLoss, 0))),
          minimum_(_mm512_set1_pd(k(kMinimum, 0))), maximum_(_mm512_set1_pd(k(kMaximum, 0))),
          low_(_mm512_set1_pd(k.first_bounds.low)), high_(_mm512_set1_pd(k.first_bounds.high)) {}

    template <class Terms>
    PYCOSIM_AVX512_INSIDE __m512d changed(__m512d w, const Terms& terms) const {
        w = after_posts(w, terms);
        if (pre == Pre::kNone) return w;
        const __m512d loss = _mm512_fmadd_pd(pre_loss_, terms.post, constant_loss_);
        __m512d gained = w;
        if (pre == Pre::kGainsAndLoses) gained = risen(w, _mm512_mul_pd(pre_gain_, terms.post));
        if (has_same_down(rule)) return bounded(_mm512_sub_pd(gained, loss));
        return bounded(_mm512_fnmadd_pd(loss, _mm512_sub_pd(w, minimum_), gained));
    }

  private:
    // From the oldest spike to the newest. All gains have the same sign, so that what is added to need not be bounded in
    // between.
    template <class Terms>
    PYCOSIM_AVX512_INSIDE __m512d after_posts(__m512d w, const Terms& terms) const {
        for (std::size_t j = Terms::kNew; j-- > 0;) {
            if (has_same_up(rule)) {
                w = _mm512_mask3_fmadd_pd(trace_, terms.pre[j], w, terms.is_new[j]);
            } else {
                w = bounded(risen(w, _mm512_maskz_mul_pd(terms.is_new[j], trace_, terms.pre[j])));
            }
        }
        return has_same_up(rule) ? bounded(w) : w;
    }
    PYCOSIM_AVX512_INSIDE __m512d risen(__m512d w, __m512d gain) const {
        return has_same_up(rule) ? _mm512_add_pd(w, gain) : _mm512_fmadd_pd(gain, _mm512_sub_pd(maximum_, w), w);
    }
    PYCOSIM_AVX512_INSIDE __m512d bounded(__m512d w) const {
        return _mm512_maskz_min_pd(kAll, high_, _mm512_maskz_max_pd(kAll, low_, w));
    }

    __m512d trace_, pre_gain_, pre_loss_, constant_loss_, minimum_, maximum_, low_, high_;
};

// The next eight, or none where fewer are left. Loading the sums as a vector takes fewer instructions; storing them does
// not.
PYCOSIM_AVX512_INSIDE void add_eight(Addition& left) {
    if (!left.targets_are_distinct) return left.add_some();
    if (left.n < kWidth) return;
    const __m256i targets = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(left.targets));
    const __m512i places = _mm512_maskz_cvtepu32_epi64(kAll, targets);
    const __m512d before = _mm512_mask_i64gather_pd(_mm512_setzero_pd(), kAll, places, left.inputs, sizeof(double));
    alignas(64) double sums[kWidth];
    _mm512_store_pd(sums, _mm512_add_pd(before, _mm512_loadu_pd(left.values)));
    for (std::size_t i = 0; i < kWidth; ++i) left.inputs[left.targets[i]] = sums[i];
    left.targets += kWidth, left.values += kWidth, left.n -= kWidth;
}

// Changes the weights of eight synapses after the other.
template <PlasticRule rule_name, bool same_step, Pre pre>
class Change {
  public:
    PYCOSIM_AVX512_INSIDE Change(const PairEvent& event, const PairSynapses& synapses, double* weights)
        : rule_(event.kernel, event.factors), synapses_(synapses), factors_(event.factors), weights_(weights) {}

    // From the first line of each. What came before is added between the vectors, as that takes other units.
    PYCOSIM_AVX512_INSIDE void all(std::size_t n, Places<kVectorBlock>& others, Addition& before) const {
        const Gather<same_step, 1> gather(factors_, synapses_);
        // First those eights of which not all are done, with a bit for each of these.
        std::uint16_t first[kVectorBlock / kWidth];
        std::uint8_t not_done[kVectorBlock / kWidth];
        std::size_t n_not_done = 0;
        const auto change = [&](const auto& at) __attribute__((target("avx512f"), always_inline)) {
            const std::size_t k = at(0);
            synapses_.ask_ahead(k);
            const auto terms = gather.terms(at);
            const __m512d w = rule_.changed(_mm512_maskz_loadu_pd(at.there(), weights_ + k), terms);
            _mm512_mask_storeu_pd(weights_ + k, at.there() & terms.suffices, w);
            first[n_not_done] = static_cast<std::uint16_t>(k);
            not_done[n_not_done] = static_cast<std::uint8_t>(at.there() & ~terms.suffices);
            n_not_done += not_done[n_not_done] != 0;
        };
        Addition left = before;
        std::size_t k = 0;
        for (; k + kWidth <= n; k += kWidth) {
            add_eight(left);
            change(AllEight{k});
        }
        if (k < n) change(FirstFew{k, n - k});
        before = left;
        for (std::size_t i = 0; i < n_not_done; ++i) others.add(not_done[i], first[i]);
    }

    // From both lines.
    PYCOSIM_AVX512_INSIDE void some(const Places<kVectorBlock>& places, Places<kVectorBlock>& others) const {
        const Gather<same_step, 2> gather(factors_, synapses_);
        for (const std::uint16_t k : places) prefetch(synapses_.older(k));
        for (const std::uint16_t* i = places.begin(); i < places.end(); i += kWidth) {
            const FewPlaces at{i, std::min<std::size_t>(kWidth, static_cast<std::size_t>(places.end() - i))};
            const auto terms = gather.terms(at);
            alignas(64) double w[kWidth];
            for (std::size_t j = 0; j < kWidth; ++j) w[j] = weights_[at(j)];
            _mm512_store_pd(w, rule_.changed(_mm512_load_pd(w), terms));
            for (std::size_t j = 0; j < at.n; ++j) {
                const bool suffices = terms.suffices >> j & 1;
                others.add_if(!suffices, at(j));
                if (suffices) weights_[at(j)] = w[j];
            }
        }
    }

  private:
    Rule<rule_name, pre> rule_;
    PairSynapses synapses_;
    const PresynapticFactors& factors_;
    double* weights_;
};

template <PlasticRule rule, bool same_step, Pre pre>
PYCOSIM_AVX512_INSIDE void change_by(const PairEvent& event, const PairSynapses& synapses, std::size_t n,
                                     double* weights, Places<kVectorBlock>& others, Addition& before) {
    const Change<rule, same_step, pre> change(event, synapses, weights);
    Places<kVectorBlock> need_both_lines;
    change.all(n, need_both_lines, before);
    change.some(need_both_lines, others);
}

template <PlasticRule rule, bool same_step>
PYCOSIM_AVX512_INSIDE void change_by(const PairEvent& event, const PairSynapses& synapses, std::size_t n,
                                     double* weights, Places<kVectorBlock>& others, Addition& before) {
    if (!event.is_pre) return change_by<rule, same_step, Pre::kNone>(event, synapses, n, weights, others, before);
    event.kernel(kPreGain, 0) == 0
        ? change_by<rule, same_step, Pre::kLoses>(event, synapses, n, weights, others, before)
        : change_by<rule, same_step, Pre::kGainsAndLoses>(event, synapses, n, weights, others, before);
}

template <PlasticRule rule>
PYCOSIM_AVX512_INSIDE void change_by(const PairEvent& event, const PairSynapses& synapses, std::size_t n,
                                     double* weights, Places<kVectorBlock>& others, Addition& before) {
    event.same_step ? change_by<rule, true>(event, synapses, n, weights, others, before)
                           : change_by<rule, false>(event, synapses, n, weights, others, before);
}

__attribute__((target("avx512f"))) bool change(const PairEvent& event, const PairSynapses& from, std::size_t n,
                                               double* weights, Places<kVectorBlock>& others, Addition& before) {
    switch (event.rule) {
        case PlasticRule::kAdditive:
            change_by<PlasticRule::kAdditive>(event, from, n, weights, others, before);
            return true;
        case PlasticRule::kMultiplicative:
            change_by<PlasticRule::kMultiplicative>(event, from, n, weights, others, before);
            return true;
        case PlasticRule::kAdditiveMultiplicative:
            change_by<PlasticRule::kAdditiveMultiplicative>(event, from, n, weights, others, before);
            return true;
        default:
            return false;
    }
}

template <bool same_step>
PYCOSIM_AVX512_INSIDE void gather_all(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n,
                                      PairTerms& to) {
    const Gather<same_step, 1> gather(factors, synapses);
    to.others.clear();
    const auto write = [&](const auto& at) __attribute__((target("avx512f"), always_inline)) {
        const std::size_t k = at(0);
        synapses.ask_ahead(k);
        const auto terms = gather.terms(at);
        for (std::size_t j = 0; j < kNewPosts; ++j) {
            _mm512_store_pd(to.pre[j] + k, _mm512_maskz_mov_pd(terms.is_new[j], terms.pre[j]));
        }
        _mm512_store_pd(to.post + k, terms.post);
        to.others.add(at.there() & ~terms.suffices & kAll, k);
    };
    std::size_t k = 0;
    for (; k + kWidth <= n; k += kWidth) write(AllEight{k});
    if (k < n) write(FirstFew{k, n - k});
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
                       Places<kVectorBlock>& others, Addition& before) {
    return change(event, synapses, n, weights, others, before);
}

}  // namespace pycosim::native
