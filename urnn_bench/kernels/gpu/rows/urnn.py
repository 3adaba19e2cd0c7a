"""The uRNN's time loop in Triton: one program a sequence, forward and backward, h in registers.

Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, equations 6 and 8.
Programs never wait for each other, and each sums the gradients of its own sequence in the order of
time, so that results do not depend on timing. All arithmetic is IEEE in the precision of the data;
no product goes to tensor cores. A |z| whose square underflows, below 1e-19 in single precision,
counts as zero.

T steps, B batch, N hidden width (complex), a power of two. The factors lie as d1, d2 / N, d3, r1,
r2, (5, N) complex; ``scalars`` are modReLU's eps and the smallest normal number.
"""

import triton
import triton.language as tl

from urnn_bench.kernels.gpu.rows.numbers import (
    conj_times,
    gather,
    load_row,
    quotient,
    reflect,
    root,
    store_row,
    times,
    transform,
)


@triton.jit
def _gain(size, bias, eps, tiny):
    """Return modReLU's gain max(|z| + b, 0)/(|z| + eps) and its derivatives by |z| and by b."""
    sized = size >= tiny
    safe = tl.where(sized, size + eps, size * 0 + 1)
    above = size + bias
    gain = quotient(tl.where(above > 0, above, size * 0), safe)
    inverse = quotient(size * 0 + 1, safe)
    on = tl.where(above > 0, inverse, 0)
    return gain, on - tl.where(sized, gain * inverse, 0), on


@triton.jit(do_not_specialize=["steps", "batch"])
def forward(
    u,
    h0,
    hs,
    factors,
    bias,
    order,
    twiddle,
    scalars,
    steps,
    batch,
    N: tl.constexpr,
    LOG: tl.constexpr,
):
    """Write hs (T, B, N) of u (T, B, N) and h0 (B, N)."""
    row = tl.program_id(0).to(tl.int64)
    at = row * N
    d1r, d1i = load_row(factors, 0, N)
    d2r, d2i = load_row(factors, N, N)
    d3r, d3i = load_row(factors, 2 * N, N)
    r1r, r1i = load_row(factors, 3 * N, N)
    r2r, r2i = load_row(factors, 4 * N, N)
    place = tl.arange(0, N)
    b, source = tl.load(bias + place), tl.load(order + place)
    eps, tiny = tl.load(scalars), tl.load(scalars + 1)
    hr, hi = load_row(h0, at, N)
    for _ in range(steps):
        ur, ui = load_row(u, at, N)
        zr, zi = times(d1r, d1i, hr, hi)
        zr, zi = transform(zr, zi, twiddle, 1, N, LOG)
        zr, zi, _1, _2 = reflect(zr, zi, r1r, r1i)
        zr, zi = gather(zr, zi, source)
        zr, zi = times(d2r, d2i, zr, zi)
        zr, zi = transform(zr, zi, twiddle, -1, N, LOG)
        zr, zi, _1, _2 = reflect(zr, zi, r2r, r2i)
        zr, zi = times(d3r, d3i, zr, zi)
        zr += ur
        zi += ui
        gain, _1, _2 = _gain(root(zr * zr + zi * zi), b, eps, tiny)
        hr, hi = zr * gain, zi * gain
        store_row(hs, at, hr, hi, N)
        at += batch * N


