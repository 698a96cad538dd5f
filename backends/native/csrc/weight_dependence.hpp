// The weight dependences of timing rules; pycosim/network/plasticity.py has the table.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "plastic.hpp"
#include "power.hpp"
#include "vectorised.hpp"

namespace pycosim::native {

// Whether a gain, or a loss, is the same for all weights.
constexpr bool has_same_up(PlasticRule rule) {
    return rule == PlasticRule::kAdditive || rule == PlasticRule::kAdditiveMultiplicative;
}
constexpr bool has_same_down(PlasticRule rule) { return rule == PlasticRule::kAdditive; }

// Parameters of a timing rule at one synapse after the other.
template <bool shared>
struct TimingKernel {
    std::array<const double*, 8> columns;
    std::array<std::size_t, 8> strides;
    std::array<double, 8> first;
    struct Bounds {
        double low, high;
    } first_bounds;

    explicit TimingKernel(const PlasticModel& model) {
        for (std::size_t p = 0; p < columns.size(); ++p) {
            columns[p] = model.parameters[p].data();
            strides[p] = model.parameters[p].size() > 1;
            first[p] = columns[p][0];
        }
        first_bounds = {std::min(first[kMinimum], first[kMaximum]), std::max(first[kMinimum], first[kMaximum])};
    }
    double operator()(TimingParameter p, std::uint32_t synapse) const {
        return shared ? first[p] : columns[p][strides[p] * synapse];
    }

    // Not std::clamp(), whose references keep compilers from taking one instruction for each bound.
    double bounded(double w, std::uint32_t s) const {
        const Bounds bounds = shared ? first_bounds : bounds_of(s);
        const double at_least = w < bounds.low ? bounds.low : w;
        return bounds.high < at_least ? bounds.high : at_least;
    }
    Bounds bounds_of(std::uint32_t s) const {
        const double one = (*this)(kMinimum, s), other = (*this)(kMaximum, s);
        return {std::min(one, other), std::max(one, other)};
    }
    template <PlasticRule rule>
    double up(double w, std::uint32_t s) const {
        const double high = (*this)(kMaximum, s);
        if constexpr (rule == PlasticRule::kMultiplicative) return high - w;
        if constexpr (rule != PlasticRule::kGutig) return high;
        const double range = high - (*this)(kMinimum, s);
        return range * power(std::max((high - w) / range, 0.0), (*this)(kMuPlus, s));
    }
    template <PlasticRule rule>
    double down(double w, std::uint32_t s) const {
        const double low = (*this)(kMinimum, s);
        if constexpr (rule == PlasticRule::kAdditive) return (*this)(kMaximum, s);
        if constexpr (rule != PlasticRule::kGutig) return w - low;
        const double range = (*this)(kMaximum, s) - low;
        return range * power(std::max((w - low) / range, 0.0), (*this)(kMuMinus, s));
    }

    // Of the pair rules: what traces are multiplied with, a dependence that is the same for all weights included.
    template <PlasticRule rule>
    double gain(TimingParameter p, std::uint32_t s) const {
        return (*this)(p, s) * (has_same_up(rule) ? (*this)(kMaximum, s) : 1.0);
    }
    template <PlasticRule rule>
    double loss(TimingParameter p, std::uint32_t s) const {
        return (*this)(p, s) * (has_same_down(rule) ? (*this)(kMaximum, s) : 1.0);
    }
    // After a postsynaptic spike, the gain being that of kPostGain times the presynaptic trace, as two factors. Choices between
    // computed numbers become vector instructions; only powers are too dear to be computed in vain.
    template <PlasticRule rule>
    double after_post(double w, double trace, double potentiation, std::uint32_t s) const {
        const bool is_none = (trace == 0) | (potentiation == 0);
        if (rule == PlasticRule::kGutig && is_none) return w;
        const double more = has_same_up(rule) ? fused(trace, potentiation, w) : risen<rule>(w, trace * potentiation, s);
        return is_none ? w : bounded(more, s);
    }
    template <PlasticRule rule>
    double after_pre(double w, double trace, std::uint32_t s) const {
        const double gain = this->template gain<rule>(kPreGain, s) * trace;
        const double loss_by_trace = this->template loss<rule>(kPreLoss, s);
        const double always = this->template loss<rule>(kConstantLoss, s);
        if constexpr (rule == PlasticRule::kGutig) {
            const double loss = loss_by_trace * trace + always;
            if (gain == 0 && loss == 0) return w;
            const double gained = gain == 0 ? w : risen<rule>(w, gain, s);
            return bounded(loss == 0 ? gained : gained - loss * down<rule>(w, s), s);
        }
        const double loss = fused(loss_by_trace, trace, always);
        const double more = risen<rule>(w, gain, s), gained = gain == 0 ? w : more;
        const double less = has_same_down(rule) ? gained - loss : fused(-loss, down<rule>(w, s), gained);
        const double changed = bounded(loss == 0 ? gained : less, s);
        return ((gain == 0) & (loss == 0)) ? w : changed;
    }

  private:
    // Powers are not fused, as those of many synapses are computed apart (pair_rules.cpp).
    template <PlasticRule rule>
    double risen(double w, double gain, std::uint32_t s) const {
        if constexpr (has_same_up(rule)) return w + gain;
        if constexpr (rule == PlasticRule::kGutig) return w + gain * up<rule>(w, s);
        return fused(gain, up<rule>(w, s), w);
    }
};

}  // namespace pycosim::native
