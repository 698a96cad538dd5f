// Refractory neurons, which are held at the reset membrane for some steps.
//
// Where nothing but the membrane itself depends on the membrane, that of a refractory neuron is not a number. The update
// leaves it there, and it does not reach any threshold, so that no column says which neurons are refractory: a list by the
// step of their release does, of which there is one for each block of neurons.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace pycosim::native {

class HeldNeurons {
  public:
    struct Held {
        std::int64_t until;  // the last refractory step
        std::uint32_t index;
    };
    static constexpr double kMembrane = std::numeric_limits<double>::quiet_NaN();

    // All that are held, in order of their release.
    const Held* begin() const { return held_.data() + n_released_; }
    const Held* end() const { return held_.data() + held_.size(); }

    void add(Held held) {
        if (held_.empty() || held_.back().until <= held.until) return held_.push_back(held);  // periods are alike
        const auto is_before = [](const Held& a, const Held& b) { return a.until < b.until; };
        const auto first = held_.begin() + static_cast<std::ptrdiff_t>(n_released_);
        held_.insert(std::upper_bound(first, held_.end(), held, is_before), held);
    }

    // Calls `visit` with the indices of all whose last refractory step this is, and forgets them.
    template <class Visit>
    void release(std::int64_t step, Visit visit) {
        for (; n_released_ < held_.size() && held_[n_released_].until <= step; ++n_released_) {
            visit(held_[n_released_].index);
        }
        if (2 * n_released_ < held_.size()) return;
        held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(n_released_));
        n_released_ = 0;
    }

  private:
    std::vector<Held> held_;
    std::size_t n_released_ = 0;  // at its beginning
};

// Neurons that are updated together; they and their inputs stay in the nearest cache.
struct NeuronBlock {
    std::uint32_t begin, size;  // in the slice
    HeldNeurons held;
};

}  // namespace pycosim::native
