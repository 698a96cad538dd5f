/// Connectivity from the numbers of NumPy's RandomState, in the order in which PyNN's connectors draw them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bit_rows.hpp"
#include "columns.hpp"
#include "connect.hpp"
#include "csr.hpp"
#include "mersenne.hpp"

namespace pycosim {

/// For each target one number for each source; sources with a number below p are connected, but for a neuron to
/// itself, unless `allow_self`, and to targets that are not wanted. Rows are sources.
inline Csr drawn_pairs(MersenneTwister& random, Ids pre, Ids post, double p, bool allow_self, Wanted wanted) {
    // u < p for u = k 2**-53 means k < ceil(p 2**53), which is exact
    const auto limit = static_cast<std::uint64_t>(std::ceil(std::clamp(p, 0.0, 1.0) * 0x1p53));
    Csr by_target;
    by_target.indptr.push_back(0);
    const double n_pairs = static_cast<double>(pre.size()) * static_cast<double>(n_wanted(wanted, post.size()));
    by_target.targets.reserve(most_of(static_cast<double>(limit) * 0x1p-53 * n_pairs));
    LongColumn<std::int32_t> column(pre.size() + mersenne::kBehind);
    for (std::size_t target = 0; target < post.size(); ++target) {
        std::size_t n_connected = random.places_below(pre.size(), limit, column.data());
        if (!is_wanted(wanted, target)) n_connected = 0;
        auto end = column.begin() + static_cast<std::ptrdiff_t>(n_connected);
        if (!allow_self)
            end = std::remove_if(column.begin(), end, [&](std::int32_t i) { return pre[static_cast<std::size_t>(i)] == post[target]; });
        by_target.targets.insert(by_target.targets.end(), column.begin(), end);
        by_target.indptr.push_back(static_cast<std::int64_t>(by_target.targets.size()));
    }
    return transposed(by_target, static_cast<std::int64_t>(pre.size()));
}

/// Numbers of items for consecutive rows, as they are drawn: PyNN's connectors with a fixed number.
class DrawnRows {
public:
    DrawnRows(MersenneTwister& random, std::int64_t n_items, bool same_cells)
        : random_(random), n_items_(static_cast<std::int32_t>(n_items)), same_cells_(same_cells) {}

    /// A row that is not kept is drawn in vain.
    void draw(std::int32_t row, std::int64_t n, bool with_replacement, bool is_kept) {
        if (n < 0) throw std::invalid_argument("the number of synapses of a row must not be negative");
        if (n > 0 && n_items_ - (same_cells_ ? 1 : 0) <= 0)
            throw std::invalid_argument("a row has no neuron that it may be connected to");
        if (n > 0) with_replacement ? independent(row, static_cast<std::size_t>(n)) : chosen(row, n, is_kept);
        if (!is_kept) items_.resize(static_cast<std::size_t>(indptr_.back()));
        indptr_.push_back(static_cast<std::int64_t>(items_.size()));
    }

    /// The items of the row that was drawn last.
    std::span<const std::int32_t> last_row() const {
        return std::span(items_).subspan(static_cast<std::size_t>(indptr_[indptr_.size() - 2]));
    }

    /// Forgets items of the row that was drawn last.
    void keep_only(Wanted items) {
        const auto is_other = [=](std::int32_t item) { return !is_wanted(items, static_cast<std::size_t>(item)); };
        items_.erase(std::remove_if(items_.begin() + indptr_[indptr_.size() - 2], items_.end(), is_other), items_.end());
        indptr_.back() = static_cast<std::int64_t>(items_.size());
    }

    /// Makes room for `n` items in all.
    void reserve(std::size_t n) { items_.reserve(n); }

    Csr rows() && { return {std::move(indptr_), std::move(items_)}; }

private:
    /// The whole row is drawn first; then the items that are not allowed are drawn again, in turn.
    void independent(std::int32_t row, std::size_t n) {
        const std::size_t first = items_.size();
        const auto drawn = [&] {
            return static_cast<std::int32_t>(random_.upto(static_cast<std::uint32_t>(n_items_ - 1)));
        };
        partners_.resize(n + mersenne::kBehind);
        random_.upto(static_cast<std::uint32_t>(n_items_ - 1), partners_.data(), n);
        items_.insert(items_.end(), partners_.begin(), partners_.begin() + static_cast<std::ptrdiff_t>(n));
        if (!same_cells_) return;
        for (bool again = true; again;) {
            again = false;
            for (std::size_t i = first; i < items_.size(); ++i)
                if (items_[i] == row) {
                    items_[i] = drawn();
                    again = again || items_[i] == row;
                }
        }
    }

