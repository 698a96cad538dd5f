/// Random connectivity as compressed sparse rows; every row is drawn from its own counters.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "columns.hpp"
#include "csr.hpp"
#include "gaps.hpp"
#include "philox.hpp"

namespace pycosim {

using Ids = std::span<const std::int64_t>;

/// Which postsynaptic neurons' synapses are asked for; empty: all. The others do not change these.
using Wanted = std::span<const std::uint8_t>;

inline bool is_wanted(Wanted wanted, std::size_t target) { return wanted.empty() || wanted[target] != 0; }

inline std::size_t n_wanted(Wanted wanted, std::size_t n_targets) {
    return wanted.empty() ? n_targets : n_targets - static_cast<std::size_t>(std::ranges::count(wanted, std::uint8_t{0}));
}

/// Room for a number of synapses of which so many are expected: hardly ever exceeded.
inline std::size_t most_of(double n_expected) {
    return static_cast<std::size_t>(n_expected + 6 * std::sqrt(n_expected)) + 16;
}

/// Room for rows of n[row] items, each drawn whole before those that are not wanted are left out.
inline std::size_t room_for_items(std::span<const std::int64_t> n, std::size_t n_items, Wanted wanted) {
    const std::int64_t sum = std::max<std::int64_t>(std::reduce(n.begin(), n.end()), 0);
    if (wanted.empty() || sum == 0) return static_cast<std::size_t>(sum);
    const double share = static_cast<double>(n_wanted(wanted, n_items)) / static_cast<double>(n_items);
    return most_of(share * static_cast<double>(sum)) + static_cast<std::size_t>(std::ranges::max(n));
}

/// Targets of a row that are drawn from the same counters; so much is drawn in vain next to a wanted target.
inline constexpr std::size_t kTargetBlock = 1024;

/// The places at which a list of neurons holds a given neuron.
class PlacesOf {
public:
    /// Without `wanted` every answer is empty: nothing is excluded.
    PlacesOf(Ids ids, bool wanted) : ids_(ids) {
        if (!wanted) return;
        order_.resize(ids.size());
        std::iota(order_.begin(), order_.end(), 0);
        if (!std::is_sorted(ids.begin(), ids.end()))
            std::stable_sort(order_.begin(), order_.end(),
                             [&](std::int32_t a, std::int32_t b) { return id(a) < id(b); });
    }

    /// Ascending.
    std::span<const std::int32_t> operator()(std::int64_t neuron) const {
        const auto first =
            std::lower_bound(order_.begin(), order_.end(), neuron,
                             [&](std::int32_t place, std::int64_t value) { return id(place) < value; });
        auto last = first;
        while (last != order_.end() && id(*last) == neuron) ++last;
        return {first, last};
    }

private:
    std::int64_t id(std::int32_t place) const { return ids_[static_cast<std::size_t>(place)]; }

    Ids ids_;
    LongColumn<std::int32_t> order_;
};

/// Pairs are connected independently, each with probability p; the gaps between the targets of a row are
/// geometrically distributed, so that the cost is that of the synapses made. They have no memory, and so every
/// block of targets begins anew.
class ProbabilityRows {
public:
    ProbabilityRows(Key key, Ids pre, Ids post, double p, bool allow_self, Wanted wanted = {})
        : key_(key), pre_(pre), post_(post), p_(p), allow_self_(allow_self), wanted_(wanted) {
        if (!(p >= 0)) throw std::invalid_argument("p must be at least 0");
        for (std::size_t begin = 0; begin < post.size(); begin += kTargetBlock) {
            const std::size_t end = std::min(begin + kTargetBlock, post.size());
            bool any = false;
            for (std::size_t target = begin; target < end; ++target) any = any || is_wanted(wanted, target);
            if (!any) continue;
            blocks_.push_back(begin);
        }
    }

