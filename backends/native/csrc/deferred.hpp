// The engine as a model of a chip sees it. Compiled modules cannot share code, but they can share this table of functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pycosim::native {

// A network whose spikes are delivered by the caller; see the methods of the same names in engine.hpp.
class DeferredEngine {
  public:
    virtual std::vector<std::int64_t> step_deferred() = 0;
    virtual void set_oldest_under_way(std::int64_t emission_step) = 0;
    virtual void deliver(std::span<const std::int64_t> emission_steps, std::span<const std::int64_t> sources,
                         std::span<const std::int64_t> cores, std::span<const std::int64_t> shifts,
                         std::span<const std::int64_t> floors, std::span<const std::int64_t> only_delays,
                         std::span<const std::int64_t> only_receptors) = 0;
    virtual void deliver_on_time() = 0;
    virtual std::int64_t step() const = 0;

  protected:
    ~DeferredEngine() = default;
};

}  // namespace pycosim::native
