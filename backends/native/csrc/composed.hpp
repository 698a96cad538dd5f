// Neurons composed of a membrane and any number of post-synaptic responses (pycosim/network/composed.py).
//
// States and constants are found by their names once, when a population is added; then every response is a loop over
// a block of neurons, so that it does not matter how many there are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels.hpp"

namespace pycosim::native {

enum class MembraneRule { kExact, kMean, kAdExp, kIzhikevich };

// What Python says of a composition.
struct CompositionSpec {
    struct Response {
        bool conductance, rises, own;  // own: set off by the neuron's own spikes, else by those at the next receptor
    };
    MembraneRule rule;
    std::vector<Response> responses;
    int n_thresholds;
    bool escape;
    std::vector<std::string> states, constants;
};

// Numbers of states and constants; -1 where there is none.
struct Composition {
    struct Response {
        bool conductance, rises;
        int receptor;  // -1: the neuron's own spikes
        int x, rise;
        int decay;                         // exact and mean
        int v_per_syn;                     // exact
        int mean, mean_mix, mix, rise_decay;  // mean
        int half_decay, weight, half_mix, half_rise_decay;
        int jump;
    };
    struct Threshold {
        int gamma, decay, jump;
    };

    explicit Composition(const CompositionSpec& spec);

    MembraneRule rule;
    bool escape;
    std::vector<Response> responses;
    std::vector<Threshold> thresholds;
    int second_state;              // w or u
    int moving_threshold, own_sum;  // states
    int spike_jump;                // of the second state
    std::vector<int> constant;     // by MembraneConstant
};

enum MembraneConstant {
    kVReset, kVThresh, kRefractorySteps, kDrive, kVRest, kDecayM, kGLeak, kDtOverCm, kSubsteps, kSubstepMs, kGRise, kVRise,
    kPerDeltaT, kPerCm, kA, kB, kPerTauW, kRate, kPerWidth, kPMax, kSlope, kNMembraneConstants
};

// A model that an engine made from a composition; it does not move.
class ComposedModel {
  public:
    ComposedModel(std::string name, CompositionSpec spec);
    ComposedModel(const ComposedModel&) = delete;
    ComposedModel& operator=(const ComposedModel&) = delete;
    const Model& model() const { return model_; }

  private:
    std::string name_;
    CompositionSpec spec_;
    Composition composition_;
    std::vector<std::string_view> states_, constants_;
    Model model_;
};

}  // namespace pycosim::native
