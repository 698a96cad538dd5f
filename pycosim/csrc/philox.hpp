/// Counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
/// 1, 2, 3", SC11). A number is a pure function of (seed, stream, row, lane, draw), so that any row can be
/// drawn without the others, in any order and by any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pycosim {

using Block = std::array<std::uint32_t, 4>;

/// The two key words of Philox 4x32.
struct Key {
    std::uint32_t low, high;
};

namespace philox {
inline constexpr std::uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
inline constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
inline constexpr int kRounds = 10;
}  // namespace philox

/// Four random words for a 128-bit counter.
inline Block philox4x32(Block c, Key key) {
    for (int round = 0; round < philox::kRounds; ++round) {
        const std::uint64_t product0 = std::uint64_t{philox::kMultiplier0} * c[0];
        const std::uint64_t product1 = std::uint64_t{philox::kMultiplier1} * c[2];
        c = {static_cast<std::uint32_t>(product1 >> 32) ^ c[1] ^ key.low,
             static_cast<std::uint32_t>(product1),
             static_cast<std::uint32_t>(product0 >> 32) ^ c[3] ^ key.high,
             static_cast<std::uint32_t>(product0)};
        key = {key.low + philox::kWeyl0, key.high + philox::kWeyl1};
    }
    return c;
}

/// The key of a (seed, stream) pair: 128 bits hashed to 64 by one application of Philox.
inline Key key_of(std::uint64_t seed, std::uint64_t stream) {
    const Block hash =
        philox4x32({static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                    static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                   {0, 0});
    return {hash[0], hash[1]};
}

/// Block number `index` of a row; a lane is a second, independent sequence of the same row.
inline Block block_of(Key key, std::uint32_t row, std::uint32_t lane, std::uint64_t index) {
    return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), row, lane},
                      key);
}

/// A number in [0, 1) with 53 random bits.
inline double uniform(std::uint32_t high, std::uint32_t low) {
    return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
}

/// A number in [1, 2) with 52 random bits; in vectors this takes fewer instructions.
inline double from_one_to_two(std::uint32_t high, std::uint32_t low) {
    return std::bit_cast<double>(std::uint64_t{0x3FF} << 52 | std::uint64_t{high} << 20 | low >> 12);
}

/// A number in [0, 1) with 53 random bits, in two parts, each of which is exact: for vectors that only convert 32 bits.
inline double uniform_in_parts(std::uint32_t high, std::uint32_t low) {
    const auto above = static_cast<std::int32_t>(high >> 1);
    const auto below = static_cast<std::int32_t>((high & 1) << 21 | low >> 11);
    return (static_cast<double>(above) * 0x1p22 + static_cast<double>(below)) * 0x1p-53;
}

/// Writes the block `index` of lane 0 of many rows: words[k][i] is word k of row rows[i].
void fill_blocks(Key key, std::span<const std::uint32_t> rows, std::uint64_t index,
                 const std::array<std::uint32_t*, 4>& words);

/// Blocks of lane 0 that have keys of their own: the i-th is number indices[i] of row rows[i].
struct KeyedBlocks {
    std::span<const Key> keys;
    const std::uint32_t* rows;
    const std::uint64_t* indices;
};

/// Writes them: words[k][i] is word k of the i-th.
void fill_blocks(const KeyedBlocks& blocks, const std::array<std::uint32_t*, 4>& words);

/// Writes the numbers in [0, 1) that blocks first, first + 1, ... of a row are made into, two each.
void fill_uniforms(Key key, std::uint32_t row, std::uint32_t lane, std::uint64_t first, std::span<double> numbers);

/// Writes blocks first, first + 1, ... of a row: words[k][i] is word k of block first + i.
void fill_row(Key key, std::uint32_t row, std::uint32_t lane, std::uint64_t first, std::size_t n,
              const std::array<std::uint32_t*, 4>& words);

/// Blocks of any rows: the i-th is number indices[i] of row rows[i].
struct BlockList {
    static constexpr std::size_t kMore = 16;  // places behind the last, in what is written too

    std::span<const std::uint32_t> rows;
    const std::uint64_t* indices;
};

/// Writes these blocks of a lane: words[k][i] is word k of the i-th.
void fill_blocks(Key key, std::uint32_t lane, const BlockList& blocks, const std::array<std::uint32_t*, 4>& words);

/// Writes the two numbers in [0, 1) that each of these blocks of a lane is made into: numbers[2 * i] and the next one.
void fill_numbers(Key key, std::uint32_t lane, const BlockList& blocks, double* numbers);

/// The same: first[i] and second[i].
void fill_numbers(Key key, std::uint32_t lane, const BlockList& blocks, double* first, double* second);

/// The random numbers of one row, drawn one after the other.
class RowStream {
public:
    /// About `n_expected` words will be drawn: so many are made together.
    explicit RowStream(Key key, std::uint32_t row, std::int64_t n_expected = 0)
        : key_(key), row_(row), n_ahead_(n_expected < kFew ? 1 : n_expected < 4 * kMost ? kFew : kMost) {}

    std::uint32_t word() {
        if (used_ == 4 * n_there_) refill();
        const std::size_t place = used_++;
        return words_[place % 4][place / 4];
    }

    /// A number in 0 .. bound - 1, each equally likely (Lemire 2019, ACM TOMACS 29:3).
    std::uint32_t below(std::uint32_t bound) {
        std::uint64_t product = std::uint64_t{word()} * bound;
        if (static_cast<std::uint32_t>(product) < bound) {
            const std::uint32_t threshold = -bound % bound;
            while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{word()} * bound;
        }
        return static_cast<std::uint32_t>(product >> 32);
    }

private:
    // Blocks of four words; of the first number the generator makes several in a vector.
    static constexpr std::int64_t kFew = 16, kMost = 64;

    void refill() {
        used_ = 0;
        n_there_ = static_cast<std::size_t>(n_ahead_);
        if (n_ahead_ == 1) {
            const Block block = block_of(key_, row_, 0, next_);
            for (std::size_t k = 0; k < 4; ++k) words_[k][0] = block[k];
        } else {
            fill_row(key_, row_, 0, next_, n_there_, {words_[0].data(), words_[1].data(), words_[2].data(), words_[3].data()});
        }
        next_ += n_there_;
    }

    Key key_;
    std::uint32_t row_;
    std::int64_t n_ahead_;
    std::uint64_t next_ = 0;
    std::size_t used_ = 0, n_there_ = 0;
    std::array<std::array<std::uint32_t, kMost>, 4> words_;
};

}  // namespace pycosim
