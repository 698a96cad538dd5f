#include "synapses.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "synapse_row.hpp"
#include "vectorised.hpp"

namespace pycosim::native {
namespace {

// Targets are steps where at most one in so many needs an escape: more would be mispredicted too often.
constexpr std::size_t kEscapesIn = 4;

}  // namespace

// The most frequent signs and exponents get the codes.
void SynapseStore::choose_heads(std::span<const std::uint64_t> n_with_head) {
    std::vector<std::uint32_t> by_number(n_with_head.size());
    std::iota(by_number.begin(), by_number.end(), 0u);
    std::partial_sort(by_number.begin(), by_number.begin() + heads_.size(), by_number.end(), [&](auto a, auto b) {
        return n_with_head[a] != n_with_head[b] ? n_with_head[a] > n_with_head[b] : a < b;
    });
    head_code_.fill(kNoCode);
    for (std::size_t code = 0; code < heads_.size(); ++code) {
        heads_[code] = std::uint64_t{by_number[code]} << 52;
        head_code_[by_number[code]] = static_cast<std::uint8_t>(code);
    }
    const auto n_heads = std::ranges::count_if(n_with_head, [](std::uint64_t n) { return n > 0; });
    all_have_codes_ = n_heads <= std::ssize(heads_);
}

WeightFormat SynapseStore::format_of(std::span<const double> weights) const {
    const std::uint64_t first = std::bit_cast<std::uint64_t>(weights[0]);
    const auto is_first = [&](double weight) { return std::bit_cast<std::uint64_t>(weight) == first; };
    if (std::all_of(weights.begin(), weights.end(), is_first)) return WeightFormat::equal;
    if (all_have_codes_) return WeightFormat::packed;
    const auto has_code = [&](double weight) { return head_code_[std::bit_cast<std::uint64_t>(weight) >> 52] != kNoCode; };
    return std::all_of(weights.begin(), weights.end(), has_code) ? WeightFormat::packed : WeightFormat::full;
}

void SynapseStore::append_weights(std::span<const double> weights, WeightFormat format) {
    const std::size_t n = format == WeightFormat::equal ? 1 : weights.size();
    const std::size_t width = format == WeightFormat::packed ? 7 : 8;
    char* to = reinterpret_cast<char*>(append_bytes(n * width));
    if (format != WeightFormat::packed) {
        std::memcpy(to, weights.data(), n * width);
        return;
    }
    const auto packed = [&](double weight) {
        const auto bits = std::bit_cast<std::uint64_t>(weight);
        return (bits & kMantissa) | std::uint64_t{head_code_[bits >> 52]} << 52;
    };
    // The byte too many of each is the first one of the next.
    for (std::size_t k = 0; k + 1 < n; ++k, to += width) {
        const std::uint64_t bits = packed(weights[k]);
        std::memcpy(to, &bits, sizeof bits);
    }
    const std::uint64_t bits = packed(weights[n - 1]);
    std::memcpy(to, &bits, width);
}

std::size_t TargetSteps::n_escapes(std::span<const std::uint16_t> targets) {
    std::size_t n = 0;
    std::uint32_t last = 0;
    for (const std::uint16_t target : targets) {
        n += target - last >= kEscape;
        last = target;
    }
    return n;
}

void TargetSteps::write(std::span<const std::uint16_t> targets, std::uint8_t* to) {
    std::uint32_t last = 0;
    for (const std::uint16_t target : targets) {
        const std::uint32_t step = target - last;
        *to++ = static_cast<std::uint8_t>(std::min<std::uint32_t>(step, kEscape));
        if (step >= kEscape) {
            std::memcpy(to, &target, kEscapeBytes);
            to += kEscapeBytes;
        }
        last = target;
    }
}

// Filled up to a whole number of words.
std::uint8_t* SynapseStore::append_bytes(std::size_t n) {
    return reinterpret_cast<std::uint8_t*>(words_.extend(words_of(n)));
}

// Targets and delays of a segment with many delays. Steps have the number of the bytes of their escapes before, and come
// behind the delays.
void SynapseStore::append_scattered(Segment& segment, std::span<const std::uint16_t> targets,
                                    std::span<const std::int32_t> delays) {
    const std::size_t n = targets.size(), n_escapes = TargetSteps::n_escapes(targets);
    segment.has_many_delays = 1;
    segment.has_target_steps = kEscapesIn * n_escapes <= n;
    const auto write_offsets = [&](std::uint8_t* to) {
        for (const std::int32_t delay : delays) *to++ = static_cast<std::uint8_t>(delay - segment.delay);
        return to;
    };
    if (!segment.has_target_steps) {
        words_.append(targets);
        write_offsets(append_bytes(n));
        return;
    }
    const std::size_t n_more = TargetSteps::kEscapeBytes * n_escapes;
    words_.push_back(static_cast<std::uint16_t>(n_more));
    TargetSteps::write(targets, write_offsets(append_bytes(2 * n + n_more)));
}

void SynapseStore::append(const SynapseRow& row) {
    const bool by_weight = row.splits_by_weight();
    std::uint32_t begin = 0;
    for (const SynapseRow::Run& run : row.runs) {
        while (begin < run.end) {
            const std::uint32_t most = std::min(run.end, begin + Segment::kMaxCount);
            std::uint32_t end = most;
            if (by_weight) {
                end = begin + 1;
                while (end < most && row.weight[end] == row.weight[end - 1]) ++end;
            }
            append_segment(row, run.core, run.delay, run.window, begin, end);
            begin = end;
        }
    }
}

namespace {

[[noreturn]] void throw_too_large() { throw std::length_error("a partition has more than 1 TB of synapses"); }

}  // namespace

// Its targets, their delays and their weights come next.
inline Segment& SynapseStore::add_segment(std::int32_t delay, std::uint32_t count, std::uint32_t window,
                                          WeightFormat format) {
    const std::uint64_t place = words_.size();
    if (place > Segment::kMaxPlace) throw_too_large();
    return segments_.push_back(Segment{static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32), 0,
                                          static_cast<std::uint32_t>(delay), count, window, 0,
                                          static_cast<std::uint32_t>(format)});
}

