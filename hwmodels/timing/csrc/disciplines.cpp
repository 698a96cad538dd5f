#include "disciplines.hpp"

#include <algorithm>
#include <cstdlib>

namespace pycosim::timing {

void Discipline::use(std::span<Int> busy_ps, std::span<Int> slow_steps, std::span<Int> free) {
    busy_ps_ = busy_ps, slow_steps_ = slow_steps, free_ = free;
    no_work_.assign(busy_ps.size(), 0);
    longest_idle_ = 0;
    for (const Int idle : traffic_.tables().idle) longest_idle_ = std::max(longest_idle_, idle);
}

const Acting& Discipline::carry(Int step, Column fired) {
    acting_.clear();
    carry_into(acting_, step, fired);
    return acting_;
}

void Discipline::count_work(const Ints& work) {
    for (std::size_t p = 0; p < work.size(); ++p) {
        busy_ps_[p] += work[p];
        slow_steps_[p] += work[p] > period_ps_;
    }
}

void Discipline::rest(Int step) {
    ++idle_steps;
    if (step > 0) durations.push_back(longest_idle_);
}

// There is no pass over the neurons at step 0.
void Discipline::leave_out_idle(Ints& work) const {
    for (std::size_t p = 0; p < work.size(); ++p) work[p] -= traffic_.tables().idle[p];
}

// The longest work of a place that is not the host.
Int Discipline::longest(const Ints& work) const {
    return work.size() < 2 ? 0 : std::max(Int{0}, *std::max_element(work.begin(), work.end() - 1));
}

void Tick::use(std::span<Int> busy_ps, std::span<Int> slow_steps, std::span<Int> free) {
    Discipline::use(busy_ps, slow_steps, free);
    behind_ = behind_ || longest_idle_ > period_ps_;
}

void Tick::move_places(Column new_place, Int n_places) {
    for (auto& [tick, events] : events_due_) {
        Ints moved(static_cast<std::size_t>(n_places), 0);
        for (std::size_t p = 0; p < events.size(); ++p) moved[new_place[p]] = events[p];
        events = std::move(moved);
    }
}

void Tick::carry_into(Acting& acting, Int step, Column fired) {
    const Int start = step * period_ps_;
    time_ps_ = start + period_ps_;
    auto events = events_due_.extract(step);
    auto relays = relays_due_.extract(step);
    if (step > 0 && !behind_ && events.empty() && relays.empty() && sends_nothing(fired)) return rest(step);
    begin_.resize(free_.size());
    for (std::size_t p = 0; p < begin_.size(); ++p) begin_[p] = std::max(free_[p], start);
    if (!events.empty()) {
        for (std::size_t p = 0; p < begin_.size(); ++p) events.mapped()[p] *= traffic_.tables().event[p];
    }
    const Pass pass{start, begin_, events.empty() ? Column(no_work_) : Column(events.mapped()), false};
    work_ = traffic_.send(step, fired, pass, relays.empty() ? Column() : Column(relays.mapped()));
    if (step == 0) leave_out_idle(work_);
    behind_ = false;
    for (std::size_t p = 0; p < begin_.size(); ++p) {
        free_[p] = begin_[p] + work_[p];
        behind_ = behind_ || free_[p] > time_ps_;
    }
    count_work(work_);
    if (step > 0) durations.push_back(longest(work_));
    traffic_.fabric().run_until(time_ps_, arrived_);
    receive(acting, traffic_.receive(arrived_));
}

// Says when arrived packets act, and lets relays fire.
void Tick::receive(Acting& acting, const Arrivals& arrivals) {
    Log& log = traffic_.log;
    const Tables& t = traffic_.tables();
    acting.rows = arrivals.rows;
    acting.shift.assign(acting.rows.size(), 0);
    for (std::size_t i = 0; i < acting.rows.size(); ++i) {
        const Int row = acting.rows[i];
        const std::int32_t axon = log.axon[row];
        const Int due = log.emission_step[row] + t.delay[axon];
        const Int floor = arrivals.done_ps[i] / period_ps_ + 1;
        const Int acts = std::max(due, floor);
        acting.floor.push_back(floor);
        log.lateness_steps[row] = static_cast<std::int32_t>(acts - due);
        Ints& events = events_due_[acts];
        if (events.empty()) events.assign(no_work_.size(), 0);
        events[traffic_.place_of(row)] += t.synapses[axon];
    }
    for (std::size_t i = 0; i < arrivals.relayed.size(); ++i) {
        const Int first = arrivals.relayed[i];
        Ints& due = relays_due_[std::max(arrivals.relayed_ps[i] / period_ps_, Int{log.emission_step[first]}) + 1];
        for (Int k = 0; k < arrivals.n_relayed[i]; ++k) due.push_back(first + k);
    }
}

void Barrier::carry_into(Acting& acting, Int step, Column fired) {
    if (step > 0 && fired.empty()) {
        ++idle_steps;
        return end_step(step, time_ps_ + longest_idle_);
    }
    begin_.assign(no_work_.size(), time_ps_);
    work_ = traffic_.send(step, fired, {time_ps_, begin_, no_work_, false}, {});
    if (step == 0) leave_out_idle(work_);
    traffic_.fabric().run_until_idle(arrived_);
    Arrivals& arrivals = traffic_.receive(arrived_);
    const Int end = std::max(time_ps_ + longest(work_), arrivals.last_ps);
    for (std::size_t p = 0; p < work_.size(); ++p) work_[p] = std::max(work_[p], arrivals.work_ps[p]);
    count_work(work_);
    end_step(step, end);
    acting.rows.swap(arrivals.rows);
    acting.all_on_time = true;
    for (const Int row : acting.rows) traffic_.log.lateness_steps[row] = 0;
}

// Adds the barrier, and begins the next step.
void Barrier::end_step(Int step, Int end) {
    if (step > 0) {
        end += barrier_ps;
        durations.push_back(end - time_ps_);
    }
    time_ps_ = std::max(end, (step + 1) * period_ps_);
}

void Free::carry_into(Acting& acting, Int step, Column fired) {
    const Int start = step * period_ps_;
    time_ps_ = start + period_ps_;
    if (step > 0 && sends_nothing(fired)) return rest(step);
    begin_.resize(free_.size());
    for (std::size_t p = 0; p < begin_.size(); ++p) begin_[p] = std::max(free_[p], start);
    work_ = traffic_.send(step, fired, {start, begin_, no_work_, true}, {});
    for (std::size_t p = 0; p < begin_.size(); ++p) free_[p] = begin_[p] + work_[p];
    traffic_.fabric().run_until(time_ps_, arrived_);
    const Arrivals& arrivals = traffic_.receive(arrived_);
    for (std::size_t p = 0; p < work_.size(); ++p) work_[p] = std::max(work_[p], arrivals.work_ps[p]);
    count_work(work_);
    if (step > 0) durations.push_back(longest(work_));
    Log& log = traffic_.log;
    acting.rows = arrivals.rows;
    acting.floor.assign(acting.rows.size(), 0);
    for (const Int row : acting.rows) {
        const Int latency = log.arrival_ps[row] - log.emission_ps[row];
        const Int shift = (2 * latency + period_ps_) / (2 * period_ps_);
        worst_rounding_ps = std::max(worst_rounding_ps, std::abs(shift * period_ps_ - latency));
        log.lateness_steps[row] = static_cast<std::int32_t>(shift);
        acting.shift.push_back(shift);
    }
}

namespace {

struct DeliveryColumns {
    Ints step, source, core, only_delay, only_receptor;

