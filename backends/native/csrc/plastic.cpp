#include "plastic.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace pycosim::native {
namespace {

template <class T>
T at(std::span<const T> column, std::int64_t i) {
    return column.size() == 1 ? column[0] : column[static_cast<std::size_t>(i)];
}

// Where a value is; it is appended where it is new.
template <class T>
std::size_t place_of(const T& value, std::vector<T>& values) {
    const auto found = std::find(values.begin(), values.end(), value);
    const auto place = static_cast<std::size_t>(found - values.begin());
    if (found == values.end()) values.push_back(value);
    return place;
}

// The time constants of the postsynaptic traces that projections from `first` on need, equal ones only once.
std::vector<double> distinct_taus(const std::vector<PlasticModel>& models, std::size_t first) {
    std::vector<double> taus;
    for (std::size_t p = first; p < models.size(); ++p) {
        if (models[p].is_timing()) place_of(models[p].post.tau(), taus);
        if (models[p].has_slow_post_trace()) place_of(models[p].slow_post.tau(), taus);
    }
    return taus;
}

// The same for pairs of time constants that have epochs.
std::vector<PairTaus> distinct_pairs(const std::vector<PlasticModel>& models, std::size_t first) {
    std::vector<PairTaus> pairs;
    for (std::size_t p = first; p < models.size(); ++p) {
        if (models[p].is_pair_rule() && models[p].pair_taus().have_epochs()) place_of(models[p].pair_taus(), pairs);
    }
    return pairs;
}

PostHistory history_for(const std::vector<PlasticModel>& models, std::size_t first, std::size_t n_neurons,
                        std::int64_t present_step) {
    std::vector<double> taus = distinct_taus(models, first);
    const bool is_needed = !taus.empty();
    return PostHistory(is_needed ? n_neurons : 0, std::move(taus), distinct_pairs(models, first), present_step);
}

// How much of the active resources is inactive after an interval; see TsodyksMarkramSynapses in the reference backend.
double inactivated(double interval, double tau_psc, double tau_rec) {
    if (tau_psc <= 0) return std::exp(-interval / tau_rec);
    const double x = interval * (1 / tau_psc - 1 / tau_rec);
    const double ratio = x == 0 ? 1.0 : -std::expm1(-x) / x;
    return interval / tau_psc * std::exp(-interval / tau_rec) * ratio;
}

}  // namespace

// The synapses of one source neuron on one partition.
struct PlasticStore::Row {
    struct Synapse {
        std::int32_t core, delay, dendritic;
        std::uint32_t projection, target, place;
        double weight;
    };
    std::vector<Synapse> synapses;
};

PlasticStore::PlasticStore(std::span<const PlasticColumns> projections, const std::vector<PlasticModel>& models,
                           const TargetMap& map, std::span<const std::int32_t> core_of_neuron,
                           std::int64_t present_step)
    : models_(&models), first_projection_(static_cast<std::uint32_t>(models.size() - projections.size())),
      created_step_(present_step), receptor_stride_(map.receptor_stride), is_target_(map.receptor_stride, 0),
      history_(history_for(models, first_projection_, map.receptor_stride, present_step)) {
    std::vector<double> taus = distinct_taus(models, first_projection_);
    std::vector<PairTaus> pairs = distinct_pairs(models, first_projection_);
    for (std::size_t p = first_projection_; p < models.size(); ++p) {
        trace_.push_back(models[p].is_timing() ? place_of(models[p].post.tau(), taus) : 0);
        slow_trace_.push_back(models[p].has_slow_post_trace() ? place_of(models[p].slow_post.tau(), taus) : 0);
        const bool has_pair = models[p].is_pair_rule() && models[p].pair_taus().have_epochs();
        pair_.push_back(has_pair ? place_of(models[p].pair_taus(), pairs) : kNoPair);
    }
    std::vector<ProjectionColumns> columns;
    for (const PlasticColumns& projection : projections) columns.push_back(projection.synapses);
    const std::vector<std::uint32_t>& inputs = map.index();
    row_.push_back(0);
    Row row;
    RowIndex(map.n_neurons, columns).for_each_source([&](std::span<const RowIndex::Row> parts) {
        row.synapses.clear();
        for (const auto [projection, begin, end] : parts) {
            const PlasticColumns& from = projections[projection];
            const std::uint32_t number = first_projection_ + projection;
            const std::uint32_t offset = from.synapses.receptor * map.receptor_stride;
            for (std::int64_t i = begin; i < end; ++i) {
                const auto neuron = static_cast<std::size_t>(from.synapses.targets[static_cast<std::size_t>(i)]);
                if (inputs[neuron] == kElsewhere) continue;
                row.synapses.push_back({core_of_neuron.empty() ? 0 : core_of_neuron[neuron],
                                        at(from.synapses.delays, i), at(from.dendritic, i), number,
                                        inputs[neuron] + offset, static_cast<std::uint32_t>(i),
                                        at(from.synapses.weights, i)});
                if (models[number].is_timing()) is_target_[inputs[neuron]] = 1;
            }
        }
        append(row);
        if (core_of_neuron.empty()) core_.clear();
        row_.push_back(static_cast<std::uint32_t>(segments_.size()));
    });
    n_targets_ = static_cast<std::uint64_t>(std::count(is_target_.begin(), is_target_.end(), 1));
    is_within_bounds_.resize(projections.size());
    for (std::size_t p = first_projection_; p < models.size(); ++p) {
        compare_with_bounds(static_cast<std::uint32_t>(p));
    }
    allocate_state();
    targets_.shrink_to_fit();
    synapse_.shrink_to_fit();
    state.weights.shrink_to_fit();
}

