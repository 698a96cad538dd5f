/// Targets that have a number of different sources each.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

#include "connect.hpp"
#include "permutations.hpp"

namespace pycosim {

/// Target j gets n[j] sources, or n[0]: those that come first in a permutation of its own. All are taken once (or more
/// often) before the rest is chosen among them. Both rows, of sources, and columns, of targets, can be drawn one by one.
class SourceNumberRows {
public:
    SourceNumberRows(Key key, Ids pre, Ids post, Ids n, bool allow_self, Wanted wanted = {})
        : pre_(pre), post_(post), allow_self_(allow_self), targets_(wanted_targets(post.size(), wanted)),
          permutations_(key, pre.size(), targets_), limits_(targets_.size()) {
        if (n.size() != post.size() && n.size() != 1) throw std::invalid_argument("n needs one number for each target");
        const PlacesOf places(pre, !allow_self);
        for (std::size_t k = 0; k < targets_.size(); ++k) {
            const auto target = static_cast<std::size_t>(targets_[k]);
            set_limit(k, n[n.size() == 1 ? 0 : target], places(post[target]));
        }
    }

    /// Appends the targets of row `i`, ascending.
    void draw(std::size_t i, LongColumn<std::int32_t>& out) const {
        std::array<std::uint32_t, kTogether> places;
        std::array<std::int32_t, kTogether + 16> found;
        for (std::size_t begin = 0; begin < targets_.size(); begin += kTogether) {
            const std::size_t n = std::min(kTogether, targets_.size() - begin);
            const std::span<std::uint32_t> here = std::span(places).first(n);
            permutations_.places(static_cast<std::uint32_t>(i), begin, here);
            if (!full_sets_.empty()) {
                append_sets(i, begin, here, out);
                continue;
            }
            const std::size_t n_found =
                below_limits(here, limits_.data() + begin, static_cast<std::int32_t>(begin), found.data());
            for (std::size_t k = 0; k < n_found; ++k) found[k] = targets_[static_cast<std::size_t>(found[k])];
            const auto is_self = [&](std::int32_t target) { return is_excluded(i, target); };
            const auto end = allow_self_ ? found.begin() + n_found
                                         : std::remove_if(found.begin(), found.begin() + n_found, is_self);
            out.insert(out.end(), found.begin(), end);
        }
    }

    /// The targets that have columns: those that are wanted, ascending.
    std::span<const std::int32_t> targets() const { return targets_; }

    /// Calls visit(k, sources) with the sources of each of the targets `first`, ... `last` - 1, in any order.
    template <class Visit>
    void visit_columns(std::size_t first, std::size_t last, Visit&& visit) const {
        std::vector<std::uint32_t> found, column;
        for (std::size_t begin = first; begin < last; begin += kTogether) {
            const std::size_t n = std::min(kTogether, last - begin);
            const std::size_t most = *std::max_element(limits_.begin() + begin, limits_.begin() + begin + n);
            const bool are_few = most < kFew;
            found.resize(are_few ? most * n : most);
            for (std::uint32_t place = 0; are_few && place < most; ++place)
                permutations_.sources_at(place, begin, std::span(found).subspan(place * n, n));
            for (std::size_t k = begin; k < begin + n; ++k) {
                column.clear();
                append_full_sets(k, column);
                if (!are_few) permutations_.sources(k, 0, std::span(found).first(limits_[k]));
                for (std::size_t place = 0; place < limits_[k]; ++place)
                    column.push_back(are_few ? found[place * n + (k - begin)] : found[place]);
                visit(k, std::span<const std::uint32_t>(without_self(k, column)));
            }
        }
    }

    std::size_t n_bytes() const {
        return targets_.size() * (sizeof(targets_[0]) + sizeof(limits_[0])) + permutations_.n_bytes() +
               full_sets_.size() * sizeof(full_sets_[0]);
    }

private:
    static constexpr std::size_t kTogether = Permutations::kMostTogether;
    // Up to so many sources of a target, those of many targets are drawn side by side.
    static constexpr std::size_t kFew = 64;

