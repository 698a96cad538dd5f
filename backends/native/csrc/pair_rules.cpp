// The all-to-all pair rules.
//
// Most synapses need no more than the latest spikes of their neuron: their weights are changed as vectors, where the machine
// has such vectors in one go (pair_vectors.hpp), elsewhere after their terms have been gathered for a block of synapses
// (pair_terms.hpp). All others are processed one by one, with the same factors and operations in the same order.
#include "no_trapping_math.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "pair_terms.hpp"
#include "pair_vectors.hpp"
#include "plastic.hpp"
#include "vectorised.hpp"
#include "weight_dependence.hpp"

namespace pycosim::native {
namespace {

constexpr std::size_t kBlock = kPairBlock;
constexpr std::size_t kLine = kCacheLine / sizeof(double);

// After the postsynaptic spikes, and a presynaptic one if there is one.
template <PlasticRule rule, bool is_pre, bool shared>
PYCOSIM_ALWAYS_INLINE void change_weights(const TimingKernel<shared>& from, const PairTerms& terms, double trace,
                                          std::size_t n, const std::uint32_t* __restrict synapse,
                                          double* __restrict weights) {
    const TimingKernel<shared> kernel = from;
    PYCOSIM_INDEPENDENT
    for (std::size_t k = 0; k < n; ++k) {
        const std::uint32_t s = shared ? 0 : synapse[k];
        const double trace_with_gain = shared ? trace : kernel.template gain<rule>(kPostGain, s) * trace;
        double w = weights[k];
        for (std::size_t j = kNewPosts; j-- > 0;) {
            w = kernel.template after_post<rule>(w, trace_with_gain, terms.pre[j][k], s);
        }
        weights[k] = is_pre ? kernel.template after_pre<rule>(w, terms.post[k], s) : w;
    }
}

template <PlasticRule rule, bool shared>
PYCOSIM_ALWAYS_INLINE void change_weights(const TimingKernel<shared>& kernel, const PairTerms& terms, double trace,
                                          std::size_t n, const std::uint32_t* synapse, double* weights, bool is_pre) {
    is_pre ? change_weights<rule, true>(kernel, terms, trace, n, synapse, weights)
           : change_weights<rule, false>(kernel, terms, trace, n, synapse, weights);
}

// Templates cannot be compiled for several instruction sets, functions can.
#define PYCOSIM_CHANGE_WEIGHTS(function, rule, shared)                                                         \
    PYCOSIM_FUSED_FUNCTION(void, function,                                                                     \
                           (const TimingKernel<shared>& kernel, const PairTerms& terms, double trace,          \
                            std::size_t n, const std::uint32_t* synapse, double* weights, bool is_pre),        \
                           (kernel, terms, trace, n, synapse, weights, is_pre),                                \
                           change_weights<rule>(kernel, terms, trace, n, synapse, weights, is_pre))

PYCOSIM_CHANGE_WEIGHTS(change_additive, PlasticRule::kAdditive, true)
PYCOSIM_CHANGE_WEIGHTS(change_additive, PlasticRule::kAdditive, false)
PYCOSIM_CHANGE_WEIGHTS(change_multiplicative, PlasticRule::kMultiplicative, true)
PYCOSIM_CHANGE_WEIGHTS(change_multiplicative, PlasticRule::kMultiplicative, false)
PYCOSIM_CHANGE_WEIGHTS(change_additive_multiplicative, PlasticRule::kAdditiveMultiplicative, true)
PYCOSIM_CHANGE_WEIGHTS(change_additive_multiplicative, PlasticRule::kAdditiveMultiplicative, false)

// The same with powers, in loops of their own: a logarithm and an exponential function wait long for their own results.
// Most synapses have no or one new postsynaptic spike: those that have one are changed side by side.
class PowerChanges {
  public:
    PYCOSIM_ALWAYS_INLINE PowerChanges(const TimingKernel<true>& kernel, std::size_t n, double* weights)
        : kernel_(kernel), range_(kernel(kMaximum, 0) - kernel(kMinimum, 0)), n_(n), weights_(weights) {}