void PlasticStore::allocate_state() {
    const auto has = [&](auto condition) {
        return std::any_of(models_->begin() + first_projection_, models_->end(), condition);
    };
    if (has([](const PlasticModel& m) { return m.rule == PlasticRule::kQuantal; })) {
        state.available.resize(targets_.size(), 0);
    }
    if (has([](const PlasticModel& m) { return m.has_eligibility(); })) state.eligibility.resize(targets_.size());
    if (has([](const PlasticModel& m) { return m.rule == PlasticRule::kIntegerPair; })) {
        state.integers.resize(targets_.size());
    }
    if (has([](const PlasticModel& m) { return m.rule == PlasticRule::kTriplet; })) {
        state.slow_traces.resize(segments_.size());
    }
    for (const PlasticSegment& segment : segments_) {
        const PlasticRule rule = (*models_)[segment.projection].rule;
        for (std::uint64_t k = segment.first; k < segment.first + segment.count; ++k) {
            if (rule == PlasticRule::kQuantal) {
                state.available[k] = static_cast<std::uint32_t>(parameter(segment.projection, kInitialSites, k));
            }
            if (rule != PlasticRule::kDopaminePair) continue;
            state.eligibility[k] = {0.0, parameter(segment.projection, kBaseDopamine, k), created_step_};
        }
    }
}

// Segments are runs of equal core, projection and delay, in short-term rules also of equal parameters, so that all
// synapses of a segment share its state.
void PlasticStore::append(const Row& row) {
    std::vector<Row::Synapse> sorted = row.synapses;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return std::tie(a.core, a.delay, a.projection) < std::tie(b.core, b.delay, b.projection);
    });
    const auto is_new = [&](std::size_t k) {
        const Row::Synapse &one = sorted[k - 1], &two = sorted[k];
        if (std::tie(one.core, one.delay, one.projection) != std::tie(two.core, two.delay, two.projection)) return true;
        const PlasticModel& model = (*models_)[two.projection];
        return model.is_short_term() &&
               std::any_of(model.parameters.begin(), model.parameters.end(), [&](const std::vector<double>& column) {
                   return column.size() > 1 && column[one.place] != column[two.place];
               });
    };
    for (std::size_t k = 0; k < sorted.size(); ++k) {
        const Row::Synapse& synapse = sorted[k];
        const bool begins = k == 0 || is_new(k);
        if (begins) {
            segments_.push_back({targets_.size(), 0, synapse.projection, synapse.delay, synapse.dendritic});
            core_.push_back(synapse.core);
            state.segments.emplace_back().last_step = created_step_;
            if ((*models_)[synapse.projection].rule == PlasticRule::kHomeostatic) {
                state.segments.back().values[2] = static_cast<double>(created_step_);
            }
            longest_dendritic_ = std::max(longest_dendritic_, synapse.dendritic);
        }
        targets_ascend_ &= begins || synapse.target > targets_.back();
        ++segments_.back().count;
        targets_.push_back(synapse.target);
        synapse_.push_back(synapse.place);
        state.weights.push_back(synapse.weight);
        if (begins && (*models_)[synapse.projection].is_short_term()) {
            state.segments.back().values[2] = parameter(synapse.projection, kInitialUse, targets_.size() - 1);
        }
    }
}

