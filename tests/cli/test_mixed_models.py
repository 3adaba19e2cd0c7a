"""A benchmark whose models differ in the task and in their stages, through the command line."""

import json

MIXED = """\
title: Some models in stages
task: {name: copying, symbols: 3, recall: 2, validation_examples: 12, test_examples: 16}
T: [4]
hidden: 6
models:
  rnn:
  lstm:
    stages:
      - {name: before, task: {T: 3}, fit: {steps: 2}}
      - {name: after, fit: {steps: 4}}
  other: {cell: {name: rnn}, task: {symbols: 2}, fit: {steps: 2}}
  gru:
    stages:
      - {name: before, task: {T: 2}, fit: {steps: 2}}
      - {name: after, fit: {steps: 4}}
fit: {steps: 6, batch: 4, log_every: 2, evaluate_every: 2}
figures: [learning_curves]
"""


def test_a_description_has_what_models_change(bench):
    bench.write("benchmarks/mixed.yaml", MIXED)
    (found,) = json.loads(bench("describe", "mixed", "--json").out)
    assert found["task of models that change it"] == {"other": "symbols: 2"}
    stages = "before (2 updates), after (4 updates)"
    assert found["stages"] == {"lstm": stages, "gru": stages}
    assert "task of models" not in bench("describe", "tiny").out


def test_every_command_takes_models_with_and_without_stages(bench):
    bench.write("benchmarks/mixed.yaml", MIXED)
    rows = json.loads(bench("run", "mixed", "--dry-run", "--json").out)
    assert [row["updates"] for row in rows] == [6, 6, 2, 6]
    bench("run", "mixed", "-q")
    states = json.loads(bench("status", "mixed", "--json").out)
    assert {row["model"]: (row["update"], row["of"]) for row in states} == {
        "rnn": (6, 6),
        "lstm": (6, 6),
        "other": (2, 2),
        "gru": (6, 6),
    }
    assert "learning_curves.png" in bench("plot", "mixed", "--figure", "learning_curves").out
    assert json.loads(bench("compare", "rnn", "lstm", "--json").out)[0]["seeds"] == 1
    assert json.loads(bench("compare", "lstm", "rnn", "--json").out)[0]["seeds"] == 1
    for one, two in (("gru", "lstm"), ("lstm", "gru")):
        said = bench("compare", one, two, code=2).err
        assert "the same before's train" in said and "what differs: stages.before.task." in said
    said = bench("compare", "rnn", "other", code=2).err
    assert "the same train and validation and test data" in said and "symbols (3 and 2)" in said


HINTED = """\
from dataclasses import replace

import torch

from urnn_bench.tasks.adding import Adding, AddingOptions
from urnn_bench.tasks.base import Signature, Targets, Vectors


class HintedOptions(AddingOptions):
    \"\"\"Whether the sum so far is an input.\"\"\"

    hint: bool = False
    add: float = 0.0


class Hinted(Adding):
    \"\"\"The adding problem with the sum so far beside it.\"\"\"

    Options = HintedOptions
    options: HintedOptions

    @property
    def signature(self):
        return Signature(Vectors(2 + self.options.hint), 1, Targets.LAST_STEP)

    def sample(self, count, rng):
        batch = super().sample(count, rng)
        x = batch.x + self.options.add
        total = (x[..., :1] * x[..., 1:]).cumsum(0)
        return replace(batch, x=torch.cat([x, total], -1) if self.options.hint else x)
"""
COMPARED = """
    def compared(self, batch):
        return replace(batch, x=batch.x[..., :2])
"""
BY_HINT = """\
title: Models with another input, and with other data
task: {name: hinted, validation_examples: 12, test_examples: 16}
T: [4]
hidden: 6
models:
  rnn:
  told: {cell: {name: rnn}, task: {hint: true}}
  other: {cell: {name: rnn}, task: {add: 1.0}}
fit: {steps: 2, batch: 4, log_every: 2, evaluate_every: 2}
"""


def test_models_of_the_same_data_may_have_other_inputs(bench):
    bench.write("benchmarks/by-hint.yaml", BY_HINT)
    bench.write("hinted.py", HINTED + COMPARED)
    bench("run", "by-hint", "--include", "hinted.py", "-q")
    assert json.loads(bench("compare", "rnn", "told", "--json").out)[0]["seeds"] == 1
    assert "the same train and" in bench("compare", "rnn", "other", code=2).err


def test_inputs_are_data_unless_a_task_says_otherwise(bench):
    bench.write("benchmarks/by-hint.yaml", BY_HINT)
    bench.write("hinted.py", HINTED)
    bench("run", "by-hint", "--include", "hinted.py", "--model", "rnn", "--model", "told", "-q")
    assert "hint (False and True)" in bench("compare", "rnn", "told", code=2).err
