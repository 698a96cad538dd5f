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

// e^d for |d| <= 1/4: interpolation at nine Chebyshev nodes, relative error at most 5.2e-14.
PYCOSIM_ALWAYS_INLINE bool is_small(double d) { return (d <= 0.25) & (d >= -0.25); }

PYCOSIM_ALWAYS_INLINE double small_exponential(double d) {
    const double d2 = d * d, d4 = d2 * d2;
    const double low = (1.0 + d * 0x1.fffffffffcbecp-1) +
                       d2 * (0x1.ffffffffff596p-2 + d * 0x1.555555602ec63p-3);
    const double high = (0x1.55555559ac14bp-5 + d * 0x1.1110ea036e814p-7) +
                        d2 * (0x1.6c16a22f7972ap-10 + d * 0x1.a0ea3c0b6211bp-13);
    return low + d4 * (high + d4 * 0x1.a0c090b3f85f1p-16);
}

// A sub-step of a block of neurons. The exponential current at a stage follows from that at the start, from which the
// membrane is a small part of delta_t away unless it runs away to a spike; where one does, both ways are computed and
// each neuron has its own, so that its bits do not depend on the others.
template <class Constant, class ConstantsAt>
class EifSubstep {
  public:
    PYCOSIM_ALWAYS_INLINE EifSubstep(double* v, double* w, const double* left, const SynapseRows& synapses,
                                     const ConstantsAt& at, std::size_t n)
        : v_(v), w_(w), left_(left), synapses_(synapses), at_(at), n_(n) {}

    PYCOSIM_ALWAYS_INLINE void advance() {
        const bool first_far = start();
        const bool second_far = first_far ? middle<true, false>() : middle<false, false>();
        const bool third_far = second_far ? middle<true, true>() : middle<false, true>();
        third_far ? end<true>() : end<false>();
    }

  private:
    struct Slopes {
        double v, w;
    };

    template <class C>
    PYCOSIM_ALWAYS_INLINE Slopes slopes(int point, std::size_t i, const C& c, double x, double y, double rise) const {
        const double inward = c(Constant::drive) + rise + synapses_.current[point][i];
        const double outward = (c(Constant::g_leak) + synapses_.conductance[point][i]) * x;
        const double slope_of_y = (c(Constant::a) * (x - c(Constant::v_rest)) - y) * c(Constant::per_tau_w);
        return {(inward - y - outward) * per_cm_[i], slope_of_y};
    }

    // Where the next stage is, `length` from the start; returns whether that is far for the exponential current.
    template <class C>
    PYCOSIM_ALWAYS_INLINE bool go_to(std::size_t i, const C& c, double v, double w, double length, Slopes slope) {
        const double x = v + length * slope.v, below = c(Constant::v_thresh);
        x_[i] = x < below ? x : below;
        y_[i] = w + length * slope.w;
        distance_[i] = (x_[i] - start_x_[i]) * c(Constant::per_delta_t);
        return !is_small(distance_[i]);
    }

    template <bool any_far, class C>
    PYCOSIM_ALWAYS_INLINE double rise(std::size_t i, const C& c) const {
        const double near = start_rise_[i] * small_exponential(distance_[i]);
        if constexpr (!any_far) return near;
        return is_small(distance_[i]) ? near : rise_at(c, x_[i]);
    }

    template <class C>
    PYCOSIM_ALWAYS_INLINE static double rise_at(const C& c, double x) {
        return c(Constant::g_rise) * parallel_exponential((x - c(Constant::v_rise)) * c(Constant::per_delta_t));
    }

    PYCOSIM_ALWAYS_INLINE bool start() {
        double *__restrict const v = v_, *__restrict const w = w_;
        std::int64_t any_far = 0;
        PYCOSIM_INDEPENDENT
        for (std::size_t i = 0; i < n_; ++i) {
            const auto c = at_(i);
            const double below = c(Constant::v_thresh), x = v[i] < below ? v[i] : below;
            start_x_[i] = x;
            start_rise_[i] = rise_at(c, x);
            per_cm_[i] = left_[i] > 0.0 ? 0.0 : c(Constant::per_cm);
            const Slopes slope = slopes(0, i, c, x, w[i], start_rise_[i]);
            first_v_[i] = slope.v;
            first_w_[i] = slope.w;
            any_far |= go_to(i, c, v[i], w[i], 0.5 * c(Constant::substep_ms), slope) ? 1 : 0;
        }
        return any_far != 0;
    }

