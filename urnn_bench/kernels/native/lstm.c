/* The LSTM over a whole sequence, for some rows of a batch, forward and backward:

   i = sigmoid(a_i), f = sigmoid(a_f), g = tanh(a_g), o = sigmoid(a_o), c' = f c + i g,
   h' = o tanh(c'),

   with a = V [x, 1] + W h, V's last column a bias (Hochreiter and Schmidhuber 1997; Gers,
   Schmidhuber and Cummins 2000).

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, N units, F
   features. */

#include "functions.h"
#include "panels.h"

/* What is kept of a step and row beside h' and c': i, f, g, o and tanh(c'). */
#define KEPT 5

/* As sigmoid(a) is 1/2 + tanh(a / 2) / 2, every gate is offset + scale tanh(scale a): one loop goes
   through all 4N of them, and no vector has idle lanes between two gates.

   W (4N x N) and V (4N x F+1), scaled, forward as the panels of their transposes; backward W and V
   (4N x F), without its bias, not scaled. */
typedef struct {
    const vec *w, *v, *w_back, *v_back;
    const REAL *scale, *offset;
    int n, features;
} weights;

ALWAYS void gates_of(const weights *w, const REAL *a, REAL *gates, int count) {
    for (int i = 0; i < 4 * w->n; i += LANES) {
        const int k = begin(i, 4 * w->n);
        const vec scale = some(w->scale + k, count), offset = some(w->offset + k, count);
        put(gates + k, offset + scale * tanh_(some(a + k, count)), count);
    }
}

/* One row; kept has the gates already. */
ALWAYS void step_of(int n, const REAL *c, REAL *c_next, REAL *h_next, REAL *kept, int count) {
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec in = some(kept + k, count), f = some(kept + n + k, count);
        const vec g = some(kept + 2 * n + k, count), o = some(kept + 3 * n + k, count);
        const vec next = f * some(c + k, count) + in * g, t = tanh_(next);
        put(c_next + k, next, count);
        put(h_next + k, o * t, count);
        put(kept + 4 * n + k, t, count);
    }
}

/* A vector of LANES numbers, a length that is known, is never in memory in between. */
static void step_row(const weights *w, const REAL *a, const REAL *c, REAL *c_next, REAL *h_next,
                     REAL *kept) {
    const int n = w->n;
    if (4 * n < LANES) gates_of(w, a, kept, 4 * n);
    else gates_of(w, a, kept, LANES);
    if (n < LANES) step_of(n, c, c_next, h_next, kept, n);
    else step_of(n, c, c_next, h_next, kept, LANES);
}

/* A batch in parts: threads share these out, and each has a gradient of the matrices of its own, so
   that no sum depends on the threads. */
static inline int part(int batch, int parts, int p) {
    return (int)((ptrdiff_t)batch * p / parts);
}

/* All rows at one step before any at the next: memory is gone through from end to end. */
static void forward_part(const weights *w, int steps, int batch, int slots, int first, int last,
                         const REAL *x, const REAL *h0, REAL *cs, REAL *hs, REAL *kept,
                         REAL *scratch) {
    const int n = w->n, width = w->features + 1;
    const ptrdiff_t all = (ptrdiff_t)batch * n;
    const table a = {scratch, rounded(4 * n)}, none = {0, 0};
    REAL *not_kept = scratch + ROWS * a.row;
    for (int t = 0; t < steps; t++) {
        const REAL *h = t ? hs + (t - 1) * all : h0, *c = cs + t % slots * all;
        REAL *c_next = cs + (t + 1) % slots * all;
        for (int g = 0; g < groups_of(last - first); g++) {
            const int row = edge(first, last, g), count = edge(first, last, g + 1) - row;
            const ptrdiff_t at = (ptrdiff_t)t * batch + row, from = (ptrdiff_t)row * n;
            product(a, none, w->v, (factor){x + at * width, width, 1}, 4 * n, width, count);
            product(a, a, w->w, (factor){h + from, n, 1}, 4 * n, n, count);
            for (int r = 0; r < count; r++)
                step_row(w, a.at + r * a.row, c + from + r * n, c_next + from + r * n,
                         hs + (at + r) * n, kept ? kept + (at + r) * KEPT * n : not_kept);
        }
    }
}

/* cs (slots x B x N) begins with the first c; with T + 1 slots it holds all of them, with 2 those of
   even and of odd steps. kept may be null. */
void lstm_forward(const weights *w, int steps, int batch, int parts, int slots, int first, int last,
                  const REAL *x, const REAL *h0, REAL *cs, REAL *hs, REAL *kept, REAL *scratch) {
    for (int p = first; p < last; p++)
        forward_part(w, steps, batch, slots, part(batch, parts, p), part(batch, parts, p + 1), x, h0,
                     cs, hs, kept, scratch);
}

/* One row: from the cotangent of h', in two parts, and of c' to those of a, in d, and of c. */
ALWAYS void back_of(int n, const REAL *kept, const REAL *c, const REAL *dh, const REAL *dhs,
                    const REAL *dc_next, REAL *d, REAL *dc, int count) {
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec in = some(kept + k, count), f = some(kept + n + k, count);
        const vec g = some(kept + 2 * n + k, count), o = some(kept + 3 * n + k, count);
        const vec t = some(kept + 4 * n + k, count);
        const vec by_h = some(dh + k, count) + some(dhs + k, count);
        const vec by_c = some(dc_next + k, count) + by_h * o * ((REAL)1 - t * t);
        put(d + k, by_c * g * in * ((REAL)1 - in), count);
        put(d + n + k, by_c * some(c + k, count) * f * ((REAL)1 - f), count);
        put(d + 2 * n + k, by_c * in * ((REAL)1 - g * g), count);
        put(d + 3 * n + k, by_h * t * o * ((REAL)1 - o), count);
        put(dc + k, by_c * f, count);
    }
}

