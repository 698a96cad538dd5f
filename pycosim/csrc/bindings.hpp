/// What the parts of the module have in common: arrays that come from Python and go there.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "candidates.hpp"
#include "columns.hpp"
#include "connect.hpp"
#include "csr.hpp"
#include "distance_program.hpp"
#include "distances.hpp"
#include "numbers.hpp"

namespace pycosim::bindings {

namespace nb = nanobind;
using namespace nb::literals;

using Seed = std::uint64_t;
using Long = std::int64_t;

template <class T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<nb::numpy, T, nb::ndim<1>>;
using CsrOut = std::tuple<Out<std::int64_t>, Out<std::int32_t>>;

template <class T>
std::span<const T> span(const In<T>& array) {
    return {array.data(), array.size()};
}

using Mask = std::optional<In<std::uint8_t>>;

/// An empty span stands for all.
inline Wanted wanted_of(const Mask& wanted, std::size_t n_post) {
    if (!wanted) return {};
    if (wanted->size() != n_post) throw std::invalid_argument("wanted needs one entry for each target");
    return span(*wanted);
}

/// A NumPy array that owns the vector's memory.
template <class T, class Allocator>
Out<T> numpy(std::vector<T, Allocator>&& values) {
    using Vector = std::vector<T, Allocator>;
    auto owned = std::make_unique<Vector>(std::move(values));
    Vector* data = owned.get();
    nb::capsule owner(owned.release(), [](void* p) noexcept { delete static_cast<Vector*>(p); });
    return Out<T>(data->data(), {data->size()}, owner);
}

using MatrixOut = nb::ndarray<nb::numpy, double, nb::ndim<2>>;

inline MatrixOut matrix(LongColumn<double>&& values, const std::size_t (&shape)[2]) {
    using Vector = LongColumn<double>;
    auto owned = std::make_unique<Vector>(std::move(values));
    Vector* data = owned.get();
    nb::capsule owner(owned.release(), [](void* p) noexcept { delete static_cast<Vector*>(p); });
    return MatrixOut(data->data(), 2, shape, owner);
}

inline PlaceColumns places_of(const Matrix& pre, const Matrix& post, const In<double>& period) {
    const auto matrix = [](const Matrix& given) { return PlaceMatrix{given.data(), given.shape(0), given.shape(1)}; };
    return place_columns(matrix(pre), matrix(post), span(period));
}

inline CsrOut numpy(Csr&& csr) { return {numpy(std::move(csr.indptr)), numpy(std::move(csr.targets))}; }

/// Constants, and steps: an operation and three arguments each.
using ProgramIn = std::tuple<In<double>, In<std::int32_t>>;

inline DistanceProgram program_of(const ProgramIn& given) {
    return DistanceProgram(span(std::get<0>(given)), steps_of_program(span(std::get<1>(given))));
}

using CandidatesOut = std::tuple<CsrOut, Out<double>, Out<double>>;

inline CandidatesOut numpy(Candidates&& candidates) {
    return {numpy(std::move(candidates.rows)), numpy(std::move(candidates.numbers)), numpy(std::move(candidates.distances))};
}

/// Calls `work` without the interpreter lock.
template <class Work>
auto unlocked(Work&& work) {
    nb::gil_scoped_release release;
    return work();
}

using DistributionIn = std::tuple<int, double, double, double, double>;

inline DistributionOf distribution_of(const DistributionIn& given) {
    const auto& [kind, mu, sigma, low, high] = given;
    return {static_cast<Distribution>(kind), mu, sigma, {low, high}};
}

using StepsOut = std::tuple<Out<std::int32_t>, bool, double, double, double>;

inline StepsOut steps_of(DelaySteps&& delays) {
    return {numpy(std::move(delays.steps)), delays.all_possible, delays.smallest_ms, delays.largest_ms,
            delays.largest_error_ms};
}

void add_connections(nb::module_& m);
void add_generator(nb::module_& m);
void add_values(nb::module_& m);

}  // namespace pycosim::bindings
