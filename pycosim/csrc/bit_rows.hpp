/// Sets of columns as bits, which come out in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "columns.hpp"
#include "csr.hpp"

namespace pycosim {

/// The entries of each row ascending.
Csr sorted_rows(Csr csr, std::int64_t n_columns);

/// For each row a set of columns.
class BitRows {
public:
    BitRows(std::size_t n_rows, std::size_t n_columns);

    /// Whether they are cheaper than counting for so many entries, none of which is there twice.
    static bool are_cheap(std::size_t n_entries, std::size_t n_rows, std::size_t n_columns) {
        return n_rows * n_columns / 64 < n_entries;
    }

    void add(std::size_t row, std::span<const std::int32_t> columns);

    /// The rows of each column, ascending.
    Csr rows_of_columns() const;

private:
    std::size_t n_rows_, n_columns_, n_words_;
    LongColumn<std::uint64_t> bits_;
    std::size_t n_entries_ = 0;
};

}  // namespace pycosim
