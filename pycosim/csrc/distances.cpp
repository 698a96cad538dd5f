#include "distances.hpp"

#include <stdexcept>

#include "clones.hpp"

namespace pycosim {
namespace {

inline double squared(double pre, double post, double period) {
    const double difference = pre - post, size = difference < 0 ? -difference : difference, around = period - size;
    const double least = around < size ? around : size;
    return least * least;
}

PYCOSIM_SIMD_CLONES
void add_row(const double* __restrict pre, std::size_t n, double post, double period, bool is_first,
             double* __restrict row) {
    if (is_first)
        for (std::size_t i = 0; i < n; ++i) row[i] = squared(pre[i], post, period);
    else
        for (std::size_t i = 0; i < n; ++i) row[i] = row[i] + squared(pre[i], post, period);
}

PYCOSIM_SIMD_CLONES
void take_roots(double* values, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) values[i] = __builtin_sqrt(values[i]);
}

}  // namespace

LongColumn<double> distances(const PlaceColumns& places) {
    const std::size_t n_pre = places.pre[0].size(), n_post = places.post[0].size();
    LongColumn<double> result(n_pre * n_post);
    for (std::size_t j = 0; j < n_post; ++j) {
        double* const row = result.data() + j * n_pre;
        for (std::size_t axis = 0; axis < places.n_axes; ++axis)
            add_row(places.pre[axis].data(), n_pre, places.post[axis][j], places.period[axis], axis == 0, row);
        take_roots(row, n_pre);
    }
    return result;
}

LongColumn<double> distances_of_pairs(const PlaceColumns& places, std::span<const std::int32_t> sources,
                                      std::span<const std::int32_t> targets) {
    if (sources.size() != targets.size()) throw std::invalid_argument("a pair needs a source and a target");
    LongColumn<double> result(sources.size());
    for (std::size_t k = 0; k < sources.size(); ++k) {
        const auto i = static_cast<std::size_t>(sources[k]), j = static_cast<std::size_t>(targets[k]);
        double sum = 0;
        for (std::size_t axis = 0; axis < places.n_axes; ++axis)
            sum += squared(places.pre[axis][i], places.post[axis][j], places.period[axis]);
        result[k] = sum;
    }
    take_roots(result.data(), result.size());
    return result;
}

}  // namespace pycosim
