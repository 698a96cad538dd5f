/// Counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
/// 1, 2, 3", SC11). A number is a pure function of (seed, stream, row, lane, draw), so that any row can be
/// drawn without the others, in any order and by any thread.
#pragma once

#include <array>
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

/// Writes the block `index` of lane 0 of many rows: words[k][i] is word k of row rows[i].
void fill_blocks(Key key, std::span<const std::uint32_t> rows, std::uint64_t index,
                 const std::array<std::uint32_t*, 4>& words);

/// Writes the numbers in [0, 1) that blocks first, first + 1, ... of a row are made into, two each.
void fill_uniforms(Key key, std::uint32_t row, std::uint32_t lane, std::uint64_t first, std::span<double> numbers);

/// The random numbers of one row, drawn one after the other.
class RowStream {
public:
    explicit RowStream(Key key, std::uint32_t row, std::uint32_t lane = 0) : key_(key), row_(row), lane_(lane) {}

    std::uint32_t word() {
        if (used_ == 4) {
            block_ = block_of(key_, row_, lane_, next_++);
            used_ = 0;
        }
        return block_[used_++];
    }

    /// A number in [0, 1).
    double uniform01() {
        const std::uint32_t high = word();
        return uniform(high, word());
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
    Key key_;
    std::uint32_t row_, lane_;
    std::uint64_t next_ = 0;
    Block block_{};
    unsigned used_ = 4;
};

}  // namespace pycosim
