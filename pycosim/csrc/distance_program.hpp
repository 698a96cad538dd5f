/// Functions of the distance that a script gives as text, as operations on columns of numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pycosim {

/// NumPy's functions of these names.
enum class Operation : std::int32_t {
    add, subtract, multiply, divide, power, maximum, minimum, hypot, arctan2, fmod,
    less, less_equal, greater, greater_equal, equal, not_equal, logical_and, logical_or, logical_not, where,
    negative, absolute, sqrt, floor, ceil, rint, trunc,
    exp, exp2, expm1, log, log2, log10, log1p, cbrt,
    sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh, arcsinh, arccosh, arctanh,
    kNumber
};

/// One of them, of values that are there already.
struct ProgramStep {
    Operation operation;
    std::array<std::int32_t, 3> arguments;  ///< as many as the operation has, the others are 0
};

/// Steps as numbers: an operation and three arguments each.
std::vector<ProgramStep> steps_of_program(std::span<const std::int32_t> numbers);

/// The values are the distance, constants, and results of the steps, in this order. The last one is that of the function.
/// Each value depends on its distance only: not on the others, nor on their number.
class DistanceProgram {
public:
    /// Throws std::invalid_argument if a step needs what is not there.
    DistanceProgram(std::span<const double> constants, std::vector<ProgramStep> steps);

    /// Writes the function's values at some distances. The same program must not be used by two threads at a time.
    void evaluate(std::span<const double> distances, double* out);

private:
    static constexpr std::size_t kBlock = 256;  // values that are worked on together: all columns stay in the cache

    double* column(std::int32_t value) { return columns_.data() + static_cast<std::size_t>(value) * kBlock; }
    void run(const ProgramStep& step, double* out, std::size_t n);

    std::vector<ProgramStep> steps_;
    std::int32_t first_result_;
    std::vector<double> columns_;
};

}  // namespace pycosim
