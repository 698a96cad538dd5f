/// Passes over all rows of a rule: what is known before they are made one by one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "row_rule.hpp"

namespace pycosim {

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

}  // namespace pycosim
