#include "thinned_rows.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "philox.hpp"
#include "place_tree.hpp"

namespace pycosim {
namespace {

/// The sources in an order in which those near one another follow each other; `tree` is that of the targets.
LongColumn<std::int32_t> neighbours(const PlaceColumns& places, const PlaceTree& tree) {
    bool are_same = true;
    for (std::size_t axis = 0; axis < places.n_axes; ++axis)
        are_same = are_same && std::ranges::equal(places.pre[axis], places.post[axis]);
    if (are_same) return tree.points();
    return PlaceTree(turned(places)).points();
}

std::array<LongColumn<double>, 3> copied(const PlaceColumns& places) {
    std::array<LongColumn<double>, 3> columns;
    for (std::size_t axis = 0; axis < places.n_axes; ++axis)
        columns[axis].assign(places.pre[axis].begin(), places.pre[axis].end());
    return columns;
}

PlaceColumns with_sources(PlaceColumns places, const std::array<LongColumn<double>, 3>& sources) {
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) places.pre[axis] = sources[axis];
    return places;
}

}  // namespace

ThinnedRows::ThinnedRows(Key key, const PlaceColumns& places, const BoundTable& table, Wanted wanted)
    : sources_(copied(places)),
      pairs_(key, with_sources(places, sources_), table),
      order_(neighbours(places, pairs_.tree())),
      drawer_(pairs_, wanted, BoxFinder::kSources),
      sorter_(pairs_.n_targets()),
      n_kept_of_(order_.size(), 0) {}

std::span<const double> ThinnedRows::draw(std::size_t n_enough) {
    drawn_.resize(0);
    drawn_.rows.indptr.assign(1, 0);
    for (n_kept_ = n_drawn_; n_drawn_ < order_.size() && drawn_.numbers.size() < n_enough; ++n_drawn_) {
        if (n_drawn_ >= first_found_ + n_found_) {
            first_found_ = n_drawn_, n_found_ = std::min(BoxFinder::kSources, order_.size() - n_drawn_);
            drawer_.find(std::span(order_).subspan(first_found_, n_found_));
        }
        drawer_.take(n_drawn_ - first_found_, drawn_);
        drawn_.end_row();
    }
    if (drawn_.numbers.empty()) n_kept_ = n_drawn_;
    drawn_.finish();
    return drawn_.distances;
}

void ThinnedRows::keep(std::span<const double> probability, const Selves& selves) {
    const std::size_t n = drawn_.numbers.size();
    if (probability.size() != n) throw std::invalid_argument("each candidate needs a probability");
    if (!selves.rows.empty() && (selves.rows.size() != order_.size() || selves.columns.size() != pairs_.n_targets()))
        throw std::invalid_argument("the neurons of all rows and columns are needed");
    below_.resize(std::max(below_.size(), n + BlockList::kMore));
    const std::size_t n_below = places_below(drawn_.numbers.data(), probability.data(), n, below_.data());
    std::size_t k = 0;
    for (std::size_t row = 0; n_kept_ < n_drawn_; ++row, ++n_kept_) {
        const auto source = static_cast<std::size_t>(order_[n_kept_]);
        const std::int64_t end = drawn_.rows.indptr[row + 1];
        std::size_t n_row = 0;
        for (; k < n_below && below_[k] < end; ++k) {
            const std::int32_t target = drawn_.rows.targets[static_cast<std::size_t>(below_[k])];
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
