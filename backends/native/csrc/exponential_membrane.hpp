// The exponential integrate-and-fire models: their update over one step, in loops over a block of neurons.
//
// Notation and scheme are those of pycosim/network/nonlinear.py and backends/reference/nonlinear.py. Each stage of the
// Runge-Kutta rule is a loop of its own: a neuron's next stage waits for this one, other neurons do not.
#pragma once

#include "models.hpp"
#include "relaxation.hpp"

namespace pycosim::native {

// At the start, middle and end of a sub-step: the synaptic conductances, and the synaptic currents at 0 mV.
struct SynapseRows {
    alignas(64) double conductance[3][kBlock], current[3][kBlock];
};

// Advances `n` membranes and their adaptation by a sub-step; `at(i)` has the constants of a neuron.
template <class Constant, class ConstantsAt>
PYCOSIM_ALWAYS_INLINE void eif_substep(double* __restrict v, double* __restrict w, const double* __restrict left,
                                       const SynapseRows& synapses, const ConstantsAt& at, std::size_t n) {
    alignas(64) double at_v[kBlock], at_w[kBlock], first_v[kBlock], first_w[kBlock], middle_v[kBlock], middle_w[kBlock];
    const auto stage = [&](int point, const double* from_v, const double* from_w, auto then) PYCOSIM_LAMBDA_INLINE {
        PYCOSIM_INDEPENDENT
        for (std::size_t i = 0; i < n; ++i) {
            const auto c = at(i);
            const double below = c(Constant::v_thresh), y = from_w[i];
            const double x = from_v[i] < below ? from_v[i] : below;
            const double rise =
                c(Constant::g_rise) * parallel_exponential((x - c(Constant::v_rise)) * c(Constant::per_delta_t));
            const double inward = c(Constant::drive) + rise + synapses.current[point][i];
            const double per_cm = left[i] > 0.0 ? 0.0 : c(Constant::per_cm);
            const double outward = (c(Constant::g_leak) + synapses.conductance[point][i]) * x;
            then(i, c, (inward - y - outward) * per_cm,
                 (c(Constant::a) * (x - c(Constant::v_rest)) - y) * c(Constant::per_tau_w));
        }
    };
    stage(0, v, w, [&](std::size_t i, const auto& c, double slope_v, double slope_w) PYCOSIM_LAMBDA_INLINE {
        const double half = 0.5 * c(Constant::substep_ms);
        first_v[i] = slope_v;
        first_w[i] = slope_w;
        at_v[i] = v[i] + half * slope_v;
        at_w[i] = w[i] + half * slope_w;
    });
    stage(1, at_v, at_w, [&](std::size_t i, const auto& c, double slope_v, double slope_w) PYCOSIM_LAMBDA_INLINE {
        const double half = 0.5 * c(Constant::substep_ms);
        middle_v[i] = slope_v;
        middle_w[i] = slope_w;
        at_v[i] = v[i] + half * slope_v;
        at_w[i] = w[i] + half * slope_w;
    });
    stage(1, at_v, at_w, [&](std::size_t i, const auto& c, double slope_v, double slope_w) PYCOSIM_LAMBDA_INLINE {
        const double h = c(Constant::substep_ms);
        middle_v[i] += slope_v;
        middle_w[i] += slope_w;
        at_v[i] = v[i] + h * slope_v;
        at_w[i] = w[i] + h * slope_w;
    });
    stage(2, at_v, at_w, [&](std::size_t i, const auto& c, double slope_v, double slope_w) PYCOSIM_LAMBDA_INLINE {
        const double sixth = c(Constant::substep_ms) * (1.0 / 6.0);
        const bool moves = (left[i] > 0.0) | (v[i] < c(Constant::v_thresh));
        const double next_v = v[i] + sixth * (first_v[i] + 2.0 * middle_v[i] + slope_v);
        const double next_w = w[i] + sixth * (first_w[i] + 2.0 * middle_w[i] + slope_w);
        v[i] = moves ? next_v : v[i];
        w[i] = moves ? next_w : w[i];
    });
}

// The two models differ in how conductances go on in half a sub-step.
template <class Model, class Rows>
PYCOSIM_ALWAYS_INLINE void advance_eif(const Rows& rows) {
    SynapseRows synapses;
    const auto n_substeps = static_cast<int>(rows.constants.of(0)(Model::substeps));
    for (int k = 0; k < n_substeps; ++k) {
        PYCOSIM_INDEPENDENT
        for (std::size_t i = 0; i < rows.n; ++i) {
            const auto c = rows.constants.of(i);
            double x[Model::n_states];
            for (int s = Model::g_e; s < Model::n_states; ++s) x[s] = rows.state[s][i];
            for (int point = 0; point < 3; ++point) {
                if (point > 0) Model::half_substep(x, c);
                synapses.conductance[point][i] = x[Model::g_e] + x[Model::g_i];
                synapses.current[point][i] = x[Model::g_e] * c(Model::e_rev_e) + x[Model::g_i] * c(Model::e_rev_i);
            }
            for (int s = Model::g_e; s < Model::n_states; ++s) rows.state[s][i] = x[s];
        }
        eif_substep<Model>(rows.state[Model::v], rows.state[Model::w], rows.left, synapses,
                           [&](std::size_t i) PYCOSIM_LAMBDA_INLINE { return rows.constants.of(i); }, rows.n);
    }
}

struct EifCondExp {
    static constexpr std::string_view name = "EIF_cond_exp_isfa_ista";
    enum State { v, w, g_e, g_i, n_states };
    static constexpr Names<n_states> states{"v", "w", "g_e", "g_i"};
    enum Constant {
        v_reset, v_thresh, refractory_steps, substeps, substep_ms, g_leak, g_rise, v_rise, per_delta_t, per_cm, drive,
        v_rest, a, b, per_tau_w, e_rev_e, e_rev_i, half_decay_e, half_decay_i, n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_reset", "v_thresh", "refractory_steps", "substeps", "substep_ms", "g_leak",    "g_rise",
        "v_rise",  "per_delta_t", "per_cm",        "drive",    "v_rest",     "a",         "b",
        "per_tau_w", "e_rev_e",   "e_rev_i",       "half_decay_e", "half_decay_i"};

