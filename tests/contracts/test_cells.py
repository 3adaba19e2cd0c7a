"""What every cell of the registry must be, whoever wrote it."""

import pytest
import torch
from torch.autograd import gradcheck

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.time_loop import iterate_states, unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Registry

CELLS = Registry("model", "cells")
T, B, F, H = 5, 3, 2, 6

pytestmark = pytest.mark.parametrize("name", CELLS.names())


def make(name, seed=0, inputs=F, hidden=H):
    kind = CELLS.get(name, Cell)
    with seeded(seed, "init"):
        return kind(inputs, hidden, kind.Options()).double()


def data(seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(T, B, F, generator=rng, dtype=torch.float64)


def perturbed(cell, seed=2):
    """A cell away from its initial values, where zero biases and the like could hide a fault."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in cell.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return cell


def test_shapes_and_types(name):
    cell = make(name)
    w, state = cell.weights(), cell.initial_state(B)
    assert len(state) == len(cell.state_names) and cell.state_names[0] == "h"
    assert state[0].shape == (B, H) and all(s.shape[0] == B and s.ndim == 2 for s in state)
    hs, last = unroll(cell, data(), state, w)
    assert hs.shape == (T, B, H)
    assert [s.shape for s in last] == [s.shape for s in state]
    features = cell.readout_features(hs)
    assert features.shape == (T, B, cell.features) and features.dtype == torch.float64
    assert all(not p.is_complex() for p in cell.parameters())


def test_same_seed_same_cell_and_another_seed_another(name):
    def flat(seed):
        return torch.cat([v.flatten().double() for v in make(name, seed).state_dict().values()])

    assert torch.equal(flat(0), flat(0))
    assert not torch.equal(flat(0), flat(1))


def test_step_is_pure(name):
    cell = perturbed(make(name))
    w, state = cell.weights(), cell.initial_state(B)
    u = cell.drive(data(), w)[0]
    before = [s.clone() for s in state]
    first, second = cell.step(u, state, w), cell.step(u, state, w)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_step_reads_only_its_arguments(name):
    """Two models, stacked and mapped over one cell's step, give what each gives by itself."""
    cells = [perturbed(make(name, seed), seed) for seed in (3, 4)]
    ws = [c.weights() for c in cells]
    us = [c.drive(data(), w)[0] for c, w in zip(cells, ws, strict=True)]
    states = [c.initial_state(B) for c in cells]
    stack = lambda *leaves: torch.stack(leaves)  # noqa: E731
    tree = torch.utils._pytree.tree_map
    both = torch.vmap(cells[0].step)(torch.stack(us), tree(stack, *states), tree(stack, *ws))
    for i, cell in enumerate(cells):
        alone = cell.step(us[i], states[i], ws[i])
        for together, single in zip(both, alone, strict=True):
            torch.testing.assert_close(together[i], single, rtol=1e-12, atol=1e-12)


def test_gradient_equals_finite_differences(name):
    """Of a loss on every step with respect to the input, every parameter and the state."""
    cell = perturbed(make(name))
    names = [n for n, p in cell.named_parameters() if p.requires_grad]
    values = [
        p.detach().clone().requires_grad_() for _, p in cell.named_parameters() if p.requires_grad
    ]

    class Loss(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x):
            hs, last = unroll(cell, x, cell.initial_state(B), cell.weights())
            return cell.readout_features(hs).pow(2).sum() + sum(s.abs().sum() for s in last)

    def loss(x, *parameters):
        replaced = {f"cell.{n}": p for n, p in zip(names, parameters, strict=True)}
        return torch.func.functional_call(Loss(), replaced, (x,))

    assert gradcheck(loss, (data().requires_grad_(), *values), eps=1e-6, atol=1e-6, rtol=1e-5)


def test_every_parameter_matters(name):
    cell = perturbed(make(name))
    hs, _ = unroll(cell, data(), cell.initial_state(B), cell.weights())
    cell.readout_features(hs).pow(2).sum().backward()
    assert all(
        p.grad is not None and p.grad.abs().sum() > 0 for p in cell.parameters() if p.requires_grad
    )


def test_state_dict_round_trip(name):
    cell, other = perturbed(make(name)), make(name, seed=9)
    other.load_state_dict(cell.state_dict())
    one, two = (unroll(c, data(), c.initial_state(B), c.weights())[0] for c in (cell, other))
    assert torch.equal(one, two)


def test_stopping_and_going_on_changes_nothing(name):
    cell = perturbed(make(name))
    if cell.time_varying:
        pytest.skip("its filter counts the steps of what it is given, as its paper's code does")
    w, x = cell.weights(), data()
    hs, last = unroll(cell, x, cell.initial_state(B), w)
    _, middle = unroll(cell, x[:2], cell.initial_state(B), w)
    rest, end = unroll(cell, x[2:], middle, w)
    torch.testing.assert_close(rest, hs[2:], rtol=1e-12, atol=1e-12)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(end, last, strict=True))
    assert len(list(iterate_states(cell, x, middle, w))) == T


def test_builds_without_memory(name):
    with torch.device("meta"):
        kind = CELLS.get(name, Cell)
        cell = kind(F, 1 << 14, kind.Options())
    assert all(p.is_meta for p in cell.parameters())
