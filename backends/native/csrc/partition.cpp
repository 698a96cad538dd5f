#include "partition.hpp"

#include <algorithm>
#include <stdexcept>

namespace pycosim::native {
namespace {

// How many segments ahead memory is asked for; measured, with a wide optimum.
constexpr std::size_t kSegmentAhead = 16;
constexpr std::size_t kSynapsesAhead = 8;

}  // namespace

void Slice::inject(std::size_t drive_constant, std::span<const double> drive_per_na, InjectionColumns columns) {
    for (Column& constant : constants) {
        if (equal_constants) constant.assign(padded(size), double{constant[0]});
    }
    equal_constants = false;
    drive = drive_constant;
    const Column& own = constants[drive];
    Column per_na(own.size(), drive_per_na[0]);
    if (drive_per_na.size() > 1) std::copy_n(drive_per_na.begin() + first_index, size, per_na.begin());
    std::vector<Injection> parts;
    for (const auto& [current, indices] : columns) {
        Injection part{current, {}};
        for (const std::int64_t i : indices) {
            const std::int64_t within = i - first_index;
            if (within >= 0 && within < size) part.indices.push_back(static_cast<std::uint32_t>(within));
        }
        if (!part.indices.empty()) parts.push_back(std::move(part));
    }
    injections = SliceInjections(std::move(parts), own, std::move(per_na));
}

void Partition::add_slice(const Model& model, std::uint32_t first_index, std::uint32_t first_neuron,
                          std::uint32_t size) {
    Slice slice{};
    slice.model = &model;
    slice.first_index = first_index;
    slice.first_neuron = first_neuron;
    slice.size = size;
    slice.input_offset = n_inputs_;
    slice.states.assign(model.states.size(), Column(padded(size), 0.0));
    slice.constants.assign(model.constants.size(), Column(1, 0.0));
    slice.refractory_steps_left.assign(padded(size), 0.0);
    slices.push_back(std::move(slice));
    n_inputs_ += static_cast<std::uint32_t>(padded(size));
}

void Partition::allocate_inputs() {
    const auto old_stride = static_cast<std::uint32_t>(inputs_.size() / 2);
    for (Generation& generation : generations_) generation.store.move_receptors(old_stride, n_inputs_);
    if (old_stride) {
        for (PoissonDrive& drive : drives_) drive.move_receptors(old_stride, n_inputs_);
    }
    inputs_.assign(2 * static_cast<std::size_t>(n_inputs_), 0.0);
    std::size_t largest = 0;
    for (const Slice& slice : slices) largest = std::max<std::size_t>(largest, slice.size);
    scratch_.resize(largest);
}

TargetMap Partition::target_map(std::size_t n_neurons) const {
    TargetMap map{std::vector<std::uint32_t>(n_neurons, kElsewhere), n_inputs_};
    for (const Slice& slice : slices) {
        for (std::uint32_t i = 0; i < slice.size; ++i) map.index[slice.first_neuron + i] = slice.input_offset + i;
    }
    return map;
}

std::uint32_t Partition::free_base(std::uint32_t n_segments) const {
    std::vector<std::uint64_t> candidates{0};
    for (const Generation& old : generations_) candidates.push_back(std::uint64_t{old.base} + old.store.n_segments());
    for (const std::uint64_t base : candidates) {
        const std::uint64_t end = base + n_segments;
        const bool overlaps = std::any_of(generations_.begin(), generations_.end(), [&](const Generation& old) {
            return base < std::uint64_t{old.base} + old.store.n_segments() && old.base < end;
        });
        if (!overlaps && end <= plastic_base_) return static_cast<std::uint32_t>(base);
    }
    throw std::length_error("a partition has more than 4e9 runs of synapses; use more threads");
}

void Partition::connect(SynapseStore store, std::int64_t first_emission, std::int64_t max_delay,
                        std::int64_t present_step) {
    if (!generations_.empty() && generations_.back().first_emission == first_emission) generations_.pop_back();
    const std::uint32_t base = free_base(store.n_segments());
    generations_.push_back({std::move(store), base, first_emission, max_delay});
    for (PoissonDrive& drive : drives_) drive.end(first_emission);
    pending_.reserve(max_delay, present_step);
}

std::optional<DriveSynapses> Partition::single_synapses(std::uint32_t first_source, std::uint32_t n_sources) const {
    const SynapseStore& store = generations_.back().store;
    DriveSynapses found;
    for (std::uint32_t i = 0; i < n_sources; ++i) {
        const std::uint32_t source = first_source + i, begin = store.row_begin(source), end = store.row_end(source);
        if (plastic_ && plastic_->row_begin(source) < plastic_->row_end(source)) return {};
        if (begin == end) continue;
        const Segment& segment = store.segment(begin);
        if (end - begin > 1 || segment.count > 1) return {};
        if (!found.sources.empty() && segment.delay != found.delay) return {};
        found.delay = segment.delay;
        found.sources.push_back(i);
        found.targets.push_back(store.targets()[segment.first]);
        found.weights.push_back(std::bit_cast<double>(segment.weight));
    }
    return found;
}

void Partition::forget_old_synapses(std::int64_t present_step) {
    std::erase_if(drives_, [&](const PoissonDrive& drive) { return drive.is_over(present_step); });
    while (generations_.size() > 1) {
        const Generation& oldest = generations_.front();
        const bool on_time_possible = generations_[1].first_emission - 1 + oldest.max_delay > present_step;
        const std::uint64_t end = std::uint64_t{oldest.base} + oldest.store.n_segments();
        if (on_time_possible || pending_.holds_any(oldest.base, end)) return;
        generations_.erase(generations_.begin());
    }
}

void Partition::send_to_core(std::uint32_t source, std::int32_t core, std::int64_t emission_step, std::int64_t shift,
                             std::int64_t floor, std::int64_t only_delay, std::int64_t present_step) {
    const Generation* generation = &generations_.back();
    while (generation != generations_.data() && generation->first_emission > emission_step) --generation;
    const auto [begin, end] = generation->store.row_on_core(source, core);
    for (std::uint32_t i = begin; i < end; ++i) {
        const std::int64_t delay = generation->store.segment(i).delay;
        if (only_delay != 0 && delay != only_delay) continue;
        const std::int64_t wanted = emission_step + delay + shift;
        const std::int64_t due = std::max({wanted, floor, present_step + 1});
        pending_.push(due, present_step, pending_key(emission_step, generation->base + i));
    }
    if (!plastic_) return;
    for (std::uint32_t i = plastic_->row_begin(source); i < plastic_->row_end(source); ++i) {
        const std::int64_t delay = plastic_->segment(i).delay;
        if (plastic_->core(i) != core || (only_delay != 0 && delay != only_delay)) continue;
        const std::int64_t due = std::max({emission_step + delay + shift, floor, present_step + 1});
        pending_.push(due, present_step, pending_key(emission_step, plastic_base_ + i));
    }
}

void Partition::send_plastic(std::uint32_t source, std::int64_t emission_step) {
    for (std::uint32_t i = plastic_->row_begin(source); i < plastic_->row_end(source); ++i) {
        const std::int64_t due = emission_step + plastic_->segment(i).delay;
        pending_.push(due, emission_step, pending_key(emission_step, plastic_base_ + i));
    }
}

void Partition::connect_plastic(std::unique_ptr<PlasticStore> store, std::int64_t max_delay) {
    plastic_base_ = kNoPlastic - store->n_segments();
    plastic_ = std::move(store);
    pending_.reserve(max_delay, 0);
}

// The spikes under way that have reached the synapses of a projection by the present step, and are not settled yet.
std::vector<std::pair<std::int64_t, PendingKey>> Partition::unsettled(std::uint32_t projection,
                                                                      std::int64_t present_step) const {
    std::vector<std::pair<std::int64_t, PendingKey>> found = pending_.waiting(plastic_base_, present_step);
    auto n_settled = settled_.begin();
    std::erase_if(found, [&](const auto& waiting) {
        const std::uint32_t i = segment_of(waiting.second) - plastic_base_;
        while (n_settled != settled_.end() && n_settled->first < waiting) ++n_settled;
        const bool is_settled = n_settled != settled_.end() && n_settled->first == waiting;
        if (is_settled) ++n_settled;
        const bool is_here = plastic_->arrival(i, waiting.first) <= present_step;
        return is_settled || !is_here || plastic_->segment(i).projection != projection;
    });
    return found;
}

void Partition::gather_weights(std::uint32_t projection, std::int64_t present_step, std::span<double> weights) const {
    if (!plastic_) return;
    PlasticState copy = plastic_->state;
    std::vector<double> transmitted;
    for (const auto& [due, key] : unsettled(projection, present_step)) {
        plastic_->spike(copy, segment_of(key) - plastic_base_, due, transmitted);
    }
    for (std::uint32_t i = 0; i < plastic_->n_segments(); ++i) {
        if (plastic_->segment(i).projection == projection) plastic_->catch_up(copy, i, present_step);
    }
    plastic_->gather_weights(copy, projection, weights);
}

void Partition::settle(std::uint32_t projection, std::int64_t present_step) {
    if (!plastic_) return;
    for (const auto& waiting : unsettled(projection, present_step)) {
        plastic_->spike(plastic_->state, segment_of(waiting.second) - plastic_base_, waiting.first, transmitted_);
        settled_.emplace(waiting, transmitted_);
    }
    for (std::uint32_t i = 0; i < plastic_->n_segments(); ++i) {
        if (plastic_->segment(i).projection != projection) continue;
        plastic_->catch_up(plastic_->state, i, present_step);
        plastic_->rest(plastic_->state, i, present_step);
    }
}

// In order, like all contributions: what is settled has its sum at its place.
void Partition::deliver_mixed(std::int64_t step, std::span<const PendingKey> keys) {
    const auto prefetch = [&](std::size_t i, bool synapses) {
        if (i >= keys.size() || segment_of(keys[i]) >= plastic_base_) return;
        const Generation& generation = generation_of(segment_of(keys[i]));
        const std::uint32_t number = segment_of(keys[i]) - generation.base;
        synapses ? generation.store.prefetch_synapses(number) : generation.store.prefetch_segment(number);
    };
    for (std::size_t i = 0; i < keys.size(); ++i) {
        prefetch(i + kSegmentAhead, false);
        prefetch(i + kSynapsesAhead, true);
        const std::uint32_t number = segment_of(keys[i]);
        if (number < plastic_base_) {
            const Generation& generation = generation_of(number);
            generation.store.deliver(number - generation.base, inputs_.data());
            continue;
        }
        const std::uint32_t segment = number - plastic_base_;
        const auto settled = settled_.lower_bound({step, keys[i]});
        if (settled != settled_.end() && settled->first == std::pair{step, keys[i]}) {
            transmitted_ = std::move(settled->second);
            settled_.erase(settled);
        } else {
            plastic_->spike(plastic_->state, segment, step, transmitted_);
        }
        plastic_->add(segment, transmitted_, inputs_.data());
    }
}

const Partition::Generation& Partition::generation_of(std::uint64_t number) const {
    if (generations_.size() == 1) return generations_.front();
    return *std::find_if(generations_.begin(), generations_.end(), [number](const Generation& g) {
        return number >= g.base && number < std::uint64_t{g.base} + g.store.n_segments();
    });
}

// In the order of all segments, among which those of a drive have their place.
void Partition::deliver(std::int64_t step) {
    std::vector<PendingKey>& keys = pending_.due(step);
    std::span<const PendingKey> left = keys;
    std::vector<std::pair<PendingKey, PoissonDrive*>> driven;
    for (PoissonDrive& drive : drives_) {
        const std::int64_t emission_step = step - drive.delay();
        if (drive.emits(emission_step)) driven.emplace_back(pending_key(emission_step, drive.position()), &drive);
    }
    std::sort(driven.begin(), driven.end());
    for (const auto& [key, drive] : driven) {
        const auto n = static_cast<std::size_t>(std::lower_bound(left.begin(), left.end(), key) - left.begin());
        deliver(step, left.first(n));
        left = left.subspan(n);
        drive->add(step - drive->delay(), inputs_.data());
    }
    deliver(step, left);
    keys.clear();
}

void Partition::deliver(std::int64_t step, std::span<const PendingKey> keys) {
    double* const inputs = inputs_.data();
    if (plastic_) {
        deliver_mixed(step, keys);
    } else if (generations_.size() == 1) {
        const Generation& only = generations_.front();
        const auto number = [&](std::size_t i) { return segment_of(keys[i]) - only.base; };
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (i + kSegmentAhead < keys.size()) only.store.prefetch_segment(number(i + kSegmentAhead));
            if (i + kSynapsesAhead < keys.size()) only.store.prefetch_synapses(number(i + kSynapsesAhead));
            only.store.deliver(number(i), inputs);
        }
    } else {
        for (const PendingKey key : keys) {
            const Generation& generation = generation_of(segment_of(key));
            generation.store.deliver(segment_of(key) - generation.base, inputs);
        }
    }
}

