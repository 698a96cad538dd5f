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

// From this probability on a number for each pair is cheaper than gaps between candidates.
constexpr double kDense = 0.25;
// So many candidates more are cheaper than to look at the two parts of a box.
constexpr double kInVain = 1.5;
// Boxes above sections in which fewer candidates are expected have counters of their own.
constexpr double kFew = 0.02;
constexpr std::uint32_t kSparseLane = 0, kDenseLane = 1;
// Numbers that are made where those that were expected to suffice do not.
constexpr std::size_t kAhead = 16;
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

}  // namespace

ThinnedRows::ThinnedRows(Key key, const PlaceColumns& places, const BoundTable& table, Wanted wanted)
    : key_(key),
      places_(places),
      most_(table.most.begin(), table.most.end()),
      hazard_(most_.size()),
      table_(table.base, most_),
      falls_(std::is_sorted(most_.rbegin(), most_.rend())),
      tree_(places),
      node_wanted_(tree_.nodes().size(), 1) {
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        sources_[axis].assign(places.pre[axis].begin(), places.pre[axis].end());
        places_.pre[axis] = sources_[axis];
        places_.post[axis] = tree_.column(axis);
        is_periodic_ = is_periodic_ || places.period[axis] < std::numeric_limits<double>::infinity();
    }
    make_room(kAtOnce);
    turned_ = places_;
    std::swap(turned_.pre, turned_.post);
    for (std::size_t e = 0; e < most_.size(); ++e) hazard_[e] = -std::log1p(-std::min(most_[e], 1.0));
    if (!falls_) {
        largest_.emplace_back(most_.size());
        for (std::size_t e = 0; e < most_.size(); ++e) largest_[0][e] = static_cast<std::int32_t>(e);
        for (std::size_t width = 2; width <= most_.size(); width *= 2) {
            const auto& half = largest_.back();
            std::vector<std::int32_t> whole(most_.size() - width + 1);
            for (std::size_t e = 0; e < whole.size(); ++e) {
                const std::int32_t a = half[e], b = half[e + width / 2];
                whole[e] = most_[static_cast<std::size_t>(a)] >= most_[static_cast<std::size_t>(b)] ? a : b;
            }
            largest_.push_back(std::move(whole));
        }
    }
    if (wanted.empty()) return;
    wanted_.resize(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted_[i] = wanted[static_cast<std::size_t>(tree_.point(i))];
    for (std::size_t i = 0; i < node_wanted_.size(); ++i) {
        const PlaceNode& node = tree_.nodes()[i];
        node_wanted_[i] = std::any_of(wanted_.begin() + node.begin, wanted_.begin() + node.end, [](auto w) { return w != 0; });
    }
}

/// Returns the entry with the largest bound of those from `first` to `last`, both included.
std::size_t ThinnedRows::largest(std::size_t first, std::size_t last) const {
    if (falls_) return first;
    const auto power = static_cast<std::size_t>(std::bit_width(last - first + 1) - 1);
    const auto a = static_cast<std::size_t>(largest_[power][first]);
    const auto b = static_cast<std::size_t>(largest_[power][last + 1 - (std::size_t{1} << power)]);
    return most_[a] >= most_[b] ? a : b;
}

template <std::size_t n_axes, bool is_periodic>
void ThinnedRows::find_boxes_of(std::size_t source) {
    std::array<double, n_axes> at;
    for (std::size_t axis = 0; axis < n_axes; ++axis) at[axis] = places_.pre[axis][source];
    const auto n_nodes = static_cast<std::int32_t>(tree_.nodes().size());
    for (std::int32_t i = 0; i < n_nodes;) {
        const PlaceNode& node = tree_.nodes()[static_cast<std::size_t>(i)];
        const SquareLimits limits = square_limits<n_axes, is_periodic>(at, places_.period, node);
        const std::size_t entry = largest(static_cast<std::size_t>(table_.entry(limits.least)),
                                          static_cast<std::size_t>(table_.entry(limits.largest)));
        const double most = most_[entry];
        const bool is_above = node.section < 0, is_apart = is_above || node.section == i;
        if (most == 0 || (is_apart && !node_wanted_[static_cast<std::size_t>(i)])) {
            i = node.after;
            continue;
        }
        const double typical = most_[static_cast<std::size_t>(table_.entry((limits.least + limits.largest) / 2))];
        const bool is_dense = most >= kDense, is_leaf = node.after == i + 1;
        const bool is_whole = is_above   ? most * node.size() <= kFew
                              : is_dense ? is_leaf || typical >= kDense
                                         : is_leaf || (most - typical) * node.size() <= kInVain;
        if (!is_whole) {
            ++i;
            continue;
        }
        (is_dense ? dense_ : sparse_).push_back({i, static_cast<std::int32_t>(entry)});
        i = node.after;
    }
}

