// Traces of pairs of spikes, with one exponential function for each spike instead of one for each pair.
//
// e^((s - t) / tau) = e^((s - o) / tau) e^((o - t) / tau): relative to an origin o each spike has a factor, computed
// when it comes, and a synapse multiplies those of its two. So that they stay in range, there is a new origin in every
// epoch, in its middle, at steps that depend on time constants only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pycosim::native {

// e^(n / tau) of whole numbers of steps; those up to `half` from two tables. All are within a few units of the last place,
// so that they ascend with n as long as tau is at most kLongestTau.
class Growth {
  public:
    static constexpr double kLongestTau = 1e9;

    Growth(double tau, std::int64_t half)
        : tau_(tau), half_(static_cast<std::uint64_t>(half)), fine_(std::min(2 * half_ + 1, kFine)),
          coarse_((2 * half_ >> kBits) + 1) {
        for (std::size_t i = 0; i < fine_.size(); ++i) fine_[i] = std::exp(static_cast<double>(i) / tau);
        for (std::size_t i = 0; i < coarse_.size(); ++i) {
            coarse_[i] = std::exp((static_cast<double>(i << kBits) - static_cast<double>(half)) / tau);
        }
    }
    double operator()(std::int64_t n) const {
        const std::uint64_t i = static_cast<std::uint64_t>(n) + half_;
        if (i > 2 * half_) return std::exp(static_cast<double>(n) / tau_);
        return coarse_[i >> kBits] * fine_[i & (kFine - 1)];
    }

  private:
    static constexpr std::uint64_t kBits = 10, kFine = std::uint64_t{1} << kBits;

    double tau_;
    std::uint64_t half_;
    std::vector<double> fine_, coarse_;
};

// The time constants of a pair rule, in steps.
struct PairTaus {
    double pre, post;

    // Whether factors tell spikes of two steps apart, and an epoch is not all too short.
    bool have_epochs() const {
        return std::min(pre, post) >= 0.5 && std::max(pre, post) <= Growth::kLongestTau;
    }
    // Half an epoch, e^300 at most.
    std::int64_t half_epoch() const {
        constexpr double longest = 1 << 19;
        return static_cast<std::int64_t>(std::min(300.0 * std::min(pre, post), longest));
    }
    bool operator==(const PairTaus&) const = default;
};

}  // namespace pycosim::native
