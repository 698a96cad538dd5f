/// Targets that have a number of sources each, every one drawn among all: the same source may come again.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "connect.hpp"
#include "permutations.hpp"

namespace pycosim {

/// Targets first .. end - 1, and how many synapses they have: its slots, those of a target next to each other.
struct SlotBlock {
    std::int32_t first, end;
    std::uint32_t n_slots;
};

/// Enough of them in a block for each source that to say where its slots begin takes an eighth of a byte for a synapse.
inline constexpr std::uint64_t kSlotsPerSource = 32;

/// The blocks of targets of which target j has n[j] slots, or n[0]; they do not depend on what is wanted.
inline std::vector<SlotBlock> slot_blocks(std::size_t n_sources, std::size_t n_targets, Ids n) {
    constexpr std::uint64_t kMost = Permutations::kMostSources;
    if (n.size() != n_targets && n.size() != 1) throw std::invalid_argument("n needs one number for each target");
    const std::uint64_t enough = std::min(kSlotsPerSource * n_sources, kMost);
    std::vector<SlotBlock> blocks;
    SlotBlock block{0, 0, 0};
    for (std::size_t target = 0; target < n_targets; ++target) {
        const std::int64_t n_here = n[n.size() == 1 ? 0 : target];
        if (n_here < 0) throw std::invalid_argument("the number of synapses of a row must not be negative");
        if (n_here > 0 && n_sources == 0) throw std::invalid_argument("a row has no neuron that it may be connected to");
        if (n_here > static_cast<std::int64_t>(kMost))
            throw std::invalid_argument("a target has more than 2^28 sources that are drawn");
        const auto next = static_cast<std::int32_t>(target);
        if (block.n_slots + static_cast<std::uint64_t>(n_here) > kMost) blocks.push_back(std::exchange(block, {next, next, 0}));
        block.end = next + 1;
        block.n_slots += static_cast<std::uint32_t>(n_here);
        const bool has_enough = block.n_slots >= enough && block.end - block.first >= static_cast<std::int32_t>(kTargetBlock);
        if (has_enough) blocks.push_back(std::exchange(block, {block.end, block.end, 0}));
    }
    if (block.end == block.first) return blocks;
    const bool joins_last = !blocks.empty() && block.n_slots < enough / 2 && blocks.back().n_slots + block.n_slots <= kMost;
    if (joins_last) {
        blocks.back().end = block.end;
        blocks.back().n_slots += block.n_slots;
    } else {
        blocks.push_back(block);
    }
    return blocks;
}

/// Which slots of blocks `first_block`, ... are those of each source, as places in a permutation of the block's slots; and
/// the synapses that stand for those of a neuron onto itself, ordered by source and target.
struct SlotTable {
    std::size_t first_block = 0, n_blocks = 0;
    std::span<const std::uint32_t> starts{};  ///< source by source; behind the last source the numbers of slots
    std::span<const std::int32_t> other_sources{}, other_targets{};
};

/// Finds the targets of slots where these have different numbers of them.
class SlotTargets {
public:
    SlotTargets() = default;

    SlotTargets(const std::vector<SlotBlock>& blocks, Ids n) : ends_(n.size()) {
        for (const SlotBlock& block : blocks) {
            const auto first = static_cast<std::size_t>(block.first), last = static_cast<std::size_t>(block.end);
            std::uint32_t end = 0;
            for (std::size_t target = first; target < last; ++target) ends_[target] = end += static_cast<std::uint32_t>(n[target]);
            const std::uint32_t mean = block.n_slots / static_cast<std::uint32_t>(last - first);
            guides_.push_back({hints_.size(), std::max(static_cast<int>(std::bit_width(mean)) - 1, 0)});
            std::int32_t target = block.first;
            for (std::uint64_t slot = 0; slot < block.n_slots; slot += std::uint64_t{1} << guides_.back().shift) {
                target = from(target, static_cast<std::uint32_t>(slot));
                hints_.push_back(target);
            }
        }
    }

    std::int32_t operator()(std::size_t block, std::uint32_t slot) const {
        const Guide& guide = guides_[block];
        return from(hints_[guide.first + (slot >> guide.shift)], slot);
    }

    std::size_t n_bytes() const { return ends_.size() * sizeof(ends_[0]) + hints_.size() * sizeof(hints_[0]); }

private:
    /// Which target is the first that may have the slots from a multiple of 2^shift on.
    struct Guide {
        std::size_t first;
        int shift;
    };

