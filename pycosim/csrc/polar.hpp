/// The two steps of the polar method, many points at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pycosim::polar {

/// Places in columns behind those that are asked for, which may be written.
inline constexpr std::size_t kBehind = 8;

/// Of `n` points of the square, two numbers in [0, 1) each, those within the unit circle and their distances squared;
/// returns how many. There are kBehind more places.
std::size_t within_circle(const double* numbers, std::size_t n, double* x, double* y, double* square);

/// The same with two words for each number, as RandomState makes numbers of them.
std::size_t within_circle(const std::uint32_t* words, std::size_t n, double* x, double* y, double* square);

/// Points within the circle to pairs of normal numbers with mean `mu` and deviation `sigma`.
void to_normals(const double* x, const double* y, const double* square, std::size_t n, double mu, double sigma,
                double* out);

/// The C library's logarithms of `n` numbers above 0, up to 1.
void logarithms(const double* numbers, std::size_t n, double* out);

}  // namespace pycosim::polar
