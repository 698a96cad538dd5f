// The log of packets: one row for each spike and axon that it was sent over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <utility>

#include "../../../pycosim/csrc/growing_memory.hpp"

namespace pycosim::timing {

inline constexpr std::int64_t kInFlight = -1;  // time of arrival of a packet that is under way

using Buffer = pycosim::GrowingMemory;

// A column that grows. Its buffer is moved only if nobody else (a NumPy array) looks at it, and copied otherwise.
template <class T>
class LogColumn {
  public:
    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](std::int64_t row) { return data_[row]; }
    const T& operator[](std::int64_t row) const { return data_[row]; }
    const std::shared_ptr<Buffer>& buffer() const { return buffer_; }

    void make_room(std::int64_t n_rows, std::int64_t room) {
        const std::size_t n_bytes = static_cast<std::size_t>(room) * sizeof(T);
        if (buffer_.use_count() > 1) {
            const auto kept = std::exchange(buffer_, std::make_shared<Buffer>());
            buffer_->grow(n_bytes);
            std::memcpy(buffer_->bytes(), kept->bytes(), static_cast<std::size_t>(n_rows) * sizeof(T));
        } else {
            buffer_->grow(n_bytes);
        }
        data_ = static_cast<T*>(buffer_->bytes());
    }

  private:
    std::shared_ptr<Buffer> buffer_ = std::make_shared<Buffer>();
    T* data_ = nullptr;
};

struct Log {
    LogColumn<std::int32_t> emission_step, axon, lateness_steps;
    LogColumn<std::int64_t> emission_ps, injection_ps, arrival_ps;  // -1 until known, and so is lateness_steps; arrival -2: dropped

    std::int64_t n_rows() const { return n_rows_; }

    // Adds n rows of a step, whose axons are to be written, and returns the number of the first.
    std::int64_t append(std::int64_t step, std::int64_t n) { return grow(step, n); }

    // Gives n rows from `row` on the axons first_axon, first_axon + 1, ...
    void set_axons(std::int64_t row, std::int64_t first_axon, std::int64_t n) {
        std::iota(axon.data() + row, axon.data() + row + n, static_cast<std::int32_t>(first_axon));
    }

    std::int64_t append(std::int64_t step, std::span<const std::int64_t> axons) {
        const std::int64_t first = grow(step, static_cast<std::int64_t>(axons.size()));
        std::copy(axons.begin(), axons.end(), axon.data() + first);
        return first;
    }

    // The step in which the oldest packet was sent that is under way; -1 if none is.
    std::int64_t oldest_under_way() {
        while (n_arrived_in_order_ < n_rows_ && arrival_ps[n_arrived_in_order_] != kInFlight) ++n_arrived_in_order_;
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
