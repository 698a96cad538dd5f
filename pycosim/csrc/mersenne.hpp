/// Connectivity from the numbers of NumPy's RandomState, in the order in which PyNN's connectors draw them.
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

#include "connect.hpp"
#include "csr.hpp"

namespace pycosim {

/// MT19937 (Matsumoto & Nishimura 1998, ACM TOMACS 8:3) with the conversions of numpy.random.RandomState,
/// which NumPy keeps as they are for reproducibility (NEP 19).
class MersenneTwister {
public:
    static constexpr std::size_t n_words = 624;

    MersenneTwister(std::span<const std::uint32_t> words, std::int64_t next) {
        if (words.size() != n_words || next < 0 || next > static_cast<std::int64_t>(n_words))
            throw std::invalid_argument("a state of MT19937 has 624 words and a position from 0 to 624");
        std::copy(words.begin(), words.end(), words_.begin());
        next_ = static_cast<std::size_t>(next);
        temper();
    }

    std::uint32_t word() {
        if (next_ == n_words) refill();
        return tempered_[next_++];
    }

    /// Whether each of the next draws of 53 bits is below `limit`, for all draws that need no refill, at most
    /// `n`: calls `take(bool)` for each and returns how many there were.
    template <class Take>
    std::int64_t compare_available(std::int64_t n, std::uint64_t limit, Take&& take) {
        const std::int64_t n_taken = std::min(n, static_cast<std::int64_t>(n_words - next_) / 2);
        const std::uint32_t* words = tempered_.data() + next_;
        for (std::int64_t i = 0; i < n_taken; ++i) take(joined(words[2 * i], words[2 * i + 1]) < limit);
        next_ += static_cast<std::size_t>(2 * n_taken);
        return n_taken;
    }

    /// 53 random bits, as a whole number: RandomState.random_sample() is this times 2**-53.
    std::uint64_t bits53() {
        const std::uint32_t first = word();
        return joined(first, word());
    }

    /// From 0 to `largest`, both included.
    std::uint32_t upto(std::uint32_t largest) {
        if (largest == 0) return 0;
        const std::uint32_t mask = (std::uint32_t{1} << (std::bit_width(largest) - 1)) * 2 - 1;
        std::uint32_t value = word() & mask;
        while (value > largest) value = word() & mask;
        return value;
    }

    /// upto(largest), upto(largest - 1), ..., upto(1), without a branch for each number.
    void upto_descending(std::uint32_t largest, std::uint32_t* out) {
        while (largest > 0) {
            const std::uint32_t last = (std::uint32_t{1} << (std::bit_width(largest) - 1)) - 1;  // has a shorter mask
            const std::uint32_t mask = 2 * last + 1;
            while (largest > last) {
                if (next_ == n_words) refill();
                // a word gives at most one number, so that these do not go beyond `last`
                const std::size_t n = std::min<std::size_t>(n_words - next_, largest - last);
                for (const std::uint32_t* word = &tempered_[next_]; word != &tempered_[next_] + n; ++word) {
                    const std::uint32_t value = *word & mask;
                    *out = value;
                    const std::uint32_t taken = value <= largest;
                    out += taken;
                    largest -= taken;
                }
                next_ += n;
            }
        }
    }

    std::vector<std::uint32_t> words() const { return {words_.begin(), words_.end()}; }
    std::int64_t next() const { return static_cast<std::int64_t>(next_); }

private:
    static constexpr std::size_t shift_ = 397;

    static std::uint64_t joined(std::uint32_t first, std::uint32_t second) {
        return (static_cast<std::uint64_t>(first >> 5) << 26) + (second >> 6);
    }

    static std::uint32_t twisted(std::uint32_t upper, std::uint32_t lower) {
        const std::uint32_t y = (upper & 0x80000000U) | (lower & 0x7fffffffU);
        return (y >> 1) ^ ((lower & 1U) * 0x9908b0dfU);
    }

    void refill() {
        std::size_t i = 0;
        for (; i < n_words - shift_; ++i) words_[i] = words_[i + shift_] ^ twisted(words_[i], words_[i + 1]);
        for (; i < n_words - 1; ++i)
            words_[i] = words_[i + shift_ - n_words] ^ twisted(words_[i], words_[i + 1]);
        words_[i] = words_[shift_ - 1] ^ twisted(words_[i], words_[0]);
        next_ = 0;
        temper();
    }

    void temper() {
        for (std::size_t i = 0; i < n_words; ++i) {
            std::uint32_t y = words_[i];
            y ^= y >> 11;
            y ^= (y << 7) & 0x9d2c5680U;
            y ^= (y << 15) & 0xefc60000U;
            tempered_[i] = y ^ (y >> 18);
        }
    }

