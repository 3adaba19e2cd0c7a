"""Which implementation of a recurrence runs, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, Self

import torch
from torch import Tensor
from torch.nn import functional
from typing_extensions import TypeVar

from urnn_bench.errors import KernelError, near_miss
from urnn_bench.kernels.time_loop import Recurrence, State, W, W_contra, stacked, unroll
from urnn_bench.renamed import former_names

__getattr__ = former_names(__name__)

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)

# of a cell C with weights W: x (T, B, F), the first state and the weights to h over time (T, B, H)
# and the last state
Kernel = Callable[[C, Tensor, State, W], tuple[Tensor, State]]
Forward = Callable[[Tensor, State, W], tuple[Tensor, State]]
# the same of sequences of different lengths (B)
PaddedKernel = Callable[[C, Tensor, State, W, Tensor], tuple[Tensor, State]]
PaddedForward = Callable[[Tensor, State, W, Tensor], tuple[Tensor, State]]
# the same without h over time
LastState = Callable[[C, Tensor, State, W], State]
Linear = Callable[[Tensor, Tensor, Tensor], Tensor]
WarmUp = Callable[[int, torch.dtype], object]


class HasWidth(Protocol):
    """The width of a cell, which may decide whether a kernel takes it."""

    hidden: int


def _nothing(*_: object) -> None:
    return None


def _never(_: object) -> bool:
    return False


@dataclass(frozen=True)
class Implementation(Generic[C_contra, W_contra]):
    """Another way to compute what ``unroll`` computes of the same arguments, on some devices.

    ``unavailable_for`` returns why it cannot run a cell here, or None. "auto" tries those of
    a table first that are not ``slower_for`` a cell than the others. A kernel with
    ``own_threads`` is disturbed by torch's, which spin while they wait. ``linear`` is the readout
    that goes best with it: x (..., K), weight (O, K) and bias (O) to (..., O). ``stacked`` computes
    a stack of M models of one form, as ``time_loop.stacked`` does. ``warm_up`` does, for a batch
    size and a precision, what the first batch would wait for. ``last_state`` returns the last state
    alone, where h over time would be too large to make.

    A kernel that reads a sequence from its end needs to know where that is: ``padded`` takes the
    lengths too, of x that is 0 after them. The first of its last states is h at these ends.
    ``padded_stacked`` does so for a stack. Other kernels read what comes after, which changes no h
    before it.

    C is what the kernel calls of a cell, W what it reads of its weights. Both are contravariant: a
    kernel that needs less serves every cell that has more.
    """

    devices: frozenset[str]
    run: Kernel[C_contra, W_contra]
    # Any and not C: a kernel behind a filter is asked of the cell around it
    unavailable_for: Callable[[Any], str | None] = _nothing
    own_threads: bool = False
    linear: Linear = functional.linear
    stacked: Kernel[C_contra, W_contra] | None = None
    warm_up: WarmUp = _nothing
    last_state: LastState[C_contra, W_contra] | None = None
    padded: PaddedKernel[C_contra, W_contra] | None = None
    padded_stacked: PaddedKernel[C_contra, W_contra] | None = None
    slower_for: Callable[[Any], bool] = _never

    def unavailable_reason(self, cell: HasWidth, device: str) -> str | None:
        """Return why this kernel cannot run ``cell`` on ``device``, or None."""
        if device not in self.devices:
            return f"it runs on {' and '.join(sorted(self.devices))}, not on {device}"
        return self.unavailable_for(cell)


class HasKernels(Recurrence[W_contra], HasWidth, Protocol[W_contra]):
    """A recurrence with a table of faster kernels, in the order in which to try them."""

    @property
    def kernels(self) -> Mapping[str, Implementation[Self, W_contra]]:
        """Kernels by name."""


@dataclass(frozen=True)
class Choice(Generic[W_contra]):
    """A kernel ready to run, and the reason that goes into the record."""

    name: str
    run: Forward[W_contra]
    reason: str
    linear: Linear = functional.linear
    stacked: Forward[W_contra] | None = None
    warm_up: WarmUp = _nothing
    last_state: Callable[[Tensor, State, W_contra], State] | None = None
    padded: PaddedForward[W_contra] | None = None
    padded_stacked: PaddedForward[W_contra] | None = None


def choose(cell: HasKernels[W], device: str, wanted: str) -> Choice[W]:
    """Return the kernel ``wanted``, or for "auto" the first that can run.

    Raises KernelError if the kernel requested by name cannot run.
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


def available(cell: HasKernels[W], device: str) -> list[str]:
    """Return the names of the time loop and of every kernel that can run ``cell`` on a device."""
    return [
        "eager",
        *(k for k, f in cell.kernels.items() if f.unavailable_reason(cell, device) is None),
    ]


def _ready(cell: HasKernels[W], name: str, reason: str) -> Choice[W]:
    kernel = cell.kernels[name]
    return Choice(
        name,
        partial(kernel.run, cell),
        reason,
        kernel.linear,
        None if kernel.stacked is None else partial(kernel.stacked, cell),
        kernel.warm_up,
        None if kernel.last_state is None else partial(kernel.last_state, cell),
        None if kernel.padded is None else partial(kernel.padded, cell),
        None if kernel.padded_stacked is None else partial(kernel.padded_stacked, cell),
    )


def _eager(cell: HasKernels[W], device: str, reason: str) -> Choice[W]:
    """Return the time loop, whose stack is computed by the first kernel that can.

    A loop by hand writes in place and keeps less than autograd does under vmap; the states are the
    same to rounding.
    """
    of_stacks = (
        kernel.stacked
        for kernel in cell.kernels.values()
        if kernel.stacked is not None and kernel.unavailable_reason(cell, device) is None
    )
    return Choice(
        "eager", partial(unroll, cell), reason, stacked=partial(next(of_stacks, stacked), cell)
    )


def _first(cell: HasKernels[W], device: str) -> Choice[W]:
    reasons = []
    # a stable sort: within both halves the order is the table's
    for name, kernel in sorted(cell.kernels.items(), key=lambda item: item[1].slower_for(cell)):
        reason = kernel.unavailable_reason(cell, device)
        if reason is None:
            return _ready(cell, name, "first of the table that can run")
        reasons.append(f"{name}: {reason}")
    return _eager(cell, device, "; ".join(reasons) or "the cell has no other kernel")
