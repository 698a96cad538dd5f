// Segments of synapses, and single contributions, that wait for the step at which they act.
//
// Where delays differ from synapse to synapse, looking each of them up when it is due costs a line of memory or two. Such
// a row is read once, when its neuron fires, and what each synapse will add is written to the list of its step, which is
// later read in order. Contributions between which nothing else acts are a run; a key among those of the segments has
// its place in the order.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "aligned.hpp"

namespace pycosim::native {

// Emission step above, number of the segment below: the order in which the segments of a step are added. As numbers
// of segments ascend with the source neuron, sums do not depend on when, or by which path, a segment came here.
using PendingKey = std::uint64_t;

constexpr PendingKey pending_key(std::int64_t emission_step, std::uint32_t segment) {
    return static_cast<PendingKey>(emission_step) << 32 | segment;
}

constexpr std::uint64_t emission_step_of(PendingKey key) { return key >> 32; }

constexpr std::uint32_t segment_of(PendingKey key) { return static_cast<std::uint32_t>(key); }

// 12 bytes: lists of these are long, and written and read once.
#pragma pack(push, 4)
struct Contribution {
    double weight;
    std::uint32_t input;
};
#pragma pack(pop)

class PendingSegments {
  public:
    static constexpr std::int64_t kMaxSlots = 1 << 16;  // longer delays wait elsewhere

    explicit PendingSegments(std::int64_t max_delay = 1) { reserve(max_delay, 0); }

    // Makes room for delays up to `max_delay`; longer ones work, but are slower.
    void reserve(std::int64_t max_delay, std::int64_t present_step) {
        const auto wanted = std::bit_ceil(static_cast<std::size_t>(std::min(max_delay, kMaxSlots - 1)) + 1);
        if (wanted <= slots_.size()) return;
        end_brief_runs();
        std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(wanted));
        const std::vector<Tail> old_tails = std::exchange(tails_, std::vector<Tail>(wanted));
        const std::int64_t n_old = static_cast<std::int64_t>(old.size());
        for (std::int64_t step = present_step + 1; step < present_step + n_old; ++step) {
            const auto from = static_cast<std::size_t>(step & (n_old - 1));
            slot(step) = std::move(old[from]);
            tails_[place(step)] = old_tails[from];
        }
    }

    void push(std::int64_t due_step, std::int64_t present_step, PendingKey key) {
        const bool near = due_step - present_step < static_cast<std::int64_t>(slots_.size());
        Slot& target = near ? slot(due_step) : far_[due_step];
        if (target.run_is_open) end_run(due_step);
        target.add(key);
    }

