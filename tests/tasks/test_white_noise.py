"""Band-limited white noise, and the tasks that ask for earlier values of it."""

import json
from math import sqrt

import pytest
import torch

from urnn_bench.engine.evaluate import evaluate
from urnn_bench.random_streams import generator
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.spec.run import EvaluationLengths
from urnn_bench.tasks._white_noise import periods, white_noise
from urnn_bench.tasks.base import Batch, Task, step_mask

TASKS = ("delay", "reconstruct")
LEAST = torch.finfo(torch.float64).eps


def task(name, T=40, **options):
    kind = Components().tasks.get(name, Task)
    return kind(kind.Options(T=T, **options))


def noise(T=200, count=400, band_limit=0.5, rms=0.5):
    return white_noise(T, count, band_limit, rms, generator(0, "noise"))


@pytest.mark.parametrize("band_limit", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("period", [200, 225])
def test_a_period_has_the_frequencies_up_to_the_limit_and_no_other(band_limit, period):
    waves = periods(period, 2000, band_limit, 0.5, generator(0, "periods"))
    power = torch.fft.rfft(waves).abs().square().mean(0)
    cycles = torch.fft.rfftfreq(period) * 2
    inside = (cycles > 0) & (cycles <= band_limit) & (cycles < 1)
    assert float(power[~inside].max()) < LEAST * float(power.max())
    # normal amplitudes: the mean of 2,000 squares is within a tenth
    assert float((power[inside] / power[inside].mean() - 1).abs().max()) < 0.15


@pytest.mark.parametrize("band_limit", [0.03, 0.5, 1.0])
@pytest.mark.parametrize("rms", [0.5, 2.0])
def test_the_rms_is_that_of_the_option_at_every_step(band_limit, rms):
    found = noise(T=50, count=20_000, band_limit=band_limit, rms=rms).square().mean(1).sqrt() / rms
    # the relative error of a root mean square of n independent numbers is 1 / sqrt(2n)
    assert float((found - 1).abs().max()) < 5 / sqrt(2 * 20_000)


def test_ends_do_not_match_though_neighbours_do():
    slow = noise(band_limit=0.05)
    neighbours, ends = ((a * b).mean() / 0.25 for a, b in ((slow[1], slow[0]), (slow[-1], slow[0])))
    assert float(neighbours) > 0.9 and abs(float(ends)) < 0.2


def test_a_signal_that_is_drawn_in_parts_has_as_many_different_columns(monkeypatch):
    monkeypatch.setattr("urnn_bench.tasks._white_noise._MOST", 900)
    parts = noise(T=200, count=7)
    assert parts.shape == (200, 7) and float(parts.square().mean(0).min()) > 0
    assert float(torch.corrcoef(parts.T).fill_diagonal_(0).abs().max()) < 0.5


def test_sequences_do_not_depend_on_how_long_a_pool_is_read_at_a_time():
    """Long sequences share their streams with fewer others."""
    long = task("reconstruct", T=200_000, window=5, validation_examples=25)
    assert long.sequences_per_stream() < 25
    one, two = (long.batch("validation", i, 12, seed=0) for i in (0, 1))
    whole = long.batch("validation", 0, 24, seed=0)
    assert torch.equal(torch.cat([one.x, two.x], 1), whole.x)
    assert torch.equal(torch.cat([one.y, two.y]), whole.y)
    assert len(whole.x[0].unique()) == 24


@pytest.mark.parametrize("lag", [1, 7, 39])
def test_the_target_of_delay_is_the_input_so_many_steps_ago(lag):
    batch = task("delay", lag=lag).batch("train", 0, 5, seed=0)
    for t in range(lag, 40):
        assert torch.equal(batch.y[t], batch.x[t - lag])
    assert torch.equal(step_mask(batch), (torch.arange(40) >= lag)[:, None].expand(40, 5))


def test_steps_before_the_lag_do_not_count():
    delay = task("delay", lag=10)
    batch = delay.batch("train", 0, 5, seed=0)
    output = batch.y.clone()
    output[:10] = 1e6
    assert float(delay.loss(output, batch)) == 0
    assert all(score.total == 0 for score in delay.scores(output, batch).values())
    output[10] += 1
    assert float(delay.loss(output, batch)) == pytest.approx(1 / 30)


POINTS = {
    "every step": ({"window": 10}, range(30, 40)),
    "the default": ({}, range(30, 40)),
    "ends and middle": ({"window": 11, "points": 3}, (29, 34, 39)),
    "all of the past": ({"window": 40, "points": 4}, (0, 13, 26, 39)),
    "one": ({"window": 8, "points": 1}, (32,)),
}


@pytest.mark.parametrize(("options", "steps"), POINTS.values(), ids=POINTS)
def test_the_targets_of_reconstruct_are_the_last_inputs_in_their_order(options, steps):
    reconstruct = task("reconstruct", **options)
    batch = reconstruct.batch("train", 0, 5, seed=0)
    assert reconstruct.signature.outputs == len(steps)
    assert torch.equal(batch.y, batch.x[list(steps), :, 0].T)


def test_the_default_number_of_points_has_an_end():
    assert task("reconstruct", T=1_000_000).signature.outputs == 1000


class Fixed(torch.nn.Module):
    """A network that says what a function makes of the inputs."""

    def __init__(self, function):
        super().__init__()
        self.function, self.unused = function, torch.nn.Parameter(torch.zeros(1).double())

    def forward(self, x, state=(), lengths=None):  # noqa: ARG002
        return self.function(x), state


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("size", [7, 64])
def test_scores_are_exact_over_a_split_of_uneven_batches(name, size):
    made = task(name, validation_examples=64)
    whole = made.batch("validation", 0, 64, seed=0)
    halved = Fixed(lambda x: 0.25 * (x if name == "delay" else x[-10:, :, 0].T))
    wanted = (step_mask(whole)[..., None] if name == "delay" else 1) * whole.y
    error = (step_mask(whole)[..., None] if name == "delay" else 1) * (halved(whole.x)[0] - whole.y)
    found = evaluate(halved, made, "validation", size, 0)
    assert found["nrmse"] == pytest.approx(float(error.norm() / wanted.norm()), rel=1e-12)
    counts = 30 * 64 if name == "delay" else 10 * 64
    assert found["mse"] == pytest.approx(float(error.square().sum()) / counts, rel=1e-12)


@pytest.mark.parametrize("name", TASKS)
def test_zero_has_an_nrmse_of_one_on_every_split(name):
    made = task(name, validation_examples=3)
    zero = Fixed(lambda x: made.baseline_output(made.batch("validation", 0, x.shape[1], seed=0)))
    assert evaluate(zero, made, "validation", 3, 0)["nrmse"] == pytest.approx(1, abs=1e-12)


def shifted(x, lag):
    return torch.cat([torch.zeros_like(x[:lag]), x[:-lag]])


def least_error(batch: Batch, lags):
    """Return the nrmse of the best linear predictor of y from x of some lags, in hindsight."""
    first = int((~step_mask(batch)).sum(0).max())
    seen = torch.cat([shifted(batch.x, lag) if lag else batch.x for lag in lags], -1)[first:]
    seen, y = seen.flatten(0, 1), batch.y[first:].flatten(0, 1)
    predicted = seen @ torch.linalg.lstsq(seen, y, driver="gelsd").solution
    return float((predicted - y).norm() / y.norm())


def test_delay_takes_a_memory_as_long_as_the_lag():
    """Nothing but the lag itself gives the target, and the values since then do not."""
    batch = task("delay", T=400, lag=100).batch("train", 0, 100, seed=0)
    assert least_error(batch, [100]) < 1e-12
    assert least_error(batch, range(8)) > 0.99


SHIFT = '''"""The last values of its input, the newest first."""
from typing import NamedTuple
import torch
from urnn_bench.cells.base import Cell


class Nothing(NamedTuple):
    pass


class Shift(Cell):
    def weights(self):
        return Nothing()

    def drive(self, x, w):
        return x

    def step(self, u, state, w):
        return (torch.cat([u, state[0][:, :-1]], 1),)

    def initial_state(self, batch):
        like = next(self.buffers())
        return (like.new_zeros(batch, self.hidden),)

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.register_buffer("like", torch.zeros(1))
'''
BENCHMARK = """\
title: White noise
task: {name: %s, validation_examples: 20, test_examples: 20}
T: [24]
hidden: 7
models: {echo_state: }
readout: {name: ridge, penalties: [1.0e-9]}
fit: {steps: 10, batch: 8, evaluate_every: 5, evaluate_batch: 16, dtype: float64}
"""


def record_of(bench, name, *arguments, results="results"):
    bench.write("benchmarks/here.yaml", BENCHMARK % name)
    bench("run", "here", "--threads", 1, "-q", "--results", results, *arguments)
    paths = bench.folder.glob(f"{results}/here/*/run.json")
    return [json.loads(path.read_text()) for path in paths]


@pytest.mark.parametrize("name", TASKS)
def test_a_shift_register_solves_both_tasks(name, bench):
    file = bench.write("shift.py", SHIFT)
    shift = ("--model", "shift", "--include", file)
    (solved,) = record_of(bench, name, *shift)
    assert solved["test"]["nrmse"] < 1e-6 and solved["baselines"]["nrmse"] == {"zero": 1.0}
    # one unit less does not reach the first target
    (short,) = record_of(bench, name, *shift, "--set", "hidden=5", results="short")
    assert short["test"]["nrmse"] > 0.05


@pytest.mark.parametrize(("name", "examples"), [("delay", 10 * 8 * 18), ("reconstruct", 10 * 8)])
def test_ridge_is_solved_for_what_counts(name, examples, bench):
    (record,) = record_of(bench, name)
    assert record["reason"].endswith(f", {examples} training examples")
    assert record["test"]["nrmse"] < 1


def test_an_option_that_follows_from_the_length_of_training_is_so_at_every_length(bench):
    trained = ("--model", "lstm", "--set", "readout=linear", "--set", "evaluate.T=[48]")
    record_of(bench, "delay", *trained)
    record = Record.read(bench.runs("here")[0])
    run = record.run.model_copy(update={"evaluate": EvaluationLengths(T=(48,))})
    (longer,) = build.evaluation_tasks(Components(), run).values()
    assert (longer.options.T, longer.options.lag, run.task.options["lag"]) == (48, 6, 6)
    assert set(record.evaluations) == {48}


BAD = {
    "lag: 0": "must be at least 1, not 0",
    "lag: 24": "'lag' must be below T = 24, not 24",
    "band_limit: 0.0": "must be greater than 0, not 0",
    "band_limit: 1.1": "must be at most 1, not 1.1",
    "band_limit: 0.01": "'band_limit' must be at least 1 / T, here 0.0417, not 0.01",
    "rms: 0.0": "must be greater than 0, not 0",
    "window: 25": "'window' must be at most T = 24, not 25",
    "window: 4, points: 5": "'points' must be at most the 4 steps of the window, not 5",
    "points: 0": "must be at least 1, not 0",
}


@pytest.mark.parametrize("options", BAD)
def test_options_that_leave_nothing_to_learn_are_one_sentence(options, bench):
    name = "delay" if "lag" in options else "reconstruct"
    bench.write("benchmarks/here.yaml", BENCHMARK % f"{name}, {options}")
    said = bench("run", "here", code=2).err
    assert BAD[options] in said and "line 2: task" in said and said.count("\n") == 1


@pytest.mark.parametrize("setting", ["evaluate.T=[6]", "probes.T=6"])
def test_a_length_below_the_lag_of_training_is_refused_where_it_was_given(setting, bench):
    bench.write("benchmarks/here.yaml", BENCHMARK % "delay")
    said = bench("run", "here", "--set", setting, code=2).err
    assert f"--set {setting}: 'lag' must be below T = 6, not 6" in said
