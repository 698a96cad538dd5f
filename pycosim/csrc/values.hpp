/// Values of synapses and cells that are drawn from distributions. Number k of a stream is a pure function of (seed,
/// stream, k): it does not depend on how many are drawn, nor on the machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "columns.hpp"
#include "numbers.hpp"
#include "philox.hpp"

namespace pycosim {

/// Values of the keys' blocks of 2^shift: those of block b are the first ones of streams[b], in the order of the keys.
LongColumn<double> numbers_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams,
                                    const DistributionOf& distribution, std::span<const std::int32_t> keys, int shift);

/// The same numbers as delays in ms: their steps.
DelaySteps delays_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams, const DistributionOf& distribution,
                           std::span<const std::int32_t> keys, int shift, double dt_ms);

/// The streams of some blocks of keys, from `first_block` on.
struct BlockStreams {
    std::span<const Key> streams;
    std::size_t first_block;
};

/// Writes the numbers of the keys of a part, ascending; those of a block are its numbers before[i], before[i] + 1, ...
void fill_by_block(const BlockStreams& blocks, const DistributionOf& distribution, std::span<const std::int32_t> keys,
                   int shift, std::span<const std::uint32_t> before, double* out);

/// The smallest and the largest one of the first n[i] numbers of streams[i], of all; both NaN if any is.
std::array<double, 2> extremes_of_streams(std::span<const Key> streams, const DistributionOf& distribution,
                                          std::span<const std::int64_t> n);

/// What is to be checked of these numbers as delays in ms; there are no steps.
DelaySteps delays_of_streams(std::span<const Key> streams, const DistributionOf& distribution,
                             std::span<const std::int64_t> n, double dt_ms);

}  // namespace pycosim