std::size_t PlasticStore::n_bytes() const {
    return row_.size() * sizeof(row_[0]) + segments_.size() * (sizeof(PlasticSegment) + sizeof(SegmentState)) +
           core_.size() * sizeof(core_[0]) + targets_.size() * (2 * sizeof(std::uint32_t) + sizeof(double)) +
           is_target_.size() + state.eligibility.size() * sizeof(Eligibility) +
           state.integers.size() * sizeof(IntegerTraces) + history_.n_bytes();
}

void PlasticStore::timed_spike(PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre,
                               Addition& before) const {
    const PlasticModel& model = (*models_)[segments_[i].projection];
    if (!model.is_pair_rule()) return other_timed_spike(state, i, step, is_pre);
    model.is_shared() ? pair_spike_of<true>(model.rule, state, i, step, is_pre, before)
                      : pair_spike_of<false>(model.rule, state, i, step, is_pre, before);
}

std::span<const double> PlasticStore::spike(PlasticState& state, std::uint32_t i, std::int64_t due_step,
                                            std::vector<double>& buffer) const {
    const PendingKey key = i;
    Addition none;
    return spikes(state, {&key, 1}, 0, due_step, buffer, none).values;
}

PlasticStore::Transmitted PlasticStore::spikes(PlasticState& state, std::span<const PendingKey> keys,
                                               std::uint32_t base, std::int64_t due_step,
                                               std::vector<double>& buffer, Addition& before) const {
    const std::uint32_t i = segment_of(keys[0]) - base;
    const PlasticModel& model = (*models_)[segments_[i].projection];
    if (model.rule == PlasticRule::kQuantal) return quantal_spikes(state, keys, base, due_step, buffer);
    const std::int64_t arrival = arrival_in_order(state, i, due_step);
    if (model.rule == PlasticRule::kTsodyksMarkram) return {1, short_term_spike(state, i, arrival, buffer)};
    if (!model.is_timing()) return {1, {}};
    timed_spike(state, i, arrival, true, before);
    return {1, {state.weights.data() + segments_[i].first, segments_[i].count}, true};
}

void PlasticStore::catch_up(PlasticState& state, std::uint32_t i, std::int64_t step) const {
    Addition none;
    if (model(i).is_timing()) timed_spike(state, i, step, false, none);
}

void PlasticStore::rest(PlasticState& state, std::uint32_t i, std::int64_t step) const {
    const PlasticSegment& segment = segments_[i];
    SegmentState& own = state.segments[i];
    if ((*models_)[segment.projection].rule == PlasticRule::kDopaminePair) return rest_dopamine(state, i, step);
    if ((*models_)[segment.projection].rule != PlasticRule::kTsodyksMarkram || step <= own.last_step) return;
    const auto tau = [&](int name) { return parameter(segment.projection, name, segment.first); };
    const auto interval = static_cast<double>(step - own.last_step);
    auto& [active, inactive, use] = own.values;
    inactive = inactive * decay(interval, tau(kTauRec)) + active * inactivated(interval, tau(kTauPsc), tau(kTauRec));
    active *= decay(interval, tau(kTauPsc));
    use *= decay(interval, tau(kTauFacil));
    own.last_step = step;
}

