// The timing rules besides the all-to-all pair rules; pycosim/network/plasticity.py has the equations. State changes
// only where a spike comes, dopamine is released or an update is due, so that it does not matter when a segment is
// looked at in between.
#include <algorithm>
#include <cmath>

#include "plastic.hpp"
#include "weight_dependence.hpp"

namespace pycosim::native {

// Common to all of them: one synapse of a segment after the other.
struct PlasticStore::OtherRule {
    const PlasticStore& store;
    PlasticState& state;
    const PlasticSegment& segment;
    const PlasticModel& model;
    SegmentState& own;
    TimingKernel<false> kernel;
    std::size_t fast_trace, slow_trace;
    std::uint64_t k = 0;
    std::uint32_t s = 0, neuron = 0;
    std::span<const std::int64_t> posts{};
    double w = 0;

    OtherRule(const PlasticStore& from, PlasticState& with, std::uint32_t i)
        : store(from), state(with), segment(from.segments_[i]), model(from.model(i)), own(with.segments[i]),
          kernel(model), fast_trace(from.trace_[segment.projection - from.first_projection_]),
          slow_trace(from.slow_trace_[segment.projection - from.first_projection_]) {}

    void begin(std::uint64_t place) {
        k = place;
        s = store.synapse_[k];
        neuron = store.neuron_of(store.targets_[k]);
        posts = store.history_.steps(neuron);
        w = state.weights[k];
    }
    void end(std::int64_t, bool) {}
    void rest(std::int64_t) {}

    double extra(int name) const { return store.parameter(segment.projection, name, k); }
    double up() const {
        switch (model.dependence) {
            case PlasticRule::kMultiplicative: return kernel.template up<PlasticRule::kMultiplicative>(w, s);
            case PlasticRule::kGutig: return kernel.template up<PlasticRule::kGutig>(w, s);
            default: return kernel.template up<PlasticRule::kAdditive>(w, s);
        }
    }
    double down() const {
        switch (model.dependence) {
            case PlasticRule::kAdditive: return kernel.template down<PlasticRule::kAdditive>(w, s);
            case PlasticRule::kGutig: return kernel.template down<PlasticRule::kGutig>(w, s);
            default: return kernel.template down<PlasticRule::kMultiplicative>(w, s);
        }
    }
    void change(double gain, double loss) {
        if (gain != 0) w = kernel.bounded(w + gain * up(), s);
        if (loss != 0) w = kernel.bounded(w - loss * down(), s);
    }

    // The all-to-all presynaptic trace just before the spikes of a step.
    double pre_trace(std::int64_t at) const {
        return at == own.last_step ? own.values[1] : own.values[0] * model.pre(at - own.last_step);
    }
    // A postsynaptic trace at the synapse, from the spikes before number `n`.
    double post_trace(std::size_t n, std::int64_t at) const {
        if (n == 0) return 0;
        return store.history_.trace(neuron, n - 1, fast_trace) * model.post(at - segment.dendritic - posts[n - 1]);
    }
    void add_pre(std::int64_t step) {
        auto& [trace, before, unused] = own.values;
        if (step > own.last_step || trace == 0) {
            trace = before = pre_trace(step);
            own.last_step = step;
        }
        trace += 1.0;
    }
};

struct PlasticStore::Nearest : OtherRule {
    using OtherRule::OtherRule;

    void post(std::size_t n, std::int64_t at) {
        const std::int64_t pre = at > own.last_step ? own.last_step : static_cast<std::int64_t>(own.values[1]);
        if (own.values[0] == 0 || pre < 0) return;
        if (n > 0 && posts[n - 1] + segment.dendritic > pre) return;  // that one was nearer
        change(kernel(kPostGain, s) * model.pre(at - pre), 0);
    }
    void pre(std::size_t n, std::int64_t at) {
        if (n == 0) return;
        change(0, kernel(kPreLoss, s) * model.post(at - segment.dendritic - posts[n - 1]));
    }
    void add_pre(std::int64_t step) {
        if (own.values[0] != 0 && step == own.last_step) return;
        own.values[1] = own.values[0] != 0 ? static_cast<double>(own.last_step) : -1.0;
        own.values[0] = 1.0;
        own.last_step = step;
    }
};

struct PlasticStore::Triplet : OtherRule {
    std::array<double, 2>& slow;

    Triplet(const PlasticStore& from, PlasticState& with, std::uint32_t i)
        : OtherRule(from, with, i), slow(with.slow_traces[i]) {}

