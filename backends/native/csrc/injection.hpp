// Currents that electrodes inject into the neurons of a slice.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "aligned.hpp"

namespace pycosim::native {

// What one current source gives in a stretch of steps, in nA.
struct CurrentValues {
    std::int64_t first_step = 0;
    std::vector<double> values;

    bool covers(std::int64_t step) const {
        return step >= first_step && step < first_step + static_cast<std::int64_t>(values.size());
    }
    double at(std::int64_t step) const { return values[static_cast<std::size_t>(step - first_step)]; }
};

// Numbers of currents, and the indices (in a population) of the neurons that they flow into.
using InjectionColumns = std::span<const std::pair<std::size_t, std::span<const std::int64_t>>>;

// Into which neurons of a slice one current flows.
struct Injection {
    std::size_t current;
    std::vector<std::uint32_t> indices;
};

// Keeps the constant `drive` of a slice's neurons at its own value and the sum of their currents.
class SliceInjections {
  public:
    SliceInjections() = default;
    SliceInjections(std::vector<Injection> injections, Column drive, Column drive_per_na)
        : injections_(std::move(injections)),
          drive_(std::move(drive)),
          drive_per_na_(std::move(drive_per_na)),
          total_(drive_.size(), 0.0),
          applied_(injections_.size(), std::numeric_limits<double>::quiet_NaN()) {}

    bool empty() const { return injections_.empty(); }
    void apply(const std::vector<CurrentValues>& currents, std::int64_t step, Column& drive) {
        bool same = true;
        for (std::size_t k = 0; k < injections_.size(); ++k) {
            const double value = currents[injections_[k].current].at(step);
            same = same && value == applied_[k];
            applied_[k] = value;
        }
        if (same) return;
        total_.assign(total_.size(), 0.0);
        for (std::size_t k = 0; k < injections_.size(); ++k) {
            for (const std::uint32_t i : injections_[k].indices) total_[i] += applied_[k];
        }
        for (std::size_t i = 0; i < drive.size(); ++i) drive[i] = drive_[i] + drive_per_na_[i] * total_[i];
    }

  private:
    std::vector<Injection> injections_;
    Column drive_, drive_per_na_, total_;
    std::vector<double> applied_;  // value of each current in `drive`
};

}  // namespace pycosim::native
