#include "signal.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pycosim::native {

Signal::Signal(int state, std::int64_t origin_step, std::int64_t interval_steps, std::size_t n_columns,
               std::int64_t step, std::span<const double> present)
    : state_(state), origin_step_(origin_step), interval_steps_(interval_steps), n_columns_(n_columns) {
    if (interval_steps < 1 || origin_step > step) throw std::invalid_argument("a signal begins at the present step at the latest");
    first_ = number_behind(step);
    if (present.empty()) return;
    if (present.size() != n_columns || (step - origin_step) % interval_steps) {
        throw std::invalid_argument("the present sample must be due, and have a value for each neuron");
    }
    --first_;
    samples_.assign(present.begin(), present.end());
}

void Signal::make_room(std::int64_t last_step) {
    const auto n = static_cast<std::size_t>(number_behind(last_step) - first_) * n_columns_;
    if (n > samples_.capacity()) samples_.reserve(std::max(n, 2 * samples_.size()));
    if (n > samples_.size()) samples_.resize(n);
}

Samples Signal::take(std::int64_t step) {
    const auto n_rows = static_cast<std::size_t>(number_behind(step) - first_);
    Samples taken{std::exchange(samples_, {}), n_rows, n_columns_, first_};
    taken.values.resize(n_rows * n_columns_);
    first_ += static_cast<std::int64_t>(n_rows);
    return taken;
}

}  // namespace pycosim::native
