"""Filters over time: the scan is the loop, for any length and any decay."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from urnn_bench.kernels.filters import parallel_scan, restarting, sequential_scan


def inputs(steps, seed=0):
    rng = torch.Generator().manual_seed(seed)
    u = torch.randn(steps, 3, 2, generator=rng, dtype=torch.float64, requires_grad=True)
    before = torch.randn(3, 2, generator=rng, dtype=torch.float64, requires_grad=True)
    return u, before


def agree(decay, steps, seed=0):
    u, before = inputs(steps, seed)
    slow, fast = sequential_scan(decay, u, before), parallel_scan(decay, u, before)
    size = max(1.0, float(slow.detach().abs().max()))
    torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-12 * size)
    cotangent = torch.randn(slow.shape, generator=torch.Generator().manual_seed(1)).double()
    for a, b in zip(
        *(torch.autograd.grad(v, (u, before), cotangent) for v in (slow, fast)), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12 * max(1.0, float(a.abs().max())))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(0, 2**31), st.sampled_from([0.0, 0.3, 0.999, 1.0, None]))
def test_the_scan_is_the_loop(steps, seed, constant):
    drawn = torch.rand(steps, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    agree(drawn if constant is None else torch.full_like(drawn, constant), steps, seed)


@pytest.mark.parametrize("decay", [0.6, 0.999, 0.99999])
def test_a_long_sequence_with_a_pole_near_one(decay):
    agree(torch.full((5000,), decay, dtype=torch.float64), 5000)


def test_a_constant_input_ends_at_the_gain():
    v = parallel_scan(torch.full((5000,), 0.99), torch.ones(5000, 1), torch.zeros(1))
    assert float(v[-1]) == pytest.approx(100, rel=1e-5)


@pytest.mark.parametrize("restart", [0, 1, 2, 40])
def test_restarting_filters(restart):
    agree(restarting(torch.zeros(300).double(), restart), 300)


def test_coefficients_count_from_the_last_restart():
    assert restarting(torch.zeros(7).double(), 3).tolist() == [0, 1 / 4, 2 / 5] * 2 + [0]
    assert restarting(torch.zeros(4).double(), 0).tolist() == [0, 1 / 4, 2 / 5, 3 / 6]
