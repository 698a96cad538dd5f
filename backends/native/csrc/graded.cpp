#include "graded.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "synapse_row.hpp"

namespace pycosim::native {
namespace {

template <class T>
T at(std::span<const T> column, std::size_t i) {
    return column[column.size() == 1 ? 0 : i];
}

}  // namespace

void GradedStore::connect(std::span<const ProjectionColumns> projections, const TargetMap& map,
                          std::span<const std::int32_t> core_of_neuron) {
    auto columns = std::make_shared<Columns>();
    columns->max_delay = delays_of(projections).high;
    columns->row.push_back(0);
    const std::vector<std::uint32_t>& inputs = map.index();
    RowIndex(map.n_neurons, projections).for_each_source([&](std::span<const RowIndex::Row> parts) {
        for (const RowIndex::Row& part : parts) {
            const ProjectionColumns& projection = projections[part.projection];
            for (auto i = static_cast<std::size_t>(part.begin); i < static_cast<std::size_t>(part.end); ++i) {
                const auto neuron = static_cast<std::size_t>(projection.targets[i]);
                if (inputs[neuron] == kElsewhere) continue;
                const std::int32_t delay = at(projection.delays, i);
                const std::int32_t core = core_of_neuron.empty() ? 0 : core_of_neuron[neuron];
                const auto place = static_cast<std::uint32_t>(columns->targets.size());
                const bool begins = columns->runs.size() == columns->row.back() ||
                                    columns->runs.back().receptor != projection.receptor ||
                                    columns->runs.back().delay != delay || columns->runs.back().core != core;
                if (begins) columns->runs.push_back({projection.receptor, delay, core, place, place});
                columns->targets.push_back(inputs[neuron]);
                columns->weights.push_back(at(projection.weights, i));
                ++columns->runs.back().end;
            }
        }
        columns->row.push_back(static_cast<std::uint32_t>(columns->runs.size()));
    });
    synapses_ = std::move(columns);
}

void GradedStore::emit(std::uint32_t source, std::int64_t emission_step, double payload) {
    const bool has_row = source + 1 < synapses_->row.size() && synapses_->row[source] < synapses_->row[source + 1];
    if (has_row) emitted_[{emission_step, source}] = {payload, synapses_};
}

template <class Due>
void GradedStore::send_runs(std::uint32_t source, std::int64_t emission_step, Due&& due) {
    const auto found = emitted_.find({emission_step, source});
    if (found == emitted_.end()) return;
    const Spike& spike = found->second;
    for (std::uint32_t i = spike.synapses->row[source]; i < spike.synapses->row[source + 1]; ++i) {
        const std::int64_t step = due(spike.synapses->runs[i]);
        if (step >= 0) pending_[step].push_back({found->first, i, spike.payload, spike.synapses});
    }
}

void GradedStore::send(std::uint32_t source, std::int64_t emission_step) {
    send_runs(source, emission_step, [&](const Run& run) { return emission_step + run.delay; });
}

void GradedStore::send_to_core(std::uint32_t source, std::int32_t core, std::int64_t emission_step, std::int64_t shift,
                               std::int64_t floor, const Only& only, std::int64_t present_step) {
    send_runs(source, emission_step, [&](const Run& run) {
        if (run.core != core || !only.takes(run.delay, run.receptor)) return std::int64_t{-1};
        return std::max({emission_step + run.delay + shift, floor, present_step + 1});
    });
}

void GradedStore::deliver(std::int64_t step, double* inputs, std::uint32_t receptor_stride) {
    const auto found = pending_.find(step);
    if (found == pending_.end()) return;
    std::sort(found->second.begin(), found->second.end(), [](const Arrival& a, const Arrival& b) {
        return std::tie(a.spike, a.run) < std::tie(b.spike, b.run);
    });
    for (const Arrival& arrival : found->second) {
        const Columns& synapses = *arrival.synapses;
        const Run& run = synapses.runs[arrival.run];
        double* const of_receptor = inputs + std::size_t{run.receptor} * receptor_stride;
        for (std::uint32_t i = run.begin; i < run.end; ++i) {
            of_receptor[synapses.targets[i]] += synapses.weights[i] * arrival.payload;
        }
    }
    pending_.erase(found);
}

void GradedStore::forget(std::int64_t present_step, std::int64_t oldest_under_way) {
    for (auto it = emitted_.begin(); it != emitted_.end();) {
        const std::int64_t step = it->first.first;
        if (step >= oldest_under_way || step + it->second.synapses->max_delay >= present_step) return;
        it = emitted_.erase(it);
    }
}

std::size_t GradedStore::n_bytes() const {
    return synapses_->row.size() * sizeof(synapses_->row[0]) + synapses_->runs.size() * sizeof(Run) +
           synapses_->targets.size() * (sizeof(std::uint32_t) + sizeof(double));
}

}  // namespace pycosim::native
