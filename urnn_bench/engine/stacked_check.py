"""Updates of several runs at once, held to those of one after another before they are relied on.

A cell of a user's may let a step depend on more than its drive, its state and its weights, such as
on a parameter that ``weights`` does not return; computed with others, it would be given another's.
"""

from collections.abc import Sequence
from threading import Lock

import torch
from torch import Tensor

from urnn_bench.engine.update import Descent, Due, Outcome, Result, SomeFailedError, gradients

# of the largest gradient: far above rounding, which a long recurrence lets grow, and far below
# what a gradient that went to another model would be
_TOLERANCE = {torch.float32: 1e-2, torch.float64: 1e-6}


class Held:
    """A way of making updates; several at once only if their first gradients are those of each."""

    def __init__(self, descent: Descent) -> None:
        self._descent = descent
        self._against: str | None = None
        self._lock = Lock()

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
        """Update the weights; return losses and last states, or raise SomeFailedError."""
        if len(dues) > 1:
            # another thread with other runs of the company may be asking as well
            with self._lock:
                if self._against is None:
                    self._against = _against(dues)
        if len(dues) == 1 or self._against == "":
            return self._descent(dues)
        return self._one_by_one(dues)

    def _one_by_one(self, dues: Sequence[Due]) -> list[Result]:
        outcomes: list[Outcome] = []
        for due in dues:
            try:
                outcomes += self._descent([due])
            except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
                outcomes.append(error)
        if any(isinstance(outcome, Exception) for outcome in outcomes):
            raise SomeFailedError(outcomes)
        return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def _against(dues: Sequence[Due]) -> str | None:
    """Return what speaks against computing these at once, the empty text if nothing does.

    None if that cannot be told yet, as one of them cannot be computed even by itself.
    """
    alone = [_alone(due) for due in dues]
    if any(of is None for of in alone):
        return None
    try:
        gradients(dues)
        at_once, apart = [_noted(due) for due in dues], _apart(dues)
    except Exception as error:  # noqa: BLE001 - a cell may do what cannot be done for several
        return f"one by one, because at once it raises {type(error).__name__}: {_first(error)}"
    if not apart:
        return "one by one, because its step reads more than its weights"
    pairs = ((found, of) for found, of in zip(at_once, alone, strict=True) if of is not None)
    if not all(all(map(_close, found, of)) for found, of in pairs):
        return "one by one, because at once its gradients differ"
    return ""


def _first(error: Exception) -> str:
    return str(error).split(".")[0]


def _apart(dues: Sequence[Due]) -> bool:
    beside, models = dues[0].job.beside, [due.job.model for due in dues]
    xs, states = [due.batch.x for due in dues], [due.state for due in dues]
    return beside is not None and beside.apart(models, xs, states)


def _alone(due: Due) -> list[Tensor] | None:
    """Return the gradient of every parameter as it is by itself, None if that raises."""
    try:
        gradients([due])
    except Exception:  # noqa: BLE001 - it is raised again when its update is carried out
        return None
    return _noted(due)


def _noted(due: Due) -> list[Tensor]:
    """Return a copy of the gradient of every parameter."""
    params = due.job.model.parameters()
    return [(torch.zeros_like(p) if p.grad is None else p.grad).clone() for p in params]


def _close(one: Tensor, other: Tensor) -> bool:
    finite = other[other.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    atol = _TOLERANCE[one.dtype] * largest
    return torch.allclose(one, other, rtol=0.0, atol=atol, equal_nan=True)