void ThinnedRows::find_boxes(std::size_t source) {
    dense_.clear(), sparse_.clear();
    const auto find = [&]<std::size_t n_axes>() {
        is_periodic_ ? find_boxes_of<n_axes, true>(source) : find_boxes_of<n_axes, false>(source);
    };
    if (places_.n_axes == 1) find.operator()<1>();
    else if (places_.n_axes == 2) find.operator()<2>();
    else find.operator()<3>();
}

/// Compares a number of each cell of these boxes with its bound.
void ThinnedRows::draw_dense(std::size_t source, Candidates& out) {
    for (std::size_t k = 0; k < dense_.size();) {
        std::size_t n = 0, n_blocks = 0;
        for (bool is_whole = true; is_whole && k < dense_.size(); ++k) {
            const PlaceNode& node = tree_.nodes()[static_cast<std::size_t>(dense_[k].node)];
            const auto begin = static_cast<std::size_t>(node.begin), size = static_cast<std::size_t>(node.size());
            if (n + size > kAtOnce) break;
            squared_distances(turned_, source, begin, size, squares_.data() + n);
            std::iota(cells_.data() + n, cells_.data() + n + size, node.begin);
            const std::size_t n_more = (size + 1) / 2;
            std::fill_n(rows_.data() + n_blocks, n_more, static_cast<std::uint32_t>(dense_[k].node));
            std::iota(indices_.data() + n_blocks, indices_.data() + n_blocks + n_more, first_block(source));
            n += size, n_blocks += n_more;
            is_whole = size % 2 == 0;  // else half of its last block is nobody's
        }
        fill_numbers(key_, kDenseLane, {std::span(rows_).first(n_blocks), indices_.data()}, numbers_.data());
        take(n, out);
    }
}
/// The units of a source, their pieces, and the blocks that their numbers are made of.
void ThinnedRows::find_units(std::size_t source) {
    pieces_.clear(), units_.clear();
    double hazard = 0;
    std::size_t n = 0;
    const auto end_unit = [&] {
        if (units_.empty()) return;
        units_.back().end = pieces_.size();
        units_.back().end_of_numbers = n += n_expected(hazard);
    };
    for (const Box& box : sparse_) {
        const PlaceNode& node = tree_.nodes()[static_cast<std::size_t>(box.node)];
        const auto row = static_cast<std::uint32_t>(node.section < 0 ? box.node : node.section);
        if (units_.empty() || units_.back().row != row) {
            end_unit();
            units_.push_back({row, 0, n, 0});
            hazard = 0;
        }
        const auto entry = static_cast<std::size_t>(box.entry);
        pieces_.push_back({node.begin, node.end, most_[entry], hazard_[entry]});
        hazard += hazard_[entry] * node.size();
    }
    end_unit();
    make_room(n);
    for (const Unit& unit : units_) {
        const std::size_t n_blocks = unit.end_of_numbers - unit.first_number;
        std::fill_n(rows_.data() + unit.first_number, n_blocks, unit.row);
        std::iota(indices_.data() + unit.first_number, indices_.data() + unit.first_number + n_blocks, first_block(source));
    }
}

