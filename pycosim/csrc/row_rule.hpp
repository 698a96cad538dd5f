/// Rows of synapses that are made again whenever they are needed.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "connect.hpp"
#include "distance_program.hpp"
#include "distance_rows.hpp"
#include "drawn_sources.hpp"
#include "source_numbers.hpp"
#include "values.hpp"

namespace pycosim {

/// A connector whose rows can be drawn one by one.
struct RowRule {
    enum class Kind { probability, number, number_of_sources, drawn_sources, distance } kind;
    Key key;
    std::vector<std::int64_t> pre, post;  ///< global numbers of the neurons
    double p;
    std::vector<std::int64_t> n;  ///< of each row, or of all; of sources: of each target, or of all
    bool with_replacement, allow_self;
    SlotTable slots{};  ///< of drawn sources
    std::shared_ptr<const void> owner_of_slots{};
    std::shared_ptr<const Places> places{};          ///< for a rule, or weights and delays, that depend on the distance
    std::shared_ptr<const DistanceRule> distance{};  ///< keeps references to the places

    /// Without the numbers of neurons, slots and places, which are there outside.
    std::size_t n_bytes() const { return distance ? distance->n_bytes() : 0; }
};

/// Throws std::invalid_argument if the rule lacks what its kind needs, or there is not a place for each neuron.
inline void check(const RowRule& rule) {
    if (rule.kind == RowRule::Kind::distance && !rule.distance)
        throw std::invalid_argument("a rule of the distance needs places and bounds");
    if (!rule.places) return;
    const PlaceColumns& places = rule.places->columns;
    if (places.pre[0].size() != rule.pre.size() || places.post[0].size() != rule.post.size())
        throw std::invalid_argument("each neuron needs a place");
}

/// Draws the rows of a rule: those targets that are wanted, ascending.
class RowDrawer {
public:
    /// The rule must outlive the drawer.
    RowDrawer(const RowRule& rule, std::vector<std::uint8_t> wanted)
        : wanted_(std::move(wanted)), rows_(made(rule, wanted_)) {}
    RowDrawer(const RowDrawer&) = delete;
    RowDrawer& operator=(const RowDrawer&) = delete;

    std::span<const std::int32_t> draw(std::size_t row) {
        targets_.clear();
        std::visit([&](auto& rows) { rows.draw(row, targets_); }, rows_);
        return targets_;
    }

    /// Of a rule whose columns can be drawn as well; otherwise null.
    const SourceNumberRows* columns() const { return std::get_if<SourceNumberRows>(&rows_); }

    std::size_t n_bytes() const {
        const auto* const drawn = std::get_if<DrawnSourceRows>(&rows_);
        const auto* const near = std::get_if<DistanceRows>(&rows_);
        return wanted_.size() + (columns() ? columns()->n_bytes() : 0) + (drawn ? drawn->n_bytes() : 0) +
               (near ? near->n_bytes() : 0);
    }

private:
    using Rows = std::variant<ProbabilityRows, NumberRows, SourceNumberRows, DrawnSourceRows, DistanceRows>;

    static Rows made(const RowRule& rule, Wanted wanted) {
        if (rule.kind == RowRule::Kind::probability)
            return ProbabilityRows(rule.key, rule.pre, rule.post, rule.p, rule.allow_self, wanted);
        if (rule.kind == RowRule::Kind::number_of_sources)
            return SourceNumberRows(rule.key, rule.pre, rule.post, rule.n, rule.allow_self, wanted);
        if (rule.kind == RowRule::Kind::drawn_sources)
            return DrawnSourceRows(rule.key, rule.pre, rule.post, rule.n, rule.allow_self, rule.slots, wanted);
        if (rule.kind == RowRule::Kind::distance)
            return DistanceRows(*rule.distance, rule.pre, rule.post, rule.allow_self, wanted);
        return NumberRows(rule.key, rule.pre, rule.post, rule.n, rule.with_replacement, rule.allow_self, wanted);
    }