    void clear() { step.clear(), source.clear(), core.clear(), only_delay.clear(), only_receptor.clear(); }
    void add(Int at, Int from, Int to) { step.push_back(at), source.push_back(from), core.push_back(to); }
};

void fill(DeliveryColumns& columns, Traffic& traffic, const Acting& acting, const Delivery& delivery) {
    columns.clear();
    const Tables& t = traffic.tables();
    for (const Int row : acting.rows) {
        const std::int32_t axon = traffic.log.axon[row];
        columns.add(traffic.log.emission_step[row], t.source[axon], t.core[axon]);
        if (delivery.only_delay) columns.only_delay.push_back(t.delay[axon]);
        if (delivery.only_receptor) columns.only_receptor.push_back(t.receptor[axon]);
    }
}

}  // namespace

void run(Discipline& discipline, native::DeferredEngine& engine, const Delivery& delivery, Int n_steps) {
    Traffic& traffic = discipline.traffic();
    DeliveryColumns columns;
    for (Int i = 0; i < n_steps; ++i) {
        if (delivery.keep_synapses) {
            const Int oldest = traffic.log.oldest_under_way();
            engine.set_oldest_under_way(oldest < 0 ? engine.step() + 1 : oldest);
        }
        const Ints fired = engine.step_deferred();
        const Acting& acting = discipline.carry(engine.step(), fired);
        if (!delivery.closed || acting.all_on_time) {
            if (!fired.empty()) engine.deliver_on_time();
        } else if (!acting.rows.empty()) {
            fill(columns, traffic, acting, delivery);
            engine.deliver(columns.step, columns.source, columns.core, acting.shift, acting.floor, columns.only_delay,
                           columns.only_receptor);
        }
    }
}

}  // namespace pycosim::timing
