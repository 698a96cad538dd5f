#include "partition.hpp"

#include <algorithm>
#include <stdexcept>

namespace pycosim::native {
namespace {

// How many segments ahead memory is asked for; measured, with a wide optimum.
constexpr std::size_t kSegmentAhead = 16;
constexpr std::size_t kSynapsesAhead = 8;

}  // namespace

void Slice::inject(std::size_t drive_constant, std::span<const double> drive_per_na, InjectionColumns columns,
                   std::size_t n_steps) {
    Injections here;
    for (const auto& [current, indices] : columns) {
        const std::size_t before = here.flows.size();
        for (const std::int64_t i : indices) {
            const std::int64_t within = i - first_index;
            if (within < 0 || within >= size) continue;
            here.flows.push_back({static_cast<std::uint32_t>(within), static_cast<std::uint32_t>(here.currents.size())});
        }
        if (here.flows.size() > before) here.currents.push_back(current);
    }
    if (here.currents.empty()) return;
    for (Column& constant : constants) {
        if (equal_constants) constant.assign(padded(size), double{constant[0]});
    }
    equal_constants = false;
    drive = drive_constant;
    Column per_na(size, drive_per_na[0]);
    if (drive_per_na.size() > 1) std::copy_n(drive_per_na.begin() + first_index, size, per_na.begin());
    injections = SliceInjections(here, constants[drive], per_na, n_steps);
}

void Partition::add_slice(const Model& model, std::span<const std::uint32_t> receptors, std::uint32_t first_index,
                          std::uint32_t first_neuron, std::uint32_t size) {
    Slice slice{};
    slice.model = &model;
    slice.first_index = first_index;
    slice.first_neuron = first_neuron;
    slice.size = size;
    slice.input_offset = n_inputs_;
    slice.receptors.assign(receptors.begin(), receptors.end());
    for (const std::uint32_t receptor : receptors) n_receptors_ = std::max<std::size_t>(n_receptors_, receptor + 1);
    slice.states.assign(model.states.size(), Column(padded(size), 0.0));
    slice.constants.assign(model.constants.size(), Column(1, 0.0));
    slice.refractory_steps_left.assign(model.is_held ? 0 : padded(size), 0.0);
    slices.push_back(std::move(slice));
    n_inputs_ += static_cast<std::uint32_t>(padded(size));
}

void Partition::allocate_inputs(std::size_t n_neurons) {
    if (n_receptors_ * n_inputs_ >= kElsewhere) throw std::length_error("a partition has more than 4e9 inputs");
    for (Generation& generation : generations_) generation.store.place_receptors(n_inputs_);
    for (Plastic& part : plastic_) part.store->grow(n_neurons, n_inputs_);
    if (receptor_stride_) {
        for (PoissonDrive& drive : drives_) drive.move_receptors(receptor_stride_, n_inputs_);
        pending_.move_receptors(receptor_stride_, n_inputs_);
    }
    receptor_stride_ = n_inputs_;
    inputs_.assign(kMostSteps * n_receptors_ * n_inputs_, 0.0);
    std::size_t largest = 0;
    for (const Slice& slice : slices) largest = std::max<std::size_t>(largest, slice.size);
    scratch_.resize(largest);
}

TargetMap Partition::target_map(std::size_t n_neurons) const {
    std::vector<TargetMap::Part> parts;
    for (const Slice& slice : slices) parts.push_back({slice.first_neuron, slice.size, slice.input_offset});
    return {n_neurons, std::move(parts), n_inputs_};
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
    if (rewired) return {};
    const SynapseStore& store = generations_.back().store;
    DriveSynapses found;
    for (std::uint32_t i = 0; i < n_sources; ++i) {
        const std::uint32_t source = first_source + i, begin = store.row_begin(source), end = store.row_end(source);
        if (has_plastic_row(source)) return {};
        if (begin == end) continue;
        const Segment& segment = store.segment(begin);
        if (end - begin > 1 || segment.count > 1) return {};
        if (!found.sources.empty() && segment.delay != found.delay) return {};
        found.delay = segment.delay;
        found.sources.push_back(i);
        const auto [target, weight] = store.first_synapse(begin);
        found.targets.push_back(target);
        found.weights.push_back(weight);
    }
    return found;
}

void Partition::forget_old_synapses(std::int64_t present_step, std::int64_t oldest_under_way) {
    std::erase_if(drives_, [&](const PoissonDrive& drive) { return drive.is_over(present_step); });
    if (graded) graded->forget(present_step, oldest_under_way);
    while (generations_.size() > 1) {
        const Generation& oldest = generations_.front();
        const std::int64_t last_emission = generations_[1].first_emission - 1;
        const bool may_come = last_emission + oldest.max_delay > present_step || last_emission >= oldest_under_way;
        const std::uint64_t end = std::uint64_t{oldest.base} + oldest.store.n_segments();
        if (may_come || pending_.holds_any(oldest.base, end)) return;
        generations_.erase(generations_.begin());
    }
}

void Partition::send_to_core(std::uint32_t source, std::int32_t core, std::int64_t emission_step, std::int64_t shift,
                             std::int64_t floor, const Only& only, std::int64_t present_step) {
    if (graded) graded->send_to_core(source, core, emission_step, shift, floor, only, present_step);
    const Generation* generation = &generations_.back();
    while (generation != generations_.data() && generation->first_emission > emission_step) --generation;
    const auto [begin, end] = generation->store.row_on_core(source, core);
    for (std::uint32_t i = begin; i < end; ++i) {
        const std::int64_t delay = generation->store.segment(i).delay;
        if (!only.takes(delay, generation->store.receptor(i))) continue;
        const std::int64_t wanted = emission_step + delay + shift;
        const std::int64_t due = std::max({wanted, floor, present_step + 1});
        pending_.push(due, present_step, pending_key(emission_step, generation->base + i));
    }
    for (const auto& [store, base, first_emission] : plastic_) {
        if (emission_step < first_emission) continue;
        for (std::uint32_t i = store->row_begin(source); i < store->row_end(source); ++i) {
            const std::int64_t delay = store->segment(i).delay;
            if (store->core(i) != core || !only.takes(delay, store->receptor(i))) continue;
            const std::int64_t due = std::max({emission_step + delay + shift, floor, present_step + 1});
            pending_.push(due, present_step, pending_key(emission_step, base + i));
        }
    }
}

void Partition::send_plastic(std::uint32_t source, std::int64_t emission_step) {
    for (const auto& [store, base, first] : plastic_) {
        for (std::uint32_t i = store->row_begin(source); i < store->row_end(source); ++i) {
            const std::int64_t due = emission_step + store->segment(i).delay;
            pending_.push(due, emission_step, pending_key(emission_step, base + i));
        }
    }
}

void Partition::connect_plastic(std::unique_ptr<PlasticStore> store, std::int64_t first_emission,
                                std::int64_t max_delay, std::int64_t present_step) {
    const std::uint32_t n = store->n_segments();
    std::uint64_t used = n;
    for (const Generation& old : generations_) {
        used = std::max(used, std::uint64_t{old.base} + old.store.n_segments() + n);
    }
    if (used > plastic_base_) {
        throw std::length_error("a partition has more than 4e9 runs of synapses; use more threads");
    }
    plastic_base_ -= n;
    store->set_dopamine(&dopamine_);
    for (std::uint32_t i = 0; i < n; ++i) has_dopamine_ = has_dopamine_ || store->releases_dopamine(i);
    plastic_.push_back({std::move(store), plastic_base_, first_emission});
    pending_.reserve(max_delay, present_step);
}

const Partition::Plastic& Partition::plastic_of(std::uint32_t number) const {
    if (plastic_.size() == 1) return plastic_.front();
    return *std::find_if(plastic_.begin(), plastic_.end(), [number](const Plastic& p) { return number >= p.base; });
}

// The spikes under way that have reached the synapses of a projection by the present step, and are not settled yet.
std::vector<std::pair<std::int64_t, PendingKey>> Partition::unsettled(const Plastic& part, std::uint32_t projection,
                                                                      std::int64_t present_step) const {
    std::vector<std::pair<std::int64_t, PendingKey>> found = pending_.waiting(part.base, present_step);
    const std::uint32_t n_segments = part.store->n_segments();
    auto n_settled = settled_.begin();
    std::erase_if(found, [&](const auto& waiting) {
        while (n_settled != settled_.end() && n_settled->first < waiting) ++n_settled;
        const bool is_settled = n_settled != settled_.end() && n_settled->first == waiting;
        if (is_settled) ++n_settled;
        const std::uint32_t i = segment_of(waiting.second) - part.base;
        if (is_settled || i >= n_segments || part.store->segment(i).projection != projection) return true;
        return part.store->arrival(i, waiting.first) > present_step;
    });
    return found;
}

void Partition::gather_weights(std::uint32_t projection, std::int64_t present_step, std::span<double> weights) const {
    for (const Plastic& part : plastic_) {
        if (!part.store->has(projection)) continue;
        PlasticState copy = part.store->state;
        std::vector<double> buffer;
        for (const auto& [due, key] : unsettled(part, projection, present_step)) {
            part.store->spike(copy, segment_of(key) - part.base, due, buffer);
        }
        for (std::uint32_t i = 0; i < part.store->n_segments(); ++i) {
            if (part.store->segment(i).projection != projection) continue;
            part.store->catch_up(copy, i, present_step);
            part.store->rest(copy, i, present_step);
        }
        part.store->gather_weights(copy, projection, weights);
    }
}

void Partition::settle(std::uint32_t projection, std::int64_t present_step) {
    for (const Plastic& part : plastic_) {
        if (!part.store->has(projection)) continue;
        for (const auto& waiting : unsettled(part, projection, present_step)) {
            const std::uint32_t segment = segment_of(waiting.second) - part.base;
            const auto values = part.store->spike(part.store->state, segment, waiting.first, transmitted_);
            settled_.emplace(waiting, std::vector(values.begin(), values.end()));
        }
        for (std::uint32_t i = 0; i < part.store->n_segments(); ++i) {
            if (part.store->segment(i).projection != projection) continue;
            part.store->catch_up(part.store->state, i, present_step);
            part.store->rest(part.store->state, i, present_step);
        }
    }
}

// Before all else that is due, so that synapses know of all dopamine up to the step of a spike.
void Partition::release_dopamine(std::int64_t step, std::span<const PendingKey> keys) {
    for (const PendingKey key : keys) {
        if (segment_of(key) < plastic_base_) continue;
        const auto& [store, base, first] = plastic_of(segment_of(key));
        const std::uint32_t i = segment_of(key) - base;
        if (store->releases_dopamine(i)) store->release(i, step, dopamine_);
    }
    if (!dopamine_.is_long()) return;
    std::int32_t longest = 0;
    for (const auto& [store, base, first] : plastic_) {
        longest = std::max(longest, store->longest_dendritic());
        for (std::uint32_t i = 0; i < store->n_segments(); ++i) {
            if (!store->waits_for_dopamine(i)) continue;
            store->catch_up(store->state, i, step - 1 - store->segment(i).dendritic);
        }
    }
    dopamine_.forget(step - 1 - longest);
}

// As many of the first keys as their store processes together; returns their number. What came before is added, and what
// these transmit, or an addition that is left to do with the next ones.
std::size_t Partition::deliver_plastic(std::int64_t step, std::span<const PendingKey> keys, double* inputs,
                                       Addition& before) {
    const auto& [store, base, first] = plastic_of(segment_of(keys[0]));
    const auto settled = settled_.lower_bound({step, keys[0]});
    if (settled != settled_.end() && settled->first == std::pair{step, keys[0]}) {
        before.finish();
        store->addition(segment_of(keys[0]) - base, settled->second, inputs).finish();
        settled_.erase(settled);
        return 1;
    }
    const std::size_t most = settled_.empty() ? keys.size() : 1;
    auto [n, left, is_in_state] = store->spikes(store->state, keys.first(most), base, step, transmitted_, before);
    before.finish();
    // Not before: what is asked for would keep these waiting.
    if (n < keys.size()) ask_for_plastic_synapses(keys[n]);
    for (const PendingKey key : keys.first(left.empty() ? 0 : n)) {
        const std::uint32_t segment = segment_of(key) - base;
        before = store->addition(segment, left, inputs);
        left = left.subspan(before.n);
        // What is in the state stays there until the segment's next spike.
        const bool comes_again = n < keys.size() && segment_of(keys[n]) == segment_of(key);
        if (!is_in_state || comes_again) before.finish();
    }
    return n;
}

const Partition::Generation& Partition::generation_of(std::uint64_t number) const {
    if (generations_.size() == 1) return generations_.front();
    return *std::find_if(generations_.begin(), generations_.end(), [number](const Generation& g) {
        return number >= g.base && number < std::uint64_t{g.base} + g.store.n_segments();
    });
}

// In the order of all segments, among which those of a drive have their place.
void Partition::deliver(std::int64_t step, double* inputs) {
    std::span<const PendingKey> left = pending_.due(step);
    std::vector<std::pair<PendingKey, PoissonDrive*>> driven;
    for (PoissonDrive& drive : drives_) {
        const std::int64_t emission_step = step - drive.delay();
        if (drive.emits(emission_step)) driven.emplace_back(pending_key(emission_step, drive.position()), &drive);
    }
    std::sort(driven.begin(), driven.end());
    for (const auto& [key, drive] : driven) {
        const auto n = static_cast<std::size_t>(std::lower_bound(left.begin(), left.end(), key) - left.begin());
        deliver(step, left.first(n), inputs);
        left = left.subspan(n);
        drive->add(step - drive->delay(), inputs);
    }
    deliver(step, left, inputs);
    pending_.clear(step);
}

// In order, like all contributions: what is settled has its sum at its place.
void Partition::deliver(std::int64_t step, std::span<const PendingKey> keys, double* inputs) {
    if (has_dopamine_) release_dopamine(step, keys);
    for (const PendingKey key : keys.first(std::min(keys.size(), kSegmentAhead))) ask_for_segment(key);
    for (const PendingKey key : keys.first(std::min(keys.size(), kSynapsesAhead))) ask_for_synapses(key);
    Addition plastic;
    for (std::size_t i = 0; i < keys.size();) {
        if (i + kSegmentAhead < keys.size()) ask_for_segment(keys[i + kSegmentAhead]);
        if (i + kSynapsesAhead < keys.size()) ask_for_synapses(keys[i + kSynapsesAhead]);
        const std::uint32_t number = segment_of(keys[i]);
        if (number >= plastic_base_) {
            i += deliver_plastic(step, keys.subspan(i), inputs, plastic);
            continue;
        }
        plastic.finish();
        if (i + 1 < keys.size()) ask_for_plastic_synapses(keys[i + 1]);
        const Generation& generation = generation_of(number);
        add_segment(generation, number - generation.base, step, inputs);
        ++i;
    }
    plastic.finish();
}

void Partition::ask_for_segment(PendingKey key) const {
    const std::uint32_t number = segment_of(key);
    if (number >= plastic_base_) {
        const Plastic& part = plastic_of(number);
        part.store->ask_for_segment(number - part.base);
    } else {
        const Generation& generation = generation_of(number);
        generation.store.prefetch_segment(number - generation.base);
    }
}

void Partition::ask_for_synapses(PendingKey key) const {
    const std::uint32_t number = segment_of(key);
    if (number >= plastic_base_) return;
    const Generation& generation = generation_of(number);
    generation.store.prefetch_synapses(number - generation.base);
}

// They are more, so that fewer are asked for at a time.
void Partition::ask_for_plastic_synapses(PendingKey key) const {
    const std::uint32_t number = segment_of(key);
    if (number < plastic_base_) return;
    const Plastic& part = plastic_of(number);
    part.store->ask_for_synapses(number - part.base);
}

std::size_t Partition::n_bytes() const {
    std::size_t n = 0;
    for (const Generation& generation : generations_) n += generation.store.n_bytes();
    for (const Plastic& part : plastic_) n += part.store->n_bytes();
    if (graded) n += graded->n_bytes();
    return n + dopamine_.n_bytes();
}

}  // namespace pycosim::native
