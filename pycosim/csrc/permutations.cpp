#include "permutations.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "clones.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define PYCOSIM_INLINED [[gnu::always_inline]] inline
#else
#define PYCOSIM_INLINED inline
#endif

namespace pycosim {
namespace {

constexpr std::uint32_t kRounds = 8;
constexpr std::uint32_t kWeyl = 0x9E3779B9;  // keys of the rounds are one apart

/// A number below `modulus`, which is at most 2^16.
PYCOSIM_INLINED std::uint32_t hash(std::uint32_t value, std::uint32_t key, std::uint32_t modulus) {
    std::uint32_t h = (value ^ key) * 0x7FEB352Du;
    h ^= h >> 15;
    h *= 0x846CA68Bu;
    return (h >> 16) * modulus >> 16;
}

PYCOSIM_INLINED std::uint32_t sum(std::uint32_t x, std::uint32_t y, std::uint32_t modulus) {
    const std::uint32_t all = x + y;
    return all >= modulus ? all - modulus : all;
}

PYCOSIM_INLINED std::uint32_t difference(std::uint32_t x, std::uint32_t y, std::uint32_t modulus) {
    return x >= y ? x - y : x + modulus - y;
}

struct Halves {
    std::uint32_t l, r;
};

PYCOSIM_INLINED Halves forwards(Halves x, std::uint32_t even, std::uint32_t odd, std::uint32_t height, std::uint32_t width) {
    for (std::uint32_t round = 0; round < kRounds; round += 2) {
        x.l = sum(x.l, hash(x.r, even + round * kWeyl, height), height);
        x.r = sum(x.r, hash(x.l, odd + round * kWeyl, width), width);
    }
    return x;
}

PYCOSIM_INLINED Halves backwards(Halves x, std::uint32_t even, std::uint32_t odd, std::uint32_t height, std::uint32_t width) {
    for (std::uint32_t left = kRounds; left > 0; left -= 2) {
        const std::uint32_t round = left - 2;
        x.r = difference(x.r, hash(x.l, odd + round * kWeyl, width), width);
        x.l = difference(x.l, hash(x.r, even + round * kWeyl, height), height);
    }
    return x;
}

PYCOSIM_SIMD_CLONES
void go_forwards(Halves x, const std::uint32_t* even, const std::uint32_t* odd, std::size_t n, std::uint32_t height,
                 std::uint32_t width, std::uint32_t* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const Halves y = forwards(x, even[i], odd[i], height, width);
        out[i] = y.l * width + y.r;
    }
}

PYCOSIM_SIMD_CLONES
void go_backwards(const std::uint32_t* l, const std::uint32_t* r, std::uint32_t even, std::uint32_t odd, std::size_t n,
                  std::uint32_t height, std::uint32_t width, std::int32_t* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const Halves y = backwards({l[i], r[i]}, even, odd, height, width);
        out[i] = static_cast<std::int32_t>(y.l * width + y.r);
    }
}

PYCOSIM_SIMD_CLONES
std::uint32_t largest(const std::uint32_t* values, std::size_t n) {
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < n; ++i) most = values[i] > most ? values[i] : most;
    return most;
}

using BelowLimits = std::size_t(const std::uint32_t*, const std::uint32_t*, std::size_t, std::int32_t, std::int32_t*);

std::size_t below_plainly(const std::uint32_t* places, const std::uint32_t* limits, std::size_t n, std::int32_t first,
                          std::int32_t* out) {
    std::size_t n_found = 0;
    for (std::size_t i = 0; i < n; ++i) {
        out[n_found] = first + static_cast<std::int32_t>(i);
        n_found += places[i] < limits[i];
    }
    return n_found;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx512f,popcnt"))) std::size_t below_avx512(const std::uint32_t* places, const std::uint32_t* limits,
                                                                   std::size_t n, std::int32_t first, std::int32_t* out) {
    constexpr std::size_t kLanes = 16;
    const __m512i from_0 = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i indices = _mm512_add_epi32(from_0, _mm512_set1_epi32(first));
    std::size_t i = 0, n_found = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const __mmask16 found = _mm512_cmplt_epu32_mask(_mm512_loadu_si512(places + i), _mm512_loadu_si512(limits + i));
        _mm512_storeu_si512(out + n_found, _mm512_maskz_compress_epi32(found, indices));
        n_found += static_cast<std::size_t>(__builtin_popcount(found));
        indices = _mm512_add_epi32(indices, _mm512_set1_epi32(kLanes));
    }
    return n_found + below_plainly(places + i, limits + i, n - i, first + static_cast<std::int32_t>(i), out + n_found);
}

