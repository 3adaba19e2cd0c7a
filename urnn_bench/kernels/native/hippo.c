/* Networks around a linear memory m of one signal f, over a whole sequence, for a group of at most
   LANES batch rows: the gated network of HiPPO (Gu, Dao, Ermon, Rudra and Re 2020,
   arXiv:2008.07669) and the Legendre memory unit (Voelker, Kajic and Eliasmith 2019).

       f = u_0 + e_h h + e_m m      m = the memory after f      z = u_1.. + W_m m + W_h h

   GATED has h = (1 - g) h + g tanh(n), (g, n) = z; GATED_FIRST the same before f and m, of their
   step before; PLAIN has h = tanh(z). Only PLAIN has e_m and W_h. The memory is A m + b f, or, if
   there is no A, LegS over a share of its past.

   A row of the batch is a lane of a vector, a unit is a vector. The backward pass writes the
   gradients of f and z; those of the matrices are sums of their products with states, taken after
   the loop and not here.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, H units, N order of
   the memory, Z rows of W_m. */

#include "functions.h"
#include "products.h"

enum network { GATED, GATED_FIRST, PLAIN };

/* Vectors e_h (H), e_m (N) or null, b and first (N); matrices in blocks, as products.h has them,
   and their transposes: w_m (Z x N), w_h (H x H) or null, a (N x N) or null. `first` is the memory
   of a first sample of one. Lanes without a row read zeros and write to waste, as wide as the
   widest row. */
typedef struct {
    const REAL *e_h, *e_m, *w_m, *w_mt, *w_h, *w_ht, *a, *at, *b, *first;
    REAL *zeros, *waste;
    double alpha;
    int network, hidden, order;
} weights;

static inline int rows_of_z(const weights *w) { return w->network == PLAIN ? w->hidden : 2 * w->hidden; }

/* Memory for one step. z is after f, so that a row of the drive and of its gradient is one block. */
typedef struct { vec *f, *z, *h, *m, *y, *before; } scratch;

static scratch split(const weights *w, vec *from) {
    scratch s;
    s.f = from;
    s.z = s.f + 1;
    s.h = s.z + padded(rows_of_z(w));
    s.m = s.h + padded(w->hidden);
    s.y = s.m + padded(w->order);
    s.before = s.y + padded(w->hidden > w->order ? w->hidden : w->order);
    return s;
}

