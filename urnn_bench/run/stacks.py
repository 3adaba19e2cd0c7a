"""Which runs of a matrix are carried out at once: those of one form, as many as memory holds."""

from collections.abc import Iterator, Sequence
from typing import Any

import psutil
import torch
from torch import Tensor

from urnn_bench.models import SequenceModel
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend, device_of
from urnn_bench.spec.run import Run

# the rest is for the system, for evaluation, and for what other processes take meanwhile
_SHARE = 0.5
_COPIES = 6
# a run holds three files open, of which a process may have a thousand
_MOST = 64


def stacks(
    components: Components, backend: Backend, runs: Sequence[Run]
) -> Iterator[tuple[Run, ...]]:
    """Yield every run once, with those that its updates can be computed with.

    That are the runs that differ in seed, learning rate, clipping and the like only. With a kernel
    that computes one model at a time, each processor has one in hand.
    """
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        groups.setdefault(_signature(run), []).append(run)
    for group in groups.values():
        most = _max_size(components, backend, group[0])
        yield from (tuple(group[i : i + most]) for i in range(0, len(group), most))


def _signature(run: Run) -> tuple[str, ...]:
    """Return what runs must have in common to be computed at once."""
    return repr(run.task), repr(run.cell), f"{run.hidden} {run.fit.batch} {run.fit.dtype}"


def _max_size(components: Components, backend: Backend, run: Run) -> int:
    """Return how many runs of this form may be carried out at once."""
    device = device_of(backend.device)
    try:
        each_mb = _each_mb(components, backend, run)
    except Exception:  # noqa: BLE001 - a cell may raise anything, and will be asked again by its run
        return 1
    return min(_MOST, max(1, int(_SHARE * _free_mb(device) / each_mb)))


def _each_mb(components: Components, backend: Backend, run: Run) -> float:
    """Return what a run takes: its weights, or if it is computed with others, an update's too."""
    at_once = build.kernel_of(components, run, backend).stacked is not None
    # weights, gradients, the optimizer's two, the best so far, and a copy where one is made
    weights_mb = _COPIES * 4 * build.parameters(components, run) / 2**20
    return weights_mb + (activation_mb(components, run) if at_once else 0.0)


def _free_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / 2**20
    return psutil.virtual_memory().available / 2**20


def activation_mb(components: Components, run: Run) -> float:
    """Return the memory that an update keeps for its backward pass, in MiB.

    None is taken for it, unless the cell insists on numbers that have a value.
    """
    try:
        return _saved_tensors_mb(*build.reference_model(components, run, "meta"))
    except RuntimeError:
        return _saved_tensors_mb(*build.reference_model(components, run, "cpu"))


def _saved_tensors_mb(model: SequenceModel, x: Tensor) -> float:
    sizes: dict[int, int] = {}

    def kept(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(kept, lambda tensor: tensor):
        # held until it is counted, so that no storage is counted twice or not at all
        held = model(x)
    del held
    return max(1, sum(sizes.values())) / 2**20
