/// Normal numbers of a stream: the same on every machine, as only operations that are rounded exactly are used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "philox.hpp"

namespace pycosim {

/// Two standard normal numbers from each of `n` blocks of four random words: words[k][i] is word k of block i.
void box_muller(const std::array<std::uint32_t*, 4>& words, std::size_t n, double* first, double* second);

/// Writes the standard normal numbers `first`, `first` + 1, ... of a stream.
void fill_normal(Key key, std::uint64_t first, std::span<double> numbers);

}  // namespace pycosim
