/// Memory that grows without being copied, on large pages where the system has them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "large_pages.hpp"

namespace pycosim {

/// Little is enlarged by the C library; much begins at a large page, and keeps its pages when it grows.
class GrowingMemory {
public:
    GrowingMemory() = default;
    GrowingMemory(const GrowingMemory&) = delete;
    GrowingMemory& operator=(const GrowingMemory&) = delete;
    GrowingMemory(GrowingMemory&& other) noexcept { swap(other); }
    GrowingMemory& operator=(GrowingMemory&& other) noexcept {
        swap(other);
        return *this;
    }
    ~GrowingMemory() { release(); }

    void* bytes() { return bytes_; }
    const void* bytes() const { return bytes_; }

    /// Makes room for `n_bytes`, at least as many as before; new ones have no value.
    void grow(std::size_t n_bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (n_bytes >= kLargeMemory) return map(n_bytes);
#endif
        void* const moved = std::realloc(bytes_, n_bytes);
        if (!moved) throw std::bad_alloc();
        bytes_ = moved;
        n_bytes_ = n_bytes;
    }

private:
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    void map(std::size_t n_bytes) {
        const std::size_t whole = (n_bytes + kLargePage - 1) / kLargePage * kLargePage;
        void* const place = reserve(whole);
        if (is_mapped_) {
            if (mremap(bytes_, n_bytes_, whole, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) fail(place, whole);
        } else {
            if (mprotect(place, whole, PROT_READ | PROT_WRITE) != 0) fail(place, whole);
            if (n_bytes_ > 0) std::memcpy(place, bytes_, n_bytes_);
            std::free(bytes_);
        }
        wish_large_pages(place, whole);  // all of it: mremap() moves no two areas at once
        bytes_ = place, n_bytes_ = whole, is_mapped_ = true;
    }

    /// Addresses from the beginning of a large page on.
    static void* reserve(std::size_t n_bytes) {
        const std::size_t most = n_bytes + kLargePage;
        void* const area = mmap(nullptr, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED) throw std::bad_alloc();
        char* const begin = static_cast<char*>(area);
        const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(area) % kLargePage) % kLargePage;
        if (before > 0) munmap(begin, before);
        if (before < kLargePage) munmap(begin + before + n_bytes, kLargePage - before);
        return begin + before;
    }

    [[noreturn]] static void fail(void* place, std::size_t n_bytes) {
        munmap(place, n_bytes);
        throw std::bad_alloc();
    }
#endif

    void swap(GrowingMemory& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(n_bytes_, other.n_bytes_);
        std::swap(is_mapped_, other.is_mapped_);
    }

    void release() {
#if defined(__linux__)
        if (is_mapped_) {
            munmap(bytes_, n_bytes_);
            return;
        }
#endif
        std::free(bytes_);
    }

    void* bytes_ = nullptr;
    std::size_t n_bytes_ = 0;
    bool is_mapped_ = false;
};

/// A column of plain values to which others are added. Room that has not been written to takes no memory.
template <class T>
class GrowingColumn {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    GrowingColumn() = default;
    GrowingColumn(GrowingColumn&& other) noexcept
        : memory_(std::move(other.memory_)), size_(std::exchange(other.size_, 0)), capacity_(std::exchange(other.capacity_, 0)) {}
    GrowingColumn& operator=(GrowingColumn&& other) noexcept {
        memory_ = std::move(other.memory_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }

    void reserve(std::size_t n) {
        if (n <= capacity_) return;
        memory_.grow(n * sizeof(T));
        capacity_ = n;
    }
    T& push_back(const T& value) { return *::new (extend(1)) T(value); }
    /// Adds `n` values, which have none yet, and returns where they begin; there is room for `n_behind` that do not count.
    T* extend(std::size_t n, std::size_t n_behind = 0) {
        const std::size_t begin = size_, end = size_ + n + n_behind;
        if (end > capacity_) reserve(std::max({std::size_t{64}, 2 * capacity_, end}));
        size_ += n;
        return data() + begin;
    }
    void append(std::span<const T> values) { std::copy(values.begin(), values.end(), extend(values.size())); }
    std::size_t size() const { return size_; }
    T* data() { return static_cast<T*>(memory_.bytes()); }
    const T* data() const { return static_cast<const T*>(memory_.bytes()); }
    T& operator[](std::size_t i) { return data()[i]; }
    const T& operator[](std::size_t i) const { return data()[i]; }

private:
    GrowingMemory memory_;
    std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace pycosim
