// Loihi 2's neurons with graded spikes, for the native engine; the rules are in hwmodels/loihi2/neurons.py.
#include "../../../backends/native/csrc/own_module.hpp"

namespace {

using pycosim::native::Draws;

constexpr double kLargest = 0x1p23 - 1.0;

template <bool either_sign>
struct Graded {
    enum State { s_out, n_states };
    static constexpr std::string_view states[] = {"s_out"};
    enum Constant { vth };
    static constexpr std::string_view constants[] = {"vth"};
    static constexpr std::size_t n_receptors = 1;
    static constexpr int payload = s_out;

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws&) {
        double total = in[0] < -kLargest ? -kLargest : in[0];
        total = total > kLargest ? kLargest : total;
        const bool fires = (either_sign && total < 0.0 ? -total : total) > c(vth);
        x[s_out] = fires ? total : 0.0;
        return fires;
    }
};

struct GradedVec : Graded<true> {
    static constexpr std::string_view name = "loihi2.GradedVec";
};

struct GradedReluVec : Graded<false> {
    static constexpr std::string_view name = "loihi2.GradedReluVec";
};

}  // namespace

PYCOSIM_OWN_MODEL(GradedVec)
PYCOSIM_OWN_MODEL(GradedReluVec)

PYCOSIM_OWN_MODULE(_neurons, &pycosim::native::own_model<GradedVec>, &pycosim::native::own_model<GradedReluVec>)
