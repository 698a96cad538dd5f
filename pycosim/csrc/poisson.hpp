/// Spike counts of Poisson sources, each drawn from (source, step) alone.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <vector>

#include "philox.hpp"

namespace pycosim {

/// Largest mean that is inverted at once: exp(-500) is far above the smallest double (exp(-708)).
inline constexpr double kLargestInvertedMean = 500.0;
/// Largest mean whose counts are looked up in a table.
inline constexpr double kLargestTabulatedMean = 32.0;
/// Largest number of spikes that memory is set aside for before they are drawn.
inline constexpr double kLargestReserve = 1e7;
/// Largest mean accepted, in spikes of one source in one step.
inline constexpr double kLargestMean = 1e6;

struct Spikes {
    std::vector<std::int64_t> steps;
    std::vector<std::int32_t> indices;
};

struct PoissonSources {
    std::span<const double> rate_per_step;
    std::span<const std::int64_t> first_step, last_step;
};

/// The smallest k whose cumulative probability exceeds u, by summing from 0: cost O(mean), and about as
/// much as writing the spikes. The terms are positive, so the sum has no cancellation.
inline std::int64_t invert_poisson(double u, double mean) {
    double term = std::exp(-mean), cumulative = term;
    std::int64_t k = 0;
    while (u >= cumulative) {
        term *= mean / static_cast<double>(++k);
        const double next = cumulative + term;
        if (next == cumulative && static_cast<double>(k) > mean) break;  // the rest is below rounding
        cumulative = next;
    }
    return k;
}

/// Number of spikes of source `row` in `step`. `word` holds the first 32 bits of its uniform number, lane 1
/// the others. A large mean is split into equal parts, because a sum of Poisson numbers is one: part j has
/// lane j + 1 to itself.
inline std::int64_t poisson_count(Key key, std::uint32_t row, std::int64_t step, std::uint32_t word,
                                  double mean) {
    const auto n_parts = std::max(1U, static_cast<std::uint32_t>(std::ceil(mean / kLargestInvertedMean)));
    const double part = mean / n_parts;
    const auto index = static_cast<std::uint64_t>(step);
    std::int64_t count = invert_poisson(uniform(word, block_of(key, row, 1, index)[0]), part);
    for (std::uint32_t j = 1; j < n_parts; ++j) {
        const Block block = block_of(key, row, j + 1, index);
        count += invert_poisson(uniform(block[0], block[1]), part);
    }
    return count;
}

/// Counts of one mean, looked up by the first 32 bits of a uniform number. These nearly always tell the
/// count, because all uniform numbers that begin with them lie between two cumulative probabilities.
class PoissonTable {
public:
    explicit PoissonTable(double mean) {
        double term = std::exp(-mean), cumulative = term;
        while (mean <= kLargestTabulatedMean) {
            const double bits = std::floor(cumulative * 0x1p32);
            if (bits >= 0x1p32 - 1) break;
            thresholds_.push_back(static_cast<std::uint32_t>(bits));
            term *= mean / static_cast<double>(thresholds_.size());
            cumulative += term;
        }
        thresholds_.push_back(mean <= kLargestTabulatedMean ? UINT32_MAX : 0);  // 0: nothing is certain
        for (std::uint32_t top = 0; top < first_.size(); ++top) {
            std::uint8_t count = 0;
            while (thresholds_[count] < top << 24 && count + 1U < thresholds_.size()) ++count;
            first_[top] = count;
        }
    }

    /// The count that belongs to `word`, or -1 if it takes more bits to tell.
    int count(std::uint32_t word) const {
        int k = first_[word >> 24];
        while (word > thresholds_[static_cast<std::size_t>(k)] &&
               static_cast<std::size_t>(k) + 1 < thresholds_.size())
            ++k;
        return word < thresholds_[static_cast<std::size_t>(k)] ? k : -1;
    }

    /// Without an equal one, the count of a word is the number of thresholds below it.
    const std::vector<std::uint32_t>& thresholds() const { return thresholds_; }

private:
    std::vector<std::uint32_t> thresholds_;  // [k]: first 32 bits of the probability of at most k spikes
    std::array<std::uint8_t, 256> first_;    // smallest count of the words that begin with a byte
};

/// Draws the spikes of steps begin .. end, ordered by (step, index).
class PoissonDrawer {
public:
    PoissonDrawer(Key key, const PoissonSources& sources, std::int64_t begin, std::int64_t end)
        : key_(key), sources_(sources), begin_(begin), end_(end) {
        for (std::size_t i = 0; i < sources.rate_per_step.size(); ++i) {
            const double rate = sources.rate_per_step[i];
            if (!(rate >= 0 && rate <= kLargestMean))
                throw std::invalid_argument("rate_per_step must be between 0 and 1e6 spikes per step");
            if (rate == 0 || sources.first_step[i] > end || sources.last_step[i] < begin) continue;
            rows_.push_back(static_cast<std::uint32_t>(i));
            row_tables_.push_back(&tables_.try_emplace(rate, rate).first->second);
        }
    }

    Spikes draw() {
        Spikes spikes;
        if (rows_.empty()) return spikes;
        double expected = 0;
        for (const std::uint32_t row : rows_)
            expected += sources_.rate_per_step[row] * static_cast<double>(end_ - begin_ + 1);
        const double enough = std::min(expected + 5 * std::sqrt(expected), kLargestReserve);
        spikes.steps.reserve(static_cast<std::size_t>(enough));
        spikes.indices.reserve(static_cast<std::size_t>(enough));
        for (std::vector<std::uint32_t>& words : words_) words.resize(rows_.size());
        for (std::int64_t block = begin_ >> 2; block <= end_ >> 2; ++block) {
            fill_blocks(key_, rows_, static_cast<std::uint64_t>(block),
                        {words_[0].data(), words_[1].data(), words_[2].data(), words_[3].data()});
            for (int k = 0; k < 4; ++k) draw_step(block * 4 + k, words_[static_cast<std::size_t>(k)], spikes);
        }
        return spikes;
    }

private:
    void draw_step(std::int64_t step, const std::vector<std::uint32_t>& words, Spikes& spikes) {
        if (step < begin_ || step > end_) return;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::uint32_t row = rows_[i];
            std::int64_t count = row_tables_[i]->count(words[i]);
            if (count == 0) continue;
            if (step < sources_.first_step[row] || step > sources_.last_step[row]) continue;
            if (count < 0) count = poisson_count(key_, row, step, words[i], sources_.rate_per_step[row]);
            for (; count > 0; --count) {
                spikes.steps.push_back(step);
                spikes.indices.push_back(static_cast<std::int32_t>(row));
            }
        }
    }

    Key key_;
    PoissonSources sources_;
    std::int64_t begin_, end_;
    std::vector<std::uint32_t> rows_;
    std::map<double, PoissonTable> tables_;
    std::vector<const PoissonTable*> row_tables_;
    std::array<std::vector<std::uint32_t>, 4> words_;
};

}  // namespace pycosim
