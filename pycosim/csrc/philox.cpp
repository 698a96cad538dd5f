#include "philox.hpp"

#include <algorithm>

#include "clones.hpp"

namespace pycosim {
namespace {

constexpr std::size_t kLanes = 16;

/// Ten rounds on kLanes counters side by side; the inner loop becomes vector instructions.
PYCOSIM_SIMD_CLONES
void rounds(std::uint32_t* __restrict c0, std::uint32_t* __restrict c1, std::uint32_t* __restrict c2,
            std::uint32_t* __restrict c3, std::uint32_t low, std::uint32_t high) {
    for (int round = 0; round < philox::kRounds; ++round) {
        for (std::size_t i = 0; i < kLanes; ++i) {
            const std::uint64_t product0 = std::uint64_t{philox::kMultiplier0} * c0[i];
            const std::uint64_t product1 = std::uint64_t{philox::kMultiplier1} * c2[i];
            c0[i] = static_cast<std::uint32_t>(product1 >> 32) ^ c1[i] ^ low;
            c1[i] = static_cast<std::uint32_t>(product1);
            c2[i] = static_cast<std::uint32_t>(product0 >> 32) ^ c3[i] ^ high;
            c3[i] = static_cast<std::uint32_t>(product0);
        }
        low += philox::kWeyl0;
        high += philox::kWeyl1;
    }
}

/// What `uniform` makes of the two halves of each block; 53 bits in two parts, each of which is exact.
PYCOSIM_SIMD_CLONES
void to_uniforms(const std::uint32_t* c0, const std::uint32_t* c1, const std::uint32_t* c2, const std::uint32_t* c3,
                 double* out) {
    const auto number = [](std::uint32_t high, std::uint32_t low) {
        const auto above = static_cast<std::int32_t>(high >> 1);
        const auto below = static_cast<std::int32_t>((high & 1) << 21 | low >> 11);
        return (static_cast<double>(above) * 0x1p22 + static_cast<double>(below)) * 0x1p-53;
    };
    for (std::size_t i = 0; i < kLanes; ++i) {
        out[2 * i] = number(c0[i], c1[i]);
        out[2 * i + 1] = number(c2[i], c3[i]);
    }
}

}  // namespace

void fill_blocks(Key key, std::span<const std::uint32_t> rows, std::uint64_t index,
                 const std::array<std::uint32_t*, 4>& words) {
    alignas(64) std::uint32_t c[4][kLanes];
    for (std::size_t begin = 0; begin < rows.size(); begin += kLanes) {
        const std::size_t n = rows.size() - begin < kLanes ? rows.size() - begin : kLanes;
        for (std::size_t i = 0; i < kLanes; ++i) {
            c[0][i] = static_cast<std::uint32_t>(index);
            c[1][i] = static_cast<std::uint32_t>(index >> 32);
            c[2][i] = rows[begin + (i < n ? i : 0)];
            c[3][i] = 0;
        }
        rounds(c[0], c[1], c[2], c[3], key.low, key.high);
        for (std::size_t k = 0; k < 4; ++k)
            for (std::size_t i = 0; i < n; ++i) words[k][begin + i] = c[k][i];
    }
}

void fill_uniforms(Key key, std::uint32_t row, std::uint32_t lane, std::uint64_t first, std::span<double> numbers) {
    alignas(64) std::uint32_t c[4][kLanes];
    alignas(64) double made[2 * kLanes];
    for (std::size_t begin = 0; begin < numbers.size(); begin += 2 * kLanes, first += kLanes) {
        for (std::size_t i = 0; i < kLanes; ++i) {
            c[0][i] = static_cast<std::uint32_t>(first + i);
            c[1][i] = static_cast<std::uint32_t>((first + i) >> 32);
            c[2][i] = row;
            c[3][i] = lane;
        }
        rounds(c[0], c[1], c[2], c[3], key.low, key.high);
        to_uniforms(c[0], c[1], c[2], c[3], made);
        std::copy_n(made, std::min(2 * kLanes, numbers.size() - begin), numbers.data() + begin);
    }
}

}  // namespace pycosim
