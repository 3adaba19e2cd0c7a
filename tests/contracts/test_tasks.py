"""What every task of the registry must be, whoever wrote it."""

import os
from functools import cache
from pathlib import Path

import pytest
import torch

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.registry import Registry
from urnn_bench.tasks._images import ImageTask
from urnn_bench.tasks.base import SyntheticTask, Task, Tokens

TASKS = Registry("task", "tasks")
SPLITS = ("train", "validation", "test")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
DRAWN = [name for name in TASKS.names() if issubclass(TASKS.get(name, Task), SyntheticTask)]
every = pytest.mark.parametrize("name", TASKS.names())
drawn = pytest.mark.parametrize("name", DRAWN)
IMAGES = [name for name in TASKS.names() if issubclass(TASKS.get(name, Task), ImageTask)]
images = pytest.mark.parametrize("name", IMAGES)
pooled = pytest.mark.parametrize("name", sorted({*DRAWN, *IMAGES}))
WORDS = "to be or not to be\nthat is the question\n"


@cache
def lengths(kind):
    """The lengths a task is tried at: an image's divisors, or any."""
    if not issubclass(kind, ImageTask):
        return (11, 2, 3, 10, 101)
    pixels = kind.Options.shape[0] * kind.Options.shape[1]
    return (pixels, kind.Options.shape[0], 2)


@pytest.fixture(autouse=True)
def data(name, monkeypatch, tmp_path):
    """Let real files be found where they are; skip what needs them where they are not."""
    monkeypatch.setenv(store.DATA, os.environ.get(store.DATA, str(SHARED)))
    if name == "ptb":
        monkeypatch.setenv(store.DATA, str(tmp_path))
        (tmp_path / "ptb").mkdir()
        for i, split in enumerate(("train", "valid", "test")):
            (tmp_path / "ptb" / f"ptb.{split}.txt").write_text(f"{split} {WORDS}" * (90 - i))
    if name in ("fsdd", "timit"):
        try:
            make(name).load()
        except DataError as error:
            pytest.skip(f"the recordings are not here: {error}")
    files = TASKS.get(name, Task).data
    if files is not None:
        try:
            store.check(files)
        except DataError as error:
            pytest.skip(f"the real files are not here: {error}")


def make(name, T=None, **options):
    kind = TASKS.get(name, Task)
    return kind(kind.Options(T=T or lengths(kind)[0], **options))


def same(one, two):
    return torch.equal(one.x, two.x) and torch.equal(one.y, two.y)


@every
@pytest.mark.parametrize("which", range(5))
def test_shapes_follow_the_signature(name, which):
    known = lengths(TASKS.get(name, Task))
    task = make(name, known[which % len(known)])
    batch, inputs = task.batch("train", 0, 5, seed=0), task.signature.inputs
    assert batch.x.shape[1] == 5
    assert batch.y.shape[task.signature.targets.batch_axis] == 5
    if isinstance(inputs, Tokens):
        assert batch.x.dtype == torch.int64
        assert int(batch.x.min()) >= 0 and int(batch.x.max()) < inputs.vocabulary
    else:
        assert batch.x.shape[2] == inputs.width and batch.x.is_floating_point()


@every
@pytest.mark.parametrize("split", SPLITS)
def test_a_batch_depends_on_seed_split_and_index_alone(name, split):
    task = make(name)
    torch.manual_seed(1)
    batch = task.batch(split, 3, 5, seed=0)
    torch.manual_seed(2)
    assert same(batch, make(name).batch(split, 3, 5, seed=0))
    assert not same(batch, task.batch(split, 4, 5, seed=0))


@drawn
@pytest.mark.parametrize("split", SPLITS)
def test_drawn_data_follow_the_seed(name, split):
    task = make(name)
    assert not same(task.batch(split, 3, 5, seed=0), task.batch(split, 3, 5, seed=1))


@images
def test_of_stored_data_the_seed_orders_training_alone(name):
    task = make(name)
    alike = {s: same(task.batch(s, 3, 5, seed=0), task.batch(s, 3, 5, seed=1)) for s in SPLITS}
    assert alike == {"train": False, "validation": True, "test": True}


@every
def test_splits_are_apart(name):
    batches = [make(name).batch(split, 0, 5, seed=0) for split in SPLITS]
    assert not any(same(a, b) for i, a in enumerate(batches) for b in batches[:i])


@every
def test_drawing_leaves_the_global_generator_alone(name):
    before = torch.get_rng_state()
    make(name).batch("train", 0, 5, seed=0)
    assert torch.equal(before, torch.get_rng_state())


@drawn
def test_pools_are_used_up_exactly(name):
    task = make(name, validation_examples=23, test_examples=7)
    count = task.batches("validation", 10)
    sizes = [len(task.batch("validation", i, 10, 0).x[0]) for i in range(count)]
    assert sizes == [10, 10, 3]
    assert task.batches("test", 7) == 1 and task.batches("train", 10) is None


@pooled
@pytest.mark.parametrize("split", ["validation", "test"])
def test_pools_do_not_depend_on_the_batch_size(name, split):
    pools = {"test_examples": 130} if name in DRAWN else {}
    task = make(name, validation_examples=130, **pools)
    axis = task.signature.targets.batch_axis

    def pool(size):
        batches = [task.batch(split, i, size, 0) for i in range(task.batches(split, size))]
        return torch.cat([b.x for b in batches], 1), torch.cat([b.y for b in batches], axis)

    whole = pool(20_000)
    for size in (7, 50, 64):
        assert all(torch.equal(a, b) for a, b in zip(whole, pool(size), strict=True))


@every
def test_scores_are_named_and_the_first_is_the_loss(name):
    task = make(name)
    batch = task.batch("train", 0, 50, seed=0)
    output = task.baseline_output(batch)
    scores = task.scores(output, batch)
    assert tuple(scores) == task.metrics
    first = scores[task.metrics[0]]
    assert first.total / first.weight == pytest.approx(float(task.loss(output, batch)))


@drawn
@pytest.mark.parametrize("T", [10, 57])
def test_the_baseline_is_what_its_predictor_scores(name, T):
    """Over many sequences, within four standard errors of the mean over batches."""
    task = make(name, T)
    values = {metric: [] for metric in task.metrics}
    for index in range(40):
        batch = task.batch("train", index, 1000, seed=0)
        for metric, score in task.scores(task.baseline_output(batch), batch).items():
            values[metric].append(score.total / score.weight)
    for metric, baseline in task.baselines().items():
        measured = torch.tensor(values[metric], dtype=torch.float64)
        error = float(measured.std()) / len(measured) ** 0.5
        expected = next(iter(baseline.values()))
        assert float(measured.mean()) == pytest.approx(expected, abs=4 * error + 1e-9)
        assert 4 * error < 0.05 * expected


@images
def test_the_baseline_is_what_its_predictor_scores_on_the_training_set(name):
    task = make(name)
    whole = len(task.load()[0].classes) - task.options.validation_examples
    batch = task.batch("train", 0, whole, seed=0)
    found = task.scores(task.baseline_output(batch), batch)
    for metric, baseline in task.baselines().items():
        score = found[metric]
        expected = next(iter(baseline.values()))
        assert score.total / score.weight == pytest.approx(expected, rel=1e-9)


@every
def test_every_baseline_belongs_to_a_metric(name):
    task = make(name)
    assert set(task.baselines()) <= set(task.metrics)
    assert task.metrics[0] in task.baselines()
