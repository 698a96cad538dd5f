// How steps of a network become time on a chip; see disciplines.py, which has the words for it.
#pragma once

#include <map>
#include <memory>

#include "../../../backends/native/csrc/deferred.hpp"
#include "traffic.hpp"

namespace pycosim::timing {

// Packets of which it became known when they act: at step max(emission step + delay + shift, floor).
struct Acting {
    Ints rows, shift, floor;
    bool all_on_time = false;  // they are all packets of this step's spikes, and no others; shift and floor are left out

    void clear() { rows.clear(), shift.clear(), floor.clear(), all_on_time = false; }
};

class Discipline {
  public:
    Discipline(Traffic& traffic, Int period_ps) : traffic_(traffic), period_ps_(period_ps) {}
    virtual ~Discipline() = default;

    // Takes the columns by place, of a mapping that is new; they are counted and moved on.
    virtual void use(std::span<Int> busy_ps, std::span<Int> slow_steps, std::span<Int> free);
    // Carries the spikes of a step to the beginning of the next one.
    const Acting& carry(Int step, Column fired);

    Int time_ps() const { return time_ps_; }
    Traffic& traffic() { return traffic_; }

    std::shared_ptr<void> owner;  // keeps the columns alive

    // Since they were last taken: how long steps took, and how many of them were idle.
    Ints durations;
    Int idle_steps = 0;

  protected:
    virtual void carry_into(Acting& acting, Int step, Column fired) = 0;
    void count_work(const Ints& work);
    void rest(Int step);
    void leave_out_idle(Ints& work) const;
    bool sends_nothing(Column fired) { return fired.empty() && traffic_.fabric().is_idle(); }
    Int longest(const Ints& work) const;

    Traffic& traffic_;
    Int period_ps_, time_ps_ = 0, longest_idle_ = 0;
    std::span<Int> busy_ps_, slow_steps_, free_;
    Ints no_work_, begin_, work_;
    Messages arrived_;
    Acting acting_;
};

class Tick final : public Discipline {
  public:
    using Discipline::Discipline;
    void use(std::span<Int> busy_ps, std::span<Int> slow_steps, std::span<Int> free) override;
    // Numbers the places of what is due anew.
    void move_places(Column new_place, Int n_places);

  private:
    void carry_into(Acting& acting, Int step, Column fired) override;
    void receive(Acting& acting, const Arrivals& arrivals);

    bool behind_ = false;
    std::map<Int, Ints> events_due_;  // by tick: synaptic events by place
    std::map<Int, Ints> relays_due_;  // by tick: rows of the log
};

class Barrier final : public Discipline {
  public:
    using Discipline::Discipline;
    Int barrier_ps = 0;

  private:
    void carry_into(Acting& acting, Int step, Column fired) override;
    void end_step(Int step, Int end);
};

class Free final : public Discipline {
  public:
    using Discipline::Discipline;
    Int worst_rounding_ps = 0;

  private:
    void carry_into(Acting& acting, Int step, Column fired) override;
};

// How the engine learns when packets act.
struct Delivery {
    bool closed;         // when the chip says; else (trace) when they are due
    bool only_delay;     // closed: only synapses of the axon's delay
    bool only_receptor;  // closed: only synapses of the axon's receptor
    bool keep_synapses;  // those that packets under way will meet
};

// Does so many steps of engine and chip together.
void run(Discipline& discipline, native::DeferredEngine& engine, const Delivery& delivery, Int n_steps);

}  // namespace pycosim::timing
