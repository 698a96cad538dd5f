#include "engine.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "spent_columns.hpp"
#include "synapse_row.hpp"

namespace pycosim::native {
namespace {

const Model* find_model(std::string_view name) {
    for (const Model& model : models()) {
        if (model.name == name) return &model;
    }
    if (const Model* model = added_model(name)) return model;
    throw std::invalid_argument("unknown model " + std::string(name));
}

}  // namespace

Engine::Engine(std::span<const PopulationSpec> populations, std::span<const std::int32_t> core_of_neuron,
               unsigned n_threads, Share share)
    : core_of_neuron_(core_of_neuron.begin(), core_of_neuron.end()),
      partitions_(n_threads),
      share_(share),
      pool_(n_threads) {
    for (const PopulationSpec& spec : populations) add(spec);
    for (Partition& partition : partitions_) {
        partition.allocate_inputs(n_neurons_);
        partition.currents = &currents_;
    }
    connect({});
}

const Model* Engine::model_of(const PopulationSpec& spec) {
    if (spec.model.empty()) return nullptr;
    const Model* model = spec.composition ? nullptr : find_model(spec.model);
    for (const ComposedModel& known : composed_) {
        if (spec.composition && known.model().name == spec.model) model = &known.model();
    }
    if (!model) model = &composed_.emplace_back(spec.model, *spec.composition).model();
    if (spec.receptors.size() != model->n_receptors) throw std::invalid_argument("wrong number of receptors");
    return model;
}

void Engine::set_noise(pycosim::Key key) {
    for (Partition& partition : partitions_) partition.noise_key = key;
}

void Engine::add(const PopulationSpec& spec) {
    Population population{};
    population.model = model_of(spec);
    population.first = n_neurons_;
    population.size = spec.size;
    n_neurons_ += spec.size;
    if (population.model) {
        population.slice = n_slices_++;
        population.first_local = n_local_;
        const std::uint64_t n_here = partitions_.size(), n_partitions = n_here * share_.n_ranks;
        for (std::uint64_t p = 0; p < n_here; ++p) {
            const std::uint64_t number = share_.rank * n_here + p;
            const auto begin = static_cast<std::uint32_t>(spec.size * number / n_partitions);
            const auto end = static_cast<std::uint32_t>(spec.size * (number + 1) / n_partitions);
            partitions_[p].add_slice(*population.model, spec.receptors, begin, population.first + begin, end - begin);
            n_local_ += end - begin;
            if (population.model->payload >= 0 && !partitions_[p].graded) {
                partitions_[p].graded = std::make_unique<GradedStore>();
            }
        }
    }
    populations_.push_back(std::move(population));
}

void Engine::grow(std::span<const PopulationSpec> populations, std::span<const std::int32_t> cores_of_new) {
    if (!core_of_neuron_.empty()) {
        const auto size = [](std::size_t n, const PopulationSpec& spec) { return n + spec.size; };
        if (std::accumulate(populations.begin(), populations.end(), std::size_t{0}, size) != cores_of_new.size()) {
            throw std::invalid_argument("one core is needed for each new neuron");
        }
        core_of_neuron_.insert(core_of_neuron_.end(), cores_of_new.begin(), cores_of_new.end());
    }
    for (const PopulationSpec& spec : populations) add(spec);
    for (Partition& partition : partitions_) {
        partition.allocate_inputs(n_neurons_);
        if (partition.rewired) partition.rewired->grow(partition.target_map(n_neurons_));
    }
}

void Engine::connect(std::span<const ProjectionColumns> projections) {
    std::vector<ProjectionColumns> plain, graded;
    for (const ProjectionColumns& projection : projections) split(projection, plain, graded);
    const std::int64_t first_emission = next_emission();
    const Range delays = delays_of(projections);
    if (delays.high > Segment::kMaxDelay) {
        throw std::length_error("delays of more than " + std::to_string(Segment::kMaxDelay) + " steps");
    }
    const std::int64_t max_delay = std::max(delays.high, largest_plastic_delay_);
    const std::int64_t batch_steps =
        std::min({delays.low, kMaxBatchSteps, smallest_plastic_delay_, longest_batch_});
    SpentColumns spent(plain, static_cast<unsigned>(partitions_.size()));
    pool_.run([&](unsigned thread) {
        Partition& partition = partitions_[thread];
        const TargetMap map = partition.target_map(n_neurons_);
        SynapseStore store(plain, map, core_of_neuron_, [&](std::size_t n) { spent.reach(thread, n); });
        if (partition.graded) partition.graded->connect(graded, map, core_of_neuron_);
        partition.connect(std::move(store), first_emission, max_delay, step_);
    });
    batch_steps_ = batch_steps;
    n_rule_bytes_ = 0;
    for (const ProjectionColumns& projection : projections)
        if (projection.rule) n_rule_bytes_ += projection.rule->rule.n_bytes();
}

bool Engine::is_graded(std::int32_t source) const {
    const auto neuron = static_cast<std::uint32_t>(source);
    const auto found = std::ranges::find_if(populations_, [neuron](const Population& population) {
        return neuron >= population.first && neuron - population.first < population.size;
    });
    return found != populations_.end() && found->model && found->model->payload >= 0;
}

// The rows of a projection whose sources' spikes have no payload, and those whose spikes have one.
void Engine::split(const ProjectionColumns& projection, std::vector<ProjectionColumns>& plain,
                   std::vector<ProjectionColumns>& graded) const {
    if (!partitions_[0].graded || projection.rule) return plain.push_back(projection);
    const std::size_t n = projection.sources.size();
    for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
        const bool has_payload = is_graded(projection.sources[begin]);
        while (end < n && is_graded(projection.sources[end]) == has_payload) ++end;
        ProjectionColumns part = projection;
        part.is_spent = false;  // two stores read it, one after the other
        part.sources = projection.sources.subspan(begin, end - begin);
        part.indptr = projection.indptr.subspan(begin, end - begin + 1);
        (has_payload ? graded : plain).push_back(part);
    }
}

