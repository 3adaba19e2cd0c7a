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
class Fused:
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

    def why_not(self, cell: Any, device: str) -> str | None:
        """Return why this kernel cannot run ``cell`` on ``device``, or None."""
        if device not in self.devices:
            return f"it runs on {' and '.join(sorted(self.devices))}, not on {device}"
        return self.obstacle(cell)


class Fusable(Recurrence[Any], Protocol):
    """A recurrence with a table of faster kernels, in the order in which to try them."""

    @property
    def fused(self) -> Mapping[str, Fused]:
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


def choose(cell: Fusable, device: str, wanted: str) -> Choice:
    """Pick the kernel ``wanted``, or for "auto" the first that can run.

    Raises KernelError if the kernel asked for by name cannot run.
    """
    table = cell.fused
    if wanted == "eager":
        return _eager(cell, device, "asked for")
    if wanted == "auto":
        return _first(cell, device)
    if wanted not in table:
        known = ["auto", "eager", *table]
        hint = near_miss(wanted, known) or f"; there are: {', '.join(known)}"
        name = type(cell).__module__.rpartition(".")[2]
        raise KernelError(f"the model '{name}' has no kernel '{wanted}'{hint}")
    if reason := table[wanted].why_not(cell, device):
        raise KernelError(f"the kernel '{wanted}' cannot run: {reason}; use --kernel auto")
    return _ready(cell, wanted, "asked for")


def runnable(cell: Fusable, device: str) -> list[str]:
    """Return the names of the time loop and of every kernel that can run ``cell`` on a device."""
    return ["eager", *(k for k, f in cell.fused.items() if f.why_not(cell, device) is None)]


def _ready(cell: Fusable, name: str, reason: str) -> Choice:
    fused = cell.fused[name]
    at_once = None if fused.stacked is None else partial(fused.stacked, cell)
    run = partial(fused.run, cell)
    return Choice(name, run, reason, fused.linear, at_once, fused.prepare)


def _eager(cell: Fusable, device: str, reason: str) -> Choice:
    """Return the time loop; of several models at once by hand, where a kernel has that written."""
    by_hand = (
        fused.stacked
        for fused in cell.fused.values()
        if fused.stacked is not None and fused.why_not(cell, device) is None
    )
    return Choice(
        "eager", partial(unroll, cell), reason, stacked=partial(next(by_hand, stacked), cell)
    )


def _first(cell: Fusable, device: str) -> Choice:
    obstacles = []
    for name, fused in cell.fused.items():
        reason = fused.why_not(cell, device)
        if reason is None:
            return _ready(cell, name, "first of the table that can run")
        obstacles.append(f"{name}: {reason}")
    return _eager(cell, device, "; ".join(obstacles) or "the cell has no other kernel")