    /// Appends the targets of row `i`, ascending.
    void draw(std::size_t i, LongColumn<std::int32_t>& out) const {
        if (!(p_ > 0)) return;
        std::array<std::int32_t, kTargetBlock> targets;
        for (const std::size_t begin : blocks_) {
            const std::size_t end = std::min(begin + kTargetBlock, post_.size());
            std::size_t n = p_ < 1 ? draw_block(i, begin, end, targets) : all_of(begin, end, targets);
            if (!allow_self_ || !wanted_.empty()) {
                const auto is_other = [&](std::int32_t target) {
                    const auto j = static_cast<std::size_t>(target);
                    return !is_wanted(wanted_, j) || (!allow_self_ && post_[j] == pre_[i]);
                };
                n = static_cast<std::size_t>(std::remove_if(targets.begin(), targets.begin() + n, is_other) - targets.begin());
            }
            out.insert(out.end(), targets.begin(), targets.begin() + n);
        }
    }

    std::size_t n_expected() const {
        return most_of(std::min(p_, 1.0) * static_cast<double>(pre_.size()) * static_cast<double>(n_wanted(wanted_, post_.size())));
    }

private:
    using Targets = std::array<std::int32_t, kTargetBlock>;

    static std::size_t all_of(std::size_t begin, std::size_t end, Targets& targets) {
        std::iota(targets.begin(), targets.begin() + (end - begin), static_cast<std::int32_t>(begin));
        return end - begin;
    }

    // Writes the targets of a row from `begin` to before `end`; as many numbers as will be needed are made together.
    std::size_t draw_block(std::size_t i, std::size_t begin, std::size_t end, Targets& targets) const {
        const auto row = static_cast<std::uint32_t>(i), lane = static_cast<std::uint32_t>(begin / kTargetBlock);
        std::array<double, kMostAhead> numbers;
        std::array<std::int32_t, kMostAhead> gaps;
        std::size_t n = 0, n_drawn = 0, n_ahead = n_ahead_;
        for (std::size_t next = begin;; n_ahead = kFewAhead) {
            fill_uniforms(key_, row, lane, n_drawn / 2, std::span(numbers).first(n_ahead));
            fill_gaps(std::span(numbers).first(n_ahead), log_miss_, gaps.data());
            n_drawn += n_ahead;
            for (std::size_t k = 0; k < n_ahead; ++k) {
                next += static_cast<std::size_t>(gaps[k]);
                if (next >= end) return n;
                targets[n++] = static_cast<std::int32_t>(next++);
            }
        }
    }

    // Of so many numbers the generator makes each as fast as it can.
    static constexpr std::size_t kFewAhead = 32, kMostAhead = kTargetBlock;
    Key key_;
    Ids pre_, post_;
    double p_;
    bool allow_self_;
    Wanted wanted_;
    double log_miss_ = std::log1p(-std::min(p_, 1.0));
    // What a block is expected to need.
    std::size_t n_ahead_ =
        std::max(static_cast<std::size_t>(std::min(p_, 1.0) * kTargetBlock + 1) / kFewAhead * kFewAhead, kFewAhead);
    std::vector<std::size_t> blocks_;  // the first targets of those with any that is wanted
};

inline Csr fixed_probability(Key key, Ids pre, Ids post, double p, bool allow_self, Wanted wanted = {}) {
    const ProbabilityRows rows(key, pre, post, p, allow_self, wanted);
    Csr csr;
    csr.indptr.push_back(0);
    csr.targets.reserve(rows.n_expected());
    for (std::size_t i = 0; i < pre.size(); ++i) {
        rows.draw(i, csr.targets);
        csr.indptr.push_back(static_cast<std::int64_t>(csr.targets.size()));
    }
    return csr;
}

/// Counts items in any order and gives them in order.
class Tally {
public:
    explicit Tally(std::size_t n_items)
        : marks_((n_items + 63) / 64, 0), marked_((marks_.size() + 63) / 64, 0), counts_(n_items, 0) {}

