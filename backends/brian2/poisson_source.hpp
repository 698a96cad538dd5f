// The spikes of Poisson sources, drawn by the program from the numbers that every target draws them from.

#pragma once

#include <cstdint>
#include <vector>

namespace pycosim {

/// What a population of Poisson sources draws from; `active` has all first steps, then all last ones.
struct PoissonRates {
    std::vector<double> per_step;
    std::vector<int64_t> active;
    uint64_t seed, stream;
};

/// Write the spikes of the steps begin .. end, ordered by (step, index).
void draw_poisson(const PoissonRates& rates, int64_t begin, int64_t end, std::vector<int32_t>& steps,
                  std::vector<int32_t>& indices);

}  // namespace pycosim
