"""What an autograd function is given to keep things in between its two passes.

torch's own ``FunctionCtx`` does not say what ``saved_tensors`` holds. A function that keeps more
than tensors extends this by attributes of its own.
"""

from typing import Protocol

from torch import Tensor
from typing_extensions import TypeVar

Saved = TypeVar("Saved", default=tuple[Tensor, ...])


class Context(Protocol[Saved]):
    """The part of torch's context that kernels use; ``Saved`` is what was saved, None included."""

    saved_tensors: Saved
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs; torch then notices if one is changed in place."""

    def set_materialize_grads(self, value: bool) -> None:
        """Choose whether a gradient that does not exist comes as zeros, or as None."""
