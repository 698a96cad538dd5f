// The neuron models: names of their columns, and the update over one step.
//
// Notation and order of operations are those of pycosim/network/models.py: x are the state variables, c the constants
// of one step, e and i the sums of the weights that arrive at the end of the step at the excitatory and the inhibitory
// receptor. Every model begins with the state v; every model that resets, with the constants v_reset, v_thresh and,
// if it can be refractory, refractory_steps. `drive` is the constant that injected currents add to. Models with sub-steps
// are in nonlinear.hpp, exponential_membrane.hpp and hodgkin_huxley.hpp.
#pragma once

#include <array>
#include <string_view>

#include "vectorised.hpp"

namespace pycosim::native {

// Short enough that the search for the few neurons that fired costs little, long enough for vectors.
inline constexpr std::size_t kBlock = 128;

template <std::size_t n>
using Names = std::array<std::string_view, n>;

struct CurrDelta {
    static constexpr std::string_view name = "IF_curr_delta";
    enum State { v, n_states };
    static constexpr Names<n_states> states{"v"};
    enum Constant { v_reset, v_thresh, refractory_steps, v_rest, decay_m, drive, n_constants };
    static constexpr Names<n_constants> constants{"v_reset", "v_thresh", "refractory_steps",
                                                  "v_rest",  "decay_m",  "drive"};

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants& c, double e, double i) {
        x[v] = (c(v_rest) + c(drive)) + (x[v] - c(v_rest)) * c(decay_m) + e + i;
    }
};

struct CurrExp {
    static constexpr std::string_view name = "IF_curr_exp";
    enum State { v, i_e, i_i, n_states };
    static constexpr Names<n_states> states{"v", "i_e", "i_i"};
    enum Constant {
        v_reset, v_thresh, refractory_steps, v_rest, decay_m, drive, decay_e, decay_i, v_per_i_e, v_per_i_i, n_constants
    };
    static constexpr Names<n_constants> constants{"v_reset", "v_thresh", "refractory_steps", "v_rest",    "decay_m",
                                                  "drive",   "decay_e",  "decay_i",          "v_per_i_e", "v_per_i_i"};

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants& c, double e, double i) {
        x[v] = (c(v_rest) + c(drive)) + (x[v] - c(v_rest)) * c(decay_m) + x[i_e] * c(v_per_i_e) + x[i_i] * c(v_per_i_i);
        x[i_e] = x[i_e] * c(decay_e) + e;
        x[i_i] = x[i_i] * c(decay_i) + i;
    }
};

struct CurrAlpha {
    static constexpr std::string_view name = "IF_curr_alpha";
    enum State { v, i_e, i_i, di_e, di_i, n_states };
    static constexpr Names<n_states> states{"v", "i_e", "i_i", "di_e", "di_i"};
    enum Constant {
        v_reset, v_thresh, refractory_steps, v_rest, decay_m, drive, decay_e, decay_i, v_per_i_e, v_per_i_i,
        v_per_di_e, v_per_di_i, rise_e, rise_i, n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_reset", "v_thresh",  "refractory_steps", "v_rest",     "decay_m",    "drive",  "decay_e",
        "decay_i", "v_per_i_e", "v_per_i_i",        "v_per_di_e", "v_per_di_i", "rise_e", "rise_i"};

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants& c, double e, double i) {
        x[v] = (c(v_rest) + c(drive)) + (x[v] - c(v_rest)) * c(decay_m) + x[i_e] * c(v_per_i_e) +
               x[di_e] * c(v_per_di_e) + x[i_i] * c(v_per_i_i) + x[di_i] * c(v_per_di_i);
        x[i_e] = (x[i_e] + x[di_e] * c(rise_e)) * c(decay_e);
        x[i_i] = (x[i_i] + x[di_i] * c(rise_i)) * c(decay_i);
        x[di_e] = x[di_e] * c(decay_e) + e;
        x[di_i] = x[di_i] * c(decay_i) + i;
    }
};

// The mean conductance of a step, and the mean current into a membrane at 0 mV, both times the step and divided by the
// capacitance (as columns.py gives the constants). The membrane of a model that has `open_channels` relaxes with them
// (kernels.cpp), after the other states have gone on.
struct Channels {
    double total, inward;

    // With one that has the conductance g at the begin of the step, and g * mean on average. What reverses it is multiplied
    // by `mean` first, which is done once where neurons are equal.
    PYCOSIM_ALWAYS_INLINE Channels with(double g, double mean, double e_rev) const {
        return {fused(g, mean, total), fused(g, mean * e_rev, inward)};
    }
};

