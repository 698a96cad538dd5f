// The latest spikes of the neurons of a partition, with the traces that they leave at plastic synapses.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "aligned.hpp"
#include "epoch.hpp"

namespace pycosim::native {

// What a spike is to the synapses of a pair rule, relative to the origin o of the epoch: e^((o - t) / tau of the
// presynaptic trace), and the postsynaptic trace just after it times e^((t - o) / its tau).
struct PairFactors {
    double potentiation, depression;
};

// The same of the latest spikes of a neuron, from the newest to the oldest: two factors for depression, then those for
// potentiation. Nearly always the first cache line is all that its synapses need, and nearly always the second one, in
// another array, all that the others need. Where there are fewer spikes, potentiation is infinite, as if they had been
// long ago.
struct LatestFactors {
    static constexpr std::size_t kInLine = kCacheLine / sizeof(double);
    static constexpr std::size_t kDepressions = 2, kFirstPotentiations = kInLine - kDepressions;
    static constexpr double kNoPotentiation = std::numeric_limits<double>::infinity();

    const double *first, *second;

    double depression(std::size_t i) const { return first[i]; }
    double potentiation(std::size_t i) const {
        return i < kFirstPotentiations ? first[kDepressions + i] : second[i - kFirstPotentiations];
    }
    double oldest_potentiation() const { return second[kInLine - 1]; }
};

class PostHistory {
  public:
    // One trace for each time constant, in steps; factors for each of the pairs, which all have epochs.
    PostHistory(std::size_t n_neurons, std::vector<double> taus, std::vector<PairTaus> pairs, std::int64_t present_step)
        : taus_(std::move(taus)), count_(n_neurons, 0), steps_(n_neurons * capacity_),
          traces_(steps_.size() * taus_.size()), factors_(steps_.size() * pairs.size()),
          first_(n_neurons * pairs.size() * LatestFactors::kInLine), second_(first_.size()) {
        half_epoch_ = std::numeric_limits<std::int64_t>::max();
        for (const PairTaus& taus_of : pairs) half_epoch_ = std::min(half_epoch_, taus_of.half_epoch());
        for (const PairTaus& taus_of : pairs) {
            const auto trace = std::find(taus_.begin(), taus_.end(), taus_of.post) - taus_.begin();
            pairs_.push_back({static_cast<std::size_t>(trace), Growth(taus_of.pre, half_epoch_),
                              Growth(taus_of.post, half_epoch_)});
        }
        begin_epoch(present_step);
    }

    bool has_epochs() const { return !pairs_.empty(); }
    bool is_in_epoch(std::int64_t step) const { return step < origin_ + half_epoch_; }
    // Moves the origin to that of the epoch of a step.
    void begin_epoch(std::int64_t step) {
        if (!has_epochs()) return;
        origin_ = step / (2 * half_epoch_) * (2 * half_epoch_) + half_epoch_;
        for (std::size_t neuron = 0; neuron < count_.size(); ++neuron) {
            for (std::size_t pair = 0; pair < pairs_.size(); ++pair) {
                const std::size_t line = line_of(neuron, pair);
                std::fill_n(&first_[line], LatestFactors::kDepressions, 0.0);
                std::fill_n(&first_[line + LatestFactors::kDepressions], LatestFactors::kFirstPotentiations,
                            LatestFactors::kNoPotentiation);
                std::fill_n(&second_[line], LatestFactors::kInLine, LatestFactors::kNoPotentiation);
                for (std::size_t i = 0; i < count_[neuron]; ++i) add_factors(neuron, i, pair);
            }
        }
    }
    // e^((t - o) / tau of the presynaptic trace), e^((o - t) / tau of the postsynaptic one).
    double pre_growth(std::size_t pair, std::int64_t t) const { return pairs_[pair].pre(t - origin_); }
    double post_decay(std::size_t pair, std::int64_t t) const { return pairs_[pair].post(origin_ - t); }
    // What the factor for potentiation of a spike at step t is.
    double potentiation(std::size_t pair, std::int64_t t) const { return pairs_[pair].pre(origin_ - t); }

    // LatestFactors of neuron 0; those of the next neuron follow `latest_stride` numbers later.
    LatestFactors latest(std::size_t pair) const {
        return {first_.data() + line_of(0, pair), second_.data() + line_of(0, pair)};
    }
    std::size_t latest_stride() const { return line_of(1, 0); }

    std::span<const std::int64_t> steps(std::size_t neuron) const {
        return {steps_.data() + neuron * capacity_, count_[neuron]};
    }

    // Just after the spike number `i` of those that are kept.
    double trace(std::size_t neuron, std::size_t i, std::size_t tau) const {
        return traces_[(neuron * capacity_ + i) * taus_.size() + tau];
    }
    const PairFactors& factors(std::size_t neuron, std::size_t i, std::size_t pair) const {
        return factors_[(neuron * capacity_ + i) * pairs_.size() + pair];
    }

