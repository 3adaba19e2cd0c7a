"""Orthogonal networks: the matrix is orthogonal, whatever happens to its parameters."""

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.cells.dtriv import reorthogonalise
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.kernels.choose import choose
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components, Registry
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

CELLS = Registry("model", "cells")
NAMES = ["exprnn", "dtriv", "dtriv_released"]


def make(name, hidden=7, **options):
    kind = CELLS.get(name, Cell)
    with seeded(0, "init"):
        return kind(3, hidden, kind.Options(**options)).double()


def turned(cell):
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        cell.skew += torch.randn(cell.skew.shape, generator=rng).double()
    return cell


def off(matrix):
    matrix = matrix.detach()
    return float((matrix.T @ matrix - torch.eye(len(matrix), dtype=matrix.dtype)).abs().max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", ["cayley", "henaff"])
def test_the_matrix_is_orthogonal_and_starts_as_rotations_of_planes(name, start):
    cell = make(name, start=start)
    b = cell.weights().rotation.detach()
    assert off(b) < 1e-13 and off(turned(cell).weights().rotation) < 1e-13
    blocks = torch.block_diag(*(torch.ones(2, 2) for _ in range(3)), torch.ones(1, 1))
    assert float((b * (1 - blocks)).abs().max()) < 1e-15 and float(b[6, 6]) == pytest.approx(1)
    angles = torch.atan2(b[0:6:2, 1:6:2].diag(), b[0:6:2, 0:6:2].diag())
    assert float(angles.abs().min()) > 0
    if start == "cayley":
        assert float(angles.max()) <= 0 and float(angles.min()) >= -1


@pytest.mark.parametrize("name", NAMES)
def test_only_the_upper_triangle_is_learned(name):
    cell = make(name)
    assert sum(p.numel() for p in cell.parameters()) == 7 * 6 // 2 + 7 * 3 + 7
    assert [p.shape for p in cell.orthogonal_parameters()] == [(21,)]


@pytest.mark.parametrize("name", NAMES)
def test_the_norm_is_kept_without_input_and_bias(name):
    cell = make(name, bias_bound=0.0)
    h = torch.randn(5, 7, generator=torch.Generator().manual_seed(2)).double()
    w = cell.weights()
    (after,) = cell.step(torch.zeros(5, 7).double(), (h,), w)
    torch.testing.assert_close(after.norm(dim=1), h.norm(dim=1), rtol=1e-13, atol=1e-13)


def test_moving_the_base_leaves_the_matrix_where_it_is():
    cell = turned(make("dtriv", rebase_every=2))
    before, skew = cell.weights().rotation.detach().clone(), cell.skew.detach().clone()
    cell.on_update_end(1)
    assert torch.equal(cell.skew, skew)
    cell.on_update_end(2)
    assert not cell.skew.any()
    torch.testing.assert_close(cell.weights().rotation, before, rtol=1e-13, atol=1e-13)


def distance(rotation):
    """A loss of the orthogonal matrix that is not linear in it."""
    target = torch.linspace(-1, 1, 49, dtype=torch.float64).reshape(7, 7)
    return (rotation - target).pow(4).sum()


def as_released(cell, every, updates, lr):
    """Return B after each update, the base moving between the gradient and the step."""
    base, a, matrices = reorthogonalise(cell.base).clone(), torch.zeros_like(cell.skew), []
    rows, columns = cell.upper
    for update in range(1, updates + 1):
        a = a.detach().requires_grad_()
        skew = torch.zeros(7, 7, dtype=torch.float64).index_put((rows, columns), a)
        rotation = base @ torch.matrix_exp(skew - skew.T)
        matrices.append(rotation.detach())
        distance(rotation).backward()
        gradient = a.grad
        if update % every == 0:
            base, a = rotation.detach(), torch.zeros_like(a)
        a = a.detach() - lr * gradient
    return matrices


def as_trained(cell, updates, lr):
    matrices = []
    optimizer = torch.optim.SGD([cell.skew], lr)
    for update in range(1, updates + 1):
        rotation = cell.weights().rotation
        matrices.append(rotation.detach())
        optimizer.zero_grad()
        distance(rotation).backward()
        optimizer.step()
        cell.on_update_end(update)
    return matrices


@pytest.mark.parametrize("every", [1, 3])
def test_the_released_order_takes_the_gradient_before_the_base_moves(every):
    expected = as_released(make("dtriv_released", rebase_every=every), every, 8, 0.02)
    found = as_trained(make("dtriv_released", rebase_every=every), 8, 0.02)
    papers = as_trained(make("dtriv", rebase_every=every), 8, 0.02)
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-11)
    assert (
        max(float((one - two).abs().max()) for one, two in zip(papers, expected, strict=True))
        > 1e-4
    )


def test_without_moves_it_is_the_exponential_at_a_fixed_base():
    cell = turned(make("dtriv", rebase_every=None))
    base = cell.base.clone()
    for step in range(1, 301):
        cell.on_update_end(step)
    assert torch.equal(cell.base, base) and cell.skew.any()


