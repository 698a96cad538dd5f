// The synapses whose targets belong to one partition, as compact rows by source neuron.
//
// A row is sorted by (core of the target, delay) and keeps the order of (projection, place in the projection's row)
// within; a run of equal core, delay and window is a segment, the unit that is delivered at once. A window is a stretch
// of the partition's array of inputs (the inputs of one receptor of all its neurons, then those of the next) in which
// 16 bits tell targets apart. Where all synapses of a segment have the same weight it is stored once; other weights
// take 7 bytes without loss if their signs and exponents are among the 16 most frequent ones, else 8.
//
// Where runs of equal delays are short, one segment has many delays, with a byte for each. Such segments are sorted by
// window and highest bits of the delay only, and are read from end to end when their neuron fires. Mostly their targets
// ascend, and take a byte each (TargetSteps); else they have 16 bits as well.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../../../pycosim/csrc/growing_memory.hpp"
#include "aligned.hpp"
#include "drawn_rows.hpp"
#include "pending.hpp"

namespace pycosim::native {

// Columns of a projection as Python gives them. A span of length 1 stands for equal values.
struct ProjectionColumns {
    std::uint32_t receptor;  // number, the same in the whole network
    std::span<const std::int32_t> sources;
    std::span<const std::int64_t> indptr;
    std::span<const std::int32_t> targets;
    std::span<const double> weights;
    std::span<const std::int32_t> delays;
    // Where this is not null, rows are drawn at each spike: one for each source; indptr and targets are empty, weights
    // equal or drawn, and so are delays, of which then the smallest and the largest one are given.
    std::shared_ptr<const DrawnProjection> rule;
    // Whether nobody reads targets, weights and delays again, so that their memory may be given back.
    bool is_spent = false;
};

// Which rows of which projections belong to each source neuron, in order of (source, projection). Sources ascend in
// every projection. There is a block of neurons at a time, which stays in a core's cache.
class RowIndex {
  public:
    struct Row {
        std::uint32_t projection;
        std::int64_t begin, end;
    };
    RowIndex(std::size_t n_neurons, std::span<const ProjectionColumns> projections);

    // Calls visit(rows) for each neuron, in turn, and now and then passed(n) when it has for the first n; once.
    template <class Visit, class Passed = decltype([](std::size_t) {})>
    void for_each_source(Visit&& visit, Passed&& passed = {}) {
        for (std::size_t first = 0; first < n_neurons_; first += kBlock) {
            const std::size_t n = std::min(kBlock, n_neurons_ - first);
            find_rows(first, n);
            for (std::size_t i = 0; i < n; ++i) {
                visit(std::span<const Row>(rows_).subspan(begin_[i], begin_[i + 1] - begin_[i]));
            }
            passed(first + n);
        }
    }

  private:
    static constexpr std::size_t kBlock = 1024;

    void find_rows(std::size_t first, std::size_t n);

    std::size_t n_neurons_;
    std::span<const ProjectionColumns> projections_;
    std::vector<std::size_t> next_;  // of each projection: its first row that is not of a block before
    std::vector<Row> rows_;
    std::array<std::uint32_t, kBlock + 1> begin_{};
};

inline constexpr std::uint32_t kElsewhere = 0xffffffffu;

// Where the neurons of the whole network are in a partition.
class TargetMap {
  public:
    // Neurons that are here one after the other.
    struct Part {
        std::uint32_t first, size;  // global number of the first one
        std::uint32_t input;        // index of its input, of the first receptor
    };

    // Parts ascend. From the inputs of one receptor to those of the next it is `stride`.
    TargetMap(std::size_t n_all, std::vector<Part> its_parts, std::uint32_t stride)
        : receptor_stride(stride), n_neurons(n_all), parts_(std::move(its_parts)) {}

    // By global number: index of the first receptor's input, or kElsewhere. Made when it is first asked for, as it is long.
    const std::vector<std::uint32_t>& index() const;
    // What is here of the neurons `low` to `high`: a part, empty if there are none; nothing if they are in several parts.
    std::optional<Part> only_part(std::int64_t low, std::int64_t high) const;

