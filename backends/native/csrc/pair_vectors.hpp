// The pair rules on vectors of eight synapses.
#pragma once

#include "addition.hpp"
#include "pair_terms.hpp"
#include "plastic.hpp"
#include "weight_dependence.hpp"

namespace pycosim::native {

// What a spike does to the synapses of a segment, which have their parameters in common.
struct PairEvent {
    PlasticRule rule;
    const TimingKernel<true>& kernel;
    const PresynapticFactors& factors;
    bool is_pre;     // or only postsynaptic ones
    bool same_step;  // see gather_pair_terms()
};

// So many synapses at a time that there are some that need a second line of the history, which come together.
inline constexpr std::size_t kVectorBlock = 1024;

// Changes the weights of `n` synapses, which are within their bounds, and asks for what follows them; `others`, which need
// more of the history than LatestFactors, stay as they are. A part of what is to be added before is added meanwhile. Does
// nothing and returns false where the machine has no such vectors, or for powers.
bool change_in_vectors(const PairEvent& event, const PairSynapses& synapses, std::size_t n, double* weights,
                       Places<kVectorBlock>& others, Addition& before);

// As gather_pair_terms(), where the machine has such vectors.
bool gather_in_vectors(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n, bool same_step,
                       PairTerms& terms);

}  // namespace pycosim::native
