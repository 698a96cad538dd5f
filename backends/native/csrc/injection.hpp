// Currents that electrodes inject into the neurons of a slice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "../../../pycosim/csrc/normal.hpp"
#include "aligned.hpp"

namespace pycosim::native {

// A noisy current: in the steps after `start` until `stop` it has `mean` and, from normal numbers, `stdev`, in nA;
// each number is kept for `hold` steps.
struct Noise {
    double mean, stdev;
    std::int64_t start, stop, hold;
    Key key;
};

// What one current source gives in a stretch of steps, in nA.
struct CurrentValues {
    std::int64_t first_step = 0;
    std::vector<double> values;

    bool covers(std::int64_t step) const {
        return step >= first_step && step < first_step + static_cast<std::int64_t>(values.size());
    }
    const double& at(std::int64_t step) const { return values[static_cast<std::size_t>(step - first_step)]; }

    // The same numbers as pycosim.network.currents.current_values gives.
    void draw(const Noise& noise, std::int64_t first, std::int64_t last) {
        first_step = first;
        values.assign(static_cast<std::size_t>(last - first + 1), 0.0);
        const std::int64_t begin = std::max({first - 1, noise.start, std::int64_t{0}});
        const std::int64_t end = std::min(last, noise.stop);
        if (begin >= end) return;
        const std::int64_t first_number = (begin - noise.start) / noise.hold;
        const std::int64_t n_numbers = (end - 1 - noise.start) / noise.hold - first_number + 1;
        std::vector<double> held(noise.hold > 1 ? static_cast<std::size_t>(n_numbers) : 0);
        const std::span<double> active = std::span(values).subspan(static_cast<std::size_t>(begin - (first - 1)),
                                                                   static_cast<std::size_t>(end - begin));
        const std::span<double> numbers = noise.hold > 1 ? std::span(held) : active;
        fill_normal(noise.key, static_cast<std::uint64_t>(first_number), numbers);
        for (std::size_t i = 0; i < active.size(); ++i) {
            const std::int64_t since = begin - noise.start + static_cast<std::int64_t>(i);
            active[i] = noise.mean + noise.stdev * numbers[noise.hold > 1 ? since / noise.hold - first_number : i];
        }
    }
};

// Numbers of currents, and the indices (in a population) of the neurons that they flow into.
using InjectionColumns = std::span<const std::pair<std::size_t, std::span<const std::int64_t>>>;

// Which currents flow into a slice, and into which of its neurons: those of current k are
// indices[ends[k - 1]] to indices[ends[k] - 1].
struct Injections {
    std::vector<std::size_t> currents, ends;
    std::vector<std::uint32_t> indices;
};

// Keeps the constant `drive` of a slice's neurons at its own value and the sum of their currents.
class SliceInjections {
  public:
    SliceInjections() = default;
    SliceInjections(Injections injections, Column drive, Column drive_per_na)
        : injections_(std::move(injections)),
          drive_(std::move(drive)),
          drive_per_na_(std::move(drive_per_na)),
          total_(drive_.size(), 0.0),
          applied_(injections_.currents.size(), std::numeric_limits<double>::quiet_NaN()) {}

    bool empty() const { return injections_.currents.empty(); }
    void apply(const std::vector<CurrentValues>& currents, std::int64_t step, Column& drive) {
        bool same = true;
        for (std::size_t k = 0; k < applied_.size(); ++k) {
            const double& value = currents[injections_.currents[k]].at(step);
#if defined(__GNUC__)
            __builtin_prefetch(&value + 16);  // too many columns for the machine to see how they go on
#endif
            same = same && value == applied_[k];
            applied_[k] = value;
        }
        if (same) return;
        total_.assign(total_.size(), 0.0);
        for (std::size_t k = 0, i = 0; k < applied_.size(); ++k) {
            for (; i < injections_.ends[k]; ++i) total_[injections_.indices[i]] += applied_[k];
        }
        for (std::size_t i = 0; i < drive.size(); ++i) drive[i] = drive_[i] + drive_per_na_[i] * total_[i];
    }

  private:
    Injections injections_;
    Column drive_, drive_per_na_, total_;
    std::vector<double> applied_;  // value of each current in `drive`
};

}  // namespace pycosim::native