    /// All items as often as they fit in, then the first of them after a shuffle.
    void chosen(std::int32_t row, std::int64_t n, bool is_kept) {
        const std::int64_t size = n_items_ - (same_cells_ && row < n_items_ ? 1 : 0);
        const auto n_left = static_cast<std::size_t>(n % size), last = static_cast<std::size_t>(size) - 1;
        if (n_left > 0) {
            partners_.resize(last + mersenne::kBehind);
            random_.upto_descending(static_cast<std::uint32_t>(last), partners_.data());
        }
        if (!is_kept) return;
        if (all_.empty()) {
            all_.resize(static_cast<std::size_t>(n_items_));
            std::iota(all_.begin(), all_.end(), 0);
        }
        cells_.assign(all_.begin(), all_.end());
        if (same_cells_ && row < n_items_) cells_.erase(cells_.begin() + row);
        for (std::int64_t set = 0; set < n / size; ++set)
            items_.insert(items_.end(), cells_.begin(), cells_.end());
        if (n_left == 0) return;
        std::size_t i = last;
        std::int32_t* const cells = cells_.data();  // vectors' addresses would be read again after each write
        const std::uint32_t* const partner_of_last = partners_.data() + last;
        // what a swap puts beyond the items that are taken is not read again
        for (; i >= n_left; --i) cells[*(partner_of_last - i)] = cells[i];
        for (; i > 0; --i) std::swap(cells[i], cells[*(partner_of_last - i)]);
        items_.insert(items_.end(), cells_.begin(), cells_.begin() + static_cast<std::ptrdiff_t>(n_left));
    }

    MersenneTwister& random_;
    std::int32_t n_items_;
    bool same_cells_;
    LongColumn<std::int32_t> all_, cells_;
    std::vector<std::uint32_t> partners_;
    LongColumn<std::int64_t> indptr_{0};
    LongColumn<std::int32_t> items_;
};

/// How many items rows have together.
inline std::size_t n_items_of(std::span<const std::int64_t> n, Wanted rows) {
    std::int64_t sum = 0;
    for (std::size_t row = 0; row < n.size(); ++row) sum += is_wanted(rows, row) ? n[row] : 0;
    return static_cast<std::size_t>(std::max<std::int64_t>(sum, 0));
}

/// Draws n[row] items for each row and keeps wanted rows; calls visit(row, items) after each of them.
template <class Visit>
Csr drawn_in_turn(MersenneTwister& random, std::span<const std::int64_t> n, std::int64_t n_items, bool with_replacement,
                  bool same_cells, Wanted rows, Visit&& visit) {
    DrawnRows drawer(random, n_items, same_cells);
    drawer.reserve(n_items_of(n, rows));
    for (std::size_t row = 0; row < n.size(); ++row) {
        const bool is_kept = is_wanted(rows, row);
        drawer.draw(static_cast<std::int32_t>(row), n[row], with_replacement, is_kept);
        if (is_kept) visit(row, drawer.last_row());
    }
    return std::move(drawer).rows();
}

/// The wanted items of each row, ascending.
inline Csr drawn_rows(MersenneTwister& random, std::span<const std::int64_t> n, std::int64_t n_items, bool with_replacement,
                      bool same_cells, Wanted items) {
    if (items.empty())
        return sorted_rows(drawn_in_turn(random, n, n_items, with_replacement, same_cells, {}, [](std::size_t, std::span<const std::int32_t>) {}), n_items);
    DrawnRows drawer(random, n_items, same_cells);
    drawer.reserve(room_for_items(n, static_cast<std::size_t>(n_items), items));
    for (std::size_t row = 0; row < n.size(); ++row) {
        drawer.draw(static_cast<std::int32_t>(row), n[row], with_replacement, true);
        drawer.keep_only(items);
    }
    return sorted_rows(std::move(drawer).rows(), n_items);
}

/// Items become rows; what was drawn are targets, of which wanted ones are kept.
inline DrawnPairs drawn_columns(MersenneTwister& random, std::span<const std::int64_t> n, std::int64_t n_items,
                                bool with_replacement, bool same_cells, Wanted wanted) {
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(n_items, 0));
    const std::size_t n_entries = n_items_of(n, wanted), n_targets = n_wanted(wanted, n.size());
    const bool are_different = !with_replacement && std::ranges::all_of(n, [&](std::int64_t k) { return k < n_items; });
    if (are_different && BitRows::are_cheap(n_entries, n_targets, size)) {
        BitRows bits(n_targets, size);
        LongColumn<std::int32_t> targets;
        const auto add = [&](std::size_t row, std::span<const std::int32_t> items) {
            bits.add(targets.size(), items);
            targets.push_back(static_cast<std::int32_t>(row));
        };
        Csr by_target = drawn_in_turn(random, n, n_items, with_replacement, same_cells, wanted, add);
        Csr by_item = bits.rows_of_columns();
        if (!wanted.empty())
            for (std::int32_t& target : by_item.targets) target = targets[static_cast<std::size_t>(target)];
        return {std::move(by_item), std::move(by_target.targets)};
    }
    Csr by_target = drawn_in_turn(random, n, n_items, with_replacement, same_cells, wanted, [](std::size_t, std::span<const std::int32_t>) {});
    Csr by_item = transposed(by_target, n_items);
    return {std::move(by_item), std::move(by_target.targets)};
}

