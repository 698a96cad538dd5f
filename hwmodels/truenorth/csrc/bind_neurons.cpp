// The neurons of TrueNorth and RANC for the native engine; rules and sources are in hwmodels/truenorth/neurons.py.
#include <cmath>
#include <cstdint>

#include "../../../backends/native/csrc/own_module.hpp"

namespace {

using pycosim::native::Draws;

PYCOSIM_ALWAYS_INLINE double sign(double x) { return static_cast<double>((x > 0.0) - (x < 0.0)); }

struct TrueNorth {
    static constexpr std::string_view name = "truenorth.TrueNorthNeuron";
    enum State { v, n_states };
    static constexpr std::string_view states[] = {"v"};
    enum Constant { S0, S1, S2, S3, b0, b1, b2, b3, lambda, c, epsilon, alpha, mask, beta, kappa, gamma, R };
    static constexpr std::string_view constants[] = {"S0",    "S1", "S2",      "S3",    "b0",   "b1",
                                                     "b2",    "b3", "lambda",  "c",     "epsilon", "alpha",
                                                     "mask",  "beta", "kappa", "gamma", "R"};
    static constexpr std::size_t n_receptors = 4;

    static double saturated(double x) { return x < -0x1p19 ? -0x1p19 : (x > 0x1p19 - 1.0 ? 0x1p19 - 1.0 : x); }

    // How many of n spikes draw a byte of at most the magnitude; 16 bytes are in a block of words.
    static double successes(double n, double magnitude, const Draws& draws, std::uint32_t type) {
        double found = 0.0;
        for (std::uint32_t block = 0; 16.0 * block < n; ++block) {
            const pycosim::Block words = draws.words(1 + type + 4 * block);
            for (std::uint32_t i = 0; i < 16 && 16.0 * block + i < n; ++i) {
                const std::uint32_t rho = words[i / 4] >> (8 * (i % 4)) & 255;
                found += magnitude >= rho ? 1.0 : 0.0;
            }
        }
        return found;
    }

    template <class Constants>
    static double leaked(double old, const Constants& k, std::uint32_t word) {
        const double leak = k(lambda);
        const bool reverses = k(epsilon) > 0.0;
        const double drawn = std::fabs(leak) >= (word & 255) ? sign(leak) : 0.0;
        const double step = k(c) > 0.0 ? drawn : leak;
        const double moved = saturated(old + (reverses ? sign(old) : 1.0) * step);
        return reverses && sign(moved) != sign(old) ? 0.0 : moved;
    }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& k, const double (&in)[n_receptors],
                                           const Draws& draws) {
        double now = x[v];
        for (int type = 0; type < 4; ++type) {
            const double weight = k(S0 + type);
            const bool draw = k(b0 + type) > 0.0;
            now += draw ? sign(weight) * successes(in[type], std::fabs(weight), draws, type) : in[type] * weight;
        }
        const bool draw = k(c) > 0.0 || k(mask) > 0.0;
        const pycosim::Block words = draw ? draws.words(0) : pycosim::Block{};
        now = leaked(saturated(now), k, words[0]);
        const double eta = words[1] & static_cast<std::uint32_t>(k(mask));
        const double above = k(alpha) + eta, below = k(beta) + eta;
        const bool fires = now >= above, saturates = k(kappa) > 0.0;
        const double floor = 0.0 - (saturates ? k(beta) : below);
        const double mode = k(gamma);
        if (fires) {
            now = mode == 0.0 ? k(R) : (mode == 1.0 ? now - above : now);
        } else if (now < floor) {
            now = saturates ? floor : (mode == 0.0 ? 0.0 - k(R) : (mode == 1.0 ? now + below : now));
        }
        x[v] = now;
        return fires;
    }
};

struct Ranc {
    static constexpr std::string_view name = "truenorth.RANCNeuron";
    enum State { v, n_states };
    static constexpr std::string_view states[] = {"v"};
    enum Constant { w0, w1, w2, w3, leak, positive_threshold, negative_threshold, reset_potential, reset_mode };
    static constexpr std::string_view constants[] = {"w0",   "w1",
                                                     "w2",   "w3",
                                                     "leak", "positive_threshold",
                                                     "negative_threshold", "reset_potential", "reset_mode"};
    static constexpr std::size_t n_receptors = 4;

    PYCOSIM_ALWAYS_INLINE static double wrapped(double x) { return x - 512.0 * std::floor((x + 256.0) / 512.0); }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws&) {
        double now = x[v] + c(leak);
        for (int type = 0; type < 4; ++type) now += in[type] * c(w0 + type);
        now = wrapped(now);
        const bool is_linear = c(reset_mode) > 0.0;
        const bool fires = now >= c(positive_threshold);
        const double high = is_linear ? now - c(positive_threshold) : c(reset_potential);
        const double low = is_linear ? now - c(negative_threshold) : 0.0 - c(reset_potential);
        x[v] = wrapped(fires ? high : (now < c(negative_threshold) ? low : now));
        return fires;
    }
};

}  // namespace

PYCOSIM_OWN_MODEL(TrueNorth)
PYCOSIM_OWN_MODEL(Ranc)

PYCOSIM_OWN_MODULE(_neurons, &pycosim::native::own_model<TrueNorth>, &pycosim::native::own_model<Ranc>)
