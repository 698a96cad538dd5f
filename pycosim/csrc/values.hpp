/// Values of synapses and cells that are drawn from distributions. Number k of a stream is a pure function of (seed,
/// stream, k): it does not depend on how many are drawn, nor on the machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

/// Keys begin to end - 1 are of the same block.
struct BlockRun {
    std::size_t block, begin, end;
};

/// Writes the runs of keys of the same block of 2^shift.
void find_runs(std::span<const std::int32_t> keys, int shift, std::vector<BlockRun>& runs);

/// Writes the numbers first, first + 1, ... of a stream.
void fill_numbers(Key stream, const DistributionOf& distribution, std::uint64_t first, std::span<double> out);

/// The smallest and the largest one of the first n[i] numbers of streams[i], of all; both NaN if any is.
std::array<double, 2> extremes_of_streams(std::span<const Key> streams, const DistributionOf& distribution,
                                          std::span<const std::int64_t> n);

/// What is to be checked of these numbers as delays in ms; there are no steps.
DelaySteps delays_of_streams(std::span<const Key> streams, const DistributionOf& distribution,
                             std::span<const std::int64_t> n, double dt_ms);

}  // namespace pycosim
