"""What C code needs of tensors: their type in C, their address, and memory that is aligned."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from urnn_bench.errors import KernelError

_ALIGNED_TO = 64


@dataclass(frozen=True)
class Precision:
    """A real type: in C, its complex companion, and the flags that compile a source for it."""

    real: type[ctypes.c_float] | type[ctypes.c_double]
    complex: torch.dtype
    defines: tuple[str, ...]


PRECISIONS = {
    torch.float32: Precision(ctypes.c_float, torch.complex64, ("REAL=float", "REAL_BYTES=4")),
    torch.float64: Precision(ctypes.c_double, torch.complex128, ("REAL=double", "REAL_BYTES=8")),
}


def aligned(count: int, dtype: torch.dtype) -> Tensor:
    """Return uninitialised memory (count) that starts where a vector of C code may."""
    # 64 bytes is AVX-512's vector and a line of the cache; torch does not promise as much
    spare = _ALIGNED_TO // dtype.itemsize
    memory = torch.empty(count + spare, dtype=dtype, device="cpu")
    start = (-memory.data_ptr() % _ALIGNED_TO) // dtype.itemsize
    return memory[start : start + count]


def address(tensor: Tensor | None) -> ctypes.c_void_p:
    """Return where a tensor's memory starts; null for None."""
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def require(name: str, tensor: Tensor, shape: Sequence[int | None], dtype: torch.dtype) -> None:
    """Raise KernelError unless C code may read a tensor as this; None is any size."""
    fits = len(tensor.shape) == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, tensor.shape, strict=True)
    )
    if not (fits and tensor.dtype == dtype and tensor.device.type == "cpu"):
        sizes = ", ".join("any" if size is None else str(size) for size in shape)
        raise KernelError(
            f"a kernel in C wants {name} as ({sizes}) of {dtype} on the CPU, not "
            f"{tuple(tensor.shape)} of {tensor.dtype} on {tensor.device}"
        )


def dense(tensor: Tensor) -> Tensor:
    """Return a tensor whose memory is what it says: C code sees no strides and no conjugations.

    A copy only if there are any. torch's complex conjugate and negation are bits on a view.
    """
    return tensor.detach().resolve_conj().resolve_neg().contiguous()
