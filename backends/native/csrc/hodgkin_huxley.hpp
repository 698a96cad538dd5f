// The Hodgkin-Huxley model: its update over one step, in loops over a block of neurons.
//
// Notation and scheme are those of pycosim/network/nonlinear.py and backends/reference/nonlinear.py. What is written
// otherwise here takes a sixth of the time: one exponential function and one division for all rates of a neuron, and
// polynomials for what relaxes in a short time, as all but runaway membranes do.
#pragma once

#include "models.hpp"
#include "relaxation.hpp"

namespace pycosim::native {

// Rates of the gates at u, the membrane above v_offset in mV, per ms.
struct GateRates {
    double m_opens, m_closes, h_opens, h_closes, n_opens, n_closes;
};

// Where all rates are below 50 per ms, so that for gates a sub-step (0.01 ms at most) is short.
PYCOSIM_ALWAYS_INLINE bool is_usual(double u) { return (u >= -90.0) & (u <= 150.0); }

// e^(-u/360) where is_usual(u): interpolation at eleven Chebyshev nodes, relative error at most 6e-16 (measured).
PYCOSIM_ALWAYS_INLINE double root_of_usual(double u) {
    const double x = u * (-1.0 / 360.0);
    const double x2 = x * x, x4 = x2 * x2;
    const double low = (1.0 + x * 0x1.fffffffffffdbp-1) +
                       x2 * (0x1.ffffffffffe01p-2 + x * 0x1.555555555c042p-3);
    const double middle = (0x1.55555555cea34p-5 + x * 0x1.111110fcc8e45p-7) +
                          x2 * (0x1.6c16bea62f9d4p-10 + x * 0x1.a01a548ba53e8p-13);
    const double high = (0x1.a02793802a2a3p-16 + x * 0x1.71aa466e722d3p-19) + x2 * 0x1.10ddecf497a4dp-22;
    return low + x4 * (middle + x4 * high);
}

// The same for any u. Beyond 800 mV, where products of powers would overflow, rates below 1e-8 per ms do not fall on,
// and a gate is at its limit at once.
PYCOSIM_ALWAYS_INLINE double root_of_any(double u) {
    const double above = u > -800.0 ? u : -800.0;
    const double between = above < 800.0 ? above : 800.0;
    return is_usual(u) ? root_of_usual(u) : parallel_exponential(between * (-1.0 / 360.0));
}

// x / (e^x - 1), of which the denominator is divided by with others.
struct Ramp {
    double x, denominator;

    PYCOSIM_ALWAYS_INLINE Ramp(double at, double power) : x(at), denominator(is_near_zero() ? 1.0 : power - 1.0) {}
    // As a series near 0, where the difference loses digits.
    PYCOSIM_ALWAYS_INLINE double over(double inverse) const {
        return is_near_zero() ? 1.0 + x * (x * (1.0 / 12.0) - 0.5) : x * inverse;
    }
    PYCOSIM_ALWAYS_INLINE bool is_near_zero() const { return (x < 0.004) & (x > -0.004); }
};

// All exponents are multiples of u/360, so that products of the root give all powers.
PYCOSIM_ALWAYS_INLINE GateRates gate_rates(double u, double root) {
    constexpr double e_13_4 = 0x1.9ca53b781114bp+4, e_8 = 0x1.749ea7d470c6ep+11, e_3 = 0x1.415e5bf6fb106p+4;
    constexpr double opening = 0x1.5109581b10354p-2, closing = 0x1.48b5e3c3e8186p-1;  // 0.128 e^(17/18), 0.5 e^(1/4)
    const double root_2 = root * root, root_4 = root_2 * root_2, root_8 = root_4 * root_4, root_16 = root_8 * root_8;
    const double by_40 = root_8 * root;
    const double by_20 = by_40 * by_40, by_10 = by_20 * by_20, by_5 = by_10 * by_10;
    const Ramp a((13.0 - u) * 0.25, e_13_4 * (by_5 * by_20));
    const double e_c = e_8 * by_5;
    const Ramp c((40.0 - u) * 0.2, e_c);
    const Ramp d((15.0 - u) * 0.2, e_3 * by_5);
    const double one_more = 1.0 + e_c;
    // One division: the inverse of each of the four from that of their product.
    const double a_d = a.denominator * d.denominator, c_more = c.denominator * one_more;
    const double inverse = 1.0 / (a_d * c_more);
    const double of_a_d = inverse * c_more, of_c_more = inverse * a_d;
    return {1.28 * a.over(of_a_d * d.denominator),
            1.4 * (c.x + c.over(of_c_more * one_more)),
            opening * (root_16 * root_4),
            4.0 * (of_c_more * c.denominator),
            0.16 * d.over(of_a_d * a.denominator),
            closing * by_40};
}

struct HhCondExp {
    static constexpr std::string_view name = "HH_cond_exp";
    enum State { v, m, h, n, g_e, g_i, n_states };
    static constexpr Names<n_states> states{"v", "m", "h", "n", "g_e", "g_i"};
    enum Constant {
        v_thresh, substeps, substep_ms, g_leak, gbar_na, gbar_k, e_rev_na, e_rev_k, v_offset, drive, e_rev_e, e_rev_i,
        half_over_cm, half_mean_e, half_mean_i, half_decay_e, half_decay_i,
        whole_over_cm, whole_mean_e, whole_mean_i, whole_decay_e, whole_decay_i, n_constants
    };
    static constexpr Names<n_constants> constants{
        "v_thresh",     "substeps",      "substep_ms",   "g_leak",       "gbar_na",       "gbar_k",
        "e_rev_na",     "e_rev_k",       "v_offset",     "drive",        "e_rev_e",       "e_rev_i",
        "half_over_cm", "half_mean_e",   "half_mean_i",  "half_decay_e", "half_decay_i",  "whole_over_cm",
        "whole_mean_e", "whole_mean_i",  "whole_decay_e", "whole_decay_i"};

