/// Less detailed simulations of the same network: packets instead of flits, queues at links instead of routers.
///
/// `queue`: every link is a server that takes packets in the order in which they come, one flit per spacing, when
/// there is a free place behind it, and every input is a queue too. One event per packet and router. Routers do not
/// arbitrate, and of a packet of several flits only the head waits for its place.
///
/// `analytic`: no contention at all, but that a source sends one flit after the other.
///
/// A packet that meets no other arrives in the same cycle as in `Network` (if its flits wait for no credit).
#pragma once

#include <cstdint>
#include <vector>

#include "book.hpp"
#include "wheel.hpp"

namespace pycosim::noc {

enum class Detail { queue, analytic };

class LinkNetwork final : public PacketBook {
public:
    LinkNetwork(Graph graph, RouterKind kind, std::int32_t depth, Detail detail, bool remember);

    /// Visits are those of routers by packets.
    bool advance(std::int64_t until, std::int64_t max_visits) override;

    bool drain(std::int64_t max_visits) override;

    /// Flits carried per router output, then per injection link; flits count as soon as they are scheduled.
    std::vector<std::int64_t> link_flits() const;

private:
    struct Link {
        std::int64_t travel;        ///< from a flit's move until it may act in the next router, or is delivered
        std::int64_t credit;        ///< from a flit's move out of the place behind the link until that is free again
        std::int64_t spacing;
        std::int64_t flits = 0;
        std::int64_t released = 0;  ///< first cycle in which another head may bid
        std::int64_t counted = -1;  ///< first of the packets that went together last (analytic)
        std::int64_t place = 0;     ///< first of the places behind the link, -1 if it always takes flits
        std::int32_t next = 0;      ///< place that the next flit takes
        std::int32_t first = -1;    ///< first of the packets that wait until that place is free, -1 if none
        std::int32_t last = -1;
        std::int32_t server;        ///< line that it uses, its own or one shared with others
        std::int32_t to_router;     ///< -1: a terminal
    };

    /// Packets in front of a router, at one of its inputs.
    struct Queue {
        std::int64_t free = 0;     ///< first cycle in which the packet behind the one that left is at the front
        std::int32_t first = -1;   ///< packet behind the front one, -1 if none
        std::int32_t last = -1;
        bool busy = false;         ///< there is a front one
    };

    /// Where a packet is.
    struct Stay {
        std::int64_t since;       ///< when its head is at the end of the queue
        std::int64_t bid;         ///< when its head may bid
        std::int64_t place;       ///< that its head takes behind the last link, -1 if none
        std::int64_t first_flit;  ///< of a packet of several flits: where its `flit_cycles_` are
        std::int32_t input;       ///< port of the queue
        std::int32_t over;        ///< port that the last link left
        std::int32_t behind;      ///< packet that waits for the same link behind it
        std::int32_t parting;     ///< packets that it parts from here, -1 if none
    };

    /// Packets that came together and part in a router: the last one that leaves frees their place.
    struct Parting {
        std::int64_t left;       ///< when the last one so far left
        std::int64_t place;      ///< as in Stay
        std::int32_t input;
        std::int32_t over;
        std::int32_t remaining;  ///< outputs that they have not left by
    };

    void forget_packets() override;
    bool run(std::int64_t until, std::int64_t max_visits);
    void start(std::int32_t id);
    void fly(std::int32_t id, std::int64_t cycle);
    void enter(std::int32_t port, std::int32_t id, std::int64_t cycle);
    void hop(std::int32_t id);
    void queue_for(std::int32_t id, std::int32_t port);
    void go(std::int32_t id, std::int32_t port);
    void part(Parting& parting, std::int64_t left);
    void give_back(const Link& before, std::int64_t place, std::int32_t k, std::int64_t left);
    void leave(std::int32_t input, std::int64_t left);
    void wake(Link& link);
    bool must_wait(const Link& link) const { return link.place >= 0 && taken_[link.place + link.next] != 0; }
    std::int64_t& flit_cycle(std::int32_t id, std::int32_t flit) { return flit_cycles_[stays_[id].first_flit + flit]; }

    std::int32_t depth_;
    Detail detail_;
    std::vector<Link> links_;                ///< per port
    std::vector<Queue> queues_;              ///< per port
    std::vector<std::int64_t> free_;         ///< per server: first cycle in which it takes another flit
    std::vector<std::int64_t> place_free_;   ///< per place: first cycle in which it can be taken, at the earliest
    std::vector<std::uint8_t> taken_;        ///< per place: whether it is not known yet when its flit leaves
    std::vector<std::int64_t> source_free_;  ///< per terminal: first cycle in which it sends another flit
    std::vector<std::int64_t> source_flits_;
    std::vector<Stay> stays_;                ///< per packet
    std::vector<std::int64_t> flit_cycles_;  ///< when flits may act in the router in which their packet is
    std::vector<Parting> partings_;
    std::vector<Branch> branches_;           ///< of the packets that are in a router now
    Wheel wheel_;
};

}  // namespace pycosim::noc
