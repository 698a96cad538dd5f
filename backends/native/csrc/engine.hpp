// A network that is advanced step by step on several threads, with the same result for any number of them.
//
// Each thread owns a partition: it integrates its neurons and adds up what arrives at them. The threads meet once per
// batch of steps, which is as long as the smallest delay, and exchange only the numbers of the neurons that fired.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "composed.hpp"
#include "deferred.hpp"
#include "junctions.hpp"
#include "partition.hpp"
#include "sources.hpp"
#include "thread_pool.hpp"

namespace pycosim::native {

inline constexpr std::int64_t kMaxBatchSteps = 32;  // keeps the lists of fired neurons in cache
inline constexpr std::int64_t kNothingUnderWay = std::numeric_limits<std::int64_t>::max();

struct PopulationSpec {
    std::string model;  // a name of models() or of the composition, or empty: spike sources
    std::uint32_t size;
    std::vector<std::uint32_t> receptors;  // numbers of the model's receptors, in its order
    std::optional<CompositionSpec> composition;
};

// Which part of the network this process has: its threads' partitions among those of all processes.
struct Share {
    std::uint32_t rank = 0, n_ranks = 1;
};

class Engine final : public DeferredEngine {
  public:
    // `core_of_neuron` is empty, or has one entry for each neuron if synapses are to be delivered core by core.
    Engine(std::span<const PopulationSpec> populations, std::span<const std::int32_t> core_of_neuron,
           unsigned n_threads, Share share = {});

    // Of neurons that fire at random.
    void set_noise(pycosim::Key key);
    // Appends populations, whose neurons and sources are numbered after the present ones. Not with cores.
    void grow(std::span<const PopulationSpec> populations, std::span<const std::int32_t> cores_of_new);
    // Replaces all synapses, for the spikes that are emitted from the next step on.
    void connect(std::span<const ProjectionColumns> projections);
    // Gives the network plastic synapses besides those that it has, for the spikes that are emitted from the next step
    // on.
    void connect_plastic(std::span<const PlasticColumns> projections, std::vector<PlasticModel> models);
    // The weights of a plastic projection at the present step, in the order of its columns.
    std::vector<double> plastic_weights(std::size_t projection) const;
    // For the spikes that are emitted from the next step on.
    void set_plastic_weights(std::size_t projection, std::span<const double> weights);
    void set_plastic_model(std::size_t projection, PlasticModel model);
    // One column, of length 1 or the population's size, for each of the model's constants.
    void set_constants(std::size_t population, std::span<const std::span<const double>> columns);
    // Replaces the currents into a population, until its constants are set again: numbers of currents and indices in
    // the population, and what 1 nA adds to the constant "drive" (length 1 or the population's size).
    void inject(std::size_t population, std::span<const double> drive_per_na, InjectionColumns injections);
    // What a current is in nA from `first_step` on, which must be known for a step before the step is done; or the noise
    // that it is from now on.
    void set_current_values(std::size_t current, std::int64_t first_step, std::span<const double> values);
    void set_current_noise(std::size_t current, const Noise& noise);
    // Replaces all gap junctions. The constants of neurons that have some contain their conductance.
    void couple(const JunctionColumns& columns);
    // Gives the network its rewired synapses, once and before all else.
    void set_rewiring(Rewiring rewiring);
    // The present synapses of a rewired projection, neuron by neuron.
    RewiredSynapses rewired_synapses(std::size_t projection) const;
    void set_state(std::size_t population, std::string_view name, std::span<const double> values);
    // NaN for neurons of other processes.
    std::vector<double> state(std::size_t population, std::string_view name);

    // `mask` has one entry for each neuron of the population.
    void record_spikes(std::size_t population, std::span<const std::uint8_t> mask);
    SpikeColumns take_spikes(std::size_t population);
    void forget_signals(std::size_t population);
    // From the next step on, at origin_step + i * interval_steps; `present` is the sample of this step, or empty.
    void record_signal(std::size_t population, std::string_view state, std::span<const std::int64_t> indices,
                       std::int64_t origin_step, std::int64_t interval_steps, std::span<const double> present);
    Samples take_signal(std::size_t population, std::string_view state);
    // For so many steps, however these are divided: without it samples move when there are more.
    void make_room_for_signals(std::int64_t n_steps);

    // The spikes of one population of sources, which must be known for a step before the step is done.
    void set_source_spikes(std::size_t population, std::int64_t first_step, std::int64_t last_step,
                           std::span<const std::int64_t> steps, std::span<const std::int64_t> indices);

    // Lets the engine draw the spikes of a population of Poisson sources, from the next step on, and returns true; or
    // returns false if their spikes are needed for more than one synapse each. `connect` ends it, and so does
    // `draw_outside`. Until then no spikes are to be set for these steps.
    bool draw_inside(std::size_t population, const PoissonRule& rule);
    void draw_outside(std::size_t population);

    void advance(std::int64_t n_steps);

