/* Complex numbers in the lanes of vectors, and their Fourier transform along the units.

   The transform F is unscaled and decimated in frequency by the radices that it is given: it takes
   natural order to the digit-reversed order of those radices. Its adjoint goes the same way back,
   so no pass puts units in order: what acts between the two is permuted once, in Python. Radices 4
   and 8 are written out; any other is a small sum of products (Van Loan 1992, "Computational Frameworks
   for the Fast Fourier Transform", chapter 2). What stands before and after a transform is done
   while its first pass reads and its last pass writes. */

#ifndef URNN_BENCH_FOURIER_H
#define URNN_BENCH_FOURIER_H

#include "lanes.h"

typedef struct { vec re, im; } cvec;
typedef struct { REAL re, im; } cnum;

static inline cvec add(cvec a, cvec b) { return (cvec){a.re + b.re, a.im + b.im}; }
static inline cvec sub(cvec a, cvec b) { return (cvec){a.re - b.re, a.im - b.im}; }
static inline cvec scaled(cvec a, REAL c) { return (cvec){a.re * c, a.im * c}; }
static inline cvec rot(cvec a) { return (cvec){a.im, -a.re}; } /* -i a */
static inline cvec swapped(cvec a) { return (cvec){a.im, a.re}; }
static inline cvec mul(cvec a, cnum w) {
    return (cvec){a.re * w.re - a.im * w.im, a.im * w.re + a.re * w.im};
}
static inline cvec mulc(cvec a, cnum w) { /* a conj(w) */
    return (cvec){a.re * w.re + a.im * w.im, a.im * w.re - a.re * w.im};
}

/* How a pass reads and writes unit k; `job` is the caller's own. All that takes them is inlined, so
   no pointer is called: what stands before a transform costs no pass over memory of its own. */
typedef cvec (*reader)(void *job, int k);
typedef void (*writer)(void *job, int k, cvec a);

/* n units; the radices, whose product is n; e^{-2 pi i k / n}; room for the largest radix, twice. */
typedef struct {
    int n, passes;
    const int *radix;
    const cnum *twiddle;
    cvec *spare;
} transform;

ALWAYS void dft4(cvec *a) {
    const cvec s = add(a[0], a[2]), d = sub(a[0], a[2]);
    const cvec p = add(a[1], a[3]), q = rot(sub(a[1], a[3]));
    a[0] = add(s, p);
    a[1] = add(d, q);
    a[2] = sub(s, p);
    a[3] = sub(d, q);
}

ALWAYS void dft8(cvec *a) {
    const REAL c = (REAL)0.70710678118654752440;
    cvec even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
    dft4(even);
    dft4(odd);
    odd[1] = scaled(add(odd[1], rot(odd[1])), c); /* e^{-i pi/4} = (1 - i) c */
    odd[2] = rot(odd[2]);
    odd[3] = scaled(sub(rot(odd[3]), odd[3]), c);
    _Pragma("GCC unroll 4") for (int j = 0; j < 4; j++) {
        a[j] = add(even[j], odd[j]);
        a[j + 4] = sub(even[j], odd[j]);
    }
}

/* Any radix by its definition; `a` has room for twice as many. */
static void dft(cvec *a, int radix, const transform *f) {
    cvec *y = a + radix;
    const int stride = f->n / radix;
    for (int j = 0; j < radix; j++) {
        y[j] = a[0];
        for (int l = 1; l < radix; l++)
            y[j] = add(y[j], mul(a[l], f->twiddle[(long)j * l % radix * stride]));
    }
    memcpy(a, y, radix * sizeof(cvec));
}

ALWAYS void butterfly(cvec *a, int radix, const transform *f) {
    if (radix == 4) dft4(a);
    else if (radix == 8) dft8(a);
    else dft(a, radix, f);
}

/* One pass over blocks of m units from `first` to `last`, decimated in frequency. */
ALWAYS void pass(const transform *f, int radix, int m, int first, int last, reader in, writer out,
                 void *job) {
    const int q = m / radix, stride = f->n / m;
    /* an array of the stack whose indices are all constant, once unrolled, is registers */
    cvec local[8], *a = radix == 4 || radix == 8 ? local : f->spare;
    for (int k = 0; k < q; k++)
        for (int at = first + k; at < last; at += m) {
            _Pragma("GCC unroll 8") for (int j = 0; j < radix; j++) a[j] = in(job, at + j * q);
            butterfly(a, radix, f);
            out(job, at, a[0]);
            if (k == 0) /* every twiddle is 1 */
                _Pragma("GCC unroll 8") for (int j = 1; j < radix; j++) out(job, at + j * q, a[j]);
            else
                _Pragma("GCC unroll 8") for (int j = 1; j < radix; j++)
                    out(job, at + j * q, mul(a[j], f->twiddle[j * k * stride]));
        }
}

