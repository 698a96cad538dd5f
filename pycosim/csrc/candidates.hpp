/// Pairs of cells that may be connected: what is left to do is to compare a number with their probabilities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bounds.hpp"
#include "columns.hpp"
#include "connect.hpp"
#include "csr.hpp"
#include "distances.hpp"
#include "mersenne.hpp"

namespace pycosim {

/// A pair is connected if its number is below its probability; all others of these rows are not.
struct Candidates {
    Csr rows{{0}, {}};
    LongColumn<double> numbers, distances;

    /// Takes the candidates at `places` of a row's cells from `first` on, with their numbers and squared distances.
    void append(std::span<const std::int32_t> places, std::int32_t first, const double* numbers_of, const double* squares);
    void resize(std::size_t n) { rows.targets.resize(n), numbers.resize(n), distances.resize(n); }
    void reserve(std::size_t n) { rows.targets.reserve(n), numbers.reserve(n), distances.reserve(n); }
    void end_row() { rows.indptr.push_back(static_cast<std::int64_t>(rows.targets.size())); }
    /// What was appended as squared distances becomes distances.
    void finish();
};

/// The rows are targets from `first` on: each draws a number for each source. Ends with the target with which there are
/// at least `n_enough` candidates.
Candidates drawn_candidates(MersenneTwister& random, const PlaceColumns& places, const BoundTable& table,
                            std::size_t first, std::size_t n_enough);

/// Which columns of candidates must not be connected to rows: those of the same neuron. Empty: none.
struct Selves {
    Ids rows, columns;
};

/// The candidates with a number below `probability`; the columns of a row ascending.
Csr connected(std::span<const std::int64_t> indptr, std::span<const std::int32_t> columns, std::span<const double> numbers, std::span<const double> probability, std::size_t n_columns,
              const Selves& selves);

}  // namespace pycosim
