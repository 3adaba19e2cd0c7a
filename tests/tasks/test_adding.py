"""The adding problem of the uRNN paper."""

import pytest
import torch

from urnn_bench.tasks.adding import Adding, AddingOptions


@pytest.mark.parametrize("T", [2, 3, 10, 11])
def test_one_marker_in_each_half_and_their_sum(T):
    batch = Adding(AddingOptions(T=T)).batch("train", 0, 2000, seed=0)
    values, markers = batch.x[..., 0], batch.x[..., 1]
    half = T // 2
    assert set(markers.unique().tolist()) <= {0.0, 1.0}
    assert bool((markers[:half].sum(0) == 1).all()) and bool((markers[half:].sum(0) == 1).all())
    assert bool((markers.sum(1) > 0).all()), "every step is marked somewhere, the last of odd T too"
    assert bool(((values >= 0) & (values < 1)).all())
    torch.testing.assert_close(batch.y[:, 0], (values * markers).sum(0))


def test_landmarks():
    """Always 1 errs by 1/6; knowing one addend and guessing 1/2 for the other by 1/12."""
    task = Adding(AddingOptions(T=20))
    batch = task.batch("train", 0, 200_000, seed=0)
    first = (batch.x[:10, :, 0] * batch.x[:10, :, 1]).sum(0).unsqueeze(-1) + 0.5
    baselines = task.baselines()["mse"]
    assert float(task.loss(first, batch)) == pytest.approx(baselines["one addend"], rel=0.01)
    assert float(task.loss(torch.ones_like(batch.y), batch)) == pytest.approx(1 / 6, rel=0.01)
    assert baselines == {"always 1": 1 / 6, "one addend": 1 / 12}
