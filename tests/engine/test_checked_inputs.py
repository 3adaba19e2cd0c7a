"""Inputs that a cell cannot take, such as times that do not increase."""

import json

import pytest
import torch

from urnn_bench.cells.base import Cell, check_times, input_check_of
from urnn_bench.errors import ComponentError
from urnn_bench.layers.bidirectional import BidirectionalCell
from urnn_bench.layers.deep import DeepCell
from urnn_bench.registry import Components

CELL = '''\
"""A leaky average whose rate follows the time between two samples."""

from typing import NamedTuple

import torch

from urnn_bench.cells.base import Cell


class ClockOptions(Cell.Options):
    timestamps: bool = True


class Weights(NamedTuple):
    v: torch.Tensor


class Clock(Cell):
    Options = ClockOptions

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.first_input_is_time = options.timestamps
        self.v = torch.nn.Parameter(torch.randn(inputs, hidden) / inputs)

    def check_input(self, x):
        assert x.device.type == "cpu" and x.dtype == torch.float64
        super().check_input(x)

    def weights(self):
        return Weights(self.v)

    def drive(self, x, w):
        return x @ w.v

    def step(self, u, state, w):
        return (0.9 * state[0] + u,)

    def initial_state(self, batch):
        return (self.v.new_zeros(batch, self.hidden),)
'''
TASK = '''\
"""The mean of numbers that come with times, which go back in one sample of one batch."""

from typing import Literal

import torch

from urnn_bench.tasks.base import (
    Batch,
    PoolOptions,
    Score,
    Signature,
    SyntheticTask,
    Targets,
    Vectors,
)


class BackOptions(PoolOptions):
    T: int
    goes_back: Literal["never", "train", "validation", "test"] = "never"
    index: int = 0


class Back(SyntheticTask):
    Options = BackOptions
    metrics = ("mse",)

    @property
    def signature(self):
        return Signature(Vectors(2), 1, Targets.LAST_STEP)

    def batch(self, split, index, size, seed):
        batch = super().batch(split, index, size, seed)
        if (split, index) == (self.options.goes_back, self.options.index):
            batch.x[2, 4, 0] = 0.7
        return batch

    def sample(self, count, rng):
        steps = 0.45 * torch.arange(1, self.options.T + 1, dtype=torch.float64)
        values = torch.randn(self.options.T, count, 1, generator=rng, dtype=torch.float64)
        times = steps.view(-1, 1, 1).expand_as(values)
        return Batch(torch.cat([times, values], -1), values.mean(0))

    def loss(self, output, batch):
        return (output - batch.y).square().mean()

    def scores(self, output, batch):
        count = len(batch.y)
        return {"mse": Score(float(self.loss(output, batch)) * count, count)}

    def baselines(self):
        return {"mse": {"mean": 1 / self.options.T}}

    def baseline_output(self, batch):
        return torch.zeros_like(batch.y)
'''
BENCHMARK = """\
title: Times
task: {name: back, validation_examples: 20, test_examples: 20}
T: [5]
models: {clock: {hidden: 4}}
fit: {steps: 6, batch: 6, evaluate_every: 3, evaluate_batch: 10}
"""
RUN = ("run", "times", "--include", "clock.py", "--include", "back.py", "--threads", 1)
SAID = "the time of step 3 of sample 5 is 0.7, after 0.9; timestamps must increase"


@pytest.fixture
def times(bench):
    bench.write("clock.py", CELL)
    bench.write("back.py", TASK)
    bench.write("benchmarks/times.yaml", BENCHMARK)
    return bench


def records(bench):
    return [json.loads((folder / "run.json").read_text()) for folder in bench.runs("times")]


def back_in(split, index=0):
    return ("--set", f"task.goes_back={split}", "--set", f"task.index={index}")


def test_times_that_increase_are_fine():
    check_times(torch.tensor([[0.0, -3], [0.1, -2], [1e-9 + 0.1, 7]], dtype=torch.float64))
    check_times(torch.ones(1, 3))
    check_times(torch.empty(0, 3))


@pytest.mark.parametrize("wrong", [0.9, 0.7, float("nan")])
def test_the_first_step_that_goes_back_is_named_with_its_first_sample(wrong):
    times = torch.tensor([0.45, 0.9, 1.35, 1.8], dtype=torch.float64)[:, None].repeat(1, 6)
    times[3, 1] = times[2, 4] = times[2, 5] = wrong
    with pytest.raises(ComponentError) as raised:
        check_times(times)
    assert str(raised.value) == SAID.replace("0.7", f"{wrong:g}")


EPOCH = [[1_700_000_000.0, 0.0], [1_700_000_001.0, 1.0]]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([[torch.nan]], "step 1 of sample 1 is nan; timestamps must be finite in float32"),
        ([[0.0, 0.0], [1.0, torch.inf]], "step 2 of sample 2 is inf; timestamps must be finite"),
        ([[-torch.inf], [0.0]], "step 1 of sample 1 is -inf; timestamps must be finite"),
        ([[0.0], [1e300]], "step 2 of sample 1 is 1e+300; timestamps must be finite in float32"),
        (EPOCH, "sample 1 is 1700000001, after 1700000000, which is the same in float32"),
        ([[0.0], [1e-60]], "which is the same in float32"),
    ],
)
def test_times_must_be_finite_and_increase_in_the_precision_of_the_network(times, said):
    with pytest.raises(ComponentError) as raised:
        check_times(torch.tensor(times, dtype=torch.float64), torch.float32)
    assert said in str(raised.value)