def test_a_base_that_has_drifted_is_straightened():
    cell = make("dtriv", rebase_every=1)
    whole = reorthogonalise(cell.base)
    cell.base += 1e-5 * torch.randn(7, 7, generator=torch.Generator().manual_seed(3)).double()
    assert off(cell.base) > 1e-5
    for step, expected in enumerate((1e-8, 1e-15), 1):
        cell.on_update_end(step)
        assert off(cell.base) < expected
    # to the nearest orthogonal matrix, not to another one
    assert float((cell.base - whole).abs().max()) < 1e-4


def job(name, steps=5, options=None, **fit):
    run = Run(
        benchmark="b",
        label=name,
        task=ComponentSpec(name="adding", options={"T": 6}),
        hidden=8,
        seed=0,
        cell=ComponentSpec(name=name, options=options or {}),
        fit=Fit(steps=steps, batch=4, **fit),
    )
    return build.job_of(Components(), run, Backend("cpu", "auto"))[0]


def test_a_step_is_a_rotation_an_input_and_modrelu():
    cell = make("exprnn")
    with torch.no_grad():
        cell.bias += torch.linspace(-1, 1, 7).double()
    h, x = (torch.randn(5, n, generator=torch.Generator().manual_seed(n)).double() for n in (7, 3))
    w = cell.weights()
    (after,) = cell.step(cell.drive(x.unsqueeze(0), w)[0], (h,), w)
    z = h @ torch.linalg.matrix_exp(skew_of(cell)) + x @ cell.w_x.T
    torch.testing.assert_close(after, z.sign() * torch.relu(z.abs() + cell.bias))


def skew_of(cell):
    upper = torch.zeros(7, 7).double()
    upper[tuple(torch.triu_indices(7, 7, 1))] = cell.skew
    return upper - upper.T


@pytest.mark.parametrize(
    ("name", "options", "decays", "step"),
    [
        ("momentum_dtriv", {"momentum": 0.7, "step_size": 0.3}, [0.7] * 5, 0.3),
        ("momentum_rnn", {"momentum": 0.7, "step_size": 0.3, "input_bias": False}, [0.7] * 5, 0.3),
        ("momentum_urnn", {"momentum": 0.7, "step_size": 0.3}, [0.7] * 5, 0.3),
        ("sr_dtriv", {"restart": 2, "step_size": 0.3}, [0, 0.25, 0, 0.25, 0], 0.3),
    ],
)
def test_filters_before_other_cells_are_written_out(name, options, decays, step):
    cell = make(name, **options)
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(4)).double()
    *state, _ = cell.initial_state(2)
    w, v, found = cell.weights(), 0, []
    for a, each in zip(decays, cell.plain.drive(x, w), strict=True):
        v = a * v + step * each
        state = cell.plain.step(v, tuple(state), w)
        found.append(state[0])
    hs, _ = choose(cell, "cpu", "scan").run(x, cell.initial_state(2), w)
    torch.testing.assert_close(hs, torch.stack(found), rtol=1e-12, atol=1e-12)


def test_adams_filter_before_dtriv_is_written_out():
    cell = make("adam_dtriv", momentum=0.7, step_size=0.3, beta=0.4, stabiliser=1e-4)
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(4)).double()
    w, v, s, h = cell.weights(), 0, 0, torch.zeros(2, 7).double()
    for g in x @ cell.plain.w_x.T:
        v, s = 0.7 * v + 0.3 * g, 0.4 * s + 0.6 * g**2
        (h,) = cell.plain.step(v / (s + 1e-4) ** 0.5, (h,), w)
    hs, _ = choose(cell, "cpu", "scan").run(x, cell.initial_state(2), w)
    torch.testing.assert_close(hs[-1], h, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["dtriv", "momentum_dtriv"])
def test_training_moves_the_base_when_it_is_time_and_stays_orthogonal(name):
    for steps in (4, 5):
        made = job(name, steps, {"rebase_every": 2}, dtype="float64")
        for _ in train_run(made, TrainState()):
            pass
        cell = made.model.cell if name == "dtriv" else made.model.cell.plain
        assert bool(cell.skew.any()) == (steps == 5)
        assert off(cell.weights().rotation) < 1e-13


def test_orthogonal_matrices_have_a_learning_rate_of_their_own():
    def moved(**fit):
        made = job("exprnn", steps=1, **fit)
        cell = made.model.cell
        before = cell.skew.detach().clone(), cell.w_x.detach().clone()
        for _ in train_run(made, TrainState()):
            pass
        return [
            float((a - b.detach()).abs().max())
            for a, b in zip(before, (cell.skew, cell.w_x), strict=True)
        ]

    (skew, w_x), (slow, same) = moved(), moved(orthogonal_lr=1e-6)
    assert slow < 1e-2 * skew and same == w_x > 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dtriv", {"rebase_every": 0}),
        ("exprnn", {"start": "henaf"}),
        ("exprnn", {"bias_bound": -1.0}),
    ],
)
def test_options_that_cannot_be_are_refused(name, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        CELLS.get(name, Cell).Options(**options)
