// Synapses that release at random. The draws of many synapses are made side by side, each in the order of its own.
#include <algorithm>
#include <array>
#include <cmath>

#include "plastic.hpp"
#include "vectorised.hpp"

namespace pycosim::native {
namespace {

constexpr std::size_t kLanes = 128;  // synapses whose words stay in the nearest cache
constexpr std::size_t kVector = 16;
constexpr std::size_t kAhead = 8;  // segments ahead of which memory is asked for

using Words = std::array<std::uint32_t, kLanes>;

// The numbers of `uniform` (philox.hpp) below a probability, as the two parts of what their 53 bits are less than.
struct Chance {
    std::uint32_t high = 0, low = 0;

    explicit Chance(double probability) {
        constexpr std::uint64_t kLowBits = 21;
        if (!(probability > 0)) return;
        const auto bound = static_cast<std::uint64_t>(std::ceil(std::min(probability, 1.0) * 0x1p53));  // exact
        const bool is_certain = bound >> 53;
        high = is_certain ? ~0u : static_cast<std::uint32_t>(bound >> kLowBits);
        low = is_certain ? 1u << kLowBits : static_cast<std::uint32_t>(bound & ((1u << kLowBits) - 1));
    }
};

// Synapses of a segment, and what a spike does there.
struct Part {
    std::uint64_t first = 0, spike = 0;
    std::size_t count = 0;
    Chance recovery{0}, release{0};
};

// Many synapses: what they transmit at most, where their words come from, the bounds of their draws, and sites that
// were empty when the spike came, that are available now, and that released.
struct alignas(kCacheLine) Lanes {
    std::array<double, kLanes> weights;
    std::array<std::uint64_t, kLanes> spikes;
    Words rows, recovery_high, recovery_low, release_high, release_low, empty, available, released;
};

PYCOSIM_EVERY_INSTRUCTION_SET
void gather(const Part& from, const double* __restrict weights, const std::uint32_t* __restrict rows,
            const std::uint32_t* __restrict available, std::size_t lane, Lanes& __restrict to) {
    const Part part = from;
    for (std::size_t k = 0; k < part.count; ++k) {
        to.weights[lane + k] = weights[k];
        to.spikes[lane + k] = part.spike;
    }
    for (std::size_t k = 0; k < part.count; ++k) {
        to.rows[lane + k] = rows[k];
        to.available[lane + k] = available[k];
        to.recovery_high[lane + k] = part.recovery.high;
        to.recovery_low[lane + k] = part.recovery.low;
        to.release_high[lane + k] = part.release.high;
        to.release_low[lane + k] = part.release.low;
    }
}

// `n` is a multiple of kVector; those behind `n_used` need no draws.
PYCOSIM_EVERY_INSTRUCTION_SET
void begin(std::size_t n_used, std::size_t n, std::uint32_t n_sites, Lanes& of) {
    for (std::size_t i = n_used; i < n; ++i) of.available[i] = n_sites;
    for (std::size_t i = 0; i < n; ++i) {
        of.available[i] = of.available[i] < n_sites ? of.available[i] : n_sites;
        of.empty[i] = n_sites - of.available[i];
        of.released[i] = 0;
    }
}

// Draw number `number` of all: first each empty site may recover, then each available one may release. Returns the
// largest number of draws that one needs.
PYCOSIM_EVERY_INSTRUCTION_SET
std::uint32_t draw(const std::uint32_t* __restrict high, const std::uint32_t* __restrict low, std::size_t n,
                   std::uint32_t number, Lanes& of) {
    std::uint32_t most = 0;
    PYCOSIM_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t empty = of.empty[i], available = of.available[i];
        const std::uint32_t is_recovery = number < empty;
        const std::uint32_t is_release = (number >= empty) & (number < empty + available);
        const std::uint32_t bound_high = is_recovery ? of.recovery_high[i] : of.release_high[i];
        const std::uint32_t bound_low = is_recovery ? of.recovery_low[i] : of.release_low[i];
        const std::uint32_t is_below = (high[i] < bound_high) | ((high[i] == bound_high) & (low[i] >> 11 < bound_low));
        const std::uint32_t now = available + (is_recovery & is_below);
        of.available[i] = now;
        of.released[i] += is_release & is_below;
        most = most > empty + now ? most : empty + now;
    }
    return most;
}

PYCOSIM_EVERY_INSTRUCTION_SET
void finish_draws(std::size_t n, std::uint32_t n_sites, Lanes& of) {
    if (n_sites == 1) {  // a division by 1, and vectors divide slowly
        for (std::size_t i = 0; i < n; ++i) of.weights[i] *= of.released[i];
    } else {
        for (std::size_t i = 0; i < n; ++i) of.weights[i] *= static_cast<double>(of.released[i]) / n_sites;
    }
    for (std::size_t i = 0; i < n; ++i) of.available[i] -= of.released[i];
}

// Synapses of any segments of one projection, which release into the next places of `transmitted`.
class Release {
  public:
    Release(const PlasticModel& model, const std::uint32_t* synapse, std::uint32_t n_sites, double* transmitted)
        : model_(model), synapse_(synapse), n_sites_(n_sites), transmitted_(transmitted) {}