BelowLimits* best() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("popcnt") ? below_avx512 : below_plainly;
}
#else
BelowLimits* best() { return below_plainly; }
#endif

/// About the root of `n`: such that few products of it and another number are beyond `n`.
std::uint32_t height_of(std::uint32_t n) {
    const auto root = static_cast<std::uint32_t>(std::sqrt(static_cast<double>(n)));
    std::uint32_t best = root, fewest = std::numeric_limits<std::uint32_t>::max();
    for (std::uint32_t height = root / 2; height <= root; ++height) {
        const std::uint32_t beyond = (n + height - 1) / height * height - n;
        if (beyond <= fewest) best = height, fewest = beyond;
    }
    return best;
}

}  // namespace

Permutations::Permutations(Key key, std::size_t n_sources, std::span<const std::int32_t> targets)
    : n_sources_(static_cast<std::uint32_t>(n_sources)), height_(height_of(n_sources_)),
      width_((n_sources_ + height_ - 1) / height_), even_(targets.size()), odd_(targets.size()) {
    if (n_sources < kFewestSources || n_sources > kMostSources)
        throw std::invalid_argument("permutations are of 1,024 to 2^30 sources");
    std::array<std::vector<std::uint32_t>, 2> unused;
    for (std::vector<std::uint32_t>& words : unused) words.resize(targets.size());
    const std::vector<std::uint32_t> rows(targets.begin(), targets.end());
    fill_blocks(key, rows, 0, {even_.data(), odd_.data(), unused[0].data(), unused[1].data()});
}

std::uint32_t Permutations::place(std::uint32_t source, std::size_t target) const {
    do {
        const Halves x = forwards({source / width_, source % width_}, even_[target], odd_[target], height_, width_);
        source = x.l * width_ + x.r;
    } while (source >= n_sources_);
    return source;
}

void Permutations::places(std::uint32_t source, std::size_t first, std::span<std::uint32_t> out) const {
    const Halves x{source / width_, source % width_};
    go_forwards(x, even_.data() + first, odd_.data() + first, out.size(), height_, width_, out.data());
    if (height_ * width_ == n_sources_ || largest(out.data(), out.size()) < n_sources_) return;
    for (std::size_t i = 0; i < out.size(); ++i)
        if (out[i] >= n_sources_) out[i] = place(out[i], first + i);
}

void Permutations::sources(std::size_t target, std::span<std::int32_t> out) const {
    const std::uint32_t even = even_[target], odd = odd_[target];
    std::array<std::uint32_t, kMostTogether> l, r;
    Halves next{0, 0};
    for (std::size_t begin = 0; begin < out.size(); begin += kMostTogether) {
        const std::size_t n = std::min(kMostTogether, out.size() - begin);
        for (std::size_t i = 0; i < n; ++i) {
            l[i] = next.l;
            r[i] = next.r;
            next = ++next.r < width_ ? next : Halves{next.l + 1, 0};
        }
        go_backwards(l.data(), r.data(), even, odd, n, height_, width_, out.data() + begin);
    }
    if (height_ * width_ == n_sources_) return;
    for (std::int32_t& source : out) {
        auto at = static_cast<std::uint32_t>(source);
        while (at >= n_sources_) {
            const Halves x = backwards({at / width_, at % width_}, even, odd, height_, width_);
            at = x.l * width_ + x.r;
        }
        source = static_cast<std::int32_t>(at);
    }
}

std::size_t below_limits(std::span<const std::uint32_t> places, const std::uint32_t* limits, std::int32_t first,
                         std::int32_t* out) {
    static BelowLimits* const find = best();
    return find(places.data(), limits, places.size(), first, out);
}

}  // namespace pycosim
