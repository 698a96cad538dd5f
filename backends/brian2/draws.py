"""The random numbers of stochastic synapses and cells, for Brian2's code: the same as on every other target.

Number `draw` of spike `spike` at synapse `synapse`, and that of a step of a neuron, are pure functions of
these and of a key of 64 bits: those of Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
as 1, 2, 3", SC11).
This module needs Brian2 and NumPy only; `pycosim brian2 export` copies its text.
"""

import brian2
import numpy as np

_PHILOX = """
#include <stdint.h>
typedef uint32_t word;
static inline double philox_uniform(word event, word more, word row, word draw, word k0, word k1) {
    uint32_t c0 = event, c1 = more, c2 = row, c3 = draw / 2;
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53 * c0, b = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    const uint64_t high = draw % 2 ? c2 : c0, low = draw % 2 ? c3 : c1;
    return (double)((high << 32 | low) >> 11) * 1.1102230246251565e-16;
}
static inline double draws_below(double p, double n, double first, int spike, int synapse, int k0, int k1) {
    int below = 0;
    for (int i = 0; i < (int)n; i++) below += philox_uniform(spike, 0, synapse, (int)first + i, k0, k1) < p;
    return below;
}
static inline double escape_noise(double neuron, double step, double k0, double k1) {
    const uint64_t n = (uint64_t)step;
    return philox_uniform((word)n, (word)(n >> 32), (word)neuron, 0, (word)k0, (word)k1);
}
"""
_CYTHON = f'''
cdef extern from *:
    """{_PHILOX.replace(chr(10), chr(10) + "    ")}"""
    double draws_below(double p, double n, double first, int spike, int synapse, int k0, int k1)
    double escape_noise(double neuron, double step, double k0, double k1)
'''
_M0, _M1, _W0, _W1 = (np.uint64(word) for word in (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85))
_LOW, _HALF = np.uint64(0xFFFF_FFFF), np.uint64(32)


def _uniform(event, more, row, draw, key_0, key_1):
    """Return numbers in [0, 1) for arrays of counters; see `_PHILOX`."""
    words = [
        np.asarray(word).astype(np.int64).astype(np.uint64) & _LOW
        for word in (event, more, row, key_0, key_1)
    ]
    c0, c1, c2, k0, k1 = words
    c3 = np.asarray(draw).astype(np.uint64) // np.uint64(2)
    for _ in range(10):
        a, b = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (b >> _HALF) ^ c1 ^ k0, b & _LOW, (a >> _HALF) ^ c3 ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    odd = np.asarray(draw) % 2 == 1
    bits = np.where(odd, c2, c0) << _HALF | np.where(odd, c3, c1)
    return (bits >> np.uint64(11)).astype(float) * 2.0**-53


def draws_below(p, n, first, spike, synapse, key_0, key_1):
    """Return how many of the `n` draws from number `first` on are below `p`."""
    below = np.zeros(np.broadcast(p, n, first, spike, synapse).shape)
    for i in range(int(np.max(n, initial=0))):
        below += (i < n) & (_uniform(spike, 0, synapse, first + i, key_0, key_1) < p)
    return below


def escape_noise(neuron, step, key_0, key_1):
    """Return a number in [0, 1) for each neuron."""
    step = np.asarray(step).astype(np.int64)
    return _uniform(step, step >> 32, neuron, 0, key_0, key_1)


draws_below = brian2.Function(draws_below, arg_units=[1] * 7, return_unit=1)
escape_noise = brian2.Function(escape_noise, arg_units=[1] * 4, return_unit=1)
for function in (draws_below, escape_noise):
    function.implementations.add_implementation("cpp", _PHILOX)
    function.implementations.add_implementation("cython", _CYTHON)
