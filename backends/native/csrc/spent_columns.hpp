// Memory of columns that nobody reads again is given back while their rows are copied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "synapses.hpp"

namespace pycosim::native {

// Several threads copy the rows of projections, source by source.
class SpentColumns {
  public:
    SpentColumns(std::span<const ProjectionColumns> projections, unsigned n_threads)
        : projections_(projections), done_(n_threads, 0), given_back_(projections.size(), {0, 0, 0}) {}

    // A thread has copied the rows of all neurons before `source`, and reads nothing of them again.
    void reach(unsigned thread, std::size_t source) {
        const std::lock_guard lock(mutex_);
        done_[thread] = source;
        const std::size_t all_done = *std::ranges::min_element(done_);
        if (all_done == done_by_all_) return;
        done_by_all_ = all_done;
        for (std::size_t i = 0; i < projections_.size(); ++i) {
            if (projections_[i].is_spent) give_back(projections_[i], given_back_[i]);
        }
    }

  private:
    struct Places {
        std::uintptr_t targets, weights, delays;  // where what is left begins
    };
    // Pages go back together, as a large one does.
    static constexpr std::uintptr_t kPiece = std::uintptr_t{1} << 21;

    void give_back(const ProjectionColumns& projection, Places& places) const {
        const auto row = std::ranges::lower_bound(projection.sources, static_cast<std::int64_t>(done_by_all_)) -
                         projection.sources.begin();
        const auto n = static_cast<std::size_t>(projection.indptr[static_cast<std::size_t>(row)]);
        give_back(projection.targets, n, places.targets);
        give_back(projection.weights, n, places.weights);
        give_back(projection.delays, n, places.delays);
    }

    // The first `n` entries.
    template <class T>
    static void give_back([[maybe_unused]] std::span<const T> column, [[maybe_unused]] std::size_t n,
                          [[maybe_unused]] std::uintptr_t& from) {
#if defined(__linux__)
        if (column.size() <= 1) return;
        const auto begin = reinterpret_cast<std::uintptr_t>(column.data());
        if (from == 0) from = (begin + kPiece - 1) / kPiece * kPiece;
        const std::uintptr_t end = (begin + n * sizeof(T)) / kPiece * kPiece;
        if (end <= from) return;
        madvise(reinterpret_cast<void*>(from), end - from, MADV_DONTNEED);
        from = end;
#endif
    }

    std::span<const ProjectionColumns> projections_;
    std::mutex mutex_;
    std::vector<std::size_t> done_;  // of each thread
    std::size_t done_by_all_ = 0;
    std::vector<Places> given_back_;
};

}  // namespace pycosim::native
