/// The numbers of many calls of a generator, made many at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "columns.hpp"
#include "numbers.hpp"

namespace pycosim {

namespace calls {
/// Copies `n` numbers, and appends to `wrong` the places, from `first`, of those that are out of the limits.
void copy_checked(const double* numbers, std::size_t n, Clipping limits, double* out, std::uint32_t first,
                  std::vector<std::uint32_t>& wrong);
}  // namespace calls

/// What calls of RandomState, or of PyNN's normal_clipped, give one after the other. All take their numbers from
/// the same sequence, normal ones with their spare: so they are made ahead, as many as will be needed for certain.
template <class Random>
class NumbersByCall {
public:
    /// `n` numbers in all calls together: after them the generator is where the calls would leave it.
    NumbersByCall(Random& random, SpareNormal& spare, const DistributionOf& distribution, std::size_t n)
        : random_(random), spare_(spare), distribution_(distribution), n_needed_(n) {}

    /// Writes the numbers of the next call.
    void call(std::span<double> out) {
        if (out.size() > n_needed_) throw std::invalid_argument("more numbers than were asked for");
        if (out.size() == 1 && next_ < n_ahead_ && is_right(ahead_[next_])) {  // as between pairs of cells
            out[0] = ahead_[next_++];
            --n_needed_;
            return;
        }
        wrong_.clear();
        for (std::size_t i = 0; i < out.size();) {
            const std::span<const double> piece = next(out.size() - i);
            if (distribution_.is_clipped()) {
                const std::size_t n_before = wrong_.size();
                calls::copy_checked(piece.data(), piece.size(), distribution_.limits, &out[i],
                                    static_cast<std::uint32_t>(i), wrong_);
                n_needed_ += wrong_.size() - n_before;
            } else {
                std::ranges::copy(piece, out.begin() + static_cast<std::ptrdiff_t>(i));
            }
            n_needed_ -= piece.size();
            i += piece.size();
        }
        if (!wrong_.empty()) redraw(out);
    }

    /// Writes the numbers of the next `out.size()` calls, for one number each.
    void single_calls(std::span<double> out) {
        if (out.size() > n_needed_) throw std::invalid_argument("more numbers than were asked for");
        std::size_t n_done = 0;
        for (int n_wrong = 0; n_done < out.size();) {
            for (const double number : next(out.size() - n_done)) {
                if (is_right(number)) {
                    out[n_done++] = number;
                    --n_needed_;
                    n_wrong = 0;
                } else if (++n_wrong > kMostRedraws + 1) {
                    throw_too_many();
                }
            }
        }
    }

    /// Draws the `n` numbers of the next call, which nobody wants.
    void pass_over(std::size_t n) {
        if (n > n_needed_) throw std::invalid_argument("more numbers than were asked for");
        for (int n_redraws = -1; n > 0; ++n_redraws) {
            if (n_redraws > kMostRedraws) throw_too_many();
            std::size_t n_wrong = 0;
            for (std::size_t i = 0; i < n;) {
                const std::span<const double> piece = next(n - i);
                std::size_t n_wrong_here = 0;
                if (distribution_.is_clipped())
                    for (const double number : piece) n_wrong_here += !is_right(number);
                n_needed_ -= piece.size() - n_wrong_here;
                n_wrong += n_wrong_here;
                i += piece.size();
            }
            n = n_wrong;
        }
    }

private:
    static constexpr int kMostRedraws = 1000;  // PyNN's MAX_REDRAWS
    static constexpr std::size_t kAhead = 1024;  // even, as normal numbers come in pairs

    bool is_right(double number) const { return !distribution_.is_clipped() || distribution_.limits.leaves(number); }

    [[noreturn]] static void throw_too_many() {
        throw std::invalid_argument("too many numbers are out of the limits");
    }

    // At most `n` of those that are there.
    std::span<const double> next(std::size_t n) {
        if (next_ == n_ahead_) {
            n_ahead_ = std::min(kAhead, n_needed_);
            distribution_.fill_at_first(random_, spare_, std::span(ahead_).first(n_ahead_));
            next_ = 0;
        }
        const std::size_t n_here = std::min(n, n_ahead_ - next_);
        next_ += n_here;
        return {&ahead_[next_ - n_here], n_here};
    }

    // What is out of the limits, all that is left at once.
    void redraw(std::span<double> out) {
        for (int n_redraws = 0; !wrong_.empty(); ++n_redraws) {
            if (n_redraws > kMostRedraws) throw_too_many();
            std::size_t n_left = 0;
            for (std::size_t i = 0; i < wrong_.size();) {
                for (const double number : next(wrong_.size() - i)) {
                    out[wrong_[i]] = number;
                    wrong_[n_left] = wrong_[i++];
                    const bool is_last = is_right(number);
                    n_left += !is_last;
                    n_needed_ -= is_last;
                }
            }
            wrong_.resize(n_left);
        }
    }

    Random& random_;
    SpareNormal& spare_;
    DistributionOf distribution_;
    std::size_t n_needed_, next_ = 0, n_ahead_ = 0;  // numbers that are still to be given for good
    std::array<double, kAhead> ahead_;
    std::vector<std::uint32_t> wrong_;
};

/// The numbers of calls for counts[0], counts[1], ... numbers, one after the other.
template <class Random>
LongColumn<double> numbers_by_call(Random& random, SpareNormal& spare, const DistributionOf& distribution,
                                   std::span<const std::int64_t> counts) {
    std::size_t n = 0;
    for (const std::int64_t count : counts) {
        if (count < 0) throw std::invalid_argument("a count of numbers must not be negative");
        n += static_cast<std::size_t>(count);
    }
    LongColumn<double> values(n);
    NumbersByCall<Random> numbers(random, spare, distribution, n);
    std::span<double> left(values);
    for (const std::int64_t count : counts) {
        numbers.call(left.first(static_cast<std::size_t>(count)));
        left = left.subspan(static_cast<std::size_t>(count));
    }
    return values;
}

}  // namespace pycosim
