// The models whose membranes are not linear: their update over one sub-step.
//
// Notation and order of operations are those of pycosim/network/nonlinear.py and backends/reference/nonlinear.py. A step
// is `substeps` calls of `substep`, with the steps left of the refractory period, then one of `integrate`, which adds
// what arrives.
#pragma once

#include "models.hpp"

namespace pycosim::native {

struct Pair {
    double x, y;
};

// The classical rule of fourth order; the slopes are those at the start, middle and end of the sub-step `h`.
template <class Start, class Middle, class End>
PYCOSIM_ALWAYS_INLINE Pair runge_kutta(double x, double y, double h, Start start, Middle middle, End end) {
    const double half = 0.5 * h;
    const Pair k1 = start(x, y);
    const Pair k2 = middle(x + half * k1.x, y + half * k1.y);
    const Pair k3 = middle(x + half * k2.x, y + half * k2.y);
    const Pair k4 = end(x + h * k3.x, y + h * k3.y);
    const double sixth = h * (1.0 / 6.0);
    return {x + sixth * (k1.x + 2.0 * (k2.x + k3.x) + k4.x), y + sixth * (k1.y + 2.0 * (k2.y + k3.y) + k4.y)};
}

PYCOSIM_ALWAYS_INLINE double smaller(double a, double b) { return a < b ? a : b; }

// At the start, middle and end of a sub-step: the synaptic conductance, and the synaptic current at 0 mV.
struct Synapses {
    double conductance[3], current[3];

    PYCOSIM_ALWAYS_INLINE double added(double inward, int point, double v) const {
        return inward + (current[point] - conductance[point] * v);
    }
};

struct NoSynapses {
    PYCOSIM_ALWAYS_INLINE double added(double inward, int, double) const { return inward; }
};

template <class Constant, class Constants, class Input>
PYCOSIM_ALWAYS_INLINE void izhikevich_substep(double& v, double& u, const Constants& c, const Input& input) {
    const auto slopes_at = [&](int point) PYCOSIM_LAMBDA_INLINE {
        return [&c, &input, point](double at_v, double at_u) PYCOSIM_LAMBDA_INLINE {
            // What begins above the threshold does not move.
            const double x = point == 0 ? at_v : smaller(at_v, c(Constant::v_thresh));
            const double constant = 140.0 + c(Constant::drive);  // once for a block of equal neurons
            const double inward = (0.04 * x + c(Constant::slope)) * x + constant - at_u;
            return Pair{input.added(inward, point, x), c(Constant::a) * (c(Constant::b) * x - at_u)};
        };
    };
    const bool moves = v < c(Constant::v_thresh);
    const Pair next = runge_kutta(v, u, c(Constant::substep_ms), slopes_at(0), slopes_at(1), slopes_at(2));
    v = moves ? next.x : v;
    u = moves ? next.y : u;
}

struct Izhikevich {
    static constexpr std::string_view name = "Izhikevich";
    enum State { v, u, n_states };
    static constexpr Names<n_states> states{"v", "u"};
    enum Constant {
        v_reset, v_thresh, slope, drive, substeps, substep_ms, a, b, d, n_constants
    };
    static constexpr Names<n_constants> constants{"v_reset",    "v_thresh", "slope", "drive", "substeps",
                                                  "substep_ms", "a",        "b",     "d"};

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void substep(double (&x)[n_states], const Constants& c, double) {
        izhikevich_substep<Izhikevich>(x[v], x[u], c, NoSynapses{});
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants&, double e, double i) {
        x[v] = x[v] + e + i;
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void after_spike(double (&x)[n_states], const Constants& c) {
        x[u] += c(d);
    }
};

template <class Constant, class Constants>
PYCOSIM_ALWAYS_INLINE void eif_substep(double& v, double& w, const Constants& c, const Synapses& s, double left) {
    const double free = left > 0.0 ? 0.0 : 1.0;
    const auto slopes_at = [&](int point) PYCOSIM_LAMBDA_INLINE {
        const double conductance = s.conductance[point], current = s.current[point];
        return [&c, conductance, current, free](double at_v, double at_w) PYCOSIM_LAMBDA_INLINE {
            const double x = smaller(at_v, c(Constant::v_thresh));
            const double rise = c(Constant::g_rise) * exponential((x - c(Constant::v_rise)) * c(Constant::per_delta_t));
            const double inward = c(Constant::drive) + rise + current;
            const double slope =
                (inward - at_w - (c(Constant::g_leak) + conductance) * x) * c(Constant::per_cm) * free;
            return Pair{slope, (c(Constant::a) * (x - c(Constant::v_rest)) - at_w) * c(Constant::per_tau_w)};
        };
    };
    const bool moves = (left > 0.0) | (v < c(Constant::v_thresh));
    const Pair next = runge_kutta(v, w, c(Constant::substep_ms), slopes_at(0), slopes_at(1), slopes_at(2));
    v = moves ? next.x : v;
    w = moves ? next.y : w;
}

// The synapses of one point from the conductances of the excitatory and the inhibitory receptor.
template <class Model, class Constants>
PYCOSIM_ALWAYS_INLINE void set_point(Synapses& s, int point, const Constants& c, double g_e, double g_i) {
    s.conductance[point] = g_e + g_i;
    s.current[point] = g_e * c(Model::e_rev_e) + g_i * c(Model::e_rev_i);
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

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void substep(double (&x)[n_states], const Constants& c, double left) {
        Synapses s;
        set_point<EifCondExp>(s, 0, c, x[g_e], x[g_i]);
        for (int point = 1; point < 3; ++point) {
            x[g_e] = x[g_e] * c(half_decay_e);
            x[g_i] = x[g_i] * c(half_decay_i);
            set_point<EifCondExp>(s, point, c, x[g_e], x[g_i]);
        }
        eif_substep<EifCondExp>(x[v], x[w], c, s, left);
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

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void substep(double (&x)[n_states], const Constants& c, double left) {
        Synapses s;
        set_point<EifCondAlpha>(s, 0, c, x[g_e], x[g_i]);
        for (int point = 1; point < 3; ++point) {
            x[g_e] = (x[g_e] + x[dg_e] * c(half_substep_ms)) * c(half_decay_e);
            x[g_i] = (x[g_i] + x[dg_i] * c(half_substep_ms)) * c(half_decay_i);
            x[dg_e] = x[dg_e] * c(half_decay_e);
            x[dg_i] = x[dg_i] * c(half_decay_i);
            set_point<EifCondAlpha>(s, point, c, x[g_e], x[g_i]);
        }
        eif_substep<EifCondAlpha>(x[v], x[w], c, s, left);
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
