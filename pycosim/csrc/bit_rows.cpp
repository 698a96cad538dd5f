#include "bit_rows.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

#include "clones.hpp"

namespace pycosim {
namespace {

constexpr std::size_t kBits = 64;
constexpr std::size_t kWords = 8;  // a line of the cache

template <std::size_t n_apart>
[[gnu::always_inline]] inline void exchange(std::uint64_t* words) {
    // the lower half of each 2 n_apart bits
    constexpr std::uint64_t lower = ~std::uint64_t{0} / ((std::uint64_t{1} << n_apart) + 1);
    for (std::size_t first = 0; first < kBits; first += 2 * n_apart)
        for (std::size_t k = first; k < first + n_apart; ++k) {
            const std::uint64_t differ = ((words[k] >> n_apart) ^ words[k + n_apart]) & lower;
            words[k] ^= differ << n_apart;
            words[k + n_apart] ^= differ;
        }
}

/// Bit j of word i becomes bit i of word j.
PYCOSIM_SIMD_CLONES
void transpose(std::uint64_t* words) {
    exchange<32>(words);
    exchange<16>(words);
    exchange<8>(words);
    exchange<4>(words);
    exchange<2>(words);
    exchange<1>(words);
}

// Places behind those of the last bit that is written, which may be written too.
constexpr std::size_t kBehind = 8;

// Writes i for each bit i of `n` words; returns where the next one would go.
PYCOSIM_SIMD_CLONES
std::int32_t* write_bits(const std::uint64_t* words, std::size_t n, std::int32_t* out) {
    for (std::size_t i = 0; i < n; ++i) {
        std::uint64_t bits = words[i];
        const auto first = static_cast<std::int32_t>(i * kBits);
        // several at a time, without asking for each whether it is the last
        for (int n_left = std::popcount(bits); n_left > 0; n_left -= static_cast<int>(kBehind)) {
            for (std::size_t k = 0; k < kBehind; ++k, bits &= bits - 1) out[k] = first + std::countr_zero(bits);
            out += std::min(n_left, static_cast<int>(kBehind));
        }
    }
    return out;
}

// Entries that are there twice are counted.
void sort_by_counting(std::span<std::int32_t> row, std::span<std::uint64_t> marks, std::span<std::int32_t> counts) {
    for (const std::int32_t column : row) ++counts[static_cast<std::size_t>(column)];
    std::int32_t* entry = row.data();
    for (std::size_t word = 0; word < marks.size(); ++word) {
        for (std::uint64_t bits = marks[word]; bits; bits &= bits - 1) {
            const std::size_t column = word * kBits + static_cast<std::size_t>(std::countr_zero(bits));
            for (; counts[column] > 0; --counts[column]) *entry++ = static_cast<std::int32_t>(column);
        }
    }
}

}  // namespace

Csr sorted_rows(Csr csr, std::int64_t n_columns) {
    const auto size = static_cast<std::size_t>(n_columns);
    LongColumn<std::int32_t> counts(size, 0), sorted(size + kBehind);
    LongColumn<std::uint64_t> marks(size / kBits + 1);
    for (std::size_t k = 0; k + 1 < csr.indptr.size(); ++k) {
        const std::span row(csr.targets.data() + csr.indptr[k], csr.targets.data() + csr.indptr[k + 1]);
        std::ranges::fill(marks, 0);
        for (const std::int32_t column : row) marks[static_cast<std::size_t>(column) / kBits] |= std::uint64_t{1} << column % kBits;
        const std::int32_t* const end = write_bits(marks.data(), marks.size(), sorted.data());
        if (static_cast<std::size_t>(end - sorted.data()) == row.size()) std::copy_n(sorted.data(), row.size(), row.data());
        else sort_by_counting(row, marks, counts);
    }
    return csr;
}

// A few words more for each row: columns of rows would share a few sets of the cache.
BitRows::BitRows(std::size_t n_rows, std::size_t n_columns)
    : n_rows_(n_rows),
      n_columns_(n_columns),
      n_words_((n_columns / (kBits * kWords) + 2) * kWords),
      bits_((n_rows / kBits + 1) * kBits * n_words_, 0) {}

void BitRows::add(std::size_t row, std::span<const std::int32_t> columns) {
    std::uint64_t* const words = bits_.data() + row * n_words_;
    for (const std::int32_t column : columns) {
        const auto place = static_cast<std::size_t>(column);
        if (place >= n_columns_) throw std::out_of_range("a column is outside their number");
        words[place / kBits] |= std::uint64_t{1} << place % kBits;
    }
    n_entries_ += columns.size();
}

Csr BitRows::rows_of_columns() const {
    const std::size_t n_blocks = n_rows_ / kBits + 1, n_apart = n_blocks + 1;
    Csr result{{0}, LongColumn<std::int32_t>(n_entries_ + kBehind)};
    result.indptr.reserve(n_columns_ + 1);
    std::int32_t* const begin = result.targets.data();
    std::int32_t* end = begin;
    LongColumn<std::uint64_t> turned(kWords * kBits * n_apart);  // of the columns of a line
    std::array<std::uint64_t, kBits> words;
    for (std::size_t first = 0; first < n_columns_; first += kWords * kBits) {
        for (std::size_t block = 0; block < n_blocks; ++block)
            for (std::size_t word = 0; word < kWords; ++word) {
                const std::uint64_t* const from = bits_.data() + block * kBits * n_words_ + first / kBits + word;
                for (std::size_t k = 0; k < kBits; ++k) words[k] = from[k * n_words_];
                transpose(words.data());
                for (std::size_t k = 0; k < kBits; ++k) turned[(word * kBits + k) * n_apart + block] = words[k];
            }
        for (std::size_t k = 0; k < std::min(kWords * kBits, n_columns_ - first); ++k) {
            end = write_bits(turned.data() + k * n_apart, n_blocks, end);
            result.indptr.push_back(end - begin);
        }
    }
    if (static_cast<std::size_t>(end - begin) != n_entries_) throw std::invalid_argument("an entry is there twice");
    result.targets.resize(n_entries_);
    return result;
}

}  // namespace pycosim
