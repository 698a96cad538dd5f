// Currents of normal numbers, drawn step by step in vectors of currents: those of pycosim.network.currents.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "../../../pycosim/csrc/philox.hpp"
#include "aligned.hpp"

namespace pycosim::native {

// In the steps after `start` until `stop` a noisy current has `mean` and, from normal numbers, `stdev`, in nA; each
// number is kept for `hold` steps. A constant current is one without deviation, which is drawn once.
struct Noise {
    double mean, stdev;
    std::int64_t start, stop, hold;
    Key key;

    // Which steps it changes in.
    std::tuple<std::int64_t, std::int64_t, std::int64_t> times() const { return {start, stop, hold}; }
    // That of a step from 1 on; kNone if no current flows.
    std::int64_t number(std::int64_t step) const {
        const std::int64_t since = step - 1;
        return since >= start && since < stop ? (since - start) / hold : kNone;
    }
    static constexpr std::int64_t kNone = -1;
};

// Currents that all change in the same steps.
class NoisyCurrents {
  public:
    explicit NoisyCurrents(std::span<const Noise> noises);

    std::size_t size() const { return mean_.size(); }
    // Writes what all of them give in a step, unless that is what they gave in the step that was asked for before;
    // returns whether it was written.
    bool take(std::int64_t step, double* values);

  private:
    void draw(std::int64_t first_pair);

    Noise first_;
    std::vector<double> mean_, stdev_;
    std::int64_t present_ = std::numeric_limits<std::int64_t>::min();  // number that was taken last
    std::int64_t first_pair_ = 0, n_pairs_;  // those that are there
    bool any_pairs_ = false;
    // Of each pair of numbers, current by current.
    std::vector<Key> keys_;
    std::vector<std::uint32_t> rows_;
    std::vector<std::uint64_t> indices_;
    std::array<Column, 2> numbers_;
};

}  // namespace pycosim::native