    template <bool any_far, bool again>
    PYCOSIM_ALWAYS_INLINE bool middle() {
        double *__restrict const v = v_, *__restrict const w = w_;
        std::int64_t any_far_next = 0;
        PYCOSIM_INDEPENDENT
        for (std::size_t i = 0; i < n_; ++i) {
            const auto c = at_(i);
            const Slopes slope = slopes(1, i, c, x_[i], y_[i], rise<any_far>(i, c));
            middle_v_[i] = again ? middle_v_[i] + slope.v : slope.v;
            middle_w_[i] = again ? middle_w_[i] + slope.w : slope.w;
            const double length = again ? c(Constant::substep_ms) : 0.5 * c(Constant::substep_ms);
            any_far_next |= go_to(i, c, v[i], w[i], length, slope) ? 1 : 0;
        }
        return any_far_next != 0;
    }

    template <bool any_far>
    PYCOSIM_ALWAYS_INLINE void end() {
        double *__restrict const v = v_, *__restrict const w = w_;
        PYCOSIM_INDEPENDENT
        for (std::size_t i = 0; i < n_; ++i) {
            const auto c = at_(i);
            const Slopes last = slopes(2, i, c, x_[i], y_[i], rise<any_far>(i, c));
            const double sixth = c(Constant::substep_ms) * (1.0 / 6.0);
            const bool moves = (left_[i] > 0.0) | (v[i] < c(Constant::v_thresh));
            const double next_v = v[i] + sixth * (first_v_[i] + 2.0 * middle_v_[i] + last.v);
            const double next_w = w[i] + sixth * (first_w_[i] + 2.0 * middle_w_[i] + last.w);
            v[i] = moves ? next_v : v[i];
            w[i] = moves ? next_w : w[i];
        }
    }

    using Row = double[kBlock];

    double *v_, *w_;
    const double* left_;
    const SynapseRows& synapses_;
    const ConstantsAt& at_;
    std::size_t n_;
    alignas(64) Row per_cm_, start_x_, start_rise_, x_, y_, distance_, first_v_, first_w_, middle_v_, middle_w_;
};

// Advances `n` membranes and their adaptation by a sub-step; `at(i)` has the constants of a neuron.
template <class Constant, class ConstantsAt>
PYCOSIM_ALWAYS_INLINE void eif_substep(double* v, double* w, const double* left, const SynapseRows& synapses,
                                       const ConstantsAt& at, std::size_t n) {
    EifSubstep<Constant, ConstantsAt>(v, w, left, synapses, at, n).advance();
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
        v_rest, a, b, per_tau_w, e_rev_e, e_rev_i, half_decay_e, half_decay_i, half_rise_e, half_rise_i,
        n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_reset", "v_thresh", "refractory_steps", "substeps", "substep_ms", "g_leak",    "g_rise",
        "v_rise",  "per_delta_t", "per_cm",        "drive",    "v_rest",     "a",         "b",
        "per_tau_w", "e_rev_e",   "e_rev_i",       "half_decay_e", "half_decay_i", "half_rise_e", "half_rise_i"};

    template <class Rows>
    PYCOSIM_ALWAYS_INLINE static void advance(const Rows& rows) {
        advance_eif<EifCondAlpha>(rows);
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void half_substep(double (&x)[n_states], const Constants& c) {
        x[g_e] = (x[g_e] + x[dg_e] * c(half_rise_e)) * c(half_decay_e);
        x[g_i] = (x[g_i] + x[dg_i] * c(half_rise_i)) * c(half_decay_i);
        x[dg_e] = x[dg_e] * c(half_decay_e);
        x[dg_i] = x[dg_i] * c(half_decay_i);
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants&, double e, double i) {
        x[dg_e] = x[dg_e] + e;
        x[dg_i] = x[dg_i] + i;
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void after_spike(double (&x)[n_states], const Constants& c) {
        x[w] += c(b);
    }
};

}  // namespace pycosim::native
