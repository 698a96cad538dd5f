// The weight dependences of timing rules; pycosim/network/plasticity.py has the table.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "plastic.hpp"
#include "power.hpp"

namespace pycosim::native {

// Parameters of a timing rule at one synapse after the other.
template <bool shared>
struct TimingKernel {
    std::array<const double*, 8> columns;
    std::array<std::size_t, 8> strides;
    std::array<double, 8> first;

    explicit TimingKernel(const PlasticModel& model) {
        for (std::size_t p = 0; p < columns.size(); ++p) {
            columns[p] = model.parameters[p].data();
            strides[p] = model.parameters[p].size() > 1;
            first[p] = columns[p][0];
        }
    }
    double operator()(TimingParameter p, std::uint32_t synapse) const {
        return shared ? first[p] : columns[p][strides[p] * synapse];
    }

    double bounded(double w, std::uint32_t s) const {
        const double low = (*this)(kMinimum, s), high = (*this)(kMaximum, s);
        return std::clamp(w, std::min(low, high), std::max(low, high));
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
    template <PlasticRule rule>
    double after_post(double w, double trace, std::uint32_t s) const {
        const double gain = (*this)(kPostGain, s) * trace;
        return gain == 0 ? w : bounded(w + gain * up<rule>(w, s), s);
    }
    template <PlasticRule rule>
    double after_pre(double w, double trace, std::uint32_t s) const {
        const double gain = (*this)(kPreGain, s) * trace;
        const double loss = (*this)(kPreLoss, s) * trace + (*this)(kConstantLoss, s);
        if (gain == 0 && loss == 0) return w;
        const double gained = gain == 0 ? w : w + gain * up<rule>(w, s);
        return bounded(loss == 0 ? gained : gained - loss * down<rule>(w, s), s);
    }
};

}  // namespace pycosim::native