    static std::vector<std::int32_t> wanted_targets(std::size_t n, Wanted wanted) {
        std::vector<std::int32_t> targets;
        targets.reserve(n_wanted(wanted, n));
        for (std::size_t target = 0; target < n; ++target)
            if (is_wanted(wanted, target)) targets.push_back(static_cast<std::int32_t>(target));
        return targets;
    }

    bool is_excluded(std::size_t i, std::int32_t target) const { return pre_[i] == post_[static_cast<std::size_t>(target)]; }

    void append_full_sets(std::size_t k, std::vector<std::uint32_t>& column) const {
        for (std::int64_t set = full_sets_.empty() ? 0 : full_sets_[k]; set > 0; --set) {
            column.resize(column.size() + pre_.size());
            std::iota(column.end() - static_cast<std::ptrdiff_t>(pre_.size()), column.end(), 0U);
        }
    }

    std::vector<std::uint32_t>& without_self(std::size_t k, std::vector<std::uint32_t>& column) const {
        if (!allow_self_) std::erase_if(column, [&](std::uint32_t i) { return is_excluded(i, targets_[k]); });
        return column;
    }

    /// The first n of those that are not excluded come before a place that lies as much later as excluded ones come before.
    void set_limit(std::size_t k, std::int64_t n, std::span<const std::int32_t> excluded) {
        if (n < 0) throw std::invalid_argument("the number of synapses of a row must not be negative");
        const auto n_allowed = static_cast<std::int64_t>(pre_.size() - excluded.size());
        if (n > 0 && n_allowed == 0) throw std::invalid_argument("a row has no neuron that it may be connected to");
        if (n == 0) return;
        if (n >= n_allowed) {
            full_sets_.resize(targets_.size());
            full_sets_[k] = n / n_allowed;
        }
        limits_[k] = static_cast<std::uint32_t>(n % n_allowed);
        if (limits_[k] == 0 || excluded.empty()) return;
        std::vector<std::uint32_t> places;
        for (const std::int32_t source : excluded)
            places.push_back(permutations_.place(static_cast<std::uint32_t>(source), k));
        std::ranges::sort(places);
        for (const std::uint32_t place : places) limits_[k] += place < limits_[k];
    }

    void append_sets(std::size_t i, std::size_t begin, std::span<const std::uint32_t> places,
                     LongColumn<std::int32_t>& out) const {
        for (std::size_t k = 0; k < places.size(); ++k) {
            const std::int32_t target = targets_[begin + k];
            if (!allow_self_ && is_excluded(i, target)) continue;
            const auto n = full_sets_[begin + k] + (places[k] < limits_[begin + k]);
            out.insert(out.end(), static_cast<std::size_t>(n), target);
        }
    }

    Ids pre_, post_;
    bool allow_self_;
    std::vector<std::int32_t> targets_;
    Permutations permutations_;
    std::vector<std::uint32_t> limits_;    // the first place of a permutation that is not taken
    std::vector<std::int64_t> full_sets_;  // how often all sources are taken; empty: never
};

/// Connects n[j] different sources to target j.
inline Csr fixed_number_of_sources(Key key, Ids pre, Ids post, Ids n, bool allow_self, Wanted wanted = {}) {
    const SourceNumberRows rows(key, pre, post, n, allow_self, wanted);
    Csr by_post;
    by_post.indptr.assign(1, 0);
    const auto close_columns = [&](std::size_t n_columns) { by_post.indptr.resize(n_columns + 1, std::ssize(by_post.targets)); };
    rows.visit_columns(0, rows.targets().size(), [&](std::size_t k, std::span<const std::uint32_t> sources) {
        close_columns(static_cast<std::size_t>(rows.targets()[k]));
        by_post.targets.insert(by_post.targets.end(), sources.begin(), sources.end());
        by_post.indptr.push_back(std::ssize(by_post.targets));
    });
    close_columns(post.size());
    return transposed(by_post, static_cast<std::int64_t>(pre.size()));
}

}  // namespace pycosim