    // With the presynaptic trace, and what it is multiplied with at each spike.
    PYCOSIM_ALWAYS_INLINE void after_posts(double trace, const double (&parts)[kNewPosts][kBlock]) {
        // Those that have this spike or an older one.
        std::uint32_t with[kNewPosts][kBlock];
        std::size_t n_with[kNewPosts] = {};
        alignas(64) std::uint64_t any[kBlock] = {};
        for (std::size_t j = 0; j < kNewPosts; ++j) {
            for (std::size_t k = 0; k < n_; ++k) any[k] |= std::bit_cast<std::uint64_t>(parts[j][k]);
        }
        for (std::size_t k = 0; k < n_; ++k) {
            with[0][n_with[0]] = static_cast<std::uint32_t>(k);
            n_with[0] += any[k] != 0;
        }
        for (std::size_t j = 1; j < kNewPosts; ++j) {
            for (std::size_t i = 0; i < n_with[j - 1]; ++i) {
                const std::uint32_t k = with[j - 1][i];
                with[j][n_with[j]] = k;
                bool has_one = false;
                for (std::size_t older = j; older < kNewPosts; ++older) has_one |= parts[older][k] != 0.0;
                n_with[j] += has_one;
            }
        }
        for (std::size_t j = kNewPosts; j-- > 0;) after_post(trace, with[j], n_with[j], parts[j]);
    }

    PYCOSIM_ALWAYS_INLINE void after_pre(const double* __restrict traces) {
        const double pre_gain = kernel_(kPreGain, 0), pre_loss = kernel_(kPreLoss, 0);
        const double always = kernel_(kConstantLoss, 0);
        find_powers<false>(weights_, n_);
        for (std::size_t k = 0; k < n_; ++k) losses_[k] = (pre_loss * traces[k] + always) * change(k);
        for (std::size_t k = 0; k < n_; ++k) some_[k] = weights_[k];
        if (pre_gain != 0.0) {
            find_powers<true>(weights_, n_);
            for (std::size_t k = 0; k < n_; ++k) some_[k] += pre_gain * traces[k] * change(k);
        }
        for (std::size_t k = 0; k < n_; ++k) {
            const double w = weights_[k], gain = pre_gain * traces[k], loss = pre_loss * traces[k] + always;
            const double gained = gain == 0.0 ? w : some_[k];
            const double changed = kernel_.bounded(loss == 0.0 ? gained : gained - losses_[k], 0);
            weights_[k] = ((gain == 0.0) & (loss == 0.0)) ? w : changed;
        }
    }

  private:
    PYCOSIM_ALWAYS_INLINE void after_post(double trace, const std::uint32_t* __restrict synapses, std::size_t n,
                                          const double* __restrict parts) {
        const std::size_t n_padded = (n + kLine - 1) / kLine * kLine;  // whole vectors
        for (std::size_t i = 0; i < n; ++i) {
            some_[i] = weights_[synapses[i]];
            gains_[i] = trace * parts[synapses[i]];
        }
        for (std::size_t i = n; i < n_padded; ++i) some_[i] = gains_[i] = 0.0;
        find_powers<true>(some_, n_padded);
        for (std::size_t i = 0; i < n_padded; ++i) {
            const double changed = kernel_.bounded(some_[i] + gains_[i] * change(i), 0);
            some_[i] = gains_[i] == 0.0 ? some_[i] : changed;
        }
        for (std::size_t i = 0; i < n; ++i) weights_[synapses[i]] = some_[i];
    }
    template <bool is_up>
    PYCOSIM_ALWAYS_INLINE void find_powers(const double* __restrict weights, std::size_t n) {
        const double low = kernel_(kMinimum, 0), high = kernel_(kMaximum, 0);
        const double mu = kernel_(is_up ? kMuPlus : kMuMinus, 0);
        for (std::size_t k = 0; k < n; ++k) {
            const double part = (is_up ? high - weights[k] : weights[k] - low) / range_;
            exponents_[k] = exponent_of_power(std::max(part, 0.0), mu);
        }
    }
    PYCOSIM_ALWAYS_INLINE double change(std::size_t k) const { return range_ * power_of_exponent(exponents_[k]); }

    const TimingKernel<true> kernel_;
    double range_;
    std::size_t n_;
    double* __restrict weights_;
    alignas(64) double exponents_[kBlock], losses_[kBlock], some_[kBlock], gains_[kBlock];
};

PYCOSIM_EVERY_INSTRUCTION_SET void change_gutig(const TimingKernel<true>& kernel, const PairTerms& terms, double trace,
                                                std::size_t n, double* weights, bool is_pre) {
    PowerChanges changes(kernel, n, weights);
    changes.after_posts(trace, terms.pre);
    if (is_pre) changes.after_pre(terms.post);
}

template <PlasticRule rule, bool shared>
void change_block(const TimingKernel<shared>& kernel, const PairTerms& terms, double trace, std::size_t n,
                  const std::uint32_t* synapse, double* weights, bool is_pre) {
    if constexpr (rule == PlasticRule::kAdditive) {
        change_additive(kernel, terms, trace, n, synapse, weights, is_pre);
    } else if constexpr (rule == PlasticRule::kMultiplicative) {
        change_multiplicative(kernel, terms, trace, n, synapse, weights, is_pre);
    } else if constexpr (rule == PlasticRule::kAdditiveMultiplicative) {
        change_additive_multiplicative(kernel, terms, trace, n, synapse, weights, is_pre);
    } else if constexpr (shared) {
        change_gutig(kernel, terms, trace, n, weights, is_pre);
    } else {
        change_weights<rule>(kernel, terms, trace, n, synapse, weights, is_pre);
    }
}

}  // namespace

// The synapses of a segment at one step, at which a presynaptic spike comes or not.
template <PlasticRule rule, bool shared>
struct PlasticStore::PairRule {
    const PlasticStore& store;
    const PostHistory& history;
    const PlasticSegment& segment;
    const PlasticModel& model;
    const SegmentState& own;
    TimingKernel<shared> kernel;
    std::size_t which_trace, pair;
    std::int64_t step, dendritic, last_post;
    bool is_pre, is_within_bounds;
    PresynapticFactors factors{};

