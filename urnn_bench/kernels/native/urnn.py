"""The uRNN on a CPU: ``urnn.c`` over a whole sequence, with its own backward pass.

It keeps the states that it returns and nothing else. Widths whose prime factors are small are
fast. T steps, B batch, F input features, H hidden width (complex).
"""

import ctypes
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.native import compiler, linear
from urnn_bench.kernels.native.groups import Group, groups, over
from urnn_bench.kernels.native.memory import PRECISIONS, address, aligned, dense, require
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.unitary import Factors

_SOURCE = Path(__file__).with_name("urnn.c")
_FORWARD_SCRATCH, _BACKWARD_SCRATCH, _TOTALS = 12, 22, 8  # times H
_MOST_FEATURES = 8

_POINTERS = ("d1", "d2", "d3", "r1", "r2", "twiddle", "source", "radix", "bias")


class _Drive(ctypes.Structure):
    """The input in one of three forms; see ``drive`` in ``urnn.c``."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("u", "v", "x", "token")),
        ("features", ctypes.c_int),
    )


class _Input(NamedTuple):
    """Exactly one of: u (T, B, H) complex; tokens (T, B); x (T, B, F), F small."""

    u: Tensor | None = None
    token: Tensor | None = None
    x: Tensor | None = None


class _Weights:
    """W's factors as the C code wants them; see ``weights`` in ``urnn.c``."""

    def __init__(self, w: Factors, bias: Tensor, eps: float) -> None:
        n, precision = len(bias), PRECISIONS[bias.dtype]
        radices, order, twiddle = _tables(n, precision.complex)
        self.order, self.place = order, order.argsort()
        source = self.place[w.permutation[order]].to(torch.int32)
        tensors = (
            w.d1,
            w.d2[order] / n,
            w.d3,
            w.r1[order],
            w.r2,
            twiddle,
            source,
            radices,
            bias.clone(),
        )
        # the C code reads them by address, so they must outlive it
        self.tensors = [dense(t) for t in tensors]
        addresses = [t.data_ptr() for t in self.tensors]
        self.pointer = ctypes.byref(_struct(precision.real)(*addresses, eps, n, len(radices)))


