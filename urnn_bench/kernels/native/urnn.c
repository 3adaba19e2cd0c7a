/* The uRNN over a whole sequence, forward and backward, for groups of LANES batch rows.

   z_t = W h_{t-1} + u_t, h_t = modReLU(z_t), W = D3 R2 F^-1 D2 P R1 F D1 (Arjovsky, Shah and
   Bengio 2016, arXiv:1511.06464, equations 6 and 8). A row of the batch is a lane of a vector, a
   unit is a pair of vectors (real, imaginary). F runs in place, decimated in frequency, and
   leaves bit-reversed order; F^-1 takes that order and is decimated in time: the reversals are
   folded into P and into the mirror between. Both are unscaled; 1/N is folded into D2.

   Only z_t is kept for the backward pass, which makes h_{t-1} from it, applies W again to have
   the two vectors that the mirrors' gradients need, and applies W* to the cotangent. Sums over
   the batch are kept lane by lane and added up in a fixed order, so results do not depend on
   the number of threads.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, B batch, N units. */

#include "lanes.h"

typedef struct { vec re, im; } cvec;
typedef struct { REAL re, im; } cnum;

/* What W is made of: D1 and D3 in natural order; R1, D2/N in bit-reversed order; the unit from
   which each bit-reversed place of F^-1's input comes; twiddles e^{-2 pi i k / N}; bias. */
typedef struct {
    const cnum *d1, *d2, *d3, *r1, *r2, *twiddle;
    const int *source;
    const REAL *bias;
    REAL eps;
    int n;
} weights;

int urnn_lanes(void) { return LANES; }

/* Below the smallest normal number a quotient may overflow: there z is divided by one. */
#define TINY (REAL_BYTES == 4 ? (REAL)FLT_MIN : (REAL)DBL_MIN)

static inline cvec add(cvec a, cvec b) { return (cvec){a.re + b.re, a.im + b.im}; }
static inline cvec sub(cvec a, cvec b) { return (cvec){a.re - b.re, a.im - b.im}; }
static inline cvec mul(cvec a, cnum w) {
    return (cvec){a.re * w.re - a.im * w.im, a.im * w.re + a.re * w.im};
}
static inline cvec mulc(cvec a, cnum w) { /* a conj(w) */
    return (cvec){a.re * w.re + a.im * w.im, a.im * w.re - a.re * w.im};
}
static inline cvec rot(cvec a) { return (cvec){a.im, -a.re}; } /* -i a */

/* Two stages of decimation in frequency at once. */
static inline void dif4(cvec *x, int n, int m, const cnum *tw) {
    const int q = m / 4, stride = n / m;
    for (int k = 0; k < q; k++) {
        const cnum w1 = tw[k * stride], w2 = tw[2 * k * stride], w3 = tw[3 * k * stride];
        for (cvec *p = x + k; p < x + n; p += m) {
            const cvec a = add(p[0], p[2 * q]), b = add(p[q], p[3 * q]);
            const cvec c = sub(p[0], p[2 * q]), d = rot(sub(p[q], p[3 * q]));
            p[0] = add(a, b);
            p[q] = mul(sub(a, b), w2);
            p[2 * q] = mul(add(c, d), w1);
            p[3 * q] = mul(sub(c, d), w3);
        }
    }
}

/* The adjoint of dif4. */
static inline void dit4(cvec *x, int n, int m, const cnum *tw) {
    const int q = m / 4, stride = n / m;
    for (int k = 0; k < q; k++) {
        const cnum w1 = tw[k * stride], w2 = tw[2 * k * stride], w3 = tw[3 * k * stride];
        for (cvec *p = x + k; p < x + n; p += m) {
            const cvec y0 = p[0], y1 = mulc(p[q], w2), y2 = mulc(p[2 * q], w1),
                       y3 = mulc(p[3 * q], w3);
            const cvec a = add(y0, y1), b = sub(y0, y1), c = add(y2, y3);
            const cvec d = rot(sub(y2, y3)); /* -i (y2 - y3) */
            p[0] = add(a, c);
            p[2 * q] = sub(a, c);
            p[q] = sub(b, d);
            p[3 * q] = add(b, d);
        }
    }
}

