/// State of routers, their ports and the source queues.
#pragma once

#include <cstdint>

#include "graph.hpp"

namespace pycosim::noc {

/// Marks of a flit within its packet; a single-flit packet has both.
enum FlitMark : std::int32_t { kHead = 1, kTail = 2 };

/// One place in an input FIFO. Flit number k of a link always uses place k modulo the depth, so the place also
/// stands for the credit: while free, `cycle` is the first cycle in which the sender may use it again; while
/// taken, the first cycle in which its flit may act.
struct Slot {
    std::int64_t cycle;
    std::int32_t packet;
    std::int32_t marks;
};

/// Input side of a port: a FIFO of flits, those still on the link included.
struct Input {
    std::int64_t ready = 0;           ///< first cycle in which the front flit may bid or move
    std::int64_t credit_cycles = 0;   ///< from a flit's leaving until the sender may use its place
    std::int64_t first_slot = -1;     ///< -1 until the first flit comes
    std::int32_t head = 0;            ///< place of the front flit
    std::int32_t count = 0;           ///< places taken
    std::int32_t router = -1;
    std::int32_t sender = -1;         ///< router to wake when a place is freed, or -1
    std::int32_t source = -1;         ///< terminal that feeds it, or -1
    std::uint8_t port = 0;            ///< number within its router
    std::uint8_t output = 0;          ///< output that the front packet takes
    bool parts = false;               ///< packets of the front flit take several outputs: see Network::branches_
    bool granted = false;             ///< the front packet holds that output
    bool sender_waits = false;        ///< the sender found no place and must be woken
};

/// Output side of a port.
struct Output {
    std::int64_t free_at = 0;         ///< first cycle in which the link takes another flit
    std::int64_t flits = 0;           ///< carried so far
    std::int64_t travel_cycles = 0;   ///< from a flit's move until it may act in the next router, or is delivered
    std::int64_t spacing = 1;         ///< least distance of two flits
    std::int32_t next_input = -1;     ///< where flits go; -1: a terminal that always accepts
    std::int32_t terminal = -1;       ///< terminal served, or -1
    std::int32_t channel = -1;        ///< serial line shared with other outputs, or -1
    std::uint8_t pointer = 0;         ///< of the round-robin arbiter
    bool held = false;                ///< a packet holds it
};

struct Router {
    std::uint64_t occupied = 0;       ///< inputs that hold flits
    std::int32_t first_port = 0;
    std::int32_t n_ports = 0;
    Place place{};
};

/// Queue of packets at a terminal, and the flit that leaves next.
struct Source {
    std::int64_t last_cycle = -2;     ///< in which the last flit left (credit) or was accepted (handshake)
    std::int64_t flits = 0;           ///< launched so far, those launched ahead included
    std::int32_t first = -1;          ///< packet at the front, -1 if none
    std::int32_t last = -1;
    std::int32_t flits_left = 0;      ///< of the packet at the front
    std::int32_t input = -1;          ///< port it feeds
};

}  // namespace pycosim::noc
