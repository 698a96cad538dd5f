#include "junctions.hpp"

#include <algorithm>
#include <stdexcept>

#include "engine.hpp"

namespace pycosim::native {

SliceJunctions::SliceJunctions(const JunctionColumns& columns, std::uint32_t first_neuron, std::uint32_t size) {
    const auto begin = std::lower_bound(columns.neurons.begin(), columns.neurons.end(), std::int64_t{first_neuron});
    const auto end = std::lower_bound(begin, columns.neurons.end(), std::int64_t{first_neuron} + size);
    for (auto neuron = begin; neuron != end; ++neuron) {
        const auto place = static_cast<std::size_t>(neuron - columns.neurons.begin());
        for (std::int64_t k = columns.indptr[place]; k < columns.indptr[place + 1]; ++k) {
            partners_.push_back(static_cast<std::size_t>(columns.partners[static_cast<std::size_t>(k)]));
            conductances_.push_back(columns.conductances[static_cast<std::size_t>(k)]);
        }
        neurons_.push_back({static_cast<std::uint32_t>(*neuron - first_neuron), place, partners_.size(),
                            columns.drive_per_na[place], columns.offset_na[place], columns.extrapolation[place], 0.0});
    }
}

void SliceJunctions::add_to(Column& drive, const Membranes& before) {
    std::size_t k = 0;
    for (Neuron& neuron : neurons_) {
        double current = neuron.offset_na;
        for (; k < neuron.end; ++k) {
            const std::size_t partner = partners_[k];
            current += conductances_[k] * (before.v[partner] + neuron.extrapolation * before.moved[partner]);
        }
        neuron.own_drive = drive[neuron.index];
        drive[neuron.index] += neuron.drive_per_na * current;
    }
}

void SliceJunctions::finish(Column& drive, const Column& v, std::span<const std::uint32_t> reset,
                            const Membranes& before, Membranes& after) {
    auto next_reset = reset.begin();
    for (const Neuron& neuron : neurons_) {
        drive[neuron.index] = neuron.own_drive;
        next_reset = std::lower_bound(next_reset, reset.end(), neuron.index);
        const bool was_reset = next_reset != reset.end() && *next_reset == neuron.index;
        after.v[neuron.place] = v[neuron.index];
        after.moved[neuron.place] = was_reset ? 0.0 : v[neuron.index] - before.v[neuron.place];
    }
}

// A neuron that had junctions already goes on; one that is new has not moved yet.
void Engine::couple(const JunctionColumns& columns) {
    const std::size_t n = columns.neurons.size();
    if (columns.drive_per_na.size() != n || columns.offset_na.size() != n || columns.extrapolation.size() != n ||
        columns.indptr.size() != n + 1 || columns.partners.size() != columns.conductances.size()) {
        throw std::invalid_argument("the columns of the gap junctions have different lengths");
    }
    const Membranes old = board_.after(step_);
    Membranes shown{std::vector<double>(n, 0.0), std::vector<double>(n, 0.0)};
    for (std::size_t i = 0; i < n; ++i) {
        const auto known = std::lower_bound(coupled_.begin(), coupled_.end(), columns.neurons[i]);
        if (known == coupled_.end() || *known != columns.neurons[i]) continue;
        shown.moved[i] = old.moved[static_cast<std::size_t>(known - coupled_.begin())];
    }
    coupled_.assign(columns.neurons.begin(), columns.neurons.end());
    for (const Population& population : populations_) {
        if (!population.model) continue;
        const auto drive = std::find(population.model->constants.begin(), population.model->constants.end(), "drive");
        for (Partition& partition : partitions_) {
            Slice& slice = partition.slices[population.slice];
            slice.junctions = SliceJunctions(columns, slice.first_neuron, slice.size);
            slice.drive = static_cast<std::size_t>(drive - population.model->constants.begin());
            slice.show_held();
            slice.junctions.show(slice.states[0], shown);
            slice.hide_held();
            partition.board = &board_;
        }
    }
    board_.sides = {shown, shown};
    if (n) longest_batch_ = batch_steps_ = 1;
}

}  // namespace pycosim::native