void SynapseStore::append_segment(const SynapseRow& row, std::int32_t core, std::int32_t delay, std::int32_t window,
                                  std::uint32_t begin, std::uint32_t end) {
    const std::span weights(row.weight.data() + begin, end - begin);
    const std::span<const std::uint16_t> targets(row.target.data() + begin, end - begin);
    const WeightFormat format = format_of(weights);
    Segment& segment = add_segment(delay, end - begin, static_cast<std::uint32_t>(window), format);
    if (row.has_cores()) core_.push_back(core);
    if (row.has_many_delays) append_scattered(segment, targets, row.delays(begin, end));
    else words_.append(targets);
    append_weights(weights, format);
}

namespace {

std::size_t head_of(double weight) { return std::bit_cast<std::uint64_t>(weight) >> 52; }

std::size_t count_here(const LocalProjection& local) {
    const std::span<const std::int32_t> targets = local.columns->targets;
    if (local.all_here) return targets.size();
    if (!local.index && local.part.size == 0) return 0;
    const auto is_here = [&](std::int32_t target) { return local.input_of(target) != kElsewhere; };
    return static_cast<std::size_t>(std::ranges::count_if(targets, is_here));
}

PYCOSIM_EVERY_INSTRUCTION_SET
void add_extremes(const double* weights, std::size_t n, std::uint64_t& low, std::uint64_t& high) {
    std::uint64_t least = low, most = high;
    for (std::size_t i = 0; i < n; ++i) {
        const auto bits = std::bit_cast<std::uint64_t>(weights[i]);
        least = bits < least ? bits : least;
        most = bits > most ? bits : most;
    }
    low = least, high = most;
}

// Signs and exponents of the weights, as 1 each where they are so few between the smallest and the largest that all of
// them get codes: then they need not be counted.
bool find_few_heads(std::span<const LocalProjection> locals, std::size_t n_codes,
                    std::span<std::uint64_t> n_with_head) {
    std::ranges::fill(n_with_head, 0);
    for (const LocalProjection& local : locals) {
        const std::span<const double> weights = local.columns->weights;
        if (local.columns->rule || weights.empty()) continue;
        std::uint64_t low = ~std::uint64_t{0}, high = 0;
        add_extremes(weights.data(), weights.size(), low, high);
        if ((high >> 52) - (low >> 52) >= n_codes) return false;
        for (std::uint64_t head = low >> 52; head <= high >> 52; ++head) n_with_head[head] = 1;
    }
    return static_cast<std::size_t>(std::reduce(n_with_head.begin(), n_with_head.end())) <= n_codes;
}

// Adds how many of the synapses that are here have a sign and exponent.
void count_heads(const LocalProjection& local, std::size_t n_here, std::span<std::uint64_t> n_with_head) {
    constexpr std::size_t kTables = 4;  // neighbours mostly have the same: so they do not wait for each other
    const ProjectionColumns& projection = *local.columns;
    const std::size_t n = projection.targets.size();
    if (n_here == 0) return;
    if (projection.weights.size() == 1) {
        n_with_head[head_of(projection.weights[0])] += n_here;
        return;
    }
    std::vector<std::uint64_t> tables(kTables * n_with_head.size(), 0);
    std::uint64_t* const counts = tables.data();
    const auto count = [&](auto is_counted) {
        for (std::size_t i = 0; i < n; ++i) {
            counts[i % kTables * n_with_head.size() + head_of(projection.weights[i])] += is_counted(i);
        }
    };
    if (local.all_here) count([](std::size_t) { return true; });
    else count([&](std::size_t i) { return local.input_of(projection.targets[i]) != kElsewhere; });
    for (std::size_t i = 0; i < tables.size(); ++i) n_with_head[i % n_with_head.size()] += tables[i];
}

}  // namespace

