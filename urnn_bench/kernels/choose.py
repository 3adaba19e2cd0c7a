"""Which implementation of a recurrence runs, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from urnn_bench.errors import KernelError, near_miss
from urnn_bench.kernels.time_loop import Recurrence, State, stacked, unroll

Kernel = Callable[[Any, Tensor, State, Any], tuple[Tensor, State]]
Forward = Callable[[Tensor, State, Any], tuple[Tensor, State]]
Linear = Callable[[Tensor, Tensor, Tensor], Tensor]
Prepare = Callable[[int, torch.dtype], object]


def _nothing(*_: Any) -> None:
    return None


@dataclass(frozen=True)
class Implementation:
    """Another way to compute what ``unroll`` computes of the same arguments, on some devices.

    A kernel with ``own_threads`` is disturbed by torch's, which spin while they wait. ``linear``
    is the readout that goes best with it: x (..., K), weight (O, K) and bias (O) to (..., O).
    ``stacked`` computes M models of one form at once, as ``scan.stacked`` does. ``prepare`` does
    what the first batch of a size and precision would wait for.
    """

    devices: frozenset[str]
    run: Kernel
    obstacle: Callable[[Any], str | None] = _nothing
    own_threads: bool = False
    linear: Linear = functional.linear
    stacked: Kernel | None = None
    prepare: Prepare = _nothing

    def unavailable_reason(self, cell: Any, device: str) -> str | None:
        """Return why this kernel cannot run ``cell`` on ``device``, or None."""
        if device not in self.devices:
            return f"it runs on {' and '.join(sorted(self.devices))}, not on {device}"
        return self.obstacle(cell)


class HasKernels(Recurrence[Any], Protocol):
    """A recurrence with a table of faster kernels, in the order in which to try them."""

    @property
    def kernels(self) -> Mapping[str, Implementation]:
        """Kernels by name."""


@dataclass(frozen=True)
class Choice:
    """A kernel ready to run, and the reason that goes into the record."""

    name: str
    run: Forward
    reason: str
    linear: Linear = functional.linear
    stacked: Forward | None = None
    prepare: Prepare = _nothing


def choose(cell: HasKernels, device: str, wanted: str) -> Choice:
    """Pick the kernel ``wanted``, or for "auto" the first that can run.

    Raises KernelError if the kernel asked for by name cannot run.
    """
    table = cell.kernels
    if wanted == "eager":
        return _eager(cell, device, "asked for")
    if wanted == "auto":
        return _first(cell, device)
    if wanted not in table:
        known = ["auto", "eager", *table]
        hint = near_miss(wanted, known) or f"; there are: {', '.join(known)}"
        name = type(cell).__module__.rpartition(".")[2]
        raise KernelError(f"the model '{name}' has no kernel '{wanted}'{hint}")
    if reason := table[wanted].unavailable_reason(cell, device):
        raise KernelError(f"the kernel '{wanted}' cannot run: {reason}; use --kernel auto")
    return _ready(cell, wanted, "asked for")


def available(cell: HasKernels, device: str) -> list[str]:
    """Return the names of the time loop and of every kernel that can run ``cell`` on a device."""
    return [
        "eager",
        *(k for k, f in cell.kernels.items() if f.unavailable_reason(cell, device) is None),
    ]


def _ready(cell: HasKernels, name: str, reason: str) -> Choice:
    implementation = cell.kernels[name]
    at_once = None if implementation.stacked is None else partial(implementation.stacked, cell)
    run = partial(implementation.run, cell)
    return Choice(name, run, reason, implementation.linear, at_once, implementation.prepare)


def _eager(cell: HasKernels, device: str, reason: str) -> Choice:
    """Return the time loop; of several models at once by hand, where a kernel has that written."""
    by_hand = (
        implementation.stacked
        for implementation in cell.kernels.values()
        if implementation.stacked is not None
        and implementation.unavailable_reason(cell, device) is None
    )
    return Choice(
        "eager", partial(unroll, cell), reason, stacked=partial(next(by_hand, stacked), cell)
    )


def _first(cell: HasKernels, device: str) -> Choice:
    obstacles = []
    for name, implementation in cell.kernels.items():
        reason = implementation.unavailable_reason(cell, device)
        if reason is None:
            return _ready(cell, name, "first of the table that can run")
        obstacles.append(f"{name}: {reason}")
    return _eager(cell, device, "; ".join(obstacles) or "the cell has no other kernel")
