/* The uRNN over a whole sequence, forward and backward, for a group of at most LANES batch rows.

   z_t = W h_{t-1} + V x_t, h_t = modReLU(z_t), W = D3 R2 F^-1 D2 P R1 F D1 (Arjovsky, Shah and
   Bengio 2016, arXiv:1511.06464, equations 6 and 8). A row of the batch is a lane of a vector, a
   unit is a pair of vectors (real, imaginary).

   Nothing is kept for the backward pass but the states themselves: it applies W to h_{t-1} again,
   which gives the two vectors that the mirrors' gradients need and z_t (from h_t it could not be
   had: a unit that is cut to zero loses it), and then W* to the cotangent. Sums over the batch are
   kept lane by lane and added up in a fixed order, so results do not depend on the number of
   threads.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, N units, F input
   features. */

#include "unitary.h"

#define MOST_FEATURES 8

/* V x_t in one of three forms: rows u (T, B, 2N) of it; rows of V (F, 2N), chosen by token (T, B);
   or V and x (T, B, F), for few features. */
typedef struct {
    const REAL *u, *v, *x;
    const int *token;
    int features;
} drive;

/* One group of rows: where it is, and what its steps share. */
typedef struct {
    const weights *w;
    const drive *d;
    transform f;
    int batch, row, rows, wide;
    REAL *zeros, *waste;
} group;

ALWAYS group group_of(const weights *w, const drive *d, int batch, int row, cvec *spare) {
    const int wide = 2 * w->n;
    REAL *zeros = (REAL *)(spare + 2 * w->n);
    memset(zeros, 0, wide * sizeof(REAL));
    return (group){w, d, {w->n, w->passes, w->radix, w->twiddle, spare}, batch, row,
                   batch - row < LANES ? batch - row : LANES, wide, zeros, zeros + wide};
}

ALWAYS int tile_at(const group *g, int c) { return g->wide - c < LANES ? g->wide - c : LANES; }

ALWAYS rows at_step(const group *g, const REAL *x, ptrdiff_t t, const REAL *none) { /* of (T, B, 2N) */
    return rows_of(x + (t * g->batch + g->row) * g->wide, g->wide, g->rows, none);
}

/* The input of a group at one step: x_t, a vector for each feature; or the one token of all rows;
   or else rows of u or V, and of where their gradients go. */
typedef struct {
    vec x[MOST_FEATURES];
    int token;
    rows from, to;
} input;

ALWAYS void read_features(const group *g, ptrdiff_t first, input *in) {
    const int features = g->d->features;
    for (int f = 0; f < features; f++)
        for (int l = 0; l < LANES; l++)
            in->x[f][l] = l < g->rows ? g->d->x[(first + l) * features + f] : 0;
}

/* At most steps of copying memory all rows have the same token, the blank: one row of V is then
   read for all lanes, and one is added to in the backward pass. */
ALWAYS void read_tokens(const group *g, ptrdiff_t first, const REAL *dv, input *in) {
    const int *token = g->d->token + first;
    in->token = token[0];
    for (int l = 1; l < g->rows; l++)
        if (token[l] != token[0]) in->token = -1;
    for (int l = 0; l < LANES; l++) {
        const ptrdiff_t at = l < g->rows ? (ptrdiff_t)token[l] * g->wide : 0;
        in->from.at[l] = (REAL *)(l < g->rows ? g->d->v + at : g->zeros);
        in->to.at[l] = (REAL *)(l < g->rows && dv ? dv + at : g->waste);
    }
}

ALWAYS void read_input(const group *g, ptrdiff_t t, const REAL *du, const REAL *dv, input *in) {
    const ptrdiff_t first = t * g->batch + g->row;
    in->token = -1;
    if (g->d->x) read_features(g, first, in);
    else if (g->d->token) read_tokens(g, first, dv, in);
    else {
        in->from = at_step(g, g->d->u, t, g->zeros);
        if (du) in->to = at_step(g, du, t, g->waste);
    }
}

