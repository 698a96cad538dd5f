// Plastic synapses whose targets belong to one partition; pycosim/network/plasticity.py has the equations.
//
// A presynaptic spike is processed when it acts, once for all synapses of a segment: first the postsynaptic spikes that
// reached the synapses since the last presynaptic one, from the history of the targets, then the spike itself. As the
// history has steps, the result is that of processing every spike when it reaches the synapse, and no index of the
// synapses by target is needed. Where the history is full, all synapses catch up with it; that changes no bit, as
// traces are always computed from the spike that left them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "../../../pycosim/csrc/columns.hpp"
#include "../../../pycosim/csrc/philox.hpp"
#include "addition.hpp"
#include "dopamine.hpp"
#include "pending.hpp"
#include "post_history.hpp"
#include "synapses.hpp"

namespace pycosim::native {

enum class PlasticRule : int {
    kAdditive,  // all-to-all pair rules, by weight dependence
    kMultiplicative,
    kAdditiveMultiplicative,
    kGutig,
    kTsodyksMarkram,
    kQuantal,
    kNearest,  // other timing rules
    kTriplet,
    kDopaminePair,
    kHomeostatic,
    kIntegerPair,
    kDopamine,  // of synapses that release dopamine
};

enum TimingParameter { kPostGain, kPreGain, kPreLoss, kConstantLoss, kMinimum, kMaximum, kMuPlus, kMuMinus };
// What the other timing rules have besides.
enum TripletParameter { kPostTriplet = 8, kPreTriplet };
enum DopamineParameter { kBaseDopamine = 8, kMsPerStep };
enum HomeostaticParameter { kBaseRate = 8, kHomeoScale, kRatePerSpike, kAverageSeconds, kUpdateSeconds };
enum IntegerParameter { kImpulse = 8, kWeightStep };
enum ReleaseParameter { kSign };
// Time constants are in steps; kTauPsc is only of Tsodyks and Markram's rule, sites are only of the quantal one.
enum ShortTermParameter { kUse, kTauRec, kTauFacil, kInitialUse, kTauPsc, kSites, kInitialSites };

// exp(-n / tau) of whole numbers of steps; those below kTable from a table, with the same bits.
class Decay {
  public:
    explicit Decay(double tau) : tau_(tau), table_(tau > 0 ? kTable : 0) {
        for (std::size_t n = 0; n < table_.size(); ++n) table_[n] = std::exp(-static_cast<double>(n) / tau_);
    }
    double operator()(std::int64_t n) const {
        const auto i = static_cast<std::size_t>(n);
        return i < table_.size() ? table_[i] : std::exp(-static_cast<double>(n) / tau_);
    }
    double tau() const { return tau_; }

  private:
    static constexpr std::size_t kTable = 4096;

    double tau_;
    std::vector<double> table_;
};

// What is left after an interval; nothing without a time constant.
inline double decay(double interval, double tau) { return tau > 0 ? std::exp(-interval / tau) : 0.0; }

// What a projection's synapses do; one object for all partitions.
struct PlasticModel {
    PlasticRule rule;
    Decay pre, post;                              // of the traces
    std::vector<std::vector<double>> parameters;  // columns of length 1 or the number of synapses
    Key key;                                      // of the draws
    PlasticRule dependence;                       // of the other timing rules
    Decay slow_pre, slow_post;                    // triplet: x and y; dopamine: eligibility, dopamine; rate: -, rate
    std::int64_t update_steps;                    // homeostasis: from one change of the weights to the next
    std::vector<std::uint32_t> places = {};       // of the synapses in the draws; empty: those in the columns

