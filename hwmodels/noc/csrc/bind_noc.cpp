// Python binding of the network-on-chip simulator; arguments are checked by the Python face.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

#include <memory>
#include <utility>
#include <vector>

#include "links.hpp"
#include "network.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace pycosim::noc;

namespace {

template <class T>
using Input1 = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Input2 = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Cycles = nb::ndarray<nb::numpy, std::int64_t, nb::ndim<1>>;

template <class T>
std::vector<T> copied(const Input1<T>& array) {
    return {array.data(), array.data() + array.size()};
}

template <class T>
std::span<const T> view(const Input1<T>& array) {
    return {array.data(), array.size()};
}

Cycles to_numpy(std::vector<std::int64_t>&& values) {
    auto kept = std::make_unique<std::vector<std::int64_t>>(std::move(values));
    nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::vector<std::int64_t>*>(p); });
    auto* array = kept.release();
    return Cycles(array->data(), {array->size()}, owner);
}

Graph make_graph(Input1<std::int32_t> first_port, Input1<std::int32_t> peer, Input1<std::int32_t> terminal,
                 Input1<std::int64_t> link_cycles, Input1<std::int64_t> flit_cycles, Input1<std::int32_t> channel,
                 Input2<std::int32_t> places, Input1<std::int32_t> terminal_x, Input1<std::int32_t> terminal_y,
                 std::pair<std::int32_t, std::int32_t> rings, Input1<std::uint8_t> next_port) {
    Graph graph{copied(first_port), copied(peer), copied(terminal), copied(link_cycles), copied(flit_cycles),
                copied(channel), {}, copied(terminal_x), copied(terminal_y), rings.first, rings.second,
                copied(next_port)};
    graph.places.reserve(places.shape(0));
    for (std::size_t r = 0; r < places.shape(0); ++r) {
        const std::int32_t* row = places.data() + 7 * r;
        graph.places.push_back({row[0], row[1], row[2], row[3], row[4], row[5], row[6]});
    }
    graph.index();
    return graph;
}

std::pair<Cycles, Cycles> arrivals(PacketBook& network) {
    std::vector<std::int64_t> ids, cycles;
    network.take_arrivals(ids, cycles);
    return {to_numpy(std::move(ids)), to_numpy(std::move(cycles))};
}

std::pair<Cycles, Cycles> paths(const PacketBook& network, Input1<std::int32_t> source, Input1<std::int32_t> destination,
                                Input1<std::int32_t> flits) {
    std::vector<std::int64_t> hops, cycles;
    for (std::size_t k = 0; k < source.size(); ++k) {
        const PacketBook::Path path = network.path(source.data()[k], destination.data()[k], flits.data()[k]);
        hops.push_back(path.hops);
        cycles.push_back(path.cycles);
    }
    return {to_numpy(std::move(hops)), to_numpy(std::move(cycles))};
}

template <std::int32_t Packet::*field>
Cycles packet_field(const PacketBook& network) {
    std::vector<std::int64_t> values;
    for (const Packet& packet : network.packets()) values.push_back(packet.*field);
    return to_numpy(std::move(values));
}

