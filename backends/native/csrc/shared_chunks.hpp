// Chunks of words for the other processes of a machine, in memory that all of them see. A call of MPI takes 20 µs between
// the steps of a busy network, as little of its code and data is left in the caches.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>

#include "aligned.hpp"
#include "thread_pool.hpp"

namespace pycosim::native {

// Every process calls send() and then receive(), as often as the others. Each has an area: the number of its last chunks in
// a cache line, then those with even numbers, then those with odd ones. The others have read chunks when the next but one
// are written, as they have received the next ones after these.
class SharedChunks {
  public:
    // Memory of n_needed() words that are 0 before any process does anything.
    SharedChunks(std::uint32_t* memory, std::size_t n_ranks, std::size_t rank, std::size_t n_words)
        : memory_(memory), n_ranks_(n_ranks), rank_(rank), n_words_(n_words) {}
    static std::size_t n_needed(std::size_t n_ranks, std::size_t n_words) {
        const std::size_t n_chunks = (2 * n_ranks * n_words + kLine - 1) / kLine * kLine;
        return n_ranks * (kLine + n_chunks);
    }

    // Where a chunk for each process goes before they are sent.
    std::span<std::uint32_t> to_send() const { return {chunks_of(rank_, number_ + 1), n_ranks_ * n_words_}; }
    void send() { last_of(rank_).store(++number_, std::memory_order_release); }

    // Whether all others have sent theirs; waits some milliseconds for them at most.
    bool wait() const {
        for (std::size_t rank = 0; rank < n_ranks_; ++rank) {
            if (!wait_for(rank)) return false;
        }
        return true;
    }
    // To be called after that.
    void receive(std::span<std::uint32_t> chunks) const {
        for (std::size_t rank = 0; rank < n_ranks_; ++rank) {
            std::copy_n(chunks_of(rank, number_) + rank_ * n_words_, n_words_, chunks.data() + rank * n_words_);
        }
    }
    std::size_t n_received() const { return n_ranks_ * n_words_; }

  private:
    static constexpr std::size_t kLine = kCacheLine / sizeof(std::uint32_t);
    static constexpr int kSpins = 400, kYields = 20000;

    std::uint32_t* area_of(std::size_t rank) const { return memory_ + rank * (n_needed(n_ranks_, n_words_) / n_ranks_); }
    std::uint32_t* chunks_of(std::size_t rank, std::uint32_t number) const {
        return area_of(rank) + kLine + number % 2 * n_ranks_ * n_words_;
    }
    std::atomic_ref<std::uint32_t> last_of(std::size_t rank) const { return std::atomic_ref(*area_of(rank)); }

    // Spins as long as it is worthwhile, then lets other programs run: there may be more processes than cores.
    bool wait_for(std::size_t rank) const {
        using namespace std::chrono_literals;
        for (int i = 0; i < kSpins + kYields; ++i) {
            // The numbers begin anew after 2^32.
            if (static_cast<std::int32_t>(last_of(rank).load(std::memory_order_acquire) - number_) >= 0) return true;
            i < kSpins ? pause() : std::this_thread::yield();
        }
        std::this_thread::sleep_for(50us);
        return false;
    }

    std::uint32_t* memory_;
    std::size_t n_ranks_, rank_, n_words_;
    std::uint32_t number_ = 0;
};

}  // namespace pycosim::native
