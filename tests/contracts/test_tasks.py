"""What every task of the registry must be, whoever wrote it."""

import pytest
import torch

from urnn_bench.registry import Registry
from urnn_bench.tasks.base import Task, Tokens

TASKS = Registry("task", "tasks")
SPLITS = ("train", "validation", "test")

pytestmark = pytest.mark.parametrize("name", TASKS.names())


def make(name, T=11, **options):
    kind = TASKS.get(name, Task)
    return kind(kind.Options(T=T, **options))


def same(one, two):
    return torch.equal(one.x, two.x) and torch.equal(one.y, two.y)


@pytest.mark.parametrize("T", [2, 3, 10, 101])
def test_shapes_follow_the_signature(name, T):
    task = make(name, T)
    batch, inputs = task.batch("train", 0, 5, seed=0), task.signature.inputs
    assert batch.x.shape[1] == 5
    assert batch.y.shape[1 if task.signature.answer == "every" else 0] == 5
    if isinstance(inputs, Tokens):
        assert batch.x.dtype == torch.int64
        assert int(batch.x.min()) >= 0 and int(batch.x.max()) < inputs.vocabulary
    else:
        assert batch.x.shape[2] == inputs.width and batch.x.is_floating_point()


@pytest.mark.parametrize("split", SPLITS)
def test_a_batch_depends_on_seed_split_and_index_alone(name, split):
    task = make(name)
    torch.manual_seed(1)
    batch = task.batch(split, 3, 5, seed=0)
    torch.manual_seed(2)
    assert same(batch, make(name).batch(split, 3, 5, seed=0))
    assert not same(batch, task.batch(split, 4, 5, seed=0))
    assert not same(batch, task.batch(split, 3, 5, seed=1))


def test_splits_are_apart(name):
    batches = [make(name).batch(split, 0, 5, seed=0) for split in SPLITS]
    assert not any(same(a, b) for i, a in enumerate(batches) for b in batches[:i])


def test_drawing_leaves_the_global_generator_alone(name):
    before = torch.get_rng_state()
    make(name).batch("train", 0, 5, seed=0)
    assert torch.equal(before, torch.get_rng_state())


def test_pools_are_used_up_exactly(name):
    task = make(name, validation_examples=23, test_examples=7)
    count = task.batches("validation", 10)
    sizes = [len(task.batch("validation", i, 10, 0).x[0]) for i in range(count)]
    assert sizes == [10, 10, 3]
    assert task.batches("test", 7) == 1 and task.batches("train", 10) is None


@pytest.mark.parametrize("split", ["validation", "test"])
def test_pools_do_not_depend_on_the_batch_size(name, split):
    task = make(name, validation_examples=130, test_examples=130)
    axis = 1 if task.signature.answer == "every" else 0

    def pool(size):
        batches = [task.batch(split, i, size, 0) for i in range(task.batches(split, size))]
        return torch.cat([b.x for b in batches], 1), torch.cat([b.y for b in batches], axis)

    whole = pool(130)
    for size in (1, 7, 50, 64):
        assert all(torch.equal(a, b) for a, b in zip(whole, pool(size), strict=True))


def test_scores_are_named_and_the_first_is_the_loss(name):
    task = make(name)
    batch = task.batch("train", 0, 50, seed=0)
    output = task.memoryless(batch)
    scores = task.scores(output, batch)
    assert tuple(scores) == task.metrics
    first = scores[task.metrics[0]]
    assert first.total / first.weight == pytest.approx(float(task.loss(output, batch)))


@pytest.mark.parametrize("T", [10, 57])
def test_the_baseline_is_what_its_predictor_scores(name, T):
    """Over many sequences, within four standard errors of the mean over batches."""
    task = make(name, T)
    values = {metric: [] for metric in task.metrics}
    for index in range(40):
        batch = task.batch("train", index, 1000, seed=0)
        for metric, score in task.scores(task.memoryless(batch), batch).items():
            values[metric].append(score.total / score.weight)
    for metric, baseline in task.baselines().items():
        measured = torch.tensor(values[metric], dtype=torch.float64)
        error = float(measured.std()) / len(measured) ** 0.5
        expected = next(iter(baseline.values()))
        assert float(measured.mean()) == pytest.approx(expected, abs=4 * error + 1e-9)
        assert 4 * error < 0.05 * expected


def test_every_baseline_belongs_to_a_metric(name):
    task = make(name)
    assert set(task.baselines()) <= set(task.metrics)
    assert task.metrics[0] in task.baselines()
