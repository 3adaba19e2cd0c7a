/* LegS alone (Gu et al. 2020, arXiv:2008.07669, theorem 2): the coefficients c of one signal, in
   O(N) a step, for LANES steps at a time.

   One step is (I - a h A) y = (I + (1 - a) h A) c + h B f, with (A c)_n = -(s_n S_n + (n + 1) c_n),
   S_n the sum of s_k c_k over k < n, B_n = s_n = sqrt(2n + 1), and h the interval over the time. The
   solve goes from n = 0 upwards with a sum of its own. Coefficient n of a step needs coefficient n
   of the step before and sums over smaller n, so lane l works on step t + l and is l coefficients
   behind: all lanes are busy but at both ends.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. T steps, N coefficients. */

#include "lanes.h"

/* 0 1 2 ... to LANES: what a vector of step l = 1, 2, ... takes of the one before, lane l of lane
   l - 1, and lane 0 of a number from outside. */
ALWAYS vec shifted(vec v, REAL first) {
    const vec a = splat(first), b = v;
#if LANES == 16
    return PICK(0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
#elif LANES == 8
    return PICK(0, 8, 9, 10, 11, 12, 13, 14);
#elif LANES == 4
    return PICK(0, 4, 5, 6);
#else
    return PICK(0, 2);
#endif
}

/* LANES steps of f and h, from c (N + LANES, zeros after N) and into it. `scale` has s_n and `count`
   n + 1, each from the last n to the first with LANES zeros before and after: what the lanes need
   lies side by side. `kept` takes the vectors of all places, N + LANES - 1 of them, if not null. */
static void block(int order, REAL alpha, vec f, vec h, const REAL *scale, const REAL *count, REAL *c,
                  vec *kept) {
    const vec implicit = h * alpha, explicit = h - implicit;
    vec y = splat(0), sum_c = splat(0), sum_y = splat(0);
    for (int i = 0; i < order + LANES - 1; i++) {
        const int from = order + LANES - 1 - i;
        const vec s = *(const loose *)(scale + from), n = *(const loose *)(count + from);
        const vec before = shifted(y, c[i]), rate = (REAL)1 / ((REAL)1 + implicit * n);
        /* what does not wait for the last y comes first */
        const vec known = h * f - explicit * sum_c - implicit * sum_y;
        y = (before * ((REAL)1 - explicit * n) + s * known) * rate;
        sum_c += s * before;
        sum_y += s * y;
        if (i >= LANES - 1) c[i - LANES + 1] = y[LANES - 1];
        if (kept) kept[i] = y;
    }
}

/* The coefficients of `count` of the last steps of a block, step by step. */
static void write_out(int order, int count, const vec *kept, REAL *hs, ptrdiff_t stride) {
    for (int l = 0; l < count; l++)
        for (int n = 0; n < order; n++) hs[l * stride + n] = kept[n + l][l];
}

/* A signal f (T), with h (T), each `stride` numbers from one step to the next; hs, c of every step,
   may be null. Where h is infinite nothing came before: c is f and zeros. */
void legs_forward(long steps, int order, double alpha, const REAL *f, const REAL *h, long stride,
                  const REAL *scale, const REAL *count, REAL *c, REAL *hs, long hs_stride,
                  vec *kept) {
    for (long t = 0; t < steps;) {
        const int first = isinf(h[t * stride]);
        const int rest = steps - t < LANES ? (int)(steps - t) : LANES;
        vec fs = splat(0), shares = splat(0);
        /* steps after the last one have h = 0, which leaves c as it is */
        for (int l = 0; l < (first ? 1 : rest); l++) fs[l] = f[(t + l) * stride];
        if (first) {
            memset(c, 0, order * sizeof(REAL));
            c[0] = fs[0];
            if (hs) memcpy(hs + t * hs_stride, c, order * sizeof(REAL));
            t++;
            continue;
        }
        for (int l = 0; l < rest; l++) shares[l] = h[(t + l) * stride];
        block(order, (REAL)alpha, fs, shares, scale, count, c, hs ? kept : 0);
        if (hs) write_out(order, rest, kept, hs + t * hs_stride, hs_stride);
        t += rest;
    }
}
