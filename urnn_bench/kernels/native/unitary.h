/* The uRNN's map W = D3 R2 F^-1 D2 P R1 F D1 and its adjoint, with the gradients of its factors; and
   modReLU with its derivative (Arjovsky, Shah and Bengio 2016, arXiv:1511.06464, equations 6 and 8).

   Between F and F^-1 units are in digit-reversed order, which is folded into P; 1/N is folded into
   D2. A mirror I - 2 v v* needs the dot product v* z of all units before it can change one, so the
   pass that writes z sums it, and the pass that reads z next reflects: no diagonal, mirror or
   permutation costs a pass over memory of its own.

   For a phase d = e^{i theta} and the cotangent g of d a, dC/dtheta is Im(g conj(d a)), which is
   summed here; Python turns it into the gradient of d. */

#ifndef URNN_BENCH_UNITARY_H
#define URNN_BENCH_UNITARY_H

#include "fourier.h"

/* What W is made of: D1 and D3 in natural order; R1, D2/N in digit-reversed order; the place from
   which each place of F^-1's input comes; modReLU's bias and eps. */
typedef struct {
    const cnum *d1, *d2, *d3, *r1, *r2, *twiddle;
    const int *source, *radix;
    const REAL *bias;
    REAL eps;
    int n, passes;
} weights;

/* Sums over the batch and over time, lane by lane. */
typedef struct {
    vec *p1, *p2, *p3, *bias;
    cvec *r1, *r2;
    vec *v;
} sums;

