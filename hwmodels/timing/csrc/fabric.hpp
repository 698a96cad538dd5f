// What carries messages between places: the compiled network-on-chip, or an object of Python.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "../../noc/csrc/packet_network.hpp"

namespace pycosim::timing {

using Int = std::int64_t;
using Ints = std::vector<Int>;

struct Messages {
    Ints numbers, times_ps;
};

// As pycosim.hwmodels.timing.fabric.Fabric.
class Fabric {
  public:
    virtual ~Fabric() = default;
    // Hands over messages and writes their numbers. `joins` may be empty; a message with joins[i] != 0 goes along with
    // the one before it, which leaves the same place at the same time, until their ways part.
    virtual void send(std::span<const Int> leave_ps, std::span<const Int> source, std::span<const Int> destination,
                      std::span<const std::uint8_t> joins, Ints& numbers) = 0;
    virtual void run_until(Int time_ps, Messages& arrived) = 0;
    virtual void run_until_idle(Messages& arrived) = 0;
    virtual bool is_idle() const = 0;
    // Whether it needs the interpreter.
    virtual bool is_python() const { return false; }
};

// In picoseconds and places instead of cycles and terminals.
class NocFabric final : public Fabric {
  public:
    NocFabric(noc::PacketNetwork& network, Int cycle_ps, Int local_ps, std::int32_t flits,
              std::span<const std::int32_t> terminal_of_place)
        : network_(network), cycle_ps_(cycle_ps), local_ps_(local_ps), flits_of_packet_(flits),
          terminal_of_place_(terminal_of_place.begin(), terminal_of_place.end()) {}

    void send(std::span<const Int> leave_ps, std::span<const Int> source, std::span<const Int> destination,
              std::span<const std::uint8_t> joins, Ints& numbers) override {
        const std::size_t n = leave_ps.size();
        const Int now = network_.now();
        cycle_.resize(n), source_.resize(n), destination_.resize(n);
        flits_.assign(n, flits_of_packet_);
        for (std::size_t i = 0; i < n; ++i) {
            cycle_[i] = std::max((leave_ps[i] + cycle_ps_ - 1) / cycle_ps_, now);
            source_[i] = terminal_of_place_[static_cast<std::size_t>(source[i])];
            destination_[i] = terminal_of_place_[static_cast<std::size_t>(destination[i])];
        }
        const Int first = network_.inject(cycle_, source_, destination_, flits_, joins);
        numbers.resize(n);
        for (std::size_t i = 0; i < n; ++i) numbers[i] = first + static_cast<Int>(i);
    }

    void run_until(Int time_ps, Messages& arrived) override {
        const Int until = (time_ps + cycle_ps_ - 1) / cycle_ps_;
        while (network_.now() < until && !network_.advance(until, kVisits)) {}
        take(arrived);
    }

    void run_until_idle(Messages& arrived) override {
        while (!network_.drain(kVisits)) {}
        if (network_.n_in_flight() > 0) throw std::runtime_error("packets of the network-on-chip wait for each other for ever");
        take(arrived);
    }

    bool is_idle() const override { return network_.n_in_flight() == 0; }

  private:
    static constexpr Int kVisits = 10'000'000;

    void take(Messages& arrived) {
        network_.take_arrivals(arrived.numbers, arrived.times_ps);
        for (Int& time : arrived.times_ps) time = time * cycle_ps_ + local_ps_;
    }

    noc::PacketNetwork& network_;
    Int cycle_ps_, local_ps_;
    std::int32_t flits_of_packet_;
    std::vector<std::int32_t> terminal_of_place_, source_, destination_, flits_;
    Ints cycle_;
};

}  // namespace pycosim::timing