    const std::uint32_t receptor_stride;
    const std::size_t n_neurons;

  private:
    std::vector<Part> parts_;
    mutable std::vector<std::uint32_t> index_;
};

// Of the last format there is nothing but the place of the row among those that are drawn when they are needed: when
// their neuron fires if it has many delays, else when they act.
enum class WeightFormat : std::uint32_t { equal, packed, full, procedural };

// 12 bytes.
struct Segment {
    static constexpr std::int64_t kMaxDelay = (1 << 24) - 1;
    static constexpr std::uint64_t kMaxPlace = (std::uint64_t{1} << 39) - 1;
    static constexpr std::uint32_t kMaxCount = (1 << 16) - 1, kMaxWindows = 1 << 13;

    std::uint32_t place_low;  // of the targets in the store's words; their weights follow
    std::uint32_t place_high : 7;
    std::uint32_t has_target_steps : 1;
    std::uint32_t delay : 24;  // the first one
    std::uint32_t count : 16;
    std::uint32_t window : 13;
    std::uint32_t has_many_delays : 1;
    std::uint32_t format : 2;

    std::uint64_t place() const { return std::uint64_t{place_high} << 32 | place_low; }
    WeightFormat weights() const { return static_cast<WeightFormat>(format); }
};

// Which synapses of a source on a core a packet makes act: all, or those of one delay, of one receptor, or of both.
struct Only {
    static constexpr std::int64_t kAnyDelay = 0, kAnyReceptor = -1;

    std::int64_t delay = kAnyDelay, receptor = kAnyReceptor;

    bool takes(std::int64_t its_delay, std::uint32_t its_receptor) const {
        return (delay == kAnyDelay || delay == its_delay) && (receptor == kAnyReceptor || receptor == its_receptor);
    }
};

// Targets as what each adds to the one before, in bytes; before the first one there is target 0. Where that is not 0 to
// 254 there is a byte 255 and the target itself, in 16 bits.
class TargetSteps {
  public:
    static constexpr std::uint8_t kEscape = 255;
    static constexpr std::size_t kEscapeBytes = 2;  // more than a step takes

    explicit TargetSteps(const std::uint8_t* bytes) : next_(bytes) {}

    std::uint32_t operator()() {
        const std::uint32_t step = *next_++;
        if (step != kEscape) return target_ += step;
        std::uint16_t whole;
        std::memcpy(&whole, next_, sizeof whole);
        next_ += kEscapeBytes;
        return target_ = whole;
    }
    static std::size_t n_escapes(std::span<const std::uint16_t> targets);
    // Writes targets.size() bytes, and kEscapeBytes more for each escape.
    static void write(std::span<const std::uint16_t> targets, std::uint8_t* to);

  private:
    const std::uint8_t* next_;
    std::uint32_t target_ = 0;
};

struct LocalProjection;
struct SynapseRow;

class SynapseStore {
  public:
    SynapseStore() = default;
    // `core_of_neuron` is empty where targets are not to be told apart by core.
    // passed(n) is called when the rows of the first n neurons have been copied.
    SynapseStore(std::span<const ProjectionColumns> projections, const TargetMap& map,
                 std::span<const std::int32_t> core_of_neuron, const std::function<void(std::size_t)>& passed);

    std::uint32_t row_begin(std::size_t source) const { return row_[source]; }
    std::uint32_t row_end(std::size_t source) const { return row_[source + 1]; }
    // The segments of the synapses of `source` on neurons of `core`.
    std::pair<std::uint32_t, std::uint32_t> row_on_core(std::size_t source, std::int32_t core) const;
    std::uint32_t n_segments() const { return static_cast<std::uint32_t>(segments_.size()); }
    const Segment& segment(std::uint32_t i) const { return segments_[i]; }
    std::uint32_t receptor(std::uint32_t i) const { return windows_[segments_[i].window].receptor; }
    std::size_t n_bytes() const;

