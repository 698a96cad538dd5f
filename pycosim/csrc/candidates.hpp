/// Pairs of cells that may be connected: what is left to do is to compare a number with their probabilities.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bounds.hpp"
#include "columns.hpp"
#include "connect.hpp"
#include "csr.hpp"
#include "distances.hpp"
#include "mersenne.hpp"
#include "rough_bounds.hpp"

namespace pycosim {

/// A pair is connected if its number is below its probability; all others of these rows are not.
struct Candidates {
    Csr rows{{0}, {}};
    LongColumn<double> numbers, distances;

    /// Takes those at `places` of columns of cells, numbers and squared distances.
    void append(std::span<const std::int32_t> places, const std::int32_t* cells_of, const double* numbers_of,
                const double* squares);
    void resize(std::size_t n) { rows.targets.resize(n), numbers.resize(n), distances.resize(n); }
    void end_row() { rows.indptr.push_back(static_cast<std::int64_t>(rows.targets.size())); }
    /// What was appended as squared distances becomes distances.
    void finish() { take_roots(distances.data(), distances.size()); }
};

/// Rows of targets, one after the other: each draws a number for each source.
class DrawnCandidates {
public:
    /// Targets that are not wanted draw their numbers too, but have no candidates.
    DrawnCandidates(const MersenneTwister& random, const PlaceColumns& places, const BoundTable& table, Wanted wanted);
    DrawnCandidates(const DrawnCandidates&) = delete;  // columns of it are looked at from inside

    /// The candidates of the next targets, up to that with which there are at least `n_enough`.
    Candidates draw(std::size_t n_enough);

private:
    MersenneTwister random_;
    std::array<LongColumn<double>, 6> columns_;  // places of sources, and of targets
    LongColumn<double> most_;
    BoundTable table_;
    PlaceColumns places_;
    RoughBounds rough_;
    std::vector<std::uint8_t> wanted_;
    std::size_t target_ = 0;
    LongColumn<std::int32_t> some_, found_;
    LongColumn<double> numbers_, squares_;
};

/// Which columns of candidates must not be connected to rows: those of the same neuron. Empty: none.
struct Selves {
    Ids rows, columns;
};

/// The candidates with a number below `probability`; the columns of a row ascending.
Csr connected(std::span<const std::int64_t> indptr, std::span<const std::int32_t> columns, std::span<const double> numbers, std::span<const double> probability, std::size_t n_columns,
              const Selves& selves);

}  // namespace pycosim
