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

using Word = std::uint16_t;
using Keys = std::array<Word, 4>;

constexpr int kRounds = 8;
constexpr Word kLater = 0x9E37;  // keys are used again in later rounds, so much larger

PYCOSIM_INLINED Word key_of_round(const Keys& keys, int round) {
    return static_cast<Word>(keys[static_cast<std::size_t>(round) % keys.size()] + round / 4 * kLater);
}

/// A number below `modulus`.
PYCOSIM_INLINED Word hash(Word value, Word key, Word modulus) {
    auto h = static_cast<Word>(value ^ key);
    h = static_cast<Word>(h * 0x9E4Bu);
    h = static_cast<Word>(h ^ h >> 7);
    h = static_cast<Word>(h * 0xA2D5u);
    h = static_cast<Word>(h ^ h >> 8);
    h = static_cast<Word>(h * 0xC93Du);
    return static_cast<Word>(std::uint32_t{h} * modulus >> 16);
}

/// Modulo a number of at most 2^15, of terms that are less.
PYCOSIM_INLINED Word sum(Word x, Word y, Word modulus) {
    const auto all = static_cast<Word>(x + y), less = static_cast<Word>(all - modulus);
    return all < less ? all : less;
}

PYCOSIM_INLINED Word difference(Word x, Word y, Word modulus) {
    const auto less = static_cast<Word>(x - y), more = static_cast<Word>(less + modulus);
    return less < more ? less : more;
}

struct Halves {
    Word l, r;
};

PYCOSIM_INLINED Halves forwards(Halves x, const Keys& keys, Word height, Word width) {
#pragma GCC unroll 8
    for (int round = 0; round < kRounds; round += 2) {
        x.l = sum(x.l, hash(x.r, key_of_round(keys, round), height), height);
        x.r = sum(x.r, hash(x.l, key_of_round(keys, round + 1), width), width);
    }
    return x;
}

PYCOSIM_INLINED Halves backwards(Halves x, const Keys& keys, Word height, Word width) {
#pragma GCC unroll 8
    for (int round = kRounds - 2; round >= 0; round -= 2) {
        x.r = difference(x.r, hash(x.l, key_of_round(keys, round + 1), width), width);
        x.l = difference(x.l, hash(x.r, key_of_round(keys, round), height), height);
    }
    return x;
}

PYCOSIM_INLINED std::uint32_t joined(Halves x, Word width) { return std::uint32_t{x.l} * width + x.r; }

PYCOSIM_INLINED Halves halves(std::uint32_t place, Word width) {
    return {static_cast<Word>(place / width), static_cast<Word>(place % width)};
}

using KeyColumns = std::array<const Word*, 4>;

// Bodies of loops for each instruction set below.

PYCOSIM_INLINED void all_forwards(Halves x, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l,
                                  Word* r) {
    const Word *const first = keys[0], *const second = keys[1], *const third = keys[2], *const fourth = keys[3];
    for (std::size_t i = 0; i < n; ++i) {
        const Halves y = forwards(x, {first[i], second[i], third[i], fourth[i]}, height, width);
        l[i] = y.l;
        r[i] = y.r;
    }
}

PYCOSIM_INLINED void all_backwards(const Keys& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    const Keys of_all = keys;
    for (std::size_t i = 0; i < n; ++i) {
        const Halves y = backwards({l[i], r[i]}, of_all, height, width);
        l[i] = y.l;
        r[i] = y.r;
    }
}

PYCOSIM_SIMD_CLONES
void forwards_in_vectors(Halves x, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    all_forwards(x, keys, n, height, width, l, r);
}

PYCOSIM_SIMD_CLONES
void backwards_in_vectors(const Keys& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    all_backwards(keys, n, height, width, l, r);
}

PYCOSIM_SIMD_CLONES
void join(const Word* l, const Word* r, std::size_t n, Word width, std::uint32_t* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = joined({l[i], r[i]}, width);
}

PYCOSIM_SIMD_CLONES
std::uint32_t largest(const std::uint32_t* values, std::size_t n) {
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < n; ++i) most = values[i] > most ? values[i] : most;
    return most;
}

std::size_t below_plainly(const std::uint32_t* places, const std::uint32_t* limits, std::size_t n, std::int32_t first,
                          std::int32_t* out) {
    std::size_t n_found = 0;
    for (std::size_t i = 0; i < n; ++i) {
        out[n_found] = first + static_cast<std::int32_t>(i);
        n_found += places[i] < limits[i];
    }
    return n_found;
}