    // Takes the distance between the inputs of one receptor and those of the next.
    void place_receptors(std::uint32_t stride) {
        receptor_stride_ = stride;
        for (std::size_t i = 0; i < windows_.size(); ++i) window_begin_[i] = windows_[i].begin(stride);
    }

    // The target, as an index of an input, and the weight of the first synapse of a segment of equal weights.
    std::pair<std::uint32_t, double> first_synapse(std::uint32_t i) const {
        const Segment& segment = segments_[i];
        const std::uint16_t* const target = words_.data() + segment.place();
        return {window_begin_[segment.window] + target[0], std::bit_cast<double>(bits_at(target + segment.count, 0))};
    }

    bool has_many_delays(std::uint32_t i) const { return segments_[i].has_many_delays; }

    // Ask for a segment, and later for its synapses, before they are needed: rows begin anywhere in memory.
    void prefetch_segment(std::uint32_t i) const { prefetch(&segments_[i]); }
    void prefetch_synapses(std::uint32_t i) const {
        const Segment& segment = segments_[i];
        if (segment.has_many_delays) return;  // read when the source fired
        const std::uint16_t* const target = words_.data() + segment.place();
        prefetch_all(target, std::min<std::size_t>(segment.count, kWordsAhead));
        prefetch(target + segment.count);
    }

    // The same for the row of a source that fires, in this order: where it begins, its first segment, and the synapses of
    // this one if they are read when the source fires.
    void prefetch_row(std::size_t source) const { prefetch(&row_[source]); }
    void prefetch_first_segment(std::size_t source) const { prefetch(segments_.data() + row_[source]); }
    void prefetch_scattered(std::size_t source) const {
        if (row_[source] == row_[source + 1] || !segments_[row_[source]].has_many_delays) return;
        const Segment& segment = segments_[row_[source]];
        const std::uint16_t* const target = words_.data() + segment.place();
        prefetch_all(target, std::min<std::size_t>(segment.count, kWordsAhead));
    }

    // Adds the weights of a segment to the inputs of its targets.
    void deliver(std::uint32_t i, double* inputs) const {
        const Segment& segment = segments_[i];
        if (segment.weights() == WeightFormat::procedural) return deliver_drawn(segment.place(), inputs);
        const std::uint32_t n = segment.count;
        const std::uint16_t* const target = words_.data() + segment.place();
        double* const window = inputs + window_begin_[segment.window];
        with_weights(segment, target + n, [&](auto weight_of) {
            for (std::uint32_t k = 0; k < n; ++k) window[target[k]] += weight_of(k);
        });
    }

    // Writes down what the synapses of a segment with many delays will add.
    void scatter(std::uint32_t i, std::int64_t emission_step, PendingKey key, PendingSegments& pending) const {
        const Segment& segment = segments_[i];
        if (segment.weights() == WeightFormat::procedural) {
            return scatter_drawn(segment.place(), emission_step, key, pending);
        }
        const std::uint16_t* const words = words_.data() + segment.place();
        const std::size_t n = segment.count;
        const auto scatter = [&](const std::uint16_t* offset_words, const std::uint16_t* weights, auto next_target) {
            const auto* const offsets = reinterpret_cast<const std::uint8_t*>(offset_words);
            with_weights(segment, weights, [&](auto weight_of) {
                pending.scatter(emission_step + segment.delay, n, next_target, offsets,
                                window_begin_[segment.window], key, weight_of);
            });
        };
        if (segment.has_target_steps) {
            const TargetSteps steps(reinterpret_cast<const std::uint8_t*>(words + 1) + n);
            return scatter(words + 1, words + 1 + words_of(2 * n + words[0]), steps);
        }
        scatter(words + n, words + n + words_of(n), [next = words]() mutable { return std::uint32_t{*next++}; });
    }

  private:
    // 2^16 inputs of one receptor.
    struct Window {
        std::uint32_t receptor, block;
        std::uint32_t begin(std::uint32_t stride) const { return receptor * stride + (block << 16); }
    };

    static constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;

