#include "distances.hpp"

#include <stdexcept>

#include "clones.hpp"

namespace pycosim {
namespace {

template <std::size_t n_axes>
[[gnu::always_inline]] inline void fill_some(const PlaceColumns& places, std::size_t j,
                                             const std::int32_t* __restrict which, std::size_t n, double* __restrict out) {
    for (std::size_t k = 0; k < n; ++k) {
        const auto i = static_cast<std::size_t>(which[k]);
        double sum = 0;
        for (std::size_t axis = 0; axis < n_axes; ++axis)
            sum += squared_difference(places.pre[axis][i], places.post[axis][j], places.period[axis]);
        out[k] = sum;
    }
}

template <std::size_t n_axes>
[[gnu::always_inline]] inline void fill_pairs(const PlaceColumns& places, const std::int32_t* __restrict sources,
                                              const std::int32_t* __restrict targets, std::size_t n, double* __restrict out) {
    const double *pre[n_axes], *post[n_axes];
    for (std::size_t axis = 0; axis < n_axes; ++axis) pre[axis] = places.pre[axis].data(), post[axis] = places.post[axis].data();
    for (std::size_t k = 0; k < n; ++k) {
        double sum = 0;
        for (std::size_t axis = 0; axis < n_axes; ++axis)
            sum += squared_difference(pre[axis][sources[k]], post[axis][targets[k]], places.period[axis]);
        out[k] = __builtin_sqrt(sum);
    }
}

template <std::size_t n_axes>
[[gnu::always_inline]] inline void fill_row_of(const PlaceColumns& places, std::size_t j, std::size_t begin,
                                               std::size_t n, double* __restrict row) {
    const double* pre[n_axes];
    double post[n_axes], period[n_axes];
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
        pre[axis] = places.pre[axis].data() + begin;
        post[axis] = places.post[axis][j];
        period[axis] = places.period[axis];
    }
    for (std::size_t i = 0; i < n; ++i) {
        double sum = squared_difference(pre[0][i], post[0], period[0]);
        if constexpr (n_axes > 1) sum = sum + squared_difference(pre[1][i], post[1], period[1]);
        if constexpr (n_axes > 2) sum = sum + squared_difference(pre[2][i], post[2], period[2]);
        row[i] = sum;
    }
}

}  // namespace

PlaceColumns place_columns(const PlaceMatrix& pre, const PlaceMatrix& post, std::span<const double> period) {
    const std::size_t n_axes = pre.n_axes;
    if (n_axes < 1 || n_axes > 3 || post.n_axes != n_axes || period.size() != n_axes)
        throw std::invalid_argument("positions need one to three axes, the same on both sides");
    PlaceColumns places{};
    places.n_axes = n_axes;
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
        places.pre[axis] = {pre.data + axis * pre.n_points, pre.n_points};
        places.post[axis] = {post.data + axis * post.n_points, post.n_points};
        places.period[axis] = period[axis];
    }
    return places;
}

PYCOSIM_SIMD_CLONES
void squared_distances(const PlaceColumns& places, std::size_t j, std::size_t begin, std::size_t n, double* out) {
    if (places.n_axes == 1) fill_row_of<1>(places, j, begin, n, out);
    else if (places.n_axes == 2) fill_row_of<2>(places, j, begin, n, out);
    else fill_row_of<3>(places, j, begin, n, out);
}

PYCOSIM_SIMD_CLONES
void squared_distances_of(const PlaceColumns& places, std::size_t j, std::span<const std::int32_t> which, double* out) {
    if (places.n_axes == 1) fill_some<1>(places, j, which.data(), which.size(), out);
    else if (places.n_axes == 2) fill_some<2>(places, j, which.data(), which.size(), out);
    else fill_some<3>(places, j, which.data(), which.size(), out);
}

namespace {

PYCOSIM_SIMD_CLONES
void fill_distances(const PlaceColumns& places, const std::int32_t* sources, const std::int32_t* targets, std::size_t n,
                    double* out) {
    if (places.n_axes == 1) fill_pairs<1>(places, sources, targets, n, out);
    else if (places.n_axes == 2) fill_pairs<2>(places, sources, targets, n, out);
    else fill_pairs<3>(places, sources, targets, n, out);
}

}  // namespace

PYCOSIM_SIMD_CLONES
void take_roots(double* values, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) values[i] = __builtin_sqrt(values[i]);
}

LongColumn<double> distances(const PlaceColumns& places) {
    const std::size_t n_pre = places.pre[0].size(), n_post = places.post[0].size();
    LongColumn<double> result(n_pre * n_post);
    for (std::size_t j = 0; j < n_post; ++j) {
        double* const row = result.data() + j * n_pre;
        squared_distances(places, j, 0, n_pre, row);
        take_roots(row, n_pre);
    }
    return result;
}

LongColumn<double> distances_of_pairs(const PlaceColumns& places, std::span<const std::int32_t> sources,
                                      std::span<const std::int32_t> targets) {
    if (sources.size() != targets.size()) throw std::invalid_argument("a pair needs a source and a target");
    LongColumn<double> result(sources.size());
    fill_distances(places, sources.data(), targets.data(), result.size(), result.data());
    return result;
}

}  // namespace pycosim
