// The log of packets: one row for each spike and axon that it was sent over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

namespace pycosim::timing {

// A column that grows. Old buffers live as long as somebody (a NumPy array) looks at them.
template <class T>
class LogColumn {
  public:
    T* data() { return buffer_.get(); }
    const T* data() const { return buffer_.get(); }
    T& operator[](std::int64_t row) { return buffer_[row]; }
    const T& operator[](std::int64_t row) const { return buffer_[row]; }
    const std::shared_ptr<T[]>& buffer() const { return buffer_; }

    void make_room(std::int64_t n_rows, std::int64_t room) {
        std::shared_ptr<T[]> wider(new T[static_cast<std::size_t>(room)]);
        std::copy_n(buffer_.get(), n_rows, wider.get());
        buffer_ = std::move(wider);
    }

  private:
    std::shared_ptr<T[]> buffer_;
};

struct Log {
    LogColumn<std::int32_t> emission_step, axon, lateness_steps;
    LogColumn<std::int64_t> emission_ps, injection_ps, arrival_ps;  // -1 until known, and so is lateness_steps

    std::int64_t n_rows() const { return n_rows_; }

    // Adds n rows of a step, of axons first_axon, first_axon + 1, ..., and returns the number of the first.
    std::int64_t append(std::int64_t step, std::int64_t first_axon, std::int64_t n) {
        const std::int64_t first = grow(step, n);
        for (std::int64_t i = 0; i < n; ++i) axon[first + i] = static_cast<std::int32_t>(first_axon + i);
        return first;
    }

    std::int64_t append(std::int64_t step, std::span<const std::int64_t> axons) {
        const std::int64_t first = grow(step, static_cast<std::int64_t>(axons.size()));
        std::copy(axons.begin(), axons.end(), axon.data() + first);
        return first;
    }

    // The step in which the oldest packet was sent that has not arrived; -1 if all have.
    std::int64_t oldest_under_way() {
        while (n_arrived_in_order_ < n_rows_ && arrival_ps[n_arrived_in_order_] >= 0) ++n_arrived_in_order_;
        return n_arrived_in_order_ < n_rows_ ? emission_step[n_arrived_in_order_] : -1;
    }

  private:
    std::int64_t grow(std::int64_t step, std::int64_t n) {
        const std::int64_t first = n_rows_, last = n_rows_ + n;
        if (last > room_) {
            room_ = std::max({last, 2 * room_, std::int64_t{1024}});
            for (auto* column : {&emission_step, &axon, &lateness_steps}) column->make_room(first, room_);
            for (auto* column : {&emission_ps, &injection_ps, &arrival_ps}) column->make_room(first, room_);
        }
        std::fill_n(emission_step.data() + first, n, static_cast<std::int32_t>(step));
        std::fill_n(lateness_steps.data() + first, n, -1);
        for (auto* column : {&emission_ps, &injection_ps, &arrival_ps}) std::fill_n(column->data() + first, n, -1);
        n_rows_ = last;
        return first;
    }

    std::int64_t n_rows_ = 0, room_ = 0, n_arrived_in_order_ = 0;
};

}  // namespace pycosim::timing