    // Leaves in `left` whether a membrane has risen to the threshold.
    template <class Rows>
    PYCOSIM_ALWAYS_INLINE static void advance(const Rows& rows) {
        for (std::size_t i = 0; i < rows.n; ++i) rows.left[i] = 0.0;
        const auto n_substeps = static_cast<int>(rows.constants.of(0)(substeps));
        bool all_usual = membrane<half_over_cm>(rows);
        for (int k = 0; k < n_substeps; ++k) {
            if (all_usual) gates<true>(rows);
            else gates<false>(rows);
            all_usual = k < n_substeps - 1 ? membrane<whole_over_cm>(rows) : membrane<half_over_cm>(rows);
        }
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void integrate(double (&x)[n_states], const Constants&, double e, double i) {
        x[g_e] = x[g_e] + e;
        x[g_i] = x[g_i] + i;
    }

  private:
    // Half a sub-step, or a whole one: `over_cm` is the first of its constants. Returns whether all membranes are usual.
    template <int over_cm, class Rows>
    PYCOSIM_ALWAYS_INLINE static bool membrane(const Rows& rows) {
        alignas(64) double total[kBlock], inward[kBlock];
        const double *__restrict const gate_m = rows.state[m], *__restrict const gate_h = rows.state[h],
                                      *__restrict const gate_n = rows.state[n];
        double *__restrict const e = rows.state[g_e], *__restrict const i = rows.state[g_i];
        std::int64_t any_long = 0;
        PYCOSIM_INDEPENDENT
        for (std::size_t k = 0; k < rows.n; ++k) {
            const auto c = rows.constants.of(k);
            const double of_e = e[k] * c(over_cm + 1), of_i = i[k] * c(over_cm + 2);
            const double g_na = c(gbar_na) * (gate_m[k] * gate_m[k] * gate_m[k]) * gate_h[k];
            const double squared = gate_n[k] * gate_n[k];
            const double g_k = c(gbar_k) * (squared * squared);
            total[k] = c(g_leak) + g_na + g_k + of_e + of_i;
            inward[k] =
                c(drive) + g_na * c(e_rev_na) + g_k * c(e_rev_k) + of_e * c(e_rev_e) + of_i * c(e_rev_i);
            e[k] = e[k] * c(over_cm + 3);
            i[k] = i[k] * c(over_cm + 4);
            any_long |= is_moderate(total[k] * c(over_cm)) ? 0 : 1;
        }
        return any_long ? relax<over_cm, false>(rows, total, inward) : relax<over_cm, true>(rows, total, inward);
    }

    template <int over_cm, bool all_moderate, class Rows>
    PYCOSIM_ALWAYS_INLINE static bool relax(const Rows& rows, const double* __restrict total,
                                            const double* __restrict inward) {
        double *__restrict const membrane = rows.state[v], *__restrict const left = rows.left;
        std::int64_t any_unusual = 0;
        PYCOSIM_INDEPENDENT
        for (std::size_t k = 0; k < rows.n; ++k) {
            const auto c = rows.constants.of(k);
            const double x = total[k] * c(over_cm);
            const double mean = all_moderate ? moderate_mean(x) : any_mean<moderate_mean, is_moderate>(x);
            const double before = membrane[k];
            const double after = relaxed(before, total[k], inward[k], c(over_cm), mean);
            const double threshold = c(v_thresh);
            left[k] = ((before < threshold) & (after >= threshold)) ? 1.0 : left[k];
            membrane[k] = after;
            any_unusual |= is_usual(after - c(v_offset)) ? 0 : 1;
        }
        return !any_unusual;
    }

    // In loops of their own, rates and gates wait less for each other.
    template <bool all_usual, class Rows>
    PYCOSIM_ALWAYS_INLINE static void gates(const Rows& rows) {
        alignas(64) double opens[3][kBlock], total[3][kBlock];
        const double* __restrict const membrane = rows.state[v];
        PYCOSIM_INDEPENDENT
        for (std::size_t k = 0; k < rows.n; ++k) {
            const double u = membrane[k] - rows.constants.of(k)(v_offset);
            const GateRates rates = gate_rates(u, all_usual ? root_of_usual(u) : root_of_any(u));
            opens[0][k] = rates.m_opens;
            opens[1][k] = rates.h_opens;
            opens[2][k] = rates.n_opens;
            total[0][k] = rates.m_opens + rates.m_closes;
            total[1][k] = rates.h_opens + rates.h_closes;
            total[2][k] = rates.n_opens + rates.n_closes;
        }
        for (int gate = 0; gate < 3; ++gate) {
            double* __restrict const open = rows.state[m + gate];
            for (std::size_t k = 0; k < rows.n; ++k) {
                const double ms = rows.constants.of(k)(substep_ms), x = total[gate][k] * ms;
                const double mean = all_usual ? short_mean(x) : any_mean<short_mean, is_short>(x);
                open[k] = relaxed(open[k], total[gate][k], opens[gate][k], ms, mean);
            }
        }
    }
};

}  // namespace pycosim::native