std::span<const double> PlasticStore::short_term_spike(PlasticState& state, std::uint32_t i, std::int64_t arrival,
                                                       std::vector<double>& buffer) const {
    rest(state, i, arrival);
    const PlasticSegment& segment = segments_[i];
    auto& [active, inactive, use] = state.segments[i].values;
    const double u = parameter(segment.projection, kUse, segment.first);
    use = parameter(segment.projection, kTauFacil, segment.first) > 0 ? use + u * (1 - use) : u;
    const double moved = use * (1 - active - inactive);
    active += moved;
    const double* weight = state.weights.data() + segment.first;
    buffer.resize(segment.count);
    for (std::uint32_t k = 0; k < segment.count; ++k) buffer[k] = weight[k] * moved;
    return buffer;
}

void PlasticStore::grow(std::size_t n_neurons, std::uint32_t receptor_stride) {
    if (receptor_stride != receptor_stride_ && receptor_stride_ > 0) {
        for (std::uint32_t& target : targets_) {
            target = target / receptor_stride_ * receptor_stride + target % receptor_stride_;
        }
    }
    receptor_stride_ = receptor_stride;
    is_target_.resize(receptor_stride, 0);
    row_.resize(n_neurons + 1, row_.back());
}

// What reached synapses in the last epoch acts with its factors. Segments without presynaptic spikes do not wait until
// there are more postsynaptic ones than the latest factors have.
void PlasticStore::begin_step(std::int64_t step) {
    if (!history_.has_epochs()) return;
    const bool is_new_epoch = !history_.is_in_epoch(step);
    if (!is_new_epoch && (n_new_posts_ == 0 || n_new_posts_ < kPostsTogether * n_targets_)) return;
    for (std::uint32_t i = 0; i < n_segments(); ++i) {
        const bool waits = is_new_epoch || state.segments[i].applied_step < last_sweep_;
        if (waits && model(i).is_pair_rule()) catch_up(state, i, step - 1 - segments_[i].dendritic);
    }
    last_sweep_ = step;
    n_new_posts_ = 0;
    if (is_new_epoch) history_.begin_epoch(step);
}

void PlasticStore::add_post_spike(std::uint32_t neuron, std::int64_t step) {
    if (!is_target_[neuron]) return;
    if (history_.is_full(neuron) && 4 * history_.n_bytes() < n_bytes()) history_.grow();
    if (history_.is_full(neuron)) {
        // No spike reaches a segment any more before this step less its dendritic part.
        for (std::uint32_t i = 0; i < n_segments(); ++i) {
            if ((*models_)[segments_[i].projection].is_timing()) catch_up(state, i, step - 1 - segments_[i].dendritic);
        }
        history_.forget(step - 1 - 2 * longest_dendritic_);
        if (history_.is_full(neuron)) history_.grow();
    }
    history_.add(neuron, step);
    ++n_new_posts_;
}

void PlasticStore::gather_weights(const PlasticState& state, std::uint32_t projection,
                                  std::span<double> weights) const {
    for (const PlasticSegment& segment : segments_) {
        if (segment.projection != projection) continue;
        for (std::uint64_t k = segment.first; k < segment.first + segment.count; ++k) {
            weights[synapse_[k]] = state.weights[k];
        }
    }
}

void PlasticStore::set_weights(std::uint32_t projection, std::span<const double> weights) {
    for (const PlasticSegment& segment : segments_) {
        if (segment.projection != projection) continue;
        for (std::uint64_t k = segment.first; k < segment.first + segment.count; ++k) {
            state.weights[k] = weights[synapse_[k]];
        }
    }
    compare_with_bounds(projection);
}

void PlasticStore::compare_with_bounds(std::uint32_t projection) {
    if (!has(projection) || !(*models_)[projection].is_pair_rule()) return;
    is_within_bounds_[projection - first_projection_] =
        std::all_of(segments_.begin(), segments_.end(), [&](const PlasticSegment& segment) {
            return segment.projection != projection || is_within_bounds(segment);
        });
}

bool PlasticStore::is_within_bounds(const PlasticSegment& segment) const {
    for (std::uint64_t k = segment.first; k < segment.first + segment.count; ++k) {
        const double one = parameter(segment.projection, kMinimum, k), other = parameter(segment.projection, kMaximum, k);
        const double w = state.weights[k];
        if (!(w >= std::min(one, other) && w <= std::max(one, other))) return false;
    }
    return true;
}

}  // namespace pycosim::native
