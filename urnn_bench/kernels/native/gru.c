/* The GRU over a whole sequence, for some rows of a batch, forward and backward:

   r = sigmoid(a_r + b_r), z = sigmoid(a_z + b_z), n = tanh(a_n + r b_n), h' = n + z (h - n),

   with a = V [x, 1], whose last column is a bias, and b = W h + bias (Cho et al. 2014,
   arXiv:1406.1078, in the form of cuDNN). A unit is a lane of a vector. So rows of the batch, or
   of a gradient, may be shared among threads in any way: no sum depends on how.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, N units, F
   features. */

#include "functions.h"
#include "panels.h"

/* W (3N x N) and V (3N x F+1) forward, as the panels of their transposes, for gates r, z, n; and
   backward W for n, r, z and V (3N x F), without its bias, for r, z, n; bias is rounded up. */
typedef struct {
    const vec *w, *v, *w_back, *v_back;
    const REAL *bias;
    int n, features;
} weights;

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
