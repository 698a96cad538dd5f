#include "rewiring.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "engine.hpp"
#include "power.hpp"

namespace pycosim::native {
namespace {

constexpr std::size_t kLongHistory = 64;

double up(const RewiredTiming& timing, double w) {
    const double low = timing.parameters[kMinimum], high = timing.parameters[kMaximum];
    switch (static_cast<PlasticRule>(timing.dependence)) {
        case PlasticRule::kMultiplicative: return high - w;
        case PlasticRule::kGutig:
            return (high - low) * power(std::max((high - w) / (high - low), 0.0), timing.parameters[kMuPlus]);
        default: return high;
    }
}

double down(const RewiredTiming& timing, double w) {
    const double low = timing.parameters[kMinimum], high = timing.parameters[kMaximum];
    switch (static_cast<PlasticRule>(timing.dependence)) {
        case PlasticRule::kAdditive: return high;
        case PlasticRule::kGutig:
            return (high - low) * power(std::max((w - low) / (high - low), 0.0), timing.parameters[kMuMinus]);
        default: return w - low;
    }
}

double changed(const RewiredTiming& timing, double w, double gain, double loss) {
    if (gain == 0 && loss == 0) return w;
    const auto [low, high] = std::minmax(timing.parameters[kMinimum], timing.parameters[kMaximum]);
    return std::clamp(w + gain * up(timing, w) - loss * down(timing, w), low, high);
}

std::int64_t around(std::int64_t distance, std::int64_t length) {
    distance = std::abs(distance);
    return length > 1 && distance > length / 2 ? distance - length : distance;
}

std::size_t choice(double draw, std::size_t n) {
    return std::min(static_cast<std::size_t>(draw * static_cast<double>(n)), n - 1);
}

}  // namespace

std::int32_t RewiredProjection::dendritic(std::int32_t delay) const {
    if (timing.dependence < 0) return delay;
    return static_cast<std::int32_t>(std::floor(timing.dendritic_fraction * delay + 0.5));
}

double RewiredProjection::formation(std::int64_t pre, std::int64_t post) const {
    const std::int64_t x = grid_x > 1 ? around(pre / grid_x - post / grid_x, grid_x) : 0;
    const std::int64_t y = grid_y > 1 ? around(pre % grid_y - post % grid_y, grid_y) : 0;
    const auto squared = static_cast<std::size_t>(x * x + y * y);
    return squared < probabilities.size() ? probabilities[squared] : 0.0;
}

std::int64_t Rewiring::longest_delay() const {
    std::int64_t longest = 1;
    for (const RewiredProjection& projection : projections) {
        longest = std::max<std::int64_t>(longest, projection.highest_new_delay);
        for (const std::int32_t delay : projection.delays) longest = std::max<std::int64_t>(longest, delay);
    }
    return longest;
}

std::int64_t Rewiring::longest_batch() const {
    std::int64_t longest = kMaxBatchSteps;
    const auto look_at = [&](const RewiredProjection& projection, std::int32_t delay) {
        longest = std::min<std::int64_t>(longest, projection.dendritic(delay) == delay ? delay : 1);
    };
    for (const RewiredProjection& projection : projections) {
        for (const std::int32_t delay : projection.delays) look_at(projection, delay);
        const std::int32_t lowest = projection.lowest_new_delay, highest = projection.highest_new_delay;
        for (std::int32_t delay = lowest; delay <= highest; ++delay) look_at(projection, delay);
    }
    return longest;
}

double RewiredStore::Trace::at(std::int64_t now, double tau) const {
    if (step == now) return before;  // spikes that reach a synapse together are not paired
    return step == kNever ? 0.0 : after * std::exp(-static_cast<double>(now - step) / tau);
}

void RewiredStore::Trace::spike(std::int64_t now, double tau) {
    if (step != now) after = before = at(now, tau);
    after += 1.0;
    step = now;
}

RewiredStore::RewiredStore(const Rewiring& rewiring, const TargetMap& map)
    : rewiring_(&rewiring), receptor_stride_(map.receptor_stride), longest_delay_(rewiring.longest_delay()) {
    contributions_.resize(static_cast<std::size_t>(longest_delay_) + 1);
    arrivals_.resize(static_cast<std::size_t>(longest_delay_) + 1);
    rows_.resize(map.n_neurons);
    memberships_.resize(map.n_neurons);
    neurons_at_.resize(map.receptor_stride);
    last_spikes_.resize(rewiring.groups.size());
    neuron_of_.resize(rewiring.groups.size());
    for (const RewiredProjection& projection : rewiring.projections) keeps_spikes_ |= projection.timing.dependence >= 0;
    for (std::uint32_t g = 0; g < rewiring.groups.size(); ++g) {
        const RewiredGroup& group = rewiring.groups[g];
        for (std::uint32_t i = 0; i < group.posts.size(); ++i) {
            const auto number = static_cast<std::uint32_t>(group.posts[i]);
            const std::uint32_t input = map.index()[number];
            neuron_of_[g].push_back(input == kElsewhere ? kFree : static_cast<std::uint32_t>(neurons_.size()));
            if (input == kElsewhere) continue;
            neurons_at_[input].push_back(static_cast<std::uint32_t>(neurons_.size()));
            neurons_.push_back({number, g, i, input, slots_.size(), {}});
            slots_.resize(slots_.size() + group.capacity);
        }
        connect_initial(g);
        if (!group.from_last_spikes) continue;
        for (std::uint32_t p = 0; p < group.projections.size(); ++p) {
            const auto& candidates = rewiring.projections[group.projections[p]].candidates;
            for (std::uint32_t c = 0; c < candidates.size(); ++c) {
                memberships_[static_cast<std::size_t>(candidates[c])].push_back({g, p, c});
            }
        }
    }
}

void RewiredStore::grow(const TargetMap& map) {
    const auto move = [&](std::uint32_t& input) {
        if (input >= receptor_stride_) input += map.receptor_stride - receptor_stride_;
    };
    for (Slot& slot : slots_) move(slot.input);
    for (auto& acting : contributions_) {
        for (Contribution& contribution : acting) move(contribution.input);
    }
    receptor_stride_ = map.receptor_stride;
    rows_.resize(map.n_neurons);
    memberships_.resize(map.n_neurons);
    neurons_at_.resize(map.receptor_stride);
}

void RewiredStore::connect_initial(std::size_t group) {
    const RewiredGroup& spec = rewiring_->groups[group];
    std::vector<std::size_t> used(neurons_.size(), 0);
    std::vector<std::uint32_t> place(rows_.size(), kFree);
    for (std::uint32_t n = 0; n < neurons_.size(); ++n) {
        if (neurons_[n].group == group) place[neurons_[n].number] = n;
    }
    for (const std::size_t p : spec.projections) {
        const RewiredProjection& projection = rewiring_->projections[p];
        for (std::size_t s = 0; s < projection.targets.size(); ++s) {
            const std::uint32_t n = place[static_cast<std::size_t>(projection.targets[s])];
            if (n == kFree) continue;
            if (used[n] == spec.capacity) throw std::invalid_argument("a neuron has more synapses than slots");
            const std::size_t slot = neurons_[n].first_slot + used[n]++;
            slots_[slot].post = n;
            occupy(slot, static_cast<std::uint32_t>(p), static_cast<std::uint32_t>(projection.sources[s]),
                   projection.weights[s], projection.delays[s]);
        }
    }
}

void RewiredStore::occupy(std::size_t number, std::uint32_t projection, std::uint32_t source, double weight,
                          std::int32_t delay) {
    Slot& slot = slots_[number];
    const RewiredProjection& spec = rewiring_->projections[projection];
    const Neuron& neuron = neurons_[slot.post];
    slot.projection = projection;
    slot.source = source;
    slot.input = neuron.input + (spec.receptor ? receptor_stride_ : 0);
    slot.delay = delay;
    slot.dendritic = spec.dendritic(delay);
    slot.weight = weight;
    ++slot.n_formed;
    slot.pre = slot.post_trace = {};
    // Postsynaptic spikes that are still on their way to the place of the synapse will reach it.
    slot.n_posts = neuron.n_forgotten;
    for (const std::int64_t step : neuron.spikes) slot.n_posts += step + slot.dendritic <= present_step_;
    rows_[source].push_back(number);
}

void RewiredStore::catch_up(Slot& slot, std::int64_t step) const {
    const RewiredTiming& timing = rewiring_->projections[slot.projection].timing;
    if (timing.dependence < 0) return;
    const Neuron& neuron = neurons_[slot.post];
    for (; slot.n_posts < neuron.n_forgotten + neuron.spikes.size(); ++slot.n_posts) {
        const std::int64_t arrival = neuron.spikes[slot.n_posts - neuron.n_forgotten] + slot.dendritic;
        if (arrival > step) return;
        const double gain = timing.parameters[kPostGain] * slot.pre.at(arrival, timing.tau_pre);
        slot.weight = changed(timing, slot.weight, gain, 0.0);
        slot.post_trace.spike(arrival, timing.tau_post);
    }
}

// Processes a presynaptic spike that reaches a synapse. Without a dendritic delay, it comes before the neuron fires.
double RewiredStore::transmitted(Slot& slot, std::int64_t arrival) const {
    const RewiredTiming& timing = rewiring_->projections[slot.projection].timing;
    if (timing.dependence < 0) return slot.weight;
    catch_up(slot, slot.dendritic ? arrival : arrival - 1);
    const auto& p = timing.parameters;
    const double trace = slot.post_trace.at(arrival, timing.tau_post);
    slot.weight = changed(timing, slot.weight, p[kPreGain] * trace, p[kPreLoss] * trace + p[kConstantLoss]);
    slot.pre.spike(arrival, timing.tau_pre);
    return slot.weight;
}

void RewiredStore::send(std::uint32_t source, std::int64_t step) {
    if (step != present_step_) {
        for (auto& spikes : last_spikes_) spikes.clear();
        present_step_ = step;
    }
    for (const Membership& member : memberships_[source]) {
        auto& spikes = last_spikes_[member.group];
        if (spikes.size() < rewiring_->groups[member.group].spike_buffer_size) spikes.push_back(member);
    }
    for (const std::size_t number : rows_[source]) {
        Slot& slot = slots_[number];
        if (slot.dendritic == slot.delay) {
            of_step(contributions_, step + slot.delay).push_back({slot.input, transmitted(slot, step)});
        } else {
            of_step(arrivals_, step + slot.delay - slot.dendritic).push_back({number, slot.n_formed});
        }
    }
}

void RewiredStore::deliver(std::int64_t step, double* inputs) {
    for (const Arrival& arrival : of_step(arrivals_, step)) {
        Slot& slot = slots_[arrival.slot];
        if (slot.projection == kFree || slot.n_formed != arrival.n_formed) continue;  // eliminated on the way
        of_step(contributions_, step + slot.dendritic).push_back({slot.input, transmitted(slot, step)});
    }
    of_step(arrivals_, step).clear();
    for (const Contribution& acting : of_step(contributions_, step)) inputs[acting.input] += acting.weight;
    of_step(contributions_, step).clear();
}

void RewiredStore::add_post_spike(std::uint32_t input, std::int64_t step) {
    if (!keeps_spikes_) return;
    for (const std::uint32_t n : neurons_at_[input]) {
        neurons_[n].spikes.push_back(step);
        if (neurons_[n].spikes.size() >= kLongHistory) forget_old_spikes(neurons_[n], step);
    }
}

// What all synapses, and all that may be formed, have behind them. The last batch is not behind them.
void RewiredStore::forget_old_spikes(Neuron& neuron, std::int64_t step) {
    const std::int64_t behind = step - kMaxBatchSteps - 1;
    const std::uint32_t capacity = rewiring_->groups[neuron.group].capacity;
    for (std::size_t slot = neuron.first_slot; slot < neuron.first_slot + capacity; ++slot) {
        if (slots_[slot].projection != kFree) catch_up(slots_[slot], behind);
    }
    const auto old = std::lower_bound(neuron.spikes.begin(), neuron.spikes.end(), behind - longest_delay_);
    neuron.n_forgotten += static_cast<std::uint64_t>(old - neuron.spikes.begin());
    neuron.spikes.erase(neuron.spikes.begin(), old);
}

void RewiredStore::rewire(std::int64_t step) {
    if (step != present_step_) {
        for (auto& spikes : last_spikes_) spikes.clear();
        present_step_ = step;
    }
    for (std::size_t g = 0; g < rewiring_->groups.size(); ++g) {
        const RewiredGroup& group = rewiring_->groups[g];
        const auto until = [&](std::int64_t k) {
            return static_cast<std::uint64_t>(std::floor(static_cast<double>(k) * group.attempts_per_step + 1e-9));
        };
        for (std::uint64_t n = until(step - 1); n < until(step); ++n) attempt(group, g, n);
    }
}

void RewiredStore::attempt(const RewiredGroup& group, std::size_t number, std::uint64_t n) {
    double draws[6];
    const auto draw = [&](std::uint32_t block) {
        const Block counter{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n >> 32), 0, block};
        const Block words = philox4x32(counter, group.key);
        draws[2 * block] = uniform(words[0], words[1]);
        draws[2 * block + 1] = uniform(words[2], words[3]);
    };
    draw(0);
    const std::uint32_t place = neuron_of_[number][choice(draws[0], group.posts.size())];
    if (place == kFree) return;
    draw(1);
    draw(2);
    Neuron& neuron = neurons_[place];
    const std::size_t at = neuron.first_slot + choice(draws[1], group.capacity);
    Slot& slot = slots_[at];
    if (slot.projection == kFree) {
        slot.post = place;
        form(group, number, neuron, at, draws);
        return;
    }
    catch_up(slot, present_step_);
    const RewiredProjection& projection = rewiring_->projections[slot.projection];
    const bool depressed = std::abs(slot.weight) < projection.threshold;
    if (draws[4] >= (depressed ? projection.eliminates_depressed : projection.eliminates_potentiated)) return;
    std::erase(rows_[slot.source], at);
    slot.projection = kFree;
}

