/* The GRU over a whole sequence, for some rows of a batch, forward and backward:

   r = sigmoid(a_r + b_r), z = sigmoid(a_z + b_z), n = tanh(a_n + r b_n), h' = n + z (h - n),

   with a = V [x, 1], whose last column is a bias, and b = W h + bias (Cho et al. 2014,
   arXiv:1406.1078, in the form of cuDNN). A unit is a lane of a vector. So rows of the batch, or
   of a gradient, may be shared among threads in any way: no sum depends on how.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, N units, F
   features. */

#include "functions.h"
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

int gru_rows(void) { return ROWS; }
int gru_panel(void) { return PANEL * LANES; }
int gru_strip(void) { return STRIP; }

static inline int least(int a, int b) { return a < b ? a : b; }
/* Up to whole panels. */
static inline int rounded(int n) {
    return (n + PANEL * LANES - 1) / (PANEL * LANES) * (PANEL * LANES);
}

/* W (3N x N) and V (3N x F+1) forward, as the panels of their transposes, for gates r, z, n; and
   backward W for n, r, z and V (3N x F), without its bias, for r, z, n; bias is rounded up. */
typedef struct {
    const vec *w, *v, *w_back, *v_back;
    const REAL *bias;
    int n, features;
} weights;

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

/* One row: b is W h + bias of all gates; kept, r, z, n and b_n, may be null. */
static void step_row(int n, const REAL *a, const REAL *b, const REAL *h, REAL *h_next,
                     REAL *kept) {
    const int count = least(n, LANES);
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec r = sigmoid_(some(a + k, count) + some(b + k, count));
        const vec z = sigmoid_(some(a + n + k, count) + some(b + n + k, count));
        const vec b_n = some(b + 2 * n + k, count);
        const vec g = tanh_(some(a + 2 * n + k, count) + r * b_n);
        put(h_next + k, g + z * (some(h + k, count) - g), count);
        if (kept) {
            put(kept + k, r, count);
            put(kept + n + k, z, count);
            put(kept + 2 * n + k, g, count);
            put(kept + 3 * n + k, b_n, count);
        }
    }
}

static void forward_rows(const weights *w, int steps, int batch, int row, int count, const REAL *x,
                         const REAL *h0, REAL *hs, REAL *kept, REAL *scratch) {
    const int n = w->n, width = w->features + 1;
    const table a = {scratch, rounded(3 * n)}, b = {scratch + ROWS * rounded(3 * n), a.row};
    const table none = {0, 0}, bias = {(REAL *)w->bias, 0};
    const REAL *h = h0 + (ptrdiff_t)row * n;
    for (int t = 0; t < steps; t++) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        REAL *next = hs + at * n;
        product(a, none, w->v, (factor){x + at * width, width, 1}, 3 * n, width, count);
        product(b, bias, w->w, (factor){h, n, 1}, 3 * n, n, count);
        for (int r = 0; r < count; r++)
            step_row(n, a.at + r * a.row, b.at + r * b.row, h + r * n, next + r * n,
                     kept ? kept + (at + r) * 4 * n : 0);
        h = next;
    }
}

/* Where group g begins of rows first to last, in as few groups as can be, of nearly equal size. */
static inline int groups_of(int rows) { return (rows + ROWS - 1) / ROWS; }
static inline int edge(int first, int last, int g) {
    return first + (int)((ptrdiff_t)(last - first) * g / groups_of(last - first));
}

/* kept may be null. */
void gru_forward(const weights *w, int steps, int batch, int first, int last, const REAL *x,
                 const REAL *h0, REAL *hs, REAL *kept, REAL *scratch) {
    for (int g = 0; g < groups_of(last - first); g++) {
        const int row = edge(first, last, g), count = edge(first, last, g + 1) - row;
        forward_rows(w, steps, batch, row, count, x, h0, hs, kept, scratch);
    }
}

/* One row: from the cotangent of h', in two parts, to d, those of b_n, b_r and a_r, b_z and a_z,
   a_n; and to the part of h's that does not go through W. */