    std::int32_t from(std::int32_t target, std::uint32_t slot) const {
        const std::uint32_t* const ends = ends_.data();
        for (int step = 0; step < 2; ++step) target += ends[target] <= slot;  // mostly enough, and no branch
        while (ends[target] <= slot) ++target;
        return target;
    }

    std::vector<std::uint32_t> ends_;  // of each target, in its block
    std::vector<std::int32_t> hints_;
    std::vector<Guide> guides_;
};

/// Draws rows: so many places as a source has in a block are slots, and so targets, by a permutation of the block's. Where
/// each slot has a source of its own choice, and these are counted, all arrangements of them are equally likely.
class DrawnSourceRows {
public:
    /// `n_ahead` says how many places are made together; more than those of a row are of use where rows come in order.
    DrawnSourceRows(Key key, Ids pre, Ids post, Ids n, bool allow_self, const SlotTable& table, Wanted wanted = {},
                    std::uint32_t n_ahead = 0)
        : pre_(pre), post_(post), n_(n), allow_self_(allow_self), wanted_(wanted), table_(table), n_ahead_(n_ahead),
          tally_(0) {
        const std::vector<SlotBlock> blocks = slot_blocks(pre.size(), post.size(), n);
        if (table.starts.size() != (pre.size() + 1) * table.n_blocks || table.other_sources.size() != table.other_targets.size())
            throw std::invalid_argument("the table of slots does not fit the number of sources");
        std::size_t most = 0;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const auto first = static_cast<std::size_t>(blocks[i].first), end = static_cast<std::size_t>(blocks[i].end);
            if (!wanted.empty() && n_wanted(wanted.subspan(first, end - first), end - first) == 0) continue;
            if (blocks[i].n_slots == 0) continue;
            if (i < table.first_block || i >= table.first_block + table.n_blocks)
                throw std::invalid_argument("the table of slots lacks some that are wanted");
            const auto number = static_cast<std::int32_t>(i);
            blocks_.push_back({blocks[i], i, i - table.first_block, Permutations(arrangement_key(key), blocks[i].n_slots, {&number, 1})});
            most = std::max(most, end - first);
        }
        tally_ = Tally(most);
        varies_ = std::ranges::any_of(n, [&](std::int64_t n_here) { return n_here != n[0]; });
        if (varies_) target_of_ = SlotTargets(blocks, n);
    }

    /// Appends the targets of row `i`, ascending.
    void draw(std::size_t i, LongColumn<std::int32_t>& out) {
        const std::span<const std::int32_t> sources = table_.other_sources;
        const auto others = std::equal_range(sources.begin(), sources.end(), static_cast<std::int32_t>(i));
        auto other = table_.other_targets.begin() + (others.first - sources.begin());
        const auto last_other = table_.other_targets.begin() + (others.second - sources.begin());
        for (OwnBlock& block : blocks_) {
            std::span<const std::int32_t> targets = targets_of(i, block);
            if (!allow_self_) {
                while (other != last_other && *other < block.of.first) ++other;
                const auto end = std::lower_bound(other, last_other, block.of.end);
                targets = with_others(i, targets, {other, end});
                other = end;
            }
            append(targets, block.of.first, out);
        }
    }

    /// Calls visit(source, target) for each slot that would be a synapse of a neuron onto itself.
    template <class Visit>
    void visit_selves(Visit&& visit) {
        const PlacesOf places(post_, !allow_self_);
        for (std::size_t i = 0; i < pre_.size(); ++i) {
            const std::span<const std::int32_t> selves = places(pre_[i]);
            for (OwnBlock& block : blocks_) {
                const bool any = std::ranges::any_of(
                    selves, [&](std::int32_t target) { return target >= block.of.first && target < block.of.end; });
                if (!any) continue;
                for (const std::int32_t target : targets_of(i, block))
                    if (is_excluded(i, target)) visit(static_cast<std::int32_t>(i), target);
            }
        }
    }

    std::size_t n_bytes() const {
        return blocks_.size() * sizeof(blocks_[0]) + target_of_.n_bytes() + tally_.n_bytes();
    }

    static Key counts_key(Key key) { return key_for(key, 0); }
    static Key others_key(Key key) { return key_for(key, 2); }

private:
    struct OwnBlock {
        SlotBlock of;
        std::size_t number, column;  // of all blocks, of the table
        Permutations arrangement;
        std::uint32_t first_made = 0;           // the place of the first of
        std::vector<std::int32_t> targets = {};  // which were made last
    };

