"""Invariants of the uRNN: W is unitary, its adjoint its inverse, modReLU keeps the phase."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from urnn_bench.cells.urnn import Urnn, UrnnOptions
from urnn_bench.kernels.unitary import apply, apply_adjoint, modrelu
from urnn_bench.random_streams import seeded


def cell(hidden=16, dtype=torch.float64, seed=0, **options):
    with seeded(seed, "init"):
        return Urnn(3, hidden, UrnnOptions(**options)).to(dtype)


def states(batch, hidden, dtype=torch.complex128, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(batch, hidden, generator=rng, dtype=dtype)


@pytest.mark.parametrize("hidden", [1, 2, 7, 128, 512])
@torch.no_grad()
def test_recurrent_map_keeps_norms(hidden):
    w = cell(hidden, torch.float32).weights().factors
    h = states(20, hidden, torch.complex64)
    before = h.abs().double().norm(dim=1)
    after = apply(w, h).abs().double().norm(dim=1)
    assert float((after / before - 1).abs().max()) < 1e-6


@torch.no_grad()
def test_recurrent_matrix_is_unitary():
    w = cell(512, torch.float32).weights().factors
    matrix = apply(w, torch.eye(512, dtype=torch.complex64))
    gram = matrix @ matrix.conj().T
    assert float((gram - torch.eye(512)).abs().max()) < 2e-6


@settings(max_examples=25, deadline=None)
@given(hidden=st.integers(1, 40), seed=st.integers(0, 1000))
def test_adjoint_is_inverse(hidden, seed):
    w = cell(hidden, seed=seed).weights().factors
    h, g = states(3, hidden, seed=seed), states(3, hidden, seed=seed + 1)
    torch.testing.assert_close(apply_adjoint(w, apply(w, h)), h, rtol=1e-12, atol=1e-12)
    one = (apply(w, h) * g.conj()).sum()
    other = (h * apply_adjoint(w, g).conj()).sum()
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-11)


def test_map_is_the_product_of_its_factors():
    """W = D3 R2 F⁻¹ D2 Π R1 F D1, as matrices written out; equation 6 of the paper."""
    n = 8
    w = cell(n).weights().factors
    k = torch.arange(n, dtype=torch.float64)
    fourier = torch.polar(torch.ones(n, n, dtype=torch.float64), -2 * torch.pi * k.outer(k) / n)
    fourier = fourier / n**0.5
    eye = torch.eye(n, dtype=torch.complex128)

    def mirror(v):
        return eye - 2 * v.outer(v.conj()) / (v.conj() @ v)

    factors = [
        w.d3.diag(),
        mirror(w.r2),
        fourier.conj().T,
        w.d2.diag(),
        eye[w.permutation],
        mirror(w.r1),
        fourier,
        w.d1.diag(),
    ]
    matrix = torch.linalg.multi_dot(factors)
    h = states(2, n)
    torch.testing.assert_close(apply(w, h), h @ matrix.T, rtol=1e-12, atol=1e-12)


def test_modrelu_keeps_the_phase_and_shifts_the_size():
    z = torch.tensor([3 + 4j, 0.3 - 0.4j, -1 + 0j], dtype=torch.complex128)
    bias = torch.tensor([-1.0, -1.0, 0.5], dtype=torch.float64)
    expected = torch.tensor([(3 + 4j) * 4 / 5, 0, -1.5], dtype=torch.complex128)
    torch.testing.assert_close(modrelu(z, bias, 0.0), expected)
    shrunk = modrelu(z, torch.zeros(3, dtype=torch.float64), 1e-5)
    assert bool((shrunk.abs() < z.abs()).all())


@pytest.mark.parametrize("eps", [0.0, 1e-5])
@pytest.mark.parametrize("bias", [-0.1, 0.0, 0.1])
def test_modrelu_at_zero_has_a_finite_gradient(bias, eps):
    z = torch.zeros(4, dtype=torch.complex128, requires_grad=True)
    b = torch.full((4,), bias, dtype=torch.float64, requires_grad=True)
    h = modrelu(z, b, eps)
    h.abs().sum().backward()
    assert bool((h == 0).all())
    assert bool(z.grad.isfinite().all()) and bool(b.grad.isfinite().all())


def test_gradient_norm_neither_vanishes_nor_explodes_with_zero_bias():
    """With b = 0 modReLU is the identity, so 500 steps back the gradient has its first norm."""
    net = cell(32)
    h0 = states(1, 32).requires_grad_()
    w, h = net.weights(), h0
    for _ in range(500):
        h = modrelu(apply(w.factors, h), w.bias, 0.0)
    g = states(1, 32, seed=3)
    (gradient,) = torch.autograd.grad(h, h0, g)
    torch.testing.assert_close(gradient.norm(), g.norm(), rtol=1e-10, atol=0)


def test_variants_fill_what_is_not_given():
    paper, code = UrnnOptions(), UrnnOptions(variant="code")
    assert (paper.bias_bound, paper.eps, paper.mirror_init) == (0.0, 0.0, "uniform")
    assert (code.bias_bound, code.eps, code.mirror_init) == (0.01, 1e-5, "glorot")
    mixed = UrnnOptions(variant="code", eps=0.0)
    assert mixed.eps == 0.0 and mixed.bias_bound == 0.01


def test_initial_values_lie_where_the_paper_puts_them():
    net = cell(4096, variant="paper")
    assert float(net.bias.detach().abs().max()) == 0.0
    assert 3.0 < float(net.phases.detach().abs().max()) <= torch.pi
    assert 0.99 < float(net.mirrors.detach().abs().max()) <= 1.0
    assert float(net.h0.detach().square().sum()) == pytest.approx(1.0, rel=0.05)  # E|h_0|² = 1
    assert sorted(net.permutation.tolist()) == list(range(4096))
    code = cell(4096, variant="code")
    assert 0.009 < float(code.bias.detach().abs().max()) <= 0.01