    // The contributions of a row of `n` synapses, of which number k acts at first_due + offsets[k]; `next_target` gives
    // their targets one by one. Rows come in the order of their keys, and delays are at most those that there is room for.
    template <class NextTarget, class Offset, class WeightOf>
    void scatter(std::int64_t first_due, std::size_t n, NextTarget next_target, const Offset* offsets,
                 std::uint32_t first_input, PendingKey key, WeightOf weight_of) {
        if (emission_step_of(key) != emission_of_brief_runs_) {
            end_brief_runs();
            emission_of_brief_runs_ = emission_step_of(key);
        }
        Tail* const tails = tails_.data();
        const std::size_t first = static_cast<std::size_t>(first_due), mask = slots_.size() - 1;
        for (std::size_t k = 0; k < n; ++k) {
            const std::size_t i = (first + static_cast<std::size_t>(offsets[k])) & mask;
            Tail& tail = tails[i];
            if (tail.end == tail.limit) make_room(i, key);
            *tail.end++ = {weight_of(k), first_input + next_target()};
        }
    }
    // Lets nothing more be added to the last run of a step: what acts between it and the next one has no key here.
    void end_run(std::int64_t due_step) { end_run_at(place(due_step)); }
    // Adds the next run of a step to the inputs.
    void add_run(std::int64_t step, double* inputs) {
        Slot& here = slot(step);
        const std::size_t i = here.next_run++;
        const std::size_t end = i + 1 < here.run_begins.size() ? here.run_begins[i + 1] : written(place(step));
        for (std::size_t next = here.run_begins[i]; next < end;) {
            const Contribution* const chunk = here.chunks[next / kChunk];
            const std::size_t last = std::min(end - next, kChunk - next % kChunk) + next % kChunk;
            for (std::size_t k = next % kChunk; k < last; ++k) inputs[chunk[k].input] += chunk[k].weight;
            next += last - next % kChunk;
        }
    }
    // Follows a change of the distance between the inputs of one receptor and those of the next.
    void move_receptors(std::uint32_t old_stride, std::uint32_t new_stride) {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            for (std::size_t k = 0, n = written(i); k < n; ++k) {
                Contribution& c = slots_[i].chunks[k / kChunk][k % kChunk];
                c.input = c.input / old_stride * new_stride + c.input % old_stride;
            }
        }
    }

    // The segments and runs that are due at `step`, in order.
    std::vector<PendingKey>& due(std::int64_t step) {
        Slot& here = slot(step);
        if (!far_.empty() && far_.begin()->first <= step) {
            const std::vector<PendingKey>& more = far_.begin()->second.keys;
            here.keys.insert(here.keys.end(), more.begin(), more.end());
            here.sorted = false;
            far_.erase(far_.begin());
        }
        if (!here.sorted) std::sort(here.keys.begin(), here.keys.end());
        here.sorted = true;
        return here.keys;
    }

    // Forgets what was due.
    void clear(std::int64_t step) {
        Slot& here = slot(step);
        here.keys.clear();
        here.largest = 0;
        if (here.run_begins.empty()) return;
        here.run_begins.clear();
        here.next_run = 0;
        here.run_is_open = false;
        free_chunks_.insert(free_chunks_.end(), here.chunks.rbegin(), here.chunks.rend());
        here.chunks.clear();
        tails_[place(step)] = {};
    }

    // Whether a segment with a number from `begin` to `end` - 1 waits.
    bool holds_any(std::uint64_t begin, std::uint64_t end) const {
        const auto in_range = [&](PendingKey key) { return segment_of(key) >= begin && segment_of(key) < end; };
        const auto any = [&](const Slot& s) { return std::any_of(s.keys.begin(), s.keys.end(), in_range); };
        return std::any_of(slots_.begin(), slots_.end(), any) ||
               std::any_of(far_.begin(), far_.end(), [&](const auto& item) { return any(item.second); });
    }

    // All that wait with a number of at least `begin`, as (step at which they are due, key), in order.
    std::vector<std::pair<std::int64_t, PendingKey>> waiting(std::uint32_t begin, std::int64_t present_step) const {
        std::vector<std::pair<std::int64_t, PendingKey>> found;
        const auto take = [&](std::int64_t due, const Slot& slot) {
            for (const PendingKey key : slot.keys) {
                if (segment_of(key) >= begin) found.emplace_back(due, key);
            }
        };
        const auto n_slots = static_cast<std::int64_t>(slots_.size());
        for (std::int64_t due = present_step + 1; due < present_step + n_slots; ++due) {
            take(due, slots_[static_cast<std::size_t>(due & (n_slots - 1))]);
        }
        for (const auto& [due, slot] : far_) take(due, slot);
        std::sort(found.begin(), found.end());
        return found;
    }

  private:
    struct Slot {
        std::vector<PendingKey> keys;
        PendingKey largest = 0;
        bool sorted = true, run_is_open = false;
        std::vector<std::uint32_t> run_begins;  // a key of each run is among the keys, in the same order
        std::size_t next_run = 0;
        std::vector<Contribution*> chunks;  // of kChunk contributions; of the last one those up to the slot's tail

        void add(PendingKey key) {
            if (!keys.empty() && key < keys.back()) sorted = false;
            keys.push_back(key);
            largest = std::max(largest, key);
        }
    };
    // Where the next contribution is written, if that is not the limit.
    struct Tail {
        Contribution *end = nullptr, *limit = nullptr;
    };

    std::size_t place(std::int64_t step) const { return static_cast<std::size_t>(step) & (slots_.size() - 1); }
    Slot& slot(std::int64_t step) { return slots_[place(step)]; }

    std::size_t written(std::size_t i) const {
        const std::vector<Contribution*>& chunks = slots_[i].chunks;
        if (chunks.empty()) return 0;
        return (chunks.size() - 1) * kChunk + static_cast<std::size_t>(tails_[i].end - chunks.back());
    }

    void end_run_at(std::size_t i) {
        slots_[i].run_is_open = false;
        tails_[i].limit = tails_[i].end;
    }
    void end_brief_runs() {
        for (const std::size_t i : brief_runs_) end_run_at(i);
        brief_runs_.clear();
    }

    // Begins a run, unless there is one that only came to the end of its memory.
    void make_room(std::size_t i, PendingKey key) {
        Slot& here = slots_[i];
        Tail& tail = tails_[i];
        if (written(i) == here.chunks.size() * kChunk) {
            here.chunks.push_back(free_chunk());
            tail.end = here.chunks.back();
        }
        tail.limit = here.chunks.back() + kChunk;
        if (here.run_is_open) return;
        // A segment of the same emission that acts later waits already: rows of the next emission act after that.
        if (key < here.largest) brief_runs_.push_back(i);
        here.add(key);
        here.run_begins.push_back(static_cast<std::uint32_t>(written(i)));
        here.run_is_open = true;
    }

    // The one that was read last, which is still in the cache.
    Contribution* free_chunk() {
        if (free_chunks_.empty()) {
            const std::size_t n = std::max(kSmallestBlock, 2 * (blocks_.empty() ? 0 : blocks_.back().size()));
            Contribution* const begin = blocks_.emplace_back(n).data();
            for (std::size_t k = n; k > 0; k -= kChunk) free_chunks_.push_back(begin + (k - kChunk));
        }
        Contribution* const chunk = free_chunks_.back();
        free_chunks_.pop_back();
        return chunk;
    }

    static constexpr std::size_t kChunk = 64, kSmallestBlock = 16 * kChunk;  // numbers of contributions

    std::vector<Slot> slots_;
    std::vector<Tail> tails_;  // of the slots; together, as they are all written to by every row
    std::vector<std::vector<Contribution, AlignedAllocator<Contribution>>> blocks_;  // what the chunks are parts of
    std::vector<Contribution*> free_chunks_;
    std::map<std::int64_t, Slot> far_;
    std::vector<std::size_t> brief_runs_;  // places of slots whose last run ends with its emission step
    std::uint64_t emission_of_brief_runs_ = 0;
};

}  // namespace pycosim::native