    static Key arrangement_key(Key key) { return key_for(key, 1); }

    static Key key_for(Key key, std::uint32_t purpose) {
        const Block words = philox4x32({purpose, 0, 0, UINT32_MAX}, key);
        return {words[0], words[1]};
    }

    bool is_excluded(std::size_t i, std::int32_t target) const {
        return !allow_self_ && pre_[i] == post_[static_cast<std::size_t>(target)];
    }

    /// Without those that are the row's own neuron, which others stand for.
    std::span<const std::int32_t> with_others(std::size_t i, std::span<const std::int32_t> targets,
                                              std::span<const std::int32_t> others) {
        mended_.clear();
        std::ranges::copy_if(targets, std::back_inserter(mended_), [&](std::int32_t target) { return !is_excluded(i, target); });
        mended_.insert(mended_.end(), others.begin(), others.end());
        return mended_;
    }

    /// Appends those that are wanted, ascending.
    void append(std::span<const std::int32_t> targets, std::int32_t first, LongColumn<std::int32_t>& out) {
        const bool all_wanted = wanted_.empty();
        if (targets.size() <= kFewToSort) {
            const std::ptrdiff_t begin = std::ssize(out);
            for (const std::int32_t target : targets)
                if (all_wanted || wanted_[static_cast<std::size_t>(target)]) out.push_back(target);
            std::sort(out.begin() + begin, out.end());
            return;
        }
        std::size_t n = targets.size();
        if (all_wanted) {
            for (const std::int32_t target : targets) tally_.add(static_cast<std::size_t>(target - first));
        } else {
            n = 0;
            for (const std::int32_t target : targets) {
                if (!wanted_[static_cast<std::size_t>(target)]) continue;
                tally_.add(static_cast<std::size_t>(target - first));
                ++n;
            }
        }
        tally_.collect(n, first, out);
    }

    /// The targets of a row in a block, as they come.
    std::span<const std::int32_t> targets_of(std::size_t i, OwnBlock& block) {
        const std::uint32_t first = table_.starts[i * table_.n_blocks + block.column];
        const std::uint32_t end = table_.starts[(i + 1) * table_.n_blocks + block.column];
        if (first == end) return {};
        if (first < block.first_made || end > block.first_made + block.targets.size())
            make_targets(block, first, std::min(std::max(end, first + n_ahead_), block.of.n_slots));
        return std::span(block.targets).subspan(first - block.first_made, end - first);
    }

    /// Makes those of places `first` to `end` - 1.
    void make_targets(OwnBlock& block, std::uint32_t first, std::uint32_t end) {
        const std::size_t n = end - first;
        block.first_made = first;
        block.targets.resize(n);
        slots_.resize(std::max(slots_.size(), n));
        block.arrangement.sources(0, first, std::span(slots_).first(n));
        const std::uint32_t* const slots = slots_.data();
        std::int32_t* const targets = block.targets.data();
        if (varies_) {
            for (std::size_t k = 0; k < n; ++k) targets[k] = target_of_(block.number, slots[k]);
            return;
        }
        const double per_slot = 1.0 / static_cast<double>(n_[0]);  // exact: slots are below 2^28
        for (std::size_t k = 0; k < n; ++k)
            targets[k] = block.of.first + static_cast<std::int32_t>((static_cast<std::int32_t>(slots[k]) + 0.5) * per_slot);
    }

    // So many are sorted faster than counted.
    static constexpr std::size_t kFewToSort = 24;

    Ids pre_, post_, n_;
    bool allow_self_;
    Wanted wanted_;
    SlotTable table_;
    std::uint32_t n_ahead_;
    std::vector<OwnBlock> blocks_;  // those with any wanted target
    bool varies_ = false;           // whether targets have different numbers of slots
    SlotTargets target_of_;
    Tally tally_;
    std::vector<std::uint32_t> slots_;
    std::vector<std::int32_t> mended_;
};

/// Places that are made together where rows come in order.
inline constexpr std::uint32_t kAhead = 512;

/// A table with its memory.
struct MadeSlotTable {
    std::size_t first_block = 0, n_blocks = 0;
    LongColumn<std::uint32_t> starts{};
    LongColumn<std::int32_t> other_sources{}, other_targets{};

    SlotTable view() const { return {first_block, n_blocks, starts, other_sources, other_targets}; }
};

