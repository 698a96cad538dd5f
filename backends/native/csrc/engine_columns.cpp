// What is set of populations, and read of them: constants, currents, states and recordings.
#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "engine.hpp"

namespace pycosim::native {

const Model& Engine::dynamics(std::size_t population) const {
    if (!populations_.at(population).model) throw std::invalid_argument("a population of spike sources has no state");
    return *populations_[population].model;
}

int Engine::state_index(const Model& model, std::string_view name) {
    const auto found = std::find(model.states.begin(), model.states.end(), name);
    if (found == model.states.end()) throw std::invalid_argument("unknown state variable " + std::string(name));
    return static_cast<int>(found - model.states.begin());
}

void Engine::set_constants(std::size_t population, std::span<const std::span<const double>> columns) {
    const Model& model = dynamics(population);
    const Population& spec = populations_[population];
    if (columns.size() != model.constants.size()) throw std::invalid_argument("wrong number of constants");
    const bool equal = std::all_of(columns.begin(), columns.end(), [](auto column) { return column.size() == 1; });
    for (Partition& partition : partitions_) {
        Slice& slice = partition.slices[spec.slice];
        slice.equal_constants = equal;
        slice.injections = {};
        for (std::size_t c = 0; c < columns.size(); ++c) {
            if (columns[c].size() == 1) {
                slice.constants[c].assign(equal ? 1 : padded(slice.size), columns[c][0]);
                continue;
            }
            if (columns[c].size() != spec.size) throw std::invalid_argument("a constant has the wrong length");
            const auto begin = columns[c].begin() + slice.first_index;
            slice.constants[c].assign(begin, begin + slice.size);
        }
    }
}

void Engine::inject(std::size_t population, std::span<const double> drive_per_na, InjectionColumns injections) {
    const Model& model = dynamics(population);
    const Population& spec = populations_[population];
    if (drive_per_na.size() != 1 && drive_per_na.size() != spec.size) throw std::invalid_argument("wrong length");
    const auto drive = std::find(model.constants.begin(), model.constants.end(), "drive") - model.constants.begin();
    for (const auto& [current, indices] : injections) currents_.resize(std::max(currents_.size(), current + 1));
    for (Partition& partition : partitions_) {
        partition.slices[spec.slice].inject(static_cast<std::size_t>(drive), drive_per_na, injections,
                                                Partition::kMostSteps);
    }
}

void Engine::set_current_values(std::size_t current, std::int64_t first_step, std::span<const double> values) {
    if (current >= currents_.size()) currents_.resize(current + 1);
    currents_[current] = {first_step, {values.begin(), values.end()}, {}};
}

void Engine::set_current_noise(std::size_t current, const Noise& noise) {
    if (current >= currents_.size()) currents_.resize(current + 1);
    currents_[current] = {0, {}, noise};
    for (Partition& partition : partitions_) {
        for (Slice& slice : partition.slices) slice.injections.forget();
    }
}

void Engine::set_state(std::size_t population, std::string_view name, std::span<const double> values) {
    const int index = state_index(dynamics(population), name);
    if (values.size() != populations_[population].size) throw std::invalid_argument("wrong number of values");
    for (Partition& partition : partitions_) {
        Slice& slice = partition.slices[populations_[population].slice];
        const auto begin = values.begin() + slice.first_index;
        std::copy(begin, begin + slice.size, slice.states[static_cast<std::size_t>(index)].begin());
        slice.hide_held();
    }
}

std::vector<double> Engine::state(std::size_t population, std::string_view name) {
    const int index = state_index(dynamics(population), name);
    std::vector<double> values(populations_[population].size, std::numeric_limits<double>::quiet_NaN());
    for (Partition& partition : partitions_) {
        Slice& slice = partition.slices[populations_[population].slice];
        const Column& column = slice.states[static_cast<std::size_t>(index)];
        slice.show_held();
        std::copy_n(column.begin(), slice.size, values.begin() + slice.first_index);
        slice.hide_held();
    }
    return values;
}

void Engine::record_spikes(std::size_t population, std::span<const std::uint8_t> mask) {
    Population& spec = populations_.at(population);
    if (mask.size() != spec.size) throw std::invalid_argument("the mask has the wrong length");
    const bool any = std::ranges::any_of(mask, [](std::uint8_t m) { return m != 0; });
    if (!spec.model) {
        spec.spikes_recorded.assign(mask.begin(), any ? mask.end() : mask.begin());
        return;
    }
    for (Partition& partition : partitions_) {
        Slice& slice = partition.slices[spec.slice];
        const auto begin = mask.begin() + slice.first_index;
        slice.spikes_recorded.assign(begin, begin + (any ? slice.size : 0));
    }
}

SpikeColumns Engine::take_spikes(std::size_t population) {
    Population& spec = populations_.at(population);
    if (!spec.model) return std::exchange(spec.spikes, {});
    SpikeColumns all;
    for (Partition& partition : partitions_) {
        SpikeColumns part = std::exchange(partition.slices[spec.slice].spikes, {});
        all.steps.insert(all.steps.end(), part.steps.begin(), part.steps.end());
        all.indices.insert(all.indices.end(), part.indices.begin(), part.indices.end());
    }
    if (partitions_.size() == 1) return all;
    // Slices ascend with the index, so that a stable order by step is the order by (step, index).
    std::vector<std::size_t> order(all.steps.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return all.steps[a] < all.steps[b]; });
    SpikeColumns sorted;
    for (const std::size_t i : order) sorted.add(all.steps[i], all.indices[i]);
    return sorted;
}

void Engine::forget_signals(std::size_t population) {
    dynamics(population);
    for (Partition& partition : partitions_) partition.slices[populations_[population].slice].signals.clear();
    populations_[population].signals.clear();
}

void Engine::record_signal(std::size_t population, std::string_view state, std::span<const std::int64_t> indices,
                           std::int64_t origin_step, std::int64_t interval_steps, std::span<const double> present) {
    const int index = state_index(dynamics(population), state);
    std::size_t n_columns = 0;
    std::vector<SignalColumns> parts;
    for (const Partition& partition : partitions_) {
        const Slice& slice = partition.slices[populations_[population].slice];
        SignalColumns part{nullptr, n_columns, {}};
        for (const std::int64_t i : indices) {
            const std::int64_t within = i - slice.first_index;
            if (within >= 0 && within < slice.size) part.indices.push_back(static_cast<std::uint32_t>(within));
        }
        n_columns += part.indices.size();
        parts.push_back(std::move(part));
    }
    auto& signal = populations_[population].signals.emplace_back(
        std::make_unique<Signal>(index, origin_step, interval_steps, n_columns, step_, present));
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].signal = signal.get();
        partitions_[i].slices[populations_[population].slice].signals.push_back(std::move(parts[i]));
    }
}

Samples Engine::take_signal(std::size_t population, std::string_view state) {
    const int index = state_index(dynamics(population), state);
    for (const auto& signal : populations_[population].signals) {
        if (signal->state() == index) return signal->take(step_);
    }
    throw std::invalid_argument(std::string(state) + " is not recorded");
}

void Engine::make_room_for_signals(std::int64_t n_steps) {
    for (Population& population : populations_) {
        for (const auto& signal : population.signals) signal->make_room(step_ + n_steps);
    }
}

}  // namespace pycosim::native
