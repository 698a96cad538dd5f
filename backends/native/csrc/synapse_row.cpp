#include "synapse_row.hpp"

#include <algorithm>
#include <numeric>

#include "vectorised.hpp"

namespace pycosim::native {
namespace {

// Rows with shorter runs of equal delays, on average, become segments of many delays; measured.
constexpr std::size_t kShortRun = 12;
// Fewer synapses are segments of their own.
constexpr std::size_t kShortRow = 4;
// One byte holds the rest of a delay.
constexpr int kOffsetBits = 8;

PYCOSIM_EVERY_INSTRUCTION_SET
void subtract(const std::int32_t* values, std::size_t n, int shift, std::int32_t low, std::uint32_t* __restrict out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint32_t>((values[i] >> shift) - low);
}

// The place of each target in its window, and that window.
PYCOSIM_EVERY_INSTRUCTION_SET
void place(const std::int32_t* targets, std::size_t n, std::uint32_t shift, std::int32_t first_window,
           std::uint16_t* __restrict to_target, std::int32_t* __restrict to_window) {
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t input = static_cast<std::uint32_t>(targets[i]) + shift;
        to_target[i] = static_cast<std::uint16_t>(input);
        to_window[i] = first_window + static_cast<std::int32_t>(input >> 16);
    }
}

}  // namespace

PYCOSIM_EVERY_INSTRUCTION_SET
Range range_of(const std::int32_t* values, std::size_t n) {
    std::int32_t low = values[0], high = values[0];
    for (std::size_t i = 1; i < n; ++i) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    return {low, high};
}

void SynapseRow::gather(std::span<const RowIndex::Row> parts, std::span<const LocalProjection> projections,
                        std::span<const std::int32_t> core_of_neuron) {
    std::size_t most = 1;  // one place for a last write
    for (const RowIndex::Row& part : parts) most += static_cast<std::size_t>(part.end - part.begin);
    has_cores_ = !core_of_neuron.empty();
    if (target.size() < most) {
        for (auto* column : {&delay_, &window_, &core_, &sorted_delay_}) column->resize(most);
        for (auto* column : {&target, &sorted_target_}) column->resize(most);
        for (auto* column : {&weight, &sorted_weight_}) column->resize(most);
    }
    n_ = 0;
    for (const RowIndex::Row& part : parts) {
        const LocalProjection& projection = projections[part.projection];
        const TargetMap::Part& here = projection.part;
        if (projection.index) {
            take_here(part, projection, core_of_neuron, [&](std::size_t neuron) { return projection.index[neuron]; });
        } else if (projection.all_here && !has_cores_) {
            take_all(part, projection);
        } else if (here.size > 0) {
            take_here(part, projection, core_of_neuron, [&](std::size_t neuron) {
                const std::uint32_t offset = static_cast<std::uint32_t>(neuron) - here.first;
                return offset < here.size ? here.input + offset : kElsewhere;
            });
        }
    }
    if (n_ == 0) return;
    delays_ = range_of(delay_.data(), n_);
    windows_ = range_of(window_.data(), n_);
}

// All targets are here, one part of the inputs.
void SynapseRow::take_all(const RowIndex::Row& part, const LocalProjection& projection) {
    const ProjectionColumns& columns = *projection.columns;
    const auto first_window = static_cast<std::int32_t>(columns.receptor * n_blocks);
    const std::uint32_t shift = projection.part.input - projection.part.first;
    const auto begin = static_cast<std::size_t>(part.begin), n = static_cast<std::size_t>(part.end - part.begin);
    place(columns.targets.data() + begin, n, shift, first_window, target.data() + n_, window_.data() + n_);
    const auto copy = [&](const auto& column, auto* to) {
        if (column.size() == 1) std::fill_n(to, n, column[0]);
        else std::copy_n(column.data() + begin, n, to);
    };
    copy(columns.weights, weight.data() + n_);
    copy(columns.delays, delay_.data() + n_);
    n_ += n;
}

