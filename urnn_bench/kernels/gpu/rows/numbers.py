"""Functions of one row of complex numbers, for kernels in Triton, which has no complex type.

Every row is a pair of blocks (N), real and imaginary, in the registers of one program. The Fourier
transform is Stockham's: each of its log2 N stages takes the halves of the row to their sums and
twiddled differences, interleaved, so no bits are reversed and nothing leaves the program (Van Loan
1992, "Computational Frameworks for the Fast Fourier Transform", section 1.7).
"""

import triton
import triton.language as tl


@triton.jit
def load_row(pointer, at, N: tl.constexpr):
    """Return real and imaginary parts of the row that starts at complex number ``at``."""
    pair = pointer + 2 * (at + tl.arange(0, N))
    return tl.load(pair), tl.load(pair + 1)


@triton.jit
def store_row(pointer, at, re, im, N: tl.constexpr):
    """Write the row that starts at complex number ``at``."""
    pair = pointer + 2 * (at + tl.arange(0, N))
    tl.store(pair, re)
    tl.store(pair + 1, im)


@triton.jit
def root(x):
    """Return the square root, correctly rounded; without being told, single precision is not."""
    return tl.sqrt_rn(x) if x.dtype == tl.float32 else tl.sqrt(x)


@triton.jit
def quotient(a, b):
    """Return a / b, correctly rounded; without being told, single precision is not."""
    return tl.div_rn(a, b) if a.dtype == tl.float32 else a / b


@triton.jit
def times(ar, ai, br, bi):
    """Return a b."""
    return ar * br - ai * bi, ar * bi + ai * br


@triton.jit
def conj_times(ar, ai, br, bi):
    """Return a* b."""
    return ar * br + ai * bi, ar * bi - ai * br


@triton.jit
def inner(ar, ai, br, bi):
    """Return the sum of a* b over the row."""
    re, im = conj_times(ar, ai, br, bi)
    return tl.sum(re), tl.sum(im)


@triton.jit
def reflect(zr, zi, vr, vi):
    """Return z - 2 v v* z for a unit vector v, and v* z."""
    sr, si = inner(vr, vi, zr, zi)
    tr, ti = times(vr, vi, sr, si)
    return zr - 2 * tr, zi - 2 * ti, sr, si


@triton.jit
def gather(re, im, order):
    """Return z[order]."""
    return tl.gather(re, order, 0), tl.gather(im, order, 0)


@triton.jit
def transform(re, im, twiddle, SIGN: tl.constexpr, N: tl.constexpr, LOG: tl.constexpr):
    """Return the Fourier transform without its factor; SIGN -1 is the inverse's.

    ``twiddle`` holds e^{-2πik/N} for k below N/2.
    """
    j = tl.arange(0, N // 2)
    for stage in tl.static_range(LOG):
        pair = twiddle + 2 * ((j >> stage) << stage)
        c, s = tl.load(pair), SIGN * tl.load(pair + 1)
        ar, br = _halves(re, N)
        ai, bi = _halves(im, N)
        tr, ti = times(ar - br, ai - bi, c, s)
        re = _interleaved(ar + br, tr, 1 << stage, N)
        im = _interleaved(ai + bi, ti, 1 << stage, N)
    return re, im


@triton.jit
def _halves(x, N: tl.constexpr):
    return tl.split(tl.trans(tl.reshape(x, (2, N // 2))))


@triton.jit
def _interleaved(a, b, RUN: tl.constexpr, N: tl.constexpr):
    """Return runs of ``RUN`` of a and of b in turn."""
    both = tl.reshape(tl.join(a, b), (N // 2 // RUN, RUN, 2))
    return tl.reshape(tl.permute(both, (0, 2, 1)), (N,))
