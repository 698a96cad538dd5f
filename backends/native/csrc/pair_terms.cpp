#include "no_trapping_math.hpp"

#include "pair_terms.hpp"

#include "pair_vectors.hpp"
#include "vectorised.hpp"

namespace pycosim::native {
namespace {

template <bool same_step>
PYCOSIM_ALWAYS_INLINE void gather(const PresynapticFactors& f, const PairSynapses& synapses, std::size_t n,
                                  PairTerms& terms) {
    terms.others.clear();
    for (std::size_t k = 0; k < n; ++k) {
        if (k % LatestFactors::kInLine == 0) synapses.ask_ahead(k);
        const double* const depression = synapses.line(k);
        const double* const potentiation = depression + LatestFactors::kDepressions;
        // The newest spike may be under way along the dendrite, or arrive together with the presynaptic one.
        const bool under_way = potentiation[0] < f.now, is_not_before = potentiation[0] <= f.now;
        terms.others.add_if((potentiation[1] <= f.now) | (potentiation[kNewPosts] < f.applied), k);
        terms.post[k] = depression[is_not_before] * f.post_decay;
        for (std::size_t j = 0; j < kNewPosts; ++j) {
            const bool is_new = (potentiation[j] < f.applied) & !(j == 0 && under_way);
            const double share = same_step && potentiation[j] == f.at_last ? f.share_before : 1.0;
            terms.pre[j][k] = is_new ? share * potentiation[j] : 0.0;
        }
    }
}

}  // namespace

void gather_pair_terms(const PresynapticFactors& factors, const PairSynapses& synapses, std::size_t n, bool same_step,
                       PairTerms& terms) {
    if (gather_in_vectors(factors, synapses, n, same_step, terms)) return;
    same_step ? gather<true>(factors, synapses, n, terms) : gather<false>(factors, synapses, n, terms);
}

}  // namespace pycosim::native
