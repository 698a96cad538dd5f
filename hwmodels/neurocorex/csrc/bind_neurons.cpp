// NeuroCoreX's neuron for the native engine; the rules and their source are in hwmodels/neurocorex/neurons.py.
#include <cmath>

#include "../../../backends/native/csrc/own_module.hpp"

namespace {

using pycosim::native::Draws;

constexpr double kHalf = 0x1p17;

PYCOSIM_ALWAYS_INLINE double wrapped(double x) { return x - 2.0 * kHalf * std::floor((x + kHalf) / (2.0 * kHalf)); }

// The sign and the lowest 17 bits.
PYCOSIM_ALWAYS_INLINE double cut(double x) { return x - kHalf * std::floor(x / kHalf) - (x < 0.0 ? kHalf : 0.0); }

struct Lif {
    static constexpr std::string_view name = "neurocorex.LIF";
    enum State { v, count, n_states };
    static constexpr std::string_view states[] = {"v", "count"};
    enum Constant { threshold, leak, refractory, v_reset, bias, feedforward_scale };
    static constexpr std::string_view constants[] = {"threshold", "leak", "refractory",
                                                     "v_reset",   "bias", "feedforward_scale"};
    static constexpr std::size_t n_receptors = 2;

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws&) {
        const double current = cut(1024.0 * in[0]) + cut(1024.0 * c(feedforward_scale) * in[1]);
        const double now = wrapped(x[v] + c(bias));
        const bool fires = now >= c(threshold) && x[count] == 0.0;
        x[v] = fires ? c(v_reset) : wrapped(now - c(leak) + current);
        const bool is_left = x[count] > 0.0 && x[count] < c(refractory);
        x[count] = fires ? 1.0 : (is_left ? x[count] + 1.0 : 0.0);
        return fires;
    }
};

}  // namespace

PYCOSIM_OWN_MODEL(Lif)

PYCOSIM_OWN_MODULE(_neurons, &pycosim::native::own_model<Lif>)