/// What all kinds of networks offer.
template <class T>
nb::class_<T> bind_network(nb::module_& m, const char* name, const char* doc) {
    return nb::class_<T>(m, name, doc)
        .def("inject",
             [](T& network, Input1<std::int64_t> cycle, Input1<std::int32_t> source,
                Input1<std::int32_t> destination, Input1<std::int32_t> flits, Input1<std::uint8_t> joins) {
                 return network.inject(view(cycle), view(source), view(destination), view(flits), view(joins));
             },
             "cycle"_a, "source"_a, "destination"_a, "flits"_a, "joins"_a)
        .def("advance", &T::advance, "until"_a, "max_visits"_a, nb::call_guard<nb::gil_scoped_release>())
        .def("drain", &T::drain, "max_visits"_a, nb::call_guard<nb::gil_scoped_release>())
        .def("take_arrivals", [](T& network) { return arrivals(network); })
        .def("face", [](T& network) { return nb::capsule(static_cast<PacketNetwork*>(&network), "PacketNetwork"); })
        .def("paths",
             [](const T& network, Input1<std::int32_t> source, Input1<std::int32_t> destination,
                Input1<std::int32_t> flits) { return paths(network, source, destination, flits); },
             "source"_a, "destination"_a, "flits"_a)
        .def("flow_flits",
             [](const T& network, Input1<std::int32_t> source, Input1<std::int32_t> destination,
                Input1<std::int64_t> flits, Input1<std::uint8_t> joins) {
                 return to_numpy(network.flow_flits(view(source), view(destination), view(flits), view(joins)));
             },
             "source"_a, "destination"_a, "flits"_a, "joins"_a)
        .def("count_links",
             [](const T& network, Input1<std::int32_t> source, Input1<std::int32_t> destination,
                Input1<std::uint8_t> joins, Input1<std::int64_t> kind_of_port, std::int64_t n_kinds) {
                 return to_numpy(
                     network.count_links(view(source), view(destination), view(joins), view(kind_of_port), n_kinds));
             },
             "source"_a, "destination"_a, "joins"_a, "kind_of_port"_a, "n_kinds"_a)
        .def_prop_ro("now", [](const T& network) { return network.now(); })
        .def_prop_ro("n_packets", [](const T& network) { return network.n_packets(); })
        .def_prop_ro("n_in_flight", [](const T& network) { return network.n_in_flight(); })
        .def_prop_ro("n_visits", [](const T& network) { return network.n_visits(); })
        .def_prop_ro("n_moves", [](const T& network) { return network.n_moves(); })
        .def_prop_ro("link_flits", [](const T& network) { return to_numpy(network.link_flits()); },
                     nb::rv_policy::automatic)
        .def_prop_ro("launch_cycles", [](const T& network) { return to_numpy(network.launch_cycles()); },
                     nb::rv_policy::automatic)
        .def_prop_ro("arrival_cycles", [](const T& network) { return to_numpy(network.arrival_cycles()); },
                     nb::rv_policy::automatic)
        .def_prop_ro("sources",
                     [](const T& network) { return packet_field<&Packet::source>(network); },
                     nb::rv_policy::automatic)
        .def_prop_ro("destinations",
                     [](const T& network) { return packet_field<&Packet::destination>(network); },
                     nb::rv_policy::automatic);
}

}  // namespace

NB_MODULE(_noc, m) {
    nb::set_leak_warnings(false);  // objects of a script live until Python ends
    m.doc() = "Flit-level, cycle-accurate network-on-chip simulation (compiled part).";

    nb::enum_<RouterKind>(m, "RouterKind")
        .value("credit3", RouterKind::credit3)
        .value("credit4", RouterKind::credit4)
        .value("credit5", RouterKind::credit5)
        .value("handshake", RouterKind::handshake);
    nb::enum_<ArbiterKind>(m, "ArbiterKind")
        .value("round_robin", ArbiterKind::round_robin)
        .value("least_recently_served", ArbiterKind::least_recently_served)
        .value("oldest_first", ArbiterKind::oldest_first);

    nb::class_<Graph>(m, "Graph", "Routers, ports and links as flat arrays.")
        .def_static("from_arrays", &make_graph, "first_port"_a, "peer"_a, "terminal"_a, "link_cycles"_a, "flit_cycles"_a,
                    "channel"_a, "places"_a, "terminal_x"_a, "terminal_y"_a, "rings"_a, "next_port"_a);

    nb::enum_<Detail>(m, "Detail").value("queue", Detail::queue).value("analytic", Detail::analytic);

    bind_network<Network>(m, "Network", "State of one simulated network.")
        .def(nb::init<Graph, RouterKind, std::int32_t, ArbiterKind, bool>(), "graph"_a, "router"_a, "buffer_depth"_a,
             "arbiter"_a, "remember"_a);
    bind_network<LinkNetwork>(m, "LinkNetwork", "State of one network, simulated with less detail.")
        .def(nb::init<Graph, RouterKind, std::int32_t, Detail, bool>(), "graph"_a, "router"_a, "buffer_depth"_a, "detail"_a,
             "remember"_a);
}
