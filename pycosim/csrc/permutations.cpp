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

/// Of few sources hashes have few values, and mix them in more rounds.
constexpr std::uint32_t kFew = 1024, kVeryFew = 36;
constexpr int kRounds = 8, kRoundsOfFew = 16, kRoundsOfVeryFew = 40;
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

template <int kAllRounds>
PYCOSIM_INLINED Halves forwards(Halves x, const Keys& keys, Word height, Word width) {
#pragma GCC unroll 20
    for (int round = 0; round < kAllRounds; round += 2) {
        x.l = sum(x.l, hash(x.r, key_of_round(keys, round), height), height);
        x.r = sum(x.r, hash(x.l, key_of_round(keys, round + 1), width), width);
    }
    return x;
}

template <int kAllRounds>
PYCOSIM_INLINED Halves backwards(Halves x, const Keys& keys, Word height, Word width) {
#pragma GCC unroll 20
    for (int round = kAllRounds - 2; round >= 0; round -= 2) {
        x.r = difference(x.r, hash(x.l, key_of_round(keys, round + 1), width), width);
        x.l = difference(x.l, hash(x.r, key_of_round(keys, round), height), height);
    }
    return x;
}

Halves forwards(int rounds, Halves x, const Keys& keys, Word height, Word width) {
    if (rounds == kRounds) return forwards<kRounds>(x, keys, height, width);
    return rounds == kRoundsOfFew ? forwards<kRoundsOfFew>(x, keys, height, width)
                                  : forwards<kRoundsOfVeryFew>(x, keys, height, width);
}

Halves backwards(int rounds, Halves x, const Keys& keys, Word height, Word width) {
    if (rounds == kRounds) return backwards<kRounds>(x, keys, height, width);
    return rounds == kRoundsOfFew ? backwards<kRoundsOfFew>(x, keys, height, width)
                                  : backwards<kRoundsOfVeryFew>(x, keys, height, width);
}

PYCOSIM_INLINED std::uint32_t joined(Halves x, Word width) { return std::uint32_t{x.l} * width + x.r; }

PYCOSIM_INLINED Halves halves(std::uint32_t place, Word width) {
    return {static_cast<Word>(place / width), static_cast<Word>(place % width)};
}

using KeyColumns = std::array<const Word*, 4>;

/// Words in the widest vector.
constexpr std::size_t kLanes = 32;
static_assert(Permutations::kMostTogether % kLanes == 0);

enum class Way { forwards, backwards };

// Bodies of loops for each instruction set below: from l[i] and r[i] through all rounds.

template <int kAllRounds, Way kWay>
PYCOSIM_INLINED void loop(const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    const Word *const first = keys[0], *const second = keys[1], *const third = keys[2], *const fourth = keys[3];
    for (std::size_t i = 0; i < n; ++i) {
        const Keys own{first[i], second[i], third[i], fourth[i]};
        Halves x{l[i], r[i]};
        if constexpr (kWay == Way::forwards)
            x = forwards<kAllRounds>(x, own, height, width);
        else
            x = backwards<kAllRounds>(x, own, height, width);
        l[i] = x.l;
        r[i] = x.r;
    }
}

template <Way kWay>
PYCOSIM_INLINED void through(int rounds, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    if (rounds == kRounds)
        loop<kRounds, kWay>(keys, n, height, width, l, r);
    else if (rounds == kRoundsOfFew)
        loop<kRoundsOfFew, kWay>(keys, n, height, width, l, r);
    else
        loop<kRoundsOfVeryFew, kWay>(keys, n, height, width, l, r);
}

// The same forwards, from one place for all.

template <int kAllRounds>
PYCOSIM_INLINED void loop_from_one(Halves x, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    const Word *const first = keys[0], *const second = keys[1], *const third = keys[2], *const fourth = keys[3];
    for (std::size_t i = 0; i < n; ++i) {
        const Halves y = forwards<kAllRounds>(x, {first[i], second[i], third[i], fourth[i]}, height, width);
        l[i] = y.l;
        r[i] = y.r;
    }
}

PYCOSIM_INLINED void through_from_one(int rounds, Halves x, const KeyColumns& keys, std::size_t n, Word height, Word width,
                                      Word* l, Word* r) {
    if (rounds == kRounds)
        loop_from_one<kRounds>(x, keys, n, height, width, l, r);
    else if (rounds == kRoundsOfFew)
        loop_from_one<kRoundsOfFew>(x, keys, n, height, width, l, r);
    else
        loop_from_one<kRoundsOfVeryFew>(x, keys, n, height, width, l, r);
}

// Backwards, with the same keys for all.

template <int kAllRounds>
PYCOSIM_INLINED void loop_of_one(const Keys& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    const Keys of_all = keys;
    for (std::size_t i = 0; i < n; ++i) {
        const Halves x = backwards<kAllRounds>({l[i], r[i]}, of_all, height, width);
        l[i] = x.l;
        r[i] = x.r;
    }
}