struct CondExp {
    static constexpr std::string_view name = "IF_cond_exp";
    enum State { v, g_e, g_i, n_states };
    static constexpr Names<n_states> states{"v", "g_e", "g_i"};
    enum Constant {
        v_reset, v_thresh, refractory_steps, g_leak, drive, e_rev_e, e_rev_i, decay_e, decay_i,
        mean_e, mean_i, n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_reset", "v_thresh", "refractory_steps", "g_leak",  "drive",
        "e_rev_e", "e_rev_i",  "decay_e",          "decay_i", "mean_e", "mean_i"};

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static Channels open_channels(double (&x)[n_states], const Constants& c, double e, double i) {
        const Channels channels = Channels{c(g_leak), c(drive)}
                                      .with(x[g_e], c(mean_e), c(e_rev_e))
                                      .with(x[g_i], c(mean_i), c(e_rev_i));
        x[g_e] = fused(x[g_e], c(decay_e), e);
        x[g_i] = fused(x[g_i], c(decay_i), i);
        return channels;
    }
};

struct CondAlpha {
    static constexpr std::string_view name = "IF_cond_alpha";
    enum State { v, g_e, g_i, dg_e, dg_i, n_states };
    static constexpr Names<n_states> states{"v", "g_e", "g_i", "dg_e", "dg_i"};
    enum Constant {
        v_reset, v_thresh, refractory_steps, g_leak, drive, e_rev_e, e_rev_i, decay_e, decay_i,
        mean_e, mean_i, mean_rise_e, mean_rise_i, rise_e, rise_i, n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_reset", "v_thresh", "refractory_steps", "g_leak", "drive",       "e_rev_e", "e_rev_i",
        "decay_e", "decay_i",  "mean_e",           "mean_i", "mean_rise_e", "mean_rise_i", "rise_e",  "rise_i"};

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static Channels open_channels(double (&x)[n_states], const Constants& c, double e, double i) {
        const Channels channels = Channels{c(g_leak), c(drive)}
                                      .with(x[g_e], c(mean_e), c(e_rev_e))
                                      .with(x[dg_e], c(mean_rise_e), c(e_rev_e))
                                      .with(x[g_i], c(mean_i), c(e_rev_i))
                                      .with(x[dg_i], c(mean_rise_i), c(e_rev_i));
        x[g_e] = fused(x[dg_e], c(rise_e), x[g_e]) * c(decay_e);
        x[g_i] = fused(x[dg_i], c(rise_i), x[g_i]) * c(decay_i);
        x[dg_e] = fused(x[dg_e], c(decay_e), e);
        x[dg_i] = fused(x[dg_i], c(decay_i), i);
        return channels;
    }
};

struct FacetsHardware1 : CondExp {
    static constexpr std::string_view name = "IF_facets_hardware1";
};

struct CondExpGsfaGrr {
    static constexpr std::string_view name = "IF_cond_exp_gsfa_grr";
    enum State { v, g_e, g_i, g_s, g_r, n_states };
    static constexpr Names<n_states> states{"v", "g_e", "g_i", "g_s", "g_r"};
    enum Constant {
        v_reset, v_thresh, refractory_steps, g_leak, drive, e_rev_e, e_rev_i, decay_e, decay_i,
        mean_e, mean_i, e_rev_s, decay_s, mean_s, q_s, e_rev_r, decay_r, mean_r, q_r, n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_reset", "v_thresh", "refractory_steps", "g_leak",       "drive",   "e_rev_e",
        "e_rev_i", "decay_e",  "decay_i",          "mean_e", "mean_i", "e_rev_s", "decay_s",
        "mean_s", "q_s",     "e_rev_r",          "decay_r",      "mean_r", "q_r"};

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static Channels open_channels(double (&x)[n_states], const Constants& c, double e, double i) {
        const Channels channels = Channels{c(g_leak), c(drive)}
                                      .with(x[g_e], c(mean_e), c(e_rev_e))
                                      .with(x[g_i], c(mean_i), c(e_rev_i))
                                      .with(x[g_s], c(mean_s), c(e_rev_s))
                                      .with(x[g_r], c(mean_r), c(e_rev_r));
        x[g_e] = fused(x[g_e], c(decay_e), e);
        x[g_i] = fused(x[g_i], c(decay_i), i);
        x[g_s] = x[g_s] * c(decay_s);
        x[g_r] = x[g_r] * c(decay_r);
        return channels;
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void after_spike(double (&x)[n_states], const Constants& c) {
        x[g_s] += c(q_s);
        x[g_r] += c(q_r);
    }
};

}  // namespace pycosim::native
