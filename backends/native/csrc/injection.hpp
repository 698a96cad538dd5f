// Currents that electrodes inject into the neurons of a slice.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "aligned.hpp"
#include "noisy_currents.hpp"

namespace pycosim::native {

// What one current source gives: noise, or known values for a stretch of steps, in nA.
struct Current {
    std::int64_t first_step = 0;
    std::vector<double> values;
    std::optional<Noise> noise;

    bool covers(std::int64_t step) const {
        return noise || (step >= first_step && step < first_step + static_cast<std::int64_t>(values.size()));
    }
    const double& at(std::int64_t step) const { return values[static_cast<std::size_t>(step - first_step)]; }
};

// Numbers of currents, and the indices (in a population) of the neurons that they flow into.
using InjectionColumns = std::span<const std::pair<std::size_t, std::span<const std::int64_t>>>;

// The currents that flow into a slice, and which of them into which of its neurons, in the order in which they add up.
struct Injections {
    struct Flow {
        std::uint32_t neuron, current;  // index in the slice, place in `currents`
    };
    std::vector<std::size_t> currents;
    std::vector<Flow> flows;
};

// The constant `drive` of a slice's neurons in a few steps: its own value and the sum of their currents.
class SliceInjections {
  public:
    SliceInjections() = default;
    SliceInjections(const Injections& injections, const Column& drive, const Column& drive_per_na,
                    std::size_t n_columns);

    bool empty() const { return currents_.empty(); }
    // There may be other noise now.
    void forget() { is_known_ = false; }
    // The constant in a step; the columns of the `n_columns` steps asked for last are there.
    Column& drive(const std::vector<Current>& currents, std::int64_t step);

  private:
    struct Noisy {
        NoisyCurrents currents;
        std::size_t place;  // of the first one's value
    };

    void find_noise(const std::vector<Current>& currents);
    void add_up(double* drive);

    std::vector<std::size_t> currents_;
    // Neurons that currents flow into, those with the most first, and layer by layer the first, second, ... current of
    // each that has so many.
    std::vector<std::uint32_t> neurons_, layer_currents_, layers_;
    std::vector<std::size_t> layer_sizes_;
    bool is_contiguous_ = true;  // whether the neurons are one behind the other
    Column own_, per_na_, total_;  // of these neurons
    std::vector<Column> drives_;
    std::size_t newest_ = 0;
    // By current; those of the same noise together.
    Column values_;
    std::vector<std::uint32_t> known_, places_;  // those that are no noise, which come first; where all are
    std::vector<Noisy> noisy_;
    bool is_known_ = false;
};

}  // namespace pycosim::native