    // At most kLanes.
    void add(const Part& part, PlasticState& state) {
        if (n_ + part.count > kLanes) finish(state);
        const std::uint32_t* rows = synapse_ + part.first;
        if (!model_.places.empty()) {
            for (std::size_t k = 0; k < part.count; ++k) places_[k] = model_.places[rows[k]];
            rows = places_.data();
        }
        gather(part, state.weights.data() + part.first, rows, state.available.data() + part.first, n_, lanes_);
        pieces_[n_pieces_++] = {part.first, part.count};
        n_ += part.count;
    }

    void finish(PlasticState& state) {
        draw_all();
        transmitted_ = std::copy_n(lanes_.weights.begin(), n_, transmitted_);
        const std::uint32_t* left = lanes_.available.data();
        for (std::size_t i = 0; i < n_pieces_; ++i) {
            const auto [first, count] = pieces_[i];
            std::uint32_t* const available = state.available.data() + first;
            for (std::size_t k = 0; k < count; ++k) available[k] = left[k];
            left += count;
        }
        n_ = n_pieces_ = 0;
    }

  private:
    void draw_all() {
        const std::size_t n = (n_ + kVector - 1) / kVector * kVector;
        begin(n_, n, n_sites_, lanes_);
        for (std::uint32_t number = 0, needed = 1; number < needed; ++number) {
            if (number % 2 == 0) {
                fill_blocks(model_.key, number / 2, {std::span(lanes_.rows).first(n), lanes_.spikes.data()},
                            {words_[0].data(), words_[1].data(), words_[2].data(), words_[3].data()});
            }
            const std::size_t half = 2 * (number % 2);
            needed = draw(words_[half].data(), words_[half + 1].data(), n, number, lanes_);
        }
        finish_draws(n, n_sites_, lanes_);
    }

    const PlasticModel& model_;
    const std::uint32_t* synapse_;
    std::uint32_t n_sites_;
    double* transmitted_;
    std::size_t n_ = 0, n_pieces_ = 0;
    std::array<std::pair<std::uint64_t, std::size_t>, kLanes> pieces_;
    Lanes lanes_;
    Words words_[4], places_;
};

}  // namespace

PlasticStore::Transmitted PlasticStore::quantal_spikes(PlasticState& state, std::span<const PendingKey> keys,
                                                       std::uint32_t base, std::int64_t due_step,
                                                       std::vector<double>& buffer) const {
    // Of so many synapses as are processed together.
    const auto prefetch_lanes = [&, this](std::uint64_t first, std::uint64_t n) {
        const std::size_t n_together = std::min<std::uint64_t>(n, kLanes);
        prefetch_all(state.weights.data() + first, n_together);
        prefetch_all(synapse_.data() + first, n_together);
        prefetch_all(state.available.data() + first, n_together);
    };
    const std::uint32_t i_first = segment_of(keys[0]) - base, projection = segments_[i_first].projection;
    const double n_sites = parameter(projection, kSites, segments_[i_first].first);
    std::array<Part, kLanes> parts;
    std::size_t n = 0, n_synapses = 0;
    for (std::uint32_t i = i_first, last = 0; n < std::min(keys.size(), parts.size()); ++n, last = i) {
        i = segment_of(keys[n]) - base;
        if (n + kAhead < keys.size()) {
            const std::uint32_t later = segment_of(keys[n + kAhead]) - base;
            if (later < n_segments()) ask_for_segment(later);
        }
        // One that comes again has the state after its first spike.
        if (n > 0 && (i <= last || i >= n_segments() || segments_[i].projection != projection ||
                      n_synapses + segments_[i].count > kLanes ||
                      parameter(projection, kSites, segments_[i].first) != n_sites)) {
            break;
        }
        prefetch_lanes(segments_[i].first, segments_[i].count);
        const PlasticSegment& segment = segments_[i];
        SegmentState& own = state.segments[i];
        auto& [n_spikes, unused, use] = own.values;
        const auto value = [&](int name) { return parameter(projection, name, segment.first); };
        const std::int64_t step = arrival_in_order(state, i, due_step);
        const auto interval = static_cast<double>(step - own.last_step);
        const double left = use * decay(interval, value(kTauFacil));
        use = left + value(kUse) * (1 - left);
        parts[n] = {segment.first, static_cast<std::uint64_t>(n_spikes), segment.count,
                    Chance(1 - decay(interval, value(kTauRec))), Chance(use)};
        own.last_step = step;
        n_spikes += 1;
        n_synapses += segment.count;
    }
    if (n < keys.size()) {
        const std::uint32_t next = segment_of(keys[n]) - base;
        if (next < n_segments()) prefetch_lanes(segments_[next].first, segments_[next].count);
    }
    buffer.resize(n_synapses);
    Release release((*models_)[projection], synapse_.data(), static_cast<std::uint32_t>(n_sites), buffer.data());
    for (Part part : std::span(parts).first(n)) {
        for (const std::uint64_t end = part.first + part.count; part.first < end; part.first += kLanes) {
            part.count = std::min<std::size_t>(kLanes, end - part.first);
            prefetch_lanes(part.first + part.count, end - part.first - part.count);
            release.add(part, state);
        }
    }
    release.finish(state);
    return {n, buffer};
}

}  // namespace pycosim::native
