/// A number of synapses between pairs that are drawn from all pairs of neurons.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "columns.hpp"
#include "connect.hpp"
#include "csr.hpp"
#include "philox.hpp"

namespace pycosim {

/// Sorts numbers from 0 to `bound` - 1 digit by digit, several times faster than by comparing.
inline void sort_numbers(LongColumn<std::int64_t>& numbers, std::int64_t bound) {
    constexpr int kDigitBits = 11;
    constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
    LongColumn<std::int64_t> sorted(numbers.size());
    for (int shift = 0; (bound - 1) >> shift > 0; shift += kDigitBits) {
        const auto digit = [shift](std::int64_t number) {
            return static_cast<std::size_t>(number >> shift) % kDigits;
        };
        std::vector<std::size_t> next(kDigits + 1, 0);
        for (const std::int64_t number : numbers) ++next[digit(number) + 1];
        std::partial_sum(next.begin(), next.end(), next.begin());
        for (const std::int64_t number : numbers) sorted[next[digit(number)]++] = number;
        numbers.swap(sorted);
    }
}

/// How many pairs there are in all processes, of which this one has so many on targets that no other one counts.
struct PairCount {
    Wanted counted;
    std::function<std::int64_t(std::int64_t)> in_all = [](std::int64_t here) { return here; };
};

/// A choice of pairs of the whole matrix, numbered row by row, of which those on wanted targets are kept.
class PairSampler {
public:
    PairSampler(Key key, Ids pre, Ids post, bool allow_self, Wanted wanted)
        : random_(key, 0, std::numeric_limits<std::int64_t>::max()), pre_(pre), post_(post), allow_self_(allow_self), wanted_(wanted) {
        n_allowed_ = static_cast<std::int64_t>(pre.size()) * static_cast<std::int64_t>(post.size());
        const PlacesOf places(post, !allow_self);
        for (const std::int64_t neuron : pre) n_allowed_ -= static_cast<std::int64_t>(places(neuron).size());
    }

    /// Pairs that may be the same.
    Csr draw_independent(std::int64_t n) {
        require(n);
        return transposed(independent_by_target(n), static_cast<std::int64_t>(pre_.size()));
    }

    /// Different pairs, ascending by number; all once (or more often) before the rest is chosen among them.
    LongColumn<std::int64_t> draw(std::int64_t n, const PairCount& count) {
        require(n);
        if (n == 0) return {};
        LongColumn<std::int64_t> pairs = distinct(n % n_allowed_, count);
        const std::int64_t full_sets = n / n_allowed_;
        if (full_sets == 0) return pairs;
        const LongColumn<std::int64_t> all = without({});
        for (std::int64_t i = 0; i < full_sets; ++i) pairs.insert(pairs.end(), all.begin(), all.end());
        std::sort(pairs.begin(), pairs.end());
        return pairs;
    }

private:
    Csr independent_by_target(std::int64_t n) {
        LongColumn<std::int32_t> rows, columns;
        rows.reserve(n_here(n));
        columns.reserve(n_here(n));
        for (std::int64_t i = 0; i < n; ++i) {
            const auto [row, column] = pair();
            if (!is_wanted(wanted_, static_cast<std::size_t>(column))) continue;
            rows.push_back(row);
            columns.push_back(column);
        }
        const auto n_post = static_cast<std::int64_t>(post_.size());
        return rows_of_columns(rows, columns, n_post);
    }

    void require(std::int64_t n) const {
        if (n < 0) throw std::invalid_argument("the number of synapses must not be negative");
        if (n > 0 && n_allowed_ == 0) throw std::invalid_argument("there is no pair that may be connected");
    }

    /// Room for those of `n` pairs that are on wanted targets.
    std::size_t n_here(std::int64_t n) const {
        if (wanted_.empty()) return static_cast<std::size_t>(n);
        const double share = static_cast<double>(n_wanted(wanted_, post_.size())) / static_cast<double>(post_.size());
        return most_of(share * static_cast<double>(n));
    }

