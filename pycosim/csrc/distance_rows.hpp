/// Rows of pairs that are connected with a probability that depends on their distance, one by one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bit_sorter.hpp"
#include "candidates.hpp"
#include "columns.hpp"
#include "connect.hpp"
#include "distance_program.hpp"
#include "distances.hpp"
#include "philox.hpp"
#include "thinning.hpp"

namespace pycosim {

/// Where the cells of a projection are, and who keeps these columns.
struct Places {
    PlaceColumns columns;
    std::shared_ptr<const void> owner;
};

/// The probability with which pairs are connected, and its bounds.
struct DistanceRule {
    BoundedPairs pairs;
    DistanceProgram probability;

    /// Keeps references to the places of the sources.
    DistanceRule(Key key, const PlaceColumns& places, const BoundTable& bounds, DistanceProgram function)
        : pairs(key, places, bounds), probability(std::move(function)) {}

    std::size_t n_bytes() const { return pairs.n_bytes(); }
};

/// Draws rows: the same targets that ThinnedRows keeps.
class DistanceRows {
public:
    /// The rule and the numbers of neurons must outlive it.
    DistanceRows(const DistanceRule& rule, Ids pre, Ids post, bool allow_self, Wanted wanted)
        : probability_(rule.probability),
          pre_(pre),
          post_(post),
          allow_self_(allow_self),
          drawer_(std::make_unique<CandidateDrawer>(rule.pairs, wanted, 1)),
          sorter_(post.size()) {}

    /// Appends the row's targets, ascending.
    void draw(std::size_t row, LongColumn<std::int32_t>& targets) {
        const auto source = static_cast<std::int32_t>(row);
        candidates_.resize(0);
        drawer_->find({&source, 1});
        drawer_->take(0, candidates_);
        candidates_.finish();
        const std::size_t n = candidates_.numbers.size();
        probabilities_.resize(n), below_.resize(n + BlockList::kMore);
        probability_.evaluate(candidates_.distances, probabilities_.data());
        const std::size_t n_below = places_below(candidates_.numbers.data(), probabilities_.data(), n, below_.data());
        std::size_t n_row = 0;
        for (const std::int32_t place : std::span(below_).first(n_below)) {
            const std::int32_t target = candidates_.rows.targets[static_cast<std::size_t>(place)];
            if (!allow_self_ && pre_[row] == post_[static_cast<std::size_t>(target)]) continue;
            sorter_.add(target), ++n_row;
        }
        const std::size_t before = targets.size();
        targets.resize(before + n_row + BitSorter::kMore);
        sorter_.take(targets.data() + before);
        targets.resize(before + n_row);
    }

    std::size_t n_bytes() const { return drawer_->n_bytes(); }

private:
    DistanceProgram probability_;
    Ids pre_, post_;
    bool allow_self_;
    std::unique_ptr<CandidateDrawer> drawer_;
    Candidates candidates_;
    LongColumn<double> probabilities_;
    LongColumn<std::int32_t> below_;
    BitSorter sorter_;
};

/// The distances of a row's targets from its source.
class RowDistances {
public:
    explicit RowDistances(const PlaceColumns& places) : turned_(turned(places)) {}

    void fill(std::size_t row, std::span<const std::int32_t> targets, double* out) const {
        squared_distances_of(turned_, row, targets, out);
        take_roots(out, targets.size());
    }

private:
    PlaceColumns turned_;
};

}  // namespace pycosim
