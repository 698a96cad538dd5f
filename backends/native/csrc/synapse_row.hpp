// The synapses of one source neuron on one partition, while they are sorted into segments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "synapses.hpp"

namespace pycosim::native {

// A column as it is read: one of equal values is one value, again and again.
template <class T>
struct Strided {
    const T* values;
    std::size_t stride;
    explicit Strided(std::span<const T> column) : values(column.data()), stride(column.size() != 1) {}
    const T& operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i) * stride]; }
};

struct Range {
    std::int64_t low, high;
    std::uint64_t width() const { return static_cast<std::uint64_t>(high - low + 1); }
};

Range range_of(const std::int32_t* values, std::size_t n);

// Of the delays of all synapses; at least 1 steps.
Range delays_of(std::span<const ProjectionColumns> projections);

// A projection as a partition sees it.
struct LocalProjection {
    const ProjectionColumns* columns;
    TargetMap::Part part;        // that has all of its targets that are here, unless these are in several parts
    const std::uint32_t* index;  // then: TargetMap::index; else null
    bool all_here;               // whether no target is elsewhere
    std::uint32_t n_procedural;  // projections before it whose rows are drawn

    // The input of a target, of the first receptor, or kElsewhere.
    std::uint32_t input_of(std::int32_t target) const {
        if (index) return index[static_cast<std::size_t>(target)];
        const std::uint32_t offset = static_cast<std::uint32_t>(target) - part.first;
        return offset < part.size ? part.input + offset : kElsewhere;
    }
};

// The projection that comes after `n_procedural` ones whose rows are drawn.
LocalProjection local_projection(const ProjectionColumns& projection, const TargetMap& map, std::uint32_t n_procedural);

// Columns that are reused from row to row.
struct SynapseRow {
    // Synapses of the same core, delay and window, up to the place `end`; those of the run before end where it begins.
    struct Run {
        std::uint32_t end;
        std::int32_t core, delay, window;
    };

    std::uint32_t n_blocks = 1;  // windows of one receptor
    std::vector<std::uint16_t> target;  // within its window
    std::vector<double> weight;
    std::vector<Run> runs;
    bool has_many_delays = false;  // whether segments are to have many delays

    std::size_t size() const { return n_; }
    bool has_cores() const { return has_cores_; }

    void gather(std::span<const RowIndex::Row> parts, std::span<const LocalProjection> projections,
                std::span<const std::int32_t> core_of_neuron);
    void choose_layout();
    void sort();
    bool splits_by_weight() const;
    std::span<const std::int32_t> delays(std::uint32_t begin, std::uint32_t end) const {
        return std::span(delay_).subspan(begin, end - begin);
    }

  private:
    // Core, delay and window of a synapse as one number, in that order of significance.
    struct Keys {
        Range core, delay, window;
        int shift;  // lower bits of delays that are left out
        std::uint64_t operator()(std::int32_t c, std::int32_t d, std::int32_t w) const {
            return (static_cast<std::uint64_t>(c - core.low) * delay.width() +
                    static_cast<std::uint64_t>((d >> shift) - delay.low)) *
                       window.width() +
                   static_cast<std::uint64_t>(w - window.low);
        }
        Run run(std::uint64_t key, std::uint32_t end) const {
            const auto number = [](std::int64_t low, std::uint64_t offset) {
                return static_cast<std::int32_t>(low + static_cast<std::int64_t>(offset));
            };
            return {end, number(core.low, key / window.width() / delay.width()),
                    number(delay.low, key / window.width() % delay.width()) << shift,
                    number(window.low, key % window.width())};
        }
    };

    void take_all(const RowIndex::Row& part, const LocalProjection& projection);
    template <class InputOf>
    void take_here(const RowIndex::Row& part, const LocalProjection& projection,
                   std::span<const std::int32_t> core_of_neuron, InputOf input_of);
    void find_keys(const Keys& keys);
    void sort_by_counting(const Keys& keys);
    void sort_by_comparing(const Keys& keys);
    std::uint64_t key_of(const Keys& keys, std::size_t i) const {
        return keys(has_cores_ ? core_[i] : 0, delay_[i], window_[i]);
    }
    // Calls place_of(i), for each synapse in turn, for where it is to be.
    template <class PlaceOf>
    void move(PlaceOf place_of) {
        // pointers of their own: what is written might be one of the vectors', otherwise
        const std::uint16_t* const from_target = target.data();
        const double* const from_weight = weight.data();
        const std::int32_t* const from_delay = delay_.data();
        std::uint16_t* const to_target = sorted_target_.data();
        double* const to_weight = sorted_weight_.data();
        std::int32_t* const to_delay = sorted_delay_.data();
        const auto move_with = [&](auto with_delays) {
            for (std::size_t i = 0; i < n_; ++i) {
                const std::size_t place = place_of(i);
                to_target[place] = from_target[i];
                to_weight[place] = from_weight[i];
                if constexpr (with_delays.value) to_delay[place] = from_delay[i];
            }
        };
        has_many_delays ? move_with(std::true_type{}) : move_with(std::false_type{});
    }

    std::size_t n_ = 0;
    bool has_cores_ = false;
    Range delays_{}, windows_{};
    std::vector<std::int32_t> delay_, core_, window_, sorted_delay_;
    std::vector<std::uint16_t> sorted_target_;
    std::vector<double> sorted_weight_;
    std::vector<std::uint32_t> count_, order_;
};

}  // namespace pycosim::native