void Engine::set_source_spikes(std::size_t population, std::int64_t first_step, std::int64_t last_step,
                               std::span<const std::int64_t> steps, std::span<const std::int64_t> indices) {
    Population& spec = populations_.at(population);
    if (spec.model) throw std::invalid_argument("the population does not consist of spike sources");
    spec.source_spikes = SourceSpikes(first_step, last_step, steps, indices, spec.first);
}

void Engine::check_sources(std::int64_t first_step, std::int64_t last_step) const {
    for (const Population& population : populations_) {
        const SourceSpikes& known = population.source_spikes;
        if (!population.model && !(known.covers(first_step) && known.covers(last_step))) {
            throw std::logic_error("the spikes of the sources are not known for all steps");
        }
    }
    if (last_step < 1) return;
    for (const Current& current : currents_) {
        if (!(current.covers(std::max<std::int64_t>(first_step, 1)) && current.covers(last_step))) {
            throw std::logic_error("the injected currents are not known for all steps");
        }
    }
}

void Engine::forget_old_synapses() {
    for (Partition& partition : partitions_) partition.forget_old_synapses(step_, oldest_under_way_);
}

std::span<const std::uint32_t> Engine::fired(const Partition& partition, const Population& population,
                                             unsigned parity, std::size_t i_step) const {
    return partition.fired[parity].list(i_step * n_slices_ + population.slice);
}

// In order of the spikes' global numbers, which is the order of populations and partitions.
void Engine::send_spikes(Partition& partition, std::int64_t step, unsigned parity, std::size_t i_step) {
    std::vector<std::uint32_t>& neurons = partition.arriving;
    neurons.clear();
    const auto add = [&](std::span<const std::uint32_t> more) { neurons.insert(neurons.end(), more.begin(), more.end()); };
    for (const Population& population : populations_) {
        if (!population.model) {
            add(population.source_spikes.at(step));
            continue;
        }
        for (const Partition& from : partitions_) add(fired(from, population, parity, i_step));
    }
    partition.send(neurons, step);
}

// Visits the neurons that fired in a step and have payloads, and these.
template <class Visit>
void Engine::for_payloads(std::int64_t step, unsigned parity, std::size_t i_step, Visit&& visit) const {
    for (const Population& population : populations_) {
        if (!population.model || population.model->payload < 0) continue;
        for (const Partition& from : partitions_) {
            const auto neurons = fired(from, population, parity, i_step);
            const double* const payloads = from.fired[parity].payloads_of(i_step * n_slices_ + population.slice);
            for (std::size_t i = 0; i < neurons.size(); ++i) visit(neurons[i], step, payloads[i]);
        }
    }
}

void Engine::send_source_spikes(Partition& partition, std::int64_t step) {
    for (const Population& population : populations_) {
        if (!population.model) partition.send(population.source_spikes.at(step), step);
    }
}

void Engine::record_source_spikes(std::int64_t step) {
    for (Population& population : populations_) {
        if (population.model || population.spikes_recorded.empty()) continue;
        for (const std::uint32_t neuron : population.source_spikes.at(step)) {
            const std::uint32_t index = neuron - population.first;
            if (population.spikes_recorded[index]) population.spikes.add(step, index);
        }
    }
}

void Engine::advance(std::int64_t n_steps) {
    if (n_steps < 1) return;
    check_sources(started_ ? step_ + 1 : 0, step_ + n_steps);
    forget_old_synapses();
    make_room_for_signals(n_steps);
    pool_.run([&](unsigned thread) noexcept { advance_partition(thread, n_steps); });
    started_ = true;
    step_ += n_steps;
}

