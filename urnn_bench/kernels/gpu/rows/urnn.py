"""The uRNN's time loop in Triton: one program a sequence, forward and backward, h in registers.

A stack of models is only more programs: each reads the factors of its own model.

Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, equations 6 and 8.
Programs never wait for each other, and each sums the gradients of its own sequence in the order of
time, so that results do not depend on timing. All arithmetic is IEEE in the precision of the data;
no product goes to tensor cores. Of a step only h is stored: the backward kernel applies W to
h_{t-1} again, as ``native/urnn.c`` does. A |z| whose square underflows, below 1e-19 in single
precision, counts as zero.

M models, T steps, B batch, N hidden width (complex), a power of two. The factors of a model lie as
d1, d2 / N, d3, r1, r2, (5, N) complex; ``scalars`` are modReLU's eps and its least |z|.
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
def _gain(
    size: tl.tensor, bias: tl.tensor, eps: tl.tensor, least: tl.tensor
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Return modReLU's gain max(|z| + b, 0)/(|z| + eps) and its derivatives by |z| and by b."""
    sized = size >= least
    # size * 0 and not 0: a constant has single precision, and NaN must stay NaN
    size = tl.where(sized, size, size * 0)
    safe = tl.where(sized, size + eps, size * 0 + 1)
    above = size + bias
    gain = quotient(tl.where(above > 0, above, size * 0), safe)
    inverse = quotient(size * 0 + 1, safe)
    on = tl.where(above > 0, inverse, 0)
    return gain, tl.where(sized, on - gain * inverse, 0), on


@triton.jit
def _load_factors(factors: tl.tensor, model: tl.tensor, N: tl.constexpr) -> tuple[tl.tensor, ...]:
    """Return real and imaginary parts of a model's d1, d2 / N, d3, r1 and r2."""
    first = model * 5 * N
    d1r, d1i = load_row(factors, first, N)
    d2r, d2i = load_row(factors, first + N, N)
    d3r, d3i = load_row(factors, first + 2 * N, N)
    r1r, r1i = load_row(factors, first + 3 * N, N)
    r2r, r2i = load_row(factors, first + 4 * N, N)
    return d1r, d1i, d2r, d2i, d3r, d3i, r1r, r1i, r2r, r2i


@triton.jit
def _apply(
    hr: tl.tensor,
    hi: tl.tensor,
    d1r: tl.tensor,
    d1i: tl.tensor,
    d2r: tl.tensor,
    d2i: tl.tensor,
    d3r: tl.tensor,
    d3i: tl.tensor,
    r1r: tl.tensor,
    r1i: tl.tensor,
    r2r: tl.tensor,
    r2i: tl.tensor,
    source: tl.tensor,
    twiddle: tl.tensor,
    N: tl.constexpr,
    LOG: tl.constexpr,
) -> tuple[tl.tensor, ...]:
    """Return D1 h, what R1 sees and its v* z, D2's product, the same two of R2, and W h.

    The forward kernel uses the last alone; the compiler drops what is not used.
    """
    ar, ai = times(d1r, d1i, hr, hi)
    br, bi = transform(ar, ai, twiddle, 1, N, LOG)
    zr, zi, s1r, s1i = reflect(br, bi, r1r, r1i)
    zr, zi = gather(zr, zi, source)
    cr, ci = times(d2r, d2i, zr, zi)
    er, ei = transform(cr, ci, twiddle, -1, N, LOG)
    zr, zi, s2r, s2i = reflect(er, ei, r2r, r2i)
    wr, wi = times(d3r, d3i, zr, zi)
    return ar, ai, br, bi, s1r, s1i, cr, ci, er, ei, s2r, s2i, wr, wi


@triton.jit(do_not_specialize=["steps", "batch"])
def forward(
    u: tl.tensor,
    h0: tl.tensor,
    hs: tl.tensor,
    factors: tl.tensor,
    bias: tl.tensor,
    order: tl.tensor,
    twiddle: tl.tensor,
    scalars: tl.tensor,
    steps: tl.tensor,
    batch: tl.tensor,
    N: tl.constexpr,
    LOG: tl.constexpr,
) -> None:
    """Write hs (M, T, B, N) of u (M, T, B, N) and h0 (M, B, N)."""
    # 64 bits: M T B N may be more than 2³¹
    program = tl.program_id(0).to(tl.int64)
    model, row = program // batch, program % batch
    at = (model * steps * batch + row) * N
    d1r, d1i, d2r, d2i, d3r, d3i, r1r, r1i, r2r, r2i = _load_factors(factors, model, N)
    unit = model * N + tl.arange(0, N)
    b, source = tl.load(bias + unit), tl.load(order + unit)
    eps, least = tl.load(scalars), tl.load(scalars + 1)
    hr, hi = load_row(h0, program * N, N)
    for _ in range(steps):
        ur, ui = load_row(u, at, N)
        _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, zr, zi = _apply(
            hr, hi, d1r, d1i, d2r, d2i, d3r, d3i, r1r, r1i, r2r, r2i, source, twiddle, N, LOG
        )
        zr += ur
        zi += ui
        gain, _1, _2 = _gain(root(zr * zr + zi * zi), b, eps, least)
        hr, hi = zr * gain, zi * gain
        store_row(hs, at, hr, hi, N)
        at += batch * N