    void add(std::size_t item, std::int32_t count = 1) {
        marks_[item / 64] |= bit(item);
        marked_[item / 4096] |= bit(item / 64);
        counts_[item] += count;
    }

    bool has(std::size_t item) const { return counts_[item] != 0; }

    /// Appends the `n` items that were added, each with `first` more, and forgets them.
    void collect(std::size_t n, std::int32_t first, LongColumn<std::int32_t>& out) {
        out.resize(out.size() + n);
        std::int32_t* next = out.data() + (out.size() - n);
        for (std::size_t group = 0; group < marked_.size(); ++group) {
            for (std::uint64_t words = marked_[group]; words; words &= words - 1) {
                const std::size_t word = group * 64 + static_cast<std::size_t>(std::countr_zero(words));
                for (std::uint64_t bits = marks_[word]; bits; bits &= bits - 1) {
                    const std::size_t item = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
                    for (; counts_[item] > 0; --counts_[item]) *next++ = first + static_cast<std::int32_t>(item);
                }
                marks_[word] = 0;
            }
            marked_[group] = 0;
        }
    }

    std::size_t n_bytes() const { return counts_.size() * sizeof(counts_[0]) + marks_.size() * sizeof(marks_[0]); }

private:
    static std::uint64_t bit(std::size_t place) { return std::uint64_t{1} << (place % 64); }

    std::vector<std::uint64_t> marks_, marked_;  // items that were added; words of marks_ that are not 0
    LongColumn<std::int32_t> counts_;
};

/// Draws a number of items of a row of `n_items`, some of which may be excluded, and gives them in order.
class RowSampler {
public:
    explicit RowSampler(std::size_t n_items) : tally_(n_items), n_items_(n_items) {}

    /// Appends `n` items to `out`, ascending. Without replacement, all items are taken once (or more often)
    /// before the rest is chosen among them.
    void draw(RowStream& random, std::int64_t n, std::span<const std::int32_t> excluded,
              bool with_replacement, LongColumn<std::int32_t>& out) {
        const auto n_allowed = static_cast<std::int64_t>(n_items_ - excluded.size());
        if (n < 0) throw std::invalid_argument("the number of synapses of a row must not be negative");
        if (n > 0 && n_allowed == 0)
            throw std::invalid_argument("a row has no neuron that it may be connected to");
        if (n == 0) return;
        const auto bound = static_cast<std::uint32_t>(n_allowed);
        if (with_replacement) {
            for (std::int64_t i = 0; i < n; ++i) tally_.add(item_of(random.below(bound), excluded));
        } else {
            const std::int64_t full_sets = n / n_allowed;
            choose(random, static_cast<std::uint32_t>(n % n_allowed), bound, excluded);
            if (full_sets > 0) add_to_all(full_sets, excluded);
        }
        tally_.collect(static_cast<std::size_t>(n), 0, out);
    }

    /// The item with number `j` among those not excluded.
    static std::size_t item_of(std::uint32_t j, std::span<const std::int32_t> excluded) {
        for (const std::int32_t gap : excluded)
            if (static_cast<std::int64_t>(j) >= gap) ++j;
        return j;
    }

private:
    /// `n` different items by Floyd's method (Bentley & Floyd 1987, CACM 30:754): n draws, no rejection.
    void choose(RowStream& random, std::uint32_t n, std::uint32_t n_allowed,
                std::span<const std::int32_t> excluded) {
        for (std::uint32_t last = n_allowed - n; last < n_allowed; ++last) {
            const std::size_t item = item_of(random.below(last + 1), excluded);
            tally_.add(tally_.has(item) ? item_of(last, excluded) : item);
        }
    }

    void add_to_all(std::int64_t count, std::span<const std::int32_t> excluded) {
        std::size_t next = 0;
        for (std::size_t item = 0; item < n_items_; ++item) {
            if (next < excluded.size() && static_cast<std::size_t>(excluded[next]) == item)
                ++next;
            else
                tally_.add(item, static_cast<std::int32_t>(count));
        }
    }

