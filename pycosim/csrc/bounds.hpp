/// Upper bounds of a probability that depends on the distance, by the squared distance.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

namespace pycosim {

/// Of so many bits of a squared distance the entry does not depend: an entry is 1/64 of an octave or less.
inline constexpr int kBoundShift = 46;

/// Entry e holds for squared distances of which the upper bits are base + e; the first also for smaller ones.
struct BoundTable {
    std::int32_t base;
    std::span<const double> most;

    BoundTable(std::int32_t base, std::span<const double> most) : base(base), most(most) {
        if (most.empty() || most.size() > (std::size_t{1} << (63 - kBoundShift)))
            throw std::invalid_argument("a table of bounds needs entries, of which a squared distance has one");
    }

    std::int32_t last() const { return static_cast<std::int32_t>(most.size()) - 1; }

    std::int32_t entry(double square) const {
        const auto upper = static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(square) >> kBoundShift);
        return std::clamp(upper - base, 0, last());
    }
};

/// Writes the places i with numbers[i] below the bound at squares[i]; returns how many. There are 16 places more.
std::size_t places_below_bounds(const double* numbers, const double* squares, std::size_t n, const BoundTable& table,
                                std::int32_t* out);

}  // namespace pycosim
