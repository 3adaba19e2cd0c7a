"""The paper's RMSprop to the letter, and clipping by type."""

from copy import deepcopy
from itertools import pairwise
from math import inf, sqrt

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from torch._subclasses.fake_tensor import FakeTensorMode

from urnn_bench.engine import optim
from urnn_bench.engine.optim import RmspropPaper
from urnn_bench.run import checkpoint
from urnn_bench.spec.fit import Clip, Optimizer


def steps(gradients, lr=1e-3, decay=0.9, initial=1e-3):
    p = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = RmspropPaper([p], lr, decay, initial)
    path = []
    for g in gradients:
        p.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        path.append(p.item())
    return path


def test_follows_its_definition():
    s, p, expected, gradients = 1e-3, 0.0, [], [0.5, -0.01, 1e-9, 3.0]
    for g in gradients:
        s = 0.9 * s + 0.1 * g * g
        p -= 1e-3 * g / s**0.5
        expected.append(p)
    assert steps(gradients) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop"])
def test_a_state_of_a_cpu_goes_on_on_a_gpu(name):
    """Tensors without content stand for a GPU's; what torch asks of where they lie is real."""
    options = TypeAdapter(Optimizer).validate_python({"name": name})
    param = torch.nn.Parameter(torch.ones(3))
    before = optim.make(options, [param])
    param.grad = torch.ones(3)
    before.step()
    with FakeTensorMode(allow_non_fake_inputs=True):
        there = torch.nn.Parameter(torch.ones(3, device="cuda"))
        after = optim.make(options, [there])
        after.load_state_dict(checkpoint.for_device_of(after, before.state_dict()))
        assert after.state[there]["step"].is_cuda
        there.grad = torch.ones(3, device="cuda")
        after.step()
    back = optim.make(options, [param])
    back.load_state_dict(checkpoint.for_device_of(back, after.state_dict()))
    assert not back.param_groups[0]["capturable"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_no_step_is_longer_than_its_bound(gradients):
    """|step| ≤ lr / √(1 - decay) = √10 lr, whatever the gradients."""
    path = [0.0, *steps(gradients)]
    longest = max(abs(b - a) for a, b in pairwise(path))
    assert longest <= 10**0.5 * 1e-3 * (1 + 1e-9)


def test_vanishing_gradients_still_move_after_a_while():
    """No epsilon: after the accumulator has forgotten its start, a gradient of 1e-20 counts."""
    path = steps([1e-20] * 1200)
    assert abs(path[-1] - path[-2]) == pytest.approx(1e-3, rel=1e-6)


def path_in(dtype, gradients, **options):
    p = torch.nn.Parameter(torch.zeros(1, dtype=dtype))
    optimizer = RmspropPaper([p], 1e-3, 0.9, 1e-3, **options)
    for g in gradients:
        p.grad = torch.tensor([g], dtype=dtype)
        optimizer.step()
    return p.item(), optimizer


OVERFLOWING = [1e20, *[1.0] * 1999]


def test_the_square_of_a_large_gradient_freezes_a_parameter_in_float32():
    """The authors' arithmetic: s is infinite from then on, and every step is g / inf = 0."""
    moved, optimizer = path_in(torch.float32, OVERFLOWING)
    assert moved == 0 and optim.frozen_parameters(optimizer) == 1
    exact, optimizer = path_in(torch.float64, OVERFLOWING)
    assert exact == pytest.approx(-1.16, abs=0.01) and optim.frozen_parameters(optimizer) == 0


def test_the_root_of_a_large_gradient_does_not_overflow():
    exact, _ = path_in(torch.float64, OVERFLOWING)
    moved, optimizer = path_in(torch.float32, OVERFLOWING, accumulator="root")
    assert moved == pytest.approx(exact, rel=1e-3) and optim.frozen_parameters(optimizer) == 0


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=50))
def test_root_and_square_are_the_same_optimizer(gradients):
    expected, _ = path_in(torch.float64, gradients)
    moved, _ = path_in(torch.float64, gradients, accumulator="root")
    assert moved == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", ["rmsprop_paper", "rmsprop", "adam", "adamw", "sgd"])
def test_frozen_parameters_are_counted_for_every_optimizer(name):
    momentum = {"momentum": 0.9} if name == "sgd" else {}
    options = TypeAdapter(Optimizer).validate_python({"name": name, **momentum})
    params = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2, 2))]
    optimizer = optim.make(options, params)
    assert optim.frozen_parameters(optimizer) == 0
    for huge in (1.0, inf):
        for p in params:
            p.grad = torch.ones_like(p)
        params[0].grad[1] = huge
        params[1].grad[0, 0] = huge
        optimizer.step()
        assert optim.frozen_parameters(optimizer) == (2 if huge == inf else 0)


def test_zero_gradients_in_float32_never_give_nan():
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = RmspropPaper([p], 1e-3, 0.9, 1e-3)
    for _ in range(1500):
        p.grad = torch.zeros(3)
        optimizer.step()
    assert torch.equal(p, torch.ones(3))


def test_state_restores_exactly():
    def fresh():
        p = torch.nn.Parameter(torch.ones(3))
        return p, RmspropPaper([p], 1e-2, 0.9, 1e-3)

    p, optimizer = fresh()
    p.grad = torch.tensor([1.0, 2.0, 3.0])
    optimizer.step()
    q, other = fresh()
    q.data.copy_(p.data)
    other.load_state_dict(deepcopy(optimizer.state_dict()))
    q.grad = p.grad.clone()
    optimizer.step()
    other.step()
    assert torch.equal(p, q)


@pytest.mark.parametrize(
    ("options", "first_step"),
    [
        ({"name": "rmsprop_paper"}, lambda g: g / sqrt(0.9 * 1e-3 + 0.1 * g * g)),
        ({"name": "rmsprop"}, lambda g: g / sqrt(0.01 * g * g)),
        ({"name": "adam"}, lambda g: g / abs(g)),
        ({"name": "adamw", "weight_decay": 0.1}, lambda g: g / abs(g) + 0.1 * 2.0),
        ({"name": "sgd", "momentum": 0.9, "nesterov": True}, lambda g: g + 0.9 * g),
    ],
)
def test_the_first_step_is_its_formula(options, first_step):
    """From p = 2 down p², whose gradient is 4."""
    p = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = optim.make(TypeAdapter(Optimizer).validate_python({**options, "lr": 0.01}), [p])
    p.square().sum().backward()
    optimizer.step()
    assert p.item() == pytest.approx(2.0 - 0.01 * first_step(4.0), rel=1e-7)


def test_clipping():
    def clipped(limit):
        p = torch.nn.Parameter(torch.zeros(2))
        p.grad = torch.tensor([3.0, -4.0])
        optim.clip([p], limit)
        return p.grad

    torch.testing.assert_close(clipped(Clip(value=1.0)), torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(clipped(Clip(norm=1.0)), torch.tensor([0.6, -0.8]))
    torch.testing.assert_close(clipped(None), torch.tensor([3.0, -4.0]))