    template <class Rows>
    PYCOSIM_ALWAYS_INLINE static void advance(const Rows& rows) {
        advance_eif<EifCondExp>(rows);
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void half_substep(double (&x)[n_states], const Constants& c) {
        x[g_e] = x[g_e] * c(half_decay_e);
        x[g_i] = x[g_i] * c(half_decay_i);
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants&, double e, double i) {
        x[g_e] = x[g_e] + e;
        x[g_i] = x[g_i] + i;
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void after_spike(double (&x)[n_states], const Constants& c) {
        x[w] += c(b);
    }
};

struct EifCondAlpha {
    static constexpr std::string_view name = "EIF_cond_alpha_isfa_ista";
    enum State { v, w, g_e, g_i, dg_e, dg_i, n_states };
    static constexpr Names<n_states> states{"v", "w", "g_e", "g_i", "dg_e", "dg_i"};
    enum Constant {
        v_reset, v_thresh, refractory_steps, substeps, substep_ms, g_leak, g_rise, v_rise, per_delta_t, per_cm, drive,
        v_rest, a, b, per_tau_w, e_rev_e, e_rev_i, half_decay_e, half_decay_i, jump_e, jump_i, half_substep_ms,
        n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_reset", "v_thresh", "refractory_steps", "substeps", "substep_ms", "g_leak",    "g_rise",
        "v_rise",  "per_delta_t", "per_cm",        "drive",    "v_rest",     "a",         "b",
        "per_tau_w", "e_rev_e",   "e_rev_i",       "half_decay_e", "half_decay_i", "jump_e", "jump_i",
        "half_substep_ms"};

    template <class Rows>
    PYCOSIM_ALWAYS_INLINE static void advance(const Rows& rows) {
        advance_eif<EifCondAlpha>(rows);
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void half_substep(double (&x)[n_states], const Constants& c) {
        x[g_e] = (x[g_e] + x[dg_e] * c(half_substep_ms)) * c(half_decay_e);
        x[g_i] = (x[g_i] + x[dg_i] * c(half_substep_ms)) * c(half_decay_i);
        x[dg_e] = x[dg_e] * c(half_decay_e);
        x[dg_i] = x[dg_i] * c(half_decay_i);
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants& c, double e, double i) {
        x[dg_e] = x[dg_e] + e * c(jump_e);
        x[dg_i] = x[dg_i] + i * c(jump_i);
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void after_spike(double (&x)[n_states], const Constants& c) {
        x[w] += c(b);
    }
};

}  // namespace pycosim::native
