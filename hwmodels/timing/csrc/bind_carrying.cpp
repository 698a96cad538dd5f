// Python binding of the carrying of spikes; columns are checked by the Python face.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>

#include <cstring>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "disciplines.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace pycosim::timing;

namespace {

template <class T>
using Array = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<Int, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T = Int>
using Result = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

template <class T>
std::span<const T> view(const Array<T>& array) {
    return {array.data(), array.size()};
}

std::span<Int> counts(const Counts& array) { return {array.data(), array.size()}; }

Result<> to_numpy(const Ints& values) {
    auto kept = std::make_unique<Ints>(values);
    nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<Ints*>(p); });
    auto* array = kept.release();
    return Result<>(array->data(), {array->size()}, owner);
}

template <class T>
Result<T> shown(const LogColumn<T>& column, Int n_rows) {
    auto kept = std::make_unique<std::shared_ptr<Buffer>>(column.buffer());
    nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::shared_ptr<Buffer>*>(p); });
    kept.release();
    return Result<T>(const_cast<T*>(column.data()), {static_cast<std::size_t>(n_rows)}, owner);
}

template <class T>
T& from_capsule(const nb::capsule& capsule, const char* name) {
    if (std::strcmp(capsule.name(), name) != 0) throw std::invalid_argument("a capsule of another kind");
    return *static_cast<T*>(capsule.data());
}

// A fabric that is an object of Python, as pycosim.hwmodels.timing.fabric.Fabric.
class PythonFabric final : public Fabric {
  public:
    explicit PythonFabric(nb::object fabric) : fabric_(std::move(fabric)) {}

    void send(Column leave_ps, Column source, Column destination, std::span<const std::uint8_t> joins,
              Ints& numbers) override {
        const auto copied = [](Column column) { return to_numpy(Ints(column.begin(), column.end())); };
        const nb::object sent = fabric_.attr("send")(copied(leave_ps), copied(source), copied(destination),
                                                       copied(Ints(joins.begin(), joins.end())));
        const auto array = nb::cast<Array<Int>>(sent);
        numbers.assign(array.data(), array.data() + array.size());
    }
    void run_until(Int time_ps, Messages& arrived) override { take(fabric_.attr("run_until")(time_ps), arrived); }
    void run_until_idle(Messages& arrived) override { take(fabric_.attr("run_until_idle")(), arrived); }
    bool is_idle() const override { return nb::cast<bool>(fabric_.attr("is_idle")); }
    bool is_python() const override { return true; }

  private:
    static void take(const nb::object& result, Messages& arrived) {
        const auto [numbers, times] = nb::cast<std::pair<Array<Int>, Array<Int>>>(result);
        arrived.numbers.assign(numbers.data(), numbers.data() + numbers.size());
        arrived.times_ps.assign(times.data(), times.data() + times.size());
    }

    nb::object fabric_;
};

// The network, its cycle, what is left of the local time, flits of a packet, and the terminal of each place.
using CompiledFabric = std::tuple<nb::capsule, Int, Int, std::int32_t, Array<std::int32_t>>;

struct Kept {
    nb::object fabric_object;
    nb::dict tables;
    std::unique_ptr<Fabric> fabric;
};

std::unique_ptr<Fabric> make_fabric(const nb::object& fabric) {
    const nb::object compiled = fabric.attr("compiled")();
    if (compiled.is_none()) return std::make_unique<PythonFabric>(fabric);
    const auto [network, cycle_ps, local_ps, flits, terminals] = nb::cast<CompiledFabric>(compiled);
    return std::make_unique<NocFabric>(from_capsule<pycosim::noc::PacketNetwork>(network, "PacketNetwork"), cycle_ps,
                                       local_ps, flits, view(terminals));
}