    PairRule(const PlasticStore& from, const PlasticState& with, std::uint32_t i, std::int64_t at, bool pre)
        : store(from), history(from.history_), segment(from.segments_[i]), model(from.model(i)), own(with.segments[i]),
          kernel(model), which_trace(from.trace_[segment.projection - from.first_projection_]),
          pair(from.pair_[segment.projection - from.first_projection_]), step(at), dendritic(segment.dendritic),
          // With no dendritic part, a postsynaptic spike of the same step comes after the presynaptic one.
          last_post(pre && dendritic == 0 ? at - 1 : at), is_pre(pre),
          is_within_bounds(from.is_within_bounds_[segment.projection - from.first_projection_]) {
        if (!has_factors()) return;
        const std::int64_t last = own.last_step - dendritic, now = step - dendritic;
        double growth = history.pre_growth(pair, last);
        if constexpr (shared) growth *= kernel.template gain<rule>(kPostGain, 0);
        factors = {own.values[0] * growth,
                   own.values[0] == 0 ? 0.0 : own.values[1] / own.values[0],
                   history.post_decay(pair, now),
                   history.potentiation(pair, last),
                   // Nothing is new to a synapse that has no presynaptic trace.
                   own.values[0] == 0 ? 0.0 : history.potentiation(pair, own.applied_step - dendritic),
                   history.potentiation(pair, now)};
    }

    bool has_factors() const { return pair != kNoPair; }

    double pre_trace(std::int64_t at) const {
        return at == own.last_step ? own.values[1] : own.values[0] * model.pre(at - own.last_step);
    }
    // What a postsynaptic spike contributes, of which the factor for potentiation is given.
    double part(double potentiation) const {
        return potentiation == factors.at_last ? factors.share_before * potentiation : potentiation;
    }
    double after_post(double w, double trace, double potentiation, std::uint32_t s) const {
        const double with_gain = shared && has_factors() ? trace : kernel.template gain<rule>(kPostGain, s) * trace;
        return kernel.template after_post<rule>(w, with_gain, potentiation, s);
    }
    // After spike number `n` of a neuron.
    double after_post(double w, std::uint32_t neuron, std::size_t n, std::uint32_t s) const {
        if (has_factors()) return after_post(w, factors.trace, part(history.factors(neuron, n, pair).potentiation), s);
        return after_post(w, pre_trace(history.steps(neuron)[n] + dendritic), 1.0, s);
    }
    // At a synapse, with that spike as the last one.
    double post_trace(std::uint32_t neuron, std::size_t n) const {
        if (has_factors()) return history.factors(neuron, n, pair).depression * factors.post_decay;
        return history.trace(neuron, n, which_trace) * model.post(step - dendritic - history.steps(neuron)[n]);
    }

    // The weight after the postsynaptic spikes that reached the synapse by `step` and the presynaptic one, if any.
    double changed(double w, std::uint64_t k) const {
        const std::uint32_t s = store.synapse_[k], neuron = store.neuron_of(store.targets_[k]);
        const std::span<const std::int64_t> posts = history.steps(neuron);
        std::size_t n = posts.size();
        while (n > 0 && posts[n - 1] + dendritic > own.applied_step) --n;
        for (; n < posts.size() && posts[n] + dendritic <= last_post; ++n) {
            if (own.values[0] != 0) w = after_post(w, neuron, n, s);
        }
        if (!is_pre) return w;
        while (n > 0 && posts[n - 1] + dendritic >= step) --n;
        return kernel.template after_pre<rule>(w, n > 0 ? post_trace(neuron, n - 1) : 0.0, s);
    }

