// The quadratic membrane of Izhikevich's neuron, which is not linear: its update over one sub-step.
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
    const Pair k2 = middle(fused(half, k1.x, x), fused(half, k1.y, y));
    const Pair k3 = middle(fused(half, k2.x, x), fused(half, k2.y, y));
    const Pair k4 = end(fused(h, k3.x, x), fused(h, k3.y, y));
    const double sixth = h * (1.0 / 6.0);
    return {fused(sixth, fused(2.0, k2.x + k3.x, k1.x + k4.x), x),
            fused(sixth, fused(2.0, k2.y + k3.y, k1.y + k4.y), y)};
}

PYCOSIM_ALWAYS_INLINE double smaller(double a, double b) { return a < b ? a : b; }

// At the start, middle and end of a sub-step: the synaptic conductance, and the synaptic current at 0 mV.
struct Synapses {
    double conductance[3], current[3];

    PYCOSIM_ALWAYS_INLINE double added(double inward, int point, double v) const {
        return inward + fused(-conductance[point], v, current[point]);
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
            const double inward = fused(fused(0.04, x, c(Constant::slope)), x, constant - at_u);
            return Pair{input.added(inward, point, x), c(Constant::a) * fused(c(Constant::b), x, -at_u)};
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

}  // namespace pycosim::native