/* V x_t from place c on. */
ALWAYS void driven(const group *g, const input *in, int c, int count, vec *tile) {
    const REAL *v = g->d->v + c;
    if (g->d->x)
        for (int i = 0; i < count; i++) {
            tile[i] = in->x[0] * v[i];
            for (int f = 1; f < g->d->features; f++) tile[i] += in->x[f] * v[f * g->wide + i];
        }
    else if (in->token >= 0)
        for (int i = 0; i < count; i++) tile[i] = splat(v[in->token * g->wide + i]);
    else gather(tile, &in->from, c, count);
}

/* The gradient of that, from dz. */
ALWAYS void drive_back(const group *g, const input *in, int c, int count, vec *tile, sums *a) {
    vec *v = a->v + c;
    if (g->d->x)
        for (int f = 0; f < g->d->features; f++)
            for (int i = 0; i < count; i++) v[f * g->wide + i] += in->x[f] * tile[i];
    else if (in->token >= 0)
        for (int i = 0; i < count; i++) v[in->token * g->wide + i] += tile[i];
    /* lane by lane, as two rows may have the same token */
    else if (g->d->token) scatter_add(tile, &in->to, c, count);
    else scatter(tile, &in->to, c, count);
}

ALWAYS void load(const group *g, const REAL *from, ptrdiff_t t, cvec *h) {
    const rows r = at_step(g, from, t, g->zeros);
    for (int c = 0; c < g->wide; c += LANES) gather((vec *)h + c, &r, c, tile_at(g, c));
}

/* z of unit k, and v = R2's output, from what forward_map left and the drive. */
ALWAYS cvec pre_activation(const weights *w, const cvec *y, cvec seen, int k, cvec u, cvec *v) {
    *v = sub(y[k], mul(seen, w->r2[k]));
    return add(mul(*v, w->d3[k]), u);
}

/* The drive of `count` / 2 units from place c on becomes their states, in h too. */
ALWAYS void activate(const weights *w, const cvec *y, cvec seen, int c, int count, cvec *tile,
                     cvec *h) {
    for (int i = 0; i < count / 2; i++) {
        const int k = c / 2 + i;
        cvec v;
        const cvec z = pre_activation(w, y, seen, k, tile[i], &v);
        const gain at = gain_at(z, w->bias[k], w->eps);
        tile[i] = h[k] = (cvec){z.re * at.f, z.im * at.f};
    }
}

/* The drive of those units becomes the cotangent of z; back, that of h_t through what comes later,
   becomes D3* of it, whose product with R2's vector is returned. */
ALWAYS cvec activate_back(const weights *w, const cvec *y, cvec seen, int c, int count, int later,
                          cvec *tile, const cvec *dhs, cvec *back, sums *a) {
    cvec dot = {splat(0), splat(0)};
    for (int i = 0; i < count / 2; i++) {
        const int k = c / 2 + i;
        cvec v;
        const cvec z = pre_activation(w, y, seen, k, tile[i], &v);
        const gain at = gain_at(z, w->bias[k], w->eps);
        /* the gradient of D1, of the step after this one: its input h_t is f z here, and is nowhere
           else in registers; that of the first step is added at the end */
        if (later) a->p1[k] += across(back[k], z) * at.f;
        const cvec dz = gain_back(&at, z, add(back[k], dhs[i]), &a->bias[k]);
        const cvec e = mulc(dz, w->d3[k]);
        a->p3[k] += across(e, v);
        dot = add(dot, mulc(e, w->r2[k]));
        back[k] = e;
        tile[i] = dz;
    }
    return dot;
}

static void forward_group(const group *g, int steps, const REAL *h0, REAL *hs, cvec *h) {
    const weights *w = g->w;
    cvec *x = h + w->n, *y = x + w->n, seen[2];
    input in;
    load(g, h0, 0, h);
    for (int t = 0; t < steps; t++) {
        const rows to = at_step(g, hs, t, g->waste);
        const rows next = at_step(g, hs, t + 1 < steps ? t + 1 : t, g->waste);
        forward_map(&g->f, w, h, x, y, seen);
        read_input(g, t, NULL, NULL, &in);
        for (int c = 0; c < g->wide; c += LANES) {
            const int count = tile_at(g, c);
            vec block[LANES];
            driven(g, &in, c, count, block);
            fetch_to_write(&next, c);
            activate(w, y, seen[1], c, count, (cvec *)block, h);
            scatter(block, &to, c, count);
        }
    }
}

