#include "no_trapping_math.hpp"

#include "composed.hpp"

#include <algorithm>
#include <utility>

#include "exponential_membrane.hpp"
#include "nonlinear.hpp"
#include "relaxation.hpp"

namespace pycosim::native {
namespace {

constexpr double kLargestExponent = 700.0;

constexpr std::string_view kMembraneConstants[kNMembraneConstants] = {
    "v_reset", "v_thresh", "refractory_steps", "drive",  "v_rest", "decay_m",     "g_leak", "dt_over_cm", "substeps",
    "substep_ms", "g_rise", "v_rise",          "per_delta_t", "per_cm", "a",      "b",      "per_tau_w",  "rate",
    "per_width", "p_max", "slope"};

// Names under which eif_substep and izhikevich_substep look up what they need.
struct MembraneNames {
    enum Constant {
        v_thresh = kVThresh, drive = kDrive, v_rest = kVRest, g_leak = kGLeak, substep_ms = kSubstepMs, g_rise = kGRise,
        v_rise = kVRise, per_delta_t = kPerDeltaT, per_cm = kPerCm, slope = kSlope, a = kA, b = kB, per_tau_w = kPerTauW
    };
};

// One constant of a block: a number, or one for each neuron.
template <bool equal>
struct Constant {
    double value;
    const double* column;
    PYCOSIM_ALWAYS_INLINE double operator[](std::size_t i) const {
        if constexpr (equal) return value;
        return column[i];
    }
};

template <bool equal>
struct Block {
    const SliceColumns& slice;
    const Composition& model;
    std::size_t begin, n;

