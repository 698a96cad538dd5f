#include "injection.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "vectorised.hpp"

namespace pycosim::native {
namespace {

PYCOSIM_EVERY_INSTRUCTION_SET
void add_to_drive(const double* __restrict own, const double* __restrict per_na, const double* __restrict total,
                  std::size_t n, double* __restrict drive) {
    for (std::size_t i = 0; i < n; ++i) drive[i] = own[i] + per_na[i] * total[i];
}

}  // namespace

SliceInjections::SliceInjections(const Injections& injections, const Column& drive, const Column& drive_per_na,
                                 std::size_t n_columns)
    : currents_(injections.currents), drives_(n_columns, drive) {
    std::vector<Injections::Flow> flows = injections.flows;
    std::ranges::stable_sort(flows, {}, &Injections::Flow::neuron);
    std::vector<std::span<const Injections::Flow>> of_neurons;
    for (auto flow = flows.begin(); flow != flows.end();) {
        const auto begin = flow;
        while (flow != flows.end() && flow->neuron == begin->neuron) ++flow;
        of_neurons.emplace_back(begin, flow);
    }
    std::ranges::stable_sort(of_neurons, std::ranges::greater{}, &std::span<const Injections::Flow>::size);
    for (std::size_t layer = 0, n = 1; n; ++layer) {
        n = 0;
        while (n < of_neurons.size() && of_neurons[n].size() > layer) {
            layer_currents_.push_back(of_neurons[n++][layer].current);
        }
        if (n) layer_sizes_.push_back(n);
    }
    for (const auto of_neuron : of_neurons) {
        const std::uint32_t i = of_neuron[0].neuron;
        neurons_.push_back(i);
        is_contiguous_ = is_contiguous_ && i == neurons_[0] + own_.size();
        own_.push_back(drive[i]);
        per_na_.push_back(drive_per_na[i]);
    }
    total_.resize(neurons_.size());
}

void SliceInjections::find_noise(const std::vector<Current>& currents) {
    std::map<decltype(Noise{}.times()), std::vector<std::uint32_t>> same_times;
    noisy_.clear();
    known_.clear();
    places_.resize(currents_.size());
    std::uint32_t place = 0;
    for (std::uint32_t k = 0; k < currents_.size(); ++k) {
        if (const std::optional<Noise>& noise = currents[currents_[k]].noise) {
            same_times[noise->times()].push_back(k);
        } else {
            known_.push_back(k);
            places_[k] = place++;
        }
    }
    for (const auto& [times, members] : same_times) {
        std::vector<Noise> noises;
        for (const std::uint32_t k : members) noises.push_back(*currents[currents_[k]].noise);
        noisy_.push_back({NoisyCurrents(noises), place});
        for (const std::uint32_t k : members) places_[k] = place++;
    }
    values_.assign(place, std::numeric_limits<double>::quiet_NaN());
    layers_.clear();
    for (const std::uint32_t k : layer_currents_) layers_.push_back(places_[k]);
    is_known_ = true;
}

Column& SliceInjections::drive(const std::vector<Current>& currents, std::int64_t step) {
    if (!is_known_) find_noise(currents);
    bool is_same = true;
    for (std::size_t i = 0; i < known_.size(); ++i) {
        const double& value = currents[currents_[known_[i]]].at(step);
        prefetch(&value + 16);  // too many columns for the machine to see how they go on
        is_same = is_same && value == values_[i];
        values_[i] = value;
    }
    for (auto& [noise, place] : noisy_) is_same = !noise.take(step, values_.data() + place) && is_same;
    if (is_same) return drives_[newest_];
    newest_ = (newest_ + 1) % drives_.size();
    add_up(drives_[newest_].data());
    return drives_[newest_];
}

void SliceInjections::add_up(double* drive) {
    const std::uint32_t* which = layers_.data();
    const double* const values = values_.data();
    double* const total = total_.data();
    std::ranges::fill(total_, 0.0);
    for (const std::size_t n : layer_sizes_) {
        for (std::size_t i = 0; i < n; ++i) total[i] += values[which[i]];
        which += n;
    }
    if (is_contiguous_) return add_to_drive(own_.data(), per_na_.data(), total, total_.size(), drive + neurons_[0]);
    for (std::size_t i = 0; i < total_.size(); ++i) drive[neurons_[i]] = own_[i] + per_na_[i] * total[i];
}

}  // namespace pycosim::native