static inline void pairs(cvec *x, int n) {
    for (int k = 0; k < n; k += 2) {
        const cvec a = x[k], b = x[k + 1];
        x[k] = add(a, b);
        x[k + 1] = sub(a, b);
    }
}

/* F, unscaled, natural to bit-reversed order. */
static void fourier(cvec *x, const weights *w) {
    int m = w->n;
    for (; m >= 4; m /= 4) dif4(x, w->n, m, w->twiddle);
    if (m == 2) pairs(x, w->n);
}

/* F*, unscaled, bit-reversed to natural order. */
static void fourier_adjoint(cvec *x, const weights *w) {
    int m = 4;
    const int odd = __builtin_ctz(w->n) & 1;
    if (odd) { pairs(x, w->n); m = 8; }
    for (; m <= w->n; m *= 4) dit4(x, w->n, m, w->twiddle);
}

/* v* x for every lane. */
static inline cvec dot(const cvec *x, const cnum *v, int n) {
    cvec s[2] = {{{0}, {0}}, {{0}, {0}}};
    int k = 0;
    for (; k + 1 < n; k += 2) {
        s[0] = add(s[0], mulc(x[k], v[k]));
        s[1] = add(s[1], mulc(x[k + 1], v[k + 1]));
    }
    if (k < n) s[0] = add(s[0], mulc(x[k], v[k]));
    return add(s[0], s[1]);
}

