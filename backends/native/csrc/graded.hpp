// Synapses of neurons whose spikes carry a payload: a spike adds weight times payload.
//
// They are apart from the others, so that a network without them pays nothing. What is due in a step is added in order
// of (emission step, source, projection), after all else.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "synapses.hpp"

namespace pycosim::native {

class GradedStore {
  public:
    // Replaces all synapses, for the spikes that are emitted from now on. `core_of_neuron` may be empty.
    void connect(std::span<const ProjectionColumns> projections, const TargetMap& map,
                 std::span<const std::int32_t> core_of_neuron);

    // Makes a spike known, before it is sent.
    void emit(std::uint32_t source, std::int64_t emission_step, double payload);
    // Lets its synapses act when they are due.
    void send(std::uint32_t source, std::int64_t emission_step);
    // See Partition::send_to_core.
    void send_to_core(std::uint32_t source, std::int32_t core, std::int64_t emission_step, std::int64_t shift,
                      std::int64_t floor, const Only& only, std::int64_t present_step);
    // Adds what is due to the inputs, of which those of a receptor begin `receptor_stride` after those of the one before.
    void deliver(std::int64_t step, double* inputs, std::uint32_t receptor_stride);
    // Spikes of `oldest_under_way` and later may still be sent.
    void forget(std::int64_t present_step, std::int64_t oldest_under_way);

    std::size_t n_bytes() const;

  private:
    // Synapses of one row with the same delay and core.
    struct Run {
        std::uint32_t receptor;
        std::int32_t delay, core;
        std::uint32_t begin, end;
    };
    struct Columns {
        std::vector<std::uint32_t> row;  // by source, and one more: first run
        std::vector<Run> runs;
        std::vector<std::uint32_t> targets;  // indices of the inputs of the first receptor
        std::vector<double> weights;
        std::int64_t max_delay = 1;
    };
    struct Spike {
        double payload;
        std::shared_ptr<const Columns> synapses;  // those that there were when it was emitted
    };
    using SpikeKey = std::pair<std::int64_t, std::uint32_t>;  // emission step and source
    struct Arrival {
        SpikeKey spike;
        std::uint32_t run;
        double payload;
        std::shared_ptr<const Columns> synapses;
    };

    template <class Due>
    void send_runs(std::uint32_t source, std::int64_t emission_step, Due&& due);

    std::shared_ptr<const Columns> synapses_ = std::make_shared<Columns>();
    std::map<SpikeKey, Spike> emitted_;
    std::map<std::int64_t, std::vector<Arrival>> pending_;
};

}  // namespace pycosim::native
