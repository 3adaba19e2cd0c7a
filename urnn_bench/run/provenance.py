"""What a record says of how a run was made: by which process, on what, with what."""

import hashlib
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from os import getpid
from socket import gethostname
from typing import Any

import torch

from urnn_bench.engine.draws import batch_of
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.errors import DamagedRecordError
from urnn_bench.events import SPLITS, SplitName
from urnn_bench.kernels.choose import Choice
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.machine import batch_job
from urnn_bench.models import SequenceModel
from urnn_bench.records import environment
from urnn_bench.records.record import Record, Session
from urnn_bench.run.description import description_of
from urnn_bench.run.device import device_name
from urnn_bench.run.recurrent_memory import known_recurrent_memory
from urnn_bench.spec.run import Run
from urnn_bench.tasks.base import Task

_EXACT = ("device_name", "kernel", "torch_threads", "versions")


def start_session(run: Run, before: Record | None, stack_size: int = 1, jobs: int = 1) -> Record:
    """Return the record of a run of a stack that begins, or resumes after ``before``.

    ``jobs`` is the number of processes that train runs of the command.
    """
    begins: dict[str, Any] = {"status": "running", "reason": "", "run": run, "asked": now()}
    if before is not None:
        sessions = (*before.sessions, _session(stack_size, jobs))
        return before.model_copy(
            update={**begins, "sessions": sessions, "test": None, "evaluations": {}}
        )
    ids = {"identity": run.identity, "protocol": run.protocol}
    return Record.model_validate({**ids, **begins, "sessions": (_session(stack_size, jobs),)})


def record_build(record: Record, job: Job, kernel: Choice, train_state: TrainState) -> Record:
    """Return the record with what is known once the network and the data are there.

    Raises DamagedRecordError if the data are not those that the run has been trained on so far.
    """
    current = fingerprint(job)
    if train_state.step:
        check_fingerprint(record, current)
    device = next(job.model.parameters()).device
    job.draws.seed(job.seed, "baselines")
    build = {
        "from_step": train_state.step,
        "device": device.type,
        "device_name": device_name(device),
        "kernel": kernel.name,
        "kernel_reason": kernel.reason,
    }
    last = record.sessions[-1].model_copy(update=build)
    return record.model_copy(
        update={
            "parameters": sum(p.numel() for p in job.model.parameters() if p.requires_grad),
            "fingerprint": current,
            "criterion": job.task.metrics[0],
            "metric_ends": {name: _ends(ends) for name, ends in job.task.metric_ends.items()},
            "baselines": {name: dict(values) for name, values in job.task.baselines().items()},
            "steps_done": train_state.step,
            "train_s": train_state.train_s,
            "sessions": (*record.sessions[:-1], last),
            **_of_network(job),
        }
    )


def _ends(ends: tuple[float, float]) -> tuple[float | None, ...]:
    """Return the ends of a metric as JSON can hold them, None for an infinite one."""
    return tuple(end if isfinite(end) else None for end in ends)


def _of_network(job: Job) -> dict[str, object]:
    """Return what a network is, and the recurrent weights that it reads, None if not known."""
    memory, network = None, None
    if isinstance(job.model, SequenceModel):
        memory = known_recurrent_memory(job.model.cell)
        network = description_of(job.model)
    weights, size = memory or (None, None)
    return {"recurrent_weights": weights, "recurrent_bytes": size, "network": network}


def check_fingerprint(record: Record, current: Mapping[str, str]) -> None:
    """Raise DamagedRecordError if data are not those that a run has been trained on so far."""
    if not record.fingerprint or record.fingerprint == current:
        return
    parts = {**record.fingerprint, **current}
    changed = [part for part in parts if record.fingerprint.get(part) != current.get(part)]
    name = f"{record.run.label} T={record.run.T} seed {record.run.seed}"
    text = f"the {' and '.join(changed)} data are not those it began with; bring those back"
    raise DamagedRecordError(f"{name}: {text}")


def environment_changes(record: Record) -> str:
    """Return how the environment differs from the previous session's, if numbers may change."""
    # one that was killed before its network was built has no device, and has trained nothing
    built = [session for session in record.sessions if session.device]
    if len(built) < 2:
        return ""
    before, now = built[-2:]
    return " and ".join(name for name in _EXACT if getattr(before, name) != getattr(now, name))


def now() -> str:
    """Return the time in ISO 8601, to the microsecond so that times can be told apart."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def reset_peak() -> None:
    """Forget the largest use of memory so far."""
    environment.reset_peak()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _session(stack_size: int, jobs: int) -> Session:
    commit, dirty = environment.commit()
    return Session(
        started=now(),
        host=gethostname(),
        pid=getpid(),
        job=batch_job.job(),
        argv=tuple(sys.argv[1:]),
        together=stack_size,
        jobs=jobs,
        threads=THREADS.get(),
        torch_threads=torch.get_num_threads(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        versions=dict(environment.versions()),
        commit=commit,
        dirty=dirty,
    )


def record_end(record: Record, job: Job, train_state: TrainState, wall_s: float) -> Record:
    """Return the record with where the run stands and what its last session took."""
    peak = _peak_mb(next(job.model.parameters()).device)
    strategy = {"update": job.strategy.name, "update_reason": job.strategy.reason}
    costs = {"wall_s": round(wall_s, 3), "peak_mb": peak}
    last = record.sessions[-1].model_copy(update={**strategy, **costs})
    is_scored = isfinite(train_state.best_value)
    return record.model_copy(
        update={
            "steps_done": train_state.step,
            "train_s": train_state.train_s,
            "best_step": train_state.best_step if is_scored else None,
            "solved_step": train_state.solved_step,
            **_nonfinite_norms(job, train_state),
            "sessions": (*record.sessions[:-1], last),
        }
    )


def _nonfinite_norms(job: Job, train_state: TrainState) -> dict[str, int | None]:
    """Return what the record has of norms that are not finite: nothing without a limit of it."""
    if job.fit.clip is None or job.fit.clip.norm is None:
        return {}
    count, step = int(train_state.nonfinite_norms), train_state.nonfinite_norm_step
    # those after the last logged update were not seen yet
    since = train_state.step if count and step is None else step
    return {"nonfinite_norms": count, "nonfinite_norm_step": since}


def _peak_mb(device: torch.device) -> float | None:
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return environment.peak_mb()


def fingerprint(job: Job) -> dict[str, str]:
    """Return the SHA-256 of the first sequences of every split, and what the task adds."""
    digests: dict[str, str] = {
        split: first_digest(job.task, split, job.fit.batch, job.seed) for split in SPLITS
    }
    earlier = {
        f"{stage.stage}'s {part}": digest
        for stage in job.earlier
        for part, digest in fingerprint(stage).items()
    }
    return {**digests, **job.task.identity(), **earlier}


def first_digest(task: Task, split: SplitName, size: int, seed: int) -> str:
    """Return the SHA-256 of the first batch of ``size`` examples of a split."""
    batch = task.compared(batch_of(task, split, 0, size, seed))
    digest = hashlib.sha256()
    # x and y are without a name, as they were before there were extras
    for name, tensor in zip(("", "", *sorted(batch.extras)), batch.tensors(), strict=True):
        digest.update(f"{name}{tuple(tensor.shape)} {tensor.dtype}".encode())
        # step by step: the bytes of a static input would be many times its memory
        for part in tensor.unbind(0) if tensor.ndim > 1 else (tensor,):
            digest.update(part.contiguous().numpy().tobytes())
    return digest.hexdigest()