// The same as a row of many, without what sorts them: this is most of what pairs of neurons cost.
inline void SynapseStore::append_single(const RowIndex::Row& part, const LocalProjection& local,
                                        std::span<const std::int32_t> core_of_neuron, std::uint32_t n_blocks) {
    const ProjectionColumns& projection = *local.columns;
    const std::int32_t neuron = projection.targets[static_cast<std::size_t>(part.begin)];
    const std::uint32_t input = local.input_of(neuron);
    if (input == kElsewhere) return;
    const std::int32_t delay = Strided<std::int32_t>(projection.delays)[part.begin];
    const double weight = Strided<double>(projection.weights)[part.begin];
    add_segment(delay, 1, projection.receptor * n_blocks + (input >> 16), WeightFormat::equal);
    if (!core_of_neuron.empty()) core_.push_back(core_of_neuron[static_cast<std::size_t>(neuron)]);
    constexpr std::size_t kWeightWords = sizeof weight / sizeof(std::uint16_t);
    std::uint16_t* const to = words_.extend(1 + kWeightWords);
    *to = static_cast<std::uint16_t>(input);
    std::memcpy(to + 1, &weight, sizeof weight);
}

SynapseStore::SynapseStore(std::span<const ProjectionColumns> projections, const TargetMap& map,
                           std::span<const std::int32_t> core_of_neuron,
                           const std::function<void(std::size_t)>& passed) {
    static_assert(std::endian::native == std::endian::little, "packed weights are cut from 8 bytes");
    std::size_t n_words = 1, n_rows = 0;  // the last packed weight is read with one byte more
    std::vector<std::uint64_t> n_with_head(head_code_.size(), 0);
    std::uint32_t n_receptors = 1, n_procedural = 0;
    std::vector<LocalProjection> locals;
    std::vector<std::size_t> n_here;
    for (const ProjectionColumns& projection : projections) {
        n_receptors = std::max(n_receptors, projection.receptor + 1);
        locals.push_back(local_projection(projection, map, n_procedural));
        if (projection.rule) {
            if (!core_of_neuron.empty()) throw std::logic_error("rows that are drawn cannot be split by core");
            add_procedural(projection, map);
            ++n_procedural;
            n_here.push_back(0);
            continue;
        }
        const bool has_weights = projection.weights.size() != 1;
        n_here.push_back(count_here(locals.back()));
        n_rows += std::min(n_here.back(), projection.sources.size());
        // a weight at least for each row
        n_words += has_weights ? projection.sources.size() + 5 * n_here.back() : 4 * projection.sources.size() + n_here.back();
    }
    if (!find_few_heads(locals, heads_.size(), n_with_head)) {
        std::ranges::fill(n_with_head, 0);
        for (std::size_t i = 0; i < locals.size(); ++i) count_heads(locals[i], n_here[i], n_with_head);
    }
    choose_heads(n_with_head);
    SynapseRow row;
    row.n_blocks = (map.receptor_stride >> 16) + 1;
    if (n_receptors * row.n_blocks > Segment::kMaxWindows) {
        throw std::length_error("a partition has more than 5e8 inputs; use more threads or processes");
    }
    for (std::uint32_t i = 0; i < n_receptors * row.n_blocks; ++i) windows_.push_back({i / row.n_blocks, i % row.n_blocks});
    window_begin_.resize(windows_.size());
    place_receptors(map.receptor_stride);
    words_.reserve(n_words);
    segments_.reserve(n_rows);
    row_.resize(map.n_neurons + 1);
    row_[0] = 0;
    auto copy = [&, row_end = row_.data() + 1](std::span<const RowIndex::Row> parts) mutable {
        if (parts.size() == 1 && parts[0].end == parts[0].begin + 1) {
            append_single(parts[0], locals[parts[0].projection], core_of_neuron, row.n_blocks);
        } else if (!parts.empty()) {
            append_row(parts, locals, core_of_neuron, row);
        }
        *row_end++ = static_cast<std::uint32_t>(segments_.size());
    };
    RowIndex(map.n_neurons, projections).for_each_source(copy, passed);
    words_.extend(1);
}

