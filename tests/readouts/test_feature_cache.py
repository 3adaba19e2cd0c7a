"""Features of a cell of which nothing is trained: computed once, and the training is the same."""

from dataclasses import replace

import pytest
import torch

from urnn_bench.engine.evaluate import evaluate
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.events import Measured
from urnn_bench.registry import Components
from urnn_bench.run import build, checkpoint
from urnn_bench.run.device import Backend
from urnn_bench.run.feature_cache import feature_cache_of
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

BATCH, TRAINING_IMAGES = 100, 1157
IN_AN_EPOCH = TRAINING_IMAGES // BATCH


def job(cell="echo_state", task="digits", steps=3 * IN_AN_EPOCH, **options):
    lengths = {"digits": {"T": 8}, "adding": {"T": 5}}
    run = Run(
        benchmark="test",
        label=cell,
        task=ComponentSpec(name=task, options=lengths[task]),
        cell=ComponentSpec(name=cell),
        readout=ComponentSpec(name="mlp", options={"widths": (8,), "norm": "batch", **options}),
        pool="last_and_mean",
        hidden=10,
        fit=Fit(steps=steps, batch=BATCH, log_every=1, evaluate_every=steps, dtype="float64"),
        seed=0,
    )
    return build.job_of(Components(), run, Backend("cpu", "eager"))[0]


def scores(made):
    events = train_run(made, TrainState())
    return [e.metrics["cross_entropy_nat"] for e in events if isinstance(e, Measured)]


def test_training_is_that_without_a_cache():
    made, plain = job(dropout=0.1), replace(job(dropout=0.1), features=None)
    assert scores(made) == pytest.approx(scores(plain), rel=1e-10)
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(made.model.state_dict()[name], value, rtol=1e-8, atol=1e-10)


def test_the_cell_sees_every_example_once():
    made = job()
    scores(made)
    # an epoch skips the images that do not fill a batch
    assert IN_AN_EPOCH * BATCH < made.features.computed <= TRAINING_IMAGES


def test_the_cell_sees_validation_once(monkeypatch):
    made, sizes = job(steps=4), []
    features = made.model.features
    monkeypatch.setattr(
        made.model, "features", lambda x, *a: sizes.append(x.shape[1]) or features(x, *a)
    )
    evaluations = [
        evaluate(made.model, made.task, "validation", 64, 0, features=made.features)
        for _ in range(3)
    ]
    plain = evaluate(made.model, made.task, "validation", 64, 0)
    assert evaluations == [plain] * 3
    assert len(sizes) == made.task.batches("validation", 64)


def test_validation_over_the_limit_is_computed_again():
    made = job(steps=4)
    cache = feature_cache_of(made.model, made.task, BATCH, 0, limit_mb=0.0)
    first, second = (
        evaluate(made.model, made.task, "validation", 64, 0, features=cache) for _ in range(2)
    )
    assert first == second == evaluate(made.model, made.task, "validation", 64, 0)


def test_a_cache_in_a_file_is_that_in_memory():
    in_memory = job()
    in_file = job()
    cache = feature_cache_of(in_file.model, in_file.task, BATCH, 0, limit_mb=0.0)
    assert scores(replace(in_file, features=cache)) == scores(in_memory)


@pytest.mark.parametrize("stop", [3, IN_AN_EPOCH + 2])
def test_a_resumed_run_goes_on_to_the_byte(tmp_path, stop):
    whole, first, rest = (job(dropout=0.1) for _ in range(3))
    state = TrainState()
    for _ in train_run(first, state):
        if state.step == stop:
            break
    checkpoint.save(tmp_path / "checkpoint.pt", first, state, "id", {})
    state = checkpoint.restore(checkpoint.load(tmp_path / "checkpoint.pt", "id"), rest)
    list(train_run(rest, state))
    scores(whole)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(rest.model.state_dict()[name], value)


@pytest.mark.parametrize(("cell", "task"), [("rnn", "digits"), ("echo_state", "adding")])
def test_what_changes_or_never_ends_is_not_kept(cell, task):
    assert job(cell, task).features is None
