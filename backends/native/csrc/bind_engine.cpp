// Python bindings of the engine: conversion of arguments and results, and nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "engine.hpp"
#include "own_model.hpp"
#include "shared_chunks.hpp"

namespace nb = nanobind;
using namespace pycosim::native;

namespace {

template <class T>
using Array = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

using Writable = nb::ndarray<std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T>
std::span<const T> view(const Array<T>& array) {
    return {array.data(), array.size()};
}

template <class T, std::size_t n = 1, class Allocator>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T, Allocator>&& values, std::array<std::size_t, n> shape) {
    using Vector = std::vector<T, Allocator>;
    auto owned = std::make_unique<Vector>(std::move(values));
    T* data = owned->data();
    nb::capsule owner(owned.release(), [](void* p) noexcept { delete static_cast<Vector*>(p); });
    return nb::ndarray<nb::numpy, T>(data, n, shape.data(), owner);
}

template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T>&& values) {
    const std::size_t size = values.size();
    return to_numpy<T, 1>(std::move(values), {size});
}

// Rule, responses (conductance, rises, own), number of thresholds, whether it fires at random, states, constants.
using CompositionTuple = std::tuple<int, std::vector<std::tuple<bool, bool, bool>>, int, bool, std::vector<std::string>,
                                    std::vector<std::string>>;
using PopulationTuple =
    std::tuple<std::string, std::uint32_t, std::vector<std::uint32_t>, std::optional<CompositionTuple>>;
using ProjectionTuple = std::tuple<std::uint32_t, Array<std::int32_t>, Array<std::int64_t>, Array<std::int32_t>, Array<double>,
                                   Array<std::int32_t>>;

CompositionSpec composition_spec(const CompositionTuple& tuple) {
    const auto& [rule, responses, n_thresholds, escape, states, constants] = tuple;
    CompositionSpec spec{static_cast<MembraneRule>(rule), {}, n_thresholds, escape, states, constants};
    for (const auto& [conductance, rises, own] : responses) spec.responses.push_back({conductance, rises, own});
    return spec;
}

std::vector<PopulationSpec> specs_of(const std::vector<PopulationTuple>& populations) {
    std::vector<PopulationSpec> specs;
    for (const auto& [model, size, receptors, composition] : populations) {
        specs.push_back({model, size, receptors, {}});
        if (composition) specs.back().composition = composition_spec(*composition);
    }
    return specs;
}

void construct(Engine* engine, const std::vector<PopulationTuple>& populations,
               const Array<std::int32_t>& core_of_neuron, unsigned n_threads, std::uint32_t rank,
               std::uint32_t n_ranks) {
    const std::vector<PopulationSpec> specs = specs_of(populations);
    const nb::gil_scoped_release release;
    new (engine) Engine(specs, view(core_of_neuron), n_threads, {rank, n_ranks});
}

void grow(Engine& engine, const std::vector<PopulationTuple>& populations, const Array<std::int32_t>& cores_of_new) {
    engine.grow(specs_of(populations), view(cores_of_new));
}

// Of sources that are drawn: the first block and their number, where slots of sources begin in them, and the sources and
// targets of other synapses.
using SlotsTuple = std::tuple<std::size_t, std::size_t, Array<std::uint32_t>, Array<std::int32_t>, Array<std::int32_t>>;
using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
// Constants, and the steps of a function of the distance: operation and three arguments each.
using ProgramTuple = std::tuple<Array<double>, Array<std::int32_t>>;
// Places of sources and of targets, (n_axes, n), periods; and of a rule of the distance the first entry of the table of
// bounds, the table, and the probability.
using PlacesTuple = std::tuple<Matrix, Matrix, Array<double>, std::optional<std::tuple<std::int32_t, Array<double>, ProgramTuple>>>;
// Kind, seed and stream, numbers of sources and targets, probability, synapses of each row or of all, with replacement,
// whether a neuron may be connected to itself, slots of sources, places where they are needed.
using RuleTuple = std::tuple<int, std::uint64_t, std::uint64_t, Array<std::int64_t>, Array<std::int64_t>, double,
                             Array<std::int64_t>, bool, bool, std::optional<SlotsTuple>, std::optional<PlacesTuple>>;

