#include "candidates.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "bit_sorter.hpp"

namespace pycosim {
void Candidates::append(std::span<const std::int32_t> places, std::int32_t first, const double* numbers_of,
                        const double* squares) {
    const std::size_t before = numbers.size(), n = before + places.size();
    rows.targets.resize(n);
    numbers.resize(n);
    distances.resize(n);
    for (std::size_t k = 0; k < places.size(); ++k) {
        const auto place = static_cast<std::size_t>(places[k]);
        rows.targets[before + k] = first + places[k];
        numbers[before + k] = numbers_of[place];
        distances[before + k] = squares[place];
    }
}

void Candidates::finish() { take_roots(distances.data(), distances.size()); }

Candidates drawn_candidates(MersenneTwister& random, const PlaceColumns& places, const BoundTable& table,
                            std::size_t first, std::size_t n_enough) {
    constexpr std::size_t kAtOnce = 1024;
    std::array<double, kAtOnce> numbers, squares;
    std::array<std::int32_t, kAtOnce + mersenne::kBehind> found;
    const std::size_t n_pre = places.pre[0].size(), n_post = places.post[0].size();
    Candidates result;
    for (std::size_t target = first; target < n_post && result.numbers.size() < n_enough; ++target) {
        for (std::size_t begin = 0; begin < n_pre; begin += kAtOnce) {
            const std::size_t n = std::min(kAtOnce, n_pre - begin);
            random.fill_uniform01(numbers.data(), n);
            squared_distances(places, target, begin, n, squares.data());
            const std::size_t n_found = places_below_bounds(numbers.data(), squares.data(), n, table, found.data());
            result.append({found.data(), n_found}, static_cast<std::int32_t>(begin), numbers.data(), squares.data());
        }
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
