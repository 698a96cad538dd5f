#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "bounds.hpp"
#include "candidates.hpp"
#include "calls.hpp"
#include "connect.hpp"
#include "csr.hpp"
#include "distances.hpp"
#include "handing_out.hpp"
#include "mersenne.hpp"
#include "normal.hpp"
#include "numbers.hpp"
#include "philox.hpp"
#include "poisson.hpp"
#include "row_rule.hpp"
#include "thinning.hpp"
#include "total_number.hpp"
#include "values.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <class T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<nb::numpy, T, nb::ndim<1>>;
using CsrOut = std::tuple<Out<std::int64_t>, Out<std::int32_t>>;

template <class T>
std::span<const T> span(const In<T>& array) {
    return {array.data(), array.size()};
}

using Mask = std::optional<In<std::uint8_t>>;

/// An empty span stands for all.
pycosim::Wanted wanted_of(const Mask& wanted, std::size_t n_post) {
    if (!wanted) return {};
    if (wanted->size() != n_post) throw std::invalid_argument("wanted needs one entry for each target");
    return span(*wanted);
}

/// A NumPy array that owns the vector's memory.
template <class T, class Allocator>
Out<T> numpy(std::vector<T, Allocator>&& values) {
    using Vector = std::vector<T, Allocator>;
    auto owned = std::make_unique<Vector>(std::move(values));
    Vector* data = owned.get();
    nb::capsule owner(owned.release(), [](void* p) noexcept { delete static_cast<Vector*>(p); });
    return Out<T>(data->data(), {data->size()}, owner);
}

using MatrixOut = nb::ndarray<nb::numpy, double, nb::ndim<2>>;

MatrixOut matrix(pycosim::LongColumn<double>&& values, const std::size_t (&shape)[2]) {
    using Vector = pycosim::LongColumn<double>;
    auto owned = std::make_unique<Vector>(std::move(values));
    Vector* data = owned.get();
    nb::capsule owner(owned.release(), [](void* p) noexcept { delete static_cast<Vector*>(p); });
    return MatrixOut(data->data(), 2, shape, owner);
}

pycosim::PlaceColumns places_of(const Matrix& pre, const Matrix& post, const In<double>& period) {
    const std::size_t n_axes = pre.shape(0);
    if (n_axes < 1 || n_axes > 3 || post.shape(0) != n_axes || period.size() != n_axes)
        throw std::invalid_argument("positions need one to three axes, the same on both sides");
    pycosim::PlaceColumns places{};
    places.n_axes = n_axes;
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
        places.pre[axis] = {pre.data() + axis * pre.shape(1), pre.shape(1)};
        places.post[axis] = {post.data() + axis * post.shape(1), post.shape(1)};
        places.period[axis] = period.data()[axis];
    }
    return places;
}

CsrOut numpy(pycosim::Csr&& csr) { return {numpy(std::move(csr.indptr)), numpy(std::move(csr.targets))}; }

using CandidatesOut = std::tuple<CsrOut, Out<double>, Out<double>>;

CandidatesOut numpy(pycosim::Candidates&& candidates) {
    return {numpy(std::move(candidates.rows)), numpy(std::move(candidates.numbers)), numpy(std::move(candidates.distances))};
}

/// Calls `work` without the interpreter lock.
template <class Work>
auto unlocked(Work&& work) {
    nb::gil_scoped_release release;
    return work();
}

using MersenneOut = std::tuple<Out<std::uint32_t>, std::int64_t>;

MersenneOut state_of(const pycosim::MersenneTwister& random) {
    return {numpy(random.words()), random.next()};
}

using RuleIn = std::tuple<int, std::uint64_t, std::uint64_t, In<std::int64_t>, In<std::int64_t>, double,
                          In<std::int64_t>, bool, bool>;
using SpareIn = std::tuple<bool, double>;
using DistributionIn = std::tuple<int, double, double, double, double>;

