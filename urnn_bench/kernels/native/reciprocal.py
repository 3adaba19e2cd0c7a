"""A step of the reciprocal gated cell on a CPU: torch's convolutions, and the rest in C.

Nayebi et al. (2018), arXiv:1807.00053. The gates are computed in place of the convolutions that
they are functions of, so that a step keeps four maps for its backward pass beside its states and
inputs. All maps are channels-last.

B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.native import compiler
from urnn_bench.kernels.native.compiler import Source
from urnn_bench.kernels.native.memory import PRECISIONS, address, require
from urnn_bench.kernels.native.threads import THREADS, share_out

_SOURCE = Source(
    Path(__file__).with_name("reciprocal.c"), ("reciprocal_forward", "reciprocal_backward")
)
# places whose gates are in the cache together
_BLOCK = 32
# numbers of a map below which waking a thread takes longer than it would save
_LEAST_SHARE = 2**16


def unavailable_reason() -> str | None:
    """Return why the C code cannot run here, None if it can."""
    return compiler.unavailable_reason(_SOURCE)


def step(
    h: Tensor, c: Tensor, x: Tensor, z: Tensor, by_h: Tensor, by_c: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the next h and c, of maps (B, C, R, S) and filters (2C, C, K, K).

    z is the convolution of x that enters c; ``by_h`` filters what enters c and keeps h, ``by_c``
    what keeps c and enters h. Raises KernelError for maps of different shapes.
    """
    states: tuple[Tensor, Tensor] = _Step.apply(h, c, x, z, by_h, by_c)  # type: ignore[no-untyped-call]
    return states


class _Step(torch.autograd.Function):
    """h and c of the next step from h, c, x, z and two convolutions."""

    @staticmethod
    def forward(
        ctx: Context, h: Tensor, c: Tensor, x: Tensor, z: Tensor, by_h: Tensor, by_c: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Convolve, then compute gates and states in one pass."""
        maps = [_channels_last(m, h.shape, by_h.dtype) for m in (h, c, x, z)]
        gates = [_convolved(maps[0], by_h), _convolved(maps[1], by_c)]
        h_next, c_next = torch.empty_like(maps[0]), torch.empty_like(maps[0])
        _call("reciprocal_forward", [*gates, *maps, h_next, c_next], maps[0])
        ctx.save_for_backward(*gates, *maps, h_next, c_next, by_h, by_c)
        # the last step of a sequence has a gradient for h alone, or none
        ctx.set_materialize_grads(False)
        return h_next, c_next

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Context, dh_next: Tensor | None, dc_next: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Compute the cotangents of both convolutions in one pass, then go back through these."""
        *kept, by_h, by_c = ctx.saved_tensors
        gates_h, gates_c, h, c = kept[:4]
        d_next = [_cotangent(d, h) for d in (dh_next, dc_next)]
        d_by_h, d_by_c = torch.empty_like(gates_h), torch.empty_like(gates_c)
        dh, dc, dx, dz = (torch.empty_like(h) for _ in range(4))
        _call("reciprocal_backward", [*kept, *d_next, d_by_h, d_by_c, dh, dc, dx, dz], h)
        needs_h, needs_c, _, _, *needs_filters = ctx.needs_input_grad
        more_h, dw_h = _back(d_by_h, h, by_h, (needs_h, needs_filters[0]))
        more_c, dw_c = _back(d_by_c, c, by_c, (needs_c, needs_filters[1]))
        # no gradient at all, and not zeros, of what nothing that is asked for depends on
        d_x, d_z = None if dh_next is None else dx, None if dc_next is None else dz
        return _sum(dh, more_h), _sum(dc, more_c), d_x, d_z, dw_h, dw_c


def _channels_last(tensor: Tensor, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Return a map whose channels are side by side; a copy only if they are not yet."""
    require("a map", tensor, shape, dtype)
    plain = tensor.detach().resolve_neg()
    return plain.contiguous(memory_format=torch.channels_last)


def _cotangent(d: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if d is None else _channels_last(d, like.shape, like.dtype)


def _convolved(x: Tensor, filters: Tensor) -> Tensor:
    # no copy, unless a convolution of torch's answers in another format
    result = conv2d(x, filters, padding=filters.shape[-1] // 2)
    return result.contiguous(memory_format=torch.channels_last)


def _back(
    d: Tensor, x: Tensor, filters: Tensor, needed: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Return the cotangents of what was convolved and of the filters, if they are needed."""
    padding = [filters.shape[-1] // 2] * 2
    back: Any = torch.ops.aten.convolution_backward
    mask = [*needed, False]
    dx, dw, _ = back(d, x, filters, None, [1, 1], padding, [1, 1], False, [0, 0], 1, mask)
    return dx, dw


def _sum(d: Tensor, more: Tensor | None) -> Tensor | None:
    return None if more is None else d.add_(more)


def _call(name: str, tensors: Sequence[Tensor], like: Tensor) -> None:
    """Call a function of the C code for all places of maps like one."""
    function = getattr(compiler.library(_SOURCE, PRECISIONS[like.dtype].defines), name)
    channels, places = like.shape[1], like.numel() // like.shape[1]
    addresses = [address(t) for t in tensors]

    def share(first: int, last: int) -> None:
        function(channels, _BLOCK, places, first, last, *addresses)

    # places are shared out by whole blocks, so that no result depends on the threads
    threads = min(THREADS.get(), max(1, like.numel() // _LEAST_SHARE))
    share_out(share, -(-places // _BLOCK), threads)
