/// Values of synapses and cells that are drawn from distributions. Number k of a stream is a pure function of (seed,
/// stream, k): it does not depend on how many are drawn, nor on the machine.
#pragma once

#include <cstdint>
#include <span>

#include "columns.hpp"
#include "numbers.hpp"

namespace pycosim {

/// Values of the keys' blocks of 2^shift: those of block b are the first ones of streams[b], in the order of the keys.
LongColumn<double> numbers_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams,
                                    const DistributionOf& distribution, std::span<const std::int32_t> keys, int shift);

/// The same numbers as delays in ms: their steps.
DelaySteps delays_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams, const DistributionOf& distribution,
                           std::span<const std::int32_t> keys, int shift, double dt_ms);

}  // namespace pycosim
