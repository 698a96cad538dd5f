/// All pairs that are connected with a probability that depends on their distance.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bit_sorter.hpp"
#include "candidates.hpp"
#include "columns.hpp"
#include "growing_memory.hpp"
#include "thinning.hpp"

namespace pycosim {

/// Draws candidates of all sources, those near one another together, and keeps those that are connected.
class ThinnedRows {
public:
    ThinnedRows(Key key, const PlaceColumns& places, const BoundTable& table, Wanted wanted);
    ThinnedRows(const ThinnedRows&) = delete;  // columns of it are looked at from inside

    /// The distances of the candidates of the next sources: at least `n_enough`, or those of all that are left. They
    /// are there until the next call.
    std::span<const double> draw(std::size_t n_enough);

    /// Connects those of these candidates with a number below their probability.
    void keep(std::span<const double> probability, const Selves& selves);

    /// What was kept of all sources.
    Csr connected() const;

private:
    std::array<LongColumn<double>, 3> sources_;
    BoundedPairs pairs_;
    LongColumn<std::int32_t> order_;             // of the sources, in which they are drawn
    CandidateDrawer drawer_;
    std::size_t first_found_ = 0, n_found_ = 0;  // sources of which candidates have been found
    std::size_t n_drawn_ = 0, n_kept_ = 0;       // sources of which candidates are drawn, and chosen
    Candidates drawn_;
    BitSorter sorter_;
    GrowingColumn<std::int32_t> kept_;           // in this order
    LongColumn<std::int64_t> n_kept_of_;         // by source
    std::vector<std::int32_t> below_;            // which candidates have a number below their probability
};

}  // namespace pycosim
