/* The LSTM over a whole sequence, for some rows of a batch, forward and backward:

   i = sigmoid(a_i), f = sigmoid(a_f), g = tanh(a_g), o = sigmoid(a_o), c' = f c + i g,
   h' = o tanh(c'),

   with a = V [x, 1] + W h, V's last column a bias (Hochreiter and Schmidhuber 1997; Gers,
   Schmidhuber and Cummins 2000).

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, N units, F
   features. */

#include "functions.h"
#include "panels.h"

/* What is kept of a step and row: i, f, g, o, c' and tanh(c'). */
#define KEPT 6

/* As sigmoid(a) is 1/2 + tanh(a / 2) / 2, every gate is offset + scale tanh(scale a): one loop goes
   through all 4N of them, and no vector has idle lanes between two gates.

   W (4N x N) and V (4N x F+1), scaled, forward as the panels of their transposes; backward W and V
   (4N x F), without its bias, not scaled. */
typedef struct {
    const vec *w, *v, *w_back, *v_back;
    const REAL *scale, *offset;
    int n, features;
} weights;

static void gates_of_row(const weights *w, const REAL *a, REAL *gates) {
    const int all = 4 * w->n, count = least(all, LANES);
    for (int i = 0; i < all; i += LANES) {
        const int k = begin(i, all);
        const vec scale = some(w->scale + k, count), offset = some(w->offset + k, count);
        put(gates + k, offset + scale * tanh_(some(a + k, count)), count);
    }
}

/* One row; kept has the gates already. */
static void step_row(int n, const REAL *c, REAL *c_next, REAL *h_next, REAL *kept) {
    const int count = least(n, LANES);
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec in = some(kept + k, count), f = some(kept + n + k, count);
        const vec g = some(kept + 2 * n + k, count), o = some(kept + 3 * n + k, count);
        const vec next = f * some(c + k, count) + in * g, t = tanh_(next);
        put(c_next + k, next, count);
        put(h_next + k, o * t, count);
        put(kept + 4 * n + k, next, count);
        put(kept + 5 * n + k, t, count);
    }
}

static void forward_rows(const weights *w, int steps, int batch, int row, int count, const REAL *x,
                         const REAL *h0, const REAL *c0, REAL *hs, REAL *last_c, REAL *kept,
                         REAL *scratch) {
    const int n = w->n, width = w->features + 1, slab = KEPT * n;
    const table a = {scratch, rounded(4 * n)}, none = {0, 0};
    REAL *c = scratch + ROWS * a.row, *next_c = c + ROWS * n, *not_kept = next_c + ROWS * n;
    const REAL *h = h0 + (ptrdiff_t)row * n;
    memcpy(c, c0 + (ptrdiff_t)row * n, count * n * sizeof(REAL));
    for (int t = 0; t < steps; t++) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        REAL *next = hs + at * n;
        product(a, none, w->v, (factor){x + at * width, width, 1}, 4 * n, width, count);
        product(a, a, w->w, (factor){h, n, 1}, 4 * n, n, count);
        for (int r = 0; r < count; r++) {
            REAL *own = kept ? kept + (at + r) * slab : not_kept;
            gates_of_row(w, a.at + r * a.row, own);
            step_row(n, c + r * n, next_c + r * n, next + r * n, own);
        }
        REAL *before = c;
        c = next_c, next_c = before, h = next;
    }
    memcpy(last_c + (ptrdiff_t)row * n, c, count * n * sizeof(REAL));
}

/* kept may be null. */
void lstm_forward(const weights *w, int steps, int batch, int first, int last, const REAL *x,
                  const REAL *h0, const REAL *c0, REAL *hs, REAL *last_c, REAL *kept,
                  REAL *scratch) {
    for (int g = 0; g < groups_of(last - first); g++) {
        const int row = edge(first, last, g), count = edge(first, last, g + 1) - row;
        forward_rows(w, steps, batch, row, count, x, h0, c0, hs, last_c, kept, scratch);
    }
}

