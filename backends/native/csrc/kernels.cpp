#include "no_trapping_math.hpp"

#include "kernels.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "exponential_membrane.hpp"
#include "hodgkin_huxley.hpp"
#include "models.hpp"
#include "nonlinear.hpp"
#include "relaxation.hpp"

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
#include <immintrin.h>
#endif

namespace pycosim::native {
namespace {

template <class Model>
struct EqualConstants {
    double value[Model::n_constants];
    PYCOSIM_ALWAYS_INLINE EqualConstants(const SliceColumns& slice, std::size_t) {
        for (int k = 0; k < Model::n_constants; ++k) value[k] = slice.constants[k][0];
    }
    PYCOSIM_ALWAYS_INLINE auto of(std::size_t) const {
        return [this](int k) { return value[k]; };
    }
};

template <class Model>
struct DistinctConstants {
    const double* column[Model::n_constants];
    PYCOSIM_ALWAYS_INLINE DistinctConstants(const SliceColumns& slice, std::size_t begin) {
        for (int k = 0; k < Model::n_constants; ++k) column[k] = slice.constants[k] + begin;
    }
    PYCOSIM_ALWAYS_INLINE auto of(std::size_t i) const {
        return [this, i](int k) { return column[k][i]; };
    }
};

template <class Model>
concept HasSubsteps = requires { Model::substep_ms; };

template <class Model>
concept HasChannels = requires { &Model::template open_channels<double (*)(int)>; };

template <class Model>
concept HasSpikeJumps = requires { &Model::template after_spike<double (*)(int)>; };

template <class Model>
constexpr bool kResets = requires { Model::v_reset; };

template <class Model>
constexpr bool kIsRefractory = kResets<Model> && requires { Model::refractory_steps; };

// Whether refractory neurons are left to the engine (held.hpp).
template <class Model>
constexpr bool kIsHeld = kIsRefractory<Model> && !HasSubsteps<Model>;

// Whether the membranes of a block are compared with the threshold when all have been advanced.
template <class Model, class Constants>
constexpr bool kComparesAtEnd = kIsHeld<Model> && std::is_same_v<Constants, EqualConstants<Model>>;

// Whether spikes need a column of their own between two steps, the rest of the refractory period; see compare().
template <class Model>
constexpr bool kHasLeft = !kResets<Model> || (kIsRefractory<Model> && !kIsHeld<Model>);

// A block of neurons, for models that advance it in loops of their own.
template <class Model, class Constants>
struct Rows {
    double* state[Model::n_states];
    double* left;
    Constants constants;
    std::size_t n;
};

template <class Model, class Constants>
concept AdvancesRows = requires(const Rows<Model, Constants>& rows) { Model::advance(rows); };

// Moves the states of a model on by one sub-step.
template <class Model, class Constants, std::size_t... s>
PYCOSIM_ALWAYS_INLINE void substep(const SliceColumns& slice, std::size_t begin, std::size_t n,
                                   std::index_sequence<s...>) {
    double* const state[] = {slice.states[s] + begin...};
    double* __restrict const left = slice.refractory_steps_left + begin;
    const Constants constants(slice, begin);
    PYCOSIM_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const auto c = constants.of(i);
        double x[] = {state[s][i]...};
        Model::substep(x, c, left[i]);
        ((state[s][i] = x[s]), ...);
    }
}

// What the loop over all neurons does about spikes: it holds the membrane of a refractory one, and tells which may have
// fired. `left` is the rest of the refractory period, or -1 if the neuron was not refractory in this step, so that the
// few that fired can be found and reset afterwards; in neurons without a reset, whether they fired in this step.
template <class Model, class State, class Constants>
PYCOSIM_ALWAYS_INLINE bool compare(State& x, const Constants& c, double& left) {
    if constexpr (kResets<Model> && kHasLeft<Model>) {
        const bool refractory = left > 0.0;
        x[Model::v] = refractory ? c(Model::v_reset) : x[Model::v];
        left = refractory ? left - 1.0 : -1.0;
    }
    if constexpr (!kResets<Model>) return left > 0.0;
    return x[Model::v] >= c(Model::v_thresh);
}

// Stores vectors: for blocks as short as these, what compilers make of std::fill takes an eighth of the whole update.
PYCOSIM_BASE_INSTRUCTION_SET void clear(double* values, std::size_t n) {
    constexpr std::size_t width = 8;
    std::size_t i = 0;
    for (; i + width <= n; i += width) {
        for (std::size_t k = 0; k < width; ++k) values[i + k] = 0.0;
#if defined(__GNUC__)
        asm volatile("" ::: "memory");  // keeps the stores from being put together again
#endif
    }
    for (; i < n; ++i) values[i] = 0.0;
}

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
// A line of memory of which nothing is stored need not be written back from the nearest cache. By hand, because GCC
// jumps over stores of nothing, and most of these jumps are mispredicted where a few of the lines have inputs.
__attribute__((target("avx512f"))) void clear(double* values, std::size_t n) {
    constexpr std::size_t width = 8;
    const __m512d zeros = _mm512_setzero_pd();
    std::size_t i = 0;
    for (; i + width <= n; i += width) {
        const __mmask8 has_input = _mm512_cmp_pd_mask(_mm512_loadu_pd(values + i), zeros, _CMP_NEQ_UQ);
        _mm512_mask_storeu_pd(values + i, has_input, zeros);
    }
    for (; i < n; ++i) values[i] = 0.0;
}
#endif

// Whether any membrane is at the threshold or above. The maximum takes one instruction for a vector, what compilers make
// of the comparisons takes three. A membrane that is not a number is not above anything.
PYCOSIM_BASE_INSTRUCTION_SET bool reaches(const double* v, double threshold, std::size_t n) {
    std::int64_t any = 0;
    for (std::size_t i = 0; i < n; ++i) any |= v[i] >= threshold ? 1 : 0;
    return any != 0;
}

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
__attribute__((target("avx512f"))) bool reaches(const double* v, double threshold, std::size_t n) {
    constexpr std::size_t width = 8;
    // The last operand is the result where the one before is not a number. (GCC 12 warns of _mm512_max_pd.)
    const __m512d lowest = _mm512_set1_pd(-std::numeric_limits<double>::infinity());
    __m512d even = lowest, odd = lowest;
    std::size_t i = 0;
    for (; i + 2 * width <= n; i += 2 * width) {
        even = _mm512_mask_max_pd(even, 0xff, _mm512_loadu_pd(v + i), even);
        odd = _mm512_mask_max_pd(odd, 0xff, _mm512_loadu_pd(v + i + width), odd);
    }
    const __m512d top = _mm512_mask_max_pd(odd, 0xff, even, odd);
    bool any = _mm512_cmp_pd_mask(top, _mm512_set1_pd(threshold), _CMP_GE_OQ) != 0;
    for (; i < n; ++i) any |= v[i] >= threshold;
    return any;
}
#endif

// Advances `n` membranes with the channels of a step that is short for all of them, or for any.
template <class Model, bool all_short, class Constants>
PYCOSIM_ALWAYS_INLINE bool relax(double* __restrict v, const double* __restrict total, const double* __restrict inward,
                                 const Constants& constants, std::size_t n) {
    constexpr bool compares_at_end = kComparesAtEnd<Model, Constants>;
    std::int64_t any = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double x = total[i];
        const double mean =
            all_short ? short_membrane_mean(x) : any_mean<short_membrane_mean, is_short_for_membrane>(x);
        v[i] = fused(fused(-x, v[i], inward[i]), mean, v[i]);
        if constexpr (!compares_at_end) any |= v[i] >= constants.of(i)(Model::v_thresh) ? 1 : 0;
    }
    if constexpr (compares_at_end) return reaches(v, constants.value[Model::v_thresh], n);
    return any != 0;
}

