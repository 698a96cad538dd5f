/// The network-on-chip as the rest of a chip sees it. Compiled modules cannot share code, but they can share this
/// table of functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pycosim::noc {

/// Carries packets between terminals.
class PacketNetwork {
public:
    /// Adds packets; all spans have the same length, `joins` may be empty. Packet k with joins[k] != 0 goes along
    /// with the one before it (of the same cycle, source and length) until their ways part. Returns the first id.
    virtual std::int64_t inject(std::span<const std::int64_t> cycle, std::span<const std::int32_t> source,
                                std::span<const std::int32_t> destination, std::span<const std::int32_t> flits,
                                std::span<const std::uint8_t> joins) = 0;

    /// Simulates the cycles before `until`, with at most about `max_visits` visits of routers.
    /// Returns false if it stopped early; calling again goes on.
    virtual bool advance(std::int64_t until, std::int64_t max_visits) = 0;

    /// Simulates until nothing is in flight, with at most about `max_visits` visits of routers; see advance().
    virtual bool drain(std::int64_t max_visits) = 0;

    /// Writes ids and arrival cycles of the packets that arrived before now() since the last call, by (cycle, id).
    virtual void take_arrivals(std::vector<std::int64_t>& ids, std::vector<std::int64_t>& cycles) = 0;
    virtual std::int64_t now() const = 0;
    virtual std::int64_t n_in_flight() const = 0;

protected:
    ~PacketNetwork() = default;
};

}  // namespace pycosim::noc
