/// Rows of synapses that are made again whenever they are needed.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "connect.hpp"
#include "drawn_sources.hpp"
#include "source_numbers.hpp"
#include "values.hpp"

namespace pycosim {

/// A connector whose rows can be drawn one by one.
struct RowRule {
    enum class Kind { probability, number, number_of_sources, drawn_sources } kind;
    Key key;
    std::vector<std::int64_t> pre, post;  ///< global numbers of the neurons
    double p;
    std::vector<std::int64_t> n;  ///< of each row, or of all; of sources: of each target, or of all
    bool with_replacement, allow_self;
    SlotTable slots{};  ///< of drawn sources
    std::shared_ptr<const void> owner_of_slots{};
};

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
        return wanted_.size() + (columns() ? columns()->n_bytes() : 0) + (drawn ? drawn->n_bytes() : 0);
    }

private:
    using Rows = std::variant<ProbabilityRows, NumberRows, SourceNumberRows, DrawnSourceRows>;

    static Rows made(const RowRule& rule, Wanted wanted) {
        if (rule.kind == RowRule::Kind::probability)
            return ProbabilityRows(rule.key, rule.pre, rule.post, rule.p, rule.allow_self, wanted);
        if (rule.kind == RowRule::Kind::number_of_sources)
            return SourceNumberRows(rule.key, rule.pre, rule.post, rule.n, rule.allow_self, wanted);
        if (rule.kind == RowRule::Kind::drawn_sources)
            return DrawnSourceRows(rule.key, rule.pre, rule.post, rule.n, rule.allow_self, rule.slots, wanted);
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
    double unit;                       ///< weights are multiples of it, delays are rounded to multiples of it

    std::vector<Key> streams(std::size_t first_block, std::size_t n_blocks) const {
        std::vector<Key> keys;
        for (std::size_t i = 0; i < n_blocks; ++i) keys.push_back(key_of(seed, first_stream + first_block + i));
        return keys;
    }
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

/// Draws such values row by row.
class RowValues {
public:
    RowValues(const DrawnValues& values, const RowStarts& starts)
        : values_(values), streams_(values.streams(starts.first_block, starts.n_blocks)) {}

    /// Those of the row's synapses in the runs.
    void fill(std::span<const NumberedRun> runs, double* out) const {
        for (const auto& [i_block, first, begin, end] : runs)
            fill_numbers(streams_[i_block], values_.distribution, first, {out + begin, end - begin});
    }
    double unit() const { return values_.unit; }

private:
    DrawnValues values_;
    std::vector<Key> streams_;
};

}  // namespace pycosim
