"""Sequences of a user's npz file: what is read, how it is split, and what is wrong with it."""

import json

import numpy as np
import pytest
import torch

from urnn_bench.data import store
from urnn_bench.tasks.base import Targets
from urnn_bench.tasks.npz import Npz, NpzOptions

COUNT, STEPS, CHANNELS = 20, 6, 2
YAML = """\
title: My data
task: {name: npz, file: mine.npz}
T: [6]
hidden: 4
models: {rnn: }
fit: {steps: 2, batch: 4, evaluate_every: 2}
"""


def arrays(**more):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (COUNT, STEPS, CHANNELS))
    return {"x": x, "y": np.arange(COUNT) % 3, **more}


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a function that saves arrays and returns the task that reads them."""
    monkeypatch.delenv(store.DATA, raising=False)
    monkeypatch.chdir(tmp_path)

    def task_of(T=STEPS, standardise=False, **found):
        np.savez("data.npz", **found)
        return Npz(NpzOptions(T=T, standardise=standardise))

    return task_of


# targets, where they are scored, and how many outputs there are
FORMS = {
    "class": (np.arange(COUNT) % 3, Targets.LAST_STEP, 3),
    "class of a step": (np.arange(COUNT * STEPS).reshape(COUNT, STEPS) % 5, Targets.EVERY_STEP, 5),
    "number": (np.linspace(0, 1, COUNT), Targets.LAST_STEP, 1),
    "numbers": (np.ones((COUNT, 4)), Targets.LAST_STEP, 4),
    "number of a step": (np.ones((COUNT, STEPS)), Targets.EVERY_STEP, 1),
    "numbers of a step": (np.ones((COUNT, STEPS, 3)), Targets.EVERY_STEP, 3),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("T", [STEPS - 2, STEPS, STEPS + 2])
def test_the_form_of_y_says_what_is_predicted(form, T, make):
    y, targets, outputs = FORMS[form]
    task = make(T=T, **arrays(y=y))
    signature, batch = task.signature, task.batch("train", 0, 4, 0)
    assert (signature.inputs.width, signature.outputs) == (CHANNELS, outputs)
    assert signature.targets is targets and batch.x.shape == (T, 4, CHANNELS)
    shape = (T, 4) if targets is Targets.EVERY_STEP else (4,)
    assert batch.y.shape == (shape if y.dtype.kind == "i" else (*shape, outputs))
    assert (batch.lengths is None) == (T <= STEPS)
    output = task.baseline_output(batch)
    assert torch.isfinite(task.loss(output, batch))
    assert tuple(task.scores(output, batch)) == task.metrics == tuple(task.baselines())


def test_splits_are_those_of_the_file(make):
    words = np.array(["train", "test", "validation", "train"] * 5)
    task = make(**arrays(splits=words))
    x = torch.from_numpy(arrays()["x"])
    for split in ("validation", "test"):
        batch = task.batch(split, 0, COUNT, 0)
        assert torch.equal(batch.x.transpose(0, 1), x[words == split])
    parts = {f"{k}_{s}": arrays()[k] for k in "xy" for s in ("train", "validation", "test")}
    assert torch.equal(make(**parts).batch("test", 0, COUNT, 0).x.transpose(0, 1), x)


def test_splits_that_are_drawn_share_no_sequence(make):
    task = make(**arrays(y=np.arange(COUNT, dtype=float)))
    sizes = {"train": 14, "validation": 3, "test": 3}
    drawn = [task.batch(split, 0, size, 0).y.flatten() for split, size in sizes.items()]
    assert torch.cat(drawn).sort().values.tolist() == list(range(COUNT))


def test_steps_after_the_end_of_a_sequence_do_not_count(make):
    y = np.zeros((COUNT, STEPS))
    y[:, 3:] = 100
    task = make(**arrays(y=y, lengths=np.full(COUNT, 3)), standardise=True)
    batch = task.batch("train", 0, 4, 0)
    assert float(task.loss(torch.zeros(STEPS, 4, 1), batch)) == 0
    assert task.baselines() == {"mse": {"mean": 0.0}} and not batch.x[3:].any()
    train = task.batch("train", 0, task.training_examples(), 0).x[:3]
    assert train.mean((0, 1)).abs().max() < 1e-9


FAULTS = {
    "classes from 1": ({"y": 1 + np.arange(COUNT) % 2}, "'y' are 1 to 2; number them from 0"),
    "one class": ({"y": np.zeros(COUNT, int)}, "'y' has one class alone, 0"),
    "object": ({"x": np.array([None])}, "the array 'x' cannot be read"),
    "words": ({"y": np.array(["a"] * COUNT)}, "the array 'y' has the type <U1; save it as numbers"),
    "nan": ({"x": np.full((COUNT, STEPS, 1), np.nan)}, "the array 'x' is not finite at [0, 0, 0]"),
    "no channels": ({"x": np.ones((COUNT, STEPS))}, "has the shape (20, 6), not (N, T, F)"),
    "other count": ({"y": np.arange(3)}, "the array 'y' has the shape (3,), not (20)"),
    "negative": ({"y": -np.arange(COUNT)}, "the array 'y' has the value -19"),
    "too long": ({"lengths": np.full(COUNT, 7)}, "has the value 7, which is not in 1 to 6"),
    "unknown split": ({"splits": np.array(["dev"] * COUNT)}, "has 'dev', which is none of train"),
    "no test": ({"splits": np.array(["train", "validation"] * 10)}, "left for the test split"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_array_is_told_in_a_sentence(fault, bench):
    more, sentence = FAULTS[fault]
    np.savez(bench.folder / "mine.npz", **arrays(**more))
    bench.write("mine.yaml", YAML)
    err = bench("run", "mine.yaml", "-q", code=2).err
    assert sentence in err and len(err.splitlines()) == 1


def test_another_file_is_another_run(bench):
    bench.write("mine.yaml", YAML)
    err = bench("run", "mine.yaml", "-q", code=2).err
    assert "mine.npz: there is no such file in" in err and "task.file" in err
    for seed in (0, 1):
        np.savez(
            bench.folder / "mine.npz",
            **arrays(x=np.random.default_rng(seed).normal(size=(COUNT, STEPS, 1))),
        )
        bench("run", "mine.yaml", "-q")
        assert "already done" in bench("run", "mine.yaml").err
    records = [json.loads((run / "run.json").read_text()) for run in bench.runs("mine")]
    assert len({record["identity"] for record in records}) == 2
    assert len({record["fingerprint"]["file"] for record in records}) == 2
