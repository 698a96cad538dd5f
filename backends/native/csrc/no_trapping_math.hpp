// To be included before all else: a choice between two computed numbers becomes a vector instruction only if nobody
// watches floating-point exceptions, in all functions that take part, those of headers too.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-trapping-math")
#endif