@triton.jit(do_not_specialize=["steps", "batch"])
def backward(
    u,
    h0,
    hs,
    factors,
    bias,
    order,
    place,
    twiddle,
    scalars,
    dhs,
    dlast,
    du,
    dh0,
    totals,
    steps,
    batch,
    EVERY: tl.constexpr,
    N: tl.constexpr,
    LOG: tl.constexpr,
):
    """Write du (T, B, N), dh0 (B, N) and each sequence's sums (B, 8, N).

    ``dhs`` is looked at if every h has a gradient (EVERY). The sums are dC/dθ of the three
    diagonals e^{iθ} (d2's without its 1/N), dC/db, and both mirrors' gradients, real and imaginary.
    """
    row = tl.program_id(0).to(tl.int64)
    d1r, d1i = load_row(factors, 0, N)
    d2r, d2i = load_row(factors, N, N)
    d3r, d3i = load_row(factors, 2 * N, N)
    r1r, r1i = load_row(factors, 3 * N, N)
    r2r, r2i = load_row(factors, 4 * N, N)
    i = tl.arange(0, N)
    b, source, target = tl.load(bias + i), tl.load(order + i), tl.load(place + i)
    eps, tiny = tl.load(scalars), tl.load(scalars + 1)
    p1, p2, p3, db = b * 0, b * 0, b * 0, b * 0
    m1r, m1i, m2r, m2i = b * 0, b * 0, b * 0, b * 0
    gr, gi = load_row(dlast, row * N, N)
    for back in range(steps):
        t = steps - 1 - back
        at = (t.to(tl.int64) * batch + row) * N
        before = hs + 2 * (at - batch * N)
        start = h0 + 2 * row * N
        hr, hi = load_row(tl.where(t > 0, before, start), 0, N)
        ur, ui = load_row(u, at, N)
        if EVERY:
            er, ei = load_row(dhs, at, N)
            gr += er
            gi += ei
        # W h_{t-1} again, factor by factor
        a0r, a0i = times(d1r, d1i, hr, hi)
        a1r, a1i = transform(a0r, a0i, twiddle, 1, N, LOG)
        zr, zi, s1r, s1i = reflect(a1r, a1i, r1r, r1i)
        zr, zi = gather(zr, zi, source)
        a4r, a4i = times(d2r, d2i, zr, zi)
        a5r, a5i = transform(a4r, a4i, twiddle, -1, N, LOG)
        zr, zi, s2r, s2i = reflect(a5r, a5i, r2r, r2i)
        a7r, a7i = times(d3r, d3i, zr, zi)
        zr, zi = a7r + ur, a7i + ui
        # modReLU
        size = root(zr * zr + zi * zi)
        gain, by_size, by_bias = _gain(size, b, eps, tiny)
        along = zr * gr + zi * gi
        db += along * by_bias
        radial = quotient(along * by_size, tl.where(size > 0, size, size * 0 + 1))
        gr, gi = gain * gr + radial * zr, gain * gi + radial * zi
        store_row(du, at, gr, gi, N)
        # the factors, from the last to the first
        p3 += a7r * gi - a7i * gr
        gr, gi = conj_times(d3r, d3i, gr, gi)
        wr, wi, qr, qi = reflect(gr, gi, r2r, r2i)
        m2r, m2i = _mirror(m2r, m2i, s2r, s2i, gr, gi, qr, qi, a5r, a5i)
        gr, gi = transform(wr, wi, twiddle, 1, N, LOG)
        p2 += a4r * gi - a4i * gr
        gr, gi = conj_times(d2r, d2i, gr, gi)
        gr, gi = gather(gr, gi, target)
        wr, wi, qr, qi = reflect(gr, gi, r1r, r1i)
        m1r, m1i = _mirror(m1r, m1i, s1r, s1i, gr, gi, qr, qi, a1r, a1i)
        gr, gi = transform(wr, wi, twiddle, -1, N, LOG)
        p1 += a0r * gi - a0i * gr
        gr, gi = conj_times(d1r, d1i, gr, gi)
    store_row(dh0, row * N, gr, gi, N)
    total = totals + row * 8 * N + i
    tl.store(total, p1)
    tl.store(total + N, p2)
    tl.store(total + 2 * N, p3)
    tl.store(total + 3 * N, db)
    store_row(totals + row * 8 * N + 4 * N, 0, m1r, m1i, N)
    store_row(totals + row * 8 * N + 6 * N, 0, m2r, m2i, N)


@triton.jit
def _mirror(mr, mi, sr, si, gr, gi, qr, qi, zr, zi):
    """Add the gradient of v in z - 2 v s, s = v* z: -2 (s* g + q* z) with q = v* g."""
    ar, ai = conj_times(sr, si, gr, gi)
    br, bi = conj_times(qr, qi, zr, zi)
    return mr - 2 * (ar + br), mi - 2 * (ai + bi)
