/* Products of matrices with vectors of lanes, and the way of these from memory and back.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. A matrix is in blocks of BLOCK rows,
   their columns one after the other. */

#ifndef URNN_BENCH_PRODUCTS_H
#define URNN_BENCH_PRODUCTS_H

#include "lanes.h"

#define BLOCK 8

/* y = W x for `rows` rows, a multiple of BLOCK, and n columns. Eight sums hide the latency of an
   FMA, four cycles with two a cycle; each w is read once for all lanes, each x_k once for eight
   rows. The order of a sum is that of k for any width of vectors. */
static void product(vec *y, const REAL *w, const vec *x, int rows, int n) {
    for (int j = 0; j < rows; j += BLOCK, w += (ptrdiff_t)BLOCK * n) {
        vec s[BLOCK];
        for (int i = 0; i < BLOCK; i++) s[i] = splat(0);
        for (int k = 0; k < n; k++)
            for (int i = 0; i < BLOCK; i++) s[i] += w[k * BLOCK + i] * x[k];
        for (int i = 0; i < BLOCK; i++) y[j + i] = s[i];
    }
}

static inline int padded(int n) { return (n + BLOCK - 1) / BLOCK * BLOCK; }

ALWAYS int tile(int wide, int c) { return wide - c < LANES ? wide - c : LANES; }

/* Rows (count, wide) in memory; lanes without a row read zeros. */
static void load(const REAL *zeros, vec *v, const REAL *from, int wide, int count) {
    const rows r = rows_of(from, wide, count, zeros);
    for (int c = 0; c < wide; c += LANES) {
        vec block[LANES];
        gather(block, &r, c, tile(wide, c));
        memcpy(v + c, block, tile(wide, c) * sizeof(vec));
    }
}

static void store(REAL *waste, const vec *v, REAL *to, int wide, int count) {
    const rows r = rows_of(to, wide, count, waste);
    for (int c = 0; c < wide; c += LANES) {
        vec block[LANES];
        memcpy(block, v + c, tile(wide, c) * sizeof(vec));
        scatter(block, &r, c, tile(wide, c));
    }
}

/* Adds rows to v; the ones `ahead` of them are needed next. A row of the next step is batch * wide
   numbers away, further than a processor fetches by itself. */
static void load_more(const REAL *zeros, vec *v, const REAL *from, int wide, int count,
                      ptrdiff_t ahead) {
    const rows r = rows_of(from, wide, count, zeros);
    const rows next = rows_of(from + ahead, wide, count, zeros);
    for (int c = 0; c < wide; c += LANES) {
        vec block[LANES];
        fetch_to_read(&next, c);
        gather(block, &r, c, tile(wide, c));
        for (int i = 0; i < tile(wide, c); i++) v[c + i] += block[i];
    }
}

#endif
