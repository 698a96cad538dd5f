// The update of a whole slice of neurons over one step, one compiled loop for each model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pycosim::native {

inline constexpr std::size_t kMaxStates = 6;
inline constexpr std::size_t kMaxConstants = 24;

// Where the columns of a slice are. `constants` point to one number each, or to one number for each neuron.
struct SliceColumns {
    std::size_t size;
    double* states[kMaxStates];
    double* refractory_steps_left;
    const double* constants[kMaxConstants];
    double* excitatory;  // sums of the weights that arrive; the update sets them back to 0
    double* inhibitory;
};

// Writes the indices (within the slice) of the neurons that fire, ascending, and returns their number.
using Update = std::size_t (*)(const SliceColumns& slice, std::uint32_t* fired);

struct Model {
    std::string_view name;
    std::span<const std::string_view> states;
    std::span<const std::string_view> constants;
    bool resets;  // whether a spike resets the membrane, the first state
    Update update_equal;     // all neurons have the same constants
    Update update_distinct;  // every neuron has its own
};

std::span<const Model> models();

}  // namespace pycosim::native
