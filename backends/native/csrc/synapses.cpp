#include "synapses.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

namespace pycosim::native {
namespace {

// Rows with shorter runs of equal delays, on average, become segments of many delays; measured.
constexpr std::size_t kShortRun = 4;
// Fewer synapses are segments of their own.
constexpr std::size_t kShortRow = 4;
// One byte holds the rest of a delay.
constexpr int kOffsetBits = 8;

}  // namespace

template <class T>
static T at(std::span<const T> column, std::int64_t i) {
    return column.size() == 1 ? column[0] : column[static_cast<std::size_t>(i)];
}

// The synapses of one source neuron on one partition, in columns that are reused from row to row.
struct SynapseStore::Row {
    std::uint32_t n_blocks = 1;          // windows of one receptor
    std::vector<std::uint16_t> target;  // within its window
    std::vector<double> weight;
    std::vector<std::int32_t> delay, core, window;
    std::vector<std::uint32_t> order, other_order, count;  // scratch of the sort
    std::vector<std::uint32_t> run;                         // ends of what becomes segments
    bool has_many_delays = false;                           // whether these are to have many delays

    std::size_t size() const { return target.size(); }

    void gather(std::span<const RowIndex::Row> parts, std::span<const ProjectionColumns> projections,
                const TargetMap& map, std::span<const std::int32_t> core_of_neuron);
    void choose_layout();
    void sort();
    void find_runs();
    // What the synapses of a segment have in common of their delays.
    std::int32_t first_delay(std::size_t i) const {
        return has_many_delays ? delay[i] >> kOffsetBits << kOffsetBits : delay[i];
    }

  private:
    bool sort_order_by(const std::vector<std::int32_t>& key);
    template <class T>
    void permute(std::vector<T>& column);
};

void SynapseStore::Row::gather(std::span<const RowIndex::Row> parts, std::span<const ProjectionColumns> projections,
                               const TargetMap& map, std::span<const std::int32_t> core_of_neuron) {
    target.clear();
    weight.clear();
    delay.clear();
    core.clear();
    window.clear();
    for (const RowIndex::Row& part : parts) {
        const ProjectionColumns& projection = projections[part.projection];
        const std::uint32_t first_window = projection.receptor * n_blocks;
        for (std::int64_t i = part.begin; i < part.end; ++i) {
            const std::int32_t neuron = projection.targets[static_cast<std::size_t>(i)];
            const std::uint32_t index = map.index[static_cast<std::size_t>(neuron)];
            if (index == kElsewhere) continue;
            target.push_back(static_cast<std::uint16_t>(index));
            window.push_back(static_cast<std::int32_t>(first_window + (index >> 16)));
            weight.push_back(at(projection.weights, i));
            delay.push_back(at(projection.delays, i));
            if (!core_of_neuron.empty()) core.push_back(core_of_neuron[static_cast<std::size_t>(neuron)]);
        }
    }
}

// Sorts `order` stably by a key: by counting where the keys' range is not much larger than the row, else by comparing.
// Returns whether anything had to be moved.
bool SynapseStore::Row::sort_order_by(const std::vector<std::int32_t>& key) {
    const auto [low, high] = std::minmax_element(key.begin(), key.end());
    if (*low == *high) return false;
    const std::int64_t lowest = *low;
    const auto range = static_cast<std::size_t>(*high - lowest + 1);
    if (range > 16 * key.size()) {
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return key[a] < key[b]; });
        return true;
    }
    count.assign(range + 1, 0);
    for (const std::int32_t k : key) ++count[static_cast<std::size_t>(k - lowest) + 1];
    std::partial_sum(count.begin(), count.end(), count.begin());
    other_order.resize(order.size());
    for (const std::uint32_t i : order) other_order[count[static_cast<std::size_t>(key[i] - lowest)]++] = i;
    order.swap(other_order);
    return true;
}

template <class T>
void SynapseStore::Row::permute(std::vector<T>& column) {
    std::vector<T> moved(column.size());
    for (std::size_t i = 0; i < column.size(); ++i) moved[i] = column[order[i]];
    column.swap(moved);
}

// Synapses that a chip delivers by core and delay stay sorted by these.
void SynapseStore::Row::choose_layout() {
    has_many_delays = false;
    const auto [low, high] = std::minmax_element(delay.begin(), delay.end());
    if (!core.empty() || size() < kShortRow || *high >= PendingSegments::kMaxSlots) return;
    count.assign(static_cast<std::size_t>(*high - *low + 1), 0);
    for (const std::int32_t steps : delay) count[static_cast<std::size_t>(steps - *low)] = 1;
    const auto n_delays = std::accumulate(count.begin(), count.end(), std::size_t{0});
    has_many_delays = n_delays > 1 && size() < kShortRun * n_delays;
}

void SynapseStore::Row::sort() {
    order.resize(size());
    std::iota(order.begin(), order.end(), 0u);
    bool moved = sort_order_by(window);
    if (has_many_delays) {
        std::vector<std::int32_t> first(size());
        for (std::size_t i = 0; i < size(); ++i) first[i] = first_delay(i);
        moved |= sort_order_by(first);
    } else {
        moved |= sort_order_by(delay);
    }
    if (!core.empty()) moved |= sort_order_by(core);
    if (!moved) return;
    permute(target);
    permute(window);
    permute(weight);
    permute(delay);
    if (!core.empty()) permute(core);
}

