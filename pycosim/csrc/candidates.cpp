#include "candidates.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "bit_sorter.hpp"

namespace pycosim {

void Candidates::append(std::span<const std::int32_t> places, const std::int32_t* cells_of, const double* numbers_of,
                        const double* squares) {
    const std::size_t before = numbers.size();
    resize(before + places.size());
    std::int32_t* const cells = rows.targets.data() + before;  // vectors' addresses would be read again after each write
    double *const own_numbers = numbers.data() + before, *const own_squares = distances.data() + before;
    for (std::size_t k = 0; k < places.size(); ++k) {
        const auto place = static_cast<std::size_t>(places[k]);
        cells[k] = cells_of[place];
        own_numbers[k] = numbers_of[place];
        own_squares[k] = squares[place];
    }
}

DrawnCandidates::DrawnCandidates(const MersenneTwister& random, const PlaceColumns& places, const BoundTable& table, Wanted wanted)
    : random_(random), most_(table.most.begin(), table.most.end()), table_(table.base, most_), places_(places), rough_(places, table), wanted_(wanted.begin(), wanted.end()) {
    for (std::size_t axis = 0; axis < places.n_axes; ++axis) {
        columns_[axis].assign(places.pre[axis].begin(), places.pre[axis].end());
        columns_[3 + axis].assign(places.post[axis].begin(), places.post[axis].end());
        places_.pre[axis] = columns_[axis], places_.post[axis] = columns_[3 + axis];
    }
    const std::size_t n_pre = places.pre[0].size();
    some_.resize(n_pre + mersenne::kBehind), found_.resize(n_pre + mersenne::kBehind);
    numbers_.resize(n_pre), squares_.resize(n_pre);
}

Candidates DrawnCandidates::draw(std::size_t n_enough) {
    Candidates result;
    for (; target_ < places_.post[0].size() && result.numbers.size() < n_enough; ++target_) {
        std::size_t n_some = 0;
        if (!is_wanted(wanted_, target_)) {
            random_.pairs_of_words(places_.pre[0].size(), [](std::size_t, const std::uint32_t*, std::size_t) {});
            result.end_row();
            continue;
        }
        random_.pairs_of_words(places_.pre[0].size(), [&](std::size_t first, const std::uint32_t* words, std::size_t n) {
            std::int32_t* const some = some_.data() + n_some;
            const std::size_t n_here = rough_.may_be_below(words, target_, first, n, some);
            mersenne::to_uniform01(words, {some, n_here}, static_cast<std::int32_t>(first), numbers_.data() + n_some);
            n_some += n_here;
        });
        squared_distances_of(places_, target_, {some_.data(), n_some}, squares_.data());
        const std::size_t n_found = places_below_bounds(numbers_.data(), squares_.data(), n_some, table_, found_.data());
        result.append({found_.data(), n_found}, some_.data(), numbers_.data(), squares_.data());
        result.end_row();
    }
    result.finish();
    return result;
}

Csr connected(std::span<const std::int64_t> indptr, std::span<const std::int32_t> columns, std::span<const double> numbers, std::span<const double> probability, std::size_t n_columns,
              const Selves& selves) {
    const std::size_t n_rows = indptr.size() - 1;
    if (indptr.front() != 0 || indptr.back() != static_cast<std::int64_t>(columns.size()) || !std::is_sorted(indptr.begin(), indptr.end()))
        throw std::invalid_argument("the offsets of rows do not fit the number of candidates");
    if (numbers.size() != columns.size() || probability.size() != numbers.size())
        throw std::invalid_argument("each candidate needs a number and a probability");
    if (!selves.rows.empty() && (selves.rows.size() != n_rows || selves.columns.size() != n_columns))
        throw std::invalid_argument("the neurons of all rows and columns are needed");
    if (std::any_of(columns.begin(), columns.end(), [&](std::int32_t c) { return c < 0 || static_cast<std::size_t>(c) >= n_columns; }))
        throw std::out_of_range("a candidate is outside the number of columns");
    Csr kept{{0}, LongColumn<std::int32_t>(columns.size() + BitSorter::kMore)};
    BitSorter sorter(n_columns);
    std::int32_t* const begin = kept.targets.data();
    std::int32_t* end = begin;
    for (std::size_t row = 0; row < n_rows; ++row) {
        std::int32_t* const first = end;
        bool ascends = true;
        for (auto k = static_cast<std::size_t>(indptr[row]); k < static_cast<std::size_t>(indptr[row + 1]); ++k) {
            const std::int32_t column = columns[k];
            if (!(numbers[k] < probability[k])) continue;
            if (!selves.rows.empty() && selves.rows[row] == selves.columns[static_cast<std::size_t>(column)]) continue;
            ascends = ascends && (end == first || end[-1] < column);
            *end++ = column;
        }
        if (!ascends) {
            for (const std::int32_t* column = first; column != end; ++column) sorter.add(*column);
            sorter.take(first);
        }
        kept.indptr.push_back(end - begin);
    }
    kept.targets.resize(static_cast<std::size_t>(end - begin));
    return kept;
}

}  // namespace pycosim
