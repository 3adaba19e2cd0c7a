/* Vectors of LANES batch rows, and the way between them and rows in memory.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. The widest vectors that the flags
   allow are used: 64 bytes with AVX-512, 32 with AVX, else 16. */

#ifndef URNN_BENCH_LANES_H
#define URNN_BENCH_LANES_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define LANES (BYTES / REAL_BYTES)
#define ALWAYS static inline __attribute__((always_inline))

typedef REAL vec __attribute__((vector_size(BYTES)));
typedef REAL loose __attribute__((vector_size(BYTES), aligned(sizeof(REAL))));
typedef __typeof__((vec){0} > (vec){0}) mask;

static inline vec pick(mask m, vec a, vec b) { return (vec)((m & (mask)a) | (~m & (mask)b)); }
static inline vec splat(REAL x) { return x - (vec){0}; }

/* Transposition of LANES x LANES numbers: one exchange of neighbours for each bit of an index. */
#define PICK(...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define EXCHANGE(STEP, A, B)                                                    \
    _Pragma("GCC unroll 16") for (int i = 0; i < LANES; i++) if (!(i & STEP)) { \
        const vec a = v[i], b = v[i + STEP];                                    \
        v[i] = A;                                                               \
        v[i + STEP] = B;                                                        \
    }

ALWAYS void transpose(vec *v) {
#if LANES == 16
    EXCHANGE(1, PICK(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
             PICK(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
    EXCHANGE(2, PICK(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
             PICK(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
    EXCHANGE(4, PICK(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
             PICK(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
    EXCHANGE(8, PICK(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
             PICK(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#elif LANES == 8
    EXCHANGE(1, PICK(0, 8, 2, 10, 4, 12, 6, 14),
             PICK(1, 9, 3, 11, 5, 13, 7, 15))
    EXCHANGE(2, PICK(0, 1, 8, 9, 4, 5, 12, 13),
             PICK(2, 3, 10, 11, 6, 7, 14, 15))
    EXCHANGE(4, PICK(0, 1, 2, 3, 8, 9, 10, 11),
             PICK(4, 5, 6, 7, 12, 13, 14, 15))
#elif LANES == 4
    EXCHANGE(1, PICK(0, 4, 2, 6),
             PICK(1, 5, 3, 7))
    EXCHANGE(2, PICK(0, 1, 4, 5),
             PICK(2, 3, 6, 7))
#elif LANES == 2
    EXCHANGE(1, PICK(0, 2),
             PICK(1, 3))
#endif
}

/* `count` numbers of each of `rows` rows, as one vector for each number; missing rows are zero.
   What stands `ahead` of them, to be gathered at the next step, is fetched meanwhile. */
ALWAYS void gather(vec *v, const REAL *from, ptrdiff_t stride, int rows, int count,
                   ptrdiff_t ahead) {
    if (count == LANES) {
        for (int r = 0; r < LANES; r++) {
            const REAL *row = from + r * stride;
            v[r] = r < rows ? *(const loose *)row : (vec){0};
            if (r < rows) __builtin_prefetch(row + ahead);
        }
        transpose(v);
    } else {
        for (int c = 0; c < count; c++)
            for (int r = 0; r < LANES; r++) v[c][r] = r < rows ? from[r * stride + c] : 0;
    }
}

ALWAYS void scatter(vec *v, REAL *to, ptrdiff_t stride, int rows, int count) {
    if (count == LANES) {
        transpose(v);
        for (int r = 0; r < rows; r++) *(loose *)(to + r * stride) = v[r];
    } else {
        for (int c = 0; c < count; c++)
            for (int r = 0; r < rows; r++) to[r * stride + c] = v[c][r];
    }
}

#endif