/* Four sums hide the latency of an FMA. */
static vec dot(const REAL *w, const vec *v, int n) {
    vec s[4] = {splat(0), splat(0), splat(0), splat(0)};
    int k = 0;
    for (; k + 4 <= n; k += 4)
        for (int i = 0; i < 4; i++) s[i] += w[k + i] * v[k + i];
    for (; k < n; k++) s[0] += w[k] * v[k];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static void add_multiple(vec *v, const REAL *w, vec x, int n) {
    for (int k = 0; k < n; k++) v[k] += w[k] * x;
}

static void add(vec *v, const vec *more, int n) {
    for (int k = 0; k < n; k++) v[k] += more[k];
}

/* The number at the start of every row. */
static vec column(const REAL *from, int wide, int count) {
    vec v = splat(0);
    for (int l = 0; l < count; l++) v[l] = from[(ptrdiff_t)l * wide];
    return v;
}

/* The step of LegS over a share of the past, infinite for a first sample. With s_n = sqrt(2n + 1),
   (A m)_n = -(s_n sum_{k<n} s_k m_k + (n + 1) m_n), so A m and the solution of
   (I - alpha share A) y = x are one recursion each, from n = 0 on. */
typedef struct { mask first; vec share, explicit, implicit; } interval;

static interval interval_of(const weights *w, vec share) {
    interval i;
    i.first = share == splat((REAL)INFINITY);
    i.share = pick(i.first, splat(0), share);
    i.implicit = i.share * (REAL)w->alpha;
    i.explicit = i.share * (REAL)(1 - w->alpha);
    return i;
}

static void legs_step(const weights *w, interval i, vec f, vec *m) {
    vec old = splat(0), new = splat(0);
    for (int n = 0; n < w->order; n++) {
        const REAL s = w->b[n], diagonal = n + 1;
        const vec x = m[n] - i.explicit * (s * old + diagonal * m[n]) + i.share * s * f;
        const vec y = (x - i.implicit * s * new) * ((REAL)1 / ((REAL)1 + i.implicit * diagonal));
        old += s * m[n];
        new += s * y;
        m[n] = pick(i.first, w->first[n] * f, y);
    }
}

/* The same with A transposed, from n = N - 1 down: dm becomes that of the earlier m. */
static vec legs_back(const weights *w, interval i, vec *dm) {
    vec sum = splat(0), of_first = splat(0);
    for (int n = w->order - 1; n >= 0; n--) {
        const REAL s = w->b[n], diagonal = n + 1;
        const vec dx = (dm[n] - i.implicit * s * sum) * ((REAL)1 / ((REAL)1 + i.implicit * diagonal));
        of_first += w->first[n] * dm[n];
        dm[n] = pick(i.first, splat(0), dx - i.explicit * (s * sum + diagonal * dx));
        sum += s * dx;
    }
    return pick(i.first, of_first, i.share * sum);
}

/* m after f; share is not read if there is an A. */
static void memory_step(const weights *w, const scratch *s, vec f, vec share) {
    if (!w->a) {
        legs_step(w, interval_of(w, share), f, s->m);
        return;
    }
    product(s->y, w->a, s->m, padded(w->order), w->order);
    for (int n = 0; n < w->order; n++) s->m[n] = s->y[n] + w->b[n] * f;
}

/* From the cotangent of m to that of f, which is returned, and of the earlier m. */
static vec memory_back(const weights *w, const scratch *s, vec share) {
    if (!w->a) return legs_back(w, interval_of(w, share), s->m);
    const vec df = dot(w->b, s->m, w->order);
    product(s->y, w->at, s->m, padded(w->order), w->order);
    memcpy(s->m, s->y, w->order * sizeof(vec));
    return df;
}

static vec f_of(const weights *w, const scratch *s, const REAL *u, int rows) {
    vec f = column(u, 1 + rows_of_z(w), rows) + dot(w->e_h, s->h, w->hidden);
    if (w->e_m) f += dot(w->e_m, s->m, w->order);
    return f;
}

/* h after m; z becomes the gates g and tanh(n), or h. */
static void network_step(const weights *w, const scratch *s, const REAL *u, int rows, ptrdiff_t ahead) {
    const int n = w->hidden, wide = rows_of_z(w);
    product(s->z, w->w_m, s->m, padded(wide), w->order);
    if (w->w_h) {
        product(s->y, w->w_h, s->h, padded(n), n);
        add(s->z, s->y, n);
    }
    load_more(w->zeros, s->f, u, 1 + wide, rows, ahead * (1 + wide));
    for (int k = 0; k < n; k++) {
        if (w->network == PLAIN) {
            s->h[k] = tanh_(s->z[k]);
            continue;
        }
        s->z[k] = sigmoid_(s->z[k]);
        s->z[n + k] = tanh_(s->z[n + k]);
        s->h[k] += s->z[k] * (s->z[n + k] - s->h[k]);
    }
}

/* The group that starts at `row`; ms and kept may be null. `last` is m of the last step. */
void hippo_forward(const weights *w, int steps, int batch, int row, const REAL *u,
                   const REAL *shares, const REAL *h0, const REAL *m0, REAL *hs, REAL *ms,
                   REAL *last, vec *kept, vec *memory) {
    const int n = w->hidden, order = w->order, wide = rows_of_z(w);
    const int rows = batch - row < LANES ? batch - row : LANES;
    const scratch s = split(w, memory);
    load(w->zeros, s.h, h0 + (ptrdiff_t)row * n, n, rows);
    load(w->zeros, s.m, m0 + (ptrdiff_t)row * order, order, rows);
    for (int t = 0; t < steps; t++) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row, ahead = t + 1 < steps ? batch : 0;
        const vec share = shares ? column(shares + at, 1, rows) : splat(0);
        const REAL *drive = u + at * (1 + wide);
        if (w->network == GATED_FIRST) network_step(w, &s, drive, rows, ahead);
        memory_step(w, &s, f_of(w, &s, drive, rows), share);
        if (w->network != GATED_FIRST) network_step(w, &s, drive, rows, ahead);
        store(w->waste, s.h, hs + at * n, n, rows);
        if (ms) store(w->waste, s.m, ms + at * order, order, rows);
        if (kept) memcpy(kept + (ptrdiff_t)t * wide, s.z, wide * sizeof(vec));
    }
    store(w->waste, s.m, last + (ptrdiff_t)row * order, order, rows);
}