    Tally tally_;
    std::size_t n_items_;
};

/// Row i gets n[i] items of `items`; an `n` of one number stands for all rows.
class NumberRows {
public:
    NumberRows(Key key, Ids rows, Ids items, Ids n, bool with_replacement, bool allow_self, Wanted wanted = {})
        : key_(key),
          rows_(rows),
          n_(n),
          with_replacement_(with_replacement),
          wanted_(wanted),
          places_(items, !allow_self),
          sampler_(items.size()) {
        if (n.size() != rows.size() && n.size() != 1) throw std::invalid_argument("n needs one number for each row");
    }

    /// Appends the items of row `i`, ascending.
    void draw(std::size_t i, LongColumn<std::int32_t>& out) {
        const std::int64_t n = n_[n_.size() == 1 ? 0 : i];
        RowStream random(key_, static_cast<std::uint32_t>(i), n);
        const auto begin = static_cast<std::ptrdiff_t>(out.size());
        sampler_.draw(random, n, places_(rows_[i]), with_replacement_, out);
        if (wanted_.empty()) return;
        const auto is_other = [&](std::int32_t item) { return !is_wanted(wanted_, static_cast<std::size_t>(item)); };
        out.erase(std::remove_if(out.begin() + begin, out.end(), is_other), out.end());
    }

private:
    Key key_;
    Ids rows_, n_;
    bool with_replacement_;
    Wanted wanted_;
    PlacesOf places_;
    RowSampler sampler_;
};

inline Csr fixed_number(Key key, Ids rows, Ids items, Ids n, bool with_replacement, bool allow_self,
                        Wanted wanted_items = {}) {
    if (n.size() != rows.size()) throw std::invalid_argument("n needs one number for each row");
    NumberRows drawer(key, rows, items, n, with_replacement, allow_self, wanted_items);
    Csr csr;
    csr.indptr.push_back(0);
    csr.targets.reserve(room_for_items(n, items.size(), wanted_items));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        drawer.draw(i, csr.targets);
        csr.indptr.push_back(static_cast<std::int64_t>(csr.targets.size()));
    }
    return csr;
}

/// Writes the places i with numbers[i] < limits[i]; returns how many. There are 16 places more.
std::size_t places_below(const double* numbers, const double* limits, std::size_t n, std::int32_t* out);

/// Connects (i, j) where numbers[i, j] < probability[i, j], both row-major; nan counts as 0. `fill(i, numbers)` gives
/// the numbers of a row.
template <class Fill>
Csr chosen(std::span<const double> probability, std::size_t n_columns, Fill&& fill) {
    Csr csr;
    csr.indptr.push_back(0);
    LongColumn<double> numbers(n_columns);
    const std::size_t n_rows = n_columns ? probability.size() / n_columns : 0;
    for (std::size_t i = 0; i < n_rows; ++i) {
        fill(i, std::span<double>(numbers));
        const auto n = static_cast<std::size_t>(csr.indptr.back());
        csr.targets.resize(n + n_columns + 16);  // as many as there may be
        const std::size_t n_here =
            places_below(numbers.data(), probability.data() + i * n_columns, n_columns, csr.targets.data() + n);
        csr.targets.resize(n + n_here);
        csr.indptr.push_back(static_cast<std::int64_t>(n + n_here));
    }
    return csr;
}

/// The same with numbers from the counters of rows first_row + i.
inline Csr bernoulli(Key key, std::int64_t first_row, std::span<const double> probability, std::size_t n_columns) {
    return chosen(probability, n_columns, [&](std::size_t i, std::span<double> numbers) {
        fill_uniforms(key, static_cast<std::uint32_t>(first_row + static_cast<std::int64_t>(i)), 0, 0, numbers);
    });
}

}  // namespace pycosim
