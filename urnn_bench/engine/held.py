"""Updates of several runs at once, held to those of one after another before they are relied on.

A cell of a user's may let a step depend on more than its drive, its state and its weights, such as
on a parameter that ``weights`` does not return; computed with others, it would be given another's.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from urnn_bench.engine.descent import Descent, Due, Result, gradients

# of the largest gradient: far above rounding, which a long recurrence lets grow, and far below
# what a gradient that went to another model would be
_TOLERANCE = {torch.float32: 1e-2, torch.float64: 1e-6}


class Held:
    """A way of making updates; several at once only if their first gradients are those of each."""

    def __init__(self, descent: Descent) -> None:
        self._descent = descent
        self._against: str | None = None

    @property
    def name(self) -> str:
        """What the way is called."""
        return self._descent.name

    @property
    def reason(self) -> str:
        """Why updates are carried out in this way, and why one by one if they are."""
        return "; ".join(filter(None, (self._descent.reason, self._against)))

    @property
    def warm_up(self) -> int:
        """How many updates say nothing of the pace of those that follow."""
        return self._descent.warm_up

    def __call__(self, dues: Sequence[Due]) -> list[Result]:
        """Update the weights; return losses and last states."""
        if len(dues) > 1 and self._against is None:
            self._against = _against(dues)
        if len(dues) == 1 or not self._against:
            return self._descent(dues)
        return [self._descent([due])[0] for due in dues]


def _against(dues: Sequence[Due]) -> str:
    """Return what speaks against computing these at once, the empty text if nothing does."""
    try:
        gradients(dues)
    except Exception as error:  # noqa: BLE001 - a cell may do what cannot be done for several
        return (
            f"one by one, as at once it raises {type(error).__name__}: {str(error).split('.')[0]}"
        )
    at_once = [_noted(due) for due in dues]
    for due, found in zip(dues, at_once, strict=True):
        gradients([due])
        if not all(map(_close, found, _noted(due))):
            return "one by one, as at once its gradients are others"
    return ""


def _noted(due: Due) -> list[Tensor]:
    """Return a copy of the gradient of every parameter."""
    params = due.job.model.parameters()
    return [(torch.zeros_like(p) if p.grad is None else p.grad).clone() for p in params]


def _close(one: Tensor, other: Tensor) -> bool:
    largest = float(other.detach().abs().max()) if other.numel() else 0.0
    atol = _TOLERANCE[one.dtype] * largest
    return torch.allclose(one, other, rtol=0.0, atol=atol, equal_nan=True)
