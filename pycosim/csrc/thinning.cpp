#include "thinning.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
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
constexpr std::size_t kAhead = 16, kMostAhead = 256;

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

PYCOSIM_SIMD_CLONES
void make_numbers(const std::array<const std::uint32_t*, 4>& words, std::size_t n, double* __restrict hazards,
                  double* __restrict marks) {
    for (std::size_t i = 0; i < n; ++i) {
        hazards[i] = minus_log(1.0 - uniform_in_parts(words[0][i], words[1][i]));
        marks[i] = uniform_in_parts(words[2][i], words[3][i]);
    }
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

void ThinnedRows::add_piece(const PlaceNode& node, std::int32_t unit, std::size_t entry) {
    const auto first_node = static_cast<std::uint32_t>(unit);
    if (unit_nodes_.empty() || unit_nodes_.back() != first_node) {
        unit_nodes_.push_back(first_node);
        units_.push_back({pieces_.size(), pieces_.size(), 0.0});
    }
    pieces_.push_back({node.begin, node.end, most_[entry], hazard_[entry]});
    units_.back().end = pieces_.size();
    units_.back().hazard += hazard_[entry] * node.size();
}

template <std::size_t n_axes, bool is_periodic>
void ThinnedRows::find_pieces_of(std::size_t source) {
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
        if (is_dense) dense_.push_back(i);
        else add_piece(node, is_above ? i : node.section, entry);
        i = node.after;
    }
}

void ThinnedRows::find_pieces(std::size_t source) {
    pieces_.clear(), units_.clear(), unit_nodes_.clear(), dense_.clear();
    const auto find = [&]<std::size_t n_axes>() {
        is_periodic_ ? find_pieces_of<n_axes, true>(source) : find_pieces_of<n_axes, false>(source);
    };
    if (places_.n_axes == 1) find.operator()<1>();
    else if (places_.n_axes == 2) find.operator()<2>();
    else find.operator()<3>();
}

void ThinnedRows::draw_dense(std::size_t source, std::size_t number, Candidates& out) {
    const PlaceNode& node = tree_.nodes()[number];
    std::array<double, PlaceTree::kSection> numbers, squares;
    std::array<std::int32_t, PlaceTree::kSection + 16> found;
    const auto begin = static_cast<std::size_t>(node.begin), n = static_cast<std::size_t>(node.end) - begin;
    fill_uniforms(key_, static_cast<std::uint32_t>(number), kDenseLane, first_block(source), std::span(numbers).first(n));
    squared_distances(turned_, source, begin, n, squares.data());
    const std::size_t n_found = places_below_bounds(numbers.data(), squares.data(), n, table_, found.data());
    out.append({found.data(), n_found}, numbers.data(), squares.data(),
               [&](std::size_t place) { return node.begin + static_cast<std::int32_t>(place); });
}

/// Adds the candidates of a unit: cell by cell the hazards add up, and where a sum of exponentially distributed
/// numbers is crossed is a candidate. So it is one with probability 1 - exp(-hazard), whatever the others are.
void ThinnedRows::draw_unit(std::size_t source, std::size_t number) {
    std::array<double, kMostAhead> hazards, marks;
    const auto [first, last, sum] = units_[number];
    hazards[0] = first_hazards_[number], marks[0] = first_marks_[number];
    const std::size_t n_ahead = std::min(static_cast<std::size_t>(sum / kAhead + 1) * kAhead, kMostAhead);
    std::uint64_t block = first_block(source) + 1;
    std::size_t n = 1, k = 0, piece = first;
    std::int32_t next = pieces_[piece].begin;
    for (;;) {
        double left = hazards[k];
        const double mark = marks[k];
        while (!(left < (pieces_[piece].end - next) * pieces_[piece].hazard)) {
            left -= (pieces_[piece].end - next) * pieces_[piece].hazard;
            if (++piece == last) return;
            next = pieces_[piece].begin;
        }
        const Piece& at = pieces_[piece];
        next = std::min(next + static_cast<std::int32_t>(left / at.hazard), at.end - 1);
        cells_.push_back(next++);
        marks_.push_back(mark * at.most);
        if (++k < n) continue;
        std::array<std::array<std::uint32_t, kMostAhead>, 4> words;
        fill_row(key_, unit_nodes_[number], kSparseLane, block, n_ahead, {words[0].data(), words[1].data(), words[2].data(), words[3].data()});
        make_numbers({words[0].data(), words[1].data(), words[2].data(), words[3].data()}, n_ahead, hazards.data(), marks.data());
        block += n_ahead;
        n = n_ahead, k = 0;
    }
}

/// Takes those of the cells that were drawn for which their own bound is no reason not to.
void ThinnedRows::keep(std::size_t source, Candidates& out) {
    squares_.resize(cells_.size());
    found_.resize(cells_.size() + 16);
    squared_distances_of(turned_, source, cells_, squares_.data());
    const std::size_t n_found = places_below_bounds(marks_.data(), squares_.data(), cells_.size(), table_, found_.data());
    out.append({found_.data(), n_found}, marks_.data(), squares_.data(), [&](std::size_t place) { return cells_[place]; });
}

void ThinnedRows::draw_sparse(std::size_t source, Candidates& out) {
    const std::size_t n = units_.size();
    for (auto& column : words_) column.resize(n);
    first_hazards_.resize(n), first_marks_.resize(n);
    fill_blocks(key_, unit_nodes_, first_block(source), {words_[0].data(), words_[1].data(), words_[2].data(), words_[3].data()});
    make_numbers({words_[0].data(), words_[1].data(), words_[2].data(), words_[3].data()}, n, first_hazards_.data(), first_marks_.data());
    cells_.clear(), marks_.clear();
    for (std::size_t k = 0; k < n; ++k)
        if (first_hazards_[k] < units_[k].hazard) draw_unit(source, k);
    keep(source, out);
}

/// Turns places in the tree into targets, and leaves out those that are not wanted.
void ThinnedRows::take_wanted(Candidates& out, std::size_t before) {
    std::size_t n = before;
    for (std::size_t k = before; k < out.numbers.size(); ++k) {
        const auto place = static_cast<std::size_t>(out.rows.targets[k]);
        out.rows.targets[n] = tree_.point(place);
        out.numbers[n] = out.numbers[k];
        out.distances[n] = out.distances[k];
        n += wanted_.empty() || wanted_[place];
    }
    out.rows.targets.resize(n);
    out.numbers.resize(n);
    out.distances.resize(n);
}

Candidates ThinnedRows::draw(std::size_t first, std::size_t n_enough) {
    Candidates result;
    for (std::size_t source = first; source < places_.pre[0].size() && result.numbers.size() < n_enough; ++source) {
        const std::size_t before = result.numbers.size();
        find_pieces(source);
        for (const std::int32_t node : dense_) draw_dense(source, static_cast<std::size_t>(node), result);
        if (!units_.empty()) draw_sparse(source, result);
        take_wanted(result, before);
        result.end_row();
    }
    result.finish();
    return result;
}

}  // namespace pycosim
