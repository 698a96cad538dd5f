// Where the rows of a neuron are among projections, and where targets are in a partition.
#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "synapse_row.hpp"

namespace pycosim::native {

Range delays_of(std::span<const ProjectionColumns> projections) {
    Range found{std::numeric_limits<std::int64_t>::max(), 1};
    for (const ProjectionColumns& p : projections) {
        if (p.delays.empty()) continue;
        const Range own = range_of(p.delays.data(), p.delays.size());
        found = {std::min(found.low, own.low), std::max(found.high, own.high)};
    }
    return found;
}

RowIndex::RowIndex(std::size_t n_neurons, std::span<const ProjectionColumns> projections)
    : n_neurons_(n_neurons), projections_(projections), next_(projections.size(), 0) {
    for (const ProjectionColumns& projection : projections) {
        const auto& sources = projection.sources;
        if (!std::ranges::is_sorted(sources)) throw std::invalid_argument("the sources of a projection do not ascend");
        if (!sources.empty() && static_cast<std::size_t>(sources.back()) >= n_neurons) {
            throw std::invalid_argument("a source of a projection is no neuron of the network");
        }
    }
}

// Of `n` neurons from `first` on.
void RowIndex::find_rows(std::size_t first, std::size_t n) {
    const auto place = [first](std::int32_t source) { return static_cast<std::size_t>(source) - first; };
    begin_.fill(0);
    for (std::size_t p = 0; p < projections_.size(); ++p) {
        const auto& sources = projections_[p].sources;
        for (std::size_t i = next_[p]; i < sources.size() && place(sources[i]) < n; ++i) {
            ++begin_[place(sources[i]) + 1];
        }
    }
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    rows_.resize(begin_[n]);
    if (rows_.empty()) return;
    std::array<std::uint32_t, kBlock> next;
    std::copy_n(begin_.begin(), kBlock, next.begin());
    for (std::uint32_t p = 0; p < projections_.size(); ++p) {
        const ProjectionColumns& projection = projections_[p];
        std::size_t i = next_[p];
        for (; i < projection.sources.size() && place(projection.sources[i]) < n; ++i) {
            const auto row = static_cast<std::int64_t>(i);
            rows_[next[place(projection.sources[i])]++] =
                projection.rule ? Row{p, row, row} : Row{p, projection.indptr[i], projection.indptr[i + 1]};
        }
        next_[p] = i;
    }
}

const std::vector<std::uint32_t>& TargetMap::index() const {
    if (index_.empty()) {
        index_.assign(n_neurons, kElsewhere);
        for (const Part& part : parts_) {
            const auto begin = index_.begin() + part.first;
            std::iota(begin, begin + part.size, part.input);
        }
    }
    return index_;
}

std::optional<TargetMap::Part> TargetMap::only_part(std::int64_t low, std::int64_t high) const {
    Part found{0, 0, 0};
    for (const Part& part : parts_) {
        if (part.size == 0 || high < part.first || low >= std::int64_t{part.first} + part.size) continue;
        if (found.size > 0) return {};
        found = part;
    }
    return found;
}

LocalProjection local_projection(const ProjectionColumns& projection, const TargetMap& map,
                                 std::uint32_t n_procedural) {
    LocalProjection local{&projection, {}, nullptr, false, n_procedural};
    if (projection.targets.empty()) return local;
    const Range targets = range_of(projection.targets.data(), projection.targets.size());
    if (const auto part = map.only_part(targets.low, targets.high)) local.part = *part;
    else local.index = map.index().data();
    const TargetMap::Part& part = local.part;
    local.all_here = !local.index && targets.low >= part.first && targets.high < std::int64_t{part.first} + part.size;
    return local;
}

}  // namespace pycosim::native
