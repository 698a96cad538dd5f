/// Large pages, and where they begin to pay.
#pragma once

#include <cstddef>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pycosim {

inline constexpr std::size_t kLargePage = std::size_t{1} << 21;

/// Memory of so many bytes and more begins at a large page. A page is given to a process when it is first written. That is
/// three times as cheap for the bytes of a large one, unless a host has to find it first: for a few of them this can take
/// longer than all else.
inline constexpr std::size_t kLargeMemory = std::size_t{1} << 22;

/// Asks for large pages: a wish, without which it is only slower. What is left at the end does not take a whole one.
inline void wish_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t n_bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(memory, n_bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
}

}  // namespace pycosim
