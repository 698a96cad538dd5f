// DYNAP-SE2's neuron for the native engine; equations and sources are in hwmodels/dynapse2/neurons.py.
#include "../../../backends/native/csrc/logarithm.hpp"
#include "../../../backends/native/csrc/own_module.hpp"

namespace {

using pycosim::native::Draws;
using pycosim::native::exponential;
using pycosim::native::logarithm;

struct DynapSim {
    static constexpr std::string_view name = "dynapse2.DynapSim";
    enum State { mem, ampa, gaba, nmda, shunt, ahp, vmem, held, spikes, n_states };
    static constexpr std::string_view states[] = {"imem", "iampa", "igaba", "inmda", "ishunt",
                                                  "iahp", "vmem",  "held",  "spikes"};
    enum Constant {
        Io, leak, gain, ratio, steps_per_tau_and_pa, constant, gate, per_volt, volt, threshold, refractory,
        discharge_ampa, discharge_gaba, discharge_nmda, discharge_shunt, discharge_ahp,
        charge_ampa, charge_gaba, charge_nmda, charge_shunt, jump_ahp,
        ratio_ampa, ratio_gaba, ratio_nmda, ratio_shunt
    };
    static constexpr std::string_view constants[] = {
        "Io", "leak", "gain", "ratio", "steps_per_tau_and_pa", "constant", "gate", "per_volt", "volt", "threshold",
        "refractory", "discharge_ampa", "discharge_gaba", "discharge_nmda", "discharge_shunt", "discharge_ahp",
        "charge_ampa", "charge_gaba", "charge_nmda", "charge_shunt", "jump_ahp",
        "ratio_ampa", "ratio_gaba", "ratio_nmda", "ratio_shunt"};
    static constexpr std::size_t n_receptors = 4;

    PYCOSIM_ALWAYS_INLINE static double larger(double x, double y) { return x > y ? x : y; }

    template <class Constants>
    PYCOSIM_ALWAYS_INLINE static bool step(double (&x)[n_states], const Constants& c, const double (&in)[n_receptors],
                                           const Draws&) {
        for (int r = 0; r < 4; ++r) {
            const double driven = larger(c(ratio_ampa + r) * in[r], c(Io));
            x[ampa + r] = c(discharge_ampa + r) * x[ampa + r] + c(charge_ampa + r) * driven;
        }
        x[ahp] = larger(c(discharge_ahp) * x[ahp] + c(jump_ahp) * x[spikes], c(Io));
        const double total = c(leak) + x[ahp] + x[shunt];
        const double input = x[nmda] / (1.0 + c(gate) / x[mem]) + x[ampa] - x[gaba] - total + c(constant);
        const double given = larger(x[held] > 0.0 ? 0.0 : input, c(Io));
        const double feedback = c(Io) * exponential(c(per_volt) * x[vmem]) / total * (x[mem] + c(gain));
        const double slope = c(ratio) * (given - total) + feedback - x[mem] * (total / c(leak));
        const double per_step = total * c(steps_per_tau_and_pa) * (x[mem] / (x[mem] + c(gain)));
        const double membrane = larger(x[mem] + per_step * slope, c(Io));
        x[vmem] = c(volt) * logarithm(membrane / c(Io));
        const bool fires = membrane > c(threshold);
        x[mem] = fires ? c(Io) : membrane;
        x[held] = fires ? c(refractory) : (x[held] > 1.0 ? x[held] - 1.0 : 0.0);
        x[spikes] = fires ? 1.0 : 0.0;
        return fires;
    }
};

}  // namespace

PYCOSIM_OWN_MODEL(DynapSim)

PYCOSIM_OWN_MODULE(_neurons, &pycosim::native::own_model<DynapSim>)
