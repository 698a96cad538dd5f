// The latest spikes of the neurons of a partition, with the traces that they leave at plastic synapses.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned.hpp"

namespace pycosim::native {

// The last few spikes of a neuron, which are nearly always all that its synapses need, in one cache line with the
// traces of two.
class RecentSpikes {
  public:
    static constexpr std::size_t kSteps = 6, kTraces = 2;
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min() / 2;

    explicit RecentSpikes(const std::int64_t* words) : words_(words) {}
    // From the newest, number 0, to the oldest; kNever where there are fewer.
    std::int64_t step(std::size_t i) const { return words_[i]; }
    // Just after number `i` < kTraces, if there was one.
    double trace(std::size_t tau, std::size_t i) const {
        return std::bit_cast<double>(words_[kSteps + kTraces * tau + i]);
    }

  private:
    const std::int64_t* words_;
};

class PostHistory {
  public:
    // One trace for each time constant, in steps.
    PostHistory(std::size_t n_neurons, std::vector<double> taus)
        : taus_(std::move(taus)), count_(n_neurons, 0), steps_(n_neurons * capacity_),
          traces_(n_neurons * capacity_ * taus_.size()),
          recent_stride_(padded(RecentSpikes::kSteps + RecentSpikes::kTraces * taus_.size())),
          recent_(n_neurons * recent_stride_, RecentSpikes::kNever) {}

    RecentSpikes recent(std::size_t neuron) const { return RecentSpikes(recent_.data() + neuron * recent_stride_); }
    void prefetch_recent(std::size_t neuron) const { prefetch(recent_.data() + neuron * recent_stride_); }

    std::span<const std::int64_t> steps(std::size_t neuron) const {
        return {steps_.data() + neuron * capacity_, count_[neuron]};
    }

    // Just after the spike number `i` of those that are kept.
    double trace(std::size_t neuron, std::size_t i, std::size_t tau) const {
        return traces_[(neuron * capacity_ + i) * taus_.size() + tau];
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
        std::int64_t* const recent = recent_.data() + neuron * recent_stride_;
        std::copy_backward(recent, recent + RecentSpikes::kSteps - 1, recent + RecentSpikes::kSteps);
        recent[0] = step;
        for (std::size_t tau = 0; tau < taus_.size(); ++tau) {
            std::int64_t* const newest = recent + RecentSpikes::kSteps + RecentSpikes::kTraces * tau;
            newest[1] = newest[0];
            newest[0] = std::bit_cast<std::int64_t>(traces_[place * taus_.size() + tau]);
        }
    }

    // Forgets all spikes up to `step`, but for the last of them, which holds the traces.
    void forget(std::int64_t step) {
        for (std::size_t neuron = 0; neuron < count_.size(); ++neuron) {
            const auto begin = steps_.begin() + static_cast<std::ptrdiff_t>(neuron * capacity_);
            const auto n_old = std::upper_bound(begin, begin + count_[neuron], step) - begin;
            if (n_old < 2) continue;
            const auto n = static_cast<std::ptrdiff_t>(count_[neuron]), dropped = n_old - 1;
            std::copy(begin + dropped, begin + n, begin);
            const auto width = static_cast<std::ptrdiff_t>(taus_.size());
            const auto trace = traces_.begin() + static_cast<std::ptrdiff_t>(neuron * capacity_) * width;
            std::copy(trace + dropped * width, trace + n * width, trace);
            count_[neuron] = static_cast<std::uint32_t>(n - dropped);
        }
    }

    void grow() {
        const std::size_t capacity = 2 * capacity_;
        std::vector<std::int64_t> steps(count_.size() * capacity);
        std::vector<double> traces(steps.size() * taus_.size());
        for (std::size_t neuron = 0; neuron < count_.size(); ++neuron) {
            const auto from = static_cast<std::ptrdiff_t>(neuron * capacity_), to = 2 * from;
            const auto width = static_cast<std::ptrdiff_t>(taus_.size());
            std::copy_n(steps_.begin() + from, count_[neuron], steps.begin() + to);
            std::copy_n(traces_.begin() + from * width, count_[neuron] * width, traces.begin() + to * width);
        }
        capacity_ = capacity;
        steps_ = std::move(steps);
        traces_ = std::move(traces);
    }

    std::size_t n_bytes() const {
        return count_.size() * sizeof(std::uint32_t) + steps_.size() * sizeof(std::int64_t) +
               traces_.size() * sizeof(double) + recent_.size() * sizeof(std::int64_t);
    }

  private:
    std::size_t capacity_ = 8;  // of each neuron
    std::vector<double> taus_;
    std::vector<std::uint32_t> count_;
    std::vector<std::int64_t> steps_;
    std::vector<double> traces_;
    std::size_t recent_stride_;
    std::vector<std::int64_t, AlignedAllocator<std::int64_t>> recent_;  // by neuron: see RecentSpikes
};

}  // namespace pycosim::native
