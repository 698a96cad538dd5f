// One thread's share of the network: a slice of every population, and all synapses that end there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "aligned.hpp"
#include "graded.hpp"
#include "held.hpp"
#include "injection.hpp"
#include "junctions.hpp"
#include "kernels.hpp"
#include "pending.hpp"
#include "plastic.hpp"
#include "rewiring.hpp"
#include "poisson_drive.hpp"
#include "signal.hpp"
#include "synapses.hpp"

namespace pycosim::native {

// Spikes with the step at which they were emitted and the index within the population.
struct SpikeColumns {
    std::vector<std::int64_t> steps, indices;
    void add(std::int64_t step, std::int64_t index) {
        steps.push_back(step);
        indices.push_back(index);
    }
};

// Those columns of a signal that a slice writes.
struct SignalColumns {
    Signal* signal;
    std::size_t first;
    std::vector<std::uint32_t> indices;  // within the slice
};

// The neurons of one population that belong to one partition.
struct Slice {
    const Model* model;
    std::uint32_t first_index;   // within the population
    std::uint32_t first_neuron;  // global number
    std::uint32_t size;
    std::uint32_t input_offset;  // place of the first neuron's input of the first receptor
    std::vector<std::uint32_t> receptors;  // numbers of the model's receptors
    std::vector<Column> states, constants;
    Column refractory_steps_left;  // empty if the model is held
    std::vector<NeuronBlock> blocks;
    bool equal_constants = true;
    SliceInjections injections;
    SliceJunctions junctions;
    std::size_t drive = 0;  // number of the constant that injected currents and junctions change
    std::vector<std::uint8_t> spikes_recorded;  // by index in the slice; empty: none
    SpikeColumns spikes;
    std::vector<SignalColumns> signals;

    // Cuts the slice into blocks that stay in a cache with the inputs of `n_steps` steps. One without neurons is a block.
    void divide(std::size_t n_steps);
    double constant(std::size_t number, std::uint32_t index) const {
        return constants[number][equal_constants ? 0 : index];
    }
    // After a step: releases the neurons of a block whose refractory period is over, and holds those that `fired`.
    void hold(NeuronBlock& block, std::span<const std::uint32_t> fired, std::int64_t step);
    // Gives held neurons the membranes that they have for all that look at them; and takes these away again.
    void show_held();
    void hide_held();
    // Whether something besides synapses reads or changes its columns in every step.
    bool is_looked_at() const { return !junctions.empty() || !signals.empty(); }
    // What a spike carries, now.
    double payload(std::uint32_t index) const {
        return model->payload < 0 ? 1.0 : states[static_cast<std::size_t>(model->payload)][index];
    }
    // `fired` are indices, `with_currents` the constant `drive` of this step.
    void end_step(std::int64_t step, std::span<const std::uint32_t> fired, Column& with_currents, MembraneBoard* board);

    // The columns are those of the whole population; `drive_constant` is the number of the constant "drive". At most
    // `n_steps` are done together.
    void inject(std::size_t drive_constant, std::span<const double> drive_per_na, InjectionColumns columns,
                std::size_t n_steps);
};

// Global numbers of the neurons that fired in some steps, by step and slice.
struct FiredNeurons {
    std::vector<std::uint32_t> neurons;
    std::vector<std::size_t> ends;
    std::vector<double> payloads;  // of the neurons, where the partition has synapses of spikes with payloads

    void clear() {
        neurons.clear();
        payloads.clear();
        ends.clear();
    }
    // `i` counts slices through all steps.
    std::span<const std::uint32_t> list(std::size_t i) const {
        const std::size_t begin = i ? ends[i - 1] : 0;
        return {neurons.data() + begin, ends[i] - begin};
    }
    const double* payloads_of(std::size_t i) const { return payloads.data() + (i ? ends[i - 1] : 0); }
};

class alignas(kCacheLine) Partition {
  public:
    static constexpr std::size_t kMostSteps = 2;  // done together

    std::vector<Slice> slices;    // one for each population that has dynamics
    const std::vector<Current>* currents = nullptr;  // of the whole network
    pycosim::Key noise_key{};     // of neurons that fire at random
    std::unique_ptr<RewiredStore> rewired;  // null: none
    std::unique_ptr<GradedStore> graded;    // null: no neuron of the network has spikes with payloads
    MembraneBoard* board = nullptr;  // of the whole network; null where there never were gap junctions
    std::vector<std::uint32_t> arriving;  // scratch: all that fired in a step
    FiredNeurons fired[2];        // of the present batch of steps, and of the one before, which others may still read

