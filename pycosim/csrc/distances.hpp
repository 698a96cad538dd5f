/// Distances of points, with the operations of pyNN.space.Space.distances in the same order.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "columns.hpp"

namespace pycosim {

/// Coordinates along the axes that count, and the period of each; infinity where there is none.
struct PlaceColumns {
    std::array<std::span<const double>, 3> pre, post;
    std::array<double, 3> period;
    std::size_t n_axes;
};

/// The matrix of all distances, a row for each of `post`.
LongColumn<double> distances(const PlaceColumns& places);

/// The distances of pairs (sources[k], targets[k]), which are valid.
LongColumn<double> distances_of_pairs(const PlaceColumns& places, std::span<const std::int32_t> sources,
                                      std::span<const std::int32_t> targets);

}  // namespace pycosim
