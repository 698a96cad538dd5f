/// Which boxes of a tree of points are worked on as a whole for a source, by the bounds of a probability inside them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bounds.hpp"
#include "columns.hpp"
#include "distances.hpp"
#include "place_tree.hpp"

namespace pycosim {

/// A box, and the entry of the largest bound in it.
struct Box {
    std::int32_t node, entry;
};

/// Looks through the tree for several sources side by side. Those that are near one another open the same boxes.
class BoxFinder {
public:
    static constexpr std::size_t kSources = 8;

    /// Keeps references to the tree and to what the table refers to. `wanted`: for each node, whether any of its points is.
    /// Up to `n_together` sources, at most kSources, are looked for together.
    BoxFinder(const PlaceTree& tree, const BoundTable& table, std::vector<std::uint8_t> wanted, std::size_t n_together);

    /// For the sources `which` of places.pre.
    void find(const PlaceColumns& places, std::span<const std::int32_t> which);

    /// Of the k-th of them, boxes with a large bound and with a small one, in the order of the tree.
    std::span<const Box> dense(std::size_t k) const { return {dense_.data() + k * n_nodes(), counts_[k].dense}; }
    std::span<const Box> sparse(std::size_t k) const { return {sparse_.data() + k * n_nodes(), counts_[k].sparse}; }

    std::size_t n_bytes() const { return wanted_.size() + 2 * dense_.size() * sizeof(Box); }

private:
    struct Counts {
        std::size_t dense, sparse;
    };

    std::size_t n_nodes() const { return tree_.nodes().size(); }
    std::size_t largest(std::size_t first_entry, std::size_t last_entry) const;
    bool is_whole(const PlaceNode& node, std::int32_t number, double most, const SquareLimits& limits) const;
    void add(std::size_t k, const Box& box, double most);
    template <std::size_t n_axes, bool is_periodic>
    void find_in_section(const PlaceColumns& places, std::size_t source, std::int32_t section, std::size_t k);
    template <std::size_t n_axes, bool is_periodic>
    void find_of(const PlaceColumns& places, std::span<const std::int32_t> which);
    template <std::size_t n_axes, bool is_periodic>
    void find_one(const PlaceColumns& places, std::size_t source, std::size_t k);
    template <std::size_t n_axes, bool is_periodic>
    void find_side_by_side(const PlaceColumns& places, std::span<const std::int32_t> which);

    const PlaceTree& tree_;
    BoundTable table_;
    bool falls_;                                      // with the distance
    std::vector<std::vector<std::int32_t>> largest_;  // [k][e]: that with the largest bound of 2^k entries from e on
    std::vector<std::uint8_t> wanted_;
    LongColumn<Box> dense_, sparse_;  // room for all nodes of each source
    std::array<Counts, kSources> counts_;

    /// What to do with a box.
    enum Verdict : std::uint8_t { nothing, opened, whole };
    // Of all nodes of a section: the entry of the largest bound, the bound, and the verdict.
    std::vector<std::int32_t> entries_;
    std::vector<double> bounds_;
    std::vector<Verdict> verdicts_;
};

}  // namespace pycosim
