#include "noisy_currents.hpp"

#include <algorithm>

#include "../../../pycosim/csrc/normal.hpp"
#include "vectorised.hpp"

namespace pycosim::native {
namespace {

constexpr std::size_t kWanted = 128;  // pairs to be drawn together, of several steps if there are fewer currents
constexpr std::size_t kMost = 512;    // whose words stay in the first-level cache

PYCOSIM_EVERY_INSTRUCTION_SET
void scale(const double* __restrict mean, const double* __restrict stdev, const double* __restrict numbers,
           std::size_t n, double* __restrict values) {
    for (std::size_t i = 0; i < n; ++i) values[i] = mean[i] + stdev[i] * numbers[i];
}

}  // namespace

NoisyCurrents::NoisyCurrents(std::span<const Noise> noises)
    : first_(noises[0]), n_pairs_(static_cast<std::int64_t>((kWanted + noises.size() - 1) / noises.size())) {
    for (const Noise& noise : noises) {
        mean_.push_back(noise.mean);
        stdev_.push_back(noise.stdev);
    }
    for (std::int64_t i = 0; i < n_pairs_; ++i) {
        for (const Noise& noise : noises) keys_.push_back(noise.key);
    }
    rows_.resize(keys_.size());
    indices_.resize(keys_.size());
    for (Column& numbers : numbers_) numbers.resize(keys_.size());
}

bool NoisyCurrents::take(std::int64_t step, double* values) {
    const std::int64_t number = first_.number(step);
    if (number == present_) return false;
    present_ = number;
    if (number == Noise::kNone) {
        std::fill_n(values, size(), 0.0);
        return true;
    }
    const std::int64_t pair = number / 2;
    if (!any_pairs_ || pair < first_pair_ || pair >= first_pair_ + n_pairs_) draw(pair);
    const std::size_t first = static_cast<std::size_t>(pair - first_pair_) * size();
    scale(mean_.data(), stdev_.data(), numbers_[number % 2].data() + first, size(), values);
    return true;
}

void NoisyCurrents::draw(std::int64_t first_pair) {
    any_pairs_ = true;
    first_pair_ = first_pair;
    for (std::size_t i = 0, pair = static_cast<std::size_t>(first_pair); i < rows_.size(); i += size(), ++pair) {
        std::fill_n(rows_.begin() + static_cast<std::ptrdiff_t>(i), size(), static_cast<std::uint32_t>(pair));
        std::fill_n(indices_.begin() + static_cast<std::ptrdiff_t>(i), size(), pair >> 32);
    }
    std::array<std::array<std::uint32_t, kMost>, 4> room;
    const std::array<std::uint32_t*, 4> words = {room[0].data(), room[1].data(), room[2].data(), room[3].data()};
    for (std::size_t i = 0; i < rows_.size(); i += kMost) {
        const std::size_t n = std::min(kMost, rows_.size() - i);
        fill_blocks({std::span(keys_).subspan(i, n), rows_.data() + i, indices_.data() + i}, words);
        box_muller(words, n, numbers_[0].data() + i, numbers_[1].data() + i);
    }
}

}  // namespace pycosim::native
