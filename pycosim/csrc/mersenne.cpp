#include "mersenne.hpp"

#include "clones.hpp"

namespace pycosim::mersenne {
namespace {

constexpr std::size_t kShift = 397;

inline std::uint32_t twisted(std::uint32_t upper, std::uint32_t lower) {
    const std::uint32_t y = (upper & 0x80000000U) | (lower & 0x7fffffffU);
    return (y >> 1) ^ ((lower & 1U) * 0x9908b0dfU);
}

}  // namespace

PYCOSIM_SIMD_CLONES
void next_words(std::uint32_t* words) {
    std::size_t i = 0;
    for (; i < kWords - kShift; ++i) words[i] = words[i + kShift] ^ twisted(words[i], words[i + 1]);
    for (; i < kWords - 1; ++i) words[i] = words[i + kShift - kWords] ^ twisted(words[i], words[i + 1]);
    words[i] = words[kShift - 1] ^ twisted(words[i], words[0]);
}

PYCOSIM_SIMD_CLONES
void temper(const std::uint32_t* words, std::uint32_t* tempered) {
    for (std::size_t i = 0; i < kWords; ++i) {
        std::uint32_t y = words[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680U;
        y ^= (y << 15) & 0xefc60000U;
        tempered[i] = y ^ (y >> 18);
    }
}

PYCOSIM_SIMD_CLONES
void to_uniform01(const std::uint32_t* words, double* out, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const auto high = static_cast<std::int32_t>(words[2 * i] >> 5), low = static_cast<std::int32_t>(words[2 * i + 1] >> 6);
        out[i] = (static_cast<double>(high) * 0x1p26 + static_cast<double>(low)) * 0x1p-53;  // all exact
    }
}

}  // namespace pycosim::mersenne
