/// Numbers that PyNN draws target by target, in the order of the synapses, which are in rows of sources.
#pragma once

#include <cstdint>
#include <span>

#include "calls.hpp"
#include "columns.hpp"
#include "mersenne.hpp"
#include "numbers.hpp"

namespace pycosim {

/// The synapses of a projection: rows of targets, which ascend.
struct Synapses {
    std::span<const std::int64_t> indptr;
    std::span<const std::int32_t> targets;
    std::int64_t n_targets;
    /// The synapses in the order in which numbers are drawn: target by target. Empty: those of a target by source.
    std::span<const std::uint32_t> drawn;
    /// How many synapses each target has, here or elsewhere: numbers of targets that have none here are passed over.
    /// Empty: all synapses are here.
    std::span<const std::int64_t> in_all;
};

/// One call for each target that has synapses; a number for each synapse.
LongColumn<double> numbers_of_synapses(MersenneTwister& random, SpareNormal& spare, const DistributionOf& distribution,
                                       const Synapses& synapses);

/// The same numbers as delays in ms: their steps.
DelaySteps delays_of_synapses(MersenneTwister& random, SpareNormal& spare, const DistributionOf& distribution,
                              const Synapses& synapses, double dt_ms);

}  // namespace pycosim