// The same as update_block() below for membranes that conductances move.
template <class Model, class Constants, std::size_t... s>
PYCOSIM_ALWAYS_INLINE bool update_conductances(const SliceColumns& slice, std::size_t begin, std::size_t n,
                                               std::index_sequence<s...>) {
    static_assert(kIsHeld<Model> && Model::v == 0);
    double* const state[] = {slice.states[s] + begin...};
    double* __restrict const excitatory = slice.inputs[0] + begin;
    double* __restrict const inhibitory = slice.inputs[1] + begin;
    const Constants constants(slice, begin);
    alignas(64) double total[kBlock], inward[kBlock];
    std::uint64_t longest = 0;
    PYCOSIM_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const auto c = constants.of(i);
        double x[] = {state[s][i]...};
        const Channels channels = Model::open_channels(x, c, excitatory[i], inhibitory[i]);
        total[i] = channels.total;
        inward[i] = channels.inward;
        longest |= length_for_membrane(channels.total);
        (void(s == 0 || (state[s][i] = x[s], true)), ...);
    }
    clear(excitatory, n);
    clear(inhibitory, n);
    return is_short_length(longest) ? relax<Model, true>(state[0], total, inward, constants, n)
                                   : relax<Model, false>(state[0], total, inward, constants, n);
}

