/* What a machine's memory allows: ns per element of a stream of 4-byte numbers, and per addition to scattered places
   of a table of 8-byte numbers that stays in the cache. Used by unit_costs.py. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

int main(void) {
    const size_t n = (size_t)1 << 25, table_size = 12500;
    uint32_t* stream = malloc(n * sizeof *stream);
    double* table = calloc(table_size, sizeof *table);
    uint32_t random = 1;
    for (size_t i = 0; i < n; ++i) {
        random = random * 1664525u + 1013904223u;
        stream[i] = (uint32_t)(((uint64_t)random * table_size) >> 32);
    }
    for (int repeat = 0; repeat < 5; ++repeat) {
        double begin = now();
        uint64_t sum = 0;
        for (size_t i = 0; i < n; ++i) sum += stream[i];
        const double read = now() - begin;
        begin = now();
        for (size_t i = 0; i < n; ++i) table[stream[i]] += 0.5;
        const double add = now() - begin;
        printf("%.4f %.4f %llu %f\n", read / (double)n, add / (double)n, (unsigned long long)sum, table[7]);
    }
    free(stream);
    free(table);
    return 0;
}