// A distribution (kind, mean, standard deviation, limits), seed, first stream; or a function of the distance. Unit.
using DistributionTuple = std::tuple<std::tuple<int, double, double, double, double>, std::uint64_t, std::uint64_t>;
using ValuesTuple = std::tuple<std::optional<DistributionTuple>, std::optional<ProgramTuple>, double>;
// Weights and delays, as far as they are not equal, the first block of targets, the number of blocks, starts of rows in
// them.
using OwnTuple = std::tuple<std::optional<ValuesTuple>, std::optional<ValuesTuple>, std::size_t, std::size_t,
                            Array<std::uint32_t>>;

pycosim::DistanceProgram program_of(const ProgramTuple& tuple) {
    const auto& [constants, numbers] = tuple;
    return pycosim::DistanceProgram(view(constants), pycosim::steps_of_program(view(numbers)));
}

std::optional<pycosim::OwnValues> own_values(const std::optional<ValuesTuple>& tuple) {
    if (!tuple) return {};
    const auto& [drawn, program, unit] = *tuple;
    if (!drawn) return pycosim::OwnValues{program_of(program.value()), unit};
    const auto& [distribution, seed, first_stream] = *drawn;
    const auto& [kind, mu, sigma, low, high] = distribution;
    return pycosim::OwnValues{
        pycosim::DrawnValues{{static_cast<pycosim::Distribution>(kind), mu, sigma, {low, high}}, seed, first_stream}, unit};
}

void add_places(pycosim::RowRule& rule, const PlacesTuple& tuple) {
    const auto& [pre, post, periods, bounded] = tuple;
    const auto place = [](const Matrix& matrix) { return pycosim::PlaceMatrix{matrix.data(), matrix.shape(0), matrix.shape(1)}; };
    const auto owner = std::make_shared<PlacesTuple>(tuple);
    rule.places = std::make_shared<pycosim::Places>(pycosim::place_columns(place(pre), place(post), view(periods)), owner);
    if (!bounded) return;
    const auto& [base, most, program] = *bounded;
    rule.distance = std::make_shared<pycosim::DistanceRule>(rule.key, rule.places->columns,
                                                            pycosim::BoundTable{base, view(most)}, program_of(program));
}

std::shared_ptr<const DrawnProjection> drawn_projection(const std::optional<RuleTuple>& tuple,
                                                        const std::optional<OwnTuple>& values) {
    if (!tuple) return nullptr;
    const auto& [kind, seed, stream, pre, post, p, n, with_replacement, allow_self, slots, places] = *tuple;
    const auto copied = [](const Array<std::int64_t>& array) {
        return std::vector<std::int64_t>(array.data(), array.data() + array.size());
    };
    const auto made = std::make_shared<DrawnProjection>();
    made->rule = {static_cast<pycosim::RowRule::Kind>(kind), pycosim::key_of(seed, stream), copied(pre), copied(post), p,
                  copied(n), with_replacement, allow_self};
    if (slots) {
        const auto& [first_block, n_blocks, starts, sources, targets] = *slots;
        made->rule.slots = {first_block, n_blocks, view(starts), view(sources), view(targets)};
        made->rule.owner_of_slots = std::make_shared<SlotsTuple>(*slots);
    }
    if (places) add_places(made->rule, *places);
    pycosim::check(made->rule);
    if (!values) return made;
    const auto& [weights, delays, first_block, n_blocks, starts] = *values;
    made->weights = own_values(weights);
    made->delays = own_values(delays);
    if (made->has_drawn_values() && starts.size() != made->rule.pre.size() * n_blocks)
        throw std::invalid_argument("each row needs its starts");
    if (made->has_values_of_distances() && !made->rule.places)
        throw std::invalid_argument("values that depend on the distance need places");
    made->starts = {first_block, n_blocks, view(starts)};
    made->owner_of_starts = std::make_shared<Array<std::uint32_t>>(starts);
    return made;
}

