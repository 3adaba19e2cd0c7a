"""A drive may be a tree of tensors, of which some are the same for the whole batch."""

from typing import NamedTuple

import pytest
import torch

from urnn_bench.kernels.time_loop import iterate_states, stacked, unroll

T, B, H, M = 5, 3, 4, 2


class Parts(NamedTuple):
    """The input's part of a step, and the matrix of each step."""

    u: torch.Tensor
    a: torch.Tensor


class VaryingMatrix:
    """h_t = tanh(A_t h_{t-1} + x_t), A_t = W / t, in a drive of some form."""

    def __init__(self, wrap, unwrap):
        self.wrap, self.unwrap = wrap, unwrap

    def drive(self, x, w):
        t = torch.arange(1, len(x) + 1, dtype=x.dtype)
        return self.wrap(x, w / t.view(-1, 1, 1))

    def step(self, u, state, w):  # noqa: ARG002 - part of the interface
        x, a = self.unwrap(u)
        return (torch.tanh(state[0] @ a.T + x),)


FORMS = {
    "NamedTuple": (Parts, lambda u: (u.u, u.a)),
    "tuple": (lambda x, a: (x, a), lambda u: u),
    "dict": (lambda x, a: {"a": a, "u": x}, lambda u: (u["u"], u["a"])),
    "nested": (lambda x, a: ((x,), {"a": a}), lambda u: (u[0][0], u[1]["a"])),
}


def random(*shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=rng, dtype=torch.float64)


def by_hand(x, h, w):
    found = []
    for t in range(len(x)):
        h = torch.tanh(h @ (w / (t + 1)).T + x[t])
        found.append(h)
    return torch.stack(found)


@pytest.mark.parametrize("form", FORMS)
def test_every_step_is_given_its_part_of_a_tree(form):
    x, h, w = random(T, B, H), random(B, H, seed=1), random(H, H, seed=2).requires_grad_()
    hs, (last,) = unroll(VaryingMatrix(*FORMS[form]), x, (h,), w)
    assert torch.equal(hs, by_hand(x, h, w)) and torch.equal(last, hs[-1])
    gradients = [torch.autograd.grad(out.sum(), w)[0] for out in (hs, by_hand(x, h, w))]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("form", FORMS)
def test_a_stack_computes_the_trees_of_its_models(form):
    x, h, w = random(M, T, B, H), random(M, B, H, seed=1), random(M, H, H, seed=2)
    hs, (last,) = stacked(VaryingMatrix(*FORMS[form]), x, (h,), w)
    for m in range(M):
        torch.testing.assert_close(hs[m], by_hand(x[m], h[m], w[m]))
    assert torch.equal(last, hs[:, -1])


def test_parts_of_different_lengths_are_an_error():
    cell = VaryingMatrix(lambda x, a: (x, a[1:]), lambda u: u)
    with pytest.raises(ValueError, match="shorter"):
        list(iterate_states(cell, random(T, B, H), (random(B, H),), random(H, H)))
