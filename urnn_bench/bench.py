"""Carry out runs: skip what is done, resume what is not, record whatever happens."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from os import getpid
from pathlib import Path
from socket import gethostname
from typing import Any, Protocol

import torch

from urnn_bench import build, checkpoint
from urnn_bench.build import Machinery
from urnn_bench.engine.gradient import Job, Position, train
from urnn_bench.events import Ended, Event, Measured, Updated
from urnn_bench.kernels.choose import Choice
from urnn_bench.records import environment
from urnn_bench.records.folder import CHECKPOINT, METRICS, State, clear, folder_of, locked, state_of
from urnn_bench.records.metrics import MetricsWriter
from urnn_bench.records.record import FINAL, Record, Session, Status
from urnn_bench.registry import Components
from urnn_bench.spec.schema import Run

# checkpoints may take at most this share of the time
_CHECKPOINT_SHARE = 0.02
_CHECKPOINT_AT_LEAST_S = 1.0
_NO_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")


class Display(Protocol):
    """Whoever shows a run to people or to programs."""

    def start(self, record: Record) -> None:
        """A run begins, or goes on from ``record.steps_done``."""

    def show(self, event: Event) -> None:
        """Something happened in the run that began last."""

    def end(self, record: Record) -> None:
        """The run that began last has ended, in the state its record says."""

    def skip(self, run: Run, state: State) -> None:
        """A run is left alone: it is done, or another process is at it."""


@dataclass(frozen=True)
class Conditions:
    """How runs are carried out; nothing here belongs to a result's identity."""

    components: Components
    machinery: Machinery
    results: Path
    threads: int | None = None
    time_limit_s: float | None = None
    force: bool = False


@dataclass(frozen=True)
class Shell:
    """Who is shown what happens, and who may ask to stop (with the name of a signal)."""

    display: Display
    stop: Callable[[], str | None] = lambda: None


@dataclass
class Work:
    """One run in progress: its record, its engine's position, and its open file."""

    folder: Path
    record: Record
    job: Job
    position: Position
    metrics: MetricsWriter


def check(runs: Sequence[Run], conditions: Conditions) -> None:
    """Raise, before anything is trained, what would stop one of the runs from beginning.

    Raises KernelError, DeviceError, or RecordsError for a damaged or too new record.
    """
    for run in runs:
        build.kernel_of(conditions.components, run, conditions.machinery)
        path = folder_of(conditions.results, run)
        if not conditions.force and state_of(path).status not in FINAL:
            _load_checkpoint(path, run)


def carry_out(runs: Sequence[Run], conditions: Conditions, shell: Shell) -> Iterator[State]:
    """Yield the state of each run after carrying it out, or leaving it alone."""
    set_up(conditions.threads)
    for run in runs:
        if shell.stop():
            return
        yield _carry_out(run, conditions, shell)


def set_up(threads: int | None) -> None:
    """Fix the number of threads and ask torch for deterministic algorithms."""
    if threads is not None:
        torch.set_num_threads(threads)
    # warn only: a user's cell may need an operation without a deterministic form
    torch.use_deterministic_algorithms(True, warn_only=True)


def seconds_per_update(run: Run, conditions: Conditions) -> float:
    """Return how long one update of a run takes here, from the second of two made for it."""
    job, _ = build.job_of(conditions.components, run, conditions.machinery)
    job = replace(job, fit=run.fit.model_copy(update={"steps": 3, "log_every": 1}))
    updates = (e for e in train(job, Position(evaluated=True)) if isinstance(e, Updated))
    first, second = islice(updates, 2)
    return second.train_s - first.train_s


def _carry_out(run: Run, conditions: Conditions, shell: Shell) -> State:
    folder = folder_of(conditions.results, run)
    with locked(folder) as mine:
        state = state_of(folder) if not (mine and conditions.force) else State("to do")
        if not mine or state.status in FINAL:
            state = state if mine else State("running", state.record)
            shell.display.skip(run, state)
            return state
        if conditions.force:
            clear(folder)
        record = _perform(run, folder, state.record, conditions, shell)
    return State(record.status, record)


def _perform(
    run: Run, folder: Path, before: Record | None, conditions: Conditions, shell: Shell
) -> Record:
    """Train one run, and turn whatever ends it into the status of its record."""
    environment.reset_peak()
    began = time.monotonic()
    job, kernel = build.job_of(conditions.components, run, conditions.machinery)
    content = _load_checkpoint(folder, run)
    position = checkpoint.restore(content, job) if content else Position()
    metrics = MetricsWriter(folder / METRICS, content["metrics_bytes"] if content else 0)
    record = _record(run, job, kernel, position, before)
    work = Work(folder, record, job, position, metrics)
    record.write(folder)
    shell.display.start(record)
    with _statuses(work):
        _follow(work, conditions.time_limit_s, began, shell)
    metrics.close()
    work.record = _closed(work, time.monotonic() - began)
    work.record.write(folder)
    shell.display.end(work.record)
    return work.record


