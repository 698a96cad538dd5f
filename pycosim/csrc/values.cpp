#include "values.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "clones.hpp"
#include "normal.hpp"
#include "philox.hpp"

namespace pycosim {
namespace {

// A block of four random words makes two numbers. Of the numbers of kBoth places in a row, the first half are the first
// ones of kLanes blocks, and the others the second ones: so vectors are written as they are.
constexpr std::size_t kLanes = 16, kBoth = 2 * kLanes;
constexpr std::size_t kPiece = 1024, kPairs = kPiece / 2;  // numbers and blocks that stay in the first-level cache

using Numbers = std::array<double, kPiece>;
using Pairs = std::array<std::array<double, kPairs>, 2>;

// The words of up to kPairs blocks. A block is named by a number of 64 bits and one of 32.
struct Words {
    std::array<std::uint32_t, kPairs> rows;  // the low halves of the first ones
    std::array<std::array<std::uint32_t, kPairs>, 4> words;

    std::array<std::uint32_t*, 4> pointers() { return {words[0].data(), words[1].data(), words[2].data(), words[3].data()}; }

    // `first` has the upper half of all.
    void fill(Key key, std::size_t n, std::uint64_t first, std::uint32_t draw) {
        fill_blocks(key, std::span(rows).first(n), first >> 32 << 32 | draw, pointers());
    }
};

PYCOSIM_SIMD_CLONES
void to_uniform(const Words& words, std::size_t n_pairs, double low, double range, Numbers& out) {
    const auto& w = words.words;
    for (std::size_t i = 0; i < n_pairs; i += kLanes) {
        for (std::size_t k = 0; k < kLanes; ++k)
            out[2 * i + k] = low + range * (from_one_to_two(w[0][i + k], w[1][i + k]) - 1.0);
        for (std::size_t k = 0; k < kLanes; ++k)
            out[2 * i + kLanes + k] = low + range * (from_one_to_two(w[2][i + k], w[3][i + k]) - 1.0);
    }
}

PYCOSIM_SIMD_CLONES
void to_normal(const Pairs& pairs, std::size_t n_pairs, double mu, double sigma, Numbers& out) {
    for (std::size_t i = 0; i < n_pairs; i += kLanes) {
        for (std::size_t k = 0; k < kLanes; ++k) out[2 * i + k] = mu + sigma * pairs[0][i + k];
        for (std::size_t k = 0; k < kLanes; ++k) out[2 * i + kLanes + k] = mu + sigma * pairs[1][i + k];
    }
}

// Finds out which numbers are out of the limits; returns how many.
PYCOSIM_SIMD_CLONES
std::int64_t find_wrong(const double* numbers, std::size_t n, Clipping limits, std::int64_t* is_wrong) {
    std::int64_t n_wrong = 0;
    for (std::size_t i = 0; i < n; ++i) {
        is_wrong[i] = limits.leaves(numbers[i]) ? 0 : 1;
        n_wrong += is_wrong[i];
    }
    return n_wrong;
}

// The first number of each pair, or the second one if the first is out of the limits.
PYCOSIM_SIMD_CLONES
void to_either(const Pairs& pairs, std::size_t n_pairs, double mu, double sigma, Clipping limits, double* out) {
    for (std::size_t i = 0; i < n_pairs; ++i) {
        const double first = mu + sigma * pairs[0][i], second = mu + sigma * pairs[1][i];
        out[i] = limits.leaves(first) ? first : second;
    }
}

// The numbers of a distribution in a stream.
class Stream {
public:
    Stream(Key key, const DistributionOf& distribution) : key_(key), distribution_(distribution) {}

    // Writes numbers first, first + 1, ...; `first` is a multiple of kBoth. Numbers up to the next multiple of kBoth
    // are written too, and mean nothing.
    void fill(std::uint64_t first, std::size_t n, Numbers& out) const {
        Words words;
        const std::uint64_t pair = first / 2;
        const std::size_t n_pairs = (n + kBoth - 1) / kBoth * kLanes;
        for (std::size_t i = 0; i < n_pairs; ++i) words.rows[i] = static_cast<std::uint32_t>(pair + i);
        words.fill(key_, n_pairs, pair, 0);
        const auto& [kind, mu, sigma, limits] = distribution_;
        if (kind == Distribution::uniform) return to_uniform(words, n_pairs, limits.low, limits.high - limits.low, out);
        Pairs pairs;
        box_muller(words.pointers(), n_pairs, pairs[0].data(), pairs[1].data());
        to_normal(pairs, n_pairs, mu, sigma, out);
        if (distribution_.is_clipped()) redraw(first, n, out, words, pairs);
    }

