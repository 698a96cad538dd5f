#include "place_tree.hpp"

#include <algorithm>
#include <cmath>
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
}

void PlaceTree::divide(const PlaceColumns& places, std::int32_t begin, std::int32_t end, std::int32_t section) {
    const std::int32_t n = end - begin;
    if (section < 0 && n <= kSection) section = n_sections_++;
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
    const std::size_t number = nodes_.size();
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

namespace {

/// The distance along a periodic axis falls from half a period to a whole one, and rises everywhere else.
double around(double size, double period) { return std::fabs(std::min(size, period - size)); }

}  // namespace

SquareLimits square_limits(const PlaceColumns& places, std::size_t pre, const PlaceNode& node) {
    SquareLimits limits{0, 0};
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        const double at = places.pre[axis][pre], period = places.period[axis];
        const double from_low = std::fabs(at - node.low[axis]), from_high = std::fabs(at - node.high[axis]);
        const bool is_inside = node.low[axis] <= at && at <= node.high[axis];
        const double least = is_inside ? 0.0 : std::min(from_low, from_high), largest = std::max(from_low, from_high);
        double near = least, far = largest;
        if (period < std::numeric_limits<double>::infinity()) {
            const double a = around(least, period), b = around(largest, period), half = period / 2;
            near = least <= period && period <= largest ? 0.0 : std::min(a, b);
            far = std::max(least <= half && half <= largest ? half : a, std::max(a, b));
        }
        limits.least += near * near;
        limits.largest += far * far;
    }
    return limits;
}

}  // namespace pycosim
