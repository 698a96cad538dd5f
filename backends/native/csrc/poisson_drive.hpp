// Poisson sources of which each has one synapse on a partition and no other use: their spikes are never written down.
// The counts are those of pycosim/csrc/poisson.hpp, drawn when they act and added to the inputs right away.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "../../../pycosim/csrc/poisson.hpp"

namespace pycosim::native {

// What all sources of a population have in common.
struct PoissonRule {
    Key key;
    double mean;                         // spikes of a source in a step
    std::int64_t first_step, last_step;  // in which they are active
};

// One synapse for each of some sources, in their order.
struct DriveSynapses {
    std::vector<std::uint32_t> sources;  // indices in the population
    std::vector<std::uint32_t> targets;  // places of inputs
    std::vector<double> weights;
    std::int64_t delay = 1;
};

class PoissonDrive {
  public:
    // `position` is the place of the sources in the order in which segments act.
    PoissonDrive(std::size_t population, std::uint32_t position, const PoissonRule& rule, DriveSynapses synapses,
                 std::int64_t first_emission);

    std::size_t population() const { return population_; }
    std::uint32_t position() const { return position_; }
    std::int64_t delay() const { return synapses_.delay; }
    bool emits(std::int64_t step) const { return step >= first_emission_ && step <= last_emission_; }
    bool is_over(std::int64_t present_step) const { return last_emission_ + synapses_.delay <= present_step; }
    // Lets the sources fall silent from an emission step on.
    void end(std::int64_t first_silent) { last_emission_ = std::min(last_emission_, first_silent - 1); }
    void move_receptors(std::uint32_t old_stride, std::uint32_t new_stride);

    // Adds the weights of the spikes that the sources emit at `step`, one after the other as if they were segments.
    void add(std::int64_t step, double* inputs);

  private:
    void add_block(std::int64_t step, const std::uint32_t* words, std::size_t begin, std::size_t size, double* inputs);
    void count_spikes(std::int64_t step, const std::uint32_t* words, std::size_t begin, std::size_t size,
                      std::uint32_t* counts) const;

    std::size_t population_;
    std::uint32_t position_;
    PoissonRule rule_;
    DriveSynapses synapses_;
    std::int64_t first_emission_, last_emission_;
    std::vector<std::uint32_t> thresholds_;  // empty: the mean is too large for a table
    bool targets_are_contiguous_;
    std::array<std::vector<std::uint32_t>, 4> words_;  // of four steps
    std::vector<std::uint32_t> largest_words_;         // of the groups of sources, in this step
    std::int64_t words_of_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace pycosim::native