// What a target gets from a row is added in the order of the projections: those between two that are drawn make
// segments of their own.
void SynapseStore::append_row(std::span<const RowIndex::Row> parts, std::span<const LocalProjection> projections,
                              std::span<const std::int32_t> core_of_neuron, SynapseRow& row) {
    const auto is_drawn = [&](const RowIndex::Row& part) { return projections[part.projection].columns->rule != nullptr; };
    while (!parts.empty()) {
        const auto drawn = std::ranges::find_if(parts, is_drawn);
        const auto n_stored = static_cast<std::size_t>(drawn - parts.begin());
        row.gather(parts.first(n_stored), projections, core_of_neuron);
        if (row.size()) {
            row.choose_layout();
            row.sort();
            append(row);
        }
        if (drawn == parts.end()) return;
        const LocalProjection& projection = projections[drawn->projection];
        append_procedural(projection.n_procedural, static_cast<std::uint32_t>(drawn->begin),
                          projection.columns->delays[0]);
        parts = parts.subspan(n_stored + 1);
    }
}

void SynapseStore::add_procedural(const ProjectionColumns& projection, const TargetMap& map) {
    if (projection.rule->delays && projection.delays.back() >= PendingSegments::kMaxSlots)
        throw std::length_error("delays that are drawn at each spike are too long");
    procedural_.push_back(
        {std::make_unique<DrawnRows>(projection.rule, map), projection.receptor, projection.weights[0]});
}

void SynapseStore::append_procedural(std::uint32_t projection, std::uint32_t row, std::int32_t delay) {
    const std::uint64_t place = procedural_rows_.size();
    procedural_rows_.push_back({projection, row});
    Segment segment{static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32), 0,
                    static_cast<std::uint32_t>(delay), Segment::kMaxCount, 0, 0,
                    static_cast<std::uint32_t>(WeightFormat::procedural)};
    segment.has_many_delays = procedural_[projection].rows->has_delays();
    segments_.push_back(segment);
}

void SynapseStore::deliver_drawn(std::uint64_t place, double* inputs) const {
    const auto [number, row] = procedural_rows_[place];
    const Procedural& projection = procedural_[number];
    double* const window = inputs + std::size_t{projection.receptor} * receptor_stride_;
    with_drawn(projection, row, [&](const DrawnRows::Row& made, auto weight_of) {
        for (std::size_t k = 0; k < made.inputs.size(); ++k) window[made.inputs[k]] += weight_of(k);
    });
}

void SynapseStore::scatter_drawn(std::uint64_t place, std::int64_t emission_step, PendingKey key,
                                 PendingSegments& pending) const {
    const auto [number, row] = procedural_rows_[place];
    const Procedural& projection = procedural_[number];
    with_drawn(projection, row, [&](const DrawnRows::Row& made, auto weight_of) {
        pending.scatter(emission_step, made.inputs.size(), [next = made.inputs.data()]() mutable { return *next++; },
                        made.delays, projection.receptor * receptor_stride_, key, weight_of);
    });
}

std::pair<std::uint32_t, std::uint32_t> SynapseStore::row_on_core(std::size_t source, std::int32_t core) const {
    const auto begin = core_.begin() + row_[source], end = core_.begin() + row_[source + 1];
    const auto [low, high] = std::equal_range(begin, end, core);
    return {static_cast<std::uint32_t>(low - core_.begin()), static_cast<std::uint32_t>(high - core_.begin())};
}

std::size_t SynapseStore::n_bytes() const {
    return row_.size() * sizeof(row_[0]) + segments_.size() * sizeof(Segment) + core_.size() * sizeof(std::int32_t) +
           words_.size() * sizeof(std::uint16_t) + procedural_rows_.size() * sizeof(ProceduralRow) +
           std::accumulate(procedural_.begin(), procedural_.end(), std::size_t{0},
                           [](std::size_t n, const Procedural& p) { return n + p.rows->n_bytes(); });
}

}  // namespace pycosim::native