void use(Traffic& traffic, const nb::dict& tables, const nb::object& fabric) {
    const auto of = [&](const char* name) { return view(nb::cast<Array<Int>>(tables[name])); };
    const auto of32 = [&](const char* name) { return view(nb::cast<Array<std::int32_t>>(tables[name])); };
    const auto counted = [&](const char* name) { return counts(nb::cast<Counts>(tables[name])); };
    auto kept = std::make_shared<Kept>(Kept{fabric, tables, make_fabric(fabric)});
    traffic.use({.place_of_neuron = of("place_of_neuron"),
                 .order_of_neuron = of("order_of_neuron"),
                 .first_message = of("first_message"),
                 .first_axon = of("first_axon"),
                 .destination = of("destination"),
                 .message_axon = of("message_axon"),
                 .n_axons = of("n_axons"),
                 .to_relays = view(nb::cast<Array<std::uint8_t>>(tables["to_relays"])),
                 .joins = view(nb::cast<Array<std::uint8_t>>(tables["joins"])),
                 .first_axon_of_mapping = nb::cast<Int>(tables["first_axon_of_mapping"]),
                 .source = of32("source"),
                 .core = of32("core"),
                 .delay = of32("delay"),
                 .receptor = of32("receptor"),
                 .synapses = of32("synapses"),
                 .relay_core = of32("relay_core"),
                 .relay_place = of32("relay_place"),
                 .place_of_core = of("place_of_core"),
                 .units = of("units"),
                 .update = of("update"),
                 .idle = of("idle"),
                 .spike = of("spike"),
                 .send = of("send"),
                 .receive = of("receive"),
                 .event = of("event"),
                 .event_on_arrival = of("event_on_arrival"),
                 .messages_in = counted("messages_in"),
                 .messages_out = counted("messages_out"),
                 .spikes = counted("spikes"),
                 .receiver_free = counted("receiver_free")},
                *kept->fabric);
    traffic.owner = kept;
}

auto as_tuple(const Arrivals& a) {
    return std::make_tuple(to_numpy(a.rows), to_numpy(a.done_ps), to_numpy(a.relayed), to_numpy(a.n_relayed),
                           to_numpy(a.relayed_ps), to_numpy(a.work_ps), a.last_ps);
}

template <auto column>
auto log_column(const Traffic& traffic) {
    return shown(traffic.log.*column, traffic.log.n_rows());
}

void run_together(Discipline& discipline, const nb::capsule& engine, bool closed, bool only_delay, bool only_receptor,
                  bool keep_synapses, Int n_steps) {
    auto& face = from_capsule<pycosim::native::DeferredEngine>(engine, "DeferredEngine");
    const Delivery delivery{closed, only_delay, only_receptor, keep_synapses};
    if (discipline.traffic().fabric().is_python()) return run(discipline, face, delivery, n_steps);
    const nb::gil_scoped_release release;
    run(discipline, face, delivery, n_steps);
}

}  // namespace