    bool is_full(std::size_t neuron) const { return count_[neuron] == capacity_; }

    void add(std::size_t neuron, std::int64_t step) {
        const std::size_t i = count_[neuron]++, place = neuron * capacity_ + i;
        steps_[place] = step;
        for (std::size_t tau = 0; tau < taus_.size(); ++tau) {
            double& trace = traces_[place * taus_.size() + tau];
            trace = 1.0;
            if (i == 0) continue;
            const auto interval = static_cast<double>(step - steps_[place - 1]);
            trace += traces_[(place - 1) * taus_.size() + tau] * std::exp(-interval / taus_[tau]);
        }
        for (std::size_t pair = 0; pair < pairs_.size(); ++pair) add_factors(neuron, i, pair);
    }

    // Forgets all spikes up to `step`, but for the last of them, which holds the traces.
    void forget(std::int64_t step) {
        for (std::size_t neuron = 0; neuron < count_.size(); ++neuron) {
            const auto begin = steps_.begin() + static_cast<std::ptrdiff_t>(neuron * capacity_);
            const auto n_old = std::upper_bound(begin, begin + count_[neuron], step) - begin;
            if (n_old < 2) continue;
            drop_first(steps_, neuron, 1, n_old - 1);
            drop_first(traces_, neuron, taus_.size(), n_old - 1);
            drop_first(factors_, neuron, pairs_.size(), n_old - 1);
            count_[neuron] -= static_cast<std::uint32_t>(n_old - 1);
        }
    }

    void grow() {
        spread(steps_, 1);
        spread(traces_, taus_.size());
        spread(factors_, pairs_.size());
        capacity_ *= 2;
    }

    std::size_t n_bytes() const {
        return count_.size() * sizeof(std::uint32_t) + steps_.size() * sizeof(std::int64_t) +
               traces_.size() * sizeof(double) + factors_.size() * sizeof(PairFactors) +
               (first_.size() + second_.size()) * sizeof(double);
    }

  private:
    struct Pair {
        std::size_t trace;  // which of the traces is the postsynaptic one
        Growth pre, post;
    };

    std::size_t line_of(std::size_t neuron, std::size_t pair) const {
        return (neuron * pairs_.size() + pair) * LatestFactors::kInLine;
    }

    void add_factors(std::size_t neuron, std::size_t i, std::size_t pair) {
        const std::int64_t since = steps_[neuron * capacity_ + i] - origin_;
        const PairFactors added{pairs_[pair].pre(-since),
                                trace(neuron, i, pairs_[pair].trace) * pairs_[pair].post(since)};
        factors_[(neuron * capacity_ + i) * pairs_.size() + pair] = added;
        double* const depressions = &first_[line_of(neuron, pair)];
        double* const potentiations = depressions + LatestFactors::kDepressions;
        double* const older = &second_[line_of(neuron, pair)];
        std::copy_backward(older, older + LatestFactors::kInLine - 1, older + LatestFactors::kInLine);
        older[0] = potentiations[LatestFactors::kFirstPotentiations - 1];
        std::copy_backward(potentiations, potentiations + LatestFactors::kFirstPotentiations - 1,
                           potentiations + LatestFactors::kFirstPotentiations);
        potentiations[0] = added.potentiation;
        depressions[1] = depressions[0];
        depressions[0] = added.depression;
    }

    // Of `width` numbers for each spike.
    template <class T>
    void drop_first(std::vector<T>& column, std::size_t neuron, std::size_t width, std::ptrdiff_t n) const {
        const auto begin = column.begin() + static_cast<std::ptrdiff_t>(neuron * capacity_ * width);
        const auto scale = static_cast<std::ptrdiff_t>(width);
        std::copy(begin + n * scale, begin + static_cast<std::ptrdiff_t>(count_[neuron]) * scale, begin);
    }
    template <class T>
    void spread(std::vector<T>& column, std::size_t width) const {
        std::vector<T> wider(2 * column.size());
        for (std::size_t neuron = 0; neuron < count_.size(); ++neuron) {
            const auto from = static_cast<std::ptrdiff_t>(neuron * capacity_ * width);
            std::copy_n(column.begin() + from, count_[neuron] * width, wider.begin() + 2 * from);
        }
        column = std::move(wider);
    }

    std::size_t capacity_ = 8;  // of each neuron
    std::vector<double> taus_;
    std::vector<Pair> pairs_;
    std::int64_t half_epoch_, origin_ = 0;
    std::vector<std::uint32_t> count_;
    std::vector<std::int64_t> steps_;
    std::vector<double> traces_;
    std::vector<PairFactors> factors_;
    Column first_, second_;  // lines of LatestFactors
};

}  // namespace pycosim::native
