#include "thinning.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "clones.hpp"

namespace pycosim {
namespace {

constexpr std::uint32_t kSparseLane = 0, kDenseLane = 1;
// Cells with a number each that are worked on at the same time.
constexpr std::size_t kAtOnce = PlaceTree::kSection;

/// -ln of a number in (0, 1]: 2 atanh(s), s = (1 - m) / (1 + m); |s| < 0.172, so that what is left out is below 1e-17.
inline double minus_log(double number) {
    constexpr std::uint64_t root = std::bit_cast<std::uint64_t>(0.70710678118654752), one = 0x3FF0000000000000;
    const std::uint64_t above = std::bit_cast<std::uint64_t>(number) + (one - root);
    const double m = std::bit_cast<double>((above & 0x000FFFFFFFFFFFFF) + root);
    // the exponent, as an integer in the lower bits of a large number
    const double e = std::bit_cast<double>(std::bit_cast<std::uint64_t>(0x1p52) | above >> 52) - (0x1p52 + 1023.0);
    const double s = (1.0 - m) / (1.0 + m), square = s * s;
    double sum = 2.0 / 21.0;
    for (int k = 19; k >= 1; k -= 2) sum = sum * square + 2.0 / k;
    return s * sum - e * 0.69314718055994531;
}

/// The first of a source's blocks in each row of counters.
std::uint64_t first_block(std::size_t source) { return static_cast<std::uint64_t>(source) << 32; }

/// How many numbers hardly ever fall short of those that candidates of this hazard take, and the one behind them.
std::size_t n_expected(double hazard) {
    return 1 + static_cast<std::size_t>(hazard + 1.75 * std::sqrt(hazard) + 0.5);
}

/// Turns numbers in [0, 1) into exponentially distributed ones.
PYCOSIM_SIMD_CLONES
void to_exponentials(double* numbers, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) numbers[i] = minus_log(1.0 - numbers[i]);
}

/// For each point in the order of the tree whether it is wanted; empty: all.
LongColumn<std::uint8_t> wanted_points(const PlaceTree& tree, Wanted wanted) {
    LongColumn<std::uint8_t> result(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) result[i] = wanted[static_cast<std::size_t>(tree.point(i))];
    return result;
}

/// For each node whether any of its points is.
std::vector<std::uint8_t> wanted_nodes(const PlaceTree& tree, const LongColumn<std::uint8_t>& wanted) {
    std::vector<std::uint8_t> result(tree.nodes().size(), 1);
    for (std::size_t i = 0; i < result.size() && !wanted.empty(); ++i) {
        const PlaceNode& node = tree.nodes()[i];
        result[i] = std::any_of(wanted.begin() + node.begin, wanted.begin() + node.end, [](auto w) { return w != 0; });
    }
    return result;
}

}  // namespace

BoundedPairs::BoundedPairs(Key key, const PlaceColumns& places, const BoundTable& table)
    : key_(key),
      places_(places),
      most_(table.most.begin(), table.most.end()),
      hazard_(most_.size()),
      table_(table.base, most_),
      tree_(places) {
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) places_.post[axis] = tree_.column(axis);
    turned_ = turned(places_);
    for (std::size_t e = 0; e < most_.size(); ++e) hazard_[e] = -std::log1p(-std::min(most_[e], 1.0));
}

std::size_t BoundedPairs::n_bytes() const {
    const std::size_t of_target = places_.n_axes * sizeof(double) + sizeof(std::int32_t);
    const std::size_t of_node = sizeof(PlaceNode) + (2 * places_.n_axes + 1) * sizeof(double);
    return n_targets() * of_target + tree_.nodes().size() * of_node + 2 * most_.size() * sizeof(double);
}

CandidateDrawer::CandidateDrawer(const BoundedPairs& pairs, Wanted wanted, std::size_t n_together)
    : pairs_(pairs),
      wanted_(wanted_points(pairs.tree(), wanted)),
      finder_(pairs.tree(), pairs.table(), wanted_nodes(pairs.tree(), wanted_), n_together) {
    make_room(kAtOnce);
}

