"""The training loop: back-propagation through time for a stack of runs, as a stream of events.

A single run is a stack of one. The loop knows nothing of files, displays or limits. While the
consumer works, the loop is suspended and no training time is counted. Closing the generator ends
all runs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf, isfinite
from time import perf_counter
from typing import TypedDict

from torch import Tensor, nn

from urnn_bench.engine import optim
from urnn_bench.engine.evaluate import evaluate
from urnn_bench.engine.stacked import UpdateResult, UpdateThreads, execute_updates
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job, draw_request
from urnn_bench.errors import attempt
from urnn_bench.events import Ended, Ending, Event, Measured, ScoringBegins, SplitName, Updated

# the index of a run in its stack, and what happened; an exception is a run's last event
StackEvent = tuple[int, Event | Exception]


def train(
    jobs: Sequence[Job],
    states: Sequence[TrainState],
    left: set[int] | None = None,
    threads: UpdateThreads | None = None,
) -> Iterator[StackEvent]:
    """Train every run from its state, which is kept up to date, and test its best weights.

    The best weights are those of the lowest validation loss (the task's first metric). The test
    split is scored once, at the end. A loss that is not finite ends its run as diverged; what a
    component raises ends its run too, and no other. ``left`` holds the runs that have left the
    stack: the loop adds what failed, the consumer what has to stop without a test.

    The last weights of a stage are the first of the next, whose optimizer is new. Best weights,
    test and ``solved`` are those of the last stage.
    """
    left = set() if left is None else left
    for i, (job, state) in enumerate(zip(jobs, states, strict=True)):
        if i not in left:
            yield from _events_of(i, _begin(job, state), left)
    while active := [i for i, s in enumerate(states) if s.ended is None and i not in left]:
        runs = {i: (jobs[i].at(states[i].step), states[i]) for i in active}
        for i, result in _updates(runs, threads).items():
            yield from _events_of(i, _after_update(jobs[i], states[i], result), left)


def train_run(job: Job, state: TrainState) -> Iterator[Event]:
    """Yield the events of a stack of one; raise what its components raise."""
    for _, event in train([job], [state]):
        if isinstance(event, Exception):
            raise event
        yield event


def _events_of(i: int, events: Iterator[Event], left: set[int]) -> Iterator[StackEvent]:
    while i not in left and (event := attempt(next, events, None)) is not None:
        if isinstance(event, Exception):
            left.add(i)
        yield i, event


def _begin(job: Job, state: TrainState) -> Iterator[Event]:
    """Score the initial weights, or test those of a run that was stopped before its test.

    A network that is solved in closed form has no updates: its first weights are its last.
    """
    is_solved = job.solve is not None and state.ended is None
    if job.solve is not None and is_solved:
        with _training_time(state):
            state.ended = "done", f"no updates, solved in closed form: {job.solve()}"
    if not state.evaluated:
        yield _score_first(job.at(state.step), state)
    if is_solved:
        # what a checkpoint follows, which has the weights that a test at another length needs
        yield Updated(**_progress(job, state))
    yield from _end(job, state)


def _after_update(job: Job, state: TrainState, result: UpdateResult | Exception) -> Iterator[Event]:
    if isinstance(result, Exception):
        raise result
    stage = job.at(state.step)
    _record_update(stage, state, result)
    yield from _reports(stage, state)
    state.ended = state.ended or _completed(job, state)
    if state.ended is None and job.at(state.step) is not stage:
        # before the event that a checkpoint may follow, which then is of one stage alone
        _begin_stage(state)
        yield _score_first(job.at(state.step), state)
    yield Updated(**_progress(job, state))
    yield from _end(job, state)


def _score_first(job: Job, state: TrainState) -> Measured:
    """Score the weights that a stage begins with."""
    return _with_divergence(job, state, _measure_validation(job, state), every=0)


def _begin_stage(state: TrainState) -> None:
    """Forget what belongs to the stage before, but for the network's weights."""
    state.best_step, state.best_value, state.best_weights = state.step, inf, {}
    state.state = ()


def _end(job: Job, state: TrainState) -> Iterator[Event]:
    if state.ended:
        yield ScoringBegins(state.step)
        yield _measure_test(job, state)
        yield Ended(*state.ended)


def _updates(
    runs: dict[int, tuple[Job, TrainState]], threads: UpdateThreads | None
) -> dict[int, UpdateResult | Exception]:
    """Draw a batch for every run and execute their updates; return each result or exception."""
    attempts = {i: attempt(draw_request, *run) for i, run in runs.items()}
    requests = {i: r for i, r in attempts.items() if not isinstance(r, Exception)}
    failures = {i: r for i, r in attempts.items() if isinstance(r, Exception)}
    results = execute_updates(list(requests.values()), threads)
    return {**failures, **dict(zip(requests, results, strict=True))}


@contextmanager
def _training_time(state: TrainState) -> Iterator[None]:
    """Add the seconds of the block to those spent training."""
    began_s = perf_counter()
    yield
    state.train_s += perf_counter() - began_s


def _record_update(job: Job, state: TrainState, result: UpdateResult) -> None:
    state.train_s += result.train_s
    with _training_time(state):
        # stays on the device: reading it here would wait for a GPU at every update
        state.loss_sum, state.state = state.loss_sum + result.loss, result.state
        state.nonfinite_norms = state.nonfinite_norms + job.norm_check.nonfinite
        job.draws.seed(job.seed, "update end", state.step)
        job.on_update_end(state.step + 1)
    state.loss_count += 1
    state.step += 1
    if not job.task.carries_state("train", state.step, job.fit.batch):
        state.state = ()


def _reports(job: Job, state: TrainState) -> Iterator[Measured]:
    """Yield the scores that are due after an update; a loss that is not finite is the last."""
    schedule = {_measure_train: job.fit.log_every, _measure_validation: job.fit.evaluate_every}
    for measure, every in schedule.items():
        if state.ended is None and _is_due(job, state, every):
            yield _with_divergence(job, state, measure(job, state), every)


def _with_divergence(job: Job, state: TrainState, measured: Measured, every: int) -> Measured:
    """Mark the run as diverged if its loss is not finite."""
    if not isfinite(measured.metrics[job.task.metrics[0]]):
        state.ended = _diverged(state, measured.split, every)
    return measured


def _measure_train(job: Job, state: TrainState) -> Measured:
    """Return the mean training loss since the last report, and how many parameters are frozen."""
    with _training_time(state):
        mean = float(state.loss_sum) / state.loss_count
    state.loss_sum, state.loss_count = 0.0, 0
    _read_norms(state)
    measured = _measured(job, state, "train", {job.task.metrics[0]: mean})
    return replace(measured, frozen=optim.frozen_parameters(job.optimizer))


def _read_norms(state: TrainState) -> None:
    """Read how many norms were not finite, and note when the first is seen."""
    state.nonfinite_norms = int(state.nonfinite_norms)
    if state.nonfinite_norms and state.nonfinite_norm_step is None:
        state.nonfinite_norm_step = state.step


def _measure_validation(job: Job, state: TrainState) -> Measured:
    """Score the validation split; keep the weights if they are the best so far."""
    with _training_time(state):
        # waits for the device, whose time up to here was spent training
        float(state.loss_sum)
    metrics = _scores(job, "validation")
    state.evaluated = True
    value = metrics[job.task.metrics[0]]
    if value < state.best_value:
        state.best_step, state.best_value = state.step, value
        state.best_weights = _snapshot(job.model)
    if state.solved_step is None and job.fit.solved and job.fit.solved.holds(metrics):
        state.solved_step = state.step
    return _measured(job, state, "validation", metrics)


def _measure_test(job: Job, state: TrainState) -> Measured:
    """Score the test split with the best weights, then put the last ones back."""
    with _best_weights(job, state):
        metrics = _scores(job, "test")
    return _measured(job, state, "test", metrics)


@contextmanager
def _best_weights(job: Job, state: TrainState) -> Iterator[None]:
    """Give the network its best weights and buffers in the block, and the last ones afterwards."""
    last_weights = _snapshot(job.model)
    job.model.load_state_dict(state.best_weights or last_weights)
    try:
        yield
    finally:
        job.model.load_state_dict(last_weights)


def _scores(job: Job, split: SplitName) -> dict[str, float]:
    size = job.fit.evaluate_batch
    return evaluate(job.model, job.task, split, size, job.seed, job.draws, job.features)


def _measured(job: Job, state: TrainState, split: SplitName, metrics: dict[str, float]) -> Measured:
    stage = job.at(state.step).stage
    return Measured(**_progress(job, state), split=split, metrics=metrics, stage=stage)


class _Progress(TypedDict):
    step: int
    examples: int
    train_s: float


def _progress(job: Job, state: TrainState) -> _Progress:
    return {
        "step": state.step,
        "examples": job.at(state.step).examples(state.step),
        "train_s": state.train_s,
    }


def _is_due(job: Job, state: TrainState, every: int) -> bool:
    return (state.step - job.start) % every == 0 or state.step == job.end


def _completed(job: Job, state: TrainState) -> tuple[Ending, str] | None:
    solved = job.fit.solved
    if solved and solved.stop and state.solved_step is not None:
        return "solved", f"solved at update {state.solved_step}"
    return ("done", f"all {job.end} updates") if state.step >= job.end else None


def _diverged(state: TrainState, split: str, every: int) -> tuple[Ending, str]:
    since = max(0, state.step - every)
    return "diverged", f"the {split} loss stopped being finite between {since} and {state.step}"


def _snapshot(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
