// The pair rules on vectors of eight synapses.
#pragma once

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

// Changes the weights of `n` synapses, which are within their bounds, and asks for what follows them; those that need more of the
// history (PairTerms) stay as they are. Does nothing and returns false where the machine has no such vectors, or for powers.
bool change_in_vectors(const PairEvent& event, const PairSynapses& synapses, std::size_t n, double* weights,
                       std::uint8_t* needs_more);

// As gather_pair_terms(), where the machine has such vectors.
bool gather_in_vectors(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n, bool same_step,
                       PairTerms& terms);

}  // namespace pycosim::native
