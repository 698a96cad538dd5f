// Dopamine that was released at the neurons of a partition, until all synapses have taken note of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace pycosim::native {

class DopamineHistory {
  public:
    struct Release {
        std::int64_t step;
        double amount;
    };

    // `neuron` is given by its excitatory input.
    void add(std::uint32_t neuron, std::int64_t step, double amount) {
        if (neuron >= releases_.size()) releases_.resize(neuron + 1);
        std::vector<Release>& own = releases_[neuron];
        if (!own.empty() && own.back().step == step) {
            own.back().amount += amount;
            return;
        }
        own.push_back({step, amount});
        ++n_kept_;
    }

    // Those after `step`, ascending.
    std::span<const Release> after(std::uint32_t neuron, std::int64_t step) const {
        if (neuron >= releases_.size()) return {};
        const std::vector<Release>& own = releases_[neuron];
        return {std::ranges::upper_bound(own, step, {}, &Release::step), own.end()};
    }

    bool is_long() const { return n_kept_ > limit_; }

    // Forgets those up to `step`.
    void forget(std::int64_t step) {
        n_kept_ = 0;
        for (std::vector<Release>& own : releases_) {
            own.erase(own.begin(), std::ranges::upper_bound(own, step, {}, &Release::step));
            n_kept_ += own.size();
        }
        limit_ = std::max<std::size_t>(limit_, 2 * n_kept_);
    }

    std::size_t n_bytes() const { return releases_.size() * sizeof(releases_[0]) + n_kept_ * sizeof(Release); }

  private:
    std::vector<std::vector<Release>> releases_;
    std::size_t n_kept_ = 0, limit_ = 4096;
};

}  // namespace pycosim::native
