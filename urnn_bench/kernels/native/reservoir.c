/* A reservoir of leaky units over a whole sequence, for a group of at most LANES batch rows, forward
   only, as nothing of it is trained: h = h + a (f(W h + V x + b) - h). V x is made within the loop: for
   all steps at once it would be as large as the states, which take most of the time as it is.

   W is a sum of what there is of: square blocks on the diagonal, entries in rows, and a link from the
   unit `shift` places before each. A row of the batch is a lane of a vector, a unit is a vector.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, F inputs, H units, M
   units of a block, D entries of a row. */

#include "functions.h"
#include "products.h"

enum activation { TANH, RELU, IDENTITY };

/* v (H, F) in blocks of BLOCK rows as products.h has them, bias (H); w: matrices of M x M, each in such
   blocks, or null; columns and values (H, D), or null; link (H), or null. Lanes without a row read
   zeros and write to waste, each as long as a row. */
typedef struct {
    const REAL *v, *bias, *w, *values, *link;
    const int *columns;
    REAL *zeros, *waste;
    double leak;
    int activation, inputs, n, block, entries, shift;
} weights;

/* y = sum of a row's entries times h, for BLOCK rows: as many sums hide the latency of an FMA. */
static void rows_product(vec *y, const weights *w, const vec *h) {
    const int d = w->entries;
    for (int i = 0; i < w->n; i += BLOCK) {
        const int count = w->n - i < BLOCK ? w->n - i : BLOCK;
        vec s[BLOCK];
        for (int r = 0; r < BLOCK; r++) s[r] = splat(0);
        for (int e = 0; e < d; e++)
            for (int r = 0; r < count; r++) {
                const ptrdiff_t at = (ptrdiff_t)(i + r) * d + e;
                s[r] += w->values[at] * h[w->columns[at]];
            }
        for (int r = 0; r < count; r++) y[i + r] = s[r];
    }
}

/* z = W h. */
static void recurrent(vec *z, const weights *w, const vec *h) {
    const int n = w->n, m = w->block;
    if (w->w)
        for (int k = 0; k < n; k += m)
            product(z + k, w->w + (ptrdiff_t)(k / m) * padded(m) * m, h + k, padded(m), m);
    else if (w->values)
        rows_product(z, w, h);
    else
        memset(z, 0, n * sizeof(vec));
    if (w->link)
        for (int i = 0; i < n; i++) z[i] += w->link[i] * h[i < w->shift ? i - w->shift + n : i - w->shift];
}

ALWAYS vec activated(const weights *w, vec z) {
    return w->activation == TANH ? tanh_(z) : w->activation == RELU ? pick(z < splat(0), splat(0), z) : z;
}

/* h + leak (f - h) from the nearer end, as torch.lerp: a leak of 1 gives f and no digit of h. */
ALWAYS vec mixed(vec h, vec f, REAL leak) {
    return leak < (REAL)0.5 ? h + leak * (f - h) : f - (1 - leak) * (f - h);
}

/* The group that starts at `row`; hs may be null, and `last` takes the last state. */
void reservoir_forward(const weights *w, int steps, int batch, int row, const REAL *x, const REAL *h0,
                       REAL *hs, REAL *last, vec *z) {
    const int n = w->n, f = w->inputs, rows = batch - row < LANES ? batch - row : LANES;
    const REAL leak = (REAL)w->leak;
    /* a product writes whole blocks of rows, beyond the last unit too */
    vec *h = z + n + BLOCK, *u = h + n, *in = u + n + BLOCK;
    load(w->zeros, h, h0 + (ptrdiff_t)row * n, n, rows);
    for (int t = 0; t < steps; t++) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        load(w->zeros, in, x + at * f, f, rows);
        product(u, w->v, in, padded(n), f);
        recurrent(z, w, h);
        for (int i = 0; i < n; i++) h[i] = mixed(h[i], activated(w, z[i] + u[i] + w->bias[i]), leak);
        if (hs) store(w->waste, h, hs + at * n, n, rows);
    }
    store(w->waste, h, last + (ptrdiff_t)row * n, n, rows);
}