static void back_row(int n, const REAL *kept, const REAL *h, const REAL *dh, const REAL *dhs,
                     REAL *d, REAL *past) {
    const int count = least(n, LANES);
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec r = some(kept + k, count), z = some(kept + n + k, count);
        const vec g = some(kept + 2 * n + k, count), b_n = some(kept + 3 * n + k, count);
        const vec by = some(dh + k, count) + some(dhs + k, count);
        const vec d_n = by * ((REAL)1 - z) * ((REAL)1 - g * g);
        put(d + k, d_n * r, count);
        put(d + n + k, d_n * b_n * r * ((REAL)1 - r), count);
        put(d + 2 * n + k, by * (some(h + k, count) - g) * z * ((REAL)1 - z), count);
        put(d + 3 * n + k, d_n, count);
        put(past + k, by * z, count);
    }
}

static void copy(REAL *to, table from, int columns, int count) {
    for (int r = 0; r < count; r++)
        memcpy(to + (ptrdiff_t)r * columns, from.at + r * from.row, columns * sizeof(REAL));
}

static void backward_rows(const weights *w, int steps, int batch, int row, int count,
                          const REAL *kept, const REAL *h0, const REAL *hs, const REAL *dhs,
                          REAL *d, REAL *dh0, REAL *dx, REAL *scratch) {
    const int n = w->n, features = w->features;
    const table dh = {scratch, rounded(n)}, past = {scratch + ROWS * rounded(n), rounded(n)};
    const table by_x = {scratch + 2 * ROWS * rounded(n), rounded(features)}, none = {0, 0};
    memset(scratch, 0, 2 * ROWS * rounded(n) * sizeof(REAL));
    for (int t = steps - 1; t >= 0; t--) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        const REAL *h = t ? hs + (at - batch) * n : h0 + (ptrdiff_t)row * n;
        const factor by_gates = {d + at * 4 * n, 4 * n, 1}, by_drive = {by_gates.at + n, 4 * n, 1};
        for (int r = 0; r < count; r++)
            back_row(n, kept + (at + r) * 4 * n, h + r * n, dh.at + r * dh.row, dhs + (at + r) * n,
                     d + (at + r) * 4 * n, past.at + r * past.row);
        product(dh, past, w->w_back, by_gates, n, 3 * n, count);
        if (dx) {
            product(by_x, none, w->v_back, by_drive, features, 3 * n, count);
            copy(dx + at * features, by_x, features, count);
        }
    }
    copy(dh0 + (ptrdiff_t)row * n, dh, n, count);
}

/* dx may be null. */
void gru_backward(const weights *w, int steps, int batch, int first, int last, const REAL *kept,
                  const REAL *h0, const REAL *hs, const REAL *dhs, REAL *d, REAL *dh0, REAL *dx,
                  REAL *scratch) {
    for (int g = 0; g < groups_of(last - first); g++) {
        const int row = edge(first, last, g), count = edge(first, last, g + 1) - row;
        backward_rows(w, steps, batch, row, count, kept, h0, hs, dhs, d, dh0, dx, scratch);
    }
}

/* Rows (depth, columns), `stride` apart, in panels of so many columns, each row by row. Rows are
   read from end to end: numbers that a processor does not see coming are the slow part. */
ALWAYS void pack(REAL *to, const REAL *from, ptrdiff_t stride, int columns, int depth, int width) {
    const int whole = columns / width * width;
    for (int i = 0; i < depth; i++, from += stride) {
        for (int k = 0; k < whole; k += width)
            memcpy(to + k * depth + i * width, from + k, width * sizeof(REAL));
        if (whole < columns)
            memcpy(to + whole * depth + i * width, from + whole, (columns - whole) * sizeof(REAL));
    }
}

/* Rows first to last of a gradient: dw, whose rows are rounded up, becomes the sum of it and of
   d' y over all places; d has 4N columns. */
void gru_outer(int n, int columns, ptrdiff_t places, int first, int last, const REAL *d,
               const REAL *y, REAL *dw, REAL *scratch) {
    const int wide = rounded(columns);
    REAL *by_row = scratch + STRIP * wide;
    for (ptrdiff_t m = 0; m < places; m += STRIP) {
        const int depth = m + STRIP < places ? STRIP : (int)(places - m);
        pack(scratch, y + m * columns, columns, columns, depth, PANEL * LANES);
        pack(by_row, d + m * 4 * n + first, 4 * n, last - first, depth, ROWS);
        for (int row = first; row < last; row += ROWS) {
            const table sum = {dw + (ptrdiff_t)row * wide, wide};
            const factor x = {by_row + (row - first) * depth, 1, ROWS};
            product(sum, sum, (const vec *)scratch, x, columns, depth, least(ROWS, last - row));
        }
    }
}