    bool is_short_term() const { return rule == PlasticRule::kTsodyksMarkram || rule == PlasticRule::kQuantal; }
    bool is_timing() const { return !is_short_term() && rule != PlasticRule::kDopamine; }
    bool has_slow_post_trace() const { return rule == PlasticRule::kTriplet || rule == PlasticRule::kHomeostatic; }
    bool has_eligibility() const { return rule == PlasticRule::kDopaminePair || rule == PlasticRule::kHomeostatic; }
    bool is_pair_rule() const { return rule < PlasticRule::kTsodyksMarkram; }
    PairTaus pair_taus() const { return {pre.tau(), post.tau()}; }
    bool is_shared() const {
        return std::all_of(parameters.begin(), parameters.end(), [](const auto& column) { return column.size() == 1; });
    }
};

struct PlasticColumns {
    ProjectionColumns synapses;
    std::span<const std::int32_t> dendritic;  // parts of the delays, of length 1 or the number of synapses
};

struct PlasticSegment {
    std::uint64_t first;  // place of the first synapse
    std::uint32_t count, projection;
    std::int32_t delay, dendritic;
};

// What changes in a segment. Of a timing rule: the presynaptic trace after and before the spikes of the last step. Of a
// short-term rule: active and inactive resources, and their use; of a stochastic one: spikes so far, -, use. Of the
// nearest-pair rule: whether there was a spike, the step of the spike before the last one. Of the homeostatic rule also
// the step up to which weights have been updated.
struct SegmentState {
    std::int64_t last_step = 0;      // at which a presynaptic spike came
    std::int64_t applied_step = -1;  // up to which postsynaptic spikes have been processed
    std::array<double, 3> values{};
};

// Changes that wait for dopamine, or for the next update, and the dopamine at a synapse; both as of step `since`.
struct Eligibility {
    double trace = 0, dopamine = 0;
    std::int64_t since = 0;
};

// Traces that are whole numbers, after and before the spikes of the step up to which they have decayed.
struct IntegerTraces {
    double pre = 0, pre_before = 0, post = 0, post_before = 0;
    std::int64_t pre_since = 0, post_since = 0;
};

struct PlasticState {
    pycosim::LongColumn<double> weights;
    pycosim::LongColumn<std::uint32_t> available;  // release sites by synapse; empty where no rule has them
    std::vector<SegmentState> segments;
    std::vector<Eligibility> eligibility;             // by synapse; empty where no rule has it
    std::vector<IntegerTraces> integers;              // by synapse; empty where no rule has them
    std::vector<std::array<double, 2>> slow_traces;   // by segment, as values[0] and [1]; empty where no rule has them
};

class PlasticStore {
  public:
    // The models are those of all projections; those given here are the last ones.
    PlasticStore(std::span<const PlasticColumns> projections, const std::vector<PlasticModel>& models,
                 const TargetMap& map, std::span<const std::int32_t> core_of_neuron, std::int64_t present_step);

    // Follows the growth of the network to `n_neurons`, and of the distance between the inputs of two receptors.
    void grow(std::size_t n_neurons, std::uint32_t receptor_stride);
    // Where the dopamine at the neurons is noted, and read.
    void set_dopamine(const DopamineHistory* dopamine) { dopamine_ = dopamine; }
    bool releases_dopamine(std::uint32_t i) const { return model(i).rule == PlasticRule::kDopamine; }
    bool waits_for_dopamine(std::uint32_t i) const { return model(i).rule == PlasticRule::kDopaminePair; }
    void release(std::uint32_t i, std::int64_t step, DopamineHistory& dopamine) const;
    std::int32_t longest_dendritic() const { return longest_dendritic_; }

    std::uint32_t row_begin(std::size_t source) const { return row_[source]; }
    std::uint32_t row_end(std::size_t source) const { return row_[source + 1]; }
    std::int32_t core(std::uint32_t i) const { return core_[i]; }
    std::uint32_t receptor(std::uint32_t i) const { return targets_[segments_[i].first] / receptor_stride_; }
    std::uint32_t n_segments() const { return static_cast<std::uint32_t>(segments_.size()); }
    const PlasticSegment& segment(std::uint32_t i) const { return segments_[i]; }
    bool has(std::uint32_t projection) const {
        return projection >= first_projection_ && projection - first_projection_ < trace_.size();
    }
    std::size_t n_bytes() const;

    // What a spike transmits that acts at `due_step`: one number for each synapse or, where nothing is transmitted, none. The
    // numbers are in `buffer` or in the state, until that changes.
    std::span<const double> spike(PlasticState& state, std::uint32_t i, std::int64_t due_step,
                                  std::vector<double>& buffer) const;
    // The same of as many of the first spikes as are processed together. Segments are numbered from `base` on in the keys,
    // of which the first is one of them. What is to be added before may be added in part meanwhile, as long as it is not
    // what the same segment transmitted.
    struct Transmitted {
        std::size_t n_spikes;
        std::span<const double> values;
        bool is_in_state = false;  // or in the buffer
    };
    Transmitted spikes(PlasticState& state, std::span<const PendingKey> keys, std::uint32_t base, std::int64_t due_step,
                       std::vector<double>& buffer, Addition& before) const;
    // Ask for the memory of a segment, and for that of its first synapses.
    void ask_for_segment(std::uint32_t i) const {
        prefetch(segments_.data() + i);
        prefetch(state.segments.data() + i);
    }
    void ask_for_synapses(std::uint32_t i) const {
        const std::uint64_t first = segments_[i].first, n = segments_[i].count;
        const std::size_t n_first = std::min<std::uint64_t>(n, kFirstSynapses);
        prefetch_all(state.weights.data() + first, n_first);
        prefetch_all(targets_.data() + first, n_first);
    }
    // The step at which such a spike reaches the synapses.
    std::int64_t arrival(std::uint32_t i, std::int64_t due_step) const { return due_step - segments_[i].dendritic; }
    // Lets all postsynaptic spikes act that have reached a segment's synapses by `step`.
    void catch_up(PlasticState& state, std::uint32_t i, std::int64_t step) const;
    // Brings the state of a segment that changes between spikes to `step`.
    void rest(PlasticState& state, std::uint32_t i, std::int64_t step) const;

