"""The contract of kernels: each one computes what the time loop computes, and its gradients."""

import pytest
import torch
from contracts.selection import sizes_of

from urnn_bench.cells.lstm import Lstm
from urnn_bench.errors import KernelError
from urnn_bench.kernels.choose import Implementation, available, choose
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def make(cell_type, hidden):
    """Return a cell in float64 with noise on its parameters."""
    with seeded(0, "init"):
        cell = cell_type(*sizes_of(cell_type, 3, hidden), cell_type.Options()).double()
    rng = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in cell.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return cell


def skip_unless_available(cell, kernel, device="cpu"):
    if reason := cell.kernels[kernel].unavailable_reason(cell, device):
        pytest.skip(reason)


def inputs(cell, steps, batch, seed=7):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(steps, batch, cell.inputs, generator=rng, dtype=torch.float64)


def memory_of(cell, state):
    """Return the states that are memory, by their position."""
    pairs = zip(state, cell.states, strict=True)
    return {i: s for i, (s, declared) in enumerate(pairs) if declared.memory}


def loss_of(hs, last, cell, part):
    """Return a loss with a different weight for every unit of a part of the output."""
    rng = torch.Generator().manual_seed(6)
    features = {
        "every": cell.readout_features(hs),
        "last": cell.readout_features(hs[-1]),
        "state": cell.readout_features(last[0]),
    }[part]
    weight = torch.randn(features.shape, generator=rng, dtype=features.dtype).to(features.device)
    others = list(memory_of(cell, last).values())[1:] if part == "state" else []
    return (weight * features).sum() + sum(s.abs().pow(2).sum() for s in others)


def outputs_and_gradients(run, cell, x, state, part):
    """Return h over time, the last state, and the loss's gradients, by name."""
    cell.zero_grad()
    x = x.detach().clone().requires_grad_()
    hs, last = run(cell, x, state, cell.weights())
    loss_of(hs, last, cell, part).backward()
    grads = {name: p.grad.clone() for name, p in cell.named_parameters() if p.grad is not None}
    return {
        "hs": hs.detach(),
        "x": x.grad,
        **grads,
        **{f"last {i}": s.detach() for i, s in enumerate(last)},
        **{f"first {i}": s.grad for i, s in enumerate(state) if s.is_leaf and s.requires_grad},
    }


def check(cell, kernel, x, state, part):
    """Compare a kernel with the time loop; ``state`` makes the state to start from."""
    expected = outputs_and_gradients(unroll, cell, x, state(), part)
    results = outputs_and_gradients(cell.kernels[kernel].run, cell, x, state(), part)
    assert results.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(
            results[key], value, rtol=1e-10, atol=1e-10, msg=lambda text, key=key: f"{key}: {text}"
        )


def test_continues_from_a_state_and_gives_its_gradient(cell_type, kernel):
    cell = make(cell_type, hidden=8)
    skip_unless_available(cell, kernel)
    first = cell.initial_state(3)
    memory = memory_of(cell, first)
    start = tuple(s + 0.1 if i in memory else s for i, s in enumerate(first))
    _, reached = unroll(cell, inputs(cell, 4, 3, seed=9), start, cell.weights())

    def state():
        copies = enumerate(s.detach().clone() for s in reached)
        return tuple(s.requires_grad_(i in memory) for i, s in copies)

    check(cell, kernel, inputs(cell, 5, 3), state, "state")


@pytest.mark.parametrize("part", ["every", "last", "state"])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 3, 5), (7, 1, 4), (9, 17, 13), (6, 33, 16)])
def test_equals_the_time_loop_in_float64(cell_type, kernel, sizes, part):
    steps, batch, hidden = sizes
    cell = make(cell_type, hidden)
    skip_unless_available(cell, kernel)
    check(cell, kernel, inputs(cell, steps, batch), lambda: cell.initial_state(batch), part)