    PYCOSIM_ALWAYS_INLINE double* state(int k) const { return slice.states[k] + begin; }
    PYCOSIM_ALWAYS_INLINE Constant<equal> constant(int k) const {
        if (k < 0) return {0.0, nullptr};
        const double* column = slice.constants[k];
        return {column[0], equal ? column : column + begin};
    }
    PYCOSIM_ALWAYS_INLINE Constant<equal> membrane(int k) const {
        return constant(model.constant[static_cast<std::size_t>(k)]);
    }
};

using Row = double[kBlock];

template <bool equal>
PYCOSIM_ALWAYS_INLINE void add_responses(const Block<equal>& block, SynapseRows& points, int point) {
    double* __restrict const conductance = points.conductance[point];
    double* __restrict const current = points.current[point];
    std::fill_n(conductance, block.n, 0.0);
    std::fill_n(current, block.n, 0.0);
    for (const Composition::Response& response : block.model.responses) {
        const double* __restrict const x = block.state(response.x);
        const auto weight = block.constant(response.weight);
        if (response.conductance) {
            for (std::size_t i = 0; i < block.n; ++i) conductance[i] += x[i];
        }
        for (std::size_t i = 0; i < block.n; ++i) current[i] += x[i] * weight[i];
    }
}

template <bool equal>
PYCOSIM_ALWAYS_INLINE void half_substep(const Block<equal>& block) {
    for (const Composition::Response& response : block.model.responses) {
        double* __restrict const x = block.state(response.x);
        const auto decay = block.constant(response.half_decay);
        if (!response.rises) {
            for (std::size_t i = 0; i < block.n; ++i) x[i] = x[i] * decay[i];
            continue;
        }
        double* __restrict const rise = block.state(response.rise);
        const auto mix = block.constant(response.half_mix);
        const auto rise_decay = block.constant(response.half_rise_decay);
        for (std::size_t i = 0; i < block.n; ++i) {
            x[i] = x[i] * decay[i] + rise[i] * mix[i];
            rise[i] = rise[i] * rise_decay[i];
        }
    }
}

template <bool equal>
PYCOSIM_ALWAYS_INLINE void exact(const Block<equal>& block) {
    double* __restrict const v = block.state(0);
    const auto rest = block.membrane(kVRest), decay_m = block.membrane(kDecayM), drive = block.membrane(kDrive);
    for (std::size_t i = 0; i < block.n; ++i) v[i] = (rest[i] + drive[i]) + (v[i] - rest[i]) * decay_m[i];
    for (const Composition::Response& response : block.model.responses) {
        double* __restrict const x = block.state(response.x);
        const auto decay = block.constant(response.decay), v_per_syn = block.constant(response.v_per_syn);
        for (std::size_t i = 0; i < block.n; ++i) {
            v[i] += x[i] * v_per_syn[i];
            x[i] = x[i] * decay[i];
        }
    }
}

template <bool equal>
PYCOSIM_ALWAYS_INLINE void add_means(const Block<equal>& block, double* __restrict conductance,
                                     double* __restrict current) {
    std::fill_n(conductance, block.n, 0.0);
    std::fill_n(current, block.n, 0.0);
    Row mean;
    for (const Composition::Response& response : block.model.responses) {
        double* __restrict const x = block.state(response.x);
        const auto of_x = block.constant(response.mean), decay = block.constant(response.decay);
        const auto weight = block.constant(response.weight);
        if (response.rises) {
            double* __restrict const rise = block.state(response.rise);
            const auto of_rise = block.constant(response.mean_mix), mix = block.constant(response.mix);
            const auto rise_decay = block.constant(response.rise_decay);
            for (std::size_t i = 0; i < block.n; ++i) {
                mean[i] = x[i] * of_x[i] + rise[i] * of_rise[i];
                x[i] = x[i] * decay[i] + rise[i] * mix[i];
                rise[i] = rise[i] * rise_decay[i];
            }
        } else {
            for (std::size_t i = 0; i < block.n; ++i) {
                mean[i] = x[i] * of_x[i];
                x[i] = x[i] * decay[i];
            }
        }
        if (response.conductance) {
            for (std::size_t i = 0; i < block.n; ++i) conductance[i] += mean[i];
        }
        for (std::size_t i = 0; i < block.n; ++i) current[i] += mean[i] * weight[i];
    }
}

template <bool equal>
PYCOSIM_ALWAYS_INLINE void of_means(const Block<equal>& block, SynapseRows& points) {
    double* __restrict const conductance = points.conductance[0];
    double* __restrict const current = points.current[0];
    add_means(block, conductance, current);
    double* __restrict const v = block.state(0);
    const auto leak = block.membrane(kGLeak), drive = block.membrane(kDrive), dt_over_cm = block.membrane(kDtOverCm);
    std::int64_t any_long = 0;
    for (std::size_t i = 0; i < block.n; ++i) {
        conductance[i] += leak[i];
        current[i] += drive[i];
        any_long |= is_short(conductance[i] * dt_over_cm[i]) ? 0 : 1;
    }
    const auto relax = [&](auto mean) PYCOSIM_LAMBDA_INLINE {
        for (std::size_t i = 0; i < block.n; ++i) {
            v[i] = relaxed(v[i], conductance[i], current[i], dt_over_cm[i], mean(conductance[i] * dt_over_cm[i]));
        }
    };
    if (any_long) relax([](double x) PYCOSIM_LAMBDA_INLINE { return any_mean<short_mean, is_short>(x); });
    else relax([](double x) PYCOSIM_LAMBDA_INLINE { return short_mean(x); });
}

template <MembraneRule rule, bool equal>
PYCOSIM_ALWAYS_INLINE void runge_kutta_substep(const Block<equal>& block, SynapseRows& points) {
    for (int point = 0; point < 3; ++point) {
        if (point > 0) half_substep(block);
        add_responses(block, points, point);
    }
    Constant<equal> constants[kNMembraneConstants];
    for (int k = 0; k < kNMembraneConstants; ++k) constants[k] = block.membrane(k);
    double* __restrict const v = block.state(0);
    double* __restrict const second = block.state(block.model.second_state);
    const double* __restrict const left = block.slice.refractory_steps_left + block.begin;
    const auto at = [&](std::size_t i) PYCOSIM_LAMBDA_INLINE {
        return [&, i](int k) PYCOSIM_LAMBDA_INLINE { return constants[k][i]; };
    };
    if constexpr (rule == MembraneRule::kAdExp) {
        eif_substep<MembraneNames>(v, second, left, points, at, block.n);
        return;
    }
    PYCOSIM_INDEPENDENT
    for (std::size_t i = 0; i < block.n; ++i) {
        Synapses synapses;
        for (int point = 0; point < 3; ++point) {
            synapses.conductance[point] = points.conductance[point][i];
            synapses.current[point] = points.current[point][i];
        }
        double at_v = v[i], at_second = second[i];
        izhikevich_substep<MembraneNames>(at_v, at_second, at(i), synapses);
        v[i] = at_v;
        second[i] = at_second;
    }
}

template <bool equal>
PYCOSIM_ALWAYS_INLINE void integrate(const Block<equal>& block) {
    SynapseRows points;
    switch (block.model.rule) {
        case MembraneRule::kExact: exact(block); return;
        case MembraneRule::kMean: of_means(block, points); return;
        default: break;
    }
    const int n_substeps = static_cast<int>(block.membrane(kSubsteps)[0]);
    for (int k = 0; k < n_substeps; ++k) {
        if (block.model.rule == MembraneRule::kAdExp) {
            runge_kutta_substep<MembraneRule::kAdExp>(block, points);
        } else {
            runge_kutta_substep<MembraneRule::kIzhikevich>(block, points);
        }
    }
}

// Adds what arrives to the responses.
template <bool equal>
PYCOSIM_ALWAYS_INLINE void receive(const Block<equal>& block) {
    for (const Composition::Response& response : block.model.responses) {
        if (response.receptor < 0) continue;
        double* __restrict const input = block.slice.inputs[response.receptor] + block.begin;
        if (response.rises) {
            double* __restrict const rise = block.state(response.rise);
            const auto jump = block.constant(response.jump);
            for (std::size_t i = 0; i < block.n; ++i) rise[i] += input[i] * jump[i];
        } else {
            double* __restrict const x = block.state(response.x);
            for (std::size_t i = 0; i < block.n; ++i) x[i] += input[i];
        }
        std::fill_n(input, block.n, 0.0);
    }
}

// The threshold, to which a moving one adds its components.
template <bool equal>
PYCOSIM_ALWAYS_INLINE void sum_threshold(const Block<equal>& block, double* __restrict total) {
    const auto base = block.membrane(kVThresh);
    for (std::size_t i = 0; i < block.n; ++i) total[i] = base[i];
    for (const Composition::Threshold& component : block.model.thresholds) {
        const double* __restrict const gamma = block.state(component.gamma);
        for (std::size_t i = 0; i < block.n; ++i) total[i] += gamma[i];
    }
}

// In `probability` 1 where the membrane is at the threshold or above, or the probability that the neuron fires.
template <bool equal>
PYCOSIM_ALWAYS_INLINE void firing_probability(const Block<equal>& block, double* __restrict probability) {
    for (const Composition::Threshold& component : block.model.thresholds) {
        double* __restrict const gamma = block.state(component.gamma);
        const auto decay = block.constant(component.decay);
        for (std::size_t i = 0; i < block.n; ++i) gamma[i] = gamma[i] * decay[i];
    }
    sum_threshold(block, probability);
    const double* __restrict const v = block.state(0);
    if (!block.model.escape) {
        for (std::size_t i = 0; i < block.n; ++i) probability[i] = v[i] >= probability[i] ? 1.0 : 0.0;
        return;
    }
    const auto rate = block.membrane(kRate), per_width = block.membrane(kPerWidth), p_max = block.membrane(kPMax);
    for (std::size_t i = 0; i < block.n; ++i) {
        const double exponent = smaller((v[i] - probability[i]) * per_width[i], kLargestExponent);
        probability[i] = rate[i] * parallel_exponential(exponent);
    }
    for (std::size_t i = 0; i < block.n; ++i) {
        probability[i] = p_max[i] * (1.0 - parallel_exponential(-probability[i]));
    }
}

// Resets and jumps of one neuron that fires.
template <bool equal>
void after_spike(const Block<equal>& block, std::size_t i) {
    const Composition& model = block.model;
    block.state(0)[i] = block.membrane(kVReset)[i];
    block.slice.refractory_steps_left[block.begin + i] = block.membrane(kRefractorySteps)[i];
    if (model.spike_jump >= 0) block.state(model.second_state)[i] += block.constant(model.spike_jump)[i];
    for (const Composition::Response& response : model.responses) {
        if (response.receptor < 0) block.state(response.x)[i] += block.constant(response.jump)[i];
    }
    for (const Composition::Threshold& component : model.thresholds) {
        block.state(component.gamma)[i] += block.constant(component.jump)[i];
    }
}

template <bool equal>
PYCOSIM_ALWAYS_INLINE std::size_t fire(const Block<equal>& block, std::uint32_t* fired) {
    alignas(64) Row probability;
    firing_probability(block, probability);
    double* __restrict const v = block.state(0);
    double* __restrict const left = block.slice.refractory_steps_left + block.begin;
    const auto reset = block.membrane(kVReset);
    for (std::size_t i = 0; i < block.n; ++i) {
        const bool refractory = left[i] > 0.0;
        v[i] = refractory ? reset[i] : v[i];
        probability[i] = refractory ? 0.0 : probability[i];
        left[i] = refractory ? left[i] - 1.0 : 0.0;
    }
    const SliceColumns& slice = block.slice;
    std::size_t n_fired = 0;
    for (std::size_t i = 0; i < block.n; ++i) {
        if (probability[i] <= 0.0) continue;
        if (block.model.escape) {
            const auto row = static_cast<std::uint32_t>(slice.first_neuron + block.begin + i);
            const pycosim::Block words =
                pycosim::block_of(slice.noise_key, row, 0, static_cast<std::uint64_t>(slice.step));
            if (!(pycosim::uniform(words[0], words[1]) < probability[i])) continue;
        }
        after_spike(block, i);
        fired[n_fired++] = static_cast<std::uint32_t>(block.begin + i);
    }
    return n_fired;
}

// States that are sums of others.
template <bool equal>
PYCOSIM_ALWAYS_INLINE void add_up(const Block<equal>& block) {
    if (block.model.moving_threshold >= 0) sum_threshold(block, block.state(block.model.moving_threshold));
    if (block.model.own_sum < 0) return;
    double* __restrict const total = block.state(block.model.own_sum);
    std::fill_n(total, block.n, 0.0);
    for (const Composition::Response& response : block.model.responses) {
        if (response.receptor >= 0) continue;
        const double* __restrict const x = block.state(response.x);
        for (std::size_t i = 0; i < block.n; ++i) total[i] += x[i];
    }
}

template <bool equal>
PYCOSIM_ALWAYS_INLINE std::size_t update(const SliceColumns& slice, std::uint32_t* fired) {
    std::size_t n_fired = 0;
    for (std::size_t begin = slice.begin; begin < slice.end; begin += kBlock) {
        const Block<equal> block{slice, *slice.composition, begin, std::min(kBlock, slice.end - begin)};
        integrate(block);
        receive(block);
        n_fired += fire(block, fired + n_fired);
        add_up(block);
    }
    return n_fired;
}

PYCOSIM_FUSED_FUNCTION(std::size_t, update_equal, (const SliceColumns& slice, std::uint32_t* fired), (slice, fired),
                       update<true>(slice, fired))
PYCOSIM_FUSED_FUNCTION(std::size_t, update_distinct, (const SliceColumns& slice, std::uint32_t* fired), (slice, fired),
                       update<false>(slice, fired))

int place_of(const std::vector<std::string>& names, const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

}  // namespace

Composition::Composition(const CompositionSpec& spec) : rule(spec.rule), escape(spec.escape) {
    const auto state = [&](const std::string& name) { return place_of(spec.states, name); };
    const auto named = [&](const std::string& name) { return place_of(spec.constants, name); };
    int receptor = 0;
    for (std::size_t k = 0; k < spec.responses.size(); ++k) {
        const auto& from = spec.responses[k];
        const std::string end = "_" + std::to_string(k);
        responses.push_back({from.conductance, from.rises, from.own ? -1 : receptor++, state("syn" + end),
                             state("rise" + end), named("decay" + end), named("v_per_syn" + end),
                             named("mean" + end), named("mean_mix" + end), named("mix" + end),
                             named("rise_decay" + end), named("half_decay" + end), named("weight" + end), named("half_mix" + end),
                             named("half_rise_decay" + end), named("jump" + end)});
    }
    for (int k = 0; k < spec.n_thresholds; ++k) {
        const std::string end = "_" + std::to_string(k);
        thresholds.push_back({state("gamma" + end), named("gamma_decay" + end), named("gamma_jump" + end)});
    }
    const bool is_adexp = rule == MembraneRule::kAdExp;
    second_state = state(is_adexp ? "w" : "u");
    spike_jump = second_state < 0 ? -1 : named(is_adexp ? "b" : "d");
    moving_threshold = state("v_t");
    own_sum = state("i_eta");
    for (const std::string_view name : kMembraneConstants) constant.push_back(named(std::string(name)));
}

ComposedModel::ComposedModel(std::string name, CompositionSpec spec)
    : name_(std::move(name)),
      spec_(std::move(spec)),
      composition_(spec_),
      states_(spec_.states.begin(), spec_.states.end()),
      constants_(spec_.constants.begin(), spec_.constants.end()) {
    const auto n_receptors = static_cast<std::size_t>(
        std::count_if(spec_.responses.begin(), spec_.responses.end(), [](const auto& r) { return !r.own; }));
    model_ = {name_, states_, constants_, true, update_equal, update_distinct, n_receptors, &composition_};
}

}  // namespace pycosim::native
