"""Every fused kernel of every cell computes what the time loop computes, and its gradients."""

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.errors import KernelError
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Registry

CELLS = Registry("model", "cells")
PAIRS = [(name, kernel) for name in CELLS.names() for kernel in CELLS.get(name, Cell).kernels]
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


def make(name, inputs, hidden, device):
    kind = CELLS.get(name, Cell)
    with seeded(0, "init"):
        cell = kind(inputs, hidden, kind.Options()).double()
    rng = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in cell.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return cell.to(device)


def loss_of(hs, last, cell, where):
    """A loss that weighs every unit differently, on every step, on the last h, or on the state."""
    rng = torch.Generator().manual_seed(6)
    seen = {
        "every": cell.readout_features(hs),
        "last": cell.readout_features(hs[-1]),
        "state": cell.readout_features(last[0]),
    }[where]
    weight = torch.randn(seen.shape, generator=rng, dtype=seen.dtype).to(seen.device)
    rest = sum(s.abs().pow(2).sum() for s in last[1:]) if where == "state" else 0.0
    return (weight * seen).sum() + rest


def outcome(run, cell, x, where):
    cell.zero_grad()
    x = x.detach().clone().requires_grad_()
    hs, last = run(x, cell.initial_state(x.shape[1]), cell.weights())
    loss_of(hs, last, cell, where).backward()
    grads = {n: p.grad for n, p in cell.named_parameters() if p.grad is not None}
    return {
        "hs": hs.detach(),
        "x": x.grad,
        **{n: g.clone() for n, g in grads.items()},
        **{f"last {i}": s.detach() for i, s in enumerate(last)},
    }


def given_state(cell, batch):
    """A state to begin with as another call left it, whose own gradient is asked for."""
    rng = torch.Generator().manual_seed(9)
    blank = cell.initial_state(batch)
    drawn = [torch.randn(s.shape, generator=rng, dtype=s.dtype).to(s.device) for s in blank]
    # a mean of squares is never negative
    pairs = zip(cell.state_names, drawn, strict=True)
    return tuple((s.abs() if name == "s" else s).requires_grad_() for name, s in pairs)


def carried(run, cell, x):
    state = given_state(cell, x.shape[1])
    found = outcome(lambda x, _, w: run(x, state, w), cell, x, "state")
    return {**found, **{f"first {i}": s.grad for i, s in enumerate(state)}}


@pytest.mark.parametrize(("name", "kernel"), PAIRS)
def test_goes_on_from_a_state_and_gives_its_gradient(name, kernel):
    cell = make(name, 3, 8, "cpu")
    if reason := cell.kernels[kernel].unavailable_reason(cell, "cpu"):
        pytest.skip(reason)
    rng = torch.Generator().manual_seed(7)
    x = torch.randn(5, 3, 3, generator=rng, dtype=torch.float64)
    slow, fast = (
        carried(lambda *a, run=run: run(cell, *a), cell, x)
        for run in (unroll, cell.kernels[kernel].run)
    )
    for key, value in slow.items():
        torch.testing.assert_close(fast[key], value, rtol=1e-10, atol=1e-10, msg=key)


def check(name, kernel, sizes, where, device):
    t, b, h = sizes
    cell = make(name, 3, h, device)
    if reason := cell.kernels[kernel].unavailable_reason(cell, device):
        pytest.skip(reason)
    rng = torch.Generator().manual_seed(7)
    x = torch.randn(t, b, 3, generator=rng, dtype=torch.float64).to(device)
    slow = outcome(lambda *a: unroll(cell, *a), cell, x, where)
    fast = outcome(lambda *a: cell.kernels[kernel].run(cell, *a), cell, x, where)
    assert slow.keys() == fast.keys()
    for key, value in slow.items():
        assert torch.allclose(fast[key], value, rtol=1e-10, atol=1e-10), key


@pytest.mark.parametrize("where", ["every", "last", "state"])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 3, 5), (7, 1, 4), (9, 17, 13), (6, 33, 16)])
@pytest.mark.parametrize(("name", "kernel"), PAIRS)
def test_equals_the_time_loop_in_float64(name, kernel, sizes, where):
    check(name, kernel, sizes, where, "cpu")


@CUDA
@pytest.mark.parametrize(("name", "kernel"), PAIRS)
def test_equals_the_time_loop_on_a_gpu(name, kernel):
    check(name, kernel, (9, 17, 13), "every", "cuda")


@pytest.mark.parametrize(("name", "kernel"), PAIRS)
def test_reads_inputs_that_are_not_contiguous(name, kernel):
    cell = make(name, 3, 4, "cpu")
    x = torch.randn(4, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    x = x.permute(2, 0, 1)
    assert not x.is_contiguous()
    state, w = cell.initial_state(4), cell.weights()
    fast, _ = cell.kernels[kernel].run(cell, x, state, w)
    torch.testing.assert_close(fast, unroll(cell, x, state, w)[0], rtol=1e-10, atol=1e-10)


def test_auto_takes_the_first_that_can_run_and_says_why():
    cell = make("lstm", 3, 4, "cpu")
    assert choose(cell, "cpu", "auto").name == "vendor"
    choice = choose(make("gru", 3, 4, "cpu"), "mps", "auto")
    assert choice.name == "eager" and "not on mps" in choice.reason
    assert choose(make("urnn", 3, 4, "cpu"), "cpu", "eager").reason == "asked for"


def test_a_kernel_asked_for_by_name_runs_or_says_why_not():
    cell = make("lstm", 3, 4, "cpu")
    assert choose(cell, "cpu", "vendor").name == "vendor"
    with pytest.raises(KernelError, match="cannot run: it runs on cpu and cuda, not on mps"):
        choose(cell, "mps", "vendor")
    with pytest.raises(KernelError, match="did you mean 'vendor'"):
        choose(cell, "cpu", "vender")