    double slow_pre_trace(std::int64_t at) const {
        return at == own.last_step ? slow[1] : slow[0] * model.slow_pre(at - own.last_step);
    }
    void post(std::size_t n, std::int64_t at) {
        double slow_post = 0;
        if (n > 0) {
            slow_post = store.history_.trace(neuron, n - 1, slow_trace) * model.slow_post(posts[n] - posts[n - 1]);
        }
        change(pre_trace(at) * (kernel(kPostGain, s) + extra(kPostTriplet) * slow_post), 0);
    }
    void pre(std::size_t n, std::int64_t at) {
        change(0, post_trace(n, at) * (kernel(kPreLoss, s) + extra(kPreTriplet) * slow_pre_trace(at)));
    }
    void add_pre(std::int64_t step) {
        if (step > own.last_step || own.values[0] == 0) slow[0] = slow[1] = slow_pre_trace(step);
        slow[0] += 1.0;
        OtherRule::add_pre(step);
    }
};

// Weights follow dopamine times eligibility, which the pair rule changes.
struct PlasticStore::DopaminePair : OtherRule {
    using OtherRule::OtherRule;

    // What the weight gains in `steps`, per unit of eligibility: the integral of both exponentials.
    double gained(double dopamine, double base, double steps) const {
        const double tau_c = model.slow_pre.tau(), both = 1 / (1 / tau_c + 1 / model.slow_post.tau());
        return -(base * tau_c * std::expm1(-steps / tau_c) + (dopamine - base) * both * std::expm1(-steps / both)) *
               extra(kMsPerStep);
    }
    void advance(Eligibility& now, std::int64_t to) {
        if (to <= now.since) return;
        const auto steps = static_cast<double>(to - now.since);
        const double base = extra(kBaseDopamine);
        if (now.trace != 0) {
            // The weight turns where dopamine crosses 0 on its way to the other side.
            const bool crosses = now.dopamine * base < 0;
            const double until_0 = crosses ? model.slow_post.tau() * std::log1p(-now.dopamine / base) : 0;
            double first = 0;
            w = kernel.bounded(w, s);
            if (until_0 > 0 && until_0 < steps) {
                first = now.trace * gained(now.dopamine, base, until_0);
                w = kernel.bounded(w + first, s);
            }
            w = kernel.bounded(w + (now.trace * gained(now.dopamine, base, steps) - first), s);
            now.trace *= std::exp(-steps / model.slow_pre.tau());
        }
        now.dopamine = base + (now.dopamine - base) * std::exp(-steps / model.slow_post.tau());
        now.since = to;
    }
    void rest(std::int64_t until) {
        Eligibility& now = state.eligibility[k];
        for (const DopamineHistory::Release& release : store.dopamine_->after(neuron, now.since)) {
            if (release.step > until) break;
            advance(now, release.step);
            now.dopamine += release.amount;
        }
    }
    void bring_to(std::int64_t at) {
        rest(at);
        advance(state.eligibility[k], at);
    }
    void post(std::size_t, std::int64_t at) {
        const double gain = kernel(kPostGain, s) * pre_trace(at);
        if (gain == 0) return;
        bring_to(at);
        state.eligibility[k].trace += gain * up();
    }
    void pre(std::size_t n, std::int64_t at) {
        bring_to(at);
        state.eligibility[k].trace -= kernel(kPreLoss, s) * post_trace(n, at) * down();
    }
};

// Weights change at updates, by what the pair rule has gathered and towards a rate of the neuron.
struct PlasticStore::Homeostatic : OtherRule {
    using OtherRule::OtherRule;
    std::int64_t updated = 0;

    void begin(std::uint64_t place) {
        OtherRule::begin(place);
        updated = static_cast<std::int64_t>(own.values[2]);
    }
    double rate(std::int64_t at) const {
        const auto n = static_cast<std::size_t>(std::ranges::upper_bound(posts, at) - posts.begin());
        const double initial = extra(kBaseRate) * model.slow_post(at - store.created_step_);
        if (n == 0) return initial;
        const double trace = store.history_.trace(neuron, n - 1, slow_trace) * model.slow_post(at - posts[n - 1]);
        return initial + extra(kRatePerSpike) * trace;
    }
    void update_until(std::int64_t last) {
        const std::int64_t every = model.update_steps;
        double& waiting = state.eligibility[k].trace;
        for (std::int64_t at = (updated / every + 1) * every; at <= last; at += every) {
            const double lacking = 1 - rate(at) / extra(kBaseRate);
            const double pace = extra(kBaseRate) / (extra(kAverageSeconds) * (1 + 50 * std::abs(lacking)));
            const double scaled = extra(kHomeoScale) * lacking * w * extra(kUpdateSeconds);
            w = kernel.bounded(w + (scaled + waiting) * pace, s);
            waiting = 0;
        }
        updated = std::max(updated, last);
    }
    void rest(std::int64_t until) { update_until(until); }
    void post(std::size_t, std::int64_t at) {
        const double gain = kernel(kPostGain, s) * pre_trace(at);
        if (gain == 0) return;
        update_until(at - 1);
        state.eligibility[k].trace += gain * up();
    }
    void pre(std::size_t n, std::int64_t at) {
        update_until(at - 1);
        state.eligibility[k].trace -= kernel(kPreLoss, s) * post_trace(n, at) * down();
    }
    void end(std::int64_t step, bool is_pre) {
        own.values[2] = std::max(own.values[2], static_cast<double>(is_pre ? step - 1 : step));
    }
};

// Traces and weights are whole numbers; what they lose by decay, and gain by spikes, is rounded at random.
struct PlasticStore::IntegerPair : OtherRule {
    using OtherRule::OtherRule;
    enum Lane : std::uint32_t { kPreDecay, kPostDecay, kGrowth, kLoss };
    static constexpr double largest = 127;
    IntegerTraces* traces = nullptr;