// `rules` and `values` have an entry for each projection, None for those that are stored, or have equal values; `spent`
// says whose targets, weights and delays nobody reads again: they have no values afterwards.
void connect(Engine& engine, const std::vector<ProjectionTuple>& projections,
             const std::vector<std::optional<RuleTuple>>& rules, const std::vector<std::optional<OwnTuple>>& values,
             const std::vector<bool>& spent) {
    std::vector<ProjectionColumns> columns;
    for (const auto& [receptor, sources, indptr, targets, weights, delays] : projections) {
        const std::size_t i = columns.size();
        columns.push_back({receptor, view(sources), view(indptr), view(targets), view(weights), view(delays),
                           i < rules.size() ? drawn_projection(rules[i], values.at(i)) : nullptr,
                           i < spent.size() && spent[i]});
    }
    const nb::gil_scoped_release release;
    engine.connect(columns);
}

// Rule, weight dependence, time constants (pre, post, slow pre, slow post), steps from update to update, columns of
// parameters, seed, stream and places of draws.
using Taus = std::tuple<double, double, double, double>;
using PlasticTuple = std::tuple<int, int, Taus, std::int64_t, std::vector<Array<double>>, std::uint64_t, std::uint64_t,
                                Array<std::uint32_t>>;

PlasticModel plastic_model(const PlasticTuple& model) {
    const auto& [rule, dependence, taus, update_steps, columns, seed, stream, places] = model;
    const auto& [tau_pre, tau_post, slow_pre, slow_post] = taus;
    PlasticModel result{static_cast<PlasticRule>(rule), Decay(tau_pre), Decay(tau_post), {},
                        pycosim::key_of(seed, stream), static_cast<PlasticRule>(dependence), Decay(slow_pre),
                        Decay(slow_post), update_steps, {places.data(), places.data() + places.size()}};
    for (const auto& column : columns) result.parameters.emplace_back(column.data(), column.data() + column.size());
    return result;
}

void connect_plastic(Engine& engine, const std::vector<ProjectionTuple>& projections,
                     const std::vector<Array<std::int32_t>>& dendritic, const std::vector<PlasticTuple>& models) {
    std::vector<PlasticColumns> columns;
    std::vector<PlasticModel> converted;
    for (std::size_t i = 0; i < projections.size(); ++i) {
        const auto& [receptor, sources, indptr, targets, weights, delays] = projections[i];
        columns.push_back({{receptor, view(sources), view(indptr), view(targets), view(weights), view(delays), nullptr},
                           view(dendritic.at(i))});
        converted.push_back(plastic_model(models.at(i)));
    }
    const nb::gil_scoped_release release;
    engine.connect_plastic(columns, std::move(converted));
}

void set_constants(Engine& engine, std::size_t population, const std::vector<Array<double>>& columns) {
    std::vector<std::span<const double>> views;
    for (const auto& column : columns) views.push_back(view(column));
    engine.set_constants(population, views);
}

using InjectionTuple = std::tuple<std::size_t, Array<std::int64_t>>;

void inject(Engine& engine, std::size_t population, const Array<double>& drive_per_na,
            const std::vector<InjectionTuple>& injections) {
    std::vector<std::pair<std::size_t, std::span<const std::int64_t>>> views;
    for (const auto& [current, indices] : injections) views.emplace_back(current, view(indices));
    engine.inject(population, view(drive_per_na), views);
}

void couple(Engine& engine, const Array<std::int64_t>& neurons, const Array<double>& drive_per_na,
            const Array<double>& offset_na, const Array<double>& extrapolation, const Array<std::int64_t>& indptr,
            const Array<std::int64_t>& partners, const Array<double>& conductances) {
    engine.couple({view(neurons), view(drive_per_na), view(offset_na), view(extrapolation), view(indptr),
                   view(partners), view(conductances)});
}

// Receptor, candidates, sources, targets, weights and delays of the first synapses; weight, lowest and highest delay of
// new ones; grid, probabilities of formation; threshold and probabilities of elimination; timing rule.
using Ints = std::vector<std::int32_t>;
using Reals = std::vector<double>;
using TimingTuple = std::tuple<int, double, double, Reals, double>;
using RewiredTuple = std::tuple<int, Ints, Ints, Ints, Reals, Ints, double, std::int32_t, std::int32_t, std::int64_t,
                                std::int64_t, Reals, double, double, double, TimingTuple>;
// Numbers of projections, neurons, slots of each, attempts per step, with replacement, from the last spikes, how many
// of them, seed and stream of the draws.
using RewiredGroupTuple = std::tuple<std::vector<std::size_t>, Ints, std::uint32_t, double, bool, bool, std::size_t,
                                     std::uint64_t, std::uint64_t>;

