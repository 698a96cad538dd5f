#include "csr.hpp"

#include <algorithm>
#include <cstddef>

namespace pycosim {

Csr rows_in_order(std::span<const CsrView> parts, std::span<const std::int32_t> order) {
    Csr result{LongColumn<std::int64_t>(order.size() + 1, 0), {}};
    // calls visit(row, its entries) for each
    const auto for_each_row = [&](auto&& visit) {
        std::size_t place = 0;
        for (const auto& [indptr, targets] : parts)
            for (std::size_t k = 0; k + 1 < indptr.size(); ++k, ++place)
                visit(static_cast<std::size_t>(order[place]),
                      targets.subspan(static_cast<std::size_t>(indptr[k]), static_cast<std::size_t>(indptr[k + 1] - indptr[k])));
    };
    std::size_t n_rows = 0;
    for (const auto& [indptr, targets] : parts) {
        if (indptr.empty() || indptr.front() != 0 || indptr.back() != static_cast<std::int64_t>(targets.size()) || !std::is_sorted(indptr.begin(), indptr.end()))
            throw std::invalid_argument("the offsets of rows do not fit the number of entries");
        n_rows += indptr.size() - 1;
    }
    if (n_rows != order.size()) throw std::invalid_argument("each row needs its place");
    for (const std::int32_t row : order) {
        if (row < 0 || static_cast<std::size_t>(row) >= order.size()) throw std::out_of_range("a row's place is outside their number");
        if (std::exchange(result.indptr[static_cast<std::size_t>(row) + 1], 1)) throw std::invalid_argument("two rows have the same place");
    }
    for_each_row([&](std::size_t row, auto entries) { result.indptr[row + 1] = static_cast<std::int64_t>(entries.size()); });
    for (std::size_t i = 1; i < result.indptr.size(); ++i) result.indptr[i] += result.indptr[i - 1];
    result.targets.resize(static_cast<std::size_t>(result.indptr.back()));
    for_each_row([&](std::size_t row, auto entries) { std::ranges::copy(entries, result.targets.begin() + result.indptr[row]); });
    return result;
}

}  // namespace pycosim
