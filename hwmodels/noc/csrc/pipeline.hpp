/// Cycles that routers and links take, by the kind of router.
#pragma once

#include <cstdint>

namespace pycosim::noc {

enum class RouterKind { credit3, credit4, credit5, handshake };

/// Cycles between a move and its effects, for a link of some traversal time.
///
/// With credits, a flit spends one cycle in the crossbar and the link's traversal time on the link before it may
/// act in the cycle after, and a credit travels back as long as the flit travelled. The handshake needs one cycle
/// on the link and none for the terminal.
struct Delays {
    std::int64_t travel, credit, inject, inject_credit, deliver, deliver_credit;
};

inline Delays delays(RouterKind kind, std::int64_t link) {
    if (kind == RouterKind::handshake) return {2, 1, 1, 0, 0, 0};
    return {2 + link, 1 + link, 1 + link, 1 + link, 2 + link, 3 + 2 * link};
}

/// What does not depend on a link.
struct Pipeline {
    explicit Pipeline(RouterKind of)
        : kind(of),
          head_cycles(of == RouterKind::credit5 ? 1 : 0),
          win_cycles(of == RouterKind::credit4 || of == RouterKind::credit5 ? 1 : 0),
          launch_gap(of == RouterKind::handshake ? 2 : 1),
          accept_cycles(of == RouterKind::handshake ? 1 : 0) {}

    std::int64_t spacing(std::int64_t flit_cycles) const { return kind == RouterKind::handshake ? 2 : flit_cycles; }

    RouterKind kind;
    std::int64_t head_cycles;    ///< wait of a new front head before it may bid
    std::int64_t win_cycles;     ///< from a winning bid until the head moves
    std::int64_t launch_gap;     ///< between two flits of a source
    std::int64_t accept_cycles;  ///< from a launch until the FIFO takes the flit (handshake only)
};

}  // namespace pycosim::noc
