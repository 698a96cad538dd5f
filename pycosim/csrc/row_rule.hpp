/// Rows of synapses that are made again whenever they are needed.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "connect.hpp"

namespace pycosim {

/// A connector whose rows can be drawn one by one.
struct RowRule {
    enum class Kind { probability, number } kind;
    Key key;
    std::vector<std::int64_t> pre, post;  ///< global numbers of the neurons
    double p;
    std::vector<std::int64_t> n;  ///< of each row, or of all
    bool with_replacement, allow_self;
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

private:
    using Rows = std::variant<ProbabilityRows, NumberRows>;

    static Rows made(const RowRule& rule, Wanted wanted) {
        if (rule.kind == RowRule::Kind::probability)
            return ProbabilityRows(rule.key, rule.pre, rule.post, rule.p, rule.allow_self, wanted);
        return NumberRows(rule.key, rule.pre, rule.post, rule.n, rule.with_replacement, rule.allow_self, wanted);
    }

    std::vector<std::uint8_t> wanted_;
    Rows rows_;
    LongColumn<std::int32_t> targets_;
};

}  // namespace pycosim