    // Calls `visit` with what gives the weight of each synapse of a segment.
    template <class Visit>
    void with_weights(const Segment& segment, const std::uint16_t* weights, Visit visit) const {
        if (segment.weights() == WeightFormat::equal) {
            visit([weight = std::bit_cast<double>(bits_at(weights, 0))](std::size_t) { return weight; });
        } else if (segment.weights() == WeightFormat::packed) {
            visit([this, weights](std::size_t k) {
                const std::uint64_t bits = bits_at(weights, 7 * k);
                return std::bit_cast<double>((bits & kMantissa) | heads_[bits >> 52 & 15]);
            });
        } else {
            visit([weights](std::size_t k) { return std::bit_cast<double>(bits_at(weights, 8 * k)); });
        }
    }
    static std::uint64_t bits_at(const std::uint16_t* words, std::size_t byte) {
        std::uint64_t bits;
        std::memcpy(&bits, reinterpret_cast<const char*>(words) + byte, sizeof bits);
        return bits;
    }
    // A projection whose rows are drawn, as this partition sees it.
    struct Procedural {
        std::unique_ptr<DrawnRows> rows;
        std::uint32_t receptor;
        double weight;  // where all are equal
    };
    struct ProceduralRow {
        std::uint32_t projection, row;
    };

    // Calls visit(row, weight_of).
    template <class Visit>
    void with_drawn(const Procedural& projection, std::size_t row, Visit visit) const {
        const DrawnRows::Row made = projection.rows->make(row);
        if (made.weights) visit(made, [weights = made.weights](std::size_t k) { return weights[k]; });
        else visit(made, [weight = projection.weight](std::size_t) { return weight; });
    }
    void deliver_drawn(std::uint64_t place, double* inputs) const;
    void scatter_drawn(std::uint64_t place, std::int64_t emission_step, PendingKey key, PendingSegments& pending) const;
    void add_procedural(const ProjectionColumns& projection, const TargetMap& map);
    void append_procedural(std::uint32_t projection, std::uint32_t row, std::int32_t delay);
    void append_row(std::span<const RowIndex::Row> parts, std::span<const LocalProjection> projections,
                    std::span<const std::int32_t> core_of_neuron, SynapseRow& row);
    void append_single(const RowIndex::Row& part, const LocalProjection& projection,
                       std::span<const std::int32_t> core_of_neuron, std::uint32_t n_blocks);
    void choose_heads(std::span<const std::uint64_t> n_with_head);
    void append(const SynapseRow& row);
    Segment& add_segment(std::int32_t delay, std::uint32_t count, std::uint32_t window, WeightFormat format);
    void append_segment(const SynapseRow& row, std::int32_t core, std::int32_t delay, std::int32_t window,
                        std::uint32_t begin, std::uint32_t end);
    void append_scattered(Segment& segment, std::span<const std::uint16_t> targets,
                          std::span<const std::int32_t> delays);
    std::uint8_t* append_bytes(std::size_t n);
    static std::size_t words_of(std::size_t n_bytes) { return (n_bytes + 1) / 2; }
    void append_weights(std::span<const double> weights, WeightFormat format);
    WeightFormat format_of(std::span<const double> weights) const;

    pycosim::LongColumn<std::uint32_t> row_;  // by source neuron, and one more: first segment
    pycosim::GrowingColumn<Segment> segments_;
    std::vector<std::int32_t> core_;  // of each segment; empty without cores
    pycosim::GrowingColumn<std::uint16_t> words_;
    std::vector<Window> windows_;
    std::vector<std::uint32_t> window_begin_;
    std::vector<Procedural> procedural_;
    std::vector<ProceduralRow> procedural_rows_;
    std::uint32_t receptor_stride_ = 0;
    std::array<std::uint64_t, 16> heads_{};     // signs and exponents of packed weights, in place
    std::array<std::uint8_t, 4096> head_code_;  // by sign and exponent: number in heads_, or kNoCode
    bool all_have_codes_ = false;

    static constexpr std::uint8_t kNoCode = 16;
    static constexpr std::size_t kWordsAhead = 256;  // the rest of a row comes by itself
};

}  // namespace pycosim::native