// Advances `n` neurons from `begin` on; returns whether any may have fired.
template <class Model, class Constants, std::size_t... s>
PYCOSIM_ALWAYS_INLINE bool update_block(const SliceColumns& slice, std::size_t begin, std::size_t n,
                                        std::index_sequence<s...> all) {
    double* const state[] = {slice.states[s] + begin...};
    double* __restrict const left = kHasLeft<Model> ? slice.refractory_steps_left + begin : nullptr;
    constexpr bool advances_rows = AdvancesRows<Model, Constants>;
    if constexpr (advances_rows) {
        Model::advance(Rows<Model, Constants>{{slice.states[s] + begin...}, left, Constants(slice, begin), n});
    } else if constexpr (HasSubsteps<Model>) {
        const int n_substeps = static_cast<int>(slice.constants[Model::substeps][0]);
        for (int k = 1; k < n_substeps; ++k) substep<Model, Constants>(slice, begin, n, all);
    }
    double* __restrict const excitatory = slice.inputs[0] + begin;
    double* __restrict const inhibitory = slice.inputs[1] + begin;
    const Constants constants(slice, begin);
    std::int64_t any = 0;
    PYCOSIM_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const auto c = constants.of(i);
        double x[] = {state[s][i]...};
        double still = kHasLeft<Model> ? left[i] : -1.0;
        if constexpr (HasSubsteps<Model> && !advances_rows) Model::substep(x, c, still);
        Model::integrate(x, c, excitatory[i], inhibitory[i]);
        if constexpr (!kComparesAtEnd<Model, Constants>) any |= compare<Model>(x, c, still) ? 1 : 0;
        if constexpr (kHasLeft<Model>) left[i] = still;
        ((state[s][i] = x[s]), ...);
    }
    // Not in the loop: GCC 12 then loses the inhibitory input of the Hodgkin-Huxley model.
    clear(excitatory, n);
    clear(inhibitory, n);
    if constexpr (kComparesAtEnd<Model, Constants>) return reaches(state[Model::v], constants.value[Model::v_thresh], n);
    return any != 0;
}

