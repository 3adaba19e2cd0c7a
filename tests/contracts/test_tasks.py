"""The contract of tasks: what holds for every task.

Its options tell a contract all it needs: every option but ``T`` has a default, and T takes the
lengths that the options accept. Data sets are looked for where the package looks for them, in the
folder named by URNN_BENCH_DATA and in the user's cache; without them the contract is skipped with
the package's own error. If a task's data can be made up, a file of the task's name in
``data_for/`` may do so: its ``write(folder)`` fills a data folder. No task needs one.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from pydantic import ValidationError

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.events import SPLITS
from urnn_bench.tasks.base import SyntheticTask, Task, Tokens, is_static

LENGTHS = (11, 2, 3, 10, 1000)


@cache
def accepted_lengths(task_type):
    """Return all T up to 1,000 that a task's options accept."""
    return [T for T in range(1, 1001) if accepts(task_type, T)]


def accepts(task_type, T):
    try:
        task_type.Options(T=T)
    except ValidationError:
        return False
    return True


def nearest_length(task_type, T):
    assert accepted_lengths(task_type), "the options take no T; every other option needs a default"
    return min(accepted_lengths(task_type), key=lambda accepted: abs(accepted - T))


@pytest.fixture(scope="session")
def made_up_data(tmp_path_factory):
    """Return a function that gives a task's made-up data folder, or None if it has none."""

    @cache
    def folder_of(name):
        if find_spec(f"data_for.{name}") is None:
            return None
        folder = tmp_path_factory.mktemp(name)
        import_module(f"data_for.{name}").write(folder)
        return folder

    return folder_of


@pytest.fixture
def make(components, made_up_data, monkeypatch):
    """Return a function that makes a task, about T long; skip if its data are not here."""

    def task_of(name, T=LENGTHS[0], **options):
        if (folder := made_up_data(name)) is not None:
            monkeypatch.setenv(store.DATA, str(folder))
        task_type = components.tasks.get(name, Task)
        task = task_type(task_type.Options(T=nearest_length(task_type, T), **options))
        try:
            task.batch("train", 0, 1, seed=0)
        except DataError as error:
            pytest.skip(str(error))
        return task

    return task_of


def pool_sizes(task, **sizes):
    """Return those of the options ``sizes`` that a task has."""
    return {name: size for name, size in sizes.items() if name in type(task.options).model_fields}


def same(a, b):
    return a.form() == b.form() and all(map(torch.equal, a.tensors(), b.tensors()))


@pytest.mark.parametrize("T", LENGTHS)
def test_shapes_follow_the_signature(task_name, T, make):
    task = make(task_name, T)
    # a small lake has few windows of a year
    size = min(5, task.training_examples() or 5)
    batch, inputs = task.batch("train", 0, size, seed=0), task.signature.inputs
    sequences = size * task.sequences_per_example
    assert batch.x.shape[1] == sequences
    assert batch.y.shape[task.signature.targets.batch_axis] == sequences
    if isinstance(inputs, Tokens):
        assert batch.x.dtype == torch.int64
        assert int(batch.x.min()) >= 0 and int(batch.x.max()) < inputs.vocabulary
    else:
        assert batch.x.shape[2] == inputs.width and batch.x.is_floating_point()


@pytest.mark.parametrize("split", SPLITS)
def test_a_batch_depends_on_seed_split_and_index_alone(task_name, split, make):
    task = make(task_name)
    torch.manual_seed(1)
    batch = task.batch(split, 3, 5, seed=0)
    torch.manual_seed(2)
    assert same(batch, make(task_name).batch(split, 3, 5, seed=0))
    assert not same(batch, task.batch(split, 4, 5, seed=0))


def test_the_seed_draws_synthetic_data_and_orders_the_training_set_of_others(task_name, make):
    task = make(task_name)
    batches = [[task.batch(split, 3, 5, seed) for split in SPLITS] for seed in (0, 1)]
    follows_seed = [not same(a, b) for a, b in zip(*batches, strict=True)]
    synthetic = isinstance(task, SyntheticTask)
    assert follows_seed == [True, synthetic, synthetic]


def test_splits_differ(task_name, make):
    batches = [make(task_name).batch(split, 0, 5, seed=0) for split in SPLITS]
    assert not any(same(a, b) for i, a in enumerate(batches) for b in batches[:i])


def test_a_batch_leaves_the_global_generator_as_it_is(task_name, make):
    before = torch.get_rng_state()
    make(task_name).batch("train", 0, 5, seed=0)
    assert torch.equal(before, torch.get_rng_state())


def test_training_never_ends_and_pools_are_used_up(task_name, make):
    task = make(task_name)
    assert task.batches("train", 10) is None
    for split, size in zip(SPLITS[1:], (23, 7), strict=True):
        options = pool_sizes(task, **{f"{split}_examples": size})
        task = make(task_name, **options)
        count = task.batches(split, 10)
        sequences = [task.batch(split, i, 10, seed=0).x.shape[1] for i in range(count)]
        widths = [number / task.sequences_per_example for number in sequences]
        assert widths[:-1] == [10] * (count - 1) and 0 < widths[-1] <= 10
        assert not options or sum(widths) == size


@pytest.mark.parametrize("split", SPLITS[1:])
def test_pools_do_not_depend_on_the_batch_size(task_name, split, make):
    """Unless the task says that its scores do: then its batches for evaluation have one size."""
    task = make(task_name)
    task = make(task_name, **pool_sizes(task, validation_examples=130, test_examples=130))
    if task.evaluation_batch(7) != 7:
        assert task.evaluation_batch(7) == task.evaluation_batch(64)
        return
    axis = task.signature.targets.batch_axis

    def pool(size):
        batches = [task.batch(split, i, size, seed=0) for i in range(task.batches(split, size))]
        # all steps of an input that is expanded are one tensor
        xs = [b.x[:1] if is_static(b.x) else b.x for b in batches]
        return torch.cat(xs, 1), torch.cat([b.y for b in batches], axis)

    expected = pool(20_000)
    for size in (7, 50, 64):
        assert all(torch.equal(a, b) for a, b in zip(expected, pool(size), strict=True))


def test_scores_are_named_and_the_first_is_the_loss(task_name, make):
    task = make(task_name)
    batch = task.batch("train", 0, 50, seed=0)
    output = task.baseline_output(batch)
    scores = task.scores(output, batch)
    assert tuple(scores) == task.metrics
    first = scores[task.metrics[0]]
    assert first.total / first.weight == pytest.approx(float(task.loss(output, batch)))


@pytest.mark.parametrize("T", [10, 57])
def test_the_baseline_is_what_its_predictor_scores(synthetic_task_name, T, make):
    """Over 40,000 sequences, within four standard errors of the mean over batches."""
    task = make(synthetic_task_name, T)
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


def test_the_baseline_is_what_its_predictor_scores_on_all_images(image_task_name, make):
    task = make(image_task_name)
    task = make(image_task_name, **pool_sizes(task, training_examples=1000))
    batch = task.batch("train", 0, task.training_examples(), seed=0)
    scores = task.scores(task.baseline_output(batch), batch)
    for metric, baseline in task.baselines().items():
        expected = next(iter(baseline.values()))
        assert scores[metric].total / scores[metric].weight == pytest.approx(expected, rel=1e-9)


def test_every_baseline_belongs_to_a_metric(task_name, make):
    task = make(task_name)
    assert set(task.baselines()) <= set(task.metrics)
    assert task.metrics[0] in task.baselines()