/// The sources of `n` pairs by target, those of a target as drawn; of targets that are wanted.
inline Csr drawn_sources(MersenneTwister& random, std::int64_t n, std::int64_t n_pre, std::int64_t n_post, Wanted wanted) {
    constexpr std::size_t kTogether = 512;
    const auto size = static_cast<std::size_t>(n);
    const double share = static_cast<double>(n_wanted(wanted, static_cast<std::size_t>(n_post))) / static_cast<double>(std::max<std::int64_t>(n_post, 1));
    LongColumn<std::int32_t> sources, targets;
    for (auto* column : {&sources, &targets}) column->reserve(wanted.empty() ? size : most_of(share * static_cast<double>(n)) + kTogether);
    const auto last_pre = static_cast<std::uint32_t>(n_pre - 1), last_post = static_cast<std::uint32_t>(n_post - 1);
    std::array<std::uint32_t, 2 * kTogether + mersenne::kBehind> both;
    for (std::size_t first = 0; first < size; first += kTogether) {
        const std::size_t n_here = std::min(kTogether, size - first), n_before = sources.size();
        if (n_pre == n_post) {
            random.upto(last_pre, both.data(), 2 * n_here);
        } else {
            for (std::size_t i = 0; i < n_here; ++i) {
                both[2 * i] = random.upto(last_pre);
                both[2 * i + 1] = random.upto(last_post);
            }
        }
        sources.resize(n_before + n_here), targets.resize(n_before + n_here);
        std::int32_t *const source = sources.data() + n_before, *const target = targets.data() + n_before;
        std::size_t n_kept = n_here;
        if (wanted.empty()) {
            for (std::size_t i = 0; i < n_here; ++i) {
                source[i] = static_cast<std::int32_t>(both[2 * i]);
                target[i] = static_cast<std::int32_t>(both[2 * i + 1]);
            }
        } else {
            n_kept = 0;
            for (std::size_t i = 0; i < n_here; ++i) {
                source[n_kept] = static_cast<std::int32_t>(both[2 * i]);
                target[n_kept] = static_cast<std::int32_t>(both[2 * i + 1]);
                n_kept += wanted[both[2 * i + 1]] != 0;
            }
        }
        sources.resize(n_before + n_kept), targets.resize(n_before + n_kept);
    }
    return rows_of_columns(sources, targets, n_post);
}

/// Pairs of any neurons; PyNN's order is target by target, those of a target as drawn.
inline DrawnPairs drawn_total(MersenneTwister& random, std::int64_t n, std::int64_t n_pre, std::int64_t n_post, Wanted wanted) {
    if (n < 0) throw std::invalid_argument("the number of synapses must not be negative");
    Csr by_target = drawn_sources(random, n, n_pre, n_post, wanted);
    Csr by_source = transposed(by_target, n_pre);
    return {std::move(by_source), std::move(by_target.targets)};
}

}  // namespace pycosim