    std::vector<std::uint8_t> wanted_;
    Rows rows_;
    LongColumn<std::int32_t> targets_;
};

/// Which numbers of a block of targets the synapses of a row have: as many are those of the rows before, in each block of
/// kTargetBlock targets from `first_block` on.
struct RowStarts {
    std::size_t first_block = 0, n_blocks = 0;
    std::span<const std::uint32_t> starts{};  ///< row by row

    std::span<const std::uint32_t> operator[](std::size_t row) const { return starts.subspan(row * n_blocks, n_blocks); }
};

/// What the synapses of a rule have of their own: numbers from a distribution, those of each block of targets from a
/// stream of its own.
struct DrawnValues {
    DistributionOf distribution;
    std::uint64_t seed, first_stream;  ///< of the first block of all; those of the others are the following numbers

    std::vector<Key> streams(std::size_t first_block, std::size_t n_blocks) const {
        std::vector<Key> keys;
        for (std::size_t i = 0; i < n_blocks; ++i) keys.push_back(key_of(seed, first_stream + first_block + i));
        return keys;
    }
};

/// Weights or delays of a rule's synapses: drawn, or a function of the distance.
struct OwnValues {
    std::variant<DrawnValues, DistanceProgram> source;
    double unit;  ///< weights are multiples of it, delays are rounded to multiples of it

    bool are_drawn() const { return std::holds_alternative<DrawnValues>(source); }
};

/// The synapses of a row on a block of targets: they have the numbers `first`, first + 1, ... of the block.
struct NumberedRun {
    std::size_t i_block;  ///< from the first one of RowStarts on
    std::uint64_t first;
    std::size_t begin, end;  ///< in the row
};

/// Finds the runs of a row's targets begin to end - 1; all that the row has in a block are given.
class RunFinder {
public:
    explicit RunFinder(const RowStarts& starts) : starts_(starts) {}

    std::span<const NumberedRun> operator()(std::size_t row, std::span<const std::int32_t> targets, std::size_t begin,
                                            std::size_t end) {
        constexpr int kShift = std::countr_zero(kTargetBlock);
        const std::span<const std::uint32_t> starts = starts_[row];
        find_runs(targets.subspan(begin, end - begin), kShift, found_);
        runs_.clear();
        for (const BlockRun& run : found_) {
            const std::size_t i_block = run.block - starts_.first_block;
            runs_.push_back({i_block, starts[i_block], begin + run.begin, begin + run.end});
        }
        if (begin > 0 && !runs_.empty()) {
            const auto first_of_block = static_cast<std::int32_t>(found_[0].block << kShift);
            const auto first = std::ranges::lower_bound(targets.first(begin), first_of_block) - targets.begin();
            runs_[0].first += begin - static_cast<std::size_t>(first);
        }
        return runs_;
    }

private:
    RowStarts starts_;
    std::vector<BlockRun> found_;
    std::vector<NumberedRun> runs_;
};

/// Makes such values row by row.
class RowValues {
public:
    RowValues(const OwnValues& values, const RowStarts& starts) : source_(values.source), unit_(values.unit) {
        if (const auto* const drawn = std::get_if<DrawnValues>(&source_))
            streams_ = drawn->streams(starts.first_block, starts.n_blocks);
    }

    bool are_drawn() const { return std::holds_alternative<DrawnValues>(source_); }

    /// Those of the row's synapses in the runs, of drawn ones; of others, at these distances.
    void fill(std::span<const NumberedRun> runs, double* out) const {
        for (const auto& [i_block, first, begin, end] : runs)
            fill_numbers(streams_[i_block], std::get<DrawnValues>(source_).distribution, first, {out + begin, end - begin});
    }
    void fill_at(std::span<const double> distances, double* out) {
        std::get<DistanceProgram>(source_).evaluate(distances, out);
    }
    double unit() const { return unit_; }

private:
    std::variant<DrawnValues, DistanceProgram> source_;
    double unit_;
    std::vector<Key> streams_;
};

}  // namespace pycosim