@CUDA
@pytest.mark.parametrize("hidden", [13, 16])
def test_equals_the_time_loop_on_a_gpu(cell_type, kernel, hidden):
    cell = make(cell_type, hidden).cuda()
    skip_unless_available(cell, kernel, "cuda")
    check(cell, kernel, inputs(cell, 9, 17).cuda(), lambda: cell.initial_state(17), "every")


def test_reads_inputs_that_are_not_contiguous(cell_type, kernel):
    """Kernels in Triton too: without a GPU, Triton interprets them."""
    cell = make(cell_type, hidden=4)
    if "cpu" in cell.kernels[kernel].devices:
        skip_unless_available(cell, kernel)
    cpu_only = "cpu" in cell.kernels[kernel].devices or not torch.cuda.is_available()
    cell = cell.to(device := "cpu" if cpu_only else "cuda")
    x = inputs(cell, 4, 6).permute(1, 0, 2).to(device)
    assert not x.is_contiguous()
    state, w = cell.initial_state(4), cell.weights()
    hs, _ = cell.kernels[kernel].run(cell, x, state, w)
    torch.testing.assert_close(hs, unroll(cell, x, state, w)[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_auto_takes_the_first_available_kernel(cell_type, device):
    cell = cell_type(*sizes_of(cell_type, 3, 4), cell_type.Options())
    eager, *others = available(cell, device)
    assert eager == "eager"
    assert choose(cell, device, "auto").name == next(iter(others), "eager")


class TwoKernels:
    """A recurrence with a kernel for the CPU and one that never runs."""

    kernels = {
        "broken": Implementation(frozenset({"cpu"}), unroll, lambda _: "it is broken"),
        "quick": Implementation(frozenset({"cpu"}), unroll),
    }


def test_the_choice_of_a_kernel_has_a_reason():
    assert choose(TwoKernels(), "cpu", "auto").name == "quick"
    choice = choose(TwoKernels(), "mps", "auto")
    assert choice.name == "eager"
    assert "quick: it runs on cpu, not on mps" in choice.reason
    assert choose(TwoKernels(), "cpu", "eager").name == "eager"
    assert (
        choose(TwoKernels(), "cpu", "eager").reason == choose(TwoKernels(), "cpu", "quick").reason
    )


class SmallAndLarge:
    """A recurrence with a kernel that is quicker than the other up to four units."""

    def __init__(self, hidden):
        self.hidden = hidden

    kernels = {
        "small": Implementation(
            frozenset({"cpu"}), unroll, slower_for=lambda cell: cell.hidden > 4
        ),
        "any": Implementation(frozenset({"cpu", "mps"}), unroll),
        "more": Implementation(frozenset({"cpu"}), unroll),
    }


def test_auto_takes_a_kernel_that_is_slower_last():
    assert choose(SmallAndLarge(4), "cpu", "auto").name == "small"
    assert choose(SmallAndLarge(5), "cpu", "auto").name == "any"
    assert choose(SmallAndLarge(4), "mps", "auto").name == "any"
    assert choose(SmallAndLarge(5), "cpu", "small").name == "small"


@pytest.mark.parametrize(("hidden", "name"), [(64, "c"), (65, "vendor")])
def test_the_lstm_is_in_c_up_to_a_width(hidden, name):
    cell = Lstm(3, hidden, Lstm.Options())
    skip_unless_available(cell, "c")
    assert choose(cell, "cpu", "auto").name == name


def test_a_requested_kernel_runs_or_raises_an_error_with_the_reason():
    assert choose(TwoKernels(), "cpu", "quick").name == "quick"
    with pytest.raises(KernelError, match="cannot run: it runs on cpu, not on mps"):
        choose(TwoKernels(), "mps", "quick")
    with pytest.raises(KernelError, match="cannot run: it is broken"):
        choose(TwoKernels(), "cpu", "broken")
    with pytest.raises(KernelError, match="did you mean 'quick'"):
        choose(TwoKernels(), "cpu", "qick")