static inline cvec times(cvec a, cvec b) {
    return (cvec){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline cvec timesc(cvec a, cvec b) { return times((cvec){a.re, -a.im}, b); } /* conj(a) b */
static inline vec across(cvec a, cvec b) { return a.im * b.re - a.re * b.im; } /* Im(a conj(b)) */

/* What the passes of a transform read and write, besides the units between them: the mirrors'
   inputs and twice their products with the mirrors, the same for the cotangent, and the dot product
   that the last pass sums. */
typedef struct {
    cvec *between;
    const weights *w;
    const cvec *from;
    cvec *first, *second, *to;
    cvec seen1, seen2, twice, dot;
    sums *a;
} job;

ALWAYS cvec read_state(void *v, int k) { /* D1 h */
    const job *j = v;
    return mul(j->from[k], j->w->d1[k]);
}
ALWAYS void write_first(void *v, int k, cvec a) { /* and its product with R1's vector */
    job *j = v;
    j->first[k] = a;
    j->dot = add(j->dot, mulc(a, j->w->r1[k]));
}
ALWAYS cvec read_first(void *v, int k) { /* D2 P R1 of it */
    const job *j = v;
    const int from = j->w->source[k];
    return mul(sub(j->first[from], mul(j->seen1, j->w->r1[from])), j->w->d2[k]);
}
ALWAYS void write_second(void *v, int k, cvec a) { /* and its product with R2's vector */
    job *j = v;
    j->second[k] = a;
    j->dot = add(j->dot, mulc(a, j->w->r2[k]));
}

/* x = F D1 h and y = F^-1 D2 P R1 x, which the mirrors see, and twice their products r* with them. */
static void forward_map(const transform *f, const weights *w, const cvec *h, cvec *x, cvec *y,
                        cvec seen[2]) {
    const cvec zero = {splat(0), splat(0)};
    job one = {.between = x, .w = w, .from = h, .first = x, .dot = zero};
    fourier(f, read_state, write_first, &one);
    seen[0] = scaled(one.dot, 2);
    job two = {.between = y, .w = w, .first = x, .second = y, .seen1 = seen[0], .dot = zero};
    fourier_adjoint(f, read_first, write_second, &two);
    seen[1] = scaled(two.dot, 2);
}

ALWAYS cvec read_cotangent(void *v, int k) { /* R2 e, and R2's gradient */
    job *j = v;
    const cvec e = j->between[k];
    j->a->r2[k] = add(j->a->r2[k], add(timesc(j->seen2, e), timesc(j->twice, j->second[k])));
    return sub(e, mul(j->twice, j->w->r2[k]));
}
ALWAYS void write_between(void *v, int k, cvec a) { /* P* D2* of it, D2's gradient */
    job *j = v;
    const int to = j->w->source[k];
    const cvec g = mulc(a, j->w->d2[k]);
    j->to[to] = g;
    j->a->p2[k] += across(g, sub(j->first[to], mul(j->seen1, j->w->r1[to])));
    j->dot = add(j->dot, mulc(g, j->w->r1[to]));
}
ALWAYS cvec read_between(void *v, int k) { /* R1 of it, and R1's gradient */
    job *j = v;
    const cvec g = j->between[k];
    j->a->r1[k] = add(j->a->r1[k], add(timesc(j->seen1, g), timesc(j->twice, j->first[k])));
    return sub(g, mul(j->twice, j->w->r1[k]));
}
ALWAYS void write_state(void *v, int k, cvec a) { /* D1* of it */
    const job *j = v;
    j->to[k] = mulc(a, j->w->d1[k]);
}

/* W* of a cotangent g, which holds e = D3* g already and `dot` r2* e; what forward_map left gives
   the gradients. b is room. */
static void adjoint_map(const transform *f, const weights *w, cvec *x, cvec *y,
                        const cvec seen[2], cvec dot, cvec *g, cvec *b, sums *a) {
    const cvec zero = {splat(0), splat(0)};
    job one = {.between = g, .w = w, .first = x, .second = y, .to = b, .seen1 = seen[0],
               .seen2 = seen[1], .twice = scaled(dot, 2), .dot = zero, .a = a};
    fourier(f, read_cotangent, write_between, &one);
    job two = {.between = b, .w = w, .first = x, .to = g, .seen1 = seen[0],
               .twice = scaled(one.dot, 2), .a = a};
    fourier_adjoint(f, read_between, write_state, &two);
}

/* Where |z|^2 is below the smallest normal number (|z| < 1e-19 in float), |z| counts as 0, as below
   least_size in kernels/unitary.py. A |z|^2 that overflows makes h NaN, which is not hidden. */
#define TINY (REAL_BYTES == 4 ? (REAL)FLT_MIN : (REAL)DBL_MIN)

/* modReLU at z: h = f z, and what its derivative needs. */
typedef struct { vec f, up, inverse, inverse_size; } gain;

ALWAYS gain gain_at(cvec z, REAL bias, REAL eps) {
    const vec zero = {0}, one = splat(1), m2 = z.re * z.re + z.im * z.im;
    const mask tiny = m2 < splat(TINY); /* false for NaN, which so stays NaN below */
    gain g;
    g.inverse_size = inverse_root(pick(tiny, splat(TINY), m2));
    const vec size = pick(tiny, zero, m2 * g.inverse_size);
    /* the paper's modReLU (eps = 0) takes no quotient */
    g.inverse = eps == 0 ? g.inverse_size : one / (size + eps);
    g.inverse = pick(tiny, one, g.inverse);
    g.inverse_size = pick(tiny, one, g.inverse_size);
    g.up = size + bias;
    g.f = pick(g.up <= zero, zero, g.up) * g.inverse; /* so written that NaN stays NaN */
    return g;
}

/* The cotangent of z from that of h; the bias's gradient is added up. */
ALWAYS cvec gain_back(const gain *g, cvec z, cvec dh, vec *bias) {
    const vec along = (dh.re * z.re + dh.im * z.im) * g->inverse;
    /* h = f z with f = (|z| + b) / (|z| + eps): df/d|z| = (1 - f) / (|z| + eps) where it is live */
    const vec live = pick(g->up <= splat(0), splat(0), splat(1));
    *bias += live * along;
    const vec turn = (live - g->f) * along * g->inverse_size;
    return (cvec){dh.re * g->f + turn * z.re, dh.im * g->f + turn * z.im};
}

#endif