@triton.jit(do_not_specialize=["steps", "batch"])
def backward(
    u: tl.tensor,
    h0: tl.tensor,
    hs: tl.tensor,
    factors: tl.tensor,
    bias: tl.tensor,
    order: tl.tensor,
    place: tl.tensor,
    twiddle: tl.tensor,
    scalars: tl.tensor,
    dhs: tl.tensor,
    dlast: tl.tensor,
    du: tl.tensor,
    dh0: tl.tensor,
    totals: tl.tensor,
    steps: tl.tensor,
    batch: tl.tensor,
    EVERY: tl.constexpr,
    N: tl.constexpr,
    LOG: tl.constexpr,
) -> None:
    """Write du (M, T, B, N), dh0 (M, B, N) and each sequence's sums (M, B, 8, N).

    ``dhs`` is read only if every h has a gradient (EVERY). The sums are dC/dθ of the three
    diagonals e^{iθ} (d2's without its 1/N), dC/db, and both mirrors' gradients, real and imaginary.
    """
    program = tl.program_id(0).to(tl.int64)
    model, row = program // batch, program % batch
    d1r, d1i, d2r, d2i, d3r, d3i, r1r, r1i, r2r, r2i = _load_factors(factors, model, N)
    unit = model * N + tl.arange(0, N)
    b, source, target = tl.load(bias + unit), tl.load(order + unit), tl.load(place + unit)
    eps, least = tl.load(scalars), tl.load(scalars + 1)
    # zeros of the data's precision
    p1, p2, p3, db = b * 0, b * 0, b * 0, b * 0
    m1r, m1i, m2r, m2i = b * 0, b * 0, b * 0, b * 0
    gr, gi = load_row(dlast, program * N, N)
    for back in range(steps):
        t = steps - 1 - back
        at = ((model * steps + t) * batch + row) * N
        before = hs + 2 * (at - batch * N)
        start = h0 + 2 * program * N
        # one load from a chosen address, so that the loop has no branch
        hr, hi = load_row(tl.where(t > 0, before, start), 0, N)
        ur, ui = load_row(u, at, N)
        if EVERY:
            er, ei = load_row(dhs, at, N)
            gr += er
            gi += ei
        a0r, a0i, a1r, a1i, s1r, s1i, a4r, a4i, a5r, a5i, s2r, s2i, a7r, a7i = _apply(
            hr, hi, d1r, d1i, d2r, d2i, d3r, d3i, r1r, r1i, r2r, r2i, source, twiddle, N, LOG
        )
        gr, gi, by_bias = _modrelu_back(a7r + ur, a7i + ui, gr, gi, b, eps, least)
        db += by_bias
        store_row(du, at, gr, gi, N)
        # the factors, from the last to the first; for a diagonal z = d a, dC/dθ is Im(z* g)
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
    store_row(dh0, program * N, gr, gi, N)
    _store_totals(totals + program * 8 * N, p1, p2, p3, db, m1r, m1i, m2r, m2i, N)


@triton.jit
def _modrelu_back(
    zr: tl.tensor,
    zi: tl.tensor,
    gr: tl.tensor,
    gi: tl.tensor,
    bias: tl.tensor,
    eps: tl.tensor,
    least: tl.tensor,
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Return the gradient of z from that of h = z gain(|z|), and that of the bias.

    Only the part of g along z changes |z|: its derivative adds a multiple of z.
    """
    size = root(zr * zr + zi * zi)
    gain, by_size, by_bias = _gain(size, bias, eps, least)
    along = zr * gr + zi * gi
    radial = quotient(along * by_size, tl.where(size > 0, size, size * 0 + 1))
    return gain * gr + radial * zr, gain * gi + radial * zi, along * by_bias


@triton.jit
def _mirror(
    mr: tl.tensor,
    mi: tl.tensor,
    sr: tl.tensor,
    si: tl.tensor,
    gr: tl.tensor,
    gi: tl.tensor,
    qr: tl.tensor,
    qi: tl.tensor,
    zr: tl.tensor,
    zi: tl.tensor,
) -> tuple[tl.tensor, tl.tensor]:
    """Add the gradient of v in z - 2 v s, s = v* z: -2 (s* g + q* z) with q = v* g."""
    ar, ai = conj_times(sr, si, gr, gi)
    br, bi = conj_times(qr, qi, zr, zi)
    return mr - 2 * (ar + br), mi - 2 * (ai + bi)


@triton.jit
def _store_totals(
    totals: tl.tensor,
    p1: tl.tensor,
    p2: tl.tensor,
    p3: tl.tensor,
    db: tl.tensor,
    m1r: tl.tensor,
    m1i: tl.tensor,
    m2r: tl.tensor,
    m2i: tl.tensor,
    N: tl.constexpr,
) -> None:
    """Write a sequence's sums: three diagonals, the bias, two mirrors as pairs (8, N)."""
    total = totals + tl.arange(0, N)
    tl.store(total, p1)
    tl.store(total + N, p2)
    tl.store(total + 2 * N, p3)
    tl.store(total + 3 * N, db)
    store_row(totals + 4 * N, 0, m1r, m1i, N)
    store_row(totals + 6 * N, 0, m2r, m2i, N)