    std::array<std::uint32_t, n_words> words_;
    std::array<std::uint32_t, n_words> tempered_;
    std::size_t next_;
};

/// For each target one number for each source; sources with a number below p are connected, but for a neuron to
/// itself, unless `allow_self`, and to targets that are not wanted. Rows are sources.
inline Csr drawn_pairs(MersenneTwister& random, Ids pre, Ids post, double p, bool allow_self, Wanted wanted) {
    // u < p for u = k 2**-53 means k < ceil(p 2**53), which is exact
    const auto limit = static_cast<std::uint64_t>(std::ceil(std::clamp(p, 0.0, 1.0) * 0x1p53));
    Csr by_target;
    by_target.indptr.push_back(0);
    std::vector<std::int32_t> column(pre.size() + 1);  // one place for a last write
    for (std::size_t target = 0; target < post.size(); ++target) {
        std::size_t n_connected = 0;
        std::int32_t source = 0;
        const auto take = [&](bool connected) {
            column[n_connected] = source++;
            n_connected += connected;
        };
        for (auto n_left = static_cast<std::int64_t>(pre.size()); n_left > 0;) {
            n_left -= random.compare_available(n_left, limit, take);
            if (n_left-- > 0) take(random.bits53() < limit);
        }
        if (!is_wanted(wanted, target)) n_connected = 0;
        for (std::size_t i = 0; i < n_connected; ++i)
            if (allow_self || pre[static_cast<std::size_t>(column[i])] != post[target])
                by_target.targets.push_back(column[i]);
        by_target.indptr.push_back(static_cast<std::int64_t>(by_target.targets.size()));
    }
    return transposed(by_target, static_cast<std::int64_t>(pre.size()));
}

/// Numbers of items for consecutive rows, as they are drawn: PyNN's connectors with a fixed number.
class DrawnRows {
public:
    DrawnRows(MersenneTwister& random, std::int64_t n_items, bool same_cells)
        : random_(random), n_items_(static_cast<std::int32_t>(n_items)), same_cells_(same_cells) {}

    void draw(std::int32_t row, std::int64_t n, bool with_replacement) {
        if (n < 0) throw std::invalid_argument("the number of synapses of a row must not be negative");
        if (n > 0 && n_items_ - (same_cells_ ? 1 : 0) <= 0)
            throw std::invalid_argument("a row has no neuron that it may be connected to");
        if (n == 0) return;
        with_replacement ? independent(row, static_cast<std::size_t>(n)) : chosen(row, n);
    }

    std::vector<std::int32_t> items() && { return std::move(items_); }

private:
    /// The whole row is drawn first; then the items that are not allowed are drawn again, in turn.
    void independent(std::int32_t row, std::size_t n) {
        const std::size_t first = items_.size();
        const auto drawn = [&] {
            return static_cast<std::int32_t>(random_.upto(static_cast<std::uint32_t>(n_items_ - 1)));
        };
        for (std::size_t i = 0; i < n; ++i) items_.push_back(drawn());
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
    void chosen(std::int32_t row, std::int64_t n) {
        cells_.resize(static_cast<std::size_t>(n_items_));
        std::iota(cells_.begin(), cells_.end(), 0);
        if (same_cells_ && row < n_items_) cells_.erase(cells_.begin() + row);
        const auto size = static_cast<std::int64_t>(cells_.size());
        for (std::int64_t set = 0; set < n / size; ++set)
            items_.insert(items_.end(), cells_.begin(), cells_.end());
        if (n % size == 0) return;
        const auto n_left = static_cast<std::size_t>(n % size), last = cells_.size() - 1;
        partners_.resize(last + 1);  // one place for a last write
        random_.upto_descending(static_cast<std::uint32_t>(last), partners_.data());
        std::size_t i = last;
        // what a swap puts beyond the items that are taken is not read again
        for (; i >= n_left; --i) cells_[partners_[last - i]] = cells_[i];
        for (; i > 0; --i) std::swap(cells_[i], cells_[partners_[last - i]]);
        items_.insert(items_.end(), cells_.begin(), cells_.begin() + static_cast<std::ptrdiff_t>(n_left));
    }

    MersenneTwister& random_;
    std::int32_t n_items_;
    bool same_cells_;
    std::vector<std::int32_t> cells_;
    std::vector<std::uint32_t> partners_;
    std::vector<std::int32_t> items_;
};

}  // namespace pycosim
