/// Which of several bidders gets an output.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace pycosim::noc {

enum class ArbiterKind { round_robin, least_recently_served, oldest_first };

/// First bidder at or cyclically after `pointer`.
inline int first_from(std::uint64_t bidders, int pointer) {
    const std::uint64_t after = bidders >> pointer << pointer;
    return std::countr_zero(after != 0 ? after : bidders);
}

/// Bidder that comes first in the handshake router's scan, whose start rotates with the cycle.
///
/// Six inputs are scanned, the last of which is never used; the table turns mesh ports into scan positions.
inline int first_scanned(std::uint64_t bidders, std::int64_t cycle) {
    constexpr std::array<int, 5> position{1, 3, 2, 0, 4};
    const int start = static_cast<int>((4 + cycle) % 6);
    int best = -1;
    int best_distance = 6;
    for (; bidders != 0; bidders &= bidders - 1) {
        const int input = std::countr_zero(bidders);
        const int distance = (position[static_cast<std::size_t>(input)] + 6 - start) % 6;
        if (distance < best_distance) {
            best = input;
            best_distance = distance;
        }
    }
    return best;
}

/// Order of service of the inputs, per output; the highest-numbered input is served first.
class ServiceOrder {
public:
    ServiceOrder() = default;
    ServiceOrder(std::int32_t n_outputs, int max_inputs)
        : stride_(static_cast<std::size_t>(max_inputs)), served_(static_cast<std::size_t>(n_outputs) * stride_) {
        for (std::size_t k = 0; k < served_.size(); ++k) served_[k] = -static_cast<std::int64_t>(k % stride_);
    }

    /// Bidder served longest ago; it becomes the one served last.
    int take(std::int32_t output, std::uint64_t bidders, std::int64_t cycle) {
        std::int64_t* served = served_.data() + static_cast<std::size_t>(output) * stride_;
        int best = std::countr_zero(bidders);
        for (bidders &= bidders - 1; bidders != 0; bidders &= bidders - 1) {
            const int input = std::countr_zero(bidders);
            if (served[input] < served[best]) best = input;
        }
        served[best] = cycle + 1;
        return best;
    }

    /// Notes that an input was served in a cycle that may be before the last one noted.
    void note(std::int32_t output, int input, std::int64_t cycle) {
        std::int64_t& served = served_[static_cast<std::size_t>(output) * stride_ + static_cast<std::size_t>(input)];
        served = std::max(served, cycle + 1);
    }

private:
    std::size_t stride_ = 0;
    std::vector<std::int64_t> served_;  ///< cycle after the last service; 0, -1, .. before the first
};

}  // namespace pycosim::noc
