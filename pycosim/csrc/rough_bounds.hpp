/// Which pairs may have a number below their bound, by the first word of the number and a rough distance.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bounds.hpp"
#include "columns.hpp"
#include "distances.hpp"

namespace pycosim {

/// Squared distances of places that are rounded to whole numbers below 2^14; for each half of an octave of them, what the
/// first word of a number below the bound does not exceed.
class RoughBounds {
public:
    RoughBounds(const PlaceColumns& places, const BoundTable& table);

    /// Of `n` points of `pre` from `begin` on, with two words of MT19937's state each, writes those whose number may be
    /// below the bound at their distance from point j of `post`; returns how many. There are mersenne::kBehind more
    /// places, and as many more words that are read.
    std::size_t may_be_below(const std::uint32_t* words, std::size_t j, std::size_t begin, std::size_t n,
                             std::int32_t* out) const;

    /// Entries of the table, which begins anew after the last: the lower bits of a square's exponent and its first one.
    static constexpr std::size_t kEntries = 32;
    static constexpr int kShift = 22;

    /// Places along two axes; 0 where there is no second one.
    using Two = std::array<std::int16_t, 2>;
    /// What a point of `post` is compared with, and what it is.
    struct Row {
        std::array<const Two*, 2> pre;
        std::array<Two, 2> post, period;
        std::int32_t least;  ///< squares below it have its entry
        const std::uint32_t* largest_word;
    };

private:
    void round_places(const PlaceColumns& places);
    std::uint32_t bound_between(const BoundTable& table, double low, double high) const;

    std::size_t n_twos_;
    bool is_periodic_ = false;
    double unit_ = 1, error_ = 0;  // what 1 stands for, and by how many a rough distance may be off
    std::array<std::vector<Two>, 2> pre_, post_;
    std::array<Two, 2> period_;
    std::int32_t least_;
    alignas(64) std::array<std::uint32_t, kEntries> largest_word_;
};

}  // namespace pycosim