    // One process of several does a batch of steps by calling `integrate`, `pack` and, with what the others have packed
    // for it, `unpack`. The next batch may be integrated before that, and a batch and the next one have together at
    // most as many steps as the smallest delay anywhere. Before all else, all is unpacked.
    void integrate(std::int64_t n_steps);
    // Writes a chunk for each process, (n_ranks, n_words / n_ranks), of the oldest batch that is not unpacked: the words
    // that the largest chunk of this process needs, the number of spikes in each step, the neurons that fired. Only the
    // first word if they do not fit.
    void pack(std::span<std::uint32_t> chunks) const;
    // Takes one chunk of each process, and lets all spikes of that batch act. Returns the words that the largest of all
    // chunks needs; if that is more than there are, nothing was done.
    std::size_t unpack(std::span<const std::uint32_t> chunks);
    // Whether a neuron or source has synapses on this process, for every one of the network; 0 or 1.
    std::vector<std::uint8_t> sources_needed() const;
    // The same for this process' neurons, as each process needs them: (n_ranks, n_local), in order of populations.
    void set_needed(std::span<const std::uint8_t> needed);
    std::int64_t smallest_delay_steps() const { return batch_steps_; }

    // Spikes of the sources at step 0, to be delivered by the caller.
    std::vector<std::int64_t> initial_spikes();
    // Does one step and returns the neurons and sources that fired, ascending, to be delivered by the caller.
    std::vector<std::int64_t> step_deferred() override;
    // Spikes of this step and of later ones may still be delivered: the synapses that they meet are kept.
    void set_oldest_under_way(std::int64_t emission_step) override { oldest_under_way_ = emission_step; }
    void deliver(std::span<const std::int64_t> emission_steps, std::span<const std::int64_t> sources,
                 std::span<const std::int64_t> cores, std::span<const std::int64_t> shifts,
                 std::span<const std::int64_t> floors, std::span<const std::int64_t> only_delays,
                 std::span<const std::int64_t> only_receptors) override;
    // Lets all spikes of the step that step_deferred() did, or of step 0, act when they are due.
    void deliver_on_time() override;

    std::int64_t step() const override { return step_; }
    bool started() const { return started_; }
    std::size_t n_synapse_bytes() const;

  private:
    struct Population {
        const Model* model;         // null: spike sources
        std::uint32_t first, size;  // global number of the first neuron
        std::size_t slice;          // of every partition
        std::uint32_t first_local;  // number of its first neuron among those of this process
        SourceSpikes source_spikes;
        std::vector<std::uint8_t> spikes_recorded;  // of sources
        SpikeColumns spikes;
        std::vector<std::unique_ptr<Signal>> signals;  // slices write into them
    };

    // What fired in a batch of steps and has not been sent to the synapses.
    struct Batch {
        struct Step {
            std::vector<std::uint32_t> spikes;   // neurons of this process, then sources
            std::vector<std::uint32_t> numbers;  // of the neurons among those of this process
        };
        std::int64_t first_step;
        std::vector<Step> steps;
    };

    void add(const PopulationSpec& spec);
    const Model* model_of(const PopulationSpec& spec);
    std::int64_t next_emission() const { return started_ ? step_ + 1 : 0; }
    std::span<const std::uint32_t> fired(const Partition& partition, const Population& population, unsigned parity,
                                         std::size_t i_step) const;
    void advance_partition(unsigned thread, std::int64_t n_steps);
    void send_spikes(Partition& partition, std::int64_t step, unsigned parity, std::size_t i_step);
    void send_source_spikes(Partition& partition, std::int64_t step);
    template <class Visit>
    void for_payloads(std::int64_t step, unsigned parity, std::size_t i_step, Visit&& visit) const;
    bool is_graded(std::int32_t source) const;
    void split(const ProjectionColumns& projection, std::vector<ProjectionColumns>& plain,
               std::vector<ProjectionColumns>& graded) const;
    template <class Visit>
    void for_local_fired(std::size_t i_step, Visit&& visit) const;
    void take_batch(std::int64_t n_steps);
    void record_source_spikes(std::int64_t step);
    void check_sources(std::int64_t first_step, std::int64_t last_step) const;
    void forget_old_synapses();
    static int state_index(const Model& model, std::string_view name);
    const Model& dynamics(std::size_t population) const;

    std::uint32_t n_neurons_ = 0;
    std::int64_t step_ = 0;
    std::int64_t oldest_under_way_ = kNothingUnderWay;
    bool started_ = false;  // whether the spikes of step 0 were emitted
    std::int64_t batch_steps_ = 1;
    std::size_t n_slices_ = 0;
    std::deque<ComposedModel> composed_;  // populations and partitions point here
    std::vector<Population> populations_;
    std::vector<std::int32_t> core_of_neuron_;
    std::vector<PlasticModel> plastic_models_;  // the partitions point here
    std::vector<std::size_t> n_plastic_synapses_;
    std::size_t n_rule_bytes_ = 0;              // that partitions share
    std::int64_t smallest_plastic_delay_ = kMaxBatchSteps, largest_plastic_delay_ = 1;
    std::vector<Current> currents_;
    std::vector<std::int64_t> coupled_;  // neurons with gap junctions
    MembraneBoard board_;
    std::unique_ptr<Rewiring> rewiring_;  // the partitions point here; null: none
    std::int64_t longest_batch_ = kMaxBatchSteps;  // that gap junctions and rewiring allow
    std::vector<Partition> partitions_;
    Share share_;
    std::uint32_t n_local_ = 0;              // neurons of this process
    std::vector<std::uint8_t> needed_;       // see set_needed
    std::deque<Batch> batches_;              // that wait for `unpack`, at most two
    ThreadPool pool_;
};

}  // namespace pycosim::native