/* dhs (T, B, 2N), or null for zeros; dlast (B, 2N) is added at the last step. du (T, B, 2N), or dv
   (F, 2N) for tokens. */
static void backward_group(const group *g, int steps, const REAL *h0, const REAL *hs,
                           const REAL *dhs, const REAL *dlast, REAL *du, REAL *dv, REAL *dh0,
                           cvec *back, sums *a) {
    const weights *w = g->w;
    cvec *h = back + w->n, *x = h + w->n, *y = x + w->n, seen[2];
    input in;
    load(g, dlast, 0, back);
    for (int t = steps - 1; t >= 0; t--) {
        const rows above = at_step(g, dhs ? dhs : hs, t, g->zeros);
        const rows next = at_step(g, dhs ? dhs : hs, t ? t - 1 : 0, g->zeros);
        const rows before = at_step(g, hs, t > 1 ? t - 2 : 0, g->zeros);
        load(g, t ? hs : h0, t ? t - 1 : 0, h);
        /* W h_{t-1} again: cheaper than to have kept what the mirrors saw */
        forward_map(&g->f, w, h, x, y, seen);
        read_input(g, t, du, dv, &in);
        cvec dot = {splat(0), splat(0)};
        for (int c = 0; c < g->wide; c += LANES) {
            const int count = tile_at(g, c);
            vec block[LANES], dhs_block[LANES];
            driven(g, &in, c, count, block);
            fetch_to_read(&before, c);
            fetch_to_read(&next, c);
            if (dhs) gather(dhs_block, &above, c, count);
            else memset(dhs_block, 0, sizeof dhs_block);
            dot = add(dot, activate_back(w, y, seen[1], c, count, t < steps - 1, (cvec *)block,
                                         (cvec *)dhs_block, back, a));
            drive_back(g, &in, c, count, block, a);
        }
        adjoint_map(&g->f, w, x, y, seen, dot, back, h, a);
    }
    load(g, h0, 0, h);
    for (int k = 0; k < w->n; k++) a->p1[k] += across(back[k], h[k]);
    const rows to = at_step(g, dh0, 0, g->waste);
    for (int c = 0; c < g->wide; c += LANES) scatter((vec *)back + c, &to, c, tile_at(g, c));
}

/* The tokens whose one-hot vectors x (count, features) holds; 0 if it holds others. */
int urnn_tokens(const REAL *x, long count, long features, int *token) {
    for (long i = 0; i < count; i++, x += features) {
        int found = -1;
        for (int f = 0; f < features; f++) {
            if (x[f] == 0) continue;
            if (x[f] != 1 || found >= 0) return 0;
            found = f;
        }
        if (found < 0) return 0;
        token[i] = found;
    }
    return 1;
}

/* The group that starts at `row`; scratch holds (6 + 2 R) N vectors, R the largest radix over N. */
void urnn_forward(const weights *w, const drive *d, int steps, int batch, int row, const REAL *h0,
                  REAL *hs, vec *scratch) {
    cvec *h = (cvec *)scratch;
    const group g = group_of(w, d, batch, row, h + 3 * w->n);
    forward_group(&g, steps, h0, hs, h);
}

/* totals has (8 + 2F) N numbers for the group: p1, p2, p3, bias, r1 and r2 as pairs, and V. */
void urnn_backward(const weights *w, const drive *d, int steps, int batch, int row, const REAL *h0,
                   const REAL *hs, const REAL *dhs, const REAL *dlast, REAL *du, REAL *dh0,
                   REAL *totals, vec *scratch) {
    const int n = w->n, count = (8 + 2 * d->features) * n;
    vec *p = scratch + 14 * n;
    const group g = group_of(w, d, batch, row, (cvec *)(scratch + 8 * n));
    sums a = {p, p + n, p + 2 * n, p + 3 * n, (cvec *)(p + 4 * n), (cvec *)(p + 6 * n), p + 8 * n};
    memset(p, 0, count * sizeof(vec));
    memset(totals, 0, count * sizeof(REAL));
    backward_group(&g, steps, h0, hs, dhs, dlast, du, d->token ? totals + 8 * n : NULL, dh0,
                   (cvec *)scratch, &a);
    for (int i = 0; i < count; i++)
        for (int l = 0; l < LANES; l++) totals[i] += p[i][l];
}
