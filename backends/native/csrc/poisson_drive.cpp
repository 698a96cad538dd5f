#include "poisson_drive.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "vectorised.hpp"

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
#include <immintrin.h>
#endif

namespace pycosim::native {
namespace {

// Sources whose spikes are added together, and those of which the largest word is found beforehand: how many thresholds they
// need cannot be guessed by the processor, which would wait for it.
constexpr std::size_t kBlock = 64, kGroup = 32;

PYCOSIM_EVERY_INSTRUCTION_SET
void find_largest(const std::uint32_t* __restrict words, std::size_t n_groups, std::uint32_t* __restrict largest) {
    for (std::size_t i = 0; i < n_groups; ++i) {
        std::uint32_t most = 0;
        for (std::size_t k = 0; k < kGroup; ++k) most = std::max(most, words[i * kGroup + k]);
        largest[i] = most;
    }
}

// Adds weights[i] to sums[i] once for each threshold below words[i]: as often as the source spikes. Returns false and
// changes nothing where a word is equal to a threshold, so that it does not tell, or where there are none. Arrays have
// kBlock elements, and their largest words are given by group. Most tables are several times as long as what a block needs
// of them.
PYCOSIM_EVERY_INSTRUCTION_SET
bool add_spikes_in_loops(const std::uint32_t* __restrict words, const std::uint32_t* largest_words,
                         std::span<const std::uint32_t> thresholds, const double* __restrict weights,
                         double* __restrict sums) {
    if (thresholds.empty()) return false;
    std::uint32_t nearest[kBlock], least = UINT32_MAX;
    double sum[kBlock];
    const std::uint32_t largest = *std::max_element(largest_words, largest_words + kBlock / kGroup);
    for (std::size_t i = 0; i < kBlock; ++i) {
        nearest[i] = UINT32_MAX;
        sum[i] = sums[i];
    }
    for (std::size_t k = 0; k < thresholds.size() && thresholds[k] <= largest; ++k) {
        const std::uint32_t threshold = thresholds[k];
        for (std::size_t i = 0; i < kBlock; ++i) {
            const double more = sum[i] + weights[i];
            sum[i] = words[i] > threshold ? more : sum[i];
            nearest[i] = std::min(nearest[i], words[i] ^ threshold);
        }
    }
    for (std::size_t i = 0; i < kBlock; ++i) least = std::min(least, nearest[i]);
    if (least == 0) return false;
    std::copy_n(sum, kBlock, sums);
    return true;
}

PYCOSIM_BASE_INSTRUCTION_SET
bool add_spikes(const std::uint32_t* words, const std::uint32_t* largest, std::span<const std::uint32_t> thresholds,
                const double* weights, double* sums) {
    return add_spikes_in_loops(words, largest, thresholds, weights, sums);
}

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
// By hand, so that the sums of a group stay in registers. A word is equal to a threshold if it is to the last one that
// is not above it.
__attribute__((target("avx512f")))
bool add_spikes(const std::uint32_t* words, const std::uint32_t* largest, std::span<const std::uint32_t> thresholds,
                const double* weights, double* sums) {
    if (thresholds.empty()) return false;
    constexpr std::size_t width = 8, n_sums = kGroup / width, n_words = n_sums / 2;
    __m512d result[kBlock / width];
    for (std::size_t first = 0; first < kBlock; first += kGroup) {
        __m512i word[n_words], last[n_words];
        __m512d sum[n_sums], weight[n_sums];
        for (std::size_t i = 0; i < n_words; ++i) {
            word[i] = _mm512_loadu_si512(words + first + i * 2 * width);
            last[i] = _mm512_xor_si512(word[i], _mm512_set1_epi32(-1));
        }
        for (std::size_t i = 0; i < n_sums; ++i) {
            sum[i] = _mm512_loadu_pd(sums + first + i * width);
            weight[i] = _mm512_loadu_pd(weights + first + i * width);
        }
        for (std::size_t k = 0; k < thresholds.size() && thresholds[k] <= largest[first / kGroup]; ++k) {
            const __m512i threshold = _mm512_set1_epi32(static_cast<int>(thresholds[k]));
            for (std::size_t i = 0; i < n_words; ++i) {
                const __mmask16 spikes = _mm512_cmpge_epu32_mask(word[i], threshold);
                const auto lower = static_cast<__mmask8>(spikes), upper = static_cast<__mmask8>(spikes >> width);
                sum[2 * i] = _mm512_mask_add_pd(sum[2 * i], lower, sum[2 * i], weight[2 * i]);
                sum[2 * i + 1] = _mm512_mask_add_pd(sum[2 * i + 1], upper, sum[2 * i + 1], weight[2 * i + 1]);
                last[i] = _mm512_mask_mov_epi32(last[i], spikes, threshold);
            }
        }
        if (_mm512_cmpeq_epi32_mask(last[0], word[0]) | _mm512_cmpeq_epi32_mask(last[1], word[1])) return false;
        for (std::size_t i = 0; i < n_sums; ++i) result[first / width + i] = sum[i];
    }
    for (std::size_t i = 0; i < kBlock / width; ++i) _mm512_storeu_pd(sums + i * width, result[i]);
    return true;
}
#endif

// Adds weights[i] counts[i] times, as single spikes do.
PYCOSIM_EVERY_INSTRUCTION_SET
void add_repeatedly(const std::uint32_t* __restrict counts, const double* __restrict weights, std::size_t size,
                    double* __restrict inputs) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < size; ++i) largest = counts[i] > largest ? counts[i] : largest;
    for (std::uint32_t k = 0; k < largest; ++k) {
        for (std::size_t i = 0; i < size; ++i) {
            const double sum = inputs[i] + weights[i];
            inputs[i] = counts[i] > k ? sum : inputs[i];
        }
    }
}

}  // namespace

