"""The uRNN on a GPU: one launch a sequence and direction, from the kernels of ``rows/urnn.py``.

Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, equations 6 and 8. It keeps the states that it
returns and u. A stack of models is one launch too: a batch of 20 leaves most of a GPU idle.

M models, T steps, B batch, F input features, H hidden width (complex).
"""

import os
import shutil
import sysconfig
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.choose import HasWidth, Implementation
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.unitary import Factors, least_size
from urnn_bench.kernels.weights import UnitaryCell, UnitaryWeights

# a row lies in the registers of one program, about thirty blocks of it in the backward pass; above
# 1024 they would spill to memory. Of the sums there are eight numbers a unit, see rows/urnn.py
_WIDEST, _TOTALS = 1024, 8
# 32 threads with four numbers each of every block: wider rows get more warps
_ROW_OF_A_WARP = 128


class _Tables(NamedTuple):
    """What the kernels read besides u and h, each contiguous, complex numbers as pairs."""

    factors: Tensor
    bias: Tensor
    order: Tensor
    place: Tensor
    twiddle: Tensor
    scalars: Tensor


class _Recurrence(torch.autograd.Function):
    """hs (M, T, B, H) and the last, from u (M, T, B, H), h0 (M, B, H) and factors (M, H)."""

    @staticmethod
    def forward(
        ctx: Context,
        u: Tensor,
        h0: Tensor,
        d1: Tensor,
        d2: Tensor,
        d3: Tensor,
        r1: Tensor,
        r2: Tensor,
        bias: Tensor,
        permutation: Tensor,
        eps: float,
    ) -> tuple[Tensor, Tensor]:
        """Launch the forward kernel."""
        tables = _tables(Factors(d1, d2, d3, r1, r2, permutation), bias, eps)
        u, h0 = _dense(u), _dense(h0)
        hs = torch.empty_like(u)
        models, steps, batch, n = u.shape
        # Triton has no complex type: pointers to pairs of real numbers, in the same memory
        pairs = map(torch.view_as_real, (u, h0, hs))
        _kernels().forward[(models * batch,)](
            *pairs,
            tables.factors,
            tables.bias,
            tables.order,
            tables.twiddle,
            tables.scalars,
            steps,
            batch,
            **_shape(n),
        )
        ctx.save_for_backward(u, h0, hs, d1, d2, d3, *tables)
        # a task that is scored after the last step has no gradient of hs: no zeros of its size
        ctx.set_materialize_grads(False)
        # the last one by itself, so that changing hs in place does not change the state
        return hs, hs[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Context, dhs: Tensor | None, dlast: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Launch the backward kernel and turn its sums into the factors' gradients."""
        u, h0, hs, d1, d2, d3, *rest = ctx.saved_tensors
        tables, (models, steps, batch, n) = _Tables(*rest), u.shape
        # a kernel needs a pointer even where it reads nothing (EVERY is False): that of hs will do
        dhs_or_hs = hs if dhs is None else _dense(dhs)
        dlast = torch.zeros_like(h0) if dlast is None else _dense(dlast)
        du, dh0 = torch.empty_like(u), torch.empty_like(h0)
        # a row for each sequence, added up below: no atomics, whose order is that of the clock
        totals = tables.bias.new_empty(models, batch, _TOTALS * n)
        real = torch.view_as_real
        _kernels().backward[(models * batch,)](
            real(u),
            real(h0),
            real(hs),
            *tables,
            real(dhs_or_hs),
            real(dlast),
            real(du),
            real(dh0),
            totals,
            steps,
            batch,
            EVERY=dhs is not None,
            **_shape(n),
        )
        return du, dh0, *_factor_gradients((d1, d2, d3), totals.sum(1)), None, None


def _dense(z: Tensor) -> Tensor:
    """Return complex numbers whose memory is what they say: without strides or a lazy conjugate."""
    return z.resolve_conj().contiguous()


def _tables(w: Factors, bias: Tensor, eps: float) -> _Tables:
    n = bias.shape[-1]
    # copies: an optimizer may change parameters in place before the backward pass. 1/N is that of
    # the inverse transform, which has no factor of its own
    factors = torch.view_as_real(torch.stack([w.d1, w.d2 / n, w.d3, w.r1, w.r2], 1))
    order = w.permutation.to(torch.int32)
    place = w.permutation.argsort().to(torch.int32)
    constants = _constants(n, eps, bias.dtype, bias.device)
    return _Tables(factors, bias.clone(), order, place, *constants)


def _factor_gradients(diagonals: tuple[Tensor, ...], totals: Tensor) -> list[Tensor]:
    """Return the gradients (M, H) of d1, d2, d3, r1, r2 and the bias.

    The kernel sums dC/dθ for a diagonal e^{iθ}; along the circle, dC/dd is i d dC/dθ.
    """
    n = totals.shape[-1] // _TOTALS
    rows = totals.view(-1, _TOTALS, n)
    phases, bias, pairs = rows[:, :3], rows[:, 3], rows[:, 4:]
    along = zip(diagonals, phases.unbind(1), strict=True)
    mirrors = torch.view_as_complex(pairs.reshape(-1, 2, n, 2))
    return [*(1j * d * p for d, p in along), *mirrors.unbind(1), bias]


def run(cell: UnitaryCell, x: Tensor, state: State, w: UnitaryWeights) -> tuple[Tensor, State]:
    """Return hs (T, B, H) and the last state of the cell of ``cells/urnn.py``."""
    hs, last = _recur(cell, cell.drive(x, w)[None], state[0][None], [z[None] for z in _leaves(w)])
    return hs[0], (last[0],)


def run_stack(
    cell: UnitaryCell, x: Tensor, state: State, w: UnitaryWeights
) -> tuple[Tensor, State]:
    """Return hs (M, T, B, H) and the last states (M, B, H) of M such cells, from x (M, T, B, F)."""
    hs, last = _recur(cell, torch.vmap(cell.drive)(x, w), state[0], _leaves(w))
    return hs, (last,)


def _leaves(w: UnitaryWeights) -> list[Tensor]:
    """Return the factors and the bias in the order of ``_Recurrence.forward``."""
    f = w.factors
    return [f.d1, f.d2, f.d3, f.r1, f.r2, w.bias, f.permutation]


def _recur(cell: UnitaryCell, u: Tensor, h0: Tensor, leaves: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return hs (M, T, B, H) and the last of them, from u (M, T, B, H) and h0 (M, B, H)."""
    outputs: tuple[Tensor, Tensor] = _Recurrence.apply(  # type: ignore[no-untyped-call]
        u, h0, *leaves, cell.options.eps
    )
    return outputs


@cache
def _constants(
    n: int, eps: float, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return e^{-2πik/n} for k below n/2, as pairs, and eps with modReLU's least size.

    They are cached: a captured CUDA graph must not copy from the host. eps is no argument of the
    kernel, as Triton passes floats in single precision.
    """
    angles = -2 * torch.pi * torch.arange(n // 2, dtype=torch.float64) / n
    twiddle = torch.stack([angles.cos(), angles.sin()], -1)
    scalars = torch.tensor([eps, least_size(dtype)], dtype=torch.float64)
    return twiddle.to(device, dtype), scalars.to(device, dtype)


def _shape(n: int) -> dict[str, int]:
    warps = max(1, n // _ROW_OF_A_WARP)
    # FMA: sums of products are rounded once, as in the C code and in torch's products
    return {"N": n, "LOG": n.bit_length() - 1, "num_warps": warps, "enable_fp_fusion": True}


def _kernels() -> ModuleType:
    # not above: triton is only there where a GPU may be, and takes a second to import
    return import_module("urnn_bench.kernels.gpu.rows.urnn")


def _unavailable_for(cell: HasWidth) -> str | None:
    n = cell.hidden
    if n & (n - 1) or not 1 < n <= _WIDEST:
        return f"it takes widths that are powers of two from 2 to {_WIDEST}, not {n}"
    if find_spec("triton") is None:
        return "triton is not installed"
    return None if _can_launch() else "triton needs a C compiler and Python.h to launch kernels"


@cache
def _can_launch() -> bool:
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    return bool(compiler) and Path(sysconfig.get_path("include"), "Python.h").is_file()


URNN = Implementation(frozenset({"cuda"}), run, _unavailable_for, stacked=run_stack)