struct Functions {
    decltype(&forwards_in_vectors) forwards = forwards_in_vectors;
    decltype(&backwards_in_vectors) backwards = backwards_in_vectors;
    decltype(&below_plainly) below = below_plainly;
};

#if defined(__x86_64__) && defined(__GNUC__)
// Vectors of 16-bit words, and what packs those that were found, need more than the first 512-bit instructions.
#define PYCOSIM_WORDS_AVX512 __attribute__((target("avx512f,avx512bw,popcnt")))

PYCOSIM_WORDS_AVX512 void forwards_avx512(Halves x, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l,
                                          Word* r) {
    all_forwards(x, keys, n, height, width, l, r);
}

PYCOSIM_WORDS_AVX512 void backwards_avx512(const Keys& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    all_backwards(keys, n, height, width, l, r);
}

PYCOSIM_WORDS_AVX512 std::size_t below_avx512(const std::uint32_t* places, const std::uint32_t* limits,
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

const Functions& best() {
    static const bool has_all = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("popcnt");
    static const Functions functions = has_all ? Functions{forwards_avx512, backwards_avx512, below_avx512} : Functions{};
    return functions;
}
#else
const Functions& best() {
    static const Functions functions;
    return functions;
}
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
    : n_sources_(static_cast<std::uint32_t>(n_sources)) {
    if (n_sources < kFewestSources || n_sources > kMostSources)
        throw std::invalid_argument("permutations are of 1,024 to 2^28 sources");
    const std::uint32_t height = height_of(n_sources_);
    height_ = static_cast<Word>(height);
    width_ = static_cast<Word>((n_sources_ + height - 1) / height);
    const std::vector<std::uint32_t> rows(targets.begin(), targets.end());
    std::array<std::vector<std::uint32_t>, kKeys> words;
    for (std::vector<std::uint32_t>& word : words) word.resize(rows.size());
    fill_blocks(key, rows, 0, {words[0].data(), words[1].data(), words[2].data(), words[3].data()});
    const auto upper_half = [](std::uint32_t word) { return static_cast<Word>(word >> 16); };
    for (std::size_t k = 0; k < kKeys; ++k) {
        keys_[k].resize(rows.size());
        std::ranges::transform(words[k], keys_[k].begin(), upper_half);
    }
}

std::array<Permutations::Word, Permutations::kKeys> Permutations::keys_of(std::size_t target) const {
    return {keys_[0][target], keys_[1][target], keys_[2][target], keys_[3][target]};
}

std::uint32_t Permutations::place(std::uint32_t source, std::size_t target) const {
    const Keys keys = keys_of(target);
    do source = joined(forwards(halves(source, width_), keys, height_, width_), width_);
    while (source >= n_sources_);
    return source;
}

void Permutations::places(std::uint32_t source, std::size_t first, std::span<std::uint32_t> out) const {
    std::array<Word, kMostTogether> l, r;
    std::array<const Word*, kKeys> keys;
    for (std::size_t k = 0; k < kKeys; ++k) keys[k] = keys_[k].data() + first;
    best().forwards(halves(source, width_), keys, out.size(), height_, width_, l.data(), r.data());
    join(l.data(), r.data(), out.size(), width_, out.data());
    if (!has_more_places() || largest(out.data(), out.size()) < n_sources_) return;
    for (std::size_t i = 0; i < out.size(); ++i)
        if (out[i] >= n_sources_) out[i] = place(out[i], first + i);
}

void Permutations::sources(std::size_t target, std::span<std::int32_t> out) const {
    const Keys keys = keys_of(target);
    std::array<Word, kMostTogether> l, r;
    std::array<std::uint32_t, kMostTogether> found;
    Halves next{0, 0};
    for (std::size_t begin = 0; begin < out.size(); begin += kMostTogether) {
        const std::size_t n = std::min(kMostTogether, out.size() - begin);
        for (std::size_t i = 0; i < n; ++i) {
            l[i] = next.l;
            r[i] = next.r;
            if (++next.r == width_) next = {static_cast<Word>(next.l + 1), 0};
        }
        best().backwards(keys, n, height_, width_, l.data(), r.data());
        join(l.data(), r.data(), n, width_, found.data());
        for (std::size_t i = 0; has_more_places() && i < n; ++i)
            while (found[i] >= n_sources_)
                found[i] = joined(backwards(halves(found[i], width_), keys, height_, width_), width_);
        std::copy_n(found.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(begin));
    }
}

std::size_t below_limits(std::span<const std::uint32_t> places, const std::uint32_t* limits, std::int32_t first,
                         std::int32_t* out) {
    return best().below(places.data(), limits, places.size(), first, out);
}

}  // namespace pycosim
