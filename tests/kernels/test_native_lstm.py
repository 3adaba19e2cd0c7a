"""The LSTM in C: rows of a batch do not meet, and every width and number of rows is exact."""

import pytest
import torch
from conftest import same

from urnn_bench.cells.lstm import Lstm
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded


def lstm(hidden, features=3, dtype=torch.float64):
    with seeded(0, "init"), torch.no_grad():
        cell = Lstm(features, hidden, Lstm.Options())
        cell.bias.uniform_(-1, 1)
    return cell.to(dtype)


def drawn(*shape, dtype=torch.float64):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)


def results(cell, run, x, *state):
    """Return states, and gradients by the input, the first state and the parameters."""
    cell.zero_grad()
    x, *state = (t.detach().clone().requires_grad_() for t in (x, *state))
    hs, (h, c) = run(cell, x, tuple(state), cell.weights())
    (hs.sin().sum() + h.square().sum() + c.cos().sum()).backward()
    gradients = [x.grad, *(s.grad for s in state), *(p.grad.clone() for p in cell.parameters())]
    return [hs.detach(), c.detach(), *gradients]


def in_c(cell, *arguments):
    return cell.kernels["c"].run(cell, *arguments)


def check(cell, *arguments):
    fast, slow = results(cell, in_c, *arguments), results(cell, unroll, *arguments)
    torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-11)
    return fast


# around the numbers of a vector (8 or 4), also in all four gates, and of a panel (two)
@pytest.mark.parametrize("hidden", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 25, 40])
@pytest.mark.parametrize("features", [0, 1, 7, 20])
def test_any_width(hidden, features):
    check(lstm(hidden, features), drawn(6, 5, features), drawn(5, hidden), drawn(5, hidden))


# around a group of rows (12 or 6), and more groups than there are parts of a batch
@pytest.mark.parametrize("rows", [*range(1, 15), 24, 25, 40, 130, 250])
def test_any_number_of_rows_and_threads_to_the_bit(rows):
    """The sums of a row do not depend on the rows beside it, nor any on the threads."""
    cell = lstm(11)
    x, h0, c0 = drawn(9, 250, 3)[:, :rows], drawn(250, 11)[:rows], drawn(250, 11)[-rows:]
    found = []
    for threads in (1, 2, 3):
        token = THREADS.set(threads)
        found.append(check(cell, x, h0, c0))
        THREADS.reset(token)
    for fast in found[1:]:
        assert all(same(a, b) for a, b in zip(found[0], fast, strict=True))
    hs, c, dx, dh0, dc0 = results(cell, in_c, x[:, -1:], h0[-1:], c0[-1:])[:5]
    assert same(hs, found[0][0][:, -1:]) and same(dx, found[0][2][:, -1:])
    pairs = zip((c, dh0, dc0), (found[0][i] for i in (1, 3, 4)), strict=True)
    assert all(same(alone, together[-1:]) for alone, together in pairs)


@pytest.mark.parametrize("steps", [1, 2, 18, 19, 36, 37, 55])
def test_more_places_than_the_gradients_of_matrices_take_at_once(steps):
    """13 rows in two parts: a strip of 128 places is 18 steps of the larger one."""
    check(lstm(5), drawn(steps, 13, 3), drawn(13, 5), drawn(13, 5))


@pytest.mark.parametrize("hidden", [2, 19])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_not_a_number_stays_in_its_row(dtype, hidden):
    """Also where the last vector of a row holds units twice."""
    cell, x = lstm(hidden, dtype=dtype), drawn(7, 14, 3, dtype=dtype)
    state = drawn(14, hidden, dtype=dtype), drawn(14, hidden, dtype=dtype)
    x[3, 5, 1] = torch.nan
    fast = results(cell, in_c, x, *state)
    for slow, found in zip(results(cell, unroll, x, *state), fast, strict=True):
        assert torch.equal(slow.isnan(), found.isnan())
    hs, _, dx, *_ = fast
    others = [row for row in range(14) if row != 5]
    assert bool(hs[:, others].isfinite().all() and dx[:, others].isfinite().all())
    assert bool(hs[3:, 5].isnan().all() and hs[:3, 5].isfinite().all())


def test_states_that_are_not_contiguous():
    x, h0, c0 = drawn(4, 3, 5).transpose(1, 2), drawn(6, 5).T, drawn(1, 6).expand(5, 6)
    assert not (x.is_contiguous() or h0.is_contiguous() or c0.is_contiguous())
    check(lstm(6), x, h0, c0)


def test_one_of_the_results_alone_has_a_gradient():
    """autograd gives the others' as zeros that are not in memory one by one."""
    cell, x, zero = lstm(6), drawn(4, 5, 3), drawn(5, 6)
    for pick in (lambda hs, _: hs[1], lambda _, last: last[0], lambda _, last: last[1]):
        found = []
        for run in (unroll, in_c):
            loss = pick(*run(cell, x, (zero, zero), cell.weights())).square().sum()
            found.append(torch.autograd.grad(loss, list(cell.parameters())))
        torch.testing.assert_close(*found, rtol=1e-11, atol=1e-11)


def test_without_gradients_states_are_the_same():
    cell, x, h0, c0 = lstm(11), drawn(7, 30, 3), drawn(30, 11), drawn(30, 11)
    with torch.no_grad():
        hs, (_, c) = in_c(cell, x, (h0, c0), cell.weights())
    kept = results(cell, in_c, x, h0, c0)
    assert torch.equal(hs, kept[0]) and torch.equal(c, kept[1])


def test_a_forward_pass_serves_two_backward_passes():
    cell, x, zero = lstm(6), drawn(4, 5, 3), drawn(5, 6)
    hs, _ = in_c(cell, x, (zero, zero), cell.weights())
    both = [
        torch.autograd.grad(hs.sum(), list(cell.parameters()), retain_graph=True) for _ in range(2)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*both, strict=True))