// Finds the runs that become segments. Runs are also split where the weight changes if that leaves few enough of them
// to be worth the weights that it saves.
void SynapseStore::Row::find_runs() {
    const auto boundary = [&](std::size_t i) {
        return first_delay(i) != first_delay(i - 1) || window[i] != window[i - 1] || (!core.empty() && core[i] != core[i - 1]);
    };
    std::size_t n_runs = 1, n_equal = 1;
    for (std::size_t i = 1; i < size(); ++i) {
        const bool split = boundary(i);
        n_runs += split;
        n_equal += split || weight[i] != weight[i - 1];
    }
    const bool by_weight = n_equal <= std::max(n_runs, size() / 8);
    run.clear();
    std::size_t begin = 0;
    for (std::size_t i = 1; i < size(); ++i) {
        if (boundary(i) || (by_weight && weight[i] != weight[i - 1]) || i - begin == Segment::kMaxCount) {
            run.push_back(static_cast<std::uint32_t>(i));
            begin = i;
        }
    }
    run.push_back(static_cast<std::uint32_t>(size()));
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
    for (std::size_t k = 0; k < n; ++k, to += width) {
        std::uint64_t bits = std::bit_cast<std::uint64_t>(weights[k]);
        if (format == WeightFormat::packed) bits = (bits & kMantissa) | std::uint64_t{head_code_[bits >> 52]} << 52;
        std::memcpy(to, &bits, width);
    }
}

void SynapseStore::append_offsets(std::span<const std::int32_t> delays, std::int32_t first_delay) {
    const std::size_t place = words_.size();
    words_.resize(place + (delays.size() + 1) / 2);
    auto* to = reinterpret_cast<std::uint8_t*>(words_.data() + place);
    for (const std::int32_t delay : delays) *to++ = static_cast<std::uint8_t>(delay - first_delay);
}

void SynapseStore::append(const Row& row) {
    std::uint32_t begin = 0;
    for (const std::uint32_t end : row.run) {
        const std::span weights(row.weight.data() + begin, end - begin);
        const WeightFormat format = format_of(weights);
        const std::uint64_t place = words_.size();
        if (place > Segment::kMaxPlace) throw std::length_error("a partition has more than 2 TB of synapses");
        segments_.push_back({static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32),
                             static_cast<std::uint32_t>(row.first_delay(begin)), end - begin,
                             static_cast<std::uint32_t>(row.window[begin]), row.has_many_delays,
                             static_cast<std::uint32_t>(format)});
        if (!row.core.empty()) core_.push_back(row.core[begin]);
        words_.insert(words_.end(), row.target.begin() + begin, row.target.begin() + end);
        if (row.has_many_delays) append_offsets({row.delay.data() + begin, end - begin}, row.first_delay(begin));
        append_weights(weights, format);
        begin = end;
    }
}

std::int64_t smallest_delay(std::span<const ProjectionColumns> projections, std::int64_t otherwise) {
    std::int64_t smallest = otherwise;
    for (const ProjectionColumns& p : projections) {
        for (const std::int32_t delay : p.delays) smallest = std::min<std::int64_t>(smallest, delay);
    }
    return smallest;
}

std::int64_t largest_delay(std::span<const ProjectionColumns> projections) {
    std::int64_t largest = 1;
    for (const ProjectionColumns& p : projections) {
        for (const std::int32_t delay : p.delays) largest = std::max<std::int64_t>(largest, delay);
    }
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
        const std::size_t words_of_weight = projection.weights.size() > 1 ? 4 : 0;
        n_words += 4 * projection.sources.size();  // at least one weight for each row
        for (std::size_t i = 0; i < projection.targets.size(); ++i) {
            if (map.index[static_cast<std::size_t>(projection.targets[i])] == kElsewhere) continue;
            n_words += 1 + words_of_weight;
            const double weight = at(projection.weights, static_cast<std::int64_t>(i));
            ++n_with_head[std::bit_cast<std::uint64_t>(weight) >> 52];
        }
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
    while (!parts.empty()) {
        const auto drawn = std::find_if(parts.begin(), parts.end(),
                                        [&](const RowIndex::Row& part) { return projections[part.projection].rule != nullptr; });
        const auto n_stored = static_cast<std::size_t>(drawn - parts.begin());
        row.gather(parts.first(n_stored), projections, map, core_of_neuron);
        if (row.size()) {
            row.choose_layout();
            row.sort();
            row.find_runs();
            append(row);
        }
        if (drawn == parts.end()) return;
        for (; counted < drawn->projection; ++counted) n_procedural += projections[counted].rule != nullptr;
        append_procedural(n_procedural, static_cast<std::uint32_t>(drawn->begin), projections[drawn->projection].delays[0]);
        parts = parts.subspan(n_stored + 1);
    }
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
    segments_.push_back({static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32),
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