    void add_slice(const Model& model, std::span<const std::uint32_t> receptors, std::uint32_t first_index,
                   std::uint32_t first_neuron, std::uint32_t size);
    // Between two steps, when all slices of the network of `n_neurons` have been added.
    void allocate_inputs(std::size_t n_neurons);

    // Where this partition's neurons are, for the whole network of `n_neurons`.
    TargetMap target_map(std::size_t n_neurons) const;

    // Spikes emitted from `first_emission` on meet these synapses.
    void connect(SynapseStore store, std::int64_t first_emission, std::int64_t max_delay, std::int64_t present_step);

    // Gives the partition plastic synapses, besides those that it has.
    void connect_plastic(std::unique_ptr<PlasticStore> store, std::int64_t first_emission, std::int64_t max_delay,
                         std::int64_t present_step);
    // Writes the weights that a projection's synapses on this partition have at the present step.
    void gather_weights(std::uint32_t projection, std::int64_t present_step, std::span<double> weights) const;
    // Processes all that has reached a projection's synapses by the present step, before these are changed.
    void settle(std::uint32_t projection, std::int64_t present_step);
    void compare_with_bounds(std::uint32_t projection) {
        for (Plastic& part : plastic_) part.store->compare_with_bounds(projection);
    }
    void set_weights(std::uint32_t projection, std::span<const double> weights) {
        for (Plastic& part : plastic_) part.store->set_weights(projection, weights);
    }

    // Does steps in which nothing acts that is emitted in them, and appends the neurons that fire to `fired`.
    void advance(std::int64_t first_step, std::int64_t n_steps, FiredNeurons& fired);

    // Lets the synapses of a spike wait for the step at which they act.
    void send(std::uint32_t source, std::int64_t emission_step) {
        const Generation& newest = generations_.back();
        const std::uint32_t end = newest.store.row_end(source);
        for (std::uint32_t i = newest.store.row_begin(source); i < end; ++i) {
            if (newest.store.has_many_delays(i)) {
                scatter(newest, i, emission_step);
                continue;
            }
            const std::int64_t due = emission_step + newest.store.segment(i).delay;
            pending_.push(due, emission_step, pending_key(emission_step, newest.base + i));
        }
        if (!plastic_.empty()) send_plastic(source, emission_step);
        if (rewired) rewired->send(source, emission_step);
    }

    // The same for the spikes of a step, given in ascending order: of every step, also if there are none.
    void send(std::span<const std::uint32_t> sources, std::int64_t emission_step) {
        end_driven_runs(emission_step);
        const SynapseStore& store = generations_.back().store;
        for (std::size_t i = 0; i < sources.size(); ++i) {
            if (i + 6 < sources.size()) store.prefetch_row(sources[i + 6]);
            if (i + 4 < sources.size()) store.prefetch_first_segment(sources[i + 4]);
            if (i + 2 < sources.size()) store.prefetch_scattered(sources[i + 2]);
            send(sources[i], emission_step);
        }
    }

    // Whether spikes of a neuron act on this partition.
    bool has_row(std::uint32_t source) const {
        const SynapseStore& store = generations_.back().store;
        return store.row_begin(source) < store.row_end(source) || has_plastic_row(source);
    }

    // The only synapses of some sources; none if a source has several, or their delays differ.
    std::optional<DriveSynapses> single_synapses(std::uint32_t first_source, std::uint32_t n_sources) const;
    void add_drive(std::size_t population, std::uint32_t first_source, const PoissonRule& rule, DriveSynapses synapses,
                   std::int64_t first_emission) {
        const std::uint32_t position = generations_.back().base + generations_.back().store.row_begin(first_source);
        drives_.emplace_back(population, position, rule, std::move(synapses), first_emission);
    }
    void end_drives(std::size_t population, std::int64_t first_silent) {
        for (PoissonDrive& drive : drives_) {
            if (drive.population() == population) drive.end(first_silent);
        }
    }

    // Like `send` for the synapses on one core, which act at max(emission + delay + shift, floor, present + 1):
    // `only` those of a packet.
    void send_to_core(std::uint32_t source, std::int32_t core, std::int64_t emission_step, std::int64_t shift,
                      std::int64_t floor, const Only& only, std::int64_t present_step);

