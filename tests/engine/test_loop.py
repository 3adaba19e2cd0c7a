"""The training loop on a task and a network of two lines each."""

from dataclasses import replace
from math import isnan

import pytest
import torch
from torch import nn

from urnn_bench.engine import loop, stacked, update
from urnn_bench.engine.evaluate import evaluate
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.events import Ended, Measured, ScoringBegins, Updated
from urnn_bench.random_streams import generator
from urnn_bench.spec.fit import Fit, Solved
from urnn_bench.tasks.base import Batch, Score, Signature, Targets, Task, Vectors


class Line(Task):
    """y = 2x."""

    metrics = ("mse", "worst")

    def __init__(self, poison=None):
        self.poison = poison

    signature = Signature(Vectors(1), 1, Targets.LAST_STEP)

    def batches(self, split, size):  # noqa: ARG002 - part of the interface
        return None if split == "train" else 2

    def batch(self, split, index, size, seed):
        rng = generator(seed, split, index)
        count = size if index == 0 or split == "train" else 1
        x = torch.randn(count, 1, generator=rng)
        y = 2 * x
        if split == "train" and index == self.poison:
            y = y * float("nan")
        return Batch(x, y)

    def loss(self, output, batch):
        return (output - batch.y).square().mean()

    def scores(self, output, batch):
        n = len(batch.y)
        return {"mse": Score(float(self.loss(output, batch)) * n, n), "worst": Score(float(n), n)}

    def baselines(self):
        return {"mse": {"zero": 4.0}}

    def baseline_output(self, batch):
        return torch.zeros_like(batch.y)


class Slope(nn.Linear):
    """y = w x, and a state that counts the batches since it last began."""

    def __init__(self):
        super().__init__(1, 1, bias=False)
        nn.init.zeros_(self.weight)
        self.seen = []

    def forward(self, x, state=()):
        self.seen.append(float(state[0]) if state else 0.0)
        assert not any(s.requires_grad for s in state), "gradients end where a batch does"
        count = torch.tensor(self.seen[-1] + 1) + 0 * self.weight.sum()
        return super().forward(x), (count,)


class Chapters(Line):
    """Lines in chapters of three batches, of two in validation and test."""

    def carries_state(self, split, index, size):  # noqa: ARG002 - part of the interface
        return index % (3 if split == "train" else 2) != 0

    def finalise_metrics(self, means):
        return {**means, "root": means["mse"] ** 0.5}


def job(steps=6, poison=None, lr=0.1, **fit):
    model = Slope()
    options = Fit(**{"steps": steps, "batch": 8, "log_every": 2, "evaluate_every": 3, **fit})
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    return Job(model, Line(poison), optimizer, options, seed=0)


def short(event):
    if isinstance(event, Measured):
        return f"{event.split}@{event.step}"
    if isinstance(event, ScoringBegins):
        return f"test after {event.step}"
    return f"@{event.step}" if isinstance(event, Updated) else event.status


def test_order_of_events():
    events = [short(e) for e in train_run(job(), TrainState())]
    assert events == [
        "validation@0",
        "@1",
        "train@2",
        "@2",
        "validation@3",
        "@3",
        "train@4",
        "@4",
        "@5",
        "train@6",
        "validation@6",
        "@6",
        "test after 6",
        "test@6",
        "done",
    ]


def test_training_descends_and_reports_means_of_the_loss():
    events = list(train_run(job(steps=40), TrainState()))
    losses = [e.metrics["mse"] for e in events if isinstance(e, Measured) and e.split == "train"]
    assert losses[0] > 1.0 > 0.01 > losses[-1]


def test_test_scores_are_those_of_the_best_weights_and_the_last_are_put_back():
    work, train_state = job(steps=6, lr=1.5), TrainState()  # too long a step: it gets worse
    events = list(train_run(work, train_state))
    validation = {
        e.step: e.metrics["mse"]
        for e in events
        if isinstance(e, Measured) and e.split == "validation"
    }
    assert train_state.best_step == min(validation, key=validation.get) == 0
    (test,) = [e for e in events if isinstance(e, Measured) and e.split == "test"]
    last = work.model.weight.detach().clone()
    work.model.load_state_dict(train_state.best_weights)
    assert test.metrics == evaluate(work.model, work.task, "test", work.fit.evaluate_batch, 0)
    assert not torch.equal(last, work.model.weight)


