"""Recurrent matrices of reservoirs, their spectral radius, and the kernel in C."""

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels import reservoir_matrices
from urnn_bench.kernels.reservoir_matrices import (
    Blocks,
    Cycle,
    Dense,
    Ring,
    Sparse,
    blocks,
    scaled,
    sparse,
    spectral_radius,
)
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components

FORMS = {
    "dense": lambda: Dense(torch.randn(12, 12).double()),
    "sparse": lambda: Sparse(sparse(12, 0.3).columns, sparse(12, 0.3).values.double()),
    "blocks": lambda: Blocks(blocks(3, 4, 0.5).double()),
    "ring": lambda: Ring(blocks(3, 4, 0.5).double(), torch.randn(12).double()),
}


def make(name, hidden=40, inputs=3, **options):
    kind = Components().cells.get(name, Cell)
    with seeded(0, "init"):
        return kind(inputs, hidden, kind.Options(**options)).double()


def largest(matrix):
    return float(torch.linalg.eigvals(matrix).abs().max())


@pytest.mark.parametrize("name", FORMS)
def test_a_product_is_that_of_the_matrix_written_out(name):
    with seeded(0, "init"):
        form = FORMS[name]()
    h = torch.randn(5, 12, dtype=torch.float64)
    torch.testing.assert_close(form.product(h), h @ form.matrix().T)


def test_a_cycle_passes_every_unit_on_to_the_next():
    h = torch.arange(4.0)[None]
    assert torch.equal(Cycle(torch.tensor(0.5)).product(h), torch.tensor([[1.5, 0, 0.5, 1]]))


def test_a_reservoir_of_a_ring_sees_itself_and_the_one_before_alone():
    with seeded(0, "init"):
        matrix = FORMS["ring"]().matrix().view(3, 4, 3, 4)
    for k in range(3):
        link = matrix[k, :, (k - 1) % 3]
        assert link.diagonal().all() and not (link - torch.diag(link.diagonal())).any()
        assert matrix[k, :, k].any() and not matrix[k, :, (k + 1) % 3].any()


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("radius", [0.5, 1.2])
def test_a_matrix_is_scaled_to_its_spectral_radius(name, radius):
    with seeded(0, "init"):
        form = FORMS[name]()
    numbers = [t if t.dtype == torch.int32 else scaled(form, t, radius) for t in form]
    assert largest(type(form)(*numbers).matrix()) == pytest.approx(radius, rel=1e-9)


@pytest.mark.parametrize("density", [0.02, 0.5])
def test_the_iterative_solver_finds_what_the_full_problem_has(density, monkeypatch):
    with seeded(0, "init"):
        form = sparse(300, density)
    exact = largest(form.matrix().double())
    monkeypatch.setattr(reservoir_matrices, "LARGEST_FULL_PROBLEM", 299)
    for other in (form, Dense(form.matrix())):
        assert float(spectral_radius(other)) == pytest.approx(exact, rel=1e-6)


def test_the_iterative_solver_finds_the_radius_of_a_ring(monkeypatch):
    with seeded(0, "init"):
        form = Ring(blocks(3, 100, 0.5), torch.randn(300))
    monkeypatch.setattr(reservoir_matrices, "LARGEST_FULL_PROBLEM", 299)
    exact = largest(form.matrix().double())
    assert float(spectral_radius(form)) == pytest.approx(exact, rel=1e-6)


def test_a_matrix_of_one_entry_a_row_has_the_radius_of_its_cycles():
    # ARPACK returns what is none of its eigenvalues, or takes minutes
    form = Sparse(torch.arange(1500).sub(1).clamp(min=0)[:, None].int(), torch.full((1500, 1), 0.9))
    form.values[0] = -0.01
    assert float(spectral_radius(form)) == pytest.approx(0.01, rel=1e-6)


CELLS = [
    ("esn", {"storage": "dense", "leak": 0.3}),
    ("esn", {"storage": "sparse", "density": 0.3}),
    ("parallel_esn", {"bias_scaling": 0.5}),
    ("mring_esn", {"leak": 0.5}),
    ("ring_esn", {"spectral_radius": 0.8}),
    ("esn", {"activation": "relu"}),
    ("mring_esn", {"activation": "identity", "leak": 0.9}),
]


@pytest.mark.parametrize("batch", [1, 21])
@pytest.mark.parametrize(("name", "options"), CELLS)
def test_the_c_code_computes_the_time_loop(name, options, batch):
    cell = make(name, 28, **options)
    kernel = cell.kernels["c"]
    if reason := kernel.unavailable_reason(cell, "cpu"):
        pytest.skip(reason)
    x, first = torch.randn(2, 17, batch, 3).double(), (torch.rand(batch, 28).double(),)
    for part in x:
        expected, state = unroll(cell, part, first, cell.weights())
        found, (last,) = kernel.run(cell, part, first, cell.weights())
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
        assert torch.equal(last, found[-1])
        assert torch.equal(kernel.last_state(cell, part, first, cell.weights())[0], last)
        first = state


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_the_c_code_loses_no_digits_where_a_state_falls(activation):
    cell = make("ring_esn", 12, 1, activation=activation)
    kernel = cell.kernels["c"]
    if reason := kernel.unavailable_reason(cell, "cpu"):
        pytest.skip(reason)
    cell.w_x.fill_(1)
    cell.link.fill_(1e-9)
    x = torch.tensor([1e9, 1.0, 1.0, 1e-9], dtype=torch.float64).view(4, 1, 1)
    expected, _ = unroll(cell, x, cell.initial_state(1), cell.weights())
    found, _ = kernel.run(cell, x, cell.initial_state(1), cell.weights())
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)


def test_a_gradient_goes_through_the_time_loop():
    cell = make("mring_esn")
    x = torch.randn(6, 2, 3, dtype=torch.float64, requires_grad=True)
    state = cell.initial_state(2)
    kernel = cell.kernels["c"]
    if reason := kernel.unavailable_reason(cell, "cpu"):
        pytest.skip(reason)
    loss = [run(x)[0].square().sum() for run in _runs(cell, kernel, state)]
    expected, found = (torch.autograd.grad(value, x)[0] for value in loss)
    assert torch.equal(expected, found) and expected.any()


def _runs(cell, kernel, state):
    w = cell.weights()
    return lambda x: unroll(cell, x, state, w), lambda x: kernel.run(cell, x, state, w)
