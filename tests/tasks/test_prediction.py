"""Prediction of series: what is scored, how far ahead, and options that leave nothing to score."""

import json

import pytest
import torch

from urnn_bench.engine.evaluate import evaluate
from urnn_bench.registry import Components
from urnn_bench.tasks.base import Batch, Task, step_mask

T, WASHOUT, FREE = 40, 6, 9


def task(**options):
    kind = Components().tasks.get("mackey_glass", Task)
    sizes = {"T": T, "washout": WASHOUT, "free_steps": FREE, "validation_examples": 64}
    return kind(kind.Options(**{**sizes, **options}))


def test_the_target_is_the_next_value():
    batch = task().batch("validation", 0, 5, seed=0)
    assert batch.x.shape == batch.y.shape == (T, 5, 1)
    assert torch.equal(batch.y[:-1], batch.x[1:])


@pytest.mark.parametrize(
    ("split", "end"), [("train", T), ("validation", T - FREE + 1), ("test", T - FREE + 1)]
)
def test_steps_count_from_the_washout_to_the_last_value_that_is_given(split, end):
    mask = step_mask(task().batch(split, 0, 5, seed=0))
    counted = (torch.arange(T) >= WASHOUT) & (torch.arange(T) < end)
    assert torch.equal(mask, counted[:, None].expand(T, 5))


def test_the_last_target_is_so_far_ahead_of_the_last_value_that_is_read():
    """Of T inputs the last ``feedback_steps`` are not read; y of step t is the value at t + 1."""
    made = task()
    last_read = T - 1 - made.signature.feedback_steps
    assert T - last_read == FREE
    # and that step is the last one that counts as a prediction of one step
    assert int(step_mask(made.batch("test", 0, 1, seed=0)).nonzero()[-1, 0]) == last_read


def test_one_free_step_is_a_prediction_of_one_step():
    made = task(free_steps=1)
    assert made.signature.feedback_steps == 0
    assert step_mask(made.batch("test", 0, 1, seed=0)).sum() == T - WASHOUT


def test_what_does_not_count_changes_no_loss():
    made = task()
    batch = made.batch("validation", 0, 5, seed=0)
    output = batch.y.clone()
    output[:WASHOUT] = 1e6
    output[T - FREE + 1 :] = 1e6
    assert float(made.loss(output, batch)) == 0
    scores = made.scores(output, batch)
    assert scores["nrmse"].total == 0 and scores["free_nrmse"].total > 1e11


def test_the_last_output_alone_is_the_free_prediction():
    made = task()
    batch = made.batch("validation", 0, 5, seed=0)
    output = torch.full_like(batch.y, 1e6)
    output[-1] = batch.y[-1]
    assert made.scores(output, batch)["free_nrmse"].total == 0


class Fixed(torch.nn.Module):
    """A network that says what a function makes of the inputs."""

    def __init__(self, function):
        super().__init__()
        self.function, self.unused = function, torch.nn.Parameter(torch.zeros(1).double())

    def forward(self, x, state=()):
        return self.function(x), state


@pytest.mark.parametrize("size", [1, 7, 64])
def test_scores_are_exact_over_a_split_of_uneven_batches(size):
    made = task()
    whole = made.batch("validation", 0, 64, seed=0)
    found = evaluate(Fixed(lambda x: 0.5 * x), made, "validation", size, 0)
    errors, counted = (0.5 * whole.x - whole.y)[..., 0], slice(WASHOUT, T - FREE + 1)
    variance = (whole.y[counted] - made.mean).square().mean()
    nrmse = (errors[counted].square().mean() / variance).sqrt()
    assert found["nrmse"] == pytest.approx(float(nrmse), rel=1e-12)
    assert found["nmse"] == pytest.approx(float(nrmse) ** 2, rel=1e-12)
    free = (errors[-1].square().mean() / variance).sqrt()
    assert found["free_nrmse"] == pytest.approx(float(free), rel=1e-12)


