#include "thinning.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

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

/// The sources in an order in which those near one another follow each other; `tree` is that of the targets.
LongColumn<std::int32_t> neighbours(const PlaceColumns& places, const PlaceTree& tree) {
    bool are_same = true;
    for (std::size_t axis = 0; axis < places.n_axes; ++axis)
        are_same = are_same && std::ranges::equal(places.pre[axis], places.post[axis]);
    if (are_same) return tree.points();
    PlaceColumns turned = places;
    std::swap(turned.pre, turned.post);
    return PlaceTree(turned).points();
}

}  // namespace

ThinnedRows::ThinnedRows(Key key, const PlaceColumns& places, const BoundTable& table, Wanted wanted)
    : key_(key),
      places_(places),
      most_(table.most.begin(), table.most.end()),
      hazard_(most_.size()),
      table_(table.base, most_),
      tree_(places),
      wanted_(wanted_points(tree_, wanted)),
      finder_(tree_, table_, wanted_nodes(tree_, wanted_)),
      order_(neighbours(places, tree_)),
      sorter_(places.post[0].size()),
      n_kept_of_(order_.size(), 0) {
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        sources_[axis].assign(places.pre[axis].begin(), places.pre[axis].end());
        places_.pre[axis] = sources_[axis];
        places_.post[axis] = tree_.column(axis);
    }
    make_room(kAtOnce);
    turned_ = places_;
    std::swap(turned_.pre, turned_.post);
    for (std::size_t e = 0; e < most_.size(); ++e) hazard_[e] = -std::log1p(-std::min(most_[e], 1.0));
}

/// Compares a number of each cell of these boxes with its bound.
void ThinnedRows::draw_dense(std::size_t source, std::span<const Box> boxes) {
    for (std::size_t k = 0; k < boxes.size();) {
        std::size_t n = 0, n_blocks = 0;
        for (bool is_whole = true; is_whole && k < boxes.size(); ++k) {
            const PlaceNode& node = tree_.nodes()[static_cast<std::size_t>(boxes[k].node)];
            const auto begin = static_cast<std::size_t>(node.begin), size = static_cast<std::size_t>(node.size());
            if (n + size > kAtOnce) break;
            squared_distances(turned_, source, begin, size, squares_.data() + n);
            std::iota(cells_.data() + n, cells_.data() + n + size, node.begin);
            const std::size_t n_more = (size + 1) / 2;
            std::fill_n(rows_.data() + n_blocks, n_more, static_cast<std::uint32_t>(boxes[k].node));
            std::iota(indices_.data() + n_blocks, indices_.data() + n_blocks + n_more, first_block(source));
            n += size, n_blocks += n_more;
            is_whole = size % 2 == 0;  // else half of its last block is nobody's
        }
        fill_numbers(key_, kDenseLane, {std::span(rows_).first(n_blocks), indices_.data()}, numbers_.data());
        take(n);
    }
}
void ThinnedRows::Numbers::resize(std::size_t n) {
    const std::size_t size = n + BlockList::kMore;
    if (size <= rows.size()) return;
    rows.resize(size), indices.resize(size), hazards.resize(size), marks.resize(size), found.resize(size);
}

/// A unit's numbers are those of the source's first blocks in its row.
void ThinnedRows::Numbers::set(const Unit& unit, std::size_t source) {
    constexpr std::size_t kLanes = 8;  // some places behind the last too: no loop for what is left
    static_assert(kLanes <= BlockList::kMore);
    std::uint32_t* const row = rows.data();
    std::uint64_t* const index = indices.data();
    const std::uint64_t before = first_block(source) - unit.first_number;
    for (std::size_t k = unit.first_number; k < unit.end_of_numbers; k += kLanes)
        for (std::size_t i = k; i < k + kLanes; ++i) row[i] = unit.row, index[i] = before + i;
}

