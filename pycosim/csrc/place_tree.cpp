#include "place_tree.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace pycosim {

PlaceTree::PlaceTree(const PlaceColumns& places) {
    const std::size_t n = places.post[0].size();
    points_.resize(n);
    std::iota(points_.begin(), points_.end(), 0);
    if (n > 0) divide(places, 0, static_cast<std::int32_t>(n), -1);
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        columns_[axis].resize(n);
        for (std::size_t i = 0; i < n; ++i) columns_[axis][i] = places.post[axis][static_cast<std::size_t>(points_[i])];
    }
    fill_node_columns(places.n_axes);
}

void PlaceTree::fill_node_columns(std::size_t n_axes) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const PlaceNode& node = nodes_[i];
        for (std::size_t axis = 0; axis < n_axes; ++axis) {
            node_columns_.low[axis].push_back(node.low[axis]);
            node_columns_.high[axis].push_back(node.high[axis]);
        }
        const bool is_leaf = node.after == static_cast<std::int32_t>(i) + 1;
        node_columns_.divided_size.push_back(is_leaf ? -1.0 : static_cast<double>(node.size()));
    }
}

void PlaceTree::divide(const PlaceColumns& places, std::int32_t begin, std::int32_t end, std::int32_t section) {
    const std::int32_t n = end - begin;
    const std::size_t number = nodes_.size();
    if (section < 0 && n <= kSection) section = static_cast<std::int32_t>(number);
    PlaceNode node{{}, {}, begin, end, 0, section};
    std::size_t widest = 0;
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (std::int32_t i = begin; i < end; ++i) {
            const double at = places.post[axis][static_cast<std::size_t>(points_[static_cast<std::size_t>(i)])];
            low = std::min(low, at), high = std::max(high, at);
        }
        node.low[axis] = low, node.high[axis] = high;
        if (high - low > node.high[widest] - node.low[widest]) widest = axis;
    }
    nodes_.push_back(node);
    if (n > kLeaf) {
        const std::int32_t middle = begin + (n / 2 + kLeaf - 1) / kLeaf * kLeaf;
        const auto column = places.post[widest];
        std::nth_element(points_.begin() + begin, points_.begin() + middle, points_.begin() + end,
                         [&](std::int32_t a, std::int32_t b) {
                             const double at_a = column[static_cast<std::size_t>(a)], at_b = column[static_cast<std::size_t>(b)];
                             return at_a < at_b || (at_a == at_b && a < b);
                         });
        divide(places, begin, middle, section);
        divide(places, middle, end, section);
    } else {
        std::sort(points_.begin() + begin, points_.begin() + end);
    }
    nodes_[number].after = static_cast<std::int32_t>(nodes_.size());
}

}  // namespace pycosim
