// Connectors with own numbers, and what turns pairs into rows.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "connect.hpp"
#include "csr.hpp"
#include "distances.hpp"
#include "drawn_sources.hpp"
#include "row_passes.hpp"
#include "row_rule.hpp"
#include "selection.hpp"
#include "thinned_rows.hpp"

namespace pycosim::bindings {
namespace {

using SlotsIn = std::tuple<std::size_t, std::size_t, In<std::uint32_t>, In<std::int32_t>, In<std::int32_t>>;
using PlacesIn = std::tuple<Matrix, Matrix, In<double>, std::optional<std::tuple<std::int32_t, In<double>, ProgramIn>>>;
using RuleIn = std::tuple<int, std::uint64_t, std::uint64_t, In<std::int64_t>, In<std::int64_t>, double,
                          In<std::int64_t>, bool, bool, std::optional<SlotsIn>, std::optional<PlacesIn>>;

using SelvesIn = std::optional<std::tuple<In<Long>, In<Long>>>;

Selves selves_of(const SelvesIn& given) {
    return given ? Selves{span(std::get<0>(*given)), span(std::get<1>(*given))} : Selves{};
}

/// The rule refers to what is given.
RowRule rule_of(const RuleIn& given) {
    const auto& [kind, seed, stream, pre, post, p, n, with_replacement, allow_self, slots, places] = given;
    const auto copied = [](const In<Long>& array) { return std::vector<Long>(array.data(), array.data() + array.size()); };
    RowRule rule{static_cast<RowRule::Kind>(kind), key_of(seed, stream), copied(pre), copied(post), p,
                 copied(n), with_replacement, allow_self};
    if (slots) {
        const auto& [first_block, n_blocks, starts, sources, targets] = *slots;
        rule.slots = {first_block, n_blocks, span(starts), span(sources), span(targets)};
    }
    if (places) {
        const auto& [pre_places, post_places, period, bounded] = *places;
        rule.places = std::make_shared<Places>(places_of(pre_places, post_places, period), nullptr);
        if (bounded) {
            const auto& [base, most, program] = *bounded;
            rule.distance = std::make_shared<DistanceRule>(rule.key, rule.places->columns, BoundTable{base, span(most)},
                                                           program_of(program));
        }
    }
    check(rule);
    return rule;
}

template <class T>
void add_values_of_wanted(nb::module_& m) {
    m.def(
        "values_of_wanted",
        [](In<T> values, In<std::int32_t> targets, In<std::uint8_t> wanted) {
            return numpy(unlocked([&] { return values_of_wanted(span(values), span(targets), span(wanted)); }));
        },
        "values"_a, "targets"_a, "wanted"_a, "Return the values of entries on wanted targets.");
}

}  // namespace

void add_connections(nb::module_& m) {
    m.def(
        "fixed_probability",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, double p, bool allow_self, const Mask& wanted) {
            return numpy(unlocked([&] {
                return fixed_probability(key_of(seed, stream), span(pre), span(post), p,
                                                  allow_self, wanted_of(wanted, post.size()));
            }));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "p"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect every pair with probability p; return (indptr, targets).");

    m.def(
        "fixed_number_post",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, In<Long> n, bool replace, bool allow_self,
           const Mask& wanted) {
            return numpy(unlocked([&] {
                return fixed_number(key_of(seed, stream), span(pre), span(post), span(n),
                                             replace, allow_self, wanted_of(wanted, post.size()));
            }));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "n"_a, "with_replacement"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect presynaptic neuron i to n[i] targets; return (indptr, targets).");

    m.def(
        "fixed_number_pre",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, In<Long> n, bool replace, bool allow_self,
           const Mask& wanted) {
            return numpy(unlocked([&] {
                LongColumn<Long> asked(n.data(), n.data() + n.size());
                const Wanted mask = wanted_of(wanted, post.size());
                for (std::size_t j = 0; j < std::min(mask.size(), asked.size()); ++j)
                    if (!mask[j]) asked[j] = 0;
                const Csr by_post = fixed_number(key_of(seed, stream), span(post),
                                                                   span(pre), asked, replace, allow_self);
                return transposed(by_post, static_cast<Long>(pre.size()));
            }));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "n"_a, "with_replacement"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect n[j] sources to postsynaptic neuron j; return (indptr, targets).");

    m.def(
        "fixed_number_of_sources",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, In<Long> n, bool allow_self, const Mask& wanted) {
            return numpy(unlocked([&] {
                return fixed_number_of_sources(key_of(seed, stream), span(pre), span(post), span(n), allow_self,
                                               wanted_of(wanted, post.size()));
            }));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "n"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect n[j] different sources to postsynaptic neuron j; return (indptr, targets).");

    m.def(
        "drawn_sources",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, In<Long> n, bool allow_self, const Mask& wanted) {
            return numpy(unlocked([&] {
                return drawn_sources(key_of(seed, stream), span(pre), span(post), span(n), allow_self,
                                     wanted_of(wanted, post.size()));
            }));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "n"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect n[j] sources, each drawn among all, to postsynaptic neuron j; return (indptr, targets).");

    m.def(
        "slot_table",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, In<Long> n, bool allow_self, const Mask& wanted) {
            MadeSlotTable made = unlocked([&] {
                return made_slot_table(key_of(seed, stream), span(pre), span(post), span(n), allow_self,
                                       wanted_of(wanted, post.size()));
            });
            return std::tuple(made.first_block, made.n_blocks, numpy(std::move(made.starts)),
                              numpy(std::move(made.other_sources)), numpy(std::move(made.other_targets)));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "n"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Return what makes rows of drawn_sources without the others.");

    m.def(
        "bernoulli",
        [](Seed seed, Seed stream, Long first_row, Matrix probability) {
            return numpy(unlocked([&] {
                return bernoulli(key_of(seed, stream), first_row,
                                          {probability.data(), probability.size()}, probability.shape(1));
            }));
        },
        "seed"_a, "stream"_a, "first_row"_a, "probability"_a,
        "Connect (first_row + i, j) with probability[i, j]; return (indptr, targets).");

    m.def(
        "chosen",
        [](In<double> numbers, Matrix probability) {
            if (numbers.size() != probability.size())
                throw std::invalid_argument("numbers and probability must have the same size");
            return numpy(unlocked([&] {
                const std::size_t n = probability.shape(1);
                return chosen({probability.data(), probability.size()}, n,
                                       [&](std::size_t i, std::span<double> row) {
                                           std::copy_n(numbers.data() + i * n, n, row.data());
                                       });
            }));
        },
        "numbers"_a, "probability"_a,
        "Connect (i, j) where the number i * n_columns + j is below probability[i, j]; return (indptr, targets).");

    m.def(
        "distances",
        [](Matrix pre, Matrix post, In<double> period) {
            const PlaceColumns places = places_of(pre, post, period);
            const std::size_t shape[2] = {post.shape(1), pre.shape(1)};
            return matrix(unlocked([&] { return distances(places); }), shape);
        },
        "pre"_a, "post"_a, "period"_a,
        "Return the distances of points, (n_axes, n) each, as (n_post, n_pre); a period is infinity where there is none.");

    m.def(
        "distances_of_pairs",
        [](Matrix pre, Matrix post, In<double> period, In<std::int32_t> sources, In<std::int32_t> targets) {
            const PlaceColumns places = places_of(pre, post, period);
            return numpy(unlocked([&] { return distances_of_pairs(places, span(sources), span(targets)); }));
        },
        "pre"_a, "post"_a, "period"_a, "sources"_a, "targets"_a,
        "Return the distance of each of n pairs of points, (n,).");

    m.def(
        "function_of_distance",
        [](const ProgramIn& function, In<double> distances) {
            LongColumn<double> values(distances.size());
            unlocked([&] {
                program_of(function).evaluate(span(distances), values.data());
                return 0;
            });
            return numpy(std::move(values));
        },
        "function"_a, "distances"_a, "Return the values of a function (constants, steps) at some distances, (n,).");

    m.def(
        "rows_of_entries", [](In<Long> indptr) { return numpy(unlocked([&] { return rows_of_entries(span(indptr)); })); },
        "indptr"_a, "Return the row of each entry, (n,).");

    nb::class_<ThinnedRows>(m, "ThinnedRows", "Draws candidates for connections that depend on the distance.")
        .def(
            "__init__",
            [](ThinnedRows* self, Seed seed, Seed stream, Matrix pre, Matrix post, In<double> period,
               std::int32_t base, In<double> most, const Mask& wanted) {
                const PlaceColumns places = places_of(pre, post, period);
                new (self) ThinnedRows(key_of(seed, stream), places, {base, span(most)},
                                                wanted_of(wanted, post.shape(1)));
            },
            "seed"_a, "stream"_a, "pre"_a, "post"_a, "period"_a, "base"_a, "most"_a, "wanted"_a = nb::none())
        .def(
            "draw",
            [](nb::handle_t<ThinnedRows> self, std::size_t n_enough) {
                auto& rows = *nb::inst_ptr<ThinnedRows>(self);
                const auto distances = unlocked([&] { return rows.draw(n_enough); });
                return nb::ndarray<nb::numpy, const double, nb::ndim<1>>(distances.data(), {distances.size()}, self);
            },
            "n_enough"_a,
            "Return the distances of the next candidates, (n,), at least so many as long as there are sources; it is "
            "read before the next call.")
        .def(
            "keep",
            [](ThinnedRows& self, In<double> probability, const SelvesIn& selves) {
                unlocked([&] { self.keep(span(probability), selves_of(selves)); });
            },
            "probability"_a, "selves"_a = nb::none(), "Connect those of these candidates with a number below their probability.")
        .def(
            "connected", [](ThinnedRows& self) { return numpy(unlocked([&] { return self.connected(); })); },
            "Return what was kept of all sources, the columns of each row ascending.");

    m.def(
        "connected",
        [](In<Long> indptr, In<std::int32_t> columns, In<double> numbers, In<double> probability, std::size_t n_columns,
           const SelvesIn& selves) {
            if (indptr.size() == 0) throw std::invalid_argument("rows need offsets");
            return numpy(unlocked([&] {
                return connected(span(indptr), span(columns), span(numbers), span(probability), n_columns, selves_of(selves));
            }));
        },
        "indptr"_a, "columns"_a, "numbers"_a, "probability"_a, "n_columns"_a, "selves"_a = nb::none(),
        "Return the candidates with a number below their probability, the columns of each row ascending.");

    m.def(
        "transposed",
        [](In<Long> indptr, In<std::int32_t> columns, Long n_columns) {
            return numpy(unlocked([&] { return transposed(span(indptr), span(columns), n_columns, [](Long) {}); }));
        },
        "indptr"_a, "columns"_a, "n_columns"_a, "Turn rows of columns into columns of rows; return (indptr, rows).");

    m.def(
        "rows_of_wanted",
        [](In<Long> indptr, In<std::int32_t> targets, In<std::uint8_t> wanted) {
            return numpy(unlocked([&] { return rows_of_wanted(span(indptr), span(targets), span(wanted)); }));
        },
        "indptr"_a, "targets"_a, "wanted"_a, "Return (indptr, targets) of the entries on wanted targets.");

    m.def(
        "descending_pairs",
        [](In<Long> indptr, In<std::int32_t> targets) {
            return numpy(unlocked([&] { return descending_pairs(span(indptr), span(targets)); }));
        },
        "indptr"_a, "targets"_a, "Return (indptr, targets) of the entries whose row is above their target.");

    add_values_of_wanted<double>(m);
    add_values_of_wanted<std::int32_t>(m);

    m.def(
        "rows_of_rule",
        [](const RuleIn& given, const Mask& wanted) {
            const RowRule rule = rule_of(given);
            const Wanted mask = wanted_of(wanted, rule.post.size());
            return numpy(unlocked([&] { return all_rows(rule, {mask.begin(), mask.end()}); }));
        },
        "rule"_a, "wanted"_a = nb::none(), "Return all rows that a rule makes, (indptr, targets).");

    m.def(
        "extremes_by_distance",
        [](const RuleIn& given, const Mask& wanted, const ProgramIn& function) {
            const RowRule rule = rule_of(given);
            const Wanted mask = wanted_of(wanted, rule.post.size());
            const auto [smallest, largest, n] = unlocked([&] {
                return extremes_by_distance(rule, {mask.begin(), mask.end()}, program_of(function));
            });
            return std::tuple(smallest, largest, n);
        },
        "rule"_a, "wanted"_a, "function"_a,
        "Return the smallest and the largest value of a function of the distance at all synapses of a rule, both NaN if any "
        "is, and how many synapses there are.");

    m.def(
        "delays_by_distance",
        [](const RuleIn& given, const Mask& wanted, const ProgramIn& function, double dt_ms) {
            const RowRule rule = rule_of(given);
            const Wanted mask = wanted_of(wanted, rule.post.size());
            return steps_of(unlocked([&] {
                return delays_by_distance(rule, {mask.begin(), mask.end()}, program_of(function), dt_ms);
            }));
        },
        "rule"_a, "wanted"_a, "function"_a, "dt_ms"_a,
        "Return what delay_steps does of these values, without the steps.");

    m.def(
        "count_rows",
        [](const RuleIn& given, const Mask& wanted) {
            const RowRule rule = rule_of(given);
            const Wanted mask = wanted_of(wanted, rule.post.size());
            return unlocked([&] {
                RowDrawer drawer(rule, {mask.begin(), mask.end()});
                Long count = 0;
                for (std::size_t row = 0; row < rule.pre.size(); ++row) count += static_cast<Long>(drawer.draw(row).size());
                return count;
            });
        },
        "rule"_a, "wanted"_a = nb::none(), "Return how many synapses a rule makes, without keeping them.");

    m.def(
        "row_starts",
        [](const RuleIn& given, const Mask& wanted, std::size_t first_block, std::size_t n_blocks) {
            const RowRule rule = rule_of(given);
            const Wanted mask = wanted_of(wanted, rule.post.size());
            LongColumn<std::uint32_t> starts;
            std::vector<Long> totals = unlocked([&] {
                starts.resize(rule.pre.size() * n_blocks);
                RowDrawer drawer(rule, {mask.begin(), mask.end()});
                return fill_starts(rule, drawer, {first_block, n_blocks, {}}, starts);
            });
            return std::tuple(numpy(std::move(starts)), numpy(std::move(totals)));
        },
        "rule"_a, "wanted"_a, "first_block"_a, "n_blocks"_a,
        "Count the synapses that rows before have in each block of targets, and all of a block; return both.");

    m.def(
        "csr_from_pairs",
        [](In<std::int32_t> rows, In<std::int32_t> columns, Long n_rows, Long n_columns) {
            SortedPairs sorted = unlocked(
                [&] { return csr_from_pairs(span(rows), span(columns), n_rows, n_columns); });
            return std::tuple(numpy(std::move(sorted.csr.indptr)), numpy(std::move(sorted.csr.targets)),
                              numpy(std::move(sorted.order)));
        },
        "rows"_a, "columns"_a, "n_rows"_a, "n_columns"_a,
        "Sort pairs by (row, column); return (indptr, columns, order).");
}

}  // namespace pycosim::bindings
