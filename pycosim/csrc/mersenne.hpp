/// The numbers of NumPy's RandomState.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "polar.hpp"

namespace pycosim {

namespace mersenne {
inline constexpr std::size_t kWords = 624;
/// Replaces 624 words by the next ones.
void next_words(std::uint32_t* words);
void temper(const std::uint32_t* words, std::size_t n, std::uint32_t* out);
inline std::uint32_t tempered(std::uint32_t word) {
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680U;
    word ^= (word << 15) & 0xefc60000U;
    return word ^ (word >> 18);
}
/// Two words make a number in [0, 1) with 53 random bits.
void to_uniform01(const std::uint32_t* words, double* out, std::size_t n);

/// Places in a column behind those that are asked for, which may be read or written.
inline constexpr std::size_t kBehind = 64;
/// Of pairs of words before they are tempered, the numbers of those at `places`, of which the first pair is `first`.
/// There are kBehind more places to read.
void to_uniform01(const std::uint32_t* words, std::span<const std::int32_t> places, std::int32_t first, double* out);
/// What falls by one with each number that is taken.
struct Falling {
    std::uint32_t now, last;
};
/// Of `n` words before they are tempered, takes those that are at most `largest` after masking, until it has fallen to its
/// last value; returns how many words were read. It is below 2^31, and there are kBehind more places than it takes.
std::size_t take_upto(const std::uint32_t* words, std::size_t n, std::uint32_t mask, Falling& largest, std::uint32_t*& out);
/// Those of `n` words that are at most `largest` after masking; returns how many. There are kBehind more places.
std::size_t take_all_upto(const std::uint32_t* words, std::size_t n, std::uint32_t mask, std::uint32_t largest,
                          std::uint32_t* out);
/// Writes first + i for each of `n` draws of 53 bits from `words` that is below `limit`; returns how many. There are
/// kBehind more places.
std::size_t take_below(const std::uint32_t* words, std::size_t n, std::uint64_t limit, std::int32_t first,
                       std::int32_t* out);

/// 53 random bits from two words, as a whole number: RandomState.random_sample() is this times 2**-53.
inline std::uint64_t joined(std::uint32_t first, std::uint32_t second) {
    return (static_cast<std::uint64_t>(first >> 5) << 26) + (second >> 6);
}

}  // namespace mersenne

/// MT19937 (Matsumoto & Nishimura 1998, ACM TOMACS 8:3) with the conversions of numpy.random.RandomState,
/// which NumPy keeps as they are for reproducibility (NEP 19).
class MersenneTwister {
public:
    static constexpr std::size_t n_words = mersenne::kWords;

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

    /// Writes which of the next `n` draws of 53 bits are below `limit`, and returns how many. There are kBehind more
    /// places.
    std::size_t places_below(std::size_t n, std::uint64_t limit, std::int32_t* out) {
        std::size_t n_found = 0;
        for (std::size_t i = 0; i < n;) {
            const std::size_t n_here = std::min(n - i, (n_words - next_) / 2);
            n_found += mersenne::take_below(&tempered_[next_], n_here, limit, static_cast<std::int32_t>(i), out + n_found);
            next_ += 2 * n_here;
            i += n_here;
            if (i == n) break;
            out[n_found] = static_cast<std::int32_t>(i++);
            n_found += bits53() < limit;
        }
        return n_found;
    }

    std::uint64_t bits53() {
        const std::uint32_t first = word();
        return mersenne::joined(first, word());
    }

    /// The words of the next `n` draws of 53 bits before they are tempered: calls take(first, words, n_here) for pieces
    /// of them. kBehind more words may be read.
    template <class Take>
    void pairs_of_words(std::size_t n, Take&& take) {
        for (std::size_t i = 0; i < n;) {
            if (next_ == n_words) next_words();
            const std::size_t n_here = std::min(n - i, (n_words - next_) / 2);
            if (n_here > 0) take(i, &words_[next_], n_here);
            next_ += 2 * n_here;
            i += n_here;
            if (i == n || next_ == n_words) continue;
            std::array<std::uint32_t, 2 + mersenne::kBehind> across{words_[next_]};
            next_words();
            across[1] = words_[next_++];
            take(i++, across.data(), 1);
        }
        temper();
    }