PoissonDrive::PoissonDrive(std::size_t population, std::uint32_t position, const PoissonRule& rule,
                           DriveSynapses synapses, std::int64_t first_emission)
    : population_(population), position_(position), rule_(rule), synapses_(std::move(synapses)),
      first_emission_(std::max(first_emission, rule.first_step)), last_emission_(rule.last_step) {
    if (rule.mean <= kLargestTabulatedMean) thresholds_ = PoissonTable(rule.mean).thresholds();
    const std::vector<std::uint32_t>& targets = synapses_.targets;
    targets_are_contiguous_ = true;
    for (std::size_t i = 1; i < targets.size(); ++i) targets_are_contiguous_ &= targets[i] == targets[i - 1] + 1;
    const std::size_t padded_size = (targets.size() + kBlock - 1) / kBlock * kBlock;
    std::uint32_t padding = 0;
    while (std::find(thresholds_.begin(), thresholds_.end(), padding) != thresholds_.end()) ++padding;
    for (std::vector<std::uint32_t>& words : words_) words.assign(padded_size, padding);
    largest_words_.resize(padded_size / kGroup);
}

void PoissonDrive::move_receptors(std::uint32_t old_stride, std::uint32_t new_stride) {
    for (std::uint32_t& target : synapses_.targets) target = target / old_stride * new_stride + target % old_stride;
}

void PoissonDrive::add(std::int64_t step, double* inputs) {
    if (words_of_ != step >> 2) {
        words_of_ = step >> 2;
        fill_blocks(rule_.key, synapses_.sources, static_cast<std::uint64_t>(words_of_),
                    {words_[0].data(), words_[1].data(), words_[2].data(), words_[3].data()});
    }
    const std::vector<std::uint32_t>& words = words_[static_cast<std::size_t>(step & 3)];
    find_largest(words.data(), largest_words_.size(), largest_words_.data());
    const std::size_t n = synapses_.targets.size();
    for (std::size_t begin = 0; begin < n; begin += kBlock) {
        add_block(step, words.data() + begin, begin, std::min(kBlock, n - begin), inputs);
    }
}

void PoissonDrive::add_block(std::int64_t step, const std::uint32_t* words, std::size_t begin, std::size_t size,
                             double* inputs) {
    const double* const weights = synapses_.weights.data() + begin;
    const std::uint32_t* const targets = synapses_.targets.data() + begin;
    const std::uint32_t* const largest = largest_words_.data() + begin / kGroup;
    if (targets_are_contiguous_ && size == kBlock &&
        add_spikes(words, largest, thresholds_, weights, inputs + targets[0])) {
        return;
    }
    std::uint32_t counts[kBlock];
    count_spikes(step, words, begin, size, counts);
    if (targets_are_contiguous_) {
        add_repeatedly(counts, weights, size, inputs + targets[0]);
        return;
    }
    for (std::size_t i = 0; i < size; ++i) {
        for (std::uint32_t k = 0; k < counts[i]; ++k) inputs[targets[i]] += weights[i];
    }
}

void PoissonDrive::count_spikes(std::int64_t step, const std::uint32_t* words, std::size_t begin, std::size_t size,
                                std::uint32_t* counts) const {
    std::array<double, kBlock> ones, sums{};
    ones.fill(1.0);
    if (add_spikes(words, largest_words_.data() + begin / kGroup, thresholds_, ones.data(), sums.data())) {
        std::copy_n(sums.begin(), size, counts);
        return;
    }
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint32_t row = synapses_.sources[begin + i];
        counts[i] = static_cast<std::uint32_t>(poisson_count(rule_.key, row, step, words[i], rule_.mean));
    }
}

}  // namespace pycosim::native