void ThinnedRows::Numbers::make(Key key, std::size_t n) {
    fill_numbers(key, kSparseLane, {std::span(rows).first(n), indices.data()}, hazards.data(), marks.data());
    to_exponentials(hazards.data(), n);
}

/// Adds the units of a source: pieces that are drawn with the same counters, one after the other.
void ThinnedRows::add_units(std::span<const Box> boxes) {
    const std::size_t first = units_.size();
    const auto end_unit = [&] {
        if (units_.size() == first) return;
        Unit& unit = units_.back();
        unit.end_of_pieces = pieces_.size();
        unit.end_of_numbers = unit.first_number + n_expected(unit.hazard);
    };
    for (const Box& box : boxes) {
        const PlaceNode& node = tree_.nodes()[static_cast<std::size_t>(box.node)];
        const auto row = static_cast<std::uint32_t>(node.section < 0 ? box.node : node.section);
        if (units_.size() == first || units_.back().row != row) {
            end_unit();
            units_.push_back({row, pieces_.size(), 0, units_.empty() ? 0 : units_.back().end_of_numbers, 0, 0.0, 0});
        }
        const auto entry = static_cast<std::size_t>(box.entry);
        pieces_.push_back({static_cast<double>(node.begin), static_cast<double>(node.end), hazard_[entry], most_[entry]});
        units_.back().hazard += hazard_[entry] * node.size();
    }
    end_unit();
}

/// The boxes of the next sources, and the candidates in those with a small bound.
void ThinnedRows::find_group() {
    first_found_ = n_drawn_, n_found_ = std::min(BoxFinder::kSources, order_.size() - n_drawn_);
    finder_.find(places_, std::span(order_).subspan(first_found_, n_found_));
    pieces_.clear(), units_.clear();
    for (std::size_t k = 0; k < n_found_; ++k) {
        first_unit_[k] = units_.size();
        add_units(finder_.sparse(k));
    }
    first_unit_[n_found_] = units_.size();
    if (units_.empty()) return;
    const std::size_t n = units_.back().end_of_numbers;
    unit_numbers_.resize(n);
    for (std::size_t k = 0; k < n_found_; ++k)
        for (std::size_t u = first_unit_[k]; u < first_unit_[k + 1]; ++u)
            unit_numbers_.set(units_[u], static_cast<std::size_t>(order_[first_found_ + k]));
    unit_numbers_.make(key_, n);
    find_crossings(pieces_, units_, unit_numbers_.hazards.data(), unit_numbers_.found.data());
}

/// Adds the wanted ones of a unit's candidates to `n` others; returns how many there are now.
std::size_t ThinnedRows::add_cells(const Unit& unit, const Numbers& numbers, std::size_t n) {
    make_room(n + static_cast<std::size_t>(unit.n_found));
    for (std::size_t k = unit.first_number; k < unit.first_number + static_cast<std::size_t>(unit.n_found); ++k) {
        const auto [cell, piece] = numbers.found[k];
        cells_[n] = cell;
        numbers_[n] = numbers.marks[k] * pieces_[static_cast<std::size_t>(piece)].most;
        n += wanted_.empty() || wanted_[static_cast<std::size_t>(cell)];
    }
    return n;
}

void ThinnedRows::draw_sparse(std::size_t source, std::span<const Unit> units) {
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
            numbers.make(key_, alone.end_of_numbers);
            find_crossings(pieces_, {&alone, 1}, numbers.hazards.data(), numbers.found.data());
        }
        n = add_cells(alone, numbers, n);
    }
    squared_distances_of(turned_, source, std::span(cells_).first(n), squares_.data());
    take(n);
}

void ThinnedRows::make_room(std::size_t n) {
    if (n + BlockList::kMore <= cells_.size()) return;
    const std::size_t size = 2 * n + BlockList::kMore;
    rows_.resize(size), indices_.resize(size);
    cells_.resize(size), found_.resize(size);
    numbers_.resize(size), squares_.resize(size);
}

