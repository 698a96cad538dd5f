#include "synapses.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "vectorised.hpp"

namespace pycosim::native {
namespace {

// Rows with shorter runs of equal delays, on average, become segments of many delays; measured.
constexpr std::size_t kShortRun = 12;
// Fewer synapses are segments of their own.
constexpr std::size_t kShortRow = 4;
// One byte holds the rest of a delay.
constexpr int kOffsetBits = 8;
// Targets are steps where at most one in so many needs an escape: more would be mispredicted too often.
constexpr std::size_t kEscapesIn = 4;

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

PYCOSIM_EVERY_INSTRUCTION_SET
Range range_of(const std::int32_t* values, std::size_t n) {
    std::int32_t low = values[0], high = values[0];
    for (std::size_t i = 1; i < n; ++i) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    return {low, high};
}

}  // namespace

// The synapses of one source neuron on one partition, in columns that are reused from row to row.
struct SynapseStore::Row {
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

    void gather(std::span<const RowIndex::Row> parts, std::span<const ProjectionColumns> projections,
                const TargetMap& map, std::span<const std::int32_t> core_of_neuron);
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

    void sort_by_counting(const Keys& keys);
    void sort_by_comparing(const Keys& keys);
    std::uint64_t key_of(const Keys& keys, std::size_t i) const {
        return keys(has_cores_ ? core_[i] : 0, delay_[i], window_[i]);
    }
    void move(std::size_t from, std::size_t to) {
        sorted_target_[to] = target[from];
        sorted_weight_[to] = weight[from];
        if (has_many_delays) sorted_delay_[to] = delay_[from];
    }

    std::size_t n_ = 0;
    bool has_cores_ = false;
    std::vector<std::int32_t> delay_, core_, window_, sorted_delay_;
    std::vector<std::uint16_t> sorted_target_;
    std::vector<double> sorted_weight_;
    std::vector<std::uint32_t> count_, order_;
};

void SynapseStore::Row::gather(std::span<const RowIndex::Row> parts, std::span<const ProjectionColumns> projections,
                               const TargetMap& map, std::span<const std::int32_t> core_of_neuron) {
    std::size_t most = 1;  // one place for a last write
    for (const RowIndex::Row& part : parts) most += static_cast<std::size_t>(part.end - part.begin);
    has_cores_ = !core_of_neuron.empty();
    if (target.size() < most) {
        for (auto* column : {&delay_, &window_, &core_, &sorted_delay_}) column->resize(most);
        for (auto* column : {&target, &sorted_target_}) column->resize(most);
        for (auto* column : {&weight, &sorted_weight_}) column->resize(most);
    }
    std::size_t n = 0;
    for (const RowIndex::Row& part : parts) {
        const ProjectionColumns& projection = projections[part.projection];
        const auto first_window = static_cast<std::int32_t>(projection.receptor * n_blocks);
        const Strided<double> weights(projection.weights);
        const Strided<std::int32_t> delays(projection.delays);
        for (std::int64_t i = part.begin; i < part.end; ++i) {
            const auto neuron = static_cast<std::size_t>(projection.targets[static_cast<std::size_t>(i)]);
            const std::uint32_t index = map.index[neuron];
            target[n] = static_cast<std::uint16_t>(index);
            window_[n] = first_window + static_cast<std::int32_t>(index >> 16);
            weight[n] = weights[i];
            delay_[n] = delays[i];
            if (has_cores_) core_[n] = core_of_neuron[neuron];
            n += index != kElsewhere;
        }
    }
    n_ = n;
}

// Synapses that a chip delivers by core and delay stay sorted by these.
void SynapseStore::Row::choose_layout() {
    has_many_delays = false;
    const Range delays = range_of(delay_.data(), n_);
    if (has_cores_ || n_ < kShortRow || delays.high >= PendingSegments::kMaxSlots) return;
    count_.assign(delays.width(), 0);
    for (std::size_t i = 0; i < n_; ++i) count_[static_cast<std::size_t>(delay_[i] - delays.low)] = 1;
    const auto n_delays = std::accumulate(count_.begin(), count_.end(), std::size_t{0});
    has_many_delays = n_delays > 1 && n_ < kShortRun * n_delays;
}

// Sorts stably by core, delay and window: by counting where there are not many more of them than synapses.
void SynapseStore::Row::sort() {
    runs.clear();
    const int shift = has_many_delays ? kOffsetBits : 0;
    const Range delays = range_of(delay_.data(), n_);
    const Keys keys{has_cores_ ? range_of(core_.data(), n_) : Range{0, 0},
                    {delays.low >> shift, delays.high >> shift},
                    range_of(window_.data(), n_),
                    shift};
    const auto n_keys = static_cast<double>(keys.core.width()) * static_cast<double>(keys.delay.width()) *
                        static_cast<double>(keys.window.width());
    if (n_keys == 1) {
        runs.push_back(keys.run(0, static_cast<std::uint32_t>(n_)));
        return;
    }
    if (n_keys > 16 * static_cast<double>(n_)) sort_by_comparing(keys);
    else sort_by_counting(keys);
    target.swap(sorted_target_);
    weight.swap(sorted_weight_);
    if (has_many_delays) delay_.swap(sorted_delay_);
}

void SynapseStore::Row::sort_by_counting(const Keys& keys) {
    const std::size_t n_keys = keys.core.width() * keys.delay.width() * keys.window.width();
    count_.assign(n_keys, 0);
    order_.resize(n_);
    for (std::size_t i = 0; i < n_; ++i) ++count_[order_[i] = static_cast<std::uint32_t>(key_of(keys, i))];
    std::uint32_t begin = 0;
    for (std::size_t key = 0; key < n_keys; ++key) {
        const std::uint32_t n = count_[key];
        count_[key] = begin;
        begin += n;
        if (n) runs.push_back(keys.run(key, begin));
    }
    for (std::size_t i = 0; i < n_; ++i) move(i, count_[order_[i]]++);
}

void SynapseStore::Row::sort_by_comparing(const Keys& keys) {
    order_.resize(n_);
    std::iota(order_.begin(), order_.end(), 0u);
    const auto key = [&](std::size_t i) { return key_of(keys, order_[i]); };
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return key_of(keys, a) < key_of(keys, b); });
    for (std::size_t i = 0; i < n_; ++i) {
        move(order_[i], i);
        if (i + 1 == n_ || key(i) != key(i + 1)) runs.push_back(keys.run(key(i), static_cast<std::uint32_t>(i + 1)));
    }
}

