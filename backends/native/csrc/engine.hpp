// A network that is advanced step by step on several threads, with the same result for any number of them.
//
// Each thread owns a partition: it integrates its neurons and adds up what arrives at them. The threads meet once per
// batch of steps, which is as long as the smallest delay, and exchange only the numbers of the neurons that fired.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "composed.hpp"
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

struct Samples {
    std::vector<double> values;  // (n_rows, n_columns), row by row
    std::size_t n_rows, n_columns;
};

class Engine {
  public:
    // `core_of_neuron` is empty, or has one entry for each neuron if synapses are to be delivered core by core.
    Engine(std::span<const PopulationSpec> populations, std::span<const std::int32_t> core_of_neuron,
           unsigned n_threads);

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
    // What a current is in nA from `first_step` on, which must be known for a step before the step is done.
    void set_current_values(std::size_t current, std::int64_t first_step, std::span<const double> values);
    void set_state(std::size_t population, std::string_view name, std::span<const double> values);
    std::vector<double> state(std::size_t population, std::string_view name) const;

    // `mask` has one entry for each neuron of the population.
    void record_spikes(std::size_t population, std::span<const std::uint8_t> mask);
    SpikeColumns take_spikes(std::size_t population);
    void forget_signals(std::size_t population);
    // From the next step on, at origin_step + i * interval_steps.
    void record_signal(std::size_t population, std::string_view state, std::span<const std::int64_t> indices,
                       std::int64_t origin_step, std::int64_t interval_steps);
    Samples take_signal(std::size_t population, std::string_view state);

    // The spikes of one population of sources, which must be known for a step before the step is done.
    void set_source_spikes(std::size_t population, std::int64_t first_step, std::int64_t last_step,
                           std::span<const std::int64_t> steps, std::span<const std::int64_t> indices);

    void advance(std::int64_t n_steps);

    // Spikes of the sources at step 0, to be delivered by the caller.
    std::vector<std::int64_t> initial_spikes();
    // Does one step and returns the neurons and sources that fired, ascending, to be delivered by the caller.
    std::vector<std::int64_t> step_deferred();
    // Spikes of this step and of later ones may still be delivered: the synapses that they meet are kept.
    void set_oldest_under_way(std::int64_t emission_step) { oldest_under_way_ = emission_step; }
    void deliver(std::span<const std::int64_t> emission_steps, std::span<const std::int64_t> sources,
                 std::span<const std::int64_t> cores, std::span<const std::int64_t> shifts,
                 std::span<const std::int64_t> floors, std::span<const std::int64_t> only_delays);

    std::int64_t step() const { return step_; }
    bool started() const { return started_; }
    std::size_t n_synapse_bytes() const;

  private:
    struct Population {
        const Model* model;         // null: spike sources
        std::uint32_t first, size;  // global number of the first neuron
        std::size_t slice;          // of every partition
        SourceSpikes source_spikes;
        std::vector<std::uint8_t> spikes_recorded;  // of sources
        SpikeColumns spikes;
    };

    void add(const PopulationSpec& spec);
    const Model* model_of(const PopulationSpec& spec);
    std::span<const std::uint32_t> fired(const Partition& partition, const Population& population, unsigned parity,
                                         std::size_t i_step) const;
    void advance_partition(unsigned thread, std::int64_t n_steps);
    void send_spikes(Partition& partition, std::int64_t step, unsigned parity, std::size_t i_step);
    void send_source_spikes(Partition& partition, std::int64_t step);
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
    std::int64_t smallest_plastic_delay_ = kMaxBatchSteps, largest_plastic_delay_ = 1;
    std::vector<CurrentValues> currents_;
    std::vector<Partition> partitions_;
    ThreadPool pool_;
};

}  // namespace pycosim::native
