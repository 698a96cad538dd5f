// The engine's plastic synapses: built once, read and changed between steps.
#include <algorithm>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "engine.hpp"
#include "synapse_row.hpp"

namespace pycosim::native {

void Engine::connect_plastic(std::span<const PlasticColumns> projections, std::vector<PlasticModel> models) {
    if (projections.size() != models.size()) throw std::invalid_argument("one model is needed for each projection");
    std::move(models.begin(), models.end(), std::back_inserter(plastic_models_));
    std::vector<ProjectionColumns> columns;
    for (const PlasticColumns& projection : projections) {
        columns.push_back(projection.synapses);
        n_plastic_synapses_.push_back(projection.synapses.targets.size());
    }
    const Range delays = delays_of(columns);
    smallest_plastic_delay_ = std::min({smallest_plastic_delay_, delays.low, kMaxBatchSteps});
    largest_plastic_delay_ = std::max(largest_plastic_delay_, delays.high);
    const std::int64_t first_emission = started_ ? step_ + 1 : 0;
    pool_.run([&](unsigned thread) {
        Partition& partition = partitions_[thread];
        auto store = std::make_unique<PlasticStore>(projections, plastic_models_, partition.target_map(n_neurons_),
                                                    core_of_neuron_, step_);
        partition.connect_plastic(std::move(store), first_emission, largest_plastic_delay_, step_);
    });
    batch_steps_ = std::min(batch_steps_, smallest_plastic_delay_);
}

std::vector<double> Engine::plastic_weights(std::size_t projection) const {
    std::vector<double> weights(n_plastic_synapses_.at(projection));
    for (const Partition& partition : partitions_) {
        partition.gather_weights(static_cast<std::uint32_t>(projection), step_, weights);
    }
    return weights;
}

void Engine::set_plastic_weights(std::size_t projection, std::span<const double> weights) {
    if (weights.size() != n_plastic_synapses_.at(projection)) throw std::invalid_argument("wrong number of weights");
    for (Partition& partition : partitions_) {
        if (started_) partition.settle(static_cast<std::uint32_t>(projection), step_);
        partition.set_weights(static_cast<std::uint32_t>(projection), weights);
    }
}

void Engine::set_plastic_model(std::size_t projection, PlasticModel model) {
    for (Partition& partition : partitions_) {
        if (started_) partition.settle(static_cast<std::uint32_t>(projection), step_);
    }
    plastic_models_.at(projection) = std::move(model);
    for (Partition& partition : partitions_) partition.compare_with_bounds(static_cast<std::uint32_t>(projection));
}

}  // namespace pycosim::native
