// The synapses whose targets belong to one partition, as compact rows by source neuron.
//
// A row is sorted by (core of the target, delay) and keeps the order of (projection, place in the projection's row)
// within; a run of equal core and delay is a segment, the unit that is delivered at once. Where all synapses of a
// segment have the same weight none is stored. The target is kept as an index into the partition's array of
// inputs (the inputs of one receptor of all its neurons, then those of the next).
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace pycosim::native {

// Columns of a projection as Python gives them. A span of length 1 stands for equal values.
struct ProjectionColumns {
    std::uint32_t receptor;  // number, the same in the whole network
    std::span<const std::int32_t> sources;
    std::span<const std::int64_t> indptr;
    std::span<const std::int32_t> targets;
    std::span<const double> weights;
    std::span<const std::int32_t> delays;
};

// Of all synapses, at least 1 and at most `otherwise`.
std::int64_t largest_delay(std::span<const ProjectionColumns> projections);
std::int64_t smallest_delay(std::span<const ProjectionColumns> projections, std::int64_t otherwise);

// Which rows of which projections belong to each source neuron, in order of (source, projection).
struct RowIndex {
    struct Row {
        std::uint32_t projection;
        std::int64_t begin, end;
    };
    std::vector<std::uint64_t> first;  // by source neuron, and one more
    std::vector<Row> rows;
    RowIndex(std::size_t n_neurons, std::span<const ProjectionColumns> projections);
};

inline constexpr std::uint32_t kElsewhere = 0xffffffffu;

// Where the neurons of the whole network are in a partition.
struct TargetMap {
    std::vector<std::uint32_t> index;  // by global number: index of the first receptor's input, or kElsewhere
    std::uint32_t receptor_stride;     // from the inputs of one receptor to those of the next
};

struct Segment {
    std::uint64_t first;   // place in `targets`
    std::uint64_t weight;  // bits of the weight of all, or place of the first in `weights`
    std::uint32_t count;
    std::uint32_t delay : 31;
    std::uint32_t equal_weights : 1;
};

class SynapseStore {
  public:
    SynapseStore() = default;
    // `core_of_neuron` is empty where targets are not to be told apart by core.
    SynapseStore(const RowIndex& index, std::span<const ProjectionColumns> projections, const TargetMap& map,
                 std::span<const std::int32_t> core_of_neuron);

    std::uint32_t row_begin(std::size_t source) const { return row_[source]; }
    std::uint32_t row_end(std::size_t source) const { return row_[source + 1]; }
    // The segments of the synapses of `source` on neurons of `core`.
    std::pair<std::uint32_t, std::uint32_t> row_on_core(std::size_t source, std::int32_t core) const;
    std::uint32_t n_segments() const { return static_cast<std::uint32_t>(segments_.size()); }
    const Segment& segment(std::uint32_t i) const { return segments_[i]; }
    std::size_t n_bytes() const;

    // Follows a change of the distance between the inputs of one receptor and those of the next.
    void move_receptors(std::uint32_t old_stride, std::uint32_t new_stride) {
        if (old_stride == new_stride || old_stride == 0) return;
        for (std::uint32_t& target : targets_) target = target / old_stride * new_stride + target % old_stride;
    }

    const std::uint32_t* targets() const { return targets_.data(); }
    const double* weights() const { return weights_.data(); }

    // Ask for a segment, and later for its synapses, before they are needed: rows begin anywhere in memory.
    void prefetch_segment(std::uint32_t i) const { prefetch(&segments_[i]); }
    void prefetch_synapses(std::uint32_t i) const {
        const Segment& segment = segments_[i];
        prefetch(targets_.data() + segment.first);
        if (!segment.equal_weights) prefetch(weights_.data() + segment.weight);
    }

    // Adds the weights of a segment to the inputs of its targets.
    void deliver(std::uint32_t i, double* inputs) const {
        const Segment& segment = segments_[i];
        const std::uint32_t* target = targets_.data() + segment.first;
        if (segment.equal_weights) {
            const double weight = std::bit_cast<double>(segment.weight);
            for (std::uint32_t k = 0; k < segment.count; ++k) inputs[target[k]] += weight;
        } else {
            const double* weight = weights_.data() + segment.weight;
            for (std::uint32_t k = 0; k < segment.count; ++k) inputs[target[k]] += weight[k];
        }
    }

  private:
    struct Row;
    void append(const Row& row);

    static void prefetch([[maybe_unused]] const void* address) {
#if defined(__GNUC__)
        __builtin_prefetch(address);
#endif
    }

    std::vector<std::uint32_t> row_;  // by source neuron, and one more: first segment
    std::vector<Segment> segments_;
    std::vector<std::int32_t> core_;  // of each segment; empty without cores
    std::vector<std::uint32_t> targets_;
    std::vector<double> weights_;
};

}  // namespace pycosim::native
