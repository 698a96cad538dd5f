// Python binding of the network-on-chip simulator; arguments are checked by the Python face.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

#include <memory>
#include <utility>
#include <vector>

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
                 Input1<std::int64_t> link_cycles, Input1<std::int64_t> flit_cycles, Input2<std::int32_t> places,
                 Input1<std::int32_t> terminal_x, Input1<std::int32_t> terminal_y, Input1<std::uint8_t> next_port) {
    Graph graph{copied(first_port), copied(peer), copied(terminal), copied(link_cycles), copied(flit_cycles), {},
                copied(terminal_x), copied(terminal_y), copied(next_port)};
    graph.places.reserve(places.shape(0));
    for (std::size_t r = 0; r < places.shape(0); ++r) {
        const std::int32_t* row = places.data() + 7 * r;
        graph.places.push_back({row[0], row[1], row[2], row[3], row[4], row[5], row[6]});
    }
    return graph;
}

std::pair<Cycles, Cycles> arrivals(Network& network) {
    std::vector<std::int64_t> ids, cycles;
    for (const auto& [cycle, id] : network.take_arrivals()) {
        ids.push_back(id);
        cycles.push_back(cycle);
    }
    return {to_numpy(std::move(ids)), to_numpy(std::move(cycles))};
}

std::pair<Cycles, Cycles> paths(const Network& network, Input1<std::int32_t> source, Input1<std::int32_t> destination,
                                Input1<std::int32_t> flits) {
    std::vector<std::int64_t> hops, cycles;
    for (std::size_t k = 0; k < source.size(); ++k) {
        const Network::Path path = network.path(source.data()[k], destination.data()[k], flits.data()[k]);
        hops.push_back(path.hops);
        cycles.push_back(path.cycles);
    }
    return {to_numpy(std::move(hops)), to_numpy(std::move(cycles))};
}

template <std::int32_t Packet::*field>
Cycles packet_field(const Network& network) {
    std::vector<std::int64_t> values;
    for (const Packet& packet : network.packets()) values.push_back(packet.*field);
    return to_numpy(std::move(values));
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
                    "places"_a, "terminal_x"_a, "terminal_y"_a, "next_port"_a);

    nb::class_<Network>(m, "Network", "State of one simulated network.")
        .def(nb::init<Graph, RouterKind, std::int32_t, ArbiterKind, bool>(), "graph"_a, "router"_a, "buffer_depth"_a, "arbiter"_a,
             "remember"_a)
        .def("inject",
             [](Network& network, Input1<std::int64_t> cycle, Input1<std::int32_t> source,
                Input1<std::int32_t> destination, Input1<std::int32_t> flits) {
                 return network.inject(view(cycle), view(source), view(destination), view(flits));
             },
             "cycle"_a, "source"_a, "destination"_a, "flits"_a)
        .def("advance", &Network::advance, "until"_a, "max_visits"_a, nb::call_guard<nb::gil_scoped_release>())
        .def("drain", &Network::drain, "max_visits"_a, nb::call_guard<nb::gil_scoped_release>())
        .def("take_arrivals", &arrivals)
        .def("face", [](Network& network) { return nb::capsule(static_cast<PacketNetwork*>(&network), "PacketNetwork"); })
        .def("paths", &paths, "source"_a, "destination"_a, "flits"_a)
        .def_prop_ro("now", &Network::now)
        .def_prop_ro("n_packets", &Network::n_packets)
        .def_prop_ro("n_in_flight", &Network::n_in_flight)
        .def_prop_ro("n_visits", &Network::n_visits)
        .def_prop_ro("n_moves", &Network::n_moves)
        .def_prop_ro("link_flits", [](const Network& network) { return to_numpy(network.link_flits()); },
                     nb::rv_policy::automatic)
        .def_prop_ro("launch_cycles", [](const Network& network) { return to_numpy(network.launch_cycles()); },
                     nb::rv_policy::automatic)
        .def_prop_ro("arrival_cycles", [](const Network& network) { return to_numpy(network.arrival_cycles()); },
                     nb::rv_policy::automatic)
        .def_prop_ro("sources", &packet_field<&Packet::source>, nb::rv_policy::automatic)
        .def_prop_ro("destinations", &packet_field<&Packet::destination>, nb::rv_policy::automatic);
}
