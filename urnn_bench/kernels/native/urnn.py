"""The uRNN on a CPU: ``urnn.c`` over a whole sequence, with its own backward pass.

Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, equations 6 and 8. It keeps the states that it
returns and nothing else: the backward pass computes W h again, where a step would have had to keep
three more vectors of the size of h. Widths whose prime factors are small are fast.

T steps, B batch, F input features, H hidden width (complex).
"""

import ctypes
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.native import compiler, linear
from urnn_bench.kernels.native.compiler import Source
from urnn_bench.kernels.native.groups import Group, for_each_group, groups
from urnn_bench.kernels.native.memory import PRECISIONS, address, aligned, dense, require
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.unitary import Factors
from urnn_bench.kernels.weights import UnitaryCell, UnitaryWeights

_SOURCE = Source(
    Path(__file__).with_name("urnn.c"), ("lanes", "urnn_tokens", "urnn_forward", "urnn_backward")
)
_FORWARD_SCRATCH, _BACKWARD_SCRATCH, _TOTALS = 12, 22, 8  # times H
_MOST_FEATURES = 8  # MOST_FEATURES of urnn.c: so many vectors of x stay in registers

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
        # between F and F⁻¹ the C code has units in digit-reversed order, so what acts there is laid
        # out in that order here, and the permutation is translated into it
        self.order, self.place = order, order.argsort()
        source = self.place[w.permutation[order]].to(torch.int32)
        tensors = (
            w.d1,
            # with the 1/N of both transforms, which are unscaled there
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


class _Context(Context[tuple[Tensor, Tensor, Tensor | None, Tensor | None]], Protocol):
    weights: _Weights
    v: Tensor
    token: Tensor | None
    row_groups: list[Group]
    threads: int


class _Recurrence(torch.autograd.Function):
    """hs (T, B, H) and the last of them, from the input, V (F, 2H), h0 (B, H) and the factors."""

    @staticmethod
    def forward(
        ctx: _Context,
        u: Tensor | None,
        v: Tensor,
        h0: Tensor,
        d1: Tensor,
        d2: Tensor,
        d3: Tensor,
        r1: Tensor,
        r2: Tensor,
        bias: Tensor,
        permutation: Tensor,
        eps: float,
        token: Tensor | None,
        x: Tensor | None,
        threads: int,
    ) -> tuple[Tensor, Tensor]:
        """Run the C code forward."""
        w = _Weights(Factors(d1, d2, d3, r1, r2, permutation), bias, eps)
        inputs = _Input(*(None if t is None else dense(t) for t in (u, token, x)))
        # copies: an optimizer may change parameters in place before the backward pass
        v, h0 = dense(v).clone(), dense(h0)
        steps, batch = next(t for t in inputs if t is not None).shape[:2]
        hs = h0.new_empty(steps, batch, len(bias))

        def run(group: Group) -> None:
            scratch = aligned(_FORWARD_SCRATCH * len(bias) * group.lanes, bias.dtype)
            group.library.urnn_forward(
                w.pointer,
                _drive(inputs, v),
                steps,
                batch,
                group.row,
                *map(address, (h0, hs, scratch)),
            )

        row_groups = groups(_SOURCE, batch, bias.dtype)
        for_each_group(run, row_groups, threads)
        ctx.weights, ctx.v, ctx.token = w, v, inputs.token
        ctx.row_groups, ctx.threads = row_groups, threads
        ctx.save_for_backward(hs, h0, inputs.u, inputs.x)
        # a task that is scored after the last step has no gradient of hs: no zeros of its size
        ctx.set_materialize_grads(False)
        return hs, hs[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: _Context, dhs: Tensor | None, dlast: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Run the C code backward and turn its sums into the factors' gradients."""
        (hs, h0, u, x), w, v = ctx.saved_tensors, ctx.weights, ctx.v
        inputs = _Input(u, ctx.token, x)
        steps, batch, n = hs.shape
        dhs = None if dhs is None else dense(dhs)
        dlast = torch.zeros_like(h0) if dlast is None else dense(dlast)
        du, dh0 = None if inputs.u is None else torch.empty_like(hs), torch.empty_like(h0)
        features = 0 if inputs.u is not None else len(v)
        # a row for each group, added up in their order whatever thread wrote which
        totals = v.new_empty(len(ctx.row_groups), (_TOTALS + 2 * features) * n)

        def run(group: Group) -> None:
            scratch = aligned((_BACKWARD_SCRATCH + 2 * features) * n * group.lanes, v.dtype)
            tensors = (h0, hs, dhs, dlast, du, dh0, totals[group.place], scratch)
            group.library.urnn_backward(
                w.pointer, _drive(inputs, v), steps, batch, group.row, *map(address, tensors)
            )

        for_each_group(run, ctx.row_groups, ctx.threads)
        total = totals.sum(0)
        dv = total[_TOTALS * n :].view(features, 2 * n) if features else None
        return du, dv, dh0, *_factor_gradients(w, total[: _TOTALS * n]), *[None] * 5


def _drive(inputs: _Input, v: Tensor) -> object:
    features = 0 if inputs.u is not None else len(v)
    tensors = (inputs.u, v, inputs.x, inputs.token)
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


def run(cell: UnitaryCell, x: Tensor, state: State, w: UnitaryWeights) -> tuple[Tensor, State]:
    """Return hs (T, B, H) and the last state of the cell of ``cells/urnn.py``."""
    f, dtype = w.factors, w.bias.dtype
    require("x", x, (None, None, len(w.v)), dtype)
    require("h", state[0], (x.shape[1], len(w.bias)), PRECISIONS[dtype].complex)
    inputs = _cheapest_input(cell, x, w)
    hs, last = _Recurrence.apply(  # type: ignore[no-untyped-call]
        inputs.u,
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
        inputs.token,
        inputs.x,
        THREADS.get(),
    )
    return hs, (last,)


def _cheapest_input(cell: UnitaryCell, x: Tensor, w: UnitaryWeights) -> _Input:
    """Return the input in the form that costs the C code least: V x is made there if it can be.

    V x is as large as the states, and so is its gradient: to write and read them moves several
    times the memory that the recurrence itself does.
    """
    # the C code has no gradient of x; a filter in front of the cell, for one, needs it
    if x.requires_grad or not x.shape[-1]:
        return _Input(u=cell.drive(x, w))
    # one-hot vectors say no more than their tokens, and V x is then a row of V. With a vocabulary
    # above T no tokens are looked for, as x is then a great deal to look through
    token = _tokens(x) if x.shape[-1] <= len(x) else None
    if token is not None:
        return _Input(token=token)
    return _Input(x=x) if x.shape[-1] <= _MOST_FEATURES else _Input(u=cell.drive(x, w))


def _tokens(x: Tensor) -> Tensor | None:
    """Return the tokens (T, B) whose one-hot vectors x (T, B, F) holds; None if it holds others."""
    x = dense(x)
    token = torch.empty(x.shape[:-1], dtype=torch.int32, device="cpu")
    library = compiler.library(_SOURCE, PRECISIONS[x.dtype].defines)
    is_one_hot = library.urnn_tokens(
        address(x), *map(ctypes.c_long, (token.numel(), x.shape[-1])), address(token)
    )
    return token if is_one_hot else None


def _radices(n: int) -> list[int]:
    """Return numbers whose product is n: fours and eights for its twos, else primes.

    Both are written out in the C code. As few eights as leave an even number of twos: eight complex
    vectors are all sixteen registers of AVX2.
    """
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
    # twiddles in double precision, then rounded: their errors would add up over the passes
    radices, order = _radices(n), torch.zeros(1, dtype=torch.int64)
    for radix in reversed(radices):
        order = torch.cat([radix * order + j for j in range(radix)])
    angles = -2 * torch.pi * torch.arange(n, dtype=torch.float64) / n
    twiddle = torch.polar(torch.ones_like(angles), angles).to(dtype)
    return torch.tensor(radices, dtype=torch.int32), order, twiddle


@cache
def _struct(real: type[ctypes.c_float] | type[ctypes.c_double]) -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    fields = [*pointers, ("eps", real), ("n", ctypes.c_int), ("passes", ctypes.c_int)]
    return type("Weights", (ctypes.Structure,), {"_fields_": fields})


def _unavailable_for(_: object) -> str | None:
    return compiler.unavailable_reason(_SOURCE, linear.SOURCE)


URNN = Implementation(
    frozenset({"cpu"}),
    run,
    _unavailable_for,
    own_threads=True,
    linear=linear.linear,
    warm_up=partial(groups, _SOURCE),
)
