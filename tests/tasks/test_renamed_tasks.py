"""A task written against the former names works, and a warning says the new ones."""

import json

import pytest

from urnn_bench.errors import UsageError
from urnn_bench.registry import Registry
from urnn_bench.renamed import FormerNameWarning
from urnn_bench.tasks.base import Signature, Targets, Task, Vectors

TASK = """
from urnn_bench.tasks.adding import Adding


class Doubled(Adding):
    def {name}(self, *arguments):
        return {value}
"""
HOOKS = [
    ("draw", "sample"),
    ("summed", "finalise_metrics"),
    ("continues", "carries_state"),
    ("memoryless", "baseline_output"),
]


def load(folder, name, value="None"):
    path = folder / "doubled.py"
    path.write_text(TASK.format(name=name, value=value))
    return Registry("task", "tasks").include(path).get("doubled", Task)


@pytest.mark.parametrize(("old", "new"), HOOKS)
def test_a_former_hook_is_the_new_one_and_is_warned_of(old, new, tmp_path):
    with pytest.warns(FormerNameWarning, match=f"doubled.py: has .*: {old} is now {new}$"):
        kind = load(tmp_path, old, "(arguments, 2)")
    assert getattr(kind(None), new)(1) == ((1,), 2)


@pytest.mark.parametrize(("old", "new"), HOOKS)
def test_a_class_that_defines_both_names_is_refused(old, new, tmp_path):
    path = tmp_path / "doubled.py"
    text = TASK.format(name=old, value="1") + f"    def {new}(self): pass\n"
    path.write_text(text)
    registry = Registry("task", "tasks").include(path)
    with pytest.raises(UsageError, match=f"Doubled defines {new} and also {old}, its former name"):
        registry.get("doubled", Task)


def test_super_finds_a_hook_of_a_built_in_task_by_its_former_name(tmp_path):
    with pytest.warns(FormerNameWarning):
        kind = load(tmp_path, "summed", "{**super().summed(*arguments), 'more': 1}")
    assert kind(None).finalise_metrics({"mse": 2.0}) == {"mse": 2.0, "more": 1}


def test_the_new_names_are_loaded(tmp_path):
    assert load(tmp_path, "finalise_metrics").__name__ == "Doubled"


@pytest.mark.filterwarnings("ignore::urnn_bench.renamed.FormerNameWarning")
@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize(
    ("word", "targets"), [("every", Targets.EVERY_STEP), ("last", Targets.LAST_STEP)]
)
def test_a_signature_takes_the_former_words_for_its_targets(by_name, word, targets):
    inputs = Vectors(2)
    signature = Signature(inputs, 1, answer=word) if by_name else Signature(inputs, 1, word)
    assert signature == Signature(Vectors(2), 1, targets) and signature.answer == word


def test_a_signature_without_targets_or_with_two_is_refused():
    for arguments in ({}, {"answer": "first"}, {"targets": Targets.LAST_STEP, "answer": "last"}):
        with pytest.raises(TypeError, match=r"targets of a Signature are Targets\.EVERY_STEP"):
            Signature(Vectors(2), 1, **arguments)


FORMER = '''
"""Whether the first number was positive."""

import torch
from urnn_bench.streams import generator
from urnn_bench.tasks.base import Batch, DrawnTask, PoolOptions, Reals, Score, Signature


class SignOptions(PoolOptions):
    T: int


class Sign(DrawnTask):
    Options = SignOptions
    metrics = ("mse",)

    @property
    def signature(self):
        return Signature(Reals(1), outputs=1, answer="last")

    def draw(self, count, rng):
        x = torch.randn(self.options.T, count, 1, generator=rng)
        return Batch(x, x[0].sign())

    def loss(self, output, batch):
        return (output - batch.y).square().mean()

    def scores(self, output, batch):
        return {"mse": Score(float(self.loss(output, batch)), 1)}

    def baselines(self):
        return {"mse": {"zero": 1.0}}

    def memoryless(self, batch):
        return torch.zeros_like(batch.y)
'''
BENCHMARK = """
title: Signs
task: {name: sign, validation_examples: 4, test_examples: 4}
T: 4
models: {rnn: {hidden: 3}}
fit: {steps: 2, batch: 2, evaluate_every: 2}
"""


def test_a_task_with_former_names_is_trained_with_one_warning(bench):
    path, benchmark = bench.write("sign.py", FORMER), bench.write("signs.yaml", BENCHMARK)
    said = bench("run", benchmark, "--include", path).err
    assert "rnn T=4 seed 0: done" in said
    (warning,) = [line for line in said.splitlines() if "warning" in line]
    assert warning.startswith(f"urnn-bench: warning: {path}: has former names: ")
    for text in (
        "urnn_bench.streams.generator is now urnn_bench.random_streams.generator",
        "DrawnTask is now SyntheticTask",
        "Reals is now Vectors",
        "answer is now targets=Targets.EVERY_STEP or Targets.LAST_STEP",
        *(f"{old} is now {new}" for old, new in (HOOKS[0], HOOKS[3])),
    ):
        assert text in warning
    (description,) = json.loads(bench("describe", "sign", "--include", path, "--json").out)
    assert description["kind"] == "task"
