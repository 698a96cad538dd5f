#include "synapses.hpp"

#include <algorithm>
#include <numeric>

namespace pycosim::native {

template <class T>
static T at(std::span<const T> column, std::int64_t i) {
    return column.size() == 1 ? column[0] : column[static_cast<std::size_t>(i)];
}

// The synapses of one source neuron on one partition, in columns that are reused from row to row.
struct SynapseStore::Row {
    std::vector<std::uint32_t> target;
    std::vector<double> weight;
    std::vector<std::int32_t> delay, core;
    std::vector<std::uint32_t> order, other_order, count;  // scratch of the sort
    std::vector<std::uint32_t> run;                         // ends of runs of equal core and delay

    std::size_t size() const { return target.size(); }

    void gather(std::span<const RowIndex::Row> parts, std::span<const ProjectionColumns> projections,
                const TargetMap& map, std::span<const std::int32_t> core_of_neuron);
    void sort_by_core_and_delay();
    void find_runs();

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
    for (const RowIndex::Row& part : parts) {
        const ProjectionColumns& projection = projections[part.projection];
        const std::uint32_t offset = projection.receptor * map.receptor_stride;
        for (std::int64_t i = part.begin; i < part.end; ++i) {
            const std::int32_t neuron = projection.targets[static_cast<std::size_t>(i)];
            const std::uint32_t index = map.index[static_cast<std::size_t>(neuron)];
            if (index == kElsewhere) continue;
            target.push_back(index + offset);
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

void SynapseStore::Row::sort_by_core_and_delay() {
    order.resize(size());
    std::iota(order.begin(), order.end(), 0u);
    bool moved = sort_order_by(delay);
    if (!core.empty()) moved |= sort_order_by(core);
    if (!moved) return;
    permute(target);
    permute(weight);
    permute(delay);
    if (!core.empty()) permute(core);
}

// Finds the runs that become segments. Runs are also split where the weight changes if that leaves few enough of them
// to be worth the weights that it saves.
void SynapseStore::Row::find_runs() {
    const auto boundary = [&](std::size_t i) {
        return delay[i] != delay[i - 1] || (!core.empty() && core[i] != core[i - 1]);
    };
    std::size_t n_runs = 1, n_equal = 1;
    for (std::size_t i = 1; i < size(); ++i) {
        const bool split = boundary(i);
        n_runs += split;
        n_equal += split || weight[i] != weight[i - 1];
    }
    const bool by_weight = n_equal <= std::max(n_runs, size() / 8);
    run.clear();
    for (std::size_t i = 1; i < size(); ++i) {
        if (boundary(i) || (by_weight && weight[i] != weight[i - 1])) run.push_back(static_cast<std::uint32_t>(i));
    }
    run.push_back(static_cast<std::uint32_t>(size()));
}

void SynapseStore::append(const Row& row) {
    std::uint32_t begin = 0;
    for (const std::uint32_t end : row.run) {
        const bool equal = std::all_of(row.weight.begin() + begin, row.weight.begin() + end,
                                       [&](double weight) { return weight == row.weight[begin]; });
        Segment segment{targets_.size() + begin, std::bit_cast<std::uint64_t>(row.weight[begin]), end - begin,
                        static_cast<std::uint32_t>(row.delay[begin]), equal};
        if (!equal) {
            segment.weight = weights_.size();
            weights_.insert(weights_.end(), row.weight.begin() + begin, row.weight.begin() + end);
        }
        segments_.push_back(segment);
        if (!row.core.empty()) core_.push_back(row.core[begin]);
        begin = end;
    }
    targets_.insert(targets_.end(), row.target.begin(), row.target.end());
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
            rows[next[source]++] = {p, projection.indptr[i], projection.indptr[i + 1]};
        }
    }
}

SynapseStore::SynapseStore(const RowIndex& index, std::span<const ProjectionColumns> projections, const TargetMap& map,
                           std::span<const std::int32_t> core_of_neuron) {
    std::size_t n_synapses = 0, n_weights = 0;
    const auto is_here = [&](std::int32_t target) { return map.index[static_cast<std::size_t>(target)] != kElsewhere; };
    for (const ProjectionColumns& projection : projections) {
        const auto n = static_cast<std::size_t>(
            std::count_if(projection.targets.begin(), projection.targets.end(), is_here));
        n_synapses += n;
        if (projection.weights.size() > 1) n_weights += n;
    }
    targets_.reserve(n_synapses);
    weights_.reserve(n_weights);
    const std::size_t n_neurons = index.first.size() - 1;
    row_.reserve(n_neurons + 1);
    row_.push_back(0);
    Row row;
    for (std::size_t source = 0; source < n_neurons; ++source) {
        row.gather({index.rows.data() + index.first[source], index.rows.data() + index.first[source + 1]}, projections,
                   map, core_of_neuron);
        if (row.size()) {
            row.sort_by_core_and_delay();
            row.find_runs();
            append(row);
        }
        row_.push_back(static_cast<std::uint32_t>(segments_.size()));
    }
    segments_.shrink_to_fit();
}

std::pair<std::uint32_t, std::uint32_t> SynapseStore::row_on_core(std::size_t source, std::int32_t core) const {
    const auto begin = core_.begin() + row_[source], end = core_.begin() + row_[source + 1];
    const auto [low, high] = std::equal_range(begin, end, core);
    return {static_cast<std::uint32_t>(low - core_.begin()), static_cast<std::uint32_t>(high - core_.begin())};
}

std::size_t SynapseStore::n_bytes() const {
    return row_.size() * sizeof(row_[0]) + segments_.size() * sizeof(Segment) + core_.size() * sizeof(std::int32_t) +
           targets_.size() * sizeof(std::uint32_t) + weights_.size() * sizeof(double);
}

}  // namespace pycosim::native
