/// Different numbers in order, without comparing them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pycosim {

/// A bit for each number, and one for each word that has any.
class BitSorter {
public:
    static constexpr std::size_t kMore = 16;  ///< places behind the last, in what is written too

    /// For numbers from 0 to n - 1.
    explicit BitSorter(std::size_t n) : words_(n / 64 + 1, 0), above_(words_.size() / 64 + 1, 0) {}

    void add(std::int32_t value) {
        const auto place = static_cast<std::size_t>(value);
        words_[place / 64] |= std::uint64_t{1} << (place % 64);
        above_[place / 4096] |= std::uint64_t{1} << (place / 64 % 64);
    }

    /// Writes all in order, and forgets them; returns the end.
    std::int32_t* take(std::int32_t* out);

private:
    std::vector<std::uint64_t> words_, above_;
};

}  // namespace pycosim
