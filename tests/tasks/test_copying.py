"""Copying memory in the layout of the uRNN paper."""

from math import log

import pytest
import torch

from urnn_bench.tasks.copying import Copying, CopyingOptions


def task(**options):
    return Copying(CopyingOptions(**options))


def test_layout():
    batch = task(T=5, symbols=8, recall=3).batch("train", 0, 100, seed=0)
    x, y = batch.x, batch.y
    assert x.shape == y.shape == (5 + 6, 100)
    assert bool(((x[:3] >= 1) & (x[:3] <= 8)).all()) and set(x[:3].flatten().tolist()) == set(
        range(1, 9)
    )
    assert bool((x[3:7] == 0).all())  # T - 1 blanks
    assert bool((x[7] == 9).all())  # one delimiter
    assert bool((x[8:] == 0).all())
    assert bool((y[:8] == 0).all())  # blank until one step after the delimiter
    assert torch.equal(y[8:], x[:3])


@pytest.mark.parametrize(
    ("T", "baseline"),
    [
        (100, 0.17329),
        (200, 0.09452),
        (300, 0.06498),
        (500, 0.03999),
        (1000, 0.02039),
        (2000, 0.01029),
    ],
)
def test_baseline_of_the_paper(T, baseline):
    """10 ln 8 / (T + 20), section 5.1."""
    found = task(T=T).baselines()["cross_entropy_nat"]["memoryless"]
    assert found == pytest.approx(10 * log(8) / (T + 20))
    assert found == pytest.approx(baseline, abs=5e-6)


def test_a_perfect_answer_scores_zero_and_one():
    t = task(T=5, recall=3)
    batch = t.batch("train", 0, 20, seed=0)
    output = 100.0 * torch.nn.functional.one_hot(batch.y, 9).double()
    means = {k: s.total / s.weight for k, s in t.scores(output, batch).items()}
    assert means["recall_accuracy"] == 1.0
    assert means["cross_entropy_nat"] == pytest.approx(0.0, abs=1e-12)


def test_recall_accuracy_looks_at_the_recall_only():
    t = task(T=50, recall=2)
    batch = t.batch("train", 0, 20, seed=0)
    blank = torch.nn.functional.one_hot(torch.zeros_like(batch.y), 9).double()
    score = t.scores(blank, batch)["recall_accuracy"]
    assert score.total == 0.0 and score.weight == 40
