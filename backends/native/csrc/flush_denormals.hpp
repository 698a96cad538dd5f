// Numbers below 1e-308 count as 0 while this object lives: currents that have died away would otherwise slow every
// step down. Only on x86, and for the calling thread.
#pragma once

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#define PYCOSIM_HAS_MXCSR
#endif

namespace pycosim::native {

class FlushDenormals {
  public:
#ifdef PYCOSIM_HAS_MXCSR
    FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
    ~FlushDenormals() { _mm_setcsr(before_); }
#else
    FlushDenormals() = default;
#endif
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

#ifdef PYCOSIM_HAS_MXCSR
  private:
    unsigned before_;
#endif
};

}  // namespace pycosim::native