/// Compares a number of each cell of these boxes with its bound.
void CandidateDrawer::draw_dense(std::size_t source, std::span<const Box> boxes, Candidates& candidates) {
    for (std::size_t k = 0; k < boxes.size();) {
        std::size_t n = 0, n_blocks = 0;
        for (bool is_whole = true; is_whole && k < boxes.size(); ++k) {
            const PlaceNode& node = pairs_.tree().nodes()[static_cast<std::size_t>(boxes[k].node)];
            const auto begin = static_cast<std::size_t>(node.begin), size = static_cast<std::size_t>(node.size());
            if (n + size > kAtOnce) break;
            squared_distances(pairs_.turned_places(), source, begin, size, squares_.data() + n);
            std::iota(cells_.data() + n, cells_.data() + n + size, node.begin);
            const std::size_t n_more = (size + 1) / 2;
            std::fill_n(rows_.data() + n_blocks, n_more, static_cast<std::uint32_t>(boxes[k].node));
            std::iota(indices_.data() + n_blocks, indices_.data() + n_blocks + n_more, first_block(source));
            n += size, n_blocks += n_more;
            is_whole = size % 2 == 0;  // else half of its last block is nobody's
        }
        fill_numbers(pairs_.key(), kDenseLane, {std::span(rows_).first(n_blocks), indices_.data()}, numbers_.data());
        take_first(n, candidates);
    }
}

void CandidateDrawer::Numbers::resize(std::size_t n) {
    const std::size_t size = n + BlockList::kMore;
    if (size <= rows.size()) return;
    rows.resize(size), indices.resize(size), hazards.resize(size), marks.resize(size), found.resize(size);
}

/// A unit's numbers are those of the source's first blocks in its row.
void CandidateDrawer::Numbers::set(const Unit& unit, std::size_t source) {
    constexpr std::size_t kLanes = 8;  // some places behind the last too: no loop for what is left
    static_assert(kLanes <= BlockList::kMore);
    std::uint32_t* const row = rows.data();
    std::uint64_t* const index = indices.data();
    const std::uint64_t before = first_block(source) - unit.first_number;
    for (std::size_t k = unit.first_number; k < unit.end_of_numbers; k += kLanes)
        for (std::size_t i = k; i < k + kLanes; ++i) row[i] = unit.row, index[i] = before + i;
}

void CandidateDrawer::Numbers::make(Key key, std::size_t n) {
    fill_numbers(key, kSparseLane, {std::span(rows).first(n), indices.data()}, hazards.data(), marks.data());
    to_exponentials(hazards.data(), n);
}

/// Adds the units of a source: pieces that are drawn with the same counters, one after the other.
void CandidateDrawer::add_units(std::span<const Box> boxes) {
    const std::span<const double> hazard = pairs_.hazard(), most = pairs_.table().most;
    const std::size_t first = units_.size();
    const auto end_unit = [&] {
        if (units_.size() == first) return;
        Unit& unit = units_.back();
        unit.end_of_pieces = pieces_.size();
        unit.end_of_numbers = unit.first_number + n_expected(unit.hazard);
    };
    for (const Box& box : boxes) {
        const PlaceNode& node = pairs_.tree().nodes()[static_cast<std::size_t>(box.node)];
        const auto row = static_cast<std::uint32_t>(node.section < 0 ? box.node : node.section);
        if (units_.size() == first || units_.back().row != row) {
            end_unit();
            units_.push_back({row, pieces_.size(), 0, units_.empty() ? 0 : units_.back().end_of_numbers, 0, 0.0, 0});
        }
        const auto entry = static_cast<std::size_t>(box.entry);
        pieces_.push_back({static_cast<double>(node.begin), static_cast<double>(node.end), hazard[entry], most[entry]});
        units_.back().hazard += hazard[entry] * node.size();
    }
    end_unit();
}

