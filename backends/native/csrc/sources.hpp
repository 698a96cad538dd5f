// Spikes of the sources (Poisson, spike arrays) for a stretch of steps, given from outside.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace pycosim::native {

class SourceSpikes {
  public:
    // `steps` ascend from `first_step` to `last_step`; `first_neuron` is the global number of index 0.
    SourceSpikes() = default;
    SourceSpikes(std::int64_t first_step, std::int64_t last_step, std::span<const std::int64_t> steps,
                 std::span<const std::int64_t> indices, std::uint32_t first_neuron)
        : first_step_(first_step), neurons_(indices.size()) {
        std::transform(indices.begin(), indices.end(), neurons_.begin(),
                       [&](std::int64_t index) { return first_neuron + static_cast<std::uint32_t>(index); });
        std::size_t place = 0;
        for (std::int64_t step = first_step; step <= last_step; ++step) {
            while (place < steps.size() && steps[place] <= step) ++place;
            ends_.push_back(place);
        }
    }

    bool covers(std::int64_t step) const {
        return step >= first_step_ && step < first_step_ + static_cast<std::int64_t>(ends_.size());
    }

    // Global numbers, ascending, of the sources that emit a spike at `step`.
    std::span<const std::uint32_t> at(std::int64_t step) const {
        const auto i = static_cast<std::size_t>(step - first_step_);
        const std::size_t begin = i ? ends_[i - 1] : 0;
        return {neurons_.data() + begin, ends_[i] - begin};
    }

  private:
    std::int64_t first_step_ = 0;
    std::vector<std::uint32_t> neurons_;
    std::vector<std::size_t> ends_;  // of each step's spikes
};

}  // namespace pycosim::native