/// Draws a source for each slot of a block, and counts.
inline void fill_slot_starts(Key key, std::size_t block, std::uint32_t n_slots, std::size_t column, MadeSlotTable& table) {
    const std::size_t n_sources = table.starts.size() / table.n_blocks - 1;
    std::vector<std::uint32_t> counts(n_sources, 0);
    RowStream random(key, static_cast<std::uint32_t>(block), n_slots);
    for (std::uint32_t slot = 0; slot < n_slots; ++slot) ++counts[random.below(static_cast<std::uint32_t>(n_sources))];
    std::uint32_t start = 0;
    for (std::size_t i = 0; i < n_sources; ++i) {
        table.starts[i * table.n_blocks + column] = start;
        start += counts[i];
    }
    table.starts[n_sources * table.n_blocks + column] = start;
}

/// Draws a source anew for each slot that has the target itself: among all others.
inline void add_others(Key key, Ids pre, Ids post, Ids n, Wanted wanted, MadeSlotTable& table) {
    std::vector<std::int32_t> targets;
    DrawnSourceRows rows(key, pre, post, n, false, table.view(), wanted, kAhead);
    rows.visit_selves([&](std::int32_t, std::int32_t target) { targets.push_back(target); });
    std::ranges::sort(targets);
    const PlacesOf places(pre, true);
    std::vector<std::pair<std::int32_t, std::int32_t>> pairs;
    for (std::size_t begin = 0, end = 0; begin < targets.size(); begin = end) {
        const std::int32_t target = targets[begin];
        while (end < targets.size() && targets[end] == target) ++end;
        const std::span<const std::int32_t> excluded = places(post[static_cast<std::size_t>(target)]);
        const auto n_allowed = static_cast<std::uint32_t>(pre.size() - excluded.size());
        if (n_allowed == 0) throw std::invalid_argument("a row has no neuron that it may be connected to");
        RowStream random(DrawnSourceRows::others_key(key), static_cast<std::uint32_t>(target));
        for (std::size_t k = begin; k < end; ++k)
            pairs.emplace_back(static_cast<std::int32_t>(RowSampler::item_of(random.below(n_allowed), excluded)), target);
    }
    std::ranges::sort(pairs);
    for (const auto& [source, target] : pairs) {
        table.other_sources.push_back(source);
        table.other_targets.push_back(target);
    }
}

/// The table of those blocks that have any wanted target.
inline MadeSlotTable made_slot_table(Key key, Ids pre, Ids post, Ids n, bool allow_self, Wanted wanted = {}) {
    const std::vector<SlotBlock> blocks = slot_blocks(pre.size(), post.size(), n);
    const auto is_here = [&](const SlotBlock& block) {
        for (std::int32_t target = block.first; target < block.end; ++target)
            if (is_wanted(wanted, static_cast<std::size_t>(target))) return true;
        return false;
    };
    MadeSlotTable table;
    std::size_t end = blocks.size();
    while (end > 0 && !is_here(blocks[end - 1])) --end;
    while (table.first_block < end && !is_here(blocks[table.first_block])) ++table.first_block;
    table.n_blocks = end - table.first_block;
    table.starts.resize((pre.size() + 1) * table.n_blocks);
    for (std::size_t i = table.first_block; i < end; ++i)
        fill_slot_starts(DrawnSourceRows::counts_key(key), i, blocks[i].n_slots, i - table.first_block, table);
    if (!allow_self) add_others(key, pre, post, n, wanted, table);
    return table;
}

/// Connects n[j] sources to target j, each drawn among all.
inline Csr drawn_sources(Key key, Ids pre, Ids post, Ids n, bool allow_self, Wanted wanted = {}) {
    if (n.size() != post.size()) throw std::invalid_argument("n needs one number for each target");
    const MadeSlotTable table = made_slot_table(key, pre, post, n, allow_self, wanted);
    DrawnSourceRows rows(key, pre, post, n, allow_self, table.view(), wanted, kAhead);
    std::size_t n_synapses = 0;
    for (std::size_t target = 0; target < post.size(); ++target)
        if (is_wanted(wanted, target)) n_synapses += static_cast<std::size_t>(n[target]);
    Csr csr;
    csr.indptr.push_back(0);
    csr.targets.reserve(n_synapses);
    for (std::size_t i = 0; i < pre.size(); ++i) {
        rows.draw(i, csr.targets);
        csr.indptr.push_back(std::ssize(csr.targets));
    }
    return csr;
}

}  // namespace pycosim
