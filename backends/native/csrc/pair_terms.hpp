// What the spikes of pairs contribute to the synapses of a pair rule, for a block of synapses at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "post_history.hpp"

namespace pycosim::native {

inline constexpr std::size_t kPairBlock = 128;
inline constexpr std::size_t kNewPosts = LatestFactors::kFirstPotentiations - 1;  // for most synapses

// Some of the synapses of a block.
template <std::size_t most>
class Places {
  public:
    void add_if(bool is_one, std::size_t k) {
        places_[n_] = static_cast<std::uint16_t>(k);
        n_ += is_one;
    }
    // Of eight synapses from `k` on, those whose bits are set.
    void add(unsigned bits, std::size_t k) {
        for (; bits; bits &= bits - 1) places_[n_++] = static_cast<std::uint16_t>(k + std::countr_zero(bits));
    }
    void clear() { n_ = 0; }
    const std::uint16_t* begin() const { return places_; }
    const std::uint16_t* end() const { return places_ + n_; }

  private:
    std::uint16_t places_[most];
    std::size_t n_ = 0;
};

// By synapse of a block: what the presynaptic trace (PresynapticFactors) is multiplied with at each new postsynaptic spike,
// the oldest last, or 0; the postsynaptic trace; synapses that may have more new spikes than these, so that the terms do
// not hold.
struct PairTerms {
    alignas(64) double pre[kNewPosts][kPairBlock];
    alignas(64) double post[kPairBlock];
    Places<kPairBlock> others;
};

// What the synapses of a segment have in common when a presynaptic spike reaches them, as factors (post_history.hpp).
struct PresynapticFactors {
    // Trace times pre_growth() at the last spike; also times the gain of kPostGain that the synapses have in common, if they
    // do. And what of the trace was there just before that spike.
    double trace, share_before;
    double post_decay;  // at this one
    // Potentiation by a spike at the step of the last presynaptic one, if it is new; at the latest step that has been
    // applied; at this step.
    double at_last, applied, now;
};

// Synapses, and the LatestFactors of their neurons.
struct PairSynapses {
    const std::uint32_t* targets;
    const double* weights;
    LatestFactors first_latest;  // of the neuron whose input is `first_target`
    std::size_t stride;
    std::uint32_t first_target;

    const double* line(std::size_t k) const { return first_latest.first + offset(k); }
    const double* older(std::size_t k) const { return first_latest.second + offset(k); }
    LatestFactors latest(std::size_t k) const { return {line(k), older(k)}; }
    std::size_t offset(std::size_t k) const { return stride * (targets[k] - first_target); }
    // For one cache line of weights, and one of targets where another begins.
    void ask_ahead(std::size_t k) const {
        prefetch(weights + k + kPairBlock / 2);
        if (k % (kCacheLine / sizeof(std::uint32_t)) == 0) prefetch(targets + k + kPairBlock);
    }
};

// Terms of the first `n` synapses; asks for what follows them. With `same_step`, a postsynaptic spike may be new that came
// with the last presynaptic one.
void gather_pair_terms(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n, bool same_step,
                       PairTerms& terms);

}  // namespace pycosim::native
