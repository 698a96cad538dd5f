// What is drawn from a script's generator, the Mersenne Twister of NumPy.
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "bindings.hpp"
#include "calls.hpp"
#include "candidates.hpp"
#include "drawn_connectors.hpp"
#include "handing_out.hpp"
#include "mersenne.hpp"
#include "polar.hpp"

namespace pycosim::bindings {
namespace {

using MersenneOut = std::tuple<Out<std::uint32_t>, std::int64_t>;

MersenneOut state_of(const MersenneTwister& random) {
    return {numpy(random.words()), random.next()};
}

using SpareIn = std::tuple<bool, double>;

std::tuple<CsrOut> made(Csr&& csr) { return {numpy(std::move(csr))}; }

std::tuple<CsrOut, Out<std::int32_t>> made(DrawnPairs&& pairs) { return {numpy(std::move(pairs.csr)), numpy(std::move(pairs.drawn))}; }

std::tuple<Out<double>> made(LongColumn<double>&& values) { return {numpy(std::move(values))}; }

std::tuple<StepsOut> made(DelaySteps&& delays) { return {steps_of(std::move(delays))}; }

/// What `draw(random)` makes, and the new state.
template <class Draw>
auto drawn(const In<std::uint32_t>& words, Long next, Draw&& draw) {
    MersenneTwister random(span(words), next);
    auto result = made(unlocked([&] { return draw(random); }));
    return std::tuple_cat(std::move(result), std::tuple<MersenneOut>(state_of(random)));
}

/// What `draw(random, spare)` makes, the new state, and the spare normal number.
template <class Draw>
auto drawn(const In<std::uint32_t>& words, Long next, const SpareIn& given, Draw&& draw) {
    SpareNormal spare{std::get<0>(given), std::get<1>(given)};
    auto result = drawn(words, next, [&](MersenneTwister& random) { return draw(random, spare); });
    return std::tuple_cat(std::move(result), std::tuple<SpareIn>({spare.is_there, spare.value}));
}

/// `draw` is that of one of PyNN's fixed-number connectors; `are_rows_targets` says which of both have a mask.
template <class Draw>
void add_fixed_number(nb::module_& m, const char* name, Draw* draw, bool are_rows_targets, const char* text) {
    m.def(
        name,
        [=](In<std::uint32_t> words, Long next, In<Long> n, Long n_items, bool replace, bool same_cells, const Mask& wanted) {
            const Wanted mask = wanted_of(wanted, are_rows_targets ? n.size() : static_cast<std::size_t>(n_items));
            return drawn(words, next, [&](MersenneTwister& random) {
                return draw(random, span(n), n_items, replace, same_cells, mask);
            });
        },
        "words"_a, "next"_a, "n"_a, "n_items"_a, "with_replacement"_a, "same_cells"_a, "wanted"_a = nb::none(), text);
}

using SynapsesIn = std::tuple<In<std::int64_t>, In<std::int32_t>, std::int64_t, std::optional<In<std::uint32_t>>,
                              std::optional<In<std::int64_t>>>;

Synapses synapses_of(const SynapsesIn& given) {
    const auto& [indptr, targets, n_targets, drawn, in_all] = given;
    return {span(indptr), span(targets), n_targets, drawn ? span(*drawn) : std::span<const std::uint32_t>(),
            in_all ? span(*in_all) : std::span<const std::int64_t>()};
}

}  // namespace

void add_generator(nb::module_& m) {
    nb::class_<DrawnCandidates>(m, "DrawnCandidates", "Draws candidates for connections with the numbers of RandomState.")
        .def(
            "__init__",
            [](DrawnCandidates* self, In<std::uint32_t> words, Long next, Matrix pre, Matrix post, In<double> period,
               std::int32_t base, In<double> most, const Mask& wanted) {
                const MersenneTwister random(span(words), next);
                const PlaceColumns places = places_of(pre, post, period);
                new (self) DrawnCandidates(random, places, {base, span(most)}, wanted_of(wanted, post.shape(1)));
            },
            "words"_a, "next"_a, "pre"_a, "post"_a, "period"_a, "base"_a, "most"_a, "wanted"_a = nb::none())
        .def(
            "draw",
            [](DrawnCandidates& self, std::size_t n_enough) { return numpy(unlocked([&] { return self.draw(n_enough); })); },
            "n_enough"_a, "Return the candidates of the next targets.");

    m.def(
        "drawn_pairs",
        [](In<std::uint32_t> words, Long next, In<Long> pre, In<Long> post, double p, bool allow_self,
           const Mask& wanted) {
            const Wanted mask = wanted_of(wanted, post.size());
            return drawn(words, next, [&](MersenneTwister& random) {
                return drawn_pairs(random, span(pre), span(post), p, allow_self, mask);
            });
        },
        "words"_a, "next"_a, "pre_ids"_a, "post_ids"_a, "p"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect pairs as PyNN's FixedProbabilityConnector; return (indptr, targets) and the new state.");

    add_fixed_number(m, "drawn_rows", drawn_rows, false,
                     "Draw n[row] items for each row as PyNN's fixed-number connectors; return (indptr, items), those that "
                     "are wanted, and new state.");

    add_fixed_number(m, "drawn_columns", drawn_columns, true,
                     "The same with items as rows: return (indptr, targets), the items as drawn, both of wanted targets, and "
                     "new state.");

    m.def(
        "drawn_total",
        [](In<std::uint32_t> words, Long next, Long n, Long n_pre, Long n_post, const Mask& wanted) {
            if (n > 0 && (n_pre == 0 || n_post == 0))
                throw std::invalid_argument("there is no neuron to connect");
            const Wanted mask = wanted_of(wanted, static_cast<std::size_t>(n_post));
            return drawn(words, next, [&](MersenneTwister& random) { return drawn_total(random, n, n_pre, n_post, mask); });
        },
        "words"_a, "next"_a, "n"_a, "n_pre"_a, "n_post"_a, "wanted"_a = nb::none(),
        "Draw n pairs as PyNN's FixedTotalNumberConnector; return (indptr, targets), the source of each pair in PyNN's "
        "order, both of wanted targets, and the new state.");

    m.def(
        "places_in_turn",
        [](In<std::int32_t> rows, In<Long> indptr) { return numpy(unlocked([&] { return places_in_turn(span(rows), span(indptr)); })); },
        "rows"_a, "indptr"_a, "Return the place of each pair in rows, to which pairs were added in turn.");

    m.def(
        "drawn_numbers",
        [](In<std::uint32_t> words, Long next, SpareIn spare, const DistributionIn& distribution, In<Long> counts) {
            return drawn(words, next, spare, [&](MersenneTwister& random, SpareNormal& kept) {
                return numbers_by_call(random, kept, distribution_of(distribution), span(counts));
            });
        },
        "words"_a, "next"_a, "spare"_a, "distribution"_a, "counts"_a,
        "Draw numbers by calls of RandomState; return them, the new state, and the spare normal number.");

    m.def(
        "logarithms",
        [](In<double> numbers) {
            LongColumn<double> values(numbers.size());
            polar::logarithms(numbers.data(), numbers.size(), values.data());
            return numpy(std::move(values));
        },
        "numbers"_a, "Return the C library's logarithms of numbers above 0, up to 1.");

    m.def(
        "numbers_of_synapses",
        [](In<std::uint32_t> words, Long next, SpareIn spare, const DistributionIn& distribution,
           const SynapsesIn& synapses) {
            return drawn(words, next, spare, [&](MersenneTwister& random, SpareNormal& kept) {
                return numbers_of_synapses(random, kept, distribution_of(distribution), synapses_of(synapses));
            });
        },
        "words"_a, "next"_a, "spare"_a, "distribution"_a, "synapses"_a,
        "Draw numbers by calls of RandomState, one for each target of synapses (indptr, targets, n_targets, the synapses "
        "in the order of drawing, or nothing: by target, then source, and how many each target has, here or elsewhere, or "
        "nothing: all are here); return what drawn_numbers does.");

    m.def(
        "delays_of_synapses",
        [](In<std::uint32_t> words, Long next, SpareIn spare, const DistributionIn& distribution,
           const SynapsesIn& synapses, double dt_ms) {
            return drawn(words, next, spare, [&](MersenneTwister& random, SpareNormal& kept) {
                return delays_of_synapses(random, kept, distribution_of(distribution), synapses_of(synapses), dt_ms);
            });
        },
        "words"_a, "next"_a, "spare"_a, "distribution"_a, "synapses"_a, "dt_ms"_a,
        "The same numbers as delays: return what delay_steps does, the new state, and the spare normal number.");
}

}  // namespace pycosim::bindings
