// Threads that live as long as the engine, and the barrier at which they meet.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "aligned.hpp"
#include "flush_denormals.hpp"

namespace pycosim::native {

// Between two looks at what another thread or process writes.
inline void pause() {
#ifdef PYCOSIM_HAS_MXCSR
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

// Waits actively for a few microseconds, which is enough between the steps of a busy network, then for some more in which
// other threads and programs run if there are any, and then blocks, so that a machine is not kept busy with waiting.
class Barrier {
  public:
    explicit Barrier(unsigned n_threads) : n_threads_(n_threads) {}

    void arrive_and_wait() {
        const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_threads_) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(phase + 1, std::memory_order_release);
            phase_.notify_all();
            return;
        }
        for (int i = 0; i < kSpins + kYields; ++i) {
            if (phase_.load(std::memory_order_acquire) != phase) return;
            i < kSpins ? pause() : std::this_thread::yield();
        }
        phase_.wait(phase, std::memory_order_acquire);
    }

    // Arrives for `n` threads that there are not.
    void arrive_for(unsigned n) {
        if (arrived_.fetch_add(n, std::memory_order_acq_rel) + n < n_threads_) return;
        phase_.fetch_add(1, std::memory_order_release);
        phase_.notify_all();
    }

  private:
    static constexpr int kSpins = 400, kYields = 1000;

    const unsigned n_threads_;
    alignas(kCacheLine) std::atomic<unsigned> arrived_{0};
    alignas(kCacheLine) std::atomic<std::uint32_t> phase_{0};
};

class ThreadPool {
  public:
    explicit ThreadPool(unsigned n_threads) : barrier_(n_threads), errors_(n_threads) {
        threads_.reserve(n_threads - 1);
        try {
            while (size() < n_threads) threads_.emplace_back([this, i = size()] { work(i); });
        } catch (const std::system_error& error) {
            barrier_.arrive_for(n_threads - static_cast<unsigned>(threads_.size()));
            for (std::thread& thread : threads_) thread.join();
            throw std::runtime_error("the system gives " + std::to_string(size()) + " of " +
                                     std::to_string(n_threads) + " threads (" + error.what() + ")");
        }
    }

    ~ThreadPool() {
        if (threads_.empty()) return;
        job_ = nullptr;
        barrier_.arrive_and_wait();
        for (std::thread& thread : threads_) thread.join();
    }

    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    unsigned size() const { return static_cast<unsigned>(threads_.size()) + 1; }

    // Calls job(i) for i = 0 to size() - 1, each in its own thread (0 in the caller's), and waits for all. The job
    // may call `meet` if it does so equally often in all threads and does not throw. An exception of a thread is
    // thrown again here.
    void run(const std::function<void(unsigned)>& job) {
        if (threads_.empty()) {
            const FlushDenormals flush;
            job(0);
            return;
        }
        job_ = &job;
        barrier_.arrive_and_wait();
        perform(job, 0);
        barrier_.arrive_and_wait();
        for (std::exception_ptr& error : errors_) {
            if (error) std::rethrow_exception(std::exchange(error, nullptr));
        }
    }

    void meet() {
        if (!threads_.empty()) barrier_.arrive_and_wait();
    }

  private:
    void perform(const std::function<void(unsigned)>& job, unsigned i) {
        const FlushDenormals flush;
        try {
            job(i);
        } catch (...) {
            errors_[i] = std::current_exception();
        }
    }

    void work(unsigned i) {
        while (true) {
            barrier_.arrive_and_wait();
            if (!job_) return;
            perform(*job_, i);
            barrier_.arrive_and_wait();
        }
    }

    Barrier barrier_;
    std::vector<std::exception_ptr> errors_;
    const std::function<void(unsigned)>* job_ = nullptr;
    std::vector<std::thread> threads_;
};

}  // namespace pycosim::native
