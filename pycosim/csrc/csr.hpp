/// Compressed sparse rows, and sorting into them by counting.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace pycosim {

struct Csr {
    std::vector<std::int64_t> indptr;
    std::vector<std::int32_t> targets;
};

struct SortedPairs {
    Csr csr;
    std::vector<std::int64_t> order;  ///< which pair each entry was
};

/// First entry of each key and, at the end, the number of entries.
inline std::vector<std::int64_t> offsets_of(std::span<const std::int32_t> keys, std::int64_t n_keys) {
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(n_keys) + 1, 0);
    for (const std::int32_t key : keys) {
        if (key < 0 || key >= n_keys)
            throw std::out_of_range("an index is outside the number of rows or columns");
        ++offsets[static_cast<std::size_t>(key) + 1];
    }
    for (std::size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
    return offsets;
}

/// Sorts pairs by (row, column), equal pairs in their given order: counting sort by column, then by row.
inline SortedPairs csr_from_pairs(std::span<const std::int32_t> rows, std::span<const std::int32_t> columns,
                                  std::int64_t n_rows, std::int64_t n_columns) {
    if (rows.size() != columns.size())
        throw std::invalid_argument("rows and columns must have the same length");
    std::vector<std::int64_t> next = offsets_of(columns, n_columns);
    std::vector<std::int64_t> by_column;
    if (!std::is_sorted(columns.begin(), columns.end())) {
        by_column.resize(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i)
            by_column[static_cast<std::size_t>(next[static_cast<std::size_t>(columns[i])]++)] =
                static_cast<std::int64_t>(i);
    }
    SortedPairs sorted{{offsets_of(rows, n_rows), std::vector<std::int32_t>(rows.size())},
                       std::vector<std::int64_t>(rows.size())};
    next = sorted.csr.indptr;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto pair = by_column.empty() ? i : static_cast<std::size_t>(by_column[i]);
        const auto place = static_cast<std::size_t>(next[static_cast<std::size_t>(rows[pair])]++);
        sorted.csr.targets[place] = columns[pair];
        sorted.order[place] = static_cast<std::int64_t>(pair);
    }
    return sorted;
}

/// Rows of sources by target become rows of targets by source.
inline Csr transposed(const Csr& csr, std::int64_t n_columns) {
    Csr result{offsets_of(csr.targets, n_columns), std::vector<std::int32_t>(csr.targets.size())};
    std::vector<std::int64_t> next = result.indptr;
    for (std::size_t row = 0; row + 1 < csr.indptr.size(); ++row)
        for (std::int64_t i = csr.indptr[row]; i < csr.indptr[row + 1]; ++i) {
            const auto column = static_cast<std::size_t>(csr.targets[static_cast<std::size_t>(i)]);
            result.targets[static_cast<std::size_t>(next[column]++)] = static_cast<std::int32_t>(row);
        }
    return result;
}

}  // namespace pycosim