RewiredTiming timing_of(const TimingTuple& timing) {
    const auto& [dependence, tau_pre, tau_post, parameters, fraction] = timing;
    RewiredTiming result{dependence, tau_pre, tau_post, {}, fraction};
    if (parameters.size() > result.parameters.size()) throw std::invalid_argument("too many parameters");
    std::copy(parameters.begin(), parameters.end(), result.parameters.begin());
    return result;
}

void set_rewiring(Engine& engine, const std::vector<RewiredTuple>& projections,
                  const std::vector<RewiredGroupTuple>& groups) {
    Rewiring rewiring;
    for (const auto& [receptor, candidates, sources, targets, weights, delays, new_weight, lowest, highest, grid_x,
                      grid_y, probabilities, threshold, depressed, potentiated, timing] : projections) {
        rewiring.projections.push_back({receptor, candidates, sources, targets, weights, delays, new_weight, lowest,
                                        highest, grid_x, grid_y, probabilities, threshold, depressed, potentiated,
                                        timing_of(timing)});
    }
    for (const auto& [members, posts, capacity, per_step, replacement, last_spikes, buffer, seed, stream] : groups) {
        rewiring.groups.push_back({members, posts, capacity, per_step, replacement, last_spikes, buffer,
                                   pycosim::key_of(seed, stream)});
    }
    engine.set_rewiring(std::move(rewiring));
}

auto as_tuple(RewiredSynapses synapses) {
    return std::make_tuple(to_numpy(std::move(synapses.sources)), to_numpy(std::move(synapses.targets)),
                           to_numpy(std::move(synapses.weights)), to_numpy(std::move(synapses.delays)));
}

auto as_tuple(SpikeColumns spikes) {
    return std::make_tuple(to_numpy(std::move(spikes.steps)), to_numpy(std::move(spikes.indices)));
}

auto as_tuple(Samples samples) {
    const std::array<std::size_t, 2> shape{samples.n_rows, samples.n_columns};
    return std::make_tuple(samples.first, to_numpy<double, 2>(std::move(samples.values), shape));
}

using ModelColumns = std::tuple<std::string, std::vector<std::string>, std::vector<std::string>>;

ModelColumns columns_of(const Model& model) {
    return {std::string(model.name), {model.states.begin(), model.states.end()},
            {model.constants.begin(), model.constants.end()}};
}

std::vector<ModelColumns> model_columns() {
    std::vector<ModelColumns> all;
    for (const Model& model : models()) all.push_back(columns_of(model));
    return all;
}

ModelColumns register_model(const nb::capsule& capsule) {
    if (std::string_view(capsule.name()) != kModelCapsule) {
        throw std::invalid_argument("the module was compiled for another version of the engine");
    }
    const Model& model = *static_cast<const Model*>(capsule.data());
    add_model(model);
    return columns_of(model);
}

void send_spikes(SharedChunks& chunks, const Engine& engine) {
    engine.pack(chunks.to_send());
    chunks.send();
}

std::size_t receive_spikes(const SharedChunks& chunks, Engine& engine) {
    const nb::gil_scoped_release release;
    while (!chunks.wait()) {
        const nb::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }
    std::vector<std::uint32_t> received(chunks.n_received());
    chunks.receive(received);
    return engine.unpack(received);
}

}  // namespace

