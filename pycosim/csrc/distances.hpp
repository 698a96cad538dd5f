/// Distances of points, with the operations of pyNN.space.Space.distances in the same order.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include "columns.hpp"

namespace pycosim {

/// Coordinates along the axes that count, and the period of each; infinity where there is none.
struct PlaceColumns {
    std::array<std::span<const double>, 3> pre, post;
    std::array<double, 3> period;
    std::size_t n_axes;
};

/// Coordinates as a row for each axis.
struct PlaceMatrix {
    const double* data;
    std::size_t n_axes, n_points;
};

/// Throws std::invalid_argument if the sides do not have the same one to three axes.
PlaceColumns place_columns(const PlaceMatrix& pre, const PlaceMatrix& post, std::span<const double> period);

/// The same with the sides exchanged.
inline PlaceColumns turned(PlaceColumns places) {
    std::swap(places.pre, places.post);
    return places;
}

/// Writes the squared distances of the points `begin` to `begin` + n - 1 of `pre` from point j of `post`.
void squared_distances(const PlaceColumns& places, std::size_t j, std::size_t begin, std::size_t n, double* out);

/// The same of the points `which`.
void squared_distances_of(const PlaceColumns& places, std::size_t j, std::span<const std::int32_t> which, double* out);

void take_roots(double* values, std::size_t n);

/// The matrix of all distances, a row for each of `post`.
LongColumn<double> distances(const PlaceColumns& places);

/// The squared distance along one axis, a period of infinity means none.
inline double squared_difference(double pre, double post, double period) {
    const double size = std::fabs(pre - post), around = period - size;
    const double least = around < size ? around : size;
    return least * least;
}

/// The distances of pairs (sources[k], targets[k]), which are valid.
LongColumn<double> distances_of_pairs(const PlaceColumns& places, std::span<const std::int32_t> sources,
                                      std::span<const std::int32_t> targets);

}  // namespace pycosim
