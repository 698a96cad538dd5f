// Synapses that release at random. The draws of many synapses are made side by side, each in the order of its own.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "plastic.hpp"
#include "vectorised.hpp"

namespace pycosim::native {
namespace {

constexpr std::size_t kBlock = 128;  // synapses whose words stay in the nearest cache

using Words = std::array<std::uint32_t, kBlock>;

// The numbers of `uniform` (philox.hpp) below a probability, as the two parts of what their 53 bits are less than.
struct Chance {
    std::uint32_t high = 0, low = 0;

    explicit Chance(double probability) {
        constexpr std::uint64_t kLowBits = 21;
        if (!(probability > 0)) return;
        const double bound = std::ceil(std::min(probability, 1.0) * 0x1p53);  // exact
        const auto whole = static_cast<std::uint64_t>(bound);
        const bool is_certain = whole >> 53;
        high = is_certain ? ~0u : static_cast<std::uint32_t>(whole >> kLowBits);
        low = is_certain ? 1u << kLowBits : static_cast<std::uint32_t>(whole & ((1u << kLowBits) - 1));
    }
};

// Of a synapse: sites that were empty when the spike came, sites that are available now, sites that released.
struct Sites {
    Words empty, available, released;
};

// Draw number `number` of each of `n` synapses: first each empty site may recover, then each available one may release.
// Returns the largest number of draws that a synapse needs.
PYCOSIM_EVERY_INSTRUCTION_SET
std::uint32_t draw(const std::uint32_t* __restrict high, const std::uint32_t* __restrict low, std::size_t n,
                   std::uint32_t number, Chance recovery, Chance release, Sites& of) {
    std::uint32_t* __restrict const available = of.available.data();
    std::uint32_t* __restrict const released = of.released.data();
    const std::uint32_t* __restrict const empty = of.empty.data();
    std::uint32_t most = 0;
    PYCOSIM_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t is_recovery = number < empty[i];
        const std::uint32_t is_release = (number >= empty[i]) & (number < empty[i] + available[i]);
        const std::uint32_t bound_high = is_recovery ? recovery.high : release.high;
        const std::uint32_t bound_low = is_recovery ? recovery.low : release.low;
        const std::uint32_t is_below = (high[i] < bound_high) | ((high[i] == bound_high) & (low[i] >> 11 < bound_low));
        available[i] += is_recovery & is_below;
        released[i] += is_release & is_below;
        const std::uint32_t needed = empty[i] + available[i];
        most = most > needed ? most : needed;
    }
    return most;
}

PYCOSIM_EVERY_INSTRUCTION_SET
void begin(const std::uint32_t* __restrict before, std::size_t n, std::uint32_t n_sites, Sites& sites) {
    std::uint32_t* __restrict const available = sites.available.data();
    std::uint32_t* __restrict const released = sites.released.data();
    std::uint32_t* __restrict const empty = sites.empty.data();
    for (std::size_t i = 0; i < n; ++i) {
        available[i] = before[i] < n_sites ? before[i] : n_sites;
        empty[i] = n_sites - available[i];
        released[i] = 0;
    }
}

PYCOSIM_EVERY_INSTRUCTION_SET
void finish(const Sites& sites, std::size_t n, std::uint32_t n_sites, const double* __restrict weights,
            std::uint32_t* __restrict left, double* __restrict transmitted) {
    const std::uint32_t* __restrict const available = sites.available.data();
    const std::uint32_t* __restrict const released = sites.released.data();
    if (n_sites == 1) {  // a division by 1, and vectors divide slowly
        for (std::size_t i = 0; i < n; ++i) transmitted[i] = weights[i] * released[i];
    } else {
        for (std::size_t i = 0; i < n; ++i) transmitted[i] = weights[i] * (static_cast<double>(released[i]) / n_sites);
    }
    for (std::size_t i = 0; i < n; ++i) left[i] = available[i] - released[i];
}

}  // namespace

void PlasticStore::quantal_spike(PlasticState& state, std::uint32_t i, std::int64_t arrival,
                                 std::vector<double>& transmitted) const {
    const PlasticSegment& segment = segments_[i];
    const PlasticModel& model = (*models_)[segment.projection];
    SegmentState& own = state.segments[i];
    auto& [n_spikes, unused, use] = own.values;
    const auto value = [&](int name) { return parameter(segment.projection, name, segment.first); };
    const auto interval = static_cast<double>(arrival - own.last_step);
    const double left = use * decay(interval, value(kTauFacil));
    use = left + value(kUse) * (1 - left);
    const Chance recovery(1 - decay(interval, value(kTauRec))), release(use);
    const auto n_sites = static_cast<std::uint32_t>(value(kSites));
    const auto spike = static_cast<std::uint64_t>(n_spikes);
    transmitted.resize(segment.count);
    Sites sites;
    Words words[4], places;
    for (std::size_t done = 0; done < segment.count; done += kBlock) {
        const std::size_t n = std::min<std::size_t>(kBlock, segment.count - done);
        const std::uint64_t first = segment.first + done;
        prefetch_synapses(first + n, std::min<std::size_t>(kBlock, segment.count - done - n));
        std::span<const std::uint32_t> rows(synapse_.data() + first, n);
        if (!model.places.empty()) {
            for (std::size_t k = 0; k < n; ++k) places[k] = model.places[rows[k]];
            rows = std::span(places).first(n);
        }
        begin(state.available.data() + first, n, n_sites, sites);
        for (std::uint32_t number = 0, needed = 1; number < needed; ++number) {
            if (number % 2 == 0) {
                fill_blocks(model.key, rows, spike,
                            {words[0].data(), words[1].data(), words[2].data(), words[3].data()}, number / 2);
            }
            const std::size_t half = 2 * (number % 2);
            needed = draw(words[half].data(), words[half + 1].data(), n, number, recovery, release, sites);
        }
        finish(sites, n, n_sites, state.weights.data() + first, state.available.data() + first,
               transmitted.data() + done);
    }
    own.last_step = arrival;
    n_spikes += 1;
}

}  // namespace pycosim::native