// Whether segments are also split where the weight changes: if that leaves few enough of them to be worth the weights
// that it saves.
bool SynapseStore::Row::splits_by_weight() const {
    const std::size_t most = std::max(runs.size(), n_ / 8);
    std::size_t n_equal = runs.size(), begin = 0;
    for (const Run& run : runs) {
        for (std::size_t i = begin + 1; i < run.end; ++i) n_equal += weight[i] != weight[i - 1];
        if (n_equal > most) return false;
        begin = run.end;
    }
    return true;
}

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
}

WeightFormat SynapseStore::format_of(std::span<const double> weights) const {
    const std::uint64_t first = std::bit_cast<std::uint64_t>(weights[0]);
    const auto is_first = [&](double weight) { return std::bit_cast<std::uint64_t>(weight) == first; };
    if (std::all_of(weights.begin(), weights.end(), is_first)) return WeightFormat::equal;
    const auto has_code = [&](double weight) { return head_code_[std::bit_cast<std::uint64_t>(weight) >> 52] != kNoCode; };
    return std::all_of(weights.begin(), weights.end(), has_code) ? WeightFormat::packed : WeightFormat::full;
}

void SynapseStore::append_weights(std::span<const double> weights, WeightFormat format) {
    const std::size_t n = format == WeightFormat::equal ? 1 : weights.size();
    const std::size_t width = format == WeightFormat::packed ? 7 : 8, place = words_.size();
    words_.resize(place + (n * width + 1) / 2);
    char* to = reinterpret_cast<char*>(words_.data() + place);
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
    const std::size_t place = words_.size();
    words_.resize(place + words_of(n));
    return reinterpret_cast<std::uint8_t*>(words_.data() + place);
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
        words_.insert(words_.end(), targets.begin(), targets.end());
        write_offsets(append_bytes(n));
        return;
    }
    const std::size_t n_more = TargetSteps::kEscapeBytes * n_escapes;
    words_.push_back(static_cast<std::uint16_t>(n_more));
    TargetSteps::write(targets, write_offsets(append_bytes(2 * n + n_more)));
}