void CandidateDrawer::find(std::span<const std::int32_t> sources) {
    sources_.assign(sources.begin(), sources.end());
    finder_.find(pairs_.places(), sources);
    pieces_.clear(), units_.clear(), first_unit_.clear();
    for (std::size_t k = 0; k < sources.size(); ++k) {
        first_unit_.push_back(units_.size());
        add_units(finder_.sparse(k));
    }
    first_unit_.push_back(units_.size());
    if (units_.empty()) return;
    const std::size_t n = units_.back().end_of_numbers;
    unit_numbers_.resize(n);
    for (std::size_t k = 0; k < sources.size(); ++k)
        for (std::size_t u = first_unit_[k]; u < first_unit_[k + 1]; ++u)
            unit_numbers_.set(units_[u], static_cast<std::size_t>(sources[k]));
    unit_numbers_.make(pairs_.key(), n);
    find_crossings(pieces_, units_, unit_numbers_.hazards.data(), unit_numbers_.found.data());
}

void CandidateDrawer::take(std::size_t k, Candidates& candidates) {
    const auto source = static_cast<std::size_t>(sources_[k]);
    const auto units = std::span(units_).subspan(first_unit_[k], first_unit_[k + 1] - first_unit_[k]);
    if (!finder_.dense(k).empty()) draw_dense(source, finder_.dense(k), candidates);
    if (!units.empty()) draw_sparse(source, units, candidates);
}

/// Adds the wanted ones of a unit's candidates to `n` others; returns how many there are now.
std::size_t CandidateDrawer::add_cells(const Unit& unit, const Numbers& numbers, std::size_t n) {
    make_room(n + static_cast<std::size_t>(unit.n_found));
    for (std::size_t k = unit.first_number; k < unit.first_number + static_cast<std::size_t>(unit.n_found); ++k) {
        const auto [cell, piece] = numbers.found[k];
        cells_[n] = cell;
        numbers_[n] = numbers.marks[k] * pieces_[static_cast<std::size_t>(piece)].most;
        n += wanted_.empty() || wanted_[static_cast<std::size_t>(cell)];
    }
    return n;
}

void CandidateDrawer::draw_sparse(std::size_t source, std::span<const Unit> units, Candidates& candidates) {
    std::size_t n = 0;
    for (const Unit& unit : units) {
        if (unit.n_found >= 0) {
            n = add_cells(unit, unit_numbers_, n);
            continue;
        }
        Unit alone = unit;
        alone.first_number = 0, alone.end_of_numbers = unit.end_of_numbers - unit.first_number;
        Numbers numbers;
        while (alone.n_found < 0) {
            alone.end_of_numbers *= 2;
            numbers.resize(alone.end_of_numbers);
            numbers.set(alone, source);
            numbers.make(pairs_.key(), alone.end_of_numbers);
            find_crossings(pieces_, {&alone, 1}, numbers.hazards.data(), numbers.found.data());
        }
        n = add_cells(alone, numbers, n);
    }
    squared_distances_of(pairs_.turned_places(), source, std::span(cells_).first(n), squares_.data());
    take_first(n, candidates);
}

void CandidateDrawer::make_room(std::size_t n) {
    if (n + BlockList::kMore <= cells_.size()) return;
    const std::size_t size = 2 * n + BlockList::kMore;
    rows_.resize(size), indices_.resize(size);
    cells_.resize(size), found_.resize(size);
    numbers_.resize(size), squares_.resize(size);
}

/// Adds those of the first `n` cells for which their own bound is no reason not to, if they are wanted.
void CandidateDrawer::take_first(std::size_t n, Candidates& candidates) {
    const std::size_t n_found = places_below_bounds(numbers_.data(), squares_.data(), n, pairs_.table(), found_.data());
    const std::size_t before = candidates.numbers.size();
    candidates.resize(before + n_found);
    std::int32_t* const targets = candidates.rows.targets.data();
    double *const numbers = candidates.numbers.data(), *const distances = candidates.distances.data();
    std::size_t end = before;
    for (std::size_t k = 0; k < n_found; ++k) {
        const auto found = static_cast<std::size_t>(found_[k]), cell = static_cast<std::size_t>(cells_[found]);
        targets[end] = pairs_.tree().point(cell);
        numbers[end] = numbers_[found];
        distances[end] = squares_[found];
        end += wanted_.empty() || wanted_[cell];
    }
    candidates.resize(end);
}

}  // namespace pycosim