/// Adds the candidates of a unit to `n` others: cell by cell the hazards add up, and where a sum of exponentially
/// distributed numbers is crossed is a candidate. So it is one with probability 1 - exp(-hazard), whatever the others are.
std::size_t ThinnedRows::draw_unit(std::size_t source, std::size_t piece, const Unit& unit, std::size_t n) {
    std::array<double, kAhead + BlockList::kMore> more_hazards, more_marks;
    const double *hazards = hazards_.data() + unit.first_number, *marks = marks_.data() + unit.first_number;
    std::size_t n_there = unit.end_of_numbers - unit.first_number, n_before = 0;
    std::int32_t next = pieces_[piece].begin;
    for (std::size_t k = 0;; ++k) {
        if (k == n_there) {
            n_before += n_there, k = 0, n_there = kAhead;
            std::array<std::uint64_t, kAhead> indices;
            std::array<std::uint32_t, kAhead> rows;
            rows.fill(unit.row);
            std::iota(indices.begin(), indices.end(), first_block(source) + n_before);
            fill_numbers(key_, kSparseLane, {rows, indices.data()}, more_hazards.data(), more_marks.data());
            to_exponentials(more_hazards.data(), kAhead);
            hazards = more_hazards.data(), marks = more_marks.data();
            make_room(n + kAhead);
        }
        double left = hazards[k];
        while (!(left < (pieces_[piece].end - next) * pieces_[piece].hazard)) {
            left -= (pieces_[piece].end - next) * pieces_[piece].hazard;
            if (++piece == unit.end) return n;
            next = pieces_[piece].begin;
        }
        const Piece& at = pieces_[piece];
        next = std::min(next + static_cast<std::int32_t>(left / at.hazard), at.end - 1);
        numbers_[n] = marks[k] * at.most;
        cells_[n++] = next++;
    }
}

void ThinnedRows::draw_sparse(std::size_t source, Candidates& out) {
    find_units(source);
    const std::size_t n_numbers = units_.back().end_of_numbers;
    fill_numbers(key_, kSparseLane, {std::span(rows_).first(n_numbers), indices_.data()}, hazards_.data(), marks_.data());
    to_exponentials(hazards_.data(), n_numbers);
    std::size_t n = 0, piece = 0;
    for (const Unit& unit : units_) {
        n = draw_unit(source, piece, unit, n);
        piece = unit.end;
    }
    squared_distances_of(turned_, source, std::span(cells_).first(n), squares_.data());
    take(n, out);
}

void ThinnedRows::make_room(std::size_t n) {
    if (n + BlockList::kMore <= cells_.size()) return;
    const std::size_t size = 2 * n + BlockList::kMore;
    rows_.resize(size), indices_.resize(size);
    cells_.resize(size), found_.resize(size);
    for (auto* column : {&hazards_, &marks_, &numbers_, &squares_}) column->resize(size);
}

/// Adds those of the first `n` cells for which their own bound is no reason not to, if they are wanted.
void ThinnedRows::take(std::size_t n, Candidates& out) {
    const std::size_t n_found = places_below_bounds(numbers_.data(), squares_.data(), n, table_, found_.data());
    const std::size_t before = out.numbers.size();
    out.resize(before + n_found);
    std::int32_t* const targets = out.rows.targets.data();
    double *const numbers = out.numbers.data(), *const distances = out.distances.data();
    std::size_t end = before;
    for (std::size_t k = 0; k < n_found; ++k) {
        const auto found = static_cast<std::size_t>(found_[k]), cell = static_cast<std::size_t>(cells_[found]);
        targets[end] = tree_.point(cell);
        numbers[end] = numbers_[found];
        distances[end] = squares_[found];
        end += wanted_.empty() || wanted_[cell];
    }
    out.resize(end);
}

Candidates ThinnedRows::draw(std::size_t first, std::size_t n_enough) {
    Candidates result;
    result.reserve(n_enough + n_enough / 8);
    for (std::size_t source = first; source < places_.pre[0].size() && result.numbers.size() < n_enough; ++source) {
        find_boxes(source);
        if (!dense_.empty()) draw_dense(source, result);
        if (!sparse_.empty()) draw_sparse(source, result);
        result.end_row();
    }
    result.finish();
    return result;
}

}  // namespace pycosim