    /// RandomState.random_sample(n).
    void fill_uniform01(double* out, std::size_t n) {
        while (n > 0) {
            const std::size_t n_here = std::min(n, (n_words - next_) / 2);
            mersenne::to_uniform01(tempered_.data() + next_, out, n_here);
            next_ += 2 * n_here;
            out += n_here;
            n -= n_here;
            if (n > 0) {
                *out++ = static_cast<double>(bits53()) * 0x1p-53;
                --n;
            }
        }
    }

    /// Tries `n` points of the square for RandomState.normal: those within the circle; returns how many. There are
    /// polar::kBehind more places.
    std::size_t points_within_circle(std::size_t n, double* x, double* y, double* square) {
        std::size_t found = 0;
        const auto take = [&](const std::uint32_t* words, std::size_t n_here) {
            found += polar::within_circle(words, n_here, x + found, y + found, square + found);
            n -= n_here;
        };
        while (n > 0) {
            const std::size_t n_here = std::min(n, (n_words - next_) / 4);
            take(tempered_.data() + next_, n_here);
            next_ += 4 * n_here;
            if (n == 0) break;
            const std::array<std::uint32_t, 4> across = {word(), word(), word(), word()};
            take(across.data(), 1);
        }
        return found;
    }

    /// From 0 to `largest`, both included.
    std::uint32_t upto(std::uint32_t largest) {
        if (largest == 0) return 0;
        const std::uint32_t mask = (std::uint32_t{1} << (std::bit_width(largest) - 1)) * 2 - 1;
        std::uint32_t value = word() & mask;
        while (value > largest) value = word() & mask;
        return value;
    }

    /// The same `n` times. There are kBehind more places.
    void upto(std::uint32_t largest, std::uint32_t* out, std::size_t n) {
        if (largest == 0) {
            std::fill_n(out, n, 0);
            return;
        }
        const std::uint32_t mask = (std::uint32_t{1} << (std::bit_width(largest) - 1)) * 2 - 1;
        while (n > 0) {
            if (next_ == n_words) refill();
            const std::size_t n_here = std::min(n_words - next_, n);  // a word gives at most one number
            const std::size_t n_taken = mersenne::take_all_upto(&tempered_[next_], n_here, mask, largest, out);
            next_ += n_here;
            out += n_taken;
            n -= n_taken;
        }
    }

    /// upto(largest), upto(largest - 1), ..., upto(1), without a branch for each number. There are kBehind more places.
    void upto_descending(std::uint32_t largest, std::uint32_t* out) {
        while (largest > 0) {
            const std::uint32_t last = (std::uint32_t{1} << (std::bit_width(largest) - 1)) - 1;  // has a shorter mask
            mersenne::Falling falling{largest, last};
            while (falling.now > last) {
                if (next_ == n_words) next_words();
                next_ += mersenne::take_upto(&words_[next_], n_words - next_, 2 * last + 1, falling, out);
            }
            largest = last;
        }
        temper();
    }

    std::vector<std::uint32_t> words() const { return {words_.begin(), words_.begin() + n_words}; }
    std::int64_t next() const { return static_cast<std::int64_t>(next_); }

private:
    void refill() {
        next_words();
        temper();
    }

    void next_words() {
        mersenne::next_words(words_.data());
        next_ = 0;
    }

    void temper() { mersenne::temper(words_.data(), n_words, tempered_.data()); }

    alignas(64) std::array<std::uint32_t, n_words + mersenne::kBehind> words_{};
    std::array<std::uint32_t, n_words> tempered_;
    std::size_t next_;
};

}  // namespace pycosim
