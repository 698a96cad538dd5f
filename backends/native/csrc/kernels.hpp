// The update of a whole slice of neurons over one step, one compiled loop for each model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../../../pycosim/csrc/philox.hpp"

namespace pycosim::native {

struct Composition;

// Where the columns of a slice are, and which of its neurons are meant: `begin` to `end` - 1. `constants` point to one
// number each, or to one number for each neuron.
struct SliceColumns {
    std::size_t begin, end;
    double* const* states;
    double* refractory_steps_left;  // null for models that are held
    const double* const* constants;
    double* const* inputs;  // by receptor: sums of the weights that arrive; the update sets them back to 0
    const Composition* composition;  // null: a model of fixed parts
    std::int64_t step;
    std::uint32_t first_neuron;  // global number
    pycosim::Key noise_key;      // of neurons that fire at random
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
    std::size_t n_receptors;
    const Composition* composition = nullptr;
    int payload = -1;  // the state that spikes carry, and by which their weights are multiplied; -1: none
    bool is_held = false;  // whether refractory neurons are held by the engine instead of the update (held.hpp)

    // Constants of models that are held.
    static constexpr std::size_t kVReset = 0, kRefractorySteps = 2;
};

std::span<const Model> models();

// Models that other modules compiled, which are made known once and stay (own_model.hpp).
void add_model(const Model& model);
const Model* added_model(std::string_view name);  // null if there is none

}  // namespace pycosim::native
