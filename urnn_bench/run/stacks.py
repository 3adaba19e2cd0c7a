"""Stacks: which runs of a matrix are trained together, and how long their updates take."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from urnn_bench.engine.loop import train
from urnn_bench.engine.stacked_check import share_strategy
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.errors import attempt
from urnn_bench.events import Updated
from urnn_bench.global_state import kept
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.machine import memory
from urnn_bench.models import SequenceModel
from urnn_bench.registry import Components
from urnn_bench.run import build, limits
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.device import Backend, device_of, update_threads
from urnn_bench.run.open_files import runs_with_open_files
from urnn_bench.spec.run import Run

# the rest is for the system, for evaluation, and for what other processes take meanwhile
_SHARE = 0.5
# weights, gradients, the optimizer's two, the best so far, and the copy of the last ones
_COPIES = 6
# the peak of an update, with drives and gradients, over what it keeps for its backward pass;
# measured per run of a stack: uRNN 2.3, GRU 2.5, LSTM 3.1, RNN 3.6, a user's cell up to 4.8
_PEAK = 3
_BYTES = {"float32": 4, "float64": 8}
_MAX_SIZE = 64


def stacks(
    components: Components, backend: Backend, runs: Sequence[Run]
) -> Iterator[tuple[Run, ...]]:
    """Yield the runs in stacks, whose runs differ in seed, learning rate, clipping and the like."""
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(_signature(run), []).append(run)
    for group in groups.values():
        size = _max_size(components, backend, group[0])
        yield from (tuple(group[i : i + size]) for i in range(0, len(group), size))


@kept()
def seconds_per_update(stack: Sequence[Run], options: ExecutionOptions) -> float:
    """Return a run's share of one update of its stack, measured after the warm-up.

    Raises what the runs' components raise.
    """
    jobs = share_strategy([build.job_of(options.components, r, options.backend)[0] for r in stack])
    updates = jobs[0].strategy.warm_up_updates + 2
    jobs = [_without_scores(job, updates) for job in jobs]
    with update_threads(options.backend) as threads:
        train_s = [0.0]
        for i, event in train(jobs, [TrainState(evaluated=True) for _ in jobs], threads=threads):
            if isinstance(event, Exception):
                raise event
            if i == 0 and isinstance(event, Updated):
                train_s.append(event.train_s)
            if len(train_s) == updates:
                break
    return train_s[-1] - train_s[-2]


def _without_scores(job: Job, updates: int) -> Job:
    """Return a job that is not evaluated within so many updates."""
    fit = job.fit.model_copy(update={"steps": updates + 1, "log_every": 1})
    return replace(job, fit=fit, solve=None, earlier=(), start=0)


def _signature(run: Run) -> tuple[str, ...]:
    """Return what the runs of a stack have in common."""
    network = repr(run.network)
    stages = (f"{part.task!r} {part.fit.batch}" for part in run.parts[:-1])
    size = f"{run.hidden} {run.fit.batch} {run.fit.dtype}"
    return repr(run.task), network, size, *stages


def _max_size(components: Components, backend: Backend, run: Run) -> int:
    """Return how many such runs a stack may have; one if the cell cannot be built."""
    needs = attempt(_needs, components, backend, run)
    if isinstance(needs, Exception):
        return 1
    in_memory = _fitting(needs, _SHARE * _free_mb(device_of(backend.device)))
    return min(_MAX_SIZE, in_memory, runs_with_open_files())


class _Needs(NamedTuple):
    """What a run takes in MiB, always and while it is updated, and how many are at once."""

    weights_mb: float
    update_mb: float
    at_once: int


def _fitting(needs: _Needs, room_mb: float) -> int:
    """Return how many such runs a room has; at least one."""
    size = int(room_mb / (needs.weights_mb + needs.update_mb))
    if size >= needs.at_once:
        size = int((room_mb - needs.at_once * needs.update_mb) / needs.weights_mb)
    return max(1, size)


def _needs(components: Components, backend: Backend, run: Run) -> _Needs:
    limits.require_memory(components, run, backend.device)
    is_stacked = build.kernel_of(components, run, backend).stacked is not None
    parameters = build.count_parameters(components, run)
    weights_mb = _COPIES * _BYTES[run.fit.dtype] * parameters / 2**20
    # without a stacked kernel, each thread updates one run
    at_once = _MAX_SIZE if is_stacked else THREADS.get()
    largest_mb = max(activation_mb(components, part) for part in run.parts)
    return _Needs(weights_mb, _PEAK * largest_mb, at_once)


def _free_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / 2**20
    return memory.free() / 2**20


def activation_mb(components: Components, run: Run) -> float:
    """Return the memory that an update keeps for its backward pass, in MiB.

    It is counted without allocating any, unless the cell reads values while it is built.
    """
    with kept():
        try:
            return _saved_tensors_mb(*build.reference_model(components, run, "meta"))
        except RuntimeError:
            return _saved_tensors_mb(*build.reference_model(components, run, "cpu"))


def _saved_tensors_mb(model: SequenceModel, x: Tensor) -> float:
    sizes: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        # kept until it is counted, so that no storage is counted twice or not at all
        output = model(x)
    del output
    return max(1, sum(sizes.values())) / 2**20