    void begin(std::uint64_t place) {
        OtherRule::begin(place);
        traces = &state.integers[k];
    }
    double rounded(double x, std::int64_t at, Lane lane) const {
        const double whole = std::floor(x);
        if (x == whole) return x;
        const Block words = block_of(model.key, model.places.empty() ? s : model.places[s], lane,
                                     static_cast<std::uint64_t>(at));
        return whole + (uniform(words[0], words[1]) < x - whole ? 1.0 : 0.0);
    }
    void decay(double& trace, double& before, std::int64_t& since, std::int64_t to, double factor, Lane lane) const {
        if (to <= since) return;
        for (std::int64_t at = since + 1; at <= to && trace > 0; ++at) trace = rounded(trace * factor, at, lane);
        before = trace;
        since = to;
    }
    void decay_pre(std::int64_t to) const {
        decay(traces->pre, traces->pre_before, traces->pre_since, to, model.pre(1), kPreDecay);
    }
    void decay_post(std::int64_t to) const {
        decay(traces->post, traces->post_before, traces->post_since, to, model.post(1), kPostDecay);
    }
    void post(std::size_t, std::int64_t at) {
        decay_post(at);
        traces->post = std::min(largest, traces->post + extra(kImpulse));
        decay_pre(at);
        const double gain = kernel(kPostGain, s) * traces->pre_before;
        if (gain != 0) w = kernel.bounded(w + extra(kWeightStep) * rounded(gain, at, kGrowth), s);
    }
    void pre(std::size_t, std::int64_t at) {
        decay_post(at);
        const double loss = kernel(kPreLoss, s) * traces->post_before;
        if (loss != 0) w = kernel.bounded(w - extra(kWeightStep) * rounded(loss, at, kLoss), s);
        decay_pre(at);
        traces->pre = std::min(largest, traces->pre + extra(kImpulse));
    }
};

template <class Rule>
void PlasticStore::walk(PlasticState& state, std::uint32_t i, std::int64_t step, bool is_pre) const {
    const PlasticSegment& segment = segments_[i];
    SegmentState& own = state.segments[i];
    const std::int64_t dendritic = segment.dendritic;
    // With no dendritic part, a postsynaptic spike of the same step comes after the presynaptic one.
    const std::int64_t last_post = is_pre && dendritic == 0 ? step - 1 : step;
    Rule rule(*this, state, i);
    for (std::uint64_t k = segment.first; k < segment.first + segment.count; ++k) {
        rule.begin(k);
        const std::span<const std::int64_t> posts = rule.posts;
        std::size_t n = posts.size();
        while (n > 0 && posts[n - 1] + dendritic > own.applied_step) --n;
        for (; n < posts.size() && posts[n] + dendritic <= last_post; ++n) rule.post(n, posts[n] + dendritic);
        if (is_pre) {
            while (n > 0 && posts[n - 1] + dendritic >= step) --n;
            rule.pre(n, step);
        } else {
            rule.rest(step);
        }
        state.weights[k] = rule.w;
    }
    own.applied_step = std::max(own.applied_step, last_post);
    rule.end(step, is_pre);
    if (is_pre) rule.add_pre(step);
}

void PlasticStore::other_timed_spike(PlasticState& state, std::uint32_t i, std::int64_t step,
                                     bool is_pre) const {
    switch (model(i).rule) {
        case PlasticRule::kNearest: return walk<Nearest>(state, i, step, is_pre);
        case PlasticRule::kTriplet: return walk<Triplet>(state, i, step, is_pre);
        case PlasticRule::kDopaminePair: return walk<DopaminePair>(state, i, step, is_pre);
        case PlasticRule::kIntegerPair: return walk<IntegerPair>(state, i, step, is_pre);
        default: return walk<Homeostatic>(state, i, step, is_pre);
    }
}

void PlasticStore::rest_dopamine(PlasticState& state, std::uint32_t i, std::int64_t step) const {
    DopaminePair rule(*this, state, i);
    for (std::uint64_t k = segments_[i].first; k < segments_[i].first + segments_[i].count; ++k) {
        rule.begin(k);
        rule.bring_to(step);
        state.weights[k] = rule.w;
    }
}

void PlasticStore::release(std::uint32_t i, std::int64_t step, DopamineHistory& dopamine) const {
    const PlasticSegment& segment = segments_[i];
    for (std::uint64_t k = segment.first; k < segment.first + segment.count; ++k) {
        dopamine.add(neuron_of(targets_[k]), step, parameter(segment.projection, kSign, k) * state.weights[k]);
    }
}

}  // namespace pycosim::native
