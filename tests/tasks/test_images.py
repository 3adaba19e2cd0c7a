"""Images as sequences: orders, splits and epochs; real MNIST where it is at hand."""

import os
from pathlib import Path

import pytest
import torch

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.registry import Registry
from urnn_bench.tasks._permutations import NAMED, permutation
from urnn_bench.tasks.base import Task

TASKS = Registry("task", "tasks")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def make(name, T=64, **options):
    kind = TASKS.get(name, Task)
    return kind(kind.Options(T=T, **options))


@pytest.fixture
def mnist(monkeypatch):
    """Let the real files be found, or skip."""
    monkeypatch.setenv(store.DATA, os.environ.get(store.DATA, str(SHARED)))
    try:
        store.check(TASKS.get("mnist", Task).data)
    except DataError as error:
        pytest.skip(f"the real files are not here: {error}")


@pytest.mark.parametrize("name", [*NAMED, 0, 7])
@pytest.mark.parametrize("count", [1, 2, 7, 64, 784])
def test_a_permutation_holds_every_position_once(name, count):
    order = permutation(name, count)
    assert order.dtype == torch.int64 and torch.equal(order.sort().values, torch.arange(count))


def test_the_permutations_are_those_of_the_literature():
    wisdom, arjovsky = (permutation(name, 784).tolist() for name in ("wisdom", "arjovsky"))
    assert wisdom[:10] == [319, 576, 323, 107, 355, 716, 197, 20, 625, 60]
    assert arjovsky[:10] == [538, 505, 546, 510, 734, 548, 542, 590, 268, 285]
    assert arjovsky[-5:] == [137, 368, 234, 732, 228]
    assert permutation(92916, 784).tolist() == wisdom
    assert permutation("bit_reversal", 8).tolist() == [0, 4, 2, 6, 1, 5, 3, 7]
    assert permutation("bit_reversal", 6).tolist() == [0, 4, 2, 1, 5, 3]


def test_orders_rearrange_the_same_pixels():
    plain, permuted = make("digits"), make("pdigits")
    one, other = (task.batch("test", 0, 50, seed=0) for task in (plain, permuted))
    assert torch.equal(one.x[permutation("wisdom", 64)], other.x) and torch.equal(one.y, other.y)
    below = make("digits", scan="bottom_up").batch("test", 0, 50, seed=0)
    assert torch.equal(below.x.reshape(8, 8, 50), one.x.reshape(8, 8, 50).flip(0))
    rows = make("digits", T=8).batch("test", 0, 50, seed=0)
    assert torch.equal(rows.x, one.x.reshape(8, 8, 50).transpose(1, 2))
    orders = [task.identity() for task in (plain, permuted, make("digits", scan="bottom_up"))]
    assert len({order["permutation"] for order in orders}) == 3
    assert all(len(order["permutation"]) == 64 for order in orders)


def test_a_permutation_is_of_the_order_in_which_pixels_are_scanned():
    one = make("digits", scan="bottom_up").batch("test", 0, 50, seed=0)
    other = make("pdigits", scan="bottom_up").batch("test", 0, 50, seed=0)
    assert torch.equal(one.x[permutation("wisdom", 64)], other.x)


def test_an_epoch_shows_every_training_image_once():
    task, size = make("digits"), 37
    count = 1157 // size
    epochs = [
        torch.cat([task.batch("train", e * count + i, size, 0).x[:, :, 0] for i in range(count)], 1)
        for e in range(2)
    ]
    first, second = ({tuple(image) for image in epoch.T.tolist()} for epoch in epochs)
    assert len(first) >= size * count - 2  # two training images are the same
    assert not torch.equal(*epochs) and len(first & second) > 0.9 * len(first)
    held_out = {
        tuple(i)
        for s in ("validation", "test")
        for i in task.batch(s, 0, 400, 0).x[:, :, 0].T.tolist()
    }
    assert len(held_out) == 640 and not held_out & (first | second)


def test_splits_are_the_file_cut_in_order():
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    task = make("digits", validation_examples=200)
    for split, part in (("validation", slice(1215, 1415)), ("test", slice(1415, None))):
        batch = task.batch(split, 0, 1000, seed=3)
        assert torch.equal(batch.y, torch.from_numpy(classes[part]))
        assert torch.equal(batch.x[:, :, 0].T * 16, torch.from_numpy(pixels[part]))


def test_a_batch_larger_than_the_training_set_is_refused():
    with pytest.raises(DataError, match="1157; make it smaller with --batch"):
        make("digits").batch("train", 0, 1158, seed=0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"T": 10}, "which 10 steps do not divide"),
        ({"validation_examples": 1415}, "must be below 1415"),
        ({"permutation": "wisdon"}, "must be none, wisdom, arjovsky, bit_reversal, or a seed"),
        ({"permutation": -1}, "or a seed of numpy's RandomState"),
        ({"permutation": 2**32}, "not 4294967296"),
        ({"permutation": True}, "not true"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        make("digits", **options)


@pytest.mark.usefixtures("mnist")
def test_real_mnist_is_read_as_it_was_published():
    task = make("mnist", T=784)
    assert [task.batches(s, 100) for s in ("train", "validation", "test")] == [None, 100, 100]
    batch = task.batch("test", 0, 10, seed=0)
    assert batch.y.tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert float(batch.x.min()) == 0 and float(batch.x.max()) == 1
    # the mean pixel of the training files that is quoted everywhere, 0.1307
    pixels = torch.cat([part.pixels for part in task.load()[:1]])
    assert float(pixels.double().mean() / 255) == pytest.approx(0.1307, abs=5e-5)
    assert task.baselines()["cross_entropy_nat"]["class frequencies"] == pytest.approx(
        2.301, abs=1e-3
    )


@pytest.mark.usefixtures("mnist")
def test_real_pmnist_is_mnist_rearranged():
    plain, permuted = (
        make(name, T=784).batch("train", 5, 20, seed=1) for name in ("mnist", "pmnist")
    )
    assert torch.equal(plain.x[permutation("wisdom", 784)], permuted.x)
