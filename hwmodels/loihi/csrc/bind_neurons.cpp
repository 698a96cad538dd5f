// Loihi's compartments for the native engine; the rules and their sources are in hwmodels/loihi/neurons.py.
#include <cmath>

#include "../../../backends/native/csrc/own_module.hpp"

namespace {

using pycosim::native::Draws;

// x (4096 - decay) / 4096, toward zero.
PYCOSIM_ALWAYS_INLINE double decayed(double x, double decay) { return std::trunc(x * (4096.0 - decay) / 4096.0); }

// Two's complement of so many bits: `half` is 2^(bits - 1).
PYCOSIM_ALWAYS_INLINE double wrapped(double x, double half) {
    return x - 2.0 * half * std::floor((x + half) / (2.0 * half));
}

struct Cuba {
    static constexpr std::string_view name = "loihi.CUBA";
    enum State { v, u, held, n_states };
    static constexpr std::string_view states[] = {"v", "u", "held"};
    enum Constant { du, dv, bias, threshold, refractory, n_constants };
    static constexpr std::string_view constants[] = {"du", "dv", "bias", "threshold", "refractory"};
    static constexpr std::size_t n_receptors = 2;

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws&) {
        constexpr double q_half = 0x1p21, state_half = 0x1p23;
        const double q = wrapped(64.0 * (in[0] + in[1]), q_half);
        x[u] = wrapped(decayed(x[u], c(du) + 1.0) + q, state_half);
        double moved = decayed(x[v], c(dv)) + x[u] + c(bias);
        moved = moved > state_half - 1.0 ? state_half - 1.0 : moved;
        moved = moved < 1.0 - state_half ? 1.0 - state_half : moved;
        const bool is_held = x[held] > 0.0;
        moved = is_held ? 0.0 : moved;
        const bool fires = moved > c(threshold);
        x[v] = fires ? 0.0 : moved;
        x[held] = fires ? c(refractory) - 1.0 : (is_held ? x[held] - 1.0 : 0.0);
        return fires;
    }
};

}  // namespace

PYCOSIM_OWN_MODEL(Cuba)

PYCOSIM_OWN_MODULE(_neurons, &pycosim::native::own_model<Cuba>)
