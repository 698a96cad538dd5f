#include "poisson_drive.hpp"

#include <algorithm>

#include "vectorised.hpp"

namespace pycosim::native {
namespace {

// Sources whose counts are in registers together.
constexpr std::size_t kBlock = 64;

// counts[i] is the number of thresholds below words[i]; returns whether a word is equal to a threshold, so that it does
// not tell the count. All arrays have kBlock elements.
PYCOSIM_EVERY_INSTRUCTION_SET
bool count_below(const std::uint32_t* __restrict words, const std::uint32_t* __restrict thresholds, std::size_t n,
                 std::uint32_t* __restrict counts) {
    std::uint32_t count[kBlock] = {}, equal[kBlock] = {};
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < kBlock; ++i) largest = words[i] > largest ? words[i] : largest;
    // Most tables are several times as long as what a block needs of them.
    for (std::size_t k = 0; k < n && thresholds[k] <= largest; ++k) {
        const std::uint32_t threshold = thresholds[k];
        for (std::size_t i = 0; i < kBlock; ++i) {
            count[i] += words[i] > threshold;
            equal[i] |= words[i] == threshold;
        }
    }
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        counts[i] = count[i];
        any |= equal[i];
    }
    return any != 0;
}

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
    for (std::vector<std::uint32_t>& words : words_) words.assign(padded_size, 0);
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
    const std::size_t n = synapses_.targets.size();
    for (std::size_t begin = 0; begin < n; begin += kBlock) {
        add_block(step, words.data() + begin, begin, std::min(kBlock, n - begin), inputs);
    }
}

void PoissonDrive::add_block(std::int64_t step, const std::uint32_t* words, std::size_t begin, std::size_t size,
                             double* inputs) {
    std::uint32_t counts[kBlock];
    const bool is_certain =
        !thresholds_.empty() && !count_below(words, thresholds_.data(), thresholds_.size(), counts);
    for (std::size_t i = 0; i < size && !is_certain; ++i) {
        const auto same = std::lower_bound(thresholds_.begin(), thresholds_.end(), words[i]);
        if (!thresholds_.empty() && *same != words[i]) continue;
        const std::uint32_t row = synapses_.sources[begin + i];
        counts[i] = static_cast<std::uint32_t>(poisson_count(rule_.key, row, step, words[i], rule_.mean));
    }
    const double* const weights = synapses_.weights.data() + begin;
    const std::uint32_t* const targets = synapses_.targets.data() + begin;
    if (targets_are_contiguous_) {
        add_repeatedly(counts, weights, size, inputs + targets[0]);
        return;
    }
    for (std::size_t i = 0; i < size; ++i) {
        for (std::uint32_t k = 0; k < counts[i]; ++k) inputs[targets[i]] += weights[i];
    }
}

}  // namespace pycosim::native