/* From the cotangent of h to those of z and of the earlier h, and to that of m what z adds. */
static void network_back(const weights *w, const scratch *s, const vec *kept) {
    const int n = w->hidden, wide = rows_of_z(w);
    for (int k = 0; k < n; k++) {
        if (w->network == PLAIN) {
            s->z[k] = s->h[k] * ((REAL)1 - s->before[k] * s->before[k]);
            continue;
        }
        const vec g = kept[k], candidate = kept[n + k], dg = s->h[k] * g;
        s->z[k] = dg * ((REAL)1 - g) * (candidate - s->before[k]);
        s->z[n + k] = dg * ((REAL)1 - candidate * candidate);
        s->h[k] -= dg;
    }
    product(s->y, w->w_mt, s->z, padded(w->order), wide);
    add(s->m, s->y, w->order);
    if (w->w_ht) product(s->h, w->w_ht, s->z, padded(n), n);
}

static void memory_and_signal_back(const weights *w, const scratch *s, vec share) {
    *s->f = memory_back(w, s, share);
    add_multiple(s->h, w->e_h, *s->f, w->hidden);
    if (w->e_m) add_multiple(s->m, w->e_m, *s->f, w->order);
}

/* dh0 and dm0 are written; dlast is the cotangent of the last m. */
void hippo_backward(const weights *w, int steps, int batch, int row, const REAL *shares,
                    const REAL *h0, const REAL *hs, const vec *kept, const REAL *dhs,
                    const REAL *dlast, REAL *du, REAL *dh0, REAL *dm0, vec *memory) {
    const int n = w->hidden, order = w->order, wide = rows_of_z(w);
    const int rows = batch - row < LANES ? batch - row : LANES;
    const scratch s = split(w, memory);
    memset(s.h, 0, n * sizeof(vec));
    load(w->zeros, s.m, dlast + (ptrdiff_t)row * order, order, rows);
    for (int t = steps - 1; t >= 0; t--) {
        const ptrdiff_t at = (ptrdiff_t)t * batch + row;
        const vec share = shares ? column(shares + at, 1, rows) : splat(0);
        const vec *step = kept ? kept + (ptrdiff_t)t * wide : NULL;
        /* the h that the derivative is made of: tanh's own, or the one that the gate mixed in */
        const REAL *own = hs + at * n;
        const REAL *earlier = t ? own - (ptrdiff_t)batch * n : h0 + (ptrdiff_t)row * n;
        load(w->zeros, s.before, w->network == PLAIN ? own : earlier, n, rows);
        load_more(w->zeros, s.h, dhs + at * n, n, rows, t ? -(ptrdiff_t)batch * n : 0);
        if (w->network == PLAIN || w->network == GATED) {
            network_back(w, &s, step);
            memory_and_signal_back(w, &s, share);
        } else {
            memory_and_signal_back(w, &s, share);
            network_back(w, &s, step);
        }
        store(w->waste, s.f, du + at * (1 + wide), 1 + wide, rows);
    }
    store(w->waste, s.h, dh0 + (ptrdiff_t)row * n, n, rows);
    store(w->waste, s.m, dm0 + (ptrdiff_t)row * order, order, rows);
}
