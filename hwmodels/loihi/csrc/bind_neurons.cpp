// Loihi's compartments for the native engine; the rules and their sources are in hwmodels/loihi/neurons.py.
#include <cmath>

#include "../../../backends/native/csrc/own_module.hpp"

namespace {

using pycosim::native::Draws;

constexpr double kQHalf = 0x1p21, kStateHalf = 0x1p23;

// x (4096 - decay) / 4096, toward zero.
PYCOSIM_ALWAYS_INLINE double decayed(double x, double decay) { return std::trunc(x * (4096.0 - decay) / 4096.0); }

// Two's complement of so many bits: `half` is 2^(bits - 1).
PYCOSIM_ALWAYS_INLINE double wrapped(double x, double half) {
    return x - 2.0 * half * std::floor((x + half) / (2.0 * half));
}

PYCOSIM_ALWAYS_INLINE double current(double u, double decay, double q) {
    return wrapped(decayed(u, decay + 1.0) + wrapped(q, kQHalf), kStateHalf);
}

enum Constant {
    du,
    dv,
    refractory,
    randomize_u,
    randomize_v,
    bias,
    threshold,
    vmin,
    vmax,
    noise_offset,
    noise_scale,
    n_soma_constants
};

template <class Constants>
PYCOSIM_ALWAYS_INLINE double noise(const Constants& c, const Draws& draws) {
    if (c(randomize_u) + c(randomize_v) == 0.0) return 0.0;
    const double r = std::floor(static_cast<double>(draws.words(0)[0]) * 255.0 / 0x1p32) - 127.0;
    return std::trunc((r + c(noise_offset)) * c(noise_scale));
}

template <class Constants>
PYCOSIM_ALWAYS_INLINE bool membrane(double& v, double& held, const Constants& c, double input, double drawn) {
    double moved = decayed(v, c(dv)) + input + c(bias) + c(randomize_v) * drawn;
    moved = moved > c(vmax) ? c(vmax) : moved;
    moved = moved < c(vmin) ? c(vmin) : moved;
    const bool is_held = held > 0.0;
    moved = is_held ? 0.0 : moved;
    const bool fires = moved > c(threshold);
    v = fires ? 0.0 : moved;
    held = fires ? c(refractory) - 1.0 : (is_held ? held - 1.0 : 0.0);
    return fires;
}

struct Cuba {
    static constexpr std::string_view name = "loihi.CUBA";
    enum State { v, u, held, n_states };
    static constexpr std::string_view states[] = {"v", "u", "held"};
    static constexpr std::string_view constants[] = {"du",        "dv",   "refractory", "randomize_u",  "randomize_v", "bias",
                                                     "threshold", "vmin", "vmax",       "noise_offset", "noise_scale"};
    static constexpr std::size_t n_receptors = 2;

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws& draws) {
        const double drawn = noise(c, draws);
        x[u] = current(x[u], c(du), 64.0 * (in[0] + in[1]) + c(randomize_u) * drawn);
        return membrane(x[v], x[held], c, x[u], drawn);
    }
};

struct CubaWithDendrite {
    static constexpr std::string_view name = "loihi.CUBAWithDendrite";
    enum State { v, u, u_dendrite, held, n_states };
    static constexpr std::string_view states[] = {"v", "u", "u_dendrite", "held"};
    enum { du_dendrite = n_soma_constants, n_constants };
    static constexpr std::string_view constants[] = {"du",   "dv",   "refractory",   "randomize_u", "randomize_v", "bias",
                                                     "threshold", "vmin", "vmax", "noise_offset", "noise_scale", "du_dendrite"};
    static constexpr std::size_t n_receptors = 2;

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws& draws) {
        const double drawn = noise(c, draws);
        x[u] = current(x[u], c(du), 64.0 * in[0] + c(randomize_u) * drawn);
        x[u_dendrite] = current(x[u_dendrite], c(du_dendrite), 64.0 * in[1]);
        return membrane(x[v], x[held], c, x[u] + x[u_dendrite], drawn);
    }
};

}  // namespace

PYCOSIM_OWN_MODEL(Cuba)
PYCOSIM_OWN_MODEL(CubaWithDendrite)

PYCOSIM_OWN_MODULE(_neurons, &pycosim::native::own_model<Cuba>, &pycosim::native::own_model<CubaWithDendrite>)