static void back_row(int n, const REAL *kept, const REAL *c, const REAL *dh, const REAL *dhs,
                     const REAL *dc_next, REAL *d, REAL *dc) {
    if (n < LANES) back_of(n, kept, c, dh, dhs, dc_next, d, dc, n);
    else back_of(n, kept, c, dh, dhs, dc_next, d, dc, LANES);
}

/* What a backward pass reads: what was kept, all c (T+1 x B x N), [x, 1], h and the first one, and
   the cotangents of h. */
typedef struct { const REAL *kept, *cs, *x, *hs, *h0, *dhs; } past;

/* What it writes: dh (B x N, rows rounded up) and dc (2 x B x N, of even steps and of odd ones, by
   the step that c goes into) begin with those of the last state; dx may be null. */
typedef struct { REAL *dh, *dc, *dx; } gradients;

/* One step of rows first to last: d becomes the gradient of a. */
static void back_step(const weights *w, int t, int batch, int first, int last, const past *in,
                      const gradients *out, REAL *d, REAL *scratch) {
    const int n = w->n, features = w->features, wide = 4 * n;
    const ptrdiff_t all = (ptrdiff_t)batch * n;
    const table by_x = {scratch, rounded(features)}, none = {0, 0};
    for (int g = 0; g < groups_of(last - first); g++) {
        const int row = edge(first, last, g), count = edge(first, last, g + 1) - row;
        const ptrdiff_t at = (ptrdiff_t)t * batch + row, from = (ptrdiff_t)row * n;
        const table by_h = {out->dh + (ptrdiff_t)row * rounded(n), rounded(n)};
        const factor by_gates = {d + (ptrdiff_t)(row - first) * wide, wide, 1};
        for (int r = 0; r < count; r++)
            back_row(n, in->kept + (at + r) * KEPT * n, in->cs + (at + r) * n,
                     by_h.at + r * by_h.row, in->dhs + (at + r) * n,
                     out->dc + (t + 1) % 2 * all + from + r * n, (REAL *)by_gates.at + r * wide,
                     out->dc + t % 2 * all + from + r * n);
        product(by_h, none, w->w_back, by_gates, n, wide, count);
        if (out->dx) {
            product(by_x, none, w->v_back, by_gates, features, wide, count);
            copy(out->dx + at * features, by_x, features, count);
        }
    }
}

/* Rows [h, x, 1] that step t begins with. */
static void inputs_of(int n, int width, int t, int batch, int first, int last, const past *in,
                      REAL *y) {
    const REAL *h = t ? in->hs + (ptrdiff_t)(t - 1) * batch * n : in->h0;
    for (int row = first; row < last; row++, y += n + width) {
        copy_row(y, h + (ptrdiff_t)row * n, n);
        copy_row(y + n, in->x + ((ptrdiff_t)t * batch + row) * width, width);
    }
}

/* Some steps at once, so that as many places as fill a strip go into a sum that leaves registers. */
static void backward_part(const weights *w, int steps, int batch, int at_once, int first, int last,
                          const past *in, const gradients *out, REAL *dw, REAL *scratch) {
    const int n = w->n, wide = 4 * n, columns = n + w->features + 1, rows = last - first;
    REAL *panels = scratch, *by_x = panels + (ptrdiff_t)at_once * rows * rounded(columns);
    REAL *y = by_x + ROWS * rounded(w->features), *d = y + (ptrdiff_t)at_once * rows * columns;
    REAL *by_row = d + (ptrdiff_t)at_once * rows * wide;
    for (int end = steps; end > 0; end -= at_once) {
        const int begin_t = end > at_once ? end - at_once : 0, depth = (end - begin_t) * rows;
        for (int t = end - 1; t >= begin_t; t--) {
            const ptrdiff_t place = (ptrdiff_t)(t - begin_t) * rows;
            back_step(w, t, batch, first, last, in, out, d + place * wide, by_x);
            inputs_of(n, columns - n, t, batch, first, last, in, y + place * columns);
        }
        pack(panels, y, columns, columns, depth, PANEL * LANES);
        add_outer(wide, columns, depth, 0, wide, d, panels, dw, by_row);
    }
}

/* dw, for each part 4N x N+F+1 with rows rounded up, is added to: first N columns for W, then V's. */
void lstm_backward(const weights *w, int steps, int batch, int parts, int at_once, int first,
                   int last, const REAL *kept, const REAL *cs, const REAL *x, const REAL *hs,
                   const REAL *h0, const REAL *dhs, REAL *dh, REAL *dc, REAL *dx, REAL *dw,
                   REAL *scratch) {
    const past in = {kept, cs, x, hs, h0, dhs};
    const gradients out = {dh, dc, dx};
    const ptrdiff_t size = (ptrdiff_t)4 * w->n * rounded(w->n + w->features + 1);
    for (int p = first; p < last; p++)
        backward_part(w, steps, batch, at_once, part(batch, parts, p), part(batch, parts, p + 1),
                      &in, &out, dw + p * size, scratch);
}