/* Its adjoint, decimated in time. Exchanging real and imaginary parts before and after a transform
   conjugates it (up to i, which cancels), so the same butterflies serve both ways. */
ALWAYS void pass_back(const transform *f, int radix, int m, int first, int last, reader in,
                      writer out, void *job) {
    const int q = m / radix, stride = f->n / m;
    cvec local[8], *a = radix == 4 || radix == 8 ? local : f->spare;
    for (int k = 0; k < q; k++)
        for (int at = first + k; at < last; at += m) {
            a[0] = swapped(in(job, at));
            if (k == 0)
                _Pragma("GCC unroll 8") for (int j = 1; j < radix; j++)
                    a[j] = swapped(in(job, at + j * q));
            else
                _Pragma("GCC unroll 8") for (int j = 1; j < radix; j++)
                    a[j] = swapped(mulc(in(job, at + j * q), f->twiddle[j * k * stride]));
            butterfly(a, radix, f);
            _Pragma("GCC unroll 8") for (int j = 0; j < radix; j++)
                out(job, at + j * q, swapped(a[j]));
        }
}

/* Between passes the units stand where the job's first member points. */
ALWAYS cvec kept(void *job, int k) { return (*(cvec **)job)[k]; }
ALWAYS void keep(void *job, int k, cvec a) { (*(cvec **)job)[k] = a; }

/* The radix as a constant, so that each pass is compiled, unrolled, for the two common ones. */
#define BY_RADIX(PASS, M, FIRST, LAST, IN, OUT)                   \
    if (radix == 4) PASS(f, 4, M, FIRST, LAST, IN, OUT, job);      \
    else if (radix == 8) PASS(f, 8, M, FIRST, LAST, IN, OUT, job); \
    else PASS(f, radix, M, FIRST, LAST, IN, OUT, job)

/* The passes between the first and the last for one block of units. They take x alone: a job whose
   address is never given away can stay in registers. */
static void middle(const transform *f, int m, int first, int last, cvec *x) {
    cvec **job = &x;
    for (int i = 1; i < f->passes - 1; m /= f->radix[i++]) {
        const int radix = f->radix[i];
        BY_RADIX(pass, m, first, last, kept, keep);
    }
}
static void middle_back(const transform *f, int m, int first, int last, cvec *x) {
    cvec **job = &x;
    for (int i = f->passes - 2; i > 0; i--) {
        const int radix = f->radix[i];
        m *= radix;
        BY_RADIX(pass_back, m, first, last, kept, keep);
    }
}

/* F: `in` reads natural order, `out` writes digit-reversed order. After the first pass the blocks
   are independent, and each is finished while it is in the cache. */
ALWAYS void fourier(const transform *f, reader in, writer out, void *job) {
    const int n = f->n, size = n / f->radix[0], end = f->radix[f->passes - 1];
    int radix = f->radix[0];
    if (f->passes == 1) { BY_RADIX(pass, n, 0, n, in, out); return; }
    BY_RADIX(pass, n, 0, n, in, keep);
    radix = end;
    for (int at = 0; at < n; at += size) {
        middle(f, size, at, at + size, *(cvec **)job);
        BY_RADIX(pass, end, at, at + size, kept, out);
    }
}

/* F*: the same way back. */
ALWAYS void fourier_adjoint(const transform *f, reader in, writer out, void *job) {
    const int n = f->n, size = n / f->radix[0], end = f->radix[f->passes - 1];
    int radix = end;
    if (f->passes == 1) { BY_RADIX(pass_back, n, 0, n, in, out); return; }
    for (int at = 0; at < n; at += size) {
        BY_RADIX(pass_back, end, at, at + size, in, keep);
        middle_back(f, end, at, at + size, *(cvec **)job);
    }
    radix = f->radix[0];
    BY_RADIX(pass_back, n, 0, n, kept, out);
}

#endif
