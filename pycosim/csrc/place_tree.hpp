/// Points in a tree of boxes, so that those near to a place, or all that are far away, are found together.
#pragma once

#include <array>
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
    std::int32_t section;  ///< to which it belongs; -1 above them
};

class PlaceTree {
public:
    /// Points of a node that is not divided, and of a section: 16 points are worked on side by side.
    static constexpr std::int32_t kLeaf = 32, kSection = 1024;

    /// Of the points `post` of these places; it depends on them only.
    explicit PlaceTree(const PlaceColumns& places);

    /// Nodes before their parts, from one end to the other.
    const std::vector<PlaceNode>& nodes() const { return nodes_; }
    std::int32_t n_sections() const { return n_sections_; }

    /// Which point is at a place in the order of the tree, and a column of coordinates in this order.
    std::int32_t point(std::size_t place) const { return points_[place]; }
    const LongColumn<double>& column(std::size_t axis) const { return columns_[axis]; }

private:
    void divide(const PlaceColumns& places, std::int32_t begin, std::int32_t end, std::int32_t section);

    std::vector<PlaceNode> nodes_;
    std::int32_t n_sections_ = 0;
    LongColumn<std::int32_t> points_;
    std::array<LongColumn<double>, 3> columns_;
};

/// The squared distances between a point and a box: no smaller and no larger one is computed.
struct SquareLimits {
    double least, largest;
};
SquareLimits square_limits(const PlaceColumns& places, std::size_t pre, const PlaceNode& node);

}  // namespace pycosim
