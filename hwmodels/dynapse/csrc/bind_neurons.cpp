// DYNAP-SE's neuron for the native engine; equations and sources are in hwmodels/dynapse/neurons.py.
#include <cmath>

#include "../../../backends/native/csrc/own_module.hpp"

namespace {

using pycosim::native::Draws;
using pycosim::native::exponential;

struct Dpi {
    static constexpr std::string_view name = "dynapse.DPINeuron";
    enum State { mem, nmda, ampa, gaba_a, gaba_b, ahp, held, n_states };
    static constexpr std::string_view states[] = {"Isoma_mem", "Inmda",     "Iampa", "Igaba_a",
                                                  "Igaba_b",   "Isoma_ahp", "held"};
    enum Constant {
        substeps, substep_ms, I0, alpha, leak, gain, rate, dark_rate, constant, threshold, reset, refractory,
        pfb_gain, pfb_th, per_pfb_norm, nmda_thr, jump_nmda, jump_ampa, jump_gaba_a, jump_gaba_b, jump_ahp,
        half_nmda, half_ampa, half_gaba_a, half_gaba_b, half_ahp
    };
    static constexpr std::string_view constants[] = {
        "substeps",  "substep_ms", "I0",          "alpha",       "leak",      "gain",     "rate",
        "dark_rate", "constant",   "threshold",   "reset",       "refractory", "pfb_gain", "pfb_th",
        "per_pfb_norm", "nmda_thr", "jump_nmda",  "jump_ampa",   "jump_gaba_a", "jump_gaba_b", "jump_ahp",
        "half_nmda", "half_ampa",  "half_gaba_a", "half_gaba_b", "half_ahp"};
    static constexpr std::size_t n_receptors = 4;

    PYCOSIM_ALWAYS_INLINE static double larger(double x, double y) { return x > y ? x : y; }

    // The membrane after a time, as the linear equation with the coefficients at another membrane.
    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static double relaxed(double start, double at, const double (&x)[n_states],
                                                const Constants& c, double h_ms) {
        const bool above = at > c(I0);
        const double given =
            larger(x[nmda] / (1.0 + c(nmda_thr) / at) + x[ampa] - x[gaba_b] + c(constant), c(I0));
        const double feedback = c(pfb_gain) / (1.0 + exponential((c(pfb_th) - at) * c(per_pfb_norm)));
        const double taken = above ? c(leak) + x[ahp] + x[gaba_a] - feedback : c(I0);
        const double per_ms = above ? c(rate) * at / (at + c(gain)) : c(dark_rate);
        const double shunt = above ? taken / c(leak) : 0.0;
        const double z = -per_ms * shunt * h_ms;
        const bool is_small = std::fabs(z) < 1e-3;
        const double divided = is_small ? 1.0 : z;
        const double series = 1.0 + z * (0.5 + z * (1.0 / 6.0 + z * (1.0 / 24.0)));
        const double shape = is_small ? series : (exponential(divided) - 1.0) / divided;
        return larger(start + per_ms * (c(alpha) * (given - taken) - shunt * start) * h_ms * shape, c(I0));
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static void decay(double (&x)[n_states], const Constants& c) {
        for (int i = nmda; i <= ahp; ++i) x[i] = larger(x[i] * c(half_nmda + (i - nmda)), c(I0));
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws&) {
        const double h_ms = c(substep_ms);
        const bool is_held = x[held] > 0.0;
        const int n = static_cast<int>(c(substeps));
        for (int k = 0; k < n; ++k) {
            const double half = relaxed(x[mem], x[mem], x, c, 0.5 * h_ms);
            decay(x, c);
            const double start = half > c(I0) ? x[mem] : half;  // it stays where it has reached I0
            const double moved = relaxed(start, half, x, c, h_ms);
            x[mem] = is_held || x[mem] > c(threshold) ? x[mem] : moved;
            decay(x, c);
        }
        const bool fires = !is_held && x[mem] > c(threshold);
        x[mem] = fires ? c(reset) : x[mem];
        x[held] = fires ? c(refractory) : (x[held] > 1.0 ? x[held] - 1.0 : 0.0);
        x[ahp] = fires ? x[ahp] + c(jump_ahp) : x[ahp];
        for (int r = 0; r < 4; ++r) x[nmda + r] = x[nmda + r] + c(jump_nmda + r) * in[r];
        return fires;
    }
};

}  // namespace

PYCOSIM_OWN_MODEL(Dpi)

PYCOSIM_OWN_MODULE(_neurons, &pycosim::native::own_model<Dpi>)
