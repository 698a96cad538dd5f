/// Some of the entries of rows, and what belongs to them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

#include "columns.hpp"
#include "connect.hpp"
#include "csr.hpp"

namespace pycosim {

/// Entries for which keep(row, target); they are counted first, so that no more memory is taken than they need.
template <class Keep>
Csr kept_rows(std::span<const std::int64_t> indptr, std::span<const std::int32_t> targets, Keep&& keep) {
    if (indptr.empty() || indptr.front() != 0 || indptr.back() != static_cast<std::int64_t>(targets.size()) ||
        !std::is_sorted(indptr.begin(), indptr.end()))
        throw std::invalid_argument("the offsets of rows do not fit the number of entries");
    Csr kept{LongColumn<std::int64_t>(indptr.size(), 0), {}};
    const std::int32_t* const all = targets.data();
    for (std::size_t row = 0; row + 1 < indptr.size(); ++row) {
        std::int64_t n = kept.indptr[row];
        for (std::int64_t i = indptr[row]; i < indptr[row + 1]; ++i) n += keep(row, all[i]);
        kept.indptr[row + 1] = n;
    }
    kept.targets.resize(static_cast<std::size_t>(kept.indptr.back()) + 1);  // one is written behind the last
    std::int32_t* out = kept.targets.data();
    for (std::size_t row = 0; row + 1 < indptr.size(); ++row)
        for (std::int64_t i = indptr[row]; i < indptr[row + 1]; ++i) {
            *out = all[i];
            out += keep(row, all[i]);
        }
    kept.targets.pop_back();
    return kept;
}

inline void require_targets(std::span<const std::int32_t> targets, std::size_t n) {
    const auto is_outside = [n](std::int32_t target) { return target < 0 || static_cast<std::size_t>(target) >= n; };
    if (std::ranges::any_of(targets, is_outside)) throw std::out_of_range("a target is outside their number");
}

/// Those on wanted targets.
inline Csr rows_of_wanted(std::span<const std::int64_t> indptr, std::span<const std::int32_t> targets, Wanted wanted) {
    require_targets(targets, wanted.size());
    return kept_rows(indptr, targets, [mask = wanted.data()](std::size_t, std::int32_t target) { return mask[target] != 0; });
}

/// Those from a higher number to a lower one.
inline Csr descending_pairs(std::span<const std::int64_t> indptr, std::span<const std::int32_t> targets) {
    return kept_rows(indptr, targets, [](std::size_t row, std::int32_t target) { return static_cast<std::int64_t>(row) > target; });
}

/// Of values of entries, those of entries on wanted targets.
template <class T>
LongColumn<T> values_of_wanted(std::span<const T> values, std::span<const std::int32_t> targets, Wanted wanted) {
    if (values.size() != targets.size()) throw std::invalid_argument("each entry needs a value");
    require_targets(targets, wanted.size());
    const std::uint8_t* const mask = wanted.data();
    std::size_t n = 0;
    for (const std::int32_t target : targets) n += mask[target] != 0;
    LongColumn<T> kept(n + 1);  // one is written behind the last
    T* out = kept.data();
    for (std::size_t i = 0; i < values.size(); ++i) {
        *out = values[i];
        out += mask[targets[i]] != 0;
    }
    kept.pop_back();
    return kept;
}

}  // namespace pycosim
