/// Rows of synapses that are made again whenever they are needed.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <tuple>
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

/// Adds the synapses of a row in a block to those of the rows before, of which its start is the number.
inline std::uint32_t start_of(std::int64_t n, std::int64_t& total) {
    const auto start = static_cast<std::uint32_t>(total);
    total += n;
    if (total > std::numeric_limits<std::uint32_t>::max())
        throw std::length_error("a block of targets has more than 4e9 synapses");
    return start;
}

/// The same as fill_starts() by what columns there are: of rows that would look at all targets.
inline std::vector<std::int64_t> fill_starts_of_columns(const SourceNumberRows& rows, std::size_t n_rows,
                                                        const RowStarts& shape, std::span<std::uint32_t> starts) {
    std::vector<std::int64_t> totals(shape.n_blocks, 0);
    std::size_t column = 0;
    for (std::size_t i = 0; i < shape.n_blocks; ++i) {
        const auto end = static_cast<std::int32_t>((shape.first_block + i + 1) * kTargetBlock);
        std::vector<std::int64_t> in_row(n_rows, 0);
        const auto last = std::ranges::lower_bound(rows.targets(), end) - rows.targets().begin();
        rows.visit_columns(column, static_cast<std::size_t>(last), [&](std::size_t, std::span<const std::uint32_t> sources) {
            for (const std::uint32_t source : sources) ++in_row[source];
        });
        column = static_cast<std::size_t>(last);
        for (std::size_t row = 0; row < n_rows; ++row) starts[row * shape.n_blocks + i] = start_of(in_row[row], totals[i]);
    }
    return totals;
}

/// Writes the starts of all rows; returns how many synapses each block has.
inline std::vector<std::int64_t> fill_starts(const RowRule& rule, RowDrawer& drawer, const RowStarts& shape,
                                             std::span<std::uint32_t> starts) {
    if (const SourceNumberRows* rows = drawer.columns()) return fill_starts_of_columns(*rows, rule.pre.size(), shape, starts);
    std::vector<std::int64_t> totals(shape.n_blocks, 0);
    for (std::size_t row = 0; row < rule.pre.size(); ++row) {
        std::span<const std::int32_t> left = drawer.draw(row);
        for (std::size_t i = 0; i < shape.n_blocks; ++i) {
            const auto end = static_cast<std::int32_t>((shape.first_block + i + 1) * kTargetBlock);
            const auto n = std::ranges::lower_bound(left, end) - left.begin();
            starts[row * shape.n_blocks + i] = start_of(n, totals[i]);
            left = left.subspan(static_cast<std::size_t>(n));
        }
    }
    return totals;
}

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

/// All rows of a rule.
inline Csr all_rows(const RowRule& rule, std::vector<std::uint8_t> wanted) {
    RowDrawer drawer(rule, std::move(wanted));
    Csr rows;
    rows.indptr.push_back(0);
    for (std::size_t row = 0; row < rule.pre.size(); ++row) {
        const std::span<const std::int32_t> targets = drawer.draw(row);
        rows.targets.insert(rows.targets.end(), targets.begin(), targets.end());
        rows.indptr.push_back(static_cast<std::int64_t>(rows.targets.size()));
    }
    return rows;
}

/// Calls visit(values) with the values of a function of the distance at the synapses of each row.
template <class Visit>
void for_values_by_distance(const RowRule& rule, std::vector<std::uint8_t> wanted, DistanceProgram function, Visit&& visit) {
    if (!rule.places) throw std::invalid_argument("values that depend on the distance need places");
    RowDrawer drawer(rule, std::move(wanted));
    const RowDistances row_distances(rule.places->columns);
    std::vector<double> distances, values;
    for (std::size_t row = 0; row < rule.pre.size(); ++row) {
        const std::span<const std::int32_t> targets = drawer.draw(row);
        distances.resize(targets.size()), values.resize(targets.size());
        row_distances.fill(row, targets, distances.data());
        function.evaluate(distances, values.data());
        visit(std::span<const double>(values));
    }
}

/// The smallest and the largest of these values, both NaN if any is, and how many there are.
inline std::tuple<double, double, std::int64_t> extremes_by_distance(const RowRule& rule, std::vector<std::uint8_t> wanted,
                                                                     DistanceProgram function) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    double smallest = kInfinity, largest = -kInfinity;
    std::int64_t n = 0;
    bool are_numbers = true;
    for_values_by_distance(rule, std::move(wanted), std::move(function), [&](std::span<const double> values) {
        n += std::ssize(values);
        if (values.empty()) return;
        const auto [low, high] = extremes(values);
        are_numbers = are_numbers && !std::isnan(low);
        smallest = std::min(smallest, low), largest = std::max(largest, high);
    });
    if (!are_numbers) smallest = largest = std::numeric_limits<double>::quiet_NaN();
    return {smallest, largest, n};
}

/// What is to be checked of these values as delays in ms; there are no steps.
inline DelaySteps delays_by_distance(const RowRule& rule, std::vector<std::uint8_t> wanted, DistanceProgram function,
                                     double dt_ms) {
    DelayRounder rounder(dt_ms);
    std::vector<std::int32_t> steps;
    for_values_by_distance(rule, std::move(wanted), std::move(function), [&](std::span<const double> delays_ms) {
        steps.resize(delays_ms.size());
        rounder.round(delays_ms, steps.data());
    });
    return rounder.with({});
}

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
