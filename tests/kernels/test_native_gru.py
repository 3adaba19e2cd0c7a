"""The GRU in C: rows of a batch do not meet, and every width and number of rows is exact."""

import pytest
import torch
from conftest import same

from urnn_bench.cells.gru import Gru
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded


def gru(hidden, features=3, dtype=torch.float64):
    with seeded(0, "init"), torch.no_grad():
        cell = Gru(features, hidden, Gru.Options())
        cell.bias_x.uniform_(-1, 1)
        cell.bias_h.uniform_(-1, 1)
    return cell.to(dtype)


def drawn(*shape, dtype=torch.float64):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)


def results(cell, run, x, h0):
    """Return states, and gradients by the input, the first state and the parameters."""
    cell.zero_grad()
    x, h0 = x.detach().clone().requires_grad_(), h0.detach().clone().requires_grad_()
    hs, (last,) = run(cell, x, (h0,), cell.weights())
    (hs.sin().sum() + last.square().sum()).backward()
    return [hs.detach(), x.grad, h0.grad, *(p.grad.clone() for p in cell.parameters())]


def in_c(cell, *arguments):
    return cell.kernels["c"].run(cell, *arguments)


# around the numbers of a vector (8 or 4), of a panel (two) and of a group of rows (12 or 6)
@pytest.mark.parametrize("hidden", [1, 3, 4, 7, 8, 9, 15, 16, 17, 25, 40])
@pytest.mark.parametrize("features", [0, 1, 7, 20])
def test_any_width(hidden, features):
    cell, x, h0 = gru(hidden, features), drawn(6, 5, features), drawn(5, hidden)
    for slow, fast in zip(results(cell, unroll, x, h0), results(cell, in_c, x, h0), strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("rows", [*range(1, 14), 24, 25, 40])
def test_any_number_of_rows_and_threads_to_the_bit(rows):
    """The sums of a row do not depend on the rows beside it, nor on the thread."""
    cell, x, h0 = gru(11), drawn(9, 40, 3)[:, :rows], drawn(40, 11)[:rows]
    slow = results(cell, unroll, x, h0)
    for threads in (1, 2, 3):
        token = THREADS.set(threads)
        fast = results(cell, in_c, x, h0)
        alone = results(cell, in_c, x[:, -1:], h0[-1:])
        THREADS.reset(token)
        for a, b in zip(slow, fast, strict=True):
            torch.testing.assert_close(b, a, rtol=1e-11, atol=1e-11)
        assert same(alone[0], fast[0][:, -1:])
        assert same(alone[1], fast[1][:, -1:]) and same(alone[2], fast[2][-1:])


@pytest.mark.parametrize("steps", [1, 10, 11, 26])
def test_more_places_than_the_gradients_of_matrices_take_at_once(steps):
    """13 rows: 128 places, a strip of gru.c, end within a step."""
    cell, x, h0 = gru(5), drawn(steps, 13, 3), drawn(13, 5)
    for slow, fast in zip(results(cell, unroll, x, h0), results(cell, in_c, x, h0), strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_not_a_number_stays_in_its_row(dtype):
    """Also where the last vector of a row holds units twice."""
    cell, x, h0 = gru(19, dtype=dtype), drawn(7, 14, 3, dtype=dtype), drawn(14, 19, dtype=dtype)
    x[3, 5, 1] = torch.nan
    for slow, fast in zip(results(cell, unroll, x, h0), results(cell, in_c, x, h0), strict=True):
        assert torch.equal(slow.isnan(), fast.isnan())
        assert fast.isnan().any()
    hs, dx, *_ = results(cell, in_c, x, h0)
    others = [row for row in range(14) if row != 5]
    assert bool(hs[:, others].isfinite().all() and dx[:, others].isfinite().all())
    assert bool(hs[3:, 5].isnan().all() and hs[:3, 5].isfinite().all())


def test_states_that_are_not_contiguous():
    cell, x, h0 = gru(6), drawn(4, 3, 5).transpose(1, 2), drawn(6, 5).T
    assert not x.is_contiguous() and not h0.is_contiguous()
    for slow, fast in zip(results(cell, unroll, x, h0), results(cell, in_c, x, h0), strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-11)
