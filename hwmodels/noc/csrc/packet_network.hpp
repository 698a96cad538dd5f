/// The network-on-chip as the rest of a chip sees it. Compiled modules cannot share code, but they can share this
/// table of functions.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace pycosim::noc {

/// Carries packets between terminals; see the methods of the same names in network.hpp.
class PacketNetwork {
public:
    virtual std::int64_t inject(std::span<const std::int64_t> cycle, std::span<const std::int32_t> source,
                                std::span<const std::int32_t> destination, std::span<const std::int32_t> flits) = 0;
    virtual bool advance(std::int64_t until, std::int64_t max_visits) = 0;
    virtual bool drain(std::int64_t max_visits) = 0;
    virtual std::vector<std::pair<std::int64_t, std::int64_t>> take_arrivals() = 0;
    virtual std::int64_t now() const = 0;
    virtual std::int64_t n_in_flight() const = 0;

protected:
    ~PacketNetwork() = default;
};

}  // namespace pycosim::noc