NB_MODULE(_engine, module) {
    nb::set_leak_warnings(false);  // objects of a script live until Python ends
    module.doc() = "The native engine: neurons and synapses of a network, advanced step by step.";
    module.def("models", &model_columns, "Names of the models, their state variables and constants of one step.");
    module.def("register_model", &register_model, nb::arg("model"),
               "Makes a model known that another module compiled; its name, state variables and constants.");
    nb::class_<SharedChunks>(module, "SharedChunks")
        .def("__init__",
             [](SharedChunks* chunks, const Writable& memory, std::size_t n_ranks, std::size_t rank, std::size_t n_words) {
                 if (memory.size() < SharedChunks::n_needed(n_ranks, n_words)) throw nb::value_error("too little memory");
                 new (chunks) SharedChunks(memory.data(), n_ranks, rank, n_words);
             },
             nb::arg("memory"), nb::arg("n_ranks"), nb::arg("rank"), nb::arg("n_words"), nb::keep_alive<1, 2>())
        .def_static("n_needed", &SharedChunks::n_needed, nb::arg("n_ranks"), nb::arg("n_words"))
        .def("send", &send_spikes, nb::arg("engine"))
        .def("receive", &receive_spikes, nb::arg("engine"));
    nb::class_<Engine>(module, "Engine")
        .def("__init__", &construct, nb::arg("populations"), nb::arg("core_of_neuron"), nb::arg("n_threads"),
             nb::arg("rank") = 0, nb::arg("n_ranks") = 1)
        .def("set_noise", [](Engine& engine, std::uint64_t seed, std::uint64_t stream) {
                 engine.set_noise(pycosim::key_of(seed, stream));
             }, nb::arg("seed"), nb::arg("stream"))
        .def("grow", &grow, nb::arg("populations"), nb::arg("cores_of_new"))
        .def("connect", &connect, nb::arg("projections"), nb::arg("rules") = nb::list(),
             nb::arg("values") = nb::list(), nb::arg("spent") = nb::list())
        .def("connect_plastic", &connect_plastic, nb::arg("projections"), nb::arg("dendritic"), nb::arg("models"))
        .def("plastic_weights", [](const Engine& engine, std::size_t projection) {
                 return to_numpy(engine.plastic_weights(projection));
             }, nb::arg("projection"))
        .def("set_plastic_weights", [](Engine& engine, std::size_t projection, const Array<double>& weights) {
                 engine.set_plastic_weights(projection, view(weights));
             }, nb::arg("projection"), nb::arg("weights"))
        .def("set_plastic_model", [](Engine& engine, std::size_t projection, const PlasticTuple& model) {
                 engine.set_plastic_model(projection, plastic_model(model));
             }, nb::arg("projection"), nb::arg("model"))
        .def("set_constants", &set_constants, nb::arg("population"), nb::arg("columns"))
        .def("inject", &inject, nb::arg("population"), nb::arg("drive_per_na"), nb::arg("injections"))
        .def("couple", &couple, nb::arg("neurons"), nb::arg("drive_per_na"), nb::arg("offset_na"),
             nb::arg("extrapolation"), nb::arg("indptr"), nb::arg("partners"), nb::arg("conductances"))
        .def("set_rewiring", &set_rewiring, nb::arg("projections"), nb::arg("groups"))
        .def("rewired_synapses", [](const Engine& engine, std::size_t projection) {
                 return as_tuple(engine.rewired_synapses(projection));
             }, nb::arg("projection"))
        .def("set_current_values", [](Engine& engine, std::size_t current, std::int64_t first_step,
                                      const Array<double>& values) {
                 engine.set_current_values(current, first_step, view(values));
             }, nb::arg("current"), nb::arg("first_step"), nb::arg("values"))
        .def("set_current_noise", [](Engine& engine, std::size_t current,
                                     const std::tuple<double, double, std::int64_t, std::int64_t, std::int64_t,
                                                      std::uint64_t, std::uint64_t>& noise) {
                 const auto& [mean, stdev, start, stop, hold, seed, stream] = noise;
                 engine.set_current_noise(current, {mean, stdev, start, stop, hold, pycosim::key_of(seed, stream)});
             }, nb::arg("current"), nb::arg("noise"))
        .def("set_state", [](Engine& engine, std::size_t population, std::string_view name,
                             const Array<double>& values) { engine.set_state(population, name, view(values)); },
             nb::arg("population"), nb::arg("name"), nb::arg("values"))
        .def("state", [](Engine& engine, std::size_t population, std::string_view name) {
                 return to_numpy(engine.state(population, name));
             }, nb::arg("population"), nb::arg("name"))
        .def("record_spikes", [](Engine& engine, std::size_t population, const Array<std::uint8_t>& mask) {
                 engine.record_spikes(population, view(mask));
             }, nb::arg("population"), nb::arg("mask"))
        .def("take_spikes", [](Engine& engine, std::size_t population) {
                 return as_tuple(engine.take_spikes(population));
             }, nb::arg("population"))
        .def("forget_signals", &Engine::forget_signals, nb::arg("population"))
        .def("record_signal", [](Engine& engine, std::size_t population, std::string_view state,
                                 const Array<std::int64_t>& indices, std::int64_t origin_step,
                                 std::int64_t interval_steps, const Array<double>& present) {
                 engine.record_signal(population, state, view(indices), origin_step, interval_steps, view(present));
             }, nb::arg("population"), nb::arg("state"), nb::arg("indices"), nb::arg("origin_step"),
             nb::arg("interval_steps"), nb::arg("present"))
        .def("make_room_for_signals", &Engine::make_room_for_signals, nb::arg("n_steps"))
        .def("take_signal", [](Engine& engine, std::size_t population, std::string_view state) {
                 return as_tuple(engine.take_signal(population, state));
             }, nb::arg("population"), nb::arg("state"))
        .def("set_source_spikes", [](Engine& engine, std::size_t population, std::int64_t first_step,
                                     std::int64_t last_step, const Array<std::int64_t>& steps,
                                     const Array<std::int64_t>& indices) {
                 engine.set_source_spikes(population, first_step, last_step, view(steps), view(indices));
             }, nb::arg("population"), nb::arg("first_step"), nb::arg("last_step"), nb::arg("steps"),
             nb::arg("indices"))
        .def("draw_inside", [](Engine& engine, std::size_t population, std::uint64_t seed, std::uint64_t stream,
                               double rate_per_step, std::int64_t first_step, std::int64_t last_step) {
                 return engine.draw_inside(population, {pycosim::key_of(seed, stream), rate_per_step, first_step,
                                                        last_step});
             }, nb::arg("population"), nb::arg("seed"), nb::arg("stream"), nb::arg("rate_per_step"),
             nb::arg("first_step"), nb::arg("last_step"))
        .def("draw_outside", &Engine::draw_outside, nb::arg("population"))
        .def("advance", &Engine::advance, nb::arg("n_steps"), nb::call_guard<nb::gil_scoped_release>())
        .def("integrate", &Engine::integrate, nb::arg("n_steps"), nb::call_guard<nb::gil_scoped_release>())
        .def("pack", [](const Engine& engine, const Writable& chunks) {
                 engine.pack({chunks.data(), chunks.size()});
             }, nb::arg("chunks"))
        .def("unpack", [](Engine& engine, const Array<std::uint32_t>& chunks) {
                 const nb::gil_scoped_release release;
                 return engine.unpack(view(chunks));
             }, nb::arg("chunks"))
        .def("sources_needed", [](const Engine& engine) { return to_numpy(engine.sources_needed()); })
        .def("set_needed", [](Engine& engine, const Array<std::uint8_t>& needed) {
                 engine.set_needed(view(needed));
             }, nb::arg("needed"))
        .def_prop_ro("smallest_delay_steps", &Engine::smallest_delay_steps)
        .def("initial_spikes", [](Engine& engine) { return to_numpy(engine.initial_spikes()); })
        .def("step_deferred", [](Engine& engine) {
                 std::vector<std::int64_t> neurons;
                 {
                     const nb::gil_scoped_release release;
                     neurons = engine.step_deferred();
                 }
                 return to_numpy(std::move(neurons));
             })
        .def("set_oldest_under_way", &Engine::set_oldest_under_way, nb::arg("emission_step"))
        .def("deliver_on_time", &Engine::deliver_on_time)
        .def("deliver", [](Engine& engine, const Array<std::int64_t>& emission_steps,
                           const Array<std::int64_t>& sources, const Array<std::int64_t>& cores,
                           const Array<std::int64_t>& shifts, const Array<std::int64_t>& floors,
                           const Array<std::int64_t>& only_delays, const Array<std::int64_t>& only_receptors) {
                 engine.deliver(view(emission_steps), view(sources), view(cores), view(shifts), view(floors),
                                view(only_delays), view(only_receptors));
             }, nb::arg("emission_steps"), nb::arg("sources"), nb::arg("cores"), nb::arg("shifts"),
             nb::arg("floors"), nb::arg("only_delays"), nb::arg("only_receptors"))
        .def("deferred", [](Engine& engine) { return nb::capsule(static_cast<DeferredEngine*>(&engine), "DeferredEngine"); })
        .def_prop_ro("step", &Engine::step)
        .def_prop_ro("started", &Engine::started)
        .def_prop_ro("n_synapse_bytes", &Engine::n_synapse_bytes);
}
