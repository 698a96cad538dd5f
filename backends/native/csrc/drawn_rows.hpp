// Rows of synapses that are not kept but drawn whenever they are needed, as one partition sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "../../../pycosim/csrc/numbers.hpp"
#include "../../../pycosim/csrc/row_rule.hpp"

namespace pycosim::native {

// What makes the rows of a projection.
struct DrawnProjection {
    pycosim::RowRule rule;
    // In place of equal ones; and which numbers those of a row are that are drawn.
    std::optional<pycosim::OwnValues> weights, delays;
    pycosim::RowStarts starts;
    std::shared_ptr<const void> owner_of_starts;

    bool has_drawn_values() const {
        return (weights && weights->are_drawn()) || (delays && delays->are_drawn());
    }
    bool has_values_of_distances() const {
        return (weights && !weights->are_drawn()) || (delays && !delays->are_drawn());
    }
};

class TargetMap;

class DrawnRows {
  public:
    DrawnRows(std::shared_ptr<const DrawnProjection> projection, const TargetMap& map);

    // A row until the next one is made; without weights or delays of their own those are null.
    struct Row {
        std::span<const std::uint32_t> inputs;  // of the first receptor
        const double* weights;
        const std::int32_t* delays;  // in steps
    };
    Row make(std::size_t row);

    bool has_delays() const { return delays_.has_value(); }
    std::size_t n_bytes() const { return index_.size() * sizeof(index_[0]) + drawer_->n_bytes(); }

  private:
    void fill_values(std::size_t row, std::span<const std::int32_t> targets, std::size_t begin, std::size_t end);
    void fill(pycosim::RowValues& values, std::span<const pycosim::NumberedRun> runs, std::size_t begin, std::size_t end,
              double* out) const;
    std::size_t keep_those_here(std::span<const std::int32_t> targets, std::size_t begin, std::size_t end);

    std::shared_ptr<const DrawnProjection> projection_;
    std::vector<std::uint32_t> index_;  // of the input of each target, of the first receptor
    bool all_here_ = true;              // whether no target that is drawn is elsewhere
    std::int32_t first_here_ = 0, last_here_ = -1;
    std::unique_ptr<pycosim::RowDrawer> drawer_;
    std::optional<pycosim::RunFinder> runs_;
    std::optional<pycosim::RowDistances> distances_;
    std::optional<pycosim::RowValues> weights_, delays_;
    std::optional<pycosim::DelayRounder> rounder_;
    std::vector<std::uint32_t> row_inputs_;
    std::vector<double> row_weights_, row_delays_ms_, row_distances_;
    std::vector<std::int32_t> row_delays_;
};

}  // namespace pycosim::native
