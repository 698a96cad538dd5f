// Random words, numbers and values of streams, and delays in steps.
#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "normal.hpp"
#include "numbers.hpp"
#include "philox.hpp"
#include "poisson.hpp"
#include "values.hpp"

namespace pycosim::bindings {
namespace {

std::vector<Key> keys_of(Seed seed, std::span<const Seed> streams) {
    std::vector<Key> keys;
    for (const Seed stream : streams) keys.push_back(key_of(seed, stream));
    return keys;
}

}  // namespace

void add_values(nb::module_& m) {
    m.def(
        "philox4x32",
        [](const std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>& counter,
           const std::tuple<std::uint32_t, std::uint32_t>& key) {
            const auto [c0, c1, c2, c3] = counter;
            const auto [k0, k1] = key;
            const Block block = philox4x32({c0, c1, c2, c3}, {k0, k1});
            return std::tuple(block[0], block[1], block[2], block[3]);
        },
        "counter"_a, "key"_a, "Return the four words of Philox 4x32-10 for a counter and a key.");

    m.def(
        "poisson_spikes",
        [](Seed seed, Seed stream, In<double> rate, In<Long> first, In<Long> last, Long begin, Long end) {
            if (first.size() != rate.size() || last.size() != rate.size())
                throw std::invalid_argument(
                    "rate_per_step, first_step and last_step must have the same length");
            Spikes spikes = unlocked([&] {
                const PoissonSources sources{span(rate), span(first), span(last)};
                return PoissonDrawer(key_of(seed, stream), sources, begin, end).draw();
            });
            return std::tuple(numpy(std::move(spikes.steps)), numpy(std::move(spikes.indices)));
        },
        "seed"_a, "stream"_a, "rate_per_step"_a, "first_step"_a, "last_step"_a, "begin"_a, "end"_a,
        "Return the spikes of Poisson sources in steps begin to end, ordered by (step, index).");

    m.def(
        "normal_numbers",
        [](Seed seed, Seed stream, std::uint64_t first, std::size_t n) {
            std::vector<double> numbers(n);
            unlocked([&] { fill_normal(key_of(seed, stream), first, numbers); });
            return numpy(std::move(numbers));
        },
        "seed"_a, "stream"_a, "first"_a, "n"_a, "Return n standard normal numbers of a stream.");

    m.def(
        "numbers_by_block",
        [](Seed seed, In<Seed> streams, const DistributionIn& distribution, In<std::int32_t> keys, int shift) {
            return numpy(unlocked([&] {
                return numbers_by_block(seed, span(streams), distribution_of(distribution), span(keys), shift);
            }));
        },
        "seed"_a, "streams"_a, "distribution"_a, "keys"_a, "shift"_a,
        "Draw numbers of streams[block], for each block of 2^shift keys in the order of the keys.");

    m.def(
        "delays_by_block",
        [](Seed seed, In<Seed> streams, const DistributionIn& distribution, In<std::int32_t> keys, int shift, double dt_ms) {
            return steps_of(unlocked([&] {
                return delays_by_block(seed, span(streams), distribution_of(distribution), span(keys), shift, dt_ms);
            }));
        },
        "seed"_a, "streams"_a, "distribution"_a, "keys"_a, "shift"_a, "dt_ms"_a,
        "Round what numbers_by_block gives to steps; return these, whether all are possible, and extremes.");

    m.def(
        "extremes_of_streams",
        [](Seed seed, In<Seed> streams, const DistributionIn& distribution, In<Long> n) {
            if (n.size() != streams.size()) throw std::invalid_argument("each stream needs a number");
            const auto [smallest, largest] = unlocked([&] {
                return extremes_of_streams(keys_of(seed, span(streams)), distribution_of(distribution), span(n));
            });
            return std::tuple(smallest, largest);
        },
        "seed"_a, "streams"_a, "distribution"_a, "n"_a,
        "Return the smallest and the largest one of the first n[i] numbers of streams[i]; both NaN if any is.");

    m.def(
        "delays_of_streams",
        [](Seed seed, In<Seed> streams, const DistributionIn& distribution, In<Long> n, double dt_ms) {
            if (n.size() != streams.size()) throw std::invalid_argument("each stream needs a number");
            return steps_of(unlocked([&] {
                return delays_of_streams(keys_of(seed, span(streams)), distribution_of(distribution), span(n), dt_ms);
            }));
        },
        "seed"_a, "streams"_a, "distribution"_a, "n"_a, "dt_ms"_a,
        "Return what delay_steps does of these numbers, without the steps.");

    m.def(
        "delay_steps",
        [](In<double> delays_ms, double dt_ms) {
            return steps_of(unlocked([&] { return delay_steps(span(delays_ms), dt_ms); }));
        },
        "delays_ms"_a, "dt_ms"_a, "Round delays to steps; return these, whether all are possible, and extremes.");

    m.def(
        "extremes",
        [](In<double> values) {
            const auto [smallest, largest] = unlocked([&] { return extremes(span(values)); });
            return std::tuple(smallest, largest);
        },
        "values"_a, "Return the smallest and the largest value; both NaN if any is.");

    m.def(
        "counts_from",
        [](In<std::int32_t> values, std::int32_t first, std::size_t n_kinds) {
            return numpy(unlocked([&] { return counts_from(span(values), first, n_kinds); }));
        },
        "values"_a, "first"_a, "n_kinds"_a, "Return how often first, first + 1, ... are among the values.");

    m.def(
        "in_turn",
        [](In<double> drawn, In<std::int32_t> keys, Long n_keys) {
            return numpy(unlocked([&] { return in_turn(span(drawn), span(keys), n_keys); }));
        },
        "drawn"_a, "keys"_a, "n_keys"_a,
        "Hand out values, those of a key one after the other; return (n,) in the order of keys.");
}

}  // namespace pycosim::bindings