class _Recurrence(torch.autograd.Function):
    """hs (T, B, H) and the last of them, from the input, V (F, 2H), h0 (B, H) and the factors."""

    @staticmethod
    def forward(
        ctx: Any, _: Tensor | None, v: Tensor, h0: Tensor, *rest: Any
    ) -> tuple[Tensor, Tensor]:
        """Run the C code forward; the first input is there for its gradient."""
        d1, d2, d3, r1, r2, bias, permutation, eps, given, threads = rest
        w = _Weights(Factors(d1, d2, d3, r1, r2, permutation), bias, eps)
        given = _Input(*(None if t is None else dense(t) for t in given))
        # copies: an optimizer may change parameters in place before the backward pass
        v, h0 = dense(v).clone(), dense(h0)
        steps, batch = next(t for t in given if t is not None).shape[:2]
        hs = h0.new_empty(steps, batch, len(bias))

        def run(group: Group) -> None:
            scratch = aligned(_FORWARD_SCRATCH * len(bias) * group.lanes, bias.dtype)
            group.library.urnn_forward(
                w.pointer,
                _drive(given, v),
                steps,
                batch,
                group.row,
                *map(address, (h0, hs, scratch)),
            )

        those = groups(_SOURCE, batch, bias.dtype)
        over(run, those, threads)
        ctx.kept = (w, those, given.token, v, threads)
        ctx.save_for_backward(hs, h0, given.u, given.x)
        ctx.set_materialize_grads(False)
        return hs, hs[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dhs: Tensor | None, dlast: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run the C code backward and turn its sums into the factors' gradients."""
        (hs, h0, u, x), (w, those, token, v, threads) = ctx.saved_tensors, ctx.kept
        given = _Input(u, token, x)
        steps, batch, n = hs.shape
        dhs = None if dhs is None else dense(dhs)
        dlast = torch.zeros_like(h0) if dlast is None else dense(dlast)
        du, dh0 = None if given.u is None else torch.empty_like(hs), torch.empty_like(h0)
        features = 0 if given.u is not None else len(v)
        totals = v.new_empty(len(those), (_TOTALS + 2 * features) * n)

        def run(group: Group) -> None:
            scratch = aligned((_BACKWARD_SCRATCH + 2 * features) * n * group.lanes, v.dtype)
            tensors = (h0, hs, dhs, dlast, du, dh0, totals[group.place], scratch)
            group.library.urnn_backward(
                w.pointer, _drive(given, v), steps, batch, group.row, *map(address, tensors)
            )

        over(run, those, threads)
        total = totals.sum(0)
        dv = total[_TOTALS * n :].view(features, 2 * n) if features else None
        return du, dv, dh0, *_factor_gradients(w, total[: _TOTALS * n]), *[None] * 4


def _drive(given: _Input, v: Tensor) -> Any:
    features = 0 if given.u is not None else len(v)
    tensors = (given.u, v, given.x, given.token)
    return ctypes.byref(_Drive(*map(address, tensors), features))


def _factor_gradients(w: _Weights, totals: Tensor) -> list[Tensor]:
    """Return the gradients of d1, d2, d3, r1, r2 and the bias.

    The C code sums dC/dθ for a diagonal e^{iθ}; along the circle, dC/dd is i d dC/dθ. What it
    sums for a mirror is minus the gradient.
    """
    n = len(w.order)
    reals, pairs = totals[: 4 * n].view(4, n), totals[4 * n :].view(2, n, 2)
    (d1, d2, d3), (p1, p2, p3, bias) = w.tensors[:3], reals
    r1, r2 = -torch.view_as_complex(pairs)
    d2, p2, r1 = (n * d2)[w.place], p2[w.place], r1[w.place]
    return [1j * d1 * p1, 1j * d2 * p2, 1j * d3 * p3, r1, r2, bias]


def run(cell: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
    """Return hs (T, B, H) and the last state of the cell of ``cells/urnn.py``."""
    f, dtype = w.factors, w.bias.dtype
    require("x", x, (None, None, len(w.v)), dtype)
    require("h", state[0], (x.shape[1], len(w.bias)), PRECISIONS[dtype].complex)
    given = _given(cell, x, w)
    hs, last = _Recurrence.apply(  # type: ignore[no-untyped-call]
        given.u,
        w.v,
        state[0],
        f.d1,
        f.d2,
        f.d3,
        f.r1,
        f.r2,
        w.bias,
        f.permutation,
        cell.options.eps,
        given,
        THREADS.get(),
    )
    return hs, (last,)


def _given(cell: Any, x: Tensor, w: Any) -> _Input:
    """Return the input in the form that costs the C code least: V x is made there if it can be."""
    if x.requires_grad or not x.shape[-1]:
        return _Input(u=cell.drive(x, w))
    token = _tokens(x) if x.shape[-1] <= len(x) else None
    if token is not None:
        return _Input(token=token)
    return _Input(x=x) if x.shape[-1] <= _MOST_FEATURES else _Input(u=cell.drive(x, w))


def _tokens(x: Tensor) -> Tensor | None:
    """Return the tokens (T, B) whose one-hot vectors x (T, B, F) holds; None if it holds others."""
    x = dense(x)
    token = torch.empty(x.shape[:-1], dtype=torch.int32, device="cpu")
    library = compiler.library(_SOURCE, PRECISIONS[x.dtype].defines)
    found = library.urnn_tokens(
        address(x), *map(ctypes.c_long, (token.numel(), x.shape[-1])), address(token)
    )
    return token if found else None


def _radices(n: int) -> list[int]:
    """Return numbers whose product is n: fours and eights for its twos, else primes."""
    twos = (n & -n).bit_length() - 1
    eights = next((e for e in range(twos // 3 + 1) if (twos - 3 * e) % 2 == 0), 0)
    fours, two = divmod(twos - 3 * eights, 2)
    return [8] * eights + [4] * fours + [2] * two + _primes(n >> twos) or [1]


def _primes(n: int) -> list[int]:
    """Return the prime factors of an odd n."""
    for p in range(3, n + 1, 2):
        if n % p == 0:
            return [p, *_primes(n // p)]
    return []


@cache
def _tables(n: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return the transform's radices, its order of n places, and the twiddles e^{-2πik/n}."""
    radices, order = _radices(n), torch.zeros(1, dtype=torch.int64)
    for radix in reversed(radices):
        order = torch.cat([radix * order + j for j in range(radix)])
    angles = -2 * torch.pi * torch.arange(n, dtype=torch.float64) / n
    twiddle = torch.polar(torch.ones_like(angles), angles).to(dtype)
    return torch.tensor(radices, dtype=torch.int32), order, twiddle


@cache
def _struct(real: Any) -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    fields = [*pointers, ("eps", real), ("n", ctypes.c_int), ("passes", ctypes.c_int)]
    return type("Weights", (ctypes.Structure,), {"_fields_": fields})


def _obstacle(_: Any) -> str | None:
    return compiler.obstacle(_SOURCE, linear.SOURCE)


URNN = Implementation(
    frozenset({"cpu"}),
    run,
    _obstacle,
    own_threads=True,
    linear=linear.linear,
    prepare=partial(groups, _SOURCE),
)