    // The same from any number on, and no more.
    void fill_from(std::uint64_t first, std::span<double> out) const {
        Numbers numbers;
        for (std::size_t n_here = 0; !out.empty(); out = out.subspan(n_here), first += n_here) {
            const auto n_before = static_cast<std::size_t>(first % kBoth);
            n_here = std::min(out.size(), kPiece - n_before);
            fill(first - n_before, n_before + n_here, numbers);
            std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(n_before), n_here, out.begin());
        }
    }

private:
    static constexpr std::uint32_t kMostRedraws = 1000;  // PyNN's MAX_REDRAWS

    // Draws again what is out of the limits, all that is left at once; each from blocks of its own, two numbers of one.
    void redraw(std::uint64_t first, std::size_t n, Numbers& numbers, Words& words, Pairs& pairs) const {
        const auto& [kind, mu, sigma, limits] = distribution_;
        std::array<std::uint32_t, kPiece> wrong;
        std::array<double, kPairs> redrawn;
        std::array<std::int64_t, kPiece> is_wrong;
        if (find_wrong(numbers.data(), n, limits, is_wrong.data()) == 0) return;
        std::size_t n_wrong = 0;
        for (std::size_t i = 0; i < n; ++i) {
            wrong[n_wrong] = static_cast<std::uint32_t>(i);
            n_wrong += static_cast<std::size_t>(is_wrong[i]);
        }
        for (std::uint32_t draw = 1; n_wrong > 0; ++draw) {
            if (2 * draw > kMostRedraws) throw std::invalid_argument("too many numbers are out of the limits");
            std::size_t n_left = 0;
            for (std::size_t begin = 0; begin < n_wrong; begin += kPairs) {
                const std::size_t n_here = std::min(kPairs, n_wrong - begin);
                const std::uint32_t* const here = &wrong[begin];
                for (std::size_t i = 0; i < n_here; ++i) words.rows[i] = static_cast<std::uint32_t>(first + here[i]);
                words.fill(key_, n_here, first, draw);
                box_muller(words.pointers(), n_here, pairs[0].data(), pairs[1].data());
                to_either(pairs, n_here, mu, sigma, limits, redrawn.data());
                for (std::size_t i = 0; i < n_here; ++i) {
                    numbers[here[i]] = redrawn[i];
                    wrong[n_left] = here[i];
                    n_left += !limits.leaves(redrawn[i]);
                }
            }
            n_wrong = n_left;
        }
    }

    Key key_;
    DistributionOf distribution_;
};

// Calls visit(first, last, block) for each run of keys of the same block.
template <class Visit>
void for_runs(std::span<const std::int32_t> keys, int shift, Visit&& visit) {
    for (std::size_t first = 0, last = 0; first < keys.size(); first = last) {
        const auto other = [&, key = keys[first]](std::size_t i) { return static_cast<std::uint32_t>(keys[i] ^ key); };
        for (last = first + 1; last + kLanes <= keys.size(); last += kLanes) {
            std::uint32_t others = 0;
            for (std::size_t k = 0; k < kLanes; ++k) others |= other(last + k);
            if (others >> shift) break;
        }
        while (last < keys.size() && other(last) >> shift == 0) ++last;
        visit(first, last, static_cast<std::size_t>(keys[first] >> shift));
    }
}

// How many keys each block of 2^shift has.
LongColumn<std::int64_t> counts_of_blocks(std::span<const std::int32_t> keys, std::int64_t n_blocks, int shift) {
    LongColumn<std::int64_t> counts(static_cast<std::size_t>(n_blocks), 0);
    for_runs(keys, shift, [&](std::size_t first, std::size_t last, std::size_t block) {
        if (block >= counts.size()) throw std::out_of_range("a key is outside the number of keys");
        counts[block] += static_cast<std::int64_t>(last - first);
    });
    return counts;
}

// What a number becomes: itself.
struct Kept {
    using Value = double;
    void operator()(std::span<const double> numbers, double* out) { std::ranges::copy(numbers, out); }
};

// What a number becomes: a delay in steps.
struct Rounded {
    using Value = std::int32_t;
    DelayRounder& rounder;
    void operator()(std::span<const double> numbers, std::int32_t* out) { rounder.round(numbers, out); }
};

// The numbers of a block, drawn piece by piece: they are handed out while they are in the cache.
template <class Become>
class BlockNumbers {
    using Value = typename Become::Value;

public:
    // Of `n` numbers.
    BlockNumbers(Stream stream, std::int64_t n, Become become)
        : stream_(stream), n_(static_cast<std::size_t>(n)), become_(become) {}