    std::size_t target_of(std::int64_t pair) const {
        return static_cast<std::size_t>(pair % static_cast<std::int64_t>(post_.size()));
    }

    std::int64_t n_pairs() const {
        return static_cast<std::int64_t>(pre_.size()) * static_cast<std::int64_t>(post_.size());
    }

    bool allowed(std::int64_t pair) const {
        const auto n_post = static_cast<std::int64_t>(post_.size());
        return allow_self_ || pre_[static_cast<std::size_t>(pair / n_post)] !=
                                  post_[static_cast<std::size_t>(pair % n_post)];
    }

    std::pair<std::int32_t, std::int32_t> pair() {
        for (;;) {
            const std::uint32_t row = random_.below(static_cast<std::uint32_t>(pre_.size()));
            const std::uint32_t column = random_.below(static_cast<std::uint32_t>(post_.size()));
            if (allow_self_ || pre_[row] != post_[column])
                return {static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)};
        }
    }

    std::int64_t number_of_pair() {
        const auto [row, column] = pair();
        return row * static_cast<std::int64_t>(post_.size()) + column;
    }

    /// `n` different pairs, ascending: the first n different ones of a sequence of draws (never more are
    /// drawn than are missing), or all but those if n is more than half of them.
    LongColumn<std::int64_t> distinct(std::int64_t n, const PairCount& count) {
        if (2 * n > n_allowed_) return without(distinct(n_allowed_ - n, count));
        LongColumn<std::int64_t> pairs;
        for (std::int64_t n_different = 0; n_different < n;) {
            pairs.reserve(pairs.size() + n_here(n - n_different));
            for (std::int64_t i = n_different; i < n; ++i) {
                const std::int64_t number = number_of_pair();
                if (is_wanted(wanted_, target_of(number))) pairs.push_back(number);
            }
            sort_numbers(pairs, n_pairs());
            pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
            const auto is_counted = [&](std::int64_t number) { return is_wanted(count.counted, target_of(number)); };
            n_different = count.in_all(std::ranges::count_if(pairs, is_counted));
        }
        return pairs;
    }

    /// All allowed pairs but `left_out`, which is ascending.
    LongColumn<std::int64_t> without(const LongColumn<std::int64_t>& left_out) const {
        LongColumn<std::int64_t> pairs;
        pairs.reserve(n_here(n_allowed_) - std::min(n_here(n_allowed_), left_out.size()));
        auto next = left_out.begin();
        for (std::int64_t number = 0; number < n_pairs(); ++number) {
            if (next != left_out.end() && *next == number)
                ++next;
            else if (is_wanted(wanted_, target_of(number)) && allowed(number))
                pairs.push_back(number);
        }
        return pairs;
    }

    RowStream random_;
    Ids pre_, post_;
    bool allow_self_;
    Wanted wanted_;
    std::int64_t n_allowed_;
};

/// `n` synapses between pairs drawn from the whole matrix.
inline Csr fixed_total_number(Key key, Ids pre, Ids post, std::int64_t n, bool with_replacement, bool allow_self,
                              Wanted wanted, const PairCount& count) {
    PairSampler sampler(key, pre, post, allow_self, wanted);
    if (with_replacement) return sampler.draw_independent(n);
    const LongColumn<std::int64_t> pairs = sampler.draw(n, count);
    const auto n_post = static_cast<std::int64_t>(post.size());
    Csr csr{LongColumn<std::int64_t>(pre.size() + 1, 0), {}};
    csr.targets.reserve(pairs.size());
    for (const std::int64_t pair : pairs) {
        ++csr.indptr[static_cast<std::size_t>(pair / n_post) + 1];
        csr.targets.push_back(static_cast<std::int32_t>(pair % n_post));
    }
    std::partial_sum(csr.indptr.begin(), csr.indptr.end(), csr.indptr.begin());
    return csr;
}

}  // namespace pycosim