void RewiredStore::form(const RewiredGroup& group, std::size_t number, Neuron& neuron, std::size_t slot,
                        const double* draws) {
    std::size_t p, candidate;
    if (group.from_last_spikes) {
        const auto& spikes = last_spikes_[number];
        if (spikes.empty()) return;
        const Membership& chosen = spikes[choice(draws[2], spikes.size())];
        p = chosen.projection;
        candidate = chosen.candidate;
    } else {
        p = choice(draws[2], group.projections.size());
        candidate = choice(draws[3], rewiring_->projections[group.projections[p]].candidates.size());
    }
    const auto projection = static_cast<std::uint32_t>(group.projections[p]);
    const RewiredProjection& spec = rewiring_->projections[projection];
    const auto source = static_cast<std::uint32_t>(spec.candidates[candidate]);
    if (!group.with_replacement && is_connected(neuron, group.capacity, projection, source)) return;
    if (draws[4] >= spec.formation(static_cast<std::int64_t>(candidate), neuron.index)) return;
    const auto n_delays = static_cast<std::size_t>(spec.highest_new_delay - spec.lowest_new_delay + 1);
    const auto delay = spec.lowest_new_delay + static_cast<std::int32_t>(choice(draws[5], n_delays));
    occupy(slot, projection, source, spec.new_weight, delay);
}