/* One row: from the cotangent of h', in two parts, and of c' to those of a, in d, and of c. */
static void back_row(int n, const REAL *kept, const REAL *c, const REAL *dh, const REAL *dhs,
                     const REAL *dc_next, REAL *d, REAL *dc) {
    const int count = least(n, LANES);
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec in = some(kept + k, count), f = some(kept + n + k, count);
        const vec g = some(kept + 2 * n + k, count), o = some(kept + 3 * n + k, count);
        const vec t = some(kept + 5 * n + k, count);
        const vec by_h = some(dh + k, count) + some(dhs + k, count);
        const vec by_c = some(dc_next + k, count) + by_h * o * ((REAL)1 - t * t);
        put(d + k, by_c * g * in * ((REAL)1 - in), count);
        put(d + n + k, by_c * some(c + k, count) * f * ((REAL)1 - f), count);
        put(d + 2 * n + k, by_c * in * ((REAL)1 - g * g), count);
        put(d + 3 * n + k, by_h * t * o * ((REAL)1 - o), count);
        put(dc + k, by_c * f, count);
    }
}

/* Where the cells stand that step t begins with. */
static table cells_before(int n, int t, int batch, int row, const REAL *kept, const REAL *c0) {
    if (t == 0) return (table){(REAL *)c0 + (ptrdiff_t)row * n, n};
    const ptrdiff_t at = (ptrdiff_t)(t - 1) * batch + row;
    return (table){(REAL *)kept + at * KEPT * n + 4 * n, KEPT * n};
}

static void backward_rows(const weights *w, int begin_t, int end_t, int batch, int row, int count,
                          const REAL *kept, const REAL *c0, const REAL *dhs, REAL *d, REAL *dh,
                          REAL *dc, REAL *dx, REAL *scratch) {
    const int n = w->n, features = w->features, wide = 4 * n;
    const table by_h = {scratch, rounded(n)}, none = {0, 0};
    const table by_x = {scratch + ROWS * by_h.row, rounded(features)};
    REAL *by_c = by_x.at + ROWS * by_x.row, *by_past = by_c + ROWS * n;
    for (int r = 0; r < count; r++)
        memcpy(by_h.at + r * by_h.row, dh + (ptrdiff_t)(row + r) * n, n * sizeof(REAL));
    memcpy(by_c, dc + (ptrdiff_t)row * n, count * n * sizeof(REAL));
    for (int t = end_t - 1; t >= begin_t; t--) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        REAL *own = d + ((ptrdiff_t)(t - begin_t) * batch + row) * wide;
        const table c = cells_before(n, t, batch, row, kept, c0);
        for (int r = 0; r < count; r++)
            back_row(n, kept + (at + r) * KEPT * n, c.at + r * c.row, by_h.at + r * by_h.row,
                     dhs + (at + r) * n, by_c + r * n, own + r * wide, by_past + r * n);
        product(by_h, none, w->w_back, (factor){own, wide, 1}, n, wide, count);
        if (dx) {
            product(by_x, none, w->v_back, (factor){own, wide, 1}, features, wide, count);
            copy(dx + at * features, by_x, features, count);
        }
        REAL *after = by_c;
        by_c = by_past, by_past = after;
    }
    copy(dh + (ptrdiff_t)row * n, by_h, n, count);
    memcpy(dc + (ptrdiff_t)row * n, by_c, count * n * sizeof(REAL));
}

/* The steps from begin_t to end_t, whose d is of these steps alone; dh and dc are replaced by those
   of the state that they begin with. dx, of all steps, may be null. */
void lstm_backward(const weights *w, int begin_t, int end_t, int batch, int first, int last,
                   const REAL *kept, const REAL *c0, const REAL *dhs, REAL *d, REAL *dh, REAL *dc,
                   REAL *dx, REAL *scratch) {
    for (int g = 0; g < groups_of(last - first); g++) {
        const int row = edge(first, last, g), count = edge(first, last, g + 1) - row;
        backward_rows(w, begin_t, end_t, batch, row, count, kept, c0, dhs, d, dh, dc, dx, scratch);
    }
}
