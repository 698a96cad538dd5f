/// Points in a tree of boxes, so that those near to a place, or all that are far away, are found together.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "columns.hpp"
#include "distances.hpp"

namespace pycosim {

/// A box around the points begin to before end, in the order of the tree.
struct PlaceNode {
    std::array<double, 3> low, high;
    std::int32_t begin, end;
    std::int32_t after;    ///< the node that follows if this one is not opened; the next one is its first part
    std::int32_t section;  ///< the first node of the section to which it belongs; -1 above sections

    std::int32_t size() const { return end - begin; }
};

class PlaceTree {
public:
    /// Points of a node that is not divided, and of a section: 16 points are worked on side by side.
    static constexpr std::int32_t kLeaf = 32, kSection = 1024;

    /// Of the points `post` of these places; it depends on them only.
    explicit PlaceTree(const PlaceColumns& places);

    /// Nodes before their parts, from one end to the other.
    const std::vector<PlaceNode>& nodes() const { return nodes_; }

    /// The same as columns: ends along each axis, and the number of points, -1 of nodes that are not divided.
    struct NodeColumns {
        std::array<LongColumn<double>, 3> low, high;
        LongColumn<double> divided_size;
    };
    const NodeColumns& node_columns() const { return node_columns_; }

    /// All points in the order of the tree.
    const LongColumn<std::int32_t>& points() const { return points_; }

    /// Which point is at a place in the order of the tree, and a column of coordinates in this order.
    std::int32_t point(std::size_t place) const { return points_[place]; }
    const LongColumn<double>& column(std::size_t axis) const { return columns_[axis]; }

private:
    void divide(const PlaceColumns& places, std::int32_t begin, std::int32_t end, std::int32_t section);

    void fill_node_columns(std::size_t n_axes);

    std::vector<PlaceNode> nodes_;
    NodeColumns node_columns_;
    LongColumn<std::int32_t> points_;
    std::array<LongColumn<double>, 3> columns_;
};

/// Of what is computed for a point and those of a box, no squared distance is smaller or larger.
struct SquareLimits {
    double least, largest;
};

/// The distance along a periodic axis falls from half a period to a whole one, and rises everywhere else.
inline double around(double size, double period) { return std::fabs(std::min(size, period - size)); }

template <std::size_t n_axes, bool is_periodic>
inline SquareLimits square_limits(const std::array<double, n_axes>& at, const std::array<double, 3>& periods,
                                  const PlaceNode& node) {
    SquareLimits limits{0, 0};
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
        const double from_low = at[axis] - node.low[axis], from_high = at[axis] - node.high[axis];
        double near = std::max(std::max(-from_low, from_high), 0.0), far = std::max(from_low, -from_high);
        if constexpr (is_periodic) {
            const double period = periods[axis], half = period / 2;  // of infinity where there is none
            const double first = around(near, period), last = around(far, period);
            const bool has_half = near <= half && half <= far, has_whole = near <= period && period <= far;
            near = has_whole ? 0.0 : std::min(first, last);
            far = std::max(has_half ? half : first, std::max(first, last));
        }
        limits.least += near * near;
        limits.largest += far * far;
    }
    return limits;
}

}  // namespace pycosim
