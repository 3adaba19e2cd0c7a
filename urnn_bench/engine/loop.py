"""The training loop: back-propagation through time, as a stream of events.

The loop knows nothing of files, displays or limits. While whoever reads the events works, the
loop is suspended and its stopwatch is off; closing the generator ends the run. An update is not
carried out here but asked for, so that whoever has several runs can carry out theirs at once.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from torch import Tensor, nn

from urnn_bench.engine.evaluate import evaluate
from urnn_bench.engine.stacked import Answer, Descended, answered
from urnn_bench.engine.stopwatch import Stopwatch
from urnn_bench.engine.update import Due, Job
from urnn_bench.events import Ended, Ending, Event, Measured, SplitName, Updated


@dataclass
class Position:
    """Where a run stands after an ``Updated`` event, apart from weights and optimizer state."""

    step: int = 0
    train_s: float = 0.0
    evaluated: bool = False
    ended: tuple[Ending, str] | None = None
    loss_sum: float | Tensor = 0.0
    loss_count: int = 0
    solved_step: int | None = None
    best_step: int = 0
    best_value: float = inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    state: tuple[Tensor, ...] = ()


# a run, which wants an answer to every update that is due
Course = Generator[Event | Due, Answer, None]


def course(job: Job, position: Position) -> Course:
    """Train from ``position``, which is kept up to date, and test the best weights at the end.

    The best weights are those with the lowest validation loss (the task's first metric); the
    test split is looked at once. A loss that is not finite ends the run as diverged. How the run
    ends is noted in ``position`` before the last ``Updated``, so that a run that is stopped while
    it is tested goes on with the test.
    """
    if not position.evaluated:
        yield _checked(job, position, _validated(job, position), every=0)
    while position.ended is None:
        yield from _update(job, position)
        yield from _reports(job, position)
        position.ended = position.ended or _completed(job, position)
        yield Updated(**_now(job, position))
    yield _tested(job, position)
    yield Ended(*position.ended)


def heard(events: Course, hear: Callable[[Event], bool]) -> Generator[Due, Answer]:
    """Pass every update that is due on; end with the events, or where ``hear`` has enough."""
    answer: Answer = None
    with suppress(StopIteration):
        while True:
            event = events.send(answer)
            answer = None
            if isinstance(event, Due):
                answer = yield event
            elif hear(event):
                return


def train(job: Job, position: Position) -> Iterator[Event]:
    """Yield the events of a run that is carried out by itself."""
    running = course(job, position)
    answer: Answer = None
    with suppress(StopIteration):
        while True:
            event = running.send(answer)
            answer = answered([event])[0] if isinstance(event, Due) else None
            if not isinstance(event, Due):
                yield event


def _reports(job: Job, position: Position) -> Iterator[Measured]:
    """Yield the scores that are due after an update; a loss that is not finite is the last."""
    due = {_trained: job.fit.log_every, _validated: job.fit.evaluate_every}
    for report, every in due.items():
        if position.ended is None and _due(job, position, every):
            yield _checked(job, position, report(job, position), every)


def _checked(job: Job, position: Position, measured: Measured, every: int) -> Measured:
    """Note that the run has diverged if its loss is not finite."""
    if not isfinite(measured.metrics[job.task.metrics[0]]):
        position.ended = _diverged(position, measured.split, every)
    return measured


def _update(job: Job, position: Position) -> Generator[Due, Answer]:
    """Draw a batch, ask for an update, and note what came of it."""
    watch = Stopwatch(position.train_s)
    like = next(job.model.parameters())
    with watch:
        batch = job.task.batch("train", position.step, job.fit.batch, job.seed)
        due = Due(job, batch.to(like.device, like.dtype), _carried(job, position))
    done = yield due
    if not isinstance(done, Descended):
        raise done or TypeError("an update was asked for, and not answered")
    with watch:
        # stays on the device: reading it here would wait for a GPU at every update
        position.loss_sum, position.state = position.loss_sum + done.loss, done.state
        job.on_update_end(position.step + 1)
    position.loss_count += 1
    position.step += 1
    if not _continues(job, position):
        position.state = ()
    position.train_s = watch.total_s + done.train_s


def _continues(job: Job, position: Position) -> bool:
    return job.task.carries_state("train", position.step, job.fit.batch)


def _carried(job: Job, position: Position) -> tuple[Tensor, ...]:
    """Return the state that the next batch goes on from: truncated BPTT."""
    device = next(job.model.parameters()).device
    return tuple(s.to(device) for s in position.state)


def _trained(job: Job, position: Position) -> Measured:
    """Report the mean training loss since the last report."""
    watch = Stopwatch(position.train_s)
    with watch:
        mean = float(position.loss_sum) / position.loss_count
    position.train_s, position.loss_sum, position.loss_count = watch.total_s, 0.0, 0
    return _measured(job, position, "train", {job.task.metrics[0]: mean})


def _validated(job: Job, position: Position) -> Measured:
    """Score the validation split; remember the weights if they are the best so far."""
    watch = Stopwatch(position.train_s)
    with watch:
        # waits for the device, whose time up to here was spent training
        float(position.loss_sum)
    position.train_s = watch.total_s
    metrics = evaluate(job.model, job.task, "validation", job.fit.evaluate_batch, job.seed)
    position.evaluated = True
    value = metrics[job.task.metrics[0]]
    if value < position.best_value:
        position.best_step, position.best_value = position.step, value
        position.best_weights = _copied(job.model)
    if position.solved_step is None and job.fit.solved and job.fit.solved.holds(metrics):
        position.solved_step = position.step
    return _measured(job, position, "validation", metrics)


def _tested(job: Job, position: Position) -> Measured:
    """Score the test split with the best weights, then put the last ones back."""
    last = _copied(job.model)
    job.model.load_state_dict(position.best_weights or last)
    metrics = evaluate(job.model, job.task, "test", job.fit.evaluate_batch, job.seed)
    job.model.load_state_dict(last)
    return _measured(job, position, "test", metrics)


def _measured(
    job: Job, position: Position, split: SplitName, metrics: dict[str, float]
) -> Measured:
    return Measured(**_now(job, position), split=split, metrics=metrics)


def _now(job: Job, position: Position) -> dict[str, Any]:
    examples = position.step * job.fit.batch
    return {"step": position.step, "examples": examples, "train_s": position.train_s}


def _due(job: Job, position: Position, every: int) -> bool:
    return position.step % every == 0 or position.step == job.fit.steps


def _completed(job: Job, position: Position) -> tuple[Ending, str] | None:
    solved = job.fit.solved
    if solved and solved.stop and position.solved_step is not None:
        return "solved", f"solved at update {position.solved_step}"
    return ("done", f"all {job.fit.steps} updates") if position.step >= job.fit.steps else None


def _diverged(position: Position, split: str, every: int) -> tuple[Ending, str]:
    since = max(0, position.step - every)
    return "diverged", f"the {split} loss stopped being finite between {since} and {position.step}"


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
