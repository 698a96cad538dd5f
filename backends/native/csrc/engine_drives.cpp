// Which populations of Poisson sources the engine draws by itself.
#include "engine.hpp"

namespace pycosim::native {

bool Engine::draw_inside(std::size_t population, const PoissonRule& rule) {
    draw_outside(population);
    const Population& spec = populations_.at(population);
    if (spec.model || !core_of_neuron_.empty() || !spec.spikes_recorded.empty()) return false;
    std::vector<std::optional<DriveSynapses>> synapses;
    for (const Partition& partition : partitions_) {
        synapses.push_back(partition.single_synapses(spec.first, spec.size));
        if (!synapses.back()) return false;
    }
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        if (synapses[i]->sources.empty()) continue;
        partitions_[i].add_drive(population, spec.first, rule, std::move(*synapses[i]), next_emission());
    }
    return true;
}

void Engine::draw_outside(std::size_t population) {
    for (Partition& partition : partitions_) partition.end_drives(population, next_emission());
}

}  // namespace pycosim::native