PYCOSIM_INLINED void through_of_one(int rounds, const Keys& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    if (rounds == kRounds)
        loop_of_one<kRounds>(keys, n, height, width, l, r);
    else if (rounds == kRoundsOfFew)
        loop_of_one<kRoundsOfFew>(keys, n, height, width, l, r);
    else
        loop_of_one<kRoundsOfVeryFew>(keys, n, height, width, l, r);
}

PYCOSIM_SIMD_CLONES
void forwards_in_vectors(int rounds, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    through<Way::forwards>(rounds, keys, n, height, width, l, r);
}

PYCOSIM_SIMD_CLONES
void backwards_in_vectors(int rounds, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    through<Way::backwards>(rounds, keys, n, height, width, l, r);
}

PYCOSIM_SIMD_CLONES
void forwards_from_one(int rounds, Halves x, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    through_from_one(rounds, x, keys, n, height, width, l, r);
}

PYCOSIM_SIMD_CLONES
void backwards_of_one(int rounds, const Keys& keys, std::size_t n, Word height, Word width, Word* l, Word* r) {
    through_of_one(rounds, keys, n, height, width, l, r);
}

PYCOSIM_SIMD_CLONES
void join(const Word* l, const Word* r, std::size_t n, Word width, std::uint32_t* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = joined({l[i], r[i]}, width);
}

PYCOSIM_SIMD_CLONES
std::size_t n_from(std::uint32_t limit, const std::uint32_t* values, std::size_t n) {
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < n; ++i) count += values[i] >= limit;
    return count;
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
    decltype(&forwards_from_one) from_one = forwards_from_one;
    decltype(&backwards_of_one) of_one = backwards_of_one;
    decltype(&below_plainly) below = below_plainly;
};

#if defined(__x86_64__) && defined(__GNUC__)
// Vectors of 16-bit words, and what packs those that were found, need more than the first 512-bit instructions.
#define PYCOSIM_WORDS_AVX512 __attribute__((target("avx512f,avx512bw,popcnt")))

PYCOSIM_WORDS_AVX512 void forwards_avx512(int rounds, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l,
                                          Word* r) {
    through<Way::forwards>(rounds, keys, n, height, width, l, r);
}

PYCOSIM_WORDS_AVX512 void backwards_avx512(int rounds, const KeyColumns& keys, std::size_t n, Word height, Word width, Word* l,
                                           Word* r) {
    through<Way::backwards>(rounds, keys, n, height, width, l, r);
}

PYCOSIM_WORDS_AVX512 void from_one_avx512(int rounds, Halves x, const KeyColumns& keys, std::size_t n, Word height,
                                         Word width, Word* l, Word* r) {
    through_from_one(rounds, x, keys, n, height, width, l, r);
}

PYCOSIM_WORDS_AVX512 void backwards_of_one_avx512(int rounds, const Keys& keys, std::size_t n, Word height, Word width, Word* l,
                                                  Word* r) {
    through_of_one(rounds, keys, n, height, width, l, r);
}

PYCOSIM_WORDS_AVX512 std::size_t below_avx512(const std::uint32_t* places, const std::uint32_t* limits,
                                              std::size_t n, std::int32_t first, std::int32_t* out) {
    constexpr std::size_t kPlaces = 16;
    const __m512i from_0 = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i indices = _mm512_add_epi32(from_0, _mm512_set1_epi32(first));
    std::size_t i = 0, n_found = 0;
    for (; i + kPlaces <= n; i += kPlaces) {
        const __mmask16 found = _mm512_cmplt_epu32_mask(_mm512_loadu_si512(places + i), _mm512_loadu_si512(limits + i));
        _mm512_storeu_si512(out + n_found, _mm512_maskz_compress_epi32(found, indices));
        n_found += static_cast<std::size_t>(__builtin_popcount(found));
        indices = _mm512_add_epi32(indices, _mm512_set1_epi32(kPlaces));
    }
    return n_found + below_plainly(places + i, limits + i, n - i, first + static_cast<std::int32_t>(i), out + n_found);
}

const Functions& best() {
    static const bool has_all = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("popcnt");
    static const Functions functions =
        has_all ? Functions{forwards_avx512, backwards_avx512, from_one_avx512, backwards_of_one_avx512, below_avx512}
                : Functions{};
    return functions;
}
#else
const Functions& best() {
    static const Functions functions;
    return functions;
}
#endif

/// About the root of `n`, but not less than 2: such that few products of it and another number are beyond `n`.
std::uint32_t height_of(std::uint32_t n) {
    const auto root = std::max(2U, static_cast<std::uint32_t>(std::sqrt(static_cast<double>(n))));
    std::uint32_t best = root, fewest = std::numeric_limits<std::uint32_t>::max();
    // of few, both halves should have as many values as can be
    for (std::uint32_t height = std::max(2U, n < kFew ? root - root / 4 : root / 2); height <= root; ++height) {
        const std::uint32_t beyond = (n + height - 1) / height * height - n;
        if (beyond <= fewest) best = height, fewest = beyond;
    }
    return best;
}

}  // namespace

