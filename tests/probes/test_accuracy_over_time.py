"""The share of right answers at every step: of all sequences, and of those that have the step."""

import json
from dataclasses import replace

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import choose
from urnn_bench.models import SequenceModel
from urnn_bench.pooling import pool_of
from urnn_bench.probes._trace import trace
from urnn_bench.probes.accuracy_over_time import AccuracyOverTime
from urnn_bench.random_streams import seeded
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components
from urnn_bench.spec.types import Config
from urnn_bench.tasks.shown_digits import ShownDigits, ShownDigitsOptions

T, B = 5, 8


@pytest.fixture
def made():
    """The trace of a network that has learned nothing."""
    task = ShownDigits(ShownDigitsOptions(T=T, shown=2, noise=0.5))
    with seeded(0, "init"):
        kind = Components().cells.get("rnn", Cell)
        cell = kind(64, 12, kind.Options())
        readout = Components().readouts.get("linear", Readout)(12, 10, Config())
        kernel, pool = choose(cell, "cpu", "eager"), pool_of(None, True)
        model = SequenceModel(cell, task.signature, kernel, pool, readout)
    return trace(model, task, task.batch("validation", 0, B, 0))


def accuracy(traced):
    return AccuracyOverTime(Config()).read(traced)["accuracy"].tolist()


def test_it_counts_the_right_answers_of_every_step(made):
    answers, classes = made.output.argmax(-1).tolist(), made.batch.y.tolist()
    expected = [
        sum(a == c for a, c in zip(*pair, strict=True)) / B
        for pair in zip(answers, classes, strict=True)
    ]
    assert accuracy(made) == expected
    # of step t, t sequences are right
    output = torch.nn.functional.one_hot(made.batch.y, 10)
    for step in range(T):
        output[step, step:] = output[step, step:].roll(1, -1)
    assert accuracy(replace(made, output=output)) == [step / B for step in range(T)]


def test_steps_after_the_end_of_a_sequence_do_not_count(made):
    lengths = torch.tensor([1] * 6 + [3, 3])
    output = torch.nn.functional.one_hot(made.batch.y, 10)
    output[:, 7] = output[:, 7].roll(1, -1)
    batch = replace(made.batch, extras={"lengths": lengths})
    found = accuracy(replace(made, output=output, batch=batch))
    assert found[:3] == [7 / 8, 0.5, 0.5] and all(value != value for value in found[3:])


@pytest.mark.parametrize("task", ["shown_digits", "copying", "lake_synthetic"])
def test_every_task_with_a_class_at_every_step_is_read_and_others_are_told(bench, task):
    bench.write(
        "benchmarks/b.yaml",
        f"title: t\ntask: {{name: {task}}}\nT: [20]\nhidden: 4\nmodels: {{rnn: }}\n"
        "fit: {steps: 2, batch: 2, evaluate_every: 2}\n"
        "probes: {at: [0, 2], read: [accuracy_over_time]}\n",
    )
    result = bench("run", "b", "--probe")
    said = "accuracy_over_time needs a task with a class at every step"
    assert (said in result.err) == (task == "lake_synthetic")
    if task != "lake_synthetic":
        out = json.loads(bench("plot", "b", "--figure", "accuracy_over_time", "--json").out)
        assert "accuracy_over_time.png" in json.dumps(out)
