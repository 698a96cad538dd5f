// Numbers below 1e-308 count as 0 while this object lives: currents that have died away would otherwise slow every
// step down. For the calling thread, on x86 and 64-bit ARM, which so give the same numbers.
#pragma once

#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace pycosim::native {

class FlushDenormals {
  public:
    FlushDenormals() : before_(control()) { set_control(before_ | kFlush); }
    ~FlushDenormals() { set_control(before_); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

  private:
#if defined(__SSE2__) || defined(_M_X64)
    using Control = unsigned;
    static constexpr Control kFlush = 0x8040;  // FTZ and DAZ of MXCSR: results and operands
    static Control control() { return _mm_getcsr(); }
    static void set_control(Control value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
    using Control = std::uint64_t;
    static constexpr Control kFlush = std::uint64_t{1} << 24;  // FZ of FPCR: both
    static Control control() {
        Control value;
        asm volatile("mrs %0, fpcr" : "=r"(value) : : "memory");
        return value;
    }
    static void set_control(Control value) { asm volatile("msr fpcr, %0" : : "r"(value) : "memory"); }
#else
    using Control = unsigned;
    static constexpr Control kFlush = 0;
    static Control control() { return 0; }
    static void set_control(Control) {}
#endif

    Control before_;
};

}  // namespace pycosim::native
