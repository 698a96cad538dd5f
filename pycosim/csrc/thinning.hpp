/// Pairs that are connected with a probability that depends on their distance, at the cost of those that are connected.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bit_sorter.hpp"
#include "bounds.hpp"
#include "box_finder.hpp"
#include "candidates.hpp"
#include "columns.hpp"
#include "connect.hpp"
#include "crossings.hpp"
#include "distances.hpp"
#include "growing_memory.hpp"
#include "philox.hpp"
#include "place_tree.hpp"

namespace pycosim {

/// For each source, the targets are divided into boxes with an upper bound of the probability. Candidates are drawn with
/// this bound, and kept with the quotient of a bound for their own distance and that of the box; what remains (a number
/// to compare with the probability itself) is left to the caller.
///
/// The numbers of a source are those of its own counters in each section of the tree of all targets, in larger boxes
/// where hardly any candidate is expected, and in smaller ones where nearly all are: a process draws those that have any
/// of its targets.
class ThinnedRows {
public:
    ThinnedRows(Key key, const PlaceColumns& places, const BoundTable& table, Wanted wanted);
    ThinnedRows(const ThinnedRows&) = delete;  // columns of it are looked at from inside

    /// The distances of the candidates of the next sources: at least `n_enough`, or those of all that are left. They
    /// are there until the next call.
    std::span<const double> draw(std::size_t n_enough);

    /// Connects those of these candidates with a number below their probability.
    void keep(std::span<const double> probability, const Selves& selves);

    /// What was kept of all sources.
    Csr connected() const;

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

    void find_group();
    void add_units(std::span<const Box> boxes);
    void draw_dense(std::size_t source, std::span<const Box> boxes);
    void draw_sparse(std::size_t source, std::span<const Unit> units);
    std::size_t add_cells(const Unit& unit, const Numbers& numbers, std::size_t n);
    void make_room(std::size_t n);
    void take(std::size_t n);

    Key key_;
    std::array<LongColumn<double>, 3> sources_;
    PlaceColumns places_;  // of sources and of the tree's points
    PlaceColumns turned_;  // the same with the sides exchanged
    LongColumn<double> most_, hazard_;
    BoundTable table_;
    PlaceTree tree_;
    LongColumn<std::uint8_t> wanted_;  // by place in the tree; empty: all
    BoxFinder finder_;
    LongColumn<std::int32_t> order_;             // of the sources, in which they are drawn
    std::size_t n_drawn_ = 0, n_kept_ = 0;       // sources of which candidates are drawn, and chosen
    Candidates drawn_;
    BitSorter sorter_;
    GrowingColumn<std::int32_t> kept_;           // in this order
    LongColumn<std::int64_t> n_kept_of_;         // by source

    // Of sources that are looked at side by side.
    std::size_t first_found_ = 0, n_found_ = 0;
    std::array<std::size_t, BoxFinder::kSources + 1> first_unit_;
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
