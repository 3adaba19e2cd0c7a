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