    // Of the first of the numbers that spikes transmit.
    Addition addition(std::uint32_t i, std::span<const double> transmitted, double* inputs) const {
        return {targets_.data() + segments_[i].first, transmitted.data(),
                std::min<std::size_t>(segments_[i].count, transmitted.size()), inputs, targets_ascend_};
    }

    // To be called before all else that is done in a step.
    void begin_step(std::int64_t step);
    // Notes that a neuron, given by its first receptor's input, fired at `step`; spikes up to step - 1 have acted.
    void add_post_spike(std::uint32_t neuron, std::int64_t step);

    void gather_weights(const PlasticState& state, std::uint32_t projection, std::span<double> weights) const;
    void set_weights(std::uint32_t projection, std::span<const double> weights);
    // To be called when the bounds of a model have changed.
    void compare_with_bounds(std::uint32_t projection);

    PlasticState state;

  private:
    static constexpr std::uint64_t kFirstSynapses = 128;
    struct Row;
    template <PlasticRule rule, bool shared>
    struct PairRule;
    struct OtherRule;  // and those derived from it
    struct Nearest;
    struct Triplet;
    struct DopaminePair;
    struct Homeostatic;
    struct IntegerPair;

    void append(const Row& row);
    bool is_within_bounds(const PlasticSegment& segment) const;
    void allocate_state();
    // A spike that comes late cannot reach the synapse before what has been processed there.
    std::int64_t arrival_in_order(const PlasticState& with, std::uint32_t i, std::int64_t due_step) const {
        return std::max(arrival(i, due_step), with.segments[i].last_step);
    }
    static constexpr std::size_t kNoPair = std::numeric_limits<std::size_t>::max();
    const PlasticModel& model(std::uint32_t i) const { return (*models_)[segments_[i].projection]; }
    double parameter(std::uint32_t projection, int name, std::uint64_t place) const {
        const std::vector<double>& column = (*models_)[projection].parameters[static_cast<std::size_t>(name)];
        return column.size() == 1 ? column[0] : column[synapse_[place]];
    }
    std::uint32_t neuron_of(std::uint32_t target) const {
        while (target >= receptor_stride_) target -= receptor_stride_;
        return target;
    }
    // That of neuron 0 with the same receptor.
    std::uint32_t first_input_of(std::uint32_t target) const { return target - neuron_of(target); }
    template <PlasticRule rule, bool shared>
    void pair_spike(PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre, Addition& before) const;
    template <bool shared>
    void pair_spike_of(PlasticRule rule, PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre,
                       Addition& before) const;
    void timed_spike(PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre, Addition& before) const;
    std::span<const double> short_term_spike(PlasticState& state, std::uint32_t i, std::int64_t arrival,
                                             std::vector<double>& buffer) const;

    Transmitted quantal_spikes(PlasticState& state, std::span<const PendingKey> keys, std::uint32_t base,
                               std::int64_t due_step, std::vector<double>& buffer) const;
    void other_timed_spike(PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre) const;
    template <class Rule>
    void walk(PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre) const;
    void rest_dopamine(PlasticState& state, std::uint32_t i, std::int64_t step) const;

    const std::vector<PlasticModel>* models_;
    std::uint32_t first_projection_;
    std::int64_t created_step_;
    std::uint32_t receptor_stride_;
    const DopamineHistory* dopamine_ = nullptr;
    std::int32_t longest_dendritic_ = 0;
    std::vector<std::uint32_t> row_;  // by source neuron, and one more: first segment
    std::vector<PlasticSegment> segments_;
    std::vector<std::int32_t> core_;  // of each segment; empty without cores
    pycosim::LongColumn<std::uint32_t> targets_;
    bool targets_ascend_ = true;  // in every segment, so that none is twice in it
    pycosim::LongColumn<std::uint32_t> synapse_;  // place in the projection's columns
    std::vector<std::size_t> trace_, slow_trace_;  // by projection, from the first: which of the history's traces
    std::vector<std::size_t> pair_;  // the same: which of its pairs, or kNoPair
    std::vector<std::uint8_t> is_within_bounds_;  // the same: whether all weights are, of a pair rule
    std::vector<std::uint8_t> is_target_;  // of a timing rule, by neuron
    PostHistory history_;
    // Of each target, on average, until segments that have been left alone catch up; since when they have been.
    static constexpr std::uint64_t kPostsTogether = 2;
    std::uint64_t n_targets_ = 0, n_new_posts_ = 0;
    std::int64_t last_sweep_ = 0;
};

}  // namespace pycosim::native