bool RewiredStore::is_connected(const Neuron& neuron, std::uint32_t capacity, std::uint32_t projection,
                                std::uint32_t source) const {
    const auto begin = slots_.begin() + static_cast<std::ptrdiff_t>(neuron.first_slot);
    return std::any_of(begin, begin + capacity, [&](const Slot& slot) {
        return slot.projection == projection && slot.source == source;
    });
}

void RewiredStore::gather(std::size_t projection, std::int64_t present_step, RewiredSynapses& synapses) const {
    for (Slot slot : slots_) {
        if (slot.projection != projection) continue;
        catch_up(slot, present_step);
        synapses.sources.push_back(slot.source);
        synapses.targets.push_back(neurons_[slot.post].number);
        synapses.delays.push_back(slot.delay);
        synapses.weights.push_back(slot.weight);
    }
}

void Engine::set_rewiring(Rewiring rewiring) {
    if (started_ || rewiring_) throw std::logic_error("rewired synapses come once, and before the first step");
    rewiring_ = std::make_unique<Rewiring>(std::move(rewiring));
    for (Partition& partition : partitions_) {
        partition.rewired = std::make_unique<RewiredStore>(*rewiring_, partition.target_map(n_neurons_));
    }
    longest_batch_ = std::min(longest_batch_, rewiring_->longest_batch());
    batch_steps_ = std::min(batch_steps_, longest_batch_);
}

RewiredSynapses Engine::rewired_synapses(std::size_t projection) const {
    RewiredSynapses synapses;
    for (const Partition& partition : partitions_) partition.rewired->gather(projection, step_, synapses);
    return synapses;
}

}  // namespace pycosim::native
