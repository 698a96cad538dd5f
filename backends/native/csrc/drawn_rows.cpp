#include "drawn_rows.hpp"

#include <algorithm>

#include "synapses.hpp"
#include "vectorised.hpp"

namespace pycosim::native {
namespace {

PYCOSIM_EVERY_INSTRUCTION_SET
void scale(double* values, std::size_t n, double unit) {
    for (std::size_t i = 0; i < n; ++i) values[i] *= unit;
}

// The targets that a partition needs, those that are not here next to those that are: which numbers of its block a
// synapse has follows from those before.
std::vector<std::uint8_t> whole_blocks(std::vector<std::uint8_t> wanted) {
    for (std::size_t begin = 0; begin < wanted.size(); begin += pycosim::kTargetBlock) {
        const auto first = wanted.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto last = first + static_cast<std::ptrdiff_t>(std::min(pycosim::kTargetBlock, wanted.size() - begin));
        std::fill(first, last, *std::max_element(first, last));
    }
    return wanted;
}

}  // namespace

DrawnRows::DrawnRows(std::shared_ptr<const DrawnProjection> projection, const TargetMap& map)
    : projection_(std::move(projection)) {
    std::vector<std::uint8_t> wanted;
    for (const std::int64_t neuron : projection_->rule.post) {
        index_.push_back(map.index()[static_cast<std::size_t>(neuron)]);
        wanted.push_back(index_.back() != kElsewhere);
    }
    const auto here = [](std::uint8_t is_here) { return is_here != 0; };
    const auto n_after = std::find_if(wanted.rbegin(), wanted.rend(), here) - wanted.rbegin();
    first_here_ = static_cast<std::int32_t>(std::ranges::find_if(wanted, here) - wanted.begin());
    last_here_ = static_cast<std::int32_t>(std::ssize(wanted) - n_after) - 1;
    if (projection_->has_drawn_values()) wanted = whole_blocks(std::move(wanted));
    for (std::size_t i = 0; i < wanted.size(); ++i) all_here_ = all_here_ && (!wanted[i] || index_[i] != kElsewhere);
    drawer_ = std::make_unique<pycosim::RowDrawer>(projection_->rule, std::move(wanted));
    const pycosim::RowStarts& starts = projection_->starts;
    if (projection_->has_drawn_values()) runs_.emplace(starts);
    if (projection_->has_values_of_distances()) distances_.emplace(projection_->rule.places->columns);
    if (projection_->weights) weights_.emplace(*projection_->weights, starts);
    if (projection_->delays) {
        delays_.emplace(*projection_->delays, starts);
        rounder_.emplace(projection_->delays->unit);
    }
}

DrawnRows::Row DrawnRows::make(std::size_t row) {
    const std::span<const std::int32_t> targets = drawer_->draw(row);
    std::size_t begin = 0, end = targets.size();
    if (!all_here_) {
        begin = static_cast<std::size_t>(std::ranges::lower_bound(targets, first_here_) - targets.begin());
        end = static_cast<std::size_t>(std::ranges::upper_bound(targets, last_here_) - targets.begin());
    }
    if (row_inputs_.size() < targets.size() + 1) {  // one place for a last write
        row_inputs_.resize(targets.size() + 1);
        row_weights_.resize(row_inputs_.size());
        row_delays_ms_.resize(row_inputs_.size());
        row_delays_.resize(row_inputs_.size());
        row_distances_.resize(distances_ ? row_inputs_.size() : 0);
    }
    if (runs_ || distances_) fill_values(row, targets, begin, end);
    const std::size_t n = keep_those_here(targets, begin, end);
    return {std::span(row_inputs_).first(n), weights_ ? row_weights_.data() : nullptr,
            delays_ ? row_delays_.data() : nullptr};
}

// Of targets `begin` to `end` - 1.
void DrawnRows::fill_values(std::size_t row, std::span<const std::int32_t> targets, std::size_t begin, std::size_t end) {
    std::span<const pycosim::NumberedRun> runs;
    if (runs_) runs = (*runs_)(row, targets, begin, end);
    if (distances_) distances_->fill(row, targets.subspan(begin, end - begin), row_distances_.data() + begin);
    if (weights_) {
        fill(*weights_, runs, begin, end, row_weights_.data());
        if (weights_->unit() != 1.0) scale(row_weights_.data() + begin, end - begin, weights_->unit());
    }
    if (delays_) {
        fill(*delays_, runs, begin, end, row_delays_ms_.data());
        rounder_->round({row_delays_ms_.data() + begin, end - begin}, row_delays_.data() + begin);
    }
}

void DrawnRows::fill(pycosim::RowValues& values, std::span<const pycosim::NumberedRun> runs, std::size_t begin,
                     std::size_t end, double* out) const {
    if (values.are_drawn()) values.fill(runs, out);
    else values.fill_at({row_distances_.data() + begin, end - begin}, out + begin);
}

// Moves those of targets `begin` to `end` - 1 that are here to the front; returns how many they are.
std::size_t DrawnRows::keep_those_here(std::span<const std::int32_t> targets, std::size_t begin, std::size_t end) {
    // pointers of their own: what is written might be one of the vectors', otherwise
    const std::uint32_t* const index = index_.data();
    std::uint32_t* const inputs = row_inputs_.data();
    if (all_here_) {
        for (std::size_t i = 0; i < targets.size(); ++i) inputs[i] = index[targets[i]];
        return targets.size();
    }
    double* const weights = row_weights_.data();
    std::int32_t* const delays = row_delays_.data();
    std::size_t n = 0;
    for (std::size_t i = begin; i < end; ++i) {
        inputs[n] = index[targets[i]];
        weights[n] = weights[i];
        delays[n] = delays[i];
        n += inputs[n] != kElsewhere;
    }
    return n;
}

}  // namespace pycosim::native