def _follow(work: Work, limit_s: float | None, began: float, shell: Shell) -> None:
    """Read the engine's events: record, show, save, and stop when told to."""
    saved, cost_s = time.monotonic(), 0.0
    for event in train(work.job, work.position):
        _take(work, event)
        shell.display.show(event)
        if not isinstance(event, Updated):
            continue
        now = time.monotonic()
        ending = _ending(limit_s, now - began, shell)
        if ending or now - saved > max(_CHECKPOINT_AT_LEAST_S, cost_s / _CHECKPOINT_SHARE):
            _save(work)
            saved, cost_s = time.monotonic(), time.monotonic() - now
        if ending:
            work.record = _with(work.record, *ending)
            return


def _take(work: Work, event: Event) -> None:
    if isinstance(event, Measured):
        work.metrics.write(event)
        if event.split == "test":
            work.record = work.record.model_copy(update={"test": dict(event.metrics)})
    elif isinstance(event, Ended):
        _save(work)
        work.record = _with(work.record, event.status, event.reason)


def _ending(limit_s: float | None, elapsed_s: float, shell: Shell) -> tuple[Status, str] | None:
    if name := shell.stop():
        return "interrupted", f"stopped by {name}"
    if limit_s is not None and elapsed_s > limit_s:
        return "timeout", f"the time limit of {limit_s:g} s"
    return None


def _save(work: Work) -> None:
    length = work.metrics.sync()
    checkpoint.save(work.folder / CHECKPOINT, work.job, work.position, work.record.identity, length)


@contextmanager
def _statuses(work: Work) -> Iterator[None]:
    """Record an exception as this run's status, so that it ends this run only."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
        if _is_out_of_memory(error):
            work.record = _with(work.record, "oom", str(error).split("\n")[0])
        else:
            place = _place(error)
            work.record = _with(work.record, "failed", f"{type(error).__name__}: {error}{place}")


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_MEMORY)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""


def _load_checkpoint(folder: Path, run: Run) -> dict[str, Any] | None:
    path = folder / CHECKPOINT
    return checkpoint.load(path, run.identity) if path.exists() else None


def _record(
    run: Run, job: Job, kernel: Choice, position: Position, before: Record | None
) -> Record:
    task = job.task
    return Record(
        identity=run.identity,
        protocol=run.protocol,
        status="running",
        reason="",
        run=run,
        parameters=sum(p.numel() for p in job.model.parameters() if p.requires_grad),
        fingerprint=build.fingerprint(job),
        criterion=task.metrics[0],
        baselines={name: dict(values) for name, values in task.baselines().items()},
        steps_done=position.step,
        train_s=position.train_s,
        sessions=(*(before.sessions if before else ()), _session(job, kernel, position)),
    )


def _session(job: Job, kernel: Choice, position: Position) -> Session:
    device = next(job.model.parameters()).device
    commit, dirty = environment.commit()
    return Session(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        host=gethostname(),
        pid=getpid(),
        argv=tuple(sys.argv[1:]),
        from_step=position.step,
        device=device.type,
        device_name=device_name(device),
        kernel=kernel.name,
        kernel_reason=kernel.reason,
        threads=torch.get_num_threads(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        versions=environment.versions(),
        commit=commit,
        dirty=dirty,
    )


def device_name(device: torch.device) -> str:
    """Return what a device calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(torch.backends.cpu.get_cpu_capability()) if device.type == "cpu" else device.type


def _closed(work: Work, wall_s: float) -> Record:
    position, record = work.position, work.record
    peak = _peak_mb(next(work.job.model.parameters()).device)
    last = record.sessions[-1].model_copy(update={"wall_s": round(wall_s, 3), "peak_mb": peak})
    known = position.best_value < float("inf")
    return record.model_copy(
        update={
            "steps_done": position.step,
            "train_s": position.train_s,
            "best_step": position.best_step if known else None,
            "solved_step": position.solved_step,
            "sessions": (*record.sessions[:-1], last),
        }
    )


def _peak_mb(device: torch.device) -> float | None:
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return environment.peak_mb()


def _with(record: Record, status: Status, reason: str) -> Record:
    return record.model_copy(update={"status": status, "reason": reason})