template <class InputOf>
void SynapseRow::take_here(const RowIndex::Row& part, const LocalProjection& projection,
                           std::span<const std::int32_t> core_of_neuron, InputOf input_of) {
    const ProjectionColumns& columns = *projection.columns;
    const auto first_window = static_cast<std::int32_t>(columns.receptor * n_blocks);
    const Strided<double> weights(columns.weights);
    const Strided<std::int32_t> delays(columns.delays);
    // pointers of their own: what is written might be one of the vectors', otherwise
    const std::int32_t* const neurons = columns.targets.data();
    std::uint16_t* const to_target = target.data();
    std::int32_t* const to_window = window_.data();
    std::int32_t* const to_delay = delay_.data();
    double* const to_weight = weight.data();
    std::size_t n = n_;
    for (std::int64_t i = part.begin; i < part.end; ++i) {
        const auto neuron = static_cast<std::size_t>(neurons[i]);
        const std::uint32_t input = input_of(neuron);
        to_target[n] = static_cast<std::uint16_t>(input);
        to_window[n] = first_window + static_cast<std::int32_t>(input >> 16);
        to_weight[n] = weights[i];
        to_delay[n] = delays[i];
        if (has_cores_) core_[n] = core_of_neuron[neuron];
        n += input != kElsewhere;
    }
    n_ = n;
}

// Synapses that a chip delivers by core and delay stay sorted by these.
void SynapseRow::choose_layout() {
    has_many_delays = false;
    const Range delays = delays_;
    if (has_cores_ || n_ < kShortRow || delays.high >= PendingSegments::kMaxSlots) return;
    if (n_ >= kShortRun * delays.width()) return;  // there are not more delays than that
    count_.assign(delays.width(), 0);
    for (std::size_t i = 0; i < n_; ++i) count_[static_cast<std::size_t>(delay_[i] - delays.low)] = 1;
    const auto n_delays = std::accumulate(count_.begin(), count_.end(), std::size_t{0});
    has_many_delays = n_delays > 1 && n_ < kShortRun * n_delays;
}

// Sorts stably by core, delay and window: by counting where there are not many more of them than synapses.
void SynapseRow::sort() {
    runs.clear();
    const int shift = has_many_delays ? kOffsetBits : 0;
    const Keys keys{has_cores_ ? range_of(core_.data(), n_) : Range{0, 0},
                    {delays_.low >> shift, delays_.high >> shift},
                    windows_,
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

// Keys that are to be counted are small.
void SynapseRow::find_keys(const Keys& keys) {
    order_.resize(n_);
    if (!has_cores_ && keys.window.width() == 1) {
        subtract(delay_.data(), n_, keys.shift, static_cast<std::int32_t>(keys.delay.low), order_.data());
        return;
    }
    for (std::size_t i = 0; i < n_; ++i) order_[i] = static_cast<std::uint32_t>(key_of(keys, i));
}

void SynapseRow::sort_by_counting(const Keys& keys) {
    const std::size_t n_keys = keys.core.width() * keys.delay.width() * keys.window.width();
    find_keys(keys);
    count_.assign(n_keys, 0);
    std::uint32_t* const count = count_.data();
    const std::uint32_t* const order = order_.data();
    for (std::size_t i = 0; i < n_; ++i) ++count[order[i]];
    std::uint32_t begin = 0;
    for (std::size_t key = 0; key < n_keys; ++key) {
        const std::uint32_t n = count[key];
        count[key] = begin;
        begin += n;
        if (n) runs.push_back(keys.run(key, begin));
    }
    move([=](std::size_t i) { return count[order[i]]++; });
}

void SynapseRow::sort_by_comparing(const Keys& keys) {
    order_.resize(n_);
    std::iota(order_.begin(), order_.end(), 0u);
    const auto key = [&](std::size_t i) { return key_of(keys, order_[i]); };
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return key_of(keys, a) < key_of(keys, b); });
    for (std::size_t i = 0; i < n_; ++i) {
        if (i + 1 == n_ || key(i) != key(i + 1)) runs.push_back(keys.run(key(i), static_cast<std::uint32_t>(i + 1)));
    }
    count_.resize(n_);
    for (std::size_t i = 0; i < n_; ++i) count_[order_[i]] = static_cast<std::uint32_t>(i);
    move([count = count_.data()](std::size_t i) { return count[i]; });
}

// Whether segments are also split where the weight changes: if that leaves few enough of them to be worth the weights
// that it saves.
bool SynapseRow::splits_by_weight() const {
    const std::size_t most = std::max(runs.size(), n_ / 8);
    std::size_t n_equal = runs.size(), begin = 0;
    for (const Run& run : runs) {
        for (std::size_t i = begin + 1; i < run.end; ++i) n_equal += weight[i] != weight[i - 1];
        if (n_equal > most) return false;
        begin = run.end;
    }
    return true;
}

}  // namespace pycosim::native
