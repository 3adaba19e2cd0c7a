"""Readouts and pools in benchmarks: keys, identities, budgets, stacks, files of users."""

import json

import pytest

DIGITS = """\
title: Readouts
task: {name: digits}
T: 8
hidden: 6
%s
models: {rnn: %s}
fit: {steps: 4, batch: 5, evaluate_every: 2, log_every: 1}
"""


@pytest.fixture
def run(bench):
    """Run a benchmark with keys at its top and in its model; return its records."""

    def call(top="", model="", *arguments, results="results", code=0):
        bench.write("benchmarks/digits_here.yaml", DIGITS % (top, model))
        said = bench("run", "digits_here", "-q", "--results", results, *arguments, code=code)
        paths = sorted((bench.folder / results).glob("*/*/run.json"))
        return said.err if code else [json.loads(path.read_text()) for path in paths]

    return call


def protocols(records):
    return [record["protocol"] for record in records]


def test_the_defaults_are_the_run_without_these_keys(run):
    plain = run()
    stated = run("{readout: linear, pool: last}"[1:-1].replace(", ", "\n"), results="stated")
    assert protocols(plain) == protocols(stated)
    assert plain[0]["test"] == stated[0]["test"]


POOLS = ("pool: mean", "pool: max", "pool: last_and_mean")
MLPS = ("readout: mlp", "readout: {name: mlp, widths: [4, 3], norm: batch, activation: gelu}")


@pytest.mark.parametrize("keys", [*POOLS, *MLPS])
def test_a_model_inherits_the_keys_of_the_benchmark(run, keys):
    at_top, in_model = run(keys), run("", f"{{{keys}}}", results="model")
    assert protocols(at_top) == protocols(in_model) != protocols(run(results="plain"))
    assert at_top[0]["test"] == in_model[0]["test"] and at_top[0]["status"] == "done"


def test_a_model_s_own_readout_wins(run):
    (record,) = run("readout: {name: mlp, widths: [9]}", "{readout: {name: mlp, widths: [4]}}")
    assert record["run"]["readout"]["options"]["widths"] == [4]


def test_a_budget_counts_the_readout(run):
    deep = "{parameters: 500, readout: {name: mlp, widths: [10]}}"
    (record,) = run("", deep)
    width = record["run"]["hidden"]
    # W and V of 8 pixels, bias and h_0; then the two layers
    assert record["parameters"] == width * (width + 8 + 2) + 10 * (width + 1) + 10 * 11
    assert record["parameters"] <= 500 < (width + 1) * (width + 21) + 10 + 110


LAST = "must be last, mean, max or last_and_mean, not every"


def test_a_pool_that_the_task_does_not_score_is_refused(bench, run):
    at_last = f"line 5: pool: the task 'digits' is scored at the last step, so it {LAST}"
    assert at_last in run("pool: every", code=2)
    said = bench("run", "tiny", "--set", "models.urnn.pool=mean", code=2).err
    at_every = "the task 'copying' is scored at every step, so it must be every, not mean"
    assert f"--set models.urnn.pool=mean: {at_every}" in said
    said = bench("run", "tiny", "--set", "pool=sum", code=2).err
    assert "must be 'last', 'mean', 'max', 'last_and_mean' or 'every', not 'sum'" in said


@pytest.mark.parametrize(
    ("readout", "says"),
    [
        ("mpl", "line 5: readout: no readout is called 'mpl'; did you mean 'mlp'?"),
        ("{name: mlp, width: [3]}", "readout.width: unknown key 'width'; did you mean 'widths'?"),
        ("{name: mlp, widths: []}", "readout.widths: must not be empty"),
        ("{name: mlp, dropout: 1.0}", "readout.dropout: must be less than 1, not 1.0"),
    ],
)
def test_a_wrong_readout_is_one_sentence(run, readout, says):
    assert says in run(f"readout: {readout}", code=2)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("norm: layer", ""),
        ("norm: batch", "not stacked: an update changes a buffer"),
        ("dropout: 0.5", "not stacked: the cell, the readout or the task draws random numbers"),
    ],
)
def test_a_stack_learns_what_its_runs_learn_alone_or_says_why_it_is_none(run, options, reason):
    readout = f"readout: {{name: mlp, widths: [4], {options}}}"
    # the C kernel computes one run at a time
    seeds = ("--seeds", 2, "--kernel", "eager")
    alone = run(readout, "", *seeds)
    stacked = run(readout, "", *seeds, "--stacked", results="stacked")
    exactly = {"rel": 1e-4} if not reason else {"rel": 0, "abs": 0}
    for one, other in zip(alone, stacked, strict=True):
        assert other["test"] == pytest.approx(one["test"], **exactly)
        assert reason in other["sessions"][-1]["update_reason"]
        assert ("not stacked" in other["sessions"][-1]["update_reason"]) == bool(reason)


def test_dropout_goes_on_after_a_stop_as_if_there_had_been_none(run):
    readout = "readout: {name: mlp, widths: [4], dropout: 0.5}"
    (whole,) = run(readout)
    run(readout, "", "--time-limit", "1e-6", results="parts", code=3)
    (parts,) = run(readout, results="parts")
    assert parts["test"] == whole["test"] and len(parts["sessions"]) == 2


OWN = '''\
"""A readout of squares."""

import torch

from urnn_bench.readouts.base import Readout


class Squares(Readout):
    def __init__(self, features, outputs, options):
        super().__init__(features, outputs, options)
        self.weight = torch.nn.Parameter(torch.randn(outputs, features))
        self.bias = torch.nn.Parameter(torch.zeros(outputs))

    def forward(self, features):
        return self.linear(features.square(), self.weight, self.bias)
'''


def test_a_readout_of_the_user_is_one_file(bench, run):
    path = bench.write("squares.py", OWN)
    (record,) = run("readout: squares", "", "--include", path)
    assert record["status"] == "done" and record["run"]["readout"]["source"]
    assert "A readout of squares." in bench("list", "readouts", "--include", path).out
    assert "A readout of squares." in bench("describe", "squares", "--include", path).out


@pytest.mark.parametrize(
    ("sound", "faulty", "says"),
    [
        ("return self.linear(", "return (", "`forward` returned a value of type tuple; it must be"),
        ("features.square()", "features.sum()", "the readout 'squares': `forward` fails"),
        (
            "self.bias)",
            "self.bias)[:, :1]",
            "shape (5, 1); it must return float32 of shape (5, 10)",
        ),
        ("(outputs, features)", "(outputs, 1)", "the readout 'squares': `forward` fails"),
    ],
)
def test_a_wrong_readout_of_the_user_is_one_sentence(bench, run, sound, faulty, says):
    assert OWN.count(sound) == 1
    path = bench.write("squares.py", OWN.replace(sound, faulty))
    assert says in run("readout: squares", "", "--include", path, code=3)
