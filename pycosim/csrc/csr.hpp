/// Compressed sparse rows, and sorting into them by counting.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>

#include "columns.hpp"

namespace pycosim {

struct Csr {
    LongColumn<std::int64_t> indptr;
    LongColumn<std::int32_t> targets;
};

struct SortedPairs {
    Csr csr;
    LongColumn<std::int64_t> order;  ///< which pair each entry was
};

/// First entry of each key and, at the end, the number of entries.
inline LongColumn<std::int64_t> offsets_of(std::span<const std::int32_t> keys, std::int64_t n_keys) {
    LongColumn<std::int64_t> offsets(static_cast<std::size_t>(n_keys) + 1, 0);
    for (const std::int32_t key : keys) {
        if (key < 0 || key >= n_keys)
            throw std::out_of_range("an index is outside the number of rows or columns");
        ++offsets[static_cast<std::size_t>(key) + 1];
    }
    for (std::size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
    return offsets;
}

/// The row of each entry.
inline LongColumn<std::int32_t> rows_of_entries(std::span<const std::int64_t> indptr) {
    const std::size_t n_rows = indptr.empty() ? 0 : indptr.size() - 1;
    if (n_rows > 0 && (indptr.front() != 0 || !std::is_sorted(indptr.begin(), indptr.end())))
        throw std::invalid_argument("the offsets of rows must ascend from 0");
    LongColumn<std::int32_t> rows(n_rows > 0 ? static_cast<std::size_t>(indptr.back()) : 0);
    std::int32_t* const out = rows.data();
    const std::int64_t* const begin = indptr.data();
    for (std::size_t row = 0; row < n_rows; ++row) {
        for (std::int64_t i = begin[row]; i < begin[row + 1]; ++i) out[i] = static_cast<std::int32_t>(row);
    }
    return rows;
}

/// The rows of each column, in their given order.
inline Csr rows_of_columns(std::span<const std::int32_t> rows, std::span<const std::int32_t> columns,
                           std::int64_t n_columns) {
    Csr result{offsets_of(columns, n_columns), LongColumn<std::int32_t>(rows.size())};
    LongColumn<std::int64_t> next(result.indptr.begin(), result.indptr.end() - 1);
    std::int64_t* const place = next.data();  // vectors' addresses would be read again after each write
    std::int32_t* const out = result.targets.data();
    for (std::size_t i = 0; i < rows.size(); ++i) out[place[columns[i]]++] = rows[i];
    return result;
}

/// Sorts pairs by (row, column), equal pairs in their given order: counting sort by column, then by row.
inline SortedPairs csr_from_pairs(std::span<const std::int32_t> rows, std::span<const std::int32_t> columns,
                                  std::int64_t n_rows, std::int64_t n_columns) {
    if (rows.size() != columns.size())
        throw std::invalid_argument("rows and columns must have the same length");
    struct Pair {
        std::int32_t row;
        std::uint32_t number;
    };
    if (rows.size() > UINT32_MAX) throw std::length_error("more than 2^32 pairs");
    const LongColumn<std::int64_t> first_of_column = offsets_of(columns, n_columns);
    LongColumn<Pair> by_column(rows.size());  // what is read one after the other below
    LongColumn<std::int64_t> next = first_of_column;
    for (std::size_t i = 0; i < rows.size(); ++i)
        by_column[static_cast<std::size_t>(next[static_cast<std::size_t>(columns[i])]++)] = {
            rows[i], static_cast<std::uint32_t>(i)};
    SortedPairs sorted{{offsets_of(rows, n_rows), LongColumn<std::int32_t>(rows.size())},
                       LongColumn<std::int64_t>(rows.size())};
    next = sorted.csr.indptr;
    for (std::size_t column = 0; column + 1 < first_of_column.size(); ++column)
        for (std::int64_t i = first_of_column[column]; i < first_of_column[column + 1]; ++i) {
            const Pair pair = by_column[static_cast<std::size_t>(i)];
            const auto place = static_cast<std::size_t>(next[static_cast<std::size_t>(pair.row)]++);
            sorted.csr.targets[place] = static_cast<std::int32_t>(column);
            sorted.order[place] = pair.number;
        }
    return sorted;
}

/// Rows of sources by target become rows of targets by source. Calls visit(place) for each entry, in turn.
template <class Visit>
Csr transposed(std::span<const std::int64_t> indptr, std::span<const std::int32_t> targets, std::int64_t n_columns,
               Visit&& visit) {
    if (indptr.empty() || indptr.back() != static_cast<std::int64_t>(targets.size()) ||
        indptr.front() != 0 || !std::is_sorted(indptr.begin(), indptr.end()))
        throw std::invalid_argument("the offsets of rows do not fit the number of entries");
    Csr result{offsets_of(targets, n_columns), LongColumn<std::int32_t>(targets.size())};
    LongColumn<std::int64_t> next(result.indptr.begin(), result.indptr.end() - 1);
    std::int64_t* const places = next.data();
    std::int32_t* const out = result.targets.data();
    const std::int32_t* const columns = targets.data();
    const auto n_entries = static_cast<std::int64_t>(targets.size());
    constexpr std::int64_t kAsk = 32;
    for (std::size_t row = 0; row + 1 < indptr.size(); ++row) {
        const std::int64_t end = indptr[row + 1];
        for (std::int64_t i = indptr[row]; i < end; ++i) {
#if defined(__GNUC__)
            if (i + kAsk < n_entries) __builtin_prefetch(out + places[columns[i + kAsk]], 1);
#endif
            const std::int64_t place = places[columns[i]]++;
            out[place] = static_cast<std::int32_t>(row);
            visit(place);
        }
    }
    return result;
}

inline Csr transposed(const Csr& csr, std::int64_t n_columns) {
    return transposed(csr.indptr, csr.targets, n_columns, [](std::int64_t) {});
}

/// Rows of sources, and the source of each pair in the order of drawing: target by target.
struct DrawnPairs {
    Csr csr;
    LongColumn<std::int32_t> drawn;
};

/// The place of each pair in rows, to which pairs were added in turn.
inline LongColumn<std::uint32_t> places_in_turn(std::span<const std::int32_t> rows, std::span<const std::int64_t> indptr) {
    if (indptr.empty() || indptr.back() != static_cast<std::int64_t>(rows.size()))
        throw std::invalid_argument("the offsets of rows do not fit the number of entries");
    if (rows.size() > UINT32_MAX) throw std::length_error("more than 2^32 pairs");
    LongColumn<std::uint32_t> places(rows.size()), next(indptr.begin(), indptr.end() - 1);
    std::uint32_t *const place = next.data(), *const out = places.data();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = static_cast<std::size_t>(rows[i]);
        if (row >= next.size()) throw std::out_of_range("an index is outside the number of rows or columns");
        out[i] = place[row]++;
    }
    return places;
}

}  // namespace pycosim