static inline cvec scaled(cvec a, REAL c) { return (cvec){a.re * c, a.im * c}; }
static inline cvec times(cvec a, cvec b) {
    return (cvec){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline cvec along(cvec s, cnum v) { return mul(s, v); }

/* y = W h, in h's place. With a2 and a5 the mirrors' inputs are kept, and their v* x in s. */
static void forward_map(cvec *h, cvec *y, const weights *w, cvec *a2, cvec *a5, cvec *s) {
    const int n = w->n;
    for (int k = 0; k < n; k++) h[k] = mul(h[k], w->d1[k]);
    fourier(h, w);
    s[0] = dot(h, w->r1, n);
    const cvec s1 = scaled(s[0], 2);
    if (a2) memcpy(a2, h, n * sizeof(cvec));
    for (int k = 0; k < n; k++) {
        const int from = w->source[k];
        y[k] = mul(sub(h[from], along(s1, w->r1[from])), w->d2[k]);
    }
    fourier_adjoint(y, w);
    s[1] = dot(y, w->r2, n);
    if (a5) { memcpy(a5, y, n * sizeof(cvec)); return; }
    const cvec s2 = scaled(s[1], 2);
    for (int k = 0; k < n; k++) y[k] = mul(sub(y[k], along(s2, w->r2[k])), w->d3[k]);
}

static inline vec root(vec x) {
    vec y;
    for (int l = 0; l < LANES; l++) y[l] = REAL_BYTES == 4 ? (REAL)sqrtf(x[l]) : (REAL)sqrt(x[l]);
    return y;
}

/* f(|z|) with h = f z, and |z|. */
static inline vec gain(cvec z, REAL bias, REAL eps, vec *size) {
    const vec m = root(z.re * z.re + z.im * z.im);
    const vec zero = {0}, up = m + bias;
    *size = m;
    const vec cut = pick(up > zero, up, zero);
    return cut / pick(m >= splat(TINY), m + eps, splat(1));
}

static inline cvec modrelu(cvec z, REAL bias, REAL eps) {
    vec size;
    const vec f = gain(z, bias, eps, &size);
    return (cvec){z.re * f, z.im * f};
}

/* One group of rows forward: u and hs (T, B, 2N), h0 (B, 2N); z (T, 2N) vectors, or null. */
static void forward_group(const weights *w, int steps, int batch, int row, const REAL *u,
                          const REAL *h0, REAL *hs, cvec *z, cvec *h, cvec *y) {
    const int n = w->n, wide = 2 * n, rows = batch - row < LANES ? batch - row : LANES;
    const int count = wide < LANES ? wide : LANES;
    const ptrdiff_t at = (ptrdiff_t)row * wide, slab = (ptrdiff_t)batch * wide;
    for (int c = 0; c < wide; c += count) gather((vec *)h + c, h0 + at + c, wide, rows, count, 0);
    for (int t = 0; t < steps; t++) {
        forward_map(h, y, w, NULL, NULL, (cvec[2]){0});
        const REAL *ut = u + t * slab + at;
        REAL *ht = hs + t * slab + at;
        cvec *zt = z ? z + (ptrdiff_t)t * n : NULL;
        for (int c = 0; c < wide; c += count) {
            vec block[LANES];
            cvec *tile = (cvec *)block;
            gather(block, ut + c, wide, rows, count, slab);
            for (int i = 0; i < count / 2; i++) {
                const int k = c / 2 + i;
                const cvec pre = add(y[k], tile[i]);
                if (zt) zt[k] = pre;
                tile[i] = h[k] = modrelu(pre, w->bias[k], w->eps);
            }
            scatter(block, ht + c, wide, rows, count);
        }
    }
}

/* Sums over the batch and over time, lane by lane, one set for each group. */
typedef struct { vec *p1, *p2, *p3, *bias; cvec *r1, *r2; } sums;

static inline vec across(cvec g, cvec y) { return g.im * y.re - g.re * y.im; } /* Im(g conj(y)) */
static inline cvec conj_times(cvec s, cvec g) { /* conj(s) g */
    return (cvec){s.re * g.re + s.im * g.im, s.re * g.im - s.im * g.re};
}

/* W* applied to the cotangent g of W h, in place; the factors' gradients are added to a. */
static void adjoint_map(cvec *g, cvec *y, const weights *w, const cvec *a2, const cvec *a5,
                        const cvec *s, sums *a) {
    const int n = w->n;
    const cvec s1 = scaled(s[0], 2), s2 = scaled(s[1], 2);
    for (int k = 0; k < n; k++) {
        y[k] = mulc(g[k], w->d3[k]);
        a->p3[k] += across(y[k], sub(a5[k], along(s2, w->r2[k])));
    }
    const cvec q2 = dot(y, w->r2, n), q2x = scaled(q2, 2);
    for (int k = 0; k < n; k++) {
        a->r2[k] = add(a->r2[k], add(conj_times(s[1], y[k]), conj_times(q2, a5[k])));
        y[k] = sub(y[k], along(q2x, w->r2[k]));
    }
    fourier(y, w);
    for (int k = 0; k < n; k++) {
        const int from = w->source[k];
        g[from] = mulc(y[k], w->d2[k]);
        a->p2[k] += across(g[from], sub(a2[from], along(s1, w->r1[from])));
    }
    const cvec q1 = dot(g, w->r1, n), q1x = scaled(q1, 2);
    for (int k = 0; k < n; k++) {
        a->r1[k] = add(a->r1[k], add(conj_times(s[0], g[k]), conj_times(q1, a2[k])));
        g[k] = sub(g[k], along(q1x, w->r1[k]));
    }
    fourier_adjoint(g, w);
    for (int k = 0; k < n; k++) g[k] = mulc(g[k], w->d1[k]);
}

/* One group of rows backward: dhs, du (T, B, 2N), h0, dh0 (B, 2N), z as forward_group left it. */
static void backward_group(const weights *w, int steps, int batch, int row, const cvec *z,
                           const REAL *h0, const REAL *dhs, REAL *du, REAL *dh0, cvec *scratch,
                           sums *a) {
    const int n = w->n, wide = 2 * n, rows = batch - row < LANES ? batch - row : LANES;
    const int count = wide < LANES ? wide : LANES;
    const ptrdiff_t at = (ptrdiff_t)row * wide, slab = (ptrdiff_t)batch * wide;
    cvec *g = scratch, *h = g + n, *y = h + n, *a2 = y + n, *a5 = a2 + n, s[2];
    const vec zero = {0};
    memset(g, 0, n * sizeof(cvec));
    for (int t = steps - 1; t >= 0; t--) {
        const cvec *zt = z + (ptrdiff_t)t * n;
        for (int c = 0; c < wide; c += count) {
            vec block[LANES];
            cvec *tile = (cvec *)block;
            gather(block, dhs + t * slab + at + c, wide, rows, count, -slab);
            for (int i = 0; i < count / 2; i++) {
                const int k = c / 2 + i;
                const cvec zk = zt[k], back = g[k];
                __builtin_prefetch(&zt[k - 2 * n].re);
                __builtin_prefetch(&zt[k - 2 * n].im);
                vec size;
                const vec f = gain(zk, w->bias[k], w->eps, &size);
                a->p1[k] += across(back, zk) * f;
                const cvec gh = add(back, tile[i]);
                const vec safe = pick(size >= splat(TINY), size + w->eps, splat(1));
                const vec along_z = (gh.re * zk.re + gh.im * zk.im) / safe;
                const vec live = pick(size + w->bias[k] > zero, splat(1), zero);
                a->bias[k] += live * along_z;
                const vec turn = (live - f) * along_z / pick(size > zero, size, splat(1));
                g[k] = tile[i] = (cvec){gh.re * f + turn * zk.re, gh.im * f + turn * zk.im};
            }
            scatter(block, du + t * slab + at + c, wide, rows, count);
        }
        if (t > 0) {
            const cvec *before = zt - n;
            for (int k = 0; k < n; k++) h[k] = modrelu(before[k], w->bias[k], w->eps);
        } else
            for (int c = 0; c < wide; c += count) gather((vec *)h + c, h0 + at + c, wide, rows, count, 0);
        forward_map(h, y, w, a2, a5, s);
        adjoint_map(g, y, w, a2, a5, s, a);
    }
    for (int c = 0; c < wide; c += count) {
        gather((vec *)h + c, h0 + at + c, wide, rows, count, 0);
        for (int k = c / 2; k < (c + count) / 2; k++) a->p1[k] += across(g[k], h[k]);
        scatter((vec *)g + c, dh0 + at + c, wide, rows, count);
    }
}

void urnn_forward(const weights *w, int steps, int batch, int first, int last, const REAL *u,
                  const REAL *h0, REAL *hs, vec *z, vec *scratch) {
    cvec *h = (cvec *)scratch;
    for (int group = first; group < last; group++) {
        cvec *mine = z ? (cvec *)z + (ptrdiff_t)group * steps * w->n : NULL;
        forward_group(w, steps, batch, group * LANES, u, h0, hs, mine, h, h + w->n);
    }
}

/* totals has 8 N numbers for each group: p1, p2, p3, bias, then r1 and r2 as pairs. */
void urnn_backward(const weights *w, int steps, int batch, int first, int last, const vec *z,
                   const REAL *h0, const REAL *dhs, REAL *du, REAL *dh0, REAL *totals,
                   vec *scratch) {
    const int n = w->n;
    vec *p = scratch + 10 * n;
    for (int group = first; group < last; group++) {
        sums a = {p, p + n, p + 2 * n, p + 3 * n, (cvec *)(p + 4 * n), (cvec *)(p + 6 * n)};
        memset(p, 0, 8 * n * sizeof(vec));
        backward_group(w, steps, batch, group * LANES, (const cvec *)z + (ptrdiff_t)group * steps * n,
                       h0, dhs, du, dh0, (cvec *)scratch, &a);
        for (int i = 0; i < 8 * n; i++) {
            REAL total = 0;
            for (int l = 0; l < LANES; l++) total += p[i][l];
            totals[(ptrdiff_t)group * 8 * n + i] = total;
        }
    }
}