    // Frees synapses that no spike under way can meet any more; those of `oldest_under_way` and later may still come.
    void forget_old_synapses(std::int64_t present_step, std::int64_t oldest_under_way);

    std::size_t n_bytes() const;

  private:
    // Synapses as they were between two changes of weights; segments are numbered from `base` on.
    struct Generation {
        SynapseStore store;
        std::uint32_t base;
        std::int64_t first_emission, max_delay;
    };

    // Plastic synapses that were made at the same time; segments are numbered from `base` on.
    struct Plastic {
        std::unique_ptr<PlasticStore> store;
        std::uint32_t base;
        std::int64_t first_emission;
    };

    bool has_plastic_row(std::uint32_t source) const {
        return std::any_of(plastic_.begin(), plastic_.end(), [&](const Plastic& part) {
            return part.store->row_begin(source) < part.store->row_end(source);
        });
    }
    // A drive acts between rows, but has no key among theirs.
    void end_driven_runs(std::int64_t emission_step) {
        for (const PoissonDrive& drive : drives_) pending_.end_run(emission_step + drive.delay());
    }
    void scatter(const Generation& generation, std::uint32_t i, std::int64_t emission_step) {
        generation.store.scatter(i, emission_step, pending_key(emission_step, generation.base + i), pending_);
        end_driven_runs(emission_step);
    }
    // To the inputs of one step.
    void add_segment(const Generation& generation, std::uint32_t i, std::int64_t step, double* inputs) {
        if (generation.store.has_many_delays(i)) return pending_.add_run(step, inputs);
        generation.store.deliver(i, inputs);
    }
    void deliver(std::int64_t step, double* inputs);
    void deliver(std::int64_t step, std::span<const PendingKey> keys, double* inputs);
    void ask_for_segment(PendingKey key) const;
    void ask_for_synapses(PendingKey key) const;
    void ask_for_plastic_synapses(PendingKey key) const;
    std::size_t deliver_plastic(std::int64_t step, std::span<const PendingKey> keys, double* inputs,
                                Addition& before);
    void send_plastic(std::uint32_t source, std::int64_t emission_step);
    void release_dopamine(std::int64_t step, std::span<const PendingKey> keys);
    std::vector<std::pair<std::int64_t, PendingKey>> unsettled(const Plastic& part, std::uint32_t projection,
                                                               std::int64_t present_step) const;
    const Plastic& plastic_of(std::uint32_t number) const;
    const Generation& generation_of(std::uint64_t number) const;
    void advance_together(std::int64_t first_step, std::size_t n_steps, FiredNeurons& fired);
    void advance(std::size_t slice, std::int64_t first_step, std::size_t n_steps);
    void prepare(Slice& slice, std::int64_t first_step, std::size_t n_steps);
    void update(Slice& slice, NeuronBlock& block, std::int64_t step, std::size_t i_step,
                std::vector<std::uint32_t>& fired);
    double* inputs_of(std::size_t i_step) { return inputs_.data() + i_step * n_receptors_ * n_inputs_; }
    std::int64_t steps_together() const;
    std::uint32_t free_base(std::uint32_t n_segments) const;

    std::uint32_t n_inputs_ = 0;  // of one receptor, with padding
    Column inputs_;               // step by step of those done together, in them receptor by receptor
    std::size_t n_receptors_ = 2;
    std::uint32_t receptor_stride_ = 0;  // from the inputs of one receptor to those of the next
    std::vector<double*> state_columns_, input_columns_;  // scratch
    std::vector<const double*> constant_columns_;  // by step
    std::vector<Column*> drive_columns_;           // by step: the constant that currents change
    std::vector<std::uint32_t> scratch_;
    std::vector<std::vector<std::uint32_t>> fired_;  // indices in slices, by step of those done together and slice
    std::vector<Generation> generations_;
    PendingSegments pending_;
    std::vector<PoissonDrive> drives_;
    std::vector<Plastic> plastic_;                   // of descending numbers
    std::uint32_t plastic_base_ = kNoPlastic;        // plastic segments have the numbers from here on
    DopamineHistory dopamine_;
    bool has_dopamine_ = false;
    std::vector<double> transmitted_;                // scratch
    // What spikes transmit that were processed before they act, by (step at which they act, key).
    std::multimap<std::pair<std::int64_t, PendingKey>, std::vector<double>> settled_;

    static constexpr std::uint32_t kNoPlastic = 0xffffffffu;
};

}  // namespace pycosim::native