Permutations::Permutations(Key key, std::size_t n_sources, std::span<const std::int32_t> targets)
    : n_sources_(static_cast<std::uint32_t>(n_sources)) {
    if (n_sources > kMostSources) throw std::invalid_argument("permutations are of at most 2^28 sources");
    const std::uint32_t height = height_of(n_sources_);
    height_ = static_cast<Word>(height);
    width_ = static_cast<Word>(std::max(2U, (n_sources_ + height - 1) / height));
    rounds_ = n_sources_ < kVeryFew ? kRoundsOfVeryFew : n_sources_ < kFew ? kRoundsOfFew : kRounds;
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
    return n_sources_ < 2 ? 0 : moved(Direction::to_places, source, target);
}

std::uint32_t Permutations::moved(Direction direction, std::uint32_t from, std::size_t target) const {
    const Keys keys = keys_of(target);
    do {
        const Halves x = halves(from, width_);
        from = joined(direction == Direction::to_places ? forwards(rounds_, x, keys, height_, width_)
                                                        : backwards(rounds_, x, keys, height_, width_),
                      width_);
    } while (from >= n_sources_);
    return from;
}

void Permutations::places(std::uint32_t source, std::size_t first, std::span<std::uint32_t> out) const {
    move(Direction::to_places, source, first, out);
}

void Permutations::sources_at(std::uint32_t place, std::size_t first, std::span<std::uint32_t> out) const {
    move(Direction::to_sources, place, first, out);
}

void Permutations::move(Direction direction, std::uint32_t from, std::size_t first, std::span<std::uint32_t> out) const {
    const std::size_t n = out.size();
    if (n_sources_ < 2) {
        std::ranges::fill(out, 0U);
        return;
    }
    std::array<const Word*, kKeys> keys;
    for (std::size_t k = 0; k < kKeys; ++k) keys[k] = keys_[k].data() + first;
    const Halves x = halves(from, width_);
    std::array<Word, kMostTogether> l, r;
    const auto go = direction == Direction::to_places ? best().forwards : best().backwards;
    if (direction == Direction::to_places) {
        best().from_one(rounds_, x, keys, n, height_, width_, l.data(), r.data());
    } else {
        std::fill_n(l.begin(), n, x.l);
        std::fill_n(r.begin(), n, x.r);
        go(rounds_, keys, n, height_, width_, l.data(), r.data());
    }
    join(l.data(), r.data(), n, width_, out.data());
    if (!has_more_places()) return;
    std::size_t n_beyond = n_from(n_sources_, out.data(), n);
    std::array<std::uint32_t, kMostTogether> later;
    while (n_beyond > n / kLanes) {  // of few sources
        go(rounds_, keys, n, height_, width_, l.data(), r.data());
        join(l.data(), r.data(), n, width_, later.data());
        for (std::size_t i = 0; i < n; ++i) out[i] = out[i] < n_sources_ ? out[i] : later[i];
        n_beyond = n_from(n_sources_, out.data(), n);
    }
    for (std::size_t i = 0; n_beyond > 0 && i < n; ++i) {
        if (out[i] < n_sources_) continue;
        out[i] = moved(direction, out[i], first + i);
        --n_beyond;
    }
}

void Permutations::sources(std::size_t target, std::uint32_t first, std::span<std::uint32_t> out) const {
    if (n_sources_ < 2) {
        std::ranges::fill(out, 0U);
        return;
    }
    const Keys keys = keys_of(target);
    std::array<Word, kMostTogether> l, r;
    Halves next = halves(first, width_);
    for (std::size_t begin = 0; begin < out.size(); begin += kMostTogether) {
        const std::size_t n = std::min(kMostTogether, out.size() - begin);
        const std::size_t n_filled = (n + kLanes - 1) / kLanes * kLanes;  // whole vectors; behind the last place, any
        for (std::size_t i = 0; i < n_filled;) {
            const std::size_t n_here = std::min<std::size_t>(n_filled - i, width_ - next.r);
            for (std::size_t k = 0; k < n_here; ++k) {
                l[i + k] = next.l;
                r[i + k] = static_cast<Word>(next.r + k);
            }
            i += n_here;
            next.r = static_cast<Word>(next.r + n_here);
            if (next.r == width_) next = {static_cast<Word>(next.l + 1), 0};
        }
        best().of_one(rounds_, keys, n_filled, height_, width_, l.data(), r.data());
        const std::span<std::uint32_t> found = out.subspan(begin, n);
        join(l.data(), r.data(), n, width_, found.data());
        if (!has_more_places()) continue;
        for (std::uint32_t& source : found)
            if (source >= n_sources_) source = moved(Direction::to_sources, source, target);
    }
}

std::size_t below_limits(std::span<const std::uint32_t> places, const std::uint32_t* limits, std::int32_t first,
                         std::int32_t* out) {
    return best().below(places.data(), limits, places.size(), first, out);
}

}  // namespace pycosim