// Writes the places of membranes at the threshold or above, in order; returns how many there are.
PYCOSIM_BASE_INSTRUCTION_SET std::size_t find_at_threshold(const double* v, double threshold, std::size_t n,
                                                           std::uint32_t* places) {
    std::size_t n_found = 0;
    for (std::size_t i = 0; i < n; ++i) {
        places[n_found] = static_cast<std::uint32_t>(i);
        n_found += v[i] >= threshold;
    }
    return n_found;
}

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
__attribute__((target("avx512f"))) std::size_t find_at_threshold(const double* v, double threshold, std::size_t n,
                                                                 std::uint32_t* places) {
    constexpr std::size_t width = 8;
    const __m512d thresholds = _mm512_set1_pd(threshold);
    std::size_t n_found = 0, i = 0;
    for (; i + width <= n; i += width) {
        unsigned left = _mm512_cmp_pd_mask(_mm512_loadu_pd(v + i), thresholds, _CMP_GE_OQ);
        for (; left; left &= left - 1) {
            places[n_found++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(std::countr_zero(left));
        }
    }
    for (; i < n; ++i) {
        if (v[i] >= threshold) places[n_found++] = static_cast<std::uint32_t>(i);
    }
    return n_found;
}
#endif

// The same for neurons that differ, or that are refractory: `left` is described at compare().
template <class Model, class Constants>
PYCOSIM_ALWAYS_INLINE std::size_t find_fired(const double* v, const double* left, const Constants& constants,
                                             std::size_t n, std::uint32_t* places) {
    alignas(64) std::uint8_t flags[kBlock + 8] = {};
    for (std::size_t i = 0; i < n; ++i) {
        if constexpr (kResets<Model>) {
            const bool may_fire = !kHasLeft<Model> || left[i] < 0.0;
            flags[i] = may_fire & (v[i] >= constants.of(i)(Model::v_thresh));
        } else {
            flags[i] = left[i] > 0.0;
        }
    }
    std::size_t n_found = 0;
    for (std::size_t group = 0; group < n; group += 8) {
        std::uint64_t any;
        std::memcpy(&any, flags + group, sizeof any);
        if (!any) continue;
        for (std::size_t i = group; i < std::min(group + 8, n); ++i) {
            if (flags[i]) places[n_found++] = static_cast<std::uint32_t>(i);
        }
    }
    return n_found;
}

// Finds and resets the neurons of a block that fired.
template <class Model, class Constants, std::size_t... s>
PYCOSIM_ALWAYS_INLINE std::size_t fire(const SliceColumns& slice, std::size_t begin, std::size_t n,
                                       std::uint32_t* fired, std::index_sequence<s...>) {
    double* const state[] = {slice.states[s] + begin...};
    double* __restrict const left = kHasLeft<Model> ? slice.refractory_steps_left + begin : nullptr;
    const Constants constants(slice, begin);
    std::uint32_t places[kBlock + 1];
    std::size_t n_fired;
    if constexpr (kComparesAtEnd<Model, Constants>) {
        n_fired = find_at_threshold(state[Model::v], constants.value[Model::v_thresh], n, places);
    } else {
        const double* v = nullptr;
        if constexpr (kResets<Model>) v = state[Model::v];
        n_fired = find_fired<Model>(v, left, constants, n, places);
    }
    for (std::size_t k = 0; k < n_fired; ++k) {
        const std::size_t i = places[k];
        fired[k] = static_cast<std::uint32_t>(begin + i);
        if constexpr (kResets<Model>) {
            const auto c = constants.of(i);
            if constexpr (kHasLeft<Model>) left[i] = c(Model::refractory_steps);
            double x[] = {state[s][i]...};
            x[Model::v] = c(Model::v_reset);
            if constexpr (HasSpikeJumps<Model>) Model::after_spike(x, c);
            ((state[s][i] = x[s]), ...);
        }
    }
    return n_fired;
}

template <class Model, class Constants>
PYCOSIM_ALWAYS_INLINE std::size_t update(const SliceColumns& slice, std::uint32_t* fired) {
    constexpr auto all_states = std::make_index_sequence<Model::n_states>();
    std::size_t n_fired = 0;
    for (std::size_t begin = slice.begin; begin < slice.end; begin += kBlock) {
        const std::size_t n = std::min(kBlock, slice.end - begin);
        // A constant length spares full blocks the code for the rest of a vector.
        const auto update_some = [&](std::size_t some) PYCOSIM_LAMBDA_INLINE {
            if constexpr (HasChannels<Model>) {
                return update_conductances<Model, Constants>(slice, begin, some, all_states);
            } else {
                return update_block<Model, Constants>(slice, begin, some, all_states);
            }
        };
        const bool any = n == kBlock ? update_some(kBlock) : update_some(n);
        if (any) n_fired += fire<Model, Constants>(slice, begin, n, fired + n_fired, all_states);
    }
    return n_fired;
}

// Templates cannot be compiled for several instruction sets, functions can.
#define PYCOSIM_UPDATE(function, model, constants)                                                           \
    PYCOSIM_FUSED_FUNCTION(std::size_t, function, (const SliceColumns& slice, std::uint32_t* fired), (slice, fired), \
                           update<model, constants<model>>(slice, fired))

PYCOSIM_UPDATE(curr_delta_equal, CurrDelta, EqualConstants)
PYCOSIM_UPDATE(curr_delta_distinct, CurrDelta, DistinctConstants)
PYCOSIM_UPDATE(curr_exp_equal, CurrExp, EqualConstants)
PYCOSIM_UPDATE(curr_exp_distinct, CurrExp, DistinctConstants)
PYCOSIM_UPDATE(curr_alpha_equal, CurrAlpha, EqualConstants)
PYCOSIM_UPDATE(curr_alpha_distinct, CurrAlpha, DistinctConstants)
PYCOSIM_UPDATE(cond_exp_equal, CondExp, EqualConstants)
PYCOSIM_UPDATE(cond_exp_distinct, CondExp, DistinctConstants)
PYCOSIM_UPDATE(cond_alpha_equal, CondAlpha, EqualConstants)
PYCOSIM_UPDATE(cond_alpha_distinct, CondAlpha, DistinctConstants)
PYCOSIM_UPDATE(cond_exp_gsfa_grr_equal, CondExpGsfaGrr, EqualConstants)
PYCOSIM_UPDATE(cond_exp_gsfa_grr_distinct, CondExpGsfaGrr, DistinctConstants)
PYCOSIM_UPDATE(facets_hardware1_equal, FacetsHardware1, EqualConstants)
PYCOSIM_UPDATE(facets_hardware1_distinct, FacetsHardware1, DistinctConstants)
PYCOSIM_UPDATE(eif_cond_exp_equal, EifCondExp, EqualConstants)
PYCOSIM_UPDATE(eif_cond_exp_distinct, EifCondExp, DistinctConstants)
PYCOSIM_UPDATE(eif_cond_alpha_equal, EifCondAlpha, EqualConstants)
PYCOSIM_UPDATE(eif_cond_alpha_distinct, EifCondAlpha, DistinctConstants)
PYCOSIM_UPDATE(hh_cond_exp_equal, HhCondExp, EqualConstants)
PYCOSIM_UPDATE(hh_cond_exp_distinct, HhCondExp, DistinctConstants)
PYCOSIM_UPDATE(izhikevich_equal, Izhikevich, EqualConstants)
PYCOSIM_UPDATE(izhikevich_distinct, Izhikevich, DistinctConstants)

template <class M>
constexpr Model entry(Update equal, Update distinct) {
    if constexpr (kIsHeld<M>) {
        static_assert(int{M::v_reset} == Model::kVReset && int{M::refractory_steps} == Model::kRefractorySteps);
    }
    return {M::name, M::states, M::constants, kResets<M>, equal, distinct, 2, nullptr, -1, kIsHeld<M>};
}

const Model kModels[] = {
    entry<CurrDelta>(curr_delta_equal, curr_delta_distinct),
    entry<CurrExp>(curr_exp_equal, curr_exp_distinct),
    entry<CurrAlpha>(curr_alpha_equal, curr_alpha_distinct),
    entry<CondExp>(cond_exp_equal, cond_exp_distinct),
    entry<CondAlpha>(cond_alpha_equal, cond_alpha_distinct),
    entry<CondExpGsfaGrr>(cond_exp_gsfa_grr_equal, cond_exp_gsfa_grr_distinct),
    entry<FacetsHardware1>(facets_hardware1_equal, facets_hardware1_distinct),
    entry<EifCondExp>(eif_cond_exp_equal, eif_cond_exp_distinct),
    entry<EifCondAlpha>(eif_cond_alpha_equal, eif_cond_alpha_distinct),
    entry<HhCondExp>(hh_cond_exp_equal, hh_cond_exp_distinct),
    entry<Izhikevich>(izhikevich_equal, izhikevich_distinct),
};

std::vector<const Model*>& added_models() {
    static std::vector<const Model*> all;
    return all;
}

}  // namespace

std::span<const Model> models() { return kModels; }

const Model* added_model(std::string_view name) {
    for (const Model* model : added_models()) {
        if (model->name == name) return model;
    }
    return nullptr;
}

void add_model(const Model& model) {
    if (!added_model(model.name)) added_models().push_back(&model);
}

}  // namespace pycosim::native
