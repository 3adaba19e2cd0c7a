/* The gates and states of the reciprocal gated cell at some places of its maps, forward and backward:

   c' = elu((1 - sigmoid(p)) c + (1 - sigmoid(q)) z),  h' = elu((1 - sigmoid(r)) h + (1 - sigmoid(s)) x)

   Nayebi et al. (2018), arXiv:1807.00053. [q, r] is a convolution of h and [p, s] one of c, of 2C
   channels each, z is one of x. The channels of a place are side by side in memory.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. C channels. */

#include "functions.h"
#include "panels.h"

/* What a step begins with: h, c, x and z, C numbers a place; after it h' and c'. */
typedef struct { const REAL *h, *c, *x, *z; } inputs;

/* 1 - sigmoid(a) = (1 - tanh(a / 2)) / 2, in place, whatever place or channel a number is of. */
ALWAYS void open_some(REAL *a, int count) {
    const vec v = some(a, count);
    put(a, (REAL)0.5 - (REAL)0.5 * tanh_((REAL)0.5 * v), count);
}

static void open_all(REAL *a, int count) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) open_some(a + i, LANES);
    if (i < count) open_some(a + i, count - i);
}

/* Beyond -40 it is -1 to rounding, and 2^n would leave the range of float. NaN is not above 0, and
   passes through the other side. */
static inline vec elu(vec a) { return pick(a > splat(0), a, expm1_(clamped(a, 40))); }

/* The derivative by what elu was taken of, from its result; NaN is not above 0 and stays NaN. torch
   gives 1 in some of its loops and NaN in others. */
static inline vec elu_slope(vec result) {
    return pick(result > splat(0), splat(1), result + (REAL)1);
}

/* One place: by_h holds 1 - sigmoid of [q, r], by_c that of [p, s]. */
ALWAYS void step_at(int n, const REAL *by_h, const REAL *by_c, inputs in, REAL *h_next, REAL *c_next,
                    int count) {
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec enters_c = some(by_h + k, count), keeps_h = some(by_h + n + k, count);
        const vec keeps_c = some(by_c + k, count), enters_h = some(by_c + n + k, count);
        const vec kept_h = keeps_h * some(in.h + k, count);
        const vec kept_c = keeps_c * some(in.c + k, count);
        put(h_next + k, elu(kept_h + enters_h * some(in.x + k, count)), count);
        put(c_next + k, elu(kept_c + enters_c * some(in.z + k, count)), count);
    }
}

static inline inputs moved(inputs in, ptrdiff_t by) {
    return (inputs){in.h + by, in.c + by, in.x + by, in.z + by};
}

/* Blocks first to last of `size` places each, of `places` in all. by_h and by_c are convolutions
   before and gates after. A block is small enough to be in the cache for its second loop. */
void reciprocal_forward(int n, int size, int places, int first, int last, REAL *by_h, REAL *by_c,
                        const REAL *h, const REAL *c, const REAL *x, const REAL *z, REAL *h_next,
                        REAL *c_next) {
    for (int b = first; b < last; b++) {
        const int from = b * size, to = least(places, from + size), wide = 2 * n;
        open_all(by_h + (ptrdiff_t)from * wide, (to - from) * wide);
        open_all(by_c + (ptrdiff_t)from * wide, (to - from) * wide);
        for (ptrdiff_t p = from; p < to; p++) {
            const inputs in = moved((inputs){h, c, x, z}, p * n);
            REAL *g_h = by_h + p * wide, *g_c = by_c + p * wide;
            if (n < LANES) step_at(n, g_h, g_c, in, h_next + p * n, c_next + p * n, n);
            else step_at(n, g_h, g_c, in, h_next + p * n, c_next + p * n, LANES);
        }
    }
}

/* Cotangents: of h' and c' to read; of both convolutions and of h, c, x and z by all else to
   write. */
typedef struct { const REAL *h_next, *c_next; } given;
typedef struct { REAL *by_h, *by_c, *h, *c, *x, *z; } wanted;

ALWAYS void back_at(int n, const REAL *by_h, const REAL *by_c, inputs in, given next, given d_next,
                    wanted d, int count) {
    for (int i = 0; i < n; i += LANES) {
        const int k = begin(i, n);
        const vec enters_c = some(by_h + k, count), keeps_h = some(by_h + n + k, count);
        const vec keeps_c = some(by_c + k, count), enters_h = some(by_c + n + k, count);
        const vec d_h = some(d_next.h_next + k, count) * elu_slope(some(next.h_next + k, count));
        const vec d_c = some(d_next.c_next + k, count) * elu_slope(some(next.c_next + k, count));
        /* of 1 - sigmoid(a): minus sigmoid (1 - sigmoid) */
        const vec slope_q = enters_c * (enters_c - (REAL)1), slope_r = keeps_h * (keeps_h - (REAL)1);
        const vec slope_p = keeps_c * (keeps_c - (REAL)1), slope_s = enters_h * (enters_h - (REAL)1);
        put(d.by_h + k, d_c * some(in.z + k, count) * slope_q, count);
        put(d.by_h + n + k, d_h * some(in.h + k, count) * slope_r, count);
        put(d.by_c + k, d_c * some(in.c + k, count) * slope_p, count);
        put(d.by_c + n + k, d_h * some(in.x + k, count) * slope_s, count);
        put(d.h + k, d_h * keeps_h, count);
        put(d.c + k, d_c * keeps_c, count);
        put(d.x + k, d_h * enters_h, count);
        put(d.z + k, d_c * enters_c, count);
    }
}

/* by_h and by_c hold the gates of the forward pass. */
void reciprocal_backward(int n, int size, int places, int first, int last, const REAL *by_h,
                         const REAL *by_c, const REAL *h, const REAL *c, const REAL *x,
                         const REAL *z, const REAL *h_next, const REAL *c_next,
                         const REAL *dh_next, const REAL *dc_next, REAL *d_by_h, REAL *d_by_c,
                         REAL *dh, REAL *dc, REAL *dx, REAL *dz) {
    const ptrdiff_t end = least(places, last * size);
    for (ptrdiff_t p = (ptrdiff_t)first * size; p < end; p++) {
        const ptrdiff_t at = p * n, wide = 2 * at;
        const inputs in = moved((inputs){h, c, x, z}, at);
        const given next = {h_next + at, c_next + at}, d_next = {dh_next + at, dc_next + at};
        const wanted d = {d_by_h + wide, d_by_c + wide, dh + at, dc + at, dx + at, dz + at};
        if (n < LANES) back_at(n, by_h + wide, by_c + wide, in, next, d_next, d, n);
        else back_at(n, by_h + wide, by_c + wide, in, next, d_next, d, LANES);
    }
}