@pytest.mark.parametrize("cut", range(1, 6))
def test_going_on_from_any_update_gives_the_same_events(cut):
    def values(events):
        return [(short(e), dict(e.metrics)) for e in events if isinstance(e, Measured)]

    whole = values(train_run(job(), TrainState()))
    work, train_state, before = job(), TrainState(), []
    for event in train_run(work, train_state):
        before += values([event])
        if isinstance(event, Updated) and event.step == cut:
            break
    assert before + values(train_run(work, train_state)) == whole


def test_a_loss_that_is_not_finite_ends_the_run_as_diverged():
    events = list(train_run(job(poison=2, evaluate_every=6), TrainState()))
    assert events[-1].status == "diverged"
    assert events[-1].reason == "the train loss stopped being finite between 2 and 4"
    assert [short(e) for e in events[-4:]] == ["@4", "test after 4", "test@4", "diverged"]
    train_rows = [e for e in events if isinstance(e, Measured) and e.split == "train"]
    assert isnan(train_rows[-1].metrics["mse"]) and train_rows[-1].step == 4


def test_weights_that_the_last_update_destroyed_are_no_success():
    events = list(train_run(job(steps=1, lr=1e38), TrainState()))
    assert events[-1].status == "diverged" and "the validation loss" in events[-1].reason


def test_an_ended_run_goes_on_with_its_test_only():
    work, train_state = job(poison=2), TrainState()
    for event in train_run(work, train_state):
        if isinstance(event, Updated) and train_state.ended:
            break
    assert [short(e) for e in train_run(work, train_state)] == [
        "test after 3",
        "test@3",
        "diverged",
    ]


def test_solved_is_noted_and_stops_only_if_told_to():
    solved = Solved(metric="mse", below=0.5)
    train_state = TrainState()
    events = list(train_run(job(steps=30, solved=solved), train_state))
    assert events[-1].status == "done" and train_state.solved_step is not None
    stopping = list(
        train_run(job(steps=30, solved=solved.model_copy(update={"stop": True})), TrainState())
    )
    assert isinstance(stopping[-1], Ended) and stopping[-1].status == "solved"
    assert stopping[-2].step == train_state.solved_step < 30


def test_uneven_batches_average_exactly():
    work = job()
    torch.nn.init.ones_(work.model.weight)
    batches = [work.task.batch("test", i, 8, 0) for i in range(2)]
    errors = torch.cat([(b.x - b.y).square() for b in batches])
    found = evaluate(work.model, work.task, "test", 8, 0)
    assert found["mse"] == pytest.approx(float(errors.mean())) and found["worst"] == 1.0
    with pytest.raises(ValueError, match="no end"):
        evaluate(work.model, work.task, "train", 8, 0)


def test_states_are_carried_as_long_as_a_task_goes_on():
    work = replace(job(steps=5, evaluate_every=5), task=Chapters())
    measured = [e for e in train_run(work, TrainState()) if isinstance(e, Measured)]
    looks = [0, 1]  # before the first update, after the last, and the test
    assert work.model.seen == [*looks, 0, 1, 2, 0, 1, *looks, *looks]
    assert measured[0].metrics["root"] == pytest.approx(measured[0].metrics["mse"] ** 0.5)


def test_a_carried_state_is_part_of_where_a_run_stands():
    work, train_state = replace(job(steps=9, evaluate_every=9), task=Chapters()), TrainState()
    for event in train_run(work, train_state):
        if isinstance(event, Updated) and event.step == 2:
            break
    assert float(train_state.state[0]) == 2
    work.model.seen.clear()
    for _ in train_run(work, train_state):
        pass
    assert work.model.seen[:4] == [2, 0, 1, 2] and train_state.state == ()


def test_drawing_counts_as_training_and_the_work_of_the_consumer_does_not(monkeypatch):
    now_s = [0.0]
    for module in (loop, stacked, update):
        monkeypatch.setattr(module, "perf_counter", lambda: now_s[0])

    class SlowToDraw(Line):
        def batch(self, split, index, size, seed):
            now_s[0] += 2.0 if split == "train" else 500.0
            return super().batch(split, index, size, seed)

    train_state = TrainState()
    for _ in train_run(replace(job(steps=3), task=SlowToDraw()), train_state):
        now_s[0] += 1000.0
    assert train_state.train_s == 6.0