using SynapsesIn = std::tuple<In<std::int64_t>, In<std::int32_t>, std::int64_t, std::optional<In<std::uint32_t>>>;

pycosim::Synapses synapses_of(const SynapsesIn& given) {
    const auto& [indptr, targets, n_targets, drawn] = given;
    return {span(indptr), span(targets), n_targets, drawn ? span(*drawn) : std::span<const std::uint32_t>()};
}

pycosim::DistributionOf distribution_of(const DistributionIn& given) {
    const auto& [kind, mu, sigma, low, high] = given;
    return {static_cast<pycosim::Distribution>(kind), mu, sigma, {low, high}};
}

using StepsOut = std::tuple<Out<std::int32_t>, bool, double, double, double>;

StepsOut steps_of(pycosim::DelaySteps&& delays) {
    return {numpy(std::move(delays.steps)), delays.all_possible, delays.smallest_ms, delays.largest_ms,
            delays.largest_error_ms};
}

}  // namespace

NB_MODULE(_core, m) {
    nb::set_leak_warnings(false);  // objects of a script live until Python ends
    using Seed = std::uint64_t;
    using Long = std::int64_t;
    m.doc() = "Counter-based random numbers (Philox 4x32-10) and random connectivity.";

    m.def(
        "philox4x32",
        [](const std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>& counter,
           const std::tuple<std::uint32_t, std::uint32_t>& key) {
            const auto [c0, c1, c2, c3] = counter;
            const auto [k0, k1] = key;
            const pycosim::Block block = pycosim::philox4x32({c0, c1, c2, c3}, {k0, k1});
            return std::tuple(block[0], block[1], block[2], block[3]);
        },
        "counter"_a, "key"_a, "Return the four words of Philox 4x32-10 for a counter and a key.");

    m.def(
        "poisson_spikes",
        [](Seed seed, Seed stream, In<double> rate, In<Long> first, In<Long> last, Long begin, Long end) {
            if (first.size() != rate.size() || last.size() != rate.size())
                throw std::invalid_argument(
                    "rate_per_step, first_step and last_step must have the same length");
            pycosim::Spikes spikes = unlocked([&] {
                const pycosim::PoissonSources sources{span(rate), span(first), span(last)};
                return pycosim::PoissonDrawer(pycosim::key_of(seed, stream), sources, begin, end).draw();
            });
            return std::tuple(numpy(std::move(spikes.steps)), numpy(std::move(spikes.indices)));
        },
        "seed"_a, "stream"_a, "rate_per_step"_a, "first_step"_a, "last_step"_a, "begin"_a, "end"_a,
        "Return the spikes of Poisson sources in steps begin to end, ordered by (step, index).");

    m.def(
        "normal_numbers",
        [](Seed seed, Seed stream, std::uint64_t first, std::size_t n) {
            std::vector<double> numbers(n);
            unlocked([&] { pycosim::fill_normal(pycosim::key_of(seed, stream), first, numbers); });
            return numpy(std::move(numbers));
        },
        "seed"_a, "stream"_a, "first"_a, "n"_a, "Return n standard normal numbers of a stream.");

    m.def(
        "fixed_probability",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, double p, bool allow_self, const Mask& wanted) {
            return numpy(unlocked([&] {
                return pycosim::fixed_probability(pycosim::key_of(seed, stream), span(pre), span(post), p,
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
                return pycosim::fixed_number(pycosim::key_of(seed, stream), span(pre), span(post), span(n),
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
                pycosim::LongColumn<Long> asked(n.data(), n.data() + n.size());
                const pycosim::Wanted mask = wanted_of(wanted, post.size());
                for (std::size_t j = 0; j < std::min(mask.size(), asked.size()); ++j)
                    if (!mask[j]) asked[j] = 0;
                const pycosim::Csr by_post = pycosim::fixed_number(pycosim::key_of(seed, stream), span(post),
                                                                   span(pre), asked, replace, allow_self);
                return pycosim::transposed(by_post, static_cast<Long>(pre.size()));
            }));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "n"_a, "with_replacement"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect n[j] sources to postsynaptic neuron j; return (indptr, targets).");

    m.def(
        "fixed_total_number",
        [](Seed seed, Seed stream, In<Long> pre, In<Long> post, Long n, bool replace, bool allow_self,
           const Mask& wanted) {
            return numpy(unlocked([&] {
                return pycosim::fixed_total_number(pycosim::key_of(seed, stream), span(pre), span(post), n,
                                                   replace, allow_self, wanted_of(wanted, post.size()));
            }));
        },
        "seed"_a, "stream"_a, "pre_ids"_a, "post_ids"_a, "n"_a, "with_replacement"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Make n synapses between pairs drawn from all; return (indptr, targets).");

    m.def(
        "bernoulli",
        [](Seed seed, Seed stream, Long first_row, Matrix probability) {
            return numpy(unlocked([&] {
                return pycosim::bernoulli(pycosim::key_of(seed, stream), first_row,
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
                return pycosim::chosen({probability.data(), probability.size()}, n,
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
            const pycosim::PlaceColumns places = places_of(pre, post, period);
            const std::size_t shape[2] = {post.shape(1), pre.shape(1)};
            return matrix(unlocked([&] { return pycosim::distances(places); }), shape);
        },
        "pre"_a, "post"_a, "period"_a,
        "Return the distances of points, (n_axes, n) each, as (n_post, n_pre); a period is infinity where there is none.");

    m.def(
        "distances_of_pairs",
        [](Matrix pre, Matrix post, In<double> period, In<std::int32_t> sources, In<std::int32_t> targets) {
            const pycosim::PlaceColumns places = places_of(pre, post, period);
            return numpy(unlocked([&] { return pycosim::distances_of_pairs(places, span(sources), span(targets)); }));
        },
        "pre"_a, "post"_a, "period"_a, "sources"_a, "targets"_a,
        "Return the distance of each of n pairs of points, (n,).");

    m.def(
        "transposed",
        [](In<Long> indptr, In<std::int32_t> columns, Long n_columns) {
            return numpy(unlocked([&] { return pycosim::transposed(span(indptr), span(columns), n_columns, [](Long) {}); }));
        },
        "indptr"_a, "columns"_a, "n_columns"_a, "Turn rows of columns into columns of rows; return (indptr, rows).");

    m.def(
        "count_rows",
        [](const RuleIn& given, const Mask& wanted) {
            const auto& [kind, seed, stream, pre, post, p, n, with_replacement, allow_self] = given;
            const auto copied = [](const In<Long>& array) { return std::vector<Long>(array.data(), array.data() + array.size()); };
            const pycosim::RowRule rule{static_cast<pycosim::RowRule::Kind>(kind), pycosim::key_of(seed, stream), copied(pre),
                                        copied(post), p, copied(n), with_replacement, allow_self};
            const pycosim::Wanted mask = wanted_of(wanted, rule.post.size());
            return unlocked([&] {
                pycosim::RowDrawer drawer(rule, {mask.begin(), mask.end()});
                Long count = 0;
                for (std::size_t row = 0; row < rule.pre.size(); ++row) count += static_cast<Long>(drawer.draw(row).size());
                return count;
            });
        },
        "rule"_a, "wanted"_a = nb::none(), "Return how many synapses a rule makes, without keeping them.");

    m.def(
        "csr_from_pairs",
        [](In<std::int32_t> rows, In<std::int32_t> columns, Long n_rows, Long n_columns) {
            pycosim::SortedPairs sorted = unlocked(
                [&] { return pycosim::csr_from_pairs(span(rows), span(columns), n_rows, n_columns); });
            return std::tuple(numpy(std::move(sorted.csr.indptr)), numpy(std::move(sorted.csr.targets)),
                              numpy(std::move(sorted.order)));
        },
        "rows"_a, "columns"_a, "n_rows"_a, "n_columns"_a,
        "Sort pairs by (row, column); return (indptr, columns, order).");

    m.def(
        "drawn_candidates",
        [](In<std::uint32_t> words, Long next, Matrix pre, Matrix post, In<double> period, std::int32_t base, In<double> most,
           std::size_t first, std::size_t n_enough) {
            pycosim::MersenneTwister random(span(words), next);
            const pycosim::PlaceColumns places = places_of(pre, post, period);
            auto drawn = numpy(unlocked([&] {
                return pycosim::drawn_candidates(random, places, {base, span(most)}, first, n_enough);
            }));
            return std::tuple(std::move(drawn), state_of(random));
        },
        "words"_a, "next"_a, "pre"_a, "post"_a, "period"_a, "base"_a, "most"_a, "first"_a, "n_enough"_a,
        "Draw a number for each source of targets from the first on; return those below bounds.");

    nb::class_<pycosim::ThinnedRows>(m, "ThinnedRows", "Draws candidates for connections that depend on the distance.")
        .def(
            "__init__",
            [](pycosim::ThinnedRows* self, Seed seed, Seed stream, Matrix pre, Matrix post, In<double> period,
               std::int32_t base, In<double> most, const Mask& wanted) {
                const pycosim::PlaceColumns places = places_of(pre, post, period);
                new (self) pycosim::ThinnedRows(pycosim::key_of(seed, stream), places, {base, span(most)},
                                                wanted_of(wanted, post.shape(1)));
            },
            "seed"_a, "stream"_a, "pre"_a, "post"_a, "period"_a, "base"_a, "most"_a, "wanted"_a = nb::none())
        .def(
            "draw",
            [](pycosim::ThinnedRows& self, std::size_t first, std::size_t n_enough) {
                return numpy(unlocked([&] { return self.draw(first, n_enough); }));
            },
            "first"_a, "n_enough"_a, "Return the candidates of sources from the first on.");

    m.def(
        "connected",
        [](In<Long> indptr, In<std::int32_t> columns, In<double> numbers, In<double> probability, std::size_t n_columns,
           const std::optional<std::tuple<In<Long>, In<Long>>>& selves) {
            if (indptr.size() == 0) throw std::invalid_argument("rows need offsets");
            return numpy(unlocked([&] {
                const pycosim::Selves same =
                    selves ? pycosim::Selves{span(std::get<0>(*selves)), span(std::get<1>(*selves))} : pycosim::Selves{};
                return pycosim::connected(span(indptr), span(columns), span(numbers), span(probability), n_columns, same);
            }));
        },
        "indptr"_a, "columns"_a, "numbers"_a, "probability"_a, "n_columns"_a, "selves"_a = nb::none(),
        "Return the candidates with a number below their probability, the columns of each row ascending.");

    m.def(
        "drawn_pairs",
        [](In<std::uint32_t> words, Long next, In<Long> pre, In<Long> post, double p, bool allow_self,
           const Mask& wanted) {
            pycosim::MersenneTwister random(span(words), next);
            CsrOut csr = numpy(unlocked([&] {
                return pycosim::drawn_pairs(random, span(pre), span(post), p, allow_self,
                                            wanted_of(wanted, post.size()));
            }));
            return std::tuple(std::move(csr), state_of(random));
        },
        "words"_a, "next"_a, "pre_ids"_a, "post_ids"_a, "p"_a, "allow_self"_a, "wanted"_a = nb::none(),
        "Connect pairs as PyNN's FixedProbabilityConnector; return (indptr, targets) and the new state.");

    m.def(
        "drawn_rows",
        [](In<std::uint32_t> words, Long next, In<Long> n, Long n_items, bool replace, bool same_cells) {
            pycosim::MersenneTwister random(span(words), next);
            pycosim::Csr rows = unlocked([&] {
                pycosim::DrawnRows drawer(random, n_items, same_cells);
                drawer.reserve(std::reduce(n.data(), n.data() + n.size()));
                for (std::size_t row = 0; row < n.size(); ++row)
                    drawer.draw(static_cast<std::int32_t>(row), n.data()[row], replace);
                return pycosim::sorted_rows(std::move(drawer).rows(), n_items);
            });
            return std::tuple(numpy(std::move(rows)), state_of(random));
        },
        "words"_a, "next"_a, "n"_a, "n_items"_a, "with_replacement"_a, "same_cells"_a,
        "Draw n[row] items for each row as PyNN's fixed-number connectors; return (indptr, items) and new state.");

    m.def(
        "drawn_columns",
        [](In<std::uint32_t> words, Long next, In<Long> n, Long n_items, bool replace, bool same_cells) {
            pycosim::MersenneTwister random(span(words), next);
            pycosim::PlacedPairs sorted = unlocked([&] {
                pycosim::DrawnRows drawer(random, n_items, same_cells);
                drawer.reserve(std::reduce(n.data(), n.data() + n.size()));
                for (std::size_t row = 0; row < n.size(); ++row)
                    drawer.draw(static_cast<std::int32_t>(row), n.data()[row], replace);
                return pycosim::transposed_in_turn(std::move(drawer).rows(), n_items);
            });
            return std::tuple(numpy(std::move(sorted.csr)), numpy(std::move(sorted.places)), state_of(random));
        },
        "words"_a, "next"_a, "n"_a, "n_items"_a, "with_replacement"_a, "same_cells"_a,
        "The same with items as rows: return (indptr, targets), the place of each item drawn, and new state.");

    m.def(
        "drawn_total",
        [](In<std::uint32_t> words, Long next, Long n, Long n_pre, Long n_post) {
            if (n > 0 && (n_pre == 0 || n_post == 0))
                throw std::invalid_argument("there is no neuron to connect");
            pycosim::MersenneTwister random(span(words), next);
            pycosim::PlacedPairs sorted =
                unlocked([&] { return pycosim::drawn_total(random, n, n_pre, n_post); });
            return std::tuple(numpy(std::move(sorted.csr)), numpy(std::move(sorted.places)), state_of(random));
        },
        "words"_a, "next"_a, "n"_a, "n_pre"_a, "n_post"_a,
        "Draw n pairs as PyNN's FixedTotalNumberConnector; return (indptr, targets), the place of each pair in PyNN's "
        "order, and the new state.");

    m.def(
        "drawn_numbers",
        [](In<std::uint32_t> words, Long next, SpareIn spare, const DistributionIn& distribution, In<Long> counts) {
            pycosim::MersenneTwister random(span(words), next);
            pycosim::SpareNormal kept{std::get<0>(spare), std::get<1>(spare)};
            pycosim::LongColumn<double> values = unlocked([&] {
                return pycosim::numbers_by_call(random, kept, distribution_of(distribution), span(counts));
            });
            return std::tuple(numpy(std::move(values)), state_of(random), SpareIn(kept.is_there, kept.value));
        },
        "words"_a, "next"_a, "spare"_a, "distribution"_a, "counts"_a,
        "Draw numbers by calls of RandomState; return them, the new state, and the spare normal number.");

    m.def(
        "logarithms",
        [](In<double> numbers) {
            pycosim::LongColumn<double> values(numbers.size());
            pycosim::polar::logarithms(numbers.data(), numbers.size(), values.data());
            return numpy(std::move(values));
        },
        "numbers"_a, "Return the C library's logarithms of numbers above 0, up to 1.");

    m.def(
        "numbers_of_synapses",
        [](In<std::uint32_t> words, Long next, SpareIn spare, const DistributionIn& distribution,
           const SynapsesIn& synapses) {
            pycosim::MersenneTwister random(span(words), next);
            pycosim::SpareNormal kept{std::get<0>(spare), std::get<1>(spare)};
            pycosim::LongColumn<double> values = unlocked([&] {
                return pycosim::numbers_of_synapses(random, kept, distribution_of(distribution), synapses_of(synapses));
            });
            return std::tuple(numpy(std::move(values)), state_of(random), SpareIn(kept.is_there, kept.value));
        },
        "words"_a, "next"_a, "spare"_a, "distribution"_a, "synapses"_a,
        "Draw numbers by calls of RandomState, one for each target of synapses (indptr, targets, n_targets, the synapses "
        "in the order of drawing, or nothing: by target, then source); return what drawn_numbers does.");

    m.def(
        "delays_of_synapses",
        [](In<std::uint32_t> words, Long next, SpareIn spare, const DistributionIn& distribution,
           const SynapsesIn& synapses, double dt_ms) {
            pycosim::MersenneTwister random(span(words), next);
            pycosim::SpareNormal kept{std::get<0>(spare), std::get<1>(spare)};
            pycosim::DelaySteps delays = unlocked([&] {
                return pycosim::delays_of_synapses(random, kept, distribution_of(distribution), synapses_of(synapses), dt_ms);
            });
            return std::tuple(steps_of(std::move(delays)), state_of(random), SpareIn(kept.is_there, kept.value));
        },
        "words"_a, "next"_a, "spare"_a, "distribution"_a, "synapses"_a, "dt_ms"_a,
        "The same numbers as delays: return what delay_steps does, the new state, and the spare normal number.");

    m.def(
        "numbers_by_block",
        [](Seed seed, In<Seed> streams, const DistributionIn& distribution, In<std::int32_t> keys, int shift) {
            return numpy(unlocked([&] {
                return pycosim::numbers_by_block(seed, span(streams), distribution_of(distribution), span(keys), shift);
            }));
        },
        "seed"_a, "streams"_a, "distribution"_a, "keys"_a, "shift"_a,
        "Draw numbers of streams[block], for each block of 2^shift keys in the order of the keys.");

    m.def(
        "extremes",
        [](In<double> values) {
            const auto [smallest, largest] = unlocked([&] { return pycosim::extremes(span(values)); });
            return std::tuple(smallest, largest);
        },
        "values"_a, "Return the smallest and the largest value; both NaN if any is.");

    m.def(
        "counts_from",
        [](In<std::int32_t> values, std::int32_t first, std::size_t n_kinds) {
            return numpy(unlocked([&] { return pycosim::counts_from(span(values), first, n_kinds); }));
        },
        "values"_a, "first"_a, "n_kinds"_a, "Return how often first, first + 1, ... are among the values.");

    m.def(
        "in_turn",
        [](In<double> drawn, In<std::int32_t> keys, Long n_keys) {
            return numpy(unlocked([&] { return pycosim::in_turn(span(drawn), span(keys), n_keys); }));
        },
        "drawn"_a, "keys"_a, "n_keys"_a,
        "Hand out values, those of a key one after the other; return (n,) in the order of keys.");

    m.def(
        "delay_steps",
        [](In<double> delays_ms, double dt_ms) {
            return steps_of(unlocked([&] { return pycosim::delay_steps(span(delays_ms), dt_ms); }));
        },
        "delays_ms"_a, "dt_ms"_a, "Round delays to steps; return these, whether all are possible, and extremes.");

    m.def(
        "return_freed_memory",
        [] {
#ifdef __GLIBC__
            malloc_trim(0);
#endif
        },
        "Give the system back what was freed but is kept for later.");

    m.def(
        "delays_by_block",
        [](Seed seed, In<Seed> streams, const DistributionIn& distribution, In<std::int32_t> keys, int shift, double dt_ms) {
            return steps_of(unlocked([&] {
                return pycosim::delays_by_block(seed, span(streams), distribution_of(distribution), span(keys), shift, dt_ms);
            }));
        },
        "seed"_a, "streams"_a, "distribution"_a, "keys"_a, "shift"_a, "dt_ms"_a,
        "Round what numbers_by_block gives to steps; return these, whether all are possible, and extremes.");
}
