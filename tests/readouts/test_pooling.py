"""Pools: what each returns of the features over time, and that its gradient is right and short."""

import pytest
import torch
from torch.autograd import gradcheck

from urnn_bench.pooling import POOLS, choices, pool_of

T, B, H = 5, 3, 4


def states():
    rng = torch.Generator().manual_seed(0)
    hs = torch.randn(T, B, H, generator=rng, dtype=torch.complex128)
    return hs, hs[-1]


def features(h):
    """Return two real features of every complex unit, as a unitary cell has."""
    return torch.view_as_real(h).flatten(-2)


EXPECTED = {
    "last": lambda rows: rows[-1],
    "mean": lambda rows: sum(rows) / T,
    "max": lambda rows: torch.stack(rows).amax(0),
    "last_and_mean": lambda rows: torch.cat((rows[-1], sum(rows) / T), dim=-1),
    "every": torch.stack,
}


def test_every_pool_is_tested():
    assert EXPECTED.keys() == POOLS.keys() == {*choices(True), *choices(False)}


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_is_what_its_name_says_of_the_features(name):
    hs, last = states()
    pool = POOLS[name]
    found = pool.apply(features, hs, last, None)
    torch.testing.assert_close(found, EXPECTED[name]([features(h) for h in hs]))
    axes = (T, B) if pool.keeps_steps else (B,)
    assert found.shape == (*axes, pool.width * 2 * H)


@pytest.mark.parametrize("name", POOLS)
def test_gradient_equals_finite_differences(name):
    hs, last = (s.detach().clone().requires_grad_() for s in states())

    def pooled(hs, last):
        return POOLS[name].apply(features, hs, last, None)

    assert gradcheck(pooled, (hs, last))


@pytest.mark.parametrize("name", choices(False))
def test_nothing_that_is_kept_for_the_gradient_is_larger_than_the_states(name):
    """A copy for every step would be T times as large."""
    sizes = []
    hs = torch.randn(50, B, H, requires_grad=True)

    def count(tensor):
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        POOLS[name].apply(lambda h: h, hs, hs[-1], None)
    assert sum(sizes) <= hs.numel()


def test_the_default_is_what_the_task_scores():
    assert pool_of(None, every_step_is_scored=True) is POOLS["every"]
    assert pool_of(None, every_step_is_scored=False) is POOLS["last"]


@pytest.mark.parametrize("name", ["last", "mean", "max", "last_and_mean"])
def test_steps_after_the_end_of_a_sequence_do_not_count(name):
    rng = torch.Generator().manual_seed(1)
    hs = torch.randn(5, 3, 4, generator=rng, dtype=torch.float64)
    lengths, pool = torch.tensor([5, 1, 3]), POOLS[name]
    found = pool.apply(torch.sin, hs, hs[-1], lengths)
    for row, length in enumerate(lengths):
        alone = hs[:length, row : row + 1]
        expected = pool.apply(torch.sin, alone, alone[-1], None)
        torch.testing.assert_close(found[row : row + 1], expected)
