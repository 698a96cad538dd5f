#include "distance_program.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "clones.hpp"
#include "exponential.hpp"

namespace pycosim {
namespace {

/// Arguments, result and number of values of a step.
struct Columns {
    const double *a, *b, *c;
    double* out;
    std::size_t n;
};

// The columns do not overlap: results are those of a step alone.
template <class Function>
[[gnu::always_inline]] inline void unary(const Columns& at, Function&& function) {
    const double* const __restrict a = at.a;
    double* const __restrict out = at.out;
    for (std::size_t i = 0, n = at.n; i < n; ++i) out[i] = function(a[i]);
}

template <class Function>
[[gnu::always_inline]] inline void binary(const Columns& at, Function&& function) {
    const double *const __restrict a = at.a, *const __restrict b = at.b;
    double* const __restrict out = at.out;
    for (std::size_t i = 0, n = at.n; i < n; ++i) out[i] = function(a[i], b[i]);
}

template <class Function>
[[gnu::always_inline]] inline void ternary(const Columns& at, Function&& function) {
    const double *const __restrict a = at.a, *const __restrict b = at.b, *const __restrict c = at.c;
    double* const __restrict out = at.out;
    for (std::size_t i = 0, n = at.n; i < n; ++i) out[i] = function(a[i], b[i], c[i]);
}

double truth(bool is_true) { return is_true ? 1.0 : 0.0; }

/// Operations that IEEE 754 defines to the last bit, and the exponential function, in vectors; returns whether it is one.
PYCOSIM_SIMD_CLONES
bool run_in_vectors(Operation operation, const Columns& at) {
    switch (operation) {
        case Operation::add: binary(at, [](double a, double b) { return a + b; }); return true;
        case Operation::subtract: binary(at, [](double a, double b) { return a - b; }); return true;
        case Operation::multiply: binary(at, [](double a, double b) { return a * b; }); return true;
        case Operation::divide: binary(at, [](double a, double b) { return a / b; }); return true;
        // what is not a number stays so, as in NumPy
        case Operation::maximum: binary(at, [](double a, double b) { return (a >= b) | (a != a) ? a : b; }); return true;
        case Operation::minimum: binary(at, [](double a, double b) { return (a <= b) | (a != a) ? a : b; }); return true;
        case Operation::less: binary(at, [](double a, double b) { return a < b ? 1.0 : 0.0; }); return true;
        case Operation::less_equal: binary(at, [](double a, double b) { return a <= b ? 1.0 : 0.0; }); return true;
        case Operation::greater: binary(at, [](double a, double b) { return a > b ? 1.0 : 0.0; }); return true;
        case Operation::greater_equal: binary(at, [](double a, double b) { return a >= b ? 1.0 : 0.0; }); return true;
        case Operation::equal: binary(at, [](double a, double b) { return a == b ? 1.0 : 0.0; }); return true;
        case Operation::not_equal: binary(at, [](double a, double b) { return a != b ? 1.0 : 0.0; }); return true;
        case Operation::where:
            ternary(at, [](double a, double b, double c) { return a != 0.0 ? b : c; });
            return true;
        case Operation::negative: unary(at, [](double a) { return -a; }); return true;
        case Operation::absolute: unary(at, [](double a) { return __builtin_fabs(a); }); return true;
        case Operation::sqrt: unary(at, [](double a) { return __builtin_sqrt(a); }); return true;
        case Operation::exp: unary(at, [](double a) { return Exponential::of(a); }); return true;
        default: return false;
    }
}

/// Where the exponential function in vectors has come to its ends.
void mend_exponentials(const Columns& at) {
    for (std::size_t i = 0; i < at.n; ++i)
        if (!(at.a[i] >= Exponential::kLeast && at.a[i] <= Exponential::kLargest)) at.out[i] = std::exp(at.a[i]);
}

/// The others, from the library of C++.
void run_one_by_one(Operation operation, const Columns& at) {
    using One = double (*)(double);
    using Two = double (*)(double, double);
    const auto one = [&](One function) { unary(at, function); };
    const auto two = [&](Two function) { binary(at, function); };
    switch (operation) {
        case Operation::power: return two(std::pow);
        case Operation::hypot: return two(std::hypot);
        case Operation::arctan2: return two(std::atan2);
        case Operation::fmod: return two(std::fmod);
        case Operation::logical_and: return two([](double a, double b) { return truth(a != 0.0 && b != 0.0); });
        case Operation::logical_or: return two([](double a, double b) { return truth(a != 0.0 || b != 0.0); });
        case Operation::logical_not: return one([](double a) { return truth(a == 0.0); });
        case Operation::floor: return one(std::floor);
        case Operation::ceil: return one(std::ceil);
        case Operation::rint: return one(std::rint);
        case Operation::trunc: return one(std::trunc);
        case Operation::exp2: return one(std::exp2);
        case Operation::expm1: return one(std::expm1);
        case Operation::log: return one(std::log);
        case Operation::log2: return one(std::log2);
        case Operation::log10: return one(std::log10);
        case Operation::log1p: return one(std::log1p);
        case Operation::cbrt: return one(std::cbrt);
        case Operation::sin: return one(std::sin);
        case Operation::cos: return one(std::cos);
        case Operation::tan: return one(std::tan);
        case Operation::arcsin: return one(std::asin);
        case Operation::arccos: return one(std::acos);
        case Operation::arctan: return one(std::atan);
        case Operation::sinh: return one(std::sinh);
        case Operation::cosh: return one(std::cosh);
        case Operation::tanh: return one(std::tanh);
        case Operation::arcsinh: return one(std::asinh);
        case Operation::arccosh: return one(std::acosh);
        case Operation::arctanh: return one(std::atanh);
        default: throw std::logic_error("an operation in vectors");
    }
}

}  // namespace

std::vector<ProgramStep> steps_of_program(std::span<const std::int32_t> numbers) {
    constexpr std::size_t kNumbers = 4;
    if (numbers.size() % kNumbers != 0) throw std::invalid_argument("a step is four numbers");
    std::vector<ProgramStep> steps;
    for (; !numbers.empty(); numbers = numbers.subspan(kNumbers))
        steps.push_back({static_cast<Operation>(numbers[0]), {numbers[1], numbers[2], numbers[3]}});
    return steps;
}

DistanceProgram::DistanceProgram(std::span<const double> constants, std::vector<ProgramStep> steps)
    : steps_(std::move(steps)),
      first_result_(static_cast<std::int32_t>(constants.size()) + 1),
      columns_((constants.size() + 1 + steps_.size()) * kBlock) {
    for (std::size_t i = 0; i < constants.size(); ++i)
        std::fill_n(column(static_cast<std::int32_t>(i) + 1), kBlock, constants[i]);
    for (std::int32_t n_there = first_result_; const ProgramStep& step : steps_) {
        const bool is_known = step.operation >= Operation::add && step.operation < Operation::kNumber;
        const auto is_there = [&](std::int32_t value) { return value >= 0 && value < n_there; };
        if (!is_known || !std::ranges::all_of(step.arguments, is_there))
            throw std::invalid_argument("a step of a function of the distance needs what is not there");
        ++n_there;
    }
}

void DistanceProgram::run(const ProgramStep& step, double* out, std::size_t n) {
    const auto [a, b, c] = step.arguments;
    const Columns at{column(a), column(b), column(c), out, n};
    if (!run_in_vectors(step.operation, at)) return run_one_by_one(step.operation, at);
    if (step.operation == Operation::exp) mend_exponentials(at);
}

void DistanceProgram::evaluate(std::span<const double> distances, double* out) {
    for (std::size_t first = 0; first < distances.size(); first += kBlock) {
        const std::size_t n = std::min(kBlock, distances.size() - first);
        std::copy_n(distances.data() + first, n, column(0));
        std::int32_t result = first_result_;
        for (const ProgramStep& step : steps_) run(step, column(result++), n);
        std::copy_n(column(result - 1), n, out + first);
    }
}

}  // namespace pycosim
