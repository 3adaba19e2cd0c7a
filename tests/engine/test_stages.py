"""Training in stages: one network whose task, optimizer and schedule change at a boundary."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from urnn_bench.engine import optim
from urnn_bench.engine.loop import train, train_run
from urnn_bench.engine.stacked import execute_updates
from urnn_bench.engine.stacked_check import share_strategy
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Eager, UpdateRequest
from urnn_bench.events import Measured, Updated
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.stages import Stage
from urnn_bench.spec.types import ComponentSpec

OPTIONS = {"symbols": 3, "recall": 2, "validation_examples": 12, "test_examples": 16}
FIRST = {"steps": 4, "batch": 5, "log_every": 2, "evaluate_every": 2, "dtype": "float64"}
LAST = {
    **FIRST,
    "steps": 6,
    "batch": 4,
    "optimizer": {"name": "adam", "lr": 0.01},
    "schedule": "linear",
}


def task(T):
    return ComponentSpec(name="copying", options={"T": T, **OPTIONS})


def staged(seed=0, cell="lstm", **changes):
    stages = (
        Stage(name="short", task=task(3), fit=Fit(**FIRST)),
        Stage(name="long", task=task(6), fit=Fit(**{**LAST, **changes})),
    )
    return Run(
        benchmark="b",
        label=cell,
        task=stages[-1].task,
        cell=ComponentSpec(name=cell),
        hidden=6,
        fit=stages[-1].fit,
        seed=seed,
        stages=stages,
    )


def job_of(run, kernel="auto"):
    return build.job_of(Components(), run, Backend("cpu", kernel))[0]


def stackable(run):
    """A job on the time loop, which stacks."""
    job = job_of(run, "eager")
    assert job.stacked_forward is not None
    return job


def events_of(job, kind):
    return [event for event in train_run(job, TrainState()) if isinstance(event, kind)]


def weights(job):
    return torch.cat([p.detach().flatten() for p in job.model.parameters()])


def test_a_boundary_hands_on_the_weights_and_nothing_else():
    """Stage by stage by hand: the last weights, a new optimizer, and its own schedule."""
    job = job_of(staged())
    events_of(job, Updated)
    by_hand = job_of(staged())
    for stage in (*by_hand.earlier, by_hand):
        optimizer = optim.make(stage.fit.optimizer, list(by_hand.model.parameters()))
        for step in range(stage.start, stage.end):
            batch = stage.task.batch("train", step, stage.fit.batch, stage.seed)
            batch = batch.to(by_hand.device, by_hand.dtype)
            optimizer.zero_grad()
            stage.task.loss(by_hand.model(batch.x)[0], batch).backward()
            with optim.scaled_rates(optimizer, stage.fit.rate_share(step - stage.start)):
                optimizer.step()
    torch.testing.assert_close(weights(job), weights(by_hand), rtol=1e-9, atol=1e-12)


def test_every_value_names_its_stage_and_counts_all_updates():
    measured = events_of(job_of(staged()), Measured)
    scored = [(e.step, e.stage, e.examples) for e in measured if e.split == "validation"]
    assert scored == [
        (0, "short", 0),
        (2, "short", 10),
        (4, "short", 20),
        (4, "long", 20),
        (6, "long", 28),
        (8, "long", 36),
        (10, "long", 44),
    ]
    assert [(e.step, e.stage) for e in measured if e.split == "test"] == [(10, "long")]


def test_the_best_weights_are_of_the_last_stage():
    """With a rate that ruins it, the last stage is best where it begins."""
    run = staged(optimizer={"name": "sgd", "lr": 1e3}, schedule=None)
    state = TrainState()
    measured = [e for e in train_run(job_of(run), state) if isinstance(e, Measured)]
    value = {(e.step, e.stage): e.metrics for e in measured if e.split == "validation"}
    assert state.best_step == 4
    assert state.best_value == value[4, "long"]["cross_entropy_nat"]
    assert state.best_value != value[4, "short"]["cross_entropy_nat"]


def test_an_earlier_stage_cannot_solve_the_task():
    solved = {"metric": "cross_entropy_nat", "below": 1e9, "stop": True}
    state = TrainState()
    for _ in train_run(job_of(staged(solved=solved)), state):
        pass
    assert state.ended[0] == "solved" and state.solved_step == 4 and state.step == 5


@pytest.mark.parametrize("cell", ["lstm", "urnn", "rnn"])
def test_a_stack_trains_each_run_as_alone(cell):
    runs = [staged(seed, cell) for seed in range(3)]
    alone = [stackable(run) for run in runs]
    for job in alone:
        events_of(job, Updated)
    stack = share_strategy([stackable(run) for run in runs])
    for _, event in train(stack, [TrainState() for _ in stack]):
        if isinstance(event, Exception):
            raise event
    for job, single in zip(stack, alone, strict=True):
        torch.testing.assert_close(weights(job), weights(single), rtol=0, atol=1e-8)


def test_a_stack_keeps_stages_apart_of_runs_that_are_in_different_ones():
    """As when some of a stack were stopped earlier than others."""
    runs = [staged(0, "urnn"), staged(1, "urnn")]
    ahead = stackable(runs[1])
    state = TrainState()
    for event in train_run(ahead, state):
        if isinstance(event, Updated) and event.step == 3:
            break
    stack = share_strategy([stackable(runs[0]), ahead])
    for _ in train(stack, [TrainState(), state]):
        pass
    whole = stackable(runs[1])
    events_of(whole, Updated)
    torch.testing.assert_close(weights(stack[1]), weights(whole), rtol=0, atol=1e-8)


class Noting(Eager):
    """Updates as always, and which stages each call has updates of."""

    calls: ClassVar[list[set[str]]] = []

    def __call__(self, requests):
        self.calls.append({request.job.stage for request in requests})
        return super().__call__(requests)


def test_updates_of_different_stages_are_not_one():
    """A graph that is captured has the optimizers of one stage, whatever the shapes."""
    job = stackable(staged(cell="urnn"))
    stages = [replace(stage, strategy=Noting()) for stage in (job.earlier[0], job)]
    batch = job.task.batch("train", 0, 4, 0).to(job.device, job.dtype)
    execute_updates([UpdateRequest(stage, batch, (), 4) for stage in stages])
    assert Noting.calls == [{"short"}, {"long"}]


def test_no_stages_and_no_identity():
    run = staged()
    plain = run.model_copy(update={"stages": ()})
    assert plain.identity != run.identity
    renamed = (run.stages[0].model_copy(update={"name": "brief"}), run.stages[1])
    assert run.model_copy(update={"stages": renamed}).identity != run.identity
    larger = run.stages[0].fit.model_copy(update={"evaluate_batch": 7})
    same = (run.stages[0].model_copy(update={"fit": larger}), run.stages[1])
    assert run.model_copy(update={"stages": same}).identity == run.identity


def test_a_run_without_stages_is_a_part_of_itself():
    plain = staged().model_copy(update={"stages": ()})
    assert plain.parts == (plain,) and plain.updates == 6 and staged().updates == 10
    job = job_of(plain)
    assert job.at(0) is job and job.at(6) is job and replace(job).earlier == ()