// Runs in all threads at once; what others read (`fired`) is written only between two meetings, and two lists
// alternate so that one meeting per batch is enough.
void Engine::advance_partition(unsigned thread, std::int64_t n_steps) {
    Partition& partition = partitions_[thread];
    if (!started_) {
        send_source_spikes(partition, 0);
        if (thread == 0) record_source_spikes(0);
    }
    const std::int64_t end = step_ + n_steps;
    unsigned parity = 0;
    for (std::int64_t done = step_; done < end; parity ^= 1) {
        const std::int64_t n = std::min(batch_steps_, end - done);
        partition.fired[parity].clear();
        partition.advance(done + 1, n, partition.fired[parity]);
        pool_.meet();
        for (std::int64_t i = 1; i <= n; ++i) {
            send_spikes(partition, done + i, parity, static_cast<std::size_t>(i - 1));
            if (partition.graded) {
                for_payloads(done + i, parity, static_cast<std::size_t>(i - 1), [&](auto neuron, auto step, double payload) {
                    partition.graded->emit(neuron, step, payload);
                    partition.graded->send(neuron, step);
                });
            }
            if (partition.rewired) partition.rewired->rewire(done + i);
            if (thread == 0) record_source_spikes(done + i);
        }
        done += n;
    }
}

std::vector<std::int64_t> Engine::initial_spikes() {
    if (started_) throw std::logic_error("the spikes of step 0 have been emitted already");
    check_sources(0, 0);
    started_ = true;
    for (Partition& partition : partitions_) partition.fired[0].ends.assign(n_slices_, 0);  // no neurons
    record_source_spikes(0);
    std::vector<std::int64_t> neurons;
    for (const Population& population : populations_) {
        if (population.model) continue;
        const auto spikes = population.source_spikes.at(0);
        neurons.insert(neurons.end(), spikes.begin(), spikes.end());
    }
    return neurons;
}

std::vector<std::int64_t> Engine::step_deferred() {
    if (!started_) throw std::logic_error("initial_spikes() comes before the first step_deferred()");
    const std::int64_t step = step_ + 1;
    check_sources(step, step);
    forget_old_synapses();
    make_room_for_signals(1);
    pool_.run([&](unsigned thread) {
        partitions_[thread].fired[0].clear();
        partitions_[thread].advance(step, 1, partitions_[thread].fired[0]);
    });
    step_ = step;
    for (Partition& partition : partitions_) {
        if (!partition.graded) continue;
        for_payloads(step, 0, 0, [&](auto neuron, auto, double payload) { partition.graded->emit(neuron, step, payload); });
    }
    record_source_spikes(step);
    std::vector<std::int64_t> neurons;
    for (const Population& population : populations_) {
        if (!population.model) {
            const auto spikes = population.source_spikes.at(step);
            neurons.insert(neurons.end(), spikes.begin(), spikes.end());
            continue;
        }
        for (const Partition& partition : partitions_) {
            const auto spikes = fired(partition, population, 0, 0);
            neurons.insert(neurons.end(), spikes.begin(), spikes.end());
        }
    }
    return neurons;
}

void Engine::deliver(std::span<const std::int64_t> emission_steps, std::span<const std::int64_t> sources,
                     std::span<const std::int64_t> cores, std::span<const std::int64_t> shifts,
                     std::span<const std::int64_t> floors, std::span<const std::int64_t> only_delays,
                     std::span<const std::int64_t> only_receptors) {
    if (core_of_neuron_.empty()) throw std::logic_error("the network was built without cores");
    const std::size_t n = emission_steps.size();
    if (sources.size() != n || cores.size() != n || shifts.size() != n || floors.size() != n ||
        (!only_delays.empty() && only_delays.size() != n) || (!only_receptors.empty() && only_receptors.size() != n)) {
        throw std::invalid_argument("the columns have different lengths");
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (emission_steps[i] < 0 || emission_steps[i] > step_) {
            throw std::invalid_argument("a spike of step " + std::to_string(emission_steps[i]) +
                                        " cannot be delivered at step " + std::to_string(step_));
        }
        if (sources[i] < 0 || sources[i] >= n_neurons_) {
            throw std::invalid_argument("there is no neuron " + std::to_string(sources[i]));
        }
    }
    for (Partition& partition : partitions_) {
        for (std::size_t i = 0; i < n; ++i) {
            const Only only{only_delays.empty() ? Only::kAnyDelay : only_delays[i],
                            only_receptors.empty() ? Only::kAnyReceptor : only_receptors[i]};
            partition.send_to_core(static_cast<std::uint32_t>(sources[i]), static_cast<std::int32_t>(cores[i]),
                                   emission_steps[i], shifts[i], floors[i], only, step_);
        }
    }
}

void Engine::deliver_on_time() {
    for (Partition& partition : partitions_) {
        send_spikes(partition, step_, 0, 0);
        if (!partition.graded) continue;
        for_payloads(step_, 0, 0, [&](auto neuron, auto step, double) { partition.graded->send(neuron, step); });
    }
}

std::size_t Engine::n_synapse_bytes() const {
    return std::accumulate(partitions_.begin(), partitions_.end(), n_rule_bytes_,
                           [](std::size_t n, const Partition& partition) { return n + partition.n_bytes(); });
}

}  // namespace pycosim::native