void Partition::update(Slice& slice, std::int64_t step, FiredNeurons& fired) {
    SliceColumns columns{};
    columns.size = slice.size;
    for (std::size_t s = 0; s < slice.states.size(); ++s) columns.states[s] = slice.states[s].data();
    for (std::size_t c = 0; c < slice.constants.size(); ++c) columns.constants[c] = slice.constants[c].data();
    columns.refractory_steps_left = slice.refractory_steps_left.data();
    columns.excitatory = inputs_.data() + slice.input_offset;
    columns.inhibitory = columns.excitatory + n_inputs_;
    const Update function = slice.equal_constants ? slice.model->update_equal : slice.model->update_distinct;
    const std::size_t n_fired = function(columns, scratch_.data());
    for (std::size_t i = 0; i < n_fired; ++i) {
        const std::uint32_t index = scratch_[i];
        fired.neurons.push_back(slice.first_neuron + index);
        if (!slice.spikes_recorded.empty() && slice.spikes_recorded[index]) {
            slice.spikes.add(step, slice.first_index + index);
        }
        if (plastic_) plastic_->add_post_spike(slice.input_offset + index, step);
    }
    fired.ends.push_back(fired.neurons.size());
}

void Partition::step(std::int64_t step, FiredNeurons& fired) {
    deliver(step);
    for (Slice& slice : slices) {
        slice.injections.apply(*currents, step, slice.constants[slice.drive]);
        update(slice, step, fired);
        for (SignalRecording& signal : slice.signals) {
            if ((step - signal.origin_step) % signal.interval_steps) continue;
            const Column& state = slice.states[static_cast<std::size_t>(signal.state)];
            for (const std::uint32_t i : signal.indices) signal.samples.push_back(state[i]);
            ++signal.n_rows;
        }
    }
}

std::size_t Partition::n_bytes() const {
    std::size_t n = 0;
    for (const Generation& generation : generations_) n += generation.store.n_bytes();
    return n + (plastic_ ? plastic_->n_bytes() : 0);
}

}  // namespace pycosim::native
