// Synapses that are formed and eliminated while the network runs; pycosim/network/rewiring.py has the rules.
//
// Every neuron of a group has a fixed number of slots, each of which holds a synapse or is free, and all of a neuron's
// slots are on its own partition. Draws are counter-based, so that every partition sees all attempts and makes those
// that concern its neurons.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "../../../pycosim/csrc/philox.hpp"
#include "synapses.hpp"

namespace pycosim::native {

// Spike-timing-dependent plasticity with coefficients that all synapses of a projection share.
struct RewiredTiming {
    int dependence = -1;  // of the weight, as PlasticRule counts them; -1: weights stay
    double tau_pre = 1, tau_post = 1;
    std::array<double, 8> parameters{};  // as TimingParameter counts them
    double dendritic_fraction = 1;
};

struct RewiredProjection {
    int receptor;
    std::vector<std::int32_t> candidates;          // presynaptic neurons
    std::vector<std::int32_t> sources, targets;    // of the synapses at step 0
    std::vector<double> weights;
    std::vector<std::int32_t> delays;
    double new_weight;
    std::int32_t lowest_new_delay, highest_new_delay;
    std::int64_t grid_x, grid_y;
    std::vector<double> probabilities;  // of formation, by squared distance on the grid
    double threshold, eliminates_depressed, eliminates_potentiated;
    RewiredTiming timing;

    std::int32_t dendritic(std::int32_t delay) const;
    double formation(std::int64_t pre, std::int64_t post) const;
};

// Projections to the same neurons, which share these neurons' slots.
struct RewiredGroup {
    std::vector<std::size_t> projections;
    std::vector<std::int32_t> posts;
    std::uint32_t capacity;
    double attempts_per_step;
    bool with_replacement, from_last_spikes;
    std::size_t spike_buffer_size;
    Key key;
};

struct Rewiring {
    std::vector<RewiredProjection> projections;
    std::vector<RewiredGroup> groups;

    std::int64_t longest_delay() const;
    // Batches may be as long as the shortest delay; where spikes are under way on the axon, only one step.
    std::int64_t longest_batch() const;
};

struct RewiredSynapses {
    std::vector<std::int64_t> sources, targets, delays;
    std::vector<double> weights;
};

// The slots of one partition.
class RewiredStore {
  public:
    RewiredStore(const Rewiring& rewiring, const TargetMap& map);
    // The network has more neurons, none of which is rewired.
    void grow(const TargetMap& map);

    // A neuron fired at `step`: its spike goes to the synapses.
    void send(std::uint32_t source, std::int64_t step);
    // Adds what acts at `step` to the inputs.
    void deliver(std::int64_t step, double* inputs);
    void add_post_spike(std::uint32_t neuron, std::int64_t step);
    // Makes the attempts that belong to the end of `step`, when all of its spikes have been sent.
    void rewire(std::int64_t step);
    void gather(std::size_t projection, std::int64_t present_step, RewiredSynapses& synapses) const;

  private:
    static constexpr std::uint32_t kFree = 0xffffffffu;
    static constexpr std::int64_t kNever = -1;

    struct Trace {
        std::int64_t step = kNever;  // of the last spike
        double after = 0, before = 0;

        double at(std::int64_t now, double tau) const;
        void spike(std::int64_t now, double tau);
    };
    struct Slot {
        std::uint32_t projection = kFree, source = 0, post = 0, input = 0;
        std::int32_t delay = 0, dendritic = 0;
        double weight = 0;
        std::uint64_t n_formed = 0;  // tells a synapse from those that had the slot before
        Trace pre, post_trace;
        std::uint64_t n_posts = 0;   // postsynaptic spikes that have been processed
    };
    struct Neuron {
        std::uint32_t number, group, index, input;  // index among the group's neurons
        std::size_t first_slot;
        std::vector<std::int64_t> spikes;
        std::uint64_t n_forgotten = 0;  // spikes before those
    };
    struct Contribution {
        std::uint32_t input;
        double weight;
    };
    struct Arrival {
        std::size_t slot;
        std::uint64_t n_formed;
    };

    void connect_initial(std::size_t group);
    void occupy(std::size_t slot, std::uint32_t projection, std::uint32_t source, double weight, std::int32_t delay);
    void attempt(const RewiredGroup& group, std::size_t number, std::uint64_t n);
    void form(const RewiredGroup& group, std::size_t number, Neuron& neuron, std::size_t slot, const double* draws);
    bool is_connected(const Neuron& neuron, std::uint32_t capacity, std::uint32_t projection,
                      std::uint32_t source) const;
    void catch_up(Slot& slot, std::int64_t step) const;
    double transmitted(Slot& slot, std::int64_t arrival) const;
    void forget_old_spikes(Neuron& neuron, std::int64_t step);
    template <class T>
    std::vector<T>& of_step(std::vector<std::vector<T>>& ring, std::int64_t step) {
        return ring[static_cast<std::size_t>(step) % ring.size()];
    }

    const Rewiring* rewiring_;
    std::uint32_t receptor_stride_;
    std::int64_t present_step_ = 0;
    std::int64_t longest_delay_;
    bool keeps_spikes_ = false;
    std::vector<Neuron> neurons_;
    std::vector<std::vector<std::uint32_t>> neuron_of_;   // by group and index in it; kFree: elsewhere
    std::vector<std::vector<std::uint32_t>> neurons_at_;  // by input index
    std::vector<Slot> slots_;
    std::vector<std::vector<std::size_t>> rows_;  // slots by source neuron, in order of formation
    // By source neuron: groups that look for partners among the last spikes, with projection and candidate's index.
    struct Membership {
        std::uint32_t group, projection, candidate;
    };
    std::vector<std::vector<Membership>> memberships_;
    std::vector<std::vector<Membership>> last_spikes_;  // by group
    std::vector<std::vector<Contribution>> contributions_;
    std::vector<std::vector<Arrival>> arrivals_;
};

}  // namespace pycosim::native