void SynapseStore::append(const Row& row) {
    const bool by_weight = row.splits_by_weight();
    std::uint32_t begin = 0;
    for (const Row::Run& run : row.runs) {
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

// Its targets, their delays and their weights come next.
Segment& SynapseStore::add_segment(std::int32_t delay, std::uint32_t count, std::uint32_t window, WeightFormat format) {
    const std::uint64_t place = words_.size();
    if (place > Segment::kMaxPlace) throw std::length_error("a partition has more than 1 TB of synapses");
    return segments_.emplace_back(Segment{static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32), 0,
                                          static_cast<std::uint32_t>(delay), count, window, 0,
                                          static_cast<std::uint32_t>(format)});
}

void SynapseStore::append_segment(const Row& row, std::int32_t core, std::int32_t delay, std::int32_t window,
                                  std::uint32_t begin, std::uint32_t end) {
    const std::span weights(row.weight.data() + begin, end - begin);
    const std::span<const std::uint16_t> targets(row.target.data() + begin, end - begin);
    const WeightFormat format = format_of(weights);
    Segment& segment = add_segment(delay, end - begin, static_cast<std::uint32_t>(window), format);
    if (row.has_cores()) core_.push_back(core);
    if (row.has_many_delays) append_scattered(segment, targets, row.delays(begin, end));
    else words_.insert(words_.end(), targets.begin(), targets.end());
    append_weights(weights, format);
}

std::int64_t smallest_delay(std::span<const ProjectionColumns> projections, std::int64_t otherwise) {
    std::int64_t smallest = otherwise;
    for (const ProjectionColumns& p : projections)
        if (!p.delays.empty()) smallest = std::min(smallest, range_of(p.delays.data(), p.delays.size()).low);
    return smallest;
}

std::int64_t largest_delay(std::span<const ProjectionColumns> projections) {
    std::int64_t largest = 1;
    for (const ProjectionColumns& p : projections)
        if (!p.delays.empty()) largest = std::max(largest, range_of(p.delays.data(), p.delays.size()).high);
    return largest;
}

RowIndex::RowIndex(std::size_t n_neurons, std::span<const ProjectionColumns> projections) : first(n_neurons + 1, 0) {
    for (const ProjectionColumns& projection : projections) {
        for (const std::int32_t source : projection.sources) ++first[static_cast<std::size_t>(source) + 1];
    }
    std::partial_sum(first.begin(), first.end(), first.begin());
    rows.resize(first.back());
    std::vector<std::uint64_t> next(first.begin(), first.end() - 1);
    for (std::uint32_t p = 0; p < projections.size(); ++p) {
        const ProjectionColumns& projection = projections[p];
        for (std::size_t i = 0; i < projection.sources.size(); ++i) {
            const auto source = static_cast<std::size_t>(projection.sources[i]);
            const auto row = static_cast<std::int64_t>(i);
            rows[next[source]++] = projection.rule ? Row{p, row, row}
                                                   : Row{p, projection.indptr[i], projection.indptr[i + 1]};
        }
    }
}

SynapseStore::SynapseStore(const RowIndex& index, std::span<const ProjectionColumns> projections, const TargetMap& map,
                           std::span<const std::int32_t> core_of_neuron) {
    static_assert(std::endian::native == std::endian::little, "packed weights are cut from 8 bytes");
    if (largest_delay(projections) > Segment::kMaxDelay) {
        throw std::length_error("delays of more than " + std::to_string(Segment::kMaxDelay) + " steps");
    }
    std::size_t n_words = 0;
    std::vector<std::uint64_t> n_with_head(head_code_.size(), 0);
    std::uint32_t n_receptors = 1;
    for (const ProjectionColumns& projection : projections) {
        n_receptors = std::max(n_receptors, projection.receptor + 1);
        if (projection.rule) {
            if (!core_of_neuron.empty()) throw std::logic_error("rows that are drawn cannot be split by core");
            add_procedural(projection, map);
            continue;
        }
        std::size_t n_here = 0;
        const Strided<double> weights(projection.weights);
        for (std::size_t i = 0; i < projection.targets.size(); ++i) {
            const bool is_here = map.index[static_cast<std::size_t>(projection.targets[i])] != kElsewhere;
            n_here += is_here;
            if (weights.stride) n_with_head[std::bit_cast<std::uint64_t>(projection.weights[i]) >> 52] += is_here;
        }
        if (!weights.stride) n_with_head[std::bit_cast<std::uint64_t>(projection.weights[0]) >> 52] += n_here;
        n_words += 4 * projection.sources.size() + (weights.stride ? 5 : 1) * n_here;  // a weight at least for each row
    }
    choose_heads(n_with_head);
    Row row;
    row.n_blocks = (map.receptor_stride >> 16) + 1;
    if (n_receptors * row.n_blocks > Segment::kMaxWindows) {
        throw std::length_error("a partition has more than 5e8 inputs; use more threads or processes");
    }
    for (std::uint32_t i = 0; i < n_receptors * row.n_blocks; ++i) windows_.push_back({i / row.n_blocks, i % row.n_blocks});
    window_begin_.resize(windows_.size());
    place_receptors(map.receptor_stride);
    words_.reserve(n_words);
    const std::size_t n_neurons = index.first.size() - 1;
    row_.reserve(n_neurons + 1);
    row_.push_back(0);
    for (std::size_t source = 0; source < n_neurons; ++source) {
        append_row({index.rows.data() + index.first[source], index.rows.data() + index.first[source + 1]}, projections,
                   map, core_of_neuron, row);
        row_.push_back(static_cast<std::uint32_t>(segments_.size()));
    }
    segments_.shrink_to_fit();
    words_.resize(words_.size() + 1);  // the last packed weight is read with one byte more
}

// What a target gets from a row is added in the order of the projections: those between two that are drawn make
// segments of their own.
void SynapseStore::append_row(std::span<const RowIndex::Row> parts, std::span<const ProjectionColumns> projections,
                              const TargetMap& map, std::span<const std::int32_t> core_of_neuron, Row& row) {
    std::uint32_t n_procedural = 0, counted = 0;  // projections among the first `counted` ones
    const auto is_single = [&](const RowIndex::Row& part) {
        return part.end == part.begin + 1 && !projections[part.projection].rule;
    };
    if (parts.size() == 1 && is_single(parts[0])) {
        return append_single(parts[0], projections[parts[0].projection], map, core_of_neuron, row.n_blocks);
    }
    while (!parts.empty()) {
        const auto drawn = std::find_if(parts.begin(), parts.end(),
                                        [&](const RowIndex::Row& part) { return projections[part.projection].rule != nullptr; });
        const auto n_stored = static_cast<std::size_t>(drawn - parts.begin());
        row.gather(parts.first(n_stored), projections, map, core_of_neuron);
        if (row.size()) {
            row.choose_layout();
            row.sort();
            append(row);
        }
        if (drawn == parts.end()) return;
        for (; counted < drawn->projection; ++counted) n_procedural += projections[counted].rule != nullptr;
        append_procedural(n_procedural, static_cast<std::uint32_t>(drawn->begin), projections[drawn->projection].delays[0]);
        parts = parts.subspan(n_stored + 1);
    }
}

// The same as a row of many, without what sorts them: this is most of what pairs of neurons cost.
void SynapseStore::append_single(const RowIndex::Row& part, const ProjectionColumns& projection, const TargetMap& map,
                                 std::span<const std::int32_t> core_of_neuron, std::uint32_t n_blocks) {
    const auto neuron = static_cast<std::size_t>(projection.targets[static_cast<std::size_t>(part.begin)]);
    const std::uint32_t index = map.index[neuron];
    if (index == kElsewhere) return;
    const std::int32_t delay = Strided<std::int32_t>(projection.delays)[part.begin];
    const double weight = Strided<double>(projection.weights)[part.begin];
    add_segment(delay, 1, projection.receptor * n_blocks + (index >> 16), WeightFormat::equal);
    if (!core_of_neuron.empty()) core_.push_back(core_of_neuron[neuron]);
    words_.push_back(static_cast<std::uint16_t>(index));
    append_weights({&weight, 1}, WeightFormat::equal);
}

void SynapseStore::add_procedural(const ProjectionColumns& projection, const TargetMap& map) {
    const pycosim::RowRule& rule = *projection.rule;
    Procedural added{projection.rule, nullptr, {}, projection.receptor, projection.weights[0]};
    std::vector<std::uint8_t> wanted;
    for (const std::int64_t neuron : rule.post) {
        added.index.push_back(map.index[static_cast<std::size_t>(neuron)]);
        wanted.push_back(added.index.back() != kElsewhere);
    }
    added.drawer = std::make_unique<pycosim::RowDrawer>(rule, std::move(wanted));
    procedural_.push_back(std::move(added));
}

void SynapseStore::append_procedural(std::uint32_t projection, std::uint32_t row, std::int32_t delay) {
    const std::uint64_t place = procedural_rows_.size();
    procedural_rows_.push_back({projection, row});
    segments_.push_back({static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32), 0,
                         static_cast<std::uint32_t>(delay), Segment::kMaxCount, 0, 0,
                         static_cast<std::uint32_t>(WeightFormat::procedural)});
}

void SynapseStore::deliver_drawn(std::uint64_t place, double* inputs) const {
    const auto [number, row] = procedural_rows_[place];
    const Procedural& projection = procedural_[number];
    double* const window = inputs + std::size_t{projection.receptor} * receptor_stride_;
    for (const std::int32_t target : projection.drawer->draw(row)) {
        window[projection.index[static_cast<std::size_t>(target)]] += projection.weight;
    }
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
                           [](std::size_t n, const Procedural& p) { return n + p.index.size() * sizeof(p.index[0]); });
}

}  // namespace pycosim::native
