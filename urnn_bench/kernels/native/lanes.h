/* Vectors of LANES batch rows, and the way between them and rows in memory.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. The widest vectors that the flags
   allow are used: 64 bytes with AVX-512, 32 with AVX, else 16; or those of -DBYTES. */

#ifndef URNN_BENCH_LANES_H
#define URNN_BENCH_LANES_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifdef BYTES
#elif defined(__AVX512F__)
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

/* By bits and not by ?:, which only newer compilers have for vectors of C; it becomes a blend. A
   comparison with NaN is false: callers choose the side that NaN falls on by how they ask. */
static inline vec pick(mask m, vec a, vec b) { return (vec)((m & (mask)a) | (~m & (mask)b)); }
/* Minus zero, not plus: -0 + 0 is +0. */
static inline vec splat(REAL x) { return x - (vec){0}; }

int lanes(void) { return LANES; }

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

/* 1 / sqrt(x), exact to rounding's size, for x > 0. At 0 Newton's step would be NaN (infinity times
   0), so callers replace small x first. */
static inline vec inverse_root(vec x) {
#if defined(__AVX512VL__) && REAL_BYTES == 4 && BYTES == 64
    /* 14 bits, which one step of Newton's method, y (3 - x y^2) / 2, doubles to float's 24. For
       double a root and a quotient are taken, both correctly rounded. */
    const vec y = (vec)_mm512_rsqrt14_ps((__m512)x);
#elif defined(__AVX512VL__) && REAL_BYTES == 4 && BYTES == 32
    const vec y = (vec)_mm256_rsqrt14_ps((__m256)x);
#elif defined(__AVX512VL__) && REAL_BYTES == 4
    const vec y = (vec)_mm_rsqrt14_ps((__m128)x);
#else
    vec y;
    for (int l = 0; l < LANES; l++)
        y[l] = 1 / (REAL_BYTES == 4 ? (REAL)sqrtf(x[l]) : (REAL)sqrt(x[l]));
    return y;
#endif
#if defined(__AVX512VL__) && REAL_BYTES == 4
    return y * ((REAL)1.5 - ((REAL)0.5 * x * y) * y);
#endif
}

/* Where rows of numbers stand, one for each lane. Lanes without a row of their own share one that
   holds zeros, or one that takes what is written. */
typedef struct { REAL *at[LANES]; } rows;

ALWAYS rows rows_of(const REAL *first, ptrdiff_t stride, int count, const REAL *none) {
    rows r;
    for (int l = 0; l < LANES; l++) r.at[l] = (REAL *)(l < count ? first + l * stride : none);
    return r;
}

/* `count` numbers of each row from place c on, one vector for each number. */
ALWAYS void gather(vec *v, const rows *r, ptrdiff_t c, int count) {
    if (count == LANES) {
        for (int l = 0; l < LANES; l++) v[l] = *(const loose *)(r->at[l] + c);
        transpose(v);
    } else
        for (int i = 0; i < count; i++)
            for (int l = 0; l < LANES; l++) v[i][l] = r->at[l][c + i];
}

ALWAYS void scatter(vec *v, const rows *r, ptrdiff_t c, int count) {
    if (count == LANES) {
        transpose(v);
        for (int l = 0; l < LANES; l++) *(loose *)(r->at[l] + c) = v[l];
    } else
        for (int i = 0; i < count; i++)
            for (int l = 0; l < LANES; l++) r->at[l][c + i] = v[i][l];
}

/* As scatter, but added to what stands there; rows may be the same. */
ALWAYS void scatter_add(vec *v, const rows *r, ptrdiff_t c, int count) {
    if (count == LANES) {
        transpose(v);
        for (int l = 0; l < LANES; l++) *(loose *)(r->at[l] + c) += v[l];
    } else
        for (int i = 0; i < count; i++)
            for (int l = 0; l < LANES; l++) r->at[l][c + i] += v[i][l];
}

/* Has what a gather will read brought near, or what a scatter will write; not into the smallest
   cache, which holds what is being worked on. */
ALWAYS void fetch_to_read(const rows *r, ptrdiff_t c) {
    for (int l = 0; l < LANES; l++) __builtin_prefetch(r->at[l] + c, 0, 2);
}
ALWAYS void fetch_to_write(const rows *r, ptrdiff_t c) {
    for (int l = 0; l < LANES; l++) __builtin_prefetch(r->at[l] + c, 1, 2);
}

#endif
