/* Networks with dense recurrent matrices over a whole sequence, for a group of at most LANES batch
   rows:
   h = tanh(z) or max(0, z) with z = W h + u, and the LSTM with or without a matrix from the new
   cell into its output gate (Arjovsky, Shah and Bengio 2016, arXiv:1511.06464).

   A row of the batch is a lane of a vector, a unit is a vector. The backward pass writes the
   gradient of every z; the gradients of the matrices are sums of its products with earlier states,
   one large product after the loop, which is not done here.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, H units, G gates. */

#include "functions.h"
#include "products.h"

enum kind { TANH, RELU, LSTM };

/* Matrices in blocks of BLOCK rows, their columns one after the other: w is W (G H x H), wt its
   transpose (H x G H), c and ct the same for the matrix (H x H) of the output gate, or null. Lanes
   without a row read G H zeros and write to as much waste. */
typedef struct {
    const REAL *w, *wt, *c, *ct;
    REAL *zeros, *waste;
    int kind, gates, n;
} weights;

/* One LSTM step: z becomes the gates; c and tanh(c), h are replaced. y is scratch. */
static void lstm_step(const weights *w, vec *z, vec *c, vec *tc, vec *h, vec *y) {
    const int n = w->n;
    vec *i = z, *f = z + n, *g = z + 2 * n, *o = z + 3 * n;
    for (int k = 0; k < n; k++) {
        i[k] = sigmoid_(i[k]);
        f[k] = sigmoid_(f[k]);
        g[k] = tanh_(g[k]);
        c[k] = f[k] * c[k] + i[k] * g[k];
        tc[k] = tanh_(c[k]);
    }
    if (w->c) {
        product(y, w->c, c, padded(n), n);
        for (int k = 0; k < n; k++) o[k] += y[k];
    }
    for (int k = 0; k < n; k++) {
        o[k] = sigmoid_(o[k]);
        h[k] = o[k] * tc[k];
    }
}

/* The vectors kept of every step: h, or the gates i, f, g, o, then c and tanh(c). */
static inline int kept_per_unit(const weights *w) { return w->kind == LSTM ? 6 : 1; }

/* The group that starts at `row`; kept may be null. */
void dense_forward(const weights *w, int steps, int batch, int row, const REAL *u, const REAL *h0,
                   const REAL *c0, REAL *hs, REAL *cs, vec *kept, vec *z) {
    const int n = w->n, wide = w->gates * n, rows = batch - row < LANES ? batch - row : LANES;
    vec *h = z + padded(wide), *c = h + n, *tc = c + n, *y = tc + n;
    load(w->zeros, h, h0 + (ptrdiff_t)row * n, n, rows);
    if (c0) load(w->zeros, c, c0 + (ptrdiff_t)row * n, n, rows);
    for (int t = 0; t < steps; t++) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        product(z, w->w, h, padded(wide), n);
        load_more(w->zeros, z, u + at * wide, wide, rows, t + 1 < steps ? (ptrdiff_t)batch * wide : 0);
        if (w->kind == LSTM) {
            lstm_step(w, z, c, tc, h, y);
            store(w->waste, c, cs + at * n, n, rows);
        } else
            for (int k = 0; k < n; k++) h[k] = w->kind == TANH ? tanh_(z[k]) : pick(z[k] < splat(0), splat(0), z[k]);
        store(w->waste, h, hs + at * n, n, rows);
        if (kept) {
            vec *step = kept + (ptrdiff_t)t * kept_per_unit(w) * n;
            if (w->kind == LSTM) {
                memcpy(step, z, 4 * n * sizeof(vec));
                memcpy(step + 4 * n, c, n * sizeof(vec));
                memcpy(step + 5 * n, tc, n * sizeof(vec));
            } else
                memcpy(step, h, n * sizeof(vec));
        }
    }
}

/* From the cotangents of h and c to those of the gates' z, in dz, and of the earlier c. */
static void lstm_back(const weights *w, const vec *kept, const vec *before, const vec *dh, vec *dc,
                      vec *dz, vec *y) {
    const int n = w->n;
    const vec *i = kept, *f = kept + n, *g = kept + 2 * n, *o = kept + 3 * n, *tc = kept + 5 * n;
    for (int k = 0; k < n; k++) {
        dz[3 * n + k] = dh[k] * tc[k] * o[k] * ((REAL)1 - o[k]);
        dc[k] += dh[k] * o[k] * ((REAL)1 - tc[k] * tc[k]);
    }
    if (w->ct) {
        product(y, w->ct, dz + 3 * n, padded(n), n);
        for (int k = 0; k < n; k++) dc[k] += y[k];
    }
    for (int k = 0; k < n; k++) {
        dz[k] = dc[k] * g[k] * i[k] * ((REAL)1 - i[k]);
        dz[n + k] = dc[k] * before[k] * f[k] * ((REAL)1 - f[k]);
        dz[2 * n + k] = dc[k] * i[k] * ((REAL)1 - g[k] * g[k]);
        dc[k] = dc[k] * f[k];
    }
}

void dense_backward(const weights *w, int steps, int batch, int row, const vec *kept,
                    const REAL *c0, const REAL *dhs, const REAL *dcs, REAL *dz_out, REAL *dh0,
                    REAL *dc0, vec *dz) {
    const int n = w->n, wide = w->gates * n, rows = batch - row < LANES ? batch - row : LANES;
    vec *dh = dz + padded(wide), *dc = dh + padded(n), *first = dc + n, *y = first + n;
    /* what a step keeps lies as vectors, not as rows: it is read back without a transposition */
    const ptrdiff_t slab = (ptrdiff_t)kept_per_unit(w) * n;
    memset(dh, 0, padded(n) * sizeof(vec));
    memset(dc, 0, n * sizeof(vec));
    if (c0) load(w->zeros, first, c0 + (ptrdiff_t)row * n, n, rows);
    for (int t = steps - 1; t >= 0; t--) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        const vec *step = kept + t * slab;
        load_more(w->zeros, dh, dhs + at * n, n, rows, t ? -(ptrdiff_t)batch * n : 0);
        if (w->kind == LSTM) {
            load_more(w->zeros, dc, dcs + at * n, n, rows, t ? -(ptrdiff_t)batch * n : 0);
            lstm_back(w, step, t ? step - slab + 4 * n : first, dh, dc, dz, y);
        } else
            for (int k = 0; k < n; k++)
                dz[k] = w->kind == TANH ? dh[k] * ((REAL)1 - step[k] * step[k])
                                        : pick(step[k] <= splat(0), splat(0), dh[k]);
        store(w->waste, dz, dz_out + at * wide, wide, rows);
        product(dh, w->wt, dz, padded(n), wide);
    }
    store(w->waste, dh, dh0 + (ptrdiff_t)row * n, n, rows);
    if (dc0) store(w->waste, dc, dc0 + (ptrdiff_t)row * n, n, rows);
}
