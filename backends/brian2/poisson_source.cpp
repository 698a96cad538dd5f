#include "poisson_source.hpp"

#include "philox.cpp"
#include "poisson.hpp"

namespace pycosim {

void draw_poisson(const PoissonRates& rates, int64_t begin, int64_t end, std::vector<int32_t>& steps,
                  std::vector<int32_t>& indices) {
    const size_t n = rates.per_step.size();
    const std::span<const int64_t> active(rates.active);
    const PoissonSources sources{rates.per_step, active.first(n), active.last(n)};
    Spikes spikes = PoissonDrawer(key_of(rates.seed, rates.stream), sources, begin, end).draw();
    steps.assign(spikes.steps.begin(), spikes.steps.end());
    indices.swap(spikes.indices);
}

}  // namespace pycosim