    // Writes the next ones.
    void take(std::span<Value> values) {
        for (std::size_t n_here = 0; !values.empty(); values = values.subspan(n_here)) {
            if (next_ == end_) {
                end_ = std::min(n_, end_ + kPiece);
                if (end_ - next_ <= values.size()) {
                    draw(next_, values.data());
                    n_here = end_ - next_;
                    next_ = end_;
                    continue;
                }
                piece_.resize(end_ - next_);
                draw(next_, piece_.data());
            }
            n_here = std::min(values.size(), end_ - next_);
            std::copy_n(piece_.end() - static_cast<std::ptrdiff_t>(end_ - next_), n_here, values.begin());
            next_ += n_here;
        }
    }

private:
    void draw(std::size_t first, Value* out) {
        Numbers numbers;
        stream_.fill(first, end_ - first, numbers);
        become_(std::span(numbers).first(end_ - first), out);
    }

    Stream stream_;
    std::size_t n_, next_ = 0, end_ = 0;  // of the block, the next one, and the end of what was drawn
    Become become_;
    std::vector<Value> piece_;
};

template <class Become>
LongColumn<typename Become::Value> by_block(std::uint64_t seed, std::span<const std::uint64_t> streams,
                                            const DistributionOf& distribution, std::span<const std::int32_t> keys,
                                            int shift, Become become) {
    const LongColumn<std::int64_t> counts = counts_of_blocks(keys, static_cast<std::int64_t>(streams.size()), shift);
    LongColumn<typename Become::Value> values(keys.size());
    std::vector<BlockNumbers<Become>> blocks;
    blocks.reserve(streams.size());
    for (std::size_t block = 0; block < streams.size(); ++block)
        blocks.emplace_back(Stream(key_of(seed, streams[block]), distribution), counts[block], become);
    for_runs(keys, shift, [&](std::size_t first, std::size_t last, std::size_t block) {
        blocks[block].take(std::span(values).subspan(first, last - first));
    });
    return values;
}

}  // namespace

LongColumn<double> numbers_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams,
                                    const DistributionOf& distribution, std::span<const std::int32_t> keys, int shift) {
    return by_block(seed, streams, distribution, keys, shift, Kept{});
}

DelaySteps delays_by_block(std::uint64_t seed, std::span<const std::uint64_t> streams, const DistributionOf& distribution,
                           std::span<const std::int32_t> keys, int shift, double dt_ms) {
    DelayRounder rounder(dt_ms);
    LongColumn<std::int32_t> steps = by_block(seed, streams, distribution, keys, shift, Rounded{rounder});
    return rounder.with(std::move(steps));
}

void find_runs(std::span<const std::int32_t> keys, int shift, std::vector<BlockRun>& runs) {
    runs.clear();
    for_runs(keys, shift,
             [&](std::size_t first, std::size_t last, std::size_t block) { runs.push_back({block, first, last}); });
}

void fill_numbers(Key stream, const DistributionOf& distribution, std::uint64_t first, std::span<double> out) {
    Stream(stream, distribution).fill_from(first, out);
}

namespace {

// Calls visit(numbers) for the first n[i] numbers of each stream, piece by piece.
template <class Visit>
void for_pieces(std::span<const Key> streams, const DistributionOf& distribution, std::span<const std::int64_t> n,
                Visit&& visit) {
    Numbers numbers;
    for (std::size_t i = 0; i < streams.size(); ++i) {
        const Stream stream(streams[i], distribution);
        const auto n_numbers = static_cast<std::size_t>(n[i]);
        for (std::size_t first = 0; first < n_numbers; first += kPiece) {
            const std::size_t n_here = std::min(kPiece, n_numbers - first);
            stream.fill(first, n_here, numbers);
            visit(std::span<const double>(numbers).first(n_here));
        }
    }
}

}  // namespace

std::array<double, 2> extremes_of_streams(std::span<const Key> streams, const DistributionOf& distribution,
                                          std::span<const std::int64_t> n) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    std::array<double, 2> found{kInfinity, -kInfinity};
    bool are_numbers = true;
    for_pieces(streams, distribution, n, [&](std::span<const double> numbers) {
        const auto [low, high] = extremes(numbers);
        are_numbers = are_numbers && !std::isnan(low);
        found = {std::min(found[0], low), std::max(found[1], high)};
    });
    return are_numbers ? found : std::array{std::nan(""), std::nan("")};
}

DelaySteps delays_of_streams(std::span<const Key> streams, const DistributionOf& distribution,
                             std::span<const std::int64_t> n, double dt_ms) {
    DelayRounder rounder(dt_ms);
    std::array<std::int32_t, kPiece> steps;
    for_pieces(streams, distribution, n,
               [&](std::span<const double> numbers) { rounder.round(numbers, steps.data()); });
    return rounder.with({});
}

}  // namespace pycosim
