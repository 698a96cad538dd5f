// What is recorded of a state variable of a population.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../../../pycosim/csrc/columns.hpp"

namespace pycosim::native {

struct Samples {
    pycosim::LongColumn<double> values;  // (n_rows, n_columns), row by row
    std::size_t n_rows, n_columns;
    std::int64_t first;  // number of the sample in the first row
};

// Samples of some neurons; number i is that of step origin + i * interval.
class Signal {
  public:
    // Begins behind the samples up to `step`, or with `present`, that of the step, if it is not empty.
    Signal(int state, std::int64_t origin_step, std::int64_t interval_steps, std::size_t n_columns, std::int64_t step,
           std::span<const double> present);

    int state() const { return state_; }
    // Makes room for the samples up to `last_step`, which several threads may write then.
    void make_room(std::int64_t last_step);
    // Where the sample of a step belongs for which there is room; null if none is due.
    double* row(std::int64_t step) {
        const std::int64_t since = step - origin_step_;
        if (since % interval_steps_) return nullptr;
        return samples_.data() + static_cast<std::size_t>(since / interval_steps_ - first_) * n_columns_;
    }
    // Returns the samples up to `step`, and goes on with those behind.
    Samples take(std::int64_t step);

  private:
    // Of the first sample behind a step.
    std::int64_t number_behind(std::int64_t step) const { return (step - origin_step_) / interval_steps_ + 1; }

    int state_;
    std::int64_t origin_step_, interval_steps_, first_;
    std::size_t n_columns_;
    pycosim::LongColumn<double> samples_;
};

}  // namespace pycosim::native
