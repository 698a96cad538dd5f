// Spikes as packets: when they leave their cores, and when cores have worked on them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fabric.hpp"
#include "log.hpp"

namespace pycosim::timing {

using Column = std::span<const Int>;
using Column32 = std::span<const std::int32_t>;

// The tables of a mapped network, as in messages.py, routes.py and cores.py; the host is the last place.
struct Tables {
    // By neuron: its place and its order there; by neuron + 1: its first message, and its first axon of the routes.
    Column place_of_neuron, order_of_neuron, first_message, first_axon;
    // By message; axons are counted from `first_axon_of_mapping` in the routes.
    Column destination, message_axon, n_axons;
    std::span<const std::uint8_t> to_relays;
    std::span<const std::uint8_t> joins;  // whether it goes along with the one before it until their ways part
    Int first_axon_of_mapping;
    // By axon of the routes.
    Column32 source, core, delay, receptor, synapses, relay_core, relay_place;
    // By core.
    Column place_of_core;
    // By place: times of the work there, in ps; `idle` is that of a step without spikes, `event_on_arrival` is 0 where
    // events are not worked on then.
    Column units, update, idle, spike, send, receive, event, event_on_arrival;
    // By place, to be counted and moved on.
    std::span<Int> messages_in, messages_out, spikes, receiver_free;
};

// One pass of all places over their units; see traffic.py.
struct Pass {
    Int step_ps;
    Column begin_ps, events_ps;
    bool fire_at_start;
};

// What reached cores, and when they had worked on it; see traffic.py.
struct Arrivals {
    Ints rows, done_ps, relayed, n_relayed, relayed_ps, work_ps;
    Int last_ps;
};

class Traffic {
  public:
    void use(const Tables& tables, Fabric& fabric);
    // Numbers the places of relays anew, of messages that are under way.
    void move_places(Column new_place);

    // Sends the spikes of a step, and those of relays (rows of the log), and returns how long each place worked.
    const Ints& send(Int step, Column fired, const Pass& pass, Column relays);
    // Lets cores work on messages.
    Arrivals& receive(const Messages& arrived);

    Fabric& fabric() { return *fabric_; }
    const Tables& tables() const { return tables_; }
    Int n_places() const { return static_cast<Int>(tables_.units.size()); }
    Int place_of(Int row) const { return tables_.place_of_core[tables_.core[log.axon[row]]]; }

    Log log;
    Int encoded = 0;
    std::shared_ptr<void> owner;  // keeps the tables and the fabric alive

  private:
    static constexpr Int kRelay = -1;

    struct Firing {
        Int place, order;
        Int neuron;  // kRelay: a relay
        Int row;     // the first of its packets
        Int n_messages;
    };
    struct Message {  // of the tables, packed: spikes come from anywhere, and memory is far
        std::int32_t destination, axon, n_axons, place, synapses;
        bool to_relays, joins;
    };
    struct Carried {  // by number of the message in the network-on-chip
        Int first_row;
        std::int32_t n_rows;
        std::int32_t place;         // of the first row, or of the relays
        Int service_ps;             // of the first row, or of the relays
        bool to_relays;
    };
    struct Letters {
        Ints leave_ps, source, destination;
        std::vector<Carried> carried;
        std::vector<std::uint8_t> joins;  // empty where no messages go together

        void clear() {
            leave_ps.clear(), source.clear(), destination.clear(), carried.clear(), joins.clear();
        }
        void add(Int leave, Int from, Int to, const Carried& what) {
            leave_ps.push_back(leave), source.push_back(from), destination.push_back(to), carried.push_back(what);
        }
    };

    void gather(Int step, Column fired, Column relays);
    Int write(const Firing& firing, const Pass& pass, Int fire);
    void hand_over(Letters& letters);

    Tables tables_{};
    std::vector<Message> messages_;
    bool any_join_ = false;
    Fabric* fabric_ = nullptr;
    // Time that a place works on a packet when it arrives.
    Int service_ps(Int place, Int synapses) const {
        return tables_.receive[place] + tables_.event_on_arrival[place] * synapses;
    }
    const Carried& carried(Int number) const { return carried_[static_cast<std::size_t>(number - first_carried_)]; }

    // What messages carry, from number first_carried_ on; forgotten whenever all of them have been received.
    std::vector<Carried> carried_;
    Int first_carried_ = 0, n_under_way_ = 0;
    // Kept between calls for their memory.
    std::vector<Firing> firings_;
    Letters own_, of_relays_;
    Ints work_, numbers_, place_, arrival_, service_, done_;
    Arrivals arrivals_;
};

// Returns when each job is finished, and moves `free` on; see service.py.
void serve(Column place, Column arrival, Column service, std::span<Int> free, Ints& done);

}  // namespace pycosim::timing