def test_the_mean_scores_one():
    made = task(validation_examples=2000)
    mean = Fixed(lambda x: torch.full_like(x, made.mean))
    found = evaluate(mean, made, "validation", 500, 0)
    assert found["nmse"] == found["nrmse"] == pytest.approx(1, abs=1e-12)
    # of the last step alone, whose variance is that of the series in expectation
    assert found["free_nrmse"] == pytest.approx(1, abs=0.1)


def test_a_batch_keeps_its_values_where_the_split_says_what_counts():
    made, other = task(), task(free_steps=20)
    one, two = (each.batch("test", 1, 5, seed=3) for each in (made, other))
    assert torch.equal(one.x, two.x) and torch.equal(one.y, two.y)
    assert isinstance(one, Batch) and not torch.equal(step_mask(one), step_mask(two))


BENCHMARK = """\
title: Prediction
task: {name: mackey_glass, validation_examples: 20, test_examples: 20}
T: [400]
hidden: 60
models: {echo_state: {cell: {name: echo_state, leak: 0.5}}}
readout: ridge
fit: {steps: 5, batch: 10, dtype: float64}
"""


def record_of(bench, *arguments):
    bench.write("benchmarks/here.yaml", BENCHMARK)
    bench("run", "here", "--threads", 1, "-q", *arguments)
    return json.loads(next(bench.folder.glob("results/here/*/run.json")).read_text())


def test_a_reservoir_predicts_one_step_and_84(bench):
    record = record_of(bench)
    assert record["criterion"] == "nmse"
    assert record["test"]["nrmse"] < 0.01 < record["test"]["free_nrmse"] < 0.7
    # every step after the washout is solved for
    assert record["reason"].endswith(f", {5 * 10 * 300} training examples")
    assert record["baselines"]["nrmse"]["mean"] == 1


def test_a_shorter_free_prediction_is_better(bench):
    near = record_of(bench, "--set", "task.free_steps=10")
    assert near["test"]["free_nrmse"] < 0.1


SHORT = ("T=[40]", "task.washout=5", "task.free_steps=9", "readout=linear", "fit.log_every=1")


def test_updates_log_their_loss_alone(bench):
    bench.write("benchmarks/here.yaml", BENCHMARK)
    settings = [word for setting in SHORT for word in ("--set", setting)]
    bench("run", "here", "--model", "lstm", "--threads", 1, "-q", *settings)
    lines = next(bench.folder.glob("results/here/*/metrics.csv")).read_text().splitlines()
    trained = {line.split(",")[4] for line in lines if ",train," in line}
    assert trained == {"nmse"}
    assert any(",validation,free_nrmse," in line for line in lines)


BAD = {
    "free_steps: 300": "'free_steps' must be below T - washout = 300, not 300: no step would",
    "washout: 316": "'free_steps' must be below T - washout = 84, not 84",
    "washout: 450": "T must be above washout + free_steps = 534, not 400: no step would",
    "free_steps: 0": "must be at least 1, not 0",
    "washout: -1": "must be at least 0, not -1",
    "tau: 0.0": "must be at least 5, not 0",
    "tau: -17.0": "must be at least 5, not -17",
    "interval: 0.0": "must be at least 0.001, not 0",
}


@pytest.mark.parametrize("options", BAD)
def test_options_that_leave_nothing_to_predict_are_one_sentence(options, bench):
    bench.write("benchmarks/here.yaml", BENCHMARK.replace("glass,", f"glass, {options},"))
    said = bench("run", "here", code=2).err
    assert BAD[options] in said and "line 2: task" in said and said.count("\n") == 1


@pytest.mark.parametrize("setting", ["evaluate.T=[184]", "probes.T=184"])
def test_a_length_without_a_scored_step_is_refused_where_it_was_given(setting, bench):
    bench.write("benchmarks/here.yaml", BENCHMARK)
    said = bench("run", "here", "--set", setting, code=2).err
    assert f"--set {setting}: 'free_steps' must be below T - washout = 84, not 84" in said