    // The same from the latest factors if they suffice.
    double changed_by_latest(double w, std::uint64_t k, const LatestFactors& latest) const {
        if (latest.oldest_potentiation() < factors.applied) return changed(w, k);
        const std::size_t first = latest.potentiation(0) < factors.now, before = latest.potentiation(0) <= factors.now;
        if (latest.potentiation(before) <= factors.now) return changed(w, k);
        const std::uint32_t s = store.synapse_[k];
        std::size_t end = first;
        while (latest.potentiation(end) < factors.applied) ++end;
        for (std::size_t i = end; i-- > first;) w = after_post(w, factors.trace, part(latest.potentiation(i)), s);
        if (!is_pre) return w;
        return kernel.template after_pre<rule>(w, latest.depression(before) * factors.post_decay, s);
    }

    PairSynapses synapses_from(std::uint64_t begin, const double* weights) const {
        const std::uint32_t* const targets = store.targets_.data() + begin;
        return {targets, weights, history.latest(pair), history.latest_stride(), store.first_input_of(targets[0])};
    }

    // Returns false and does nothing where there are no vectors for this.
    bool change_in_vectors(std::uint64_t first, std::uint64_t end, double* weights, Addition& before) const
        requires shared
    {
        for (std::uint64_t begin = first; begin < end; begin += kVectorBlock) {
            const std::size_t n = std::min<std::uint64_t>(kVectorBlock, end - begin);
            double* const here = weights + begin;
            Places<kVectorBlock> others;
            const PairEvent event{rule, kernel, factors, is_pre, dendritic == 0};
            if (!native::change_in_vectors(event, synapses_from(begin, here), n, here, others, before)) return false;
            for (const std::uint16_t k : others) here[k] = changed(here[k], begin + k);
        }
        return true;
    }

    void change_block_of(std::uint64_t begin, std::size_t n, PairTerms& terms, double* weights) const {
        const PairSynapses synapses = synapses_from(begin, weights);
        gather_pair_terms(factors, synapses, n, dendritic == 0, terms);
        double unchanged[kBlock];
        for (const std::uint16_t k : terms.others) {
            prefetch(synapses.older(k));
            unchanged[k] = weights[k];
        }
        change_block<rule>(kernel, terms, factors.trace, n, store.synapse_.data() + begin, weights, is_pre);
        for (const std::uint16_t k : terms.others) {
            weights[k] = changed_by_latest(unchanged[k], begin + k, synapses.latest(k));
        }
    }

    void change(std::uint64_t first, std::uint64_t end, double* weights, Addition& before) const {
        if (!has_factors()) {
            for (std::uint64_t k = first; k < end; ++k) weights[k] = changed(weights[k], k);
            return;
        }
        if constexpr (shared) {
            if (is_within_bounds && change_in_vectors(first, end, weights, before)) return;
        }
        PairTerms terms;
        for (std::uint64_t k = first; k < end; k += kBlock) {
            change_block_of(k, std::min<std::uint64_t>(kBlock, end - k), terms, weights + k);
        }
    }
};

template <PlasticRule rule, bool shared>
void PlasticStore::pair_spike(PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre,
                              Addition& before) const {
    const PairRule<rule, shared> pair(*this, state, i, step, is_pre);
    const std::uint64_t first = segments_[i].first, end = first + segments_[i].count;
    double* const weights = state.weights.data();
    if (is_pre || state.segments[i].values[0] != 0) pair.change(first, end, weights, before);
    SegmentState& own = state.segments[i];
    own.applied_step = std::max(own.applied_step, pair.last_post);
    if (!is_pre) return;
    auto& [trace, trace_before, unused] = own.values;
    if (step > own.last_step || trace == 0) {
        trace_before = pair.pre_trace(step);
        trace = trace_before;
        own.last_step = step;
    }
    trace += 1.0;
}

template <bool shared>
void PlasticStore::pair_spike_of(PlasticRule rule, PlasticState& state, std::uint32_t i, std::int64_t step,
                                 bool is_pre, Addition& before) const {
    switch (rule) {
        case PlasticRule::kAdditive:
            return pair_spike<PlasticRule::kAdditive, shared>(state, i, step, is_pre, before);
        case PlasticRule::kMultiplicative:
            return pair_spike<PlasticRule::kMultiplicative, shared>(state, i, step, is_pre, before);
        case PlasticRule::kAdditiveMultiplicative:
            return pair_spike<PlasticRule::kAdditiveMultiplicative, shared>(state, i, step, is_pre, before);
        default:
            return pair_spike<PlasticRule::kGutig, shared>(state, i, step, is_pre, before);
    }
}

template void PlasticStore::pair_spike_of<true>(PlasticRule, PlasticState&, std::uint32_t, std::int64_t, bool,
                                                Addition&) const;
template void PlasticStore::pair_spike_of<false>(PlasticRule, PlasticState&, std::uint32_t, std::int64_t, bool,
                                                Addition&) const;

}  // namespace pycosim::native
