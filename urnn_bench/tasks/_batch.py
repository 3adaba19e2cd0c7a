"""A batch of sequences, which of its steps count, and a mean over those.

T steps, B batch, F input features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Self

import torch
from torch import Tensor

from urnn_bench.errors import ComponentError

LENGTHS, MASK = "lengths", "mask"


@dataclass(frozen=True)
class Batch:
    """Inputs (T, B) or (T, B, F), targets (T, B, ...) or (B, ...), and other tensors by name.

    An extra is (B), or has its batch in the second axis: (T, B, ...) or (1, B, ...). A network
    knows one of them, ``lengths`` (B): it answers after so many steps if the task scores the last
    step alone. The others are for the task's loss and scores.
    """

    x: Tensor
    y: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Raise ComponentError for a subclass with one more field, which nothing would carry on."""
        others = [f.name for f in fields(self) if f.name not in _FIELDS]
        if others:
            raise ComponentError(
                f"the batch '{type(self).__name__}' has the field '{others[0]}', which updates "
                f"lose; give Batch extras={{'{others[0]}': ...}}"
            )

    @property
    def lengths(self) -> Tensor | None:
        """How many steps of each sequence there are (B), if they differ."""
        return self.extras.get(LENGTHS)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return inputs, targets, and extras in the order of their names."""
        return (self.x, self.y, *(self.extras[name] for name in sorted(self.extras)))

    def form(self) -> tuple[object, ...]:
        """Return names, shapes and types: the same for batches that differ by their values."""
        return (*sorted(self.extras), *((t.shape, t.dtype) for t in self.tensors()))

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Return a batch of what a function makes of every tensor."""
        extras = {name: function(tensor) for name, tensor in self.extras.items()}
        return replace(self, x=function(self.x), y=function(self.y), extras=extras)

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Move to a device; real values also change to ``dtype``."""
        return self.map(partial(_moved, device=device, dtype=dtype))


_FIELDS = frozenset(f.name for f in fields(Batch))


def is_static(x: Tensor) -> bool:
    """Return whether all steps of x (T, B, ...) are one tensor that is expanded, not copied."""
    return x.ndim > 1 and x.shape[0] > 1 and x.stride(0) == 0


def _moved(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    if is_static(tensor):
        # a change of type or device would write every step
        return _moved(tensor[:1], device, dtype).expand_as(tensor)
    # the type first: not every device holds float64
    tensor = tensor.to(dtype) if tensor.is_floating_point() else tensor
    if device.type != "cuda":
        return tensor.to(device)
    # only a copy from pinned memory is asynchronous; from pageable memory the host waits for it
    return tensor.pin_memory().to(device, non_blocking=True)


def extra_axis(extra: Tensor) -> int:
    """Return the axis of the batch in an extra: (B), (T, B, ...) or (1, B, ...)."""
    return min(1, extra.ndim - 1)


def join(batches: Sequence[Batch], targets_axis: int, within: slice) -> Batch:
    """Return the sequences ``within`` of several batches in a row, as one batch."""
    first = batches[0]

    def joined(tensors: Sequence[Tensor], axis: int) -> Tensor:
        whole = torch.cat([*tensors], dim=axis)
        return whole[:, within] if axis else whole[within]

    return replace(
        first,
        x=joined([batch.x for batch in batches], 1),
        y=joined([batch.y for batch in batches], targets_axis),
        extras={
            name: joined([batch.extras[name] for batch in batches], extra_axis(extra))
            for name, extra in first.extras.items()
        },
    )


def step_mask(batch: Batch) -> Tensor:
    """Return which steps count, (T, B): the extra ``mask``, else those before ``lengths``.

    Without either, all do.
    """
    steps, size = batch.x.shape[:2]
    if MASK in batch.extras:
        return batch.extras[MASK].bool()
    if batch.lengths is None:
        return batch.x.new_ones(steps, size, dtype=torch.bool)
    return torch.arange(steps, device=batch.x.device)[:, None] < batch.lengths


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of values (T, B, ...) over the steps of a mask (T, B)."""
    values = values.flatten(2).mean(-1) if values.ndim > mask.ndim else values
    # not values[mask], whose size the host would have to ask a GPU for
    return torch.where(mask, values, 0).sum() / mask.sum()
