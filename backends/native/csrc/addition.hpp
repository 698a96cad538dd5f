// Values that are to be added to inputs: as a whole, or a few at a time between work that waits for something else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vectorised.hpp"

namespace pycosim::native {

struct Addition {
    static constexpr std::size_t kSome = 8;

    const std::uint32_t* targets = nullptr;
    const double* values = nullptr;
    std::size_t n = 0;
    double* inputs = nullptr;
    bool targets_are_distinct = false;

    // The next few; none where fewer are left.
    PYCOSIM_ALWAYS_INLINE void add_some() {
        if (n < kSome) return;
        for (std::size_t k = 0; k < kSome; ++k) inputs[targets[k]] += values[k];
        targets += kSome, values += kSome, n -= kSome;
    }
    // All that are left.
    void finish() {
        for (; n > 0; --n) inputs[*targets++] += *values++;
    }
};

}  // namespace pycosim::native
