// The engine as one process of several, which exchange the neurons that fired while they go on.
#include <algorithm>
#include <stdexcept>

#include "engine.hpp"

namespace pycosim::native {

// Calls visit(neuron, its number among those of this process) for all that fired in a step of the batch.
template <class Visit>
void Engine::for_local_fired(std::size_t i_step, Visit&& visit) const {
    for (const Population& population : populations_) {
        if (!population.model) continue;
        const std::uint32_t first = partitions_.front().slices[population.slice].first_neuron;
        for (const Partition& partition : partitions_) {
            for (const std::uint32_t neuron : fired(partition, population, 0, i_step)) {
                visit(neuron, population.first_local + (neuron - first));
            }
        }
    }
}

void Engine::integrate(std::int64_t n_steps) {
    if (batches_.size() > 1) throw std::logic_error("the spikes of two batches are under way: unpack() comes first");
    check_sources(started_ ? step_ + 1 : 0, step_ + n_steps);
    forget_old_synapses();
    make_room_for_signals(n_steps);
    pool_.run([&](unsigned thread) noexcept {
        Partition& partition = partitions_[thread];
        if (!started_) send_source_spikes(partition, 0);
        partition.fired[0].clear();
        partition.advance(step_ + 1, n_steps, partition.fired[0]);
    });
    if (!started_) record_source_spikes(0);
    started_ = true;
    take_batch(n_steps);
    step_ += n_steps;
}

// The sources' spikes are taken, too, because others may be set before this batch's act.
void Engine::take_batch(std::int64_t n_steps) {
    Batch& batch = batches_.emplace_back();
    batch.first_step = step_ + 1;
    batch.steps.resize(static_cast<std::size_t>(n_steps));
    for (std::size_t i = 0; i < batch.steps.size(); ++i) {
        auto& emitted = batch.steps[i];
        for_local_fired(i, [&](std::uint32_t neuron, std::uint32_t number) {
            emitted.spikes.push_back(neuron);
            emitted.numbers.push_back(number);
        });
        const std::int64_t step = batch.first_step + static_cast<std::int64_t>(i);
        for (const Population& population : populations_) {
            if (population.model) continue;
            const auto own = population.source_spikes.at(step);
            emitted.spikes.insert(emitted.spikes.end(), own.begin(), own.end());
        }
        record_source_spikes(step);
    }
}

void Engine::pack(std::span<std::uint32_t> chunks) const {
    if (batches_.empty()) throw std::logic_error("integrate() comes before pack()");
    if (needed_.size() != std::size_t{n_local_} * share_.n_ranks) throw std::logic_error("set_needed() comes first");
    const std::vector<Batch::Step>& steps = batches_.front().steps;
    const std::size_t n_words = chunks.size() / share_.n_ranks, n_steps = steps.size();
    std::vector<std::size_t> used(share_.n_ranks, 1 + n_steps);
    for (std::size_t rank = 0; rank < share_.n_ranks; ++rank) {
        std::uint32_t* const chunk = chunks.data() + rank * n_words;
        std::fill_n(chunk, std::min(n_words, 1 + n_steps), 0u);
    }
    for (std::size_t i_step = 0; i_step < n_steps; ++i_step) {
        const auto& [spikes, numbers] = steps[i_step];
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            for (std::size_t rank = 0; rank < share_.n_ranks; ++rank) {
                if (rank == share_.rank || !needed_[rank * n_local_ + numbers[i]]) continue;
                std::uint32_t* const chunk = chunks.data() + rank * n_words;
                if (used[rank] < n_words) {
                    ++chunk[1 + i_step];
                    chunk[used[rank]] = spikes[i];
                }
                ++used[rank];
            }
        }
    }
    const auto largest = static_cast<std::uint32_t>(*std::max_element(used.begin(), used.end()));
    for (std::size_t rank = 0; rank < share_.n_ranks; ++rank) chunks[rank * n_words] = largest;
}

std::size_t Engine::unpack(std::span<const std::uint32_t> chunks) {
    if (batches_.empty()) throw std::logic_error("integrate() comes before unpack()");
    std::vector<Batch::Step>& steps = batches_.front().steps;
    const std::size_t n_words = chunks.size() / share_.n_ranks, n_steps = steps.size();
    std::size_t largest = 0;
    for (std::size_t rank = 0; rank < share_.n_ranks; ++rank) {
        largest = std::max<std::size_t>(largest, chunks[rank * n_words]);
    }
    if (largest > n_words) return largest;
    for (std::size_t rank = 0; rank < share_.n_ranks; ++rank) {
        if (rank == share_.rank) continue;
        const std::uint32_t* const chunk = chunks.data() + rank * n_words;
        const std::uint32_t* next = chunk + 1 + n_steps;
        for (std::size_t i = 0; i < n_steps; ++i) {
            steps[i].spikes.insert(steps[i].spikes.end(), next, next + chunk[1 + i]);
            next += chunk[1 + i];
        }
    }
    // In order of the neurons' global numbers, as in one process; that spares sorting where the spikes act.
    for (Batch::Step& step : steps) std::sort(step.spikes.begin(), step.spikes.end());
    pool_.run([&](unsigned thread) {
        for (std::size_t i = 0; i < n_steps; ++i) {
            partitions_[thread].send(steps[i].spikes, batches_.front().first_step + static_cast<std::int64_t>(i));
        }
    });
    batches_.pop_front();
    return largest;
}

std::vector<std::uint8_t> Engine::sources_needed() const {
    std::vector<std::uint8_t> needed(n_neurons_, 0);
    for (const Partition& partition : partitions_) {
        for (std::uint32_t neuron = 0; neuron < n_neurons_; ++neuron) needed[neuron] |= partition.has_row(neuron);
    }
    return needed;
}

void Engine::set_needed(std::span<const std::uint8_t> needed) {
    if (needed.size() != std::size_t{n_local_} * share_.n_ranks) throw std::invalid_argument("wrong number of neurons");
    needed_.assign(needed.begin(), needed.end());
}

}  // namespace pycosim::native
