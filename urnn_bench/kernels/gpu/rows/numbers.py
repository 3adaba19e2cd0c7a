"""Functions of one row of complex numbers, for kernels in Triton, which has no complex type.

Every row is a pair of blocks (N), real and imaginary, in the registers of one program. The Fourier
transform is Stockham's: each of its log2 N stages takes the halves of the row to their sums and
twiddled differences, interleaved, so no bits are reversed and nothing leaves the program (Van Loan
1992, "Computational Frameworks for the Fast Fourier Transform", section 1.7).
"""

import triton
import triton.language as tl


@triton.jit
def load_row(pointer: tl.tensor, at: tl.tensor, N: tl.constexpr) -> tuple[tl.tensor, tl.tensor]:
    """Return real and imaginary parts of the row that starts at complex number ``at``."""
    pair = pointer + 2 * (at + tl.arange(0, N))
    return tl.load(pair), tl.load(pair + 1)


@triton.jit
def store_row(
    pointer: tl.tensor, at: tl.tensor, re: tl.tensor, im: tl.tensor, N: tl.constexpr
) -> None:
    """Write the row that starts at complex number ``at``."""
    pair = pointer + 2 * (at + tl.arange(0, N))
    tl.store(pair, re)
    tl.store(pair + 1, im)


@triton.jit
def root(x: tl.tensor) -> tl.tensor:
    """Return the square root, correctly rounded.

    In single precision ``tl.sqrt`` is an approximation; in double precision it is exact.
    """
    return tl.sqrt_rn(x) if x.dtype == tl.float32 else tl.sqrt(x)


@triton.jit
def quotient(a: tl.tensor, b: tl.tensor) -> tl.tensor:
    """Return a / b, correctly rounded.

    In single precision ``/`` is an approximation; in double precision it is exact.
    """
    return tl.div_rn(a, b) if a.dtype == tl.float32 else a / b


@triton.jit
def times(
    ar: tl.tensor, ai: tl.tensor, br: tl.tensor, bi: tl.tensor
) -> tuple[tl.tensor, tl.tensor]:
    """Return a b."""
    return ar * br - ai * bi, ar * bi + ai * br


@triton.jit
def conj_times(
    ar: tl.tensor, ai: tl.tensor, br: tl.tensor, bi: tl.tensor
) -> tuple[tl.tensor, tl.tensor]:
    """Return a* b."""
    return ar * br + ai * bi, ar * bi - ai * br


@triton.jit
def inner(
    ar: tl.tensor, ai: tl.tensor, br: tl.tensor, bi: tl.tensor
) -> tuple[tl.tensor, tl.tensor]:
    """Return the sum of a* b over the row."""
    re, im = conj_times(ar, ai, br, bi)
    return tl.sum(re), tl.sum(im)


@triton.jit
def reflect(
    zr: tl.tensor, zi: tl.tensor, vr: tl.tensor, vi: tl.tensor
) -> tuple[tl.tensor, tl.tensor, tl.tensor, tl.tensor]:
    """Return z - 2 v v* z for a unit vector v, and v* z."""
    sr, si = inner(vr, vi, zr, zi)
    tr, ti = times(vr, vi, sr, si)
    return zr - 2 * tr, zi - 2 * ti, sr, si


@triton.jit
def gather(re: tl.tensor, im: tl.tensor, order: tl.tensor) -> tuple[tl.tensor, tl.tensor]:
    """Return z[order]."""
    return tl.gather(re, order, 0), tl.gather(im, order, 0)


@triton.jit
def transform(
    re: tl.tensor,
    im: tl.tensor,
    twiddle: tl.tensor,
    SIGN: tl.constexpr,
    N: tl.constexpr,
    LOG: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor]:
    """Return the Fourier transform without its factor; SIGN -1 is the inverse's.

    ``twiddle`` holds e^{-2πik/N} for k below N/2.
    """
    # the lower bits of j are which of the transforms done so far, the upper ones its place in them
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
def _halves(x: tl.tensor, N: tl.constexpr) -> tuple[tl.tensor, tl.tensor]:
    # a reshape and a transposition are free: only the layout of registers is renamed
    first, second = tl.split(tl.trans(tl.reshape(x, (2, N // 2))))
    return first, second


@triton.jit
def _interleaved(a: tl.tensor, b: tl.tensor, RUN: tl.constexpr, N: tl.constexpr) -> tl.tensor:
    """Return runs of ``RUN`` of a and of b in turn."""
    both = tl.reshape(tl.join(a, b), (N // 2 // RUN, RUN, 2))
    return tl.reshape(tl.permute(both, (0, 2, 1)), (N,))
