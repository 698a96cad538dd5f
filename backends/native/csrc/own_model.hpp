// Neuron models whose update is code of their own, compiled in another module than the engine: chips' neurons.
//
// A model is a struct like this; its update is repeated in NumPy (pycosim/network/own_update.py). Everything that
// changes from step to step is a state, counters of the refractory period too.
//
//     struct Integrator {
//         static constexpr std::string_view name = "mychip.Integrator";
//         enum State { v, n_states };
//         static constexpr std::string_view states[] = {"v"};
//         enum Constant { threshold, n_constants };
//         static constexpr std::string_view constants[] = {"threshold"};
//         static constexpr std::size_t n_receptors = 1;
//
//         // x: states, c(k): constant k, in: sums of the weights that arrive at the end of the step, by receptor.
//         template <class Constants>
//         static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors], Draws) {
//             x[v] += in[0];
//             const bool fires = x[v] >= c(threshold);
//             x[v] = fires ? 0.0 : x[v];
//             return fires;
//         }
//     };
//
// A model whose spikes carry a number says which of its states that is: `static constexpr int payload = v;`.
//
// PYCOSIM_OWN_MODEL(Integrator) at namespace scope makes `own_model<Integrator>`, and the module's function `models`
// returns capsules of such models: `return own_capsules({&own_model<Integrator>});`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "vectorised.hpp"

namespace pycosim::native {

// Changes with the layout of Model and SliceColumns, so that a module that knows another one is refused.
inline constexpr const char* kModelCapsule = "pycosim native model 3";

// The random numbers of a neuron in one step.
struct Draws {
    pycosim::Key key;
    std::uint32_t neuron;
    std::int64_t step;

    pycosim::Block words(std::uint32_t lane) const {
        return pycosim::block_of(key, neuron, lane, static_cast<std::uint64_t>(step));
    }
};

template <class M, bool equal>
PYCOSIM_ALWAYS_INLINE std::size_t update_own(const SliceColumns& slice, std::uint32_t* fired) {
    constexpr std::size_t block = 128;
    alignas(64) std::int64_t flags[block];
    std::size_t n_fired = 0;
    for (std::size_t begin = slice.begin; begin < slice.end; begin += block) {
        const std::size_t n = begin + block < slice.end ? block : slice.end - begin;
        std::int64_t any = 0;
        PYCOSIM_INDEPENDENT
        for (std::size_t k = 0; k < n; ++k) {
            const std::size_t i = begin + k;
            double x[M::n_states], in[M::n_receptors];
            for (int s = 0; s < M::n_states; ++s) x[s] = slice.states[s][i];
            for (std::size_t r = 0; r < M::n_receptors; ++r) in[r] = slice.inputs[r][i];
            const auto c = [&](int constant) { return slice.constants[constant][equal ? 0 : i]; };
            const Draws draws{slice.noise_key, slice.first_neuron + static_cast<std::uint32_t>(i), slice.step};
            flags[k] = M::step(x, c, in, draws) ? 1 : 0;
            for (int s = 0; s < M::n_states; ++s) slice.states[s][i] = x[s];
            for (std::size_t r = 0; r < M::n_receptors; ++r) slice.inputs[r][i] = 0.0;
            any |= flags[k];
        }
        for (std::size_t k = 0; any && k < n; ++k) {
            if (flags[k]) fired[n_fired++] = static_cast<std::uint32_t>(begin + k);
        }
    }
    return n_fired;
}

template <class M>
constexpr int payload_of() {
    if constexpr (requires { M::payload; }) return M::payload;
    return -1;
}

template <class M>
extern const Model own_model;

#define PYCOSIM_OWN_MODEL(M)                                                                                       \
    PYCOSIM_EVERY_INSTRUCTION_SET static std::size_t M##_equal(const pycosim::native::SliceColumns& slice,         \
                                                               std::uint32_t* fired) {                             \
        return pycosim::native::update_own<M, true>(slice, fired);                                                 \
    }                                                                                                              \
    PYCOSIM_EVERY_INSTRUCTION_SET static std::size_t M##_distinct(const pycosim::native::SliceColumns& slice,      \
                                                                  std::uint32_t* fired) {                          \
        return pycosim::native::update_own<M, false>(slice, fired);                                                \
    }                                                                                                              \
    template <>                                                                                                    \
    const pycosim::native::Model pycosim::native::own_model<M>{M::name,    M::states,     M::constants,  true,     \
                                                               M##_equal, M##_distinct, M::n_receptors, nullptr,  \
                                                               payload_of<M>()};

}  // namespace pycosim::native