/// Adds those of the first `n` cells for which their own bound is no reason not to, if they are wanted.
void ThinnedRows::take(std::size_t n) {
    const std::size_t n_found = places_below_bounds(numbers_.data(), squares_.data(), n, table_, found_.data());
    const std::size_t before = drawn_.numbers.size();
    drawn_.resize(before + n_found);
    std::int32_t* const targets = drawn_.rows.targets.data();
    double *const numbers = drawn_.numbers.data(), *const distances = drawn_.distances.data();
    std::size_t end = before;
    for (std::size_t k = 0; k < n_found; ++k) {
        const auto found = static_cast<std::size_t>(found_[k]), cell = static_cast<std::size_t>(cells_[found]);
        targets[end] = tree_.point(cell);
        numbers[end] = numbers_[found];
        distances[end] = squares_[found];
        end += wanted_.empty() || wanted_[cell];
    }
    drawn_.resize(end);
}

std::span<const double> ThinnedRows::draw(std::size_t n_enough) {
    drawn_.resize(0);
    drawn_.rows.indptr.assign(1, 0);
    for (n_kept_ = n_drawn_; n_drawn_ < order_.size() && drawn_.numbers.size() < n_enough; ++n_drawn_) {
        if (n_drawn_ >= first_found_ + n_found_) find_group();
        const auto source = static_cast<std::size_t>(order_[n_drawn_]);
        const std::size_t k = n_drawn_ - first_found_;
        const auto units = std::span(units_).subspan(first_unit_[k], first_unit_[k + 1] - first_unit_[k]);
        if (!finder_.dense(k).empty()) draw_dense(source, finder_.dense(k));
        if (!units.empty()) draw_sparse(source, units);
        drawn_.end_row();
    }
    if (drawn_.numbers.empty()) n_kept_ = n_drawn_;
    drawn_.finish();
    return drawn_.distances;
}

void ThinnedRows::keep(std::span<const double> probability, const Selves& selves) {
    const std::size_t n = drawn_.numbers.size();
    if (probability.size() != n) throw std::invalid_argument("each candidate needs a probability");
    if (!selves.rows.empty() && (selves.rows.size() != order_.size() || selves.columns.size() != places_.post[0].size()))
        throw std::invalid_argument("the neurons of all rows and columns are needed");
    found_.resize(std::max(found_.size(), n + BlockList::kMore));
    const std::size_t n_found = places_below(drawn_.numbers.data(), probability.data(), n, found_.data());
    std::size_t k = 0;
    for (std::size_t row = 0; n_kept_ < n_drawn_; ++row, ++n_kept_) {
        const auto source = static_cast<std::size_t>(order_[n_kept_]);
        const std::int64_t end = drawn_.rows.indptr[row + 1];
        std::size_t n_row = 0;
        for (; k < n_found && found_[k] < end; ++k) {
            const std::int32_t target = drawn_.rows.targets[static_cast<std::size_t>(found_[k])];
            if (!selves.rows.empty() && selves.rows[source] == selves.columns[static_cast<std::size_t>(target)]) continue;
            sorter_.add(target), ++n_row;
        }
        sorter_.take(kept_.extend(n_row, BitSorter::kMore));
        n_kept_of_[source] = static_cast<std::int64_t>(n_row);
    }
}

Csr ThinnedRows::connected() const {
    if (n_kept_ != order_.size()) throw std::logic_error("the candidates of all sources come first");
    Csr result{LongColumn<std::int64_t>(order_.size() + 1, 0), LongColumn<std::int32_t>(kept_.size())};
    std::partial_sum(n_kept_of_.begin(), n_kept_of_.end(), result.indptr.begin() + 1);
    const std::int32_t* row = kept_.data();
    for (const std::int32_t source : order_) {
        const auto n = n_kept_of_[static_cast<std::size_t>(source)];
        std::copy_n(row, n, result.targets.begin() + result.indptr[static_cast<std::size_t>(source)]);
        row += n;
    }
    return result;
}

}  // namespace pycosim
