/* tanh and the sigmoid of vectors, exact to rounding, and NaN for NaN.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. */

#ifndef URNN_BENCH_FUNCTIONS_H
#define URNN_BENCH_FUNCTIONS_H

#include "lanes.h"

/* The nearest whole number, for |x| < 2^22: added to 1.5 2^23 (in double 1.5 2^52) a number has no
   bits left for a fraction. -ffast-math would remove this, and is not used. */
static inline vec whole(vec x) {
    const REAL magic = REAL_BYTES == 4 ? (REAL)12582912.0 : (REAL)6755399441055744.0;
    return (x + magic) - magic;
}

/* 2^n for a whole n whose result is a normal number: n goes into the bits of the exponent. */
static inline vec power_of_two(vec n) {
#if REAL_BYTES == 4
    return (vec)((__builtin_convertvector(n, mask) + 127) << 23);
#else
    return (vec)((__builtin_convertvector(n, mask) + 1023) << 52);
#endif
}

/* e^x - 1 for |x| <= 40, exact to rounding relative to its own size, near 0 too.

   x = n ln 2 + r with |r| <= ln(2) / 2, ln 2 in two parts so that n times the first is exact (Cody
   and Waite 1980); Taylor's polynomial of e^r - 1, of degree 8 or 14; then 2^n (e^r - 1) + 2^n - 1,
   in which nothing cancels for n = 0. */
static inline vec expm1_(vec x) {
    const REAL high = REAL_BYTES == 4 ? (REAL)0.693145751953125 : (REAL)0.6931471803691238;
    const REAL low = REAL_BYTES == 4 ? (REAL)1.42860682030941723212e-6
                                     : (REAL)1.90821492927058770002e-10;
    const vec n = whole(x * (REAL)1.44269504088896340736), r = (x - n * high) - n * low;
    vec p = splat(0);
    for (int k = REAL_BYTES == 4 ? 8 : 14; k > 1; k--) p = (p + (REAL)1) * r * ((REAL)1 / k);
    p = (p + (REAL)1) * r; /* r + r^2/2! + ... */
    const vec scale = power_of_two(n);
    return scale * p + (scale - (REAL)1);
}

/* In this order of comparisons NaN passes. */
static inline vec clamped(vec x, REAL most) {
    x = pick(x > splat(most), splat(most), x);
    return pick(x < splat(-most), splat(-most), x);
}

/* By e^2x - 1 and not e^2x, which would lose the digits of a small x. Beyond |x| = 20 it is 1 to
   rounding, and 2^n would leave the range of float. */
static inline vec tanh_(vec x) {
    const vec e = expm1_(clamped(2 * x, 40));
    return e / (e + (REAL)2);
}

static inline vec sigmoid_(vec x) { return (REAL)0.5 + (REAL)0.5 * tanh_((REAL)0.5 * x); }

#endif