NB_MODULE(_carrying, m) {
    nb::set_leak_warnings(false);  // objects of a script live until Python ends
    m.doc() = "The carrying of spikes through the cores and the network-on-chip of a chip (compiled part).";
    m.def("serve",
          [](const Array<Int>& place, const Array<Int>& arrival, const Array<Int>& service, const Counts& free) {
              Ints done;
              serve(view(place), view(arrival), view(service), counts(free), done);
              return to_numpy(done);
          },
          "place"_a, "arrival"_a, "service"_a, "free"_a);
    nb::class_<Traffic>(m, "Traffic")
        .def(nb::init<>())
        .def("use", &use, "tables"_a, "fabric"_a)
        .def("move_places", [](Traffic& t, const Array<Int>& new_place) { t.move_places(view(new_place)); }, "new_place"_a)
        .def("send",
             [](Traffic& t, Int step, const Array<Int>& fired, Int step_ps, const Array<Int>& begin_ps,
                const Array<Int>& events_ps, bool fire_at_start, const Array<Int>& relays) {
                 const Pass pass{step_ps, view(begin_ps), view(events_ps), fire_at_start};
                 return to_numpy(t.send(step, view(fired), pass, view(relays)));
             },
             "step"_a, "fired"_a, "step_ps"_a, "begin_ps"_a, "events_ps"_a, "fire_at_start"_a, "relays"_a)
        .def("receive",
             [](Traffic& t, const Array<Int>& numbers, const Array<Int>& times_ps) {
                 return as_tuple(t.receive({Ints(numbers.data(), numbers.data() + numbers.size()),
                                            Ints(times_ps.data(), times_ps.data() + times_ps.size())}));
             },
             "numbers"_a, "times_ps"_a)
        .def("append", [](Traffic& t, Int step, const Array<Int>& axons) { return t.log.append(step, view(axons)); },
             "step"_a, "axons"_a)
        .def("oldest_under_way", [](Traffic& t) { return t.log.oldest_under_way(); })
        .def_rw("encoded", &Traffic::encoded)
        .def_prop_ro("n_rows", [](const Traffic& t) { return t.log.n_rows(); })
        .def_prop_ro("emission_step", &log_column<&Log::emission_step>, nb::rv_policy::automatic)
        .def_prop_ro("axon", &log_column<&Log::axon>, nb::rv_policy::automatic)
        .def_prop_ro("emission_ps", &log_column<&Log::emission_ps>, nb::rv_policy::automatic)
        .def_prop_ro("injection_ps", &log_column<&Log::injection_ps>, nb::rv_policy::automatic)
        .def_prop_ro("arrival_ps", &log_column<&Log::arrival_ps>, nb::rv_policy::automatic)
        .def_prop_ro("lateness_steps", &log_column<&Log::lateness_steps>, nb::rv_policy::automatic);

    nb::class_<Discipline>(m, "Discipline")
        .def("use",
             [](Discipline& d, const Counts& busy_ps, const Counts& slow_steps, const Counts& free) {
                 d.use(counts(busy_ps), counts(slow_steps), counts(free));
                 d.owner = std::make_shared<std::vector<Counts>>(std::vector<Counts>{busy_ps, slow_steps, free});
             },
             "busy_ps"_a, "slow_steps"_a, "free"_a)
        .def("carry",
             [](Discipline& d, Int step, const Array<Int>& fired) {
                 Acting acting = d.carry(step, view(fired));
                 if (acting.all_on_time) acting.shift.resize(acting.rows.size(), 0), acting.floor = acting.shift;
                 return std::make_tuple(to_numpy(acting.rows), to_numpy(acting.shift), to_numpy(acting.floor));
             },
             "step"_a, "fired"_a)
        .def("run", &run_together, "engine"_a, "closed"_a, "only_delay"_a, "only_receptor"_a,
             "keep_synapses"_a, "n_steps"_a)
        .def("take_durations",
             [](Discipline& d) {
                 Result<> durations = to_numpy(d.durations);
                 d.durations.clear();
                 return std::make_pair(durations, std::exchange(d.idle_steps, 0));
             })
        .def_prop_ro("time_ps", &Discipline::time_ps);
    nb::class_<Tick, Discipline>(m, "Tick")
        .def(nb::init<Traffic&, Int>(), "traffic"_a, "period_ps"_a, nb::keep_alive<1, 2>())
        .def("move_places", [](Tick& tick, const Array<Int>& new_place, Int n) { tick.move_places(view(new_place), n); },
             "new_place"_a, "n_places"_a);
    nb::class_<Barrier, Discipline>(m, "Barrier")
        .def(nb::init<Traffic&, Int>(), "traffic"_a, "period_ps"_a, nb::keep_alive<1, 2>())
        .def_rw("barrier_ps", &Barrier::barrier_ps);
    nb::class_<Free, Discipline>(m, "Free")
        .def(nb::init<Traffic&, Int>(), "traffic"_a, "period_ps"_a, nb::keep_alive<1, 2>())
        .def_ro("worst_rounding_ps", &Free::worst_rounding_ps);
}