def test_seconds_since_1970_need_the_precision_that_tells_them_apart(times):
    times.write("back.py", TASK.replace("steps.view", "(1.7e9 + steps).view"))
    assert "is the same in float32" in times(*RUN, "-q", code=3).err
    times(*RUN, "-q", "--set", "fit.dtype=float64")


@pytest.mark.parametrize(
    ("split", "index"),
    [
        ("train", 0),
        ("train", 4),
        ("validation", 0),
        ("validation", 1),
        ("test", 1),
    ],
)
def test_a_run_fails_with_the_sentence_wherever_its_batch_is(times, split, index):
    said = times(*RUN, *back_in(split, index), code=3).err
    assert SAID in said
    (record,) = records(times)
    assert record["status"] == "failed" and SAID in record["reason"]
    assert record["steps_done"] == {"train": index, "validation": 0, "test": 6}[split]


def test_an_input_is_checked_before_the_cell_is_given_it(times):
    times.write("clock.py", CELL.replace("return x @ w.v", "raise ValueError('drive was called')"))
    said = times(*RUN, *back_in("train"), code=3).err
    assert SAID in said and "drive was called" not in said


def test_other_splits_and_a_cell_that_is_not_told_of_times_are_not_checked(times):
    times(*RUN, "-q")
    off = ("--set", "models.clock.cell.timestamps=false")
    times(*RUN, *back_in("validation"), *off, "-q")
    assert [record["status"] for record in records(times)] == ["done", "done"]


def test_the_other_runs_of_a_stack_go_on(times):
    """The task gives one seed other times than the others."""
    task = TASK.replace("if (split, index)", "if seed == 1 and (split, index)")
    times.write("back.py", task)
    options = ("--seeds", 3, "--stacked", "-q", "--kernel", "eager")
    times(*RUN, *options, *back_in("train", 4), code=3)
    assert {r["run"]["seed"]: r["status"] for r in records(times)} == {
        0: "done",
        1: "failed",
        2: "done",
    }
    assert all(record["sessions"][0]["together"] == 3 for record in records(times))


def test_another_length_of_the_test_is_checked(times):
    back = TASK.replace("== (self.options.goes_back", "== (self.options.T == 7 and 'test'")
    times.write("back.py", back)
    said = times(*RUN, "--set", "evaluate.T=[7]", code=2).err
    assert f"cannot be scored at T = 7: {SAID}" in said
    assert records(times)[0]["status"] == "done"


def test_what_is_probed_is_checked_and_ends_nothing(times):
    probes = ("--probe", "--set", "probes.at=[0]", "--set", "probes.T=7", "-q")
    back = TASK.replace("== (self.options.goes_back", "== (self.options.T == 7 and 'validation'")
    times.write("back.py", back)
    assert SAID in times(*RUN, *probes).err
    assert records(times)[0]["status"] == "done"


def test_a_readout_in_closed_form_is_not_solved_of_them(times):
    fixed = CELL.replace("torch.nn.Parameter(", "torch.nn.Buffer(")
    times.write("clock.py", fixed)
    ridge = ("--set", "readout=ridge")
    times(*RUN, *ridge, "-q")
    said = times(*RUN, *ridge, *back_in("train", 3), code=3).err
    assert SAID in said


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("layers=2", "the hidden features of the layer below have no time"),
        ("block={norm: layer}", "a block mixes the time with the other inputs"),
        ("bidirectional=true", "a layer that reads from the end sees times that decrease"),
    ],
)
def test_layers_without_a_time_are_refused_when_they_are_built(times, setting, reason):
    said = times(*RUN, "--dry-run", "--set", setting, code=2).err
    assert f"the cell 'clock' takes its first input as the time of the step, and {reason}" in said
    assert said.count("cell 'clock'") == 1
    times(*RUN, "--set", setting, "--set", "models.clock.cell.timestamps=false", "-q")


def test_tokens_are_no_times(times):
    run = "run", "copy", "--include", "clock.py", "--model", "clock", "--dry-run"
    said = times(*run, code=2).err
    assert "the inputs of this task are tokens, which have no time" in said


def test_a_cell_without_a_check_is_never_called():
    rnn = Components().cells.get("rnn", Cell)
    cells = [
        rnn(2, 3, rnn.Options()),
        BidirectionalCell(rnn, 2, 3, rnn.Options()),
        DeepCell(rnn, 2, 3, rnn.Options(), 3, None),
    ]
    assert [input_check_of(cell) for cell in cells] == [None] * 3


@pytest.mark.parametrize("name", ["hippo_legs", "lmu"])
def test_a_cell_with_timestamps_checks_them_without_a_method_of_its_own(name):
    kind = Components().cells.get(name, Cell)
    check = input_check_of(kind(3, 4, kind.Options(timestamps=True)))
    assert check is not None and input_check_of(kind(3, 4, kind.Options())) is None
    x = torch.arange(1.0, 5).view(4, 1, 1).expand(4, 2, 3)
    check(x)
    with pytest.raises(ComponentError, match="the time of step 2 of sample 1 is 3, after 4"):
        check(x.flip(0))


def test_of_layers_the_first_cell_checks_the_input():
    rnn = Components().cells.get("rnn", Cell)
    seen = []

    class Checking(rnn):
        def check_input(self, x):
            seen.append((self, x))

    deep = DeepCell(Checking, 2, 3, rnn.Options(), 2, None)
    x = torch.zeros(4, 5, 2)
    check = input_check_of(deep)
    assert check is not None
    check(x)
    assert [(cell, t) for cell, t in seen if cell is deep.layer(0) and t is x] == seen
    assert len(seen) == 1
