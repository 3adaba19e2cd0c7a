/* Products of rows with a matrix in panels of columns. A column is a lane of a vector, so rows of
   a batch, or of a gradient, may be shared among threads in any way: no sum depends on how.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. */

#ifndef URNN_BENCH_PANELS_H
#define URNN_BENCH_PANELS_H

#include "lanes.h"

/* Rows whose sums, PANEL vectors each, are in registers together, beside PANEL vectors of a matrix
   and one number of the other factor. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define ROWS 12
#else
#define ROWS 6
#endif
#define PANEL 2
#define STRIP 128 /* rows of a factor that stay in a cache while all of the other is gone through */

int panel_rows(void) { return ROWS; }
int panel_width(void) { return PANEL * LANES; }
int panel_strip(void) { return STRIP; }

static inline int least(int a, int b) { return a < b ? a : b; }
/* Up to whole panels. */
static inline int rounded(int n) {
    return (n + PANEL * LANES - 1) / (PANEL * LANES) * (PANEL * LANES);
}

/* Rows of numbers and how far it is from one to the next. */
typedef struct { REAL *at; ptrdiff_t row; } table;

/* The factor whose numbers are read one by one: x[r, k] at r * row + k * step. */
typedef struct { const REAL *at; ptrdiff_t row, step; } factor;

/* to[r] = from[r] + sum over k of x[r, k] w[k], w a panel of `depth` rows, `wide` vectors of it. */
ALWAYS void sums(table to, table from, const vec *w, factor x, int depth, int count, int wide) {
    vec s[ROWS][PANEL];
    for (int r = 0; r < count; r++)
        for (int i = 0; i < wide; i++)
            s[r][i] = from.at ? *(const loose *)(from.at + r * from.row + i * LANES) : splat(0);
    for (int k = 0; k < depth; k++, w += PANEL, x.at += x.step)
        for (int r = 0; r < count; r++)
            for (int i = 0; i < wide; i++) s[r][i] += w[i] * x.at[r * x.row];
    for (int r = 0; r < count; r++)
        for (int i = 0; i < wide; i++) *(loose *)(to.at + r * to.row + i * LANES) = s[r][i];
}

/* Loops of a known length, so that the sums are in registers. */
static void panel(table to, table from, const vec *w, factor x, int depth, int count, int wide) {
#define CASE(COUNT)                                                           \
    case COUNT:                                                               \
        if (wide == PANEL) sums(to, from, w, x, depth, COUNT, PANEL);         \
        else sums(to, from, w, x, depth, COUNT, 1);                           \
        break;
    switch (count) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if ROWS > 6
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
    }
}

/* to = from + x W for a matrix of `columns` columns in panels; from may be null, for zeros, or have
   one row for all. */
static void product(table to, table from, const vec *w, factor x, int columns, int depth,
                    int count) {
    const int vectors = (columns + LANES - 1) / LANES;
    for (int i = 0; i < vectors; i += PANEL, w += (ptrdiff_t)depth * PANEL) {
        const table t = {to.at + i * LANES, to.row};
        const table f = {from.at ? from.at + i * LANES : 0, from.row};
        panel(t, f, w, x, depth, count, least(PANEL, vectors - i));
    }
}

/* `count` numbers, LANES or fewer. */
ALWAYS vec some(const REAL *from, int count) {
    if (count == LANES) return *(const loose *)from;
    vec v = splat(0);
    memcpy(&v, from, count * sizeof(REAL));
    return v;
}

ALWAYS void put(REAL *to, vec v, int count) {
    if (count == LANES) *(loose *)to = v;
    else memcpy(to, &v, count * sizeof(REAL));
}

/* Where the vector begins that holds unit k. The last one of a row begins so much earlier that it
   is full too: some units are computed twice, to the same numbers, so a loop by it must not read
   what it writes. */
ALWAYS int begin(int k, int n) { return k + LANES <= n || n < LANES ? k : n - LANES; }

/* Where group g begins of rows first to last, in as few groups as can be, of nearly equal size. */
static inline int groups_of(int rows) { return (rows + ROWS - 1) / ROWS; }
static inline int edge(int first, int last, int g) {
    return first + (int)((ptrdiff_t)(last - first) * g / groups_of(last - first));
}

/* `count` numbers; a call of memcpy takes longer than so few of them. */
ALWAYS void copy_row(REAL *to, const REAL *from, int count) {
    if (count < LANES)
        for (int i = 0; i < count; i++) to[i] = from[i];
    else
        for (int i = 0; i < count; i += LANES)
            put(to + begin(i, count), some(from + begin(i, count), LANES), LANES);
}

static void copy(REAL *to, table from, int columns, int count) {
    for (int r = 0; r < count; r++)
        copy_row(to + (ptrdiff_t)r * columns, from.at + r * from.row, columns);
}

/* Rows (depth, columns), `stride` apart, in panels of so many columns, each row by row. Rows are
   read from end to end: numbers that a processor does not see coming are the slow part. */
ALWAYS void pack(REAL *to, const REAL *from, ptrdiff_t stride, int columns, int depth, int width) {
    const int whole = columns / width * width;
    for (int i = 0; i < depth; i++, from += stride) {
        for (int k = 0; k < whole; k += width)
            memcpy(to + k * depth + i * width, from + k, width * sizeof(REAL));
        copy_row(to + whole * depth + i * width, from + whole, columns - whole);
    }
}

/* Rows first to last of a gradient: dw, whose rows are rounded up, becomes the sum of it and of
   d' y over `depth` places; d has `width` columns, y is in panels. */
static void add_outer(int width, int columns, int depth, int first, int last, const REAL *d,
                      const REAL *y, REAL *dw, REAL *by_row) {
    const int wide = rounded(columns);
    pack(by_row, d + first, width, last - first, depth, ROWS);
    for (int row = first; row < last; row += ROWS) {
        const table sum = {dw + (ptrdiff_t)row * wide, wide};
        const factor x = {by_row + (row - first) * depth, 1, ROWS};
        product(sum, sum, (const vec *)y, x, columns, depth, least(ROWS, last - row));
    }
}

/* The same over all places, y in rows. */
void panel_outer(int width, int columns, ptrdiff_t places, int first, int last, const REAL *d,
                 const REAL *y, REAL *dw, REAL *scratch) {
    for (ptrdiff_t m = 0; m < places; m += STRIP) {
        const int depth = m + STRIP < places ? STRIP : (int)(places - m);
        pack(scratch, y + m * columns, columns, columns, depth, PANEL * LANES);
        add_outer(width, columns, depth, first, last, d + m * width, scratch, dw,
                  scratch + STRIP * rounded(columns));
    }
}

#endif
