"""What the contracts of components say of a wrong return value, and how they call methods."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from urnn_bench.errors import ComponentError, Returned
from urnn_bench.run.architecture import raised_by


def call(
    name: str,
    method: Callable[..., Returned],
    *args: object,
    kind: str = "cell",
) -> Returned:
    """Return what a component's method returns; raise ComponentError with what it raises."""
    text = f"the {kind} '{name}': `{method.__name__}` fails"
    try:
        return raised_by(text, method, *args)
    except ComponentError as error:
        if not (found := _whole_buffer(method, str(error))):
            raise
        mend = "which no run converts; register it as real numbers, such as by .float()"
        raise ComponentError(f"{text}: {found}, {mend}") from error.__cause__


def _whole_buffer(method: Callable[..., object], message: str) -> str:
    """Return a buffer of whole numbers that torch refuses to multiply with real ones, if any."""
    module = getattr(method, "__self__", None)
    buffers = module.named_buffers() if isinstance(module, nn.Module) else ()
    is_of_types = "dtype" in message or "scalar type" in message
    found = (
        f"buffer `{label}` is {dtype_text(buffer)}"
        for label, buffer in buffers
        if is_of_types and _WORDS.get(buffer.dtype, "none") in message.lower()
    )
    return next(found, "")


# what torch calls the types of numbers that are not real
_WORDS = {
    torch.int64: "long",
    torch.int32: " int",
    torch.uint8: "unsigned char",
    torch.bool: "bool",
}


def require_tensor(
    name: str, method: str, value: object, kind: str = "cell", where: str = ""
) -> Tensor:
    """Return a value that is a tensor; raise ComponentError if it is none."""
    if not isinstance(value, Tensor):
        raise wrong(name, method, f"{kind_of(value)}{where}", "it must be a tensor", kind)
    return value


def wrong(name: str, method: str, found: str, wanted: str, kind: str = "cell") -> ComponentError:
    """Return an error that says what a method returned, and what it must."""
    return ComponentError(f"the {kind} '{name}': `{method}` returned {found}; {wanted}")


def kind_of(value: object) -> str:
    """Return what a value is, in words."""
    return "None" if value is None else f"a value of type {type(value).__name__}"


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape such as (4, 6)."""
    return str(tuple(shape))


def number_kind(tensor: Tensor) -> str:
    """Return whether a tensor has complex, real or whole numbers."""
    if tensor.is_complex():
        return "complex"
    return "real" if tensor.is_floating_point() else "whole"


def dtype_text(tensor: Tensor) -> str:
    """Return a type such as float32."""
    return dtype_name(tensor.dtype)


def is_same(one: Tensor, two: Tensor) -> bool:
    """Return whether two tensors have the same shape and values, NaN included."""
    if one.shape != two.shape:
        return False
    return torch.allclose(one, two, rtol=0, atol=0, equal_nan=True)


def dtype_name(dtype: torch.dtype) -> str:
    """Return the name of a type, such as float32."""
    return str(dtype).removeprefix("torch.")
