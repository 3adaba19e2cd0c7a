"""The exponential of a matrix and its gradient are torch's, which are slower."""

import pytest
import torch

from urnn_bench.kernels.exponential import exponential


def skew(size, norm, dtype):
    a = torch.randn(size, size, generator=torch.Generator().manual_seed(size), dtype=dtype)
    a = a - a.T
    return (a * norm / torch.linalg.matrix_norm(a, 2)).requires_grad_()


def gradient(function, a):
    g = torch.randn(a.shape, generator=torch.Generator().manual_seed(1), dtype=a.dtype)
    (found,) = torch.autograd.grad(function(a), a, g)
    return found


@pytest.mark.parametrize("size", [1, 2, 17])
@pytest.mark.parametrize("norm", [0.0, 1e-9, 0.1, 1.0, 3.1, 40.0])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-13), (torch.float32, 5e-6)])
def test_it_and_its_gradient_are_torchs(size, norm, dtype, close):
    # a matrix of one row is zero
    a = skew(size, norm, dtype) if size > 1 and norm else torch.zeros(size, size, dtype=dtype)
    a.requires_grad_()
    for found, expected in (
        (exponential(a), torch.linalg.matrix_exp(a)),
        (gradient(exponential, a), gradient(torch.linalg.matrix_exp, a)),
    ):
        # every squaring doubles an error
        scale = max(1.0, norm, float(expected.detach().abs().max()))
        torch.testing.assert_close(found, expected, rtol=0, atol=close * scale)


@pytest.mark.parametrize("norm", [0.3, 3.0, 30.0])
def test_of_a_skew_matrix_it_is_orthogonal(norm):
    q = exponential(skew(16, norm, torch.float64)).detach()
    torch.testing.assert_close(q.T @ q, torch.eye(16, dtype=q.dtype), rtol=0, atol=1e-13)


def test_of_a_symmetric_matrix_it_is_that_of_its_eigenvalues():
    a = torch.diag(torch.tensor([-30.0, 0.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(exponential(a).diag(), a.diag().exp(), rtol=1e-12, atol=1e-20)


def test_what_is_not_finite_stays_so():
    a = torch.full((3, 3), float("nan"))
    assert not exponential(a).isfinite().any()
