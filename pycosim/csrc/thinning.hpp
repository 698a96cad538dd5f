/// Candidates for pairs that are connected with a probability that depends on their distance, at the cost of those that are
/// connected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bounds.hpp"
#include "box_finder.hpp"
#include "candidates.hpp"
#include "columns.hpp"
#include "connect.hpp"
#include "crossings.hpp"
#include "distances.hpp"
#include "philox.hpp"
#include "place_tree.hpp"

namespace pycosim {

/// Pairs with upper bounds of their probabilities, and what all that draw candidates of them have in common.
class BoundedPairs {
public:
    /// Keeps references to the places of the sources.
    BoundedPairs(Key key, const PlaceColumns& places, const BoundTable& table);
    BoundedPairs(const BoundedPairs&) = delete;  // columns of it are looked at from inside

    Key key() const { return key_; }
    std::size_t n_sources() const { return places_.pre[0].size(); }
    std::size_t n_targets() const { return places_.post[0].size(); }
    /// Targets are in the order of the tree.
    const PlaceColumns& places() const { return places_; }
    const PlaceColumns& turned_places() const { return turned_; }  ///< with the sides exchanged
    const BoundTable& table() const { return table_; }
    /// -ln(1 - p) of the bounds.
    std::span<const double> hazard() const { return hazard_; }
    const PlaceTree& tree() const { return tree_; }
    std::size_t n_bytes() const;

private:
    Key key_;
    PlaceColumns places_, turned_;
    LongColumn<double> most_, hazard_;
    BoundTable table_;
    PlaceTree tree_;
};

/// For each source, the targets are divided into boxes with an upper bound of the probability. Candidates are drawn with
/// this bound, and kept with the quotient of a bound for their own distance and that of the box; what remains (a number
/// to compare with the probability itself) is left to the caller.
///
/// The numbers of a source are those of its own counters in each section of the tree of all targets, in larger boxes
/// where hardly any candidate is expected, and in smaller ones where nearly all are: a process draws those that have any
/// of its targets.
class CandidateDrawer {
public:
    /// The pairs must outlive it. Up to `n_together` sources are looked at together.
    CandidateDrawer(const BoundedPairs& pairs, Wanted wanted, std::size_t n_together);
    CandidateDrawer(const CandidateDrawer&) = delete;  // columns of it are looked at from inside

    /// Looks for the candidates of these sources.
    void find(std::span<const std::int32_t> sources);
    /// Appends those of the k-th of them, with squared distances, in any order.
    void take(std::size_t k, Candidates& candidates);

    std::size_t n_bytes() const { return wanted_.size() + finder_.n_bytes(); }

private:
    /// Blocks of many units, and what was made of them.
    struct Numbers {
        std::vector<std::uint32_t> rows;
        std::vector<std::uint64_t> indices;
        std::vector<double> hazards, marks;
        std::vector<Crossing> found;

        void resize(std::size_t n);
        void set(const Unit& unit, std::size_t source);
        void make(Key key, std::size_t n);
    };

    void add_units(std::span<const Box> boxes);
    void draw_dense(std::size_t source, std::span<const Box> boxes, Candidates& candidates);
    void draw_sparse(std::size_t source, std::span<const Unit> units, Candidates& candidates);
    std::size_t add_cells(const Unit& unit, const Numbers& numbers, std::size_t n);
    void make_room(std::size_t n);
    void take_first(std::size_t n, Candidates& candidates);

    const BoundedPairs& pairs_;
    LongColumn<std::uint8_t> wanted_;  // by place in the tree; empty: all
    BoxFinder finder_;

    // Of the sources that are looked at together.
    std::vector<std::int32_t> sources_;
    std::vector<std::size_t> first_unit_;
    std::vector<Piece> pieces_;
    std::vector<Unit> units_;
    Numbers unit_numbers_;

    // Cells with a number to compare with their bounds: by place in the tree.
    std::vector<std::int32_t> cells_, found_;
    std::vector<double> numbers_, squares_;
    std::vector<std::uint32_t> rows_;
    std::vector<std::uint64_t> indices_;
};

}  // namespace pycosim
